"""Competing pieces of work, timed in turns in one process, on one thread.

Import this module before numpy: it sets the number of threads of every library in use to one.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "arguments", "in_turns", "peer", "report", "timed"]

for _library in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "NUMEXPR_NUM", "RAYON_NUM", "POLARS_MAX"):
    os.environ[f"{_library}_THREADS"] = "1"


@dataclass
class Case:
    """One line of a table.

    Parameters
    ----------
    name : str
        What is timed.
    measure : callable
        Does the work once and returns its CPU seconds; see `timed`.
    units : int
        Events (users, ids) of one run.
    """

    name: str
    measure: Callable[[], float]
    units: int


def arguments(description: str) -> argparse.Namespace:
    """``--quick`` and ``--repeats`` of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="smaller inputs: less than two minutes")
    parser.add_argument("--repeats", type=int, default=None, help="rounds, of which the median counts")
    options = parser.parse_args()
    options.repeats = options.repeats or (5 if options.quick else 7)
    return options


def peer(module: str, package: str | None = None) -> Any:
    """A module of another library; None, and a line that says so, if it cannot be imported."""
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except (ImportError, OSError, AttributeError, ValueError) as error:  # not there, or not for this Python
        name = package or module.split(".")[0]
        print(f"skipped {name}: {type(error).__name__}: {error} (pip install {name})")
        return None


def timed(prepare: Callable[[], Callable[[], Any]]) -> Callable[[], float]:
    """CPU seconds of what `prepare` returns; `prepare` itself does not count."""

    def measure() -> float:
        work = prepare()
        gc.collect()
        gc.disable()
        try:
            start = time.process_time()
            kept = work()
            seconds = time.process_time() - start
        finally:
            gc.enable()
        del kept
        return seconds

    return measure


def in_turns(cases: Iterable[Case], repeats: int) -> dict[str, list[float]]:
    """Seconds of each case in each round; every other round runs backwards."""
    cases = list(cases)
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for turn in range(repeats):
        for case in cases if turn % 2 == 0 else reversed(cases):
            seconds[case.name].append(case.measure())
    return seconds


def report(
    title: str,
    cases: Iterable[Case],
    repeats: int,
    *,
    reference: str,
    unit: str = "event",
    cost: bool = False,
    goal: str = "",
) -> dict[str, float]:
    """Time the cases, print a table, and return the median seconds a unit of each.

    Parameters
    ----------
    title : str
    cases : iterable of Case
    repeats : int
    reference : str
        The name of the case that the ratios refer to.
    unit : str
        What is counted.
    cost : bool
        Ratios tell how many times the cost of the reference, instead of how many times as fast.
    goal : str
        The figure to reach, printed below.
    """
    cases = list(cases)
    seconds = in_turns(cases, repeats)
    each = {c.name: [s / c.units for s in seconds[c.name]] for c in cases}
    middle = {name: statistics.median(values) for name, values in each.items()}
    word = "cost" if cost else "speed"
    print(f"\n{title}\n{'-' * len(title)}")
    print(f"{'':58} {'us/' + unit:>12} {unit + 's/s':>14} {word:>8}  of single rounds")
    for name, value in middle.items():
        low, high = _round_ratios(each[name], each.get(reference, []), cost)
        ratio = _ratio(value, middle.get(reference), cost)
        print(f"{name:58} {value * 1e6:12.4g} {1 / value:>14,.0f} {ratio:>7.2f}x  {low:.2f} to {high:.2f}")
    print(f"medians of {repeats} rounds in turns, CPU time; {word} relative to: {reference}")
    if goal:
        print(f"to reach: {goal}")
    return middle


def _ratio(mine: float, other: float | None, cost: bool) -> float:
    if other is None:
        return float("nan")
    return mine / other if cost else other / mine


def _round_ratios(mine: list[float], other: list[float], cost: bool) -> tuple[float, float]:
    ratios = [_ratio(a, b, cost) for a, b in zip(mine, other, strict=False)] or [float("nan")]
    return min(ratios), max(ratios)
