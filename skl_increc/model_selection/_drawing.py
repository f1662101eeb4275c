"""What all pictures share: axes to draw on, and matplotlib only when something is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["draw_curves", "draw_lines", "open_axes"]


def open_axes(ax: Any) -> Any:
    """The axes given, or those of a new figure.

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError('Plots need matplotlib: pip install "skl_increc[plot]"') from error
    return plt.subplots()[1] if ax is None else ax


def draw_lines(ax: Any, x: Any, y: Mapping[str, Any], style: Mapping[str, Any]) -> list[Any]:
    """A line over ``x`` for each name, labelled by it; ``style`` goes to ``ax.plot``."""
    return [ax.plot(x, y[name], **{"label": name, **style})[0] for name in y]


def draw_curves(
    ax: Any,
    n_events: Any,
    values: Mapping[str, Any],
    metric: str,
    recent: bool,
    style: Mapping[str, Any],
    over: str | None = None,
) -> list[Any]:
    """The values of a metric along the stream, or the bytes of the models."""
    lines = draw_lines(ax, n_events, values, style)
    if metric == "nbytes":
        ax.set(xlabel="events", ylabel="bytes")
    else:
        over = over or ("since the last point" if recent else "so far")
        ax.set(xlabel="events", ylabel=f"{metric}, {over}")
    ax.legend()
    return lines
