"""One model for some users, another for others."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc._state.ids import canonical
from skl_increc.base import RatingRegressor, Recommender
from skl_increc.base._interactions import Interactions
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose._composition import OneAnswers
from skl_increc.compose._members import SwitchLearner
from skl_increc.neighbors import ItemKNN, RatingItemKNN

__all__ = ["RatingSwitch", "Switch"]


class _Switching(OneAnswers):
    """What both switches share."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [list, tuple, None],
        "by": [str, numbers.Integral, callable, None],
        "choices": [dict, None],
    }

    def __init__(
        self,
        estimators: Any = None,
        *,
        by: Any = None,
        choices: Any = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimators = estimators
        self.by = by
        self.choices = choices
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _by_column(self) -> bool:
        return self.by is not None and not callable(self.by)

    def _structure(self) -> dict[str, Any]:
        return {**super()._structure(), "by": self.by if self._by_column() else None}

    def _fields(self) -> list[Field]:
        return [
            Field("events", "user", meaning="events of the user"),
            Field("member", "user", meaning="1 + the number of the member that answers her; 0 for the last"),
        ]

    def _make_learner(self, state: State) -> SwitchLearner:
        return SwitchLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(self.by if callable(self.by) else None, self._numbers())

    def _numbers(self) -> dict[Any, int]:
        """The number of the member of each value."""
        names = [name for name, _ in self._entries()]
        chosen: Mapping = {name: name for name in names} if self.choices is None else self.choices
        unknown = sorted(f"{name!r}" for name in chosen.values() if name not in names)
        if unknown:
            raise ValueError(f"choices names {unknown[0]}, and the members are {names}. Name one of them.")
        return {canonical(value): names.index(name) for value, name in chosen.items()}

    # -- what events say ------------------------------------------------------------------------
    def _context_cols(self) -> Sequence[tuple[Any, str, str]]:
        return [(self.by, "category", "by")] if self._by_column() else []

    def _read_event(self, state: State, x: Any, user: Any, item: Any) -> None:
        state.learner.take([(x or {}).get(self.by) if self._by_column() else user])

    def _learn_in_turn(self, state: State, events: Interactions, *numbers: np.ndarray) -> None:
        if not self._by_column():
            state.learner.take(events.users.to_list())
        else:
            state.learner.take([] if events.context is None else events.context.columns[0].ids.to_list())
        super()._learn_in_turn(state, events, *numbers)  # type: ignore[misc]

    # -- answers --------------------------------------------------------------------------------
    def _answer(self, state: State, events: Interactions) -> np.ndarray:
        u, i = events.users.find(state.users), events.items.find(state.items)
        u, i = np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32)
        who = state.learner.choices(u)
        if events.context is not None:
            told = np.array(
                [state.learner.number(v) for v in events.context.columns[0].ids.to_list()], np.int64
            )
            who = np.where(told < 0, who, told)
        return state.learner.scores_by(who, u, i)

    def _score_one_slowly(self, state: State, x: Any, user: Any, item: Any) -> float:
        u, i = state.users.find(canonical(user)), state.items.find(canonical(item))
        rows = np.array([u], np.int32), np.array([i], np.int32)
        told = state.learner.number(x.get(self.by)) if x is not None and self._by_column() else -1
        who = state.learner.choices(rows[0]) if told < 0 else np.array([told])
        return float(state.learner.scores_by(who, *rows)[0])


class Switch(_Switching, Recommender):
    """Each user is answered by the member that a column, or a function, names for her.

    All members learn all events.  What the column says at an event is remembered for its user: her lists come from
    that member until an event says otherwise.

    Parameters
    ----------
    estimators : list of (str, estimator) or None, default=None
        Recommenders, each with a name; they are cloned.  None: ``ItemKNN()`` as "alike", then
        ``Popularity(half_life="auto", history=0)`` as "popular".
    by : str, int, callable or None, default=None
        What chooses: a column of the events, such as a country or a kind of customer; or a function of
        ``(user, n_events)`` that is asked at each event of a user, `n_events` being her events with this one; or None
        for the id of the user.
    choices : dict or None, default=None
        The name of a member for each value of the column (or of the function, or for each id).  None: values are
        names of members.  Any other value stands for the last member, a missing one for what was said before.
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
    Fallback : By the number of a user's events.
    RatingSwitch : The same for ratings.

    Notes
    -----
    ``recommend`` goes by what was remembered, and strangers get the lists of the last member.  ``predict``,
    ``predict_one`` and ``rank`` look at the column too, where it is given; so a stranger of a known segment is answered
    by its member there.

    **Cost**: an event is learned by all members; an answer is that of one.  The bytes are those of the members, 16 a
    user, and 4 for a distinct (user, item) pair.  A table is learned by a copy; a single event that one member
    fails to learn after another has, for want of memory, raises, and so does every later one until ``fit``.

    **Guarantees**: S as far as all members have it, and the function answers the same to the same.  A function cannot
    be saved in a file.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.compose import Switch
    >>> from skl_increc.neighbors import ItemKNN
    >>> model = Switch(
    ...     [("alike", ItemKNN()), ("popular", Popularity(history=0))], by="kind", choices={"regular": "alike"}
    ... )
    >>> model.learn_one({"user": "ann", "item": "tea", "kind": "regular"})
    >>> model.learn_one({"user": "bob", "item": "milk", "kind": "guest"})
    >>> [model.predict_one({"user": name, "item": "milk"}) for name in ("ann", "bob")]
    [1e-06, 1.0]
    """

    def _default_estimators(self) -> list[tuple[str, Any]]:
        return [("alike", ItemKNN()), ("popular", Popularity(half_life="auto", history=0))]


class RatingSwitch(_Switching, RatingRegressor):
    """Each user's ratings are predicted by the member that a column, or a function, names for her.

    Parameters
    ----------
    estimators : list of (str, estimator) or None, default=None
        Rating models, each with a name; they are cloned.  None: ``RatingItemKNN()`` as "alike", then
        ``Baseline()`` as "biases".
    by : str, int, callable or None, default=None
        What chooses: a column of the events; or a function of ``(user, n_events)``; or None for the id of the user.
    choices : dict or None, default=None
        The name of a member for each value.  None: values are names of members.  Any other value stands for the last
        member, a missing one for what was said before.
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
    Switch : The same for lists, and more about what chooses.

    Notes
    -----
    **Cost** and **Guarantees** are those of `Switch`.

    Examples
    --------
    >>> from skl_increc.compose import RatingSwitch
    >>> model = RatingSwitch(by=lambda user, n_events: "alike" if n_events > 2 else "biases")
    >>> model = model.fit([("ann", "tea"), ("bob", "tea")], [4.0, 2.0])
    >>> model.predict_one(user="stranger", item="tea")
    3.0
    """

    def _default_estimators(self) -> list[tuple[str, Any]]:
        return [("alike", RatingItemKNN()), ("biases", Baseline())]
