# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The events that a model still holds, oldest first: what leaves is taken out of everything else."""
from libc.stdint cimport int32_t

import numpy as np

cdef enum:
    FIRST_ROOM = 16


cdef class Window:
    """A queue of events, by arrival or by time.

    An event is held while fewer than `span` newer ones have come or, where `timed`, while the newest time is
    less than `span` ahead of its own.  A late event takes its place by time, after those of the same time,
    which moves what is newer; one that has left the window already never enters.

    Parameters
    ----------
    span : float
        Events, or seconds.
    timed : bool
        Whether the times of the events count.
    """

    def __cinit__(self, double span, bint timed):
        if not 0 < span:
            raise ValueError(f"a window has a span above 0; got {span}")
        self.span, self.timed = span, timed
        self.allot(FIRST_ROOM)

    cdef int allot(self, Py_ssize_t room) except -1:
        """A larger ring with the same events, the oldest at place 0; on error nothing has changed."""
        cdef int32_t[::1] who = np.zeros(room, np.int32), what = np.zeros(room, np.int32)
        cdef double[::1] weight = np.zeros(room), time = np.zeros(room if self.timed else 1)
        cdef Py_ssize_t j, at
        for j in range(self.n):
            at = (self.start + j) & (self.room - 1)
            who[j], what[j], weight[j] = self.who[at], self.what[at], self.weight[at]
            if self.timed:
                time[j] = self.time[at]
        self.who, self.what, self.weight, self.time = who, what, weight, time
        self.start, self.room = 0, room
        return 0

    cdef int make_room(self) except -1:
        """Room for one more event, so that `push` cannot fail."""
        if self.n == self.room:
            self.allot(2 * self.room)
        return 0

    # -- one event ------------------------------------------------------------------------------
    cdef void place(self, Py_ssize_t at, int32_t u, int32_t i, double w, double t) noexcept nogil:
        self.who[at], self.what[at], self.weight[at] = u, i, w
        if self.timed:
            self.time[at] = t

    cdef void push(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        """One more event, behind all whose time is not later; there is room."""
        cdef Py_ssize_t j = self.n, at, before
        while self.timed and j > 0:
            before = (self.start + j - 1) & (self.room - 1)
            if self.time[before] <= t:
                break
            at = (self.start + j) & (self.room - 1)
            self.place(at, self.who[before], self.what[before], self.weight[before], self.time[before])
            j -= 1
        self.place((self.start + j) & (self.room - 1), u, i, w, t)
        self.n += 1

    cdef bint too_late(self, double t, double now) noexcept nogil:
        """Whether an event of time t is out of the window when it comes."""
        return self.timed and now - t >= self.span

    cdef bint due(self, double now) noexcept nogil:
        """Whether the oldest event has left the window."""
        if self.n == 0:
            return False
        return now - self.time[self.start] >= self.span if self.timed else self.n > self.span

    cdef void pop(self) noexcept nogil:
        """Let go of the oldest event."""
        self.start = (self.start + 1) & (self.room - 1)
        self.n -= 1

    # -- for Python -----------------------------------------------------------------------------
    def __len__(self):
        """Events held."""
        return self.n

    @property
    def newest(self):
        """The time of the newest event held; -inf without one."""
        return self.time[(self.start + self.n - 1) & (self.room - 1)] if self.n and self.timed else -np.inf

    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Nothing here grows with the rows."""

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """No event names a row that is taken back."""

    def vacate(self, int side, Py_ssize_t row):
        """No event names a row that has none left."""

    def drop(self, int side, rows):
        """Remove the events of these rows."""
        if not len(rows):
            return
        kept = self.export()
        stays = ~np.isin(kept["who" if side == 0 else "what"], rows)
        self.n = 0
        self.fill({part: array[..., stays] for part, array in kept.items()})

    def fill(self, dict kept):
        """Take these events, in their order, on top of those there are."""
        cdef const int32_t[::1] who = np.ascontiguousarray(kept["who"], dtype=np.int32)
        cdef const int32_t[::1] what = np.ascontiguousarray(kept["what"], dtype=np.int32)
        cdef const double[:, ::1] values = np.ascontiguousarray(kept["values"], dtype=np.float64)
        cdef Py_ssize_t j
        for j in range(who.shape[0]):
            self.make_room()
            self.push(who[j], what[j], values[0, j], values[1, j] if self.timed else 0)

    @property
    def nbytes(self):
        """Bytes of the events held."""
        return self.n * (24 if self.timed else 16)

    # -- copies and files -----------------------------------------------------------------------
    side = 0
    n_values = 1
    parts = {"who": "int32", "what": "int32", "values": "float64"}

    @property
    def kind(self):
        """The parameters, as plain values."""
        return {"span": self.span, "timed": bool(self.timed)}

    def blank(self):
        """An empty window of the same span."""
        return Window(self.span, self.timed)

    def export(self):
        """The events as plain arrays, oldest first; values: weights and, where `timed`, times."""
        at = (self.start + np.arange(self.n)) & (self.room - 1)
        values = [np.asarray(self.weight)[at]] + ([np.asarray(self.time)[at]] if self.timed else [])
        who, what = np.asarray(self.who)[at], np.asarray(self.what)[at]
        return {"who": who, "what": what, "values": np.stack(values)}

    def keyed(self, ids):
        """User -> weights and times of the events, in order of both; None -> those of anonymous users."""
        kept = self.export()
        order = np.lexsort(kept["values"])
        who, values = kept["who"][order], kept["values"][:, order]
        return {(name,): values[:, who == row] for row, name in [*ids.items(), (-1, None)]}

    def restore(self, dict kept):
        """Take what `export` gave, into an empty window."""
        self.fill(kept)
        return self

    def absorb(self, Window other, to_users, to_items):
        """Add the events of another window, by time; `to_users[row]` is the row here of each row there."""
        kept = other.export()
        for part, to in (("who", to_users), ("what", to_items)):
            kept[part] = np.append(to, np.int32(-1))[kept[part]]
        mine = self.export()
        both = {part: np.concatenate([mine[part], kept[part]], axis=-1) for part in mine}
        order = np.argsort(both["values"][1], kind="stable") if self.timed else slice(None)
        self.n = 0
        self.fill({part: array[..., order] for part, array in both.items()})

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be events of live rows, in order of time."""
        for part, alive in (("who", users_alive), ("what", items_alive)):
            rows = kept[part]
            if len(rows) and not (rows.min() >= -1 and rows.max() < len(alive)):
                raise ValueError(f"{part} names a row that is none")
            if not np.append(alive, True)[rows].all():
                raise ValueError(f"{part} names a row that is free")
        values = kept["values"]
        if len(kept["what"]) != len(kept["who"]) or values.shape != (1 + self.timed, len(kept["who"])):
            raise ValueError("its arrays are not of one length")
        if not np.isfinite(values).all():
            raise ValueError("values holds numbers that are not finite")
        if self.timed and (np.diff(values[1]) < 0).any():
            raise ValueError("the events are not in order of time")

    def copy(self):
        """An independent window."""
        cdef Window new = Window(self.span, self.timed)
        new.n, new.start, new.room = self.n, self.start, self.room
        new.who, new.what = self.who.copy(), self.what.copy()
        new.weight, new.time = self.weight.copy(), self.time.copy()
        return new

    def __reduce__(self):
        return _restore, (self.span, self.timed, self.export())


def _restore(span, timed, kept):
    return Window(span, timed).restore(kept)
