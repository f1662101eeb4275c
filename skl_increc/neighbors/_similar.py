"""Which items are most like one, from a learner that knows."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

__all__ = ["SimilarItemsMixin"]


class SimilarItemsMixin:
    """``similar_items`` of models of item neighbours."""

    def similar_items(self: Any, item: Hashable, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k items that are most like one.

        Parameters
        ----------
        item : hashable
        k : int

        Returns
        -------
        ids : ndarray of object (at most k,)
        scores : ndarray of float64 (at most k,)
            Similarities above 0, descending, shrunk where the model shrinks them; of `ItemKNN` at most `n_neighbors`,
            but for ties.  Both are empty for an unknown item.
        """
        state = self._ready_state()
        row = state.items.find(item)
        if row < 0:
            return np.empty(0, dtype=object), np.empty(0)
        scores = state.learner.similar(row, state.items.n_rows)
        order = np.argsort(-scores, kind="stable")[:k]
        order = order[scores[order] > 0]
        return state.items.ids_of(order.astype(np.int32)), scores[order]
