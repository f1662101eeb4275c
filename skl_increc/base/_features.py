"""Features of items and users: numbers, names and lists of names, given at any time, in any common form."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse

from skl_increc._state._idmap import IdMap
from skl_increc._state._state import State
from skl_increc._state.features import FeatureRows
from skl_increc.base._carried import CarriedMixin
from skl_increc.base._frames import is_frame, open_frame
from skl_increc.base._interactions import Ids, _ids_of_series, read_ids
from skl_increc.base._turns import alone, install, refuse_snapshot

if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "ItemFeatureMixin",
    "UserFeatureMixin",
    "check_columns",
    "feature_store",
    "read_features",
    "rows_for",
]

LARGEST = 1e30  # in float32, squares included
SIDES = ("user", "item")


class _FeatureMixin(CarriedMixin):
    """What both sides share; a model asks for its store with ``feature_store``."""

    def _stores(self) -> dict[str, Any]:
        return super()._stores()  # type: ignore[misc]

    def _carry(self, old: State, new: State) -> None:
        _carry(old, new)

    def _check_features(self, state: State, side: int, names: Sequence[str]) -> None:
        """Raise ValueError for features that the model has no use for; nothing has changed yet."""

    def _learn_features(self, state: State, side: int, rows: np.ndarray) -> None:
        """Take note that the features of these rows are others now; for a model that keeps more than the store."""

    def _set_features(self, side: int, ids: Any, features: Any, names: Sequence[str] | None) -> None:
        refuse_snapshot(self)
        found, table, columns = read_features(self, side, ids, features, names)
        if self._state is None:
            state = self._new_state()
            self._put_features(state, side, found, table, columns)
            if install(self, state, replace=False):
                return
        with alone(self) as state:
            self._put_features(state, side, found, table, columns)

    def _put_features(self, state: State, side: int, ids: Ids, table: Any, columns: Sequence[str]) -> None:
        self._check_features(state, side, columns)
        rows = rows_for(state, side, ids)
        feature_store(state, side).put(rows, table, columns)
        self._learn_features(state, side, rows)

    def _was_told(self, state: State) -> bool:
        return any(store.kept for store in _stores_of(state))


class ItemFeatureMixin(_FeatureMixin):
    """``set_item_features``: what items are, beside who had them."""

    def _stores(self) -> dict[str, Any]:
        return {**super()._stores(), "item_features": FeatureRows(1)}

    def set_item_features(
        self, items: Any, features: Any = None, *, names: Sequence[str] | None = None
    ) -> Self:
        """Say what items are; they can be recommended at once, also without events.

        Parameters
        ----------
        items : sequence of ids, mapping or frame
            Known or unknown, each with a row of `features`.  A mapping of id to features, or a frame with the
            column `item_col` beside those of the features, needs no `features`.
        features : frame, array or sparse matrix of shape (n, n_features), mapping of id to dict, or sequence of dicts
            Numbers count as they are; a name (string) becomes the column "feature=name" with a 1; a list, tuple or
            set of names (genres, tags) one such column a name; a mapping of names to numbers such columns with
            these; a list or array of numbers (an embedding) the columns "feature[0]", "feature[1]", ...  What is
            missing (None, NaN) is zero.  Numbers should be of one size: see ``sklearn.compose.ColumnTransformer``.
        names : sequence of str, optional
            Of the columns of an array; default: "x0", "x1", ...

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For features that fit no id, or are no finite numbers or names.  The model is then as it was.

        Notes
        -----
        What an item had before is replaced.  Features are kept as float32, 8 bytes for each that is not zero.  They
        stay when ``fit`` forgets the events, and go with ``clone``, so that a model can be searched or validated
        with them; ``forget(items=...)`` removes them.
        """
        self._set_features(1, items, features, names)
        return self

    @property
    def item_features_(self: Any) -> sparse.csr_matrix:
        """The features of the items, sparse float64 (n_items, n_features), aligned with `item_ids_`."""
        state = self._ready_state()
        return feature_store(state, 1).csr(state.items.live())

    @property
    def item_feature_names_(self: Any) -> np.ndarray:
        """Names of the columns of `item_features_`, object (n_features,)."""
        return np.array(feature_store(self._ready_state(), 1).names, dtype=object)


class UserFeatureMixin(_FeatureMixin):
    """``set_user_features``: what users are, beside what they had."""

    def _stores(self) -> dict[str, Any]:
        return {**super()._stores(), "user_features": FeatureRows(0)}

    def set_user_features(
        self, users: Any, features: Any = None, *, names: Sequence[str] | None = None
    ) -> Self:
        """Say what users are; as ``set_item_features``.

        Parameters
        ----------
        users : sequence of ids, mapping or frame
            Known or unknown, each with a row of `features`; a frame with the column `user_col` needs no `features`.
        features : frame, array or sparse matrix of shape (n, n_features), mapping of id to dict, or sequence of dicts
            Numbers, names, lists of names, mappings of names to numbers, and lists of numbers.
        names : sequence of str, optional
            Of the columns of an array; default: "x0", "x1", ...

        Returns
        -------
        self
        """
        self._set_features(0, users, features, names)
        return self

    @property
    def user_features_(self: Any) -> sparse.csr_matrix:
        """The features of the users, sparse float64 (n_users, n_features), aligned with `user_ids_`."""
        state = self._ready_state()
        return feature_store(state, 0).csr(state.users.live())

    @property
    def user_feature_names_(self: Any) -> np.ndarray:
        """Names of the columns of `user_features_`, object (n_features,)."""
        return np.array(feature_store(self._ready_state(), 0).names, dtype=object)


def feature_store(state: State, side: int) -> FeatureRows:
    """The store of the features of one side of a state: 0 for users, 1 for items."""
    return state.stores[f"{SIDES[side]}_features"]


def check_columns(store: FeatureRows, names: Sequence[str], most: int) -> None:
    """Raise ValueError if with these there are more columns than a matrix of them may have."""
    n = store.n_columns + sum(name not in store.column_of for name in names)
    if n > most:
        raise ValueError(
            f"With these features there are {n:,} columns, and max_features={most}: their matrix would take "
            f"{8 * n * n:,} bytes. Hash words into fewer columns, HashingVectorizer(n_features=2048), project them "
            "with TruncatedSVD, raise max_features, or take content.Rocchio, which needs no matrix."
        )


def _stores_of(state: State) -> list[FeatureRows]:
    names = [f"{side}_features" for side in SIDES]
    return [state.stores[name] for name in names if name in state.stores]


def rows_for(state: State, side: int, ids: Ids) -> np.ndarray:
    """Rows of these ids, with room in every table; on error nothing has changed."""
    state.users.begin()
    state.items.begin()
    index = (state.users, state.items)[side]
    try:
        rows = ids.add(index)
        state.reserve(state.users.n_rows, state.items.n_rows)
        if side == 0 and state.history is not None:
            state.history.reserve_users(state.users.n_rows)
        state.start_rows(side, index.added())
    except BaseException:
        state.undo()
        raise
    return rows


def _carry(old: State, new: State) -> None:
    """Give a new state the features of another."""
    for store in _stores_of(old):
        index = (old.users, old.items)[store.side]
        rows = index.live()
        rows = rows[store.known(rows)]
        if len(rows):
            names = index.ids_of(rows).tolist()
            to = rows_for(new, store.side, Ids(objects=names))
            feature_store(new, store.side).put(to, store.csr(rows), store.names)


# -- reading ---------------------------------------------------------------------------------------
def read_features(
    model: Any, side: int, ids: Any, features: Any, names: Sequence[str] | None = None
) -> tuple[Ids, sparse.csr_matrix, list[str]]:
    """Distinct ids, their features (n, width), and the names of the columns.

    Of an id that comes twice the last row counts.
    """
    key = (model._owner_col(), model.item_col)[side]
    given, features = _split(ids, features, key, side)
    index = IdMap()
    rows = read_ids(given).add(index)
    if (rows < 0).any():
        raise ValueError(
            f"The id at position {int(np.argmax(rows < 0))} is missing: features belong to a {SIDES[side]} that has "
            "one. Leave such rows out."
        )
    table, columns = _table_of(features, len(rows), names)
    biggest = np.abs(table.data).max(initial=0.0)
    if not biggest < LARGEST:
        raise ValueError(
            f"Features must be finite and below {LARGEST:g} in size; got {biggest!r}. Scale them, or fill what is "
            "missing."
        )
    last = np.full(index.n_rows, -1)
    last[rows] = np.arange(len(rows))
    table = table[last].astype(np.float32)
    table.eliminate_zeros()
    return Ids(objects=index.ids_of(np.arange(index.n_rows)).tolist()), table, columns


def _split(ids: Any, features: Any, key: Any, side: int) -> tuple[Any, Any]:
    """Ids and features, where they came in one."""
    what = f"{SIDES[side]}s"
    if features is None and isinstance(ids, Mapping):
        return list(ids), list(ids.values())
    if features is None and is_frame(ids):
        frame = open_frame(ids, what)
        if key not in frame.columns:
            raise ValueError(
                f"The frame has no column {key!r} ({SIDES[side]}_col); its columns are {list(frame.columns)}. Name "
                "the column, or give the ids and the features apart."
            )
        return frame[key].to_native(), frame.drop(key).to_native()
    if features is None:
        raise TypeError(f"features is missing: give one row of features for each of the {what}.")
    if isinstance(features, Mapping):
        wanted = read_ids(ids).to_list()
        lost = [v for v in wanted if v not in features]
        if lost:
            raise ValueError(f"features has no entry for {lost[0]!r} ({len(lost)} of the {what} in all).")
        return wanted, [features[v] for v in wanted]
    return ids, features


def _table_of(features: Any, n: int, names: Sequence[str] | None) -> tuple[sparse.csr_matrix, list[str]]:
    """A matrix and the names of its columns, from any form."""
    if is_frame(features):
        if names is not None:
            raise ValueError("names is for arrays; a frame has names of its own.")
        parts, n_rows = _Parts(), open_frame(features, "features").shape[0]
        _check_rows(n_rows, n)
        for name in (frame := open_frame(features, "features")).columns:
            _read_series(parts, str(name), frame[name])
        return parts.table(n)
    if _is_dicts(features):
        _check_rows(len(features), n)
        parts = _Parts()
        for row, one in enumerate(features):
            for name, value in one.items():
                parts.cell(row, str(name), value)
        return parts.table(n)
    return _read_array(features, n, names)


def _is_dicts(features: Any) -> bool:
    return isinstance(features, (list, tuple)) and all(isinstance(one, Mapping) for one in features)


def _check_rows(n_rows: int, n: int) -> None:
    if n_rows != n:
        raise ValueError(f"There are {n_rows} rows of features for {n} ids; give one row for each id.")


def _read_array(features: Any, n: int, names: Sequence[str] | None) -> tuple[sparse.csr_matrix, list[str]]:
    try:
        if not sparse.issparse(features):
            features = np.asarray(features, dtype=np.float64)
            if features.ndim != 2:
                raise ValueError(f"it has the shape {features.shape}")
            features = np.nan_to_num(features, nan=0.0, posinf=np.inf, neginf=-np.inf)
        table = sparse.csr_matrix(features, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"features must be a frame, dicts, or a matrix of numbers of shape (n_ids, n_features); {error}."
        ) from error
    if table is features:
        table = table.copy()
    table.sum_duplicates()
    table.data[np.isnan(table.data)] = 0.0
    _check_rows(table.shape[0], n)
    columns = [f"x{c}" for c in range(table.shape[1])] if names is None else [str(name) for name in names]
    if len(columns) != table.shape[1] or len(set(columns)) < len(columns):
        raise ValueError(
            f"names must be {table.shape[1]} different strings, one for each column; got {len(columns)}, "
            f"{len(set(columns))} of them different."
        )
    return table, columns


class _Parts:
    """Entries of a matrix whose columns are found while it is read."""

    def __init__(self) -> None:
        self.column_of: dict[str, int] = {}
        self.rows: list[Any] = []
        self.columns: list[Any] = []
        self.values: list[Any] = []

    def column(self, name: str) -> int:
        return self.column_of.setdefault(name, len(self.column_of))

    def cell(self, row: int, name: str, value: Any) -> None:
        """One value of one id."""
        for column, number in _entries(name, value):
            self.rows.append(row)
            self.columns.append(self.column(column))
            self.values.append(number)

    def numbers(self, name: str, values: np.ndarray) -> None:
        """A column of numbers, NaN where there is none."""
        column = self.column(name)
        rows = np.flatnonzero((values != 0) & ~np.isnan(values))
        self.rows += rows.tolist()
        self.columns += [column] * len(rows)
        self.values += values[rows].tolist()

    def table(self, n: int) -> tuple[sparse.csr_matrix, list[str]]:
        """What was read, entries of one place added."""
        where = np.array(self.rows, np.int64), np.array(self.columns, np.int64)
        values = np.array(self.values, np.float64)
        table = sparse.csr_matrix((values, where), shape=(n, len(self.column_of)))
        return table, list(self.column_of)


def _read_series(parts: _Parts, name: str, series: nw.Series) -> None:
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        parts.numbers(name, series.cast(nw.Float64).fill_null(float("nan")).to_numpy())
    elif dtype in (nw.String, nw.Categorical, nw.Enum):
        for row, value in enumerate(_ids_of_series(series).to_list()):
            parts.cell(row, name, value)
    else:
        for row, value in enumerate(series.to_list()):
            parts.cell(row, name, value)


def _entries(name: str, value: Any) -> Iterable[tuple[str, float]]:
    """Columns and numbers of one value."""
    if value is None or (isinstance(value, numbers.Real) and value != value):
        return []
    if isinstance(value, (bool, np.bool_, numbers.Real)):
        return [(name, float(value))]
    if isinstance(value, str):
        return [(f"{name}={value}", 1.0)]
    if isinstance(value, Mapping):
        return [(f"{name}={k}", _number(name, v)) for k, v in value.items()]
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        if value and all(isinstance(v, numbers.Real) for v in value):
            if isinstance(value, (set, frozenset)):
                raise TypeError(
                    f"The feature {name!r} is a set of numbers, which has no order; write a list."
                )
            return [(f"{name}[{j}]", _number(name, v)) for j, v in enumerate(value)]
        if all(isinstance(v, str) for v in value):
            return [(f"{name}={v}", 1.0) for v in value]
    if isinstance(value, (dt.date, dt.timedelta, np.datetime64)) or not _is_missing(value):
        raise TypeError(
            f"The feature {name!r} must be a number, a name, a list of names or of numbers, or a mapping of names to "
            f"numbers; got {value!r}. Turn times into numbers, and other things into names."
        )
    return []


def _number(name: str, value: Any) -> float:
    if not isinstance(value, (numbers.Real, np.bool_)):
        raise TypeError(f"The feature {name!r} must hold numbers; got {value!r}.")
    return float(value)


def _is_missing(value: Any) -> bool:
    """NaT and pandas.NA, which are not equal to themselves."""
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA answers neither yes nor no
        return True
