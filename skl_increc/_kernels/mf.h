/* Stochastic gradient steps of biased matrix factorisation.
 *
 * One event (u, i, target):  s = b_u + b_i + p.q,  e = w (target - link(offset + s)),
 *   b += eta_b (e - w l2_b b),   p += eta_p (e q - w l2 p),   q += eta_q (e p - w l2 q)
 * where e is cut to what brings the prediction to the target (a heavy weight would overshoot),
 * with eta constant (sgd) or eta / sqrt(eps + G), G += the mean squared gradient of the row
 * (row-wise Adagrad).  |p|^2, |q|^2 and p.q come out of one pass, and give that mean exactly.
 *
 * A batch and a single event run the same code with the same constant widths: results agree
 * to the last bit however a stream is cut. */
#ifndef SKL_INCREC_MF_H
#define SKL_INCREC_MF_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include "simd.h"
#include "standardise.h"

enum { MF_SGD = 0, MF_ADAGRAD = 1 };
enum { MF_SQUARED = 0, MF_LOGISTIC = 1 };

/* one row's bias, its two accumulators and the number of its events: 16 bytes, one cache line */
typedef struct { float bias, bias_acc, acc, n; } mf_stat;

typedef struct {
    float *P, *Q;          /* 64-byte aligned rows of `stride` floats, zero beyond k */
    mf_stat *SU, *SI;
    ptrdiff_t stride;
    int k, optimizer, loss, biases;
    float lr, lr_bias, l2, l2_bias, eps;
    double *broken;        /* where steps are counted that were not made (mf_broke) */
    double classes[2];     /* what events of y = 0 and of y = 1 weigh (logistic loss) */
    int balanced;          /* both the same instead, by their sums so far */
} mf_model;

/* the parameters of a step, copied out of the model once a call: no store to a row can alias them */
typedef struct { float lr, lr_bias, l2, l2_bias, eps, each; int biases; double *broken; } mf_rates;

enum { MF_FOLD = 8 };

/* the sum of partial sums as a tree: a third of the latency of adding them in order, and the same
 * rounding whatever the width of the vectors */
SKL_INLINE float mf_fold(const float *a)
{
    float h[4], g[2];
#pragma omp simd
    for (int j = 0; j < 4; j++) h[j] = a[j] + a[j + 4];
    for (int j = 0; j < 2; j++) g[j] = h[j] + h[j + 2];
    return g[0] + g[1];
}

SKL_INLINE float mf_error(float target, float offset, float s, int loss)
{
    if (loss == MF_LOGISTIC) return target - 1.0f / (1.0f + expf(-(offset + s)));
    return target - s;
}

SKL_INLINE mf_rates mf_rates_of(const mf_model *m)
{
    const mf_rates r = {m->lr, m->lr_bias, m->l2, m->l2_bias, m->eps, 1.0f / (float)m->k, m->biases, m->broken};
    return r;
}

/* A step may bring the prediction to the target, never beyond: with a heavy weight or a large rate the
 * plain step overshoots, each time further.  `pull` is how much of the error the step would take away. */
SKL_INLINE float mf_share(float pull, int loss)
{
    if (loss == MF_LOGISTIC) pull *= 0.25f; /* the most that the curve is steep */
    return pull > 1.0f ? 1.0f / pull : 1.0f;
}

/* A row that has exploded takes no part in a step, and spoils no other.  As a step brings the prediction to the
 * target at most, one from rows within this bound, of squared lengths and of products, leaves numbers that are none
 * too large for floats.  Nothing but the number of events changes. */
#define MF_LONGEST 1e8f

SKL_INLINE void mf_broke(mf_stat *su, mf_stat *si, double *broken)
{
    *broken += 1.0;
    su->n += 1.0f;
    si->n += 1.0f;
}

/* what shrinkage leaves of a number, at least nothing */
SKL_INLINE float mf_keep(float x) { return x < 1.0f ? 1.0f - x : 0.0f; }

/* the weighted error; of the squared loss as one multiplication and addition after p.q */
SKL_INLINE float mf_pull(float target, float offset, float known, float pq, float w, int loss)
{
    if (loss == MF_LOGISTIC) return w * mf_error(target, offset, known + pq, loss);
    return w * (target - known) - w * pq;
}

SKL_INLINE void mf_step(float *SKL_RESTRICT p, float *SKL_RESTRICT q, mf_stat *SKL_RESTRICT su,
                        mf_stat *SKL_RESTRICT si, float target, float offset, float w,
                        const mf_rates *m, int stride, int optimizer, int loss)
{
    float pq = 0.0f, pp = 0.0f, qq = 0.0f;
    /* plain steps that are too short to overshoot need no lengths */
    const float long_step = loss == MF_LOGISTIC ? 1.0f : 0.25f;
    const int lengths = optimizer == MF_ADAGRAD || w * (m->lr + m->lr_bias) > long_step;
    {
        float a[MF_FOLD] = {0}, b[MF_FOLD] = {0}, c[MF_FOLD] = {0};
        float d[MF_FOLD] = {0};      /* wide rows: two chains of sums for p.q, which is on the way to the step */
        const int two = stride >= 64 && optimizer != MF_ADAGRAD ? MF_FOLD : 0;
        for (int f = 0; f < stride; f += MF_FOLD + two) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) a[j] += p[f + j] * q[f + j];
            if (two) {
#pragma omp simd
                for (int j = 0; j < MF_FOLD; j++) d[j] += p[f + two + j] * q[f + two + j];
            }
        }
        if (two) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) a[j] += d[j];
        }
        if (lengths) {
            for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
                for (int j = 0; j < MF_FOLD; j++) b[j] += p[f + j] * p[f + j];
#pragma omp simd
                for (int j = 0; j < MF_FOLD; j++) c[j] += q[f + j] * q[f + j];
            }
        }
        pq = mf_fold(a);
        if (lengths) { pp = mf_fold(b); qq = mf_fold(c); }
    }
    if (!((lengths ? pp + qq : pq * pq) < MF_LONGEST)) {
        mf_broke(su, si, m->broken);
        return;
    }
    /* what does not wait for p.q comes first: the chain from one event of a row to its next is what limits */
    const float bu = su->bias, bi = si->bias, l2 = w * m->l2, cb = w * m->l2_bias;
    float keep_p, keep_q, go_p, go_q;
    if (optimizer == MF_ADAGRAD) {
        const float ap = su->acc, aq = si->acc, au = su->bias_acc, ai = si->bias_acc;
        const float qqe = qq * m->each, ppe = pp * m->each, half = 2.0f * l2 * m->each * pq, ll = l2 * l2;
        const float e = mf_pull(target, offset, bu + bi, pq, w, loss);
        const float gu = e - cb * bu, gi = e - cb * bi, uu = gu * gu, ii = gi * gi;
        float gp = e * (e * qqe - half) + ll * ppe, gq = e * (e * ppe - half) + ll * qqe;
        gp = gp > 0.0f ? gp : 0.0f; gq = gq > 0.0f ? gq : 0.0f;
        const float eta_p = m->lr / sqrtf((ap + m->eps) + gp), eta_q = m->lr / sqrtf((aq + m->eps) + gq);
        const float eta_u = m->lr_bias / sqrtf((au + m->eps) + uu), eta_i = m->lr_bias / sqrtf((ai + m->eps) + ii);
        const float go = e * mf_share(w * (eta_p * qq + eta_q * pp + (m->biases ? eta_u + eta_i : 0.0f)), loss);
        su->acc = ap + gp;
        si->acc = aq + gq;
        if (m->biases) {
            su->bias_acc = au + uu;
            si->bias_acc = ai + ii;
            su->bias = mf_keep(eta_u * cb) * bu + eta_u * go;
            si->bias = mf_keep(eta_i * cb) * bi + eta_i * go;
        }
        keep_p = mf_keep(eta_p * l2); keep_q = mf_keep(eta_q * l2);
        go_p = eta_p * go; go_q = eta_q * go;
    } else {
        const float both = m->biases ? 2.0f * m->lr_bias : 0.0f;
        const float cut = w * (lengths ? mf_share(w * (m->lr * (pp + qq) + both), loss) : 1.0f);
        const float go = mf_pull(target, offset, bu + bi, pq, cut, loss);
        if (m->biases) {
            const float kb = mf_keep(m->lr_bias * cb);
            su->bias = kb * bu + m->lr_bias * go;
            si->bias = kb * bi + m->lr_bias * go;
        }
        keep_p = keep_q = mf_keep(m->lr * l2);
        go_p = go_q = loss == MF_LOGISTIC ? m->lr * go : mf_pull(target, offset, bu + bi, pq, m->lr * cut, loss);
    }
#pragma omp simd
    for (int f = 0; f < stride; f++) {
        const float pf = p[f], qf = q[f];
        p[f] = keep_p * pf + go_p * qf;
        q[f] = keep_q * qf + go_q * pf;
    }
    su->n += 1.0f;
    si->n += 1.0f;
}

/* one side is anonymous: the other side's bias is all that can be learned */
SKL_INLINE void mf_step_alone(mf_stat *row, float target, float offset, float w, const mf_rates *m,
                             int optimizer, int loss)
{
    if (m->biases) {
        const float e = w * mf_error(target, offset, row->bias, loss), l2 = w * m->l2_bias;
        float eta = m->lr_bias;
        if (optimizer == MF_ADAGRAD) {
            const float g = e - l2 * row->bias;
            row->bias_acc += g * g;
            eta /= sqrtf(row->bias_acc + m->eps);
        }
        row->bias = mf_keep(eta * l2) * row->bias + eta * e * mf_share(w * eta, loss);
    }
    row->n += 1.0f;
}

SKL_INLINE void mf_loop(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                        const float *offset, const float *w, ptrdiff_t n, ptrdiff_t total,
                        int stride, int optimizer, int loss)
{
    /* rows on their way: at most half of a 32 kB L1; `total` events may be looked at ahead */
    const ptrdiff_t ahead = stride <= 32 ? 32 : stride <= 64 ? 12 : 8;
    const mf_rates rates = mf_rates_of(m);
    float *const P = m->P, *const Q = m->Q;
    mf_stat *const SU = m->SU, *const SI = m->SI;
    for (ptrdiff_t t = 0; t < n; t++) {
        if (t + ahead < total) {
            const int32_t un = u[t + ahead], in = i[t + ahead];
            if (un >= 0) {
                const char *a = (const char *)(P + un * (ptrdiff_t)stride);
                for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(a + c);
                SKL_PREFETCH(SU + un);
            }
            if (in >= 0) {
                const char *b = (const char *)(Q + in * (ptrdiff_t)stride);
                for (int c = 0; c < stride * 4; c += 64) SKL_PREFETCH(b + c);
                SKL_PREFETCH(SI + in);
            }
        }
        if (u[t] >= 0 && i[t] >= 0)
            mf_step(P + u[t] * (ptrdiff_t)stride, Q + i[t] * (ptrdiff_t)stride, SU + u[t], SI + i[t],
                    target[t],
                    loss == MF_LOGISTIC ? offset[t] : 0.0f, w[t], &rates, stride, optimizer, loss);
        else if (u[t] >= 0)
            mf_step_alone(SU + u[t], target[t], loss == MF_LOGISTIC ? offset[t] : 0.0f, w[t], &rates, optimizer, loss);
        else if (i[t] >= 0)
            mf_step_alone(SI + i[t], target[t], loss == MF_LOGISTIC ? offset[t] : 0.0f, w[t], &rates, optimizer, loss);
    }
}

#define MF_WIDTHS(OPTIMIZER, LOSS) \
    switch (m->stride) { \
    case 16: mf_loop(m, u, i, target, offset, w, n, total, 16, OPTIMIZER, LOSS); break; \
    case 32: mf_loop(m, u, i, target, offset, w, n, total, 32, OPTIMIZER, LOSS); break; \
    case 64: mf_loop(m, u, i, target, offset, w, n, total, 64, OPTIMIZER, LOSS); break; \
    case 128: mf_loop(m, u, i, target, offset, w, n, total, 128, OPTIMIZER, LOSS); break; \
    default: mf_loop(m, u, i, target, offset, w, n, total, (int)m->stride, OPTIMIZER, LOSS); \
    }

/* `n` events in order; codes of -1 are anonymous; u and i may be read up to `total` for prefetch */
SKL_INLINE void mf_events(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                      const float *offset, const float *w, ptrdiff_t n, ptrdiff_t total)
{
    if (m->optimizer == MF_ADAGRAD) {
        if (m->loss == MF_SQUARED) { MF_WIDTHS(MF_ADAGRAD, MF_SQUARED) }
        else { MF_WIDTHS(MF_ADAGRAD, MF_LOGISTIC) }
    } else {
        if (m->loss == MF_SQUARED) { MF_WIDTHS(MF_SGD, MF_SQUARED) }
        else { MF_WIDTHS(MF_SGD, MF_LOGISTIC) }
    }
}

/* 0/1 targets: the offset is the log-odds of the base rate, counted half an event each way.  Events of the two
 * classes weigh as the model says, or (balanced) so that both have weighed the same so far. */
SKL_INLINE void mf_log_odds(const mf_model *m, mf_totals *T, const double *y, const double *w, int n, int count,
                        float *target, float *offset, float *weight)
{
    double N[MF_BLOCK], A[MF_BLOCK];
    const double *heavy = m->classes;
    for (int t = 0; t < n; t++) {
        if (count) { T->n += w[t]; T->s1 += w[t] * y[t]; }
        N[t] = T->n; A[t] = T->s1;
        target[t] = (float)y[t];
        weight[t] = (float)(w[t] * (y[t] > 0.5 ? heavy[1] : heavy[0]));
    }
    if (m->balanced)
        for (int t = 0; t < n; t++)
            weight[t] = (float)(w[t] * (0.5 * (N[t] + 1.0) / (y[t] > 0.5 ? A[t] + 0.5 : N[t] - A[t] + 0.5)));
    const int centre = m->biases && !m->balanced;
    for (int t = 0; t < n; t++)
        offset[t] = centre ? (float)log((heavy[1] * A[t] + 0.5) / (heavy[0] * (N[t] - A[t]) + 0.5)) : 0.0f;
}

SKL_INLINE void mf_targets_of(const mf_model *m, mf_totals *T, const double *y, const double *w, int n,
                              int count, float *target, float *offset, float *weight)
{
    if (m->loss == MF_LOGISTIC) mf_log_odds(m, T, y, w, n, count, target, offset, weight);
    else mf_standardise(T, y, w, n, count, m->biases, target, weight);
}

/* Targets of up to MF_BLOCK events, for the forms that do not learn event by event in C. */
SKL_CLONES
SKL_OPTIONAL static void mf_targets(const mf_model *m, mf_totals *T, const double *y, const double *w, int n,
                       int count, float *target, float *offset, float *weight)
{
    mf_targets_of(m, T, y, w, n, count, target, offset, weight);
}

/* Steps of events whose targets are known. */
SKL_CLONES
SKL_OPTIONAL static void mf_steps(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                     const float *offset, const float *w, ptrdiff_t n)
{
    mf_events(m, u, i, target, offset, w, n, n);
}

/* All of it: ratings to targets, targets to steps, a block that stays in the first-level cache at
 * a time.  One event is a block of one. */
SKL_CLONES
SKL_OPTIONAL static void mf_learn(const mf_model *m, mf_totals *T, const int32_t *u, const int32_t *i,
                     const double *y, const double *w, ptrdiff_t n, int count)
{
    float target[MF_BLOCK], offset[MF_BLOCK], weight[MF_BLOCK];
    for (ptrdiff_t a = 0; a < n; a += MF_BLOCK) {
        const int b = n - a < MF_BLOCK ? (int)(n - a) : MF_BLOCK;
        if (b == MF_BLOCK) /* without the checks of a length that is not known */
            mf_targets_of(m, T, y + a, w + a, MF_BLOCK, count, target, offset, weight);
        else
            mf_targets_of(m, T, y + a, w + a, b, count, target, offset, weight);
        mf_events(m, u + a, i + a, target, offset, weight, b, n - a);
    }
}

SKL_INLINE float mf_dot_loop(const float *SKL_RESTRICT p, const float *SKL_RESTRICT q, int stride)
{
    float s = 0.0f;
#pragma omp simd reduction(+ : s)
    for (int f = 0; f < stride; f++) s += p[f] * q[f];
    return s;
}

/* b_u + b_i + p.q of n pairs; what is unknown adds nothing.  `pu` and `qi` step by 0 or 1. */
SKL_CLONES
SKL_OPTIONAL static void mf_scores(const mf_model *m, const int32_t *u, int step_u, const int32_t *i, int step_i,
                      ptrdiff_t n, float *out)
{
    for (ptrdiff_t t = 0; t < n; t++) {
        const int32_t a = u[t * step_u], b = i[t * step_i];
        float s = (a >= 0 ? m->SU[a].bias : 0.0f) + (b >= 0 ? m->SI[b].bias : 0.0f);
        if (a >= 0 && b >= 0) {
            const float *p = m->P + a * m->stride, *q = m->Q + b * m->stride;
            switch (m->stride) {
            case 16: s += mf_dot_loop(p, q, 16); break;
            case 32: s += mf_dot_loop(p, q, 32); break;
            case 64: s += mf_dot_loop(p, q, 64); break;
            case 128: s += mf_dot_loop(p, q, 128); break;
            default: s += mf_dot_loop(p, q, (int)m->stride);
            }
        }
        out[t] = s;
    }
}

SKL_INLINE void mf_row_loop(const float *p, float bias, const float *Q, const mf_stat *SI, ptrdiff_t n,
                            int stride, float *out)
{
    for (ptrdiff_t t = 0; t < n; t++) {
        float s = bias + SI[t].bias;
        s += mf_dot_loop(p, Q + t * stride, stride);
        out[t] = s;
    }
}

/* the same, to the last bit, of one user with n items from the row `first` on */
SKL_CLONES SKL_OPTIONAL
static void mf_scores_row(const mf_model *m, int32_t u, ptrdiff_t first, ptrdiff_t n, float *out)
{
    const mf_stat *SI = m->SI + first;
    const float *Q = m->Q + first * m->stride;
    if (u < 0) {
        for (ptrdiff_t t = 0; t < n; t++) out[t] = SI[t].bias;
        return;
    }
    const float *p = m->P + u * m->stride;
    const float bias = m->SU[u].bias;
    switch (m->stride) {
    case 16: mf_row_loop(p, bias, Q, SI, n, 16, out); break;
    case 32: mf_row_loop(p, bias, Q, SI, n, 32, out); break;
    case 64: mf_row_loop(p, bias, Q, SI, n, 64, out); break;
    case 128: mf_row_loop(p, bias, Q, SI, n, 128, out); break;
    default: mf_row_loop(p, bias, Q, SI, n, (int)m->stride, out);
    }
}

/* Full-batch gradients of the events of one call at fixed parameters.  GP, GQ: sums of factor
 * gradients; GU, GI: per row {sum of bias
 * gradients, sum of weights, events}. */
SKL_OPTIONAL static void mf_gradients(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                         const float *offset, const float *w, ptrdiff_t n, double *GP, double *GQ,
                         double *GU, double *GI)
{
    const ptrdiff_t S = m->stride;
    for (ptrdiff_t t = 0; t < n; t++) {
        const int32_t a = u[t], b = i[t];
        float s;
        mf_scores(m, &a, 0, &b, 0, 1, &s);
        const double e = (double)w[t] * mf_error(target[t], m->loss ? offset[t] : 0.0f, s, m->loss);
        double *ga = GU + 3 * (ptrdiff_t)a, *gb = GI + 3 * (ptrdiff_t)b;
        if (a >= 0) { ga[0] += e; ga[1] += w[t]; ga[2] += 1.0; }
        if (b >= 0) { gb[0] += e; gb[1] += w[t]; gb[2] += 1.0; }
        if (a >= 0 && b >= 0)
            for (int f = 0; f < m->k; f++) {
                GP[a * S + f] += e * m->Q[b * S + f];
                GQ[b * S + f] += e * m->P[a * S + f];
            }
    }
}

/* each touched row moves by the learning rate times the mean gradient of its events */
SKL_OPTIONAL static void mf_gradient_step(const mf_model *m, float *X, mf_stat *row, const double *G,
                             const double *GB, ptrdiff_t n)
{
    for (ptrdiff_t r = 0; r < n; r++) {
        const double *g = GB + 3 * r;
        if (g[2] <= 0.0) continue;
        float *x = X + r * m->stride;
        if (m->biases)
            row[r].bias += (float)(m->lr_bias * (g[0] - g[1] * m->l2_bias * row[r].bias) / g[2]);
        for (int f = 0; f < m->k; f++)
            x[f] += (float)(m->lr * (G[r * m->stride + f] - g[1] * m->l2 * x[f]) / g[2]);
        row[r].n += 1.0f;
    }
}
#endif
