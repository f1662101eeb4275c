"""The input boundary: user and item columns out of any table, without a Python loop where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils.validation import validate_data

from skl_increc._state._idmap import IdMap
from skl_increc._state.ids import canonical
from skl_increc.base._clock import seconds_of
from skl_increc.base._context import Column, Context, read_cells
from skl_increc.base._frames import is_frame, names_of, open_frame

__all__ = ["Ids", "Interactions", "context_of_frame", "read_column", "read_ids", "read_table", "read_times"]

INT64 = np.iinfo(np.int64)


@dataclass
class Ids:
    """One column of ids in the form that is quickest to look up.

    Parameters
    ----------
    ints : ndarray of int64 or None
        Integer ids; with `missing`, a boolean mask of the anonymous ones.
    codes, distinct : ndarray of int64, list
        Dictionary-encoded ids; a code of -1 is anonymous.
    objects : list or None
        Any ids.
    """

    ints: np.ndarray | None = None
    missing: np.ndarray | None = None
    codes: np.ndarray | None = None
    distinct: list | None = None
    objects: list | None = None

    def __len__(self) -> int:
        for column in (self.ints, self.codes, self.objects):
            if column is not None:
                return len(column)
        return 0

    def to_list(self) -> list:
        """The ids as Python objects; None for anonymous ones."""
        if self.ints is not None:
            missing = np.zeros(len(self), bool) if self.missing is None else self.missing
            return [None if gone else v for v, gone in zip(self.ints.tolist(), missing.tolist(), strict=True)]
        if self.codes is not None:
            names = [*(self.distinct or []), None]
            return [canonical(names[c]) for c in self.codes.tolist()]
        return [canonical(v) for v in self.objects or []]

    def take(self, rows: np.ndarray) -> Ids:
        """These rows, in this order."""
        if self.ints is not None:
            missing = None if self.missing is None else self.missing[rows]
            return Ids(ints=np.ascontiguousarray(self.ints[rows]), missing=missing)
        if self.codes is not None:
            return Ids(codes=np.ascontiguousarray(self.codes[rows]), distinct=self.distinct)
        objects = self.objects or []
        return Ids(objects=[objects[r] for r in rows])

    def find(self, index: IdMap) -> np.ndarray:
        """Rows of the ids, int32 (n,); -1 for unknown and anonymous ones."""
        if self.ints is not None:
            rows = index.find_ints(self.ints)
            if self.missing is not None:
                rows[self.missing] = -1
            return rows
        if self.codes is not None:
            known = index.find_objects(self.distinct or [])
            return np.append(known, np.int32(-1))[self.codes]
        return index.find_objects(self.objects or [])

    def add(self, index: IdMap) -> np.ndarray:
        """Rows of the ids, int32 (n,); new ids get rows in order of appearance."""
        if self.ints is not None:
            if self.missing is None:
                return index.add_ints(self.ints)
            rows = np.full(len(self.ints), -1, np.int32)
            rows[~self.missing] = index.add_ints(np.ascontiguousarray(self.ints[~self.missing]))
            return rows
        if self.codes is not None:
            return index.add_coded(self.codes, self.distinct or [])
        return index.add_objects(self.objects or [])


@dataclass
class Interactions:
    """The columns of a table that a model reads."""

    users: Ids
    items: Ids
    time: np.ndarray | None = None
    context: Context | None = None

    def __len__(self) -> int:
        return len(self.users)

    def take(self, rows: np.ndarray) -> Interactions:
        """These rows, in this order."""
        time = None if self.time is None else self.time[rows]
        context = None if self.context is None else self.context.take(rows)
        return Interactions(self.users.take(rows), self.items.take(rows), time, context)


def read_ids(values: Any) -> Ids:
    """A sequence, array or series of ids."""
    if isinstance(values, (list, tuple)):
        return Ids(objects=list(values))
    if is_frame(values):
        raise TypeError(f"Expected a sequence of ids; got a frame of {names_of(values)!r}. Pick one column.")
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"Expected a sequence of ids; got {values!r}. For one id, write [{values!r}].")
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise ValueError(
                f"Expected a sequence of ids; got an array of shape {values.shape}. Pick one column."
            )
        return _ids_of_array(values)
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return _ids_of_series(series)
    if hasattr(values, "to_pylist"):  # an Arrow array, whose elements are no plain values
        return Ids(objects=values.to_pylist())
    return Ids(objects=list(values))


def read_table(
    model: Any, X: Any, *, reset: bool, checked: bool = True, learning: bool = False
) -> Interactions:
    """Users, items and times of X, validated as scikit-learn does.

    ``checked=False`` neither compares X with earlier tables nor remembers its columns.
    """
    frame = open_frame(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError("X is a lazy frame; call .collect() first.")
    if isinstance(frame, nw.DataFrame):
        if checked and (reset or not _has_the_columns(frame, model)):
            validate_data(model, X, reset=reset, skip_check_array=True)
        if frame.shape[0] == 0 and checked:
            raise ValueError(
                f"Found array with 0 sample(s) (shape={tuple(frame.shape)}) while a minimum of 1 is required."
            )
        return _read_frame(model, frame, learning)
    return _read_array(model, X, reset=reset, checked=checked, learning=learning)


def _has_the_columns(frame: nw.DataFrame, model: Any) -> bool:
    """Whether its columns are those of the first table: scikit-learn, asked, would find nothing amiss."""
    names = getattr(model, "feature_names_in_", None)
    return names is not None and list(frame.columns) == names.tolist()


def read_column(X: Any, key: Any, position: int, parameter: str) -> Ids:
    """Ids of one column: by name, or at ``position`` where columns have none."""
    if is_frame(X):
        frame = open_frame(X)
        return _ids_of_series(_column(frame, list(frame.columns), key, position, parameter))
    X = _two_sides(np.asarray(_keep_types(X)))
    return _ids_of_array(X[:, _position(key, position, X)])


def read_times(X: Any, key: Any) -> np.ndarray:
    """Times of one column as float64 seconds."""
    if is_frame(X):
        frame = open_frame(X)
        return seconds_of(_column(frame, list(frame.columns), key, None, "time_col"), key)
    return _times_of_array(_two_sides(np.asarray(_keep_types(X))), key)


def _two_sides(X: np.ndarray) -> np.ndarray:
    if X.ndim != 2 or X.shape[1] < 2:
        raise ValueError(f"X must have a user and an item column; got an array of shape {X.shape}.")
    return X


def _times_of_array(X: np.ndarray, key: Any) -> np.ndarray:
    if not isinstance(key, (int, np.integer)):
        raise ValueError(
            f"time_col={key!r} names a column, but X is an array. Pass a frame, or the "
            "position of the column as an integer."
        )
    return seconds_of(X[:, _position(key, 2, X)], key)


def _read_frame(model: Any, frame: nw.DataFrame, learning: bool) -> Interactions:
    names = list(frame.columns)
    users = _ids_of_series(_column(frame, names, model._owner_col(), 0, "user_col"))
    items = _ids_of_series(_column(frame, names, model.item_col, 1, "item_col"))
    time = None
    if learning and model.time_col is not None:
        time = seconds_of(_column(frame, names, model.time_col, None, "time_col"), model.time_col)
    return Interactions(users, items, time, context_of_frame(model, frame, strict=True))


def context_of_frame(model: Any, frame: nw.DataFrame, *, strict: bool) -> Context | None:
    """The further columns that the model reads; one that is absent raises, or is empty where not `strict`."""
    wanted = model._context_cols()
    if not wanted:
        return None
    names, columns = list(frame.columns), []
    unnamed = not any(isinstance(n, str) for n in names)
    for place, (key, kind, parameter) in enumerate(wanted):
        if strict or key in names or (unnamed and len(names) > place + 2):
            series: Any = _column(frame, names, key, _place(model, key, place), parameter)
        else:
            series = np.full(len(frame), None)
        columns.append(_read_context(model, series, key, kind))
    return Context(columns)


def _place(model: Any, key: Any, place: int) -> int:
    """Where a further column stands that has no name: behind the users and the items, or it is one of them."""
    return {model._owner_col(): 0, model.item_col: 1}.get(key, place + 2)


def _read_context(model: Any, cells: Any, key: Any, kind: str) -> Column:
    return read_cells(cells, key, kind, getattr(model, "separator", "|"), _ids_of_cells)


def _ids_of_cells(cells: Any) -> Ids:
    if isinstance(cells, nw.Series):
        return _ids_of_series(cells)
    return _ids_of_array(cells) if isinstance(cells, np.ndarray) else Ids(objects=list(cells))


def _context_of_array(model: Any, X: np.ndarray) -> Context | None:
    columns = []
    for place, (key, kind, parameter) in enumerate(model._context_cols()):
        at = _position(key, _place(model, key, place), X)
        if at >= X.shape[1]:
            raise ValueError(
                f"X has no column for {key!r} ({parameter}): an array of {X.shape[1]} columns holds users, items, and "
                "then the columns of the context in their order. Pass a frame, or name columns by position."
            )
        columns.append(_read_context(model, X[:, at], key, kind))
    return Context(columns) if columns else None


def _column(frame: nw.DataFrame, names: list, key: Any, position: int | None, parameter: str) -> nw.Series:
    if key in names:
        return frame[:, names.index(key)]
    if isinstance(key, (int, np.integer)) and 0 <= key < len(names):
        return frame[:, int(key)]
    if position is not None and len(names) > position and not any(isinstance(n, str) for n in names):
        return frame[:, position]  # unnamed columns: by position, as in arrays
    raise ValueError(
        f"X has no column {key!r}. Its columns are {names}. Name the column with the parameter {parameter}."
    )


def _read_array(model: Any, X: Any, *, reset: bool, checked: bool, learning: bool) -> Interactions:
    X = _keep_types(X)
    if checked:
        # at predict, "X has 1 features, but ... is expecting 2" is the better message
        least = 2 if reset else 1
        X = validate_data(
            model, X, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_features=least
        )
    X = _two_sides(np.asarray(X))
    users = _ids_of_array(X[:, _position(model._owner_col(), 0, X)])
    items = _ids_of_array(X[:, _position(model.item_col, 1, X)])
    time = None
    if learning and model.time_col is not None:
        time = _times_of_array(X, model.time_col)
    return Interactions(users, items, time, _context_of_array(model, X))


def _position(key: Any, otherwise: int, X: np.ndarray) -> int:
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        if not 0 <= key < X.shape[1]:
            raise ValueError(f"Column {key} does not exist: X has {X.shape[1]} columns.")
        return int(key)
    return otherwise


def _keep_types(X: Any) -> Any:
    """A list of rows keeps the type of each cell: [["a", 3]] must not become [["a", "3"]]."""
    if isinstance(X, (list, tuple)):
        cells = np.asarray(X)
        if cells.dtype.kind in "US" and not all(isinstance(v, (str, bytes)) for row in X for v in row):
            return np.asarray(X, dtype=object)
    return X


def _ids_of_array(column: np.ndarray) -> Ids:
    kind = column.dtype.kind
    if kind in "ib" or (kind == "u" and (column.size == 0 or column.max() <= INT64.max)):
        return Ids(ints=np.ascontiguousarray(column, dtype=np.int64))
    if kind == "f":
        return _ids_of_floats(np.asarray(column, dtype=np.float64))
    if kind in "mM":
        return Ids(objects=list(column))
    return Ids(objects=column.tolist())


def _ids_of_floats(column: np.ndarray) -> Ids:
    missing = np.isnan(column)
    filled = np.where(missing, 0.0, column)
    if np.all(np.floor(filled) == filled) and np.all(np.abs(filled) < 2.0**63):
        return Ids(ints=filled.astype(np.int64), missing=missing if missing.any() else None)
    return Ids(objects=column.tolist())


def _ids_of_series(series: nw.Series) -> Ids:
    native: Any = series.to_native()
    if series.implementation.is_pandas() and hasattr(native, "cat"):
        # Asked before the type: to name the type narwhals hashes the categories, which pandas 2 cannot do when only
        # some of them are tuples.
        codes = native.cat.codes.to_numpy().astype(np.int64)
        return Ids(codes=codes, distinct=native.cat.categories.tolist())
    if series.implementation.is_pandas() and native.dtype == object:
        return Ids(objects=native.tolist())  # before narwhals looks at each of them to name their type
    dtype = series.dtype
    if dtype.is_integer() and dtype not in (nw.UInt64, nw.UInt128, nw.Int128):
        missing = series.is_null().to_numpy() if series.null_count() else None
        filled = series if missing is None else series.fill_null(0)
        ints = np.ascontiguousarray(filled.to_numpy(), dtype=np.int64)
        return Ids(ints=ints, missing=None if missing is None else np.asarray(missing, dtype=bool))
    if dtype.is_float() and not series.null_count():
        return _ids_of_floats(np.asarray(series.to_numpy(), dtype=np.float64))
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return _ids_of_strings(series)
    return Ids(objects=series.to_list())


def _ids_of_strings(series: nw.Series) -> Ids:
    """Dictionary-encode where the frame's own library does it quickly."""
    native: Any = series.to_native()
    if series.implementation.is_pandas() and native.dtype != object:
        codes, distinct = native.factorize()
        return Ids(codes=np.asarray(codes, dtype=np.int64), distinct=_plain(distinct))
    if series.implementation.is_pyarrow():
        return _ids_of_arrow(native)
    if series.implementation.is_polars():
        return _ids_of_polars(native)
    return Ids(objects=series.to_list())


def _ids_of_polars(native: Any) -> Ids:
    import polars as pl

    distinct = native.drop_nulls().unique()
    if native.dtype == pl.String:
        codes = native.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        return Ids(codes=np.ascontiguousarray(codes), distinct=distinct.to_list())
    numbers = distinct.to_physical().to_numpy()
    place = np.full(int(numbers.max(initial=0)) + 2, -1, np.int64)  # the last place is for missing ids
    place[numbers] = np.arange(len(numbers))
    codes = place[native.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()]
    return Ids(codes=codes, distinct=distinct.cast(pl.String).to_list())


def _ids_of_arrow(chunked: Any) -> Ids:
    import pyarrow as pa

    column = chunked.combine_chunks()
    if isinstance(column, pa.ChunkedArray):  # nothing in it, or too long for one block
        return Ids(objects=column.to_pylist())
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Ids(codes=codes, distinct=column.dictionary.to_pylist())


def _plain(values: Sequence) -> list:
    return values.tolist() if hasattr(values, "tolist") else list(values)
