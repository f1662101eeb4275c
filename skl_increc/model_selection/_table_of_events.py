"""Checked tables of events, put in the order of the stream and read as often as rungs need it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from skl_increc._state.ids import canonical
from skl_increc.base import InteractionEstimator
from skl_increc.base._frames import is_frame, open_frame
from skl_increc.base._interactions import read_table

from ._events import Columns, Event, values_of
from ._rows import rows_of

__all__ = ["EventTable", "read_events_of"]


@dataclass
class EventTable:
    """Events in order of time; plain lists, so that they reach another process as they are."""

    columns: Columns
    names: list[Any]
    cells: list[list[Any]]
    moments: list[float] | None
    y: list[Any]
    w: list[float] | None

    def __len__(self) -> int:
        return len(self.y)

    def until(self, stop: int) -> EventTable:
        """The first ``stop`` events."""
        return EventTable(
            self.columns,
            self.names,
            [cell[:stop] for cell in self.cells],
            None if self.moments is None else self.moments[:stop],
            self.y[:stop],
            None if self.w is None else self.w[:stop],
        )

    def end_of_moment(self, stop: int) -> int:
        """Number of events with which the moment of event ``stop`` ends."""
        if self.moments is not None:
            while stop < len(self) and self.moments[stop] == self.moments[stop - 1]:
                stop += 1
        return stop

    def events(self) -> Iterator[Event]:
        """The events; a moment is None without times."""
        for start in range(0, len(self), 256):
            stop = min(start + 256, len(self))
            yield from rows_of(self.names, self.cells, start, stop, 0, 1, self.moments, self.y, self.w)


def read_events_of(model: InteractionEstimator, X: Any, y: Any, sample_weight: Any) -> EventTable:
    """Read X and y as the model would, and check them as it does.

    Raises
    ------
    ValueError, TypeError
        As ``model.fit``.
    """
    found = read_table(model, X, reset=True, learning=True)
    target = model._check_y(y, len(found))
    check_consistent_length(target, found)
    weight = model._check_weight(sample_weight, found, True)
    rows = np.flatnonzero(weight > 0)
    if found.time is not None:
        rows = rows[np.argsort(found.time[rows], kind="stable")]
    columns = Columns(model.user_col, model.item_col, None, model.time_col)
    names: list[Any] = [model.user_col, model.item_col]
    cells = [list(map(canonical, side.take(rows).to_list())) for side in (found.users, found.items)]
    for name, values in _others(X, names):
        names.append(name)
        cells.append([values[row] for row in rows.tolist()])
    return EventTable(
        columns=columns,
        names=names,
        cells=cells,
        moments=None if found.time is None else found.time[rows].tolist(),
        y=np.asarray(target)[rows].tolist(),
        w=None if sample_weight is None else weight[rows].tolist(),
    )


def _others(X: Any, taken: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Names and values of the columns that are no ids; of arrays their numbers."""
    if is_frame(X):
        frame = open_frame(X)
        for at, name in enumerate(frame.columns):
            if name not in taken:
                yield name, values_of(frame[:, at])
        return
    for at, column in enumerate(zip(*(row.tolist() for row in np.asarray(X)), strict=True)):
        if at > 1:
            yield at, list(column)
