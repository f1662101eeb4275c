"""Parts of a page that look closer: strangers, and whether the lead holds all along."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from skl_increc.model_selection import Comparison, ProgressiveResult
from skl_increc.report._charts import age_svg
from skl_increc.report._words import best_first, is_error, metric_names, value

__all__ = ["cold_start", "windows_won"]

_FEWEST = 20  # questions of a group that is drawn


def cold_start(result: ProgressiveResult, colors: Mapping[str, tuple[str, str]], key: str) -> str:
    """The first metric by how much of the user was learned before; empty where that is not known."""
    metric = metric_names(result)[0]
    if not result.recorded:
        return ""
    try:
        groups = result.groups("activity", metrics=[metric])
    except ValueError:  # no mean over questions
        return ""
    most: dict[str, int] = {}
    for row in groups.rows:
        most[row["group"]] = max(most.get(row["group"], 0), row["n_asked"])
    shown = [name for name, n in most.items() if n >= _FEWEST]
    if len(shown) < 2:
        return ""
    lines: dict[str, list[float]] = {}
    for row in best_first(result):
        name = row["model"]
        own = {r["group"]: r[metric] for r in groups.rows if r["model"] == name}
        lines[name] = [own[group] for group in shown]
    better = "lower is better" if is_error(metric) else "higher is better"
    caption = (
        f"{metric} by how many events of the user were learned before ({better}). Users of many events are other "
        "people than those of few: compare models at one place."
    )
    svg = age_svg(shown, lines, metric, colors=colors, key=key)
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def windows_won(result: ProgressiveResult) -> tuple[list[str], list[list[str]], str] | None:
    """Head, rows and legend of the best model against the others; None where there is nothing to compare."""
    best, metric = best_first(result)[0], metric_names(result)[0]
    if not result.recorded or best[metric] != best[metric]:
        return None
    found = result.compare(best["model"])
    if not found.tests:
        return None
    head = ["Against", found.metric, "Windows won", "lost", "p", ""]
    marks = {1: "better", 0: "may be luck", -1: "worse", None: ""}
    rows = []
    for row in found.summary()[1:]:
        if row["statistic"] is None:
            rows.append([escape(row["model"]), value(row["value"]), "-", "-", "-", ""])
            continue
        shares = f"{row['won']:.0%}", f"{row['lost']:.0%}"
        cells = [value(row["value"]), *shares, f"{row['pvalue']:.1g}", marks[row["verdict"]]]
        rows.append([escape(row["model"]), *cells])
    return head, rows, _legend(found)


def _legend(found: Comparison) -> str:
    test = next(iter(found.tests.values()))
    return (
        f"{found.reference} against each other model: {test.test} test on the same questions, in {len(test.ends)} "
        f"windows of {test.window:,}. A window is won with p < {found.alpha:g}; p is of the whole stream, for all "
        "comparisons together (Holm)."
    )
