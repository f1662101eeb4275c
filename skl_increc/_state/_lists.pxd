cimport cython
from libc.stdint cimport int32_t, uint32_t, uint64_t

from skl_increc._state._blocks cimport CLASSES, Blocks

cdef struct Head:
    uint32_t block     # the unit where the block begins
    uint32_t size      # length << 5 | size class + 1; 0: no block

#: how a block of one size class is divided; distances in bytes
cdef struct Shape:
    int32_t room       # entries
    int32_t words      # of the filter at the beginning; 0: the list is short enough to look through
    int32_t items
    int32_t values


cdef inline Py_ssize_t length_of(const Head *h) noexcept nogil:
    return h.size >> 5


cdef inline int class_of(const Head *h) noexcept nogil:
    return <int>(h.size & 31) - 1


@cython.final
cdef class Lists:
    cdef Blocks blocks
    cdef object heads_owner
    cdef Head *heads
    cdef readonly int n_values
    cdef int smallest                       # the class of a first block
    cdef Shape shapes[CLASSES]
    cdef Py_ssize_t n, room                 # lists, and heads that there is room for
    cdef readonly Py_ssize_t entries
    cdef Py_ssize_t limit                   # entries of a list; 0: any number
    cdef readonly Py_ssize_t top            # all numbers in the lists are below

    cdef int divide(self, bint filtered) except -1
    cdef char *block(self, const Head *h) noexcept nogil
    cdef int32_t *items(self, const Head *h) noexcept nogil
    cdef Py_ssize_t room_of(self, const Head *h) noexcept nogil
    cdef double *values(self, const Head *h, int column) noexcept nogil
    cdef Py_ssize_t units_to_grow(self, const Head *h, Py_ssize_t more, Py_ssize_t *largest) noexcept nogil
    cdef int class_for(self, Py_ssize_t length) noexcept nogil
    cdef int enlarge(self, Head *h) except -1
    cdef int replace(self, Head *h, const int32_t *items, Py_ssize_t length) except -1
    cdef void fill_filter(self, const Head *h) noexcept nogil
    cdef Py_ssize_t find(self, const Head *h, int32_t i) noexcept nogil
    cdef int bring(self, Py_ssize_t u, int32_t i) except -1
    cdef void rotate(self, const Head *h, Py_ssize_t at) noexcept nogil
    cdef void take_out(self, Head *h, Py_ssize_t at) noexcept nogil
    cdef void clear(self, Py_ssize_t u) noexcept nogil
    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil
    cdef Lists copy(self)
