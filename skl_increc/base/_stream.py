"""The doors of a stream: one event, or a frame of them, as River has them."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc._state._state import State
from skl_increc._state.ids import canonical
from skl_increc.base import _batch
from skl_increc.base._clock import second_of
from skl_increc.base._events import learn_one, predict_one
from skl_increc.base._frames import open_frame
from skl_increc.base._interactions import Interactions
from skl_increc.base._turns import alone

__all__ = ["StreamMixin"]


class StreamMixin:
    """``learn_one``, ``predict_one``, ``learn_many``, ``predict_many``, and what River asks of an object."""

    learn_one = learn_one
    predict_one = predict_one

    def learn_many(self: Any, X: Any, y: Any = None, w: Any = 1.0) -> None:
        """Learn the rows of a frame as so many calls of ``learn_one``; columns that are absent are anonymous."""
        _batch.learn_frame(self, X, y, w)

    def predict_many(self: Any, X: Any) -> Any:
        """Predictions for the rows of a frame, as a series of the frame's own library."""
        frame = open_frame(X)
        events = _batch.read_loosely(self, frame)
        state = self._state
        if state is None:
            values = self._decode(np.full(len(events), self._prior()))
        else:
            values = self._decode(self._answer(self._ready_state(), events))
        out = nw.new_series(name="prediction", values=values, backend=frame.implementation).to_native()
        index = nw.maybe_get_index(frame)
        if index is not None:
            out.index = index
        return out

    @property
    def _mutable_attributes(self: Any) -> set[str]:
        return set(self.get_params(deep=False)) - set(self._structure())

    def _ids_by_position(self: Any, x: dict, fresh: bool) -> tuple[Any, Any]:
        """Ids of an event that has neither key: by position (``river.stream.iter_array``), or anonymous."""
        if 0 in x and 1 in x:
            return x[0], x[1]
        if fresh and self._owner_col() not in x and self.item_col not in x:
            _batch.warn_missing(self, x)
        return None, None

    def _time_of(self: Any, state: State, x: Any) -> float:
        if x is None or self.time_col not in x:
            raise ValueError(
                f"The event has no time under {self.time_col!r} (time_col); its keys are {list(x or {})}. "
                "Add the time, or set time_col=None."
            )
        return second_of(x[self.time_col], self.time_col)

    def _learn_one_slowly(
        self: Any, state: State, fresh: bool, user: Any, item: Any, y: float, w: float, t: float | None
    ) -> State:
        """One event of a model without a compiled learner; the state that has learned it."""
        event = Interactions(_batch.single(user), _batch.single(item)), np.array([y]), np.array([w])
        time = None if t is None else np.array([t])
        if fresh:  # no other thread has it yet
            _batch.learn_events(self, state, *event, time)
            return state
        with alone(self) as state:
            _batch.learn_events(self, state, *event, time)
            return state

    def _score_one_slowly(self: Any, state: State, x: Any, user: Any, item: Any) -> float:
        u, i = state.users.find(canonical(user)), state.items.find(canonical(item))
        return float(self._predict_score(state, np.array([u], np.int32), np.array([i], np.int32))[0])

    def __str__(self: Any) -> str:  # river.base.Base would print the class name only
        return repr(self)

    def __dir__(self: Any) -> list[str]:
        # BaseEstimator.__dir__ evaluates every property, River's memory walk included
        return list(object.__dir__(self))

    @property
    def _raw_memory_usage(self: Any) -> int:
        """Bytes; River's own walk would visit every id."""
        return self.nbytes + object.__sizeof__(self)

    @property
    def _memory_usage(self: Any) -> str:
        from river.utils import pretty

        return pretty.humanize_bytes(self._raw_memory_usage)
