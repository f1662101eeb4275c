"""``explain`` for models in which items of the user speak for an item."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["ExplainMixin"]


class ExplainMixin:
    """``explain``, over the ``voices`` of a learner."""

    def explain(self: Any, user: Any, item: Any) -> tuple[np.ndarray, np.ndarray]:
        """Which of the user's items speak for an item, and how much.

        Parameters
        ----------
        user, item : hashable

        Returns
        -------
        items : ndarray of object
            Items of the user, the one that speaks loudest first, each once; the last is None, for what the
            popularity of the item gives.
        weights : ndarray of float64
            They add up to the score, which is ``predict_one(user=user, item=item)``.
        """
        if self._state is None:
            return np.array([None], dtype=object), np.zeros(1)
        state = self._ready_state()
        rows, shares, prior = state.learner.voices(state.users.find(user), state.items.find(item))
        total: dict[int, list[float]] = {}
        for row, share in zip(rows.tolist(), shares.tolist(), strict=True):
            total.setdefault(row, []).append(share)
        found = sorted(((math.fsum(v), row) for row, v in total.items() if any(v)), reverse=True)
        rows = np.array([row for _, row in found], dtype=np.int32)
        names = np.array([*state.items.ids_of(rows).tolist(), None], dtype=object)
        return names, np.array([*(weight for weight, _ in found), prior])
