"""What stands in the cells of a column, where some of it may be no id, number or time."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc._state._idmap import IdMap
from skl_increc.base._clock import second_of, seconds_of
from skl_increc.base._interactions import read_ids

__all__ = ["Cells", "instant", "is_nan", "read_id_cells", "read_numbers", "read_times"]


class Cells(NamedTuple):
    """One column, read: row numbers of ids, numbers or seconds; what is missing, and what is none of these."""

    values: np.ndarray
    missing: np.ndarray
    unparsable: np.ndarray
    index: Any = None  # ids: which id has which row number
    blank: Any = None  # ids: those of the missing that are blank text


def read_id_cells(column: nw.Series[Any]) -> Cells:
    """Row numbers int32 of the ids of a column; -1 for none.  Blank text is a missing id."""
    index, n = IdMap(), len(column)
    try:
        codes = read_ids(column.to_native()).add(index)
        unparsable = np.zeros(n, dtype=bool)
    except TypeError:  # something in it cannot be hashed: find out what
        index, codes, unparsable = IdMap(), np.full(n, -1, np.int32), np.zeros(n, dtype=bool)
        for row, value in enumerate(column.to_list()):
            try:
                codes[row] = index.add_objects([value])[0]
            except TypeError:
                unparsable[row] = True
    names = index.ids_of(np.arange(index.n_rows))
    empty = np.array([isinstance(name, str) and not name.strip() for name in names] + [False], dtype=bool)
    blank = empty[codes]  # -1 asks for the last
    codes[blank] = -1
    return Cells(codes, (codes < 0) & ~unparsable, unparsable, index, blank)


def read_numbers(column: nw.Series[Any]) -> Cells:
    """Finite float64; NaN for cells that hold none."""
    return _read(column, column.dtype.is_numeric() or column.dtype == nw.Boolean, _as_floats, _number)


def read_times(column: nw.Series[Any]) -> Cells:
    """Seconds since 1970 (UTC), float64; text may hold seconds or ISO dates and times."""
    plain = column.dtype.is_numeric() or isinstance(column.dtype, (nw.Datetime, nw.Date))
    return _read(column, plain, _as_seconds, instant)


def instant(value: Any) -> float:
    """Seconds since 1970 of a number, date, datetime, or text of one; ValueError for anything else."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            value = dt.datetime.fromisoformat(value.strip())
    return second_of(value, "time")


def _number(value: Any) -> float:
    return float(value)  # "1,5" is no number here: it may be 1.5 or 15


def _as_floats(column: nw.Series[Any]) -> np.ndarray:
    return np.asarray(column.cast(nw.Float64).to_numpy(), dtype=np.float64)


def _as_seconds(column: nw.Series[Any]) -> np.ndarray:
    return seconds_of(column if not isinstance(column.dtype, nw.Date) else column.to_list(), column.name)


def _read(column: nw.Series[Any], plain: bool, whole: Any, single: Any) -> Cells:
    gone = column.is_null()
    if column.dtype.is_float():
        gone = gone | column.is_nan()
    missing = np.array(gone.fill_null(True).to_numpy(), dtype=bool)
    values = np.full(len(column), np.nan)
    there = np.flatnonzero(~missing)
    if plain and len(there):
        filled = column[there.tolist()] if len(there) < len(column) else column
        finite = _as_floats(filled) if column.dtype.is_numeric() else None
        if finite is not None and not np.isfinite(finite).all():
            values[there] = finite
        else:
            values[there] = whole(filled)
    elif len(there):
        missing |= _read_each(column, values, missing, single)
    bad = ~np.isfinite(values) & ~missing
    values[bad] = np.nan
    return Cells(values, missing, bad)


def _read_each(column: nw.Series[Any], values: np.ndarray, missing: np.ndarray, single: Any) -> np.ndarray:
    """Fill values cell by cell; gives the cells that are blank or hold a missing value of their own."""
    more = np.zeros(len(values), dtype=bool)
    known: dict[str, float] = {}
    for row, value in enumerate(column.to_list()):
        if missing[row]:
            continue
        text = isinstance(value, str)
        if (text and not value.strip()) or is_nan(value):
            more[row] = True
            continue
        if text and value in known:
            values[row] = known[value]
            continue
        try:
            values[row] = single(value)
        except (TypeError, ValueError, OverflowError):
            values[row] = np.inf
        if text:
            known[value] = values[row]
    return more


def is_nan(value: Any) -> bool:
    """Whether a value is the NaN by which a cell says that it is empty."""
    return isinstance(value, (float, np.floating)) and value != value
