# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Numbers from item to item: a sparse matrix whose rows are small hash tables."""
from libc.math cimport fabs, ldexp
from libc.stdint cimport int32_t, int64_t, uint32_t, uintptr_t
from libc.string cimport memset

import numpy as np

from skl_increc._state._blocks cimport CLASSES, UNIT, Blocks

from skl_increc._state.memory import grown

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

#: what has faded so far that the next step would lose digits
cdef double SPECK = 1e-250


cdef class Links:
    """Sums for ordered pairs of items.

    A cell below 10^-250 is no cell: files and comparisons leave it out.  `touch` makes the cells that `add`
    will need, and may fail; `add` cannot.  A row is a table with open addressing, at most three quarters
    full, that doubles; a slot takes 12 bytes.
    """

    def __cinit__(self):
        cdef int c
        self.smallest = 2
        for c in range(CLASSES):
            self.slots[c] = <int32_t>((<Py_ssize_t>UNIT << c) // 12 // 2 * 2)
        self.blocks = Blocks()
        heads = np.zeros((16, 3), np.int32)
        self.heads = <Row *><uintptr_t>heads.ctypes.data
        self.heads_owner, self.room = heads, 16

    # -- room -----------------------------------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Room for the rows of so many items."""
        cdef Py_ssize_t room = self.room
        cdef uintptr_t at
        if n_items > room:
            while room < n_items:
                room *= 2
            heads = grown(self.heads_owner, room, self.n)
            at = heads.ctypes.data
            self.heads = <Row *>at
            self.heads_owner, self.room = heads, room
        self.n = max(self.n, n_items)

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Take back rows beyond these."""
        cdef Py_ssize_t a
        for a in range(n_items, self.n):
            self.clear_row(a)
        self.n = min(self.n, n_items)

    cdef int32_t *keys(self, const Row *h) noexcept nogil:
        return <int32_t *>(self.blocks.base + <Py_ssize_t>h.block * UNIT)

    cdef double *numbers(self, const Row *h) noexcept nogil:
        return <double *>(self.keys(h) + self.slots[h.size - 1])

    cdef int enlarge(self, Row *h, Py_ssize_t more) except -1:
        """Move a row to a larger table, with room for so many more; on error nothing has changed."""
        cdef int c = h.size if h.size else self.smallest
        cdef Row new
        cdef Py_ssize_t s, n = self.slots[h.size - 1] if h.size else 0
        cdef const int32_t *keys
        cdef const double *numbers
        while c < CLASSES and 4 * (h.used + more) > 3 * <Py_ssize_t>self.slots[c]:
            c += 1
        if c >= CLASSES:
            raise MemoryError("one item leads to more others than fit into half a gigabyte")
        new.block, new.used, new.size = <uint32_t>self.blocks.take(c), 0, c + 1
        memset(self.keys(&new), FREE, self.slots[c] * sizeof(int32_t))
        memset(self.numbers(&new), 0, self.slots[c] * sizeof(double))
        if h.size:
            keys, numbers = self.keys(h), self.numbers(h)
            for s in range(n):
                if keys[s] >= 0:
                    self.insert(&new, keys[s], numbers[s])
            self.blocks.give(h.block, h.size - 1)
        h[0] = new
        return 0

    # -- one cell -------------------------------------------------------------------------------
    cdef Py_ssize_t find(self, const Row *h, int32_t b) noexcept nogil:
        """The slot of a cell, or -1."""
        cdef Py_ssize_t s
        cdef const int32_t *keys
        if h.size == 0:
            return -1
        keys = self.keys(h)
        s = seek(keys, self.slots[h.size - 1], b)
        return s if keys[s] == b else -1

    cdef void insert(self, Row *h, int32_t b, double v) noexcept nogil:
        cdef int32_t *keys = self.keys(h)
        cdef Py_ssize_t s = seek(keys, self.slots[h.size - 1], b)
        keys[s] = b
        self.numbers(h)[s] = v
        h.used += 1

    cdef int touch(self, Py_ssize_t a, int32_t b) except -1:
        """Make the cell, zero if it is new; on error nothing has changed."""
        cdef Row *h = self.heads + a
        if self.find(h, b) >= 0:
            return 0
        if h.size == 0 or 4 * (h.used + 1) > 3 * self.slots[h.size - 1]:
            self.enlarge(h, 1)
        self.insert(h, b, 0)
        return 0

    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        """Add to a cell that is there."""
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s = self.find(h, b)
        if s >= 0:
            self.numbers(h)[s] += v

    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        """Take from a cell; one that comes to nothing is no cell any more."""
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s = self.find(h, b)
        if s >= 0:
            self.numbers(h)[s] -= v
            if self.numbers(h)[s] == 0:
                self.remove(h, s)

    cdef void remove(self, Row *h, Py_ssize_t s) noexcept nogil:
        """Free a slot, and close the gap for the cells that were put behind it because it was taken."""
        cdef Py_ssize_t n = self.slots[h.size - 1], gap = s, wish
        cdef int32_t *keys = self.keys(h)
        while True:
            s = s + 1 if s + 1 < n else 0
            if keys[s] == FREE:
                break
            wish = home(keys[s], n)
            if not (gap < wish <= s if gap < s else gap < wish or wish <= s):
                keys[gap], self.numbers(h)[gap] = keys[s], self.numbers(h)[s]
                gap = s
        keys[gap], self.numbers(h)[gap] = FREE, 0
        h.used -= 1
        if h.used == 0:
            self.blocks.give(h.block, h.size - 1)
            h.block, h.size = 0, 0

    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s = self.find(h, b)
        return self.numbers(h)[s] if s >= 0 else 0

    cdef void spread(self, Py_ssize_t a, double factor, double *scores, Py_ssize_t n) noexcept nogil:
        """Add `factor` times the row to scores[0..n); scores[n] takes what is no item."""
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s, slots
        cdef const int32_t *keys
        cdef const double *numbers
        cdef uint32_t b
        if h.size == 0:
            return
        slots, keys, numbers = self.slots[h.size - 1], self.keys(h), self.numbers(h)
        for s in range(slots):
            b = <uint32_t>keys[s]              # -1 is beyond all
            scores[b if b < <uint32_t>n else <uint32_t>n] += factor * numbers[s]

    cdef void prefetch(self, Py_ssize_t a, int32_t b) noexcept nogil:
        """Bring on its way the slot that `find` will look at."""
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s
        if h.size:
            s = home(b, self.slots[h.size - 1])
            SKL_PREFETCH(self.keys(h) + s)
            SKL_PREFETCH(self.numbers(h) + s)

    cdef void clear_row(self, Py_ssize_t a) noexcept nogil:
        cdef Row *h = self.heads + a
        if h.size:
            self.blocks.give(h.block, h.size - 1)
        h.block, h.used, h.size = 0, 0, 0

    # -- many -----------------------------------------------------------------------------------
    def put(self, const int32_t[::1] a, const int32_t[::1] b, const double[::1] v):
        """Add to many cells, which are made where they are not there; all rows must be."""
        cdef Py_ssize_t j
        for j in range(a.shape[0]):
            self.touch(a[j], b[j])
        for j in range(a.shape[0]):
            self.add(a[j], b[j], v[j])

    def scale(self, int power):
        """Multiply every number by 2^power."""
        self.scale_c(power)

    cdef void scale_c(self, int power) noexcept nogil:
        cdef Py_ssize_t a, s
        for a in range(self.n):
            if self.heads[a].size:
                for s in range(self.slots[self.heads[a].size - 1]):
                    self.numbers(self.heads + a)[s] = ldexp(self.numbers(self.heads + a)[s], power)

    def clear(self):
        """Remove every cell."""
        cdef Py_ssize_t a
        for a in range(self.n):
            self.clear_row(a)

    def tidy(self, gone=()):
        """Free the cells that are zero, and those that lead to these items."""
        kept = self.export()
        cells = kept["values"] != 0
        if len(gone):
            cells &= ~np.isin(kept["others"], gone)
        rows = np.repeat(np.arange(self.n, dtype=np.int32), np.diff(kept["indptr"]))
        self.clear()
        self.put(rows[cells], kept["others"][cells], kept["values"][cells])

    def vacate(self, int side, Py_ssize_t row):
        """Empty the row of an item that has no event left; cells that lead to it have come to nothing."""
        if side == 1 and row < self.n:
            self.clear_row(row)

    def drop(self, int side, rows):
        """Remove the rows and the columns of these items; of users there is nothing here."""
        cdef Py_ssize_t a
        if side == 0:
            return
        for a in rows:
            if a < self.n:
                self.clear_row(a)
        self.tidy(rows)

    def row(self, Py_ssize_t a):
        """The cells of one row by their items' numbers: int32 (n,), float64 (n,)."""
        cdef Row *h = self.heads + a
        if not 0 <= a < self.n or h.size == 0:
            return np.empty(0, np.int32), np.empty(0)
        keys = np.array([self.keys(h)[s] for s in range(self.slots[h.size - 1])], dtype=np.int32)
        values = np.array([self.numbers(h)[s] for s in range(self.slots[h.size - 1])])
        real = np.flatnonzero((keys >= 0) & (np.abs(values) > SPECK))
        real = real[np.argsort(keys[real])]
        return keys[real], values[real]

    @property
    def nbytes(self):
        """Bytes of the tables and the heads in use."""
        return self.blocks.nbytes + self.n * sizeof(Row)

    # -- copies and files -----------------------------------------------------------------------
    side = 1
    n_values = None
    kind = {}
    parts = {"indptr": "int64", "others": "int32", "values": "float64"}

    def blank(self):
        """An empty matrix."""
        return Links()

    def export(self):
        """All cells that are not next to nothing, row by row, in the order of the columns."""
        cdef Py_ssize_t a, s, at = 0, slots, total = 0
        cdef int64_t[::1] indptr = np.zeros(self.n + 1, np.int64)
        cdef int32_t[::1] others
        cdef double[::1] values
        cdef Row *h
        for a in range(self.n):
            total += self.heads[a].used
        others, values = np.empty(total, np.int32), np.empty(total)
        for a in range(self.n):
            h = self.heads + a
            slots = self.slots[h.size - 1] if h.size else 0
            for s in range(slots):
                if self.keys(h)[s] >= 0 and fabs(self.numbers(h)[s]) > SPECK:
                    others[at], values[at] = self.keys(h)[s], self.numbers(h)[s]
                    at += 1
            indptr[a + 1] = at
        rows = np.repeat(np.arange(self.n, dtype=np.int64), np.diff(indptr))
        order = np.argsort(rows << 32 | np.asarray(others)[:at])
        return {"indptr": np.asarray(indptr), "others": np.asarray(others)[:at][order],
                "values": np.asarray(values)[:at][order]}

    def restore(self, dict kept):
        """Take what `export` gave, into an empty matrix."""
        n = len(kept["indptr"]) - 1
        self.reserve_rows(0, n)
        self.put(np.repeat(np.arange(n, dtype=np.int32), np.diff(kept["indptr"])),
                 np.ascontiguousarray(kept["others"], dtype=np.int32),
                 np.ascontiguousarray(kept["values"], dtype=np.float64))
        return self

    def absorb(self, Links other, to_users, to_items):
        """Add the cells of another matrix; `to_items[row]` is the row here of each row there."""
        kept = other.export()
        rows = np.repeat(np.arange(len(kept["indptr"]) - 1), np.diff(kept["indptr"]))
        self.put(to_items[rows].astype(np.int32), to_items[kept["others"]].astype(np.int32), kept["values"])

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be cells between live items."""
        indptr, others, n = kept["indptr"], kept["others"], len(items_alive)
        if indptr.shape != (n + 1,) or indptr[0] != 0 or indptr[len(indptr) - 1] != len(others):
            raise ValueError(f"indptr does not rise from 0 to {len(others)} over {n} rows")
        if (np.diff(indptr) < 0).any():
            raise ValueError("indptr falls")
        if kept["values"].shape != others.shape:
            raise ValueError("there is not one value for each cell")
        if (np.diff(indptr)[~items_alive] > 0).any():
            raise ValueError("a row that is free has cells")
        if len(others) and not (others.min() >= 0 and others.max() < n and items_alive[others].all()):
            raise ValueError("a cell names an item that is none")
        if not np.isfinite(kept["values"]).all():
            raise ValueError("values holds numbers that are not finite")
        rows = np.repeat(np.arange(n, dtype=np.int64), np.diff(indptr))
        if (np.diff(rows << 32 | others) <= 0).any():
            raise ValueError("the cells of a row are not in order, each once")

    def copy(self):
        """An independent matrix: one copy of each block of memory."""
        cdef Links new = Links()
        cdef uintptr_t at
        new.blocks = self.blocks.copy()
        heads = grown(self.heads_owner, max(16, self.n), self.n)
        at = heads.ctypes.data
        new.heads = <Row *>at
        new.heads_owner, new.room, new.n = heads, max(16, self.n), self.n
        return new

    def __reduce__(self):
        return _restore, (self.export(),)


def _restore(kept):
    return Links().restore(kept)
