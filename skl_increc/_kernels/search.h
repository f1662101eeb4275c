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

/* the last place of `what` in x[0..n), or -1; many at a time, then sixteen, from the end */
SKL_CLONES
static ptrdiff_t skl_find_last(const int32_t *x, ptrdiff_t n, int32_t what)
{
    while (n >= 64) {
        int any = 0;
#pragma omp simd reduction(| : any)
        for (int j = 0; j < 64; j++) any |= x[n - 64 + j] == what;
        if (any) break;
        n -= 64;
    }
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

/* Lists as `_state/_lists` keeps them: a head is the unit where the block begins, and length << 5 | class + 1 (0: no
 * block); a shape, of each class, is room, words of the filter, and where items and values begin. */
enum { SKL_LIST_UNIT = 16 };

typedef struct {
    const char *base;
    const uint32_t *heads;   /* two numbers each */
    const int32_t *shapes;   /* four numbers each */
    ptrdiff_t n;
} skl_lists;

/* the place of a number in list u, or -1 */
SKL_INLINE ptrdiff_t skl_list_find(const skl_lists *l, ptrdiff_t u, int32_t what)
{
    const uint32_t *head = l->heads + 2 * u;
    const ptrdiff_t length = head[1] >> 5;
    if (!length) return -1;
    const int32_t *shape = l->shapes + 4 * ((head[1] & 31) - 1);
    const char *block = l->base + (ptrdiff_t)head[0] * SKL_LIST_UNIT;
    if (shape[1]) {
        const uint64_t h = skl_filter_hash(what), bits = skl_filter_bits(h);
        if ((((const uint64_t *)(const void *)block)[skl_filter_word(h, (size_t)shape[1])] & bits) != bits) return -1;
    }
    return skl_find((const int32_t *)(const void *)(block + shape[2]), length, what);
}

/* bring on its way what that will look at first, once the head is there */
SKL_INLINE void skl_list_fetch(const skl_lists *l, ptrdiff_t u, int32_t what)
{
    const uint32_t *head = l->heads + 2 * u;
    if (head[1] >> 5 == 0) return;
    const int32_t *shape = l->shapes + 4 * ((head[1] & 31) - 1);
    const char *block = l->base + (ptrdiff_t)head[0] * SKL_LIST_UNIT;
    SKL_PREFETCH(shape[1] ? block + 8 * skl_filter_word(skl_filter_hash(what), (size_t)shape[1]) : block + shape[2]);
}
#endif
