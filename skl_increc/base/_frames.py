"""Frames of any library, opened by narwhals."""

from __future__ import annotations

from collections import Counter
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.exceptions import DuplicateError

__all__ = ["is_frame", "names_of", "open_frame"]


def is_frame(X: Any) -> bool:
    """Whether X is a table with named columns that narwhals knows."""
    return nw.dependencies.is_into_dataframe(X) or isinstance(X, nw.DataFrame)


def names_of(X: Any) -> list:
    """Names of the columns of a frame, repeated ones too."""
    return list(X.column_names if hasattr(X, "column_names") else X.columns)


def open_frame(X: Any, name: str = "X", **how: Any) -> Any:
    """What ``narwhals.from_native(X, **how)`` gives; ``eager_only=True`` by default.

    Raises
    ------
    ValueError
        If two columns have one name: it would say which one is meant as little as narwhals can.
    TypeError
        If narwhals does not know what X is.
    """
    try:
        return nw.from_native(X, **(how or {"eager_only": True}))
    except DuplicateError as error:
        names = names_of(X)
        twice, times = Counter(names).most_common(1)[0]
        raise ValueError(
            f"{name} has {times} columns of the name {twice!r}; its columns are {names}. Rename all but one, or "
            f"drop them: in pandas, {name}.loc[:, ~{name}.columns.duplicated()]."
        ) from error
