/* Exact sums over the users who rated two items: how many, and the moments of their ratings.
 *
 * A rating enters as a whole number X of units, a power of two so small beside the largest rating that
 * stars and half stars are whole numbers too.  Sums of whole numbers know no rounding: they do not depend
 * on the order, they add up, and what was added can be taken away.
 *
 * Most pairs of items have few users, and most ratings few steps.  So a record is six 16-bit numbers, in
 * a second, coarser unit ("narrow"), and points at a block of 128-bit sums only when these do not
 * suffice.  A record is narrow whenever it can be, so its form follows from its content. */
#ifndef SKL_INCREC_MOMENTS_H
#define SKL_INCREC_MOMENTS_H
#include <math.h>
#include "pairs.h"
#include "wide.h"

enum {
    SCALE_BITS = 36,     /* a rating is at most 2^36 units: n times a sum of 2^27 squares fits 128 bits */
    SCALE_STEP = 8,      /* units move by so many bits, so that they seldom move */
    SCALE_LEAST = -960,  /* ratings below 2^-996 count as 0 */
    SCALE_NONE = 4000,   /* no rating but 0 so far */
    NARROW_BITS = 7,     /* narrow values are at most 127 narrow units */
    NARROW_MOST = 32767,
    NOT_NARROW = INT32_MIN,
    WIDE_SEGMENT = 4096  /* wide sums a block */
};

typedef struct {
    int32_t unit;   /* a value is X 2^unit; or SCALE_NONE */
    int32_t narrow; /* narrow values are multiples of 2^narrow */
    int32_t top;    /* ratings are below 2^top */
} skl_scale;

typedef struct {
    int64_t n, x, y; /* users, sums of X and Y */
    skl_wide xx, yy, xy;
} skl_sums;

typedef struct {
    skl_pairs table;
    skl_scale scale;
    int32_t fine;     /* every value so far is a multiple of 2^fine */
    int32_t slopes;   /* records are (n, sum of X - Y) alone */
    skl_sums **wide;  /* blocks of WIDE_SEGMENT sums */
    int64_t wide_room, wide_used, wide_live, wide_free; /* a list of free ones runs through their n */
} skl_moments;

/* -- the scale ----------------------------------------------------------------------------------- */

SKL_INLINE int scale_zeros(int64_t X)
{
    int zeros = 0;
    for (uint64_t bits = (uint64_t)X; bits && !(bits & 1); bits >>= 1) zeros++;
    return zeros;
}

/* what a value of X units is a multiple of, as an exponent */
SKL_INLINE int scale_grid(const skl_scale *s, int64_t X)
{
    return X ? s->unit + scale_zeros(X) : SCALE_NONE;
}

SKL_INLINE double scale_factor(const skl_scale *s)
{
    return s->unit == SCALE_NONE ? 1.0 : ldexp(1.0, -s->unit);
}

SKL_INLINE int scale_unit(int top)
{
    const int step = SCALE_STEP, base = 8 * 1000;
    return (top + base + step - 1) / step * step - base - SCALE_BITS;
}

/* the scale after a rating; the same whatever the order, but for `narrow` */
SKL_INLINE int scale_meet(skl_scale *s, double y)
{
    const skl_scale before = *s;
    int top;
    if (y == 0) return 0;
    frexp(y, &top);
    if (top < SCALE_LEAST) top = SCALE_LEAST;
    if (s->unit == SCALE_NONE || top > s->top) s->top = top;
    s->unit = scale_unit(s->top);
    if (before.unit != SCALE_NONE && s->narrow < s->unit) s->narrow = s->unit;
    const int grid = scale_grid(s, (int64_t)rint(y * scale_factor(s)));
    if (grid < s->narrow && s->top - grid <= NARROW_BITS) s->narrow = grid;
    return s->unit != before.unit || s->narrow != before.narrow;
}

/* bits between the two units */
SKL_INLINE int scale_shift(const skl_scale *s)
{
    const int by = s->narrow - s->unit;
    return s->unit == SCALE_NONE || by > 62 ? 62 : by;
}

/* X in narrow units, or NOT_NARROW */
SKL_INLINE int32_t scale_narrow(int64_t X, int shift)
{
    const int64_t v = X >> shift;
    return (int64_t)((uint64_t)v << shift) == X && v > -128 && v < 128 ? (int32_t)v : NOT_NARROW;
}

/* -- records -------------------------------------------------------------------------------------- */

typedef struct {
    int16_t n, x, y, xx, yy, xy; /* n = -1: the sums are wide, and their number stands in y and xx */
} skl_narrow;

typedef struct {
    int32_t n;
    int32_t low, high; /* sum of X - Y, 64 bits */
} skl_slope;

SKL_INLINE skl_narrow narrow_read(const char *record)
{
    skl_narrow r;
    memcpy(&r, record, sizeof r);
    return r;
}

SKL_INLINE int record_is_wide(const char *record) { return narrow_read(record).n < 0; }

SKL_INLINE uint32_t wide_number(const char *record)
{
    uint32_t at;
    memcpy(&at, record + 4, sizeof at);
    return at;
}

SKL_INLINE skl_sums *wide_at(const skl_moments *m, uint32_t at)
{
    return m->wide[at / WIDE_SEGMENT] + at % WIDE_SEGMENT;
}

SKL_INLINE int64_t slope_sum(const char *record)
{
    int64_t d;
    memcpy(&d, record + 4, sizeof d);
    return d;
}

/* users behind a record */
SKL_INLINE int64_t moments_count(const skl_moments *m, const char *record)
{
    if (m->slopes) {
        int32_t n;
        memcpy(&n, record, sizeof n);
        return n;
    }
    const skl_narrow r = narrow_read(record);
    if (r.n >= 0) return r.n;
    const uint32_t at = wide_number(record);
    return at < (uint64_t)m->wide_room ? wide_at(m, at)->n : 0;
}

/* the sums of a record in units */
SKL_INLINE void moments_get(const skl_moments *m, const char *record, skl_sums *out)
{
    const skl_narrow r = narrow_read(record);
    if (r.n < 0) {
        /* a reader beside a learner may meet half a record: never look beyond the blocks */
        const uint32_t at = wide_number(record);
        if (at < (uint64_t)m->wide_room) *out = *wide_at(m, at);
        else memset(out, 0, sizeof *out);
        return;
    }
    const int by = scale_shift(&m->scale);
    out->n = r.n;
    out->x = (int64_t)((uint64_t)(int64_t)r.x << by);
    out->y = (int64_t)((uint64_t)(int64_t)r.y << by);
    out->xx = wide_left(wide_product(r.xx, 1), 2 * by);
    out->yy = wide_left(wide_product(r.yy, 1), 2 * by);
    out->xy = wide_left(wide_product(r.xy, 1), 2 * by);
}

SKL_INLINE int wide_shrinks(skl_wide a, int by, int16_t *out)
{
    const skl_wide v = wide_right(a, by);
    const int64_t small = (int64_t)wide_low(v);
    const skl_wide back = wide_left(v, by);
    if (wide_low(back) != wide_low(a) || wide_high(back) != wide_high(a)) return 0;
    if (wide_high(v) != (small < 0 ? -1 : 0) || small > NARROW_MOST || small < -NARROW_MOST) return 0;
    *out = (int16_t)small;
    return 1;
}

/* whether the sums fit into a narrow record */
SKL_INLINE int moments_narrow(const skl_scale *s, const skl_sums *a, skl_narrow *out)
{
    const int by = scale_shift(s);
    const int64_t x = a->x >> by, y = a->y >> by;
    if ((int64_t)((uint64_t)x << by) != a->x || (int64_t)((uint64_t)y << by) != a->y) return 0;
    if (a->n > NARROW_MOST || x > NARROW_MOST || x < -NARROW_MOST || y > NARROW_MOST || y < -NARROW_MOST)
        return 0;
    out->n = (int16_t)a->n;
    out->x = (int16_t)x;
    out->y = (int16_t)y;
    return wide_shrinks(a->xx, 2 * by, &out->xx) && wide_shrinks(a->yy, 2 * by, &out->yy)
           && wide_shrinks(a->xy, 2 * by, &out->xy);
}

SKL_INLINE uint32_t wide_take(skl_moments *m)
{
    int64_t at = m->wide_free;
    m->wide_live++;
    if (at < 0) return (uint32_t)m->wide_used++;
    m->wide_free = wide_at(m, (uint32_t)at)->n;
    return (uint32_t)at;
}

SKL_INLINE void wide_give(skl_moments *m, uint32_t at)
{
    wide_at(m, at)->n = m->wide_free;
    m->wide_free = at;
    m->wide_live--;
}

/* Put sums into a record, narrow if they fit.  There must be room for one more wide one. */
static inline void moments_put(skl_moments *m, char *record, const skl_sums *a)
{
    const int16_t was = narrow_read(record).n, mark = -1;
    skl_narrow r;
    if (moments_narrow(&m->scale, a, &r)) {
        const uint32_t at = wide_number(record);
        memcpy(record, &r, sizeof r);
        if (was < 0) wide_give(m, at);
        return;
    }
    const uint32_t at = was < 0 ? wide_number(record) : wide_take(m);
    *wide_at(m, at) = *a;
    memcpy(record + 4, &at, sizeof at);
    memcpy(record, &mark, sizeof mark);
}

/* a user's two values join the sums (sign 1) or leave them (-1) */
static inline void moments_change(skl_moments *m, char *record, int64_t x, int64_t y, int sign)
{
    skl_sums a;
    moments_get(m, record, &a);
    a.n += sign;
    a.x += sign * x;
    a.y += sign * y;
    a.xx = wide_plus(a.xx, wide_times(wide_product(x, x), sign));
    a.yy = wide_plus(a.yy, wide_times(wide_product(y, y), sign));
    a.xy = wide_plus(a.xy, wide_times(wide_product(x, y), sign));
    moments_put(m, record, &a);
}

/* The same for narrow values; whether it was done.  Squares bound the other sums, so that n and the
 * squares alone must be looked at. */
SKL_INLINE int narrow_change(char *record, int32_t x, int32_t y, int32_t sign)
{
    skl_narrow r = narrow_read(record);
    const int32_t n = r.n + sign, xx = r.xx + sign * x * x, yy = r.yy + sign * y * y;
    if (r.n < 0 || n > NARROW_MOST || xx > NARROW_MOST || yy > NARROW_MOST) return 0;
    r.n = (int16_t)n;
    r.x = (int16_t)(r.x + sign * x);
    r.y = (int16_t)(r.y + sign * y);
    r.xx = (int16_t)xx;
    r.yy = (int16_t)yy;
    r.xy = (int16_t)(r.xy + sign * x * y);
    memcpy(record, &r, sizeof r);
    return 1;
}

SKL_INLINE void slope_change(char *record, int64_t difference, int sign)
{
    int32_t n;
    int64_t d;
    memcpy(&n, record, sizeof n);
    memcpy(&d, record + 4, sizeof d);
    n += sign;
    d += sign * difference;
    memcpy(record, &n, sizeof n);
    memcpy(record + 4, &d, sizeof d);
}

/* -- lists of a user ------------------------------------------------------------------------------- */

/* a value in both forms */
typedef struct {
    int64_t X;
    int32_t narrow;
} skl_value;

/* `factor` and `shift` are those of the scale, for loops; to the nearest whole number, below 2^51 */
SKL_INLINE skl_value scale_value(double factor, int shift, double y)
{
    const double magic = 6755399441055744.0;
    skl_value v;
    v.X = (int64_t)(y * factor + magic - magic);
    v.narrow = scale_narrow(v.X, shift);
    return v;
}

SKL_INLINE skl_value moments_value(const skl_moments *m, double y)
{
    return scale_value(scale_factor(&m->scale), scale_shift(&m->scale), y);
}

/* the values of the two items of a record, in the order of its row and its key */
SKL_INLINE void moments_join(skl_moments *m, char *record, skl_value x, skl_value y, int sign)
{
    if (m->slopes) slope_change(record, x.X - y.X, sign);
    else if (x.narrow == NOT_NARROW || y.narrow == NOT_NARROW || !narrow_change(record, x.narrow, y.narrow, sign))
        moments_change(m, record, x.X, y.X, sign);
}

SKL_INLINE void moments_pair(skl_moments *m, int32_t i, skl_value x, int32_t j, skl_value y, int sign)
{
    int32_t row, key;
    pairs_place(&m->table, i, j, &row, &key);
    char *record = pairs_find(&m->table, row, key);
    if (row == i) moments_join(m, record, x, y, sign);
    else moments_join(m, record, y, x, sign);
}

/* what values so far are multiples of */
SKL_INLINE void moments_note(skl_moments *m, skl_value x)
{
    const int grid = scale_grid(&m->scale, x.X);
    if (grid < m->fine) m->fine = grid;
}

/* A rating x of item i meets those of n other items of its user; `old`, if any, is what x replaces.
 * All records exist, and there is room for wide sums. */
static inline void moments_meet(skl_moments *m, const int32_t *items, const skl_value *values, ptrdiff_t n, int32_t i,
                         const skl_value *old, skl_value x)
{
    int32_t row, key;
    for (ptrdiff_t j = 0; j < n; j++) {
        if (j + 8 < n) {
            pairs_place(&m->table, i, items[j + 8], &row, &key);
            pairs_prefetch(&m->table, row, key);
        }
        if (items[j] == i) continue;
        if (old) moments_pair(m, i, *old, items[j], values[j], -1);
        moments_pair(m, i, x, items[j], values[j], 1);
    }
    moments_note(m, x);
}

/* Bring a record from another scale to the present one; what falls below the unit is rounded. */
static inline void moments_rescale(skl_moments *m, char *record, const skl_scale *from)
{
    skl_moments before = *m;
    skl_sums a;
    const int by = from->unit == SCALE_NONE ? 0 : m->scale.unit - from->unit;
    if (m->slopes) {
        int64_t d = slope_sum(record);
        if (by > 0) d = by > 62 ? 0 : (d + (INT64_C(1) << (by - 1))) >> by;
        else d = (int64_t)((uint64_t)d << -by);
        memcpy(record + 4, &d, sizeof d);
        return;
    }
    before.scale = *from;
    moments_get(&before, record, &a);
    if (by > 0) {
        const int one = by < 62 ? by : 62, two = 2 * one;
        a.x = (a.x + (INT64_C(1) << (one - 1))) >> one;
        a.y = (a.y + (INT64_C(1) << (one - 1))) >> one;
        const skl_wide half = wide_left(wide_product(1, 1), two - 1);
        a.xx = wide_right(wide_plus(a.xx, half), two);
        a.yy = wide_right(wide_plus(a.yy, half), two);
        a.xy = wide_right(wide_plus(a.xy, half), two);
    } else {
        a.x = (int64_t)((uint64_t)a.x << -by);
        a.y = (int64_t)((uint64_t)a.y << -by);
        a.xx = wide_left(a.xx, -2 * by);
        a.yy = wide_left(a.yy, -2 * by);
        a.xy = wide_left(a.xy, -2 * by);
    }
    moments_put(m, record, &a);
}
#endif
