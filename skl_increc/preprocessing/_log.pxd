from libc.stdint cimport int32_t

from skl_increc._state._state cimport State


cdef class EventLog:
    cdef readonly dict kind
    cdef readonly Py_ssize_t n, n_columns, n_keys
    cdef readonly double retain, longest      # seconds or events: what is kept, and the longest window
    cdef readonly list maps                  # of each column from the third on: which value has which code
    cdef list histories
    cdef double[::1] windows
    cdef int32_t[::1] stats, takes           # what is asked for of a window; 1: the recency of a key, too
    cdef double[::1] time, y, total          # the log, oldest first
    cdef int32_t[:, ::1] codes
    cdef int32_t[:, ::1] rows                # of each event: its ring of each kind
    cdef int32_t[::1] users, items           # events of each, by code
    cdef double before
    cdef Py_ssize_t start, room
    cdef readonly tuple names                # of the features
    cdef dict template
    cdef tuple columns                       # names of the columns
    cdef object time_key, y_key

    cdef int allot(self, Py_ssize_t room) except -1
    cdef int count_room(self, int32_t u, int32_t i) except -1
    cdef Py_ssize_t place(self, double t) noexcept nogil
    cdef double mean_of_all(self, double since, double t) noexcept nogil
    cdef bint note(self, State st, double t)
    cdef int expire(self, State st, double now) except -1
    cdef int let_go(self, State st, double now) except -1
    cdef int codes_of(self, State st, tuple values, bint add, int32_t *codes) except -1
    cdef int append(self, State st, const int32_t *codes, double y, double t) except -1
    cdef int name_new(self, State st, tuple values, int32_t *codes) except -1
    cdef int features(self, const int32_t *codes, double t, double *out) except -1
