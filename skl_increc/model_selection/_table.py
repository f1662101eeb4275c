"""Figures and tables as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["align", "decimals", "short"]


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


def decimals(number: float) -> str:
    """Four decimals; "-" for NaN."""
    return "-" if math.isnan(number) else f"{number:.4f}"


def short(number: Any) -> str:
    """Three digits and a letter; "-" for None."""
    if number is None:
        return "-"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"
