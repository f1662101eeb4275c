"""Events of a whole table: checked first, then learned; a failure leaves the model as it was."""

from __future__ import annotations

import warnings
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import check_consistent_length

from skl_increc._state._state import State
from skl_increc.base._clock import seconds_of
from skl_increc.base._frames import open_frame
from skl_increc.base._interactions import Ids, Interactions, _ids_of_series, context_of_frame, read_table
from skl_increc.base._turns import alone, install, refuse_snapshot
from skl_increc.exceptions import MissingIdsWarning

__all__ = ["fit_table", "learn_events", "learn_frame", "read_loosely", "rows_of", "single", "warn_missing"]

REMEMBERED = ("n_features_in_", "feature_names_in_")


def fit_table(model: Any, X: Any, y: Any, sample_weight: Any, *, reset: bool) -> Any:
    """The body of ``fit`` and ``partial_fit``."""
    refuse_snapshot(model)
    before = {name: model.__dict__[name] for name in REMEMBERED if name in model.__dict__}
    try:
        state = model._new_state() if reset or model._state is None else None
        events = read_table(model, X, reset=reset or "n_features_in_" not in before, learning=True)
        target = model._check_y(y, len(events))
        if len(target) != len(events):
            check_consistent_length(target, events)
        weight = model._check_weight(sample_weight, events, reset)
        passes = getattr(model, "n_epochs", 1) if reset else 1
        if state is not None:
            learn_events(model, state, events, target, weight, None, n_epochs=passes)
        if state is None or not install(model, state, replace=reset):
            with alone(model) as state:
                learn_events(model, state, events, target, weight, None)
    except BaseException:
        for name in REMEMBERED:
            model.__dict__.pop(name, None)
        model.__dict__.update(before)
        raise
    return model


def learn_events(
    model: Any,
    state: State,
    events: Interactions,
    y: np.ndarray,
    w: np.ndarray,
    t: np.ndarray | None,
    n_epochs: int = 1,
    singly: bool = False,
) -> None:
    """Learn events in order: ids to rows, room for everything, and only then the arithmetic.

    The state is one that no other thread has yet, or the caller is `alone` with it.
    ``singly``: as so many calls of ``learn_one``, also in a model whose ``partial_fit`` is one step.
    """
    events, y, w = _leave_out(model, state, events, y, w)
    time = events.time
    if time is not None:
        order = np.argsort(time, kind="stable")
        if not (time[1:] >= time[:-1]).all():
            events, y, w = events.take(order), y[order], w[order]
        t = events.time
    if t is None:
        t = np.arange(state.n_events, state.n_events + len(y), dtype=np.float64)
    n_late = 0 if time is None else int((t < state.now).sum())
    if state.window is not None or model._composed or (state.sorts and n_late):
        _learn_in_turn(model, state, events, (y, w, t), n_late)
        return
    u, i = rows_of(model, state, events, (y, w, t), singly)  # the last thing that may fail
    if time is not None and len(y):
        state.n_late += n_late
        state.now = max(state.now, float(t[-1]))
    model._record(state, u, i, y, w, t)
    (model._learn_singly if singly else model._learn)(state, u, i, y, w, t)
    if n_epochs > 1:
        model._learn_passes(state, u, i, y, w, t, n_epochs)


def _learn_in_turn(
    model: Any, state: State, events: Interactions, numbers: tuple[np.ndarray, ...], n_late: int
) -> None:
    """Learn events one after the other: each may move what the others find, push them out, or ask members.

    The room for all of them cannot be told beforehand.  So they are learned by a copy, and a failure leaves the
    model as it was; a single event, and a state that nobody else has, need none.
    """
    new = state
    if len(events) > 1 and model._state is state:
        new = state.copy_in_peace()
        model._configure_state(new)
    model._learn_in_turn(new, events, *numbers)
    new.n_late += n_late
    if new is not state:
        model._state = new


def _leave_out(
    model: Any, state: State, events: Interactions, y: np.ndarray, w: np.ndarray
) -> tuple[Interactions, np.ndarray, np.ndarray]:
    """Without the events that are none: of weight 0 or, for a recommender, of y <= 0.

    Their ids are looked up all the same, which raises for what is no id.
    """
    keep = w > 0
    if state.optional_y:
        if not model._takes_negatives:
            keep &= y > 0
        w = np.where((y >= state.min_y) | (y <= 0), w, 0.0)  # between them: seen, but not a positive
    if not keep.all():
        none = events.take(np.flatnonzero(~keep))
        none.users.find(state.users), none.items.find(state.items)
        rows = np.flatnonzero(keep)
        events, y, w = events.take(rows), y[rows], w[rows]
    return events, np.ascontiguousarray(y), np.ascontiguousarray(w)


def rows_of(
    model: Any, state: State, events: Interactions, numbers: tuple[np.ndarray, ...], singly: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of both columns, with room for all that follows; on error nothing has changed."""
    state.users.begin()
    state.items.begin()
    try:
        u, i = events.users.add(state.users), events.items.add(state.items)
        state.reserve(state.users.n_rows, state.items.n_rows)
        if state.history is not None:
            state.history.reserve_users(state.users.n_rows)
            state.history.reserve(u, i)
        state.start_rows(0, state.users.added())
        state.start_rows(1, state.items.added())
        if not singly:
            model._make_room(state, len(events))
        if events.context is not None:
            model._take_context(state, events.context)
        if state.stores:
            state.make_room(u, i, *numbers)
    except BaseException:
        state.undo()
        raise
    return u, i


def read_loosely(model: Any, frame: nw.DataFrame) -> Interactions:
    """Users and items of a frame as River's mini-batches have it: an absent column is anonymous."""
    names = list(frame.columns)
    unnamed = not any(isinstance(n, str) for n in names)

    def column(key: Any, position: int) -> Ids:
        if key in names:
            return _ids_of_series(frame[:, names.index(key)])
        if unnamed and len(names) > position:
            return _ids_of_series(frame[:, position])
        return Ids(objects=[None] * len(frame))

    events = Interactions(column(model._owner_col(), 0), column(model.item_col, 1))
    if model.time_col is not None and model.time_col in names:
        events.time = seconds_of(frame[:, names.index(model.time_col)], model.time_col)
    events.context = context_of_frame(model, frame, strict=False)
    return events


def learn_frame(model: Any, X: Any, y: Any, w: Any) -> None:
    """The body of ``learn_many``."""
    frame = open_frame(X)
    events = read_loosely(model, frame)
    if model.time_col is not None and events.time is None:
        raise ValueError(f"X has no column {model.time_col!r} (time_col). Its columns are {frame.columns}.")
    fresh = model._state is None
    if (
        fresh
        and len(frame)
        and model._owner_col() not in frame.columns
        and model.item_col not in frame.columns
    ):
        warn_missing(model, frame.columns)
    if not len(frame):
        return
    target = model._check_y(y, len(events))
    if len(target) != len(events):
        check_consistent_length(target, events)
    weight = model._check_weight(w, events, False)
    if fresh:
        state = model._new_state()
        learn_events(model, state, events, target, weight, None, singly=True)
        if install(model, state, replace=False):
            return
    with alone(model) as state:
        learn_events(model, state, events, target, weight, None, singly=True)


def warn_missing(model: Any, keys: Any) -> None:
    """Say once that the first events have no ids under the names that the model looks for."""
    warnings.warn(
        f"The first event has neither {model._owner_col()!r} nor {model.item_col!r}; its keys are {list(keys)}. "
        "Name the keys with the parameters user_col and item_col.",
        MissingIdsWarning,
        stacklevel=3,
    )


def single(value: Any) -> Ids:
    """A column of one id."""
    return Ids(objects=[value])
