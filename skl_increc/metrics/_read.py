"""Reading of what the array functions are given: lists or scores, and what was wanted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from skl_increc._state.ids import canonical

from ._base import as_list, items_wanted

__all__ = ["mean_of", "read_lists", "read_scores", "read_truths"]


def read_lists(y_pred: Any, k: int) -> list[list[Hashable]]:
    """The first ``k`` places of each list in canonical ids; None and NaN, which pad a short list, left out.

    Raises
    ------
    TypeError
        Where a list is a single id or a number.
    ValueError
        For an array of fractions, which are scores.
    """
    if isinstance(y_pred, np.ndarray):
        if y_pred.ndim != 2:
            raise ValueError(f"y_pred must hold a list a row; got an array of shape {y_pred.shape}.")
        if y_pred.dtype.kind == "f" and not _whole(y_pred):
            raise ValueError("y_pred holds fractions, not ids: give scores as y_score=...")
        y_pred = y_pred.tolist()
    if isinstance(y_pred, (str, bytes)) or not hasattr(y_pred, "__iter__"):
        raise TypeError(f"y_pred must be a sequence of lists of items; got {y_pred!r}.")
    lists = []
    for row in y_pred:
        items = map(canonical, as_list(row)[:k])
        lists.append([item for item in items if item is not None])
    return lists


def _whole(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool((known == np.floor(known)).all())


def read_truths(y_true: Any) -> list[set[Hashable]]:
    """What each list should hold: the items of a set, a list or an array; anything else is one id."""
    if isinstance(y_true, (str, bytes)) or not hasattr(y_true, "__iter__"):
        raise TypeError(f"y_true must hold the items wanted of each list; got {y_true!r}.")
    return [items_wanted(list(row) if isinstance(row, np.ndarray) else row) for row in y_true]


def read_scores(y_true: Any, y_score: Any) -> tuple[Any, np.ndarray]:
    """Rows of 0 and 1, dense or CSR, and scores of the same shape.

    Raises
    ------
    ValueError
        For other values than 0 and 1, scores that are NaN or +inf, and shapes that differ.
    """
    scores = check_array(y_score, dtype=np.float64, ensure_all_finite=False, input_name="y_score")
    if not (scores < np.inf).all():
        raise ValueError(
            "y_score holds NaN or infinity: a model that has diverged is not ranked. -inf alone has a meaning: "
            "the item is not in the list."
        )
    wanted = sp.csr_array(y_true) if sp.issparse(y_true) else np.asarray(y_true)
    values: Any = wanted.data if sp.issparse(wanted) else wanted
    if wanted.shape != scores.shape:
        raise ValueError(
            f"y_true has the shape {wanted.shape}, y_score {scores.shape}: with y_score, both are (n_lists, n_items)."
        )
    if values.dtype.kind not in "biuf" or not ((values == 0) | (values == 1)).all():
        raise ValueError("With y_score, y_true must hold 0 and 1 only: write y_true > 0, or the like.")
    return wanted, scores


def row_of(wanted: Any, row: int) -> np.ndarray:
    """A row of the wanted items as booleans, dense."""
    if not sp.issparse(wanted):
        return np.asarray(wanted[row], dtype=bool)
    mask = np.zeros(wanted.shape[1], dtype=bool)
    span = slice(wanted.indptr[row], wanted.indptr[row + 1])
    mask[wanted.indices[span]] = wanted.data[span] != 0
    return mask


def mean_of(values: np.ndarray, sample_weight: Any, name: str, stacklevel: int = 5) -> float:
    """Weighted mean of what is no NaN; NaN with an `UndefinedMetricWarning` if nothing is left."""
    weights = np.ones(len(values))
    if sample_weight is not None:
        weights = column_or_1d(sample_weight, dtype=np.float64)
        check_consistent_length(values, weights)
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError("sample_weight must be finite and at least 0.")
    kept = ~np.isnan(values) & (weights > 0)
    if not kept.any():
        warn_of_nothing(name, stacklevel)
        return math.nan
    return math.fsum((values[kept] * weights[kept]).tolist()) / math.fsum(weights[kept].tolist())


def warn_of_nothing(name: str, stacklevel: int) -> None:
    """Say that a metric is not defined."""
    warnings.warn(
        f"{name} is not defined: no list is left, as each is without an item to find or of weight 0.",
        UndefinedMetricWarning,
        stacklevel=stacklevel,
    )


def items_of(ids: Iterable[Any]) -> Sequence[Hashable]:
    """Canonical ids, missing ones left out."""
    return [item for item in map(canonical, ids) if item is not None]
