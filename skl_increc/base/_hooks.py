"""The private hooks that a model writes, and what they do where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skl_increc._kernels._learner import Learner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base._context import Context
from skl_increc.base._guarantees import Guarantees
from skl_increc.base._interactions import Interactions

__all__ = ["Hooks"]


class Hooks:
    """What a model says of itself; ``docs/develop/add_a_model.rst`` describes every hook.

    Two more, for lists, are in ``RecommendMixin``.
    """

    def _fields(self) -> Sequence[Field]:
        """The arrays of its state."""
        raise NotImplementedError(f"{type(self).__name__} must say which fields its state has.")

    def _owner_col(self) -> Any:
        """The column of what has rows as a user: users, unless a model says otherwise."""
        return self.user_col  # type: ignore[attr-defined]

    def _order_teaches(self) -> bool:
        """Whether what is learned, and not only what is asked, depends on the order of a user's events."""
        promise = self.guarantees()  # type: ignore[attr-defined]
        return promise.O == "no" and promise.U == "no"

    def _history(self) -> int | None:
        """How many items of each user the state remembers: None all, 0 none."""
        return getattr(self, "history", 0)

    def _stores(self) -> dict[str, Any]:
        """Containers beside the fields, empty: a ``Journal`` of events by user, ``Links`` between items."""
        return {}

    def _make_learner(self, state: State) -> Learner | None:
        """Its compiled learner; None for a model in plain Python, which then writes `_learn` and `_score`."""
        return None

    def _configure(self, state: State) -> None:
        """Hand the present parameters to the learner."""

    def _structure(self) -> dict[str, Any]:
        """The parameters that cannot change without ``fit``."""
        return {}

    def _guarantees(self) -> Guarantees:
        """What it promises as it is set now."""
        return Guarantees("no", "no", "no", "no", "nothing is known of this model")

    def _context_cols(self) -> Sequence[tuple[Any, str, str]]:
        """Further columns that it reads: key, kind (``_context.KINDS``) and the parameter that names each."""
        return ()

    def _take_context(self, state: State, context: Context) -> None:
        """Give the further columns of the next events rows, and keep them for `_learn`; on error, undo follows."""

    def _read_event(self, state: State, x: Any, user: Any, item: Any) -> None:
        """Read what else the next event says, before its room is made; on error nothing has changed.

        Asked where the learner has ``scores_in_python``.
        """

    def _learn_in_turn(
        self, state: State, events: Interactions, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Learn events one after the other; of more than one, by a state that is given up if this fails."""
        state.learn_in_turn(events.users.to_list(), events.items.to_list(), y, w, t)

    def _answer(self, state: State, events: Interactions) -> np.ndarray:
        """What ``predict`` decodes, for pairs and whatever else was read of them."""
        return self._predict_score(state, events.users.find(state.users), events.items.find(state.items))

    def _record(
        self, state: State, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Note who had what, before `_learn`; for a model that asks for it while it learns, `_learn` notes it."""
        state.record(u, i, y, w, t)

    def _learn(
        self, state: State, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Learn these events; row numbers of -1 are anonymous.  Must not raise once it has begun to write."""
        state.learn(u, i, y, w, t)

    def _make_room(self, state: State, n: int) -> None:
        """Ask for the memory that learning n events takes, if it takes any: here failing does no harm."""

    def _learn_singly(
        self, state: State, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Learn these events as ``learn_one`` does; differs from `_learn` where a call is one step."""
        self._learn(state, u, i, y, w, t)

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        """Scores float64 of pairs of row numbers; -1 is unknown or anonymous."""
        raise NotImplementedError(f"{type(self).__name__} must say how it scores pairs.")

    def _learn_again(
        self,
        state: State,
        u: np.ndarray,
        i: np.ndarray,
        y: np.ndarray,
        w: np.ndarray,
        t: np.ndarray,
        epoch: int,
    ) -> None:
        """One more pass of ``fit`` over events that were learned already (``n_epochs``)."""
        self._learn(state, u, i, y, w, t)

    def _learn_passes(
        self,
        state: State,
        u: np.ndarray,
        i: np.ndarray,
        y: np.ndarray,
        w: np.ndarray,
        t: np.ndarray,
        n_epochs: int,
    ) -> None:
        """All passes of ``fit`` but the first, which is over."""
        for epoch in range(1, n_epochs):
            self._learn_again(state, u, i, y, w, t, epoch)

    def _align(self, mine: State, theirs: State) -> None:
        """Bring two states to common units before they are added."""

    def _after_merge(self, state: State) -> None:
        """Mend what does not follow from adding rows, sums and stores."""

    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        """Take what these rows gave out of the stores, and out of the fields of other rows."""

    def _after_forget(self, state: State) -> None:
        """Mend what does not follow from subtracting sums."""

    def _check_state(self, state: State) -> None:
        """Raise ValueError for a state from a file that this model cannot have had.

        Ids, histories, shapes and types were checked already; this is for what a model alone knows, above
        all for numbers that its compiled learner takes for row numbers.
        """

    def _prior(self) -> float:
        """What ``predict_one`` answers before any event."""
        return 0.0

    def _predict_score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        """What ``predict`` decodes; differs from `_score` where predictions are clipped."""
        return self._score(state, u, i)

    def _decode(self, scores: np.ndarray) -> np.ndarray:
        """Scores to what ``predict`` returns."""
        return scores
