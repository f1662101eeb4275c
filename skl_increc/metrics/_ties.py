"""Expected gains of a ranking by scores: the mean over all orders of tied items, in closed form.

F. McSherry and M. Najork, Computing information retrieval performance measures efficiently in the presence
of tied scores, ECIR 2008. Without ties each value is that of `skl_increc.base._ranking.GAINS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

__all__ = ["EXPECTED", "Tie", "area_under_curve", "tied_items"]


class Tie(NamedTuple):
    """Items of one score that begin within the first k places.

    ``start``: items above; ``size``: items of this score; ``wanted``: how many of them are wanted;
    ``places``: how many of them stand within the first k.
    """

    start: int
    size: int
    wanted: int
    places: int


def tied_items(scores: np.ndarray, wanted: np.ndarray, k: int) -> list[Tie]:
    """Group the items that may stand within the first ``k`` places; those of score -inf stand nowhere.

    Examples
    --------
    >>> tied_items(np.array([1.0, 3.0, 1.0, -np.inf]), np.array([True, False, False, True]), k=2)
    [Tie(start=0, size=1, wanted=0, places=1), Tie(start=1, size=2, wanted=1, places=1)]
    """
    listed = scores > -np.inf
    scores, wanted = scores[listed], wanted[listed]
    if len(scores) > k:  # all items as good as that of place k, and no more
        near = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
        scores, wanted = scores[near], wanted[near]
    if not len(scores):
        return []
    order = np.argsort(-scores, kind="stable")
    scores, wanted = scores[order], wanted[order]
    starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
    sizes = np.diff(np.append(starts, len(scores)))
    counts = np.add.reduceat(wanted.astype(np.int64), starts)
    return [
        Tie(start, size, count, min(size, k - start))
        for start, size, count in zip(starts.tolist(), sizes.tolist(), counts.tolist(), strict=True)
        if start < k
    ]


def _hits(ties: Sequence[Tie]) -> float:
    return math.fsum(tie.places * tie.wanted / tie.size for tie in ties)


def _first_hit(tie: Tie) -> Iterator[float]:
    """Probability that the first wanted item of a tie stands at its place 1, 2, ..."""
    missed = 1.0
    for gone in range(tie.places):
        chance = tie.wanted / (tie.size - gone)
        if chance >= 1.0:  # only wanted ones are left
            yield missed
            return
        yield missed * chance
        missed *= 1.0 - chance


def _hit_rate(ties: Sequence[Tie], n_wanted: int, k: int) -> float:
    missed = 1.0
    for tie in ties:
        missed *= max(0.0, 1.0 - math.fsum(_first_hit(tie)))
    return 1.0 - missed


def _ndcg(ties: Sequence[Tie], n_wanted: int, k: int) -> float:
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gained = math.fsum(
        float(discounts[tie.start : tie.start + tie.places].sum()) * tie.wanted / tie.size
        for tie in ties
        if tie.wanted
    )
    return gained / float(discounts[: min(n_wanted, k)].sum())


def _mrr(ties: Sequence[Tie], n_wanted: int, k: int) -> float:
    for tie in ties:
        if tie.wanted:
            return math.fsum(p / (tie.start + place) for place, p in enumerate(_first_hit(tie), 1))
    return 0.0


def _map(ties: Sequence[Tie], n_wanted: int, k: int) -> float:
    total, above = 0.0, 0
    for start, size, wanted, places in ties:
        if wanted:
            before = (wanted - 1) / max(size - 1, 1)  # a place of the tie above a hit is a hit, too
            total += math.fsum(
                wanted / size * (above + 1 + (j - 1) * before) / (start + j) for j in range(1, places + 1)
            )
        above += wanted
    return total / n_wanted


#: Name of a gain -> function of (ties, number of wanted items, k).
EXPECTED: dict[str, Callable[[Sequence[Tie], int, int], float]] = {
    "hit_rate": _hit_rate,
    "recall": lambda ties, n_wanted, k: _hits(ties) / n_wanted,
    "precision": lambda ties, n_wanted, k: _hits(ties) / k,
    "f1": lambda ties, n_wanted, k: 2.0 * _hits(ties) / (k + n_wanted),
    "ndcg": _ndcg,
    "mrr": _mrr,
    "map": _map,
}


def area_under_curve(scores: np.ndarray, wanted: np.ndarray) -> float:
    """Share of the pairs (wanted, other) in the right order, ties by half; NaN without such a pair.

    Others of score -inf are no candidates and left out; a wanted item of score -inf is below every other.
    """
    kept = wanted | (scores > -np.inf)
    scores, wanted = scores[kept], wanted[kept]
    n = int(np.count_nonzero(wanted))
    others = len(wanted) - n
    if not n or not others:
        return math.nan
    above = rankdata(scores)[wanted].sum() - n * (n + 1) / 2.0
    return float(above / (n * others))
