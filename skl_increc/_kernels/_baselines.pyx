# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Learners of the baselines: popularity, exact biases, biases that follow change."""
from libc.math cimport INFINITY, exp2, fabs, floor, frexp, ldexp, rint, sqrt
from libc.stdint cimport int32_t, uint64_t

import numpy as np

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner

cdef extern from "standardise.h" nogil:
    enum: MF_BLOCK
    ctypedef struct mf_totals:
        double n, s1, s2, shift, lo, hi
    void mf_standardise(mf_totals *T, const double *y, const double *w, int n, int count, int centre,
                        float *target, float *weight)

cdef enum:
    FAR = 500         # half-lives after which the sums are brought to a newer landmark
    # scalars of Popularity
    P_EVENTS = 0
    P_INEXACT = 1
    P_LANDMARK = 2
    P_NOW = 3
    P_STARTED = 4
    # scalars of the exact baseline
    B_EVENTS = 0
    B_INEXACT = 1
    B_WEIGHT = 2
    B_SUM = 3


cdef inline bint on_grid(double v) noexcept nogil:
    """A multiple of 2^-20 below 2^33: sums of such numbers are exact while they stay below 2^33."""
    return fabs(v) < 8589934592.0 and v * 1048576.0 == floor(v * 1048576.0)


cdef inline double decayed(double w, double t, double half_life, double landmark) noexcept nogil:
    """w 2^(t / h - landmark), split so that whole half-lives are exact powers of two."""
    cdef double q = floor(t / half_life)
    return ldexp(w * exp2((t - q * half_life) / half_life), <int>max(q - landmark, -5000.0))


cdef class PopularityLearner(Learner):
    """Weights of items, decayed forward from a landmark if there is a half-life.

    The clock is that of the events that have an item: the others have nothing to decay.
    """
    cdef double half_life
    cdef bint timed
    cdef double[:, ::1] weight, events, user_events, anonymous, anonymous_last
    cdef double[::1] s
    cdef Recent recent            # for a model in Python, which asks it what strangers take

    def configure(self, double half_life, bint timed, bint counts_only=False):
        """half_life of 0: plain sums.  ``counts_only``: a model in Python scores from the counts."""
        self.half_life, self.timed = half_life, timed
        self.scores_in_python = counts_only

    def attach_stores(self, dict stores):
        self.recent = stores.get("recent")

    def bind(self, dict users, dict items, scalars):
        self.weight, self.events, self.user_events = items["weight"], items["events"], users["events"]
        if "anonymous" in items:
            self.anonymous, self.anonymous_last = items["anonymous"], items["anonymous_last"]
        self.s = scalars

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        cdef double add
        for j in range(n):
            self.s[P_EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] < 0:
                continue
            add = w[j]
            if self.half_life > 0:
                self.come_to(t[j])
                add = decayed(w[j], t[j], self.half_life, self.s[P_LANDMARK])
            if not (on_grid(w[j]) and on_grid(self.weight[i[j], 0] + add)):
                self.s[P_INEXACT] = 1
            self.events[i[j], 0] += 1
            self.weight[i[j], 0] += add
            if self.timed and u[j] < 0:
                self.learn_anonymous(i[j], w[j], t[j])
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)

    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        self.s[P_EVENTS] -= 1
        if u >= 0:
            self.user_events[u, 0] -= 1
        if i >= 0:
            self.events[i, 0] -= 1
            self.weight[i, 0] -= w

    cdef void learn_anonymous(self, Py_ssize_t i, double w, double t) noexcept nogil:
        """What `forget` cannot read from the pairs; in the units that a pair would have."""
        cdef double q = floor(t / self.half_life), units
        if t > self.anonymous_last[i, 0]:
            if self.anonymous_last[i, 0] > -INFINITY:
                units = floor(self.anonymous_last[i, 0] / self.half_life)
                self.anonymous[i, 0] = ldexp(self.anonymous[i, 0], <int>max(units - q, -5000.0))
            self.anonymous_last[i, 0] = t
        self.anonymous[i, 0] += decayed(w, t, self.half_life,
                                        floor(self.anonymous_last[i, 0] / self.half_life))

    cdef void come_to(self, double t) noexcept nogil:
        """The clock moves on; now and then the landmark follows, by an exact power of two."""
        cdef double q = floor(t / self.half_life)
        cdef Py_ssize_t r
        cdef int back
        if self.s[P_STARTED] == 0:
            self.s[P_STARTED] = 1
            self.s[P_LANDMARK] = q
            self.s[P_NOW] = t
        if t > self.s[P_NOW]:
            self.s[P_NOW] = t
        if q - self.s[P_LANDMARK] > FAR:
            back = <int>min(q - self.s[P_LANDMARK], 5000.0)
            for r in range(self.weight.shape[0]):
                self.weight[r, 0] = ldexp(self.weight[r, 0], -back)
            self.s[P_LANDMARK] = q

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        if side == 1 and self.timed:
            self.anonymous_last[row, 0] = -INFINITY

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        if self.timed:
            out[1] = decayed(w, t, self.half_life, floor(t / self.half_life))
            out[2] = t
        else:
            out[1] = w

    cdef double faded(self, int *power) noexcept nogil:
        """What has become of a weight at the landmark: a factor, and a power of two."""
        cdef double now = self.s[P_NOW], q = floor(now / self.half_life)
        power[0] = <int>max(self.s[P_LANDMARK] - q, -5000.0)
        return exp2(-(now - q * self.half_life) / self.half_life)

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef int power
        cdef double factor
        if i < 0:
            return 0
        if self.half_life == 0:
            return self.weight[i, 0]
        factor = self.faded(&power)
        return ldexp(self.weight[i, 0] * factor, power)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t i
        cdef int power = 0
        cdef double factor = self.faded(&power) if self.half_life > 0 else 1
        for i in range(n):
            out[i] = self.weight[i, 0]
        if self.half_life > 0:
            for i in range(n):
                out[i] = ldexp(out[i] * factor, power)
        return 1

    def score_rows(self, const int32_t[::1] items):
        """Weights of these item rows as of the newest event, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(items.shape[0])
        for j in range(items.shape[0]):
            out[j] = self.score(-1, items[j])
        return np.asarray(out)


cdef class BaselineLearner(Learner):
    """mean + b_u + b_i from sums alone: a function of the set of events.

    b_i = (S_i - c_i mean) / (c_i + l2),  b_u = (S_u - c_u mean - sum over the user's pairs of w b_j)
    / (c_u + l2).  The inner sum is taken over multiples of a power of two, small beside its largest
    term, so that it is exact and does not depend on the order of the list.
    """

    def configure(self, double l2_user, double l2_item):
        self.l2_user, self.l2_item = l2_user, l2_item

    def bind(self, dict users, dict items, scalars):
        self.ue, self.uw, self.us = users["events"], users["weight"], users["sum"]
        self.ie, self.iw, self.is_ = items["events"], items["weight"], items["sum"]
        self.s = scalars

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        cdef double wy
        for j in range(n):
            wy = w[j] * y[j]
            self.s[B_EVENTS] += 1
            self.s[B_WEIGHT] += w[j]
            self.s[B_SUM] += wy
            if not (on_grid(w[j]) and on_grid(wy) and on_grid(self.s[B_WEIGHT]) and on_grid(self.s[B_SUM])):
                self.s[B_INEXACT] = 1
            if u[j] >= 0:
                self.ue[u[j], 0] += 1
                self.uw[u[j], 0] += w[j]
                self.us[u[j], 0] += wy
                if not on_grid(self.us[u[j], 0]):
                    self.s[B_INEXACT] = 1
            if i[j] >= 0:
                self.ie[i[j], 0] += 1
                self.iw[i[j], 0] += w[j]
                self.is_[i[j], 0] += wy
                if not on_grid(self.is_[i[j], 0]):
                    self.s[B_INEXACT] = 1

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[1] = w
        out[2] = w * y

    cdef double mean(self) noexcept nogil:
        return self.s[B_SUM] / self.s[B_WEIGHT] if self.s[B_WEIGHT] > 0 else 0

    cdef double item_bias(self, Py_ssize_t i, double mean) noexcept nogil:
        return (self.is_[i, 0] - self.iw[i, 0] * mean) / (self.iw[i, 0] + self.l2_item)

    cdef double user_bias(self, Py_ssize_t u, double mean) noexcept nogil:
        cdef const int32_t *items = NULL
        cdef const double *weights = NULL
        cdef Py_ssize_t n = 0, j
        cdef double taken = 0, largest = 0, unit
        cdef int power, bits
        if self.pairs is not None:
            n = self.pairs.pairs_of(u, 1, &items, &weights)
        for j in range(n):
            largest = max(largest, fabs(weights[j] * self.item_bias(items[j], mean)))
        frexp(largest, &power)
        frexp(<double>n, &bits)
        unit = ldexp(1.0, max(power + bits - 53, -1000))     # n whole numbers of this size have an exact sum
        for j in range(n):
            taken += rint(weights[j] * self.item_bias(items[j], mean) / unit)
        taken *= unit
        return (self.us[u, 0] - self.uw[u, 0] * mean - taken) / (self.uw[u, 0] + self.l2_user)

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef double mean = self.mean(), out = mean
        if u >= 0 and self.s[B_WEIGHT] > 0:
            out += self.user_bias(u, mean)
        if i >= 0:
            out += self.item_bias(i, mean)
        return out

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Predictions for pairs of rows, float64 (n,); the bias of a user is worked out once a run."""
        cdef Py_ssize_t n = u.shape[0], j
        cdef double[::1] out = np.empty(n)
        cdef double mean = self.mean(), bias = 0
        for j in range(n):
            if j == 0 or u[j] != u[j - 1]:
                bias = self.user_bias(u[j], mean) if u[j] >= 0 and self.s[B_WEIGHT] > 0 else 0
            out[j] = mean
            if u[j] >= 0:
                out[j] += bias
            if i[j] >= 0:
                out[j] += self.item_bias(i[j], mean)
        return np.asarray(out)

    def biases(self, int side, const int32_t[::1] rows):
        """Biases of these rows, float64 (n,)."""
        cdef double mean = self.mean()
        return np.array([self.user_bias(r, mean) if side == 0 else self.item_bias(r, mean) for r in rows])


cdef class DriftLearner(Learner):
    """mean + b_u + b_i, each bias a Gaussian that wanders: a scalar Kalman filter, O(1) an event.

    With e the standardised error and S = noise / w + v_u + v_i:  b += v e / S,  v += drift - v^2 / S.
    """
    cdef double noise, drift, start_user, start_item
    cdef double[:, ::1] bu, vu, bi, vi
    cdef double[::1] s
    cdef mf_totals *T

    def configure(self, double noise, double drift, double start_user, double start_item):
        self.noise, self.drift, self.start_user, self.start_item = noise, drift, start_user, start_item

    def bind(self, dict users, dict items, scalars):
        self.bu, self.vu = users["bias"], users["variance"]
        self.bi, self.vi = items["bias"], items["variance"]
        self.s = scalars
        self.T = <mf_totals *>&self.s[0]

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        if side == 0:
            self.vu[row, 0] = self.start_user
        else:
            self.vi[row, 0] = self.start_item

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef float target[MF_BLOCK]
        cdef float weight[MF_BLOCK]
        cdef Py_ssize_t a = 0, j
        cdef int b
        while a < n:
            b = <int>min(MF_BLOCK, n - a)
            mf_standardise(self.T, y + a, w + a, b, True, True, target, weight)
            for j in range(b):
                self.step(u[a + j], i[a + j], target[j], w[a + j])
            a += b

    cdef void step(self, Py_ssize_t u, Py_ssize_t i, double target, double w) noexcept nogil:
        cdef double e = target, S = self.noise / w
        if u >= 0:
            e -= self.bu[u, 0]
            S += self.vu[u, 0]
        if i >= 0:
            e -= self.bi[i, 0]
            S += self.vi[i, 0]
        if u >= 0:
            self.bu[u, 0] += self.vu[u, 0] * e / S
            self.vu[u, 0] += self.drift - self.vu[u, 0] * self.vu[u, 0] / S
        if i >= 0:
            self.bi[i, 0] += self.vi[i, 0] * e / S
            self.vi[i, 0] += self.drift - self.vi[i, 0] * self.vi[i, 0] / S

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef double mean, var, out = 0
        if self.T.n <= 0:
            return 0
        mean = self.T.s1 / self.T.n
        var = self.T.s2 / self.T.n - mean * mean
        if u >= 0:
            out += self.bu[u, 0]
        if i >= 0:
            out += self.bi[i, 0]
        return self.T.shift + mean + (sqrt(var) if var > 0 else 0) * out

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Predictions for pairs of rows, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(u.shape[0])
        for j in range(u.shape[0]):
            out[j] = self.score(u[j], i[j])
        return np.asarray(out)

    def biases(self, int side, const int32_t[::1] rows):
        """Biases of these rows in units of the ratings, float64 (n,)."""
        cdef double mean = self.T.s1 / self.T.n if self.T.n > 0 else 0
        cdef double var = self.T.s2 / self.T.n - mean * mean if self.T.n > 0 else 0
        b = self.bu if side == 0 else self.bi
        return np.asarray(b)[np.asarray(rows), 0] * (sqrt(var) if var > 0 else 0)
