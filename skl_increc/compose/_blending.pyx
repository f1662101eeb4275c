# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Weights of members that follow from how well each has told what came."""
from libc.math cimport INFINITY, exp2, log2, pow
from libc.stdint cimport int32_t

import numpy as np

from skl_increc._state._state cimport State
from skl_increc.compose._members cimport MembersLearner, Room

cdef extern from "blend.h" nogil:
    enum:
        BLEND_BLOCK
    void blend_places(const double *x, Py_ssize_t n, Py_ssize_t M, const double *w, Py_ssize_t outs,
                      Py_ssize_t i, Py_ssize_t enough, Py_ssize_t *above, Py_ssize_t *equal, double *room)

cdef enum:
    POWERS = 5
    KEPT = 32         # places of a list that are worth something

#: how much the better members are favoured; the last: the best alone
cdef double[POWERS] POWER = [1.0, 2.0, 4.0, 8.0, 1000.0]
cdef double MEMORY = exp2(-1.0 / 3000.0)     # left of a gain after one more event that could be a question
cdef double SIZES = 500.0                    # questions over which the size of scores is averaged


cdef class BlendLearner(MembersLearner):
    """A weighted sum of the members' scores; the weights follow from how well each has told what came.

    A weighting is a power of the members' gains, with all of them or without one: number p of all, number
    POWERS + m * POWERS + p without member m.
    Scalars: the members' gains, the sizes of their scores, the gains of the weightings, the questions asked
    and the events that could have been.
    """

    cdef Py_ssize_t every, warm
    cdef double fade
    cdef double worth[KEPT + 1]

    def configure(self, Py_ssize_t every, Py_ssize_t warm):
        """Once `warm` questions were asked, one event in `every` is one."""
        cdef int p
        self.every, self.warm = every, warm
        self.fade = pow(MEMORY, every)
        for p in range(KEPT):
            self.worth[p] = 1.0 / log2(p + 2.0)
        self.worth[KEPT] = 0

    cdef int ask(self, int32_t u, int32_t i) except -1:
        """A user's first event with an item that others had is a question."""
        cdef Py_ssize_t n_had = 0, j
        cdef const int32_t *had = NULL
        cdef const double *_none = NULL
        cdef State first = self.states[0]
        cdef double *asked = &self.s[0] + self.s.shape[0] - 2
        if not 0 <= i < first.item_rows.used:
            return 0
        if u >= 0 and self.pairs is not None:
            n_had = self.pairs.pairs_of(u, 0, &had, &_none)
        for j in range(n_had):
            if had[j] == i:
                return 0
        asked[1] += 1
        if asked[0] < self.warm:
            self.question(u, i, had, n_had, first.item_rows.used, MEMORY)
        elif asked[1] % self.every == 0:
            self.question(u, i, had, n_had, first.item_rows.used, self.fade)
        return 0

    cdef int question(self, int32_t u, int32_t i, const int32_t *had, Py_ssize_t n_had, Py_ssize_t n,
                      double left) except -1:
        """At which place would each member, and each weighting of them, have had item i?"""
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room scores = Room(M * n + 1)
        cdef Room gains = Room(M + self.weightings())
        cdef double *told = &self.s[0] + 2 * M
        for m in range(M):
            self.fill(m, u, scores.at + m * n, n)
            for j in range(n_had):
                if had[j] < n:
                    scores.at[m * n + had[j]] = -INFINITY
        self.s[self.s.shape[0] - 2] += 1
        self.measure(scores.at, max(n - n_had, 1), n)
        self.value(scores.at, i, n, gains.at)
        for m in range(M):
            self.s[m] = self.s[m] * left + gains.at[m]
        for j in range(self.weightings()):
            told[j] = told[j] * left + gains.at[M + j]
        return 0

    cdef int measure(self, const double *scores, Py_ssize_t open, Py_ssize_t n) noexcept:
        """How far does the best score of each member stand out from the mean of those that are open?"""
        cdef Py_ssize_t M = len(self.states), m, j
        cdef double *size = &self.s[0] + M
        cdef const double *row
        cdef double most, total
        for m in range(M):
            row = scores + m * n
            most, total = -INFINITY, 0
            for j in range(n):
                if row[j] > most:
                    most = row[j]
                if row[j] > -INFINITY:
                    total += row[j]
            size[m] += (most - total / open - size[m]) / min(self.s[self.s.shape[0] - 2], SIZES)
        return 0

    cdef int value(self, const double *scores, Py_ssize_t i, Py_ssize_t n, double *out) except -1:
        """What the places of item i are worth: in the list of each member, and in that of each weighting."""
        cdef Py_ssize_t M = len(self.states), m, p, outs
        cdef Py_ssize_t *above
        cdef Room weight = Room(M), room = Room((M + 3) * BLEND_BLOCK + M + 1), counts = Room(2 * (M + 1))
        above = <Py_ssize_t *>counts.at
        for m in range(M):
            weight.at[0] = 1
            blend_places(scores + m * n, n, 1, weight.at, 0, i, KEPT, above, above + 1, room.at)
            out[m] = self.worth_of(above[0], above[1])
        out += M
        for p in range(POWERS):
            self.weigh(p, weight.at)
            outs = M if M > 1 and p < POWERS - 1 else 0
            blend_places(scores, n, M, weight.at, outs, i, KEPT, above, above + M + 1, room.at)
            for m in range(M + 1):
                out[m * POWERS + p] = self.worth_of(above[m], above[M + 1 + m]) if m <= outs else 0
        return 0

    cdef double worth_of(self, Py_ssize_t above, Py_ssize_t equal) noexcept:
        """Of a place; among equals an item stands in the middle."""
        return self.worth[min(above + (equal - 1) // 2, KEPT)]

    cdef Py_ssize_t weightings(self) noexcept:
        return self.s.shape[0] - 2 * len(self.states) - 2

    cdef void weigh(self, Py_ssize_t e, double *out) noexcept:
        """The weights of the members in the e-th weighting."""
        cdef Py_ssize_t M = len(self.states), m
        cdef double most = 0
        for m in range(M):
            most = max(most, self.s[m])
        for m in range(M):
            # before the first question nothing is known of a member: its scores count as they are
            out[m] = (pow(self.s[m] / most, POWER[e % POWERS]) if most > 0 else 1.0)
            if self.s[M + m] > 0:
                out[m] /= self.s[M + m]
        if e >= POWERS:
            out[e // POWERS - 1] = 0

    cdef Py_ssize_t best(self) noexcept:
        """The weighting that has told best; of equals the middle power of all members, then the first."""
        cdef double *told = &self.s[0] + 2 * len(self.states)
        cdef Py_ssize_t e, pick = POWERS // 2
        for e in range(self.weightings()):
            if told[e] > told[pick]:
                pick = e
        return pick

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room one = Room(n + 1), weight = Room(M)
        self.weigh(self.best(), weight.at)
        for j in range(n):
            out[j] = 0
        for m in range(M):
            if weight.at[m] > 0:
                self.fill(m, u, one.at, n)
                for j in range(n):
                    out[j] += weight.at[m] * one.at[j]
        return 1

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores of pairs of rows, float64 (n,)."""
        total = np.zeros(u.shape[0])
        for m, weight in enumerate(self.weights().tolist()):
            if weight > 0:
                total += weight * self.member_scores(m, u, i)
        return total

    def weights(self):
        """What a member's score is multiplied by at present, float64 (members,)."""
        cdef Py_ssize_t M = len(self.states), m
        cdef Room weight = Room(M)
        self.weigh(self.best(), weight.at)
        return np.array([weight.at[m] for m in range(M)])
