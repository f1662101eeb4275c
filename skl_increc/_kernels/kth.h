/* The k-th largest of some numbers (Hoare, 1961). */
#ifndef SKL_INCREC_KTH_H
#define SKL_INCREC_KTH_H
#include <stddef.h>
#include "simd.h"

enum { KTH_SAMPLE = 64 };

SKL_OPTIONAL static double kth_largest(double *x, ptrdiff_t n, ptrdiff_t k);

/* Of few among many: bring those to the front that are above a sample's guess, if these are enough; how many
 * are left.  The others are lost. */
SKL_INLINE ptrdiff_t kth_narrow(double *x, ptrdiff_t n, ptrdiff_t k)
{
    double sample[KTH_SAMPLE];
    const ptrdiff_t rank = k * KTH_SAMPLE / n + KTH_SAMPLE / 16 + 1;
    ptrdiff_t above = 0, m = 0;
    for (ptrdiff_t j = 0; j < KTH_SAMPLE; j++) sample[j] = x[j * n / KTH_SAMPLE];
    const double guess = kth_largest(sample, KTH_SAMPLE, rank);
#pragma omp simd reduction(+ : above)
    for (ptrdiff_t j = 0; j < n; j++) above += x[j] >= guess;
    if (above < k) return n;
    for (ptrdiff_t j = 0; j < n; j++) {
        const double v = x[j];
        x[m] = v;
        m += v >= guess;
    }
    return m;
}

/* the k-th largest of x[0..n), 1 <= k <= n; x is lost */
SKL_OPTIONAL static double kth_largest(double *x, ptrdiff_t n, ptrdiff_t k)
{
    if (n >= 4 * KTH_SAMPLE && n >= 4 * k) n = kth_narrow(x, n, k);
    ptrdiff_t low = 0, high = n - 1;
    k--;
    while (low < high) {
        const double pivot = x[low + (high - low) / 2];
        ptrdiff_t a = low, b = high;
        while (a <= b) {
            while (x[a] > pivot) a++;
            while (x[b] < pivot) b--;
            if (a <= b) {
                const double t = x[a];
                x[a++] = x[b];
                x[b--] = t;
            }
        }
        if (k <= b) high = b;
        else if (k >= a) low = a;
        else break;
    }
    return x[k];
}
#endif
