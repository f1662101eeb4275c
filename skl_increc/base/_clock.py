"""Times of events as seconds, whatever form they came in."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

__all__ = ["is_span_of_time", "second_of", "seconds_of", "span_in_seconds", "span_of_text"]

EPOCH = dt.datetime(1970, 1, 1)


def second_of(value: Any, column: Any) -> float:
    """One time as seconds since 1970 (UTC): a number, datetime, date or numpy datetime."""
    if value is None or value != value:  # NaN, NaT
        raise _bad_time(value, column)
    if isinstance(value, dt.datetime):
        if value.utcoffset() is None:
            return (value - EPOCH).total_seconds()
        return value.timestamp()
    if isinstance(value, dt.date):
        return (dt.datetime(value.year, value.month, value.day) - EPOCH).total_seconds()
    if isinstance(value, np.datetime64):
        seconds = np.nan if np.isnat(value) else value.astype("datetime64[us]").astype(np.int64) / 1e6
        return _finite(float(seconds), value, column)
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _bad_time(value, column) from None
    return _finite(seconds, value, column)


def _finite(seconds: float, value: Any, column: Any) -> float:
    if not np.isfinite(seconds):
        raise _bad_time(value, column)
    return seconds


def _bad_time(value: Any, column: Any) -> ValueError:
    return ValueError(
        f"The time of an event must be a number of seconds or a datetime under {column!r}; got {value!r}. "
        "Drop the events without a time, or set time_col=None."
    )


def seconds_of(values: Any, column: Any) -> np.ndarray:
    """Times of many events as float64 seconds."""
    if isinstance(values, nw.Series):
        if isinstance(values.dtype, nw.Datetime) and not values.null_count():
            return values.dt.timestamp("us").to_numpy().astype(np.float64) / 1e6
        if values.dtype.is_numeric() and not values.null_count():
            values = values.to_numpy()
        else:
            return np.array([second_of(v, column) for v in values.to_list()], dtype=np.float64)
    values = np.asarray(values)
    if values.dtype.kind == "M" and not np.isnat(values).any():
        return values.astype("datetime64[us]").astype(np.int64) / 1e6
    if values.dtype.kind in "iufb":
        seconds = values.astype(np.float64)
        if not np.isfinite(seconds).all():
            raise _bad_time(seconds[~np.isfinite(seconds)][0], column)
        return seconds
    return np.array([second_of(v, column) for v in values.tolist()], dtype=np.float64)


def is_span_of_time(span: Any) -> bool:
    """Whether a span is told in units of time, as a timedelta of Python, pandas or numpy is."""
    return isinstance(span, (dt.timedelta, np.timedelta64))


def span_in_seconds(span: Any) -> float:
    """A span as a float: a number as it is, a timedelta in seconds (NaT: NaN)."""
    if isinstance(span, dt.timedelta):
        return span.total_seconds()
    if not isinstance(span, np.timedelta64):
        return float(span)
    unit, _ = np.datetime_data(span.dtype)
    if unit in ("Y", "M", "generic") and not np.isnat(span):
        raise ValueError(
            f"{span!r} has no fixed length in seconds. Give it in weeks or smaller units, as "
            "numpy.timedelta64(30, 'D') is."
        )
    return float(span / np.timedelta64(1, "s"))


_UNITS = {
    **{"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0},
    **{"h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0, "w": 604800.0, "week": 604800.0},
}
_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")


def span_of_text(text: str, name: str) -> float:
    """Seconds of "90s", "30min", "12h", "10d", "2 weeks"."""
    found = _SPAN.fullmatch(text)
    unit = found[2].lower() if found else ""
    unit = unit if unit in _UNITS else unit.removesuffix("s")
    if found is None or unit not in _UNITS or not 0 < float(found[1]) < np.inf:
        raise ValueError(
            f"{name}={text!r} is no span of time. Write a positive number and a unit (s, min, h, d or w), as in "
            "'10d' or '30min'; months and years have no fixed length."
        )
    return float(found[1]) * _UNITS[unit]
