"""For people who come with a user-item matrix, or want one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from skl_increc._state._state import State

if TYPE_CHECKING:
    from typing import Self

__all__ = ["MatrixMixin"]


class MatrixMixin:
    """``from_csr`` and ``to_csr``."""

    def from_csr(
        self, matrix: Any, user_ids: Sequence | None = None, item_ids: Sequence | None = None
    ) -> Self:
        """Fit to the stored entries of a user-item matrix, row by row.

        Parameters
        ----------
        matrix : sparse matrix or array of shape (n_users, n_items)
            Ratings, or how strong something was; entries that are not stored are no events.
        user_ids, item_ids : sequence of ids, optional
            Of the rows and the columns; default: their numbers.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the ids do not fit the shape, or the model reads times (``time_col``): a matrix has none.
        """
        time_col = getattr(self, "time_col", None)
        if time_col is not None:
            raise ValueError(
                f"A matrix has no times, but time_col={time_col!r}. Fit a table of events, or set None."
            )
        entries = sp.coo_array(sp.csr_array(matrix))
        columns = [
            _ids_at(ids, index, length, side)
            for ids, index, length, side in (
                (user_ids, entries.row, entries.shape[0], "user_ids"),
                (item_ids, entries.col, entries.shape[1], "item_ids"),
            )
        ]
        plain = all(c.dtype.kind in "iu" for c in columns)
        X = np.empty((entries.nnz, 2), dtype=np.int64 if plain else object)
        X[:, 0], X[:, 1] = columns
        return self.fit(X, entries.data)  # type: ignore[attr-defined]

    def to_csr(self) -> sp.csr_array:
        """Who had what, as a sparse matrix of ones.

        Returns
        -------
        csr_array of shape (n_users, n_items), float64
            Rows and columns are aligned with ``user_ids_`` and ``item_ids_``.

        Raises
        ------
        ValueError
            If the model keeps no history (``history=0``).
        """
        state: State = self._ready_state()  # type: ignore[attr-defined]
        if state.seen is None:
            raise ValueError(
                "The model keeps no record of who had what (history=0). Set history=None and fit anew."
            )
        users, items = state.users.live(), state.items.live()
        place = np.full(state.items.n_rows, -1, dtype=np.int32)
        place[items] = np.arange(len(items), dtype=np.int32)
        indptr, rows = state.seen.csr(users)
        matrix = sp.csr_array((np.ones(len(rows)), place[rows], indptr), shape=(len(users), len(items)))
        matrix.sum_duplicates()  # a journal holds repeats
        matrix.data[:] = 1
        return matrix


def _ids_at(ids: Sequence | None, index: np.ndarray, length: int, name: str) -> np.ndarray:
    if ids is None:
        return index
    if len(ids) != length:
        raise ValueError(f"{name} holds {len(ids)} ids for a side of length {length}.")
    names = np.asarray(ids) if isinstance(ids, np.ndarray) else np.fromiter(ids, dtype=object, count=length)
    return names[index]
