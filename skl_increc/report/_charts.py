"""Curves over the stream as inline SVG, without anything to load."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from skl_increc.model_selection import ProgressiveResult
from skl_increc.report._words import is_error

__all__ = ["colors_of", "curve_svg"]

# told apart by people with any colour vision (Okabe and Ito), grey for what is there for reference
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#B8860B", "#332288", "#882255")
_GREYS = ("#555555", "#888888", "#b0b0b0")
_DASHES = ("--", ":", "-.")
_STYLE = {
    "svg.fonttype": "none",  # text stays text: it can be found, copied and read aloud
    "font.family": ["sans-serif"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e5e5e5",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}
_UNSETTLED = 0.05  # share of the stream after which a curve shapes the scale


def colors_of(names: Sequence[str], references: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and dashes of each model, the same in every chart of a page."""
    chosen: dict[str, tuple[str, str]] = {}
    own = 0
    for name in names:
        if name in references:
            at = len(chosen) - own
            chosen[name] = (_GREYS[at % len(_GREYS)], _DASHES[at % len(_DASHES)])
        else:
            chosen[name] = (_COLORS[own % len(_COLORS)], "-")
            own += 1
    return chosen


def curve_svg(
    result: ProgressiveResult, metric: str, *, recent: bool, colors: Mapping[str, tuple[str, str]], key: str
) -> str:
    """Draw a metric over the stream, a line per model.

    Parameters
    ----------
    result : ProgressiveResult
        What was measured.
    metric : str
        One of its metrics.
    recent : bool
        Between two points in place of over everything so far.
    colors : mapping
        Of `colors_of`.
    key : str
        Put before all ids of the drawing, so that several fit on one page.

    Returns
    -------
    str
        An ``<svg>`` element.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise ImportError('Reports need matplotlib: pip install "skl_increc[plot]"') from error
    lines = _lines(result, metric, "recent" if recent else "value")
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}):
        figure = Figure(figsize=(5.2, 3.1), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for name, (events, heights) in lines.items():
            color, dashes = colors[name]
            marker = "o" if len(events) == 1 else ""
            axes.plot(
                events, heights, color=color, linestyle=dashes, linewidth=1.6, marker=marker, label=name
            )
        axes.set(xlabel="events", ylabel=metric, xlim=(0, result.n_events))
        limits = _limits(lines, result.n_events, is_error(metric))
        if limits is not None:
            axes.set_ylim(*limits)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True)
    label = f"{metric} {'between two points' if recent else 'so far'} over the stream, a line per model"
    return _inline(text.getvalue(), key, label)


def _lines(result: ProgressiveResult, metric: str, which: str) -> dict[str, tuple[list[int], list[float]]]:
    """Model -> events and heights; nothing where the model was asked nothing."""
    found: dict[str, tuple[list[int], list[float]]] = {}
    for row in result.curve:
        if row["metric"] == metric:
            events, heights = found.setdefault(row["model"], ([], []))
            events.append(row["n_events"])
            heights.append(math.nan if row[which] is None else row[which])
    return found


def _limits(
    lines: Mapping[str, tuple[list[int], list[float]]], n_events: int, error: bool
) -> tuple[float, float] | None:
    """Heights to show: not those of the first few events, and not one of a model on its way to infinity."""
    settled = sorted(
        height
        for events, heights in lines.values()
        for at, height in zip(events, heights, strict=True)
        if at >= _UNSETTLED * n_events and math.isfinite(height)
    )
    if not settled:
        return None
    low = settled[0] if error else 0.0
    high = min(settled[-1], 4.0 * settled[len(settled) // 2]) if error else settled[-1]
    margin = 0.06 * (high - low) or max(0.05 * abs(high), 0.01)
    return (low - margin if error else 0.0), high + margin


def _inline(text: str, key: str, label: str) -> str:
    """The bare element: no prologue, no name spaces, ids of its own."""
    svg: Any = re.search(r"<svg\b.*</svg>", text, re.DOTALL)
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[0], flags=re.DOTALL)
    body = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\bid="', f'id="{key}-', body)
    body = body.replace('href="#', f'href="#{key}-').replace("url(#", f"url(#{key}-")
    return body.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
