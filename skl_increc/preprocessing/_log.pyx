# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, binding=True
"""The retained events, and the features of an event: what came strictly before it, by key and window."""
from cpython.dict cimport PyDict_CheckExact
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t

import numpy as np

from skl_increc._state._idmap cimport IdMap
from skl_increc._state._state cimport State
from skl_increc.preprocessing._histories cimport (
    Histories, SklRing, skl_ring_distinct, skl_ring_place, skl_ring_sum
)

cdef enum:
    COUNT = 0
    SUM = 1
    MEAN = 2
    DISTINCT = 3
    MOST_COLUMNS = 16


cdef class EventLog:
    """Events of the last `retain` seconds, in order of time, and by key in `Histories`.

    A store of a `State` without fields: users and items are its ids, further columns have maps here.

    Parameters
    ----------
    kind : dict
        windows (seconds), retain (seconds), keys (pairs of columns, -1: none), columns (how many), stats
        (0 count, 1 sum, 2 mean, 3 distinct), recency (0 or 1), most (events of a key, 0: all).
    """

    side = 0
    n_values = None
    parts = {"codes": "int32", "time": "float64", "y": "float64"}

    def __cinit__(self, dict kind):
        self.kind = kind
        self.retain = kind["retain"]
        self.windows = np.array(kind["windows"], dtype=np.float64)
        self.longest = max(kind["windows"])
        self.stats = np.array(kind["stats"], dtype=np.int32)
        self.takes = np.array([kind["recency"]], dtype=np.int32)
        self.n_columns, self.n_keys = kind["columns"], len(kind["keys"])
        self.maps = [IdMap() for _ in range(self.n_columns - 2)]
        self.columns, self.names = (), ()
        self.empty()

    def empty(self):
        """Forget all events; ids of further columns stay."""
        links = int(DISTINCT) in self.kind["stats"]
        self.histories = [
            # who counts: the items of a user, else the users of whatever it is
            Histories(a, b, 1 if a == 0 or b == 0 else 0, self.kind["most"], links)
            for a, b in self.kind["keys"]
        ]
        self.n, self.start, self.before = 0, 0, 0
        self.users, self.items = np.zeros(16, np.int32), np.zeros(16, np.int32)
        self.allot(16)

    def bind(self, columns, time_key, y_key, names):
        """What the columns of an event are called, and the features."""
        self.columns, self.time_key, self.y_key = tuple(columns), time_key, y_key
        self.names = tuple(names)
        self.template = dict.fromkeys(self.names, 0.0)

    # -- room ---------------------------------------------------------------------------------
    cdef int allot(self, Py_ssize_t room) except -1:
        """A block for so many events, with those there are at its front; on error nothing has changed."""
        kept = slice(self.start, self.start + self.n)
        time, y, total = np.zeros(room), np.zeros(room), np.zeros(room)
        codes, rows = np.zeros((room, self.n_columns), np.int32), np.zeros((room, self.n_keys), np.int32)
        if self.n:
            for new, old in ((time, self.time), (y, self.y), (total, self.total), (codes, self.codes),
                             (rows, self.rows)):
                new[:self.n] = np.asarray(old)[kept]
        self.time, self.y, self.total, self.codes, self.rows = time, y, total, codes, rows
        self.start, self.room = 0, room
        return 0

    cdef int count_room(self, int32_t u, int32_t i) except -1:
        if u >= self.users.shape[0]:
            self.users = np.concatenate([self.users, np.zeros(max(u + 1, self.users.shape[0]), np.int32)])
        if i >= self.items.shape[0]:
            self.items = np.concatenate([self.items, np.zeros(max(i + 1, self.items.shape[0]), np.int32)])
        return 0

    # -- what comes and goes --------------------------------------------------------------------
    cdef int codes_of(self, State st, tuple values, bint add, int32_t *codes) except -1:
        """Codes of the ids of an event; an id that is no id raises before any is added."""
        cdef Py_ssize_t c
        cdef bint new
        codes[0] = <int32_t>st.users.find_c(values[0])
        codes[1] = <int32_t>st.items.find_c(values[1])
        new = codes[0] < 0 or codes[1] < 0
        for c in range(2, self.n_columns):
            codes[c] = <int32_t>(<IdMap>self.maps[c - 2]).find_c(values[c])
            new = new or codes[c] < 0
        return self.name_new(st, values, codes) if add and new else 0

    cdef int name_new(self, State st, tuple values, int32_t *codes) except -1:
        """Give codes to the ids of an event that have none."""
        cdef Py_ssize_t c
        cdef bint new = False
        st.users.begin()
        st.items.begin()
        try:
            if codes[0] < 0 and values[0] is not None:
                codes[0], new = <int32_t>st.users.add_c(values[0]), True
            if codes[1] < 0 and values[1] is not None:
                codes[1], new = <int32_t>st.items.add_c(values[1]), True
            for c in range(2, self.n_columns):
                if codes[c] < 0 and values[c] is not None:
                    codes[c] = <int32_t>(<IdMap>self.maps[c - 2]).add_c(values[c])
            if new:
                st.reserve(st.users.n_rows, st.items.n_rows)
                self.count_room(codes[0], codes[1])
        except BaseException:
            st.undo()
            raise
        return 0

    cdef int append(self, State st, const int32_t *codes, double y, double t) except -1:
        """Learn an event whose ids have codes; room first."""
        cdef Py_ssize_t at, c, row
        cdef Histories h
        cdef int k = 0
        cdef Py_ssize_t found[MOST_COLUMNS]
        try:
            if self.start + self.n == self.room:
                self.allot(self.room if self.start > self.room // 2 else 2 * self.room)
            for h in self.histories:
                found[k] = h.make_room(codes)
                k += 1
        except BaseException:
            self.expire(st, st.now)              # ids that were added have no event
            raise
        at = self.start + self.n
        self.n += 1
        while at > self.start and self.time[at - 1] > t:      # a late event: what is newer moves up
            self.time[at], self.y[at] = self.time[at - 1], self.y[at - 1]
            self.codes[at, :], self.rows[at, :] = self.codes[at - 1, :], self.rows[at - 1, :]
            at -= 1
        self.time[at], self.y[at] = t, y
        for c in range(self.n_columns):
            self.codes[at, c] = codes[c]
        for c in range(at, self.start + self.n):
            self.total[c] = self.y[c] + (self.total[c - 1] if c > self.start else self.before)
        for c in range(self.n_keys):
            h = self.histories[c]
            row = found[c]
            self.rows[at, c] = <int32_t>row
            if row >= 0:
                h.append(row, t, y, codes[h.other])
        if codes[0] >= 0:
            self.users[codes[0]] += 1
        if codes[1] >= 0:
            self.items[codes[1]] += 1
        st.n_events += 1
        return 0

    cdef int expire(self, State st, double now) except -1:
        """Let go of what is older than what is retained, and of the ids that have no event left."""
        if self.n and self.time[self.start] < now - self.retain:
            self.let_go(st, now)
        return 0

    cdef int let_go(self, State st, double now) except -1:
        cdef Histories h
        cdef int k
        cdef int32_t u, i
        cdef list users = [], items = []
        while self.n and self.time[self.start] < now - self.retain:
            for k in range(self.n_keys):
                if self.rows[self.start, k] >= 0:
                    h = self.histories[k]
                    h.expire_one(self.rows[self.start, k], &self.codes[self.start, 0])
            u, i = self.codes[self.start, 0], self.codes[self.start, 1]
            if u >= 0:
                self.users[u] -= 1
                if self.users[u] == 0:
                    users.append(u)
            if i >= 0:
                self.items[i] -= 1
                if self.items[i] == 0:
                    items.append(i)
            self.before = self.total[self.start]
            self.start += 1
            self.n -= 1
        if self.n == 0:
            self.start, self.before = 0, 0
        if users:
            st.users.remove(users)
        if items:
            st.items.remove(items)
        return 0

    # -- features -----------------------------------------------------------------------------
    cdef Py_ssize_t place(self, double t) noexcept nogil:
        """The first event of the log whose time is not below t."""
        cdef Py_ssize_t low = self.start, high = self.start + self.n, mid
        while low < high:
            mid = low + (high - low) // 2
            if self.time[mid] < t:
                low = mid + 1
            else:
                high = mid
        return low

    cdef double mean_of_all(self, double since, double t) noexcept nogil:
        """Mean of all events of [since, t); 0 where there is none."""
        cdef Py_ssize_t a = self.place(since), b = self.place(t)
        if a >= b:
            return 0.0
        return (self.total[b - 1] - (self.total[a - 1] if a > self.start else self.before)) / (b - a)

    cdef int features(self, const int32_t *codes, double t, double *out) except -1:
        """The features of an event at time t, in the order of `names`."""
        cdef Histories h
        cdef SklRing *ring
        cdef Py_ssize_t row, w, s, m = self.stats.shape[0]
        cdef int32_t a, b
        cdef double value
        for h in self.histories:
            row = h.find(codes)
            ring = &h.rings[row] if row >= 0 else NULL
            b = skl_ring_place(ring, t) if ring else 0
            for w in range(self.windows.shape[0] if m else 0):
                a = skl_ring_place(ring, t - self.windows[w]) if ring else 0
                for s in range(m):
                    if self.stats[s] == COUNT:
                        value = b - a
                    elif self.stats[s] == DISTINCT:
                        value = skl_ring_distinct(ring, &ring.cursor[w], a, b) if b > a else 0
                    else:
                        value = skl_ring_sum(ring, a, b) if b > a else 0
                        if self.stats[s] == MEAN:
                            value = value / (b - a) if b > a else self.mean_of_all(t - self.windows[w], t)
                    out[0] = value
                    out += 1
            if self.takes[0]:
                value = t - ring.ev[b - 1].time if ring and b > ring.start else self.longest
                out[0] = min(value, self.longest)
                out += 1
        return 0

    # -- many events ----------------------------------------------------------------------------
    def learn(self, State st, list columns, const double[::1] y, const double[::1] t, out=None):
        """Learn events in order of time; with `out` (n, n_features), write the features of each before."""
        cdef Py_ssize_t j
        cdef double[:, ::1] X
        cdef int32_t codes[MOST_COLUMNS]
        if out is not None:
            X = out
        for j, values in enumerate(zip(*columns, strict=True)):
            if t[j] >= st.now:
                self.expire(st, t[j])
            if out is not None:
                self.codes_of(st, values, False, codes)
                self.features(codes, t[j], &X[j, 0])
            if not self.note(st, t[j]):
                continue
            self.codes_of(st, values, True, codes)
            self.append(st, codes, y[j], t[j])

    cdef bint note(self, State st, double t):
        """Whether an event is young enough to be kept; sets the clock."""
        if t >= st.now:
            st.now = t
            return True
        st.n_late += 1
        return t >= st.now - self.retain

    def ask(self, State st, list columns, const double[::1] t, const int64_t[::1] order, double[:, ::1] out):
        """Write the features of each row, as of its own time; asked in `order`, which is quick by time."""
        cdef Py_ssize_t j
        cdef int32_t codes[MOST_COLUMNS]
        for j in order:
            self.codes_of(st, tuple([column[j] for column in columns]), False, codes)
            self.features(codes, t[j], &out[j, 0])

    # -- what the state asks of a store -----------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Nothing here grows with the rows that `append` does not make."""

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """No event names a row that is taken back."""

    def vacate(self, int side, Py_ssize_t row):
        """No event names a row that has none left."""

    def drop(self, int side, rows):
        """Remove the events of these users or items; how many are left."""
        kept = self.export()
        codes = kept["codes"].reshape(-1, self.n_columns)
        stays = ~np.isin(codes[:, side], rows)
        self.restore({"codes": codes[stays].ravel(), "time": kept["time"][stays], "y": kept["y"][stays]})

    def alone(self):
        """Codes of users and of items that have no event: a pair of arrays."""
        return np.flatnonzero(np.asarray(self.users) == 0), np.flatnonzero(np.asarray(self.items) == 0)

    @property
    def nbytes(self):
        """Bytes of the log, the histories and the ids of further columns."""
        total = self.room * (24 + 4 * (self.n_columns + self.n_keys))
        total += 4 * (self.users.shape[0] + self.items.shape[0])
        return total + sum(h.nbytes for h in self.histories) + sum(m.nbytes for m in self.maps)

    def blank(self):
        """An empty log of the same kind."""
        return EventLog(self.kind)

    def export(self):
        """The events as plain arrays, oldest first; codes row by row."""
        kept = slice(self.start, self.start + self.n)
        codes, time, y = np.asarray(self.codes)[kept], np.asarray(self.time)[kept], np.asarray(self.y)[kept]
        return {"codes": codes.copy().ravel(), "time": time.copy(), "y": y.copy()}

    def restore(self, dict kept):
        """Take what `export` gave, instead of what is there."""
        cdef const int32_t[:, ::1] codes = np.ascontiguousarray(kept["codes"]).reshape(-1, self.n_columns)
        cdef const double[::1] time = np.ascontiguousarray(kept["time"])
        cdef const double[::1] y = np.ascontiguousarray(kept["y"])
        cdef State nobody = State(())
        cdef Py_ssize_t j
        self.empty()
        for j in range(codes.shape[0]):
            self.count_room(codes[j, 0], codes[j, 1])
            self.append(nobody, &codes[j, 0], y[j], time[j])
        return self

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these arrays can be events of live rows, in order of time."""
        n = len(kept["time"])
        if len(kept["y"]) != n or len(kept["codes"]) != n * self.n_columns:
            raise ValueError("its arrays are not of one length")
        if not (np.isfinite(kept["time"]).all() and np.isfinite(kept["y"]).all()):
            raise ValueError("time or y holds numbers that are not finite")
        if (np.diff(kept["time"]) < 0).any():
            raise ValueError("the events are not in order of time")
        codes = kept["codes"].reshape(n, self.n_columns)
        if (codes < -1).any():
            raise ValueError("codes holds a number below -1")
        for column, alive in ((codes[:, 0], users_alive), (codes[:, 1], items_alive)):
            if len(column) and column.max() >= len(alive):
                raise ValueError("codes names a row that is none")
            if not np.append(alive, True)[column].all():
                raise ValueError("codes names a row that is free")

    def values(self):
        """The values of each further column, in the order of their codes."""
        return [m.ids_of(np.arange(m.n_rows)).tolist() for m in self.maps]

    def take_values(self, lists):
        """Give the further columns these values; ValueError if there are fewer than the events name."""
        if len(lists) != len(self.maps):
            raise ValueError("the values are not those of as many further columns")
        self.maps = []
        for c, values in enumerate(lists):
            index = IdMap()
            index.add_objects(list(values))
            self.maps.append(index)
            used = np.asarray(self.codes)[self.start:self.start + self.n, c + 2]
            if index.n_rows != len(values) or (len(used) and used.max() >= len(values)):
                raise ValueError("the values of a further column are not those that the events name")

    def copy(self):
        """An independent log."""
        cdef EventLog new = EventLog(self.kind)
        new.restore(self.export())
        new.maps = [m.copy() for m in self.maps]
        new.bind(self.columns, self.time_key, self.y_key, self.names)
        return new

    def __reduce__(self):
        return _restored, (self.kind, self.export())


def _restored(kind, kept):
    return EventLog(kind).restore(kept)


# -- one event at a time ------------------------------------------------------------------------------
cdef EventLog log_of(object self, State st):
    if st.stale:
        self._configure_state(st)
    return st.stores["events"]


cdef double time_of(object self, State st, EventLog log, object x) except? -1.25:
    if log.time_key is None:
        return st.n_events
    value = look_up(x, log.time_key)
    if PyFloat_CheckExact(value) and isfinite(<double>value):
        return value
    if PyLong_CheckExact(value) and -2 ** 53 < value < 2 ** 53:
        return value
    return self._second(x)


cdef inline object look_up(object x, object key):
    return (<dict>x).get(key) if PyDict_CheckExact(x) else x.get(key)


cdef tuple ids_of(EventLog log, object x):
    if len(log.columns) == 2:
        return (look_up(x, log.columns[0]), look_up(x, log.columns[1]))
    return tuple([look_up(x, name) for name in log.columns])


def learn_one(self, x, y=None):
    """Learn one event: what it was, and y.

    Parameters
    ----------
    x : dict
        The event, its ids and its time under the names that the parameters give; a missing id is anonymous.
    y : number, optional
        What sums and means are of; 1 where it is None.  With ``y_col`` it is read from `x`.

    Raises
    ------
    ValueError
        If there is no time, or `y` is not finite.
    """
    cdef State st = self._state
    cdef EventLog log
    cdef double t, value = 1.0
    cdef int32_t codes[MOST_COLUMNS]
    if st is None:
        st = self._new_state(x)
    log = log_of(self, st)
    if log.y_key is not None:
        y = look_up(x, log.y_key)
    if PyFloat_CheckExact(y) and -1e100 < <double>y < 1e100:
        value = y
    elif y is not None:
        value = self._finite(y)
    t = time_of(self, st, log, x)
    values = ids_of(log, x)
    log.codes_of(st, values, False, codes)      # what is no id raises here
    if t >= st.now and log.n and log.time[log.start] < t - log.retain:
        log.let_go(st, t)
        log.codes_of(st, values, False, codes)  # an id may have gone, and its code
    if log.note(st, t):
        if min(codes[0], codes[1]) < 0 or log.n_columns > 2:
            log.codes_of(st, values, True, codes)
        log.append(st, codes, value, t)
    if self._state is None:
        self._state = st


def transform_one(self, x):
    """The features of an event, from events strictly before its time.

    Parameters
    ----------
    x : dict
        The event.  Unknown and missing ids have an empty history.

    Returns
    -------
    dict
        Name of the feature -> float.
    """
    cdef State st = self._state
    cdef EventLog log
    cdef double[128] few
    cdef int32_t codes[MOST_COLUMNS]
    cdef Py_ssize_t j
    cdef dict out
    if st is None:
        st = self._new_state(x)
    log = log_of(self, st)
    if len(log.names) > 128:
        return self._transform_wide(x)
    log.codes_of(st, ids_of(log, x), False, codes)
    log.features(codes, time_of(self, st, log, x), few)
    out = log.template.copy()
    for j, name in enumerate(log.names):
        out[name] = few[j]
    return out
