"""From frames to River's streams of events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc.base._frames import open_frame
from skl_increc.datasets._frames import shown
from skl_increc.exceptions import DatasetError

_CHUNK = 1 << 16  # rows turned into Python values at a time: bounds the memory of a long stream


def iter_events(
    frame: Any,
    *,
    user_col: str = "user",
    item_col: str = "item",
    rating_col: str | None = "rating",
    columns: Iterable[str] = (),
    target: Any = 1,
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Iterate over the rows of a frame as River's ``(x, y)`` events.

    Parameters
    ----------
    frame : pandas, polars, pyarrow or other eager frame
        One row an event, in the order in which they are to be learned. Any library that narwhals knows.
    user_col, item_col : str, default="user", "item"
        Columns of the ids. ``x`` has them under the same names, so that a model which is set for this frame
        takes its events too.
    rating_col : str, default="rating"
        Column of ``y``. None: every event has ``target`` as its ``y``.
    columns : iterable of str, default=()
        Further columns to keep in ``x``.
    target : object, default=1
        The ``y`` of events without a rating. 1 counts as positive to every model. River's
        ``progressive_val_score`` takes None for a question without an answer.

    Yields
    ------
    x : dict
        Python values (never numpy scalars) by column name; a missing value is None.
    y : object
        The rating, or ``target``.

    Raises
    ------
    TypeError
        If ``frame`` is no eager frame.
    DatasetError
        If a column is absent, or a rating is missing. Both are raised by the call, before the first event.

    Examples
    --------
    >>> from skl_increc.datasets import iter_events, make_interactions
    >>> for x, y in iter_events(make_interactions(2, rating_step=1.0)):
    ...     print(sorted(x), y)
    ['item', 'user'] 5.0
    ['item', 'user'] 3.0
    """
    try:
        table: nw.DataFrame[Any] = open_frame(frame, "frame")
    except TypeError:
        raise TypeError(
            f"iter_events reads an eager frame (pandas, polars, pyarrow), but got {type(frame).__name__!r}; "
            "collect a lazy frame first, and give an array column names."
        ) from None
    names = list(dict.fromkeys([user_col, item_col, *_as_names(columns)]))
    _check_columns(table, names if rating_col is None else [*names, rating_col])
    if rating_col is None:
        return _events(table.select(names), names, None, target)
    missing = _missing(table[rating_col])
    if missing.any():
        raise DatasetError(
            f"{int(missing.sum())} ratings in column {rating_col!r} are missing, the first in row "
            f"{int(missing.argmax())} (counted from 0): drop these rows."
        )
    return _events(table.select(list(dict.fromkeys([*names, rating_col]))), names, rating_col, target)


def _as_names(columns: Iterable[str]) -> list[str]:
    # a lone name would be taken apart into its letters
    return [columns] if isinstance(columns, str) else list(columns)


def _check_columns(table: nw.DataFrame[Any], names: list[str]) -> None:
    for name in names:
        if name not in table.columns:
            raise DatasetError(
                f"The frame has no column {name!r}; it has {shown(table.columns)}. Name the columns with "
                "user_col=, item_col=, columns= and rating_col= (None for events without ratings)."
            )


def _missing(column: nw.Series[Any]) -> np.ndarray:
    missing = column.is_null()
    if column.dtype.is_float():
        missing = missing | column.is_nan()
    return missing.fill_null(True).to_numpy().astype(bool)


def _values(column: nw.Series[Any]) -> list[Any]:
    """Python values of a column, None where one is missing."""
    values = column.to_list()
    if column.dtype == nw.Object:  # such a column holds whatever was put into it
        values = [value.item() if isinstance(value, np.generic) else value for value in values]
    missing = _missing(column)
    for row in np.flatnonzero(missing):
        values[row] = None
    return values


def _events(
    table: nw.DataFrame[Any], names: list[str], rating_col: str | None, target: Any
) -> Iterator[tuple[dict[str, Any], Any]]:
    for start in range(0, len(table), _CHUNK):
        chunk = table[start : start + _CHUNK]
        lists = [_values(chunk[name]) for name in names]
        ratings = [target] * len(chunk) if rating_col is None else _values(chunk[rating_col])
        if len(names) == 2:  # the usual case, worth its own loop
            user_col, item_col = names
            for user, item, y in zip(*lists, ratings, strict=True):
                yield {user_col: user, item_col: item}, y
        else:
            for *row, y in zip(*lists, ratings, strict=True):
                yield dict(zip(names, row, strict=True)), y
