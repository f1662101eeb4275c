"""The table of a result."""

from __future__ import annotations

import math
from typing import Any

from ._seeds import mean_over_seeds
from ._table import align, decimals, short

__all__ = ["text_table"]


def text_table(result: Any) -> str:
    """Table of a result, with a line on what was asked and the rule for ties."""
    lines = _over_seeds(result) if result._belongs else _rows(result)
    notes = [
        f"{row['model']} diverged: its prediction at event {row['diverged_at']:,} was no finite number."
        for row in result.summary()
        if row["diverged_at"] is not None
    ]
    if result.interrupted:
        notes.append(f"Interrupted after {result.n_events:,} events.")
    late = [] if result.delay is None else [f"Labels came late: {result.delay}."]
    rule = f"Ties: {result.ties_rule}."
    return "\n".join([*align(lines), "", _asked(result), *late, rule, *notes])


def _rows(result: Any) -> list[list[str]]:
    names = result._metrics
    lines = [["model", *names, "asked", "predict us", "(p99)", "learn us", "(p99)", "bytes/row"]]
    for row in result.summary():
        spans = [row[f"{what}_{which}"] for what in ("predict", "learn") for which in ("median", "p99")]
        lines.append(
            [
                row["model"],
                *(decimals(row[name]) for name in names),
                f"{row['n_asked']:,}",
                *(_microseconds(span) for span in spans),
                short(row["bytes_per_row"]),
            ]
        )
    return lines


def _over_seeds(result: Any) -> list[list[str]]:
    lines = [["model", "seeds", *result._metrics]]
    for row in mean_over_seeds(result.summary(), result._belongs, result._metrics):
        cells = [row["model"], str(row["n_seeds"])]
        for name in result._metrics:
            sd = row[f"{name}_sd"]
            cells.append(decimals(row[name]) + ("" if math.isnan(sd) else f" +- {sd:.4f}"))
        lines.append(cells)
    return lines


def _microseconds(span: Any) -> str:
    return "-" if span is None else short(span * 1e6)


def _asked(result: Any) -> str:
    counts = f"{result.n_events:,} events of {result.n_users:,} users and {result.n_items:,} items"
    if result.task == "binary":
        ones = "" if result.threshold is None else f" (y of {result.threshold:g} and more)"
        what = f"the probability of a 1{ones}, each predicted, then learned"
    elif result.task == "rating":
        what = "ratings, each predicted, then learned"
    else:
        seen = "without" if result.exclude_seen else "with"
        of = "" if result.min_y is None else f", y of {result.min_y:g} and more"
        repeats = "repeats asked" if result.repeats else "repeats not asked"
        what = f"the next item, in a list of {result.k} {seen} what the user had ({repeats}{of})"
    warmup = f", after {result.warmup:,} to warm up" if result.warmup else ""
    return f"Task: {what}; {counts}{warmup}."
