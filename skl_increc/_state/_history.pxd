cimport cython
from libc.stdint cimport int32_t

from skl_increc._kernels._learner cimport Learner, Pairs
from skl_increc._state._lists cimport Head, Lists
from skl_increc._state._runs cimport Runs


@cython.final
cdef class History(Pairs):
    cdef Lists lists              # of each user, oldest first
    cdef Runs runs                # of the batch that there is room for; None: of none
    cdef readonly int n_values, n_sums
    cdef Py_ssize_t taken         # pairs that went since filters were made anew
    cdef public double span       # 0, or how long a sum takes to count half
    cdef readonly Py_ssize_t window          # 0: all items, else the last so many

    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *add) except -1
    cdef void take_back(self, Py_ssize_t u, int32_t i, const double *less) noexcept nogil
    cdef void add_up(self, double *v, Py_ssize_t step, const double *add) noexcept nogil
    cdef bint at_once(self, Py_ssize_t length, Py_ssize_t coming) noexcept nogil
    cdef int make_scratch(self, Runs runs, Py_ssize_t top, Py_ssize_t longest) except -1
    cdef int record(self, const int32_t[::1] users, const int32_t[::1] items, Learner learner,
                    const double *y, const double *w, const double *t, const double *add) except -1
    cdef int record_runs(self, Runs runs) except -1
    cdef int record_in_order(self, const int32_t[::1] users, const int32_t[::1] items, Runs runs) except -1
    cdef int record_run(self, Head *h, Runs runs, const int32_t *events, Py_ssize_t n) except -1
    cdef void add_columns(self, const Head *h, Runs runs, const int32_t *events, Py_ssize_t n,
                          const int32_t *made, Py_ssize_t m) noexcept nogil
    cdef void prefetch_head(self, Py_ssize_t u) noexcept nogil
    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil
