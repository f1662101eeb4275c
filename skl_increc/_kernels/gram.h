/* Sums of rows of a square matrix over the items, and counts of items that users had together.
 *
 * All answers go through `gram_tile`, 32 columns at a time, whether one number is asked for or all scores
 * of a thousand users: so the same question has the same answer to the last bit. */
#ifndef SKL_INCREC_GRAM_H
#define SKL_INCREC_GRAM_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

enum { GRAM_TILE = 32 };

#if defined(__GNUC__) || defined(__clang__)
typedef double gram_four __attribute__((vector_size(32), aligned(8), may_alias));
#endif

/* acc += sum of weight[h] * rows[item[h]][0..32), in the order of h */
SKL_INLINE void gram_tile(double *SKL_RESTRICT acc, const double *rows, ptrdiff_t stride,
                          const int32_t *item, const double *weight, ptrdiff_t n)
{
#if defined(__GNUC__) || defined(__clang__)
    /* eight sums of four, by name: of a loop over them GCC would jam two rows into one scalar loop */
    gram_four *SKL_RESTRICT out = (gram_four *)acc;
    gram_four a = out[0], b = out[1], c = out[2], d = out[3], e = out[4], f = out[5], g = out[6], i = out[7];
    for (ptrdiff_t h = 0; h < n; h++) {
        const gram_four *r = (const gram_four *)(rows + (item ? item[h] : h) * stride);
        const double w = weight[h];
        a += w * r[0]; b += w * r[1]; c += w * r[2]; d += w * r[3];
        e += w * r[4]; f += w * r[5]; g += w * r[6]; i += w * r[7];
    }
    out[0] = a; out[1] = b; out[2] = c; out[3] = d; out[4] = e; out[5] = f; out[6] = g; out[7] = i;
#else
    for (ptrdiff_t h = 0; h < n; h++) {
        const double *r = rows + (item ? item[h] : h) * stride;
        for (int c = 0; c < GRAM_TILE; c++) acc[c] += weight[h] * r[c];
    }
#endif
}

/* the same where only m of the 32 columns are wanted */
SKL_INLINE void gram_part(double *acc, ptrdiff_t m, const double *rows, ptrdiff_t stride, const int32_t *item,
                          const double *weight, ptrdiff_t n)
{
    double whole[GRAM_TILE] = {0};
    if (m >= GRAM_TILE) {
        gram_tile(acc, rows, stride, item, weight, n);
        return;
    }
    memcpy(whole, acc, (size_t)m * sizeof(double));
    gram_tile(whole, rows, stride, item, weight, n);
    memcpy(acc, whole, (size_t)m * sizeof(double));
}

/* tile by tile, so that the rows of one tile stay in the cache while all vectors pass:
 * out[v] += sum of coef[h] rows[item[h]] for h in the v-th sparse vector.
 * With `packed`, room for GRAM_TILE numbers of each of n_rows rows, the tile is copied there first: rows that lie
 * a whole row apart share few places of the cache. */
SKL_CLONES
static void gram_combine(const double *rows, ptrdiff_t stride, const int64_t *indptr, const int32_t *item,
                         const double *coef, ptrdiff_t n, ptrdiff_t from, ptrdiff_t to, double *out,
                         ptrdiff_t out_stride, double *packed, ptrdiff_t n_rows)
{
    for (ptrdiff_t c = from; c < to; c += GRAM_TILE) {
        const double *tile = packed ? packed : rows + c;
        if (packed)
            for (ptrdiff_t r = 0; r < n_rows; r++)
                memcpy(packed + r * GRAM_TILE, rows + r * stride + c, GRAM_TILE * sizeof(double));
        for (ptrdiff_t v = 0; v < n; v++)
            gram_part(out + v * out_stride + (c - from), to - c, tile, packed ? GRAM_TILE : stride, item + indptr[v],
                      coef + indptr[v], indptr[v + 1] - indptr[v]);
    }
}

/* the same over the first k rows, all of them: out[v] += sum over h < k of coef[v][h] rows[h] */
SKL_CLONES
static void gram_combine_all(const double *rows, ptrdiff_t stride, const double *coef, ptrdiff_t k,
                             ptrdiff_t n, ptrdiff_t from, ptrdiff_t to, double *out, ptrdiff_t out_stride)
{
    for (ptrdiff_t c = from; c < to; c += GRAM_TILE)
        for (ptrdiff_t v = 0; v < n; v++)
            gram_part(out + v * out_stride + (c - from), to - c, rows + c, stride, NULL, coef + v * k, k);
}

/* x P to scores: out[j] = -out[j] / diagonal[j] */
SKL_CLONES
static void gram_scores(double *SKL_RESTRICT out, const double *SKL_RESTRICT diagonal, ptrdiff_t n)
{
#pragma omp simd
    for (ptrdiff_t j = 0; j < n; j++) out[j] = -out[j] / diagonal[j];
}

/* inner products of the first k rows with sparse vectors: out[v][j] = sum of coef[h] rows[j][item[h]] */
static void gram_gather(const double *rows, ptrdiff_t stride, ptrdiff_t k, const int64_t *indptr,
                        const int32_t *item, const double *coef, ptrdiff_t n, double *out)
{
    for (ptrdiff_t v = 0; v < n; v++)
        for (ptrdiff_t j = 0; j < k; j++) {
            double s = 0;
            for (int64_t h = indptr[v]; h < indptr[v + 1]; h++) s += coef[h] * rows[j * stride + item[h]];
            out[v * k + j] = s;
        }
}

/* -- counts --------------------------------------------------------------------------------------- */

SKL_INLINE void gram_bump(int32_t *counts, int32_t *partners, ptrdiff_t stride, int32_t a, int32_t b,
                          int32_t by)
{
    int32_t *c = counts + a * stride + b;
    const int had = *c != 0;
    *c += by;
    if (a != b) partners[a] += (*c != 0) - had;
}

/* One user's row goes from x to x + d: counts += d x' + x d' + d d'.  `partners` is kept at the number
 * of other items that have a count with each. */
static void gram_count(int32_t *counts, int32_t *partners, ptrdiff_t stride, const int32_t *x, ptrdiff_t nx,
                       const int32_t *d, const int8_t *sign, ptrdiff_t nd)
{
    for (ptrdiff_t a = 0; a < nd; a++) {
        for (ptrdiff_t b = 0; b < nx; b++) {
            gram_bump(counts, partners, stride, d[a], x[b], sign[a]);
            gram_bump(counts, partners, stride, x[b], d[a], sign[a]);
        }
        for (ptrdiff_t b = 0; b < nd; b++)
            gram_bump(counts, partners, stride, d[a], d[b], sign[a] * sign[b]);
    }
}

/* One item's row of the counts, where nothing was counted before of the users who have it: all of it stays in
 * the cache, while `gram_count` goes through the whole matrix for every user. */
static void gram_count_row(int32_t *row, const int32_t *user, ptrdiff_t n, const int64_t *indptr,
                           const int32_t *item)
{
    for (ptrdiff_t k = 0; k < n; k++)
        for (int64_t j = indptr[user[k]]; j < indptr[user[k] + 1]; j++) row[item[j]]++;
}

/* counts of a row that are not 0 */
SKL_CLONES
static int32_t gram_filled(const int32_t *row, ptrdiff_t n)
{
    int32_t filled = 0;
#pragma omp simd reduction(+ : filled)
    for (ptrdiff_t j = 0; j < n; j++) filled += row[j] != 0;
    return filled;
}

/* -- whole matrices ------------------------------------------------------------------------------- */

/* the upper triangle onto the lower one, in blocks that stay in the cache */
static void gram_mirror(double *x, ptrdiff_t n)
{
    enum { B = 32 };
    for (ptrdiff_t a = 0; a < n; a += B)
        for (ptrdiff_t b = a; b < n; b += B)
            for (ptrdiff_t i = a; i < a + B && i < n; i++)
                for (ptrdiff_t j = b > i ? b : i + 1; j < b + B && j < n; j++) x[j * n + i] = x[i * n + j];
}

/* out = counts + l2 I */
SKL_CLONES
static void gram_regular(const int32_t *counts, ptrdiff_t n, double l2, double *out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
#pragma omp simd
        for (ptrdiff_t j = 0; j < n; j++) out[i * n + j] = counts[i * n + j];
        out[i * n + i] += l2;
    }
}

/* out[i][v] = sum over j of counts[i][j] x[j][v], m vectors side by side */
SKL_CLONES
static void gram_times(const int32_t *counts, ptrdiff_t n, const double *x, ptrdiff_t m, double *out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        for (ptrdiff_t v = 0; v < m; v++) out[i * m + v] = 0;
        for (ptrdiff_t j = 0; j < n; j++) {
            const double c = counts[i * n + j];
            if (c != 0)
                for (ptrdiff_t v = 0; v < m; v++) out[i * m + v] += c * x[j * m + v];
        }
    }
}
#endif
