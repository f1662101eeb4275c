"""Frames of the user's own library, and the order of events that share a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils import check_random_state

BACKENDS = ("pandas", "polars", "pyarrow")


def resolve_backend(backend: str | None) -> str:
    """Name the frame library to build with; None is the first one that is installed."""
    if backend is None:
        for name in BACKENDS:
            if find_spec(name) is not None:
                return name
        raise ImportError(
            f"This data set is returned as a frame, and none of {', '.join(BACKENDS)} is installed: "
            "pip install pandas"
        )
    if backend not in BACKENDS:
        raise ValueError(
            f"backend={backend!r} is not a known frame library; choose one of {BACKENDS} or None."
        )
    if find_spec(backend) is None:
        raise ImportError(f"backend={backend!r} is not installed: pip install {backend}")
    return backend


def build_frame(columns: Mapping[str, Any], backend: str) -> nw.DataFrame[Any]:
    """Make a frame out of equally long arrays and lists; None in a list is a missing value."""
    implementation: Any = backend  # resolve_backend has checked it against narwhals' names
    return nw.from_dict(columns, backend=implementation)


def take_rows(frame: nw.DataFrame[Any], rows: np.ndarray) -> nw.DataFrame[Any]:
    """Gather rows by position; a pandas index starts from 0 again."""
    return nw.maybe_reset_index(frame[rows])


def beside(left: nw.DataFrame[Any], right: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    """Join two frames of equal length column by column."""
    return nw.concat([left, right], how="horizontal")


def time_order(timestamps: np.ndarray, random_state: Any) -> np.ndarray:
    """Give the rows in order of time, equal times in a seeded random order.

    A source often lists the events of one second sorted by item or by rating; kept, that order would
    tell a model which item comes next.
    """
    ties = check_random_state(random_state).permutation(len(timestamps))
    return np.lexsort((ties, timestamps))


def as_result(frame: nw.DataFrame[Any], return_X_y: bool, target: str = "rating") -> Any:
    """Give the native frame, or the pair (frame without the target, target)."""
    if not return_X_y:
        return frame.to_native()
    if target not in frame.columns:
        return frame.to_native(), None
    return frame.drop(target).to_native(), frame[target].to_native()


def shown(names: Sequence[object], limit: int = 12) -> str:
    """Write column names on one line, however many there are."""
    text = ", ".join(repr(name) for name in names[:limit])
    return text + (f" and {len(names) - limit} more" if len(names) > limit else "")
