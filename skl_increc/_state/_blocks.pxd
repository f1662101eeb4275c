cimport cython
from libc.stdint cimport int32_t, uint64_t

cdef enum:
    UNIT = 16          # bytes; a block has 1, 2, 4, ... units
    CLASSES = 26       # the largest block has 2^25 units, half a gigabyte


@cython.final
cdef class Blocks:
    cdef char *base               # where unit 0 begins; moves when the arena grows
    cdef uint64_t *marks          # a bit per unit: a free block begins here
    cdef object owner, marks_owner
    cdef Py_ssize_t used, room    # units
    cdef readonly Py_ssize_t dead            # units of free blocks
    cdef int32_t first[CLASSES]              # the chain of free blocks of each size; -1: none

    cdef Py_ssize_t take(self, int c) except -1
    cdef void give(self, Py_ssize_t at, int c) noexcept nogil
    cdef bint is_free(self, Py_ssize_t at, int c) noexcept nogil
    cdef void link(self, Py_ssize_t at, int c) noexcept nogil
    cdef void unlink(self, Py_ssize_t at) noexcept nogil
    cdef int adopt(self, object owner, object marks) except -1
    cdef Blocks copy(self)
