# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What neighbours from counts answer: how alike two items are, scores, lists."""
from libc.math cimport exp2, floor, ldexp, pow
from libc.stdint cimport int32_t
from libc.string cimport memcpy

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._cells cimport Row
from skl_increc._state._counts cimport Counts, dense_of, width_of

cdef extern from "likes.h" nogil:
    enum: LIKES_CONDITIONAL
    void likes_of(int kind, const double *both, double one, const double *many, Py_ssize_t n,
                  double shrinkage, double *out)
    void likes_of_counts(int kind, const int32_t *counts, double one, const double *many, Py_ssize_t n,
                         double shrinkage, double *out)
    Py_ssize_t likes_pack(const int32_t *items, const double *likes, Py_ssize_t n, double least,
                          int32_t *to_items, double *to)
    void likes_speak(const double *likes, double factor, Py_ssize_t n, double *scores)
    void likes_speak_to(const int32_t *items, const double *likes, double factor, Py_ssize_t m, Py_ssize_t n,
                        double *scores)

cdef extern from "kth.h" nogil:
    double kth_largest(double *x, Py_ssize_t n, Py_ssize_t k)

cdef enum:
    TABLE = 4096        # counts whose powers are kept
    SEVERAL = 4         # lists for which voices are worth keeping
    KEPT = 1 << 22      # voices that are kept at most: 48 MB


cdef class NeighborLearner(Learner):
    """Scores from how many users have two items; how these are counted is left to others."""

    def __cinit__(self):
        self.exponent = -1

    def configure(self, Py_ssize_t reach, double weight, int kind, double exponent, double shrinkage,
                  Py_ssize_t n_neighbors, double prior, double span):
        """reach and n_neighbors of 0: all; span of 0: nothing fades."""
        if exponent != self.exponent:
            counts = np.arange(TABLE)
            self.powers = np.array([[pow(c, e) for c in counts] for e in (exponent, 1 - exponent)])
        self.reach, self.weight, self.kind, self.exponent = reach, weight, kind, exponent
        self.shrinkage, self.n_neighbors, self.prior = shrinkage, n_neighbors, prior
        self.span = span

    def bind(self, dict users, dict items, scalars):
        self.user_events, self.events = users["events"], items["events"]
        self.takers, self.anonymous = items["takers"], items["anonymous"]
        self.weights = items.get("weight", items["takers"])
        self.s = scalars
        if self.sizes is None or self.sizes.shape[0] != self.events.shape[0]:
            self.sizes, self.bases, self.both, self.far, self.likes, self.sorting = np.empty(
                (6, self.events.shape[0]))
            self.items, self.packed = np.empty((2, self.events.shape[0]), np.int32)

    def attach_stores(self, dict stores):
        self.cells = stores["links"]
        self.counts = self.cells if isinstance(self.cells, Counts) else None
        self.recent = stores.get("recent")

    cdef Had had(self, Py_ssize_t u) noexcept nogil:
        cdef Had h
        h.items, h.positive, h.last = NULL, NULL, NULL
        h.n = self.pairs.pairs_of(u, POSITIVE, &h.items, &h.positive) if u >= 0 else 0
        if self.span > 0 and u >= 0:
            self.pairs.pairs_of(u, LAST, &h.items, &h.last)
        return h

    cdef void count_events(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                           const double *t, Py_ssize_t n) noexcept nogil:
        """What every event adds to, whatever it teaches."""
        cdef Py_ssize_t j
        for j in range(n):
            self.s[EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] >= 0:
                self.events[i[j], 0] += 1
                if u[j] < 0 and w[j] > 0:
                    self.anonymous[i[j], 0] += 1
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)

    cdef int touch_both(self, int32_t a, int32_t b) except -1:
        """Make the cells of two items."""
        self.cells.touch(a, b)
        self.cells.touch(b, a)
        return 0

    # -- likeness -------------------------------------------------------------------------------
    cdef void ready(self, bint for_all) noexcept nogil:
        """Before answers: how far a weight of the landmark has faded, and what is asked of each item."""
        cdef double q
        cdef Py_ssize_t i
        if self.keeping:
            return
        self.faded = 1
        if self.span > 0:
            q = floor(self.s[NOW] / self.span)
            self.faded = ldexp(exp2(-(self.s[NOW] - q * self.span) / self.span),
                               <int>max(self.s[LANDMARK] - q, -5000.0))
        self.many = &self.takers[0, 0]           # one column
        if (for_all or self.n_neighbors) and (self.span > 0 or self.kind == LIKES_CONDITIONAL):
            for i in range(self.cells.n):
                self.sizes[i] = self.asked_of(<int32_t>i)
            self.many = &self.sizes[0]

    cdef double size(self, int32_t i) noexcept nogil:
        """How many took an item, faded."""
        return self.weights[i, 0] * self.faded if self.span > 0 else self.takers[i, 0]

    cdef double power(self, double c, int which) noexcept nogil:
        if self.span == 0 and 0 <= c < TABLE:
            return self.powers[which, <Py_ssize_t>c]
        return pow(c, 1 - self.exponent if which else self.exponent)

    cdef double asked_of(self, int32_t i) noexcept nogil:
        """The size of an item that another one is compared with, or its power."""
        return self.power(self.size(i), 1) if self.kind == LIKES_CONDITIONAL else self.size(i)

    cdef double likeness(self, int32_t h, int32_t i) noexcept nogil:
        """How alike two items are."""
        cdef double both = self.cells.get(h, i) * self.faded, one = self.size(h), many = self.asked_of(i)
        cdef double like
        if both <= 0:
            return 0
        if self.kind == LIKES_CONDITIONAL:
            one = self.power(one, 0)
        likes_of(self.kind, &both, one, &many, 1, self.shrinkage, &like)
        return like

    cdef Voices all_voices(self, int32_t h, int32_t *items, double *likes) noexcept nogil:
        """How alike all items are to h."""
        cdef const Row *row = self.cells.heads + h
        cdef double one = self.size(h)
        cdef Voices v
        cdef Py_ssize_t j
        v.items, v.likes = NULL, likes
        if self.kind == LIKES_CONDITIONAL:
            one = self.power(one, 0)
        if row.size < 0:
            v.n = min(width_of(row), self.cells.n)
            likes_of_counts(self.kind, dense_of(self.counts, row), one, self.many, v.n, self.shrinkage, likes)
            return v
        v.items, v.n = items, self.cells.read_row(h, items, &self.both[0])
        for j in range(v.n):
            self.both[j] *= self.faded
            self.far[j] = self.many[items[j]]
        likes_of(self.kind, &self.both[0], one, &self.far[0], v.n, self.shrinkage, likes)
        return v

    cdef double least(self, int32_t h, const Voices *v) noexcept nogil:
        """The likeness of the last of the `n_neighbors` items that are most like h; 0: there are fewer."""
        cdef Py_ssize_t m
        if self.n_neighbors == 0 or self.cells.heads[h].used <= self.n_neighbors:
            return 0
        m = likes_pack(v.items, v.likes, v.n, 0, &self.packed[0], &self.sorting[0])
        return kth_largest(&self.sorting[0], m, self.n_neighbors) if m > self.n_neighbors else 0

    cdef Voices voices_of(self, int32_t h) noexcept nogil:
        """How alike those items are to h that it speaks for."""
        cdef Voices v
        cdef double least
        if self.keeping:
            return self.keep_voices(h)
        v = self.all_voices(h, &self.items[0], &self.likes[0])
        least = self.least(h, &v)
        if least > 0:
            v.n = likes_pack(v.items, v.likes, v.n, least, &self.items[0], &self.likes[0])
            v.items = &self.items[0]
        return v

    # -- many lists -----------------------------------------------------------------------------
    cdef int begin_lists(self, Py_ssize_t n) except -1:
        """So many lists follow, and nothing is learned in between: what items say is worth keeping."""
        if n < SEVERAL or self.cells.n == 0 or self.cells.n > KEPT:
            return 0
        self.kept_at, self.kept_n = np.full((2, self.cells.n), -1, np.int32)
        self.kept, self.kept_items = np.empty(KEPT), np.empty(KEPT, np.int32)
        self.kept_used = 0
        self.ready(True)
        self.bases_of_all(&self.bases[0], self.cells.n)
        self.keeping = True
        return 0

    cdef int end_lists(self) except -1:
        self.keeping = False
        self.kept_at = self.kept_n = self.kept_items = None
        self.kept = None
        return 0

    cdef Voices keep_voices(self, int32_t h) noexcept nogil:
        """As `voices_of`, looked up or kept while there is room."""
        cdef Voices v
        cdef Py_ssize_t at = self.kept_at[h]
        if at >= 0:
            v.items, v.likes, v.n = &self.kept_items[at], &self.kept[at], self.kept_n[h]
            if v.n < 0:                          # from the first item on
                v.items, v.n = NULL, -1 - v.n
            return v
        self.keeping = False
        v = self.voices_of(h)
        self.keeping = True
        at = self.kept_used
        if at + v.n <= KEPT:
            memcpy(&self.kept[at], v.likes, v.n * sizeof(double))
            if v.items != NULL:
                memcpy(&self.kept_items[at], v.items, v.n * sizeof(int32_t))
            self.kept_at[h], self.kept_n[h] = <int32_t>at, <int32_t>(v.n if v.items != NULL else -1 - v.n)
            self.kept_used += v.n
        return v

    # -- scores ---------------------------------------------------------------------------------
    cdef void speak(self, int32_t h, double factor, double *out, Py_ssize_t n) noexcept nogil:
        """Add what item h says for each of the first n items."""
        cdef Voices v = self.voices_of(h)
        if v.items == NULL:
            likes_speak(v.likes, factor, min(n, v.n), out)
        else:
            likes_speak_to(v.items, v.likes, factor, v.n, n, out)

    cdef double base(self, Py_ssize_t i) noexcept nogil:
        if self.recent is not None:
            return self.prior * self.recent.value(i)
        return self.prior * (self.takers[i, 0] + self.anonymous[i, 0])

    cdef void bases_of_all(self, double *out, Py_ssize_t n) noexcept nogil:
        """What the first n items score for a stranger."""
        cdef Py_ssize_t i
        if self.recent is not None:
            self.recent.fill(out, n, self.prior)
            return
        for i in range(n):
            out[i] = self.base(i)

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1, m = 0
        cdef double factor = 1, out, like
        if i < 0:
            return 0
        self.ready(False)
        out = self.base(i)
        while j >= 0 and (self.reach == 0 or m < self.reach):
            if h.positive[j] > 0:
                like = self.voice(h.items[j], <int32_t>i)
                likes_speak(&like, factor, 1, &out)
                factor *= self.weight
                m += 1
            j -= 1
        return out

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1, m = 0
        cdef double factor = 1
        self.ready(True)
        if self.keeping:
            memcpy(out, &self.bases[0], n * sizeof(double))
        else:
            self.bases_of_all(out, n)
        while j >= 0 and (self.reach == 0 or m < self.reach):
            if h.positive[j] > 0:
                self.speak(h.items[j], factor, out, n)
                factor *= self.weight
                m += 1
            j -= 1
        return 1

    cdef double voice(self, int32_t h, int32_t i) noexcept nogil:
        """What item h says for item i."""
        cdef double like = self.likeness(h, i)
        cdef Voices v
        if like <= 0 or self.n_neighbors == 0:
            return like
        v = self.all_voices(h, &self.items[0], &self.likes[0])
        return like if like >= self.least(h, &v) else 0

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores for pairs of rows, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(u.shape[0])
        for j in range(u.shape[0]):
            out[j] = self.score(u[j], i[j])
        return np.asarray(out)

    def voices(self, Py_ssize_t u, Py_ssize_t i):
        """The items that speak for item i to user u, how much (int32 and float64, (m,)), and the prior."""
        cdef Had h = self.had(u)
        cdef Py_ssize_t j = h.n - 1
        cdef double factor = 1
        items, shares = [], []
        self.ready(False)
        while i >= 0 and j >= 0 and (self.reach == 0 or len(items) < self.reach):
            if h.positive[j] > 0:
                items.append(h.items[j])
                shares.append(factor * self.voice(h.items[j], <int32_t>i))
                factor *= self.weight
            j -= 1
        return np.array(items, dtype=np.int32), np.array(shares), self.base(i) if i >= 0 else 0.0

    def similar(self, int32_t item, Py_ssize_t n):
        """How alike the first n items are to one, float64 (n,)."""
        cdef double[::1] out = np.zeros(n)
        self.ready(True)
        if n:
            self.speak(item, 1, &out[0], n)
        return np.asarray(out)
