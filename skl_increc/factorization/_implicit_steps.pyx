# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the learners of factors from positive events share: events in order, scores as they are, a warning."""
from libc.stdint cimport int32_t

from skl_increc._kernels._learner cimport Pairs
from skl_increc._kernels._mf cimport MFLearner

cdef enum:
    OTHERS_TURN = 256  # events after which another thread may go first


cdef class ImplicitLearner(MFLearner):
    """Learner that asks who had what while it learns, and whose scores are the sums of its rows."""

    def attach_pairs(self, Pairs pairs):
        self.known = pairs

    def learn_in_order(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
                       const double[::1] w, const double[::1] t):
        """Note each event in the history, which has room for it, just before it is learned.

        Readers of the lists hold the GIL, so that others get their turn only between two events.
        """
        cdef Py_ssize_t j
        cdef double add = 0
        for j in range(u.shape[0]):
            if self.known is not None and u[j] >= 0 and i[j] >= 0 and y[j] > 0:
                self.pair(y[j], w[j], t[j], &add)
                self.known.append_c(u[j], i[j], &add)
            self.learn(&u[j], &i[j], &y[j], &w[j], &t[j], 1)
            if j % OTHERS_TURN == OTHERS_TURN - 1:
                with nogil:
                    pass

    # -- strangers ------------------------------------------------------------------------------
    def attach_stores(self, dict stores):
        self.recent = stores.get("recent")

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return self.recent.value(i) if self.estranged(u) else MFLearner.score(self, u, i)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        if self.estranged(u):
            self.recent.fill(out, n, 1)
            return 1
        return MFLearner.score_all(self, u, out, n)

    # -- answers --------------------------------------------------------------------------------
    cdef void units(self, double *centre, double *scale) noexcept nogil:
        centre[0], scale[0] = 0, 1

    cdef double finish(self, float s, double centre, double scale, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return s

    cdef double clipped(self, double s) noexcept nogil:
        return s
