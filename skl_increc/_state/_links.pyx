# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Sums from item to item that may fade: a sparse matrix whose rows are small hash tables."""
from libc.math cimport fabs, ldexp
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memset

from skl_increc._state._blocks cimport CLASSES, UNIT
from skl_increc._state._cells cimport FREE, Cells, Row

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

#: what has faded so far that the next step would lose digits
cdef double SPECK = 1e-250


cdef class Links(Cells):
    """Sums for ordered pairs of items.

    A cell below 10^-250 is no cell: files and comparisons leave it out.  A row is a table with open
    addressing, at most three quarters full, that doubles; a slot takes 12 bytes.
    """

    def __cinit__(self):
        cdef int c
        self.smallest = 2
        for c in range(CLASSES):
            self.slots[c] = <int32_t>((<Py_ssize_t>UNIT << c) // 12 // 2 * 2)

    cdef int32_t *keys(self, const Row *h) noexcept nogil:
        return <int32_t *>(self.blocks.base + <Py_ssize_t>h.block * UNIT)

    cdef double *numbers(self, const Row *h) noexcept nogil:
        return <double *>(self.keys(h) + self.slots[h.size - 1])

    cdef int fit(self, Row *h, Py_ssize_t more) except -1:
        """Move a row to a larger table if so many more need one; on error nothing has changed."""
        cdef int c = h.size if h.size else self.smallest
        cdef Row new
        cdef Py_ssize_t s, n = self.slots[h.size - 1] if h.size else 0
        cdef const int32_t *keys
        cdef const double *numbers
        if h.size and 4 * (h.used + more) <= 3 * n:
            return 0
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
        cdef Row *h = self.heads + a
        if self.find(h, b) >= 0:
            return 0
        self.fit(h, 1)
        self.insert(h, b, 0)
        return 0

    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s = self.find(h, b)
        if s >= 0:
            self.numbers(h)[s] += v

    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
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
            self.clear_row(h - self.heads)

    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s = self.find(h, b)
        return self.numbers(h)[s] if s >= 0 else 0

    cdef Py_ssize_t read_row(self, Py_ssize_t a, int32_t *others, double *values) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s, m = 0
        for s in range(self.slots[h.size - 1] if h.size else 0):
            if self.keys(h)[s] >= 0 and fabs(self.numbers(h)[s]) > SPECK:
                others[m], values[m] = self.keys(h)[s], self.numbers(h)[s]
                m += 1
        return m

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
        cdef Row *h = self.heads + a
        cdef Py_ssize_t s
        if h.size:
            s = home(b, self.slots[h.size - 1])
            SKL_PREFETCH(self.keys(h) + s)
            SKL_PREFETCH(self.numbers(h) + s)

    # -- fading ---------------------------------------------------------------------------------
    def scale(self, int power):
        """Multiply every number by 2^power."""
        self.scale_c(power)

    cdef void scale_c(self, int power) noexcept nogil:
        cdef Py_ssize_t a, s
        for a in range(self.n):
            if self.heads[a].size:
                for s in range(self.slots[self.heads[a].size - 1]):
                    self.numbers(self.heads + a)[s] = ldexp(self.numbers(self.heads + a)[s], power)
