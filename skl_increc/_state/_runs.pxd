cimport cython
from libc.stdint cimport int32_t, int64_t

from skl_increc._kernels._learner cimport Learner


@cython.final
cdef class Runs:
    cdef readonly Py_ssize_t n               # events of the batch, also those that belong to no run
    cdef const int32_t *items                # of the batch
    cdef int32_t[::1] who                    # users, each once
    cdef int64_t[::1] begin                  # of each user's run in `order`
    cdef bint ordered                        # whether there is an order, and scratch for making lists
    cdef int32_t[::1] order                  # events, user by user
    cdef int32_t[::1] place                  # per item: where it is in the list that is being made
    cdef int32_t[::1] made                   # that list
    cdef double[::1] columns                 # and its columns, each as long as the list
    cdef Learner learner                     # what an event adds: asked of the learner,
    cdef const double *y
    cdef const double *w
    cdef const double *t
    cdef const double *add                   # or given, in rows
    cdef int n_values

    cdef Py_ssize_t users(self) noexcept nogil
    cdef void pair(self, Py_ssize_t event, double *out) noexcept nogil


cdef Runs group(const int32_t[::1] users, const int32_t[::1] items, Py_ssize_t n_users)
