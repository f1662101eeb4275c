# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the events of each item weigh, by now or ever: the prior of this room's models."""
from libc.math cimport INFINITY, exp2, fabs, floor, ldexp, rint
from libc.stdint cimport uint8_t

from skl_increc._state._journal cimport Journal

cdef enum:
    FAR = 500         # half-lives after which the sums are brought to a newer landmark
    WEIGHT = 0        # columns of the journal
    TIME = 1
    INEXACT = 1       # a scalar

#: sums of multiples of 2^-20 are exact below this
cdef double LARGEST = 8589934592.0


cdef class Weights:
    """Sums over events of w, on a grid of 2^-20; with a half-life, of w 2^(t / half_life - landmark).

    Of events without a user, which no journal knows, there is a sum of its own where times can tell their
    age: `restart` weighs the items anew from both.

    Parameters
    ----------
    first : int
        Which of the scalars is the landmark; now and started follow it.
    """

    def __cinit__(self, int first):
        self.first = first

    def configure(self, double half_life):
        """half_life of 0: nothing fades."""
        self.half_life = half_life

    def bind(self, dict items, scalars):
        """Take the arrays of the item rows, and the scalars."""
        self.events, self.weight, self.s = items["events"], items["weight"], scalars
        self.keeps_anonymous = "anonymous" in items
        if self.keeps_anonymous:
            self.anonymous, self.anonymous_last = items["anonymous"], items["anonymous_last"]

    cdef void start(self, Py_ssize_t i) noexcept nogil:
        """The row of a new item."""
        if self.keeps_anonymous:
            self.anonymous_last[i, 0] = -INFINITY

    cdef double landmark(self) noexcept nogil:
        return self.s[self.first] if self.half_life > 0 else 0

    cdef double decayed(self, double w, double t, double landmark) noexcept nogil:
        """w 2^(t / half_life - landmark), split so that whole half-lives are exact powers of two."""
        cdef double q
        if self.half_life == 0:
            return rint(w * 1048576.0) / 1048576.0
        q = floor(t / self.half_life)
        return ldexp(w * exp2((t - q * self.half_life) / self.half_life), <int>max(q - landmark, -5000.0))

    cdef int come_to(self, double t) noexcept nogil:
        """The clock moves on; now and then the landmark follows, by so many powers of two."""
        cdef double *clock = &self.s[self.first]
        cdef double q
        cdef Py_ssize_t r
        cdef int back
        if self.half_life == 0:
            return 0
        q = floor(t / self.half_life)
        if clock[2] == 0:
            clock[0], clock[1], clock[2] = q, t, 1
        clock[1] = max(clock[1], t)
        if q - clock[0] <= FAR:
            return 0
        back = <int>min(q - clock[0], 5000.0)
        for r in range(self.weight.shape[0]):
            self.weight[r, 0] = ldexp(self.weight[r, 0], -back)
        clock[0] = q
        return back

    cdef void add(self, Py_ssize_t i, double w, double t, bint known) noexcept nogil:
        """One more event of an item, of a known user or none; `come_to` was called."""
        cdef double last
        self.weight[i, 0] += self.decayed(w, t, self.landmark())
        if fabs(self.weight[i, 0]) >= LARGEST:
            self.s[INEXACT] = 1
        if known or not self.keeps_anonymous:
            return
        last = self.anonymous_last[i, 0]
        if t > last:
            if last > -INFINITY:
                self.anonymous[i, 0] = ldexp(self.anonymous[i, 0], <int>max(
                    floor(last / self.half_life) - floor(t / self.half_life), -5000.0))
            self.anonymous_last[i, 0] = last = t
        self.anonymous[i, 0] += self.decayed(w, t, floor(last / self.half_life))

    cdef void take(self, Py_ssize_t i, double w) noexcept nogil:
        """One event the less, where nothing fades."""
        if self.half_life == 0:
            self.weight[i, 0] -= self.decayed(w, 0, 0)

    cdef double since(self) noexcept nogil:
        """What a sum counts by now, against the landmark."""
        cdef double q, now
        if self.half_life == 0:
            return 1
        now = self.s[self.first + 1]
        q = floor(now / self.half_life)
        return ldexp(exp2(-(now - q * self.half_life) / self.half_life),
                     <int>max(self.s[self.first] - q, -5000.0))

    cdef void restart(self, Journal journal, Py_ssize_t n_users, const uint8_t[::1] gone) noexcept nogil:
        """Put the clock at the newest event that is left, and weigh the items anew, but those that go."""
        cdef Py_ssize_t u, i, j
        cdef double newest = -INFINITY, last
        cdef double *clock = &self.s[self.first]
        clock[0] = clock[1] = clock[2] = 0
        for u in range(n_users):
            for j in range(journal.length_of(u)):
                newest = max(newest, journal.values(u, TIME)[j])
        for i in range(self.weight.shape[0]):
            self.weight[i, 0] = 0
            if self.events[i, 0] > 0 and not gone[i]:
                newest = max(newest, self.anonymous_last[i, 0])
        if newest == -INFINITY:
            return
        self.come_to(newest)
        for i in range(self.weight.shape[0]):
            last = self.anonymous_last[i, 0]
            if self.events[i, 0] > 0 and not gone[i] and last > -INFINITY:
                self.weight[i, 0] = ldexp(self.anonymous[i, 0],
                                          <int>max(floor(last / self.half_life) - clock[0], -5000.0))
        for u in range(n_users):
            for j in range(journal.length_of(u)):
                self.weight[journal.others(u)[j], 0] += self.decayed(
                    journal.values(u, WEIGHT)[j], journal.values(u, TIME)[j], clock[0])
