"""A result as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._result import ProgressiveResult

__all__ = ["align", "text_table"]


def text_table(result: ProgressiveResult) -> str:
    """Table of a result, with a line on what was asked and the rule for ties."""
    names = result._metrics
    head = ["model", *names, "asked", "predict/s", "learn/s", "bytes/row"]
    lines = [
        [
            row["model"],
            *(_value(row[name]) for name in names),
            f"{row['n_asked']:,}",
            short(row["predict_per_second"]),
            short(row["learn_per_second"]),
            short(row["bytes_per_row"]),
        ]
        for row in result.summary()
    ]
    notes = [
        f"{row['model']} diverged: its prediction at event {row['diverged_at']:,} was no finite number."
        for row in result.summary()
        if row["diverged_at"] is not None
    ]
    if result.interrupted:
        notes.append(f"Interrupted after {result.n_events:,} events.")
    return "\n".join([*align([head, *lines]), "", _asked(result), f"Ties: {result.ties_rule}.", *notes])


def _asked(result: ProgressiveResult) -> str:
    counts = f"{result.n_events:,} events of {result.n_users:,} users and {result.n_items:,} items"
    if result.task == "rating":
        what = "ratings, each predicted, then learned"
    else:
        seen = "without" if result.exclude_seen else "with"
        of = "" if result.min_y is None else f", y of {result.min_y:g} and more"
        repeats = "repeats asked" if result.repeats else "repeats not asked"
        what = f"the next item, in a list of {result.k} {seen} what the user had ({repeats}{of})"
    warmup = f", after {result.warmup:,} to warm up" if result.warmup else ""
    return f"Task: {what}; {counts}{warmup}."


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def _value(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def short(number: Any) -> str:
    """Three digits and a letter; "-" for None."""
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"
