from libc.stdint cimport int32_t, uint32_t, uint64_t

from skl_increc._state._blocks cimport CLASSES
from skl_increc._state._cells cimport FREE, Cells, Row


cdef inline Py_ssize_t home(int32_t b, Py_ssize_t slots) noexcept nogil:
    cdef uint64_t h = <uint32_t>b * <uint32_t>0x9E3779B9
    return <Py_ssize_t>(h * <uint64_t>slots >> 32)


cdef inline Py_ssize_t seek(const int32_t *keys, Py_ssize_t slots, int32_t b) noexcept nogil:
    """The slot of a key, or the empty one that it would take."""
    cdef Py_ssize_t s = home(b, slots)
    while keys[s] != b and keys[s] != FREE:
        s = s + 1 if s + 1 < slots else 0
    return s


cdef class Links(Cells):
    cdef int32_t slots[CLASSES]
    cdef int smallest

    cdef Py_ssize_t find(self, const Row *h, int32_t b) noexcept nogil
    cdef int32_t *keys(self, const Row *h) noexcept nogil
    cdef double *numbers(self, const Row *h) noexcept nogil
    cdef void insert(self, Row *h, int32_t b, double v) noexcept nogil
    cdef void remove(self, Row *h, Py_ssize_t s) noexcept nogil
    cdef void spread(self, Py_ssize_t a, double factor, double *scores, Py_ssize_t n) noexcept nogil
    cdef void scale_c(self, int power) noexcept nogil
