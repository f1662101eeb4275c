/* Factorisation machines, whose features stand on two sides: of who asks (U) and of what is asked about (I).
 *
 *   A = sum_U x v,  B = sum_I x v,  raw = sum x w + A.B  [+ sum over pairs within U, and within I]
 *
 * The part in brackets is ((|A|^2 - sum_U x^2 |v|^2) + (|B|^2 - sum_I x^2 |v|^2)) / 2, and makes it the machine of
 * Rendle (2010); without it, a row is the sum of its features' vectors (Kula 2015).  With e the weighted error,
 *
 *   v += eta (e x (O - c v) - w l2 v),   eta = lr / sqrt(eps + G),   G += the mean squared gradient of the row,
 *
 * O is A + B and c is x, or O is the sum of the other side and c is 0.  A user and an item alone take the steps of
 * mf.h.  A step brings the prediction to the target, never beyond (mf_share). */
#ifndef SKL_INCREC_FM_H
#define SKL_INCREC_FM_H
#include "mf.h"

/* one feature of one event; what a step puts down for itself stands behind x */
typedef struct { float *v; mf_stat *s; float x, eta, eta_bias, keep; } fm_part;
typedef struct { int all, ftrl; float l1; } fm_kind; /* pairs within a side count; linear weights by FTRL */
typedef struct { double n, s1, s2, shift, scale; } fm_number; /* sums of a numeric feature; what its unit is worth */

enum { FM_SUMS = 4 };     /* vectors of scratch that a step takes */
#define FM_FARTHEST 5.0   /* standard deviations; a number further out counts as this far */
#define FM_LOUDEST 1e15f  /* the square of a gradient must be a float */
#define FM_LONGEST 1e12f  /* squared length of a sum that has exploded */

/* A numeric feature in standard deviations from its mean, both of the events so far. */
SKL_INLINE float fm_standard(fm_number *T, double value, double w, int count)
{
    if (count) {
        if (T->n == 0.0) T->shift = value;
        const double d = value - T->shift;
        T->n += w; T->s1 += w * d; T->s2 += w * (d * d);
    }
    if (!(T->n > 0.0)) return 0.0f;
    const double d = value - T->shift, mean = T->s1 / T->n, raw = T->s2 / T->n, var = raw - mean * mean;
    if (!(var > 1e-12 * raw + MF_LEAST)) return 0.0f;
    double z = (d - mean) / sqrt(var);
    z = z > -FM_FARTHEST ? z : -FM_FARTHEST;
    return (float)((z < FM_FARTHEST ? z : FM_FARTHEST) * T->scale);
}

SKL_INLINE float fm_dot(const float *a, const float *b, int stride)
{
    float s[MF_FOLD] = {0};
    for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
        for (int j = 0; j < MF_FOLD; j++) s[j] += a[f + j] * b[f + j];
    }
    return mf_fold(s);
}

/* The vectors of one side, summed; what the side scores by itself. */
SKL_INLINE float fm_side(const fm_part *part, int n, float *sum, int all, int stride)
{
    float linear = 0.0f, squares = 0.0f;
#pragma omp simd
    for (int f = 0; f < stride; f++) sum[f] = 0.0f;
    for (int t = 0; t < n; t++) {
        const float x = part[t].x, *v = part[t].v;
        float s[MF_FOLD] = {0};
        linear += x * part[t].s->bias;
        for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) {
                const float xv = x * v[f + j];
                sum[f + j] += xv;
                s[j] += xv * xv;
            }
        }
        squares += mf_fold(s);
    }
    return linear + (all && n > 1 ? 0.5f * (fm_dot(sum, sum, stride) - squares) : 0.0f);
}

/* Step lengths of the features of a side, whose gradients are e x (O - c v); what they would move in all. */
SKL_INLINE float fm_prepare(const mf_model *m, const fm_kind *kind, fm_part *part, int n, const float *O, float oo,
                            int pairs, int biases, float e, float w, int stride)
{
    const float each = 1.0f / (float)m->k, l2 = w * m->l2, cb = w * m->l2_bias;
    float pull = 0.0f;
    for (int t = 0; t < n; t++) {
        fm_part *p = part + t;
        const float x = p->x, c = pairs ? x : 0.0f, xx = x * x, *v = p->v;
        float a[MF_FOLD] = {0}, b[MF_FOLD] = {0};
        for (int f = 0; f < stride; f += MF_FOLD) {
#pragma omp simd
            for (int j = 0; j < MF_FOLD; j++) { a[j] += O[f + j] * v[f + j]; b[j] += v[f + j] * v[f + j]; }
        }
        const float ov = mf_fold(a), vv = mf_fold(b);
        float gg = oo - 2.0f * c * ov + c * c * vv;   /* squared length of O - c v */
        gg = gg > 0.0f ? xx * gg : 0.0f;
        float g = e * (e * gg - 2.0f * l2 * x * (ov - c * vv)) + l2 * l2 * vv;
        p->s->acc += g > 0.0f ? g * each : 0.0f;
        p->eta = m->lr / sqrtf(p->s->acc + m->eps);
        p->keep = mf_keep(p->eta * l2);
        pull += p->eta * gg;
        p->eta_bias = 0.0f;
        if (!biases) continue;
        if (kind->ftrl) {
            const float root = sqrtf(p->s->bias_acc + e * e * xx);
            p->eta_bias = m->lr_bias / (sqrtf(m->eps) + root);
        } else {
            const float gb = e * x - cb * p->s->bias;
            p->s->bias_acc += gb * gb;
            p->eta_bias = m->lr_bias / sqrtf(p->s->bias_acc + m->eps);
        }
        pull += p->eta_bias * xx;
    }
    return pull;
}

/* FTRL-proximal (McMahan et al. 2013): z stands where a plain row counts its events. */
SKL_INLINE void fm_ftrl(const mf_model *m, const fm_kind *kind, mf_stat *s, float up)
{
    const float before = sqrtf(s->bias_acc);
    up = up < -FM_LOUDEST ? -FM_LOUDEST : up > FM_LOUDEST ? FM_LOUDEST : up;
    s->bias_acc += up * up;
    const float root = sqrtf(s->bias_acc);
    s->n -= up + (root - before) / m->lr_bias * s->bias;
    const float z = s->n, far = fabsf(z) - kind->l1;
    s->bias = far > 0.0f ? -copysignf(far, z) / ((sqrtf(m->eps) + root) / m->lr_bias + m->l2_bias) : 0.0f;
}

/* The steps themselves, with `go` what is left of the error after mf_share. */
SKL_INLINE void fm_move(const mf_model *m, const fm_kind *kind, const fm_part *part, int n,
                        const float *SKL_RESTRICT O, int pairs, int biases, float go, float w, int stride)
{
    const float cb = w * m->l2_bias;
    for (int t = 0; t < n; t++) {
        const fm_part *p = part + t;
        const float x = p->x, step = p->eta * go * x, keep = p->keep - (pairs ? step * x : 0.0f);
        float *SKL_RESTRICT v = p->v;
#pragma omp simd
        for (int f = 0; f < stride; f++) v[f] = keep * v[f] + step * O[f];
        if (biases && kind->ftrl) fm_ftrl(m, kind, p->s, go * x);
        else if (biases) p->s->bias = mf_keep(p->eta_bias * cb) * p->s->bias + p->eta_bias * go * x;
    }
}

SKL_INLINE int fm_event_step(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni,
                             float target, float offset, float w, float *sums, int stride)
{
    float *const A = sums, *const B = sums + stride;
    const float a = fm_side(U, nu, A, kind->all, stride), b = fm_side(I, ni, B, kind->all, stride);
    const float raw = a + b + fm_dot(A, B, stride), e = w * mf_error(target, offset, raw, m->loss);
    if (kind->all) {
#pragma omp simd
        for (int f = 0; f < stride; f++) A[f] += B[f];
    }
    const float *const O = kind->all ? A : B;
    const float aa = fm_dot(A, A, stride), oo = kind->all ? aa : fm_dot(B, B, stride);
    if (!(raw * raw < FM_LONGEST && aa < FM_LONGEST && oo < FM_LONGEST)) return 1;
    float pull = fm_prepare(m, kind, U, nu, O, oo, kind->all, 1, e, w, stride);
    pull += fm_prepare(m, kind, I, ni, A, aa, kind->all, 1, e, w, stride);
    const float go = e * mf_share(w * pull, m->loss);
    fm_move(m, kind, U, nu, O, kind->all, 1, go, w, stride);
    fm_move(m, kind, I, ni, A, kind->all, 1, go, w, stride);
    return 0;
}

/* BPR (Rendle et al. 2009): what was taken, I, above what was not, J.  The side of who asks has no bias here. */
SKL_INLINE int fm_pair_step(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni,
                            fm_part *J, int nj, float w, float *sums, int stride)
{
    float *const A = sums, *const B = A + stride, *const C = B + stride, *const D = C + stride;
    fm_side(U, nu, A, 0, stride);
    const float b = fm_side(I, ni, B, kind->all, stride), c = fm_side(J, nj, C, kind->all, stride);
#pragma omp simd
    for (int f = 0; f < stride; f++) D[f] = B[f] - C[f];
    const float x = b - c + fm_dot(A, D, stride), e = w / (1.0f + expf(x));
    if (kind->all) {
#pragma omp simd
        for (int f = 0; f < stride; f++) { B[f] += A[f]; C[f] += A[f]; }
    }
    const float *const OI = kind->all ? B : A, *const OJ = kind->all ? C : A;
    const float dd = fm_dot(D, D, stride), ii = fm_dot(OI, OI, stride), jj = fm_dot(OJ, OJ, stride);
    if (!(x * x < FM_LONGEST && dd < FM_LONGEST && ii < FM_LONGEST && jj < FM_LONGEST)) return 1;
    float pull = fm_prepare(m, kind, U, nu, D, dd, 0, 0, e, w, stride);
    pull += fm_prepare(m, kind, I, ni, OI, ii, kind->all, 1, e, w, stride);
    pull += fm_prepare(m, kind, J, nj, OJ, jj, kind->all, 1, -e, w, stride);
    const float go = e * mf_share(w * pull, MF_LOGISTIC);
    fm_move(m, kind, U, nu, D, 0, 0, go, w, stride);
    fm_move(m, kind, I, ni, OI, kind->all, 1, go, w, stride);
    fm_move(m, kind, J, nj, OJ, kind->all, 1, -go, w, stride);
    return 0;
}

#define FM_WIDTHS(CALL) \
    switch (m->stride) { \
    case 16: return CALL(16); \
    case 32: return CALL(32); \
    case 64: return CALL(64); \
    default: return CALL((int)m->stride); \
    }

/* One event; 1 if its rows had exploded, which are left as they are. */
SKL_CLONES SKL_OPTIONAL
static int fm_learn(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni, float target,
                    float offset, float w, float *sums)
{
#define FM_CALL(S) fm_event_step(m, kind, U, nu, I, ni, target, offset, w, sums, S)
    FM_WIDTHS(FM_CALL)
#undef FM_CALL
}

SKL_CLONES SKL_OPTIONAL
static int fm_learn_pair(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni, fm_part *J,
                         int nj, float w, float *sums)
{
#define FM_CALL(S) fm_pair_step(m, kind, U, nu, I, ni, J, nj, w, sums, S)
    FM_WIDTHS(FM_CALL)
#undef FM_CALL
}

SKL_CLONES SKL_OPTIONAL
static float fm_sum_side(const mf_model *m, const fm_kind *kind, const fm_part *part, int n, float *sum)
{
#define FM_CALL(S) fm_side(part, n, sum, kind->all, S)
    FM_WIDTHS(FM_CALL)
#undef FM_CALL
}

SKL_CLONES SKL_OPTIONAL
static float fm_product(const mf_model *m, const float *a, const float *b)
{
#define FM_CALL(S) fm_dot(a, b, S)
    FM_WIDTHS(FM_CALL)
#undef FM_CALL
}
#endif
