/* The exact solution of one row of implicit least squares (als.h), in double precision.
 *
 * The matrix is summed up, and its triangle worked out, in tiles of TILE_ROWS x TILE_COLUMNS numbers that stay in
 * registers while many rows are added: what costs is one multiplication and addition each, and no store.
 * Indices are ptrdiff_t throughout: with Python's own -fwrapv an int may wrap, and GCC then gives up on the tiles. */
#ifndef SKL_INCREC_ALS_EXACT_H
#define SKL_INCREC_ALS_EXACT_H
#include "als.h"

enum { ALS_PANEL = 32, ALS_TILE_ROWS = 4, ALS_TILE_COLUMNS = 16 };

/* numbers that als_exact works with: the matrix, the right side, a panel of rows, their weights */
#define ALS_ROOM(S) ((S) * (S) + (S) + ALS_PANEL * (S) + ALS_PANEL)

SKL_INLINE void als_tile(double *SKL_RESTRICT A, const double *SKL_RESTRICT Z, const double *SKL_RESTRICT m, int n,
                         ptrdiff_t f, ptrdiff_t g, ptrdiff_t S)
{
    double sum[ALS_TILE_ROWS][ALS_TILE_COLUMNS] = {{0}};
    const double *SKL_RESTRICT left = Z + f, *SKL_RESTRICT right = Z + g;
    for (ptrdiff_t j = 0; j < n; j++, left += S, right += S) {
        for (ptrdiff_t a = 0; a < ALS_TILE_ROWS; a++) {
            const double v = m[j] * left[a];
#pragma omp simd
            for (ptrdiff_t b = 0; b < ALS_TILE_COLUMNS; b++) sum[a][b] += v * right[b];
        }
    }
    for (ptrdiff_t a = 0; a < ALS_TILE_ROWS; a++) {
        double *row = A + (f + a) * S + g;
#pragma omp simd
        for (ptrdiff_t b = 0; b < ALS_TILE_COLUMNS; b++) row[b] += sum[a][b];
    }
}

/* A += sum of m z z' over the n rows of Z; from row `first` on, and on and above the diagonal only */
SKL_INLINE void als_rank(double *SKL_RESTRICT A, const double *SKL_RESTRICT Z, const double *SKL_RESTRICT m, int n,
                         ptrdiff_t first, ptrdiff_t S)
{
    for (ptrdiff_t f = first; f < S; f += ALS_TILE_ROWS)
        for (ptrdiff_t g = f / ALS_TILE_COLUMNS * ALS_TILE_COLUMNS; g < S; g += ALS_TILE_COLUMNS)
            als_tile(A, Z, m, n, f, g, S);
}

/* A = U'U in place, 16 rows at a time, and b becomes U'^-1 b; 0 where A is not positive.  m: ALS_PANEL numbers */
SKL_INLINE int als_triangle(double *SKL_RESTRICT A, double *SKL_RESTRICT b, double *SKL_RESTRICT m, ptrdiff_t S)
{
    for (ptrdiff_t j = 0; j < ALS_TILE_COLUMNS; j++) m[j] = -1.0;
    for (ptrdiff_t first = 0; first < S; first += ALS_TILE_COLUMNS) {
        const ptrdiff_t end = first + ALS_TILE_COLUMNS;
        for (ptrdiff_t r = first; r < end; r++) {
            double *SKL_RESTRICT row = A + r * S;
            if (!(row[r] > 0.0)) return 0;
            const double d = 1.0 / sqrt(row[r]);
#pragma omp simd
            for (ptrdiff_t g = first; g < S; g++) row[g] *= d;
            for (ptrdiff_t f = r + 1; f < end; f++) {
                double *SKL_RESTRICT other = A + f * S;
                const double v = row[f];
#pragma omp simd
                for (ptrdiff_t g = first; g < S; g++) other[g] -= v * row[g];
            }
            b[r] *= d;
            const double t = b[r];
            for (ptrdiff_t f = r + 1; f < S; f++) b[f] -= t * row[f];
        }
        if (end < S) als_rank(A, A + first * S, m, ALS_TILE_COLUMNS, end, S);
    }
    return 1;
}

/* x, or 0 where the matrix is not positive and x stays; room: ALS_ROOM(S) numbers */
SKL_CLONES
static int als_exact(float *SKL_RESTRICT x, const float *Y, const double *G, double g, double l2, const int32_t *idx,
                     const float *more, const float *full, int n, double *room, ptrdiff_t k, ptrdiff_t S)
{
    double *SKL_RESTRICT A = room, *SKL_RESTRICT b = A + S * S, *SKL_RESTRICT Z = b + S;
    double *SKL_RESTRICT m = Z + ALS_PANEL * S;
    memset(A, 0, (size_t)(S * S + S) * sizeof(double));
    for (ptrdiff_t f = 0; f < k; f++)
        for (ptrdiff_t h = 0; h < k; h++) A[f * S + h] = g * G[f * k + h];
    for (ptrdiff_t f = 0; f < S; f++) A[f * S + f] += l2; /* beyond k: rows of their own, that solve to 0 */
    for (ptrdiff_t first = 0; first < n; first += ALS_PANEL) {
        const int part = n - (int)first < ALS_PANEL ? n - (int)first : ALS_PANEL;
        for (ptrdiff_t j = 0; j < part; j++) {
            if (first + j + 8 < n) als_fetch(Y, idx[first + j + 8], (int)S);
            const float *y = Y + (ptrdiff_t)idx[first + j] * S;
            double *SKL_RESTRICT z = Z + j * S;
            const double w = full[first + j];
            m[j] = more[first + j];
#pragma omp simd
            for (ptrdiff_t f = 0; f < S; f++) {
                z[f] = y[f];
                b[f] += w * z[f];
            }
        }
        als_rank(A, Z, m, part, 0, S);
    }
    if (!als_triangle(A, b, m, S)) return 0;
    for (ptrdiff_t f = S - 1; f >= 0; f--) {
        const double *row = A + f * S;
        double s = 0.0;
#pragma omp simd reduction(+ : s)
        for (ptrdiff_t h = f + 1; h < S; h++) s += row[h] * b[h];
        b[f] = (b[f] - s) / row[f];
    }
    for (ptrdiff_t f = 0; f < k; f++) x[f] = (float)b[f];
    return 1;
}
#endif
