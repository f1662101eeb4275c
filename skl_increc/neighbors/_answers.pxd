from libc.stdint cimport int32_t

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner
from skl_increc._state._cells cimport Cells
from skl_increc._state._counts cimport Counts

cdef enum:
    POSITIVE = 1        # columns of the (user, item) pairs
    LAST = 2
    EVENTS = 0          # scalars
    LANDMARK = 1
    NOW = 2
    STARTED = 3


cdef struct Had:
    # the items of a user, oldest first, and which of them teach
    const int32_t *items
    const double *positive
    const double *last
    Py_ssize_t n


cdef struct Voices:
    # the items that are like one, and how much; without items, those from 0 on
    const int32_t *items
    const double *likes
    Py_ssize_t n


cdef class NeighborLearner(Learner):
    cdef Cells cells
    cdef Counts counts                          # the same, where numbers are whole
    cdef double weight, exponent, shrinkage, prior
    cdef int kind
    cdef Py_ssize_t reach, n_neighbors          # 0: all
    cdef Recent recent                          # what the prior goes by; None: by the takers
    cdef double[:, ::1] user_events, events, takers, anonymous
    cdef double[:, ::1] weights                 # of the takers, with a half-life
    cdef double[::1] s
    cdef double span, faded                     # 0: nothing fades; what a weight of the landmark is now
    # room for answers, a number an item
    cdef double[:, ::1] powers
    cdef double[::1] sizes, bases, both, far, likes, sorting
    cdef int32_t[::1] items, packed
    cdef const double *many                     # what `likes_of` asks of each item
    # of many lists: where the voices of an item begin, how many there are, and all of them
    cdef bint keeping
    cdef int32_t[::1] kept_at, kept_n, kept_items
    cdef double[::1] kept
    cdef Py_ssize_t kept_used

    cdef Had had(self, Py_ssize_t u) noexcept nogil
    cdef void count_events(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                           const double *t, Py_ssize_t n) noexcept nogil
    cdef int touch_both(self, int32_t a, int32_t b) except -1
    cdef void ready(self, bint for_all) noexcept nogil
    cdef double size(self, int32_t i) noexcept nogil
    cdef double power(self, double c, int which) noexcept nogil
    cdef double asked_of(self, int32_t i) noexcept nogil
    cdef Voices all_voices(self, int32_t h, int32_t *items, double *likes) noexcept nogil
    cdef double least(self, int32_t h, const Voices *v) noexcept nogil
    cdef Voices voices_of(self, int32_t h) noexcept nogil
    cdef Voices keep_voices(self, int32_t h) noexcept nogil
    cdef double likeness(self, int32_t h, int32_t i) noexcept nogil
    cdef void speak(self, int32_t h, double factor, double *out, Py_ssize_t n) noexcept nogil
    cdef double base(self, Py_ssize_t i) noexcept nogil
    cdef void bases_of_all(self, double *out, Py_ssize_t n) noexcept nogil
    cdef double voice(self, int32_t h, int32_t i) noexcept nogil
