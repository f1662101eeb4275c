/* Hashes and counter-based random numbers: the same on every machine and in every run. */
#ifndef SKL_INCREC_HASH_H
#define SKL_INCREC_HASH_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

/* the finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection of 64-bit words */
SKL_INLINE uint64_t skl_mix(uint64_t z)
{
    z += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* bytes, eight at a time; the length is part of the hash, so trailing zeros count */
SKL_INLINE uint64_t skl_hash_bytes(const char *s, size_t n, uint64_t tag)
{
    uint64_t h = skl_mix(tag ^ (uint64_t)n);
    for (; n >= 8; s += 8, n -= 8) {
        uint64_t v = 0;
        for (int j = 7; j >= 0; j--) v = v << 8 | (unsigned char)s[j]; /* any byte order */
        h = skl_mix(h ^ v);
    }
    uint64_t v = 0;
    for (size_t j = n; j > 0; j--) v = v << 8 | (unsigned char)s[j - 1];
    return skl_mix(h ^ v);
}

enum { SKL_NORMAL = 0, SKL_UNIFORM = 1 };

/* The start of a row: k numbers of mean 0 and standard deviation `scale`, a function of
 * (seed, side, hash of the id) alone, so that the order of arrival does not matter.  Four numbers
 * come from each word; a normal one is read off a table of the quantiles of its 4096 equal parts. */
SKL_INLINE void skl_row_start(float *p, int k, ptrdiff_t stride, float scale, int kind,
                              const float *quantiles, uint64_t seed, uint64_t side, uint64_t hash)
{
    const uint64_t base = skl_mix(skl_mix(seed ^ (side << 56)) ^ hash);
    const float wide = scale * 3.4641016f / 65536.0f;
    for (int f = 0; f < k; f += 4) {
        uint64_t word = skl_mix(base + (uint64_t)f);
        const int last = f + 4 < k ? f + 4 : k;
        for (int g = f; g < last; g++, word >>= 16) {
            const int v = (int)(word & 0xFFFF);
            p[g] = kind == SKL_UNIFORM ? wide * ((float)v - 32767.5f) : scale * quantiles[v >> 4];
        }
    }
    for (ptrdiff_t f = k; f < stride; f++) p[f] = 0.0f;
}
#endif
