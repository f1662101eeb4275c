# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How many users have two items, learned in any order and any number at a time."""
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy, memset

import numpy as np

from skl_increc._state._cells cimport FREE, Row
from skl_increc._state._counts cimport Cell, bring_count, count_of, dense_of, one_more, seek_cell, table_of
from skl_increc.neighbors._answers cimport EVENTS, POSITIVE, Had, NeighborLearner

cdef enum:
    BULK = 512          # new pairs whose counts are taken item by item
    AHEAD = 8           # cells whose lines are on their way


cdef struct Gains:
    # what one row of counts gains: a number per item, and the items where it is not 0
    int32_t *by
    int32_t *met
    Py_ssize_t n


cdef inline void tally(Gains *g, const int32_t *items, Py_ssize_t n, bint most) noexcept nogil:
    """Count items; where most are met, they are noted later."""
    cdef Py_ssize_t j
    if most:
        for j in range(n):
            g.by[items[j]] += 1
        return
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


cdef class CountLearner(NeighborLearner):
    """C[i, j] += 1 and C[j, i] += 1 for every item j that a user has when i is new to that user.

    Which pairs are new is seen before they are recorded, when room is made; so any cut of a stream, and
    any order, gives the same counts.
    """
    cdef int32_t[::1] who, what                 # the new pairs, user by user
    cdef Py_ssize_t fresh
    cdef int32_t[::1] partners                  # of a single event: the items that the user has
    cdef Py_ssize_t n_partners                  # -1: not a single event
    cdef uint8_t[::1] mark                      # scratch, a number an item
    # of many new pairs: the rows, -1 - row where a number for each item follows; where the gains of each end;
    # and the gains, otherwise by twos, slot and gain
    cdef const int32_t[::1] bulk_rows
    cdef const int64_t[::1] bulk_ends
    cdef int32_t[::1] bulk

    def __cinit__(self):
        self.partners = np.empty(0, np.int32)
        self.who, self.what = np.empty(16, np.int32), np.empty(16, np.int32)
        self.mark = np.empty(0, np.uint8)

    def bind(self, dict users, dict items, scalars):
        NeighborLearner.bind(self, users, items, scalars)
        if self.mark.shape[0] != self.events.shape[0]:
            self.mark = np.zeros(self.events.shape[0], np.uint8)

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[POSITIVE] = w > 0

    # -- room -----------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Find the pairs that are new, and make the cells that they add to."""
        cdef Had h
        cdef Py_ssize_t j
        self.fresh, self.n_partners = 0, -1
        if self.bulk is not None:               # what came before has failed
            self.bulk_rows = self.bulk_ends = self.bulk = None
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
        self.touch_partners(&h, i[0])
        self.what[0] = i[0]
        return 0

    cdef int touch_partners(self, const Had *h, int32_t i) except -1:
        """The cells of item i and each item that the user has; their lines are on the way."""
        cdef Py_ssize_t j, m = 0, missing = 0
        cdef Row *row = self.cells.heads + i
        if h.n > self.partners.shape[0]:
            self.partners = np.empty(2 * h.n, np.int32)
        for j in range(h.n):
            self.partners[m] = h.items[j]
            m += h.positive[j] > 0 and h.items[j] != i
        for j in range(m):
            bring_count(self.counts, self.cells.heads + self.partners[j], i)
        for j in range(m):
            missing += count_of(self.counts, row, self.partners[j]) == NULL
        if missing:
            self.cells.fit(row, missing)
            for j in range(m):
                self.cells.touch(i, self.partners[j])
        for j in range(m):
            self.cells.touch(self.partners[j], i)
        self.n_partners = m
        return 0

    cdef void bring(self, const Had *h, Py_ssize_t j, int32_t i) noexcept nogil:
        if j < h.n:
            bring_count(self.counts, self.cells.heads + i, h.items[j])
            bring_count(self.counts, self.cells.heads + h.items[j], i)

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
        cdef Py_ssize_t n_items = self.cells.n, i, k, at = 0, total
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
        self.bulk = np.empty(max(8 * len(who), 2 * n_items), np.int32)
        for i in range(n_items):
            total = 0
            for k in range(taken[i], taken[i + 1]):
                total += new_at[takers[k] + 1] - new_at[takers[k]] + old_at[takers[k] + 1] - old_at[takers[k]]
            for k in range(held[i], held[i + 1]):
                total += new_at[holders[k] + 1] - new_at[holders[k]]
            if not total:
                continue
            g.n = 0
            for k in range(taken[i], taken[i + 1]):
                tally(&g, &new[0] + new_at[takers[k]], new_at[takers[k] + 1] - new_at[takers[k]],
                      total > n_items)
                if old_at[takers[k] + 1] > old_at[takers[k]]:
                    tally(&g, &old[0] + old_at[takers[k]], old_at[takers[k] + 1] - old_at[takers[k]],
                          total > n_items)
            for k in range(held[i], held[i + 1]):
                tally(&g, &new[0] + new_at[holders[k]], new_at[holders[k] + 1] - new_at[holders[k]],
                      total > n_items)
            by[i] = 0                           # an item does not meet itself
            if total > n_items:
                for k in range(n_items):
                    met[g.n] = <int32_t>k
                    g.n += by[k] != 0
            if at + 2 * n_items > self.bulk.shape[0]:
                more = np.empty(2 * (at + 2 * n_items), np.int32)
                more[:at] = self.bulk[:at]
                self.bulk = more
            rows.append(self.keep_gains(&g, <int32_t>i, n_items, &at))
            ends.append(at)
        self.bulk_rows, self.bulk_ends = np.array(rows, np.int32), np.array(ends, np.int64)
        return 0

    cdef int32_t keep_gains(self, Gains *g, int32_t i, Py_ssize_t n_items, Py_ssize_t *at) except? -1:
        """Make the cells of a row that gain, note what they gain from `at` on, and clear `g`."""
        cdef Row *row = self.cells.heads + i
        cdef Py_ssize_t k, missing = g.n
        cdef Cell *cell
        for k in range(g.n if row.size > 0 else 0):
            missing -= count_of(self.counts, row, g.met[k]) != NULL
        self.cells.fit(row, missing)
        if row.size < 0 and 2 * g.n >= n_items:
            memcpy(&self.bulk[at[0]], g.by, n_items * sizeof(int32_t))
            memset(g.by, 0, n_items * sizeof(int32_t))
            at[0] += n_items
            return -1 - i
        for k in range(g.n):
            if g.by[g.met[k]] == 0:
                continue
            self.bulk[at[0]], self.bulk[at[0] + 1] = g.met[k], g.by[g.met[k]]
            if row.size > 0:
                cell = seek_cell(self.counts, row, g.met[k])
                if cell.item == FREE:
                    cell.item, cell.n = g.met[k], 0
                    row.used += 1
                self.bulk[at[0]] = <int32_t>(cell - table_of(self.counts, row))
            at[0] += 2
            g.by[g.met[k]] = 0
        return i

    # -- learning -------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t a = 0, b
        self.count_events(u, i, y, w, t, n)
        if self.n_partners >= 0:
            self.count_partners()
        if self.bulk is not None:
            self.add_bulk()
            with gil:
                self.bulk_rows = self.bulk_ends = self.bulk = None
        while a < self.fresh:
            b = a
            while b < self.fresh and self.who[b] == self.who[a]:
                b += 1
            self.count(a, b)
            a = b
        self.fresh = 0

    cdef void count_partners(self) noexcept nogil:
        """The new pair of a single event."""
        cdef Py_ssize_t j
        cdef int32_t i = self.what[0]
        self.takers[i, 0] += 1
        for j in range(self.n_partners):
            one_more(self.counts, self.cells.heads + i, self.partners[j])
        for j in range(self.n_partners):
            one_more(self.counts, self.cells.heads + self.partners[j], i)
        self.n_partners = -1

    cdef void add_bulk(self) noexcept nogil:
        """The new pairs of many events."""
        cdef Py_ssize_t j, r, at = 0, end
        cdef Row *row
        cdef int32_t *n
        for j in range(self.fresh):
            self.takers[self.what[j], 0] += 1
        for r in range(self.bulk_rows.shape[0]):
            row = self.cells.heads + max(self.bulk_rows[r], -1 - self.bulk_rows[r])
            end = self.bulk_ends[r]
            n = dense_of(self.counts, row)
            if self.bulk_rows[r] < 0:
                for j in range(end - at):
                    n[j] += self.bulk[at + j]
                self.counts.settle(row)
            else:
                for j in range(at, end, 2):
                    if row.size < 0:
                        row.used += n[self.bulk[j]] == 0
                        n[self.bulk[j]] += self.bulk[j + 1]
                    else:
                        table_of(self.counts, row)[self.bulk[j]].n += self.bulk[j + 1]
            at = end
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
                    self.add_both(self.what[p], h.items[j])
            for q in range(a, p):
                self.add_both(self.what[p], self.what[q])
        for p in range(a, b):
            self.mark[self.what[p]] = 0

    cdef void add_both(self, int32_t a, int32_t b) noexcept nogil:
        one_more(self.counts, self.cells.heads + a, b)
        one_more(self.counts, self.cells.heads + b, a)

    cdef void take_both(self, int32_t a, int32_t b) noexcept nogil:
        self.cells.less(a, b, 1)
        self.cells.less(b, a, 1)

    # -- taking out -------------------------------------------------------------------------------
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
                self.take_both(i, h.items[j])

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
                            self.take_both(h.items[j], h.items[k])
