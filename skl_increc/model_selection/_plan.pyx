# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which questions are asked before which event is taught: ties, warm-up, repeats, labels that come late."""
from cpython.dict cimport PyDict_GetItemWithError
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_GET_ITEM
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport int32_t, int64_t

cimport cython

import numpy as np

from skl_increc._state._tables cimport IntTable

from ._stream import is_positive

cdef enum:
    USER = 0         # places in an event
    ITEM = 1
    MOMENT = 2
    X = 3
    Y = 4
    W = 5

#: in place of y: no lesson, but a question
cdef object ASK = object()


cdef inline object part(list block, Py_ssize_t at, Py_ssize_t which):
    return <object>PyTuple_GET_ITEM(<object>PyList_GET_ITEM(block, at), which)


cdef class BlockReader:
    """Cuts a stream into short blocks; with ``together``, never between events of one moment."""

    cdef object rows, following
    cdef bint together

    def __init__(self, rows, bint together):
        self.rows = rows
        self.together = together
        self.following = next(rows, None)

    def read(self, Py_ssize_t limit):
        """Up to ``limit`` events, more where a moment holds more; empty at the end."""
        cdef list block = []
        cdef object event = self.following, rows = self.rows
        while event is not None and len(block) < limit:
            block.append(event)
            event = next(rows, None)
        if self.together and block:
            last = part(block, len(block) - 1, MOMENT)
            while last is not None and event is not None and event[MOMENT] == last:
                block.append(event)
                event = next(rows, None)
        self.following = event
        return block


@cython.final
cdef class Plan:
    """What to do with a block of events: questions and lessons, in their order.

    ``truths`` belong to the questions in their order: a rating, or a list of the items of one list.
    ``numbers`` are the events (counted from 1) of the truths, ``ages`` how many events of their users had
    been taught when the question was asked, ``item_ages`` how many of their items, ``items`` the codes of the
    items (-1 without one), all arrays. ``n_lessons`` of the steps teach; ``last`` is the x of the last event.
    """

    def __cinit__(self, last=None):
        self.xs, self.ys, self.ws = [], [], []
        self.truths = []
        self.last = last

    def __len__(self):
        """Number of questions and lessons."""
        return len(self.xs)

    cdef make_room(self, Py_ssize_t n):
        self.numbers, self.items = np.empty(n, np.int64), np.empty(n, np.int32)
        self.ages, self.item_ages = np.empty(n, np.int32), np.empty(n, np.int32)

    cdef int ask(self, object x) except -1:
        self.xs.append(x)
        self.ys.append(ASK)
        self.ws.append(None)
        return 0

    cdef int teach(self, object x, object y, object w) except -1:
        self.xs.append(x)
        self.ys.append(y)
        self.ws.append(w)
        self.n_lessons += 1
        return 0


@cython.final
cdef class Counts:
    """Whole numbers by code, 0 at first."""

    cdef int64_t *at
    cdef Py_ssize_t n, room

    def __dealloc__(self):
        PyMem_Free(self.at)

    cdef int append(self) except -1:
        cdef Py_ssize_t room
        cdef void *more
        if self.n == self.room:
            room = 2 * self.room + 64
            more = PyMem_Realloc(self.at, room * sizeof(int64_t))
            if more == NULL:
                raise MemoryError
            self.at, self.room = <int64_t *>more, room
        self.at[self.n] = 0
        self.n += 1
        return 0


cdef int64_t code_of(dict codes, object key, Counts counts) except -1:
    """The code of an id; a new one for a new id."""
    cdef PyObject *hit = PyDict_GetItemWithError(codes, key)
    if hit != NULL:
        return <object>hit
    counts.append()
    codes[key] = counts.n - 1
    return counts.n - 1


cdef bint moments_in_order(list block, int64_t[::1] begins) except -1:
    """Whether moments are numbers, all whole or none, that never fall; `begins`: the first event of each."""
    cdef Py_ssize_t at
    cdef long long whole, last_whole = 0
    cdef double real, last_real = 0
    cdef int overflow = 0
    cdef bint wholes = PyLong_CheckExact(part(block, 0, MOMENT))
    cdef object moment
    for at in range(len(block)):
        moment = part(block, at, MOMENT)
        if wholes and PyLong_CheckExact(moment):
            whole = PyLong_AsLongLongAndOverflow(moment, &overflow)
            if overflow or (at and whole < last_whole):
                return False
            begins[at] = begins[at - 1] if at and whole == last_whole else at
            last_whole = whole
        elif not wholes and PyFloat_CheckExact(moment):
            real = PyFloat_AS_DOUBLE(moment)
            if real != real or (at and real < last_real):
                return False
            begins[at] = begins[at - 1] if at and real == last_real else at
            last_real = real
        else:
            return False
    return True


cdef class Planner:
    """Turns blocks of events into plans, and remembers who had what.

    ``users`` and ``items`` are the ids met so far with their codes, in order of appearance.

    Parameters
    ----------
    task : {"rating", "binary", "ranking"}
    together : bool
        All questions of a user's moment come before its lessons.
    warmup : int
        Events that are not asked about.
    ask_repeats : bool
        Rankings: ask for what the user had, too.
    late : LateLessons or None
        The lessons that wait for their labels.
    """

    cdef readonly dict users, items
    cdef readonly Py_ssize_t n_events
    cdef readonly bint together
    cdef bint ranking, ask_repeats
    cdef Py_ssize_t warmup
    cdef object late
    cdef Counts taught_of_user, taught_of_item, home_of_user
    cdef IntTable had
    cdef Py_ssize_t n_had
    # of the block: codes, and the questions of each event in a chain
    cdef int64_t[::1] user, item, head, tail, follower, begins

    def __init__(self, str task, bint together, Py_ssize_t warmup, bint ask_repeats, late=None):
        self.ranking = task == "ranking"
        self.together, self.warmup, self.ask_repeats, self.late = together, warmup, ask_repeats, late
        self.users, self.items = {}, {}
        self.taught_of_user, self.taught_of_item, self.home_of_user = Counts(), Counts(), Counts()
        self.had = IntTable()
        self.make_room(256)

    cdef make_room(self, Py_ssize_t n):
        self.user, self.item = np.empty(n, np.int64), np.empty(n, np.int64)
        self.head, self.tail = np.empty(n, np.int64), np.empty(n, np.int64)
        self.follower, self.begins = np.empty(n, np.int64), np.empty(n, np.int64)

    def plan(self, list block):
        """Questions and lessons of a block."""
        cdef Py_ssize_t at, n_asked, number = self.n_events
        cdef object event
        cdef Plan plan = Plan(part(block, len(block) - 1, X))
        if len(block) > self.user.shape[0]:
            self.make_room(2 * len(block))
        self.note_ids(block)
        n_asked = self.chain_questions(block)
        plan.make_room(n_asked)
        cdef int64_t[::1] numbers = plan.numbers
        cdef int32_t[::1] items = plan.items, ages = plan.ages, item_ages = plan.item_ages
        cdef Py_ssize_t asked = 0, m
        cdef int64_t age
        for at in range(len(block)):
            if self.late is not None:
                for event in self.late.due(number + at + 1, part(block, at, MOMENT)):
                    self.teach_late(plan, event)
            m = self.head[at]
            if m >= 0:
                self.ask(plan, block, at)
                age = self.taught_of_user.at[self.user[at]] if self.user[at] >= 0 else 0
            while m >= 0:
                numbers[asked] = number + m + 1
                items[asked] = <int32_t>self.item[m]
                ages[asked] = <int32_t>age
                item_ages[asked] = <int32_t>(self.taught_of_item.at[self.item[m]] if self.item[m] >= 0 else 0)
                asked += 1
                m = self.follower[m]
            if self.late is None or not self.late.wait(number + at + 1, <object>PyList_GET_ITEM(block, at)):
                plan.teach(part(block, at, X), part(block, at, Y), part(block, at, W))
                self.count_lesson(self.user[at], self.item[at])
        return plan

    def rest(self):
        """The lessons that come after the end of the stream."""
        cdef Plan plan = Plan()
        plan.make_room(0)
        for event in () if self.late is None else self.late.rest():
            self.teach_late(plan, event)
        return plan

    cdef note_ids(self, list block):
        cdef Py_ssize_t at
        cdef object user, item
        for at in range(len(block)):
            user, item = part(block, at, USER), part(block, at, ITEM)
            self.user[at] = -1 if user is None else code_of(self.users, user, self.taught_of_user)
            self.item[at] = -1 if item is None else code_of(self.items, item, self.taught_of_item)
        while self.home_of_user.n < self.taught_of_user.n:
            self.home_of_user.append()

    cdef Py_ssize_t chain_questions(self, list block) except -1:
        """Put each question into the chain of the event before which it is asked; how many there are."""
        cdef Py_ssize_t at, home, n_asked = 0, before = self.n_events
        cdef bint in_order = self.together and moments_in_order(block, self.begins)
        cdef dict first_of = {}
        cdef object moment
        for at in range(len(block)):
            self.head[at] = self.follower[at] = -1
        for at in range(len(block)):
            self.n_events += 1
            home = at
            if in_order and self.user[at] >= 0:
                home = self.home_since(self.user[at], before + self.begins[at], before + at) - before
            elif self.together and self.user[at] >= 0:
                moment = part(block, at, MOMENT)
                if moment is not None:
                    home = first_of.setdefault((self.user[at], moment), at)
            if self.ranking and not self.is_asked(at, part(block, at, Y)):
                continue
            if self.n_events <= self.warmup:
                continue
            n_asked += 1
            if self.head[home] < 0:
                self.head[home] = at
            else:
                self.follower[self.tail[home]] = at
            self.tail[home] = at
        return n_asked

    cdef Py_ssize_t home_since(self, int64_t user, Py_ssize_t first, Py_ssize_t at) noexcept:
        """The user's first event (counted from 0) from `first` on; it is `at` if there was none."""
        cdef int64_t *home = &self.home_of_user.at[user]
        if home[0] <= first:            # 1 more than the event; 0: none yet
            home[0] = at + 1
        return home[0] - 1

    cdef int ask(self, Plan plan, list block, Py_ssize_t home) except -1:
        cdef Py_ssize_t m = self.head[home]
        cdef list wanted
        if not self.ranking:
            while m >= 0:
                plan.ask(part(block, m, X))
                plan.truths.append(part(block, m, Y))
                m = self.follower[m]
            return 0
        wanted = []                     # one list answers for all items of a user's moment
        while m >= 0:
            wanted.append(part(block, m, ITEM))
            m = self.follower[m]
        plan.ask(part(block, home, X))
        plan.truths.append(wanted)
        return 0

    cdef int teach_late(self, Plan plan, tuple event) except -1:
        cdef object user = event[USER], item = event[ITEM]
        plan.teach(event[X], event[Y], event[W])
        self.count_lesson(-1 if user is None else self.users[user], -1 if item is None else self.items[item])
        return 0

    cdef void count_lesson(self, int64_t user, int64_t item) noexcept:
        if user >= 0:
            self.taught_of_user.at[user] += 1
        if item >= 0:
            self.taught_of_item.at[item] += 1

    cdef bint is_asked(self, Py_ssize_t at, object y) except -1:
        """Whether a list is asked for the item; notes what the user has. Only what counts as taken is had."""
        cdef bint positive
        cdef int64_t pair
        if y is None:
            positive = True
        elif PyFloat_CheckExact(y):
            positive = PyFloat_AS_DOUBLE(y) > 0
        else:
            positive = is_positive(y, None)
        if self.user[at] < 0 or self.item[at] < 0:
            return self.item[at] >= 0 and positive
        if not positive:
            return False
        pair = (self.user[at] << 32) | self.item[at]
        if self.had.find(pair) >= 0:
            return self.ask_repeats
        self.had.reserve(self.n_had + 1)
        self.had.enter(pair, self.n_had)
        self.n_had += 1
        return True
