"""Frames and River streams, read as one kind of event."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc._state.ids import canonical
from skl_increc.base._frames import open_frame
from skl_increc.exceptions import DatasetError

from ._rows import rows_of
from ._stream import split_event

__all__ = ["Columns", "Event", "Events", "open_events", "values_of"]

#: user, item (canonical; None if missing), moment (None: alone), x, y, w (None: 1)
Event = tuple[Any, Any, Any, dict[Any, Any], Any, Any]

_ROWS_AT_ONCE = 8192  # of a frame
_EVENTS_AT_ONCE = 256  # few, so that they stay in the processor's caches


@dataclass(frozen=True)
class Columns:
    """Names under which an event holds its parts; ``rating`` and ``time`` may be None."""

    user: Hashable
    item: Hashable
    rating: Hashable | None
    time: Hashable | None


@dataclass
class Events:
    """A stream of events, its length where it is known, and the library of the frame it came from.

    ``ticks`` are the units of a moment in a second.
    """

    rows: Iterator[Event]
    total: int | None
    backend: str | None = None
    ticks: float = 1.0


def open_events(data: Any, columns: Columns, *, needs_y: bool, min_y: float | None) -> Events:
    """Read a frame or an iterable of River events; events with y below ``min_y`` are left out.

    Raises
    ------
    TypeError
        For what is neither.
    DatasetError
        For missing columns, no rows, and ratings that are missing or not finite.
    """
    frame = open_frame(data, "data", pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError("data is a lazy frame: collect() it first.")
    if isinstance(frame, nw.DataFrame):
        return _open_frame(frame, columns, needs_y, min_y)
    if isinstance(data, (str, bytes, Mapping)) or hasattr(data, "__array__") or not _is_iterable(data):
        raise TypeError(
            "data must be a frame (pandas, polars, pyarrow, ...) or an iterable of (x, y) events; "
            f"got a {type(data).__name__}."
        )
    total = len(data) if hasattr(data, "__len__") else getattr(data, "n_samples", None)
    return Events(_iterate(data, columns, needs_y, min_y), total)


def _is_iterable(data: Any) -> bool:
    return hasattr(data, "__iter__") or hasattr(data, "__getitem__")


# -- iterables -----------------------------------------------------------------------------------------------


def _iterate(data: Iterable[Any], columns: Columns, needs_y: bool, min_y: float | None) -> Iterator[Event]:
    user_col, item_col, time_col = columns.user, columns.item, columns.time
    for number, event in enumerate(data, 1):
        x, y, w = split_event(event, user_col, item_col)
        if number == 1:
            _check_first(x, columns)
        if y is None:
            if needs_y:
                raise DatasetError(f"Event {number} has no y: the rating task needs one in every event.")
        elif not _is_finite(y):
            raise DatasetError(f"Event {number} has y = {y!r}: leave it out, or give it a finite number.")
        elif min_y is not None and y < min_y:
            continue
        moment = None if time_col is None else x.get(time_col)
        yield canonical(x.get(user_col)), canonical(x.get(item_col)), moment, x, y, w


def _is_finite(y: Any) -> bool:
    try:
        return math.isfinite(y)
    except (TypeError, ValueError):
        return False


def _check_first(x: dict[Any, Any], columns: Columns) -> None:
    if columns.user not in x and columns.item not in x:
        raise DatasetError(
            f"The first event has neither {columns.user!r} nor {columns.item!r}; it has {list(x)}. "
            "Say user_col=... and item_col=... to name its ids."
        )
    if columns.time is not None and columns.time not in x:
        raise DatasetError(
            f"The first event has no {columns.time!r}; it has {list(x)}. Say time_col=... to name its time."
        )


# -- frames --------------------------------------------------------------------------------------------------


def _open_frame(frame: Any, columns: Columns, needs_y: bool, min_y: float | None) -> Events:
    for role in ("user", "item", "time", "rating"):
        name = getattr(columns, role)
        if name is not None and name not in frame.columns:
            cure = f"Say {role}_col=... to name the {role} column"
            if role == "rating" and not needs_y:
                cure += ", or rating_col=None if every row is a positive"
            raise DatasetError(f"data has no column {name!r}; it has {list(frame.columns)}. {cure}.")
    if needs_y and columns.rating is None:
        raise DatasetError("The rating task needs a rating_col.")
    if not len(frame):
        raise DatasetError("data has no rows: there is nothing to predict.")
    ratings = None if columns.rating is None else _ratings(frame, columns.rating)
    order = _time_order(frame, columns.time) if columns.time is not None else None
    if ratings is not None and min_y is not None:
        order = np.arange(len(frame)) if order is None else order
        order = order[ratings[order] >= min_y]
        if not order.size:
            raise DatasetError(f"No row has a rating of {min_y!r} (min_y) or more.")
    if order is not None:
        frame = frame[order]
        ratings = None if ratings is None else ratings[order]
    ticks = 1e6 if columns.time is not None and frame[columns.time].dtype == nw.Datetime else 1.0
    return Events(
        chain.from_iterable(_rows(frame, columns, ratings)), len(frame), frame.implementation.value, ticks
    )


def _ratings(frame: Any, name: Hashable) -> np.ndarray:
    series = frame[name]
    if not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
        raise DatasetError(f"The rating column {name!r} holds {series.dtype}, not numbers: convert it first.")
    values = np.asarray(series.cast(nw.Float64).to_numpy(), dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise DatasetError(
            f"The rating column {name!r} has {bad.size} missing or infinite values, the first in row {bad[0]} "
            "(from 0): drop these rows."
        )
    return values


def _moments(frame: Any, name: Hashable) -> np.ndarray:
    series = frame[name]
    if series.dtype == nw.Datetime:  # a time zone would give an array of objects
        series = series.dt.timestamp("us")
    return series.to_numpy()


def _time_order(frame: Any, name: Hashable) -> np.ndarray | None:
    """Stable order by time; None where the rows stand in it."""
    series = frame[name]
    if not (series.dtype.is_numeric() or series.dtype.is_temporal()):
        raise DatasetError(
            f"The time column {name!r} holds {series.dtype}: convert it to numbers (seconds) or datetimes."
        )
    missing = int(series.is_null().sum())
    if missing:
        raise DatasetError(f"The time column {name!r} has {missing} missing values: drop these rows.")
    times = _moments(frame, name)
    if times.dtype.kind == "f" and np.isnan(times).any():
        raise DatasetError(
            f"The time column {name!r} has {int(np.isnan(times).sum())} missing values: drop these rows."
        )
    if (times[1:] >= times[:-1]).all():
        return None
    return np.argsort(times, kind="stable")


def _rows(frame: Any, columns: Columns, ratings: np.ndarray | None) -> Iterator[list[Event]]:
    names = [name for name in frame.columns if name != columns.rating]
    user_at, item_at = names.index(columns.user), names.index(columns.item)
    for start in range(0, len(frame), _ROWS_AT_ONCE):
        part = frame[start : start + _ROWS_AT_ONCE]
        moments = None if columns.time is None else _moments(part, columns.time).tolist()
        values = None if ratings is None else ratings[start : start + _ROWS_AT_ONCE].tolist()
        cells = [values_of(part[name]) for name in names]
        for row in range(0, len(part), _EVENTS_AT_ONCE):
            stop = min(row + _EVENTS_AT_ONCE, len(part))
            yield rows_of(names, cells, row, stop, user_at, item_at, moments, values, None)


def values_of(series: Any) -> list[Any]:
    """Python values; None for the missing, in whatever way the library marks them."""
    values = series.to_list()
    if series.null_count():
        values = [None if gone else v for v, gone in zip(values, series.is_null().to_list(), strict=True)]
    return values
