"""The binary task: how likely is a 1, for classifiers of both libraries."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from river import metrics as river_metrics
from river.metrics.base import BinaryMetric, Metric

from skl_increc.exceptions import DatasetError

from ._events import Event, Events

__all__ = ["BINARY_NAMES", "LEAST", "BinaryMeter", "chance", "is_binary_metric", "log_loss", "with_labels"]

BINARY_NAMES: dict[str, Any] = {
    "log_loss": river_metrics.LogLoss,
    "roc_auc": lambda: river_metrics.ROCAUC(n_thresholds=100),
    "f1": river_metrics.F1,
    "accuracy": river_metrics.Accuracy,
    "precision": river_metrics.Precision,
    "recall": river_metrics.Recall,
}
LEAST = 1e-15  # as in River's LogLoss: a model that was sure and wrong loses no more than 34.5


def with_labels(events: Events, threshold: float | None) -> Events:
    """Events whose y is 1 from ``threshold`` on and 0 below; without one, y must be 0 or 1 already."""
    return replace(events, rows=_labelled(events.rows, threshold))


def _labelled(rows: Iterator[Event], threshold: float | None) -> Iterator[Event]:
    for user, item, moment, x, y, w in rows:
        if threshold is not None:
            label = int(y >= threshold)
        elif y in (0, 1):
            label = int(y)
        else:
            raise DatasetError(
                f"The binary task needs y of 0 and 1; got {y!r}. Say threshold=... to make it 1 from there on."
            )
        yield user, item, moment, x, label, w


def chance(said: Any) -> float:
    """Probability of 1 in what ``predict_proba_one`` said; one half where it knows no labels yet."""
    if 1 in said:  # True is the same key
        return float(said[1])
    return 1.0 - float(said[0]) if 0 in said else 0.5


def log_loss(truth: float, p: float) -> float:
    """-log of the probability that was given to what came."""
    return -math.log(max(p if truth else 1.0 - p, LEAST))


class BinaryMeter:
    """Log loss by a running mean, the other metrics by calls.

    ``outcomes`` holds truth - probability of every question, if ``record``.
    """

    def __init__(self, metrics: dict[str, Metric], record: bool = True) -> None:
        self.n = 0
        self.outcomes = array("d") if record else None
        self._loss = 0.0
        self._names = list(metrics)
        self._loss_of = [name for name, m in metrics.items() if type(m) is river_metrics.LogLoss]
        self._others = {n: m.clone() for n, m in metrics.items() if n not in self._loss_of}

    def measure(self, truths: Sequence[Any], answers: Sequence[Any], numbers: Sequence[int]) -> int | None:
        """Count a block; or, where a probability is none, count nothing and return the event's number."""
        for number, p in zip(numbers, answers, strict=True):
            if not 0.0 <= p <= 1.0:
                return int(number)
        for truth, p in zip(truths, answers, strict=True):
            self.n += 1
            self._loss += (log_loss(truth, p) - self._loss) / self.n
            for metric in self._others.values():
                labels: Any = p >= 0.5 if metric.requires_labels else {True: p, False: 1.0 - p}
                metric.update(bool(truth), labels)
        if self.outcomes is not None:
            self.outcomes.extend(truth - p for truth, p in zip(truths, answers, strict=True))
        return None

    def values(self) -> dict[str, float]:
        """Value of each metric over everything asked; NaN before the first answer."""
        if not self.n:
            return dict.fromkeys(self._names, math.nan)
        found = {name: float(metric.get()) for name, metric in self._others.items()}
        found |= dict.fromkeys(self._loss_of, self._loss)
        return {name: found[name] for name in self._names}

    def mark(self) -> tuple[float, ...]:
        """Sums so far, for `since`."""
        return (self.n, self.n * self._loss)

    def since(self, before: tuple[float, ...] | None, after: tuple[float, ...]) -> dict[str, float | None]:
        """Value of each metric between two marks; None for those that are not sums."""
        n, loss = (b - a for a, b in zip(before or (0.0,) * 2, after, strict=True))
        found: dict[str, float | None] = dict.fromkeys(self._names)
        return found | dict.fromkeys(self._loss_of, max(loss, 0.0) / n) if n > 0 else found


def is_binary_metric(metric: Any) -> bool:
    """Tell whether a River metric is one of 0 and 1."""
    return isinstance(metric, (BinaryMetric, river_metrics.Accuracy))
