"""Items by how many users they share with what a user took last."""

from __future__ import annotations

import datetime as dt
import numbers
from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._links import Links
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._explain import ExplainMixin
from skl_increc.base._windows import check_counts, check_window, window_span, window_store, within_window
from skl_increc.neighbors._counts import CountLearner

__all__ = ["ItemKNN"]

SIMILARITIES = {"cosine": 0, "jaccard": 1, "conditional": 2, "lift": 3}


class ItemKNN(ExplainMixin, Recommender):
    r"""Items that many users have together with what this user took last [1]_ [2]_.

    .. math::
        s_{uj} = \sum_{d=1}^{D} \rho^{d-1} \operatorname{sim}(h_d, j) + \pi \, c_j,
        \qquad
        \operatorname{sim}(i, j) = \frac{C_{ij}}{n_{ij} + \lambda}

    with :math:`h_d` the :math:`d`-th last item of the user, :math:`C_{ij}` the users who have both items,
    :math:`c_i` those who have one, :math:`D` = `max_distance`, :math:`\rho` = `weight`,
    :math:`\lambda` = `shrinkage` and :math:`\pi` = `prior`.  A user counts once for an item, however often
    and with whatever weight it was taken.

    Parameters
    ----------
    max_distance : int or None, default=5
        How many of a user's last distinct items speak; None: all.
    weight : float in (0, 1], default=0.8
        :math:`\rho`, what an item counts against the one that the user took after it.
    similarity : {"cosine", "jaccard", "conditional", "lift"}, default="cosine"
        :math:`n_{ij}`: :math:`\sqrt{c_i c_j}`, :math:`c_i + c_j - C_{ij}`, :math:`c_i^\alpha
        c_j^{1-\alpha}`, or :math:`c_i c_j` (the lift but for a factor that all pairs share).
    exponent : float in [0, 1], default=0.5
        :math:`\alpha` of "conditional": 1 is the share of the users of :math:`i` who have :math:`j`, which
        favours popular items; 0 favours rare ones.
    shrinkage : float, default=10.0
        :math:`\lambda`, which holds back what few users had.
    n_neighbors : int or None, default=None
        An item speaks only for so many that are most like it (more where the last are equal); None: for
        all.  It bounds who is heard, not what is kept: the counts stay exact.
    prior : float, default=1e-6
        What a user of an item counts by itself.  It orders the items for strangers, and those of which the
        counts know nothing.
    window : int, float, timedelta or None, default=None
        Only the events of the last so many seconds (or a timedelta) with `time_col`, otherwise the last so many
        events, count and are remembered; what is older is taken out, as if it had never been.  None: nothing is
        taken out.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen, and teach nothing.
    history : None
        All items of a user are remembered, because the counts follow from them.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which a table is sorted; None: the order of its rows.

    See Also
    --------
    RatingItemKNN : Neighbours from how items are rated.
    skl_increc.sequence.SequentialRules : What is taken after what, by counts too.

    Notes
    -----
    An item that is taken again becomes the user's last.  An anonymous event counts for the prior alone, as
    one user.

    **Cost**: O(items of the user) for a new pair, O(1) to O(items of the user) for a repeat; a list reads
    the rows of the user's last items, and with `n_neighbors` looks each through twice.  A score of one pair
    is O(`max_distance`), with `n_neighbors` as much as a list.  32 to 64 bytes for two items that some
    user has both (50 on MovieLens-100K), 28 for a distinct (user, item) pair, 48 and an id a row at most.

    With `window` an event that leaves costs as much as a new pair, and 16 bytes (24 with `time_col`) are kept for
    each event in it; a table is learned event by event in a copy of the state, so that a failed call changes
    nothing.

    **Guarantees**: S, M and U to the last bit: counts are whole numbers.  The counts, and so
    `similar_items`, follow from the set of events; but lists follow from each user's last items, so that O
    does not hold: the order across users is free, that of a user's own events is not.  With
    ``max_distance=None, weight=1`` all items of a user count alike, and O holds to rounding.  With `window` the
    counts are, to the last bit, those of the events in the window, and so are lists where no repeat comes late;
    M then needs `time_col`, and `forget` does not bring back what had left the window.

    References
    ----------
    .. [1] Deshpande, Karypis: Item-based top-N recommendation algorithms, ACM TOIS 2004.
    .. [2] Miranda, Jorge: Incremental collaborative filtering for binary ratings, WI-IAT 2008.

    Examples
    --------
    >>> from skl_increc.neighbors import ItemKNN
    >>> model = ItemKNN(shrinkage=1.0)
    >>> for user, item in [("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("bob", "milk"), ("cid", "tea")]:
    ...     model.learn_one({"user": user, "item": item})
    >>> model.recommend_one("cid", 1)
    ['milk']
    >>> items, weights = model.explain("cid", "milk")
    >>> items.tolist(), weights.round(4).tolist()
    (['tea', None], [0.5798, 0.0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_distance": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "weight": [Interval(numbers.Real, 0, 1, closed="right")],
        "similarity": [StrOptions(set(SIMILARITIES))],
        "exponent": [Interval(numbers.Real, 0, 1, closed="both")],
        "shrinkage": [Interval(numbers.Real, 0, None, closed="left")],
        "n_neighbors": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "prior": [Interval(numbers.Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        max_distance: int | None = 5,
        *,
        weight: float = 0.8,
        similarity: str = "cosine",
        exponent: float = 0.5,
        shrinkage: float = 10.0,
        n_neighbors: int | None = None,
        prior: float = 1e-6,
        window: float | dt.timedelta | np.timedelta64 | None = None,
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.max_distance = max_distance
        self.weight = weight
        self.similarity = similarity
        self.exponent = exponent
        self.shrinkage = shrinkage
        self.n_neighbors = n_neighbors
        self.prior = prior
        self.window = window
        self.min_y = min_y
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _validate(self) -> None:
        super()._validate()
        check_window(self, history=None)

    def _structure(self) -> dict[str, Any]:
        clock = self.time_col if self.window is not None else None
        return {"history": self.history, "window": window_span(self), "time_col": clock}

    def _stores(self) -> dict[str, Any]:
        return {"links": Links(), **window_store(self)}

    def _fields(self) -> list[Field]:
        if self.history is not None:
            raise ValueError(
                f"history={self.history!r} is too short for ItemKNN, whose counts follow from all items of a user. "
                "Set history=None."
            )
        return [
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("takers", "item", merge="sum", meaning="users who took it"),
            Field("anonymous", "item", merge="sum", meaning="times that nobody known took it"),
            Field("events", "pair", merge="sum", meaning="events of the pair"),
            Field("positive", "pair", merge="sum", meaning="those of them that taught"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
        ]

    def _make_learner(self, state: State) -> CountLearner:
        return CountLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(
            self.max_distance or 0,
            self.weight,
            SIMILARITIES[self.similarity],
            self.exponent,
            self.shrinkage,
            self.n_neighbors or 0,
            self.prior,
        )

    def _guarantees(self) -> Guarantees:
        if self.max_distance is None and self.weight == 1:
            return within_window(self, Guarantees("bitwise", "rounding", "bitwise", "bitwise"))
        order = "lists follow from the order of a user's own events (the order across users is free)"
        return within_window(self, Guarantees("bitwise", "no", "bitwise", "bitwise", order))

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def similar_items(self, item: Hashable, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k items that are most like one.

        Parameters
        ----------
        item : hashable
        k : int

        Returns
        -------
        ids : ndarray of object (at most k,)
        scores : ndarray of float64 (at most k,)
            Similarities above 0, descending; at most `n_neighbors`, but for ties.  Both are empty for an
            unknown item.
        """
        state = self._ready_state()
        row = state.items.find(item)
        if row < 0:
            return np.empty(0, dtype=object), np.empty(0)
        scores = state.learner.similar(row, state.items.n_rows)
        order = np.argsort(-scores, kind="stable")[:k]
        order = order[scores[order] > 0]
        return state.items.ids_of(order.astype(np.int32)), scores[order]

    def _check_state(self, state: State) -> None:
        check_counts(state)

    # -- forgetting -----------------------------------------------------------------------------
    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        state.learner.leave(users)

    def _after_forget(self, state: State) -> None:
        state.stores["links"].tidy()
