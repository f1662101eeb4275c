"""A model inside the state of another."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skl_increc._state._state import State
from skl_increc.base._batch import learn_events
from skl_increc.base._carried import CarriedMixin
from skl_increc.base._interactions import Ids, Interactions

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Member", "check_member"]


def check_member(owner: Any, model: Any, what: str) -> None:
    """A member is taught numbers in place of ids, and nothing else of an event but y, weight and time."""
    own = type(owner).__name__
    if model.time_col is not None and owner.time_col is None:
        raise ValueError(f"{what} has a time_col and the {own} has none. Set time_col.")
    if isinstance(model, CarriedMixin) and model._state is not None and model._was_told(model._state):
        raise ValueError(
            f"{what} was told features or ties by id, and inside a {own} users and items are numbers. Use it alone, or "
            "a member that was told nothing."
        )
    columns = [parameter for _, _, parameter in model._context_cols()]
    if columns:
        raise ValueError(
            f"{what} has {', '.join(sorted(set(columns)))}, columns of an event that are not shown to what is inside a "
            f"{own}. Use it alone, or without them."
        )


class Member:
    """A store that holds a model; it is taught the row numbers of the state around it in place of ids."""

    kind: ClassVar[str] = "model"
    side: ClassVar[int] = 0

    def __init__(self, model: Any) -> None:
        self.model = model

    def state(self) -> State:
        """Its state, up to date; an empty one before any event."""
        if self.model._state is None:
            self.model._state = self.model._new_state()
        return self.model._ready_state()

    def teach(self, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray) -> None:
        """Let it learn events of these rows; on error it is as it was."""
        users, items = (Ids(ints=rows.astype(np.int64), missing=rows < 0) for rows in (u, i))
        events = Interactions(users, items, None if self.model.time_col is None else t)
        learn_events(self.model, self.state(), events, y, w, None)

    # -- what a state asks of its stores --------------------------------------------------------
    def reserve_rows(self, n_users: int, n_items: int) -> None:
        """Nothing: rows come with their first event."""

    def limit_rows(self, n_users: int, n_items: int) -> None:
        """Nothing, for the same reason."""

    @property
    def nbytes(self) -> int:
        """Bytes of what it has learned."""
        return int(self.model.nbytes)

    def copy(self) -> Self:
        """An independent one."""
        return type(self)(copy.deepcopy(self.model))

    def blank(self) -> Self:
        """One that has learned nothing."""
        return type(self)(self.model.clone())

    def keyed(self, _ids: dict[int, Any]) -> dict[Any, Any]:
        """Nothing by id: its ids are row numbers.  What it knows shows in what the model around it answers."""
        return {}

    def export(self) -> dict[str, Any]:
        """What it has learned, as plain dictionaries and arrays."""
        return self.state().export()

    def restore(self, kept: State | dict[str, Any]) -> Self:
        """Take what `export` gave, or a state that was read from a file."""
        state = kept if isinstance(kept, State) else self.model._new_state().restore(kept)
        state.rebind()  # its history is another one now
        self.model._state = state
        return self
