from libc.stdint cimport int32_t, uint32_t

from skl_increc._state._blocks cimport CLASSES, Blocks

cdef struct List:
    uint32_t block     # the unit where the block begins
    int32_t begin      # entries in front of the list that have gone
    int32_t length
    int32_t size       # its size class + 1; 0: no block


cdef class Journal:
    cdef Blocks blocks
    cdef object heads_owner
    cdef List *heads
    cdef readonly int side               # whose lists these are: 0 users, 1 items
    cdef readonly int n_values
    cdef readonly int order              # the column of the time by which lists are sorted; -1: none
    cdef readonly Py_ssize_t limit       # entries of a list that are kept; 0: all
    cdef Py_ssize_t n, room              # lists, and heads that there is room for
    cdef int32_t rooms[CLASSES]          # entries of a block of each size class
    cdef int smallest
    cdef readonly Py_ssize_t entries

    cdef void compact(self, List *h) noexcept nogil
    cdef int make_end(self, List *h) except -1
    cdef Py_ssize_t place_of(self, Py_ssize_t u, double t) noexcept nogil
    cdef void insert(self, Py_ssize_t u, Py_ssize_t at, int32_t i, const double *values) noexcept nogil
    cdef void pop_first(self, Py_ssize_t u) noexcept nogil
    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *values) except -1
    cdef int enlarge(self, List *h) except -1
    cdef void pop(self, Py_ssize_t u) noexcept nogil
    cdef void trim(self, Py_ssize_t u) noexcept nogil
    cdef void clear_list(self, Py_ssize_t u) noexcept nogil
    cdef Py_ssize_t length_of(self, Py_ssize_t u) noexcept nogil
    cdef const int32_t *others(self, Py_ssize_t u) noexcept nogil
    cdef const double *values(self, Py_ssize_t u, int column) noexcept nogil
