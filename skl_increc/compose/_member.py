"""A model inside the state of another."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from skl_increc.base._lists import best_rows

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Member"]


class Member:
    """A store that holds a model; it is taught the row numbers of the state around it in place of ids.

    It is given every event of that state, each with the rows as they were numbered, so that its rows have the
    same numbers.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    # -- teaching and asking --------------------------------------------------------------------
    def learn(self, u: int, i: int, y: float, w: float, t: float) -> None:
        """One event of these rows; -1 is anonymous."""
        model = self.model
        x = {} if model.time_col is None else {model.time_col: t}
        model.learn_one(x, y, w, user=None if u < 0 else u, item=None if i < 0 else i)

    @property
    def n_items(self) -> int:
        """Items that it has met."""
        return 0 if self.model._state is None else self.model._state.items.n_rows

    def score_pairs(self, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        """Scores of pairs of rows, float64 (n,); a row that it has not met yet is unknown."""
        if self.model._state is None:
            return np.zeros(len(u))
        state = self.model._ready_state()
        return np.nan_to_num(
            self.model._score(state, _known(u, state.users.n_rows), _known(i, state.items.n_rows))
        )

    def score_items(self, u: np.ndarray, n: int) -> np.ndarray:
        """Scores of the first n items for these users, float64 (len(u), n); 0 for those that it has not met."""
        out = np.zeros((len(u), n))
        if self.model._state is not None:
            state = self.model._ready_state()
            rows, known = _known(u, state.users.n_rows), min(n, state.item_rows.used)
            ordered = best_rows(state, rows, known, False, None)  # compiled: the whole list, in its order
            if ordered is None:
                out[:, :known] = np.nan_to_num(self.model._score_items(state, rows)[:, :known])
            else:
                np.put_along_axis(out, ordered[0], np.nan_to_num(ordered[1]), axis=1)
        return out

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

    def export(self) -> dict[str, Any]:
        """What it has learned, as plain dictionaries and arrays."""
        return {} if self.model._state is None else self.model._state.export()

    def restore(self, kept: dict[str, Any]) -> Self:
        """Take what `export` gave."""
        if kept:
            state = self.model._new_state().restore(kept)
            state.rebind()  # its history is another one now
            self.model._state = state
        return self


def _known(rows: np.ndarray, n: int) -> np.ndarray:
    return np.where(rows < n, rows, -1).astype(np.int32)
