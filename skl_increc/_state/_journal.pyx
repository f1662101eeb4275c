# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The events of each user in order, repeats included; or, turned round, the users of each item."""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uintptr_t
from libc.string cimport memcpy, memmove

import numpy as np

from skl_increc._state._blocks cimport CLASSES, UNIT, Blocks

from skl_increc._state.memory import grown

cdef enum:
    MOST_VALUES = 4
    LONGEST = 0x7FFFFFFF


cdef class Journal:
    """Lists of row numbers in the order of arrival, each entry with numbers beside it.

    With ``side=0`` there is a list for each user, of items; with ``side=1`` one for each item, of users: an
    inverted index, whose newest entries are the last.  An entry takes 4 bytes and 8 for each number.

    Parameters
    ----------
    n_values : int
        Numbers of an entry, float64: a weight, a time.
    limit : int
        How many of the latest entries of a list `trim` leaves; 0: all.
    side : {0, 1}
        Whose lists these are.
    order : int
        The number by which lists are sorted, a time; -1: none is.  `place_of` finds the place of an entry
        that comes late, and `insert` puts it there.
    """

    def __cinit__(self, int n_values=0, Py_ssize_t limit=0, int side=0, int order=-1):
        cdef Py_ssize_t size, each = 4 + 8 * n_values
        cdef int c
        if not 0 <= n_values <= MOST_VALUES:
            raise ValueError(f"an entry holds at most {MOST_VALUES} numbers; got {n_values}")
        if not -1 <= order < n_values:
            raise ValueError(f"order must be one of the {n_values} numbers, or -1; got {order}")
        self.n_values, self.limit, self.side, self.order = n_values, limit, side, order
        self.smallest = -1
        for c in range(CLASSES):
            size = <Py_ssize_t>UNIT << c
            self.rooms[c] = <int32_t>min(size // each // 2 * 2, <Py_ssize_t>LONGEST - 1)
            if self.smallest < 0 and self.rooms[c] >= 2:
                self.smallest = c
        self.blocks = Blocks()
        heads = np.zeros((16, 4), np.int32)
        self.heads = <List *><uintptr_t>heads.ctypes.data
        self.heads_owner, self.room = heads, 16

    # -- room -----------------------------------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Room for the lists of so many users, or items."""
        cdef Py_ssize_t n = n_items if self.side else n_users, room = self.room
        cdef uintptr_t at
        if n > room:
            while room < n:
                room *= 2
            heads = grown(self.heads_owner, room, self.n)
            at = heads.ctypes.data
            self.heads = <List *>at
            self.heads_owner, self.room = heads, room
        self.n = max(self.n, n)

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Take back lists beyond these, which are empty."""
        cdef Py_ssize_t u, n = n_items if self.side else n_users
        for u in range(n, self.n):
            self.clear_list(u)
        self.n = min(self.n, n)

    cdef int enlarge(self, List *h) except -1:
        """Move a list to a block of twice the bytes; on error nothing has changed."""
        cdef int had = h.size - 1, c = had + 1 if had >= 0 else self.smallest, k
        cdef Py_ssize_t at
        cdef char *new
        cdef char *old
        if c >= CLASSES:
            raise MemoryError("the events of one user take over half a gigabyte; bound them: history=n")
        at = self.blocks.take(c)
        if had >= 0:
            new = self.blocks.base + at * UNIT
            old = self.blocks.base + <Py_ssize_t>h.block * UNIT
            memcpy(new, old + 4 * h.begin, h.length * sizeof(int32_t))
            for k in range(self.n_values):
                memcpy(new + 4 * <Py_ssize_t>self.rooms[c] + 8 * k * <Py_ssize_t>self.rooms[c],
                       old + (4 + 8 * k) * <Py_ssize_t>self.rooms[had] + 8 * h.begin,
                       h.length * sizeof(double))
            self.blocks.give(h.block, had)
        h.block, h.begin, h.size = <uint32_t>at, 0, c + 1
        return 0

    cdef void compact(self, List *h) noexcept nogil:
        """Move a list to the front of its block."""
        cdef Py_ssize_t room = self.rooms[h.size - 1]
        cdef char *block = self.blocks.base + <Py_ssize_t>h.block * UNIT
        cdef int k
        memmove(block, block + 4 * h.begin, h.length * sizeof(int32_t))
        for k in range(self.n_values):
            memmove(block + 4 * room + 8 * k * room, block + 4 * room + 8 * (k * room + h.begin),
                    h.length * sizeof(double))
        h.begin = 0

    cdef int make_end(self, List *h) except -1:
        """Room behind the last entry; a list that goes in front as it grows behind stays in its block."""
        cdef Py_ssize_t room = self.rooms[h.size - 1] if h.size else 0
        if h.size == 0:
            self.enlarge(h)
        elif h.begin + h.length == room:
            if 4 * <Py_ssize_t>h.length <= 3 * room:
                self.compact(h)
            else:
                self.enlarge(h)
        return 0

    # -- one entry ------------------------------------------------------------------------------
    cdef Py_ssize_t length_of(self, Py_ssize_t u) noexcept nogil:
        return self.heads[u].length if 0 <= u < self.n else 0

    cdef const int32_t *others(self, Py_ssize_t u) noexcept nogil:
        """The row numbers of a list that is not empty."""
        cdef const List *h = self.heads + u
        return <const int32_t *>(self.blocks.base + <Py_ssize_t>h.block * UNIT) + h.begin

    cdef const double *values(self, Py_ssize_t u, int column) noexcept nogil:
        """One column of a list that is not empty."""
        cdef const List *h = self.heads + u
        cdef Py_ssize_t room = self.rooms[h.size - 1]
        return <const double *>(self.blocks.base + <Py_ssize_t>h.block * UNIT
                                + 4 * room + 8 * column * room) + h.begin

    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *values) except -1:
        """One more entry at the end, beyond the limit too; on error nothing has changed."""
        cdef List *h = self.heads + u
        cdef int k
        self.make_end(h)
        (<int32_t *>self.others(u))[h.length] = i
        for k in range(self.n_values):
            (<double *>self.values(u, k))[h.length] = values[k]
        h.length += 1
        self.entries += 1
        return 0

    cdef void pop(self, Py_ssize_t u) noexcept nogil:
        """Take back the last entry."""
        self.heads[u].length -= 1
        self.entries -= 1
        if self.heads[u].length == 0:
            self.clear_list(u)

    cdef void trim(self, Py_ssize_t u) noexcept nogil:
        """Drop the oldest entries beyond the limit."""
        cdef List *h = self.heads + u
        cdef Py_ssize_t less = h.length - self.limit
        if self.limit == 0 or less <= 0:
            return
        h.begin += <int32_t>less
        h.length -= <int32_t>less
        self.entries -= less

    cdef void pop_first(self, Py_ssize_t u) noexcept nogil:
        """Drop the oldest entry."""
        self.heads[u].begin += 1
        self.pop(u)

    cdef Py_ssize_t place_of(self, Py_ssize_t u, double t) noexcept nogil:
        """Where an entry of time t belongs: behind all that are not later; without an order, at the end."""
        cdef Py_ssize_t at = self.length_of(u)
        cdef const double *times
        if self.order < 0 or at == 0:
            return at
        times = self.values(u, self.order)
        while at > 0 and times[at - 1] > t:
            at -= 1
        return at

    cdef void insert(self, Py_ssize_t u, Py_ssize_t at, int32_t i, const double *values) noexcept nogil:
        """An entry at this place; `make_end` has made room."""
        cdef List *h = self.heads + u
        cdef Py_ssize_t after = h.length - at
        cdef int32_t *others = <int32_t *>self.others(u) + at
        cdef double *v
        cdef int k
        memmove(others + 1, others, after * sizeof(int32_t))
        others[0] = i
        for k in range(self.n_values):
            v = <double *>self.values(u, k) + at
            memmove(v + 1, v, after * sizeof(double))
            v[0] = values[k]
        h.length += 1
        self.entries += 1

    cdef void clear_list(self, Py_ssize_t u) noexcept nogil:
        cdef List *h = self.heads + u
        if h.size:
            self.blocks.give(h.block, h.size - 1)
            self.entries -= h.length
        h.block, h.begin, h.length, h.size = 0, 0, 0, 0

    # -- for Python -----------------------------------------------------------------------------
    def append(self, const int32_t[::1] owners, const int32_t[::1] others, const double[:, ::1] values):
        """Entries in order; values (n, n_values).  On error nothing has changed."""
        cdef Py_ssize_t n = owners.shape[0], j, done = 0
        cdef double none = 0
        try:
            for j in range(n):
                self.append_c(owners[j], others[j], &values[j, 0] if self.n_values else &none)
                done += 1
        except BaseException:
            for j in range(done):
                self.pop(owners[done - 1 - j])
            raise
        for j in range(n):
            self.trim(owners[j])

    def length(self, Py_ssize_t owner):
        """How many entries a list has."""
        return self.length_of(owner)

    def items_of(self, Py_ssize_t owner):
        """The entries of one list, oldest first, int32."""
        return self.csr([owner])[1]

    def newest(self, Py_ssize_t owner, Py_ssize_t n):
        """Up to n distinct entries of one list, the newest first, int32."""
        entries = self.items_of(owner)[::-1]
        first = np.sort(np.unique(entries, return_index=True)[1])
        return entries[first[:n]]

    def values_of(self, Py_ssize_t owner):
        """Numbers of one list, float64 (n_values, length)."""
        return self.all_values([owner])

    def has(self, Py_ssize_t owner, int32_t other):
        """Whether a list holds a row number."""
        return bool((self.items_of(owner) == other).any()) if other >= 0 else False

    def csr(self, owners):
        """The lists of these owners (-1: none): indptr int64, row numbers int32."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(owners, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r
        cdef int64_t[::1] indptr = np.zeros(m + 1, np.int64)
        cdef int32_t[::1] out
        for r in range(m):
            indptr[r + 1] = indptr[r] + self.length_of(rows[r])
        out = np.empty(indptr[m], np.int32)
        for r in range(m):
            if indptr[r + 1] > indptr[r]:
                memcpy(&out[indptr[r]], self.others(rows[r]), (indptr[r + 1] - indptr[r]) * sizeof(int32_t))
        return np.asarray(indptr), np.asarray(out)

    def all_values(self, owners):
        """The numbers that belong to `csr(owners)`, float64 (n_values, n)."""
        cdef const int32_t[::1] rows = np.ascontiguousarray(owners, dtype=np.int32)
        cdef Py_ssize_t m = rows.shape[0], r, at = 0, length
        cdef double[:, ::1] out
        cdef int k
        for r in range(m):
            at += self.length_of(rows[r])
        out = np.empty((self.n_values, at))
        at = 0
        for r in range(m):
            length = self.length_of(rows[r])
            for k in range(self.n_values if length else 0):
                memcpy(&out[k, at], self.values(rows[r], k), length * sizeof(double))
            at += length
        return np.asarray(out)

    # -- removal --------------------------------------------------------------------------------
    def drop(self, int side, rows):
        """Remove the lists of these rows, or (of the other side) their entries in all lists."""
        cdef Py_ssize_t u
        if side == self.side:
            for u in rows:
                if u < self.n:
                    self.clear_list(u)
        elif len(rows):
            self.drop_entries(np.asarray(rows))

    def vacate(self, int side, Py_ssize_t row):
        """Empty the list of a row that has no event left."""
        if side == self.side and row < self.n:
            self.clear_list(row)

    def drop_entries(self, rows):
        """Remove the entries of these row numbers from all lists."""
        cdef uint8_t[::1] gone = np.zeros(max(int(rows.max()) + 1, 1), np.uint8)
        cdef Py_ssize_t u, j, kept
        cdef int32_t *others
        cdef double *v
        cdef int k
        np.asarray(gone)[rows] = 1
        for u in range(self.n):
            if self.heads[u].length == 0:
                continue
            others, kept = <int32_t *>self.others(u), 0
            for j in range(self.heads[u].length):
                if others[j] < gone.shape[0] and gone[others[j]]:
                    continue
                if kept < j:
                    others[kept] = others[j]
                    for k in range(self.n_values):
                        v = <double *>self.values(u, k)
                        v[kept] = v[j]
                kept += 1
            self.entries -= self.heads[u].length - kept
            self.heads[u].length = <int32_t>kept
            if kept == 0:
                self.clear_list(u)

    @property
    def nbytes(self):
        """Bytes of the blocks and the heads in use."""
        return self.blocks.nbytes + self.n * sizeof(List)

    # -- copies and files -----------------------------------------------------------------------
    @property
    def kind(self):
        """The parameters, as plain values."""
        return {"n_values": self.n_values, "limit": self.limit, "side": self.side, "order": self.order}

    def blank(self):
        """An empty journal of the same parameters."""
        return Journal(self.n_values, self.limit, self.side, self.order)

    def export(self):
        """All lists as plain arrays, without gaps."""
        owners = np.arange(self.n, dtype=np.int32)
        indptr, others = self.csr(owners)
        return {"indptr": indptr, "others": others, "values": self.all_values(owners)}

    def restore(self, dict kept):
        """Take what `export` gave, into an empty journal."""
        n = len(kept["indptr"]) - 1
        self.reserve_rows(n, n)
        owners = np.repeat(np.arange(n, dtype=np.int32), np.diff(kept["indptr"]))
        self.append(owners, np.ascontiguousarray(kept["others"], dtype=np.int32),
                    np.ascontiguousarray(np.asarray(kept["values"]).T, dtype=np.float64))
        return self

    def absorb(self, Journal other, to_users, to_items):
        """Add the lists of another journal; `to_users[row]` is the row here of each row there."""
        own, far = (to_items, to_users) if self.side else (to_users, to_items)
        rows = np.flatnonzero(own >= 0).astype(np.int32)
        indptr, others = other.csr(rows)
        owners = np.repeat(own[rows], np.diff(indptr)).astype(np.int32)
        self.append(owners, far[others].astype(np.int32), np.ascontiguousarray(other.all_values(rows).T))

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be lists of live rows."""
        own, far = (items_alive, users_alive) if self.side else (users_alive, items_alive)
        indptr, others = kept["indptr"], kept["others"]
        if indptr.shape != (len(own) + 1,) or indptr[0] != 0 or indptr[len(indptr) - 1] != len(others):
            raise ValueError(f"indptr does not rise from 0 to {len(others)} over {len(own)} rows")
        lengths = np.diff(indptr)
        if (lengths < 0).any():
            raise ValueError("indptr falls")
        if kept["values"].shape != (self.n_values, len(others)):
            raise ValueError(f"values has shape {kept['values'].shape}, not {(self.n_values, len(others))}")
        if (lengths[~own] > 0).any():
            raise ValueError("a row that is free has entries")
        if self.limit and (lengths > self.limit).any():
            raise ValueError(f"a list has more than {self.limit} entries")
        if len(others) and not (others.min() >= 0 and others.max() < len(far) and far[others].all()):
            raise ValueError("an entry names a row that is none")
        if not np.isfinite(kept["values"]).all():
            raise ValueError("values holds numbers that are not finite")
        if self.order >= 0 and len(others):
            falls = np.diff(kept["values"][self.order]) < 0
            falls[np.setdiff1d(indptr, [0, len(others)]) - 1] = False
            if falls.any():
                raise ValueError("a list is not in order of time")

    parts = {"indptr": "int64", "others": "int32", "values": "float64"}

    def copy(self):
        """An independent journal: one copy of each block of memory."""
        cdef Journal j = Journal(self.n_values, self.limit, self.side, self.order)
        cdef uintptr_t at
        j.blocks = self.blocks.copy()
        heads = grown(self.heads_owner, max(16, self.n), self.n)
        at = heads.ctypes.data
        j.heads = <List *>at
        j.heads_owner, j.room, j.n, j.entries = heads, max(16, self.n), self.n, self.entries
        return j

    def __reduce__(self):
        return _restore, (self.kind, self.export())


def _restore(kind, kept):
    return Journal(**kind).restore(kept)
