"""River metrics of one list against the item that came: hit rate, recall, NDCG and their kin."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc._state.ids import canonical
from skl_increc.base._ranking import gain, gain_table, mean_gain

from ._base import RankingMetric, as_list, items_wanted

__all__ = ["F1", "MAP", "MRR", "NDCG", "HitRate", "Precision", "Recall"]


class GainMetric(RankingMetric):
    """Mean of a gain over the lists; subclasses name the gain.

    For a target of one item only the places are counted, so that whole weights add up without rounding and
    `revert` is exact.
    """

    _gain: ClassVar[str]

    def __init__(self, k: int = 10) -> None:
        super().__init__(k)
        self._table = gain_table(self._gain, self.k)
        self._counts = [0.0] * self.k
        self._rest = 0.0  # gains of targets of several items
        self._n = 0.0

    def update(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Count one list.

        Parameters
        ----------
        y_true : hashable, set or list
            The item that came, or several. None or an empty set: nothing is counted.
        y_pred : list or None
            Items, best first. None: nothing is counted; empty: a miss.
        w : float, default=1.0
            Weight.
        """
        if y_pred is None:
            return
        if type(y_pred) is not list:
            y_pred = as_list(y_pred)
        if isinstance(y_true, (set, list)):
            wanted = items_wanted(y_true)
            if wanted:
                self._n += w
                self._rest += w * gain(self._gain, y_pred, wanted, self.k)
            return
        item = canonical(y_true)
        if item is not None:
            self._n += w
            if item in y_pred:
                place = y_pred.index(item)
                if place < self.k:
                    self._counts[place] += w

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
        before = self._n
        self.update(y_true, y_pred, -w)
        if self._n < 0.0 and w > 0.0:
            self.update(y_true, y_pred, w)
            self._n = before
            raise ValueError(f"{type(self).__name__} has counted less than revert takes back (weight {w!r}).")
        if self._n == 0.0:
            self._rest = 0.0  # no rounding error outlives the last list

    def get(self) -> float:
        """Return the mean so far, between 0 and 1; 0 before the first list."""
        return mean_gain(self._counts, self._table, self._n, self._rest)


class HitRate(GainMetric):
    """Share of lists with the item that came among the first k.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import HitRate
    >>> metric = HitRate(2)
    >>> metric.update("b", ["a", "b", "c"])
    >>> metric.update("c", ["a", "b", "c"])
    >>> metric
    HitRate@2: 50.00%
    """

    _gain = "hit_rate"


class Recall(GainMetric):
    """Mean of hits / number of items that came; with one item per event this is the hit rate.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import Recall
    >>> metric = Recall(3)
    >>> metric.update({"b", "z"}, ["a", "b", "c"])
    >>> metric
    Recall@3: 50.00%
    """

    _gain = "recall"


class Precision(GainMetric):
    """Mean of hits / k, however short the list is.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import Precision
    >>> metric = Precision(4)
    >>> metric.update({"b", "z"}, ["a", "b", "c"])
    >>> metric
    Precision@4: 25.00%
    """

    _gain = "precision"


class F1(GainMetric):
    """Mean of the harmonic mean of precision and recall, 2 hits / (k + number of items that came).

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import F1
    >>> metric = F1(3)
    >>> metric.update("b", ["a", "b", "c"])
    >>> metric
    F1@3: 50.00%
    """

    _gain = "f1"


class NDCG(GainMetric):
    """Mean normalised discounted cumulative gain, with gains 0 and 1.

    A hit at place r counts 1 / log2(r + 1), and the sum is divided by the largest one that min(number of
    items that came, k) hits can reach.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    References
    ----------
    K. Jarvelin and J. Kekalainen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002.

    Examples
    --------
    >>> from skl_increc.metrics import NDCG
    >>> metric = NDCG(3)
    >>> metric.update("b", ["a", "b", "c"])
    >>> metric
    NDCG@3: 63.09%
    """

    _gain = "ndcg"


class MRR(GainMetric):
    """Mean of 1 / place of the first hit, 0 beyond place k.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import MRR
    >>> metric = MRR(3)
    >>> metric.update("b", ["a", "b", "c"])
    >>> metric
    MRR@3: 50.00%
    """

    _gain = "mrr"


class MAP(GainMetric):
    """Mean average precision: the precisions at the hits, summed, over the number of items that came.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Examples
    --------
    >>> from skl_increc.metrics import MAP
    >>> metric = MAP(3)
    >>> metric.update({"a", "c"}, ["a", "b", "c"])
    >>> metric
    MAP@3: 83.33%
    """

    _gain = "map"
