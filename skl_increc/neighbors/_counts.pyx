# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of neighbours from counts: how many users have two items."""
from libc.math cimport exp2, floor, ldexp, pow, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memmove

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._blocks cimport UNIT
from skl_increc._state._links cimport FREE, Links, Row, home, seek

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

cdef extern from "similar.h" nogil:
    double kth_largest(double *x, Py_ssize_t n, Py_ssize_t k)

cdef enum:
    POSITIVE = 1        # columns of the (user, item) pairs
    LAST = 2
    EVENTS = 0          # scalars
    LANDMARK = 1
    NOW = 2
    STARTED = 3
    FAR = 256           # half-lives from one landmark to the next
    TABLE = 4096        # counts whose powers are kept
    BULK = 512          # new pairs whose counts are taken item by item
    AHEAD = 8           # cells whose lines are on their way
    # likenesses
    COSINE = 0
    JACCARD = 1
    CONDITIONAL = 2
    LIFT = 3


#: the time of what never taught
cdef double NEVER = -1e300


cdef struct Had:
    # the items of a user, oldest first, and which of them teach
    const int32_t *items
    const double *positive
    const double *last
    Py_ssize_t n


cdef struct Gains:
    # what one row of counts gains: a number per item, and the items where it is not 0
    int32_t *by
    int32_t *met
    Py_ssize_t n


cdef inline int32_t *keys_of(Links links, const Row *h) noexcept nogil:
    """As `Links.keys`, without a call."""
    return <int32_t *>(links.blocks.base + <Py_ssize_t>h.block * UNIT)


cdef inline double *numbers_of(Links links, const Row *h) noexcept nogil:
    return <double *>(keys_of(links, h) + links.slots[h.size - 1])


cdef inline void bring_slot(Links links, Py_ssize_t a, int32_t b) noexcept nogil:
    """As `Links.prefetch`, without a call."""
    cdef const Row *h = links.heads + a
    cdef Py_ssize_t s
    if h.size:
        s = home(b, links.slots[h.size - 1])
        SKL_PREFETCH(keys_of(links, h) + s)
        SKL_PREFETCH(numbers_of(links, h) + s)


cdef inline Py_ssize_t slot_of(Links links, const Row *h, int32_t b) noexcept nogil:
    """As `Links.find`, without a call."""
    cdef const int32_t *keys = keys_of(links, h)
    cdef Py_ssize_t s
    if h.size == 0:
        return -1
    s = seek(keys, links.slots[h.size - 1], b)
    return s if keys[s] == b else -1


cdef inline void gain(Gains *g, const int32_t *items, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        g.met[g.n] = items[j]
        g.n += g.by[items[j]] == 0
        g.by[items[j]] += 1


def firsts(ordered):
    """Which entries of an array in order differ from the one before."""
    return np.concatenate([np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[: len(ordered) - 1]])


def starts(numbers, n):
    """Where each of the numbers 0 to n - 1 begins once these are sorted, and the end: int64 (n + 1,)."""
    return np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=n))])


cdef class CountLearner(Learner):
    """C[i, j] += 1 and C[j, i] += 1 for every item j that a user has when i is new to that user.

    Which pairs are new is seen before they are recorded, when room is made; so any cut of a stream, and
    any order, gives the same counts.  With a window or a half-life events are taken one by one, each with
    the list of its user as it is by then.

    With a half-life C[i, j] sums, over the users, the weight of the older of the newest times of i and j.
    """
    cdef Links links
    cdef double weight, exponent, shrinkage, prior
    cdef int kind
    cdef Py_ssize_t reach, n_neighbors          # 0: all
    cdef double[:, ::1] user_events, events, takers, anonymous
    cdef double[::1] s
    cdef int32_t[::1] who, what                 # the new pairs, user by user
    cdef Py_ssize_t fresh
    cdef const int32_t[::1] bulk_rows                       # of many new pairs: the rows,
    cdef const int64_t[::1] bulk_ends                       # where the cells of each end,
    cdef int32_t[::1] bulk_slots, bulk                      # and their slots and what they gain
    cdef uint8_t[::1] mark                      # scratch, a number an item
    cdef double[::1] spare
    cdef double[:, ::1] powers
    cdef double span, faded                     # 0: nothing fades; what a weight of the landmark is now
    cdef double[:, ::1] weights                 # of the takers, with a half-life
    cdef Py_ssize_t window                      # 0: all items of a user
    cdef bint ordered                           # events are taken one by one
    cdef int32_t[::1] partners, mine, theirs    # of a single event: whom it meets, and the slots of the cells
    cdef Py_ssize_t n_partners                  # -1: not a single event
    cdef int32_t[::1] group                     # one by one: per event, which list it meets, or -1
    cdef Py_ssize_t[::1] begin, length          # per list; twice, to run ahead with the second half
    cdef int32_t[::1] listed                    # the lists, twice
    cdef double[::1] speaks, times
    cdef Py_ssize_t n_pending

    def __cinit__(self):
        self.partners = self.mine = self.theirs = np.empty(0, np.int32)
        self.make_lists(1, 1, 16)
        self.who, self.what = np.empty(16, np.int32), np.empty(16, np.int32)
        self.mark, self.spare = np.empty(0, np.uint8), np.empty(0)
        self.exponent = -1

    def configure(self, Py_ssize_t reach, double weight, int kind, double exponent, double shrinkage,
                  Py_ssize_t n_neighbors, double prior, double span):
        """reach and n_neighbors of 0: all; span of 0: nothing fades."""
        if exponent != self.exponent:
            counts = np.arange(TABLE)
            self.powers = np.array([[pow(c, e) for c in counts] for e in (exponent, 1 - exponent)])
        self.reach, self.weight, self.kind, self.exponent = reach, weight, kind, exponent
        self.shrinkage, self.n_neighbors, self.prior = shrinkage, n_neighbors, prior
        self.span = span
        self.ordered = self.window > 0 or span > 0

    def bind(self, dict users, dict items, scalars):
        self.user_events, self.events = users["events"], items["events"]
        self.takers, self.anonymous = items["takers"], items["anonymous"]
        self.weights = items.get("weight", items["takers"])
        self.s = scalars
        if self.mark.shape[0] != self.events.shape[0]:
            self.mark = np.zeros(self.events.shape[0], np.uint8)
            self.spare = np.empty(self.events.shape[0])

    def attach_stores(self, dict stores):
        self.links = stores["links"]

    def attach_pairs(self, pairs):
        Learner.attach_pairs(self, pairs)
        self.window = pairs.window
        self.ordered = self.window > 0 or self.span > 0

    cdef Had had(self, Py_ssize_t u) noexcept nogil:
        cdef Had h
        h.items, h.positive, h.last = NULL, NULL, NULL
        h.n = self.pairs.pairs_of(u, POSITIVE, &h.items, &h.positive) if u >= 0 else 0
        if self.span > 0 and u >= 0:
            self.pairs.pairs_of(u, LAST, &h.items, &h.last)
        return h

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[POSITIVE] = w > 0
        out[LAST] = t if w > 0 else NEVER

    # -- learning -------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Find the pairs that are new, and make the cells that they add to."""
        cdef Had h
        cdef Py_ssize_t j
        self.fresh, self.n_partners, self.n_pending = 0, -1, 0
        if self.bulk is not None:               # what came before has failed
            self.bulk_rows = self.bulk_ends = self.bulk_slots = self.bulk = None
        if self.ordered:
            return self.foresee(u, i, w, n)
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
        self.touch_slots(&h, i[0])
        self.what[0] = i[0]
        return 0

    cdef int touch_slots(self, const Had *h, int32_t i) except -1:
        """The cells of item i and each item that the user has, and where they are."""
        cdef Py_ssize_t j, m = 0, missing = 0, s
        cdef bint moved = False
        cdef Row *row = self.links.heads + i
        cdef Row *far
        if h.n > self.partners.shape[0]:
            self.partners, self.mine, self.theirs = np.empty((3, 2 * h.n), np.int32)
        for j in range(h.n):
            if j + 2 * AHEAD < h.n:
                bring_slot(self.links, i, h.items[j + 2 * AHEAD])
            if h.positive[j] > 0 and h.items[j] != i:
                self.partners[m] = h.items[j]
                s = slot_of(self.links, row, h.items[j])
                self.mine[m] = <int32_t>s
                missing += s < 0
                m += 1
        if missing:
            if row.size == 0 or 4 * (row.used + missing) > 3 * self.links.slots[row.size - 1]:
                self.links.enlarge(row, missing)
                moved = True
            for j in range(m):
                if self.mine[j] < 0:
                    self.links.insert(row, self.partners[j], 0)
                    self.mine[j] = <int32_t>slot_of(self.links, row, self.partners[j])
            for j in range(m if moved else 0):
                self.mine[j] = <int32_t>slot_of(self.links, row, self.partners[j])
        for j in range(min(m, 2 * <Py_ssize_t>AHEAD)):
            bring_slot(self.links, self.partners[j], i)
        for j in range(m):
            if j + 2 * AHEAD < m:
                bring_slot(self.links, self.partners[j + 2 * AHEAD], i)
            far = self.links.heads + self.partners[j]
            s = slot_of(self.links, far, i)
            if s < 0:
                if far.size == 0 or 4 * (far.used + 1) > 3 * self.links.slots[far.size - 1]:
                    self.links.enlarge(far, 1)
                self.links.insert(far, i, 0)
                s = slot_of(self.links, far, i)
            self.theirs[j] = <int32_t>s
        self.n_partners = m
        return 0

    cdef void count_slots(self) noexcept nogil:
        """The new pair of a single event."""
        cdef Py_ssize_t j
        cdef int32_t i = self.what[0]
        cdef double *mine = NULL
        self.takers[i, 0] += 1
        if self.n_partners:
            mine = numbers_of(self.links, self.links.heads + i)
        for j in range(self.n_partners):
            mine[self.mine[j]] += 1
            numbers_of(self.links, self.links.heads + self.partners[j])[self.theirs[j]] += 1
        self.n_partners = -1

    cdef void bring(self, const Had *h, Py_ssize_t j, int32_t i) noexcept nogil:
        if j < h.n:
            bring_slot(self.links, i, h.items[j])
            bring_slot(self.links, h.items[j], i)

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
        pairs = np.sort(u[known].astype(np.int64) << 32 | i[known])
        pairs = pairs[firsts(pairs)]
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
            for p in range(first, m if n < BULK else first):
                self.touch_all(&h, self.what[p])
                for q in range(first, p):
                    self.touch_both(self.what[p], self.what[q])
            a = b
        self.fresh = m
        if n >= BULK:
            self.multiply(np.asarray(self.who)[:m], np.asarray(self.what)[:m])
        return 0

    cdef int multiply(self, who, what) except -1:
        """What new pairs, user by user, add to all: with B of the old and D of the new, D'D + D'B + B'D.

        Row by row, so that a row being counted stays in the cache; the cells are made as it goes.
        """
        cdef Py_ssize_t n_items = self.events.shape[0], i, k, at = 0
        cdef Gains g
        first = firsts(who)                     # user by user
        users, place = who[first], np.cumsum(first) - 1
        indptr, items = self.pairs.csr(users)
        had = self.pairs.all_values(users)[POSITIVE] > 0
        cdef const int32_t[::1] new = np.ascontiguousarray(what), old = items[had]
        cdef const int64_t[::1] new_at = starts(place, len(users))
        cdef const int64_t[::1] old_at = np.concatenate([[0], np.cumsum(had)])[indptr]
        owners = np.repeat(np.arange(len(users)), np.diff(old_at))
        cdef const int64_t[::1] takers = place[np.argsort(what, kind="stable")]
        cdef const int64_t[::1] holders = owners[np.argsort(old, kind="stable")]
        cdef const int64_t[::1] taken = starts(what, n_items), held = starts(np.asarray(old), n_items)
        cdef int32_t[::1] by = np.zeros(n_items, np.int32), met = np.empty(n_items + 1, np.int32)
        g.by, g.met = &by[0], &met[0]
        rows, ends = [], []
        self.bulk_slots, self.bulk = np.empty((2, max(8 * len(who), n_items)), np.int32)
        for i in range(n_items):
            g.n = 0
            for k in range(taken[i], taken[i + 1]):
                gain(&g, &new[0] + new_at[takers[k]], new_at[takers[k] + 1] - new_at[takers[k]])
                if old_at[takers[k] + 1] > old_at[takers[k]]:
                    gain(&g, &old[0] + old_at[takers[k]], old_at[takers[k] + 1] - old_at[takers[k]])
            for k in range(held[i], held[i + 1]):
                gain(&g, &new[0] + new_at[holders[k]], new_at[holders[k] + 1] - new_at[holders[k]])
            if g.n:
                if at + g.n > self.bulk.shape[0]:
                    more = np.empty((2, 2 * (at + g.n)), np.int32)
                    more[:, :at] = self.bulk_slots[:at], self.bulk[:at]
                    self.bulk_slots, self.bulk = more
                at = self.keep_gains(&g, <int32_t>i, at)
                rows.append(i)
                ends.append(at)
        self.bulk_rows, self.bulk_ends = np.array(rows, np.int32), np.array(ends, np.int64)
        return 0

    cdef Py_ssize_t keep_gains(self, Gains *g, int32_t i, Py_ssize_t at) except -1:
        """Make the cells of a row that gain, note their slots and gains from `at` on, and clear `g`."""
        cdef Row *row = self.links.heads + i
        cdef Py_ssize_t k, s, missing = g.n - (g.by[i] > 0)
        cdef int32_t *keys
        for k in range(g.n if row.used else 0):
            missing -= slot_of(self.links, row, g.met[k]) >= 0
        if missing and (row.size == 0 or 4 * (row.used + missing) > 3 * self.links.slots[row.size - 1]):
            self.links.enlarge(row, missing)
        keys = keys_of(self.links, row)
        for k in range(g.n):
            if g.met[k] != i:
                s = seek(keys, self.links.slots[row.size - 1], g.met[k])
                row.used += keys[s] == FREE     # the number of an empty slot is 0
                keys[s] = g.met[k]
                self.bulk_slots[at], self.bulk[at] = <int32_t>s, g.by[g.met[k]]
                at += 1
            g.by[g.met[k]] = 0
        return at

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
        if self.n_partners >= 0:
            self.count_slots()
        for j in range(self.n_pending):
            if self.group[j] >= 0:
                self.meet(self.group[j], i[j], w[j], t[j])
        self.n_pending = 0
        if self.bulk is not None:
            self.add_bulk()
            with gil:
                self.bulk_rows = self.bulk_ends = self.bulk_slots = self.bulk = None
        while a < self.fresh:
            b = a
            while b < self.fresh and self.who[b] == self.who[a]:
                b += 1
            self.count(a, b)
            a = b
        self.fresh = 0

    cdef void add_bulk(self) noexcept nogil:
        """The new pairs of many events."""
        cdef Py_ssize_t j, r, at = 0
        cdef double *numbers
        for j in range(self.fresh):
            self.takers[self.what[j], 0] += 1
        for r in range(self.bulk_rows.shape[0]):
            numbers = numbers_of(self.links, self.links.heads + self.bulk_rows[r])
            for j in range(at, self.bulk_ends[r]):
                numbers[self.bulk_slots[j]] += self.bulk[j]
            at = self.bulk_ends[r]
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

    # -- one by one -------------------------------------------------------------------------------
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
            self.links.scale_c(-back)
            self.s[LANDMARK] = q

    def recount(self, users):
        """With a half-life: all counts anew from what these users have."""
        cdef Py_ssize_t u, j, k
        cdef Had h
        self.links.clear()
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
                    for k in range(j if self.span == 0 else 0):
                        if h.positive[k] > 0:
                            self.add_both(h.items[j], h.items[k], -1)

    # -- answers --------------------------------------------------------------------------------
    cdef void ready(self) noexcept nogil:
        """Before answers: how far a weight of the landmark has faded by now."""
        cdef double q
        self.faded = 1
        if self.span > 0:
            q = floor(self.s[NOW] / self.span)
            self.faded = ldexp(exp2(-(self.s[NOW] - q * self.span) / self.span),
                               <int>max(self.s[LANDMARK] - q, -5000.0))

    cdef double size(self, int32_t i) noexcept nogil:
        """How many took an item, faded."""
        return self.weights[i, 0] * self.faded if self.span > 0 else self.takers[i, 0]

    cdef double power(self, double c, int which) noexcept nogil:
        if self.span == 0 and 0 <= c < TABLE:
            return self.powers[which, <Py_ssize_t>c]
        return pow(c, 1 - self.exponent if which else self.exponent)

    cdef double likeness(self, double both, double a, double b) noexcept nogil:
        """How alike two items are that `both` users have, of the `a` and `b` who have one."""
        both *= self.faded
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
                self.spare[m] = self.likeness(both[s], self.size(h), self.size(keys[s]))
                m += 1
        return kth_largest(&self.spare[0], m, self.n_neighbors) if m > self.n_neighbors else 0

    cdef double voice(self, int32_t h, int32_t i, double factor) noexcept nogil:
        """What item h says for item i."""
        cdef double like = self.likeness(self.links.get(h, i), self.size(h), self.size(i))
        return factor * like if like > 0 and like >= self.least(h) else 0

    cdef void speak(self, int32_t h, double factor, double *out, Py_ssize_t n) noexcept nogil:
        """Add what item h says for each of the first n items."""
        cdef Py_ssize_t s
        cdef const int32_t *keys
        cdef const double *both
        cdef double like, least, size = self.size(h)
        if self.links.heads[h].size == 0:
            return
        least = self.least(h)
        keys, both = self.links.keys(self.links.heads + h), self.links.numbers(self.links.heads + h)
        for s in range(self.links.slots[self.links.heads[h].size - 1]):
            if 0 <= keys[s] < n:
                like = self.likeness(both[s], size, self.size(keys[s]))
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
        self.ready()
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
        self.ready()
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
        self.ready()
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
        self.ready()
        if n:
            self.speak(item, 1, &out[0], n)
        return np.asarray(out)
