# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The state of a model: two id maps, the rows of its fields, histories, and a clock."""
from libc.math cimport INFINITY
from libc.stdint cimport int32_t

import threading
import time

import numpy as np

from skl_increc._kernels._learner cimport Learner
from skl_increc._state._history cimport History
from skl_increc._state._idmap cimport IdMap
from skl_increc._state._journal cimport Journal
from skl_increc._state._window cimport Window

from skl_increc._state.fields import Rows
from skl_increc._state.memory import aligned_empty

cdef enum:
    MOST_PAIR_FIELDS = 8

#: what a snapshot says to whoever would teach it
FROZEN = ("This model is a snapshot, which never learns. Learn with the original, or go on with "
          "copy.deepcopy of it.")


cdef class State:
    """Everything that a model has learned, declared as fields.

    Parameters
    ----------
    fields : sequence of Field
    history : int or None
        0 keeps no record of who had what; None keeps all; n keeps the last n items of each user.
    meta : dict
        Small JSON-able facts that belong to the state: the seed drawn, the structural parameters.
    stores : dict, optional
        Name -> empty container with rows of users or items, which the model's learner fills: a `Journal`
        of events, `Links` between items.
    """

    def __init__(self, fields, history=None, meta=None, stores=None):
        self.fields = tuple(fields)
        self.meta = dict(meta or {})
        self.users, self.items = IdMap(), IdMap()
        self.user_rows = Rows([f for f in self.fields if f.side == "user"])
        self.item_rows = Rows([f for f in self.fields if f.side == "item"])
        self.n_pair = sum(f.side == "pair" for f in self.fields)
        if self.n_pair > MOST_PAIR_FIELDS:
            raise ValueError(f"a model has at most {MOST_PAIR_FIELDS} pair fields; got {self.n_pair}")
        n_sums = sum(f.side == "pair" and f.merge != "max" for f in self.fields)
        self.history = None if history == 0 else History(self.n_pair, history or 0, n_sums)
        self.take_stores(stores or {})
        self.scalar_at, at = {}, 0
        for f in self.fields:
            if f.side == "scalar":
                self.scalar_at[f.name] = slice(at, at + f.width)
                at += f.width
        self.scalars = aligned_empty((max(at, 1),), np.float64)
        self.scalars[:] = 0
        self.lock = threading.RLock()
        self.now = -INFINITY
        self.stale = True
        self.rebind()

    def take_stores(self, stores):
        """Work with these containers from now on."""
        self.stores = dict(stores)
        self.window = self.stores.get("window")
        self.sorts = any(getattr(store, "order", -1) >= 0 for store in self.stores.values())

    def scalar(self, name):
        """The numbers of a scalar field: a view, float64 (width,)."""
        return self.scalars[self.scalar_at[name]]

    def attach(self, learner):
        """Let a compiled learner work on the arrays of this state."""
        self.learner = learner
        self.rebind()

    def rebind(self):
        """Hand the arrays to the learner again after they moved; only then are ids of new rows found."""
        if self.learner is not None:
            self.learner.bind(self.user_rows.arrays, self.item_rows.arrays, self.scalars)
            self.learner.attach_pairs(self.history)
            self.learner.attach_stores(self.stores)
        if self.window is not None:
            self.user_events = self.user_rows.arrays["events"]
            self.item_events = self.item_rows.arrays["events"]
        self.user_room, self.item_room = self.user_rows.capacity, self.item_rows.capacity
        self.users.room, self.items.room = self.user_room, self.item_room

    # -- who may write ------------------------------------------------------------------------
    def wait(self):
        """Let another thread, which is learning, go on; a snapshot refuses."""
        if self.frozen:
            raise RuntimeError(FROZEN)
        with self.lock:
            time.sleep(0)

    def settle(self):
        """Return when no event is half learned; `busy` is set, so that none begins, and the lock is held."""
        while self.learning:
            time.sleep(0)

    def freeze(self):
        """Never learn again."""
        self.frozen = self.busy = True
        return self

    # -- rows ---------------------------------------------------------------------------------
    def reserve(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Room for so many rows on each side; the learner is told of arrays that moved."""
        try:
            self.user_rows.reserve(n_users)
            self.item_rows.reserve(n_items)
            for store in self.stores.values():
                store.reserve_rows(n_users, n_items)
        finally:
            self.rebind()

    def start_rows(self, int side, rows):
        """Give new rows, which are zero, their start values."""
        table = self.user_rows if side == 0 else self.item_rows
        cdef IdMap ids = self.users if side == 0 else self.items
        cdef const int32_t[::1] which = np.asarray(rows, dtype=np.int32)
        cdef Py_ssize_t j
        table.used = ids.n_rows
        if self.learner is not None:
            for j in range(which.shape[0]):
                self.learner.start(side, which[j], ids.hash_of(which[j]))

    def drop_rows(self, int side, rows):
        """Remove the ids of these rows, and with them all that the rows hold."""
        if self.learner is not None and len(rows):
            self.learner.drop(side, rows)
        (self.user_rows if side == 0 else self.item_rows).clear(rows)
        for store in self.stores.values():
            store.drop(side, rows)
        (self.users if side == 0 else self.items).remove(rows)

    cdef int new_rows(self, Py_ssize_t u, Py_ssize_t i, bint new_u, bint new_i) except -1:
        if u >= self.user_room or i >= self.item_room or self.stores:
            self.reserve(self.users.rows, self.items.rows)
        if new_u:
            self.user_rows.used = self.users.rows
            if self.learner is not None:
                self.learner.start(0, u, self.users.hash_of(u))
        if new_i:
            self.item_rows.used = self.items.rows
            if self.learner is not None:
                self.learner.start(1, i, self.items.hash_of(i))
        return 0

    # -- one event ----------------------------------------------------------------------------
    cdef int learn_pair(self, object user, object item, double y, double w, double t) except -1:
        """One event through the compiled learner.  On error nothing has changed."""
        cdef Py_ssize_t u, i
        cdef bint new_u = False, new_i = False
        cdef int32_t cu, ci
        cdef double pair[MOST_PAIR_FIELDS]
        u = self.users.find_c(user)          # both ids are read before either may get a row
        if u >= 0 and self.history is not None:
            self.history.prefetch_head(u)
        i = self.items.find_c(item)
        if self.window is not None and self.window.too_late(t, self.now):
            self.n_events += 1               # it came, and is gone already
            return 0
        if u < 0 or i < 0:
            self.users.begin()
            self.items.begin()
            try:
                if u < 0:
                    u = self.users.add_c(user)
                    new_u = u >= 0
                if i < 0:
                    i = self.items.add_c(item)
                    new_i = i >= 0
                if new_u or new_i:
                    self.new_rows(u, i, new_u, new_i)
                if new_u and self.history is not None:
                    self.history.reserve_users(u + 1)
            except BaseException:
                self.undo()
                raise
        cu, ci = <int32_t>u, <int32_t>i
        if self.stores or (self.history is not None and u >= 0 and i >= 0):
            try:
                if self.window is not None:
                    self.window.make_room()
                self.learner.make_room(&cu, &ci, &y, &w, &t, 1)
                # where y is optional, y <= 0 is no record of who had what
                if self.history is not None and u >= 0 and i >= 0 and (y > 0 or not self.optional_y):
                    if self.n_pair:
                        self.learner.pair(y, w, t, pair)
                    self.history.append_c(u, ci, pair)
            except BaseException:
                if new_u or new_i:
                    self.undo()
                raise
        self.learner.learn(&cu, &ci, &y, &w, &t, 1)
        self.n_events += 1
        if self.window is not None:
            self.window.push(cu, ci, w, t)
            if self.window.timed:
                self.now = max(self.now, t)
            self.expire()
        return 0

    cdef int expire(self) except -1:
        """Take out the events that have left the window, oldest first, and the rows that they leave empty."""
        cdef Window window = self.window
        cdef double pair[MOST_PAIR_FIELDS]
        cdef double w, t
        cdef int32_t u, i
        while window.due(self.now):
            u, i = window.who[window.start], window.what[window.start]
            w, t = window.weight[window.start], window.time[window.start] if window.timed else 0
            self.learner.unlearn(u, i, w, t)
            if self.history is not None and u >= 0 and i >= 0:
                self.learner.pair(1, w, t, pair)
                self.history.take_back(u, i, pair)
            window.pop()
            if u >= 0 and self.user_events[u, 0] == 0:
                self.vacate(0, u)
            if i >= 0 and self.item_events[i, 0] == 0:
                self.vacate(1, i)
        return 0

    cdef int vacate(self, int side, Py_ssize_t row) except -1:
        """Remove an id that has no event left; its row is free."""
        cdef IdMap ids = self.users if side == 0 else self.items
        for array in (self.user_rows if side == 0 else self.item_rows).arrays.values():
            array[row] = 0                   # whatever rounding left
        for store in self.stores.values():
            store.vacate(side, row)
        ids.drop_row(row)
        ids.free.append(row)
        ids.logged = 0
        return 0

    def let_go(self):
        """Take out the events that have left the window, after the clock moved."""
        self.expire()

    def learn_in_turn(self, list users, list items, const double[::1] y, const double[::1] w,
                      const double[::1] t):
        """Events one after the other, each learned, and out of the window what it pushes out."""
        cdef Py_ssize_t j
        for j in range(y.shape[0]):
            self.learn_pair(users[j], items[j], y[j], w[j], t[j])
            if self.time_key is not None:
                self.now = max(self.now, t[j])

    @property
    def held(self):
        """Events that the state is made of: all that came, or those in the window."""
        return self.n_events if self.window is None else self.window.n

    def undo(self):
        """Take back the ids added since `begin`; asks for no memory, whose want may be the reason."""
        self.wipe_added(self.user_rows, self.users)
        self.wipe_added(self.item_rows, self.items)
        self.users.rollback()
        self.items.rollback()
        self.user_rows.used, self.item_rows.used = self.users.n_rows, self.items.n_rows
        if self.history is not None:
            self.history.limit_users(self.users.n_rows)
        for store in self.stores.values():
            store.limit_rows(self.users.n_rows, self.items.n_rows)

    cdef int wipe_added(self, object rows, IdMap ids) except -1:
        cdef Py_ssize_t j, row, room = rows.capacity
        for j in range(ids.logged):
            row = ~ids.log[j] if ids.log[j] < 0 else ids.log[j]
            if row < room:
                for array in rows.arrays.values():
                    array[row] = 0
        return 0

    # -- many events --------------------------------------------------------------------------
    def record(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
               const double[::1] w, const double[::1] t):
        """Note who had what, for events whose rows exist; `History.reserve` has made the room."""
        cdef Py_ssize_t n = u.shape[0]
        self.n_events += n
        if n and self.history is not None:
            self.history.record(u, i, self.learner, &y[0], &w[0], &t[0], NULL)

    def learn(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
              const double[::1] w, const double[::1] t):
        """Let the compiled learner see these events; without the GIL."""
        cdef Py_ssize_t n = u.shape[0]
        cdef Learner learner = self.learner
        if n:
            with nogil:
                learner.learn(&u[0], &i[0], &y[0], &w[0], &t[0], n)

    def make_room(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y, const double[::1] w,
                  const double[::1] t):
        """Let the compiled learner ask for the memory that `learn` takes; it fails here or not at all."""
        if u.shape[0] and self.learner is not None:
            self.learner.make_room(&u[0], &i[0], &y[0], &w[0], &t[0], u.shape[0])

    @property
    def seen(self):
        """What knows who had what: the history, or a journal of events by user; or None."""
        return self.stores.get("journal") if self.history is None else self.history

    cdef Py_ssize_t had_by(self, Py_ssize_t u, const int32_t **items) except -1:
        """Point at the item rows that `seen` has of a user row; how many there are, repeats included."""
        cdef Journal journal
        cdef const double *_values
        cdef Py_ssize_t n
        if self.history is not None:
            return self.history.pairs_of(u, 0, items, &_values)
        if "journal" not in self.stores:
            return 0
        journal = self.stores["journal"]
        n = journal.length_of(u)
        if n:
            items[0] = journal.others(u)
        return n

    def add_clock(self, State other):
        """Count the events of another state too; the clock is the later one."""
        self.n_events += other.n_events
        self.n_late += other.n_late
        self.now = max(self.now, other.now)

    def reset_clock(self, double now):
        """After events were removed: the newest time that is left."""
        self.now = now

    def set_events(self, long long n):
        """After events were removed: how many are left."""
        self.n_events = n

    # -- copies and files -----------------------------------------------------------------------
    def export(self):
        """Everything as plain dictionaries and arrays: what a pickle or a file keeps."""
        return {
            "fields": [(f.name, f.side, f.width, f.dtype, f.pad, f.merge) for f in self.fields],
            "meta": dict(self.meta),
            "users": self.users.export(), "items": self.items.export(),
            "user_rows": self.user_rows.export(), "item_rows": self.item_rows.export(),
            "scalars": self.scalars.copy(),
            "history": None if self.history is None else self.history.export(),
            "stores": {name: store.export() for name, store in self.stores.items()},
            "clock": {"n_events": self.n_events, "n_late": self.n_late, "now": self.now},
        }

    def restore(self, dict kept):
        """Take what `export` gave; the fields must be the same."""
        mine = [(f.name, f.side, f.width, f.dtype, f.pad, f.merge) for f in self.fields]
        if [tuple(f) for f in kept["fields"]] != mine:
            raise ValueError(f"the fields of the saved state, {kept['fields']}, are not those of this "
                             f"version, {mine}")
        self.meta = dict(kept["meta"])
        self.users, self.items = IdMap.restore(kept["users"]), IdMap.restore(kept["items"])
        self.user_rows.restore(kept["user_rows"])
        self.item_rows.restore(kept["item_rows"])
        self.take_stores({name: store.blank().restore(kept["stores"][name])
                          for name, store in self.stores.items()})
        self.reserve(self.users.n_rows, self.items.n_rows)      # a side may have no field
        self.user_rows.used, self.item_rows.used = self.users.n_rows, self.items.n_rows
        self.scalars[:] = kept["scalars"]
        self.history = None if kept["history"] is None else History.restore(kept["history"])
        clock = kept["clock"]
        self.n_events, self.n_late, self.now = clock["n_events"], clock["n_late"], clock["now"]
        self.stale = True
        return self

    def copy(self):
        """An independent state without a learner: one copy of the memory."""
        stores = {name: store.copy() for name, store in self.stores.items()}
        cdef State s = State(self.fields, 0, self.meta, stores)
        s.users, s.items = self.users.copy(), self.items.copy()
        s.user_rows, s.item_rows = self.user_rows.copy(), self.item_rows.copy()
        s.scalars[:] = self.scalars
        s.history = None if self.history is None else self.history.copy()
        s.n_events, s.n_late, s.now = self.n_events, self.n_late, self.now
        s.user_key, s.item_key, s.time_key = self.user_key, self.item_key, self.time_key
        s.optional_y, s.min_y, s.taken_y = self.optional_y, self.min_y, self.taken_y
        s.rebind()
        return s

    def copy_in_peace(self):
        """`copy`, between two events, whatever other threads learn meanwhile."""
        with self.lock:
            before, self.busy = self.busy, True      # a snapshot is busy for ever
            try:
                self.settle()
                return self.copy()
            finally:
                self.busy = before

    def __deepcopy__(self, memo):
        # the ids are shared: an object of a user's own that is equal to itself alone stays that id
        return self.copy()

    @property
    def nbytes(self):
        """Bytes of ids, rows, histories and scalars."""
        total = self.users.nbytes + self.items.nbytes + self.user_rows.nbytes + self.item_rows.nbytes
        total += sum(store.nbytes for store in self.stores.values())
        return total + self.scalars.nbytes + (0 if self.history is None else self.history.nbytes)

    def __reduce__(self):
        blanks = {name: store.blank() for name, store in self.stores.items()}
        return _restore, (self.fields, self.export(), blanks)


def _restore(fields, kept, stores):
    history = kept["history"]
    window = 0 if history is None else (history["window"] or None)
    return State(fields, window, kept["meta"], stores).restore(kept)
