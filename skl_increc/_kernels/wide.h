/* Integers of 128 bits: sums of products of 64-bit integers that no rounding touches.
 *
 * GCC and clang have them on 64-bit machines.  Elsewhere, and with -DSKL_INCREC_NO_CLONES, two words
 * do the same in plain C99. */
#ifndef SKL_INCREC_WIDE_H
#define SKL_INCREC_WIDE_H
#include <math.h>
#include <stdint.h>
#include "simd.h"

#if defined(__SIZEOF_INT128__) && !defined(SKL_INCREC_NO_CLONES)

__extension__ typedef __int128 skl_wide;
__extension__ typedef unsigned __int128 skl_bits128;

SKL_INLINE skl_wide wide_product(int64_t a, int64_t b) { return (skl_wide)a * b; }
SKL_INLINE skl_wide wide_plus(skl_wide a, skl_wide b) { return (skl_wide)((skl_bits128)a + (skl_bits128)b); }
SKL_INLINE skl_wide wide_minus(skl_wide a, skl_wide b) { return (skl_wide)((skl_bits128)a - (skl_bits128)b); }
SKL_INLINE skl_wide wide_times(skl_wide a, int64_t b)
{
    return (skl_wide)((skl_bits128)a * (skl_bits128)(skl_wide)b);
}
SKL_INLINE skl_wide wide_left(skl_wide a, int by) { return (skl_wide)((skl_bits128)a << by); }
SKL_INLINE skl_wide wide_right(skl_wide a, int by) { return a >> by; }
SKL_INLINE int wide_sign(skl_wide a) { return (a > 0) - (a < 0); }
SKL_INLINE double wide_double(skl_wide a) { return (double)a; }
SKL_INLINE uint64_t wide_low(skl_wide a) { return (uint64_t)a; }
SKL_INLINE int64_t wide_high(skl_wide a) { return (int64_t)(a >> 64); }
SKL_INLINE skl_wide wide_of(int64_t high, uint64_t low)
{
    return (skl_wide)((skl_bits128)(uint64_t)high << 64 | low);
}

#else

typedef struct {
    uint64_t low, high; /* two's complement */
} skl_wide;

SKL_INLINE uint64_t wide_low(skl_wide a) { return a.low; }
SKL_INLINE int64_t wide_high(skl_wide a) { return (int64_t)a.high; }
SKL_INLINE skl_wide wide_of(int64_t high, uint64_t low)
{
    skl_wide a;
    a.low = low;
    a.high = (uint64_t)high;
    return a;
}
SKL_INLINE skl_wide wide_plus(skl_wide a, skl_wide b)
{
    skl_wide c;
    c.low = a.low + b.low;
    c.high = a.high + b.high + (c.low < a.low);
    return c;
}
SKL_INLINE skl_wide wide_minus(skl_wide a, skl_wide b)
{
    skl_wide c;
    c.low = a.low - b.low;
    c.high = a.high - b.high - (a.low < b.low);
    return c;
}
SKL_INLINE skl_wide wide_unsigned_product(uint64_t a, uint64_t b)
{
    const uint64_t al = a & 0xFFFFFFFFu, ah = a >> 32, bl = b & 0xFFFFFFFFu, bh = b >> 32;
    const uint64_t low = al * bl, one = ah * bl + (low >> 32), two = al * bh + (one & 0xFFFFFFFFu);
    skl_wide c;
    c.low = two << 32 | (low & 0xFFFFFFFFu);
    c.high = ah * bh + (one >> 32) + (two >> 32);
    return c;
}
SKL_INLINE skl_wide wide_product(int64_t a, int64_t b)
{
    skl_wide c = wide_unsigned_product((uint64_t)a, (uint64_t)b);
    c.high -= (a < 0 ? (uint64_t)b : 0) + (b < 0 ? (uint64_t)a : 0);
    return c;
}
SKL_INLINE skl_wide wide_times(skl_wide a, int64_t b)
{
    skl_wide c = wide_unsigned_product(a.low, (uint64_t)b);
    c.high += a.high * (uint64_t)b - (b < 0 ? a.low : 0);
    return c;
}
SKL_INLINE skl_wide wide_left(skl_wide a, int by)
{
    if (by >= 64) return wide_of((int64_t)(a.low << (by - 64)), 0);
    if (by == 0) return a;
    return wide_of((int64_t)(a.high << by | a.low >> (64 - by)), a.low << by);
}
SKL_INLINE skl_wide wide_right(skl_wide a, int by)
{
    const uint64_t fill = (a.high >> 63) ? ~UINT64_C(0) : 0;
    if (by == 0) return a;
    if (by == 64) return wide_of((int64_t)fill, a.high);
    if (by > 64)
        return wide_of((int64_t)fill, a.high >> (by - 64) | fill << (128 - by));
    return wide_of((int64_t)(a.high >> by | fill << (64 - by)), a.low >> by | a.high << (64 - by));
}
SKL_INLINE int wide_sign(skl_wide a) { return (a.high >> 63) ? -1 : (a.high | a.low) != 0; }
/* to the nearest double: the leading 64 bits, the last of which says whether anything follows */
SKL_INLINE double wide_double(skl_wide a)
{
    const int minus = (int)(a.high >> 63);
    if (minus) a = wide_minus(wide_of(0, 0), a);
    if (a.high == 0) return minus ? -(double)a.low : (double)a.low;
    int by = 0;
    for (uint64_t h = a.high; h; h >>= 1) by++;
    uint64_t lead = by == 64 ? a.high : (a.high << (64 - by) | a.low >> by);
    const uint64_t rest = by == 64 ? a.low : a.low << (64 - by);
    lead |= rest != 0;
    return ldexp(minus ? -(double)lead : (double)lead, by);
}

#endif

SKL_INLINE skl_wide wide_zero(void) { return wide_of(0, 0); }
#endif
