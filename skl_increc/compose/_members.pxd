from libc.stdint cimport int32_t

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._state cimport State


cdef class Room:
    cdef double *at


cdef class MembersLearner(Learner):
    cdef readonly list states, models
    cdef double[:, ::1] user_events
    cdef double[::1] s
    cdef object error
    cdef public bint apart            # a table is being learned: whoever does teaches the members

    cdef int ask(self, int32_t u, int32_t i) except -1
    cdef int teach(self, Py_ssize_t m, int32_t u, int32_t i, double y, double w, double t) except -1
    cdef int fill(self, Py_ssize_t m, Py_ssize_t u, double *out, Py_ssize_t n) except -1
    cdef int own_rows(self, Py_ssize_t m, State st, Py_ssize_t who, double *out, Py_ssize_t k) except -1
    cdef bint compiled(self, Py_ssize_t m, State st)
    cdef double one_score(self, Py_ssize_t m, State st, Py_ssize_t u, Py_ssize_t i) except? -1
