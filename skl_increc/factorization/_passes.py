"""The mean of a model's rows over the passes of ``fit``."""

from __future__ import annotations

import numpy as np

from skl_increc._state._state import State

__all__ = ["MeanOfPasses"]


class MeanOfPasses:
    """Vectors and item biases, averaged over the ends of passes, the k-th of which counts k times.

    The steps of one pass pull the rows about; their mean is nearer to where they are pulled to (Polyak and
    Juditsky 1992).  The first passes count less, because there the rows are still on their way (Shamir and Zhang
    2013).

    Parameters
    ----------
    state : State
        At the end of the first pass.  No row may be added before `settle`.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._means = [rows.copy() for rows in self._rows()]
        self._weight = 1.0

    def _rows(self) -> list[np.ndarray]:
        users, items = self._state.user_rows, self._state.item_rows
        return [users.view("factors"), items.view("factors"), items.view("stat")[:, 0]]

    def add(self, k: int) -> None:
        """Take the rows in, as pass k (from 1) has left them."""
        self._weight += k
        share = np.float32(k / self._weight)
        for mean, rows in zip(self._means, self._rows(), strict=True):
            mean *= 1 - share  # in this form nothing finite runs over
            mean += share * rows

    def settle(self) -> None:
        """Put the means in the place of the rows."""
        for mean, rows in zip(self._means, self._rows(), strict=True):
            rows[...] = mean
