/* One row of implicit alternating least squares (Hu, Koren, Volinsky 2008): x minimises
 *   sum_j w_j (1 - x.y_j)^2 + sum_(the others) c_j (x.y_j)^2 + l2 |x|^2,
 * that is (g G + l2 I + sum_j (w_j - c_j) y_j y_j') x = sum_j w_j y_j, where g G is the sum of c y y' over all
 * rows.  `full` holds the w_j, `more` the w_j - c_j. */
#ifndef SKL_INCREC_ALS_H
#define SKL_INCREC_ALS_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

enum { ALS_FOLD = 8 };
/* indices of loops are ptrdiff_t: with Python's -fwrapv an int may wrap, which keeps GCC from vectorising */
#define ALS_LONGEST 1e12f /* squared length of a row that has exploded */

SKL_INLINE float als_dot(const float *SKL_RESTRICT a, const float *SKL_RESTRICT b, int n)
{
    float h[ALS_FOLD] = {0};
    for (int f = 0; f < n; f += ALS_FOLD)
#pragma omp simd
        for (ptrdiff_t j = 0; j < ALS_FOLD; j++) h[j] += a[f + j] * b[f + j];
    float s = 0.0f;
    for (ptrdiff_t j = 0; j < ALS_FOLD; j++) s += h[j];
    return s;
}

SKL_INLINE void als_add(float a, const float *SKL_RESTRICT x, float *SKL_RESTRICT y, int n)
{
#pragma omp simd
    for (ptrdiff_t f = 0; f < n; f++) y[f] += a * x[f];
}

SKL_INLINE void als_fetch(const float *Y, int32_t j, int stride)
{
    const char *y = (const char *)(Y + (ptrdiff_t)j * stride);
    for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(y + c);
}

/* out = (g G + l2 I) v of a symmetric G: a sum of rows */
SKL_INLINE void als_times(const float *SKL_RESTRICT G, float g, float l2, const float *SKL_RESTRICT v,
                          float *SKL_RESTRICT out, int S)
{
#pragma omp simd
    for (ptrdiff_t f = 0; f < S; f++) out[f] = l2 * v[f];
    for (ptrdiff_t f = 0; f < S; f++) als_add(g * v[f], G + f * S, out, S);
}

SKL_INLINE void als_cg_of(float *SKL_RESTRICT x, const float *Y, const float *G, float g, float l2,
                          const int32_t *idx, const float *more, const float *full, int n, int steps,
                          float *work, const int S)
{
    float *SKL_RESTRICT r = work, *SKL_RESTRICT p = work + S, *SKL_RESTRICT Ap = work + 2 * S;
    als_times(G, g, l2, x, r, S);
    for (ptrdiff_t f = 0; f < S; f++) r[f] = -r[f];
    for (ptrdiff_t j = 0; j < n; j++) {
        if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
        const float *y = Y + (ptrdiff_t)idx[j] * S;
        als_add(full[j] - more[j] * als_dot(y, x, S), y, r, S);
    }
    memcpy(p, r, (size_t)S * sizeof(float));
    float rs = als_dot(r, r, S);
    for (int s = 0; s < steps && rs > 1e-20f; s++) {
        als_times(G, g, l2, p, Ap, S);
        for (ptrdiff_t j = 0; j < n; j++) {
            if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
            const float *y = Y + (ptrdiff_t)idx[j] * S;
            als_add(more[j] * als_dot(y, p, S), y, Ap, S);
        }
        const float a = rs / als_dot(p, Ap, S);
        als_add(a, p, x, S);
        als_add(-a, Ap, r, S);
        const float next = als_dot(r, r, S), b = next / rs;
#pragma omp simd
        for (ptrdiff_t f = 0; f < S; f++) p[f] = r[f] + b * p[f];
        rs = next;
    }
}

/* `steps` steps of conjugate gradients from where x is; work: 3 rows */
SKL_CLONES
static void als_cg(float *x, const float *Y, const float *G, float g, float l2, const int32_t *idx,
                   const float *more, const float *full, int n, int steps, float *work, int S)
{
    switch (S) {
    case 16: als_cg_of(x, Y, G, g, l2, idx, more, full, n, steps, work, 16); break;
    case 32: als_cg_of(x, Y, G, g, l2, idx, more, full, n, steps, work, 32); break;
    case 64: als_cg_of(x, Y, G, g, l2, idx, more, full, n, steps, work, 64); break;
    case 128: als_cg_of(x, Y, G, g, l2, idx, more, full, n, steps, work, 128); break;
    default: als_cg_of(x, Y, G, g, l2, idx, more, full, n, steps, work, S);
    }
}

/* One pass over the coordinates (eALS; He et al. 2016); work holds the predictions of the n rows. */
SKL_CLONES
static void als_coordinate(float *SKL_RESTRICT x, const float *Y, const float *G, float g, float l2,
                           const int32_t *idx, const float *more, const float *full, int n,
                           float *SKL_RESTRICT work, int k, int S)
{
    for (ptrdiff_t j = 0; j < n; j++) {
        if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
        work[j] = als_dot(Y + (ptrdiff_t)idx[j] * S, x, S);
    }
    for (ptrdiff_t f = 0; f < k; f++) {
        const float *row = G + f * S, old = x[f];
        float den = g * row[f] + l2, num = g * (row[f] * old - als_dot(row, x, S));
        for (ptrdiff_t j = 0; j < n; j++) {
            const float q = Y[(ptrdiff_t)idx[j] * S + f], p = work[j] - old * q;
            num += (full[j] - more[j] * p) * q;
            den += more[j] * q * q;
        }
        x[f] = num / den;
        const float d = x[f] - old;
        for (ptrdiff_t j = 0; j < n; j++) work[j] += d * Y[(ptrdiff_t)idx[j] * S + f];
    }
}

/* G += a (to to' - from from') */
SKL_CLONES
static void als_gram_move(double *SKL_RESTRICT G, double weight, const float *SKL_RESTRICT from,
                          const float *SKL_RESTRICT to, int k)
{
    for (ptrdiff_t f = 0; f < k; f++) {
        const double a = weight * to[f], b = weight * from[f];
        double *SKL_RESTRICT row = G + f * k;
#pragma omp simd
        for (int g = 0; g < k; g++) row[g] += a * to[g] - b * from[g];
    }
}

/* whether a row has neither exploded nor is no number */
SKL_INLINE int als_sane(const float *x, int S)
{
    return als_dot(x, x, S) < ALS_LONGEST;
}
#endif
