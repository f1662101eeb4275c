/* How alike one item is to many, from how many users have both; and lists of scores from that.
 *
 * One item goes through the same functions as many: where the compiler joins a product and a sum, it does so
 * for both, and a score of one pair is that of a list to the last bit. */
#ifndef SKL_INCREC_LIKES_H
#define SKL_INCREC_LIKES_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

enum { LIKES_COSINE, LIKES_JACCARD, LIKES_CONDITIONAL, LIKES_LIFT, LIKES_TILE = 256 };

/* both[j] users have the item and item j; `one` and `many[j]` are the users who have one of them, for
 * "conditional" their powers.  Nobody: 0. */
#define LIKES_LOOP(size)                                                                  \
    _Pragma("omp simd") for (ptrdiff_t j = 0; j < n; j++) {                               \
        const double b = both[j], like = b / ((size) + shrinkage);                        \
        out[j] = b > 0 ? like : 0;                                                        \
    }

SKL_INLINE void likes_tile(int kind, const double *both, double one, const double *many, ptrdiff_t n,
                           double shrinkage, double *out)
{
    if (kind == LIKES_COSINE) { LIKES_LOOP(sqrt(one * many[j])) }
    else if (kind == LIKES_JACCARD) { LIKES_LOOP(one + many[j] - b) }
    else { LIKES_LOOP(one * many[j]) }
}

SKL_CLONES SKL_OPTIONAL
static void likes_of(int kind, const double *both, double one, const double *many, ptrdiff_t n, double shrinkage,
                     double *out)
{
    likes_tile(kind, both, one, many, n, shrinkage, out);
}

/* the same from whole numbers */
SKL_CLONES SKL_OPTIONAL
static void likes_of_counts(int kind, const int32_t *counts, double one, const double *many, ptrdiff_t n,
                            double shrinkage, double *out)
{
    double both[LIKES_TILE];
    for (ptrdiff_t a = 0; a < n; a += LIKES_TILE) {
        const ptrdiff_t m = n - a < LIKES_TILE ? n - a : LIKES_TILE;
#pragma omp simd
        for (ptrdiff_t j = 0; j < m; j++) both[j] = counts[a + j];
        likes_tile(kind, both, one, many + a, m, shrinkage, out + a);
    }
}

/* The numbers above 0, packed, and where they stood; none below `least`.  Returns how many. */
SKL_OPTIONAL static ptrdiff_t likes_pack(const int32_t *items, const double *likes, ptrdiff_t n, double least,
                                         int32_t *to_items, double *to)
{
    ptrdiff_t m = 0;
    for (ptrdiff_t j = 0; j < n; j++) {
        to_items[m] = items ? items[j] : (int32_t)j;
        to[m] = likes[j];
        m += likes[j] > 0 && likes[j] >= least;
    }
    return m;
}

/* add what an item says to the scores of all, */
SKL_CLONES SKL_OPTIONAL
static void likes_speak(const double *likes, double factor, ptrdiff_t n, double *scores)
{
#pragma omp simd
    for (ptrdiff_t j = 0; j < n; j++) scores[j] += factor * likes[j];
}

/* or of those among the first n that it knows, each once */
SKL_CLONES SKL_OPTIONAL
static void likes_speak_to(const int32_t *items, const double *likes, double factor, ptrdiff_t m, ptrdiff_t n,
                           double *scores)
{
    for (ptrdiff_t j = 0; j < m; j++)
        if (items[j] < n) scores[items[j]] += factor * likes[j];
}
#endif
