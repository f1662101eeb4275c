/* Events of BPR in order: which items are drawn, and what plain events need, on its way before they come. */
#ifndef SKL_INCREC_BPR_EVENTS_H
#define SKL_INCREC_BPR_EVENTS_H
#include "bpr.h"
#include "hash.h"
#include "search.h"

enum { BPR_TICKS = 0, BPR_KNOWN = 1, BPR_BROKEN = 2 }; /* scalars: events, item rows that had one, steps not made */

/* -- which items ------------------------------------------------------------------------------ */

/* a number below n, one of the sequence that a key begins */
SKL_INLINE int32_t bpr_below(uint64_t key, uint64_t use, int32_t n)
{
    return (int32_t)(((skl_mix(key + use) >> 32) * (uint64_t)n) >> 32);
}

/* Fenwick's tree of the weights of items 0 .. n-1 (node j, one-based, in tree[j-1]) */
SKL_INLINE void bpr_tree_extend(double *tree, const double *weight, ptrdiff_t j)
{
    double s = weight[j - 1];
    for (ptrdiff_t step = 1; step < (j & -j); step <<= 1) s += tree[j - step - 1];
    tree[j - 1] = s;
}

SKL_INLINE void bpr_tree_add(double *tree, ptrdiff_t n, ptrdiff_t j, double by)
{
    for (; j <= n; j += j & -j) tree[j - 1] += by;
}

SKL_INLINE double bpr_tree_total(const double *tree, ptrdiff_t n)
{
    double s = 0.0;
    for (ptrdiff_t j = n; j > 0; j -= j & -j) s += tree[j - 1];
    return s;
}

/* the item in whose part of the total a number falls */
SKL_INLINE int32_t bpr_tree_find(const double *tree, ptrdiff_t n, double x)
{
    ptrdiff_t at = 0, step = 1;
    while (step * 2 <= n) step *= 2;
    for (; step > 0; step >>= 1)
        if (at + step <= n && tree[at + step - 1] <= x) {
            at += step;
            x -= tree[at - 1];
        }
    return (int32_t)(at < n ? at : n - 1);
}

/* -- events in order -------------------------------------------------------------------------- */

/* Plain events: positives of weight above 0, of items known before, each against `n_negatives` drawn uniformly.
 * What an event draws follows from its number alone, so what it will need is on its way some events before; and
 * with one drawn item an event, steps that share no row are made together. */
enum { BPR_TRIES = 16, BPR_BLOCK = 16, BPR_RING = 64 };

typedef struct {
    const mf_model *m;
    skl_lists known;          /* who had what; n = 0: nothing is known */
    uint64_t seed;
    double *scalars;          /* ticks, items known, steps not made */
    double *taken;            /* where weights are added up; NULL: another pass */
    int32_t *last;            /* of each user: the last item + 1 */
    int32_t *drawn;
    double heavy;
    int n_negatives;
    ptrdiff_t primed, fetched;/* events whose keys are in the ring; whose lists are on their way */
    uint64_t keys[BPR_RING];
    uint32_t first[BPR_RING]; /* the first try, as a share of 2^32 */
} bpr_run;

/* event `at`, which has the number `tick`, is not far; `before`: the user of the event before it */
SKL_INLINE void bpr_prime(bpr_run *r, const mf_model *m, ptrdiff_t at, uint64_t tick, int32_t u, int32_t before,
                          int32_t i, int32_t known, int stride)
{
    const uint64_t key = skl_mix(skl_mix(r->seed + tick)), h = skl_mix(key) >> 32;
    r->keys[at & (BPR_RING - 1)] = key;
    r->first[at & (BPR_RING - 1)] = (uint32_t)h;
    bpr_fetch(m, (int32_t)(h * (uint64_t)known >> 32), stride);
    if (i >= 0) bpr_fetch(m, i, stride);
    if (u >= 0 && u != before) {
        const char *p = (const char *)(m->P + u * (ptrdiff_t)stride);
        for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(p + c);
        SKL_PREFETCH(m->SU + u);
        SKL_PREFETCH(r->last + u);
        if (u < r->known.n) SKL_PREFETCH(r->known.heads + 2 * u);
    }
}

/* the item that event `at` tries first, of so many */
SKL_INLINE int32_t bpr_first(const bpr_run *r, ptrdiff_t at, int32_t n)
{
    return (int32_t)((uint64_t)r->first[at & (BPR_RING - 1)] * (uint64_t)n >> 32);
}

SKL_INLINE int bpr_had(const skl_lists *known, int32_t u, int32_t j)
{
    return u >= 0 && u < known->n && skl_list_find(known, u, j) >= 0;
}

/* an item that is not i and that the user has not had, whose first try is known; -1: the tries were in vain */
SKL_INLINE int32_t bpr_draw(const skl_lists *known, int32_t u, int32_t i, uint64_t key, int32_t first, int32_t n)
{
    int32_t j = first;
    for (int attempt = 1; j == i || bpr_had(known, u, j); attempt++) {
        if (attempt == BPR_TRIES) return -1;
        j = bpr_below(key, (uint64_t)attempt, n);
    }
    return j;
}

/* what one event is held against; how many items */
SKL_INLINE int bpr_draw_many(bpr_run *r, const mf_model *m, int32_t u, int32_t i, uint64_t key, int32_t n, int stride)
{
    int drawn = 0;
    for (int c = 0; c < r->n_negatives; c++, key += 4 * BPR_TRIES) {
        const int32_t j = bpr_draw(&r->known, u, i, key, bpr_below(key, 0, n), n);
        if (j < 0) continue;
        bpr_fetch(m, j, stride);
        r->drawn[drawn++] = j;
    }
    return drawn;
}

SKL_INLINE ptrdiff_t bpr_run_of(bpr_run *r, const int32_t *u, const int32_t *i, const double *y, const double *w,
                                ptrdiff_t from, ptrdiff_t to, ptrdiff_t total, int stride)
{
    const mf_model m = *r->m; /* no store to a row can alias it */
    const skl_lists known = r->known;
    const int32_t n = (int32_t)r->scalars[BPR_KNOWN];
    const uint64_t ticks = (uint64_t)r->scalars[BPR_TICKS] - (uint64_t)from;
    const int many = r->n_negatives != 1;
    const ptrdiff_t block = stride <= 32 ? BPR_BLOCK : BPR_BLOCK / 2;
    bpr_numbers v = {0};
    int32_t one[BPR_BLOCK];
    float weights[BPR_BLOCK];
    ptrdiff_t t = from, primed = r->primed, fetched = r->fetched;
    int bad = 0, plain = 1;
    while (t < to && plain) {
        const ptrdiff_t start = t, end = many ? t + 1 : t + block < to ? t + block : to;
        const ptrdiff_t ahead = start + 3 * block < total ? start + 3 * block : total;
        const ptrdiff_t near = start + 2 * block < total ? start + 2 * block : total;
        int drawn = 0;
        for (; primed < ahead; primed++)
            bpr_prime(r, &m, primed, ticks + (uint64_t)primed, u[primed], primed ? u[primed - 1] : -1, i[primed], n,
                      stride);
        for (; fetched < near; fetched++)
            if (u[fetched] >= 0 && u[fetched] < known.n)
                skl_list_fetch(&known, u[fetched], bpr_first(r, fetched, n));
        for (; t < end; t++) {
            const int32_t a = u[t], b = i[t];
            const uint64_t key = r->keys[t & (BPR_RING - 1)];
            plain = b >= 0 && b < n && y[t] > 0 && w[t] > 0;
            if (!plain) break;
            weights[t - start] = (float)(w[t] * r->heavy);
            if (a >= 0) r->last[a] = b + 1;
            if (r->taken) *r->taken += w[t];
            if (many) drawn = bpr_draw_many(r, &m, a, b, key, n, stride);
            else one[drawn++] = bpr_draw(&known, a, b, key, bpr_first(r, t, n), n);
        }
        bad += bpr_pairs_of(&m, &v, u + start, i + start, many ? r->drawn : one, weights, drawn, many, 0.0f, stride);
    }
    r->primed = primed;
    r->fetched = fetched;
    r->scalars[BPR_TICKS] += (double)(t - from);
    r->scalars[BPR_BROKEN] += bad;
    return t;
}

/* Events from .. to - 1 of a table of `total`; where it stopped: at the first that is not plain, or `to`. */
SKL_CLONES
static ptrdiff_t bpr_events(bpr_run *r, const int32_t *u, const int32_t *i, const double *y, const double *w,
                            ptrdiff_t from, ptrdiff_t to, ptrdiff_t total)
{
    const mf_model *m = r->m;
#define BPR_CALL(S) bpr_run_of(r, u, i, y, w, from, to, total, S)
    BPR_WIDTHS(BPR_CALL)
#undef BPR_CALL
}
#endif
