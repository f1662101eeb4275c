"""What is measured of one model, from the questions' truths and its answers."""

from __future__ import annotations

import copy
import math
from array import array
from collections.abc import Sequence
from typing import Any

from river import metrics as river_metrics
from river.base import Base
from river.metrics.base import Metric, Metrics, RegressionMetric

from skl_increc import metrics as our_metrics
from skl_increc.base._ranking import mean_gain
from skl_increc.metrics import RankingMetric
from skl_increc.metrics._gains import GainMetric

from ._ask import count_errors, count_places
from ._binary import BINARY_NAMES, is_binary_metric

__all__ = ["MISS", "SKIPPED", "RankingMeter", "RatingMeter", "choose_metrics"]

#: in place of a place: the item was not in the list; there was no list
MISS, SKIPPED = -1, -2

_RATING_NAMES: dict[str, Any] = {"rmse": river_metrics.RMSE, "mae": river_metrics.MAE}
_RANKING_NAMES: dict[str, Any] = {
    "hit_rate": our_metrics.HitRate,
    "recall": our_metrics.Recall,
    "precision": our_metrics.Precision,
    "f1": our_metrics.F1,
    "ndcg": our_metrics.NDCG,
    "mrr": our_metrics.MRR,
    "map": our_metrics.MAP,
    "coverage": our_metrics.Coverage,
    "novelty": our_metrics.Novelty,
    "gini": our_metrics.Gini,
    "popularity_bias": our_metrics.PopularityBias,
}


_USUAL = {
    "rating": ["rmse", "mae"],
    "binary": ["log_loss", "roc_auc", "f1"],
    "ranking": ["hit_rate", "recall", "ndcg", "mrr"],
}


def choose_metrics(metrics: Any, task: str, k: int) -> dict[str, Metric]:
    """Name -> metric, each new: from None (the usual ones), names, and River metrics.

    Raises
    ------
    ValueError
        For unknown names, metrics of the other task, a metric of more places than ``k``, and two of a name.
    """
    if metrics is None:
        metrics = _USUAL[task]
    listed = isinstance(metrics, (Metrics, Sequence)) and not isinstance(metrics, str)
    chosen: dict[str, Metric] = {}
    for entry in metrics if listed else [metrics]:
        metric = _by_name(entry, task, k) if isinstance(entry, str) else _fresh(entry)
        _check_metric(metric, task, k)
        name = _name(metric)
        if name in chosen:
            raise ValueError(f"metrics holds {name} twice.")
        chosen[name] = metric
    if not chosen:
        raise ValueError("metrics is empty: give at least one, or None for the usual ones.")
    return chosen


def _by_name(name: str, task: str, k: int) -> Any:
    known = {"rating": _RATING_NAMES, "binary": BINARY_NAMES, "ranking": _RANKING_NAMES}[task]
    if name not in known:
        raise ValueError(f"There is no {task} metric {name!r}; there are {sorted(known)}, and River's.")
    return known[name](k) if task == "ranking" else known[name]()


def _fresh(metric: Any) -> Any:
    # River's Rolling is no Base, and its clone would be that of the metric inside
    return metric.clone() if isinstance(metric, Base) else copy.deepcopy(metric)


def _inner(metric: Any) -> Any:
    return metric if isinstance(metric, Base) else getattr(metric, "obj", metric)


def _name(metric: Any) -> str:
    inner = _inner(metric)
    own = type(metric).__name__
    return own if inner is metric else f"{own}({type(inner).__name__})"


def _check_metric(metric: Any, task: str, k: int) -> None:
    inner = _inner(metric)
    if not isinstance(inner, Metric):
        raise TypeError(f"metrics holds {metric!r}: give names or River metrics.")
    fits = {
        "rating": isinstance(inner, RegressionMetric),
        "binary": is_binary_metric(metric),
        "ranking": isinstance(inner, RankingMetric),
    }
    if not fits[task]:
        raise ValueError(f"{_name(metric)} is no metric of the {task} task.")
    if isinstance(inner, RankingMetric) and inner.k > k:
        raise ValueError(f"{_name(metric)} wants lists of {inner.k}, but k={k}: say k={inner.k}.")


class RatingMeter:
    """Errors of ratings: RMSE and MAE by River's own recurrence, so that the last bit agrees; others by calls.

    ``outcomes`` holds the error of every question, NaN where there was no answer, if ``record``.
    """

    def __init__(self, metrics: dict[str, Metric], record: bool = True) -> None:
        self.n = 0
        self.outcomes = array("d") if record else None
        self._mse = 0.0
        self._mae = 0.0
        self._names = list(metrics)
        self._rmse_of = [name for name, m in metrics.items() if type(m) is river_metrics.RMSE]
        self._mae_of = [name for name, m in metrics.items() if type(m) is river_metrics.MAE]
        own = {*self._rmse_of, *self._mae_of}
        self._others = {name: _fresh(m) for name, m in metrics.items() if name not in own}

    def measure(self, truths: Sequence[Any], answers: Sequence[Any], numbers: Sequence[int]) -> int | None:
        """Count a block; or, where an answer is not finite, count nothing and return the event's number."""
        try:
            n, mse, mae, errors = count_errors(truths, answers, self.n, self._mse, self._mae)
        except OverflowError:  # an integer beyond all floats
            return self._first_bad(truths, answers, numbers)
        if not math.isfinite(mse):
            return self._first_bad(truths, answers, numbers)
        self.n, self._mse, self._mae = n, mse, mae
        if self.outcomes is not None:
            self.outcomes.frombytes(errors.tobytes())
        for metric in self._others.values():
            for truth, answer in zip(truths, answers, strict=True):
                if answer is not None:
                    metric.update(truth, answer)
        return None

    @staticmethod
    def _first_bad(truths: Sequence[Any], answers: Sequence[Any], numbers: Sequence[int]) -> int:
        errors = (0.0 if a is None else float(t - a) for t, a in zip(truths, answers, strict=True))
        return next(
            int(n) for n, error in zip(numbers, errors, strict=True) if not math.isfinite(error * error)
        )

    def values(self) -> dict[str, float]:
        """Value of each metric over everything asked; NaN before the first answer."""
        if not self.n:
            return dict.fromkeys(self._names, math.nan)
        found = {name: float(metric.get()) for name, metric in self._others.items()}
        found |= dict.fromkeys(self._rmse_of, self._mse**0.5) | dict.fromkeys(self._mae_of, self._mae)
        return {name: found[name] for name in self._names}

    def mark(self) -> tuple[float, ...]:
        """Sums so far, for `since`."""
        return (self.n, self.n * self._mse, self.n * self._mae)

    def since(self, before: tuple[float, ...] | None, after: tuple[float, ...]) -> dict[str, float | None]:
        """Value of each metric between two marks; None for those that are not sums."""
        n, squares, sizes = (b - a for a, b in zip(before or (0.0,) * 3, after, strict=True))
        found: dict[str, float | None] = dict.fromkeys(self._names)
        if n > 0:
            found |= dict.fromkeys(self._rmse_of, math.sqrt(max(squares, 0.0) / n))
            found |= dict.fromkeys(self._mae_of, max(sizes, 0.0) / n)
        return found


class RankingMeter:
    """Places of the items that came: whole counts, from which all gains follow; other metrics by calls.

    ``outcomes`` holds the place (from 0) of every item asked for, `MISS` or `SKIPPED`, if ``record``.
    """

    def __init__(self, metrics: dict[str, Metric], k: int, record: bool = True) -> None:
        self.n = 0
        self.outcomes = array("h" if k < 2**15 else "i") if record else None
        self._k = k
        self._counts = [0] * k
        self._names = list(metrics)
        self._tables = {name: m._table for name, m in metrics.items() if isinstance(m, GainMetric)}
        self._others = {name: _fresh(m) for name, m in metrics.items() if name not in self._tables}

    def measure(self, truths: Sequence[Any], answers: Sequence[Any], numbers: Sequence[int]) -> None:
        """Count a block; ``truths`` are the items that each list is asked for."""
        counts = self._counts.copy()
        n, places = count_places(truths, answers, len(numbers), counts, MISS, SKIPPED)
        self.n, self._counts = self.n + n, counts
        if self.outcomes is not None:
            self.outcomes.frombytes(places.astype(self.outcomes.typecode).tobytes())
        for metric in self._others.values():
            for items, ranked in zip(truths, answers, strict=True):
                for item in items:
                    metric.update(item, ranked)

    def values(self) -> dict[str, float]:
        """Value of each metric over everything asked; NaN before the first answer."""
        if not self.n:
            return dict.fromkeys(self._names, math.nan)
        found = {name: float(metric.get()) for name, metric in self._others.items()}
        found |= {name: mean_gain(self._counts, table, self.n) for name, table in self._tables.items()}
        return {name: found[name] for name in self._names}

    def mark(self) -> tuple[float, ...]:
        """Counts so far, for `since`."""
        return (self.n, *self._counts)

    def since(self, before: tuple[float, ...] | None, after: tuple[float, ...]) -> dict[str, float | None]:
        """Value of each metric between two marks; None for those that are not sums."""
        n, *counts = (b - a for a, b in zip(before or (0.0,) * len(after), after, strict=True))
        found: dict[str, float | None] = dict.fromkeys(self._names)
        if n > 0:
            found |= {name: mean_gain(counts, table, n) for name, table in self._tables.items()}
        return found
