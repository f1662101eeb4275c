"""What ``BPR`` and ``ImplicitALS`` share: fields of a row, events in order, answers by several threads."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._interactions import read_ids
from skl_increc.base._recommend import USERS_AT_ONCE
from skl_increc.base._threads import in_threads
from skl_increc.factorization._base import VectorMixin

__all__ = ["ImplicitFactors"]

PAIRS_AT_ONCE = 65536  # pairs that a thread scores in one go


class ImplicitFactors(VectorMixin, Recommender):
    """A recommender with a vector a row, whose learner asks who had what while it learns."""

    n_factors: int
    n_epochs: int
    n_jobs: int | None
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_factors": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_jobs": [
            None,
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(numbers.Integral, None, -1, closed="right"),
        ],
    }

    def _row_fields(self, stat: str) -> list[Field]:
        """The vector of a row, and four numbers beside it, in `stat`'s words."""
        fields = []
        for side in ("user", "item"):
            fields += [
                Field("factors", side, self.n_factors, "float32", pad=True, meaning="the vector"),
                Field("stat", side, 4, "float32", meaning=stat),
            ]
        return fields

    def _configure_rows(self, state: State, init_scale: float, **steps: Any) -> None:
        """Hand the learner how rows start, and how long their steps are, where it makes any."""
        none = {"optimizer": 0, "learning_rate": 0, "learning_rate_bias": 0, "l2": 0, "l2_bias": 0}
        settings = {**none, "biases": True, "loss": 0, "epsilon": 1, **steps}
        seed = state.meta["seed"] % 2**64
        state.learner.configure(start_kind=0, start_mean=False, init_scale=init_scale, seed=seed, **settings)

    # -- learning -------------------------------------------------------------------------------
    def _record(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.n_events += len(
            u
        )  # who had what is noted event by event, because what is learned depends on it

    def _learn(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.learner.learn_in_order(u, i, y, w, t)

    def _says(self, why: str) -> Guarantees:
        if self.n_epochs > 1:
            why = "fit passes several times over what it is given; " + why
            return Guarantees("no", "no", "no", "no", why)
        return Guarantees("bitwise", "no", "no", "no", why)

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        def part(a: int) -> np.ndarray:
            return super(ImplicitFactors, self)._score(
                state, u[a : a + PAIRS_AT_ONCE], i[a : a + PAIRS_AT_ONCE]
            )

        if len(u) <= PAIRS_AT_ONCE or self.n_jobs in (None, 1):
            return super()._score(state, u, i)
        return np.concatenate(in_threads(self.n_jobs, part, range(0, len(u), PAIRS_AT_ONCE)))

    def _best(
        self, state: State, rows: np.ndarray, k: int, exclude_seen: bool, exclude: Iterable | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Blocks of users go to threads, whole ones: so each product of matrices is the one that it is alone."""
        one = super()._best
        if len(rows) <= USERS_AT_ONCE + 1 or self.n_jobs in (None, 1):
            return one(state, rows, k, exclude_seen, exclude)
        gone = None if exclude is None else read_ids(exclude).to_list()
        starts = [
            *range(0, len(rows) - 1, USERS_AT_ONCE),
            len(rows),
        ]  # no block of one user, who is asked otherwise
        parts = in_threads(
            self.n_jobs,
            lambda at: one(state, rows[starts[at] : starts[at + 1]], k, exclude_seen, gone),
            range(len(starts) - 1),
        )
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
