from libc.stdint cimport int32_t, uint32_t

from skl_increc._state._blocks cimport Blocks

cdef enum:
    FREE = -1          # the key of an empty slot

cdef struct Row:
    uint32_t block     # the unit where the block begins
    int32_t used       # slots that have a key; of a row without keys, the numbers that are not 0
    int32_t size       # its size class + 1, less than 0 for a row without keys; 0: no block


cdef class Cells:
    cdef Blocks blocks
    cdef object heads_owner
    cdef Row *heads
    cdef Py_ssize_t n, room

    cdef int fit(self, Row *h, Py_ssize_t more) except -1
    cdef int touch(self, Py_ssize_t a, int32_t b) except -1
    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil
    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil
    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil
    cdef Py_ssize_t read_row(self, Py_ssize_t a, int32_t *others, double *values) noexcept nogil
    cdef void prefetch(self, Py_ssize_t a, int32_t b) noexcept nogil
    cdef void clear_row(self, Py_ssize_t a) noexcept nogil
