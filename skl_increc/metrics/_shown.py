"""Array functions of what lists show: how much of the catalogue, how evenly, how well known, how alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from skl_increc._state.ids import canonical

from ._base import check_k
from ._exposure import ItemVectors, gini_of, mean_popularity_bias, mean_self_information, share_shown
from ._read import items_of, mean_of, read_lists, warn_of_nothing

__all__ = ["catalog_coverage", "diversity", "gini", "novelty", "popularity_bias"]


def _listed(y_pred: Any, k: int) -> Counter[Hashable]:
    return Counter(item for row in read_lists(y_pred, check_k(k)) for item in row)


def _shown_of(catalog: Any, listed: Counter[Hashable]) -> tuple[Counter[Hashable], int]:
    """Counts of the items of the catalogue alone, and its size."""
    if isinstance(catalog, (int, np.integer)) and not isinstance(catalog, bool):
        if catalog < max(len(listed), 1):
            raise ValueError(
                f"catalog={catalog!r} items, but the lists hold {len(listed)} different ones: give its size, "
                "at least 1, or its ids."
            )
        return listed, int(catalog)
    if isinstance(catalog, (str, bytes)) or not hasattr(catalog, "__iter__"):
        raise TypeError(f"catalog must be a number of items, or their ids; got {catalog!r}.")
    ids = set(items_of(catalog))
    if not ids:
        raise ValueError("catalog is empty: give the ids of the items that may be listed.")
    return Counter({item: times for item, times in listed.items() if item in ids}), len(ids)


def _came(item_counts: Any) -> dict[Hashable, float]:
    """Events by item, from a mapping or from the items of the events."""
    if isinstance(item_counts, Mapping):
        came: dict[Hashable, float] = {}
        for item, count in item_counts.items():
            if not (0 <= count < math.inf):
                raise ValueError(
                    f"item_counts must hold counts of at least 0; got {count!r} for item {item!r}."
                )
            item = canonical(item)
            if item is not None:
                came[item] = came.get(item, 0) + float(count)
        return came
    if isinstance(item_counts, (str, bytes)) or not hasattr(item_counts, "__iter__"):
        raise TypeError(
            f"item_counts must map items to counts, or hold the items of the events; got {item_counts!r}."
        )
    return dict(Counter(items_of(item_counts)))


def catalog_coverage(y_pred: Any, catalog: int | Iterable[Hashable], k: int = 10) -> float:
    """Share of the catalogue that stands in any of the lists.

    Parameters
    ----------
    y_pred : sequence of lists, or array of shape (n_lists, n_places)
        Items, best first; None or NaN pads a short list.
    catalog : int or iterable of hashable
        Number of items that could be listed, or their ids; items beside these do not count.
    k : int, default=10
        Number of places that count, at least 1.

    Returns
    -------
    float
        Between 0 and 1; 0 if all lists are empty.

    Raises
    ------
    ValueError
        If the catalogue is empty, or smaller than what was listed.

    Examples
    --------
    >>> from skl_increc.metrics import catalog_coverage
    >>> catalog_coverage([["a", "b"], ["b", "c"]], 4)
    0.75
    """
    return share_shown(*_shown_of(catalog, _listed(y_pred, k)))


def gini(y_pred: Any, catalog: int | Iterable[Hashable], k: int = 10) -> float:
    r"""Gini coefficient of how often the items of the catalogue are listed.

    .. math:: \frac{\sum_{i=1}^{n} (2 i - n - 1) \, x_i}{n \sum_i x_i}

    with the numbers of listings x in ascending order, those of items never listed included.

    Parameters
    ----------
    y_pred : sequence of lists, or array of shape (n_lists, n_places)
        Items, best first; None or NaN pads a short list.
    catalog : int or iterable of hashable
        Number of items that could be listed, or their ids; items beside these do not count.
    k : int, default=10
        Number of places that count, at least 1.

    Returns
    -------
    float
        Between 0 (all items are listed alike) and 1 - 1/n (one item has all places); NaN, with an
        `UndefinedMetricWarning`, if all lists are empty.

    Raises
    ------
    ValueError
        If the catalogue is empty, or smaller than what was listed.

    Examples
    --------
    >>> from skl_increc.metrics import gini
    >>> gini([["a"], ["a"]], 4), gini([["a", "b"], ["c", "d"]], 4)
    (0.75, 0.0)
    """
    return _or_warn(gini_of(*_shown_of(catalog, _listed(y_pred, k))), "gini")


def novelty(y_pred: Any, item_counts: Any, k: int = 10, *, n_events: float | None = None) -> float:
    """Mean self-information of the listed items, in bits: how little known they are.

    The mean of -log2((c + 1) / (n + 1)) over all places filled, where c counts the events of the item among n
    events.

    Parameters
    ----------
    y_pred : sequence of lists, or array of shape (n_lists, n_places)
        Items, best first; None or NaN pads a short list.
    item_counts : mapping of item to count, or iterable of hashable
        How often each item was taken, or the items of the events that a model was taught. Other items have
        a count of 0.
    k : int, default=10
        Number of places that count, at least 1.
    n_events : float, optional
        By default the sum of the counts. Give the number of users where the counts are of users.

    Returns
    -------
    float
        At least 0; NaN, with an `UndefinedMetricWarning`, if all lists are empty.

    Raises
    ------
    ValueError
        For counts below 0, and an ``n_events`` below the largest of them.

    References
    ----------
    S. Vargas and P. Castells, Rank and relevance in novelty and diversity metrics for recommender systems,
    RecSys 2011.

    Examples
    --------
    >>> from skl_increc.metrics import novelty
    >>> novelty([["b"]], ["a", "a", "b"])
    1.0
    """
    came = _came(item_counts)
    total = math.fsum(came.values()) if n_events is None else n_events
    if not total >= max(came.values(), default=0):
        raise ValueError(
            f"n_events={n_events!r} is less than the events of one item, {max(came.values())!r}."
        )
    return _or_warn(mean_self_information(_listed(y_pred, k), came, total), "novelty")


def popularity_bias(y_pred: Any, item_counts: Any, k: int = 10) -> float:
    r"""How much better known the listed items are than those that people take.

    .. math:: \frac{\text{mean of } c_i \text{ over the places filled}}
        {\sum_i c_i^2 / \sum_i c_i} - 1

    The denominator is the mean count of the item of an event: lists that hold items as often as people take
    them have a bias of 0.

    Parameters
    ----------
    y_pred : sequence of lists, or array of shape (n_lists, n_places)
        Items, best first; None or NaN pads a short list.
    item_counts : mapping of item to count, or iterable of hashable
        How often each item was taken, or the items of the events. Other items have a count of 0.
    k : int, default=10
        Number of places that count, at least 1.

    Returns
    -------
    float
        At least -1; below 0 the lists hold less known items than people take, 1 means twice as well known
        ones. NaN, with an `UndefinedMetricWarning`, if all lists or all counts are empty.

    Notes
    -----
    This is the popularity lift of [1]_ with one profile for all users, that of the events.

    References
    ----------
    .. [1] H. Abdollahpouri, M. Mansoury, R. Burke and B. Mobasher, The connection between popularity bias,
       calibration, and fairness in recommendation, RecSys 2020.

    Examples
    --------
    >>> from skl_increc.metrics import popularity_bias
    >>> round(popularity_bias([["a"], ["a"]], {"a": 3, "b": 1}), 6)
    0.2
    """
    return _or_warn(mean_popularity_bias(_listed(y_pred, k), _came(item_counts)), "popularity_bias")


def diversity(
    y_pred: Any,
    item_vectors: Any,
    k: int = 10,
    *,
    item_ids: Sequence[Hashable] | None = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """How unlike each other the items of a list are: the mean of 1 - cosine over its pairs.

    Parameters
    ----------
    y_pred : sequence of lists, or array of shape (n_lists, n_places)
        Items, best first; None or NaN pads a short list.
    item_vectors : mapping of item to vector, or array of shape (n_items, n_features)
        What the items are like: genres as 0 and 1, words, factors. Dense or sparse. Items without a vector
        are left out of the pairs; a vector of zeros is unlike everything (1 - cosine = 1).
    k : int, default=10
        Number of places that count, at least 1.
    item_ids : sequence of hashable, optional
        Of the rows of an array; by default their numbers.
    sample_weight : array-like of shape (n_lists,), optional
        Weights, at least 0.
    average : bool, default=True
        False: a value per list.

    Returns
    -------
    float, or ndarray of shape (n_lists,), float64
        Between 0 (all alike) and 2; at most 1 where no feature is negative. Lists of fewer than two items
        with vectors are left out of the mean; with ``average=False`` they are NaN.

    Raises
    ------
    ValueError
        For vectors of different lengths or that are not finite, and ids that do not fit.

    References
    ----------
    C.-N. Ziegler, S. M. McNee, J. A. Konstan and G. Lausen, Improving recommendation lists through topic
    diversification, WWW 2005.

    Examples
    --------
    >>> from skl_increc.metrics import diversity
    >>> genres = {"Alien": [1, 1], "Heat": [1, 0], "Emma": [0, 1]}
    >>> diversity([["Heat", "Emma"], ["Heat", "Heat"]], genres)
    0.5
    """
    vectors = ItemVectors(item_vectors, item_ids)
    values = np.array([vectors.distance(row) for row in read_lists(y_pred, check_k(k))], dtype=np.float64)
    return mean_of(values, sample_weight, "diversity", stacklevel=4) if average else values


def _or_warn(value: float, name: str) -> float:
    if math.isnan(value):
        warn_of_nothing(name, stacklevel=4)
    return value
