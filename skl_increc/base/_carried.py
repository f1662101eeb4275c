"""What models are told beside events: it outlives ``fit``, and goes with clones."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from skl_increc._state._state import State

if TYPE_CHECKING:
    from typing import Self

__all__ = ["CarriedMixin"]


class CarriedMixin:
    """What was told beside events stays when ``fit`` forgets these, and goes with ``clone``, so that a search or a
    validation of clones knows it too.  Left of the base class."""

    _state: State | None

    def _carry(self, old: State, new: State) -> None:
        """Give a new state what is to stay of another."""

    def _was_told(self, state: State) -> bool:
        """Whether there is anything to carry."""
        raise NotImplementedError

    def _new_state(self) -> State:
        state = super()._new_state()  # type: ignore[misc]
        if self._state is not None:
            self._carry(self._state, state)
        return state

    def set_params(self, **params: Any) -> Self:
        """Set parameters, as scikit-learn's estimators do; what was told beside events stays."""
        super().set_params(**params)  # type: ignore[misc]
        state = self._state
        if state is not None and state.n_events == 0 and not state.frozen:
            with contextlib.suppress(ValueError):  # what is wrong with a parameter is said at the next event
                self._state = self._new_state()
        return self

    def __sklearn_clone__(self) -> Any:
        return self._told(super().__sklearn_clone__())  # type: ignore[misc]

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Any:
        """A new model with the same parameters, told the same beside events, and without events; River's ``clone``."""
        new = super().clone(new_params, include_attributes)  # type: ignore[misc]
        return new if include_attributes else self._told(new)

    def _told(self, new: Any) -> Any:
        state = self._state
        if state is not None and self._was_told(state):
            blank = new._new_state()
            self._carry(state, blank)
            new._state = blank
        return new
