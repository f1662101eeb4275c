"""Sums that fade, kept in forward form: how two states come to common units."""

from __future__ import annotations

from typing import Any

import numpy as np

from skl_increc._state._state import State

__all__ = ["align_anonymous", "last_anonymous", "scaled", "share_landmark", "units"]


def units(t: Any, span: float) -> Any:
    """Whole half-lives of a time: the power of two that its weight is kept in."""
    return np.floor(t / span)


def scaled(x: np.ndarray, power: Any) -> np.ndarray:
    """x times 2^power, where powers so low that nothing is left do no harm."""
    return np.ldexp(x, np.maximum(power, -5000).astype(np.int64))


def share_landmark(mine: State, theirs: State) -> tuple[float, float]:
    """Bring both states to the later landmark; the powers of two for the sums of each."""
    for one, other in ((mine, theirs), (theirs, mine)):
        for name in ("landmark", "now"):
            if not one.scalar("started")[0]:  # nothing decays here yet: any landmark will do
                one.scalar(name)[0] = other.scalar(name)[0]
    q = max(mine.scalar("landmark")[0], theirs.scalar("landmark")[0])
    powers: list[float] = []
    for state in (mine, theirs):
        powers.append(float(state.scalar("landmark")[0] - q))
        state.scalar("landmark")[0] = q
    return powers[0], powers[1]


def last_anonymous(state: State, rows: np.ndarray) -> np.ndarray:
    """The time of the newest anonymous event of these items, in whose units their sums are; -inf: none."""
    return state.item_rows.arrays["anonymous_last"][rows, 0]


def align_anonymous(mine: State, theirs: State, span: float) -> None:
    """Bring what anonymous users gave to each item to the units of its newest event in either state."""
    rows = theirs.items.live()
    at = mine.items.find_objects(theirs.items.ids_of(rows).tolist())
    rows, at = rows[at >= 0], at[at >= 0]
    newest = np.maximum(last_anonymous(mine, at), last_anonymous(theirs, rows))
    for state, which in ((mine, at), (theirs, rows)):
        known = np.isfinite(last_anonymous(state, which))
        which = which[known]
        back = units(last_anonymous(state, which), span) - units(newest[known], span)
        sums = state.item_rows.arrays["anonymous"]
        sums[which, 0] = scaled(sums[which, 0], back)
