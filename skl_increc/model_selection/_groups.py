"""Metrics of groups of questions: strangers, new items, users of much and of little activity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ._scores import QuestionScore, doubling_edges, group_means, read_edges
from ._table import align, decimals

__all__ = ["GroupMetrics", "group_outcomes", "names_of_edges"]

_NAMED = {"user": ("user_age", ("cold", "warm")), "item": ("item_age", ("new", "known"))}
_COUNTED = {"activity": "user_age", "popularity": "item_age"}


@dataclass(frozen=True)
class GroupMetrics:
    """What `ProgressiveResult.groups` found; print it for a table.

    Attributes
    ----------
    by : str
        What the groups were made by.
    metrics : list of str
        Names of the metrics.
    rows : list of dict
        One row per group and model: ``group``, ``model``, ``n_asked`` (questions that it answered), and a value
        per metric, NaN where it answered none.
    """

    by: str
    metrics: list[str]
    rows: list[dict[str, Any]]

    def __str__(self) -> str:
        head = ["group", "model", *self.metrics, "asked"]
        lines = [
            [
                row["group"],
                row["model"],
                *(decimals(row[name]) for name in self.metrics),
                f"{row['n_asked']:,}",
            ]
            for row in self.rows
        ]
        return "\n".join(align([head, *lines]))


def group_outcomes(
    outcomes: Mapping[str, dict[str, np.ndarray] | None],
    by: Any,
    edges: Sequence[int] | None,
    scores: Mapping[str, QuestionScore],
) -> GroupMetrics:
    """Metrics of each group for each model; ``outcomes`` are None of a model that diverged.

    Raises
    ------
    ValueError
        For an unknown ``by``, labels that are too few, ``edges`` where there are none to set.
    """
    longest = max(
        (a for a in outcomes.values() if a is not None), key=lambda a: len(a["event"]), default=None
    )
    title, names, codes = _grouping(longest, by, edges)
    rows = []
    found = {m: _of_model(arrays, codes, len(names), scores) for m, arrays in outcomes.items()}
    for at, group in enumerate(names):
        for model, (counts, values) in found.items():
            row: dict[str, Any] = {"group": group, "model": model, "n_asked": int(counts[at])}
            rows.append(row | {name: float(own[at]) for name, own in values.items()})
    return GroupMetrics(title, list(scores), rows)


def _of_model(
    arrays: Mapping[str, np.ndarray] | None, codes: np.ndarray, n: int, scores: Mapping[str, QuestionScore]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    if arrays is None:
        return np.zeros(n, dtype=np.int64), {name: np.full(n, math.nan) for name in scores}
    own = codes[: len(arrays["event"])]
    values = {name: group_means(score, arrays, own, n) for name, score in scores.items()}
    counts = next((counts for _, counts in values.values()), np.zeros(n, dtype=np.int64))
    return counts, {name: metric for name, (metric, _) in values.items()}


def _grouping(
    arrays: Mapping[str, np.ndarray] | None, by: Any, edges: Sequence[int] | None
) -> tuple[str, list[str], np.ndarray]:
    """Title, names of the groups, and a group for every question."""
    counted = isinstance(by, str) and by in _COUNTED
    if edges is not None and not counted:
        raise ValueError(f"edges are for {list(_COUNTED)}; here by={by!r}.")
    if isinstance(by, str):
        if not counted and by not in _NAMED:
            raise ValueError(f"by must be one of {[*_NAMED, *_COUNTED]}, or a label per event; got {by!r}.")
        if arrays is None:
            return by, [], np.empty(0, dtype=np.int64)
        if not counted:
            column, names = _NAMED[by]
            return by, list(names), (arrays[column] > 0).astype(np.int64)
        ages = arrays[_COUNTED[by]]
        least = doubling_edges(int(ages.max(initial=0))) if edges is None else read_edges(edges)
        return by, names_of_edges(least), np.searchsorted(least, ages, side="right") - 1
    labels = np.asarray(by, dtype=object)
    last = 0 if arrays is None else int(arrays["event"].max(initial=0))
    if labels.ndim != 1 or len(labels) < last:
        raise ValueError(f"by must hold a label per event, at least {last}; got shape {labels.shape}.")
    if arrays is None:
        return "labels", [], np.empty(0, dtype=np.int64)
    texts = np.array([str(label) for label in labels[arrays["event"] - 1].tolist()], dtype=object)
    names_, codes = np.unique(texts, return_inverse=True)
    return "labels", names_.tolist(), codes.reshape(-1)


def names_of_edges(edges: np.ndarray) -> list[str]:
    """Names of the groups that begin at ``edges``.

    Examples
    --------
    >>> names_of_edges(np.array([0, 1, 3, 17]))
    ['0', '1-2', '3-16', '17+']
    """
    inner = [str(low) if high == low + 1 else f"{low}-{high - 1}" for low, high in pairwise(edges.tolist())]
    return [*inner, f"{edges[-1]}+"]
