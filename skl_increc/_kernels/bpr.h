/* Steps of factor models that learn from what happened, against items that did not (yet).
 *
 * Pairs (i taken, j not):  x = b_i - b_j + p.(q_i - q_j),  e = w g(x),
 *   p += eta (e (q_i - q_j) - w l2 p),  q_i += eta (e p - w l2 q_i),  q_j -= eta (e p + w l2 q_j)
 * with g = 1 / (1 + exp(x)) (BPR; Rendle et al. 2009), or the weight of the rank where x < 1 (WARP; Weston
 * et al. 2011).  Single items:  e = w (target - link(b_i + p.q_i)), target 1 or 0.
 *
 * eta is constant (sgd) or eta / sqrt(eps + G), G += the mean squared gradient of the row (row-wise Adagrad).
 * A step brings x to where its gradient would be flat at most, never beyond (mf_share); but for WARP, whose
 * steps are as long as the rank says.  A step from or to a row that is not finite, or has exploded, is not
 * made at all: every row stays as it is. */
#ifndef SKL_INCREC_BPR_H
#define SKL_INCREC_BPR_H
#include "mf.h"

enum { BPR_PAIRS = 0, BPR_WARP = 1, BPR_LOGISTIC = 2, BPR_SQUARED = 3 };

#define BPR_LONGEST 1e12f /* squared length of a row that has exploded */

SKL_INLINE int bpr_sane(float a, float b) { return a < BPR_LONGEST && b < BPR_LONGEST; }

/* what a step adds to the squared gradients of a row; nothing with a constant rate */
SKL_INLINE float bpr_grown(float acc, float g, const mf_model *m)
{
    return m->optimizer == MF_ADAGRAD ? acc + g : acc;
}

/* the length of a step */
SKL_INLINE float bpr_eta(float rate, float acc, const mf_model *m)
{
    return m->optimizer == MF_ADAGRAD ? rate / sqrtf(acc + m->eps) : rate;
}

/* One pair; p and su are NULL for an anonymous user.  `rank`: of WARP, how much it counts; 0: BPR.
 * 1, or 0 where a row has exploded or would: nothing is written then. */
SKL_INLINE int bpr_pair_step(const mf_model *m, float *SKL_RESTRICT p, mf_stat *su, float *SKL_RESTRICT qi,
                             mf_stat *si, float *SKL_RESTRICT qj, mf_stat *sj, float w, float rank, int stride)
{
    float x = si->bias - sj->bias, pp = 0.0f, dd = 0.0f;
    if (p) {
        float a[MF_FOLD] = {0}, b[MF_FOLD] = {0}, c[MF_FOLD] = {0};
        for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) {
                const float d = qi[f + j] - qj[f + j];
                a[j] += p[f + j] * d;
                b[j] += p[f + j] * p[f + j];
                c[j] += d * d;
            }
        }
        x += mf_fold(a); pp = mf_fold(b); dd = mf_fold(c);
    }
    if (!(bpr_sane(pp, dd) && bpr_sane(x * x, 0.0f))) return 0;
    const float e = w * (rank > 0.0f ? rank : 1.0f / (1.0f + expf(x))), ee = e * e, each = 1.0f / (float)m->k;
    const float l2 = w * m->l2, l2_bias = w * m->l2_bias;
    const float ap = p ? bpr_grown(su->acc, ee * dd * each, m) : 0.0f;
    const float ai = bpr_grown(si->acc, ee * pp * each, m), aj = bpr_grown(sj->acc, ee * pp * each, m);
    const float bi = bpr_grown(si->bias_acc, ee, m), bj = bpr_grown(sj->bias_acc, ee, m);
    const float eta_p = p ? bpr_eta(m->lr, ap, m) : 0.0f;
    const float eta_i = bpr_eta(m->lr, ai, m), eta_j = bpr_eta(m->lr, aj, m);
    const float eta_bi = m->biases ? bpr_eta(m->lr_bias, bi, m) : 0.0f;
    const float eta_bj = m->biases ? bpr_eta(m->lr_bias, bj, m) : 0.0f;
    /* a logit may move to where its gradient would be flat; the loss of WARP is straight, and steps as it says */
    const float pull = eta_p * dd + (eta_i + eta_j) * pp + eta_bi + eta_bj;
    const float go = rank > 0.0f ? e : e * mf_share(w * pull, MF_LOGISTIC);
    const float gp = eta_p * go, gi = eta_i * go, gj = eta_j * go, gb = (eta_bi + eta_bj) * go;
    if (!(bpr_sane(gp * gp * dd, (gi * gi + gj * gj) * pp) && bpr_sane(gb * gb, ee * 1e-20f))) return 0;
    if (m->biases) {
        si->bias = mf_keep(eta_bi * l2_bias) * si->bias + eta_bi * go;
        sj->bias = mf_keep(eta_bj * l2_bias) * sj->bias - eta_bj * go;
        si->bias_acc = bi;
        sj->bias_acc = bj;
    }
    si->acc = ai;
    sj->acc = aj;
    if (p) {
        const float kp = mf_keep(eta_p * l2), ki = mf_keep(eta_i * l2), kj = mf_keep(eta_j * l2);
        su->acc = ap;
#pragma omp simd
        for (int f = 0; f < stride; f++) {
            const float pf = p[f], a = qi[f], b = qj[f];
            p[f] = kp * pf + gp * (a - b);
            qi[f] = ki * a + gi * pf;
            qj[f] = kj * b - gj * pf;
        }
    }
    return 1;
}

/* One item towards its target; `still`: the item stays as it is. */
SKL_INLINE int bpr_point_step(const mf_model *m, float *SKL_RESTRICT p, mf_stat *su, float *SKL_RESTRICT q,
                              mf_stat *si, float target, float w, int link, int still, int stride)
{
    float x = si->bias, pp = 0.0f, qq = 0.0f;
    if (p) {
        float a[MF_FOLD] = {0}, b[MF_FOLD] = {0}, c[MF_FOLD] = {0};
        for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) {
                a[j] += p[f + j] * q[f + j];
                b[j] += p[f + j] * p[f + j];
                c[j] += q[f + j] * q[f + j];
            }
        }
        x += mf_fold(a); pp = mf_fold(b); qq = mf_fold(c);
    }
    if (!(bpr_sane(pp, qq) && bpr_sane(x * x, 0.0f))) return 0;
    const float e = w * mf_error(target, 0.0f, x, link), ee = e * e, each = 1.0f / (float)m->k;
    const float l2 = w * m->l2, l2_bias = w * m->l2_bias;
    const int moves = p && !still, biased = m->biases && !still;
    const float ap = p ? bpr_grown(su->acc, ee * qq * each, m) : 0.0f;
    const float aq = moves ? bpr_grown(si->acc, ee * pp * each, m) : si->acc;
    const float ab = biased ? bpr_grown(si->bias_acc, ee, m) : si->bias_acc;
    const float eta_p = p ? bpr_eta(m->lr, ap, m) : 0.0f, eta_q = moves ? bpr_eta(m->lr, aq, m) : 0.0f;
    const float eta_b = biased ? bpr_eta(m->lr_bias, ab, m) : 0.0f;
    const float go = e * mf_share(w * (eta_p * qq + eta_q * pp + eta_b), link);
    const float gp = eta_p * go, gq = eta_q * go;
    if (!(bpr_sane(gp * gp * qq, gq * gq * pp) && bpr_sane(eta_b * go * eta_b * go, ee * 1e-20f))) return 0;
    si->bias = mf_keep(eta_b * l2_bias) * si->bias + eta_b * go;
    si->acc = aq;
    si->bias_acc = ab;
    if (p) {
        const float kp = mf_keep(eta_p * l2), kq = mf_keep(eta_q * l2);
        su->acc = ap;
#pragma omp simd
        for (int f = 0; f < stride; f++) {
            const float pf = p[f], qf = q[f];
            p[f] = kp * pf + gp * qf;
            q[f] = kq * qf + gq * pf;
        }
    }
    return 1;
}

#define BPR_WIDTHS(CALL) \
    switch (m->stride) { \
    case 16: return CALL(16); \
    case 32: return CALL(32); \
    case 64: return CALL(64); \
    case 128: return CALL(128); \
    default: return CALL((int)m->stride); \
    }

SKL_INLINE void bpr_fetch(const mf_model *m, int32_t i)
{
    const char *q = (const char *)(m->Q + i * m->stride);
    for (ptrdiff_t c = 0; c < m->stride * 4; c += 64) SKL_PREFETCH(q + c);
    SKL_PREFETCH(m->SI + i);
}

/* The item against each of the others, in order; how many steps met a row that has exploded. */
SKL_INLINE int bpr_pairs_of(const mf_model *m, int32_t u, int32_t i, const int32_t *others, int n, float w,
                            float rank, int stride)
{
    float *p = u >= 0 ? m->P + u * (ptrdiff_t)stride : NULL;
    mf_stat *su = u >= 0 ? m->SU + u : NULL;
    int bad = 0;
    for (int r = 0; r < n; r++)
        bad += !bpr_pair_step(m, p, su, m->Q + i * (ptrdiff_t)stride, m->SI + i,
                              m->Q + others[r] * (ptrdiff_t)stride, m->SI + others[r], w, rank, stride);
    return bad;
}

SKL_CLONES
static int bpr_pairs(const mf_model *m, int32_t u, int32_t i, const int32_t *others, int n, float w, float rank)
{
#define BPR_CALL(S) bpr_pairs_of(m, u, i, others, n, w, rank, S)
    BPR_WIDTHS(BPR_CALL)
#undef BPR_CALL
}

SKL_INLINE int bpr_points_of(const mf_model *m, int32_t u, const int32_t *items, int n, float target, float w,
                             int link, int still, int stride)
{
    float *p = u >= 0 ? m->P + u * (ptrdiff_t)stride : NULL;
    mf_stat *su = u >= 0 ? m->SU + u : NULL;
    int bad = 0;
    for (int r = 0; r < n; r++)
        bad += !bpr_point_step(m, p, su, m->Q + items[r] * (ptrdiff_t)stride, m->SI + items[r], target, w, link,
                               still, stride);
    return bad;
}

SKL_CLONES
static int bpr_points(const mf_model *m, int32_t u, const int32_t *items, int n, float target, float w, int link,
                      int still)
{
#define BPR_CALL(S) bpr_points_of(m, u, items, n, target, w, link, still, S)
    BPR_WIDTHS(BPR_CALL)
#undef BPR_CALL
}

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
#endif
