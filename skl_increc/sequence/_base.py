"""What the models of this room share: a prior of weights that may fade."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base._clock import span_in_seconds
from skl_increc.base._fading import align_anonymous, scaled, share_landmark

__all__ = ["align_weights", "fading_fields", "half_life_span", "reset_clock"]


def half_life_span(model: Any) -> float:
    """The half-life of a model in seconds, with ``time_col``, or in events; 0 for None."""
    if model.half_life is None:
        return 0.0
    if isinstance(model.half_life, dt.timedelta) and model.time_col is None:
        raise ValueError(
            f"half_life={model.half_life!r} is a span of time, but there is no time_col: give a number of events."
        )
    span = span_in_seconds(model.half_life)
    if not 0 < span < np.inf:
        raise ValueError(f"half_life must be a positive, finite span; got {model.half_life!r}.")
    return span


def fading_fields(model: Any) -> list[Field]:
    """What fading takes besides: a clock and, where times can tell ages, what no journal knows.

    The scalars are the last of the model's.
    """
    if model.half_life is None:
        return []
    fields = [
        Field("landmark", "scalar", merge="max", meaning="where decay starts, in half-lives"),
        Field("now", "scalar", merge="max", meaning="time of the newest event"),
        Field("started", "scalar", merge="max", meaning="1 once an event had an item"),
    ]
    if model.time_col is not None:
        fields += [
            Field("anonymous", "item", merge="sum", meaning="weights without a user, at the newest"),
            Field("anonymous_last", "item", merge="max", meaning="time of its newest anonymous event"),
        ]
    return fields


def align_weights(model: Any, mine: State, theirs: State, names: Sequence[str]) -> list[tuple[State, int]]:
    """Bring sums of items to the later landmark; each state with the power of two that its others need."""
    if model.half_life is None:
        return []
    told = []
    for state, power in zip((mine, theirs), share_landmark(mine, theirs), strict=True):
        for name in names:
            sums = state.item_rows.arrays[name]
            sums[:] = scaled(sums, power)
        told.append((state, int(max(power, -5000))))
    if model.time_col is not None:
        align_anonymous(mine, theirs, half_life_span(model))
    return told


def reset_clock(model: Any, state: State) -> None:
    """After events were removed: the time of the newest that is left."""
    if model.half_life is not None:
        started = bool(state.scalar("started")[0])
        state.reset_clock(float(state.scalar("now")[0]) if started else -np.inf)
