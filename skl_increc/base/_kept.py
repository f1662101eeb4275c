"""What `save` and `load` need of an estimator whose fitted state is a `State`."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from skl_increc._state._state import State

__all__ = ["Kept"]


class Kept:
    """An estimator that keeps what it learned in ``_state``: fields, ids and stores, which files can hold."""

    _state: State | None = None

    def __sklearn_is_fitted__(self) -> bool:
        return self._state is not None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        state = self.__dict__.get("_state")
        if state is not None and name != "_state":
            state.stale = True  # a parameter acts at the next event

    def _stores_in(self, kinds: Any) -> dict[str, Any]:
        """Empty stores for a file whose stores are of these kinds, where parameters alone do not tell."""
        return self._stores()  # type: ignore[attr-defined]

    @property
    def nbytes(self) -> int:
        """Bytes of everything learned: ids, rows, optimiser state, histories."""
        return 0 if self._state is None else self._state.nbytes

    def _ready_state(self) -> State:
        """The state, up to date with the parameters; NotFittedError before any event."""
        state = self._state
        if state is None:
            check_is_fitted(self)  # raises NotFittedError in scikit-learn's words
            raise RuntimeError(f"this {type(self).__name__} has no state")
        if state.stale:
            self._configure_state(state)
        return state

    def _configure_state(self, state: State) -> None:
        """Bring a state up to date with the parameters."""
        raise NotImplementedError
