/* The k best of a row of scores, ties by the stable hash of the item's id. */
#ifndef SKL_INCREC_TOPK_H
#define SKL_INCREC_TOPK_H
#include <stdint.h>
#include "hash.h"
#include "simd.h"

/* an item's place among equals: by its id, never by its row (rows depend on the order of arrival) */
SKL_INLINE uint64_t topk_tie(const int64_t *keys, const uint8_t *kind, int32_t row)
{
    return kind[row] == 1 ? skl_mix((uint64_t)keys[row]) : (uint64_t)keys[row];
}

SKL_INLINE int topk_before(float a, int32_t ra, float b, int32_t rb, const int64_t *keys,
                           const uint8_t *kind)
{
    if (a != b) return a > b;
    const uint64_t ta = topk_tie(keys, kind, ra), tb = topk_tie(keys, kind, rb);
    return ta != tb ? ta < tb : ra < rb;
}

/* Scores s[0..n) (+ bias) of rows base.. join the m best so far; returns how many there are now.
 * -inf and NaN never enter.  k is small and few scores pass the threshold once the list is full. */
SKL_CLONES SKL_OPTIONAL
static int topk_tile(const float *s, const float *bias, int n, int32_t base, int k, int m,
                     float *hs, int32_t *hi, const int64_t *keys, const uint8_t *kind)
{
    float thr = m == k ? hs[k - 1] : -INFINITY;
    for (int a = 0; a < n; a += 32) {
        const int e = a + 32 < n ? a + 32 : n;
        if (m == k && e - a == 32) {
            int any = 0;
#pragma omp simd reduction(| : any)
            for (int j = 0; j < 32; j++) any |= s[a + j] + bias[a + j] >= thr;
            if (!any) continue;
        }
        for (int j = a; j < e; j++) {
            const float v = s[j] + bias[j];
            const int32_t r = base + j;
            if (!(v > -INFINITY) || kind[r] == 0) continue;
            if (m == k && !topk_before(v, r, hs[k - 1], hi[k - 1], keys, kind)) continue;
            int p = m < k ? m++ : k - 1;
            while (p > 0 && topk_before(v, r, hs[p - 1], hi[p - 1], keys, kind)) {
                hs[p] = hs[p - 1]; hi[p] = hi[p - 1]; p--;
            }
            hs[p] = v; hi[p] = r;
            if (m == k) thr = hs[k - 1];
        }
    }
    return m;
}

/* whether a place among the k best may go to row r with the score v: the last of them has `last` and `row` */
SKL_INLINE int topk_above(double v, int32_t r, double last, int32_t row, const int64_t *keys,
                          const uint8_t *kind)
{
    return v > last || (v == last && topk_tie(keys, kind, r) < topk_tie(keys, kind, row));
}

/* the same for scores in double precision, without a bias; from the first row on */
SKL_CLONES
static int topk_double(const double *s, int n, int k, double *hs, int32_t *hi, const int64_t *keys,
                       const uint8_t *kind)
{
    int m = 0;
    int32_t tied = -1; /* the row that `tie` is of: where scores are counts, many are equal to the last one */
    uint64_t tie = 0;
    for (int a = 0; a < n; a += 32) {
        const int e = a + 32 < n ? a + 32 : n;
        if (m == k && e - a == 32) {
            const double thr = hs[k - 1];
            int any = 0;
#pragma omp simd reduction(| : any)
            for (int j = 0; j < 32; j++) any |= s[a + j] >= thr;
            if (!any) continue;
        }
        for (int32_t r = a; r < e; r++) {
            const double v = s[r];
            if (!(v > -INFINITY) || kind[r] == 0) continue;
            if (m == k) {
                if (v < hs[k - 1]) continue;
                if (v == hs[k - 1]) {
                    if (tied != hi[k - 1]) tie = topk_tie(keys, kind, tied = hi[k - 1]);
                    if (topk_tie(keys, kind, r) >= tie) continue;
                }
            }
            int p = 0, above = m < k ? m++ : k - 1;
            const int last = above;
            while (p < above) { /* the first place before which it does not belong */
                const int mid = (p + above) / 2;
                if (topk_above(v, r, hs[mid], hi[mid], keys, kind)) above = mid;
                else p = mid + 1;
            }
            memmove(hs + p + 1, hs + p, (size_t)(last - p) * sizeof *hs);
            memmove(hi + p + 1, hi + p, (size_t)(last - p) * sizeof *hi);
            hs[p] = v; hi[p] = r;
        }
    }
    return m;
}

/* The k best of one row of scores but for the hidden rows, whose scores are overwritten; -1 and -inf where
 * there are fewer. */
SKL_OPTIONAL static void topk_row(double *s, int n, const int32_t *hidden, ptrdiff_t n_hidden, int k, double *hs,
                                  int32_t *hi, const int64_t *keys, const uint8_t *kind)
{
    for (ptrdiff_t j = 0; j < n_hidden; j++)
        if (hidden[j] < n) s[hidden[j]] = -INFINITY; /* others were added since */
    for (int m = n && k ? topk_double(s, n, k, hs, hi, keys, kind) : 0; m < k; m++) {
        hs[m] = -INFINITY;
        hi[m] = -1;
    }
}
#endif
