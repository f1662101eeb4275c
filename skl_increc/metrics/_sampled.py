"""Ranks among a sample of the items, and the estimator that corrects what sampling does to a metric."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binom
from sklearn.utils import check_random_state

from skl_increc.base._held_out import Question
from skl_increc.base._ranking import gain_table
from skl_increc.exceptions import SampledMetricWarning

from ._measures import Asked, Measure

__all__ = ["corrected_table", "items_above", "sampled_values", "warn_of_sampling"]

#: how much variance weighs against bias
TRADE_OFF = 0.1
_RANKS_AT_ONCE = 4096


def warn_of_sampling(n_sampled: int, stacklevel: int) -> None:
    """Say what sampling costs."""
    warnings.warn(
        f"n_sampled={n_sampled}: items are ranked among a sample. Sampled metrics can order models "
        "differently from the full ranking; the estimate is corrected (Krichene and Rendle, 2020), which "
        "leaves some bias and adds noise. Leave n_sampled=None where the full ranking can be afforded.",
        SampledMetricWarning,
        stacklevel=stacklevel + 1,
    )


def corrected_table(gains: Sequence[float], n_items: int, n_sampled: int) -> np.ndarray:
    """Gain to credit for 0, 1, ..., n_sampled sampled items above the wanted one.

    The estimator with the least (1 - g) bias^2 + g variance over ranks 1 to n_items, all alike likely:
    ((1 - g) A'A + g diag(A'1))^-1 A'f, with A[r, s] the probability that s of the sampled items are above the
    item of rank r, f the gains by rank, and g = 0.1.

    Parameters
    ----------
    gains : sequence of float, length k
        The gain of places 1 to k; 0 beyond.
    n_items : int
        Items that are ranked, the wanted one included; at least 2.
    n_sampled : int
        How many of the others were drawn, with replacement; at least 1.

    Returns
    -------
    ndarray of shape (n_sampled + 1,), float64

    References
    ----------
    W. Krichene and S. Rendle, On sampled metrics for item recommendation, KDD 2020.

    Examples
    --------
    >>> corrected_table([1.0], n_items=1000, n_sampled=10).round(3)[:2]
    array([ 0.027, -0.019])
    """
    square = np.zeros((n_sampled + 1, n_sampled + 1))
    total, right = np.zeros(n_sampled + 1), np.zeros(n_sampled + 1)
    by_rank = np.asarray(gains, dtype=np.float64)
    for start in range(0, n_items, _RANKS_AT_ONCE):
        ranks = np.arange(start, min(start + _RANKS_AT_ONCE, n_items))
        chances = binom.pmf(np.arange(n_sampled + 1), n_sampled, ranks[:, None] / (n_items - 1))
        square += chances.T @ chances
        total += chances.sum(axis=0)
        own = by_rank[start : start + len(ranks)]
        right += own @ chances[: len(own)]
    met = total > 1e-250  # few items and many samples: some counts never happen
    size = np.sqrt(total[met])  # scaled by it, no eigenvalue is below g or above 1
    matrix = (1.0 - TRADE_OFF) * square[np.ix_(met, met)] / np.outer(size, size)
    table = np.linalg.solve(matrix + TRADE_OFF * np.eye(len(size)), right[met] / size) / size
    return np.interp(np.arange(n_sampled + 1), np.flatnonzero(met), table)


def items_above(score: float, others: np.ndarray) -> float:
    """How many of the others stand above a score, ties by half; all of them above -inf."""
    if score == -np.inf:
        return float(len(others))
    return float(np.count_nonzero(others > score) + np.count_nonzero(others == score) / 2.0)


def sampled_values(
    asked: Asked, measures: Sequence[Measure], n_sampled: int, random_state: Any
) -> list[np.ndarray]:
    """For each measure a value per question: the mean over its items, each ranked alone among a sample."""
    rng = check_random_state(random_state)
    pool = np.empty(len(catalog := asked.catalog()), dtype=object)
    pool[:] = catalog
    place = {item: at for at, item in enumerate(catalog)}
    had = _had(asked, place)
    above: list[list[float]] = []
    n_ranked = []
    for question in asked.questions:
        known = [place[item] for item in question.wanted if item in place]
        taken = np.union1d(had.get(question.user, np.empty(0, np.int64)), np.array(known, dtype=np.int64))
        others = np.setdiff1d(np.arange(len(pool)), taken.astype(np.int64), assume_unique=True)
        n_ranked.append(len(others) + 1)
        above.append(_ranks(asked, question, pool, others, n_sampled, rng))
    # one table for all: the numbers of items differ little, by what each user had
    n_items = max(2, round(float(np.mean(n_ranked))))
    sampled = np.arange(n_sampled + 1)
    values = []
    for measure in measures:
        table = corrected_table(gain_table(measure.name, measure.k), n_items, n_sampled)
        values.append(np.array([np.interp(ranks, sampled, table).mean() for ranks in above]))
    return values


def _had(asked: Asked, place: dict[Any, int]) -> dict[Any, np.ndarray]:
    """What each user had, as places in the pool; nothing where that may be listed again."""
    if not asked.exclude_seen:
        return {}
    try:
        matrix = asked.model.to_csr()
    except (AttributeError, ValueError):  # the model does not remember, and leaves nothing out either
        return {}
    column = np.array([place.get(item, -1) for item in asked.model.item_ids_], dtype=np.int64)
    rows = {user: row for row, user in enumerate(asked.model.user_ids_)}
    found = {}
    for question in asked.questions:
        row = rows.get(question.user)
        if row is not None:
            own = column[matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]]
            found[question.user] = own[own >= 0]
    return found


def _ranks(
    asked: Asked,
    question: Question,
    pool: np.ndarray,
    others: np.ndarray,
    n_sampled: int,
    rng: np.random.RandomState,
) -> list[float]:
    """Sampled items above each wanted one."""
    if not len(others):
        return [0.0] * len(question.wanted)
    wanted = sorted(question.wanted, key=str)  # else the order of a set, hence the draws, may differ
    drawn = [pool[others[rng.randint(len(others), size=n_sampled)]] for _ in wanted]
    names = list({*wanted, *(item for row in drawn for item in row)})
    items, scores = asked.model.recommend([question.user], len(names), exclude_seen=False, candidates=names)
    score = dict(zip(items[0], scores[0], strict=True))
    own = [np.array([score.get(item, -np.inf) for item in row]) for row in drawn]
    return [items_above(score.get(item, -np.inf), other) for item, other in zip(wanted, own, strict=True)]
