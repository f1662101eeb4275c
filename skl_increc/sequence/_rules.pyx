# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of sequential rules: what a user takes after what."""
from libc.math cimport fabs, ldexp, pow, rint
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner
from skl_increc._state._journal cimport Journal
from skl_increc._state._links cimport Links
from skl_increc.sequence._weights cimport Weights

cdef enum:
    FARTHEST = 1000   # the largest max_distance
    WEIGHT = 0        # columns of the journal
    TIME = 1
    # scalars
    EVENTS = 0
    INEXACT = 1
    LANDMARK = 2

#: sums of multiples of 2^-20 are exact below this
cdef double LARGEST = 8589934592.0


cdef inline double on_grid(double v) noexcept nogil:
    """v rounded to a multiple of 2^-20."""
    return rint(v * 1048576.0) / 1048576.0


cdef class RuleLearner(Learner):
    """Transitions T[h, i] += w g(d) 2^((t - landmark) / half_life) from the d-th last item h to i.

    With times, a late event stands where its time belongs, and those behind it change their distances.  It is
    taken alone: it goes into its list in `learn`, while others are noted when room is made.

    Without a half-life each term is a multiple of 2^-20, so that sums are exact: the order of users plays no
    part, and what was added can be taken away to the last bit.
    """
    cdef Journal journal
    cdef Links links
    cdef Weights weights
    cdef Recent recent            # what the prior goes by; None: by the weights
    cdef double half_life, exponent, prior
    cdef int reach
    cdef double gains[FARTHEST + 1]
    cdef double[:, ::1] user_events, events, weight, leads
    cdef double[::1] s
    cdef int64_t[::1] place       # of each event of a batch, in its user's list
    cdef bint late                # one event alone, which comes after events that are newer

    def __cinit__(self):
        self.place, self.weights = np.empty(16, np.int64), Weights(LANDMARK)

    def configure(self, gains, double half_life, double exponent, double prior):
        """gains[d - 1] for the distance d; half_life of 0: nothing fades."""
        cdef int d
        self.weights.configure(half_life)
        self.reach, self.half_life = len(gains), half_life
        self.exponent, self.prior = exponent, prior
        for d in range(self.reach):
            self.gains[d + 1] = gains[d]

    def bind(self, dict users, dict items, scalars):
        self.user_events, self.events = users["events"], items["events"]
        self.weight, self.leads = items["weight"], items["leads"]
        self.s = scalars
        self.weights.bind(items, scalars)

    def attach_stores(self, dict stores):
        self.journal, self.links, self.recent = stores["journal"], stores["links"], stores.get("recent")

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        if side == 1:
            self.weights.start(row)

    # -- learning -------------------------------------------------------------------------------
    cdef int gather(self, Py_ssize_t u, Py_ssize_t at, int32_t *before) noexcept nogil:
        """The items that taught before entry `at` of a list, the last first; how many."""
        return self.look_back(u, at, before, self.reach)

    cdef int look_back(self, Py_ssize_t u, Py_ssize_t at, int32_t *before, int most) noexcept nogil:
        cdef Py_ssize_t last = 0, j = at - 1
        cdef int m = 0
        cdef const int32_t *items
        cdef const double *w
        if at == 0:
            return 0
        if self.journal.limit and at > self.journal.limit:
            last = at - self.journal.limit
        items, w = self.journal.others(u), self.journal.values(u, WEIGHT)
        while j >= last and m < most:
            if w[j] > 0:
                before[m] = items[j]
                m += 1
            j -= 1
        return m

    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Note the events, and make every cell that learning them will add to."""
        cdef Py_ssize_t j, done = 0
        cdef int32_t before[FARTHEST]
        cdef double values[2]
        cdef int d, m
        if n > self.place.shape[0]:
            self.place = np.empty(max(n, 2 * self.place.shape[0]), np.int64)
        self.late = False
        if n == 1 and u[0] >= 0 and i[0] >= 0:
            self.place[0] = self.journal.place_of(u[0], t[0])
            if self.place[0] < self.journal.length_of(u[0]):
                self.late = True
                return self.make_room_between(u[0], self.place[0], i[0], w[0])
        try:
            for j in range(n):
                if u[j] < 0 or i[j] < 0:
                    continue
                self.place[j] = self.journal.length_of(u[j])
                values[WEIGHT], values[TIME] = w[j], t[j]
                self.journal.append_c(u[j], i[j], values)
                done = j + 1
                if w[j] > 0:
                    m = self.gather(u[j], self.place[j], before)
                    for d in range(m):
                        self.links.prefetch(before[d], i[j])
                    for d in range(m):
                        self.links.touch(before[d], i[j])
        except BaseException:
            for j in range(done - 1, -1, -1):
                if u[j] >= 0 and i[j] >= 0:
                    self.journal.pop(u[j])
            raise
        return 0

    cdef int make_room_between(self, Py_ssize_t u, Py_ssize_t at, int32_t i, double w) except -1:
        """Room for an entry within a list, and every cell that it will add to."""
        cdef int32_t before[FARTHEST]
        cdef Py_ssize_t j
        cdef int d, m
        self.journal.make_end(self.journal.heads + u)
        if w <= 0:
            return 0
        m = self.gather(u, at, before)
        for d in range(m):
            self.links.touch(before[d], i)
        for j in range(at, self.followers(u, at)):
            if self.journal.values(u, WEIGHT)[j] > 0:
                self.links.touch(i, self.journal.others(u)[j])
        return 0

    cdef Py_ssize_t followers(self, Py_ssize_t u, Py_ssize_t at) noexcept nogil:
        """Where the entries end that an entry before `at` leads to."""
        cdef Py_ssize_t n = self.journal.length_of(u)
        cdef int d = 0
        while at < n and d < self.reach:
            d += self.journal.values(u, WEIGHT)[at] > 0
            at += 1
        return at

    cdef void learn_late(self, Py_ssize_t u, int32_t i, double w, double t) noexcept nogil:
        """An entry within a list: those behind it learn their distances anew."""
        cdef Py_ssize_t at = self.place[0], end = self.followers(u, at), j
        cdef double values[2]
        cdef int32_t before[FARTHEST + 1]
        values[WEIGHT], values[TIME] = w, t
        if w <= 0:
            self.journal.insert(u, at, i, values)
            return
        for j in range(at, end):
            self.relearn_entry(u, j, -1)
        self.journal.insert(u, at, i, values)
        for j in range(at, end + 1):
            self.relearn_entry(u, j, 1)
        for j in range(at + 1, end + 1):         # what stands too far in front by now
            if self.journal.values(u, WEIGHT)[j] <= 0:
                continue
            if self.look_back(u, j, before, self.reach + 1) > self.reach:
                self.links.less(before[self.reach], self.journal.others(u)[j], 0)

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            self.s[EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] < 0:
                continue
            self.events[i[j], 0] += 1
            self.come_to(t[j])
            self.weights.add(i[j], w[j], t[j], u[j] >= 0)
            if u[j] >= 0:
                if self.late:
                    self.learn_late(u[j], i[j], w[j], t[j])
                    continue
                self.transitions(u[j], self.place[j], i[j], w[j], t[j], 1)
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)
        if self.journal.limit:
            for j in range(n):
                if u[j] >= 0:
                    self.journal.trim(u[j])

    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        """The oldest event of its user too, for the journal is in the order of the window."""
        self.s[EVENTS] -= 1
        if u >= 0:
            self.user_events[u, 0] -= 1
        if i < 0:
            return
        self.events[i, 0] -= 1
        self.weights.take(i, w)
        if u >= 0 and self.journal.length_of(u):
            self.take_first(u)
            self.journal.pop_first(u)

    cdef void take_first(self, Py_ssize_t u) noexcept nogil:
        """Take away what the first entry of a list led to."""
        cdef const int32_t *items = self.journal.others(u)
        cdef const double *w = self.journal.values(u, WEIGHT)
        cdef Py_ssize_t j = 1, n = self.journal.length_of(u)
        cdef double v
        cdef int d = 0
        if w[0] <= 0:
            return
        while j < n and d < self.reach:
            if w[j] > 0:
                d += 1
                v = on_grid(w[j] * self.gains[d])
                self.links.less(items[0], items[j], v)
                self.leads[items[0], 0] -= v
            j += 1

    cdef void sum(self, double *to, double v) noexcept nogil:
        to[0] += v
        if fabs(to[0]) >= LARGEST:
            self.s[INEXACT] = 1

    cdef void transitions(self, Py_ssize_t u, Py_ssize_t at, int32_t i, double w, double t,
                          double sign) noexcept nogil:
        """Add what entry `at` of a list teaches, or take it away."""
        cdef int32_t before[FARTHEST]
        cdef int d, m
        cdef double scale = w, v
        if w <= 0:
            return
        if self.half_life > 0:
            scale = self.weights.decayed(w, t, self.s[LANDMARK])
        m = self.gather(u, at, before)
        for d in range(m):
            v = scale * self.gains[d + 1]
            if self.half_life == 0:
                v = on_grid(v)
            self.links.add(before[d], i, sign * v)
            self.sum(&self.leads[before[d], 0], sign * v)

    cdef void come_to(self, double t) noexcept nogil:
        """The clock moves on; now and then the landmark follows, by an exact power of two."""
        cdef int back = self.weights.come_to(t)
        cdef Py_ssize_t r
        if back:
            for r in range(self.leads.shape[0]):
                self.leads[r, 0] = ldexp(self.leads[r, 0], -back)
            self.links.scale_c(-back)

    # -- answers --------------------------------------------------------------------------------
    cdef int factors(self, Py_ssize_t u, int32_t *before, double *k) noexcept nogil:
        """The items that speak for user u, and what their transitions count."""
        cdef int d, m = 0
        cdef double faded = self.weights.since()
        if u < 0:
            return 0
        m = self.gather(u, self.journal.length_of(u), before)
        for d in range(m):
            k[d] = self.gains[d + 1] * faded
            if self.exponent > 0 and self.leads[before[d], 0] > 0:
                k[d] *= pow(self.leads[before[d], 0] * faded, -self.exponent)
        return m

    cdef double base(self, Py_ssize_t i) noexcept nogil:
        """What the prior gives to an item."""
        if self.recent is not None:
            return self.prior * self.recent.value(i)
        return self.prior * self.weights.since() * self.weight[i, 0]

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef int32_t before[FARTHEST]
        cdef double k[FARTHEST]
        cdef double out = 0
        cdef int d, m
        if i < 0:
            return 0
        m = self.factors(u, before, k)
        out = self.base(i)
        for d in range(m):
            out += k[d] * self.links.get(before[d], <int32_t>i)
        return out

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef int32_t before[FARTHEST]
        cdef double k[FARTHEST]
        cdef Py_ssize_t i
        cdef int d, m = self.factors(u, before, k)
        cdef double prior = self.prior * self.weights.since()
        if self.recent is not None:
            self.recent.fill(out, n, self.prior)
        else:
            for i in range(n):
                out[i] = prior * self.weight[i, 0]
        for d in range(m):
            self.links.spread(before[d], k[d], out, n)
        return 1

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores for pairs of rows, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(u.shape[0])
        for j in range(u.shape[0]):
            out[j] = self.score(u[j], i[j])
        return np.asarray(out)

    def voices(self, Py_ssize_t u, Py_ssize_t i):
        """The items that speak for item i to user u, how much (int32 and float64, (m,)), and the prior."""
        cdef int32_t before[FARTHEST]
        cdef double k[FARTHEST]
        cdef int d, m = self.factors(u, before, k) if i >= 0 else 0
        items = np.array([before[d] for d in range(m)], dtype=np.int32)
        shares = np.array([k[d] * self.links.get(before[d], <int32_t>i) for d in range(m)])
        return items, shares, self.base(i) if i >= 0 else 0.0

    # -- forgetting -----------------------------------------------------------------------------
    def forget(self, const int32_t[::1] users, const int32_t[::1] items):
        """Take away what these rows gave; their lists and cells are left for the state to drop.

        In a list that loses an item the others move together: the list is unlearned, mended and learned anew.
        """
        cdef uint8_t[::1] whole = np.zeros(self.user_events.shape[0], np.uint8)
        cdef uint8_t[::1] gone = np.zeros(self.events.shape[0], np.uint8)
        cdef Py_ssize_t u, j, n, r
        cdef bint touched
        cdef const int32_t *had
        cdef const double *w
        for r in range(users.shape[0]):
            whole[users[r]] = 1
        for r in range(items.shape[0]):
            gone[items[r]] = 1
        mended = []
        for u in range(self.user_events.shape[0]):
            n = self.journal.length_of(u)
            if n == 0:
                continue
            had, w, touched = self.journal.others(u), self.journal.values(u, WEIGHT), whole[u] != 0
            for j in range(n):
                if whole[u]:
                    self.events[had[j], 0] -= 1
                    self.weights.take(had[j], w[j])
                elif gone[had[j]]:
                    self.user_events[u, 0] -= 1
                    touched = True
            if touched and self.half_life == 0:
                self.relearn(u, -1)
            if touched and not whole[u]:
                mended.append(u)
        self.journal.drop(0, users)
        self.journal.drop(1, items)
        if self.half_life > 0:
            self.links.clear()
            self.leads[:, :] = 0
            self.weights.restart(self.journal, self.user_events.shape[0], gone)
            mended = range(self.user_events.shape[0])
        for u in mended:
            self.touch_list(u)
            self.relearn(u, 1)

    def touch_list(self, Py_ssize_t u):
        """Make the cells of a whole list."""
        cdef int32_t before[FARTHEST]
        cdef Py_ssize_t j
        cdef int d, m
        for j in range(self.journal.length_of(u)):
            if self.journal.values(u, WEIGHT)[j] > 0:
                m = self.gather(u, j, before)
                for d in range(m):
                    self.links.touch(before[d], self.journal.others(u)[j])

    cdef void relearn(self, Py_ssize_t u, double sign) noexcept nogil:
        """Add a whole list, or take it away."""
        cdef Py_ssize_t j
        for j in range(self.journal.length_of(u)):
            self.relearn_entry(u, j, sign)

    cdef void relearn_entry(self, Py_ssize_t u, Py_ssize_t j, double sign) noexcept nogil:
        self.transitions(u, j, self.journal.others(u)[j], self.journal.values(u, WEIGHT)[j],
                         self.journal.values(u, TIME)[j] if self.half_life > 0 else 0, sign)
