"""What the models of this room share: a user is what she had, and an item is its features."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval

from skl_increc._kernels._baselines import PopularityLearner
from skl_increc._state._state import State
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._cold_start import cold_shape, cold_store, recent_shares
from skl_increc.base._fading import FadingCounts
from skl_increc.base._features import ItemFeatureMixin, feature_store
from skl_increc.content._derived import Derived, Kept

__all__ = ["ContentRecommender"]

USERS_AT_ONCE = 256  # whose profiles are worked out together


class ContentRecommender(ItemFeatureMixin, FadingCounts, Recommender):
    """Scores by a profile of the user over the columns of the item features, and a prior by popularity.

    A model writes ``_directions`` and ``_worked_out``.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **FadingCounts._parameter_constraints,
        "prior": [Interval(numbers.Real, 0, None, closed="left")],
        "history": [None, Interval(numbers.Integral, 1, None, closed="left")],
    }

    # -- what is stored -------------------------------------------------------------------------
    @property
    def _timed(self: Any) -> bool:
        return self.half_life is not None  # of each pair, also where the clock counts events

    def _structure(self: Any) -> dict[str, Any]:
        return {
            **cold_shape(self),
            "half_life": self._span(),
            "time_col": self.time_col,
            "history": self.history,
        }

    def _stores(self) -> dict[str, Any]:
        return {**super()._stores(), "derived": Derived(), **cold_store(self)}

    def _make_learner(self, state: State) -> PopularityLearner:
        return PopularityLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(self._span(), self._timed, True)
        if self._timed and state.history is not None:
            state.history.span = self._span()

    def _guarantees(self: Any) -> Guarantees:
        if self.half_life is not None and self.time_col is None:
            why = "with half_life but no time_col the clock counts events, and an event's age depends on the others"
            return Guarantees("rounding", "no", "no", "no", why)
        if self.history is not None:
            why = f"history={self.history} keeps the last items of a user alone, which depend on the order"
            return Guarantees("rounding", "no", "no", "no", why)
        return Guarantees("rounding", "rounding", "rounding", "rounding")

    # -- profiles -------------------------------------------------------------------------------
    def _worked_out(self, state: State) -> Kept:
        """What the model makes of all item features."""
        raise NotImplementedError

    def _directions(self, kept: Kept, profiles: sparse.csr_matrix) -> Any:
        """For each profile (a row over the columns) the vector whose product with an item is its score."""
        raise NotImplementedError

    def _strengths(self, sums: np.ndarray, ages: np.ndarray) -> np.ndarray:
        """How much each pair counts: from the sum of its weights, and what is left of its newest event."""
        return (sums > 0) * ages

    def _profiles(self, state: State, kept: Kept, u: np.ndarray) -> sparse.csr_matrix:
        """Sums of what the users had, sparse float64 (len(u), n_columns)."""
        table = kept.table
        indptr, items = state.history.csr(np.ascontiguousarray(u, np.int32))
        values = state.history.all_values(np.ascontiguousarray(u, np.int32))
        ages = np.ones(len(items))
        sums = values[1]
        if self._timed:
            span, now, last = self._span(), state.scalar("now")[0], values[2]
            ages = np.exp2((last - now) / span)
            sums = sums * np.exp2(np.floor(last / span) - last / span)  # as at the newest event
        n = max(table.shape[0], int(items.max(initial=-1)) + 1)
        if n > table.shape[0]:
            table = _padded(table, n)
        had = sparse.csr_matrix((self._strengths(sums, ages), items, indptr), shape=(len(u), n))
        return had @ table

    def _shares(self: Any, state: State, items: np.ndarray) -> np.ndarray:
        """The prior: the share of each item in the weights of all, float64; 0 for an unknown one."""
        if self.cold_start == "recent":
            return self.prior * np.append(recent_shares(state, state.item_rows.used), 0.0)[items]
        weights = state.item_rows.arrays["weight"][: state.item_rows.used, 0]
        total = weights.sum()
        return self.prior * np.append(weights / total if total > 0 else weights, 0.0)[items]

    # -- scores ---------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        scores = self._shares(state, i)
        kept = self._worked_out(state)
        inside = (i >= 0) & (i < kept.table.shape[0]) & (u >= 0)
        users, which = np.unique(u[inside], return_inverse=True)
        where = np.flatnonzero(inside)
        for a in range(0, len(users), USERS_AT_ONCE):
            mine = (which >= a) & (which < a + USERS_AT_ONCE)
            profiles = self._profiles(state, kept, users[a : a + USERS_AT_ONCE])
            directions = self._directions(kept, profiles)
            at = where[mine]
            scores[at] += _products(self._rows(kept)[i[at]], directions, which[mine] - a)
        return scores

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        kept, n = self._worked_out(state), state.item_rows.used
        scores = np.tile(self._shares(state, np.arange(n)), (len(u), 1))
        rows = self._rows(kept)
        m = min(n, rows.shape[0])
        directions = self._directions(kept, self._profiles(state, kept, u))
        products = rows[:m] @ directions.T
        scores[:, :m] += (products.toarray() if sparse.issparse(products) else products).T
        return scores

    def _rows(self, kept: Kept) -> sparse.csr_matrix:
        """The rows of the items that directions are multiplied with."""
        return kept.table

    def similar_items(self: Any, item: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k items that having this one speaks for most, by their features.

        Parameters
        ----------
        item : hashable
        k : int

        Returns
        -------
        ids : ndarray of object (at most k,)
        scores : ndarray of float64 (at most k,)
            Descending.  Both are empty for an item without features.
        """
        row = -1 if self._state is None else self._state.items.find(item)
        if row < 0 or not feature_store(self._ready_state(), 1).known(np.array([row]))[0]:
            return np.empty(0, dtype=object), np.empty(0)
        state = self._ready_state()
        kept = self._worked_out(state)
        products = self._rows(kept) @ self._directions(kept, kept.table[[row]]).T
        scores = (products.toarray() if sparse.issparse(products) else np.asarray(products)).ravel()
        items = state.items.live()
        items = items[(items < len(scores)) & (items != row)]
        items = items[feature_store(state, 1).known(items)]
        order = np.argsort(-scores[items], kind="stable")[: max(0, k)]
        return state.items.ids_of(items[order]), scores[items[order]]


def _padded(table: sparse.csr_matrix, n: int) -> sparse.csr_matrix:
    """A matrix with rows of zeros at its end."""
    indptr = np.concatenate([table.indptr, np.full(n - table.shape[0], table.indptr[-1])])
    return sparse.csr_matrix((table.data, table.indices, indptr), shape=(n, table.shape[1]))


def _products(rows: sparse.csr_matrix, directions: Any, which: np.ndarray) -> np.ndarray:
    """The product of each row with the direction of its user, float64 (n,)."""
    if sparse.issparse(directions):
        return np.asarray(rows.multiply(directions[which]).sum(axis=1)).ravel()
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    return np.bincount(owner, rows.data * directions[which[owner], rows.indices], minlength=rows.shape[0])
