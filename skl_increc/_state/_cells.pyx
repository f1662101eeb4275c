# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Numbers from item to item: what all sparse matrices of a state share, whatever their rows look like."""
from libc.stdint cimport int32_t, int64_t, uintptr_t
from libc.stdlib cimport abs

import numpy as np

from skl_increc._state._blocks cimport Blocks

from skl_increc._state.memory import grown


cdef class Cells:
    """A number for ordered pairs of items; those that are 0 stay out of files and comparisons.

    `touch` makes the cells that `add` will need, and may fail; `add` cannot.  `Links` and `Counts` say how a
    row lies in its block.
    """

    def __cinit__(self):
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

    cdef int fit(self, Row *h, Py_ssize_t more) except -1:
        """Room in a row for so many more; on error nothing has changed."""
        return 0

    # -- one cell -------------------------------------------------------------------------------
    cdef int touch(self, Py_ssize_t a, int32_t b) except -1:
        """Make the cell, zero if it is new; on error nothing has changed."""
        return 0

    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        """Add to a cell that is there."""

    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        """Take from a cell; one that comes to nothing is no cell any more."""

    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil:
        """The number of a cell, 0 where there is none."""
        return 0

    cdef Py_ssize_t read_row(self, Py_ssize_t a, int32_t *others, double *values) noexcept nogil:
        """The cells of a row that are not next to nothing, in any order; how many, `used` at most."""
        return 0

    cdef void prefetch(self, Py_ssize_t a, int32_t b) noexcept nogil:
        """Bring on its way what a look at the cell will read."""

    cdef void clear_row(self, Py_ssize_t a) noexcept nogil:
        cdef Row *h = self.heads + a
        if h.size:
            self.blocks.give(h.block, abs(h.size) - 1)
        h.block, h.used, h.size = 0, 0, 0

    # -- many -----------------------------------------------------------------------------------
    def put(self, const int32_t[::1] a, const int32_t[::1] b, const double[::1] v):
        """Add to many cells, which are made where they are not there; all rows must be."""
        cdef Py_ssize_t j, k = 0, n = a.shape[0]
        for j in range(n):
            if j == k:                       # so many of one row follow
                while k < n and a[k] == a[j]:
                    k += 1
                if self.heads[a[j]].size == 0:
                    self.fit(self.heads + a[j], k - j)
            self.touch(a[j], b[j])
        for j in range(n):
            self.add(a[j], b[j], v[j])

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
        if not 0 <= a < self.n or self.heads[a].used == 0:
            return np.empty(0, np.int32), np.empty(0)
        cdef int32_t[::1] others = np.empty(self.heads[a].used, np.int32)
        cdef double[::1] values = np.empty(self.heads[a].used)
        n = self.read_row(a, &others[0], &values[0])
        order = np.argsort(others[:n])
        return np.asarray(others)[order], np.asarray(values)[order]

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
        """An empty matrix of its kind."""
        return type(self)()

    def export(self):
        """All cells that are not next to nothing, row by row, in the order of the columns."""
        cdef Py_ssize_t a, at = 0, total = 0
        cdef int64_t[::1] indptr = np.zeros(self.n + 1, np.int64)
        cdef int32_t[::1] others
        cdef double[::1] values
        for a in range(self.n):
            total += self.heads[a].used
        others, values = np.empty(total + 1, np.int32), np.empty(total + 1)
        for a in range(self.n):
            at += self.read_row(a, &others[at], &values[at])
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

    def absorb(self, Cells other, to_users, to_items):
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
        cdef Cells new = self.blank()
        cdef uintptr_t at
        new.blocks = self.blocks.copy()
        heads = grown(self.heads_owner, max(16, self.n), self.n)
        at = heads.ctypes.data
        new.heads = <Row *>at
        new.heads_owner, new.room, new.n = heads, max(16, self.n), self.n
        return new

    def __reduce__(self):
        return _restore, (type(self), self.export())


def _restore(kind, kept):
    return kind().restore(kept)
