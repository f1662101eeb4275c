"""Held-out events as questions, one a user, and the score of a model's lists on them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils.validation import check_consistent_length

from skl_increc._state.ids import canonical
from skl_increc.base._ranking import check_gain, gain

__all__ = ["Question", "hold_out", "list_gains", "ranking_score", "weighted_mean"]


@dataclass
class Question:
    """What a user is asked for.

    Attributes
    ----------
    user : hashable or None
        None: an anonymous user, asked for one pair alone.
    wanted : set of hashable
        The held-out items, at least one.
    weight : float
        The mean weight of the user's pairs, so that equal weights change nothing.
    """

    user: Hashable
    wanted: set[Hashable]
    weight: float


def hold_out(
    users: Sequence[Hashable],
    items: Sequence[Hashable],
    y: Sequence[float] | None = None,
    *,
    min_y: float | None = None,
    seen: Callable[[Any, Any], bool] | None = None,
    sample_weight: Sequence[float] | None = None,
) -> list[Question]:
    """Group held-out pairs by user; the parameters are those of `ranking_score`.

    Examples
    --------
    >>> [(q.user, sorted(q.wanted)) for q in hold_out([1, 2, 1], ["a", "b", "c"], [5, 0, 4])]
    [(1, ['a', 'c'])]
    """
    check_consistent_length(users, items, y, sample_weight)
    held: dict[Hashable, tuple[Hashable, set[Hashable], list[float]]] = {}
    for row, (user, item) in enumerate(zip(users, items, strict=True)):
        user, item = canonical(user), canonical(item)
        value = None if y is None else y[row]
        if item is None or (value is not None and not (value > 0 and (min_y is None or value >= min_y))):
            continue
        weight = 1.0 if sample_weight is None else float(sample_weight[row])
        if weight == 0.0 or (seen is not None and user is not None and seen(user, item)):
            continue
        key: Hashable = object() if user is None else ("user", user)
        _, wanted, of_user = held.setdefault(key, (user, set(), []))
        wanted.add(item)
        of_user.append(weight)
    return [Question(user, wanted, sum(own) / len(own)) for user, wanted, own in held.values()]


def warn_of_nothing(stacklevel: int = 3) -> None:
    """Say that no held-out pair is left."""
    warnings.warn(
        "No held-out pair is left to ask for (each is without an item, not a positive, of weight 0, or "
        "one that its user already had): the score is NaN.",
        UndefinedMetricWarning,
        stacklevel=stacklevel,
    )


def list_gains(lists: Iterable[Iterable[Any]], asked: Sequence[Question], metric: str, k: int) -> np.ndarray:
    """Gain of each list for its question, float64 (n_questions,); None pads a short list."""
    return np.array(
        [
            gain(metric, [item for item in row if item is not None], question.wanted, k)
            for row, question in zip(lists, asked, strict=True)
        ]
    )


def weighted_mean(values: np.ndarray, asked: Sequence[Question]) -> float:
    """Mean over the questions by their weights, those without a value (NaN) left out; NaN if none is left."""
    total = weight = 0.0
    for value, question in zip(values.tolist(), asked, strict=True):
        if not math.isnan(value):
            total += question.weight * value
            weight += question.weight
    return total / weight if weight else math.nan


def ranking_score(
    model: Any,
    users: Sequence[Hashable],
    items: Sequence[Hashable],
    y: Sequence[float] | None = None,
    *,
    metric: str = "ndcg",
    k: int = 10,
    exclude_seen: bool = True,
    min_y: float | None = None,
    seen: Callable[[Any, Any], bool] | None = None,
    candidates: Iterable[Hashable] | None = None,
    sample_weight: Sequence[float] | None = None,
) -> float:
    """Mean over users of the gain of one list each, against the user's held-out items.

    Parameters
    ----------
    model : recommender
        Has ``recommend(users, k, exclude_seen=, candidates=)``; it is called once.
    users, items : sequences of hashable, length n
        The held-out pairs. A pair without an item (None) is left out; a pair without a user is asked as an
        anonymous user of its own.
    y : sequence of float, length n, optional
        Pairs that are not positive (``y <= 0``, or below ``min_y``) are left out. None: all are positive.
    metric : str
        See `skl_increc.base._ranking.gain`.
    k : int
        Length of the lists.
    exclude_seen : bool
        Whether the lists leave out what the user had. Then pairs that the user had are not asked for
        either, because no list could hold them.
    min_y : float, optional
        Least ``y`` of a positive.
    seen : callable (user, item) -> bool, optional
        Whether the model knows that the user had the item. Default: ``model.seen`` where there is one.
    candidates : iterable of hashable, optional
        The items that may be recommended.
    sample_weight : sequence of float, length n, optional
        A user weighs the mean weight of his pairs, so that equal weights change nothing; pairs of weight 0
        are left out.

    Returns
    -------
    float
        Between 0 and 1; NaN, with an `UndefinedMetricWarning`, where no pair is left to ask for.

    Raises
    ------
    ValueError
        For an unknown metric, ``k < 1``, and sequences of different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> class Fixed:
    ...     def recommend(self, users, k, *, exclude_seen, candidates):
    ...         return np.array([["a", "b"]] * len(users), dtype=object), None
    >>> ranking_score(Fixed(), [1, 1, 2], ["a", "z", "q"], metric="recall", k=2)
    0.25
    """
    check_gain(metric, k)
    if seen is None:
        seen = getattr(model, "seen", None)
    asked = hold_out(
        users, items, y, min_y=min_y, seen=seen if exclude_seen else None, sample_weight=sample_weight
    )
    if not asked:
        warn_of_nothing()
        return math.nan
    lists, _ = model.recommend([q.user for q in asked], k, exclude_seen=exclude_seen, candidates=candidates)
    return weighted_mean(list_gains(lists, asked, metric, k), asked)
