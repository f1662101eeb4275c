# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The distinct items of each user, oldest first, with sums for each (user, item) pair."""
from libc.math cimport floor, ldexp
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

cimport cython

import numpy as np

from skl_increc._kernels._learner cimport Learner, Pairs
from skl_increc._state._lists cimport Head, Lists, length_of
from skl_increc._state._runs cimport Runs, group

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

cdef enum:
    MOST_VALUES = 16  # columns of a pair
    FEW = 8           # events that are not worth grouping
    REFRESH = 64      # pairs taken back for each filter that is made anew


@cython.final
cdef class History(Pairs):
    """Items of users: a set to ask, a list in order of the last occurrence, sums per pair.

    A repeated pair moves to the end of the user's list and adds to its sums; it takes no new bytes.
    With ``window=n`` only the last n distinct items of each user are kept.

    Parameters
    ----------
    n_values : int
        Columns kept for each pair, float64.
    window : int
        0 for all items; otherwise how many of the latest are kept for each user.
    n_sums : int or None
        The first so many columns are sums over the events of a pair, the others maxima.

    With a ``span`` the last of the sums decays: it is kept in units of 2^floor(t / span), where t, the
    newest time of the pair, is the first of the maxima.  So no pair depends on how new the others are.
    """

    def __cinit__(self, int n_values=0, Py_ssize_t window=0, n_sums=None):
        if not 0 <= n_values <= MOST_VALUES:
            raise ValueError(f"a pair holds at most {MOST_VALUES} numbers; got {n_values}")
        self.n_values = n_values
        self.n_sums = n_values if n_sums is None else n_sums
        self.window = window
        self.lists = Lists(n_values, window)

    # -- room -----------------------------------------------------------------------------------
    def reserve_users(self, Py_ssize_t n):
        """Room for n users."""
        self.lists.reserve_lists(n)

    def limit_users(self, Py_ssize_t n):
        """Take back users beyond n who have no items yet."""
        self.lists.n = min(self.lists.n, n)
        self.runs = None

    def reserve(self, const int32_t[::1] users, const int32_t[::1] items):
        """Room for one event of each (user, item), so that `append` of just these cannot fail."""
        cdef Py_ssize_t n = users.shape[0], r, k, units = 0, largest = 0, longest = 0
        cdef Py_ssize_t most = -1, top = self.lists.top
        cdef Head *h
        cdef Runs runs = None
        self.runs = None
        for r in range(n):
            most = max(most, <Py_ssize_t>users[r])
            top = max(top, <Py_ssize_t>items[r] + 1)
        self.reserve_users(most + 1)
        if n <= FEW:                  # as if each were of the same user
            for r in range(n):
                if users[r] >= 0 and items[r] >= 0:
                    units += self.lists.units_to_grow(self.lists.heads + users[r], n, &largest)
        else:
            runs = group(users, items, self.lists.n)
            for r in range(runs.users()):
                h = self.lists.heads + runs.who[r]
                k = runs.begin[r + 1] - runs.begin[r]
                units += self.lists.units_to_grow(h, k, &largest)
                if self.at_once(length_of(h), k):
                    longest = max(longest, length_of(h) + k)
            self.make_scratch(runs, top, longest)
        if units:
            self.lists.blocks.reserve(units + 2 * largest)     # a block begins at a multiple of its size
        self.runs = runs

    cdef bint at_once(self, Py_ssize_t length, Py_ssize_t coming) noexcept nogil:
        """Whether to make a list anew with all its coming events, rather than change it by each of them."""
        if self.window and self.n_values:
            return False              # what falls out of the window between two events loses its sums
        return coming > 1 and length <= 8 * coming

    cdef int make_scratch(self, Runs runs, Py_ssize_t top, Py_ssize_t longest) except -1:
        """What `record_run` needs besides, if it is worth it."""
        if not runs.ordered or not longest or top > 16 * runs.n:
            runs.ordered = False
            return 0
        runs.place = np.zeros(top, np.int32)
        runs.made = np.empty(longest, np.int32)
        runs.columns = np.empty(longest * self.n_values + 1, np.float64)
        runs.n_values = self.n_values
        return 0

    # -- one event ------------------------------------------------------------------------------
    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *add) except -1:
        """One event of a pair: to the end of the list, `add` to its sums.  On error, unchanged."""
        cdef bint had = self.lists.bring(u, i)
        cdef const Head *h = self.lists.heads + u
        cdef int c
        if not self.n_values:
            return 0
        if had:
            self.add_up(self.lists.values(h, 0) + length_of(h) - 1, self.lists.room_of(h), add)
        else:
            for c in range(self.n_values):
                self.lists.values(h, c)[length_of(h) - 1] = add[c]
        return 0

    cdef void take_back(self, Py_ssize_t u, int32_t i, const double *less) noexcept nogil:
        """One event less: off the sums of its pair, whose first counts events; without any it is none."""
        cdef Head *h = self.lists.heads + u
        cdef Py_ssize_t at = self.lists.find(h, i)
        cdef int c
        if at < 0:
            return
        for c in range(self.n_sums):
            self.lists.values(h, c)[at] -= less[c]
        if self.lists.values(h, 0)[at] > 0:
            return
        self.lists.take_out(h, at)
        self.taken += 1
        if length_of(h) == 0:
            self.lists.clear(u)
        elif self.taken % REFRESH == 0:      # filters remember what has left
            self.lists.fill_filter(h)

    cdef void add_up(self, double *v, Py_ssize_t step, const double *add) noexcept nogil:
        """Add to the sums of a pair, `step` apart; decaying ones in the units of the newer time."""
        cdef int c, d = self.n_sums - 1 if self.span > 0 else self.n_sums
        cdef double q, r, top
        for c in range(d):
            v[c * step] += add[c]
        if self.span > 0:
            q = floor(v[self.n_sums * step] / self.span)
            r = floor(add[self.n_sums] / self.span)
            top = max(q, r)
            v[d * step] = (ldexp(v[d * step], <int>max(q - top, -5000.0))
                           + ldexp(add[d], <int>max(r - top, -5000.0)))
        for c in range(self.n_sums, self.n_values):
            v[c * step] = max(v[c * step], add[c])

    cdef void prefetch_head(self, Py_ssize_t u) noexcept nogil:
        SKL_PREFETCH(self.lists.heads + u)

    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil:
        """Bring on their way the lines that `append_c` will touch."""
        if u < self.lists.n:
            self.lists.prefetch(u, i)

    # -- many events ----------------------------------------------------------------------------
    def append(self, const int32_t[::1] users, const int32_t[::1] items, const double[:, ::1] add):
        """Events in order; codes of -1 leave no record.  Call `reserve` first: then this cannot fail."""
        if users.shape[0]:
            self.record(users, items, None, NULL, NULL, NULL, &add[0, 0] if self.n_values else NULL)

    cdef int record(self, const int32_t[::1] users, const int32_t[::1] items, Learner learner,
                    const double *y, const double *w, const double *t, const double *add) except -1:
        """Events in order, with room from `reserve`; what each adds the learner says, or rows of `add`."""
        cdef Runs runs = self.runs
        self.runs = None
        if runs is None or runs.n != users.shape[0]:
            runs = Runs()
        runs.items, runs.learner, runs.y, runs.w, runs.t, runs.add = &items[0], learner, y, w, t, add
        runs.n_values = self.n_values
        if runs.ordered:
            self.record_runs(runs)
        else:
            self.record_in_order(users, items, runs)
        return 0

    cdef int record_in_order(self, const int32_t[::1] users, const int32_t[::1] items, Runs runs) except -1:
        cdef Py_ssize_t n = users.shape[0], j
        cdef double add[MOST_VALUES]
        for j in range(n):
            if j + 24 < n and users[j + 24] >= 0:
                self.prefetch_head(users[j + 24])
            if j + 12 < n and users[j + 12] >= 0:
                self.prefetch(users[j + 12], items[j + 12])
            if users[j] >= 0 and items[j] >= 0:
                runs.pair(j, add)
                self.append_c(users[j], items[j], add)
        return 0

    cdef int record_runs(self, Runs runs) except -1:
        """User by user: no list depends on what another user does in between."""
        cdef Py_ssize_t r, j, a, b
        cdef const int32_t *order = &runs.order[0]
        cdef double add[MOST_VALUES]
        cdef Head *h
        self.lists.top = runs.place.shape[0]
        for r in range(runs.users()):
            h = self.lists.heads + runs.who[r]
            a, b = runs.begin[r], runs.begin[r + 1]
            if self.at_once(length_of(h), b - a):
                self.record_run(h, runs, order + a, b - a)
                continue
            for j in range(a, b):
                runs.pair(order[j], add)
                self.append_c(runs.who[r], runs.items[order[j]], add)
        return 0

    cdef int record_run(self, Head *h, Runs runs, const int32_t *events, Py_ssize_t n) except -1:
        """All events of one user: the items in order of their last event, from the last one back."""
        cdef Py_ssize_t had = length_of(h), all_ = had + n, at = all_, j
        cdef int32_t *place = &runs.place[0]
        cdef int32_t *made = &runs.made[0]
        cdef const int32_t *old = self.lists.items(h) if had else NULL
        cdef int32_t i
        cdef int c
        for j in range(n - 1, -1, -1):
            i = made[at - 1] = runs.items[events[j]]
            at -= place[i] == 0
            place[i] = 1
        for j in range(had - 1, -1, -1):
            i = made[at - 1] = old[j]
            at -= place[i] == 0
            place[i] = 1
        if self.n_values:
            self.add_columns(h, runs, events, n, made + at, all_ - at)
        for j in range(at, all_):
            place[made[j]] = 0
        if self.window:
            at = max(at, all_ - self.window)
        self.lists.replace(h, made + at, all_ - at)
        for c in range(self.n_values):
            memcpy(self.lists.values(h, c), &runs.columns[c * (all_ - at)], (all_ - at) * sizeof(double))
        return 0

    cdef void add_columns(self, const Head *h, Runs runs, const int32_t *events, Py_ssize_t n,
                          const int32_t *made, Py_ssize_t m) noexcept nogil:
        """The columns of a list of m items that is made of an old one and n events, in order."""
        cdef int32_t *place = &runs.place[0]
        cdef double *columns = &runs.columns[0]
        cdef const int32_t *old
        cdef double add[MOST_VALUES]
        cdef Py_ssize_t j, at
        cdef int32_t i
        cdef int c
        for j in range(m):
            place[made[j]] = <int32_t>(-1 - j)        # nothing stands there yet
        if length_of(h):
            old = self.lists.items(h)
            for j in range(length_of(h)):
                at = -1 - place[old[j]]
                place[old[j]] = <int32_t>at + 1
                for c in range(self.n_values):
                    columns[c * m + at] = self.lists.values(h, c)[j]
        for j in range(n):
            i = runs.items[events[j]]
            runs.pair(events[j], add)
            if place[i] > 0:
                self.add_up(columns + place[i] - 1, m, add)
                continue
            at = -1 - place[i]
            place[i] = <int32_t>at + 1
            for c in range(self.n_values):
                columns[c * m + at] = add[c]

    @property
    def pairs(self):
        """How many (user, item) pairs there are."""
        return self.lists.entries

    def has(self, Py_ssize_t user, int32_t item):
        """Whether the user (a row) has had the item (a row)."""
        return 0 <= user < self.lists.n and self.lists.find(self.lists.heads + user, item) >= 0

    def length(self, Py_ssize_t user):
        """How many items the user has."""
        return length_of(self.lists.heads + user) if 0 <= user < self.lists.n else 0

    def items_of(self, Py_ssize_t user):
        """Item rows of a user, oldest first, int32; a copy."""
        return self.csr([user])[1]

    def values_of(self, Py_ssize_t user):
        """Sums of the pairs of a user, float64 (n_values, n_items), aligned with `items_of`."""
        return self.all_values([user])

    def csr(self, users):
        """Histories of these user rows (-1: none): indptr int64, item rows int32."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(users, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r
        cdef int64_t[::1] indptr = np.zeros(m + 1, np.int64)
        cdef int32_t[::1] out
        for r in range(m):
            indptr[r + 1] = indptr[r]
            if 0 <= rows[r] < self.lists.n:
                indptr[r + 1] += length_of(self.lists.heads + rows[r])
        out = np.empty(indptr[m], np.int32)
        for r in range(m):
            if indptr[r + 1] > indptr[r]:
                memcpy(&out[indptr[r]], self.lists.items(self.lists.heads + rows[r]),
                       (indptr[r + 1] - indptr[r]) * sizeof(int32_t))
        return np.asarray(indptr), np.asarray(out)

    def all_values(self, users):
        """The sums that belong to `csr(users)`, float64 (n_values, n_pairs)."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(users, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r, total = 0, length
        cdef double[:, ::1] out
        cdef int c
        for r in range(m):
            total += self.length(rows[r])
        out = np.empty((self.n_values, total))
        total = 0
        for r in range(m):
            length = self.length(rows[r])
            for c in range(self.n_values if length else 0):
                memcpy(&out[c, total], self.lists.values(self.lists.heads + rows[r], c),
                       length * sizeof(double))
            total += length
        return np.asarray(out)

    cdef Py_ssize_t pairs_of(self, Py_ssize_t u, int column, const int32_t **items,
                             const double **values) noexcept nogil:
        cdef const Head *h
        if u < 0 or u >= self.lists.n or not self.lists.heads[u].size:
            return 0
        h = self.lists.heads + u
        items[0] = self.lists.items(h)
        values[0] = self.lists.values(h, column)
        return length_of(h)

    def clear(self, users):
        """Empty the histories of these user rows."""
        cdef Py_ssize_t u
        for u in users:
            if u < self.lists.n:
                self.lists.clear(u)

    def drop_items(self, items):
        """Take these item rows out of every history."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(items, dtype=np.int32)
        cdef Py_ssize_t u, at, k
        cdef Head *h
        cdef bint less
        for u in range(self.lists.n):
            h = self.lists.heads + u
            less = False
            for k in range(rows.shape[0]):
                at = self.lists.find(h, rows[k])
                if at >= 0:
                    self.lists.take_out(h, at)
                    less = True
            if less:
                self.lists.fill_filter(h)

    @property
    def nbytes(self):
        """Bytes of the blocks and the heads in use."""
        return self.lists.nbytes

    # -- copies and files -----------------------------------------------------------------------
    def export(self):
        """Lists and sums of all users as plain arrays, without gaps."""
        users = np.arange(self.lists.n, dtype=np.int32)
        indptr, items = self.csr(users)
        return {"indptr": indptr, "items": items, "values": self.all_values(users),
                "n_values": self.n_values, "window": self.window, "n_sums": self.n_sums}

    @staticmethod
    def restore(dict kept):
        """The history that `export` described."""
        cdef History h = History(kept["n_values"], kept["window"], kept["n_sums"])
        indptr = np.asarray(kept["indptr"], dtype=np.int64)
        users = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
        items = np.ascontiguousarray(kept["items"], dtype=np.int32)
        h.reserve_users(len(indptr) - 1)
        h.reserve(users, items)
        h.append(users, items, np.ascontiguousarray(np.asarray(kept["values"]).T, dtype=np.float64))
        return h

    def copy(self):
        """An independent history: one copy of each block of memory."""
        cdef History h = History(self.n_values, self.window, self.n_sums)
        h.span = self.span
        h.lists = self.lists.copy()
        return h

    def __reduce__(self):
        return _restore, (self.export(),)


def _restore(kept):
    return History.restore(kept)
