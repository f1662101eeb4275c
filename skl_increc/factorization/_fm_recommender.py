"""Factorisation machine for lists, one event at a time."""

from __future__ import annotations

import numbers
from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Recommender
from skl_increc.base._cold_start import cold_shape, count_store
from skl_increc.factorization._fm import MachineMixin
from skl_increc.factorization._fm_ranking import FMRankingLearner
from skl_increc.factorization._passes import average_passes

__all__ = ["FactorizationMachineRecommender"]


class FactorizationMachineRecommender(MachineMixin, Recommender):
    r"""Factorisation machine that ranks what was taken above what was not: LightFM's hybrid, one event at a time.

    The score is that of ``FactorizationMachine``, by default with ``interactions="user-item"``,

    .. math:: s(u, i) = \sum_j w_j x_j + \big(\sum_{j \in U} v_j x_j\big)^\top \big(\sum_{j \in I} v_j x_j\big)

    with the user, what ``set_user_features`` told and the `context` in :math:`U`, the item and what
    ``set_item_features`` told in :math:`I`: an item without an event is where its features point.  Each event is a
    step up the log-likelihood of :math:`s(u, i) > s(u, j)` [1]_ for items :math:`j` that are drawn evenly from those
    that the user has not had.

    Parameters
    ----------
    n_factors : int, default=32
        Length of the vectors.
    n_negatives : int, default=50
        Items drawn for each event.
    context : dict, list or None, default=None
        Columns that say who asks, when and where, as in ``FactorizationMachine``.
    interactions : {"user-item", "all"}, default="user-item"
        As in ``FactorizationMachine``.
    separator, n_features
        As in ``FactorizationMachine``.
    learning_rate, learning_rate_bias : float, default=0.15, 0.15
        Steps of the vectors and of the weights.
    l2, l2_bias : float, default=0.02, 0.02
        Shrinkage of the vectors and of the weights.
    optimizer_bias, l1_bias
        As in ``FactorizationMachine``.
    init_scale : float, default=0.1
        Standard deviation of the random start.
    n_epochs : int, default=1
        Passes of `fit`, each in the order of the events.  Of several, vectors and weights are the mean over the ends
        of the passes, of which the k-th counts k times, as in `BPR`; with "ftrl", those of the last pass.
    cold_start : {"recent", "popular"}, default="recent"
        What answers a user of whom no event has taught and no feature is known: "recent", what newcomers take
        lately (see :ref:`cold_start`); "popular", how often an item was taken.  Not where `context` is read with it.
    min_y : float or None, default=None
        Least y of a positive.
    history, random_state, user_col, item_col, time_col
        As in ``FactorizationMachine``.  What is not in the history may be drawn.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`; of the ids alone, without what features add.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float32, read-only, in the unit of the scores (log-odds).

    See Also
    --------
    BPR : Users and items alone, with more losses and ways to draw.

    Notes
    -----
    Lists are those of user and item, and of the context where ``recommend(users, context=...)``,
    ``recommend_one(user, context=...)`` or the event of the view ``top(k)`` has one.

    **Cost**: O(n_factors n_negatives) for each feature of an event; bytes as of ``FactorizationMachine``.

    **Guarantees**: S bitwise (on one build and processor level), for ``n_epochs=1``: what is drawn is a function of
    `random_state` and the number of the event.

    References
    ----------
    .. [1] Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR, Bayesian personalized ranking from implicit
       feedback, UAI 2009.
    .. [2] Kula: Metadata embeddings for user and item cold-start recommendations, CBRecSys 2015.

    Examples
    --------
    >>> from skl_increc.factorization import FactorizationMachineRecommender
    >>> model = FactorizationMachineRecommender(8)
    >>> model = model.set_item_features({j: {"kind": "tea" if j % 2 else "beer"} for j in range(20)})
    >>> for k in range(400):
    ...     user = k % 10
    ...     model.learn_one({"user": user, "item": 2 * (k * 7 % 10) + user % 2})
    >>> model = model.set_item_features({"new tea": {"kind": "tea"}, "new beer": {"kind": "beer"}})
    >>> model.recommend_one(1, candidates=["new tea", "new beer"])
    ['new tea', 'new beer']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **MachineMixin._parameter_constraints,
        "n_negatives": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_factors: int = 32,
        *,
        n_negatives: int = 50,
        context: Any = None,
        interactions: str = "user-item",
        separator: str = "|",
        n_features: int | None = None,
        learning_rate: float = 0.15,
        learning_rate_bias: float = 0.15,
        l2: float = 0.02,
        l2_bias: float = 0.02,
        optimizer_bias: str = "adagrad",
        l1_bias: float = 0.0,
        init_scale: float = 0.1,
        n_epochs: int = 1,
        cold_start: str = "recent",
        min_y: float | None = None,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.n_negatives = n_negatives
        self.context = context
        self.interactions = interactions
        self.separator = separator
        self.n_features = n_features
        self.learning_rate = learning_rate
        self.learning_rate_bias = learning_rate_bias
        self.l2 = l2
        self.l2_bias = l2_bias
        self.optimizer_bias = optimizer_bias
        self.l1_bias = l1_bias
        self.init_scale = init_scale
        self.n_epochs = n_epochs
        self.cold_start = cold_start
        self.min_y = min_y
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _fields(self) -> list[Field]:
        return [*super()._fields(), Field("counts", "scalar", 2, meaning="items known, events")]

    def _structure(self) -> dict[str, Any]:
        return {**super()._structure(), **cold_shape(self)}

    def _stores(self) -> dict[str, Any]:
        return {**super()._stores(), **count_store(self)}

    def _make_learner(self, state: State) -> FMRankingLearner:
        return FMRankingLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self, state: State) -> None:
        super()._configure(state)
        state.learner.n_negatives = self.n_negatives

    def _record(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.n_events += len(u)  # who had what is noted event by event, because what is drawn depends on it

    def _learn(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.learner.rewind()
        state.learner.learn_in_order(u, i, y, w, t)

    def _learn_again(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, epoch: int) -> None:
        state.learner.count = False
        try:
            state.learner.rewind()
            state.learn(u, i, y, w, t)
        finally:
            state.learner.count = True

    def _learn_passes(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, n_epochs: int) -> None:
        if self.optimizer_bias == "ftrl":  # its weights follow from sums, and no mean of them would
            super()._learn_passes(state, u, i, y, w, t, n_epochs)
            return
        parts = [(rows.view("factors"), rows.view("stat")) for rows in (state.user_rows, state.item_rows)]
        parts += [(table.factors, table.stat) for table in state.stores["features"].tables]
        rows = [part for factors, stat in parts for part in (factors, stat[:, 0])]
        average_passes(partial(self._learn_again, state, u, i, y, w, t), rows, n_epochs)

    def _check_state(self, state: State) -> None:
        super()._check_state(state)
        known, events = state.scalar("counts")
        if not (0 <= known <= state.items.n_rows and 0 <= events < 2**53 and np.floor(known) == known):
            raise ValueError(f"{known:g} items known of {state.items.n_rows} and {events:g} events cannot be")
