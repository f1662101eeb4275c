from libc.stdint cimport uint8_t

from skl_increc._state._journal cimport Journal


cdef class Weights:
    cdef readonly double half_life
    cdef bint keeps_anonymous
    cdef double[:, ::1] events, weight, anonymous, anonymous_last
    cdef double[::1] s
    cdef int first                # of the scalars landmark, now, started

    cdef double decayed(self, double w, double t, double landmark) noexcept nogil
    cdef double landmark(self) noexcept nogil
    cdef int come_to(self, double t) noexcept nogil
    cdef void start(self, Py_ssize_t i) noexcept nogil
    cdef void add(self, Py_ssize_t i, double w, double t, bint known) noexcept nogil
    cdef void take(self, Py_ssize_t i, double w) noexcept nogil
    cdef double since(self) noexcept nogil
    cdef void restart(self, Journal journal, Py_ssize_t n_users, const uint8_t[::1] gone) noexcept nogil
