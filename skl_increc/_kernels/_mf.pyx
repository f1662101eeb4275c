# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Biased matrix factorisation: SGD, row-wise Adagrad, full-batch steps; squared and logistic loss."""
from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

import warnings
from functools import cache
from statistics import NormalDist

import numpy as np

from skl_increc._kernels._learner cimport Learner

from skl_increc.exceptions import DivergenceWarning

cdef float LARGEST = 1e15     # of a start or a shrinkage: products beyond it are no floats
cdef float FASTEST = 1e5      # of rates, so that no step is so long

#: what the scalars of a state hold, in this order
TOTALS = ("weight", "sum", "sum_squares", "shift", "lowest", "highest")


@cache
def normal_quantiles():
    """Midpoint quantiles of 4096 equal parts of the standard normal, scaled to variance 1."""
    normal = NormalDist()
    q = np.array([normal.inv_cdf((j + 0.5) / 4096) for j in range(4096)])
    return (q / q.std()).astype(np.float32)


cdef class MFLearner(Learner):
    """Learner of ``BiasedMF`` and ``BiasedMFClassifier``.

    Scores are ``centre + scale * (b_u + b_i + p_u . q_i)`` with the centre and scale of the ratings
    so far (squared loss), or log-odds (logistic loss).
    """
    def __cinit__(self, int k, Py_ssize_t stride):
        self.m.k = k
        self.m.stride = stride
        self.m.broken = &self.n_broken
        self.weigh((1.0, 1.0))
        self.count = True
        self.quantiles = normal_quantiles()
        self.old = <float *>malloc(2 * stride * sizeof(float))
        if self.old == NULL:
            raise MemoryError("no memory for a row of factors")

    def __dealloc__(self):
        free(self.old)

    def configure(self, *, int optimizer, int loss, bint biases, float learning_rate,
                  float learning_rate_bias, float l2, float l2_bias, float epsilon, int start_kind,
                  bint start_mean, float init_scale, uint64_t seed):
        """Take the parameters; they act from the next event on."""
        self.m.optimizer, self.m.loss, self.m.biases = optimizer, loss, biases
        self.m.lr, self.m.lr_bias = min(learning_rate, FASTEST), min(learning_rate_bias, FASTEST)
        self.m.l2, self.m.l2_bias = min(l2, LARGEST), min(l2_bias, LARGEST)
        self.m.eps = epsilon
        self.start_kind, self.start_mean = start_kind, start_mean
        self.init_scale, self.seed = min(init_scale, LARGEST), seed

    def weigh(self, classes):
        """What events of 0 and of 1 weigh: two numbers, or "balanced": the same, by sums so far."""
        self.m.balanced = classes == "balanced"
        self.m.classes[0], self.m.classes[1] = (1, 1) if self.m.balanced else classes

    def bind(self, dict users, dict items, scalars):
        # the old blocks are dropped at the very end: to drop one may let another thread in
        cdef float[:, ::1] P = users["factors"], Q = items["factors"], SU = users["stat"], SI = items["stat"]
        cdef double[::1] totals = scalars
        cdef float[:, ::1] _p, _q, _su, _si
        if self.T != NULL:
            _p, _q, _su, _si = self.P, self.Q, self.SU, self.SI
        self.P, self.Q, self.SU, self.SI, self.scalars = P, Q, SU, SI, totals
        self.m.P, self.m.Q = &self.P[0, 0], &self.Q[0, 0]
        self.m.SU, self.m.SI = <mf_stat *>&self.SU[0, 0], <mf_stat *>&self.SI[0, 0]
        self.T = <mf_totals *>&self.scalars[0]
        self.sums = &self.scalars[6] if scalars.shape[0] > 6 else NULL

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        cdef float *p = (self.m.P if side == 0 else self.m.Q) + row * self.m.stride
        cdef mf_stat *s = (self.m.SU if side == 0 else self.m.SI) + row
        s.bias = s.bias_acc = s.acc = s.n = 0
        skl_row_start(p, self.m.k, self.m.stride, self.init_scale, self.start_kind,
                      &self.quantiles[0], self.seed, side, hash)

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef double before = self.m.broken[0]
        if self.start_mean:
            self.learn_from_mean(u, i, y, w, n)
        else:
            mf_learn(&self.m, self.T, u, i, y, w, n, self.count)
        self.tell_once(before)

    # -- what went wrong ------------------------------------------------------------------------
    cdef void tell_once(self, double before) noexcept nogil:
        """Warn if these are the first steps that were not made; there were so many `before`."""
        if before == 0 and self.m.broken[0] > 0:
            with gil:
                warnings.warn(self.advice(), DivergenceWarning, stacklevel=2)

    def tell(self):
        """Count a step over a whole table that spoiled rows; warn if it is the first."""
        cdef double before = self.m.broken[0]
        self.m.broken[0] += 1
        self.tell_once(before)

    def advice(self):
        """What happened, and which parameter to lower."""
        return ("A step would have made a row grow beyond all measure, or met one that had; it was not "
                "made, and the row is as it was. Lower init_scale, learning_rate or learning_rate_bias, or "
                "raise l2.")

    # -- rows that start at the mean ------------------------------------------------------------
    cdef void learn_from_mean(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                              Py_ssize_t n) noexcept nogil:
        """One by one: a new row starts at the mean of its side, whose sums follow every step."""
        cdef float target[MF_BLOCK]
        cdef float offset[MF_BLOCK]
        cdef float weight[MF_BLOCK]
        cdef Py_ssize_t j
        for j in range(n):
            mf_targets(&self.m, self.T, y + j, w + j, 1, self.count, target, offset, weight)
            self.before(0, u[j])
            self.before(1, i[j])
            mf_steps(&self.m, u + j, i + j, target, offset, weight, 1)
            self.after(0, u[j])
            self.after(1, i[j])

    cdef void before(self, int side, Py_ssize_t row) noexcept nogil:
        cdef Py_ssize_t S = self.m.stride, f
        cdef float *x
        cdef mf_stat *s
        cdef double *total = self.sums + side * S
        cdef double *count = self.sums + 2 * S + side
        if row < 0:
            return
        x = (self.m.P if side == 0 else self.m.Q) + row * S
        s = (self.m.SU if side == 0 else self.m.SI) + row
        if s.n == 0:
            if count[0] > 0:
                for f in range(self.m.k):
                    x[f] += <float>(total[f] / count[0])
            count[0] += 1
            for f in range(S):
                self.old[side * S + f] = 0
        else:
            memcpy(self.old + side * S, x, S * sizeof(float))

    cdef void after(self, int side, Py_ssize_t row) noexcept nogil:
        cdef Py_ssize_t S = self.m.stride, f
        cdef float *x
        cdef double *total = self.sums + side * S
        if row < 0:
            return
        x = (self.m.P if side == 0 else self.m.Q) + row * S
        for f in range(self.m.k):
            total[f] += <double>x[f] - <double>self.old[side * S + f]

    def centre_and_scale(self):
        """The two numbers that turn a score in standard units into a rating (or log-odds)."""
        cdef double c, s
        self.units(&c, &s)
        return c, s

    cdef void units(self, double *centre, double *scale) noexcept nogil:
        cdef mf_totals *T = self.T
        cdef double mean, raw, var
        cdef double zero = 0
        cdef float target[MF_BLOCK]
        cdef float offset[MF_BLOCK]
        cdef float weight[MF_BLOCK]
        centre[0] = 0
        scale[0] = 1
        if self.m.loss:
            mf_targets(&self.m, T, &zero, &zero, 1, False, target, offset, weight)
            centre[0] = offset[0]
        elif T.n > 0:
            mean = T.s1 / T.n
            raw = T.s2 / T.n
            if self.m.biases:
                centre[0] = T.shift + mean
                var = raw - mean * mean
                scale[0] = sqrt(var) if var > 1e-12 * raw else 0
            else:
                var = raw + T.shift * (2 * mean + T.shift)
                scale[0] = sqrt(var) if var > 0 else 0

    cdef void raw(self, const int32_t *u, int step_u, const int32_t *i, int step_i, Py_ssize_t n,
                  float *out) noexcept nogil:
        """b_u + b_i + p_u.q_i of n pairs of codes, in standard units."""
        mf_scores(&self.m, u, step_u, i, step_i, n, out)

    cdef void raw_row(self, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out) noexcept nogil:
        """The same of one user with n items, TILE at most, from the row `first` on."""
        mf_scores_row(&self.m, u, first, n, out)

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef int32_t a = <int32_t>u, b = <int32_t>i
        cdef float s
        cdef double c, scale
        self.raw(&a, 0, &b, 0, 1, &s)
        self.units(&c, &scale)
        return self.clipped(self.finish(s, c, scale, u, i))

    cdef double clipped(self, double s) noexcept nogil:
        if self.clip and not self.m.loss and self.T.n > 0:
            return min(max(s, self.T.lo), self.T.hi)
        return s

    cdef double finish(self, float s, double centre, double scale, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        if not self.m.biases and not self.m.loss and (u < 0 or i < 0):
            return self.mean()        # without biases nothing is known of half a pair
        return centre + scale * s

    cdef double mean(self) noexcept nogil:
        return self.T.shift + self.T.s1 / self.T.n if self.T.n > 0 else 0

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i, bint clip=False):
        """Scores of n pairs of codes, float64 (n,)."""
        cdef Py_ssize_t n = u.shape[0], j
        cdef double[::1] out = np.empty(n)
        cdef float[::1] raw = np.empty(n, np.float32)
        cdef MFLearner mine = self.reader()
        cdef double c, scale
        if n:
            with nogil:
                mine.raw(&u[0], 1, &i[0], 1, n, &raw[0])
                mine.units(&c, &scale)
                for j in range(n):
                    out[j] = mine.finish(raw[j], c, scale, u[j], i[j])
                    if clip:
                        out[j] = mine.clipped(out[j])
        scores = np.asarray(out)
        if self.recent is not None:
            told = self.strangers(u)
            scores[told] = self.recent.values(np.asarray(i)[told])
        return scores

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef MFLearner mine = self.reader()
        cdef float raw[TILE]
        cdef Py_ssize_t a = 0, j, part
        cdef double c, scale
        with nogil:
            mine.units(&c, &scale)
            if u < 0 and not mine.m.biases and not mine.m.loss:   # as in `finish`
                c, scale = mine.mean(), 0
            while a < n:
                part = min(n - a, <Py_ssize_t>TILE)
                mine.raw_row(<int32_t>u, a, part, raw)
                for j in range(part):
                    out[a + j] = c + scale * raw[j]
                a += part
        return 1

    cdef bint estranged(self, Py_ssize_t u) noexcept nogil:
        """Whether a user is answered by what others take lately."""
        return self.recent is not None and not self.recent.knows(u)

    def strangers(self, const int32_t[::1] u):
        """Which of these user rows are answered by what others take lately, bool (n,)."""
        cdef Py_ssize_t j
        cdef uint8_t[::1] out = np.empty(u.shape[0], np.uint8)
        for j in range(u.shape[0]):
            out[j] = self.estranged(u[j])
        return np.asarray(out).view(bool)

    cdef MFLearner reader(self):
        """The same arrays under another owner: growth by a learner cannot free what is being read."""
        cdef MFLearner r = MFLearner.__new__(MFLearner, self.m.k, self.m.stride)
        self.lend(r)
        return r

    cdef void lend(self, MFLearner r):
        r.P, r.Q, r.SU, r.SI, r.scalars = self.P, self.Q, self.SU, self.SI, self.scalars
        r.m, r.clip = self.m, self.clip
        r.m.broken = &r.n_broken
        r.T = self.T

    def make_step_room(self, Py_ssize_t n, Py_ssize_t users, Py_ssize_t items):
        """Ask for all the memory of the next `step`, which then cannot fail."""
        cdef Py_ssize_t S = self.m.stride
        self.room = (np.empty(n + MF_BLOCK, np.float32), np.zeros(n + MF_BLOCK, np.float32),
                     np.empty(n + MF_BLOCK, np.float32), np.zeros((users, S)), np.zeros((items, S)),
                     np.zeros((users, 3)), np.zeros((items, 3)))

    def step(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y, const double[::1] w,
             Py_ssize_t users, Py_ssize_t items):
        """One full-batch gradient step over these events (optimizer="gd") of so many rows."""
        cdef Py_ssize_t n = u.shape[0], a = 0
        cdef int b
        cdef float[::1] target, offset, weight
        cdef double[:, ::1] GP, GQ, GU, GI
        if n == 0:
            return
        if self.room is None:
            self.make_step_room(n, users, items)
        target, offset, weight, GP, GQ, GU, GI = self.room
        self.room = None
        cdef double *GP_ = &GP[0, 0] if users else NULL
        cdef double *GQ_ = &GQ[0, 0] if items else NULL
        cdef double *GU_ = &GU[0, 0] if users else NULL
        cdef double *GI_ = &GI[0, 0] if items else NULL
        with nogil:
            if self.start_mean:
                self.start_from_mean(0, u, GU)
                self.start_from_mean(1, i, GI)
            if self.count:                        # all ratings are counted before the step
                while a < n:
                    b = <int>min(MF_BLOCK, n - a)
                    mf_targets(&self.m, self.T, &y[a], &w[a], b, True, &target[a], &offset[a], &weight[a])
                    a += b
            a = 0
            while a < n:
                b = <int>min(MF_BLOCK, n - a)
                mf_targets(&self.m, self.T, &y[a], &w[a], b, False, &target[a], &offset[a], &weight[a])
                a += b
            mf_gradients(&self.m, &u[0], &i[0], &target[0], &offset[0], &weight[0], n,
                         GP_, GQ_, GU_, GI_)
            mf_gradient_step(&self.m, self.m.P, self.m.SU, GP_, GU_, users)
            mf_gradient_step(&self.m, self.m.Q, self.m.SI, GQ_, GI_, items)
            if self.start_mean:
                self.sum_side(0, users)
                self.sum_side(1, items)

    cdef void start_from_mean(self, int side, const int32_t[::1] rows, double[:, ::1] seen) noexcept nogil:
        """Rows that have learned nothing move to the mean of their side, once each."""
        cdef Py_ssize_t S = self.m.stride, j, r, f
        cdef float *x
        cdef mf_stat *s = self.m.SU if side == 0 else self.m.SI
        cdef double *total = self.sums + side * S
        cdef double count = self.sums[2 * S + side]
        for j in range(rows.shape[0]):
            r = rows[j]
            if r < 0 or s[r].n > 0 or seen[r, 2] != 0 or count == 0:
                continue
            seen[r, 2] = 1
            x = (self.m.P if side == 0 else self.m.Q) + r * S
            for f in range(self.m.k):
                x[f] += <float>(total[f] / count)
        for j in range(rows.shape[0]):
            if rows[j] >= 0:
                seen[rows[j], 2] = 0

    cdef void sum_side(self, int side, Py_ssize_t n) noexcept nogil:
        """The sums of a side anew, after all its rows moved at once."""
        cdef Py_ssize_t S = self.m.stride, r, f
        cdef const float *X = self.m.P if side == 0 else self.m.Q
        cdef const mf_stat *s = self.m.SU if side == 0 else self.m.SI
        cdef double *total = self.sums + side * S
        cdef double *count = self.sums + 2 * S + side
        count[0] = 0
        for f in range(S):
            total[f] = 0
        for r in range(n):
            if s[r].n > 0:
                count[0] += 1
                for f in range(self.m.k):
                    total[f] += X[r * S + f]
