/* How alike two items are, from the moments of their ratings; and lists of a user put to use.
 *
 * What is computed depends on the exact sums alone, not on the units in which they are kept: differences
 * are taken in whole numbers, and units are powers of two. */
#ifndef SKL_INCREC_SIMILAR_H
#define SKL_INCREC_SIMILAR_H
#include "kth.h"
#include "partners.h"

enum { CENTRE_BITS = 24, SIMILAR_COSINE = 0, SIMILAR_PEARSON = 1 };

typedef struct {
    int kind;
    double shrinkage;
    int64_t centre;  /* units: the mean of all ratings, coarsely */
    double narrow;   /* the same in narrow units */
    double rest[2];  /* what the mean is above it, in units and in narrow units */
} skl_likeness;

SKL_INLINE void likeness_set(skl_likeness *s, const skl_moments *m, double mean)
{
    const skl_scale *c = &m->scale;
    const double units = c->unit == SCALE_NONE ? 0 : mean * scale_factor(c);
    const double coarse = rint(ldexp(units, -CENTRE_BITS));
    s->centre = (int64_t)ldexp(coarse, CENTRE_BITS);
    s->rest[0] = units - (double)s->centre;
    s->narrow = ldexp((double)s->centre, -scale_shift(c));
    s->rest[1] = ldexp(s->rest[0], -scale_shift(c));
}

/* common / size, which is at most 1 but for rounding, shrunk: with one division */
SKL_INLINE double likeness_shrunk(double n, double common, double size, double shrinkage)
{
    const double c = common > size ? size : common < -size ? -size : common;
    return c * n / (size * (n + shrinkage));
}

/* sums about the coarse mean -> shrunk cosine of the deviations from the mean */
SKL_INLINE double likeness_cosine(double n, double x, double y, double xx, double yy, double xy, double rest,
                                  double shrinkage)
{
    const double a = xx - rest * (2 * x - n * rest), b = yy - rest * (2 * y - n * rest);
    if (!(a > 1e-12 * xx) || !(b > 1e-12 * yy)) return 0;
    return likeness_shrunk(n, xy - rest * (x + y - n * rest), sqrt(a * b), shrinkage);
}

/* central moments times n -> shrunk correlation */
SKL_INLINE double likeness_pearson(double n, double xx, double yy, double xy, double shrinkage)
{
    if (!(xx > 0) || !(yy > 0)) return 0;
    return likeness_shrunk(n, xy, sqrt(xx * yy), shrinkage);
}

static inline double likeness_wide(const skl_moments *m, const char *record, const skl_likeness *s)
{
    skl_sums a;
    moments_get(m, record, &a);
    const double n = (double)a.n;
    if (a.n <= 0) return 0;
    if (s->kind == SIMILAR_PEARSON)
        return likeness_pearson(
            n, wide_double(wide_minus(wide_times(a.xx, a.n), wide_product(a.x, a.x))),
            wide_double(wide_minus(wide_times(a.yy, a.n), wide_product(a.y, a.y))),
            wide_double(wide_minus(wide_times(a.xy, a.n), wide_product(a.x, a.y))), s->shrinkage);
    const int64_t c = s->centre;
    const skl_wide cc = wide_times(wide_product(c, c), a.n), cx = wide_product(c, a.x), cy = wide_product(c, a.y);
    return likeness_cosine(n, (double)(a.x - a.n * c), (double)(a.y - a.n * c),
                           wide_double(wide_plus(wide_minus(a.xx, wide_plus(cx, cx)), cc)),
                           wide_double(wide_plus(wide_minus(a.yy, wide_plus(cy, cy)), cc)),
                           wide_double(wide_plus(wide_minus(a.xy, wide_plus(cx, cy)), cc)), s->rest[0],
                           s->shrinkage);
}

/* the similarity of two items, 0 where nobody rated both */
SKL_INLINE double likeness(const skl_moments *m, const char *record, const skl_likeness *s)
{
    const skl_narrow r = narrow_read(record);
    if (r.n <= 0) return r.n ? likeness_wide(m, record, s) : 0;
    if (s->kind == SIMILAR_PEARSON)
        return likeness_pearson(r.n, (double)(r.n * r.xx - r.x * r.x), (double)(r.n * r.yy - r.y * r.y),
                                (double)(r.n * r.xy - r.x * r.y), s->shrinkage);
    const double c = s->narrow, cc = r.n * c * c;
    return likeness_cosine(r.n, r.x - r.n * c, r.y - r.n * c, r.xx - 2 * c * r.x + cc, r.yy - 2 * c * r.y + cc,
                           r.xy - c * (r.x + r.y) + cc, s->rest[1], s->shrinkage);
}

/* a unit in which n numbers of at most this size are whole, and have an exact sum */
SKL_INLINE double exact_unit(double largest, ptrdiff_t n)
{
    int power, bits;
    frexp(largest, &power);
    frexp((double)n, &bits);
    return ldexp(1.0, power + bits - 53 > -1000 ? power + bits - 53 : -1000);
}

/* all pairs of a user's list join the sums or leave them */
static inline void moments_list(skl_moments *m, const int32_t *items, const skl_value *values, ptrdiff_t n, int sign)
{
    for (ptrdiff_t a = 0; a < n; a++) {
        for (ptrdiff_t b = 0; b < a; b++) moments_pair(m, items[a], values[a], items[b], values[b], sign);
        moments_note(m, values[a]);
    }
}

/* every record without its content */
static inline void moments_zero(skl_moments *m)
{
    for (int32_t row = 0; row < m->table.n_rows; row++) {
        ptrdiff_t at = 0;
        int32_t key;
        for (char *r; (r = pairs_next(&m->table, row, &at, &key));) {
            const uint32_t wide = wide_number(r);
            const int was = !m->slopes && narrow_read(r).n < 0;
            memset(r, 0, (size_t)m->table.record);
            if (was) wide_give(m, wide);
        }
    }
    m->fine = SCALE_NONE;
}

/* Move to another scale record by record; exact unless the unit grows beyond what the values are made of. */
static inline void moments_move(skl_moments *m, const skl_scale *to)
{
    const skl_scale from = m->scale;
    m->scale = *to;
    for (int32_t row = 0; row < m->table.n_rows; row++) {
        ptrdiff_t at = 0;
        int32_t key;
        for (char *r; (r = pairs_next(&m->table, row, &at, &key));) moments_rescale(m, r, &from);
    }
}
#endif
