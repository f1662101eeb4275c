# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The compiled face of a model: what one event, one new row and one score cost."""
from libc.stdint cimport int32_t, uint64_t


cdef class Pairs:
    """What a learner may ask of the (user, item) pairs of a state."""

    cdef Py_ssize_t pairs_of(self, Py_ssize_t u, int column, const int32_t **items,
                             const double **values) noexcept nogil:
        """Point at the item rows of a user and at one column of their sums; how many there are."""
        return 0


cdef class ItemPairs:
    """What a learner may ask of the records of pairs of items that a state keeps."""

    cdef int grow(self, Py_ssize_t row) except -1:
        """Room for one more record in the row of an item."""
        return 0

    cdef int fit_row(self, Py_ssize_t row, Py_ssize_t n) except -1:
        """Room for n records in the row of an item."""
        return 0

    cdef int reserve_wide(self, Py_ssize_t n) except -1:
        """Room for so many more sums that do not fit into a record."""
        return 0


cdef class Learner:
    """Arithmetic of one model over the arrays of one state.

    ``bind`` hands over the arrays anew whenever they have moved; the other hooks are C functions
    that run without the GIL.  Codes of -1 stand for an anonymous or unknown side.
    """

    def bind(self, dict users, dict items, scalars):
        """Take the arrays of the user rows, the item rows and the scalars."""

    def drop(self, int side, rows):
        """Remove what is kept of user rows (side 0) or item rows (side 1) beyond their own fields."""

    def attach_pairs(self, Pairs pairs):
        """Take the pairs of the state, or None where it keeps none."""
        self.pairs = pairs

    def attach_stores(self, dict stores):
        """Take the model's own containers."""

    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Ask for the memory that `learn` of these events takes; on error nothing has changed."""
        return 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        """Learn n events in order; cannot fail."""

    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        """Take out the oldest event that a window held; its pair is still as with it.  Cannot fail."""

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        """Fill the row of a new user (side 0) or item (side 1)."""

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        """The prediction for one pair."""
        return 0.0

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        """Put the scores of the first n item rows for one user row into `out`, which has room for n + 1.

        They are those of `_score`, to the last bit.  Called with the interpreter's lock.  Returns 1; or 0
        where this is not written, and lists come from the hooks in Python.
        """
        return 0

    cdef int begin_lists(self, Py_ssize_t n) except -1:
        """`score_all` is called for so many users, and nothing is learned before `end_lists`."""
        return 0

    cdef int end_lists(self) except -1:
        """The last of the lists is made."""
        return 0

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        """What an event adds to the sums of its (user, item) pair."""
