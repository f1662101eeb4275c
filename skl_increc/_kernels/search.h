/* Where a number stands in an unsorted list. */
#ifndef SKL_INCREC_SEARCH_H
#define SKL_INCREC_SEARCH_H
#include <stddef.h>
#include <stdint.h>
#include "simd.h"

/* the last place of `what` in x[0..n), or -1; sixteen at a time, from the end */
SKL_CLONES
static ptrdiff_t skl_find_last(const int32_t *x, ptrdiff_t n, int32_t what)
{
    while (n >= 16) {
        int any = 0;
#pragma omp simd reduction(| : any)
        for (int j = 0; j < 16; j++) any |= x[n - 16 + j] == what;
        if (any) break;
        n -= 16;
    }
    while (n > 0)
        if (x[--n] == what) return n;
    return -1;
}
#endif
