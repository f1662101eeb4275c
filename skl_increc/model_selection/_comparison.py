"""The models of one run against one of them: who is better, and is it more than luck."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._binary import LEAST
from ._paired import PairedTest, holm, mcnemar_test, paired_z_test
from ._table import align, decimals

__all__ = ["Comparison", "compare_outcomes"]


@dataclass(frozen=True)
class Comparison:
    """What `ProgressiveResult.compare` found; print it for a table.

    Attributes
    ----------
    reference : str
        The model that the others are compared with.
    metric : str
        "hit rate at k", or "RMSE".
    alpha : float
        Level of significance.
    values : dict of str to float
        The metric of each model over the questions that it answered; NaN for one that diverged.
    tests : dict of str to PairedTest
        For each other model the test of the reference (a) against it (b).
    pvalues : dict of str to float
        Those of the tests, adjusted by Holm's method, so that all hold together.
    """

    reference: str
    metric: str
    alpha: float
    values: dict[str, float]
    tests: dict[str, PairedTest]
    pvalues: dict[str, float]

    def verdict(self, model: str) -> int:
        """1 if the reference is significantly better than a model, -1 if it is worse, else 0.

        Raises
        ------
        KeyError
            For the reference itself, and a model without answers.
        """
        if self.pvalues[model] >= self.alpha:
            return 0
        return 1 if self.tests[model].statistic > 0 else -1

    def summary(self) -> list[dict[str, Any]]:
        """One row a model, the reference first, then the best.

        Returns
        -------
        list of dict
            ``model``, ``value``, ``n10`` and ``n01`` (questions that the reference alone, and the model alone,
            got right, or nearer), ``statistic`` (above 0: the reference is better), ``pvalue`` (adjusted),
            ``won``, ``lost`` (shares of windows) and ``verdict``. All but the first two are None for the
            reference and for a model that diverged.
        """
        sign = 1.0 if self.metric == "RMSE" else -1.0
        rest = sorted(
            (name for name in self.values if name != self.reference),
            key=lambda name: (math.isnan(self.values[name]), sign * self.values[name]),
        )
        rows: list[dict[str, Any]] = []
        for name in [self.reference, *rest]:
            test = self.tests.get(name)
            row: dict[str, Any] = {"model": name, "value": self.values[name]}
            for key in ("n10", "n01", "statistic", "won", "lost"):
                row[key] = None if test is None else getattr(test, key)
            row["pvalue"] = self.pvalues.get(name)
            row["verdict"] = None if test is None else self.verdict(name)
            rows.append(row)
        return rows

    def __str__(self) -> str:
        head = ["model", self.metric, "n10", "n01", "statistic", "p", "windows won", "lost", ""]
        lines = [head]
        marks = {1: "*", 0: "", -1: "!", None: ""}
        for row in self.summary():
            cells = [row["model"], decimals(row["value"])]
            if row["statistic"] is None:
                cells += ["-"] * 6
            else:
                cells += [f"{row['n10']:,}", f"{row['n01']:,}", f"{row['statistic']:+.1f}"]
                cells += [f"{row['pvalue']:.1g}", f"{row['won']:.0%}", f"{row['lost']:.0%}"]
            lines.append([*cells, marks[row["verdict"]]])
        return "\n".join([*align(lines), "", *self._legend()])

    def _legend(self) -> list[str]:
        test = next(iter(self.tests.values()), None)
        if test is None:
            return ["There is no other model to compare with."]
        right = "got right" if test.test == "McNemar" else "came nearer to"
        return [
            f"{self.reference} against each other model, {test.test} test. n10, n01: questions that {self.reference} "
            f"alone {right}, and the other alone.",
            f"*: {self.reference} is better, !: it is worse, p < {self.alpha:g} for all together (Holm).",
            f"Windows: {len(test.ends)} of {test.window:,} questions each, won or lost with p < {self.alpha:g}.",
        ]


def compare_outcomes(
    task: str,
    outcomes: Mapping[str, dict[str, np.ndarray] | None],
    reference: str | None,
    k: int | None,
    window: int | None,
    step: int | None,
    alpha: float,
) -> Comparison:
    """Test one model against the others; ``outcomes`` are None of a model that diverged."""
    diverged = [name for name, arrays in outcomes.items() if arrays is None]
    losses = {n: _loss(task, arrays, k) for n, arrays in outcomes.items() if arrays is not None}
    values = {name: _value(task, loss) for name, loss in losses.items()}
    if reference is None:
        best = max if task == "ranking" else min
        known = [name for name, value in values.items() if not math.isnan(value)]
        if not known:
            raise ValueError("No model answered anything: there is nothing to compare.")
        reference = best(known, key=lambda name: values[name])
    if math.isnan(values.get(reference, math.nan)):
        raise ValueError(
            f"reference={reference!r} is no model with answers; there are "
            f"{[name for name, value in values.items() if not math.isnan(value)]}."
        )
    tests = {}
    for name, loss in losses.items():
        if name == reference:
            continue
        n = min(len(loss), len(losses[reference]))
        a, b = losses[reference][:n], loss[:n]
        both = ~(np.isnan(a) | np.isnan(b))
        if task != "ranking" and both.sum() > 1:
            power = 2 if task == "rating" else 1  # log losses are compared as they are
            tests[name] = paired_z_test(
                a[both] ** power, b[both] ** power, window=window, step=step, alpha=alpha
            )
        elif task == "ranking" and both.any():
            tests[name] = mcnemar_test(a[both] == 0, b[both] == 0, window=window, step=step, alpha=alpha)
    adjusted = dict(zip(tests, holm([test.pvalue for test in tests.values()]), strict=True))
    metric = {"rating": "RMSE", "binary": "LogLoss"}.get(task, f"hit rate at {k}")
    values |= dict.fromkeys(diverged, math.nan)
    return Comparison(reference, metric, alpha, values, tests, adjusted)


def _loss(task: str, arrays: dict[str, np.ndarray], k: int | None) -> np.ndarray:
    """Error, log loss, or 0 for a hit and 1 for a miss; NaN without an answer."""
    if task == "rating":
        return arrays["error"]
    if task == "binary":  # the error is 1 less the probability of what came
        return -np.log(np.maximum(1.0 - np.abs(arrays["error"]), LEAST))
    place = arrays["place"]
    return np.where(np.isnan(place), np.nan, np.where(place <= (k or 0), 0.0, 1.0))


def _value(task: str, loss: np.ndarray) -> float:
    answered = loss[~np.isnan(loss)]
    if not len(answered):
        return math.nan
    if task == "rating":
        return float(np.sqrt(np.mean(answered**2)))
    if task == "binary":
        return float(answered.mean())
    return float(1.0 - answered.mean())
