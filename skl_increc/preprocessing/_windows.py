"""What the parameters of HistoryFeatures ask for, checked."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from skl_increc.base._clock import is_span_of_time, span_in_seconds, span_of_text

__all__ = ["CATEGORY", "STATS", "feature_names", "key_columns", "plain", "spans", "usual_keys"]

CATEGORY = "category"  # the column that counts for users beside items, where no keys are named

#: as the compiled log counts them; recency is of a key and not of a window
STATS = ("count", "sum", "mean", "distinct")
MOST_WINDOWS, MOST_COLUMNS = 8, 16


def spans(windows: Any, retain: Any, timed: bool) -> tuple[list[float], float]:
    """Lengths of the windows, and of what is retained, in seconds or events.

    Raises
    ------
    ValueError
        If there is none, or one of them is no positive span, or longer than what is retained.
    """
    if isinstance(windows, str) or not isinstance(windows, Sequence) or not 0 < len(windows) <= MOST_WINDOWS:
        raise ValueError(
            f"windows={windows!r} must be a sequence of 1 to {MOST_WINDOWS} spans, as in ('10d', '30d')."
        )
    lengths = [_span(window, "windows", timed) for window in windows]
    if len(set(lengths)) < len(lengths):
        raise ValueError(f"windows={windows!r} has the same length twice.")
    kept = 2 * max(lengths) if retain is None else _span(retain, "retain", timed)
    if kept < max(lengths):
        raise ValueError(
            f"retain={retain!r} is shorter than the longest of windows={windows!r}: what has gone cannot be counted."
        )
    return lengths, kept


def _span(span: Any, name: str, timed: bool) -> float:
    if not timed and (isinstance(span, str) or is_span_of_time(span)):
        raise ValueError(
            f"{name} has the span of time {span!r}, but time_col is None, so that the clock counts events: name the "
            "column of the time, or give numbers of events."
        )
    try:
        length = span_of_text(span, name) if isinstance(span, str) else span_in_seconds(span)
    except TypeError:
        length = np.nan
    if not 0 < length < np.inf:
        raise ValueError(
            f"{name} must be of positive, finite spans, as '10d', a timedelta, or seconds; got {span!r}."
        )
    return length


def key_columns(by: Any, user_col: Any, item_col: Any) -> tuple[list[list[int]], list[Any]]:
    """Which columns make each key, as places, and the columns; users are the first, items the second.

    Raises
    ------
    ValueError
        If there is no key, or one of more than two columns.
    """
    if isinstance(by, str) or not isinstance(by, Sequence) or not by:
        raise ValueError(
            f"by={by!r} must be a sequence of columns, or of two joined by '+', as in ('user', 'user+shop')."
        )
    columns, keys = [user_col, item_col], []
    known = {"user": user_col, "item": item_col}
    for key in by:
        parts = [part.strip() for part in key.split("+")] if isinstance(key, str) else [key]
        if not 1 <= len(parts) <= 2 or "" in parts or len(set(parts)) < len(parts):
            raise ValueError(f"by has {key!r}, which is not one column, or two different ones joined by '+'.")
        places = []
        for part in parts:
            column = known.get(part, part) if isinstance(part, str) else part
            if column not in columns:
                columns.append(column)
            places.append(columns.index(column))
        keys.append([*places, -1][:2])
    if len(columns) > MOST_COLUMNS or len(set(map(tuple, keys))) < len(keys):
        raise ValueError(f"by={by!r} names a key twice, or more than {MOST_COLUMNS} columns.")
    return keys, columns


def usual_keys(told: Container, taken: Container) -> tuple[str, ...]:
    """The keys where none are named: with that of users and categories, if there are categories."""
    usual = ("user", "item")
    return (*usual, f"user+{CATEGORY}") if CATEGORY in told and CATEGORY not in taken else usual


def feature_names(by: Sequence[Any], windows: Sequence[Any], stats: Sequence[str]) -> list[str]:
    """Names such as user_mean_10d, key by key, and window by window within."""
    names = []
    for key in by:
        names += [f"{key}_{stat}_{_label(window)}" for window in windows for stat in stats if stat in STATS]
        names += [f"{key}_recency"] if "recency" in stats else []
    return names


def _label(window: Any) -> str:
    if isinstance(window, str):
        return window.replace(" ", "")
    length = span_in_seconds(window)
    return f"{length:g}s" if is_span_of_time(window) else f"{length:g}"


def plain(value: Any) -> Any:
    """A parameter as files have it."""
    return list(value) if isinstance(value, tuple) else value
