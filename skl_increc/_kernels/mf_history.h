/* A second vector of the user, out of the items that the user had last (SVD++; Koren 2008), or out of the
 * users that she trusts, each with a weight a_j (TrustSVD; Guo 2015); a_j = 1 for items:
 *   z_u = p_u + c sum_{j in H} a_j y_j,  c = (sum a_j^2)^(-1/2),
 *   e = w (target - link(b_u + b_i + z_u.q_i)),
 *   p += eta (e q - w l2 p),  q += eta (e z - w l2 q),  y_j += eta_j (e c a_j q - w l2 y_j).
 * The item of the event itself is never in H: it is not there yet when it is to be predicted. */
#ifndef SKL_INCREC_MF_HISTORY_H
#define SKL_INCREC_MF_HISTORY_H
#include <string.h>
#include "mf.h"

typedef struct {
    float *Y, *acc;   /* per item (or user): its second vector, and the squared gradients of that */
    int32_t *recent;  /* per user: their rows + 1, the newest first, then zeros */
    float *weights;   /* of each of them; NULL: 1 */
    int most, users;  /* users: the rows are users */
} mf_memory;

SKL_INLINE float mf_weight(const mf_memory *h, int32_t u, int j)
{
    return h->weights ? h->weights[(ptrdiff_t)u * h->most + j] : 1.0f;
}

/* The second vectors take shorter steps: one event moves all of H, and an item is in H of many events. */
#define MF_GENTLE 0.1f

/* z_u without the row `skip`; the sum of the squared weights in it */
SKL_INLINE float mf_user_vector(const mf_model *m, const mf_memory *h, int32_t u, int32_t skip,
                              float *SKL_RESTRICT z)
{
    const ptrdiff_t S = m->stride;
    const int32_t *recent = h->recent + (ptrdiff_t)u * h->most;
    const float *p = m->P + u * S;
    float n = 0.0f;
    for (ptrdiff_t f = 0; f < S; f++) z[f] = 0.0f;
    for (int j = 0; j < h->most && recent[j]; j++) {
        const float *y = h->Y + (recent[j] - 1) * S;
        const float a = mf_weight(h, u, j);
        if (recent[j] - 1 == skip) continue;
        n += a * a;
#pragma omp simd
        for (ptrdiff_t f = 0; f < S; f++) z[f] += a * y[f];
    }
    const float c = n > 0.0f ? 1.0f / sqrtf(n) : 0.0f;
#pragma omp simd
    for (ptrdiff_t f = 0; f < S; f++) z[f] = p[f] + c * z[f];
    return n;
}

SKL_INLINE void mf_history_step(const mf_model *m, const mf_memory *h, int32_t u, int32_t i, float target,
                                float offset, float w, float *SKL_RESTRICT z)
{
    const ptrdiff_t S = m->stride;
    float *SKL_RESTRICT p = m->P + u * S, *SKL_RESTRICT q = m->Q + i * S;
    mf_stat *su = m->SU + u, *si = m->SI + i;
    const int32_t *recent = h->recent + (ptrdiff_t)u * h->most;
    const int32_t skip = h->users ? -1 : i;
    const float n = mf_user_vector(m, h, u, skip, z);
    const int adagrad = m->optimizer == MF_ADAGRAD;
    const float c = n > 0.0f ? 1.0f / sqrtf(n) : 0.0f, each = 1.0f / (float)m->k;
    float zq = 0.0f, zz = 0.0f, qq = 0.0f, pp = 0.0f, pq = 0.0f;
#pragma omp simd reduction(+ : zq, zz, qq, pp, pq)
    for (ptrdiff_t f = 0; f < S; f++) {
        zq += z[f] * q[f]; zz += z[f] * z[f]; qq += q[f] * q[f]; pp += p[f] * p[f]; pq += p[f] * q[f];
    }
    if (!(zz + qq + pp < MF_LONGEST)) {
        mf_broke(su, si, m->broken);
        return;
    }
    const float bu = su->bias, bi = si->bias, l2 = w * m->l2, l2_bias = w * m->l2_bias;
    const float e = w * mf_error(target, offset, bu + bi + zq, m->loss);
    float eta_u = m->lr_bias, eta_i = m->lr_bias, eta_p = m->lr, eta_q = m->lr;
    if (adagrad) {
        const float gu = e - l2_bias * bu, gi = e - l2_bias * bi;
        const float gp = e * e * qq - 2.0f * e * l2 * pq + l2 * l2 * pp;
        const float gq = e * e * zz - 2.0f * e * l2 * zq + l2 * l2 * qq;
        if (m->biases) { su->bias_acc += gu * gu; si->bias_acc += gi * gi; }
        su->acc += (gp > 0.0f ? gp : 0.0f) * each;
        si->acc += (gq > 0.0f ? gq : 0.0f) * each;
        eta_u /= sqrtf(su->bias_acc + m->eps); eta_i /= sqrtf(si->bias_acc + m->eps);
        eta_p /= sqrtf(su->acc + m->eps); eta_q /= sqrtf(si->acc + m->eps);
    }
    /* the rates of the y_j are those before this event; all pull together */
    const float gy = e * e * (c * c) * qq * each;
    const float lr = MF_GENTLE * m->lr;
    float all = 0.0f;
    for (int j = 0; j < h->most && recent[j]; j++) {
        const float a = mf_weight(h, u, j), aa = a * a;
        if (recent[j] - 1 != skip) all += aa * (adagrad ? lr / sqrtf(h->acc[recent[j] - 1] + aa * gy + m->eps) : lr);
    }
    const float both = m->biases ? eta_u + eta_i : 0.0f;
    const float go = e * mf_share(w * (eta_p * qq + eta_q * zz + all * c * c * qq + both), m->loss);
    for (int j = 0; j < h->most && recent[j]; j++) {
        const int32_t r = recent[j] - 1;
        if (r == skip) continue;
        float *SKL_RESTRICT y = h->Y + r * S;
        const float a = mf_weight(h, u, j);
        float eta = lr;
        if (adagrad) { h->acc[r] += a * a * gy; eta /= sqrtf(h->acc[r] + m->eps); }
        const float keep = mf_keep(eta * l2), step = eta * go * c * a;
#pragma omp simd
        for (ptrdiff_t f = 0; f < S; f++) y[f] = keep * y[f] + step * q[f];
    }
    if (m->biases) {
        su->bias = mf_keep(eta_u * l2_bias) * bu + eta_u * go;
        si->bias = mf_keep(eta_i * l2_bias) * bi + eta_i * go;
    }
    const float keep_p = mf_keep(eta_p * l2), keep_q = mf_keep(eta_q * l2), go_p = eta_p * go, go_q = eta_q * go;
#pragma omp simd
    for (ptrdiff_t f = 0; f < S; f++) {
        const float qf = q[f];
        p[f] = keep_p * p[f] + go_p * qf;
        q[f] = keep_q * qf + go_q * z[f];
    }
    su->n += 1.0f;
    si->n += 1.0f;
}

/* the item becomes the newest of the user; the oldest goes where there is no room */
SKL_INLINE void mf_remember(const mf_memory *h, int32_t u, int32_t i)
{
    int32_t *recent = h->recent + (ptrdiff_t)u * h->most;
    int j = 0;
    while (j < h->most - 1 && recent[j] && recent[j] - 1 != i) j++;
    memmove(recent + 1, recent, (size_t)j * sizeof(int32_t));
    recent[0] = i + 1;
}

/* as mf_scores; `z` holds a row */
SKL_CLONES
static void mf_history_scores(const mf_model *m, const mf_memory *h, const int32_t *u, int step_u,
                              const int32_t *i, int step_i, ptrdiff_t n, float *out, float *z)
{
    int32_t last = -1;
    for (ptrdiff_t t = 0; t < n; t++) {
        const int32_t a = u[t * step_u], b = i[t * step_i];
        float s = (a >= 0 ? m->SU[a].bias : 0.0f) + (b >= 0 ? m->SI[b].bias : 0.0f);
        if (a >= 0 && b >= 0) {
            if (a != last) mf_user_vector(m, h, a, -1, z);
            last = a;
            s += mf_dot_loop(z, m->Q + b * m->stride, (int)m->stride);
        }
        out[t] = s;
    }
}
#endif
