"""Sums that fade, kept in forward form: their fields, and how two states come to common units."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base._clock import is_span_of_time, span_in_seconds

__all__ = ["FadingCounts", "align_anonymous", "last_anonymous", "scaled", "share_landmark", "units"]


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


class FadingCounts:
    """Weights of items and of pairs that may fade: what a model around a ``PopularityLearner`` stores.

    The model has a parameter `half_life`; it stands left of its base class.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        # numpy's timedelta is a number to Python, but compares with none
        "half_life": [None, np.timedelta64, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
    }

    @property
    def _timed(self: Any) -> bool:
        """Whether each pair keeps the time of its newest event."""
        return self.half_life is not None and self.time_col is not None

    def _span(self: Any) -> float:
        if self.half_life is None:
            return 0.0
        if is_span_of_time(self.half_life) and self.time_col is None:
            raise ValueError(
                f"half_life={self.half_life!r} is a span of time, but there is no time_col: give a number of events."
            )
        span = span_in_seconds(self.half_life)
        if not 0 < span < np.inf:
            raise ValueError(f"half_life must be a positive, finite span; got {self.half_life!r}.")
        return span

    def _fields(self: Any) -> list[Field]:
        fields = [
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("weight", "item", merge="sum", meaning="weights of its events, decayed from the landmark"),
            Field("events", "pair", merge="sum", meaning="events of the pair"),
            Field("weight", "pair", merge="sum", meaning="weights of its events"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field(
                "inexact",
                "scalar",
                merge="max",
                derived=True,
                meaning="1 once a sum was off the grid of exact ones",
            ),
        ]
        if self.half_life is not None:
            fields += [
                Field("landmark", "scalar", merge="max", meaning="where decay starts, in half-lives"),
                Field("now", "scalar", merge="max", meaning="time of the newest event"),
                Field("started", "scalar", merge="max", meaning="1 once an event had an item"),
            ]
        if self._timed:
            fields += [
                Field("last", "pair", merge="max", meaning="time of its newest event"),
                Field(
                    "anonymous",
                    "item",
                    merge="sum",
                    meaning="the weight of events without a user, at the newest",
                ),
                Field("anonymous_last", "item", merge="max", meaning="time of its newest anonymous event"),
            ]
        return fields

    def _exact_sums(self: Any) -> Any:
        inexact = self._state is not None and self._state.scalar("inexact")[0] > 0
        return "rounding" if inexact or self.half_life is not None else "bitwise"

    def _align(self: Any, mine: State, theirs: State) -> None:
        """Bring both to the later landmark, by exact powers of two."""
        if not self._timed:
            return
        for state, power in zip((mine, theirs), share_landmark(mine, theirs), strict=True):
            weight = state.item_rows.arrays["weight"]
            weight[:] = scaled(weight, power)
        align_anonymous(mine, theirs, self._span())

    def _after_forget(self: Any, state: State) -> None:
        """Under decay, sums are taken anew: subtracting a much newer weight would leave an old one at zero."""
        if not self._timed:
            return
        rows = state.items.live()
        _, items = state.history.csr(state.users.live())
        _, sums, times = state.history.all_values(state.users.live())
        last = last_anonymous(state, rows)
        newest = max(times.max(initial=-np.inf), last.max(initial=-np.inf))
        state.reset_clock(newest)
        started = np.isfinite(newest)
        state.scalar("started")[0] = started
        state.scalar("now")[0] = newest if started else 0.0
        state.scalar("landmark")[0] = q = units(newest, self._span()) if started else 0.0
        weight = state.item_rows.arrays["weight"][:, 0]
        weight[:] = 0
        known = np.isfinite(last)
        rows, last = rows[known], last[known]
        weight[rows] = scaled(state.item_rows.arrays["anonymous"][rows, 0], units(last, self._span()) - q)
        np.add.at(weight, items, scaled(sums, units(times, self._span()) - q))
