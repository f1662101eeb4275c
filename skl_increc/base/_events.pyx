# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, binding=True
"""One event at a time: the compiled methods behind ``learn_one`` and ``predict_one``."""
from cpython.dict cimport PyDict_CheckExact, PyDict_GetItemWithError
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from cpython.object cimport PyObject

from collections.abc import Mapping

from skl_increc._state._state cimport State


#: sums of squares of larger numbers could overflow
cdef double LARGEST = 1e100
cdef double HEAVIEST = 1e15


cdef inline object look_up(dict x, object key):
    cdef PyObject *hit = PyDict_GetItemWithError(x, key)
    return None if hit == NULL else <object>hit


cdef dict as_dict(object x):
    if PyDict_CheckExact(x):
        return x
    if isinstance(x, Mapping):
        return dict(x)
    raise TypeError(
        f"x must be a dict of an event, such as {{'user': 'Alice', 'item': 'Superman'}}; got {x!r}. "
        "River's old style learn_one(user, item, y) is learn_one(user=..., item=..., y=...) here."
    )


cdef inline double time_of(object self, State st, object x) except? -1.25:
    """Seconds of an event: at once for a number in a dict, else with all due questions."""
    cdef double v
    cdef long long whole
    cdef int overflow = 0
    if x is not None and PyDict_CheckExact(x):
        value = look_up(x, st.time_key)
        if value is not None and PyFloat_CheckExact(value):
            v = PyFloat_AS_DOUBLE(value)
            if v - v == 0:
                return v
        elif value is not None and PyLong_CheckExact(value):
            whole = PyLong_AsLongLongAndOverflow(value, &overflow)
            if not overflow:
                return <double>whole
    return self._time_of(st, x)


cdef inline double number(object y, str name) except? -1.25:
    cdef double v
    if PyFloat_CheckExact(y):
        v = PyFloat_AS_DOUBLE(y)
        if -LARGEST < v < LARGEST:
            return v
    return unusual_number(y, name)


cdef double unusual_number(object y, str name) except? -1.25:
    cdef double v
    try:
        v = y
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number; got {y!r}.") from None
    if not (v - v == 0):
        raise ValueError(f"{name} must be finite; got {y!r}. Leave the event out, or mend it.")
    if not -LARGEST < v < LARGEST:
        raise ValueError(f"{name} must be below {LARGEST:g} in size; got {y!r}. Rescale it.")
    return v


cdef int learn_whole(object self, State st, object x, object user, object item, double y, double w,
                     double t) except -1:
    """Learn an event of a model whose answers need more than who and what: so may its learning."""
    self._read_event(st, x, user, item)
    try:
        st.learn_pair(user, item, y, w, t)
    except BaseException:
        for store in st.stores.values():
            store.limit_rows(st.users.n_rows, st.items.n_rows)
        raise
    return 0


def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
    """Learn one event.

    Parameters
    ----------
    x : dict or None
        The event; the user and the item stand under ``user_col`` and ``item_col``.  A missing one is
        anonymous: the event teaches the other side alone.
    y : number or None
        The rating (rating models), or how strong the event is (recommenders; None is 1).
    w : float
        Weight of the event, at least 0; an event of weight 0 is no event.
    user, item : hashable
        The ids, instead of in `x`.

    Raises
    ------
    ValueError
        If `y` or `w` is not finite, or `w` is negative.
    TypeError
        If `x` is no dict or an id is not hashable.
    """
    cdef State st = self._state
    cdef bint fresh = st is None
    cdef double yy, ww, t
    cdef dict d
    if fresh:
        st = self._new_state()
    if st.stale:
        self._configure_state(st)
    if x is not None:
        d = as_dict(x)
        if user is None:
            user = look_up(d, st.user_key)
        if item is None:
            item = look_up(d, st.item_key)
        if user is None and item is None:
            user, item = self._ids_by_position(d, fresh)
    if y is None:
        if not st.optional_y:
            raise ValueError(f"learn_one of {type(self).__name__} needs y, the rating; got None.")
        yy = st.taken_y
    elif st.encodes_y:
        yy = self._encode_one(y)
    else:
        yy = number(y, "y")
    ww = number(w, "w")
    if not 0 < ww < HEAVIEST:
        if ww >= HEAVIEST:
            raise ValueError(f"w must be below {HEAVIEST:g}; got {w!r}. Rescale the weights.")
        if ww < 0:
            raise ValueError(f"w must be at least 0; got {w!r}.")
    if ww == 0 or (st.optional_y and yy <= 0 and not self._takes_negatives):
        # no event; but what is no id is told all the same
        st.users.find_c(user)
        st.items.find_c(item)
        return
    if st.optional_y and 0 < yy < st.min_y:
        ww = 0                           # seen, but not a positive: it teaches nothing
    while st.busy or st.learning:        # another thread learns: wait for it
        st.wait()
        if not fresh:
            st = self._state
    if st.learner is None:
        t = st.n_events if st.time_key is None else time_of(self, st, x)
        st = self._learn_one_slowly(st, fresh, user, item, yy, ww, None if st.time_key is None else t)
    else:
        st.learning = True
        try:
            t = st.n_events if st.time_key is None else time_of(self, st, x)
            if st.learner.scores_in_python:
                learn_whole(self, st, x, user, item, yy, ww, t)
            else:
                st.learn_pair(user, item, yy, ww, t)
        finally:
            st.learning = False
    if st.time_key is not None:
        if t < st.now:
            st.n_late += 1
        else:
            st.now = t
    if fresh and self.__dict__.setdefault("_state", st) is not st:
        learn_one(self, x, y, w, user=user, item=item)       # another thread was first: it counts there


def predict_one(self, x=None, *, user=None, item=None):
    """The score of one pair; the prior before any event.  The model stays as it is.

    Parameters
    ----------
    x : dict or None
        The event; the user and the item stand under ``user_col`` and ``item_col``.
    user, item : hashable
        The ids, instead of in `x`.  Unknown or missing ids are answered by what is known without them.

    Returns
    -------
    float
    """
    cdef State st = self._state
    cdef dict d
    if st is None:
        return self._prior()
    if st.stale:
        self._configure_state(st)
    if x is not None:
        d = as_dict(x)
        if user is None:
            user = look_up(d, st.user_key)
        if item is None:
            item = look_up(d, st.item_key)
        if user is None and item is None:
            user, item = self._ids_by_position(d, False)
    if st.learner is None or st.learner.scores_in_python:
        return self._score_one_slowly(st, x, user, item)
    return st.learner.score(st.users.find_c(user), st.items.find_c(item))
