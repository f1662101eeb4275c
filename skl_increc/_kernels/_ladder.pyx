# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Popularity whose half-life is found out along the stream: a learner, and what strangers are told."""
from libc.math cimport INFINITY, exp2
from libc.stdint cimport int32_t
from libc.string cimport memset

import numpy as np

from skl_increc._kernels._learner cimport Learner

cdef extern from "ladder.h" nogil:
    double ladder_sum(const skl_ladder *L, int r, long i, double at)
    void ladder_learn(skl_ladder *L, long i, const double *w, double t, double worth)
    void ladder_drop(skl_ladder *L, long i)
    int ladder_pick(const skl_ladder *L)

cdef enum:
    EVENTS = 0        # scalars; after the gains come the lists
    NOW = 1
    STARTED = 2
    GAIN = 3
    FIRST_ROOM = 16
    NEWCOMER = 16     # events of a user that tell what newcomers take

#: what an event counts in the sum that never fades, beside the sum that answers: it orders what faded
cdef double TRACE = 1e-9


cdef class LadderLearner(Learner):
    """Weights of items, decayed with several half-lives at once; answers with the one that told best.

    Parameters
    ----------
    spans : sequence of float
        The half-lives, ascending; the last is inf.
    kept : int
        Length of the lists that are held against what comes.
    memory : float
        Events after which it counts half how well a list did.
    """
    cdef skl_ladder ladder
    cdef double[::1] rate, worth, s
    cdef double[:, ::1] events, user_events, sums, last
    cdef int32_t[:, ::1] listed

    def __init__(self, spans, int kept, double memory):
        self.rate = 1.0 / np.asarray(spans, dtype=np.float64)
        self.worth = 1.0 / np.log2(np.arange(kept) + 2.0)
        self.ladder.rungs = self.ladder.spans = <int>self.rate.shape[0]
        self.ladder.kept = kept
        self.ladder.rate, self.ladder.worth = &self.rate[0], &self.worth[0]
        self.ladder.memory = exp2(-1.0 / memory)

    def bind(self, dict users, dict items, scalars):
        self.events, self.user_events = items["events"], users["events"]
        self.sums, self.last, self.listed, self.s = items["sums"], items["last"], items["listed"], scalars
        self.ladder.sums, self.ladder.last = &self.sums[0, 0], &self.last[0, 0]
        self.ladder.listed = &self.listed[0, 0]
        self.ladder.gain = &self.s[GAIN]
        self.ladder.best = &self.s[GAIN + self.ladder.rungs]

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
            self.s[NOW] = max(self.s[NOW], t[j]) if self.s[STARTED] else t[j]
            self.s[STARTED] = 1
            if w[j] > 0:
                ladder_learn(&self.ladder, i[j], &w[j], t[j], 1)

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return 0 if i < 0 else ladder_sum(&self.ladder, ladder_pick(&self.ladder), i, self.s[NOW])

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef int pick = ladder_pick(&self.ladder)
        cdef Py_ssize_t i
        for i in range(n):
            out[i] = ladder_sum(&self.ladder, pick, i, self.s[NOW])
        return 1

    def score_rows(self, const int32_t[::1] items):
        """Weights of these item rows as of the newest event, float64 (n,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(items.shape[0])
        for j in range(items.shape[0]):
            out[j] = self.score(-1, items[j])
        return np.asarray(out)

    @property
    def half_life(self):
        """The half-life that answers at present; inf: nothing fades."""
        cdef double rate = self.rate[ladder_pick(&self.ladder)]
        return 1.0 / rate if rate > 0 else np.inf


cdef class Recent:
    """What newcomers take lately, to answer a stranger: a store of the states of recommenders.

    An event weighs w and, in another set of sums, w / n where it is the n-th of its user, to the 16th: what
    those take who have just come, and not what the keenest have left.  Each set has several half-lives; the
    sums answer whose lists have told newcomers' events best so far, where an event counts 1 / n too.  Without
    a half-life all is plain counts.

    Parameters
    ----------
    half_lives : tuple of float
        Ascending; the last is inf, and has no part in it where it stands alone.
    kept : int
        Length of the lists that are held against what comes.
    memory : float
        Events of newcomers after which it counts half how well a list did.
    """

    def __init__(self, tuple half_lives, int kept, double memory):
        cdef int ways = 2 if len(half_lives) > 1 else 1
        self.half_lives, self.memory = half_lives, memory
        self.rate = np.tile(1.0 / np.asarray(half_lives, dtype=np.float64), ways)
        self.worth = 1.0 / np.log2(np.arange(kept) + 2.0)
        self.gain, self.best = np.zeros(self.rate.shape[0]), np.zeros(max(1, self.rate.shape[0] * kept))
        self.ladder.rungs, self.ladder.spans = <int>self.rate.shape[0], <int>len(half_lives)
        self.ladder.kept = kept if ways > 1 else 0
        self.ladder.memory = exp2(-1.0 / memory)
        self.sums, self.last = np.zeros((FIRST_ROOM, self.ladder.rungs)), np.zeros((FIRST_ROOM, 1))
        self.listed, self.counts = np.zeros((FIRST_ROOM, 1), np.int32), np.zeros(FIRST_ROOM, np.int32)
        self.now = -INFINITY
        self.point()

    cdef void point(self) noexcept:
        self.ladder.rate, self.ladder.worth = &self.rate[0], &self.worth[0]
        self.ladder.gain, self.ladder.best = &self.gain[0], &self.best[0]
        self.ladder.sums, self.ladder.last = &self.sums[0, 0], &self.last[0, 0]
        self.ladder.listed = &self.listed[0, 0]

    # -- events ---------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        """Note those of these events that teach."""
        cdef Py_ssize_t j
        cdef double weights[2]
        cdef double share
        for j in range(n):
            if i[j] < 0 or not w[j] > 0 or not y[j] > 0:
                continue
            share = 1
            if u[j] >= 0:
                self.counts[u[j]] += 1
                share = 1.0 / self.counts[u[j]] if self.counts[u[j]] <= NEWCOMER else 0
            self.now = max(self.now, t[j])
            weights[0], weights[1] = w[j] * share, w[j]
            ladder_learn(&self.ladder, i[j], &weights[self.ladder.rungs == self.ladder.spans], t[j], share)

    cdef void leave(self, Py_ssize_t i) noexcept nogil:
        """An item goes."""
        ladder_drop(&self.ladder, i)

    # -- answers --------------------------------------------------------------------------------
    cdef bint knows(self, Py_ssize_t u) noexcept nogil:
        """Whether an event of this user has taught."""
        return 0 <= u < self.n_users and self.counts[u] > 0

    cdef double value(self, Py_ssize_t i) noexcept nogil:
        """What an item is worth to a stranger; 0 for one of which nothing is known."""
        cdef double out = 0
        if 0 <= i < self.n_items:
            self.add_from(i, &out, 1, 1)
        return out

    cdef void fill(self, double *out, Py_ssize_t n, double times) noexcept nogil:
        """What the first n items are worth to a stranger, each `times` over, into `out`."""
        memset(out, 0, n * sizeof(double))
        self.add(out, n, times)

    cdef void add(self, double *out, Py_ssize_t n, double times) noexcept nogil:
        """The same, on top of what is there."""
        self.add_from(0, out, min(n, self.n_items), times)

    cdef void add_from(self, Py_ssize_t first, double *out, Py_ssize_t n, double times) noexcept nogil:
        cdef int pick = ladder_pick(&self.ladder), ever = self.ladder.rungs - 1
        cdef Py_ssize_t j
        cdef double s
        for j in range(n):
            s = ladder_sum(&self.ladder, pick, first + j, self.now)
            if pick != ever:
                s += TRACE * self.sums[first + j, ever]
            out[j] += times * s

    def values(self, const int32_t[::1] items):
        """What these item rows are worth to a stranger, float64 (n,); 0 for -1."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.empty(items.shape[0])
        for j in range(items.shape[0]):
            out[j] = self.value(items[j])
        return np.asarray(out)

    @property
    def half_life(self):
        """The half-life that answers at present; inf: nothing fades."""
        cdef double rate = self.rate[ladder_pick(&self.ladder)]
        return 1.0 / rate if rate > 0 else np.inf

    # -- rows -----------------------------------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Room for so many rows of users and items."""
        cdef int32_t[::1] counts = self.counts
        cdef Py_ssize_t room
        if n_users > counts.shape[0]:
            counts = _grown(self.counts, max(n_users, 2 * self.counts.shape[0]))
        if n_items > self.sums.shape[0]:
            room = max(n_items, 2 * self.sums.shape[0])
            self.sums, self.last, self.listed = (
                _grown(self.sums, room), _grown(self.last, room), _grown(self.listed, room))
            self.point()
        self.counts, self.n_users, self.n_items = counts, n_users, n_items

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Take back rows that have learned nothing."""
        self.n_users, self.n_items = min(self.n_users, n_users), min(self.n_items, n_items)

    def vacate(self, int side, Py_ssize_t row):
        """A user or an item goes, whose row is free then."""
        if side == 0:
            self.counts[row] = 0
        else:
            self.leave(row)

    def drop(self, int side, rows):
        """These users or items go."""
        for row in rows:
            self.vacate(side, row)

    @property
    def nbytes(self):
        """Bytes of the rows in use, and of the lists."""
        each = (self.ladder.rungs + 1) * 8 + 4
        return self.n_items * each + self.n_users * 4 + self.gain.nbytes + self.best.nbytes

    # -- copies and files -----------------------------------------------------------------------
    side = 1
    n_values = None
    parts = {"sums": "float64", "last": "float64", "counts": "int32", "gain": "float64", "best": "int32",
             "now": "float64"}

    @property
    def kind(self):
        """The parameters, as plain values."""
        finite = [h for h in self.half_lives if h != np.inf]
        return {"half_lives": finite, "kept": self.worth.shape[0], "memory": self.memory}

    def blank(self):
        """An empty store of the same parameters."""
        return Recent(self.half_lives, <int>self.worth.shape[0], self.memory)

    def export(self):
        """Everything as flat arrays; best: item rows + 1, or 0."""
        n, now = self.n_items, [] if self.now == -INFINITY else [self.now]
        return {
            "sums": np.asarray(self.sums)[:n].flatten(), "last": np.asarray(self.last)[:n, 0].copy(),
            "counts": np.asarray(self.counts)[:self.n_users].copy(), "gain": np.asarray(self.gain).copy(),
            "best": np.asarray(self.best).astype(np.int32), "now": np.array(now, dtype=np.float64),
        }

    def restore(self, dict kept):
        """Take what `export` gave, into an empty store."""
        cdef Py_ssize_t n = len(kept["last"]), m = len(kept["counts"])
        self.reserve_rows(m, n)
        np.asarray(self.sums)[:n] = kept["sums"].reshape(n, self.ladder.rungs)
        np.asarray(self.last)[:n, 0] = kept["last"]
        np.asarray(self.counts)[:m] = kept["counts"]
        np.asarray(self.gain)[:] = kept["gain"]
        np.asarray(self.best)[:] = kept["best"]
        self.now = kept["now"][0] if len(kept["now"]) else -INFINITY
        listed = np.asarray(self.listed)
        for r, rows in enumerate(kept["best"].reshape(self.ladder.rungs, -1)[:, :self.ladder.kept]):
            listed[rows[rows > 0] - 1, 0] |= 1 << r
        return self

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be of these rows."""
        cdef Py_ssize_t n = len(items_alive)
        sizes = {"sums": n * self.ladder.rungs, "last": n, "counts": len(users_alive),
                 "gain": self.ladder.rungs, "best": self.best.shape[0]}
        for part, size in sizes.items():
            if len(kept[part]) != size:
                raise ValueError(f"{part} has {len(kept[part])} numbers, not {size}")
        for part in ("sums", "gain", "now", "last"):
            if not np.isfinite(kept[part]).all():
                raise ValueError(f"{part} holds numbers that are not finite")
        if (kept["sums"] < 0).any() or (kept["counts"] < 0).any() or len(kept["now"]) > 1:
            raise ValueError("sums and counts are at least 0, and now is one number")
        for rows in kept["best"].reshape(self.ladder.rungs, -1):
            rows = rows[rows != 0]
            if len(rows) and not (rows.min() > 0 and rows.max() <= n and len(np.unique(rows)) == len(rows)):
                raise ValueError("best names a row that is none, or one twice")
            if not np.asarray(items_alive)[rows - 1].all():
                raise ValueError("best names a row that is free")

    def keyed(self, ids):
        """Item -> its sums, its time, and the lists in which it stands; None -> the gains."""
        numbers = np.hstack([self.sums, self.last, self.listed])
        values = {(name,): numbers[row] for row, name in ids.items() if row < self.n_items}
        return {**values, (None,): np.asarray(self.gain).copy()}

    def absorb(self, Recent other, to_users, to_items):
        """What tells best depends on the order of all events."""
        raise ValueError("what is taken lately by two models does not merge")

    def copy(self):
        """An independent store."""
        return self.blank().restore(self.export())

    def __reduce__(self):
        return _restore, (self.half_lives, <int>self.worth.shape[0], self.memory, self.export())


def _grown(array, Py_ssize_t room):
    """The same rows, and zeros behind them."""
    array = np.asarray(array)
    new = np.zeros((room, *array.shape[1:]), array.dtype)
    new[:len(array)] = array
    return new


def _restore(half_lives, kept, memory, export):
    return Recent(half_lives, kept, memory).restore(export)
