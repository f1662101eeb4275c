"""The parameter ``window``: how far back a model that can take events out again reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from skl_increc._state._state import State
from skl_increc._state._window import Window
from skl_increc.base._clock import is_span_of_time, span_in_seconds
from skl_increc.base._guarantees import Guarantees

__all__ = ["check_counts", "check_window", "window_span", "window_store", "within_window"]


def window_span(model: Any) -> float:
    """The window of a model in seconds, with ``time_col``, or in events; 0 for None."""
    window = model.window
    if window is None:
        return 0.0
    if is_span_of_time(window) and model.time_col is None:
        raise ValueError(
            f"window={window!r} is a span of time, but there is no time_col: name the column of the time, or give a "
            "number of events."
        )
    span = span_in_seconds(window)
    if not 0 < span < np.inf:
        raise ValueError(f"window must be a positive, finite span; got {window!r}.")
    if model.time_col is None and span != np.floor(span):
        raise ValueError(
            f"window={window!r} counts events, because there is no time_col: give a whole number, or name the column "
            "of the time."
        )
    return span


def check_window(model: Any, *, history: int | None) -> None:
    """Raise ValueError where a window does not go with other parameters.

    ``history`` is the largest bound of the history that goes with it, beside None: 0, or None for none.
    """
    if model.window is None:
        return
    window_span(model)
    if getattr(model, "half_life", None) is not None:
        raise ValueError(
            f"window={model.window!r} and half_life={model.half_life!r} both let the past go, and what has faded "
            "cannot be taken out exactly. Set one of them to None."
        )
    if model.history is not None and model.history != history:
        raise ValueError(
            f"history={model.history} drops events that the window still holds, so that they could not be taken out "
            f"later. Set history=None: window={model.window!r} bounds what is kept."
        )


def window_store(model: Any) -> dict[str, Window]:
    """The store of the events in the window; none without one."""
    return {} if model.window is None else {"window": Window(window_span(model), model.time_col is not None)}


def check_counts(state: State) -> None:
    """Raise ValueError unless the counts of events in a file are those of its window."""
    if state.window is None:
        return
    kept = state.window.export()
    for side, part, rows in (("user", "who", state.user_rows), ("item", "what", state.item_rows)):
        counts = np.bincount(kept[part][kept[part] >= 0], minlength=rows.used)
        if not np.array_equal(counts, rows.view("events")):
            raise ValueError(f"the events of each {side} are not those of the window")
    if state.scalar("events")[0] != state.window.n:
        raise ValueError("the number of events is not that of the window")


def within_window(model: Any, promise: Guarantees) -> Guarantees:
    """What is left of a promise by the window: which events are the last n depends on the order of all."""
    if model.window is None or model.time_col is not None:
        return promise
    why = f"with window={model.window!r} and no time_col, which events are held depends on the order of all"
    return replace(promise, O="no", M="no", why=f"{promise.why}; {why}" if promise.why else why)
