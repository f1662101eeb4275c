"""Counts, sums, means, distinct counterparts and recency of what came before, by key and window."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from skl_increc._state._state import State
from skl_increc.base._frames import is_frame, names_of
from skl_increc.base._kept import Kept
from skl_increc.base._targets import TargetMixin
from skl_increc.preprocessing._log import EventLog, learn_one, transform_one
from skl_increc.preprocessing._table import StreamLog, Table, read_events
from skl_increc.preprocessing._transformer import StreamTransformer, register_transformer
from skl_increc.preprocessing._windows import (
    CATEGORY,
    STATS,
    feature_names,
    key_columns,
    plain,
    spans,
    usual_keys,
)

if TYPE_CHECKING:
    from typing import Self

__all__ = ["HistoryFeatures"]

Span = str | float | dt.timedelta | np.timedelta64
STRUCTURE = ("windows", "by", "stats", "retain", "max_events", "user_col", "item_col", "time_col", "y_col")


@register_transformer
class HistoryFeatures(StreamLog, Kept, TargetMixin, StreamTransformer):
    r"""What came before an event: features by user, by item and by pairs of columns, in windows of time.

    For an event at time :math:`t`, a key :math:`k` (its user, say) and a window of length :math:`W`, let
    :math:`H` be the events of the same key with :math:`t - W \le t_j < t`.  Then

    - count is :math:`|H|`, sum is :math:`\sum_H y_j`, and mean is sum / count;
    - distinct is how many different items (for a key without the user: users) are in :math:`H`;
    - recency, one for each key, is :math:`t` less the newest earlier time, at most the longest window.

    Where :math:`H` is empty, mean is that of all events in the window, 0 if there is none either, and the others
    are 0; recency is then the longest window.  So every feature is a finite number.

    **Nothing leaks.**  Only events of *strictly earlier* time count, in ``fit_transform`` and ``transform_one``
    too: an event does not see itself, nor others of the same time.  ``transform`` is an as-of join: each
    row gets its features as of its own time, from the events that are retained.  So ``fit_transform(X, y)`` and
    ``fit(X, y).transform(X)`` agree, on every row whose longest window is still retained.

    Parameters
    ----------
    windows : sequence of spans, default=("10d", "30d", "100d")
        At most 8, as text ("30min", "12h", "10d", "2w"), timedeltas, or seconds; events where ``time_col`` is None.
    by : sequence of str or None, default=None
        Keys: columns, or two of them joined by "+" ("user+category").  "user" and "item" are those of ``user_col``
        and ``item_col``.  None: ("user", "item"), and "user+category" where the first event, or the first table, has
        a column "category"; the names of the features stay so until ``fit``.
    stats : sequence of str, default=("count", "sum", "mean", "distinct", "recency")
        What to compute.
    retain : span, optional
        How long events are kept; by default twice the longest window.
    max_events : int, optional
        Keep at most so many events of each key, the newest.  A window then holds no more.
    user_col, item_col : str or int, default="user", "item"
        Columns of the ids.  In arrays, the first two.
    time_col : str, int or None, default="timestamp"
        Column of the time, in seconds or as datetimes.  In arrays, the third.  None: the clock counts events, the
        windows are numbers of events, and ``transform`` answers as of now.
    y_col : str or int, optional
        Column of X that sums and means are of; by default they are of the ``y`` that is given, and of 1 where
        none is.

    Attributes
    ----------
    by_ : tuple of str
        The keys in use: `by`, or what was taken for None.
    n_events_ : int
        Events that are retained.
    n_late_ : int
        Events that came with a time before the newest one; those within `retain` count all the same.

    See Also
    --------
    ModelScores : What models predict, as features.

    Notes
    -----
    **Cost**: about 4 microseconds for ``transform_one`` and ``learn_one`` of an event with 3 windows, 2 keys and all
    26 features; 2 microseconds a row for ``transform`` of a table.  The windows are exact, without buckets.
    Memory is that of the retained events: for each, 24 bytes, 4 for each column and each key, and 40 (with
    "distinct" 60 to 80) for each key, in blocks that double: 232 bytes an event on MovieLens-100K with the
    defaults.  What is older goes, and so do ids that have no event left; values of further columns stay.  An event
    that comes late is put where its time belongs, which moves what is newer; one that is older than ``retain``
    when it comes is left out, and counted in ``n_late_`` as all late ones are.

    **Guarantees**: any cutting of a stream in order of time into calls gives the same features, and any order of
    retained events too, to the rounding of sums; whole numbers and halves are exact.  ``forget`` is exact in the
    same sense.

    Examples
    --------
    >>> from skl_increc.preprocessing import HistoryFeatures
    >>> day = 86400
    >>> history = HistoryFeatures(windows=("2d", "7d"), by=("user",), stats=("count", "mean"))
    >>> for t, rating in enumerate([3, 5, 4]):
    ...     history.learn_one({"user": "ann", "item": f"film {t}", "timestamp": t * day}, rating)
    >>> history.transform_one({"user": "ann", "item": "film 9", "timestamp": 3 * day})
    {'user_count_2d': 2.0, 'user_mean_2d': 4.5, 'user_count_7d': 3.0, 'user_mean_7d': 4.0}
    """

    _optional_y = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_events": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "user_col": [str, numbers.Integral],
        "item_col": [str, numbers.Integral],
        "time_col": [None, str, numbers.Integral],
        "y_col": [None, str, numbers.Integral],
    }

    learn_one = learn_one
    transform_one = transform_one

    def __init__(
        self,
        windows: Sequence[Span] = ("10d", "30d", "100d"),
        by: Sequence[str] | None = None,
        stats: Sequence[str] = ("count", "sum", "mean", "distinct", "recency"),
        *,
        retain: Span | None = None,
        max_events: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = "timestamp",
        y_col: str | int | None = None,
    ) -> None:
        self.windows = windows
        self.by = by
        self.stats = stats
        self.retain = retain
        self.max_events = max_events
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col
        self.y_col = y_col

    # -- state ------------------------------------------------------------------------------------
    def _validate(self) -> None:
        validate_parameter_constraints(
            self._parameter_constraints, self.get_params(deep=False), caller_name=type(self).__name__
        )
        known = (*STATS, "recency")
        if isinstance(self.stats, str) or not self.stats or not set(self.stats) <= set(known):
            raise ValueError(f"stats={self.stats!r} must be a sequence of some of {known}.")
        if self.user_col == self.item_col:
            raise ValueError(
                f"user_col and item_col are both {self.item_col!r}. Users and items are two columns."
            )
        spans(self.windows, self.retain, self.time_col is not None)
        key_columns(self.by_, self.user_col, self.item_col)

    @property
    def by_(self) -> tuple:
        """The keys: those that were named, or what the first events had."""
        return self._keys_for(()) if self._state is None else self._keys_in(self._state)

    def _keys_for(self, told: Any) -> Any:
        """The keys of a model that begins with these columns."""
        taken = (self.user_col, self.item_col, self.time_col, self.y_col)
        return usual_keys(told, taken) if self.by is None else self.by

    def _keys_in(self, state: State) -> Any:
        return self._keys_for((CATEGORY,) if state.stores["events"].n_columns > 2 else ())

    def _kind(self, by: Any) -> dict[str, Any]:
        self._validate()
        lengths, kept = spans(self.windows, self.retain, self.time_col is not None)
        keys, columns = key_columns(by, self.user_col, self.item_col)
        return {
            "windows": lengths,
            "retain": kept,
            "keys": keys,
            "columns": len(columns),
            "stats": [STATS.index(stat) for stat in dict.fromkeys(self.stats) if stat in STATS],
            "recency": int("recency" in self.stats),
            "most": int(self.max_events or 0),
        }

    def _stores(self, told: Any = ()) -> dict[str, EventLog]:
        return {"events": EventLog(self._kind(self._keys_for(told)))}

    def _stores_in(self, kinds: Any) -> dict[str, EventLog]:
        wide = self._stores((CATEGORY,))
        return (
            wide if isinstance(kinds, dict) and kinds.get("events") == wide["events"].kind else self._stores()
        )

    def _new_state(self, told: Any = ()) -> State:
        """An empty state; `told` are the columns of the first events."""
        shape = {name: plain(getattr(self, name)) for name in STRUCTURE}
        state = State([], 0, {"structure": shape}, self._stores(told))
        self._configure_state(state)
        return state

    def _configure_state(self, state: State) -> None:
        """Bring a state up to date; parameters that shape it cannot change."""
        for name, value in state.meta["structure"].items():
            if plain(getattr(self, name)) != value:
                raise ValueError(
                    f"{name} was changed from {value!r} to {getattr(self, name)!r} after events had been learned; it "
                    "shapes what is stored. Call fit to begin anew, or set it back."
                )
        log = state.stores["events"]
        by = self._keys_in(state)
        _, columns = key_columns(by, self.user_col, self.item_col)
        log.bind(columns, self.time_col, self.y_col, self._names_of(by))
        if not any(len(index) for index in log.maps):  # it may come from a file or a pickle
            log.take_values(state.meta.get("values", [[]] * len(log.maps)))
        state.stale = False

    def _ready_state(self) -> State:
        state = super()._ready_state()
        if state.stores["events"].maps:  # where files and pickles look for them
            state.meta["values"] = state.stores["events"].values()
        return state

    def _check_state(self, state: State) -> None:
        """Nothing that was not checked: the log checks its arrays, and the values as it takes them."""

    def _names(self) -> list[str]:
        return self._names_of(self.by_)

    def _names_of(self, by: Any) -> list[str]:
        return feature_names(by, self.windows, tuple(dict.fromkeys(self.stats)))

    @property
    def n_late_(self) -> int:
        """Events that came with a time before the newest one; those within ``retain`` count all the same."""
        return int(self._ready_state().n_late)

    @property
    def n_events_(self) -> int:
        """Events that are retained."""
        return int(self._ready_state().stores["events"].n)

    # -- learning ---------------------------------------------------------------------------------
    def fit(self, X: Any, y: Any = None) -> Self:
        """Forget everything, then learn the events of X, in order of time.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            Frames (pandas, polars, pyarrow) by column name; arrays: user, item, time.
        y : array-like of shape (n_events,), optional
            What sums and means are of; 1 where it is None.

        Returns
        -------
        self
        """
        self._learn(X, y, reset=True)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn the events of X, in order of time, on top of what is there.

        The same parameters as ``fit``.
        """
        self._learn(X, y, reset=False)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn the events of X from nothing, and give the features of each, from what came strictly before it.

        Parameters
        ----------
        X, y
            As of ``fit``.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            float64; a frame where ``set_output`` says so.
        """
        return self._learn(X, y, reset=True, wanted=True)

    def _learn(self, X: Any, y: Any, *, reset: bool, wanted: bool = False, loosely: bool = False) -> Any:
        self._validate()
        before = {name: self.__dict__[name] for name in _MEMORY if name in self.__dict__}
        try:
            begins = reset or self._state is None
            told = names_of(X) if begins and is_frame(X) else ()
            by = self._keys_for(told) if begins else self.by_
            table = self._read(X, y, by, reset=begins, loosely=loosely)
            state = self._new_state(told) if begins else self._ready_state()
            out = np.zeros((len(table), len(self._names_of(by)))) if wanted else None
            self._learn_table(state, table, out)
        except BaseException:
            for name in _MEMORY:
                self.__dict__.pop(name, None)
            self.__dict__.update(before)
            raise
        self._state = state
        return out

    def _read(self, X: Any, y: Any, by: Any, **how: bool) -> Table:
        return read_events(self, X, y, key_columns(by, self.user_col, self.item_col)[1], **how)

    def _learn_table(self, state: State, table: Table, out: np.ndarray | None) -> None:
        time = np.arange(len(table)) + float(state.n_events) if table.time is None else table.time
        order = np.argsort(time, kind="stable")
        rows = order.tolist()
        columns = [[column[row] for row in rows] for column in table.columns]
        sorted_out = None if out is None else np.empty_like(out)
        state.stores["events"].learn(
            state, columns, table.y[order], np.ascontiguousarray(time[order]), sorted_out
        )
        if out is not None:
            out[order] = sorted_out

    def learn_many(self, X: Any, y: Any = None) -> None:
        """Learn the rows of a frame as so many calls of ``learn_one``; columns that are absent are anonymous."""
        self._learn(X, y, reset=False, loosely=True)

    # -- features ---------------------------------------------------------------------------------
    def transform(self, X: Any) -> np.ndarray:
        """The features of each row as of its own time, from the retained events strictly before it.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            As of ``fit``.

        Returns
        -------
        ndarray of shape (n_events, n_features)
            float64; a frame where ``set_output`` says so.
        """
        check_is_fitted(self)
        return self._ask(self._ready_state(), self._read(X, None, self.by_, asking=True))

    def transform_many(self, X: Any) -> Any:
        """The features of the rows of a frame, as a frame of the same library; absent columns are anonymous."""
        state = self._new_state() if self._state is None else self._ready_state()
        return self._frame_like(X, self._ask(state, self._read(X, None, self.by_, loosely=True, asking=True)))

    def _ask(self, state: State, table: Table) -> np.ndarray:
        time = np.full(len(table), float(state.n_events)) if table.time is None else table.time
        out = np.zeros((len(table), len(state.stores["events"].names)))
        order = np.argsort(time, kind="stable").astype(np.int64)
        state.stores["events"].ask(state, table.columns, np.ascontiguousarray(time, np.float64), order, out)
        return out

    def _transform_wide(self, x: dict) -> dict[str, float]:
        """``transform_one`` of more features than its room on the stack."""
        state = self._new_state(x) if self._state is None else self._ready_state()
        log = state.stores["events"]
        time = None if self.time_col is None else np.array([self._second(x)])
        table = Table([[x.get(column)] for column in log.columns], np.ones(1), time)
        return dict(zip(log.names, self._ask(state, table)[0].tolist(), strict=True))

    # -- forgetting -------------------------------------------------------------------------------
    def forget(self, *, users: Sequence | None = None, items: Sequence | None = None) -> int:
        """Become what never saw the events of these users and items.

        Parameters
        ----------
        users, items : sequence of ids
            Whose events to remove; unknown ids are passed over.

        Returns
        -------
        int
            How many retained events were removed.
        """
        state = self._ready_state()
        log, before = state.stores["events"], state.stores["events"].n
        for side, ids, index in ((0, users, state.users), (1, items, state.items)):
            rows = index.find_objects(list(ids)) if ids is not None else np.zeros(0, np.int32)
            if (rows >= 0).any():
                log.drop(side, rows[rows >= 0])
        for index, gone in zip((state.users, state.items), log.alone(), strict=True):
            index.remove([row for row in gone.tolist() if row < index.n_rows and index.kind_array[row]])
        return int(before - log.n)

    # -- copies -----------------------------------------------------------------------------------
    def __getstate__(self) -> dict[str, Any]:
        if self._state is not None:
            self._ready_state()
        return super().__getstate__()

    @property
    def _raw_memory_usage(self) -> int:
        """Bytes; River's own walk would visit every id."""
        return self.nbytes + object.__sizeof__(self)


_MEMORY = ("n_features_in_", "feature_names_in_")
