"""Labels that come late: which lessons are due before which question."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Hashable
from typing import Any

from skl_increc.base._clock import is_span_of_time, second_of, span_in_seconds
from skl_increc.exceptions import DatasetError

from ._events import Event

__all__ = ["LateLessons", "check_delay", "describe_delay"]

#: of a waiting event: when it is due, its number, the event
_Waiting = tuple[float, int, Event]


def check_delay(delay: Any, time_col: Hashable | None) -> None:
    """Refuse a delay that can never mean anything.

    Raises
    ------
    ValueError
        For one below zero or not finite, and for a span of time without a time column.
    """
    if delay is None or callable(delay) or isinstance(delay, str):
        return
    if is_span_of_time(delay) and time_col is None:
        raise ValueError(
            f"delay={delay!r} is a span of time: say time_col=..., or give a whole number of events."
        )
    span = _span(delay)
    if not 0.0 <= span < math.inf:
        raise ValueError(f"delay must be at least 0 and finite; got {delay!r}.")


def describe_delay(delay: Any, time_col: Hashable | None) -> str:
    """A delay in words, for a table.

    Examples
    --------
    >>> describe_delay(3, None), describe_delay(60, "time"), describe_delay("wait", None)
    ('3 events', '60 seconds', "column 'wait'")
    """
    if isinstance(delay, str):
        return f"column {delay!r}"
    if callable(delay):
        return f"function {getattr(delay, '__name__', type(delay).__name__)}"
    if is_span_of_time(delay):
        return str(delay)
    return f"{delay:g} {'events' if time_col is None else 'seconds'}"


def _span(value: Any) -> float:
    """Seconds or events."""
    try:
        return span_in_seconds(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"delay must be a number, a timedelta, the name of a column or a function of (x, y); got {value!r}."
        ) from None


class LateLessons:
    """Events that were asked about and wait for their label.

    Parameters
    ----------
    delay : number, timedelta, str, or callable
        As of `progressive_validate`; None of a column or a callable: the label never comes.
    time_col : hashable or None
        Of the moments; None: the clock counts events.
    ticks : float
        Units of a moment in a second, where moments are numbers.
    """

    def __init__(self, delay: Any, time_col: Hashable | None, ticks: float = 1.0) -> None:
        self._delay_of = _reader(delay)
        self._time_col = time_col
        self._ticks = ticks
        self._now = -math.inf
        self._waiting: list[_Waiting] = []

    def due(self, number: int, moment: Any) -> list[Event]:
        """Events whose label is there when event ``number`` comes, in the order in which labels came."""
        self._now = max(self._now, self._clock(number, moment))
        found = []
        while self._waiting and self._waiting[0][0] <= self._now:
            found.append(heapq.heappop(self._waiting)[2])
        return found

    def wait(self, number: int, event: Event) -> bool:
        """Let an event wait for its label; False if this is there at once."""
        delay = self._delay_of(event[3], event[4])
        if delay is None or delay != delay:  # NaN, NaT: never
            return True
        span = _span(delay)
        if not 0.0 <= span < math.inf:
            raise DatasetError(f"The delay of event {number} must be at least 0 and finite; got {delay!r}.")
        if span == 0.0:
            return False
        heapq.heappush(self._waiting, (self._clock(number, event[2]) + span, number, event))
        return True

    def rest(self) -> list[Event]:
        """Events whose label comes after the end, in order; none waits any longer."""
        found = [event for _, _, event in sorted(self._waiting, key=lambda waiting: waiting[:2])]
        self._waiting = []
        return found

    def _clock(self, number: int, moment: Any) -> float:
        if self._time_col is None:
            return float(number)
        if moment is None or moment != moment:  # without a time of its own: when the one before came
            return max(self._now, 0.0) if self._now > -math.inf else 0.0
        return second_of(moment, self._time_col) / self._ticks


def _reader(delay: Any) -> Callable[[dict[Any, Any], Any], Any]:
    if callable(delay):
        return delay
    if not isinstance(delay, str):
        return lambda x, y: delay

    def from_column(x: dict[Any, Any], y: Any) -> Any:
        if delay not in x:
            raise DatasetError(f"An event has no {delay!r}, the column of the delay; it has {list(x)}.")
        return x[delay]

    return from_column
