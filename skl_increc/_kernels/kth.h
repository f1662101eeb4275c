/* The k-th largest of some numbers (Hoare, 1961). */
#ifndef SKL_INCREC_KTH_H
#define SKL_INCREC_KTH_H
#include <stddef.h>

/* the k-th largest of x[0..n), 1 <= k <= n; the order of x is lost */
static inline double kth_largest(double *x, ptrdiff_t n, ptrdiff_t k)
{
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
