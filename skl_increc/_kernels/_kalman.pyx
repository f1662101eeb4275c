# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Matrix factorisation as a Kalman filter, with diagonal or full covariances of the rows."""
from libc.math cimport exp, sqrt
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport calloc, free

import numpy as np

from skl_increc._kernels._learner cimport Learner

from skl_increc._kernels._mf import normal_quantiles

cdef enum:
    TILE = 512        # items that are scored before their scores are finished

cdef extern from "hash.h" nogil:
    enum: SKL_NORMAL
    void skl_row_start(float *p, int k, Py_ssize_t stride, float scale, int kind,
                       const float *quantiles, uint64_t seed, uint64_t side, uint64_t hash)

cdef extern from "kalman.h" nogil:
    ctypedef struct mf_totals:
        double n, s1, s2, shift, lo, hi
    ctypedef struct kf_stat:
        float bias, bias_var, mood, mood_var
    ctypedef struct kf_seen:
        double events, last
    ctypedef struct kf_learned:
        double events, noise, now
    ctypedef struct kf_side:
        float *X
        float *C
        kf_stat *stat
        kf_seen *seen
    ctypedef struct kf_model:
        kf_side side[2]
        kf_side spare
        float *room
        Py_ssize_t stride, wide
        int k, full, timed
        float var_bias, var_factor, drift, drift_factors, mood, keep
        double memory, noise
    Py_ssize_t kf_size(const kf_model *m)
    void kf_prior_row(const kf_model *m, int side, float mean, float *x, float *C, kf_stat *s)
    double kf_noise(const kf_model *m, const kf_learned *L)
    void kf_learn(const kf_model *m, kf_learned *L, mf_totals *T, const int32_t *u, const int32_t *i,
                  const double *y, const double *w, const double *t, Py_ssize_t n)
    void kf_scores(const kf_model *m, const kf_learned *L, const int32_t *u, int step_u, const int32_t *i,
                   int step_i, Py_ssize_t n, float *mean, float *var)
    void kf_units(const mf_totals *T, double *centre, double *scale)

#: what the scalars of a state hold, in this order
SCALARS = {"totals": 6, "filter": 5}


cdef class KalmanLearner(Learner):
    """Learner of ``KalmanMF``: means, variances and what the filter learns beside them.

    Scores are ``centre + scale * (b_u + m_u + b_i + p_u . q_i)`` with the centre and scale of the
    ratings so far.
    """
    cdef kf_model m
    cdef kf_learned *L
    cdef mf_totals *T
    cdef float[:, ::1] P, Q, CU, CI, SU, SI
    cdef double[:, ::1] NU, NI
    cdef double[::1] scalars
    cdef void *own                # the spare row and the room for vectors
    cdef float init_scale
    cdef const float[::1] quantiles
    cdef uint64_t seed
    cdef public bint clip         # predictions stay within the ratings seen

    def __cinit__(self, int k, Py_ssize_t stride, Py_ssize_t wide, bint full):
        cdef Py_ssize_t floats
        self.m.k, self.m.stride, self.m.wide, self.m.full = k, stride, wide, full
        floats = stride + kf_size(&self.m) + 4 * wide + 4
        self.own = calloc(floats, sizeof(float))
        if self.own == NULL:
            raise MemoryError("no memory for a row of factors and their covariance")
        self.m.spare.X = <float *>self.own
        self.m.spare.C = self.m.spare.X + stride
        self.m.room = self.m.spare.C + kf_size(&self.m)
        self.m.spare.stat = <kf_stat *>(self.m.room + 4 * wide)
        self.quantiles = normal_quantiles()

    def __dealloc__(self):
        free(self.own)

    def configure(self, *, float variance_bias, float variance_factor, float drift, float drift_factors,
                  float mood, double memory, double noise, bint timed, float init_scale, uint64_t seed):
        """Take the parameters; they act from the next event on.  A `noise` of 0: learned."""
        self.m.var_bias, self.m.var_factor = variance_bias, variance_factor
        self.m.drift, self.m.drift_factors, self.m.mood = drift, drift_factors, mood
        self.m.memory, self.m.keep, self.m.noise, self.m.timed = memory, exp(-1.0 / memory), noise, timed
        self.init_scale, self.seed = init_scale, seed

    def bind(self, dict users, dict items, scalars):
        # the old blocks are dropped at the very end: to drop one may let another thread in
        name = "covariance" if self.m.full else "variances"
        cdef float[:, ::1] P = users["factors"], Q = items["factors"], SU = users["stat"], SI = items["stat"]
        cdef float[:, ::1] CU = users[name], CI = items[name]
        cdef double[:, ::1] NU = users["seen"], NI = items["seen"]
        cdef double[::1] numbers = scalars
        cdef list before = [] if self.T == NULL else [self.P, self.Q, self.CU, self.CI, self.SU, self.SI,
                                                      self.NU, self.NI, self.scalars]
        self.P, self.Q, self.CU, self.CI, self.SU, self.SI = P, Q, CU, CI, SU, SI
        self.NU, self.NI, self.scalars = NU, NI, numbers
        self.point()
        before.clear()

    cdef void point(self):
        self.m.side[0].X, self.m.side[1].X = &self.P[0, 0], &self.Q[0, 0]
        self.m.side[0].C, self.m.side[1].C = &self.CU[0, 0], &self.CI[0, 0]
        self.m.side[0].stat, self.m.side[1].stat = <kf_stat *>&self.SU[0, 0], <kf_stat *>&self.SI[0, 0]
        self.m.side[0].seen, self.m.side[1].seen = <kf_seen *>&self.NU[0, 0], <kf_seen *>&self.NI[0, 0]
        self.T = <mf_totals *>&self.scalars[0]
        self.L = <kf_learned *>&self.scalars[6]

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        cdef kf_side *s = &self.m.side[side]
        kf_prior_row(&self.m, side, 0, NULL, s.C + row * kf_size(&self.m), s.stat + row)
        s.seen[row].events = s.seen[row].last = 0
        skl_row_start(s.X + row * self.m.stride, self.m.k, self.m.stride, self.init_scale, SKL_NORMAL,
                      &self.quantiles[0], self.seed, side, hash)

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        kf_learn(&self.m, self.L, self.T, u, i, y, w, t, n)

    cdef double clipped(self, double s) noexcept nogil:
        return min(max(s, self.T.lo), self.T.hi) if self.T.n > 0 else s

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef int32_t a = <int32_t>u, b = <int32_t>i
        cdef float s
        cdef double centre, scale
        kf_scores(&self.m, self.L, &a, 0, &b, 0, 1, &s, NULL)
        kf_units(self.T, &centre, &scale)
        return self.clipped(centre + scale * s) if self.clip else centre + scale * s

    def deviation(self, Py_ssize_t u, Py_ssize_t i):
        """The standard deviation of the rating of one pair of codes."""
        cdef int32_t a = <int32_t>u, b = <int32_t>i
        cdef float mean, var
        cdef double centre, scale
        kf_scores(&self.m, self.L, &a, 0, &b, 0, 1, &mean, &var)
        kf_units(self.T, &centre, &scale)
        return scale * sqrt(var)

    def centre_and_scale(self):
        """The two numbers that turn a score in standard units into a rating."""
        cdef double centre, scale
        kf_units(self.T, &centre, &scale)
        return centre, scale

    def noise(self):
        """Variance of a rating around its mean, in units of the variance of all ratings."""
        return kf_noise(&self.m, self.L)

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i, bint clip=False):
        """Scores of n pairs of codes, float64 (n,)."""
        return self.score_and_std(u, i, clip, False)[0]

    def score_and_std(self, const int32_t[::1] u, const int32_t[::1] i, bint clip=False, bint std=True):
        """Scores of n pairs of codes and the standard deviations of their ratings, each float64 (n,)."""
        cdef Py_ssize_t n = u.shape[0], j
        cdef double[::1] mean = np.empty(n), width = np.empty(n if std else 0)
        cdef float[::1] raw = np.empty(n, np.float32), var = np.empty(n, np.float32)
        cdef KalmanLearner mine = self.reader()
        cdef double centre, scale
        if n:
            with nogil:
                kf_scores(&mine.m, mine.L, &u[0], 1, &i[0], 1, n, &raw[0], &var[0] if std else NULL)
                kf_units(mine.T, &centre, &scale)
                for j in range(n):
                    mean[j] = centre + scale * raw[j]
                    if clip:
                        mean[j] = mine.clipped(mean[j])
                    if std:
                        width[j] = scale * sqrt(var[j])
        return np.asarray(mean), np.asarray(width)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef KalmanLearner mine = self.reader()
        cdef int32_t user = <int32_t>u
        cdef int32_t items[TILE]
        cdef float raw[TILE]
        cdef Py_ssize_t a = 0, j, part
        cdef double centre, scale
        with nogil:
            kf_units(mine.T, &centre, &scale)
            while a < n:
                part = min(n - a, <Py_ssize_t>TILE)
                for j in range(part):
                    items[j] = <int32_t>(a + j)
                kf_scores(&mine.m, mine.L, &user, 0, items, 1, part, raw, NULL)
                for j in range(part):
                    out[a + j] = centre + scale * raw[j]
                a += part
        return 1

    cdef KalmanLearner reader(self):
        """The same arrays under another owner: growth by a learner cannot free what is being read."""
        cdef KalmanLearner r
        r = KalmanLearner.__new__(KalmanLearner, self.m.k, self.m.stride, self.m.wide, self.m.full)
        cdef kf_side spare = r.m.spare
        cdef float *room = r.m.room
        r.P, r.Q, r.CU, r.CI, r.SU, r.SI = self.P, self.Q, self.CU, self.CI, self.SU, self.SI
        r.NU, r.NI, r.scalars = self.NU, self.NI, self.scalars
        r.m = self.m
        r.m.spare, r.m.room = spare, room
        r.point()
        return r
