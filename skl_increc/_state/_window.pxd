from libc.stdint cimport int32_t


cdef class Window:
    cdef readonly double span            # events, or seconds where `timed`
    cdef readonly bint timed
    cdef readonly Py_ssize_t n           # events held
    cdef Py_ssize_t start, room          # a ring: where the oldest is, places (a power of two)
    cdef int32_t[::1] who, what          # rows of users and items, -1: anonymous
    cdef double[::1] weight, time        # time: where `timed`

    cdef int allot(self, Py_ssize_t room) except -1
    cdef int make_room(self) except -1
    cdef void push(self, int32_t u, int32_t i, double w, double t) noexcept nogil
    cdef void place(self, Py_ssize_t at, int32_t u, int32_t i, double w, double t) noexcept nogil
    cdef bint too_late(self, double t, double now) noexcept nogil
    cdef bint due(self, double now) noexcept nogil
    cdef void pop(self) noexcept nogil
