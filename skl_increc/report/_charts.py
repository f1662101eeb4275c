"""Curves over the stream as inline SVG, without anything to load."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skl_increc.model_selection import ProgressiveResult
from skl_increc.report._labels import label_ends
from skl_increc.report._words import is_error

__all__ = ["age_svg", "colors_of", "curve_svg", "themed"]

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
    "axes.labelcolor": "#444444",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e5e5e5",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}
_NAMES = {color: f"--c{at}" for at, color in enumerate(_COLORS)}
_NAMES |= {color: f"--g{at}" for at, color in enumerate(_GREYS)}
_NAMES |= {"#999999": "--edge", "#e5e5e5": "--grid", "#444444": "--axis"}
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
            again = own // len(_COLORS)  # the colours begin anew, in dashes
            chosen[name] = (
                _COLORS[own % len(_COLORS)],
                _DASHES[(again - 1) % len(_DASHES)] if again else "-",
            )
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
    lines = _lines(result, metric, "recent" if recent else "value")

    def draw(axes: Any) -> None:
        from matplotlib.ticker import MaxNLocator

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
        label_ends(axes, _ends({name: heights for name, (_, heights) in lines.items()}), colors)

    label = f"{metric} {'between two points' if recent else 'so far'} over the stream, a line per model"
    return _svg(draw, key, label)


def age_svg(
    groups: Sequence[str],
    values: Mapping[str, Sequence[float]],
    metric: str,
    *,
    colors: Mapping[str, tuple[str, str]],
    key: str,
) -> str:
    """Draw a metric by groups of questions, a line per model.

    Parameters
    ----------
    groups : sequence of str
        Their names.
    values : mapping of str to sequence of float
        The metric of each model in each group; NaN where it was asked nothing.
    metric : str
        Its name.
    colors, key
        As of `curve_svg`.

    Returns
    -------
    str
        An ``<svg>`` element.

    Raises
    ------
    ImportError
        Without matplotlib.
    """

    def draw(axes: Any) -> None:
        places = range(len(groups))
        for name, heights in values.items():
            color, dashes = colors[name]
            axes.plot(places, heights, color=color, linestyle=dashes, linewidth=1.6, marker="o", markersize=3)
        axes.set(xlabel="events of the user learned before", ylabel=metric)
        axes.set_xticks(list(places), groups, rotation=45 if len(groups) > 7 else 0)
        label_ends(axes, _ends(values), colors)

    return _svg(draw, key, f"{metric} by events of the user learned before, a line per model")


def _ends(curves: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The last height of each curve that has any."""
    finite = {name: [height for height in own if math.isfinite(height)] for name, own in curves.items()}
    return {name: own[-1] for name, own in finite.items() if own}


def _svg(draw: Callable[[Any], None], key: str, label: str) -> str:
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('Reports need matplotlib: pip install "skl_increc[plot]"') from error
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": key}):
        figure = Figure(figsize=(6.2, 3.3), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True)
    return themed(_inline(text.getvalue(), key, label))


def themed(svg: str) -> str:
    """Colours by the names that the style of the page gives them, for light and dark alike.

    Examples
    --------
    >>> themed('<path style="stroke: #0072b2"/>')
    '<path style="stroke: var(--c0)"/>'
    """
    for color, name in _NAMES.items():
        svg = re.sub(re.escape(color), f"var({name})", svg, flags=re.IGNORECASE)
    return svg


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
