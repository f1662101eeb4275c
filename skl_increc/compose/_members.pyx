# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Learners of models that are made of models: the members are taught row numbers, and asked."""
from libc.math cimport exp, isfinite
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._state cimport State
from skl_increc._state.ids import canonical

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)


cdef class Room:
    """Numbers for one call: threads may ask together."""

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
        if n > 1 or self.apart:          # the members are taught by others
            return 0
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
        """What a member says of the first n items to a user row; `out` has room for n + 1."""
        cdef State st = self.states[m]
        cdef Py_ssize_t k = st.item_rows.used, r, who = -1
        cdef bint same = same_rows(st, k, n)
        cdef Room own = Room(0 if same else k + 1)
        cdef double *at = out if same else own.at
        cdef double stranger
        if u >= 0:
            who = st.users.find_c(u)
        self.own_rows(m, st, who, at, k)
        stranger = self.one_score(m, st, who, -1) if st.items.n_rows < n else 0
        for r in range(k):
            if not isfinite(at[r]):
                at[r] = 0
        for r in range(k if same else 0, n):
            out[r] = stranger
        for r in range(0 if same else min(k, st.items.rows)):
            if st.items.kind[r] == 1 and 0 <= st.items.keys[r] < n:
                out[st.items.keys[r]] = at[r]
        return 0

    cdef int own_rows(self, Py_ssize_t m, State st, Py_ssize_t who, double *out, Py_ssize_t k) except -1:
        """What a member says of its own first k item rows; `out` has room for k + 1."""
        cdef double[:, ::1] told
        cdef Py_ssize_t r
        if not self.compiled(m, st) or not st.learner.score_all(who, out, k):
            told = np.ascontiguousarray(
                self.models[m]._score_items(st, np.array([who], np.int32))[:, :k], dtype=np.float64)
            for r in range(k):
                out[r] = told[0, r]
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
        return self.scores_by(self.choices(u), u, i)

    def choices(self, const int32_t[::1] u):
        """The numbers of the members that answer user rows, int64 (n,)."""
        return np.array([self.chosen(row) for row in u], dtype=np.int64)

    def scores_by(self, who, const int32_t[::1] u, const int32_t[::1] i):
        """Scores of pairs of rows by the members of these numbers, float64 (n,)."""
        out, users, items = np.empty(u.shape[0]), np.asarray(u), np.asarray(i)
        for m in np.unique(who):
            mine = who == m
            out[mine] = self.member_scores(m, users[mine], items[mine])
        return out


cdef class SwitchLearner(FallbackLearner):
    """The member that a user's last event named answers her; the last member where none was."""

    cdef double[:, ::1] named         # of each user, 1 + the number of the member; 0: none yet
    cdef object by
    cdef dict members
    cdef list values                  # what the next events say, in their order
    cdef Py_ssize_t at, code

    def __init__(self):
        FallbackLearner.__init__(self)
        self.values = []

    def bind(self, dict users, dict items, scalars):
        FallbackLearner.bind(self, users, items, scalars)
        self.named = users["member"]

    def configure(self, by, members):
        """A function of (value, events of the user) or None, and the number of the member of each value."""
        self.by, self.members = by, members

    def take(self, list values):
        """What the next events say."""
        self.values, self.at = values, 0

    def number(self, value):
        """Of the member that a value stands for; -1 for no value."""
        value = canonical(value)
        return -1 if value is None else self.members.get(value, len(self.states) - 1)

    cdef int ask(self, int32_t u, int32_t i) except -1:
        self.code = -1
        if u >= 0 and self.at < len(self.values):
            value = self.values[self.at]
            if self.by is not None:
                value = self.by(value, int(self.user_events[u, 0]) + 1)
            self.code = self.number(value)
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        self.at += 1
        if u[0] >= 0 and self.code >= 0:
            self.named[u[0], 0] = self.code + 1
        MembersLearner.learn(self, u, i, y, w, t, n)

    cdef Py_ssize_t chosen(self, Py_ssize_t u) noexcept:
        if u < 0 or self.named[u, 0] < 1:
            return len(self.states) - 1
        return min(<Py_ssize_t>self.named[u, 0], len(self.states)) - 1


cdef class BaggingLearner(MembersLearner):
    """The mean of the members, each of which is taught an event as often as a Poisson draw says.

    Scalars: the events so far, which number the draws.
    """

    cdef uint64_t seed

    def configure(self, uint64_t seed):
        """Of what is drawn."""
        self.seed = seed

    cdef int draw(self, Py_ssize_t m, double number) noexcept:
        """For a member and the event of that number."""
        cdef uint64_t z = skl_mix(skl_mix(self.seed + <uint64_t>m) + <uint64_t>number)
        return poisson((z >> 11) * 2.0 ** -53)

    def draws(self, Py_ssize_t m, Py_ssize_t n):
        """For a member and the next n events, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(n)
        for j in range(n):
            out[j] = self.draw(m, self.s[0] + j)
        return np.asarray(out)

    def count(self, const int32_t[::1] u):
        """Note events that the members have learned."""
        cdef Py_ssize_t j
        for j in range(u.shape[0]):
            self.learn(&u[j], NULL, NULL, NULL, NULL, 1)

    cdef int teach(self, Py_ssize_t m, int32_t u, int32_t i, double y, double w, double t) except -1:
        cdef int k = self.draw(m, self.s[0])
        if k:
            MembersLearner.teach(self, m, u, i, y, w * k, t)
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        self.s[0] += 1
        MembersLearner.learn(self, u, i, y, w, t, n)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Py_ssize_t M = len(self.states), m, j
        cdef Room one = Room(n + 1)
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


cdef bint same_rows(State st, Py_ssize_t k, Py_ssize_t n) noexcept:
    """Whether the first k item rows of a member are those of the model around it, of which there are n."""
    cdef Py_ssize_t r
    if k > n or k > st.items.rows:
        return False
    for r in range(k):
        if st.items.kind[r] != 1 or st.items.keys[r] != r:
            return False
    return True
