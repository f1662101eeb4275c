"""A result in words and short numbers, for the terminal and the page alike."""

from __future__ import annotations

import math
from typing import Any

from skl_increc.model_selection import ProgressiveResult

__all__ = ["best_first", "lead", "metric_names", "short", "task_title", "value", "verdict"]

#: Models that know nothing, by the names that the command gives them.
FLOORS = ("running mean", "share of ones", "random items")


def task_title(result: ProgressiveResult) -> str:
    """What was asked, as a heading."""
    if result.task == "rating":
        return "Ratings: each predicted, then learned"
    if result.task == "binary":
        ones = "1" if result.threshold is None else f"rated {result.threshold:g} or more"
        return f"Likely or not ({ones}): each predicted, then learned"
    of = "" if result.min_y is None else f" (rated {result.min_y:g} or more)"
    return f"The next item{of}: is it in a list of {result.k}?"


def metric_names(result: ProgressiveResult) -> list[str]:
    """Names of what was measured, in order."""
    return list(result.to_dict()["metrics"])


def is_error(metric: str) -> bool:
    """Tell an error, of which less is better, from a gain."""
    return metric in ("RMSE", "MAE", "LogLoss")


def best_first(result: ProgressiveResult) -> list[dict[str, Any]]:
    """Rows of the summary, the best first by the first metric, those without a value last."""
    metric = metric_names(result)[0]
    sign = 1 if is_error(metric) else -1

    def key(row: dict[str, Any]) -> tuple[bool, float]:
        number = row[metric]
        return (True, 0.0) if math.isnan(number) else (False, sign * number)

    return sorted(result.summary(), key=key)


def verdict(result: ProgressiveResult) -> str | None:
    """One sentence on the best model; None if nothing was measured."""
    rows = best_first(result)
    best, metric = rows[0], metric_names(result)[0]
    if math.isnan(best[metric]):
        return None
    floor = next((row for row in rows if row["model"] in FLOORS and row is not best), None)
    if floor is not None and math.isnan(floor[metric]):
        floor = None
    best_value, than = best[metric], ""
    if result.task != "ranking":
        if floor is not None and floor[metric] > 0.0:
            than = f", {100 * (1 - best_value / floor[metric]):.0f} % below the {floor['model']}"
        what = "ratings" if result.task == "rating" else "probabilities"
        return f"Best for {what}: {best['model']}, {metric} {value(best_value)}{than}."
    if floor is not None:
        than = f" ({floor['model']}: {100 * floor[metric]:.1f})"
    hits = f"{100 * best_value:.1f} of 100 cases"
    return f"Best for lists: {best['model']}; the item was in its list in {hits}{than}."


def lead(result: ProgressiveResult) -> str | None:
    """One sentence on whether the best model's lead is more than luck; None if that is not known."""
    best, metric = best_first(result)[0], metric_names(result)[0]
    if math.isnan(best[metric]) or not result.recorded:
        return None
    comparison = result.compare(best["model"])
    if not comparison.tests:
        return None
    test = next(iter(comparison.tests.values())).test
    even = [name for name in comparison.tests if comparison.verdict(name) < 1]
    proof = f"{test} test, p < {comparison.alpha:g}"
    if not even:
        return f"Its lead over every other model is more than luck ({proof})."
    if len(even) == len(comparison.tests):
        return f"Its lead may be luck: it is not significant over any other model ({proof})."
    return f"Its lead may be luck over {', '.join(even)}, but not over the others ({proof})."


def value(number: float) -> str:
    """Four places, or four digits where that would be none or too many; "-" for NaN.

    Examples
    --------
    >>> value(0.9455), value(0.0), value(1.5e-7), value(7e10), value(float("nan"))
    ('0.9455', '0.0000', '1.5e-07', '7e+10', '-')
    """
    if math.isnan(number):
        return "-"
    return f"{number:.4f}" if number == 0.0 or 1e-3 <= abs(number) < 1e6 else f"{number:.4g}"


def short(number: float | None) -> str:
    """About three digits and a letter; "-" for None.

    Examples
    --------
    >>> short(1234567.0), short(271.4), short(0.25), short(None)
    ('1.23M', '271', '0.25', '-')
    """
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}" if number >= 1.0 else f"{number:.2f}"
