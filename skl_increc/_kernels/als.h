/* One row of implicit alternating least squares (Hu, Koren, Volinsky 2008): x minimises
 *   sum_j c_j (1 - x.y_j)^2 + sum_(the others) (x.y)^2 + l2 |x|^2,
 * that is (G + l2 I + sum_j (c_j - 1) y_j y_j') x = sum_j c_j y_j  with  G = the sum of y y' over all rows. */
#ifndef SKL_INCREC_ALS_H
#define SKL_INCREC_ALS_H
#include <math.h>
#include <string.h>
#include "simd.h"

enum { ALS_FOLD = 8 };

SKL_INLINE float als_dot(const float *SKL_RESTRICT a, const float *SKL_RESTRICT b, int n)
{
    float h[ALS_FOLD] = {0};
    for (int f = 0; f < n; f += ALS_FOLD)
#pragma omp simd
        for (int j = 0; j < ALS_FOLD; j++) h[j] += a[f + j] * b[f + j];
    float s = 0.0f;
    for (int j = 0; j < ALS_FOLD; j++) s += h[j];
    return s;
}

SKL_INLINE void als_add(float a, const float *SKL_RESTRICT x, float *SKL_RESTRICT y, int n)
{
#pragma omp simd
    for (int f = 0; f < n; f++) y[f] += a * x[f];
}

SKL_INLINE void als_fetch(const float *Y, int32_t j, int stride)
{
    const char *y = (const char *)(Y + (ptrdiff_t)j * stride);
    for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(y + c);
}

/* out = G v of a symmetric G: a sum of rows */
SKL_INLINE void als_times(const float *SKL_RESTRICT G, const float *SKL_RESTRICT v, float *SKL_RESTRICT out, int S)
{
    memset(out, 0, (size_t)S * sizeof(float));
    for (int f = 0; f < S; f++) als_add(v[f], G + (ptrdiff_t)f * S, out, S);
}

SKL_INLINE void als_cg_of(float *SKL_RESTRICT x, const float *Y, const float *G, const int32_t *idx,
                          const float *more, int n, int steps, float *work, const int S)
{
    float *SKL_RESTRICT r = work, *SKL_RESTRICT p = work + S, *SKL_RESTRICT Ap = work + 2 * S;
    als_times(G, x, r, S);
    for (int f = 0; f < S; f++) r[f] = -r[f];
    for (int j = 0; j < n; j++) {
        if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
        const float *y = Y + (ptrdiff_t)idx[j] * S;
        als_add(1.0f + more[j] - more[j] * als_dot(y, x, S), y, r, S);
    }
    memcpy(p, r, (size_t)S * sizeof(float));
    float rs = als_dot(r, r, S);
    for (int s = 0; s < steps && rs > 1e-20f; s++) {
        als_times(G, p, Ap, S);
        for (int j = 0; j < n; j++) {
            if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
            const float *y = Y + (ptrdiff_t)idx[j] * S;
            als_add(more[j] * als_dot(y, p, S), y, Ap, S);
        }
        const float a = rs / als_dot(p, Ap, S);
        als_add(a, p, x, S);
        als_add(-a, Ap, r, S);
        const float next = als_dot(r, r, S), b = next / rs;
#pragma omp simd
        for (int f = 0; f < S; f++) p[f] = r[f] + b * p[f];
        rs = next;
    }
}

/* `steps` steps of conjugate gradients from where x is; G holds l2 on its diagonal; work: 3 rows */
SKL_CLONES
static void als_cg(float *x, const float *Y, const float *G, const int32_t *idx, const float *more, int n,
                   int steps, float *work, int S)
{
    switch (S) {
    case 16: als_cg_of(x, Y, G, idx, more, n, steps, work, 16); break;
    case 32: als_cg_of(x, Y, G, idx, more, n, steps, work, 32); break;
    case 64: als_cg_of(x, Y, G, idx, more, n, steps, work, 64); break;
    case 128: als_cg_of(x, Y, G, idx, more, n, steps, work, 128); break;
    default: als_cg_of(x, Y, G, idx, more, n, steps, work, S);
    }
}

/* One pass over the coordinates (eALS; He et al. 2016); work holds the predictions of the n rows. */
SKL_CLONES
static void als_coordinate(float *SKL_RESTRICT x, const float *Y, const float *G, const int32_t *idx,
                           const float *more, int n, float *SKL_RESTRICT work, int k, int S)
{
    for (int j = 0; j < n; j++) {
        if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
        work[j] = als_dot(Y + (ptrdiff_t)idx[j] * S, x, S);
    }
    for (int f = 0; f < k; f++) {
        const float *g = G + (ptrdiff_t)f * S, old = x[f];
        float den = g[f], num = g[f] * old - als_dot(g, x, S);
        for (int j = 0; j < n; j++) {
            const float q = Y[(ptrdiff_t)idx[j] * S + f], p = work[j] - old * q;
            num += (1.0f + more[j] - more[j] * p) * q;
            den += more[j] * q * q;
        }
        x[f] = num / den;
        const float d = x[f] - old;
        for (int j = 0; j < n; j++) work[j] += d * Y[(ptrdiff_t)idx[j] * S + f];
    }
}

/* The exact solution in double precision; A: k * k, b: k; returns 0 where the matrix is not positive. */
SKL_CLONES
static int als_exact(float *SKL_RESTRICT x, const float *Y, const double *G, double l2, const int32_t *idx,
                     const float *more, int n, double *SKL_RESTRICT A, double *SKL_RESTRICT b, int k, int S)
{
    memcpy(A, G, (size_t)k * (size_t)k * sizeof(double));
    memset(b, 0, (size_t)k * sizeof(double));
    for (int f = 0; f < k; f++) A[(ptrdiff_t)f * k + f] += l2;
    for (int j = 0; j < n; j++) {
        if (j + 8 < n) als_fetch(Y, idx[j + 8], S);
        const float *SKL_RESTRICT y = Y + (ptrdiff_t)idx[j] * S;
        const double m = more[j], c = 1.0 + m;
        for (int f = 0; f < k; f++) {
            const double a = m * y[f];
            double *SKL_RESTRICT row = A + (ptrdiff_t)f * k;
#pragma omp simd
            for (int g = 0; g <= f; g++) row[g] += a * y[g];
            b[f] += c * y[f];
        }
    }
    for (int f = 0; f < k; f++) { /* Cholesky, the lower triangle in place; b becomes L^-1 b */
        double *SKL_RESTRICT row = A + (ptrdiff_t)f * k;
        for (int g = 0; g < f; g++) {
            const double *other = A + (ptrdiff_t)g * k;
            double s = 0.0;
#pragma omp simd reduction(+ : s)
            for (int h = 0; h < g; h++) s += row[h] * other[h];
            row[g] = (row[g] - s) / other[g];
        }
        double s = 0.0, t = 0.0;
#pragma omp simd reduction(+ : s, t)
        for (int h = 0; h < f; h++) { s += row[h] * row[h]; t += row[h] * b[h]; }
        s = row[f] - s;
        if (!(s > 0.0)) return 0;
        row[f] = sqrt(s);
        b[f] = (b[f] - t) / row[f];
    }
    for (int f = k - 1; f >= 0; f--) {
        const double *row = A + (ptrdiff_t)f * k;
        b[f] /= row[f];
#pragma omp simd
        for (int h = 0; h < f; h++) b[h] -= b[f] * row[h];
    }
    for (int f = 0; f < k; f++) x[f] = (float)b[f];
    return 1;
}

/* G += new new' - old old' */
SKL_CLONES
static void als_gram_move(double *SKL_RESTRICT G, const float *SKL_RESTRICT from, const float *SKL_RESTRICT to, int k)
{
    for (int f = 0; f < k; f++) {
        const double a = to[f], b = from[f];
        double *SKL_RESTRICT row = G + (ptrdiff_t)f * k;
#pragma omp simd
        for (int g = 0; g < k; g++) row[g] += a * to[g] - b * from[g];
    }
}
#endif
