# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of factorisation machines that order items: what was taken against items that are drawn."""
from libc.stdint cimport int32_t, uint64_t

from skl_increc._kernels._learner cimport Pairs
from skl_increc._state._history cimport History
from skl_increc.factorization._fm_steps cimport FMLearner, desk, fm_learn_pair

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)

cdef enum:
    KNOWN = 6          # scalars behind the totals: item rows that have had an event
    TICKS = 7          # events so far, further passes included: what the draws follow from
    TRIES = 16         # draws of an item that the user has had, before this negative is given up
    OTHERS_TURN = 512  # events after which another thread may go first
    OTHER = 2          # segments of a desk
    WHAT = 1


cdef class FMRankingLearner(FMLearner):
    """Learner of ``FactorizationMachineRecommender``."""

    cdef History known_pairs
    cdef public int n_negatives

    def attach_stores(self, dict stores):
        FMLearner.attach_stores(self, stores)
        self.recent = stores.get("recent")

    def attach_pairs(self, Pairs pairs):
        self.known_pairs = pairs

    cdef bint holds(self, Py_ssize_t u, int32_t i) noexcept nogil:
        """Whether the user is known to have had the item."""
        if self.known_pairs is None or u < 0 or u >= self.known_pairs.lists.n:
            return False
        return self.known_pairs.lists.find(self.known_pairs.lists.heads + u, i) >= 0

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        cdef double before = self.m.broken[0]
        self.features.open = False
        for j in range(n):
            if i[j] >= 0:
                self.scalars[KNOWN] = max(self.scalars[KNOWN], i[j] + 1)
                if w[j] > 0:
                    self.m.broken[0] += self.taken(u[j], i[j], w[j])
            self.scalars[TICKS] += 1
            self.at += 1
        if self.recent is not None and self.count:
            self.recent.learn(u, i, y, w, t, n)
        self.tell_once(before)

    cdef int taken(self, int32_t u, int32_t i, double w) noexcept nogil:
        """One event against what is drawn for it; how many of the steps met exploded rows."""
        cdef desk *d = &self.mine
        cdef uint64_t key = skl_mix(self.seed ^ <uint64_t>0xFAC70B1A)
        cdef int r, bad = 0
        cdef int32_t j
        key = skl_mix(key + <uint64_t>self.scalars[TICKS])
        self.gather(d, self.coming, self.at, u, i, w, self.count)
        for r in range(self.n_negatives):
            j = self.draw(u, i, key + <uint64_t>r * TRIES)
            if j < 0:
                continue
            d.n[OTHER] = 0
            self.add_row(d, OTHER, self.m.Q, self.m.SI, j, 1)
            self.add_described(d, OTHER, 1, j)
            bad += fm_learn_pair(&self.m, &self.kind, d.parts, d.n[0], d.parts + d.room, d.n[WHAT],
                                 d.parts + 2 * d.room, d.n[OTHER], <float>w, d.sums)
        return bad

    cdef int32_t draw(self, int32_t u, int32_t i, uint64_t key) noexcept nogil:
        """An item that is not i and that the user has not had; -1: the tries were in vain."""
        cdef int attempt
        cdef int32_t j
        for attempt in range(TRIES):
            j = <int32_t>((skl_mix(key + <uint64_t>attempt) >> 32) * <uint64_t>self.scalars[KNOWN] >> 32)
            if j != i and not self.holds(u, j):
                return j
        return -1

    def learn_in_order(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
                       const double[::1] w, const double[::1] t):
        """Note each event in the history, which has room for it, just before it is learned."""
        cdef Py_ssize_t j
        cdef double none = 0
        for j in range(u.shape[0]):
            if self.known_pairs is not None and u[j] >= 0 and i[j] >= 0:
                self.known_pairs.append_c(u[j], i[j], &none)
            self.learn(&u[j], &i[j], &y[j], &w[j], &t[j], 1)
            if j % OTHERS_TURN == OTHERS_TURN - 1:
                with nogil:
                    pass

    # -- strangers ------------------------------------------------------------------------------
    cdef bint estranged(self, Py_ssize_t u) noexcept nogil:
        """Whether a user, of whom no feature is known either, is answered by what others take lately."""
        if self.recent is None or self.recent.knows(u):
            return False
        return not 0 <= u < self.described[0].n or self.described[0].length[u] == 0

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return self.recent.value(i) if self.estranged(u) else FMLearner.score(self, u, i)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        if self.estranged(u):
            self.recent.fill(out, n, 1)
            return 1
        return FMLearner.score_all(self, u, out, n)

    def score_event(self, dict x, object user, object item, Py_ssize_t u, Py_ssize_t i):
        if not self.columns and self.estranged(u):
            return self.recent.value(i)
        return FMLearner.score_event(self, x, user, item, u, i)
