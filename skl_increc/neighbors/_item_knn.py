"""Items by how many users they share with what a user took last."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._counts import Counts
from skl_increc._state._links import Links
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._clock import is_span_of_time, span_in_seconds
from skl_increc.base._cold_start import cold_store
from skl_increc.base._explain import ExplainMixin
from skl_increc.base._fading import scaled, share_landmark
from skl_increc.base._windows import check_counts, check_window, window_span, window_store, within_window
from skl_increc.neighbors._answers import NeighborLearner
from skl_increc.neighbors._counts import CountLearner
from skl_increc.neighbors._ordered import OrderedLearner
from skl_increc.neighbors._similar import SimilarItemsMixin

__all__ = ["ItemKNN"]

SIMILARITIES = {"cosine": 0, "jaccard": 1, "conditional": 2, "lift": 3}


class ItemKNN(SimilarItemsMixin, ExplainMixin, Recommender):
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
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by, which answers a user of whom nothing is known, and fills up lists: "recent", what
        newcomers take lately (see :ref:`cold_start`; it costs O, M and U); "popular", the counts above.
    window : int, float, timedelta or None, default=None
        Only the events of the last so many seconds (or a timedelta) with `time_col`, otherwise the last so many
        events, count and are remembered; what is older is taken out, as if it had never been.  None: nothing is
        taken out.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen, and teach nothing.
    half_life : float, timedelta or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events, after which it counts half that a user
        has an item, from when it was last taken; with two items, from when the older one was.  The prior
        does not fade.  None: nothing fades.
    history : int or None, default=None
        Items remembered per user: None all; n the last n, with which alone a new one is counted, and which
        alone are hidden by ``exclude_seen``.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which a table is sorted, and the clock of `half_life`; None: the order of its
        rows, and the clock counts events.

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
    is O(`max_distance`), with `n_neighbors` as much as a list.  21 to 43 bytes for two items that some
    user has both, 8 to 16 where a row has a number for most items (17 on MovieLens-100K), 32 to 64 with
    `half_life`; 28 for a distinct (user, item) pair (36 with `half_life`), 48 and an id a row at most.  While lists
    for many users are made, up to 48 MB more.  With `history` = n an event is O(n) and a user 28 n bytes at most;
    with `half_life` every event is O(items of the user).

    With `window` an event that leaves costs as much as a new pair, and 16 bytes (24 with `time_col`) are kept for
    each event in it; a table is learned event by event in a copy of the state, so that a failed call changes
    nothing.

    **Guarantees**: S, M and U to the last bit: counts are whole numbers.  The counts, and so
    `similar_items`, follow from the set of events; but lists follow from each user's last items, so that O
    does not hold: the order across users is free, that of a user's own events is not.  With
    ``max_distance=None, weight=1`` all items of a user count alike, and O holds to rounding.  With `window` the
    counts are, to the last bit, those of the events in the window, and so are lists where no repeat comes late;
    M then needs `time_col`, and `forget` does not bring back what had left the window.

    With `history` = n: S and M alone.  What an item gave that fell out of its user's list stays, and when it is
    taken again it counts again, as if another user took it.  With `half_life` and `time_col`: S to the last bit, M
    and U to rounding, where `forget` counts anew; without `time_col` S alone.

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
        # numpy's timedelta is a number to Python, but compares with none
        "half_life": [None, np.timedelta64, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
        "history": [None, Interval(numbers.Integral, 1, None, closed="left")],
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
        cold_start: str = "popular",
        window: float | dt.timedelta | np.timedelta64 | None = None,
        min_y: float | None = None,
        half_life: float | dt.timedelta | np.timedelta64 | None = None,
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
        self.cold_start = cold_start
        self.window = window
        self.min_y = min_y
        self.half_life = half_life
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _validate(self) -> None:
        super()._validate()
        check_window(self, history=None)

    def _span(self) -> float:
        if self.half_life is None:
            return 0.0
        if is_span_of_time(self.half_life) and self.time_col is None:
            raise ValueError(
                f"half_life={self.half_life!r} is a span of time, but there is no time_col: give a number of events."
            )
        span = span_in_seconds(self.half_life)
        if not 0 < span < np.inf:
            raise ValueError(f"half_life must be a positive, finite span; got {self.half_life!r}.")
        return span

    def _structure(self) -> dict[str, Any]:
        counts = self.window is None and self.half_life is None and self.cold_start == "popular"
        return {
            "half_life": self._span(),
            "history": self.history,
            "window": window_span(self),
            "time_col": None if counts else self.time_col,
            "cold_start": self.cold_start,
        }

    def _stores(self) -> dict[str, Any]:
        links = Counts() if self.half_life is None else Links()
        return {"links": links, **cold_store(self), **window_store(self)}

    def _fields(self) -> list[Field]:
        fields = [
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("takers", "item", merge="sum", meaning="users who took it"),
            Field("anonymous", "item", merge="sum", meaning="times that nobody known took it"),
            Field("events", "pair", merge="sum", meaning="events of the pair"),
            Field("positive", "pair", merge="sum", meaning="those of them that taught"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
        ]
        if self.half_life is not None:
            fields += [
                Field("weight", "item", merge="sum", meaning="users who took it, decayed from the landmark"),
                Field("last", "pair", merge="max", meaning="time of the newest of them that taught"),
                Field("landmark", "scalar", merge="max", meaning="where decay starts, in half-lives"),
                Field("now", "scalar", merge="max", meaning="time of the newest event that taught"),
                Field("started", "scalar", merge="max", meaning="1 once there was one"),
            ]
        return fields

    def _make_learner(self, state: State) -> NeighborLearner:
        return CountLearner() if self.half_life is None and self.history is None else OrderedLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(
            self.max_distance or 0,
            self.weight,
            SIMILARITIES[self.similarity],
            self.exponent,
            self.shrinkage,
            self.n_neighbors or 0,
            self.prior,
            self._span(),
        )

    def _order_teaches(self) -> bool:
        return self.cold_start == "recent"  # but for the lists of users who take several items

    def _guarantees(self) -> Guarantees:
        if self.half_life is not None and self.time_col is None:
            why = "with half_life but no time_col the clock counts events, and an event's age depends on the others"
            return Guarantees("bitwise", "no", "no", "no", why)
        exact: Any = "bitwise" if self.half_life is None else "rounding"
        if self.history is not None:
            why = f"history={self.history} keeps the last items of a user alone, which depend on the order"
            return Guarantees("bitwise", "no", exact, "no", why)
        if self.max_distance is None and self.weight == 1:
            return within_window(self, Guarantees("bitwise", "rounding", exact, exact))
        order = "lists follow from the order of a user's own events (the order across users is free)"
        return within_window(self, Guarantees("bitwise", "no", exact, exact, order))

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def _check_state(self, state: State) -> None:
        check_counts(state)

    # -- merging and forgetting -----------------------------------------------------------------
    def _align(self, mine: State, theirs: State) -> None:
        """Bring both to the later landmark, by exact powers of two."""
        if self.half_life is None:
            return
        for state, power in zip((mine, theirs), share_landmark(mine, theirs), strict=True):
            state.stores["links"].scale(int(max(power, -5000)))
            weight = state.item_rows.arrays["weight"]
            weight[:] = scaled(weight, power)

    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        state.learner.leave(users)

    def _after_forget(self, state: State) -> None:
        if self.half_life is None:
            return
        # subtracting a much newer weight would leave an old one at zero
        state.learner.recount(state.users.live())
        started = bool(state.scalar("started")[0])
        state.reset_clock(float(state.scalar("now")[0]) if started else -np.inf)
