"""One model for those who are known, another for those who are not yet."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import RatingRegressor, Recommender
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose._composition import OneAnswers
from skl_increc.compose._members import FallbackLearner
from skl_increc.neighbors import ItemKNN, RatingItemKNN

__all__ = ["Fallback", "RatingFallback"]


class _Falling(OneAnswers):
    """What both fallbacks share."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [list, tuple, None],
        "min_events": [Interval(numbers.Integral, 0, None, closed="left"), list, tuple],
    }

    min_events: Any

    def __init__(
        self,
        estimators: Any = None,
        *,
        min_events: Any = 1,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimators = estimators
        self.min_events = min_events
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _least(self) -> list[float]:
        """Events that each member but the last asks for."""
        n = len(self._entries()) - 1
        least = self.min_events
        if isinstance(least, numbers.Integral):
            return [float(least)] * n
        if len(least) != n or not all(isinstance(v, (int, np.integer)) and v >= 0 for v in least):
            raise ValueError(
                f"min_events must be a whole number, or one for each of the {n} members before the last; "
                f"got {least!r}."
            )
        return [float(v) for v in least]

    def _fields(self) -> list[Field]:
        return [Field("events", "user", meaning="events of the user")]

    def _make_learner(self, state: State) -> FallbackLearner:
        return FallbackLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(self._least())


class Fallback(_Falling, Recommender):
    """Lists of the first member for which a user has had events enough; strangers get those of the last.

    All members learn all events.  With several thresholds it is a switch by activity.

    Parameters
    ----------
    estimators : list of (str, estimator) or None, default=None
        Recommenders, each with a name; they are cloned.  None: ``ItemKNN()`` as "alike", then
        ``Popularity(half_life="auto", history=0)`` as "popular".
    min_events : int or sequence of int, default=1
        Events of a user from which on each member before the last answers: one number for all, or one for each.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the members that have a `time_col` are given it.

    Attributes
    ----------
    members_ : dict of str to estimator
        The members, which know users and items by row numbers.

    See Also
    --------
    Blend : All members at once, by how well each has told what came.
    Switch : By a column, or by what a function says.
    RatingFallback : The same for ratings.

    Notes
    -----
    **Cost**: an event is learned by all members; an answer is that of one.  The bytes are those of the members, 8 a
    user, and 4 for a distinct (user, item) pair.  A table is learned by a copy; a single event that one member
    fails to learn after another has, for want of memory, raises, and so does every later one until ``fit``.

    **Guarantees**: S as far as all members have it.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.compose import Fallback
    >>> from skl_increc.sequence import SequentialRules
    >>> model = Fallback([("rules", SequentialRules()), ("popular", Popularity(history=0))], min_events=2)
    >>> model = model.fit([("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("bob", "milk"), ("cid", "tea")])
    >>> model.recommend_one("stranger", 1)
    ['tea']
    >>> model.predict_one(user="stranger", item="tea")
    3.0
    """

    def _default_estimators(self) -> list[tuple[str, Any]]:
        return [("alike", ItemKNN()), ("popular", Popularity(half_life="auto", history=0))]


class RatingFallback(_Falling, RatingRegressor):
    """Ratings by the first member for which a user has had events enough; strangers get those of the last.

    Parameters
    ----------
    estimators : list of (str, estimator) or None, default=None
        Rating models, each with a name; they are cloned.  None: ``RatingItemKNN()`` as "alike", then
        ``Baseline()`` as "biases".
    min_events : int or sequence of int, default=1
        Events of a user from which on each member before the last answers: one number for all, or one for each.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the members that have a `time_col` are given it.

    Attributes
    ----------
    members_ : dict of str to estimator
        The members, which know users and items by row numbers.

    See Also
    --------
    Fallback : The same for lists.

    Notes
    -----
    **Cost** and **Guarantees** are those of `Fallback`.

    Examples
    --------
    >>> from skl_increc.compose import RatingFallback
    >>> model = RatingFallback(min_events=3).fit([("ann", "tea"), ("bob", "tea")], [4.0, 2.0])
    >>> model.predict_one(user="stranger", item="tea")
    3.0
    """

    def _default_estimators(self) -> list[tuple[str, Any]]:
        return [("alike", RatingItemKNN()), ("biases", Baseline())]
