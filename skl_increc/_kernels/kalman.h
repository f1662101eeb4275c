/* Matrix factorisation as a Kalman filter: every row is a Gaussian, every event an observation.
 *
 * A user holds x = [p, b, m], an item [q, b]: factors, bias, and the mood of a user, which fades.
 * An event of standardised rating z and weight w is z = b_u + m_u + b_i + p.q + N(0, R), R = noise / w:
 *   h = dz/dx_u = [q, 1, 1],  g = dz/dx_i = [p, 1]
 *   V = h' C_u h + g' C_i g,  T = tr(C_u C_i) over the factors,  S = V + T + R
 *   x_u += C_u h e / S,  C_u -= C_u h h' C_u / S,  the item alike, both from the values before.
 * C is kept whole ("full") or as its diagonal ("diag").  Then the rows move on: variances grow by the drift.
 *
 * What keeps it sound under any ratings and weights: an error beyond KF_FAR standard deviations counts as
 * KF_FAR; no step takes the prediction beyond its target; R is at least a thousandth of V, so that no event
 * takes more than that share of a variance away.
 *
 * A batch and a single event run the same code with the same constant widths: results agree to the last
 * bit however a stream is cut. */
#ifndef SKL_INCREC_KALMAN_H
#define SKL_INCREC_KALMAN_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include "simd.h"
#include "standardise.h"

#define KF_FAR 4.0f            /* standard deviations */
#define KF_NOISE_RATE 1e-3     /* the noise is that of about the last thousand events */
#define KF_NOISE_EVENTS 20.0   /* what its start counts for */
#define KF_NOISE_START 0.6
#define KF_PRIOR_RATE 3e-3f    /* the prior mean is that of about the last 300 new rows */

/* the bias of a row, the mood of a user, and their variances */
typedef struct { float bias, bias_var, mood, mood_var; } kf_stat;

/* events of a row, and the time of its newest */
typedef struct { double events, last; } kf_seen;

/* what the filter learns beside the rows */
typedef struct { double events, noise, prior[2], now; } kf_learned;

/* one side: rows of `stride` floats, zero beyond k; C: `stride` variances, or (k + 2) rows of `wide` */
typedef struct { float *X, *C; kf_stat *stat; kf_seen *seen; } kf_side;

typedef struct {
    kf_side side[2], spare;    /* spare: one row for who is anonymous, and room for vectors */
    float *room;               /* 4 wide */
    ptrdiff_t stride, wide;
    int k, full, timed;
    float var_bias, var_factor, drift, drift_factors, mood;
    float keep;                /* what an event leaves of a mood */
    double memory;             /* or the seconds of its memory */
    double noise;              /* 0: learned */
} kf_model;

SKL_INLINE ptrdiff_t kf_size(const kf_model *m) { return m->full ? (m->k + 2) * m->wide : m->stride; }

SKL_INLINE float kf_least(float a, float b) { return a < b ? a : b; }
SKL_INLINE float kf_most(float a, float b) { return a > b ? a : b; }

/* a variance after drift: never more than that of a new row, unless it was more before */
SKL_INLINE float kf_grown(float v, float by, float prior) { return kf_least(v + by, kf_most(v, prior)); }

SKL_INLINE double kf_noise(const kf_model *m, const kf_learned *L)
{
    return m->noise > 0.0 ? m->noise : L->noise > 0.0 ? L->noise : KF_NOISE_START;
}

/* the row of somebody of whom nothing is known: factors of mean 0 */
SKL_INLINE void kf_prior_row(const kf_model *m, int side, float mean, float *x, float *C, kf_stat *s)
{
    const float mood = side == 0 ? m->mood : 0.0f;
    const ptrdiff_t size = kf_size(m);
    s->bias = mean; s->bias_var = m->var_bias; s->mood = 0.0f; s->mood_var = mood;
    if (x) for (ptrdiff_t f = 0; f < m->stride; f++) x[f] = 0.0f;
    for (ptrdiff_t f = 0; f < size; f++) C[f] = 0.0f;
    if (m->full) {
        for (int f = 0; f < m->k; f++) C[f * m->wide + f] = m->var_factor;
        C[m->k * m->wide + m->k] = m->var_bias;
        C[(m->k + 1) * m->wide + m->k + 1] = mood;
    } else
        for (int f = 0; f < m->k; f++) C[f] = m->var_factor;
}

/* the mood fades to a share r of itself, towards the variance it has by itself */
SKL_INLINE void kf_fade(const kf_model *m, float *C, kf_stat *s, float r)
{
    const float rr = r * r, back = (1.0f - rr) * m->mood;
    s->mood *= r;
    if (m->full) {
        const ptrdiff_t at = m->k + 1;
        float *row = C + at * m->wide;
        for (ptrdiff_t f = 0; f <= m->k; f++) C[f * m->wide + at] = row[f] *= r;
        row[at] = rr * row[at] + back;
    } else
        s->mood_var = rr * s->mood_var + back;
}

/* bias and factors gain variance for so many units of drift */
SKL_INLINE void kf_drift(const kf_model *m, float *C, kf_stat *s, double units)
{
    const float bias = (float)(m->drift * units), factor = (float)(m->drift_factors * units);
    if (m->full) {
        float *b = C + m->k * m->wide + m->k;
        *b = kf_grown(*b, bias, m->var_bias);
        if (factor > 0.0f)
            for (int f = 0; f < m->k; f++) {
                float *v = C + f * m->wide + f;
                *v = kf_grown(*v, factor, m->var_factor);
            }
    } else {
        s->bias_var = kf_grown(s->bias_var, bias, m->var_bias);
        if (factor > 0.0f)
            for (int f = 0; f < m->k; f++) C[f] = kf_grown(C[f], factor, m->var_factor);
    }
}

/* before an event: a new row has the prior mean of its side; with times, the others come to the present */
SKL_INLINE void kf_before(const kf_model *m, int side, float mean, float *C, kf_stat *s, kf_seen *seen, double t)
{
    if (seen->events == 0.0) {
        s->bias = mean;
        seen->last = t;
    } else if (m->timed && t > seen->last) {
        const double gap = t - seen->last;
        kf_drift(m, C, s, gap);
        if (side == 0) kf_fade(m, C, s, (float)exp(-gap / m->memory));
        seen->last = t;
    }
    seen->events += 1.0;
}

/* what one event is to both rows: its error, its variances, and the step to be taken */
typedef struct { float e, V, T, cross, R; } kf_event;

/* From sums over the rows to the gain K = e / S; the noise is learned on the way. */
SKL_INLINE float kf_gain(const kf_model *m, kf_learned *L, kf_event *v, float w, float *S)
{
    w = w > 1e-6f ? w : 1e-6f;
    v->R = kf_most((float)kf_noise(m, L) / w, 1e-3f * v->V);
    *S = v->V + v->T + v->R;
    const float far = KF_FAR * sqrtf(*S);
    v->e = kf_least(kf_most(v->e, -far), far);
    const float e = fabsf(v->e), first = v->V + v->R;
    float K = e / *S;
    const float step = v->V * K + fabsf(v->cross) * K * K;
    if (step > e) K *= e / step;
    if (m->noise <= 0.0) {
        const double rate = 1.0 / (L->events + KF_NOISE_EVENTS + 1.0), z = kf_least(e * e / first, KF_FAR * KF_FAR);
        double noise = kf_noise(m, L);
        noise *= 1.0 + (rate > KF_NOISE_RATE ? rate : KF_NOISE_RATE) * (v->R / first) * (z - 1.0);
        L->noise = noise < 1e-3 ? 1e-3 : noise > 10.0 ? 10.0 : noise;
    }
    L->events += 1.0;
    return v->e < 0.0f ? -K : K;
}

/* diagonal covariances: one pass over the rows to see, one to move */
SKL_INLINE float kf_step_diag(const kf_model *m, kf_learned *L, float *SKL_RESTRICT p, float *SKL_RESTRICT vp,
                             kf_stat *SKL_RESTRICT su, float *SKL_RESTRICT q, float *SKL_RESTRICT vq,
                             kf_stat *SKL_RESTRICT si, float z, float w, int stride)
{
    float pq = 0.0f, V = 0.0f, T = 0.0f, cross = 0.0f, S;
#pragma omp simd reduction(+ : pq, V, T, cross)
    for (int f = 0; f < stride; f++) {
        const float both = vp[f] * vq[f], product = p[f] * q[f];
        pq += product;
        V += vp[f] * (q[f] * q[f]) + vq[f] * (p[f] * p[f]);
        T += both;
        cross += both * product;
    }
    kf_event v = {z - (su->bias + su->mood + si->bias + pq),
                  V + (su->bias_var + su->mood_var + si->bias_var), T, cross, 0.0f};
    const float K = kf_gain(m, L, &v, w, &S), each = 1.0f / S;
    su->bias += su->bias_var * K;
    su->mood += su->mood_var * K;
    si->bias += si->bias_var * K;
    su->bias_var -= su->bias_var * (su->bias_var * each);
    su->mood_var -= su->mood_var * (su->mood_var * each);
    si->bias_var -= si->bias_var * (si->bias_var * each);
#pragma omp simd
    for (int f = 0; f < stride; f++) {
        const float x = p[f], y = q[f], a = vp[f] * y, b = vq[f] * x;
        p[f] = x + a * K;
        q[f] = y + b * K;
        vp[f] -= a * (a * each);
        vq[f] -= b * (b * each);
    }
    return v.e;
}

/* C h of one row; h' C h */
SKL_INLINE float kf_times(const float *SKL_RESTRICT C, const float *SKL_RESTRICT h, float *SKL_RESTRICT out,
                          int n, int wide)
{
    float V = 0.0f;
    for (int r = 0; r < n; r++) {
        float s = 0.0f;
#pragma omp simd reduction(+ : s)
        for (int f = 0; f < wide; f++) s += C[r * wide + f] * h[f];
        out[r] = s;
        V += h[r] * s;
    }
    return V > 0.0f ? V : 0.0f;
}

/* C - g g', with g = C h / sqrt(S); the diagonal grows by what rounding may have taken */
SKL_INLINE void kf_downdate(float *SKL_RESTRICT C, const float *SKL_RESTRICT g, int n, int wide)
{
    const float more = 1.0f + 1.2e-7f * (float)n;
    for (int r = 0; r < n; r++) {
        const float a = g[r];
#pragma omp simd
        for (int f = 0; f < wide; f++) C[r * wide + f] -= a * g[f];
        float *v = C + r * wide + r;
        *v = *v > 0.0f ? *v * more : 0.0f;
    }
}

SKL_INLINE float kf_step_full(const kf_model *m, kf_learned *L, float *SKL_RESTRICT p, float *SKL_RESTRICT Cu,
                             kf_stat *SKL_RESTRICT su, float *SKL_RESTRICT q, float *SKL_RESTRICT Ci,
                             kf_stat *SKL_RESTRICT si, float z, float w, int wide)
{
    const int k = m->k, n = k + 2;
    float *h = m->room, *g = h + wide, *uh = g + wide, *ig = uh + wide;
    float pq = 0.0f, T = 0.0f, cross = 0.0f, S;
    for (int f = 0; f < wide; f++) h[f] = g[f] = uh[f] = ig[f] = 0.0f;
    for (int f = 0; f < k; f++) { h[f] = q[f]; g[f] = p[f]; pq += p[f] * q[f]; }
    h[k] = h[k + 1] = g[k] = 1.0f;
    const float V = kf_times(Cu, h, uh, n, wide) + kf_times(Ci, g, ig, n, wide);
    for (int r = 0; r < k; r++) {
        float s = 0.0f;
#pragma omp simd reduction(+ : s)
        for (int f = 0; f < k; f++) s += Cu[r * wide + f] * Ci[r * wide + f];
        T += s;
        cross += uh[r] * ig[r];
    }
    kf_event v = {z - (su->bias + su->mood + si->bias + pq), V, T > 0.0f ? T : 0.0f, cross, 0.0f};
    const float K = kf_gain(m, L, &v, w, &S), root = 1.0f / sqrtf(S);
    for (int f = 0; f < k; f++) { p[f] += uh[f] * K; q[f] += ig[f] * K; }
    su->bias += uh[k] * K;
    su->mood += uh[k + 1] * K;
    si->bias += ig[k] * K;
    for (int f = 0; f < wide; f++) { uh[f] *= root; ig[f] *= root; }
    kf_downdate(Cu, uh, n, wide);
    kf_downdate(Ci, ig, n, wide);
    return v.e;
}

/* after an event, where its number is the clock: the row of a known id moves on by one */
SKL_INLINE void kf_after(const kf_model *m, int side, float *C, kf_stat *s)
{
    if (m->timed) return;
    kf_drift(m, C, s, 1.0);
    if (side == 0) kf_fade(m, C, s, m->keep);
}

/* one event; who is anonymous is played by the spare row */
SKL_INLINE void kf_learn_one(const kf_model *m, kf_learned *L, ptrdiff_t u, ptrdiff_t i, float z, float w,
                             double t, int width, int full)
{
    const ptrdiff_t row[2] = {u, i}, size = full ? (m->k + 2) * (ptrdiff_t)width : width;
    float *x[2], *C[2], e;
    kf_stat *s[2];
    int fresh[2] = {0, 0};
    if (m->timed && (L->events == 0.0 || t > L->now)) L->now = t;
    if (u < 0 && i < 0) return;
    for (int a = 0; a < 2; a++) {
        const kf_side *rows = row[a] >= 0 ? &m->side[a] : &m->spare;
        const ptrdiff_t r = row[a] >= 0 ? row[a] : 0;
        x[a] = rows->X + r * (full ? m->stride : width);
        C[a] = rows->C + r * size;
        s[a] = rows->stat + r;
        if (row[a] >= 0) {
            fresh[a] = rows->seen[r].events == 0.0;
            kf_before(m, a, (float)L->prior[a], C[a], s[a], rows->seen + r, t);
        } else
            kf_prior_row(m, a, (float)L->prior[a], x[a], C[a], s[a]);
    }
    e = full ? kf_step_full(m, L, x[0], C[0], s[0], x[1], C[1], s[1], z, w, width)
             : kf_step_diag(m, L, x[0], C[0], s[0], x[1], C[1], s[1], z, w, width);
    for (int a = 0; a < 2; a++) {
        if (fresh[a]) L->prior[a] += KF_PRIOR_RATE * e;
        if (row[a] >= 0) kf_after(m, a, C[a], s[a]);
    }
}

SKL_INLINE void kf_fetch(const float *x, ptrdiff_t n)
{
    for (const char *a = (const char *)x; n > 0; a += 64, n -= 16) SKL_PREFETCH(a);
}

SKL_INLINE void kf_loop(const kf_model *m, kf_learned *L, const int32_t *u, const int32_t *i, const float *z,
                        const float *w, const double *t, ptrdiff_t n, ptrdiff_t total, int width, int full)
{
    const ptrdiff_t size = full ? (m->k + 2) * (ptrdiff_t)width : width;
    const ptrdiff_t ahead = size <= 16 ? 24 : size <= 64 ? 12 : 4;
    for (ptrdiff_t j = 0; j < n; j++) {
        if (j + ahead < total) {
            const int32_t row[2] = {u[j + ahead], i[j + ahead]};
            for (int a = 0; a < 2; a++)
                if (row[a] >= 0) {
                    kf_fetch(m->side[a].X + row[a] * m->stride, m->stride);
                    kf_fetch(m->side[a].C + row[a] * size, size);
                    SKL_PREFETCH(m->side[a].stat + row[a]);
                    SKL_PREFETCH(m->side[a].seen + row[a]);
                }
        }
        kf_learn_one(m, L, u[j], i[j], z[j], w[j], t[j], width, full);
    }
}

/* All of it: ratings to standard units by the totals so far, then event by event, a block at a time. */
SKL_CLONES
static void kf_learn(const kf_model *m, kf_learned *L, mf_totals *T, const int32_t *u, const int32_t *i,
                     const double *y, const double *w, const double *t, ptrdiff_t n)
{
    float z[MF_BLOCK], weight[MF_BLOCK];
    for (ptrdiff_t a = 0; a < n; a += MF_BLOCK) {
        const int b = n - a < MF_BLOCK ? (int)(n - a) : MF_BLOCK;
        mf_standardise(T, y + a, w + a, b, 1, 1, z, weight);
        switch (m->full ? -(int)m->wide : (int)m->stride) {
        case 16: kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, 16, 0); break;
        case 32: kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, 32, 0); break;
        case 64: kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, 64, 0); break;
        case -16: kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, 16, 1); break;
        case -32: kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, 32, 1); break;
        default:
            if (m->full) kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, (int)m->wide, 1);
            else kf_loop(m, L, u + a, i + a, z, weight, t + a, b, n - a, (int)m->stride, 0);
        }
    }
}

/* what is known of one row at present; `fade` is what is left of the mood of its newest event */
typedef struct { float mean, fade; double gap; } kf_now;

SKL_INLINE kf_now kf_present(const kf_model *m, const kf_learned *L, int side, ptrdiff_t r)
{
    kf_now now = {(float)L->prior[side], 1.0f, 0.0};
    if (r < 0) return now;
    const kf_stat *s = m->side[side].stat + r;
    if (m->timed && L->now > m->side[side].seen[r].last) {
        now.gap = L->now - m->side[side].seen[r].last;
        if (side == 0) now.fade = (float)exp(-now.gap / m->memory);
    }
    now.mean = s->bias + now.fade * s->mood;
    return now;
}

/* h' C h of one row at present, where h is the other side's factors `y` (NULL: zeros), 1 and 1 */
SKL_INLINE float kf_variance(const kf_model *m, int side, ptrdiff_t r, const kf_now *now, const float *y)
{
    const float mood = side == 0 ? m->mood : 0.0f, rr = now->fade * now->fade;
    const float bias = (float)(m->drift * now->gap), factor = (float)(m->drift_factors * now->gap);
    float V = 0.0f;
    if (r < 0) {
        for (int f = 0; y && f < m->k; f++) V += m->var_factor * (y[f] * y[f]);
        return V + m->var_bias + mood;
    }
    const float *C = m->side[side].C + r * kf_size(m);
    const kf_stat *s = m->side[side].stat + r;
    const float back = (1.0f - rr) * mood;
    if (!m->full) {
        for (int f = 0; y && f < m->k; f++) V += kf_grown(C[f], factor, m->var_factor) * (y[f] * y[f]);
        return V + kf_grown(s->bias_var, bias, m->var_bias) + rr * s->mood_var + back;
    }
    for (int a = 0; a < m->k + 2; a++) {
        const float ha = a < m->k ? (y ? y[a] : 0.0f) : a == m->k ? 1.0f : now->fade;
        const float *row = C + a * m->wide;
        float sum = now->fade * row[m->k + 1] + row[m->k];
        for (int f = 0; y && f < m->k; f++) sum += row[f] * y[f];
        V += ha * sum;
        if (a < m->k) V += ha * ha * (kf_grown(row[a], factor, m->var_factor) - row[a]);
        if (a == m->k) V += kf_grown(row[a], bias, m->var_bias) - row[a];
    }
    return kf_most(V, 0.0f) + back;
}

SKL_INLINE float kf_dot(const float *SKL_RESTRICT p, const float *SKL_RESTRICT q, int stride)
{
    float s = 0.0f;
#pragma omp simd reduction(+ : s)
    for (int f = 0; f < stride; f++) s += p[f] * q[f];
    return s;
}

/* Means of n pairs and, if `var` is given, variances of their ratings, in standard units.  `u` and `i` step
 * by 0 or 1; -1 is unknown. */
SKL_CLONES
static void kf_scores(const kf_model *m, const kf_learned *L, const int32_t *u, int step_u, const int32_t *i,
                      int step_i, ptrdiff_t n, float *mean, float *var)
{
    kf_now user = {0.0f, 1.0f, 0.0};
    for (ptrdiff_t j = 0; j < n; j++) {
        const int32_t a = u[j * step_u], b = i[j * step_i];
        if (j == 0 || step_u) user = kf_present(m, L, 0, a);
        const kf_now item = kf_present(m, L, 1, b);
        const float *p = a >= 0 ? m->side[0].X + a * m->stride : NULL;
        const float *q = b >= 0 ? m->side[1].X + b * m->stride : NULL;
        mean[j] = user.mean + item.mean;
        if (p && q) mean[j] += m->stride == 16 ? kf_dot(p, q, 16) : kf_dot(p, q, (int)m->stride);
        if (var)
            var[j] = kf_variance(m, 0, a, &user, q) + kf_variance(m, 1, b, &item, p) + (float)kf_noise(m, L);
    }
}

/* the mean and the standard deviation of the ratings so far */
SKL_INLINE void kf_units(const mf_totals *T, double *centre, double *scale)
{
    *centre = 0.0;
    *scale = 1.0;
    if (T->n > 0.0) {
        const double mean = T->s1 / T->n, raw = T->s2 / T->n, var = raw - mean * mean;
        *centre = T->shift + mean;
        *scale = var > 1e-12 * raw ? sqrt(var) : 0.0;
    }
}
#endif
