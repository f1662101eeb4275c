# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Learners of models that are made of models: what each event asks of the members, and teaches them."""
from libc.math cimport INFINITY, exp, exp2, isfinite, log2, pow
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._state cimport State

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)

cdef enum:
    WEIGHTINGS = 5    # of a blend
    KEPT = 32         # places of a list that are worth something

#: how much the better members are favoured; the last: the best alone
cdef double[WEIGHTINGS] POWERS = [1.0, 2.0, 4.0, 8.0, 1000.0]
cdef double MEMORY = exp2(-1.0 / 3000.0)     # what is left of a gain after one more question
cdef double SIZES = 500.0                    # questions over which the size of scores is averaged


cdef class Room:
    """Numbers for one call: threads may ask together."""

    cdef double *at

    def __cinit__(self, Py_ssize_t n):
        self.at = <double *>malloc(max(n, 1) * sizeof(double))
        if self.at == NULL:
            raise MemoryError(f"no memory for {n} scores")

    def __dealloc__(self):
        free(self.at)


cdef class MembersLearner(Learner):
    """Teaches the members row numbers in place of ids, and asks them the same way.

    A member may have met fewer rows, or have others: what it does not know it answers as for strangers.
    """

    cdef readonly list states, models
    cdef double[:, ::1] user_events
    cdef double[::1] s
    cdef object error

    def __init__(self):
        self.scores_in_python = True
        self.states, self.models = [], []

    def bind(self, dict users, dict items, scalars):
        self.s = scalars
        self.user_events = users["events"]

    def attach_stores(self, dict stores):
        members = [stores[f"member_{m}"] for m in range(len(stores))]
        self.models = [member.model for member in members]
        self.states = [member.state() for member in members]

    # -- teaching -----------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Ask and teach the members: they may want memory, and nothing of the state has changed yet."""
        cdef Py_ssize_t m
        if self.error is not None:
            raise RuntimeError(
                f"A member could not learn an event ({self.error!r}) that others had learned, so that now "
                "they differ in what they know. Call fit to begin anew, or go on with a copy from before.")
        self.ask(u[0], i[0])
        for m in range(len(self.states)):
            try:
                self.teach(m, u[0], i[0], y[0], w[0], t[0])
            except BaseException as error:
                if m > 0:
                    self.error = error
                raise
        return 0

    cdef int ask(self, int32_t u, int32_t i) except -1:
        """What is to be found out before an event is learned."""
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        if u[0] >= 0:
            self.user_events[u[0], 0] += 1

    cdef int teach(self, Py_ssize_t m, int32_t u, int32_t i, double y, double w, double t) except -1:
        cdef State st = self.states[m]
        user, item = None if u < 0 else u, None if i < 0 else i
        if st.learner is None:
            model = self.models[m]
            model.learn_one({} if st.time_key is None else {st.time_key: t}, y, w, user=user, item=item)
            self.states[m] = model._state
            return 0
        if st.optional_y and 0 < y < st.min_y:
            w = 0
        st.learn_pair(user, item, y, w, t if st.time_key is not None else st.n_events)
        if st.time_key is not None:
            if t < st.now:
                st.n_late += 1
            else:
                st.now = t
        return 0

    # -- asking -------------------------------------------------------------------------------
    cdef int fill(self, Py_ssize_t m, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        """What a member says of the first n items to a user row."""
        cdef State st = self.states[m]
        cdef Py_ssize_t k = st.item_rows.used, r, who = -1
        cdef Room own = Room(k + 1)
        cdef double stranger
        cdef double[:, ::1] told
        if u >= 0:
            who = st.users.find_c(u)
        if not self.compiled(m, st) or not st.learner.score_all(who, own.at, k):
            told = np.ascontiguousarray(
                self.models[m]._score_items(st, np.array([who], np.int32))[:, :k], dtype=np.float64)
            for r in range(k):
                own.at[r] = told[0, r]
        stranger = self.one_score(m, st, who, -1) if st.items.n_rows < n else 0
        for r in range(n):
            out[r] = stranger
        for r in range(min(k, st.items.rows)):
            if st.items.kind[r] == 1 and 0 <= st.items.keys[r] < n:
                out[st.items.keys[r]] = own.at[r] if isfinite(own.at[r]) else 0
        return 0

    cdef bint compiled(self, Py_ssize_t m, State st):
        return st.learner is not None and self.models[m]._learner_lists

    cdef double one_score(self, Py_ssize_t m, State st, Py_ssize_t u, Py_ssize_t i) except? -1:
        cdef double score
        if st.learner is not None and not st.learner.scores_in_python:
            score = st.learner.score(u, i)
        else:
            score = self.models[m]._score(st, np.array([u], np.int32), np.array([i], np.int32))[0]
        return score if isfinite(score) else 0

    def member_scores(self, Py_ssize_t m, const int32_t[::1] u, const int32_t[::1] i):
        """What a member says of pairs of rows, float64 (n,)."""
        cdef State st = self.states[m]
        cdef Py_ssize_t n = u.shape[0], j
        cdef int32_t[::1] who = np.empty(n, np.int32), what = np.empty(n, np.int32)
        cdef double[::1] out = np.empty(n)
        for j in range(n):
            who[j] = -1 if u[j] < 0 else <int32_t>st.users.find_c(u[j])
            what[j] = -1 if i[j] < 0 else <int32_t>st.items.find_c(i[j])
        if st.learner is None or st.learner.scores_in_python:
            return np.nan_to_num(self.models[m]._score(st, np.asarray(who), np.asarray(what)),
                                 posinf=0.0, neginf=0.0)
        for j in range(n):
            out[j] = st.learner.score(who[j], what[j])
            if not isfinite(out[j]):
                out[j] = 0
        return np.asarray(out)


cdef class BlendLearner(MembersLearner):
    """A weighted sum of the members' scores; the weights follow from how well each has told what came.

    Scalars: the members' gains, the sizes of their scores, the gains of the weightings, the questions asked.
    """

    cdef Py_ssize_t every, warm
    cdef double worth[KEPT + 1]

    def configure(self, Py_ssize_t every, Py_ssize_t warm):
        """Once `warm` questions were asked, one event in `every` is one."""
        cdef int p
        self.every, self.warm = every, warm
        for p in range(KEPT):
            self.worth[p] = 1.0 / log2(p + 2.0)
        self.worth[KEPT] = 0

    cdef int ask(self, int32_t u, int32_t i) except -1:
        """A user's first event with an item that others had is a question."""
        cdef Py_ssize_t n_had = 0, j
        cdef const int32_t *had = NULL
        cdef const double *_none = NULL
        cdef State first = self.states[0]
        cdef double *asked = &self.s[2 * len(self.states) + WEIGHTINGS]
        if not 0 <= i < first.item_rows.used:
            return 0
        if u >= 0 and self.pairs is not None:
            n_had = self.pairs.pairs_of(u, 0, &had, &_none)
        for j in range(n_had):
            if had[j] == i:
                return 0
        asked[1] += 1
        if asked[0] < self.warm or asked[1] % self.every == 0:
            self.question(u, i, had, n_had, first.item_rows.used)
        return 0

    cdef int question(self, int32_t u, int32_t i, const int32_t *had, Py_ssize_t n_had,
                      Py_ssize_t n) except -1:
        """At which place would each member, and each weighting of them, have had item i?"""
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room scores = Room(M * n), total = Room(n), weight = Room(M)
        cdef double *gain = &self.s[0]
        cdef double *size = gain + M
        cdef double *told = size + M
        cdef double *asked = told + WEIGHTINGS
        cdef double *row
        cdef double most = -INFINITY, mean = 0
        cdef double places[WEIGHTINGS]
        cdef int e
        for m in range(M):
            self.fill(m, u, scores.at + m * n, n)
        asked[0] += 1
        for m in range(M):
            row = scores.at + m * n
            for j in range(n_had):
                if had[j] < n:
                    row[had[j]] = -INFINITY
            most, mean = -INFINITY, 0
            for j in range(n):
                if row[j] > most:
                    most = row[j]
                mean += row[j] if row[j] > -INFINITY else 0
            size[m] += (most - mean / max(n - n_had, 1) - size[m]) / min(asked[0], SIZES)
        for e in range(WEIGHTINGS):
            self.weigh(e, weight.at)
            for j in range(n):
                total.at[j] = 0
            for m in range(M):
                row = scores.at + m * n
                if weight.at[m] > 0:
                    for j in range(n):
                        total.at[j] += weight.at[m] * row[j]
            places[e] = self.value(total.at, i, n)
        for e in range(WEIGHTINGS):
            told[e] = told[e] * MEMORY + places[e]
        for m in range(M):
            gain[m] = gain[m] * MEMORY + self.value(scores.at + m * n, i, n)
        return 0

    cdef double value(self, const double *row, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
        """What the place of item i is worth; among equals it stands in the middle."""
        cdef Py_ssize_t above = 0, equal = 0, j
        cdef double mine = row[i]
        for j in range(n):
            above += row[j] > mine
            equal += row[j] == mine
        above += (equal - 1) // 2
        return self.worth[min(above, KEPT)]

    cdef void weigh(self, int e, double *out) noexcept:
        """The weights of the members for the e-th power."""
        cdef Py_ssize_t M = len(self.states), m
        cdef double most = 0
        for m in range(M):
            most = max(most, self.s[m])
        for m in range(M):
            # before the first question nothing is known of a member: its scores count as they are
            out[m] = (pow(self.s[m] / most, POWERS[e]) if most > 0 else 1.0)
            if self.s[M + m] > 0:
                out[m] /= self.s[M + m]

    cdef int best(self) noexcept:
        """The weighting that has told best; of equals the middle one first, then the later."""
        cdef Py_ssize_t M = len(self.states)
        cdef double *told = &self.s[2 * M]
        cdef int e, pick = 2
        for e in range(WEIGHTINGS):
            if told[e] > told[pick]:
                pick = e
        return pick

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room one = Room(n), weight = Room(M)
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


cdef class FallbackLearner(MembersLearner):
    """The first member that a user has had events enough for answers her."""

    cdef double[::1] least

    def configure(self, least):
        """Events of a user from which on each member is asked; the last is asked otherwise."""
        self.least = np.ascontiguousarray(least, dtype=np.float64)

    cdef Py_ssize_t chosen(self, Py_ssize_t u) noexcept:
        cdef Py_ssize_t m, last = len(self.states) - 1
        cdef double n = 0 if u < 0 else self.user_events[u, 0]
        for m in range(last):
            if n >= self.least[m]:
                return m
        return last

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        self.fill(self.chosen(u), u, out, n)
        return 1

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores of pairs of rows, float64 (n,)."""
        who = np.array([self.chosen(row) for row in u], dtype=np.int64)
        out, users, items = np.empty(u.shape[0]), np.asarray(u), np.asarray(i)
        for m in np.unique(who):
            mine = who == m
            out[mine] = self.member_scores(m, users[mine], items[mine])
        return out


cdef class BaggingLearner(MembersLearner):
    """The mean of the members, each of which is taught an event as often as a Poisson draw says.

    Scalars: the events so far, which number the draws.
    """

    cdef uint64_t seed

    def configure(self, uint64_t seed):
        """Of what is drawn."""
        self.seed = seed

    cdef int teach(self, Py_ssize_t m, int32_t u, int32_t i, double y, double w, double t) except -1:
        cdef uint64_t z = skl_mix(skl_mix(self.seed + <uint64_t>m) + <uint64_t>self.s[0])
        cdef int k = poisson((z >> 11) * 2.0 ** -53)
        if k:
            MembersLearner.teach(self, m, u, i, y, w * k, t)
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        self.s[0] += 1
        MembersLearner.learn(self, u, i, y, w, t, n)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room one = Room(n)
        for j in range(n):
            out[j] = 0
        for m in range(M):
            self.fill(m, u, one.at, n)
            for j in range(n):
                out[j] += one.at[j] / M
        return 1

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores of pairs of rows, float64 (n,)."""
        total = np.zeros(u.shape[0])
        for m in range(len(self.states)):
            total += self.member_scores(m, u, i) / len(self.states)
        return total


cdef inline int poisson(double share) noexcept nogil:
    """The number that a uniform share of [0, 1) stands for: Poisson of mean 1."""
    cdef double p = exp(-1.0)
    cdef int k = 0
    while share >= p and k < 20:
        share -= p
        k += 1
        p /= k
    return k
