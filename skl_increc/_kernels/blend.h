/* At which place would an item stand in weighted sums of scores? */
#ifndef SKL_INCREC_BLEND_H
#define SKL_INCREC_BLEND_H

#include <stddef.h>

#include "simd.h"

enum { BLEND_BLOCK = 128 };

/* Sums of the first m members for one block of items, for all m; pre holds (M + 1) blocks. */
SKL_INLINE void blend_sums(const double *x, ptrdiff_t n, ptrdiff_t M, const double *w, ptrdiff_t from,
                           ptrdiff_t len, double *SKL_RESTRICT pre)
{
    for (ptrdiff_t b = 0; b < len; b++) pre[b] = 0;
    for (ptrdiff_t m = 0; m < M; m++) {
        const double *row = x + m * n + from, *old = pre + m * BLEND_BLOCK;
        double *SKL_RESTRICT sum = pre + (m + 1) * BLEND_BLOCK;
#pragma omp simd
        for (ptrdiff_t b = 0; b < len; b++) sum[b] = old[b] + w[m] * row[b];
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

/* How many of n items stand above item i, and how many beside it (itself included), in the sum of M rows of
 * scores with weights w (0), and in that without the m-th (m + 1); of the latter `outs` are asked for: 0 or M.
 * Items with a score of -inf stand nowhere.  Counting ends when all places are beyond `enough`.
 * room: M + 3 blocks and M + 1 numbers. */
SKL_CLONES SKL_OPTIONAL
static void blend_places(const double *x, ptrdiff_t n, ptrdiff_t M, const double *w, ptrdiff_t outs, ptrdiff_t i,
                         ptrdiff_t enough, ptrdiff_t *above, ptrdiff_t *equal, double *SKL_RESTRICT room)
{
    double *pre = room, *suf = room + (M + 1) * BLEND_BLOCK, *v = suf + BLEND_BLOCK, *mine = v + BLEND_BLOCK;
    const ptrdiff_t own = i / BLEND_BLOCK * BLEND_BLOCK;
    for (ptrdiff_t m = 0; m <= outs; m++) above[m] = equal[m] = 0;
    for (ptrdiff_t turn = -1; turn * BLEND_BLOCK < n; turn++) {
        /* the block of the item comes first, to know its sums; then all of them */
        const ptrdiff_t from = turn < 0 ? own : turn * BLEND_BLOCK;
        const ptrdiff_t len = n - from < BLEND_BLOCK ? n - from : BLEND_BLOCK;
        ptrdiff_t least;
        blend_sums(x, n, M, w, from, len, pre);
        if (turn < 0) mine[0] = pre[M * BLEND_BLOCK + i - own];
        else blend_count(pre + M * BLEND_BLOCK, len, mine[0], above, equal);
        least = above[0];
        for (ptrdiff_t b = 0; b < len; b++) suf[b] = 0;
        for (ptrdiff_t m = outs - 1; m >= 0; m--) {
            const double *row = x + m * n + from, *old = pre + m * BLEND_BLOCK;
#pragma omp simd
            for (ptrdiff_t b = 0; b < len; b++) {
                v[b] = old[b] + suf[b];
                suf[b] += w[m] * row[b];
            }
            if (turn < 0) mine[m + 1] = v[i - own];
            else blend_count(v, len, mine[m + 1], above + m + 1, equal + m + 1);
            if (above[m + 1] < least) least = above[m + 1];
        }
        if (least > enough) return;
    }
}

#endif
