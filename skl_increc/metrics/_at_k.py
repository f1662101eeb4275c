"""Array functions of the first k places: how well lists, or scores, meet what was wanted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._read import mean_of, read_scores, row_of
from ._ties import area_under_curve
from ._values import at_k as _at_k

__all__ = [
    "auc",
    "f1_at_k",
    "hit_rate_at_k",
    "map_at_k",
    "mrr_at_k",
    "ndcg_at_k",
    "precision_at_k",
    "recall_at_k",
]


def ndcg_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    r"""Normalised discounted cumulative gain of the first k places, with gains 0 and 1.

    .. math:: \sum_{r \in \text{hits}} \frac{1}{\log_2(r + 1)} \Big/
        \sum_{r=1}^{\min(|\text{wanted}|, k)} \frac{1}{\log_2(r + 1)}

    where r is the place of a hit, 1 being the first.

    Parameters
    ----------
    y_true : sequence of length n_lists, or array of shape (n_lists, n_items)
        With ``y_pred``: the items wanted of each list, as a set, a list or an array; anything else is one
        id. Missing ids (None, NaN) are left out. With ``y_score``: 1 or True where the item is wanted, else
        0; dense or sparse.
    y_pred : sequence of lists, or array of shape (n_lists, n_places), optional
        Items, best first, as ``model.recommend(users, k)[0]`` gives them. None or NaN pads a short list.
    k : int, default=10
        Number of places, at least 1. What stands beyond does not count.
    y_score : array-like of shape (n_lists, n_items), optional
        In place of ``y_pred``: scores of all items, larger is better. -inf: the item is not in the list.
    sample_weight : array-like of shape (n_lists,), optional
        Weights, at least 0.
    average : bool, default=True
        False: a value per list.

    Returns
    -------
    float, or ndarray of shape (n_lists,), float64
        Between 0 and 1. The mean over lists; NaN, with an `UndefinedMetricWarning`, if none is left. With
        ``average=False`` a value each, NaN where nothing is wanted.

    Raises
    ------
    ValueError
        For k < 1, lengths or shapes that differ, both or neither of ``y_pred`` and ``y_score``, scores that
        are NaN or +inf, and a ``y_true`` of other values than 0 and 1 beside ``y_score``.
    TypeError
        If ``y_pred`` holds no lists.

    Notes
    -----
    The same rules hold for all functions of this kind:

    - **Nothing wanted**: the list is left out of the mean, as in ``trec_eval``. scikit-learn's
      ``ndcg_score`` counts such a row as 0.
    - **Ties** in ``y_score`` are averaged over all their orders, in closed form [2]_, as ``ndcg_score`` does
      it. Lists have no ties: the models break them by a hash of the item's id.
    - **Short lists**: an empty place is a miss.
    - **k beyond the catalogue**: allowed. Precision then cannot reach 1, and F1 neither; all others can.
    - **Repeated items** count at their first place alone.

    **Cost**: about 2 microseconds a list and 0.1 a place; scores take a partial sort of every row.

    References
    ----------
    .. [1] K. Jarvelin and J. Kekalainen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4),
       2002.
    .. [2] F. McSherry and M. Najork, Computing information retrieval performance measures efficiently in the
       presence of tied scores, ECIR 2008.

    Examples
    --------
    >>> from skl_increc.metrics import ndcg_at_k
    >>> ndcg_at_k([{"b"}, {"a", "z"}], [["a", "b", "c"], ["a", "b", "c"]], k=3)
    0.622...
    >>> ndcg_at_k([[0, 1, 0]], y_score=[[0.5, 0.5, 0.1]], k=3)  # between places 1 and 2
    0.815...
    """
    return _at_k("ndcg", y_true, y_pred, k, y_score, sample_weight, average)


def recall_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Share of the wanted items that stand in the first k places.

    The number of hits over the number of items wanted.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1. More wanted items than places keep it below 1.

    Examples
    --------
    >>> from skl_increc.metrics import recall_at_k
    >>> recall_at_k([{"b", "z"}], [["a", "b", "c"]], k=3)
    0.5
    """
    return _at_k("recall", y_true, y_pred, k, y_score, sample_weight, average)


def precision_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Hits over k, however short the list is.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1. Fewer wanted items than places keep it below 1.

    Examples
    --------
    >>> from skl_increc.metrics import precision_at_k
    >>> precision_at_k([{"b", "z"}], [["a", "b", "c"]], k=4)
    0.25
    """
    return _at_k("precision", y_true, y_pred, k, y_score, sample_weight, average)


def f1_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Harmonic mean of precision and recall: 2 hits / (k + number of items wanted).

    It is taken for every list, then averaged. Ties average the hits.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1.

    Examples
    --------
    >>> from skl_increc.metrics import f1_at_k
    >>> f1_at_k([{"b", "z"}], [["a", "b", "c"]], k=4)
    0.333...
    """
    return _at_k("f1", y_true, y_pred, k, y_score, sample_weight, average)


def hit_rate_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Share of lists with any wanted item in the first k places.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too. A
        tie gives the probability of a hit.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1.

    Examples
    --------
    >>> from skl_increc.metrics import hit_rate_at_k
    >>> hit_rate_at_k(["b", "z"], [["a", "b", "c"], ["a", "b", "c"]], k=3)
    0.5
    """
    return _at_k("hit_rate", y_true, y_pred, k, y_score, sample_weight, average)


def mrr_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Mean reciprocal rank: 1 / place of the first hit, 0 where the first k places hold none.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1.

    Examples
    --------
    >>> from skl_increc.metrics import mrr_at_k
    >>> mrr_at_k([{"c", "b"}], [["a", "b", "c"]], k=3)
    0.5
    """
    return _at_k("mrr", y_true, y_pred, k, y_score, sample_weight, average)


def map_at_k(
    y_true: Any,
    y_pred: Any = None,
    k: int = 10,
    *,
    y_score: Any = None,
    sample_weight: Any = None,
    average: bool = True,
) -> Any:
    """Mean average precision: the precisions at the hits, summed, over the number of items wanted.

    This is ``trec_eval``'s ``map_cut``: the sum is divided by all items wanted, also where they are more
    than k.

    Parameters
    ----------
    y_true, y_pred, k, y_score, sample_weight, average
        As of `ndcg_at_k`, whose rules for ties, short lists, empty truths and large k hold here, too.

    Returns
    -------
    float, or ndarray of shape (n_lists,)
        Between 0 and 1. More wanted items than places keep it below 1.

    Examples
    --------
    >>> from skl_increc.metrics import map_at_k
    >>> map_at_k([{"a", "c"}], [["a", "b", "c"]], k=3)
    0.833...
    """
    return _at_k("map", y_true, y_pred, k, y_score, sample_weight, average)


def auc(y_true: Any, y_score: Any, *, sample_weight: Any = None, average: bool = True) -> Any:
    """Area under the ROC curve of each row: share of the pairs (wanted, other) in the right order.

    Ties count by half. It looks at the whole ranking and not at its top, hence tells little about lists of
    ten; and it needs the scores of all items, so that there is none of lists.

    Parameters
    ----------
    y_true : array of shape (n_lists, n_items)
        1 or True where the item is wanted, else 0; dense or sparse.
    y_score : array-like of shape (n_lists, n_items)
        Scores, larger is better. An item of score -inf is no candidate and left out; if it is wanted, it is
        below all others.
    sample_weight : array-like of shape (n_lists,), optional
        Weights, at least 0.
    average : bool, default=True
        False: a value per row.

    Returns
    -------
    float, or ndarray of shape (n_lists,), float64
        Between 0 and 1, 0.5 for scores all alike. Rows in which everything is wanted, or nothing, are left
        out of the mean; with ``average=False`` they are NaN.

    Raises
    ------
    ValueError
        For shapes that differ, scores that are NaN or +inf, and a ``y_true`` of other values than 0 and 1.

    Examples
    --------
    >>> from skl_increc.metrics import auc
    >>> auc([[0, 1, 0, 0]], [[0.5, 0.5, 0.1, 0.9]])
    0.5
    """
    wanted, scores = read_scores(y_true, y_score)
    values = np.array([area_under_curve(own, row_of(wanted, row)) for row, own in enumerate(scores)])
    return mean_of(values, sample_weight, "auc", stacklevel=4) if average else values
