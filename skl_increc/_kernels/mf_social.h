/* Friends: lists of user rows with weights, and what the rows of friends say of a user (SocialMF; Jamali,
 * Ester 2010).  With m_u and n_u the means of the friends' vectors and biases, by weight, over those who have
 * events, a user begins at (h_p m_u, h_b n_u) and after her N-th step is pulled towards it:
 *   p_u += s (h_p m_u - p_u),  b_u += s' (h_b n_u - b_u),  s = x / (1 + x),  x = eta w beta / N,
 * so that the term counts once a user, as in the objective, and not once an event.  How alike friends are, h_b
 * and h_p in [0, 1], are two slopes through the origin, of z - b_i on n_u and of z - b_i - b_u on m_u.q_i, over
 * the first events of users with friends: later on, friends' rows may hold what they had from this user. */
#ifndef SKL_INCREC_MF_SOCIAL_H
#define SKL_INCREC_MF_SOCIAL_H
#include <string.h>
#include "mf.h"

/* sums of products and of squares, of biases and of vectors */
typedef struct { double bias_xy, bias_xx, xy, xx; } mf_alike;

typedef struct {
    int32_t *friends;     /* per user: rows + 1, the newest tie first, then zeros */
    float *ties;          /* the weight of each, above 0 */
    mf_alike *alike;
    int most;
    float beta, fixed;    /* fixed: how alike friends are, if not below 0 */
} mf_social;

#define MF_ALIKE_START 0.5    /* before any event */
#define MF_ALIKE_EVENTS 2.0   /* what that counts for, in squared standard units */
#define MF_ALIKE_FIRST 5.0f   /* events of a user that tell how alike friends are */

SKL_INLINE float mf_slope(const mf_social *s, double xy, double xx)
{
    if (s->fixed >= 0.0f) return s->fixed;
    const double h = (xy + MF_ALIKE_START * MF_ALIKE_EVENTS) / (xx + MF_ALIKE_EVENTS);
    return h < 0.0 ? 0.0f : h > 1.0 ? 1.0f : (float)h;
}

/* the means over the friends of u who have events, with all due shrinkage; 0 if there is none of them */
SKL_INLINE int mf_friends_say(const mf_model *m, const mf_social *s, int32_t u, float *SKL_RESTRICT z, float *bias,
                              float share, float share_bias)
{
    const ptrdiff_t S = m->stride, at = (ptrdiff_t)u * s->most;
    float all = 0.0f, b = 0.0f;
    for (ptrdiff_t f = 0; f < S; f++) z[f] = 0.0f;
    for (int j = 0; j < s->most && s->friends[at + j]; j++) {
        const int32_t v = s->friends[at + j] - 1;
        const float a = s->ties[at + j], *p = m->P + v * S;
        if (m->SU[v].n == 0.0f) continue;
        all += a;
        b += a * m->SU[v].bias;
#pragma omp simd
        for (ptrdiff_t f = 0; f < S; f++) z[f] += a * p[f];
    }
    if (all == 0.0f) { *bias = 0.0f; return 0; }
    *bias = share_bias * (b / all);
    const float c = share / all;
#pragma omp simd
    for (ptrdiff_t f = 0; f < S; f++) z[f] *= c;
    return 1;
}

/* where a user without events is taken to be; zeros without friends who have some */
SKL_INLINE int mf_stranger(const mf_model *m, const mf_social *s, int32_t u, float *z, float *bias)
{
    return mf_friends_say(m, s, u, z, bias, mf_slope(s, s->alike->xy, s->alike->xx),
                          mf_slope(s, s->alike->bias_xy, s->alike->bias_xx));
}

/* Before an event: a new row begins where her friends are, and the event tells how alike friends are.
 * `count`: it is no event that was learned before. */
SKL_INLINE void mf_meet(const mf_model *m, const mf_social *s, int32_t u, int32_t i, float target, float w, int count,
                        float *SKL_RESTRICT z)
{
    const ptrdiff_t S = m->stride;
    mf_stat *su = m->SU + u;
    float *p = m->P + u * S, bias;
    if (su->n == 0.0f && mf_stranger(m, s, u, z, &bias)) {
        su->bias += bias;
        for (ptrdiff_t f = 0; f < S; f++) p[f] += z[f];
    }
    if (!count || i < 0 || s->fixed >= 0.0f || su->n >= MF_ALIKE_FIRST) return;
    if (!mf_friends_say(m, s, u, z, &bias, 1.0f, 1.0f)) return;
    const double left = (double)target - m->SI[i].bias, x = mf_dot_loop(z, m->Q + i * S, (int)S);
    s->alike->bias_xy += (double)w * bias * left;
    s->alike->bias_xx += (double)w * bias * bias;
    s->alike->xy += w * x * (left - su->bias);
    s->alike->xx += w * x * x;
}

/* after a step */
SKL_INLINE void mf_pull_to_friends(const mf_model *m, const mf_social *s, int32_t u, float w, float *SKL_RESTRICT z)
{
    const ptrdiff_t S = m->stride;
    mf_stat *su = m->SU + u;
    float *SKL_RESTRICT p = m->P + u * S, bias;
    if (s->beta == 0.0f || !mf_stranger(m, s, u, z, &bias)) return;
    const float pull = w * s->beta / su->n;
    const float x = pull * m->lr / sqrtf(su->acc + m->eps), y = pull * m->lr_bias / sqrtf(su->bias_acc + m->eps);
    const float by = x / (1.0f + x);
    su->bias += y / (1.0f + y) * (bias - su->bias);
#pragma omp simd
    for (ptrdiff_t f = 0; f < S; f++) p[f] += by * (z[f] - p[f]);
}

/* scores of n pairs over those of mf_scores, for users without events; `z` holds a row */
SKL_CLONES
static void mf_stranger_scores(const mf_model *m, const mf_social *s, const int32_t *u, int step_u, const int32_t *i,
                               int step_i, ptrdiff_t n, float *out, float *z)
{
    int32_t last = -1;
    float bias = 0.0f;
    for (ptrdiff_t t = 0; t < n; t++) {
        const int32_t a = u[t * step_u], b = i[t * step_i];
        if (a < 0 || m->SU[a].n != 0.0f) continue;
        if (a != last) mf_stranger(m, s, a, z, &bias);
        last = a;
        out[t] = bias + (b >= 0 ? m->SI[b].bias : 0.0f);
        if (b >= 0) out[t] += mf_dot_loop(z, m->Q + b * m->stride, (int)m->stride);
    }
}

/* the place of row v in the list of u, or where the list ends */
SKL_INLINE int mf_find_tie(const int32_t *mine, int most, int32_t v)
{
    int j = 0;
    while (j < most && mine[j] && mine[j] - 1 != v) j++;
    return j;
}

SKL_INLINE void mf_untie(int32_t *mine, float *ties, int most, int at)
{
    memmove(mine + at, mine + at + 1, (size_t)(most - 1 - at) * sizeof(int32_t));
    memmove(ties + at, ties + at + 1, (size_t)(most - 1 - at) * sizeof(float));
    mine[most - 1] = 0;
    ties[most - 1] = 0.0f;
}

/* The newest tie goes first; where there is no room, the lightest goes, of equals the oldest. */
SKL_INLINE void mf_tie(int32_t *mine, float *ties, int most, int32_t v, float weight)
{
    int at = mf_find_tie(mine, most, v), lightest = most - 1;
    if (at == most) {
        for (int j = most - 2; j >= 0; j--)
            if (ties[j] < ties[lightest]) lightest = j;
        if (weight < ties[lightest]) return;
        at = lightest;
    }
    memmove(mine + 1, mine, (size_t)at * sizeof(int32_t));
    memmove(ties + 1, ties, (size_t)at * sizeof(float));
    mine[0] = v + 1;
    ties[0] = weight;
}
#endif
