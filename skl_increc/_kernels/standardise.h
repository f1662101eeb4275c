/* Ratings in standard units, by totals that are learned along with them. */
#ifndef SKL_INCREC_STANDARDISE_H
#define SKL_INCREC_STANDARDISE_H
#include <math.h>
#include "simd.h"

enum { MF_BLOCK = 256, MF_LANES = 4 };

/* a float and its square can hold it; nobody whose weight counts is as far out */
#define MF_FARTHEST 1e15
#define MF_LEAST 2.3e-308

/* running totals: the scale that the model learns in, kept as plain sums */
typedef struct { double n, s1, s2, shift, lo, hi; } mf_totals;

/* Ratings to targets of mean 0 and variance 1, each by the totals up to and with its own event.
 * Without biases there is no centre: the scale is the root mean square.  Always whole lanes, so
 * that one event is rounded as in a batch. */
SKL_INLINE void mf_standardise(mf_totals *T, const double *y, const double *w, int n, int count,
                           int centre, float *target, float *weight)
{
    double N[MF_BLOCK], A[MF_BLOCK], B[MF_BLOCK], Y[MF_BLOCK];
    if (count && T->n == 0.0 && n > 0) { T->shift = y[0]; T->lo = y[0]; T->hi = y[0]; }
    const double shift = T->shift, add = count ? 1.0 : 0.0;
    double sn = T->n, s1 = T->s1, s2 = T->s2, lo = T->lo, hi = T->hi;
    for (int t = 0; t < n; t++) {
        const double d = y[t] - shift, c = add * w[t];
        sn += c;
        s1 += c * d;
        s2 += c * (d * d);
        lo = y[t] < lo ? y[t] : lo;
        hi = y[t] > hi ? y[t] : hi;
        N[t] = sn; A[t] = s1; B[t] = s2; Y[t] = d;
        weight[t] = (float)w[t];
    }
    if (count) { T->n = sn; T->s1 = s1; T->s2 = s2; T->lo = lo; T->hi = hi; }
    const int whole = (n + MF_LANES - 1) / MF_LANES * MF_LANES;
    for (int t = n; t < whole; t++) { N[t] = 1.0; A[t] = 0.0; B[t] = 0.0; Y[t] = 0.0; }
    for (int b = 0; b < whole; b += MF_LANES) {
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) {
            /* the sum of weights below a normal number: nothing is known yet */
            const double each = N[b + j] > MF_LEAST ? 1.0 / N[b + j] : 0.0;
            const double mean = A[b + j] * each, raw = B[b + j] * each;
            const double var = centre ? raw - mean * mean : raw + shift * (2.0 * mean + shift);
            const double known = var > 1e-12 * (centre ? raw : var) ? 1.0 : 0.0;
            const double d = centre ? Y[b + j] - mean : Y[b + j] + shift;
            const double z = known * d / sqrt(known > 0.0 ? var : 1.0);
            /* a rating of next to no weight may be as far out as it likes */
            target[b + j] = (float)(z < -MF_FARTHEST ? -MF_FARTHEST : z > MF_FARTHEST ? MF_FARTHEST : z);
        }
    }
}
#endif
