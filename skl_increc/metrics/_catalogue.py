"""River metrics of what lists show: how much of the catalogue, how evenly, how well known."""

from __future__ import annotations

from collections import Counter
from typing import Any

from skl_increc._state.ids import canonical

from ._base import RankingMetric, as_list, items_wanted
from ._exposure import gini_of, mean_popularity_bias, mean_self_information, share_shown

__all__ = ["Coverage", "Gini", "Novelty", "PopularityBias"]


def _add(counter: Counter[Any], items: Any, step: int) -> None:
    for item in items:
        left = counter[item] + step
        if left:
            counter[item] = left
        else:
            del counter[item]


class _CatalogueMetric(RankingMetric):
    """Counts how often each item stood in a list, and how often it came."""

    def __init__(self, k: int = 10) -> None:
        super().__init__(k)
        self._listed: Counter[Any] = Counter()
        self._came: Counter[Any] = Counter()
        self._n = 0

    def _n_met(self) -> int:
        """Number of items met, in lists or as targets."""
        return len(self._listed) + sum(1 for item in self._came if item not in self._listed)

    @property
    def works_with_weights(self) -> bool:
        """False: a list counts once, whatever its weight, and not at all with weight 0."""
        return False

    def update(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Count one list.

        Parameters
        ----------
        y_true : hashable, set or list
            The item that came, or several. None or an empty set: nothing is counted.
        y_pred : list or None
            Items, best first. None: nothing is counted.
        w : float, default=1.0
            0: nothing is counted. Other weights make no difference.
        """
        if w:
            self._count(y_true, y_pred, 1)

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
            If more lists are taken back than were counted.
        """
        if w:
            self._count(y_true, y_pred, -1)

    def _count(self, y_true: Any, y_pred: list[Any] | None, step: int) -> None:
        if y_pred is None:
            return
        came = items_wanted(y_true)
        if came:
            if self._n + step < 0:
                raise ValueError(f"{type(self).__name__} has counted no list that revert could take back.")
            listed = [item for item in map(canonical, as_list(y_pred)[: self.k]) if item is not None]
            self._n += step
            _add(self._came, came, step)
            _add(self._listed, listed, step)


class _OfCatalogue(_CatalogueMetric):
    """With a number of items that could be listed."""

    def __init__(self, k: int = 10, n_items: int | None = None) -> None:
        if n_items is not None and n_items < 1:
            raise ValueError(f"n_items must be the size of the catalogue, at least 1; got {n_items!r}.")
        super().__init__(k)
        self.n_items = n_items

    def _size(self) -> int:
        return self._n_met() if self.n_items is None else max(self.n_items, len(self._listed))


class Coverage(_OfCatalogue):
    """Share of the catalogue that stood in any list so far.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.
    n_items : int, optional
        Size of the catalogue. None: the items met so far, in lists or as targets.

    Notes
    -----
    **Cost**: one count per item met.

    Examples
    --------
    >>> from skl_increc.metrics import Coverage
    >>> metric = Coverage(2)
    >>> metric.update("a", ["a", "b"])
    >>> metric.update("d", ["b", "c"])
    >>> metric
    Coverage@2: 75.00%
    """

    def get(self) -> float:
        """Return the share so far, between 0 and 1; 0 before the first list."""
        return share_shown(self._listed, self._size())


class Gini(_OfCatalogue):
    """Gini coefficient of how often the items of the catalogue were listed so far.

    0: all alike; towards 1: few items have all places. See `skl_increc.metrics.gini` for the equation.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.
    n_items : int, optional
        Size of the catalogue. None: the items met so far, in lists or as targets.

    Notes
    -----
    **Cost**: one count per item met; `get` sorts the counts.

    Examples
    --------
    >>> from skl_increc.metrics import Gini
    >>> metric = Gini(1, n_items=4)
    >>> metric.update("a", ["a"])
    >>> metric
    Gini@1: 0.7500
    """

    _fmt = ",.4f"

    @property
    def bigger_is_better(self) -> bool:
        """False: a smaller value is better."""
        return False

    def get(self) -> float:
        """Return the coefficient so far, between 0 and 1; 0 before the first item."""
        return gini_of(self._listed, self._size()) if self._listed else 0.0


class Novelty(_CatalogueMetric):
    """Mean self-information of the listed items, in bits: how little known they are.

    The mean of -log2((c + 1) / (n + 1)) over all places filled so far, where c counts the events of the item
    among the n events so far. A list of what everybody takes has a novelty near 0.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Notes
    -----
    Popularity is that of all events counted, later ones included, so that the value does not depend on
    their order and `revert` is exact. **Cost**: `get` walks the items listed so far.

    References
    ----------
    S. Vargas and P. Castells, Rank and relevance in novelty and diversity metrics for recommender systems,
    RecSys 2011.

    Examples
    --------
    >>> from skl_increc.metrics import Novelty
    >>> metric = Novelty(1)
    >>> for item in "aab":
    ...     metric.update(item, ["b"])
    >>> metric
    Novelty@1: 1.0000
    """

    _fmt = ",.4f"

    def get(self) -> float:
        """Return the mean so far, in bits, at least 0; 0 before the first item."""
        return mean_self_information(self._listed, self._came, self._n) if self._listed else 0.0


class PopularityBias(_CatalogueMetric):
    """How much better known the listed items are than those that people took so far.

    0: as well known; 1: twice as often taken; below 0: less known. See
    `skl_increc.metrics.popularity_bias` for the equation.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Notes
    -----
    Popularity is that of all events counted, later ones included, so that the value does not depend on
    their order and `revert` is exact. **Cost**: `get` walks the items met so far.

    Examples
    --------
    >>> from skl_increc.metrics import PopularityBias
    >>> metric = PopularityBias(1)
    >>> for item in "aaab":
    ...     metric.update(item, ["a"])
    >>> metric
    PopularityBias@1: 0.2000
    """

    _fmt = ",.4f"

    @property
    def bigger_is_better(self) -> bool:
        """False: a smaller value is better."""
        return False

    def get(self) -> float:
        """Return the bias so far, at least -1; 0 before the first item."""
        return mean_popularity_bias(self._listed, self._came) if self._listed else 0.0
