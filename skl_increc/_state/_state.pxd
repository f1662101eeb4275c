from libc.stdint cimport int32_t

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._history cimport History
from skl_increc._state._idmap cimport IdMap
from skl_increc._state._window cimport Window


cdef class State:
    cdef readonly tuple fields
    cdef readonly IdMap users, items
    cdef readonly object user_rows, item_rows, scalars, scalar_at, meta
    cdef readonly History history
    cdef readonly dict stores         # containers that a model brings: name -> Journal, Links
    cdef readonly Window window       # one of the stores: the events that are held; None: all
    cdef readonly bint sorts          # a store puts late events where their time belongs
    cdef double[:, ::1] user_events, item_events     # of each row, where there is a window
    cdef readonly object lock
    cdef public Learner learner
    cdef public bint stale            # parameters were set since they were last read
    cdef public bint busy             # a batch is being learned; others wait for the lock
    cdef public bint learning         # one event is being learned: it must come to its end first
    cdef readonly bint frozen         # a snapshot: it never learns
    cdef public bint encodes_y        # a classifier: labels become 0 and 1
    cdef public object user_key, item_key, time_key
    cdef public bint optional_y       # a recommender: y may be absent, and only y > 0 counts
    cdef public double min_y, taken_y
    cdef public long long n_events, n_late
    cdef public double now            # the newest time seen; -inf before any
    cdef int n_pair
    cdef Py_ssize_t user_room, item_room     # rows that the learner's arrays hold

    cdef int wipe_added(self, object rows, IdMap ids) except -1
    cdef int new_rows(self, Py_ssize_t u, Py_ssize_t i, bint new_u, bint new_i) except -1
    cdef Py_ssize_t had_by(self, Py_ssize_t u, const int32_t **items) except -1
    cdef int expire(self) except -1
    cdef int vacate(self, int side, Py_ssize_t row) except -1
    cdef int learn_pair(self, object user, object item, double y, double w, double t) except -1
