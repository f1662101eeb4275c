"""Values of gains, list by list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from skl_increc.base._ranking import GAINS, check_gain, hit_places

from ._read import mean_of, read_lists, read_scores, read_truths, row_of
from ._ties import EXPECTED, tied_items

__all__ = ["at_k"]


def _of_lists(metric: str, y_true: Any, y_pred: Any, k: int) -> np.ndarray:
    lists, truths = read_lists(y_pred, k), read_truths(y_true)
    if len(lists) != len(truths):
        raise ValueError(f"y_true holds {len(truths)} rows, y_pred {len(lists)} lists: one belongs to each.")
    gain = GAINS[metric]
    values = [
        gain(hit_places(ranked, wanted, k), len(wanted), k) if wanted else math.nan
        for ranked, wanted in zip(lists, truths, strict=True)
    ]
    return np.array(values, dtype=np.float64)


def _of_scores(metric: str, y_true: Any, y_score: Any, k: int) -> np.ndarray:
    wanted, scores = read_scores(y_true, y_score)
    values = np.full(len(scores), math.nan)
    for row, own in enumerate(scores):
        mask = row_of(wanted, row)
        n_wanted = int(np.count_nonzero(mask))
        if n_wanted:
            values[row] = EXPECTED[metric](tied_items(own, mask, k), n_wanted, k)
    return values


def at_k(
    metric: str, y_true: Any, y_pred: Any, k: int, y_score: Any, sample_weight: Any, average: bool
) -> Any:
    """Value of a gain at k of each list, or their mean: from lists by `GAINS`, from scores by `EXPECTED`."""
    check_gain(metric, k)
    if (y_pred is None) == (y_score is None):
        raise ValueError("Give either y_pred (lists of items) or y_score (scores of all items).")
    if y_score is None:
        values = _of_lists(metric, y_true, y_pred, int(k))
    else:
        values = _of_scores(metric, y_true, y_score, int(k))
    return mean_of(values, sample_weight, f"{metric} at {k}") if average else values
