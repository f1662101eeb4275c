from libc.stdint cimport int32_t, uint32_t, uint64_t

from skl_increc._state._blocks cimport CLASSES, Blocks

cdef enum:
    FREE = -1          # the key of an empty slot

cdef struct Row:
    uint32_t block     # the unit where the block begins
    int32_t used       # slots that have a key
    int32_t size       # its size class + 1; 0: no block


cdef inline Py_ssize_t home(int32_t b, Py_ssize_t slots) noexcept nogil:
    cdef uint64_t h = <uint32_t>b * <uint32_t>0x9E3779B9
    return <Py_ssize_t>(h * <uint64_t>slots >> 32)


cdef inline Py_ssize_t seek(const int32_t *keys, Py_ssize_t slots, int32_t b) noexcept nogil:
    """The slot of a key, or the empty one that it would take."""
    cdef Py_ssize_t s = home(b, slots)
    while keys[s] != b and keys[s] != FREE:
        s = s + 1 if s + 1 < slots else 0
    return s


cdef class Links:
    cdef Blocks blocks
    cdef object heads_owner
    cdef Row *heads
    cdef Py_ssize_t n, room
    cdef int32_t slots[CLASSES]
    cdef int smallest

    cdef int touch(self, Py_ssize_t a, int32_t b) except -1
    cdef int enlarge(self, Row *h, Py_ssize_t more) except -1
    cdef Py_ssize_t find(self, const Row *h, int32_t b) noexcept nogil
    cdef int32_t *keys(self, const Row *h) noexcept nogil
    cdef double *numbers(self, const Row *h) noexcept nogil
    cdef void insert(self, Row *h, int32_t b, double v) noexcept nogil
    cdef void add(self, Py_ssize_t a, int32_t b, double v) noexcept nogil
    cdef void less(self, Py_ssize_t a, int32_t b, double v) noexcept nogil
    cdef void remove(self, Row *h, Py_ssize_t s) noexcept nogil
    cdef double get(self, Py_ssize_t a, int32_t b) noexcept nogil
    cdef void spread(self, Py_ssize_t a, double factor, double *scores, Py_ssize_t n) noexcept nogil
    cdef void prefetch(self, Py_ssize_t a, int32_t b) noexcept nogil
    cdef void scale_c(self, int power) noexcept nogil
    cdef void clear_row(self, Py_ssize_t a) noexcept nogil
