"""Metrics that are means over questions, from what was recorded of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skl_increc.base._ranking import GAINS, gain_table

from ._binary import LEAST

__all__ = ["QuestionScore", "doubling_edges", "find_score", "group_means", "read_edges"]

_OF_TASK: dict[str, tuple[str, ...]] = {
    "rating": ("rmse", "mae"),
    "binary": ("log_loss", "accuracy", "brier"),
    "ranking": ("hit_rate", *(name for name in GAINS if name != "hit_rate")),
}


class QuestionScore:
    """A metric that is a mean over questions, or the root of one.

    Parameters
    ----------
    name : str
        As of `_OF_TASK`.
    k : int or None
        Length of the lists.
    """

    def __init__(self, name: str, k: int | None) -> None:
        self.name = name
        self.k = k
        self.label = name.upper() if k is None and len(name) < 5 else name if k is None else f"{name} at {k}"

    def each(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """What is averaged, a number a question; NaN without an answer."""
        if self.k is None:
            return _of_error(self.name, arrays["error"])
        place = arrays["place"]
        table = np.array([*gain_table(self.name, self.k), 0.0])
        at = np.where(place <= self.k, place - 1, self.k).astype(np.int64)
        return np.where(np.isnan(place), math.nan, table[at])

    def of_mean(self, mean: np.ndarray) -> np.ndarray:
        """The metric, from the mean of `each`."""
        return np.sqrt(mean) if self.name == "rmse" else mean


def _of_error(name: str, error: np.ndarray) -> np.ndarray:
    size = np.abs(error)
    if name == "mae":
        return size
    if name in ("rmse", "brier"):
        return error**2
    if name == "log_loss":  # 1 - size is the probability that was given to what came
        return -np.log(np.maximum(1.0 - size, LEAST))
    right = (size < 0.5) | (error == 0.5)  # an even chance counts as a 1
    return np.where(np.isnan(error), math.nan, right)


def find_score(metric: str | None, task: str, k: int | None) -> QuestionScore:
    """The score of a name: "ndcg", "ndcg@5", or as in a result, "NDCG@5"; None: the usual one of the task.

    Raises
    ------
    ValueError
        For a name of no mean over questions, or of another task, and places that lists do not have.
    """
    known = _OF_TASK[task]
    head, at, places = (known[0] if metric is None else str(metric)).partition("@")
    key = head.casefold().replace("_", "")
    name = next((each for each in known if each.replace("_", "") == key), None)
    if name is None or (at and (k is None or not places.isdecimal())):
        raise ValueError(f"There is no metric {metric!r} of the {task} task here; there are {list(known)}.")
    if k is not None and at:
        if not 1 <= int(places) <= k:
            raise ValueError(f"{metric!r} needs lists of {places}; they have {k} places.")
        k = int(places)
    return QuestionScore(name, k)


def group_means(
    score: QuestionScore, arrays: Mapping[str, np.ndarray], group: np.ndarray, n_groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """The metric of each group of questions, NaN without an answer; and the answers in each.

    ``group`` has a number for every question, -1 for none.
    """
    scores = score.each(arrays)
    kept = ~np.isnan(scores) & (group >= 0)
    counts = np.bincount(group[kept], minlength=n_groups)
    sums = np.bincount(group[kept], weights=scores[kept], minlength=n_groups)
    means = np.divide(sums, counts, out=np.full(n_groups, math.nan), where=counts > 0)
    return score.of_mean(means), counts


def doubling_edges(largest: int) -> np.ndarray:
    """0, 1, 2, 3, 5, 9, 17, ...: groups of 1, 1, 1, 2, 4, 8, ... events."""
    edges = [0, 1, 2]
    while edges[-1] <= largest:
        edges.append(2 * edges[-1] - 1)
    return np.array([edge for edge in edges if edge <= largest], dtype=np.int64)


def read_edges(edges: Sequence[int] | Any) -> np.ndarray:
    """Least number of events of each group.

    Raises
    ------
    ValueError
        If they do not ascend from 0.
    """
    found = np.asarray(edges)
    if found.ndim != 1 or not len(found) or found[0] != 0 or (np.diff(found) <= 0).any():
        raise ValueError(f"edges must ascend from 0; got {list(edges)!r}.")
    return found.astype(np.int64)
