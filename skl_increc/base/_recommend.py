"""Lists: the best items for users, through one path for all models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import skl_increc._kernels._topk as _topk
from skl_increc._state._idmap import IdMap
from skl_increc._state._state import State
from skl_increc.base._interactions import read_ids
from skl_increc.base._lists import best_ids, best_rows

__all__ = ["RecommendMixin"]

USERS_AT_ONCE = 256  # rows of one matrix product
ITEMS_AT_ONCE = 4096  # its columns: the block of scores stays in the second-level cache
SPARE = 8  # candidates beyond k that are scored again exactly, so that rounding does not decide


class RecommendMixin:
    """``recommend`` and its relatives.  A model may write ``_factors`` or ``_score_items``."""

    _state: State | None

    def _factors(self, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """User rows, item rows and item biases (float32) whose products order the items, or None."""
        return None

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        """Scores float64 (len(u), n item rows) of every item row for these user rows.

        Asked where the learner has no ``score_all``, and of a model that writes it in any case.
        """
        n = state.item_rows.used
        pairs = np.repeat(u, n), np.tile(np.arange(n, dtype=np.int32), len(u))
        return self._score(state, *pairs).reshape(len(u), n)  # type: ignore[attr-defined]

    @property
    def user_ids_(self) -> np.ndarray:
        """Ids of the users, an object array aligned with the learned rows of users."""
        state = self._ready_state()  # type: ignore[attr-defined]
        return state.users.ids_of(state.users.live())

    @property
    def item_ids_(self) -> np.ndarray:
        """Ids of the items, an object array aligned with the learned rows of items."""
        state = self._ready_state()  # type: ignore[attr-defined]
        return state.items.ids_of(state.items.live())

    def recommend(
        self,
        users: Iterable,
        k: int = 10,
        *,
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
        state = self._ready_state()  # type: ignore[attr-defined]
        k = _check_k(k)
        rows = read_ids(users).find(state.users)
        if candidates is not None:
            return self._among(state, rows, k, exclude_seen, _distinct(candidates), exclude)
        found, scores = self._best(state, rows, k, exclude_seen, exclude)
        return state.items.ids_of(found), scores

    def recommend_one(
        self,
        user: Any = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        candidates: Iterable | None = None,
        exclude: Iterable | None = None,
    ) -> list:
        """The k best items for one user, best first; an empty list before any event.

        The parameters are those of ``recommend``; the list is shorter than k where there are fewer items.
        """
        k = _check_k(k)
        if self._state is None:
            return []
        state = self._ready_state()  # type: ignore[attr-defined]
        if candidates is None and self._learner_lists:
            listed = best_ids(state, user, k, exclude_seen, _rows_of(exclude, state))
            if listed is not None:
                return listed
        u = np.array([state.users.find(user)], np.int32)
        if candidates is None:
            k = min(k, max(1, state.items.n_rows))
            found, _ = self._best(state, u, k, exclude_seen, exclude)
            return state.items.ids_of(found[0, found[0] >= 0]).tolist()
        names = _distinct(candidates)
        items, _ = self._among(state, u, min(k, max(1, names.n_rows)), exclude_seen, names, exclude)
        return [item for item in items[0].tolist() if item is not None]

    def rank(self, user: Any, items: Iterable, x: Any = None) -> list:
        """These items, best first (the signature of ``river.reco.Ranker.rank``).

        Parameters
        ----------
        user : hashable
        items : sequence of ids
            Unknown items are ranked by the prior.
        x : dict, optional
            Context; not used.
        """
        items = list(items) if isinstance(items, (list, tuple)) else read_ids(items).to_list()
        if self._state is None or not items:
            return items
        state = self._ready_state()  # type: ignore[attr-defined]
        names = IdMap()
        at = names.add_objects(items)
        u = np.array([state.users.find(user)], np.int32)
        scores = self._candidate_scores(state, u, state.items.find_objects(items))[0]
        tie = _topk.ties(np.maximum(at, 0), names.keys_array, names.kind_array)
        return [items[j] for j in np.lexsort((np.where(at < 0, np.uint64(0), tie), -scores)).tolist()]

    @property
    def _learner_lists(self) -> bool:
        """Whether the learner may be asked for all scores: the model does not say that they are others."""
        return type(self)._score_items is RecommendMixin._score_items

    def _best(
        self, state: State, rows: np.ndarray, k: int, exclude_seen: bool, exclude: Iterable | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Item rows and scores of the k best for these user rows, padded with -1 and -inf."""
        factors = self._factors(state)
        if factors is not None and "recent" in state.stores and len(rows) > 1:
            strange = state.learner.strangers(rows)
            if strange.any():
                return self._best_of_both(state, rows, k, exclude_seen, exclude, strange)
        n = state.item_rows.used  # never more than the arrays hold, even while another thread adds items
        if factors is not None:
            n = min(n, len(factors[1]), len(factors[2]))
        found, scores = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), -np.inf)
        if n == 0 or len(rows) == 0:
            return found, scores
        keys, kind = state.items.keys_array[:n], state.items.kind_array[:n]
        gone = _rows_of(exclude, state)
        if gone is not None:
            kind = kind.copy()
            kind[gone[gone >= 0]] = 0
        width = min(k, n)
        for a in range(0, len(rows), USERS_AT_ONCE):
            part = rows[a : a + USERS_AT_ONCE]
            if self._learner_lists and (factors is None or len(rows) == 1):
                listed = best_rows(state, part, width, exclude_seen, gone)
                if listed is not None:
                    found[a : a + len(part), :width], scores[a : a + len(part), :width] = listed
                    continue
            hidden = _hidden(state, part, exclude_seen)
            if factors is not None:
                r, s = self._best_by_product(state, part, width, factors, _ascending(*hidden), keys, kind)
            else:
                block = np.ascontiguousarray(self._score_items(state, part)[:, :n], dtype=np.float64)
                r, s = _topk.select(block, *hidden, width, keys, kind)
            found[a : a + len(part), :width], scores[a : a + len(part), :width] = r, s
        return found, scores

    def _best_of_both(
        self, state: State, rows: np.ndarray, k: int, exclude_seen: bool, exclude: Any, strange: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same where some users are strangers, whom no product answers."""
        found, scores = np.full((len(rows), k), -1, np.int32), np.full((len(rows), k), -np.inf)
        if not strange.all():
            known = ~strange
            found[known], scores[known] = self._best(state, rows[known], k, exclude_seen, exclude)
        gone, n = _rows_of(exclude, state), min(k, state.item_rows.used)
        for at in np.flatnonzero(strange) if n else ():
            listed = best_rows(state, rows[at : at + 1], n, exclude_seen, gone)
            found[at, :n], scores[at, :n] = (part[0] for part in listed)
        return found, scores

    def _best_by_product(
        self,
        state: State,
        u: np.ndarray,
        k: int,
        factors: tuple[np.ndarray, np.ndarray, np.ndarray],
        hidden: tuple[np.ndarray, np.ndarray],
        keys: np.ndarray,
        kind: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Blocks of a matrix product, the best of each kept; then those few scored again exactly."""
        P, Q, bias = factors
        n, wide = len(keys), min(k + SPARE, len(keys))
        users = np.where((u >= 0)[:, None], P[u], np.float32(0))
        best, rows = np.full((len(u), wide), -np.inf, np.float32), np.full((len(u), wide), -1, np.int32)
        at, filled = hidden[0][:-1].copy(), np.zeros(len(u), np.int32)
        step = ITEMS_AT_ONCE if len(u) > 1 else n  # the scores of one user fit into the cache at once
        for c in range(0, n, step):
            block = users @ Q[c : min(c + step, n)].T
            _topk.select_tile(block, bias, c, *hidden, at, filled, best, rows, keys, kind)
        exact = self._score(state, np.repeat(u, wide), rows.ravel())  # type: ignore[attr-defined]
        exact = np.where(rows >= 0, exact.reshape(rows.shape), -np.inf)
        tie = _topk.ties(np.maximum(rows, 0).ravel(), keys, kind).reshape(rows.shape)
        order = np.lexsort((tie, -exact), axis=1)[:, :k]
        return np.take_along_axis(rows, order, 1), np.take_along_axis(exact, order, 1)

    def _candidate_scores(self, state: State, u: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Scores float64 (len(u), len(rows)); unknown items, -1, by the prior."""
        pairs = np.repeat(u, len(rows)), np.tile(rows, len(u))
        scores = self._score(state, *pairs).reshape(len(u), len(rows))  # type: ignore[attr-defined]
        return np.where(np.isnan(scores), -np.inf, scores)

    def _among(
        self, state: State, u: np.ndarray, k: int, exclude_seen: bool, names: IdMap, exclude: Iterable | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ids and scores of the k best of the items in `names`, padded with None and -inf."""
        n = names.n_rows
        found, best = np.full((len(u), k), None, dtype=object), np.full((len(u), k), -np.inf)
        if not n or not len(u):
            return found, best
        rows = state.items.find_objects(names.ids_of(np.arange(n)).tolist())
        scores = self._candidate_scores(state, u, rows)
        if exclude is not None:
            gone = read_ids(exclude).find(names)
            scores[:, gone[gone >= 0]] = -np.inf
        if exclude_seen and state.seen is not None:
            taken = np.zeros(state.items.n_rows + 1, bool)  # the last is for items that are unknown
            for r, user in enumerate(u):
                had = state.seen.items_of(user)
                had = had[had < len(taken) - 1]  # others were added since
                taken[had] = True
                scores[r, taken[rows]] = -np.inf
                taken[had] = False
        hidden = np.zeros(len(u) + 1, np.int64), np.empty(0, np.int32)
        width = min(k, n)
        at, best[:, :width] = _topk.select(scores, *hidden, width, names.keys_array[:n], names.kind_array[:n])
        found[:, :width] = names.ids_of(at)
        return found, best

    def seen(self, user: Any, item: Any) -> bool:
        """Whether the model remembers that this user had this item."""
        state = self._state
        if state is None or state.seen is None:
            return False
        return bool(state.seen.has(state.users.find(user), state.items.find(item)))

    def top(self, k: int = 10, *, exclude_seen: bool = True) -> Any:
        """This model as River sees one that predicts lists: ``predict_one`` returns k items.

        Parameters
        ----------
        k : int
        exclude_seen : bool

        Returns
        -------
        TopK
            A River model over this very model, not a copy.
        """
        from skl_increc.base._top import TopK

        return TopK(self, k, exclude_seen)


def _check_k(k: int) -> int:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be an integer of at least 1; got {k!r}.")
    return int(k)


def _rows_of(ids: Iterable | None, state: State) -> np.ndarray | None:
    """The item rows of these ids, -1 for unknown ones."""
    return None if ids is None else read_ids(ids).find(state.items)


def _distinct(items: Iterable) -> IdMap:
    names = IdMap()
    names.add_objects(read_ids(items).to_list())
    return names


def _hidden(state: State, u: np.ndarray, exclude_seen: bool) -> tuple[np.ndarray, np.ndarray]:
    """Item rows to leave out for each user: indptr and rows."""
    if not exclude_seen or state.seen is None:
        return np.zeros(len(u) + 1, np.int64), np.empty(0, np.int32)
    return state.seen.csr(u)


def _ascending(indptr: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(indptr) == 2:
        return indptr, np.sort(rows)
    owner = np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))
    return indptr, np.sort(owner << 32 | rows).astype(np.int32)
