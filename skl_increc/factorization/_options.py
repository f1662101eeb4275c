"""Options of the SGD family that keep more than two vectors: Adam, recent items as a user vector, rehearsal."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._kernels._mf import MFLearner
from skl_increc._kernels._mf_options import MFOptionsLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field

__all__ = [
    "CONSTRAINTS",
    "WholeVectors",
    "check",
    "check_state",
    "configure",
    "fields",
    "learner_of",
    "replay_fields",
    "structure",
]

CONSTRAINTS: dict[str, list[Any]] = {
    "implicit": [None, StrOptions({"history"})],
    "implicit_size": [Interval(numbers.Integral, 1, None, closed="left")],
    "replay": [Interval(numbers.Integral, 0, None, closed="left")],
    "replay_size": [Interval(numbers.Integral, 1, None, closed="left")],
}
COUNTS, EVENT = 3, 4  # numbers that the sample of past events begins with, and numbers of an event


class WholeVectors:
    """The user vectors with what their recent items add; worked out for the rows that are asked for."""

    def __init__(self, learner: MFOptionsLearner) -> None:
        self.learner = learner

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.learner.reader_of().user_vectors(np.ascontiguousarray(rows, np.int32))


def check(model: Any) -> None:
    """Raise ValueError for options that make no sense together."""
    if model.optimizer == "ftrl":
        raise ValueError(
            "optimizer='ftrl' is not for products of vectors: FTRL works a weight out of the sum of its "
            "gradients and begins at zero, and two vectors at zero have no gradient. Use optimizer='adagrad', "
            "whose steps shrink in the same way."
        )
    if model.optimizer == "gd" and (model.implicit is not None or model.replay):
        name = f"replay={model.replay!r}" if model.replay else f"implicit={model.implicit!r}"
        raise ValueError(
            f"{name} works event by event, and optimizer='gd' takes one step over all events of a call. "
            "Use optimizer='adagrad' or 'sgd'."
        )
    if model.optimizer == "adam" and model.implicit is not None:
        raise ValueError(
            f"implicit={model.implicit!r} has no steps by Adam. Use optimizer='adagrad' or 'sgd'."
        )


def structure(model: Any) -> dict[str, Any]:
    """What cannot change without ``fit``, because it shapes what is stored."""
    return {
        "optimizer='adam'": model.optimizer == "adam",
        "implicit": model.implicit,
        "implicit_size": model.implicit_size if model.implicit else 0,
        "replay above 0": bool(model.replay),
        "replay_size": model.replay_size if model.replay else 0,
    }


def fields(model: Any, stride: int) -> list[Field]:
    """The arrays that the options add to a state; none without options."""
    found = []
    if model.optimizer == "adam":
        for side in ("user", "item"):
            found += [
                Field("moments", side, 2 * stride, "float32", pad=True, meaning="mean gradient, mean square"),
                Field("steps", side, 1, "float32", meaning="steps of the vector"),
            ]
    if model.implicit:
        found += [
            Field("recent", "user", model.implicit_size, "int32", meaning="the last item rows + 1, or 0"),
            Field("implicit", "item", model.n_factors, "float32", pad=True, meaning="the second vector"),
            Field("implicit_acc", "item", 1, "float32", meaning="squared gradients of the second vector"),
        ]
    return found + replay_fields(model)


def replay_fields(model: Any) -> list[Field]:
    """The sample of past events."""
    if not model.replay:
        return []
    return [
        Field("replay_counts", "scalar", COUNTS, meaning="events seen, events kept, draws"),
        Field("replay_events", "scalar", EVENT * model.replay_size, meaning="user row, item row, y, w"),
    ]


def learner_of(model: Any) -> type[MFLearner]:
    """The learner that the options ask for."""
    return MFOptionsLearner if model.optimizer == "adam" or model.implicit or model.replay else MFLearner


def configure(model: Any, state: State) -> None:
    """Hand the present options to the learner."""
    if isinstance(state.learner, MFOptionsLearner):
        state.learner.replay = model.replay
        if "replay_counts" in state.scalar_at:
            state.learner.keep_events(state.scalar_at["replay_counts"].start, model.replay_size)


def check_state(model: Any, state: State) -> None:
    """Raise ValueError for row numbers in a file that no row has."""
    if "recent" in state.user_rows.arrays:
        recent = state.user_rows.arrays["recent"]
        if (recent < 0).any() or (recent > state.items.n_rows).any():
            raise ValueError("a user's recent items are not all among the items")
    if "replay_counts" in state.scalar_at:
        seen, filled, ticks = state.scalar("replay_counts")
        if not (0 <= filled <= min(seen, model.replay_size) and seen <= ticks < 2**53) or filled % 1:
            raise ValueError(f"{filled:g} events kept of {seen:g} seen in {ticks:g} draws cannot be")
        kept = state.scalar("replay_events").reshape(-1, EVENT)[: int(filled)]
        for column, index in ((kept[:, 0], state.users), (kept[:, 1], state.items)):
            if not ((column >= 0) & (column < index.n_rows) & (column % 1 == 0)).all():
                raise ValueError("an event to learn again is of a user or an item that is not there")
        if not np.isfinite(kept).all() or not (kept[:, 3] > 0).all():
            raise ValueError("an event to learn again has no finite rating or no weight")
