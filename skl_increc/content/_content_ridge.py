"""What a user had, regressed on the features of all items."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc.base._features import check_columns, feature_store
from skl_increc.content._base import ContentRecommender
from skl_increc.content._derived import Kept

__all__ = ["ContentRidge"]

WORTH = 1 / 16  # of the columns: where so many items changed, the inverse is worked out anew
MOST_UPDATES = 4  # times the columns: items worked into an inverse before it is worked out anew


class ContentRidge(ContentRecommender):
    r"""A ridge regression for each user, of having or not having each item on what the items are.

    .. math::
        \theta_u = \arg\min_\theta \sum_j (r_{uj} - \theta^\top x_j)^2 + \lambda \|\theta\|^2
        = (X^\top X + \lambda I)^{-1} \sum_{i \in R_u} r_{ui}\, x_i, \quad
        s_{ui} = \theta_u^\top x_i + \pi\, n_i / n

    with the features :math:`x_j` of *all* items that ``set_item_features`` told of, with events or without,
    :math:`\lambda` = `l2`, and :math:`r_{ui} = 2^{-(t - t_{ui}) / h}` for what the user had (1 without a half-life),
    :math:`t_{ui}` her newest event with it; for all that she did not, :math:`r_{uj} = 0`.  So all users share one
    matrix, and a user's part of the solution is a sum over her items.  A feature that most items have tells
    little and weighs little, as do two features that always come together.

    :math:`\pi` = `prior` times the share :math:`n_i / n` of the item in the weights of all events orders what the
    features do not: a stranger is given what is popular.

    Parameters
    ----------
    l2 : float, default=3.0
        :math:`\lambda`, greater than 0, in numbers of items when features are of size 1.
    half_life : float, timedelta or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events.  None: nothing fades.
    prior : float, default=1e-3
        :math:`\pi`, at least 0.
    max_features : int, default=4096
        Columns that the features may have; their matrix takes 8 bytes for each pair of columns (128 MiB).
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by: "recent", what newcomers take lately (see :ref:`cold_start`; it costs O, M and U);
        "popular", the weights of all events.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen and count for nothing.
    history : int or None, default=None
        Items remembered per user: None all, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; None: the clock counts events.

    Attributes
    ----------
    item_features_ : sparse matrix of shape (n_items, n_features)
        What was given, aligned with `item_ids_`.
    item_feature_names_ : ndarray of shape (n_features,), object

    See Also
    --------
    Rocchio : Cosines, for any number of features.
    skl_increc.linear.EASE : The same regression on who had what, for items that users had.

    Notes
    -----
    No :math:`\theta_u` is stored: it follows from the history of the user when she asks, and from the features as they
    are then.  A (user, item) pair counts once, and its weight plays no part.

    **Cost**: O(1) an event; 8 bytes for each feature of an item that is not zero, and what
    :class:`~skl_increc.baselines.Popularity` takes.  An answer: O(d f) for d columns and f features of the user's
    items, and all features of all items once.  The first answer after m items changed: O(m d\ :sup:`2`), at most
    O(d\ :sup:`3`); 8 d\ :sup:`2` bytes.

    **Guarantees**: S, O, M and U to rounding without `half_life`, or with it and `time_col`; with `history` or a
    clock of events S alone.  They are about events; two models merge where they were told the same features.

    References
    ----------
    .. [1] Pazzani, Billsus: Content-based recommendation systems, in: The Adaptive Web, 2007 (for the setting).

    Examples
    --------
    >>> from skl_increc.content import ContentRidge
    >>> model = ContentRidge(l2=1.0)
    >>> model.learn_one({"user": "ann", "item": "green tea"})
    >>> model = model.set_item_features({
    ...     "green tea": {"kind": "tea", "words": ["green", "leaf"]},
    ...     "oolong": {"kind": "tea", "words": ["dark", "leaf"]},
    ...     "stout": {"kind": "beer", "words": ["dark"]},
    ... })
    >>> model.recommend_one("ann", 1)
    ['oolong']
    >>> model.set_item_features(["sencha"], [{"kind": "tea", "words": ["green"]}]).recommend_one("ann", 1)
    ['sencha']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContentRecommender._parameter_constraints,
        "l2": [Interval(numbers.Real, 0, None, closed="neither")],
        "max_features": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        l2: float = 3.0,
        *,
        half_life: float | dt.timedelta | np.timedelta64 | None = None,
        prior: float = 1e-3,
        max_features: int = 4096,
        cold_start: str = "popular",
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.l2 = l2
        self.half_life = half_life
        self.prior = prior
        self.max_features = max_features
        self.cold_start = cold_start
        self.min_y = min_y
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _check_features(self, state: State, side: int, names: Sequence[str]) -> None:
        check_columns(feature_store(state, side), names, self.max_features)

    def _worked_out(self, state: State) -> Kept:
        return state.stores["derived"].get(feature_store(state, 1), float(self.l2), self._inverse)

    def _directions(self, kept: Kept, profiles: sparse.csr_matrix) -> np.ndarray:
        return profiles @ kept.result[0]

    def _inverse(
        self, table: sparse.csr_matrix, before: Kept | None, changed: np.ndarray
    ) -> tuple[tuple[np.ndarray, int], int]:
        """The inverse of the items' Gram matrix, and how many items were worked into it since it was made."""
        d = table.shape[1]
        if before is not None and len(changed) <= WORTH * d:
            inverse, n = before.result
            if n + len(changed) <= MOST_UPDATES * d:
                found = _updated(inverse, before.table, table, changed, float(self.l2))
                return (found, n + len(changed)), found.nbytes
        gram = np.asfortranarray((table.T @ table).toarray())
        gram[np.diag_indices(d)] += self.l2
        found = _inverted(gram, float(self.l2))
        return (found, 0), found.nbytes


def _inverted(gram: np.ndarray, l2: float) -> np.ndarray:
    if not len(gram):
        return gram
    factor, wrong = lapack.dpotrf(gram, lower=1, clean=0)
    if not wrong:
        factor, wrong = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if wrong or not np.isfinite(factor.diagonal()).all():
        raise ValueError(
            f"l2={l2!r} is too small beside the features: their matrix has no inverse in float64. Set l2 higher, or "
            "scale the features."
        )
    lower = np.tril(factor, -1)
    return np.ascontiguousarray(lower + lower.T + np.diag(factor.diagonal()))


def _updated(
    inverse: np.ndarray, old: sparse.csr_matrix, new: sparse.csr_matrix, changed: np.ndarray, l2: float
) -> np.ndarray:
    """The inverse after some rows were replaced, and columns added: Woodbury's identity."""
    had, d = len(inverse), new.shape[1]
    grown = np.zeros((d, d))
    grown[:had, :had] = inverse
    grown[np.arange(had, d), np.arange(had, d)] = 1 / l2  # columns that no item had
    gone = changed[changed < old.shape[0]]
    before = sparse.csr_matrix((old.data, old.indices, old.indptr), shape=(old.shape[0], d))[gone]
    rows = sparse.vstack([new[changed], before]).tocsr()
    signs = np.concatenate([np.ones(len(changed)), -np.ones(len(gone))])
    keep = np.flatnonzero(np.diff(rows.indptr))
    rows, signs = rows[keep], signs[keep]
    reach = np.asarray(rows @ grown)
    inner = np.asarray(rows @ reach.T) + np.diag(signs)
    grown -= reach.T @ np.linalg.solve(inner, reach)
    return (grown + grown.T) / 2
