/* Hashes and counter-based random numbers: the same on every machine and in every run. */
#ifndef SKL_INCREC_HASH_H
#define SKL_INCREC_HASH_H
#include <math.h>
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

/* a number in (0, 1) from the top 53 bits: never 0, so that its logarithm is finite */
SKL_INLINE double skl_unit(uint64_t h)
{
    return ((double)(h >> 11) + 0.5) * (1.0 / 9007199254740992.0);
}

enum { SKL_NORMAL = 0, SKL_UNIFORM = 1 };

/* The start of a row: k numbers of mean 0 and standard deviation `scale`, a function of
 * (seed, side, hash of the id) alone, so that the order of arrival does not matter. */
SKL_INLINE void skl_row_start(float *p, int k, ptrdiff_t stride, double scale, int kind,
                              uint64_t seed, uint64_t side, uint64_t hash)
{
    const uint64_t base = skl_mix(skl_mix(seed ^ (side << 56)) ^ hash);
    for (int f = 0; f < k; f++) {
        const double a = skl_unit(skl_mix(base + 2 * (uint64_t)f));
        if (kind == SKL_UNIFORM) {
            p[f] = (float)(scale * 3.4641016151377544 * (a - 0.5));
        } else {
            const double b = skl_unit(skl_mix(base + 2 * (uint64_t)f + 1));
            p[f] = (float)(scale * sqrt(-2.0 * log(a)) * cos(6.283185307179586 * b));
        }
    }
    for (ptrdiff_t f = k; f < stride; f++) p[f] = 0.0f;
}
#endif
