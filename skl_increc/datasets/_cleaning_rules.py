"""The rules by which events are dropped; each event leaves by the first that it breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["Sieve", "bursts", "cancelled", "matches", "repeats"]


class Sieve:
    """Which rule each event fell through; 0 for those that are still there."""

    def __init__(self, n: int) -> None:
        self.codes = np.zeros(n, dtype=np.int8)
        self.reasons = ["kept"]

    @property
    def kept(self) -> np.ndarray:
        """Mask of the events that no rule has dropped."""
        return self.codes == 0

    def drop(self, which: np.ndarray, reason: str) -> None:
        """Let these events go, as far as they are there."""
        if not (which & self.kept).any():
            return
        self.reasons.append(reason)
        self.codes[which & self.kept] = len(self.reasons) - 1


def repeats(columns: Iterable[np.ndarray], kept: np.ndarray) -> np.ndarray:
    """Mask of the kept events that repeat an earlier kept one in all these columns."""
    rows = np.flatnonzero(kept)
    parts = [column[rows] for column in columns]
    out = np.zeros(len(kept), dtype=bool)
    if len(rows) == 0:
        return out
    order = np.lexsort((np.arange(len(rows)), *parts))
    same = np.ones(len(rows) - 1, dtype=bool)
    for part in parts:
        same &= part[order][1:] == part[order][:-1]
    out[rows[order[1:][same]]] = True
    return out


def matches(pattern: str | re.Pattern[str], values: Iterable[Any]) -> np.ndarray:
    """Mask of the values in whose text the pattern is found."""
    find = re.compile(pattern).search
    known: dict[Any, bool] = {}
    out = []
    for value in values:
        text = "" if value is None else str(value)
        if text not in known:
            known[text] = find(text) is not None
        out.append(known[text])
    return np.array(out, dtype=bool)


def cancelled(
    users: np.ndarray, items: np.ndarray, y: np.ndarray, time: np.ndarray, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Set returns off against the latest earlier purchases of the same pair.

    Returns
    -------
    left : ndarray of float64 (n,)
        What is left of each purchase.
    matched : ndarray of bool (n,)
        The returns for all of which there was a purchase.
    """
    left, matched = y.copy(), np.zeros(len(y), dtype=bool)
    rows = np.flatnonzero(kept)
    back = rows[y[rows] < 0]
    pairs = set(zip(users[back].tolist(), items[back].tolist(), strict=True))
    stacks: dict[tuple[int, int], list[int]] = {pair: [] for pair in pairs}
    for row in rows[np.lexsort((rows, time[rows]))].tolist():
        stack = stacks.get((int(users[row]), int(items[row])))
        if stack is None:
            continue
        if y[row] > 0:
            stack.append(row)
        elif y[row] < 0:
            matched[row] = _take_back(left, stack, -float(y[row]))
    return left, matched


def _take_back(left: np.ndarray, stack: list[int], quantity: float) -> bool:
    """Whether the purchases on the stack, the latest on top, were enough for this return."""
    while stack and quantity > 0:
        taken = min(quantity, float(left[stack[-1]]))
        left[stack[-1]] -= taken
        quantity -= taken
        if left[stack[-1]] <= 0:
            stack.pop()
    return quantity <= 0


def bursts(
    ids: np.ndarray, time: np.ndarray, kept: np.ndarray, most: int, span: float, whole: bool
) -> np.ndarray:
    """Mask of the kept events inside a span with more than `most` of one id; with `whole`, all of such ids.

    A span begins with an event, and what comes exactly its length later is no more in it.
    """
    out = np.zeros(len(ids), dtype=bool)
    rows = np.flatnonzero(kept & (ids >= 0))
    rows = rows[np.lexsort((time[rows], ids[rows]))]
    for group in np.split(rows, np.flatnonzero(np.diff(ids[rows])) + 1):
        if len(group) <= most:
            continue
        times = time[group]
        ends = np.searchsorted(times, times + span, side="left")
        starts = np.flatnonzero(ends - np.arange(len(times)) > most)
        if whole and len(starts):
            out[group] = True
            continue
        step = np.zeros(len(times) + 1, dtype=np.int64)
        np.add.at(step, starts, 1)
        np.add.at(step, ends[starts], -1)
        out[group[np.cumsum(step[:-1]) > 0]] = True
    return out
