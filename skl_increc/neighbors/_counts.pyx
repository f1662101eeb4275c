# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of neighbours from counts: how many users have two items."""
from libc.math cimport pow, sqrt
from libc.stdint cimport int32_t, uint8_t

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._links cimport Links

cdef extern from "similar.h" nogil:
    double kth_largest(double *x, Py_ssize_t n, Py_ssize_t k)

cdef enum:
    POSITIVE = 1        # column of the (user, item) pairs
    EVENTS = 0          # scalar
    TABLE = 4096        # counts whose powers are kept
    AHEAD = 8           # cells whose lines are on their way
    # likenesses
    COSINE = 0
    JACCARD = 1
    CONDITIONAL = 2
    LIFT = 3


cdef struct Had:
    # the items of a user, oldest first, and which of them teach
    const int32_t *items
    const double *positive
    Py_ssize_t n


cdef class CountLearner(Learner):
    """C[i, j] += 1 and C[j, i] += 1 for every item j that a user has when i is new to that user.

    Which pairs are new is seen before they are recorded, when room is made; so any cut of a stream, and
    any order, gives the same counts.
    """
    cdef Links links
    cdef double weight, exponent, shrinkage, prior
    cdef int kind
    cdef Py_ssize_t reach, n_neighbors          # 0: all
    cdef double[:, ::1] user_events, events, takers, anonymous
    cdef double[::1] s
    cdef int32_t[::1] who, what                 # the new pairs, user by user
    cdef Py_ssize_t fresh
    cdef uint8_t[::1] mark                      # scratch, a number an item
    cdef double[::1] spare
    cdef double[:, ::1] powers

    def __cinit__(self):
        self.who, self.what = np.empty(16, np.int32), np.empty(16, np.int32)
        self.mark, self.spare = np.empty(0, np.uint8), np.empty(0)
        self.exponent = -1

    def configure(self, Py_ssize_t reach, double weight, int kind, double exponent, double shrinkage,
                  Py_ssize_t n_neighbors, double prior):
        """reach and n_neighbors of 0: all."""
        if exponent != self.exponent:
            counts = np.arange(TABLE)
            self.powers = np.array([[pow(c, e) for c in counts] for e in (exponent, 1 - exponent)])
        self.reach, self.weight, self.kind, self.exponent = reach, weight, kind, exponent
        self.shrinkage, self.n_neighbors, self.prior = shrinkage, n_neighbors, prior

    def bind(self, dict users, dict items, scalars):
        self.user_events, self.events = users["events"], items["events"]
        self.takers, self.anonymous = items["takers"], items["anonymous"]
        self.s = scalars
        if self.mark.shape[0] != self.events.shape[0]:
            self.mark = np.zeros(self.events.shape[0], np.uint8)
            self.spare = np.empty(self.events.shape[0])

    def attach_stores(self, dict stores):
        self.links = stores["links"]

    cdef Had had(self, Py_ssize_t u) noexcept nogil:
        cdef Had h
        h.items, h.positive = NULL, NULL
        h.n = self.pairs.pairs_of(u, POSITIVE, &h.items, &h.positive) if u >= 0 else 0
        return h

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[POSITIVE] = w > 0

    # -- learning -------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Find the pairs that are new, and make the cells that they add to."""
        cdef Had h
        cdef Py_ssize_t j
        self.fresh = 0
        if n != 1:
            self.expect(np.asarray(<int32_t[:n]><int32_t *>u), np.asarray(<int32_t[:n]><int32_t *>i),
                        np.asarray(<double[:n]><double *>w))
            return 0
        if u[0] < 0 or i[0] < 0 or w[0] <= 0:
            return 0
        h = self.had(u[0])
        for j in range(h.n):
            if h.items[j] == i[0] and h.positive[j] > 0:
                return 0
        self.touch_all(&h, i[0])
        self.who[0], self.what[0], self.fresh = u[0], i[0], 1
        return 0

    cdef void bring(self, const Had *h, Py_ssize_t j, int32_t i) noexcept nogil:
        if j < h.n:
            self.links.prefetch(i, h.items[j])
            self.links.prefetch(h.items[j], i)

    cdef int touch_both(self, int32_t a, int32_t b) except -1:
        self.links.touch(a, b)
        self.links.touch(b, a)
        return 0

    cdef int touch_all(self, const Had *h, int32_t i) except -1:
        """The cells of item i and each item that the user has."""
        cdef Py_ssize_t j
        for j in range(min(h.n, <Py_ssize_t>AHEAD)):
            self.bring(h, j, i)
        for j in range(h.n):
            self.bring(h, j + AHEAD, i)
            if h.positive[j] > 0 and h.items[j] != i:
                self.touch_both(i, h.items[j])
        return 0

    cdef int expect(self, u, i, w) except -1:
        """The new pairs of many events, each once, user by user."""
        known = np.flatnonzero((u >= 0) & (i >= 0) & (w > 0))
        pairs = np.unique(u[known].astype(np.int64) << 32 | i[known])
        users, items = (pairs >> 32).astype(np.int32), pairs.astype(np.int32)
        cdef int32_t[::1] who = users, what = items
        cdef Py_ssize_t n = who.shape[0], a = 0, b, p, q, j, m = 0, first
        cdef Had h
        if n > self.who.shape[0]:
            self.who, self.what = np.empty(n, np.int32), np.empty(n, np.int32)
        while a < n:
            b, first = a, m
            h = self.had(who[a])
            for j in range(h.n):
                self.mark[h.items[j]] = h.positive[j] > 0
            while b < n and who[b] == who[a]:
                if not self.mark[what[b]]:
                    self.who[m], self.what[m] = who[b], what[b]
                    m += 1
                b += 1
            for j in range(h.n):
                self.mark[h.items[j]] = 0
            for p in range(first, m):
                self.touch_all(&h, self.what[p])
                for q in range(first, p):
                    self.touch_both(self.what[p], self.what[q])
            a = b
        self.fresh = m
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j, a = 0, b
        for j in range(n):
            self.s[EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] >= 0:
                self.events[i[j], 0] += 1
                if u[j] < 0 and w[j] > 0:
                    self.anonymous[i[j], 0] += 1
        while a < self.fresh:
            b = a
            while b < self.fresh and self.who[b] == self.who[a]:
                b += 1
            self.count(a, b)
            a = b
        self.fresh = 0

    cdef void count(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """The new pairs a..b of one user, which the history has by now."""
        cdef Had h = self.had(self.who[a])
        cdef Py_ssize_t p, q, j
        for p in range(a, b):
            self.mark[self.what[p]] = 1
            self.takers[self.what[p], 0] += 1
        for p in range(a, b):
            for j in range(h.n):
                self.bring(&h, j + AHEAD, self.what[p])
                if h.positive[j] > 0 and not self.mark[h.items[j]]:
                    self.add_both(self.what[p], h.items[j], 1)
            for q in range(a, p):
                self.add_both(self.what[p], self.what[q], 1)
        for p in range(a, b):
            self.mark[self.what[p]] = 0

    cdef void add_both(self, int32_t a, int32_t b, double v) noexcept nogil:
        self.links.add(a, b, v)
        self.links.add(b, a, v)

    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        """A pair leaves the counts with the last of its events that taught."""
        cdef Had h
        cdef Py_ssize_t at = 0, j
        self.s[EVENTS] -= 1
        if u >= 0:
            self.user_events[u, 0] -= 1
        if i < 0:
            return
        self.events[i, 0] -= 1
        if w <= 0:
            return
        if u < 0:
            self.anonymous[i, 0] -= 1
            return
        h = self.had(u)
        while at < h.n and h.items[at] != i:
            at += 1
        if at == h.n or h.positive[at] != 1:
            return
        self.takers[i, 0] -= 1
        for j in range(h.n):
            if j != at and h.positive[j] > 0:
                self.links.less(i, h.items[j], 1)
                self.links.less(h.items[j], i, 1)

    def leave(self, users):
        """Take what these users gave out of the counts."""
        cdef Py_ssize_t u, j, k
        cdef Had h
        for u in users:
            h = self.had(u)
            for j in range(h.n):
                if h.positive[j] > 0:
                    self.takers[h.items[j], 0] -= 1
                    for k in range(j):
                        if h.positive[k] > 0:
                            self.add_both(h.items[j], h.items[k], -1)

    # -- answers --------------------------------------------------------------------------------
    cdef double power(self, double c, int which) noexcept nogil:
        if 0 <= c < TABLE:
            return self.powers[which, <Py_ssize_t>c]
        return pow(c, 1 - self.exponent if which else self.exponent)

    cdef double likeness(self, double both, double a, double b) noexcept nogil:
        """How alike two items are that `both` users have, of the `a` and `b` who have one."""
        if both <= 0:
            return 0
        if self.kind == COSINE:
            return both / (sqrt(a * b) + self.shrinkage)
        if self.kind == JACCARD:
            return both / (a + b - both + self.shrinkage)
        if self.kind == LIFT:
            return both / (a * b + self.shrinkage)
        return both / (self.power(a, 0) * self.power(b, 1) + self.shrinkage)

    cdef double least(self, int32_t h) noexcept nogil:
        """The likeness of the last of the `n_neighbors` items that are most like h; 0: there are fewer."""
        cdef Py_ssize_t s, m = 0
        cdef const int32_t *keys
        cdef const double *both
        if self.n_neighbors == 0 or self.links.heads[h].used <= self.n_neighbors:
            return 0
        keys, both = self.links.keys(self.links.heads + h), self.links.numbers(self.links.heads + h)
        for s in range(self.links.slots[self.links.heads[h].size - 1]):
            if keys[s] >= 0 and both[s] > 0 and m < self.spare.shape[0]:
                self.spare[m] = self.likeness(both[s], self.takers[h, 0], self.takers[keys[s], 0])
                m += 1
        return kth_largest(&self.spare[0], m, self.n_neighbors) if m > self.n_neighbors else 0

    cdef double voice(self, int32_t h, int32_t i, double factor) noexcept nogil:
        """What item h says for item i."""
        cdef double like = self.likeness(self.links.get(h, i), self.takers[h, 0], self.takers[i, 0])
        return factor * like if like > 0 and like >= self.least(h) else 0

    cdef void speak(self, int32_t h, double factor, double *out, Py_ssize_t n) noexcept nogil:
        """Add what item h says for each of the first n items."""
        cdef Py_ssize_t s
        cdef const int32_t *keys
        cdef const double *both
        cdef double like, least
        if self.links.heads[h].size == 0:
            return
        least = self.least(h)
        keys, both = self.links.keys(self.links.heads + h), self.links.numbers(self.links.heads + h)
        for s in range(self.links.slots[self.links.heads[h].size - 1]):
            if 0 <= keys[s] < n:
                like = self.likeness(both[s], self.takers[h, 0], self.takers[keys[s], 0])
                if like >= least:
                    out[keys[s]] += factor * like

    cdef double base(self, Py_ssize_t i) noexcept nogil:
        return self.prior * (self.takers[i, 0] + self.anonymous[i, 0])

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1, m = 0
        cdef double factor = 1, out
        if i < 0:
            return 0
        out = self.base(i)
        while j >= 0 and (self.reach == 0 or m < self.reach):
            if h.positive[j] > 0:
                out += self.voice(h.items[j], <int32_t>i, factor)
                factor *= self.weight
                m += 1
            j -= 1
        return out

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1, m = 0, i
        cdef double factor = 1
        for i in range(n):
            out[i] = self.base(i)
        while j >= 0 and (self.reach == 0 or m < self.reach):
            if h.positive[j] > 0:
                self.speak(h.items[j], factor, out, n)
                factor *= self.weight
                m += 1
            j -= 1
        return 1

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores for pairs of rows, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(u.shape[0])
        for j in range(u.shape[0]):
            out[j] = self.score(u[j], i[j])
        return np.asarray(out)

    def voices(self, Py_ssize_t u, Py_ssize_t i):
        """The items that speak for item i to user u, how much (int32 and float64, (m,)), and the prior."""
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1
        cdef double factor = 1
        items, shares = [], []
        while i >= 0 and j >= 0 and (self.reach == 0 or len(items) < self.reach):
            if h.positive[j] > 0:
                items.append(h.items[j])
                shares.append(self.voice(h.items[j], <int32_t>i, factor))
                factor *= self.weight
            j -= 1
        return np.array(items, dtype=np.int32), np.array(shares), self.base(i) if i >= 0 else 0.0

    def similar(self, int32_t item, Py_ssize_t n):
        """How alike the first n items are to one, float64 (n,)."""
        cdef double[::1] out = np.zeros(n)
        if n:
            self.speak(item, 1, &out[0], n)
        return np.asarray(out)
