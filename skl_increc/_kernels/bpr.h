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
#include <string.h>
#include "mf.h"

enum { BPR_PAIRS = 0, BPR_WARP = 1, BPR_LOGISTIC = 2, BPR_SQUARED = 3 };

#define BPR_LONGEST 1e12f /* squared length of a row that has exploded */

SKL_INLINE int bpr_sane(float a, float b) { return a < BPR_LONGEST && b < BPR_LONGEST; }

/* what a step adds to the squared gradients of a row; nothing with a constant rate */
SKL_INLINE float bpr_grown(float acc, float g, int optimizer)
{
    return optimizer == MF_ADAGRAD ? acc + g : acc;
}

/* the length of a step */
SKL_INLINE float bpr_eta(float rate, float acc, float eps, int optimizer)
{
    return optimizer == MF_ADAGRAD ? rate / sqrtf(acc + eps) : rate;
}

/* Pairs that share no row: their steps are those of one after the other, and wait for nothing but their own rows.
 * What is a number a pair is done for all of them at once; of missing ones nobody reads it. */
enum { BPR_LANES = 4 };

typedef struct {
    int n;
    int32_t u[BPR_LANES], i[BPR_LANES], j[BPR_LANES];   /* i is to go above j; u = -1: anonymous */
    float w[BPR_LANES];
    uint64_t users, items;                              /* bit r % 64: there may be row r */
} bpr_group;

typedef struct {
    float x[BPR_LANES], pp[BPR_LANES], dd[BPR_LANES];                /* products of vectors */
    float p[BPR_LANES], qi[BPR_LANES], qj[BPR_LANES];                /* squared gradients, then those after the step */
    float bi[BPR_LANES], bj[BPR_LANES], si[BPR_LANES], sj[BPR_LANES];/* the same of biases; biases */
    float gp[BPR_LANES], gi[BPR_LANES], gj[BPR_LANES];               /* what goes into the vectors */
    float kp[BPR_LANES], ki[BPR_LANES], kj[BPR_LANES];               /* what is left of them */
    int ok[BPR_LANES];
} bpr_numbers;

/* 1 / (1 + exp(x)): the power of two, and a polynomial of what is left (Cephes; Estrin's order, which waits less) */
SKL_INLINE void bpr_sigmoids(const float *x, float *out, int lanes)
{
    const float whole = 12582912.0f; /* 1.5 * 2^23: beside it no fraction is kept */
    float near[BPR_LANES], rest[BPR_LANES], two[BPR_LANES];
    int32_t bits[BPR_LANES];
#pragma omp simd
    for (int l = 0; l < lanes; l++) {
        float v = x[l] < 87.0f ? x[l] : 87.0f;
        v = v > -87.0f ? v : -87.0f;
        near[l] = (v * 1.44269504f + whole) - whole;
        rest[l] = (v - near[l] * 0.693359375f) + near[l] * 2.12194440e-4f;
        bits[l] = ((int32_t)near[l] + 127) << 23;
    }
    memcpy(two, bits, (size_t)lanes * sizeof *two);
#pragma omp simd
    for (int l = 0; l < lanes; l++) {
        const float r = rest[l], rr = r * r;
        const float low = (4.1665795894e-2f * r + 1.6666665459e-1f) * r + 5.0000001201e-1f;
        const float high = (1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f;
        out[l] = 1.0f / (1.0f + two[l] * ((high * (rr * r) + low) * rr + (r + 1.0f)));
    }
}

/* the products of a pair, and the numbers of its rows */
SKL_INLINE void bpr_read(const mf_model *m, const bpr_group *g, int l, bpr_numbers *v, int stride)
{
    const float *qi = m->Q + g->i[l] * (ptrdiff_t)stride, *qj = m->Q + g->j[l] * (ptrdiff_t)stride;
    const mf_stat *si = m->SI + g->i[l], *sj = m->SI + g->j[l];
    v->x[l] = si->bias - sj->bias;
    v->si[l] = si->bias; v->bi[l] = si->bias_acc; v->qi[l] = si->acc;
    v->sj[l] = sj->bias; v->bj[l] = sj->bias_acc; v->qj[l] = sj->acc;
    v->pp[l] = v->dd[l] = v->p[l] = 0.0f;
    if (g->u[l] < 0) return;
    const float *p = m->P + g->u[l] * (ptrdiff_t)stride;
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
    v->x[l] += mf_fold(a); v->pp[l] = mf_fold(b); v->dd[l] = mf_fold(c);
    v->p[l] = m->SU[g->u[l]].acc;
}

/* from them the numbers of the step; `rank`: of WARP, how much it counts; 0: BPR */
SKL_INLINE void bpr_decide(const mf_model *m, const float *weights, bpr_numbers *v, float rank,
                           int lanes)
{
    const int optimizer = m->optimizer;
    const float each = 1.0f / (float)m->k, eps = m->eps, lr = m->lr, lr_bias = m->biases ? m->lr_bias : 0.0f;
    float s[BPR_LANES];
    bpr_sigmoids(v->x, s, lanes);
#pragma omp simd
    for (int l = 0; l < lanes; l++) {
        const float w = weights[l], x = v->x[l], pp = v->pp[l], dd = v->dd[l];
        const float e = w * (rank > 0.0f ? rank : s[l]), ee = e * e, l2 = w * m->l2, l2_bias = w * m->l2_bias;
        const float toward = ee * pp * each;
        float acc[4] = {v->qi[l], v->qj[l], v->bi[l], v->bj[l]}, eta[4] = {lr, lr, lr_bias, lr_bias};
        const float more[4] = {toward, toward, ee, ee};
        if (lanes == 1) {     /* side by side: they wait for the same unit */
#pragma omp simd
            for (int q = 0; q < 4; q++) {
                acc[q] = bpr_grown(acc[q], more[q], optimizer);
                eta[q] = bpr_eta(eta[q], acc[q], eps, optimizer);
            }
        } else {
            for (int q = 0; q < 4; q++) acc[q] = bpr_grown(acc[q], more[q], optimizer);
            for (int q = 0; q < 4; q++) eta[q] = bpr_eta(eta[q], acc[q], eps, optimizer);
        }
        const float ap = bpr_grown(v->p[l], ee * dd * each, optimizer), eta_p = bpr_eta(lr, ap, eps, optimizer);
        const float ai = acc[0], aj = acc[1], bi = acc[2], bj = acc[3];
        const float eta_i = eta[0], eta_j = eta[1], eta_bi = eta[2], eta_bj = eta[3];
        /* a logit may move to where its gradient would be flat; the loss of WARP is straight, and steps as it says */
        const float pull = eta_p * dd + (eta_i + eta_j) * pp + eta_bi + eta_bj;
        const float go = rank > 0.0f ? e : e * mf_share(w * pull, MF_LOGISTIC);
        const float gp = eta_p * go, gi = eta_i * go, gj = eta_j * go, gb = (eta_bi + eta_bj) * go;
        v->ok[l] = (pp < BPR_LONGEST) & (dd < BPR_LONGEST) & (x * x < BPR_LONGEST) & (gp * gp * dd < BPR_LONGEST)
                   & ((gi * gi + gj * gj) * pp < BPR_LONGEST) & (gb * gb < BPR_LONGEST)
                   & (ee * 1e-20f < BPR_LONGEST);
        v->p[l] = ap; v->qi[l] = ai; v->qj[l] = aj;
        v->gp[l] = gp; v->gi[l] = gi; v->gj[l] = gj;
        v->kp[l] = mf_keep(eta_p * l2); v->ki[l] = mf_keep(eta_i * l2); v->kj[l] = mf_keep(eta_j * l2);
        v->si[l] = mf_keep(eta_bi * l2_bias) * v->si[l] + eta_bi * go;
        v->sj[l] = mf_keep(eta_bj * l2_bias) * v->sj[l] - eta_bj * go;
        v->bi[l] = m->biases ? bi : v->bi[l];
        v->bj[l] = m->biases ? bj : v->bj[l];
    }
}

SKL_INLINE void bpr_write(const mf_model *m, const bpr_group *g, int l, const bpr_numbers *v, int stride)
{
    float *SKL_RESTRICT qi = m->Q + g->i[l] * (ptrdiff_t)stride, *SKL_RESTRICT qj = m->Q + g->j[l] * (ptrdiff_t)stride;
    mf_stat *si = m->SI + g->i[l], *sj = m->SI + g->j[l];
    si->bias = v->si[l]; si->bias_acc = v->bi[l]; si->acc = v->qi[l];
    sj->bias = v->sj[l]; sj->bias_acc = v->bj[l]; sj->acc = v->qj[l];
    if (g->u[l] < 0) return;
    float *SKL_RESTRICT p = m->P + g->u[l] * (ptrdiff_t)stride;
    const float gp = v->gp[l], gi = v->gi[l], gj = v->gj[l], kp = v->kp[l], ki = v->ki[l], kj = v->kj[l];
    m->SU[g->u[l]].acc = v->p[l];
#pragma omp simd
    for (int f = 0; f < stride; f++) {
        const float pf = p[f], a = qi[f], b = qj[f];
        p[f] = kp * pf + gp * (a - b);
        qi[f] = ki * a + gi * pf;
        qj[f] = kj * b - gj * pf;
    }
}

/* The steps of a group of so many at most; how many met a row that has exploded, or would: nothing of theirs is
 * written then. */
SKL_INLINE int bpr_step_of(const mf_model *m, const bpr_group *g, bpr_numbers *v, float rank, int lanes, int stride)
{
    const int n = lanes == 1 ? 1 : g->n;
    int bad = 0;
    for (int l = 0; l < n; l++) bpr_read(m, g, l, v, stride);
    bpr_decide(m, g->w, v, rank, lanes);
    for (int l = 0; l < n; l++) {
        if (v->ok[l]) bpr_write(m, g, l, v, stride);
        else bad++;
    }
    return bad;
}

/* One pair alone stays in registers, where it waits less for itself.  The numbers are the same to the last bit, as
 * products and sums are not joined in this module (-ffp-contract=off).  `v`: at first zeros, then anything. */
SKL_INLINE int bpr_group_step(const mf_model *m, const bpr_group *g, bpr_numbers *v, float rank, int stride)
{
    bpr_numbers one;
    return g->n == 1 ? bpr_step_of(m, g, &one, rank, 1, stride) : bpr_step_of(m, g, v, rank, BPR_LANES, stride);
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
    const float ap = p ? bpr_grown(su->acc, ee * qq * each, m->optimizer) : 0.0f;
    const float aq = moves ? bpr_grown(si->acc, ee * pp * each, m->optimizer) : si->acc;
    const float ab = biased ? bpr_grown(si->bias_acc, ee, m->optimizer) : si->bias_acc;
    const float eta_p = p ? bpr_eta(m->lr, ap, m->eps, m->optimizer) : 0.0f;
    const float eta_q = moves ? bpr_eta(m->lr, aq, m->eps, m->optimizer) : 0.0f;
    const float eta_b = biased ? bpr_eta(m->lr_bias, ab, m->eps, m->optimizer) : 0.0f;
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

SKL_INLINE void bpr_fetch(const mf_model *m, int32_t i, int stride)
{
    const char *q = (const char *)(m->Q + i * (ptrdiff_t)stride);
    for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(q + c);
    SKL_PREFETCH(m->SI + i);
}

/* whether a pair shares a row with one of the group */
SKL_INLINE int bpr_meets(const bpr_group *g, int32_t u, int32_t i, int32_t j)
{
    int any = 0;
    if (!((g->users >> (u & 63) | g->items >> (i & 63) | g->items >> (j & 63)) & 1)) return 0;
    for (int l = 0; l < g->n; l++)
        any |= (g->u[l] == u) | (g->i[l] == i) | (g->i[l] == j) | (g->j[l] == i) | (g->j[l] == j);
    return any;
}

/* Pairs in order, of n events with one other item each, or (many) of one event with n; weights have the same number
 * as events.  Other items of -1 are left out.  How many steps met a row that has exploded. */
SKL_INLINE int bpr_pairs_of(const mf_model *m, bpr_numbers *v, const int32_t *u, const int32_t *i,
                            const int32_t *others, const float *w, int n, int many, float rank, int stride)
{
    bpr_group g = {0};
    int bad = 0;
    for (int t = 0; t <= n; t++) {
        const int at = many ? 0 : t;
        if (t < n && others[t] < 0) continue;
        if (g.n && (t == n || g.n == BPR_LANES || bpr_meets(&g, u[at], i[at], others[t]))) {
            bad += bpr_group_step(m, &g, v, rank, stride);
            g.n = 0;
            g.users = g.items = 0;
        }
        if (t < n) {
            g.u[g.n] = u[at]; g.i[g.n] = i[at]; g.j[g.n] = others[t]; g.w[g.n] = w[at];
            g.users |= UINT64_C(1) << (u[at] & 63);
            g.items |= UINT64_C(1) << (i[at] & 63) | UINT64_C(1) << (others[t] & 63);
            g.n++;
        }
    }
    return bad;
}

SKL_CLONES
static int bpr_pairs(const mf_model *m, int32_t u, int32_t i, const int32_t *others, int n, float w, float rank)
{
    bpr_numbers v = {0};
#define BPR_CALL(S) bpr_pairs_of(m, &v, &u, &i, others, &w, n, 1, rank, S)
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
#endif
