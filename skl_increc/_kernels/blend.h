/* At which place would an item stand in weighted sums of scores? */
#ifndef SKL_INCREC_BLEND_H
#define SKL_INCREC_BLEND_H

#include <stddef.h>
#include <stdint.h>

#include "simd.h"

enum { BLEND_BLOCK = 128 };

/* Sums of the first m members in `order` for one block of items, for all m; pre holds (M + 1) blocks. */
SKL_INLINE void blend_sums(const double *x, ptrdiff_t n, ptrdiff_t M, const ptrdiff_t *order, const double *w,
                           ptrdiff_t from, ptrdiff_t len, double *SKL_RESTRICT pre)
{
    for (ptrdiff_t b = 0; b < len; b++) pre[b] = 0;
    for (ptrdiff_t m = 0; m < M; m++) {
        const double *row = x + order[m] * n + from, *old = pre + m * BLEND_BLOCK, weight = w[order[m]];
        double *SKL_RESTRICT sum = pre + (m + 1) * BLEND_BLOCK;
#pragma omp simd
        for (ptrdiff_t b = 0; b < len; b++) sum[b] = old[b] + weight * row[b];
    }
}

SKL_INLINE void blend_count(const double *v, ptrdiff_t len, double mine, ptrdiff_t *above, ptrdiff_t *equal)
{
    ptrdiff_t a = 0, e = 0;
#pragma omp simd reduction(+ : a, e)
    for (ptrdiff_t b = 0; b < len; b++) {
        a += v[b] > mine;
        e += v[b] == mine;
    }
    *above += a;
    *equal += e;
}

/* How many of n items stand above item i, and how many beside it (itself included), in the sum of the first m + 1
 * of M rows of scores in `order`, with weights w, for every m.  Items with a score of -inf stand nowhere.
 * Counting ends when all places are beyond `enough`.  room: M + 1 blocks and M numbers. */
SKL_CLONES SKL_OPTIONAL
static void blend_places(const double *x, ptrdiff_t n, ptrdiff_t M, const ptrdiff_t *order, const double *w,
                         ptrdiff_t i, ptrdiff_t enough, ptrdiff_t *above, ptrdiff_t *equal,
                         double *SKL_RESTRICT room)
{
    double *pre = room, *mine = pre + (M + 1) * BLEND_BLOCK;
    const ptrdiff_t own = i / BLEND_BLOCK * BLEND_BLOCK;
    for (ptrdiff_t m = 0; m < M; m++) above[m] = equal[m] = 0;
    for (ptrdiff_t turn = -1; turn * BLEND_BLOCK < n; turn++) {
        /* the block of the item comes first, to know its sums; then all of them */
        const ptrdiff_t from = turn < 0 ? own : turn * BLEND_BLOCK;
        const ptrdiff_t len = n - from < BLEND_BLOCK ? n - from : BLEND_BLOCK;
        ptrdiff_t least = PTRDIFF_MAX;
        blend_sums(x, n, M, order, w, from, len, pre);
        for (ptrdiff_t m = 0; m < M; m++) {
            const double *sum = pre + (m + 1) * BLEND_BLOCK;
            if (turn < 0) mine[m] = sum[i - own];
            else blend_count(sum, len, mine[m], above + m, equal + m);
            if (above[m] < least) least = above[m];
        }
        if (least > enough) return;
    }
}

#endif
