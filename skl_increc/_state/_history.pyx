# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The distinct items of each user, oldest first, with sums for each (user, item) pair."""
from libc.math cimport floor, ldexp
from libc.stdint cimport int32_t, int64_t, uint32_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memmove

import numpy as np

from skl_increc._kernels._learner cimport Pairs

from skl_increc._state.memory import aligned_empty, grown

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

cdef extern from "search.h" nogil:
    Py_ssize_t skl_find_last(const int32_t *x, Py_ssize_t n, int32_t what)

cdef enum:
    BLOCK = 0
    INDEX = 1
    LENGTH = 2
    ROOM = 3
    HEAD = 4          # numbers per user
    MOST_VALUES = 16  # columns of a pair
    SMALLEST = 4      # entries of the first block
    UNIT = 4          # blocks begin at multiples of this, so that 32 bits reach far
    LONG = 32         # beyond this length, membership is asked of a hash set

cdef inline uint32_t spread(int32_t i) noexcept nogil:
    cdef uint32_t h = <uint32_t>i * <uint32_t>0x9E3779B9
    return h ^ (h >> 15)


cdef inline Py_ssize_t block_of(const int32_t *h) noexcept nogil:
    return <Py_ssize_t>h[BLOCK] * UNIT


cdef inline Py_ssize_t index_of(const int32_t *h) noexcept nogil:
    return <Py_ssize_t>h[INDEX] * UNIT


cdef int size_class(Py_ssize_t room) noexcept nogil:
    cdef int c = 0
    while (SMALLEST << c) < room:
        c += 1
    return c


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
        self.free_items, self.free_index = [[] for _ in range(40)], [[] for _ in range(40)]
        self.values = <double **>malloc(max(1, n_values) * sizeof(double *))
        if self.values == NULL:
            raise MemoryError("no memory for a history")
        values = [aligned_empty((64,), np.float64) for _ in range(n_values)]
        heads = np.zeros((16, HEAD), np.int32)
        self.adopt(heads, aligned_empty((64,), np.int32), aligned_empty((0,), np.int32), values)
        self.items_room, self.user_room = 64, 16

    def __dealloc__(self):
        free(self.values)

    cdef int adopt(self, object heads, object items, object index, list values) except -1:
        """Move to these blocks: what may fail comes first, and no old block goes before its pointer."""
        cdef uintptr_t at_heads = heads.ctypes.data, at_items = items.ctypes.data
        cdef uintptr_t at_index = index.ctypes.data, at_values[MOST_VALUES]
        cdef int c
        for c in range(self.n_values):
            at_values[c] = values[c].ctypes.data
        self.heads, self.items, self.index = <int32_t *>at_heads, <int32_t *>at_items, <int32_t *>at_index
        for c in range(self.n_values):
            self.values[c] = <double *>at_values[c]
        self.heads_owner, self.items_owner, self.index_owner = heads, items, index
        self.value_owners = values
        return 0

    # -- room -----------------------------------------------------------------------------------
    def reserve_users(self, Py_ssize_t n):
        """Room for n users."""
        cdef Py_ssize_t room = self.user_room
        if n <= room:
            if n > self.users:
                self.users = n
            return
        while room < n:
            room *= 2
        heads = np.zeros((room, HEAD), np.int32)
        heads[:self.users] = self.heads_owner[:self.users]
        self.adopt(heads, self.items_owner, self.index_owner, self.value_owners)
        self.user_room, self.users = room, n

    def limit_users(self, Py_ssize_t n):
        """Take back users beyond n who have no items yet."""
        self.users = min(self.users, n)

    def reserve_entries(self, Py_ssize_t entries, Py_ssize_t index):
        """Room for so many more entries of blocks and slots of hash sets."""
        cdef Py_ssize_t room = self.items_room, slots = max(self.index_room, 128)
        while room < self.items_used + entries:
            room *= 2
        while slots < self.index_used + index:
            slots *= 2
        items, values, hashes = self.items_owner, self.value_owners, self.index_owner
        if room != self.items_room:
            items = grown(items, room, self.items_used)
            values = [grown(v, room, self.items_used) for v in values]
        if not index:
            slots = self.index_room
        if slots != self.index_room:
            hashes = grown(hashes, slots, self.index_used)
        self.adopt(self.heads_owner, items, hashes, values)
        self.items_room, self.index_room = room, slots

    def reserve(self, const int32_t[::1] users, const int32_t[::1] items):
        """Room for one event of each (user, item), so that appending them cannot fail."""
        cdef Py_ssize_t n = users.shape[0], t, u, entries = 0, index = 0, length, room
        cdef const int32_t[::1] rows
        cdef const int64_t[::1] coming
        if not n:
            return
        self.reserve_users(int(np.max(users)) + 1)
        pairs = np.asarray(users)[(np.asarray(users) >= 0) & (np.asarray(items) >= 0)]
        if 8 * n < self.users:              # few events must not cost a walk over all users
            who, times = np.unique(pairs, return_counts=True)
        else:
            times = np.bincount(pairs, minlength=1)
            who = np.flatnonzero(times).astype(np.int32)
            times = times[who]
        rows = who
        coming = times
        for t in range(rows.shape[0]):
            u = rows[t]
            length = self.heads[u * HEAD + LENGTH] + coming[t]
            if self.window:
                length = min(length, self.window)
            room = max(<Py_ssize_t>self.heads[u * HEAD + ROOM], <Py_ssize_t>(SMALLEST // 2))
            while room < max(length, <Py_ssize_t>SMALLEST):      # also the first block of a new user
                room *= 2
                entries += room
                index += 2 * room if room > LONG else 0
        self.reserve_entries(entries, index)

    cdef Py_ssize_t take_items(self, Py_ssize_t room) except -1:
        cdef list spare = self.free_items[size_class(room)]
        cdef Py_ssize_t at
        if spare:
            return spare.pop()
        if self.items_used + room > self.items_room:
            self.reserve_entries(room, 0)
        at = self.items_used
        self.items_used += room
        return at

    cdef Py_ssize_t take_index(self, Py_ssize_t slots) except -1:
        cdef list spare = self.free_index[size_class(slots)]
        cdef Py_ssize_t at
        if spare:
            return spare.pop()
        if self.index_used + slots > self.index_room:
            self.reserve_entries(0, slots)
        at = self.index_used
        self.index_used += slots
        return at

    cdef int enlarge(self, Py_ssize_t u) except -1:
        """Move the list of a user to a block of twice the room (and give it a hash set when long)."""
        cdef Py_ssize_t length = self.heads[u * HEAD + LENGTH], had = self.heads[u * HEAD + ROOM]
        cdef Py_ssize_t room = 2 * had if had else SMALLEST, at, index = 0, old
        cdef int c
        if room > LONG:
            index = self.take_index(2 * room)
        try:
            at = self.take_items(room)
        except MemoryError:
            if room > LONG:
                self.free_index[size_class(2 * room)].append(index)
            raise
        old = block_of(self.heads + u * HEAD)
        memcpy(self.items + at, self.items + old, length * sizeof(int32_t))
        for c in range(self.n_values):
            memcpy(self.values[c] + at, self.values[c] + old, length * sizeof(double))
        self.release(u)
        self.heads[u * HEAD + BLOCK] = <int32_t>(at // UNIT)
        self.heads[u * HEAD + ROOM] = <int32_t>room
        if room > LONG:
            self.heads[u * HEAD + INDEX] = <int32_t>(index // UNIT)
            self.build_index(u)
        return 0

    cdef int release(self, Py_ssize_t u) except -1:
        cdef Py_ssize_t had = self.heads[u * HEAD + ROOM]
        if had:
            self.free_items[size_class(had)].append(int(block_of(self.heads + u * HEAD)))
        if had > LONG:
            self.free_index[size_class(2 * had)].append(int(index_of(self.heads + u * HEAD)))
        return 0

    cdef void build_index(self, Py_ssize_t u) noexcept nogil:
        cdef int32_t *h = self.heads + u * HEAD
        cdef Py_ssize_t slots = 2 * h[ROOM], j
        for j in range(slots):
            self.index[index_of(h) + j] = -1
        for j in range(h[LENGTH]):
            self.enter(h, self.items[block_of(h) + j])

    cdef void enter(self, const int32_t *h, int32_t i) noexcept nogil:
        cdef uint32_t mask = <uint32_t>(2 * h[ROOM] - 1), s = spread(i) & mask
        while self.index[index_of(h) + s] >= 0:
            s = (s + 1) & mask
        self.index[index_of(h) + s] = i

    cdef void leave(self, const int32_t *h, int32_t i) noexcept nogil:
        cdef uint32_t mask = <uint32_t>(2 * h[ROOM] - 1), s = spread(i) & mask, gap, home
        cdef int32_t *set_ = self.index + index_of(h)
        while set_[s] != i:
            s = (s + 1) & mask
        gap = s
        while True:
            s = (s + 1) & mask
            if set_[s] < 0:
                break
            home = spread(set_[s]) & mask
            if ((s - home) & mask) >= ((s - gap) & mask):
                set_[gap] = set_[s]
                gap = s
        set_[gap] = -1

    # -- one event ------------------------------------------------------------------------------
    cdef bint known(self, const int32_t *h, int32_t i) noexcept nogil:
        cdef uint32_t mask, s
        if h[ROOM] > LONG:
            mask = <uint32_t>(2 * h[ROOM] - 1)
            s = spread(i) & mask
            while self.index[index_of(h) + s] >= 0:
                if self.index[index_of(h) + s] == i:
                    return True
                s = (s + 1) & mask
            return False
        return skl_find_last(self.items + block_of(h), h[LENGTH], i) >= 0

    cdef Py_ssize_t locate(self, const int32_t *h, int32_t i) noexcept nogil:
        """Where in the arena the pair is, or -1."""
        cdef Py_ssize_t j
        if h[ROOM] > LONG and not self.known(h, i):
            return -1
        j = skl_find_last(self.items + block_of(h), h[LENGTH], i)
        return -1 if j < 0 else block_of(h) + j

    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *add) except -1:
        """One event of a pair: to the end of the list, `add` to its sums.  On error, unchanged."""
        cdef int32_t *h
        cdef Py_ssize_t at, last
        cdef int c
        if u >= self.users:
            self.reserve_users(u + 1)
        h = self.heads + u * HEAD
        at = self.locate(h, i)
        if at < 0:
            if self.window and h[LENGTH] == self.window:
                self.take_out(u, block_of(h))
            elif h[LENGTH] == h[ROOM]:
                self.enlarge(u)
                h = self.heads + u * HEAD
            at = block_of(h) + h[LENGTH]
            self.items[at] = i
            for c in range(self.n_values):
                self.values[c][at] = add[c]
            h[LENGTH] += 1
            self.pairs += 1
            if h[ROOM] > LONG:
                self.enter(h, i)
            return 0
        last = block_of(h) + h[LENGTH] - 1
        if self.span > 0:
            self.decay(at, add)
        else:
            for c in range(self.n_sums):
                self.values[c][at] += add[c]
        for c in range(self.n_sums, self.n_values):
            self.values[c][at] = max(self.values[c][at], add[c])
        if at < last:
            self.rotate(at, last)
        return 0

    cdef void decay(self, Py_ssize_t at, const double *add) noexcept nogil:
        """The sums of a pair and of an event, the last one in the units of the newer of the two."""
        cdef int c, d = self.n_sums - 1
        cdef double q = floor(self.values[self.n_sums][at] / self.span)
        cdef double r = floor(add[self.n_sums] / self.span)
        cdef double top = max(q, r)
        for c in range(d):
            self.values[c][at] += add[c]
        self.values[d][at] = (ldexp(self.values[d][at], <int>max(q - top, -5000.0))
                              + ldexp(add[d], <int>max(r - top, -5000.0)))

    cdef void rotate(self, Py_ssize_t at, Py_ssize_t last) noexcept nogil:
        """The entry at `at` becomes the last one."""
        cdef int32_t i = self.items[at]
        cdef double v
        cdef int c
        memmove(self.items + at, self.items + at + 1, (last - at) * sizeof(int32_t))
        self.items[last] = i
        for c in range(self.n_values):
            v = self.values[c][at]
            memmove(self.values[c] + at, self.values[c] + at + 1, (last - at) * sizeof(double))
            self.values[c][last] = v

    cdef void take_out(self, Py_ssize_t u, Py_ssize_t at) noexcept nogil:
        cdef int32_t *h = self.heads + u * HEAD
        cdef Py_ssize_t last = block_of(h) + h[LENGTH] - 1
        if h[ROOM] > LONG:
            self.leave(h, self.items[at])
        self.rotate(at, last)
        h[LENGTH] -= 1
        self.pairs -= 1

    cdef void prefetch_head(self, Py_ssize_t u) noexcept nogil:
        SKL_PREFETCH(self.heads + u * HEAD)

    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil:
        """Bring on their way the lines that `append_c` will touch."""
        cdef const int32_t *h = self.heads + u * HEAD
        if u < self.users:
            SKL_PREFETCH(self.items + block_of(h) + h[LENGTH])
            if h[ROOM] > LONG:
                SKL_PREFETCH(self.index + index_of(h) + (spread(i) & <uint32_t>(2 * h[ROOM] - 1)))

    # -- many -----------------------------------------------------------------------------------
    def append(self, const int32_t[::1] users, const int32_t[::1] items, const double[:, ::1] add):
        """Events in order; codes of -1 leave no record.  Call `reserve` first: then this cannot fail."""
        cdef Py_ssize_t n = users.shape[0], t
        cdef double none = 0
        for t in range(n):
            if users[t] >= 0 and items[t] >= 0:
                self.append_c(users[t], items[t], &add[t, 0] if self.n_values else &none)

    def has(self, Py_ssize_t user, int32_t item):
        """Whether the user (a row) has had the item (a row)."""
        return 0 <= user < self.users and self.known(self.heads + user * HEAD, item)

    def length(self, Py_ssize_t user):
        """How many items the user has."""
        return self.heads[user * HEAD + LENGTH] if 0 <= user < self.users else 0

    def items_of(self, Py_ssize_t user):
        """Item rows of a user, oldest first, int32; a copy."""
        cdef Py_ssize_t at
        if not 0 <= user < self.users:
            return np.empty(0, np.int32)
        at = block_of(self.heads + user * HEAD)
        return self.items_owner[at:at + self.heads[user * HEAD + LENGTH]].copy()

    def values_of(self, Py_ssize_t user):
        """Sums of the pairs of a user, float64 (n_values, n_items), aligned with `items_of`."""
        cdef Py_ssize_t at
        if not 0 <= user < self.users:
            return np.empty((self.n_values, 0))
        at = block_of(self.heads + user * HEAD)
        n = self.heads[user * HEAD + LENGTH]
        return np.array([v[at:at + n] for v in self.value_owners]).reshape(self.n_values, n)

    def csr(self, users):
        """Histories of these user rows (-1: none): indptr int64, item rows int32."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(users, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r, at
        cdef int64_t[::1] indptr = np.zeros(m + 1, np.int64)
        cdef int32_t[::1] out
        for r in range(m):
            indptr[r + 1] = indptr[r]
            if 0 <= rows[r] < self.users:
                indptr[r + 1] += self.heads[rows[r] * HEAD + LENGTH]
        out = np.empty(indptr[m], np.int32)
        for r in range(m):
            if indptr[r + 1] > indptr[r]:
                at = block_of(self.heads + rows[r] * HEAD)
                memcpy(&out[indptr[r]], self.items + at, (indptr[r + 1] - indptr[r]) * sizeof(int32_t))
        return np.asarray(indptr), np.asarray(out)

    def all_values(self, users):
        """The sums that belong to `csr(users)`, float64 (n_values, n_pairs)."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(users, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r, total = 0, at, length
        cdef double[:, ::1] out
        cdef int c
        for r in range(m):
            total += self.length(rows[r])
        out = np.empty((self.n_values, total))
        total = 0
        for r in range(m):
            length = self.length(rows[r])
            if length and self.n_values:
                at = block_of(self.heads + rows[r] * HEAD)
                for c in range(self.n_values):
                    memcpy(&out[c, total], self.values[c] + at, length * sizeof(double))
            total += length
        return np.asarray(out)

    cdef Py_ssize_t pairs_of(self, Py_ssize_t u, int column, const int32_t **items,
                             const double **values) noexcept nogil:
        cdef const int32_t *h
        if u < 0 or u >= self.users:
            return 0
        h = self.heads + u * HEAD
        items[0] = self.items + block_of(h)
        values[0] = self.values[column] + block_of(h)
        return h[LENGTH]

    def clear(self, users):
        """Empty the histories of these user rows."""
        cdef Py_ssize_t u
        cdef int c
        for u in users:
            if u < self.users:
                self.pairs -= self.heads[u * HEAD + LENGTH]
                self.release(u)
                for c in range(HEAD):
                    self.heads[u * HEAD + c] = 0

    def drop_items(self, items):
        """Take these item rows out of every history."""
        cdef Py_ssize_t u, at
        cdef int32_t *h
        for u in range(self.users):
            h = self.heads + u * HEAD
            for i in items:
                at = self.locate(h, i)
                if at >= 0:
                    self.take_out(u, at)

    @property
    def nbytes(self):
        """Bytes of the blocks, the hash sets and the heads in use."""
        return self.items_used * (4 + 8 * self.n_values) + self.index_used * 4 + self.users * 4 * HEAD

    # -- copies and files -----------------------------------------------------------------------
    def export(self):
        """Lists and sums of all users as plain arrays, without gaps."""
        users = np.arange(self.users, dtype=np.int32)
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
        heads = grown(self.heads_owner, max(16, self.users), self.users)
        values = [grown(v, max(64, self.items_used), self.items_used) for v in self.value_owners]
        h.adopt(heads, grown(self.items_owner, max(64, self.items_used), self.items_used),
                grown(self.index_owner, self.index_used, self.index_used), values)
        h.items_room, h.index_room = max(64, self.items_used), self.index_used
        h.items_used, h.index_used = self.items_used, self.index_used
        h.users, h.user_room, h.pairs = self.users, max(16, self.users), self.pairs
        h.free_items, h.free_index = [f.copy() for f in self.free_items], [f.copy() for f in self.free_index]
        return h

    def __reduce__(self):
        return _restore, (self.export(),)


def _restore(kept):
    return History.restore(kept)
