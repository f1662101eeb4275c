"""What the rating models over pairs of items share: fields, guarantees, biases, explanations."""

from __future__ import annotations

import numbers
from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._pairs import PairStore
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, RatingRegressor

__all__ = ["PairRegressor"]


class PairRegressor(RatingRegressor):
    """A rating model of biases and of exact sums for every two items; `_records` says which sums."""

    _records: ClassVar[str] = "moments"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_history": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "max_partners": [None, Interval(numbers.Integral, 1, 2**24, closed="both")],
        "shrinkage": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_user": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_item": [Interval(numbers.Real, 0, None, closed="left")],
    }
    history: int | None
    max_history: int | None
    max_partners: int | None

    def _structure(self) -> dict[str, Any]:
        return {"history": self.history, "max_history": self.max_history, "max_partners": self.max_partners}

    def _history(self) -> int | None:
        return self.max_history

    def _fields(self) -> list[Field]:
        if self.history is not None:
            raise ValueError(
                f"history={self.history!r} is too short for {type(self).__name__}, whose statistics follow from "
                "all items of a user. Set history=None; max_history bounds the items that an event is paired with."
            )
        sums = [
            Field(name, side, merge="sum", meaning=f"{name} of its ratings")
            for side in ("user", "item", "pair")
            for name in ("events", "weight", "sum")
        ]
        return [
            *sums,
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field(
                "inexact",
                "scalar",
                merge="max",
                derived=True,
                meaning="1 once a sum was off the grid of exact ones",
            ),
            Field("weight", "scalar", merge="sum", meaning="weights in all"),
            Field("sum", "scalar", merge="sum", meaning="weighted ratings in all"),
        ]

    def _stores(self) -> dict[str, Any]:
        return {"item_pairs": PairStore(self._records, self.max_partners or 0)}

    def _guarantees(self) -> Guarantees:
        inexact = self._state is not None and self._state.scalar("inexact")[0] > 0
        exact: Any = "rounding" if inexact else "bitwise"
        if self.max_partners is not None:
            why = (
                f"with max_partners={self.max_partners} an item drops partners that few users share as others come, "
                "so the order matters, and what is gone can be neither added nor taken out; max_partners=None "
                "keeps all"
            )
            return Guarantees("bitwise", "no", "no", "no", why)
        if self.max_history is not None:
            why = (
                f"with max_history={self.max_history} an event is paired with the last items of its user, so the "
                "order matters, and what the items gave that fell out cannot be told from the rest; "
                "max_history=None keeps all"
            )
            return Guarantees("bitwise", "no", exact, "no", why)
        return Guarantees("bitwise", exact, exact, exact)

    def _align(self, mine: State, theirs: State) -> None:
        """Count both in the coarser units; and in the finer steps, which changes no sum."""
        for state in (mine, theirs):
            if state.learner is None:
                self._configure_state(state)
        scales = [state.learner.scale for state in (mine, theirs)]
        known = [scale for scale in scales if scale[0] < NO_SCALE]
        if not known:
            return
        unit, top = max(scale[0] for scale in known), max(scale[2] for scale in known)
        steps = max(min(scale[1] for scale in known), unit)
        for state, scale in zip((mine, theirs), scales, strict=True):
            if scale[0] != unit or scale[2] != top:
                state.learner.take_scale(unit, top)
            state.learner.take_steps(steps)

    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        state.learner.leave(users)

    def _after_forget(self, state: State) -> None:
        state.stores["item_pairs"].tidy()
        if state.learner.settle_down():
            state.scalar("inexact")[:] = 1

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def explain(self, user: Hashable, item: Hashable) -> tuple[np.ndarray, np.ndarray]:
        """Which of a user's items spoke for or against an item, and how strongly.

        Parameters
        ----------
        user, item : hashable

        Returns
        -------
        items : ndarray of object (n,)
            Items of the user that took part, the most influential first.
        parts : ndarray of float64 (n,)
            What each adds to the prediction.  They add up to the prediction less the biases,
            :math:`\\mu + b_u + b_i`.  Both are empty for a user or an item that is unknown.
        """
        state = self._ready_state()
        rows, parts = state.learner.explain(state.users.find(user), state.items.find(item))
        rows, parts = rows[parts != 0], parts[parts != 0]
        order = np.argsort(-np.abs(parts), kind="stable")
        return state.items.ids_of(rows[order]), parts[order]

    def _biases(self, side: int) -> np.ndarray:
        state = self._ready_state()
        return state.learner.biases(side, (state.users if side == 0 else state.items).live())

    @property
    def user_biases_(self) -> np.ndarray:
        """Biases of the users, float64 (n_users,), aligned with `user_ids_`."""
        return self._biases(0)

    @property
    def item_biases_(self) -> np.ndarray:
        """Biases of the items, float64 (n_items,), aligned with `item_ids_`."""
        return self._biases(1)


NO_SCALE = 4000  # the unit of a model that has met no rating but 0
