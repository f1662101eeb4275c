"""What is noted at points of the stream, and the row of a model at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ._run import Entrant

__all__ = ["Recorder", "row_of"]

_BLOCK = 256
_POINTS = 50

#: of a model at a point: its metrics, its mark, its bytes
_State = tuple[dict[str, float], tuple[float, ...], int | None]


class Recorder:
    """Notes metrics and memory at points of the stream; about 50 of them where nothing else is asked for."""

    def __init__(self, entrants: Sequence[Entrant], step: int | None, total: int | None) -> None:
        self.n_events = 0
        self._entrants = entrants
        self._thin = step is None and total is None
        if step is None:
            step = _POINTS if total is None else math.ceil(total / _POINTS)
        self._step = step
        self._points: list[tuple[int, list[_State]]] = []

    def events_to_next_point(self) -> int:
        """How many events are left until the next point, or in a block."""
        return min(_BLOCK, self._step - self.n_events % self._step) if self._step else _BLOCK

    def advance(self, n: int) -> None:
        """Count a block, and note a point if the block reached one."""
        before = self.n_events
        self.n_events += n
        if self._step and self.n_events // self._step > before // self._step:
            self._note()
        if self._thin and len(self._points) >= 2 * _POINTS:  # a stream of unknown length
            self._step *= 2
            self._points = self._points[1::2]

    def finish(self) -> None:
        """Note the end of the stream."""
        if self.n_events and (not self._points or self._points[-1][0] != self.n_events):
            self._note()

    def _note(self) -> None:
        state = [(e.values(), e.meter.mark(), _own_bytes(e.model)) for e in self._entrants]
        self._points.append((self.n_events, state))

    def curve(self) -> list[dict[str, Any]]:
        """Rows of the curve: a row per model, point and metric."""
        rows = []
        for at, entrant in enumerate(self._entrants):
            before = None
            for n_events, state in self._points:
                values, mark, _ = state[at]
                recent = entrant.meter.since(before, mark)
                before = mark
                for metric, value in values.items():
                    rows.append(
                        {
                            "model": entrant.name,
                            "n_events": n_events,
                            "n_asked": int(mark[0]),
                            "metric": metric,
                            "value": value,
                            "recent": recent[metric],
                        }
                    )
        return rows

    def memory(self) -> list[dict[str, Any]]:
        """Rows of bytes: a row per model that tells them, and point."""
        return [
            {"model": entrant.name, "n_events": n_events, "nbytes": state[at][2]}
            for at, entrant in enumerate(self._entrants)
            for n_events, state in self._points
            if state[at][2] is not None
        ]


def _own_bytes(model: Any) -> int | None:
    """Bytes of a model that counts them itself; River's models are walked through, at the end alone."""
    nbytes = getattr(model, "nbytes", None)
    return None if nbytes is None else int(nbytes)


def row_of(entrant: Entrant, n_rows: int) -> dict[str, Any]:
    """Row of the summary."""
    nbytes = getattr(entrant.model, "nbytes", None)
    if nbytes is None:
        nbytes = getattr(entrant.model, "_raw_memory_usage", None)
    seconds = entrant.asking_seconds + entrant.teaching_seconds
    return {
        "model": entrant.name,
        **entrant.values(),
        "n_asked": entrant.meter.n,
        "diverged_at": entrant.diverged_at,
        "predict_per_second": _rate(entrant.n_questions, entrant.asking_seconds),
        "learn_per_second": _rate(entrant.n_lessons, entrant.teaching_seconds),
        "events_per_second": _rate(entrant.n_lessons, seconds),
        "predict_median": entrant.asking.seconds(0.5),
        "predict_p99": entrant.asking.seconds(0.99),
        "learn_median": entrant.teaching.seconds(0.5),
        "learn_p99": entrant.teaching.seconds(0.99),
        "nbytes": None if nbytes is None else int(nbytes),
        "bytes_per_row": None if nbytes is None or not n_rows else nbytes / n_rows,
    }


def _rate(n: int, seconds: float) -> float | None:
    return n / seconds if n and seconds > 0.0 else None
