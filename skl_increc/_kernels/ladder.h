/* Popularity with several half-lives at once, and which of them has told best what comes next.
 *
 * A rung is a half-life and a way of weighing events: the rungs of one way stand together, by half-life, the last of
 * which never fades.  Of each item: a sum for each rung, as of the item's own newest event, so that nothing has to be
 * brought to a newer landmark and nothing overflows.  Of each rung: its `kept` best items, in order.  They are exact:
 * time leaves the order of two items as it is, and an event moves its own item alone.  So the place of an item
 * in each list is known before its event is learned, and what that place is worth is the rung's gain.
 */
#ifndef SKL_LADDER_H
#define SKL_LADDER_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SKL_LADDER_MOST = 32 }; /* half-lives */

typedef struct {
    int rungs, kept, spans; /* spans: half-lives; 0 kept: no lists, and no gains */
    const double *rate;     /* 1 / half-life of each rung; 0 where nothing fades */
    const double *worth; /* of each place in a list */
    double memory;       /* what is left of a gain after one more event */
    double *sums;        /* (items, rungs) */
    double *last;        /* (items, 1) time of the newest event */
    double *gain;        /* (rungs,) */
    double *best;        /* (rungs, kept) item rows + 1; 0: none */
    int32_t *listed;     /* (items, 1) bit r: it is in list r */
} skl_ladder;

/* the sum of an item as of the time `at` */
static inline double ladder_sum(const skl_ladder *L, int r, long i, double at) {
    double s = L->sums[i * L->rungs + r];
    return L->rate[r] > 0 && s > 0 ? s * exp2((L->last[i] - at) * L->rate[r]) : s;
}

/* whether the sum of item i, as of the time `at`, is below a number; the power of two is asked for only in doubt */
static inline int ladder_below(const skl_ladder *L, int r, long i, double at, double mine) {
    double s = L->sums[i * L->rungs + r], x = (L->last[i] - at) * L->rate[r];
    if (s * (1 + x * 0.6931471805599453) >= mine) /* 2^x is above its tangent */
        return 0;
    return (x <= 0 && s < mine) || ladder_sum(L, r, i, at) < mine;
}

/* one list, after the sum of item i has grown: where it stood before, `place`, is kept if it was not in it */
static inline void ladder_rise(skl_ladder *L, int r, long i, int place) {
    double *list = L->best + (long)r * L->kept, at = L->last[i];
    double mine = L->sums[i * L->rungs + r];
    int low = 0, high;
    if (place == L->kept) {
        place = L->kept - 1;
        if (list[place] > 0 && !ladder_below(L, r, (long)list[place] - 1, at, mine))
            return;
        while (place > 0 && list[place - 1] == 0)
            place--;
    }
    if (list[place] > 0)
        L->listed[(long)list[place] - 1] &= ~(1 << r);
    L->listed[i] |= 1 << r;
    high = place;
    if (place > 0 && !ladder_below(L, r, (long)list[place - 1] - 1, at, mine))
        low = place; /* most often it stays where it was */
    while (low < high) {
        int mid = (low + high) / 2;
        if (ladder_below(L, r, (long)list[mid] - 1, at, mine))
            high = mid;
        else
            low = mid + 1;
    }
    memmove(list + low + 1, list + low, (size_t)(place - low) * sizeof(double));
    list[low] = (double)(i + 1);
}

/* where a name stands in a list; its length if it does not */
static inline int ladder_place(const double *list, int n, double name) {
    int place, at = n;
#pragma omp simd reduction(min : at)
    for (place = 0; place < n; place++)
        at = list[place] == name && place < at ? place : at;
    return at;
}

/* one event of item i: w has a weight for each way, `worth` is what its place in the lists counts.  A weight of 0
 * leaves a way as it is, and a worth of 0 the gains. */
static inline void ladder_learn(skl_ladder *L, long i, const double *w, double t, double worth) {
    double *sums = L->sums + i * L->rungs, left[SKL_LADDER_MOST];
    double age = t - L->last[i], name = (double)(i + 1);
    int late = age < 0, fresh = sums[L->rungs - 1] == 0;
    int place, r, way = 0, h = 0;
    if (!late || fresh)
        L->last[i] = t;
    for (r = 0; r < L->spans; r++)
        left[r] = L->rate[r] > 0 && !fresh ? exp2(-fabs(age) * L->rate[r]) : 1.0;
    for (r = 0; r < L->rungs; r++, h++) {
        if (h == L->spans) {
            h = 0;
            way++;
        }
        if (w[way] == 0) {
            sums[r] *= late ? 1.0 : left[h];
            continue;
        }
        place = L->listed[i] >> r & 1 ? ladder_place(L->best + (long)r * L->kept, L->kept, name) : L->kept;
        if (worth > 0)
            L->gain[r] = L->gain[r] * L->memory + (place < L->kept ? worth * L->worth[place] : 0.0);
        if (sums[r] == 0)
            sums[r] = w[way];
        else
            sums[r] = late ? sums[r] + w[way] * left[h] : sums[r] * left[h] + w[way];
        if (L->kept)
            ladder_rise(L, r, i, place);
    }
}

/* an item goes: the places that it leaves in the lists stay free until another rises into them */
static inline void ladder_drop(skl_ladder *L, long i) {
    int r, place;
    for (r = 0; r < L->rungs; r++) {
        double *list = L->best + (long)r * L->kept;
        if (L->listed[i] >> r & 1) {
            place = ladder_place(list, L->kept, (double)(i + 1));
            memmove(list + place, list + place + 1, (size_t)(L->kept - 1 - place) * sizeof(double));
            list[L->kept - 1] = 0;
        }
        L->sums[i * L->rungs + r] = 0;
    }
    L->listed[i] = 0;
    L->last[i] = 0;
}

/* the rung with the largest gain; of equals the last */
static inline int ladder_pick(const skl_ladder *L) {
    int r, pick = L->rungs - 1;
    for (r = L->rungs - 2; r >= 0; r--)
        if (L->gain[r] > L->gain[pick])
            pick = r;
    return pick;
}

#endif
