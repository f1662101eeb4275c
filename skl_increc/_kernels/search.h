/* Where a number stands in an unsorted list, and whether it can be there at all. */
#ifndef SKL_INCREC_SEARCH_H
#define SKL_INCREC_SEARCH_H
#include <stddef.h>
#include <stdint.h>
#include "simd.h"
#if defined(__SSE2__) && !defined(SKL_INCREC_NO_CLONES)
#include <emmintrin.h>
#endif

/* the place of `what` in a short list x[0..n) without repeats, or -1; x has room for whole fours */
SKL_INLINE ptrdiff_t skl_find_short(const int32_t *x, ptrdiff_t n, int32_t what)
{
    for (ptrdiff_t j = 0; j < n; j += 4) {
#if defined(__SSE2__) && !defined(SKL_INCREC_NO_CLONES)
        const __m128i four = _mm_loadu_si128((const __m128i *)(const void *)(x + j));
        const int hit = _mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(four, _mm_set1_epi32(what))));
#else
        const int hit = (x[j] == what) | (x[j + 1] == what) << 1 | (x[j + 2] == what) << 2
                        | (x[j + 3] == what) << 3;
#endif
        if (hit) {
            const ptrdiff_t at = j + (hit & 1 ? 0 : hit & 2 ? 1 : hit & 4 ? 2 : 3);
            if (at < n) return at; /* beyond n stands what was there before */
        }
    }
    return -1;
}

/* the last place of `what` in x[0..n), or -1; sixteen at a time, from the end */
SKL_CLONES
static ptrdiff_t skl_find_last(const int32_t *x, ptrdiff_t n, int32_t what)
{
    while (n >= 16) {
        int any = 0;
#pragma omp simd reduction(| : any)
        for (int j = 0; j < 16; j++) any |= x[n - 16 + j] == what;
        if (any) break;
        n -= 16;
    }
    while (n > 0)
        if (x[--n] == what) return n;
    return -1;
}

SKL_INLINE ptrdiff_t skl_find(const int32_t *x, ptrdiff_t n, int32_t what)
{
    return n <= 32 ? skl_find_short(x, n, what) : skl_find_last(x, n, what);
}

/* A filter says "not there" or "perhaps": each number sets three bits of one word (Bloom, 1970; one
 * word, so that a question costs one cache line: Putze, Sanders and Singler, 2009). */
SKL_INLINE uint64_t skl_filter_hash(int32_t what)
{
    uint64_t h = (uint64_t)(uint32_t)what * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 32;
    return h * UINT64_C(0xD6E8FEB86659FD93);
}

SKL_INLINE uint64_t skl_filter_bits(uint64_t h)
{
    return UINT64_C(1) << (h >> 58) | UINT64_C(1) << (h >> 52 & 63) | UINT64_C(1) << (h >> 46 & 63);
}

/* of so many words, a power of two, the one that belongs to a number */
SKL_INLINE size_t skl_filter_word(uint64_t h, size_t words) { return (size_t)(h >> 18) & (words - 1); }
#endif
