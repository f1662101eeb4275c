"""What models are told beside events: it outlives ``fit``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from skl_increc._state._state import State

if TYPE_CHECKING:
    from typing import Self

__all__ = ["CarriedMixin"]


class CarriedMixin:
    """What was told beside events stays when ``fit`` forgets these.  Left of the base class."""

    _state: State | None

    def _carry(self, old: State, new: State) -> None:
        """Give a new state what is to stay of another."""

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
