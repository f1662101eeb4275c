"""River metric of lists by themselves: how unlike each other their items are."""

from __future__ import annotations

import math
from typing import Any

from skl_increc._state.ids import canonical

from ._base import RankingMetric, as_list, items_wanted
from ._exposure import ItemVectors

__all__ = ["Diversity"]


class Diversity(RankingMetric):
    """How unlike each other the items of a list are: the mean of 1 - cosine over its pairs.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.
    item_vectors : mapping of item to vector
        What the items are like: genres as 0 and 1, words, factors. Items without a vector are left out of
        the pairs; a vector of zeros is unlike everything.

    Raises
    ------
    ValueError
        For k < 1, no vectors, and vectors of different lengths or that are not finite.

    Notes
    -----
    The mean is over the lists with at least two items that have a vector. **Cost**: the sum of up to k
    vectors an update. `revert` is exact up to rounding.

    Examples
    --------
    >>> from skl_increc.metrics import Diversity
    >>> metric = Diversity(2, item_vectors={"Alien": [1, 1], "Heat": [1, 0], "Emma": [0, 1]})
    >>> metric.update("Alien", ["Heat", "Emma"])
    >>> metric
    Diversity@2: 1.0000
    """

    _fmt = ",.4f"

    def __init__(self, k: int = 10, item_vectors: Any = None) -> None:
        super().__init__(k)
        if item_vectors is None:
            raise ValueError("Diversity needs item_vectors, a mapping of item to vector: what they are like.")
        self.item_vectors = item_vectors
        self._vectors = ItemVectors(item_vectors)
        self._sum = self._n = 0.0

    def update(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Count one list.

        Parameters
        ----------
        y_true : hashable, set or list
            The item that came; None or an empty set: nothing is counted. It makes no other difference.
        y_pred : list or None
            Items, best first. None: nothing is counted.
        w : float, default=1.0
            Weight.
        """
        if y_pred is None or not items_wanted(y_true):
            return
        value = self._vectors.distance(map(canonical, as_list(y_pred)[: self.k]))
        if not math.isnan(value):
            self._sum += w * value
            self._n += w

    def revert(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Take back an `update` with the same arguments.

        Parameters
        ----------
        y_true : hashable, set or list
            As it was given to `update`.
        y_pred : list or None
            As it was given to `update`.
        w : float, default=1.0
            As it was given to `update`.

        Raises
        ------
        ValueError
            If more is taken back than was counted.
        """
        before = self._sum, self._n
        self.update(y_true, y_pred, -w)
        if self._n < 0.0:
            self._sum, self._n = before
            raise ValueError(f"{type(self).__name__} has counted less than revert takes back (weight {w!r}).")
        if self._n == 0.0:
            self._sum = 0.0  # no rounding error outlives the last list

    def get(self) -> float:
        """Return the mean so far, between 0 and 2; 0 before the first list of two."""
        return self._sum / self._n if self._n > 0.0 else 0.0
