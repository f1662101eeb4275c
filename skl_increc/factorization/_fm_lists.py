"""Lists for who asks when and where: the columns of a context beside the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skl_increc._state._feature_tables import Encoded
from skl_increc._state._state import State
from skl_increc.base._frames import is_frame, open_frame
from skl_increc.base._interactions import context_of_frame, read_ids
from skl_increc.base._recommend import RecommendMixin
from skl_increc.factorization._fm_context import encode

__all__ = ["ContextListMixin"]


class ContextListMixin(RecommendMixin):
    """``recommend`` and its relatives with a `context`; `item_context` is of single items, and is not looked at."""

    @property
    def _lists_in_context(self: Any) -> bool:
        """Whether the view ``top(k)`` hands the events on as contexts."""
        return bool(self.context)

    def recommend(
        self: Any,
        users: Iterable,
        k: int = 10,
        *,
        context: Any = None,
        exclude_seen: bool = True,
        candidates: Iterable | None = None,
        exclude: Iterable | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best items for each of many users.

        Parameters
        ----------
        users : sequence of ids
            Known or not: a stranger gets the items that are best without knowing them.
        k : int
            Length of the lists, at least 1.
        context : frame, sequence of dicts, dict or None
            The columns of the parameter ``context``: a row or a dict for each user, or one dict for all.  What is
            absent says nothing.  None: lists of user and item alone.
        exclude_seen : bool
            Leave out what the user already had.
        candidates : sequence of ids, optional
            Choose among these items only; items that the model does not know are ranked by the prior.
        exclude : sequence of ids, optional
            Leave these out, for everybody (out of stock).

        Returns
        -------
        items : ndarray of shape (n_users, k), object
            Best first, ties by the stable hash of the id; None where there are fewer items.
        scores : ndarray of shape (n_users, k), float64
            Their scores; -inf where there are fewer items.
        """
        told: Any = {"exclude_seen": exclude_seen, "candidates": candidates, "exclude": exclude}
        if context is None or not self.context:
            return super().recommend(users, k, **told)
        ids = read_ids(users).to_list()
        state = self._ready_state()
        views = _views(self, state, ids, context)
        lists = [view.recommend([user], k, **told) for view, user in zip(views, ids, strict=True)]
        if not lists:
            return super().recommend(users, k, **told)
        return np.concatenate([items for items, _ in lists]), np.concatenate([scores for _, scores in lists])

    def recommend_one(
        self: Any,
        user: Any = None,
        k: int = 10,
        *,
        context: Mapping | None = None,
        exclude_seen: bool = True,
        candidates: Iterable | None = None,
        exclude: Iterable | None = None,
    ) -> list:
        """The k best items for one user, best first; an empty list before any event.

        The parameters are those of ``recommend``, with `context` a dict; the list is shorter than k where there are
        fewer items.
        """
        told: Any = {"exclude_seen": exclude_seen, "candidates": candidates, "exclude": exclude}
        if context is None or not self.context or self._state is None:
            return super().recommend_one(user, k, **told)
        view = next(_views(self, self._ready_state(), [user], context))
        return view.recommend_one(user, k, **told)

    def rank(self: Any, user: Any, items: Iterable, x: Any = None) -> list:
        """These items, best first (the signature of ``river.reco.Ranker.rank``).

        Parameters
        ----------
        user : hashable
        items : sequence of ids
            Unknown items are ranked by the prior.
        x : dict, optional
            The context.
        """
        if x is None or not self.context or self._state is None:
            return super().rank(user, items)
        return next(_views(self, self._ready_state(), [user], x)).rank(user, items)


class _View(RecommendMixin):
    """The lists of a model for one user in one context."""

    def __init__(self, state: State, encoded: Encoded, event: int) -> None:
        self._state: State = state
        self._encoded, self._event = encoded, event

    def _ready_state(self) -> State:
        return self._state

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        return self._candidate_scores(state, u, np.arange(state.item_rows.used))

    def _candidate_scores(self, state: State, u: np.ndarray, rows: np.ndarray) -> np.ndarray:
        items = np.ascontiguousarray(rows, np.int32)
        return state.learner.score_in(int(u[0]), items, self._encoded, self._event)[None, :]


def _views(model: Any, state: State, users: list, context: Any) -> Any:
    """A view of the model for each user."""
    if isinstance(context, Mapping):  # asked first: to tell a frame takes long
        told: Any = [context] * len(users)
    elif is_frame(context):
        frame = open_frame(context)
        _check_length(len(frame), users)
        read: Any = context_of_frame(model, frame, strict=False)
        encoded = encode(state.stores["features"], read, add=False)
        return (_View(state, encoded, j) for j in range(len(users)))
    else:
        told = list(context)
        _check_length(len(told), users)
    for x in told:
        if not isinstance(x, Mapping):
            raise TypeError(
                f"context must be a frame, a dict, or a dict for each user; got {x!r}. Write "
                "context={'hour': 9}, say."
            )
    return (
        _View(state, state.learner.read_one(dict(x), user), 0) for x, user in zip(told, users, strict=True)
    )


def _check_length(n: int, users: list) -> None:
    if n != len(users):
        raise ValueError(
            f"context has {n} rows for {len(users)} users. Give a row for each user, or one dict for all."
        )
