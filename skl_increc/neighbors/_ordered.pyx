# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How many users have two items, learned one event after the other: with a bounded list or a half-life."""
from libc.math cimport exp2, floor, ldexp
from libc.stdint cimport int32_t
from libc.string cimport memmove

import numpy as np

from skl_increc._state._links cimport Links
from skl_increc.neighbors._answers cimport LANDMARK, LAST, NOW, POSITIVE, STARTED, Had, NeighborLearner

cdef enum:
    FAR = 256           # half-lives from one landmark to the next

#: the time of what never taught
cdef double NEVER = -1e300


cdef class OrderedLearner(NeighborLearner):
    """An event's item meets the list of its user as it is by then.

    With a half-life C[i, j] sums, over the users, the weight of the older of the newest times of i and j.
    """
    cdef Py_ssize_t window                      # items of a user; 0: all
    cdef int32_t[::1] group                     # per event, which list it meets, or -1
    cdef Py_ssize_t[::1] begin, length          # per list; twice, to run ahead with the second half
    cdef int32_t[::1] listed                    # the lists, twice
    cdef double[::1] speaks, times
    cdef Py_ssize_t n_pending

    def __cinit__(self):
        self.make_lists(1, 1, 16)

    def attach_pairs(self, pairs):
        NeighborLearner.attach_pairs(self, pairs)
        self.window = pairs.window

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[POSITIVE] = w > 0
        if self.span > 0:
            out[LAST] = t if w > 0 else NEVER

    # -- room -----------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Go ahead with copies of the lists, and make the cells that the events add to."""
        self.n_pending = 0
        return self.foresee(u, i, w, n)

    cdef int make_lists(self, Py_ssize_t events, Py_ssize_t lists, Py_ssize_t cells) except -1:
        if events > self.group.shape[0]:
            self.group = np.empty(events, np.int32)
        if 2 * lists > self.begin.shape[0]:
            self.begin, self.length = np.empty(2 * lists, np.intp), np.empty(2 * lists, np.intp)
        if 2 * cells > self.listed.shape[0]:
            self.listed = np.empty(4 * cells, np.int32)
            self.speaks, self.times = np.empty((2, 4 * cells))
        return 0

    cdef int foresee(self, const int32_t *u, const int32_t *i, const double *w, Py_ssize_t n) except -1:
        """Copy the lists that the events will meet, and make the cells that they add to."""
        cdef Py_ssize_t j, g, at = 0
        cdef const int32_t[::1] who, place
        cdef const Py_ssize_t[::1] coming
        if n == 1:
            who = np.array([u[0]], np.int32)
            place = np.zeros(1, np.int32) if u[0] >= 0 and i[0] >= 0 else np.full(1, -1, np.int32)
            coming = np.ones(1, np.intp)
        else:
            us = np.asarray(<int32_t[:n]><int32_t *>u)
            known = (us >= 0) & (np.asarray(<int32_t[:n]><int32_t *>i) >= 0)
            users, found = np.unique(us[known], return_inverse=True)
            where = np.full(n, -1, np.int32)
            where[known] = found
            who, place = users, where
            coming = np.bincount(found, minlength=len(users)).astype(np.intp)
        for g in range(who.shape[0]):
            at += self.had(who[g]).n + coming[g]
        self.make_lists(n, who.shape[0], at)
        at = 0
        for g in range(who.shape[0]):
            self.copy_list(g, at, who[g])
            self.copy_list(g + self.begin.shape[0] // 2, at + self.listed.shape[0] // 2, who[g])
            at += self.had(who[g]).n + coming[g]
        for j in range(n):
            self.group[j] = place[j]
            if place[j] >= 0:
                self.touch_list(place[j] + self.begin.shape[0] // 2, i[j], w[j] > 0)
        self.n_pending = n
        return 0

    cdef void copy_list(self, Py_ssize_t g, Py_ssize_t at, Py_ssize_t u) noexcept nogil:
        cdef Had h = self.had(u)
        cdef Py_ssize_t j
        self.begin[g], self.length[g] = at, h.n
        for j in range(h.n):
            self.listed[at + j], self.speaks[at + j] = h.items[j], h.positive[j]
            self.times[at + j] = h.last[j] if self.span > 0 else 0

    cdef int touch_list(self, Py_ssize_t g, int32_t i, bint teaches) except -1:
        """The cells of item i and what is listed, which then goes on as the event will have it."""
        cdef Py_ssize_t j
        for j in range(self.begin[g], self.begin[g] + self.length[g]):
            if teaches and self.speaks[j] > 0 and self.listed[j] != i:
                self.touch_both(i, self.listed[j])
        self.move_up(g, i, teaches, 0)
        return 0

    cdef void move_up(self, Py_ssize_t g, int32_t i, bint teaches, double time) noexcept nogil:
        """Item i becomes the last of a list; the first falls out of a full one."""
        cdef Py_ssize_t a = self.begin[g], b = a + self.length[g], at = a
        cdef bint spoke = False
        while at < b and self.listed[at] != i:
            at += 1
        if at < b:
            spoke = self.speaks[at] > 0
        elif self.window and self.length[g] == self.window:
            at = a
        else:
            self.length[g] += 1
            b += 1
        memmove(&self.listed[at], &self.listed[at] + 1, (b - 1 - at) * sizeof(int32_t))
        memmove(&self.speaks[at], &self.speaks[at] + 1, (b - 1 - at) * sizeof(double))
        memmove(&self.times[at], &self.times[at] + 1, (b - 1 - at) * sizeof(double))
        self.listed[b - 1], self.speaks[b - 1], self.times[b - 1] = i, teaches or spoke, time

    # -- learning -------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        self.count_events(u, i, y, w, t, n)
        for j in range(self.n_pending):
            if self.group[j] >= 0:
                self.meet(self.group[j], i[j], w[j], t[j])
        self.n_pending = 0

    cdef void meet(self, Py_ssize_t g, int32_t i, double w, double t) noexcept nogil:
        """One event: its item meets the others of the list."""
        cdef Py_ssize_t a = self.begin[g], b = a + self.length[g], j
        cdef double old = NEVER, new = t if w > 0 else NEVER, before, after
        cdef bint fresh = True
        for j in range(a, b):
            if self.listed[j] == i and self.speaks[j] > 0:
                fresh, old = False, self.times[j]
        new = max(old, new)
        if w > 0 and self.span > 0:
            self.come_to(t)
        if w > 0 and (fresh or (self.span > 0 and new > old)):
            for j in range(a, b):
                if self.speaks[j] > 0 and self.listed[j] != i:
                    before = 0 if fresh else self.weight_at(min(old, self.times[j]))
                    after = self.weight_at(min(new, self.times[j]))
                    if after > before:
                        self.add_both(i, self.listed[j], after - before)
            self.takers[i, 0] += fresh
            if self.span > 0:
                self.weights[i, 0] += self.weight_at(new) - (0 if fresh else self.weight_at(old))
        self.move_up(g, i, w > 0, new)

    cdef double weight_at(self, double t) noexcept nogil:
        """What a taker of this time counts, in units of the landmark."""
        cdef double q
        if self.span <= 0:
            return 1
        q = floor(t / self.span)
        return ldexp(exp2((t - q * self.span) / self.span), <int>max(q - self.s[LANDMARK], -5000.0))

    cdef void come_to(self, double t) noexcept nogil:
        """The clock moves on; now and then the landmark follows, by an exact power of two."""
        cdef double q
        cdef Py_ssize_t r
        cdef int back
        if self.s[STARTED] == 0:
            self.s[STARTED], self.s[NOW] = 1, t
            self.s[LANDMARK] = FAR * floor(t / self.span / FAR)
        self.s[NOW] = max(self.s[NOW], t)
        q = FAR * floor(self.s[NOW] / self.span / FAR)
        if q > self.s[LANDMARK]:
            back = <int>min(q - self.s[LANDMARK], 5000.0)
            for r in range(self.weights.shape[0]):
                self.weights[r, 0] = ldexp(self.weights[r, 0], -back)
            (<Links>self.cells).scale_c(-back)
            self.s[LANDMARK] = q

    def recount(self, users):
        """With a half-life: all counts anew from what these users have."""
        cdef Py_ssize_t u, j, k
        cdef Had h
        self.cells.clear()
        self.weights[:] = 0
        self.s[STARTED] = self.s[NOW] = self.s[LANDMARK] = 0
        for u in users:
            h = self.had(u)
            for j in range(h.n):
                if h.positive[j] > 0:
                    self.come_to(h.last[j])
        for u in users:
            h = self.had(u)
            for j in range(h.n):
                if h.positive[j] > 0:
                    self.weights[h.items[j], 0] += self.weight_at(h.last[j])
                    for k in range(j):
                        if h.positive[k] > 0:
                            self.touch_both(h.items[j], h.items[k])
                            self.add_both(h.items[j], h.items[k], self.weight_at(min(h.last[j], h.last[k])))

    cdef void add_both(self, int32_t a, int32_t b, double v) noexcept nogil:
        self.cells.add(a, b, v)
        self.cells.add(b, a, v)

    def leave(self, users):
        """Take what these users gave out of what each item has; the counts are taken anew."""
        cdef Py_ssize_t u, j
        cdef Had h
        for u in users:
            h = self.had(u)
            for j in range(h.n):
                if h.positive[j] > 0:
                    self.takers[h.items[j], 0] -= 1
