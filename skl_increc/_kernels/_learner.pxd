from libc.stdint cimport int32_t, uint64_t


cdef class Pairs:
    cdef Py_ssize_t pairs_of(self, Py_ssize_t u, int column, const int32_t **items,
                             const double **values) noexcept nogil


cdef class ItemPairs:
    cdef void *moments            # an skl_moments of moments.h
    cdef int grow(self, Py_ssize_t row) except -1
    cdef int fit_row(self, Py_ssize_t row, Py_ssize_t n) except -1
    cdef int reserve_wide(self, Py_ssize_t n) except -1


cdef class Learner:
    cdef readonly Pairs pairs
    cdef readonly bint scores_in_python    # `score` is not written: answers need more than C
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil
    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil
    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil
    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil
    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1
    cdef int begin_lists(self, Py_ssize_t n) except -1
    cdef int end_lists(self) except -1
    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1
