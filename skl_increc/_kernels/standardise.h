/* Ratings in standard units, by totals that are learned along with them. */
#ifndef SKL_INCREC_STANDARDISE_H
#define SKL_INCREC_STANDARDISE_H
#include <math.h>
#include "simd.h"

/* short blocks: the scaling of one overlaps with the steps of the block before */
enum { MF_BLOCK = 16, MF_LANES = 4 };

/* a float and its square can hold it; nobody whose weight counts is as far out */
#define MF_FARTHEST 1e15
/* a spread below this is none: what is divided by must be a normal number */
#define MF_LEAST 1e-300

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
    if (n == 1) {                /* one store of each vector: it can be read back without a stall */
        const double d = y[0] - shift;
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) N[j] = sn;
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) A[j] = s1;
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) B[j] = s2;
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) Y[j] = d;
    } else {
        for (int t = n; t < whole; t++) { N[t] = 1.0; A[t] = 0.0; B[t] = 0.0; Y[t] = 0.0; }
    }
    double Z[MF_BLOCK];
    for (int b = 0; b < whole; b += MF_LANES) {
#pragma omp simd
        for (int j = 0; j < MF_LANES; j++) { /* doubles alone: they fill the lanes of wide vectors */
            const double k = N[b + j], s = A[b + j]; /* the sums as they are: one division less */
            const double num = centre ? Y[b + j] * k - s : Y[b + j] + shift;
            const double raw = centre ? B[b + j] * k : (B[b + j] + shift * (2.0 * s + shift * k)) / k;
            const double var = centre ? raw - s * s : raw;
            const double z = num / sqrt(var);
            const double known = var > 1e-12 * raw + MF_LEAST ? z : 0.0;
            /* a rating of next to no weight may be as far out as it likes */
            const double low = known > -MF_FARTHEST ? known : -MF_FARTHEST;
            Z[b + j] = low < MF_FARTHEST ? low : MF_FARTHEST;
        }
    }
    for (int t = 0; t < n; t++) target[t] = (float)Z[t];
}
#endif
