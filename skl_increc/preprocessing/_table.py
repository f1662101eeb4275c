"""The columns of a table that HistoryFeatures reads: ids, times, and what is summed."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, validate_data

from skl_increc._state._idmap import IdMap
from skl_increc.base._clock import second_of
from skl_increc.base._frames import is_frame, names_of, open_frame
from skl_increc.base._interactions import read_column, read_times
from skl_increc.base._targets import LARGEST

__all__ = ["StreamLog", "Table", "read_events"]


@dataclass
class Table:
    """Columns of ids, as lists, users and items first; y and times, float64; no times: None."""

    columns: list[list]
    y: np.ndarray
    time: np.ndarray | None

    def __len__(self) -> int:
        return len(self.y)


class StreamLog:
    """What is kept beside a log of events: nothing; and how its compiled doors read cells that are no plain floats."""

    def _fields(self) -> list:
        return []

    def _history(self) -> int:
        return 0

    def _second(self: Any, x: dict) -> float:
        if self.time_col not in x:
            raise ValueError(
                f"The event has no time under {self.time_col!r} (time_col); its keys are {list(x)}. Add the time, or "
                "set time_col=None and windows to numbers of events."
            )
        return second_of(x[self.time_col], self.time_col)

    @staticmethod
    def _finite(y: Any) -> float:
        try:
            value = float(y)
        except (TypeError, ValueError):
            raise TypeError(f"y must be a number; got {y!r}.") from None
        if not -LARGEST < value < LARGEST:
            raise ValueError(
                f"y must be finite, and below {LARGEST:g} in size; got {y!r}. Leave the event out, or mend it."
            )
        return value


def read_events(
    model: Any,
    X: Any,
    y: Any,
    columns: list,
    *,
    reset: bool = False,
    loosely: bool = False,
    asking: bool = False,
) -> Table:
    """Read X and y, validated as scikit-learn does.

    Parameters
    ----------
    model : HistoryFeatures
        Whose parameters name the columns.
    X, y
        The table; `y` is looked at unless `asking`.
    columns : list
        Names of the columns of ids, users and items first.
    reset : bool
        Whether to remember the columns of X, or compare them with those that are remembered.
    loosely : bool
        As River's mini-batches have it: a frame whose absent columns are anonymous.
    asking : bool
        Whether features are asked for, and nothing is learned.
    """
    X = _checked(model, X, reset, loosely)
    names = names_of(X) if is_frame(X) else None
    lists = []
    for place, key in enumerate(columns):
        if loosely and names is not None and key not in names:
            lists.append([None] * len(open_frame(X)))
            continue
        if names is None and place > 1 and isinstance(key, str):
            raise ValueError(
                f"by names the column {key!r}, but X is an array. Pass a frame, or its position as an integer."
            )
        parameter = ("user_col", "item_col")[place] if place < 2 else "by"
        ids = read_column(X, key, place, parameter)
        ids.find(IdMap())  # raises for what is no id, before anything is learned
        lists.append(ids.to_list())
    n = len(lists[0])
    target = np.ones(n)
    if not asking:
        if model.y_col is not None:
            y = read_times(X, _place(model.y_col, X, "y_col"))
        target = model._check_y(y, n)
        check_consistent_length(target, lists[0])
    time = None if model.time_col is None else read_times(X, _place(model.time_col, X, "time_col"))
    return Table(lists, target, time)


def _checked(model: Any, X: Any, reset: bool, loosely: bool) -> Any:
    if is_frame(X):
        if not loosely and (reset or hasattr(model, "n_features_in_")):
            validate_data(model, X, reset=reset, skip_check_array=True)
            if len(open_frame(X)) == 0:
                raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required.")
        return X
    if loosely:
        return open_frame(X)  # raises TypeError for what is no frame
    if isinstance(X, (list, tuple)):
        X = np.asarray(X, dtype=object)  # [["a", 3]] must not become [["a", "3"]]
    least = 2 if model.time_col is None else 3
    if isinstance(model.time_col, numbers.Integral):
        least = max(2, int(model.time_col) + 1)
    return validate_data(
        model,
        X,
        reset=reset,
        dtype=None,
        ensure_all_finite="allow-nan",
        ensure_min_features=least if reset else 1,
    )


def _place(key: Any, X: Any, parameter: str) -> Any:
    """The time is the third column of an array, if nothing else is said."""
    if is_frame(X) or not isinstance(key, str):
        return key
    if parameter == "time_col":
        return 2
    raise ValueError(
        f"{parameter}={key!r} names a column, but X is an array. Pass a frame, or its position as an integer."
    )
