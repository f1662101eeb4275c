from libc.stdint cimport int32_t

cdef extern from "ladder.h" nogil:
    ctypedef struct skl_ladder:
        int rungs, kept, spans
        const double *rate
        const double *worth
        double memory
        double *sums
        double *last
        double *gain
        double *best
        int32_t *listed


cdef class Recent:
    cdef skl_ladder ladder
    cdef tuple half_lives
    cdef double memory
    cdef Py_ssize_t n_users, n_items             # rows in use
    cdef double[::1] rate, worth, gain, best
    cdef double[:, ::1] sums, last
    cdef int32_t[:, ::1] listed
    cdef int32_t[::1] counts                     # of each user: the events that taught
    cdef double now                              # time of the newest event that taught; -inf: there was none

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil
    cdef bint knows(self, Py_ssize_t u) noexcept nogil
    cdef double value(self, Py_ssize_t i) noexcept nogil
    cdef void fill(self, double *out, Py_ssize_t n, double times) noexcept nogil
    cdef void add(self, double *out, Py_ssize_t n, double times) noexcept nogil
    cdef void add_from(self, Py_ssize_t first, double *out, Py_ssize_t n, double times) noexcept nogil
    cdef void point(self) noexcept
    cdef void leave(self, Py_ssize_t i) noexcept nogil
