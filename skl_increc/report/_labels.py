"""Names written at the ends of curves, where they do not lie on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["label_ends", "spread_out"]

_LONGEST = 24


def spread_out(heights: Sequence[float], gap: float) -> list[float]:
    """Heights between 0 and 1, moved as little as it takes to be ``gap`` apart; order and input order kept.

    Examples
    --------
    >>> [round(height, 2) for height in spread_out([0.5, 0.52, 0.1], 0.1)]
    [0.46, 0.56, 0.1]
    """
    if not heights:
        return []
    gap = min(gap, 1.0 / len(heights))
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[tuple[float, int]] = []  # of labels that touch: the sum of what their bottoms want, number

    def bottom(group: tuple[float, int]) -> float:
        wanted, n = group
        return min(max(wanted / n, 0.0), 1.0 - gap * (n - 1))

    for place in order:
        groups.append((heights[place], 1))
        while len(groups) > 1 and bottom(groups[-2]) + gap * groups[-2][1] > bottom(groups[-1]):
            above, below = groups.pop(), groups.pop()
            groups.append((below[0] + above[0] - gap * below[1] * above[1], below[1] + above[1]))
    placed = [bottom(group) + gap * at for group in groups for at in range(group[1])]
    found = [0.0] * len(heights)
    for place, height in zip(order, placed, strict=True):
        found[place] = height
    return found


def label_ends(axes: Any, ends: Mapping[str, float], colors: Mapping[str, tuple[str, str]]) -> None:
    """Write each name right of the axes, at the height of the end of its curve."""
    low, high = axes.get_ylim()
    names = list(ends)
    shares = [min(1.0, max(0.0, (ends[name] - low) / (high - low))) for name in names]
    for name, share, place in zip(names, shares, spread_out(shares, 0.062), strict=True):
        short = name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..."
        axes.annotate(
            short,
            xy=(1.0, share),
            xytext=(1.05, place),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=colors[name][0],
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": colors[name][0],
                "linewidth": 0.6,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
