"""Items like those that a user had lately."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc.base._features import feature_store
from skl_increc.content._base import ContentRecommender
from skl_increc.content._derived import Kept

__all__ = ["Rocchio"]


class Rocchio(ContentRecommender):
    r"""The cosine between an item's features and the fading sum of what the user had [1]_.

    .. math::
        p_u = \sum_{e \in E_u} w_e\, 2^{-(t - t_e) / h} x_{i_e} - \gamma \sum_{i \in D_u} 2^{-(t - t_{ui}) / h} x_i,
        \quad s_{ui} = \cos(p_u, x_i) + \pi\, n_i / n

    with the features :math:`x_i` that ``set_item_features`` gave, the half-life :math:`h`, :math:`\gamma` =
    `negative`, and the items :math:`D_u` that the user had and never liked: all their events had 0 < y < `min_y`.
    :math:`\pi` = `prior` times the share of the item in all weights orders what the features do not: a stranger is
    given what is popular.

    Parameters
    ----------
    half_life : float, timedelta or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events.  None: nothing fades.
    negative : float, default=0.0
        :math:`\gamma`, at least 0: how much an item speaks against its like that was had and not liked.
    prior : float, default=1e-3
        :math:`\pi`, at least 0.
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by: "recent", what newcomers take lately (see :ref:`cold_start`; it costs O, M and U);
        "popular", the weights of all events.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen; they count for nothing, or against, see `negative`.
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
    ContentRidge : Weighs features that all items have less; better on the data that we have.

    Notes
    -----
    No profile is stored: it is the sum of the features of the user's items when she asks.  So features may change
    at any time, and what a user had is answered by what the items are now.

    **Cost**: O(1) an event; 8 bytes for each feature of an item that is not zero, and what
    :class:`~skl_increc.baselines.Popularity` takes.  An answer: O(items of the user + all features of all items).

    **Guarantees**: S, O, M and U to rounding without `half_life`, or with it and `time_col`; with `history` or a
    clock of events S alone.

    References
    ----------
    .. [1] Rocchio: Relevance feedback in information retrieval, in: The SMART Retrieval System, 1971.

    Examples
    --------
    >>> from skl_increc.content import Rocchio
    >>> model = Rocchio()
    >>> model.learn_one({"user": "ann", "item": "green tea"})
    >>> model = model.set_item_features({
    ...     "green tea": {"kind": "tea", "words": ["green", "leaf"]},
    ...     "oolong": {"kind": "tea", "words": ["dark", "leaf"]},
    ...     "stout": {"kind": "beer", "words": ["dark"]},
    ... })
    >>> model.recommend_one("ann", 2)
    ['oolong', 'stout']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ContentRecommender._parameter_constraints,
        "negative": [Interval(numbers.Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        half_life: float | dt.timedelta | np.timedelta64 | None = None,
        negative: float = 0.0,
        prior: float = 1e-3,
        cold_start: str = "popular",
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.half_life = half_life
        self.negative = negative
        self.prior = prior
        self.cold_start = cold_start
        self.min_y = min_y
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _strengths(self, sums: np.ndarray, ages: np.ndarray) -> np.ndarray:
        return np.where(sums > 0, sums * ages, -self.negative * ages)

    def _worked_out(self, state: State) -> Kept:
        return state.stores["derived"].get(feature_store(state, 1), None, _unit_rows)

    def _directions(self, kept: Kept, profiles: sparse.csr_matrix) -> sparse.csr_matrix:
        return _to_length_one(profiles)

    def _rows(self, kept: Kept) -> sparse.csr_matrix:
        return kept.result


def _unit_rows(table: sparse.csr_matrix, before: Any, changed: Any) -> tuple[sparse.csr_matrix, int]:
    rows = _to_length_one(table)
    return rows, rows.data.nbytes


def _to_length_one(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row divided by its length; zeros stay."""
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    scale = np.divide(1.0, length, out=np.zeros(len(length)), where=length > 0)
    return sparse.diags(scale).tocsr() @ rows
