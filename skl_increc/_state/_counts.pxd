from libc.stdint cimport int32_t, uint32_t

from skl_increc._state._blocks cimport UNIT
from skl_increc._state._cells cimport FREE, Cells, Row

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

cdef struct Cell:
    int32_t item       # FREE: none
    int32_t n


cdef class Counts(Cells):
    cdef int enlarge(self, Row *h, Py_ssize_t more) except -1
    cdef int reserve_cell(self, Py_ssize_t a, int32_t b) except -1
    cdef int32_t *insert(self, Row *h, int32_t b) noexcept nogil
    cdef void remove(self, Row *h, int32_t b) noexcept nogil
    cdef void settle(self, Row *h) noexcept nogil


cdef inline int32_t *dense_of(Counts c, const Row *h) noexcept nogil:
    """The counts of a row with a number for every item."""
    return <int32_t *>(c.blocks.base + <Py_ssize_t>h.block * UNIT)


cdef inline Py_ssize_t width_of(const Row *h) noexcept nogil:
    """How many items a row without keys has a number for."""
    return <Py_ssize_t>(UNIT // 4) << (-1 - h.size)


cdef inline Cell *table_of(Counts c, const Row *h) noexcept nogil:
    """The slots of a row with keys."""
    return <Cell *>(c.blocks.base + <Py_ssize_t>h.block * UNIT)


cdef inline Py_ssize_t slots_of(const Row *h) noexcept nogil:
    """The slots of a row with keys, a power of two."""
    return <Py_ssize_t>(UNIT // 8) << (h.size - 1)


cdef inline Py_ssize_t home_of(const Row *h, int32_t b) noexcept nogil:
    """The first slot to look at: the highest bits of a product (Knuth, 6.4); there are UNIT/8 << size - 1."""
    return <Py_ssize_t>(<uint32_t>(<uint32_t>b * <uint32_t>0x9E3779B9) >> (32 - h.size))


cdef inline Cell *seek_cell(Counts c, const Row *h, int32_t b) noexcept nogil:
    """The slot of an item in a row with keys, or the empty one that it would take."""
    cdef Cell *cells = table_of(c, h)
    cdef Py_ssize_t s = home_of(h, b), last = slots_of(h) - 1
    while cells[s].item != b and cells[s].item != FREE:
        s = s + 1 & last
    return cells + s


cdef inline int32_t *count_of(Counts c, const Row *h, int32_t b) noexcept nogil:
    """Where the count of an item stands, NULL if the row has no room for it."""
    cdef Cell *cell
    if h.size < 0:
        return dense_of(c, h) + b if b < width_of(h) else NULL
    if h.size == 0:
        return NULL
    cell = seek_cell(c, h, b)
    return &cell.n if cell.item == b else NULL


cdef inline void one_more(Counts c, Row *h, int32_t b) noexcept nogil:
    """Add 1 to a count that has room."""
    cdef int32_t *n
    if h.size < 0:
        n = dense_of(c, h) + b
        h.used += n[0] == 0
    else:
        n = &seek_cell(c, h, b).n
    n[0] += 1


cdef inline void bring_count(Counts c, const Row *h, int32_t b) noexcept nogil:
    """Have the line of a count on its way."""
    if h.size < 0:
        SKL_PREFETCH(dense_of(c, h) + b)
    elif h.size:
        SKL_PREFETCH(table_of(c, h) + home_of(h, b))
