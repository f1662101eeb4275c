/* Adam (Kingma and Ba, 2015) a row at a time: the moments of a row decay at its own events only, and their
 * start at zero is corrected by the number of its own steps ("lazy" Adam). */
#ifndef SKL_INCREC_MF_ADAM_H
#define SKL_INCREC_MF_ADAM_H
#include <string.h>
#include "mf.h"

/* per row: `stride` first moments, then `stride` second moments, and how many steps they have made */
typedef struct { float *MU, *MI, *TU, *TI; } mf_moments;

#define MF_BETA1 0.9f
#define MF_BETA2 0.999f
#define MF_TINY 1e-8f
#define MF_LOUDEST 1e15f /* the square of an error must be a float */

SKL_INLINE float mf_adam_error(float target, float offset, float s, float w, int loss)
{
    const float e = w * mf_error(target, offset, s, loss);
    return e < -MF_LOUDEST ? -MF_LOUDEST : e > MF_LOUDEST ? MF_LOUDEST : e;
}

/* the two factors that take away the start at zero, at step t of a row */
SKL_INLINE void mf_adam_scale(float t, float rate, float *first, float *second)
{
    *first = rate / (1.0f - powf(MF_BETA1, t));
    *second = 1.0f / (1.0f - powf(MF_BETA2, t));
}

SKL_INLINE void mf_adam_bias(mf_stat *row, float e, float w, const mf_model *m)
{
    float first, second;
    const float g = e - w * m->l2_bias * row->bias;
    row->bias_acc = MF_BETA1 * row->bias_acc + (1.0f - MF_BETA1) * g;
    row->acc = MF_BETA2 * row->acc + (1.0f - MF_BETA2) * (g * g);
    mf_adam_scale(row->n + 1.0f, m->lr_bias, &first, &second);
    row->bias += first * row->bias_acc / (sqrtf(second * row->acc) + MF_TINY);
}

SKL_INLINE void mf_adam_row(float *SKL_RESTRICT x, float *SKL_RESTRICT moment, const float *SKL_RESTRICT other,
                            float e, float l2, float first, float second, int stride)
{
#pragma omp simd
    for (int f = 0; f < stride; f++) {
        const float g = e * other[f] - l2 * x[f];
        const float a = MF_BETA1 * moment[f] + (1.0f - MF_BETA1) * g;
        const float b = MF_BETA2 * moment[stride + f] + (1.0f - MF_BETA2) * (g * g);
        moment[f] = a;
        moment[stride + f] = b;
        x[f] += first * a / (sqrtf(second * b) + MF_TINY);
    }
}

/* one event; `spare` holds a row */
SKL_INLINE void mf_adam_step(const mf_model *m, const mf_moments *a, int32_t u, int32_t i, float target,
                             float offset, float w, float *SKL_RESTRICT spare)
{
    const ptrdiff_t S = m->stride;
    mf_stat *su = u >= 0 ? m->SU + u : NULL, *si = i >= 0 ? m->SI + i : NULL;
    float s = (su ? su->bias : 0.0f) + (si ? si->bias : 0.0f);
    if (su && si) {
        const float *p = m->P + u * S, *q = m->Q + i * S;
        float pq = 0.0f;
#pragma omp simd reduction(+ : pq)
        for (ptrdiff_t f = 0; f < S; f++) pq += p[f] * q[f];
        s += pq;
    }
    if (!(s * s < MF_LONGEST)) {
        mf_stat none, *one = su ? su : &none;
        mf_broke(one, si ? si : &none, m->broken);
        return;
    }
    const float e = mf_adam_error(target, offset, s, w, m->loss);
    if (su && si) {
        float first, second, *p = m->P + u * S, *q = m->Q + i * S;
        memcpy(spare, p, (size_t)S * sizeof(float));
        mf_adam_scale(a->TU[u] += 1.0f, m->lr, &first, &second);
        mf_adam_row(p, a->MU + 2 * u * S, q, e, w * m->l2, first, second, (int)S);
        mf_adam_scale(a->TI[i] += 1.0f, m->lr, &first, &second);
        mf_adam_row(q, a->MI + 2 * i * S, spare, e, w * m->l2, first, second, (int)S);
    }
    if (su) { if (m->biases) mf_adam_bias(su, e, w, m); su->n += 1.0f; }
    if (si) { if (m->biases) mf_adam_bias(si, e, w, m); si->n += 1.0f; }
}
#endif
