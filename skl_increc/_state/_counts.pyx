# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Whole numbers from item to item: rows with a number for every item, or for few of them, with keys."""
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport abs
from libc.string cimport memcpy, memset

import numpy as np

from skl_increc._state._blocks cimport CLASSES, UNIT
from skl_increc._state._cells cimport FREE, Cells, Row

cdef enum:
    SMALLEST = 1       # the size class of the first table: 4 slots
    MOST = 0x7FFFFFFF


cdef class Counts(Cells):
    """Counts for ordered pairs of items, 2^31 - 1 at most.

    A row begins as a table of items and counts with open addressing, at most three quarters full, that
    doubles.  Where the next table would take as much as a number for every item, the row has those: 4 bytes
    an item, and one line of memory for a look.  When the items double, rows that are too sparse by then go
    back to tables.
    """

    # -- room -----------------------------------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Room for the rows of so many items, and for as many numbers in a row."""
        cdef Py_ssize_t a, before = self.n
        cdef bint doubles = class_of(n_items) != class_of(before)
        Cells.reserve_rows(self, n_users, n_items)
        if not doubles:
            return
        try:
            for a in range(before):
                if self.heads[a].size < 0 and keyed_class(self.heads[a].used) < class_of(self.n):
                    self.enlarge(self.heads + a, 0)
        except MemoryError:
            self.n = before                    # what is in tables by now says the same
            raise

    cdef int fit(self, Row *h, Py_ssize_t more) except -1:
        """Move a row to a larger block if so many more need one; on error nothing has changed."""
        if h.size < 0:
            if width_of(h) < self.n:
                self.enlarge(h, MOST // 4)     # no table holds so many
        elif h.size == 0 or 4 * (h.used + more) > 3 * slots_of(h):
            self.enlarge(h, more)
        return 0

    cdef int enlarge(self, Row *h, Py_ssize_t more) except -1:
        """A block for so many more: a table, or a number for every item where that takes no more."""
        cdef int keyed = keyed_class(h.used + more), dense = class_of(self.n)
        cdef Py_ssize_t s, old = abs(h.size) - 1
        cdef Row new
        cdef int32_t *numbers
        if min(keyed, dense) >= CLASSES:
            raise MemoryError("one item leads to more others than fit into half a gigabyte")
        new.used = 0
        new.size = keyed + 1 if keyed < dense else -1 - dense
        new.block = <uint32_t>self.blocks.take(min(keyed, dense))
        memset(self.blocks.base + <Py_ssize_t>new.block * UNIT, 0 if new.size < 0 else FREE,
               <Py_ssize_t>UNIT << min(keyed, dense))
        if h.size < 0 and new.size < 0:
            memcpy(dense_of(self, &new), dense_of(self, h), width_of(h) * sizeof(int32_t))
            new.used = h.used
        elif h.size < 0:
            numbers = dense_of(self, h)
            for s in range(width_of(h)):
                if numbers[s]:
                    self.insert(&new, <int32_t>s)[0] = numbers[s]
        elif h.size:
            for s in range(slots_of(h)):
                if table_of(self, h)[s].item != FREE:
                    self.insert(&new, table_of(self, h)[s].item)[0] = table_of(self, h)[s].n
            if new.size < 0:
                self.settle(&new)
        if h.size:
            self.blocks.give(h.block, <int>old)
        h[0] = new
        return 0

    cdef void settle(self, Row *h) noexcept nogil:
        """Count the numbers of a row without keys that are not 0."""
        cdef const int32_t *n = dense_of(self, h)
        cdef Py_ssize_t s, width = width_of(h)
        cdef int32_t used = 0
        for s in range(width):
            used += n[s] != 0
        h.used = used

    # -- one cell -------------------------------------------------------------------------------
    cdef int32_t *insert(self, Row *h, int32_t b) noexcept nogil:
        """A new count of 0 in a row that has room; without keys, `used` does not follow."""
        cdef Cell *cell
        if h.size < 0:
            return dense_of(self, h) + b
        cell = seek_cell(self, h, b)
        cell.item, cell.n = b, 0
        h.used += 1
        return &cell.n

    cdef int touch(self, Py_ssize_t a, int32_t b) except -1:
        if count_of(self, self.heads + a, b) == NULL:
            self.reserve_cell(a, b)
        return 0

    cdef int reserve_cell(self, Py_ssize_t a, int32_t b) except -1:
        """Make a cell that is not there."""
        self.fit(self.heads + a, 1)
        self.insert(self.heads + a, b)
        return 0

    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef int32_t *n = count_of(self, h, b)
        cdef int32_t more = <int32_t>v
        if n == NULL:
            return
        if h.size < 0:
            h.used += <int32_t>(n[0] + more != 0) - <int32_t>(n[0] != 0)
        n[0] += more

    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil:
        cdef Row *h = self.heads + a
        cdef int32_t *n = count_of(self, h, b)
        if n == NULL or n[0] == 0:
            return
        n[0] -= <int32_t>v
        if n[0]:
            return
        if h.size > 0:
            self.remove(h, b)
        else:
            h.used -= 1
        if h.used == 0:
            self.clear_row(a)

    cdef void remove(self, Row *h, int32_t b) noexcept nogil:
        """Free a slot, and close the gap for the cells that were put behind it because it was taken."""
        cdef Cell *cells = table_of(self, h)
        cdef Py_ssize_t last = slots_of(h) - 1, gap = seek_cell(self, h, b) - cells, s = gap, wish
        while True:
            s = s + 1 & last
            if cells[s].item == FREE:
                break
            wish = home_of(h, cells[s].item)
            if (s - wish & last) >= (s - gap & last):
                cells[gap] = cells[s]
                gap = s
        cells[gap].item = FREE
        h.used -= 1

    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil:
        cdef const int32_t *n = count_of(self, self.heads + a, b)
        return n[0] if n != NULL else 0

    cdef Py_ssize_t read_row(self, Py_ssize_t a, int32_t *others, double *values) noexcept nogil:
        cdef const Row *h = self.heads + a
        cdef Py_ssize_t s, m = 0
        for s in range(width_of(h) if h.size < 0 else 0):
            if dense_of(self, h)[s]:
                others[m], values[m] = <int32_t>s, dense_of(self, h)[s]
                m += 1
        for s in range(slots_of(h) if h.size > 0 else 0):
            if table_of(self, h)[s].item != FREE and table_of(self, h)[s].n:
                others[m], values[m] = table_of(self, h)[s].item, table_of(self, h)[s].n
                m += 1
        return m

    cdef void prefetch(self, Py_ssize_t a, int32_t b) noexcept nogil:
        bring_count(self, self.heads + a, b)

    # -- many -----------------------------------------------------------------------------------
    def absorb(self, Counts other, to_users, to_items):
        """Add the cells of another matrix; `to_items[row]` is the row here of each row there."""
        cdef Py_ssize_t a, b, j
        kept = other.export()
        cdef const int64_t[::1] at = kept["indptr"]
        cdef const int32_t[::1] others = kept["others"], here = np.ascontiguousarray(to_items, np.int32)
        cdef const double[::1] values = kept["values"]
        for a in range(at.shape[0] - 1):
            for j in range(at[a], at[a + 1]):
                b = here[others[j]]
                if self.get(here[a], <int32_t>b) + values[j] > MOST:
                    raise OverflowError(f"the models counted two items more than {MOST} times together")
        Cells.absorb(self, other, to_users, to_items)

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be counts between live items."""
        Cells.check(self, kept, users_alive, items_alive)
        values = kept["values"]
        if not ((values > 0) & (values <= MOST) & (values == np.floor(values))).all():
            raise ValueError("values holds numbers that are no counts")


cdef int class_of(Py_ssize_t n) noexcept nogil:
    """The size class of a number for each of n items."""
    cdef int c = 0
    while c < CLASSES and <Py_ssize_t>(UNIT // 4) << c < n:
        c += 1
    return c


cdef int keyed_class(Py_ssize_t n) noexcept nogil:
    """The size class of a table of n items."""
    cdef int c = SMALLEST
    while c < CLASSES and 4 * n > 3 * (<Py_ssize_t>(UNIT // 8) << c):
        c += 1
    return c
