"""Ranking arithmetic: the rank of an item, the gains of a list.

All definitions are those of ``trec_eval`` with binary relevance, so that a list scores the same here and in
the tools of information retrieval. ``k`` counts places, so a catalogue smaller than ``k`` cannot reach a
precision of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "GAINS",
    "check_gain",
    "gain",
    "gain_table",
    "hit_places",
    "mean_gain",
    "rank_of",
]


def rank_of(scores: ArrayLike, index: int) -> float:
    """Rank of one entry among scores, 1 being the best.

    Parameters
    ----------
    scores : array-like of float, shape (n,)
        Scores, larger is better; NaN and infinities are allowed.
    index : int
        The entry to rank, ``-n <= index < n``.

    Returns
    -------
    float
        ``1 +`` the number of *finite* scores strictly above ``+`` half the number of other entries with the
        same score (the mean rank of a tie). A non-finite score ranks last, at ``n``: a model that has
        diverged must not win with it.

    Examples
    --------
    >>> rank_of([0.5, 2.0, 1.0, 1.0], 2)
    2.5
    >>> rank_of([float("nan"), 1.0, float("inf")], 1), rank_of([float("nan"), 1.0], 0)
    (1.0, 2.0)
    """
    values = np.asarray(scores, dtype=np.float64)
    own = values[index]
    if not np.isfinite(own):
        return float(values.size)
    above = np.count_nonzero((values > own) & np.isfinite(values))
    ties = np.count_nonzero(values == own) - 1
    return float(1.0 + above + ties / 2.0)


def hit_places(ranked: Iterable[Hashable], relevant: Collection[Hashable], k: int) -> list[int]:
    """Places (0 is the first) of the relevant items among the first ``k`` of a list.

    An item that the list repeats counts at its first place alone.

    Examples
    --------
    >>> hit_places(["a", "b", "a", "c"], {"a", "c"}, 4)
    [0, 3]
    """
    left = set(relevant)
    places = []
    for place, item in enumerate(ranked):
        if place >= k:
            break
        if item in left:
            left.discard(item)
            places.append(place)
    return places


def _discount(place: int) -> float:
    return 1.0 / math.log2(place + 2)


def _hit(places: Sequence[int], n_relevant: int, k: int) -> float:
    """1 if any relevant item is in the list."""
    return 1.0 if places else 0.0


def _recall(places: Sequence[int], n_relevant: int, k: int) -> float:
    """Hits / number of relevant items."""
    return len(places) / n_relevant


def _precision(places: Sequence[int], n_relevant: int, k: int) -> float:
    """Hits / k, however short the list is."""
    return len(places) / k


def _f1(places: Sequence[int], n_relevant: int, k: int) -> float:
    """Harmonic mean of precision and recall: 2 hits / (k + number of relevant items)."""
    return 2.0 * len(places) / (k + n_relevant)


def _ndcg(places: Sequence[int], n_relevant: int, k: int) -> float:
    """Sum of 1/log2(place + 1), over its largest value for min(number of relevant items, k) hits."""
    best = math.fsum(map(_discount, range(min(n_relevant, k))))
    return math.fsum(map(_discount, places)) / best


def _mrr(places: Sequence[int], n_relevant: int, k: int) -> float:
    """1 / place of the first hit."""
    return 1.0 / (places[0] + 1) if places else 0.0


def _map(places: Sequence[int], n_relevant: int, k: int) -> float:
    """Sum over the hits of the precision at their places, over the number of relevant items."""
    return math.fsum((n + 1) / (place + 1) for n, place in enumerate(places)) / n_relevant


#: Name of a gain -> function of (places of the hits from 0 ascending, number of relevant items, k).
GAINS: dict[str, Callable[[Sequence[int], int, int], float]] = {
    "hit_rate": _hit,
    "recall": _recall,
    "precision": _precision,
    "f1": _f1,
    "ndcg": _ndcg,
    "mrr": _mrr,
    "map": _map,
}


def check_gain(metric: str, k: int) -> None:
    """Refuse an unknown metric, and a k that is no number of places."""
    if metric not in GAINS:
        raise ValueError(f"There is no ranking metric {metric!r}; there are {sorted(GAINS)}.")
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be a whole number of places, at least 1; got {k!r}.")


def gain(metric: str, ranked: Iterable[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Value of one list.

    Parameters
    ----------
    metric : {"hit_rate", "recall", "precision", "f1", "ndcg", "mrr", "map"}
        With h hits among the first k places and r relevant items: hit_rate = 1 if h > 0; recall = h / r;
        precision = h / k; f1 = 2 h / (k + r); mrr = 1 / place of the first hit; map = sum of the precisions
        at the hits / r; ndcg = sum of 1 / log2(place + 1) over the hits / the same sum over the first
        min(r, k) places.
    ranked : iterable of hashable
        Items, best first; what comes after ``k`` does not count, and a list may be shorter.
    relevant : set of hashable
        The items wanted, at least one.
    k : int
        Number of places, at least 1.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ValueError
        For an unknown metric, ``k < 1``, or no relevant items: such a list was never asked for, and
        ``trec_eval`` leaves it out of its means.

    Examples
    --------
    >>> gain("recall", ["a", "b", "c"], {"b", "z"}, 3)
    0.5
    >>> gain("mrr", ["a", "b", "c"], {"b", "z"}, 3)
    0.5
    """
    check_gain(metric, k)
    if not relevant:
        raise ValueError("relevant is empty: a list without an item to find has no gain; leave it out.")
    return GAINS[metric](hit_places(ranked, relevant, k), len(set(relevant)), k)


def gain_table(metric: str, k: int) -> tuple[float, ...]:
    """Gain of a list with one relevant item, by the item's place; beyond the ``k`` places it is 0.

    Examples
    --------
    >>> gain_table("mrr", 3) == (1.0, 1 / 2, 1 / 3)
    True
    """
    check_gain(metric, k)
    return tuple(GAINS[metric]((place,), 1, k) for place in range(k))


def mean_gain(counts: Sequence[float], table: Sequence[float], n: float, rest: float = 0.0) -> float:
    """Mean of a gain from counts of places; 0 when nothing was counted.

    Every sum of ours over single items goes through here, so that two ways to the same counts end in the
    same bits.

    Parameters
    ----------
    counts : sequence of float
        How often the item stood at place 0, 1, ...; at least as many entries as ``table``.
    table : sequence of float
        The gain at these places, see `gain_table`.
    n : float
        How many were asked, misses included.
    rest : float
        Sum of the gains that are not in ``counts``.

    Examples
    --------
    >>> mean_gain([1, 2], gain_table("mrr", 2), n=4)
    0.5
    """
    if not n > 0.0:
        return 0.0
    total = rest
    for count, value in zip(counts, table, strict=False):
        total += count * value
    return total / n
