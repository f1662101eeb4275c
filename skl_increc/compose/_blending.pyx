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
    void blend_places(const double *x, Py_ssize_t n, Py_ssize_t M, const Py_ssize_t *order, const double *w,
                      Py_ssize_t i, Py_ssize_t enough, Py_ssize_t *above, Py_ssize_t *equal, double *room)

cdef enum:
    POWERS = 5
    KEPT = 32         # places of a list that are worth something
    KINDS = 2         # of questions: of users with events, and of strangers

#: how much the better members are favoured
cdef double[POWERS] POWER = [1.0, 2.0, 4.0, 8.0, 16.0]
cdef double MEMORY = exp2(-1.0 / 3000.0)     # left of a gain after an event of its kind that could be asked
cdef double SIZES = 500.0                    # questions over which the size of scores is averaged
cdef double OTHERS = 0.02                    # what a gain in one kind of question counts in the other


cdef class BlendLearner(MembersLearner):
    """A weighted sum of the members' scores; the weights follow from how well each has told what came.

    A weighting is a power of the members' gains, for so many of them, the best first: number p * members + m
    is power p of the best m + 1.  What is told of strangers and of others is kept apart.
    Scalars: the members' gains in each kind of question, the sizes of their scores, the gains of the
    weightings in each kind, the questions asked, and the events of each kind that could have been.
    """

    cdef Py_ssize_t every, warm
    cdef double fade
    cdef double worth[KEPT + 1]

    def configure(self, Py_ssize_t every, Py_ssize_t warm):
        """Once `warm` questions were asked, one event of a kind in `every` is one."""
        cdef int p
        if self.s.shape[0] != (KINDS + 1 + KINDS * POWERS) * len(self.states) + 1 + KINDS:
            raise ValueError("This Blend was pickled by another version, whose weights have another form. "
                             "Fit it anew.")
        self.every, self.warm = every, warm
        self.fade = pow(MEMORY, every)
        for p in range(KEPT):
            self.worth[p] = 1.0 / log2(p + 2.0)
        self.worth[KEPT] = 0

    cdef double *sizes(self) noexcept:
        return &self.s[0] + KINDS * len(self.states)

    cdef double *told(self, Py_ssize_t kind) noexcept:
        cdef Py_ssize_t M = len(self.states)
        return &self.s[0] + (KINDS + 1 + kind * POWERS) * M

    cdef double *asked(self) noexcept:
        return &self.s[0] + self.s.shape[0] - 1 - KINDS

    cdef Py_ssize_t kind_of(self, Py_ssize_t u) noexcept:
        """Of a question about a user."""
        return u < 0 or self.user_events[u, 0] < 1

    cdef int ask(self, int32_t u, int32_t i) except -1:
        """A user's first event with an item that others had is a question."""
        cdef Py_ssize_t n_had = 0, j
        cdef const int32_t *had = NULL
        cdef const double *_none = NULL
        cdef State first = self.states[0]
        cdef double *asked = self.asked()
        cdef double *could
        if not 0 <= i < first.item_rows.used:
            return 0
        if u >= 0 and self.pairs is not None:
            n_had = self.pairs.pairs_of(u, 0, &had, &_none)
        for j in range(n_had):
            if had[j] == i:
                return 0
        could = asked + 1 + self.kind_of(u)     # visits of one length would meet one kind alone at every turn
        could[0] += 1
        if asked[0] < self.warm:
            self.question(u, i, had, n_had, first.item_rows.used, MEMORY)
        elif could[0] % self.every == 0:
            self.question(u, i, had, n_had, first.item_rows.used, self.fade)
        return 0

    cdef int question(self, int32_t u, int32_t i, const int32_t *had, Py_ssize_t n_had, Py_ssize_t n,
                      double left) except -1:
        """At which place would each member, and each weighting of them, have had item i?"""
        cdef Py_ssize_t M = len(self.states), kind = self.kind_of(u), m, j
        cdef Room scores = Room(M * n + 1)
        cdef Room worth = Room(M + POWERS * M)
        cdef double *gains = &self.s[0] + kind * M
        cdef double *told = self.told(kind)
        for m in range(M):
            self.fill(m, u, scores.at + m * n, n)
            for j in range(n_had):
                if had[j] < n:
                    scores.at[m * n + had[j]] = -INFINITY
        self.asked()[0] += 1
        self.measure(scores.at, max(n - n_had, 1), n)
        self.value(kind, scores.at, i, n, worth.at)
        for m in range(M):
            gains[m] = gains[m] * left + worth.at[m]
        for j in range(POWERS * M):
            told[j] = told[j] * left + worth.at[M + j]
        return 0

    cdef int measure(self, const double *scores, Py_ssize_t open, Py_ssize_t n) noexcept:
        """How far does the best score of each member stand out from the mean of those that are open?"""
        cdef Py_ssize_t M = len(self.states), m, j
        cdef double *size = self.sizes()
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
            most = max(most - total / open, 0)      # by rounding it may be below
            size[m] += (most - size[m]) / min(self.asked()[0], SIZES)
        return 0

    cdef int value(self, Py_ssize_t kind, const double *scores, Py_ssize_t i, Py_ssize_t n,
                   double *out) except -1:
        """What the places of item i are worth: in the list of each member, and in that of each weighting."""
        cdef Py_ssize_t M = len(self.states), m, p
        cdef Room gain = Room(M), weight = Room(M), counts = Room(3 * M)
        cdef Room room = Room((M + 1) * BLEND_BLOCK + M)
        cdef Py_ssize_t *above = <Py_ssize_t *>counts.at
        cdef Py_ssize_t *order = above + 2 * M
        self.rank(kind, gain.at, order)
        for m in range(M):
            weight.at[m] = 1
        for m in range(M):
            blend_places(scores, n, 1, &m, weight.at, i, KEPT, above, above + 1, room.at)
            out[m] = self.worth_of(above[0], above[1])
        out += M
        for p in range(POWERS):
            self.weigh(p * M + M - 1, gain.at, order, weight.at)
            blend_places(scores, n, M, order, weight.at, i, KEPT, above, above + M, room.at)
            for m in range(M):
                out[p * M + m] = self.worth_of(above[m], above[M + m])
        return 0

    cdef double worth_of(self, Py_ssize_t above, Py_ssize_t equal) noexcept:
        """Of a place; among equals an item stands in the middle."""
        return self.worth[min(above + (equal - 1) // 2, KEPT)]

    cdef void rank(self, Py_ssize_t kind, double *gain, Py_ssize_t *order) noexcept:
        """The members' gains in a kind of question, and their numbers: the best first, then as named."""
        cdef Py_ssize_t M = len(self.states), m, at
        for m in range(M):
            gain[m] = self.s[kind * M + m] + OTHERS * self.s[(1 - kind) * M + m]
            at = m
            while at > 0 and gain[order[at - 1]] < gain[m]:
                order[at] = order[at - 1]
                at -= 1
            order[at] = m

    cdef void weigh(self, Py_ssize_t e, const double *gain, const Py_ssize_t *order, double *out) noexcept:
        """The weights of the members in the e-th weighting."""
        cdef Py_ssize_t M = len(self.states), m, j
        cdef double most = gain[order[0]]
        for j in range(M):
            m = order[j]
            # before the first question nothing is known of a member: its scores count as they are
            out[m] = 0 if j > e % M else pow(gain[m] / most, POWER[e // M]) if most > 0 else 1
            if self.sizes()[m] > 0:
                out[m] /= self.sizes()[m]

    cdef Py_ssize_t best(self, Py_ssize_t kind) noexcept:
        """The weighting that has told best; of equals the middle power of all members, then the first."""
        cdef Py_ssize_t M = len(self.states), e, pick = POWERS // 2 * M + M - 1
        cdef double *own = self.told(kind)
        cdef double *others = self.told(1 - kind)
        for e in range(POWERS * M):
            if own[e] + OTHERS * others[e] > own[pick] + OTHERS * others[pick]:
                pick = e
        return pick

    cdef int answer(self, Py_ssize_t kind, double *out) except -1:
        """The weights of the members in a kind of question at present."""
        cdef Py_ssize_t M = len(self.states)
        cdef Room gain = Room(M), order = Room(M)
        self.rank(kind, gain.at, <Py_ssize_t *>order.at)
        self.weigh(self.best(kind), gain.at, <Py_ssize_t *>order.at, out)
        return 0

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room one = Room(n + 1), weight = Room(M)
        self.answer(self.kind_of(u), weight.at)
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
        total, users, items = np.zeros(u.shape[0]), np.asarray(u), np.asarray(i)
        kinds = np.array([self.kind_of(row) for row in u], dtype=np.intp)
        for kind in range(KINDS):
            rows = np.flatnonzero(kinds == kind)
            weights = self.weights(kind)
            for m in np.flatnonzero(weights) if len(rows) else ():
                total[rows] += weights[m] * self.member_scores(m, users[rows], items[rows])
        return total

    def weights(self, Py_ssize_t kind=0):
        """What a member's score is multiplied by at present, float64 (members,); kind 1: for strangers."""
        cdef Py_ssize_t M = len(self.states), m
        cdef Room weight = Room(M)
        self.answer(kind, weight.at)
        return np.array([weight.at[m] for m in range(M)])
