"""What else an event says: columns beside the user and the item, read from frames, arrays and dicts alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc._state.ids import canonical

__all__ = ["KINDS", "Column", "Context", "columns_of", "names_in", "number_in", "read_cells", "vector_in"]

#: what a column may hold: one name; many names, or names with numbers; one number; an array of numbers
KINDS = ("category", "list", "number", "vector")
LARGEST = 1e100  # squares of larger numbers could overflow


@dataclass
class Column:
    """One column of many events.

    Parameters
    ----------
    ids : Ids or None
        The names: one a row for "category"; of all rows, one row after the other, for "list".
    ends : ndarray of int64 or None
        Where the names of each row of a "list" end.
    values : ndarray of float64 or None
        The numbers, NaN where there are none: (n,) of "number", (n, width) of "vector", one a name of "list".
    """

    ids: Any = None
    ends: np.ndarray | None = None
    values: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Column:
        """These rows, in this order."""
        if self.ends is None:
            ids = None if self.ids is None else self.ids.take(rows)
            return Column(ids, None, None if self.values is None else self.values[rows])
        starts = np.concatenate([[0], self.ends[:-1]])[rows]
        lengths = self.ends[rows] - starts
        ends = np.cumsum(lengths)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)
        return Column(self.ids.take(at), ends, None if self.values is None else self.values[at])


@dataclass
class Context:
    """The further columns of many events, in the order in which the model names them."""

    columns: list[Column]

    def take(self, rows: np.ndarray) -> Context:
        """These rows, in this order."""
        return Context([column.take(rows) for column in self.columns])


def columns_of(context: Any, parameter: str) -> list[tuple[Any, str]]:
    """(column, kind) of each entry of a parameter: a dict, a sequence of pairs, or of names of categories."""
    if context is None:
        return []
    if isinstance(context, str) or not isinstance(context, (Mapping, Sequence)):
        raise ValueError(
            f"{parameter} must be a dict such as {{'hour': 'category', 'price': 'number'}}, or a list of columns of "
            f"categories such as ['hour']; got {context!r}."
        )
    pairs = context.items() if isinstance(context, Mapping) else map(_pair, context)
    found = []
    for column, kind in pairs:
        if isinstance(column, bool) or not isinstance(column, (str, int, np.integer)):
            raise ValueError(f"{parameter} names columns by strings or positions; got {column!r}.")
        if kind not in KINDS:
            raise ValueError(f"{parameter}: the kind of column {column!r} is one of {KINDS}; got {kind!r}.")
        found.append((column, kind))
    return found


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return entry[0], entry[1]
    return entry, "category"


# -- one cell ---------------------------------------------------------------------------------------
def names_in(cell: Any, separator: str) -> tuple[list, list | None]:
    """The names in a cell of a "list" column, and their numbers where it is a dict of them."""
    if isinstance(cell, str):
        return [part for part in (p.strip() for p in cell.split(separator)) if part], None
    if isinstance(cell, Mapping):
        return list(cell), [number_in(v, k) for k, v in cell.items()]
    if isinstance(cell, (set, frozenset)):
        return sorted(cell, key=repr), None  # the order of a set differs between runs
    if isinstance(cell, (list, tuple)):
        return list(cell), None
    if hasattr(cell, "tolist") and getattr(cell, "ndim", False):
        return cell.tolist(), None
    if hasattr(cell, "to_list"):
        return cell.to_list(), None
    return ([], None) if canonical(cell) is None else ([cell], None)


def number_in(cell: Any, column: Any) -> float:
    """A number; NaN where there is none."""
    try:
        value = float("nan") if cell is None else float(cell)
    except (TypeError, ValueError):
        if not isinstance(cell, str) and canonical(cell) is None:
            return float("nan")
        raise TypeError(
            f"{column!r} must be a number; got {cell!r}. Name it as a 'category' instead."
        ) from None
    if abs(value) >= LARGEST:
        raise ValueError(f"{column!r} must be finite and below {LARGEST:g} in size; got {cell!r}.")
    return value


def vector_in(cell: Any, column: Any) -> np.ndarray | None:
    """An array of numbers, float64 (width,); None where there is none."""
    if cell is None or (np.ndim(cell) == 0 and not hasattr(cell, "__len__") and canonical(cell) is None):
        return None
    try:
        vector = np.asarray(cell, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.empty(())
    if vector.ndim != 1 or not len(vector):
        raise ValueError(f"{column!r} must be a vector of numbers; got {cell!r}.")
    if (np.abs(vector) >= LARGEST).any():
        raise ValueError(f"{column!r} must be finite and below {LARGEST:g} in size; got {cell!r}.")
    return vector


# -- many cells -------------------------------------------------------------------------------------
def read_cells(cells: Any, name: Any, kind: str, separator: str, ids_of: Any) -> Column:
    """One column: a series or an array of cells; `ids_of` reads ids, as of users and items."""
    if kind == "category":
        return Column(ids_of(cells))
    if kind == "number":
        return Column(values=_numbers(cells, name))
    listed = cells.to_list() if isinstance(cells, nw.Series) else list(cells)
    if kind == "vector":
        return Column(values=_vectors(listed, name))
    names: list = []
    numbers: list = []
    ends = []
    valued = False
    for cell in listed:
        found, given = names_in(cell, separator)
        valued |= given is not None
        names += found
        numbers += [np.nan] * len(found) if given is None else given
        ends.append(len(names))
    values = np.array(numbers, dtype=np.float64) if valued else None
    return Column(ids_of(names), np.array(ends, dtype=np.int64), values)


def _numbers(cells: Any, name: Any) -> np.ndarray:
    if isinstance(cells, nw.Series) and cells.dtype.is_numeric() and not cells.null_count():
        cells = cells.to_numpy()
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iufb":
        values = cells.astype(np.float64)
        far = np.abs(values) >= LARGEST
        if far.any():
            number_in(values[far][0], name)
        return values
    listed = cells.to_list() if isinstance(cells, nw.Series) else list(cells)
    return np.array([number_in(cell, name) for cell in listed], dtype=np.float64)


def _vectors(cells: list, name: Any) -> np.ndarray:
    vectors = [vector_in(cell, name) for cell in cells]
    widths = {len(v) for v in vectors if v is not None}
    if len(widths) > 1:
        raise ValueError(
            f"The vectors of {name!r} have {sorted(widths)[:4]} numbers. Give all the same length."
        )
    width = widths.pop() if widths else 0
    out = np.full((len(vectors), width), np.nan)
    for row, vector in zip(out, vectors, strict=True):
        if vector is not None:
            row[:] = vector
    return out
