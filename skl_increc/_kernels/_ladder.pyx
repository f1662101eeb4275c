# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of popularity whose half-life is found out along the stream."""
from libc.math cimport exp2
from libc.stdint cimport int32_t

import numpy as np

from skl_increc._kernels._learner cimport Learner

cdef extern from "ladder.h" nogil:
    ctypedef struct skl_ladder:
        int rungs, kept
        const double *rate
        const double *worth
        double memory
        double *sums
        double *last
        double *gain
        double *best
        int32_t *listed
    double ladder_sum(const skl_ladder *L, int r, long i, double at)
    void ladder_learn(skl_ladder *L, long i, double w, double t)
    int ladder_pick(const skl_ladder *L)

cdef enum:
    EVENTS = 0        # scalars; after the gains come the lists
    NOW = 1
    STARTED = 2
    GAIN = 3


cdef class LadderLearner(Learner):
    """Weights of items, decayed with several half-lives at once; answers with the one that told best.

    Parameters
    ----------
    spans : sequence of float
        The half-lives, ascending; the last is inf.
    kept : int
        Length of the lists that are held against what comes.
    memory : float
        Events after which it counts half how well a list did.
    """
    cdef skl_ladder ladder
    cdef double[::1] rate, worth, s
    cdef double[:, ::1] events, user_events, sums, last
    cdef int32_t[:, ::1] listed

    def __init__(self, spans, int kept, double memory):
        self.rate = 1.0 / np.asarray(spans, dtype=np.float64)
        self.worth = 1.0 / np.log2(np.arange(kept) + 2.0)
        self.ladder.rungs, self.ladder.kept = <int>self.rate.shape[0], kept
        self.ladder.rate, self.ladder.worth = &self.rate[0], &self.worth[0]
        self.ladder.memory = exp2(-1.0 / memory)

    def bind(self, dict users, dict items, scalars):
        self.events, self.user_events = items["events"], users["events"]
        self.sums, self.last, self.listed, self.s = items["sums"], items["last"], items["listed"], scalars
        self.ladder.sums, self.ladder.last = &self.sums[0, 0], &self.last[0, 0]
        self.ladder.listed = &self.listed[0, 0]
        self.ladder.gain = &self.s[GAIN]
        self.ladder.best = &self.s[GAIN + self.ladder.rungs]

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            self.s[EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] < 0:
                continue
            self.events[i[j], 0] += 1
            self.s[NOW] = max(self.s[NOW], t[j]) if self.s[STARTED] else t[j]
            self.s[STARTED] = 1
            if w[j] > 0:
                ladder_learn(&self.ladder, i[j], w[j], t[j])

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return 0 if i < 0 else ladder_sum(&self.ladder, ladder_pick(&self.ladder), i, self.s[NOW])

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef int pick = ladder_pick(&self.ladder)
        cdef Py_ssize_t i
        for i in range(n):
            out[i] = ladder_sum(&self.ladder, pick, i, self.s[NOW])
        return 1

    def score_rows(self, const int32_t[::1] items):
        """Weights of these item rows as of the newest event, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(items.shape[0])
        for j in range(items.shape[0]):
            out[j] = self.score(-1, items[j])
        return np.asarray(out)

    @property
    def half_life(self):
        """The half-life that answers at present; inf: nothing fades."""
        cdef double rate = self.rate[ladder_pick(&self.ladder)]
        return 1.0 / rate if rate > 0 else np.inf
