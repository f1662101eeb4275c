"""Rules of the form: after this, within so many steps, that."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._journal import Journal
from skl_increc._state._links import Links
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._cold_start import cold_store
from skl_increc.base._explain import ExplainMixin
from skl_increc.base._windows import check_counts, check_window, window_span, window_store, within_window
from skl_increc.sequence._base import align_weights, fading_fields, half_life_span, reset_clock
from skl_increc.sequence._rules import RuleLearner

__all__ = ["SequentialRules"]


class SequentialRules(ExplainMixin, Recommender):
    r"""What users take next, by counts of what came soon after what [1]_.

    .. math::
        T_{hi} = \sum_{\text{events } e \text{ of } i} \; \sum_{d:\; h \text{ is the } d\text{-th last item}}
        w_e \, g(d) \, 2^{-(t - t_e) / \text{half-life}},
        \qquad
        s_{uj} = \sum_{d=1}^{D} g(d) \, \frac{T_{h_d j}}{\big(\sum_i T_{h_d i}\big)^{\alpha}} + \pi \, c_j

    with :math:`h_d` the :math:`d`-th last item of the user, :math:`D` = `max_distance`, :math:`g(d) =
    \rho^{d-1}` (or :math:`1/d`), :math:`\alpha` = `exponent`, :math:`\pi` = `prior` and the weight
    :math:`c_j` of all events of item :math:`j`.  ``max_distance=1`` is a Markov chain of first order.

    Parameters
    ----------
    max_distance : int, default=10
        How many positions a rule may span, and how many of a user's last items speak; at most 1000.
    weight : float in (0, 1] or "div", default=0.8
        What a distance counts: a number :math:`\rho` for :math:`\rho^{d-1}`, "div" for :math:`1/d`.
    exponent : float, default=0.25
        How far an item that leads to many is held back: 0 takes the counts as they are, 1 makes them the
        shares of an item's followers.
    prior : float, default=1e-4
        What an event of an item counts against a transition to it.  It orders the items for strangers, and
        those of which the rules know nothing.
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by, which answers a user of whom nothing is known, and fills up lists: "recent", what
        newcomers take lately (see :ref:`cold_start`; it costs O, M and U); "popular", the counts above.
    half_life : float, timedelta or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events, after which a transition counts half, and
        so does an event for the prior.  None: nothing fades.
    window : int, float, timedelta or None, default=None
        Only the events of the last so many seconds (or a timedelta) with `time_col`, otherwise the last so many
        events, are remembered and count; what is older is taken out, as if it had never been.  Not together
        with `half_life` or `history`.  None: nothing is taken out.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen, and teach nothing.
    history : int or None, default=None
        Events kept per user, at least `max_distance`: None all, n the last n.  A repeat is an event.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; None: the clock counts events.

    See Also
    --------
    skl_increc.baselines.Popularity : What most people take.

    Notes
    -----
    Events of a user count in the order in which they are learned or, with `time_col`, in order of time: a late
    one is put where it belongs, and those behind it change their distances.  Anonymous events teach the
    prior alone.

    **Cost**: O(`max_distance`) an event, a late one O(`max_distance`\ :sup:`2`); a list reads the rows of the
    user's last items.  16 to 48 bytes for a pair of items that occurred, 12 to 24 for an event (20 to 40
    with `half_life` or `time_col`, 16 to 24 more with `window`) until `history` or `window` bounds them, 28
    bytes and an id a row.  A table with late events, or any with `window`, is learned event by event in a copy
    of the state, so that a failed call changes nothing; ``learn_one`` needs none.

    **Guarantees**: S always.  M and U without `half_life` to the last bit, because every term is a
    multiple of 2\ :sup:`-20` (sums above 2\ :sup:`33`: to rounding); with `half_life` and `time_col` to
    rounding, and `forget` then learns all events anew.  O does not hold: the order of a user's own events is
    what the model learns, while the order across users is free.  With `time_col` the order of arrival is free
    as well, but for events of one user at one time.  With `window` the model is, to the last bit, that of the
    events in the window; M then needs `time_col`, and `forget` does not bring back what had left the window.

    References
    ----------
    .. [1] Ludewig, Jannach: Evaluation of session-based recommendation algorithms, UMUAI 2018.

    Examples
    --------
    >>> from skl_increc.sequence import SequentialRules
    >>> model = SequentialRules()
    >>> for user, item in [("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("bob", "milk"), ("cid", "tea")]:
    ...     model.learn_one({"user": user, "item": item})
    >>> model.recommend_one("cid", 1)
    ['milk']
    >>> items, weights = model.explain("cid", "milk")
    >>> items.tolist(), weights.round(4).tolist()
    (['tea', None], [1.6818, 0.0002])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_distance": [Interval(numbers.Integral, 1, 1000, closed="both")],
        "weight": [Interval(numbers.Real, 0, 1, closed="right"), StrOptions({"div"})],
        "exponent": [Interval(numbers.Real, 0, 1, closed="both")],
        "prior": [Interval(numbers.Real, 0, None, closed="left")],
        "half_life": [None, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
        "history": [None, Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        max_distance: int = 10,
        *,
        weight: float | str = 0.8,
        exponent: float = 0.25,
        prior: float = 1e-4,
        cold_start: str = "popular",
        half_life: float | dt.timedelta | None = None,
        window: float | dt.timedelta | np.timedelta64 | None = None,
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.max_distance = max_distance
        self.weight = weight
        self.exponent = exponent
        self.prior = prior
        self.cold_start = cold_start
        self.half_life = half_life
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
        if self.history is not None and self.history < self.max_distance:
            raise ValueError(
                f"history={self.history} is shorter than max_distance={self.max_distance}: the rules look so far "
                "back. Raise history, or lower max_distance."
            )

    def _structure(self) -> dict[str, Any]:
        return {
            "max_distance": self.max_distance,
            "weight": self.weight,
            "half_life": half_life_span(self),
            "window": window_span(self),
            "time_col": self.time_col,
            "cold_start": self.cold_start,
            "history": self.history,
        }

    def _history(self) -> int | None:
        return 0  # the journal knows

    def _stores(self) -> dict[str, Any]:
        timed = self.time_col is not None
        columns = 2 if timed or self.half_life is not None else 1  # weight, time
        journal = Journal(columns, self.history or 0, 0, 1 if timed else -1)
        return {"journal": journal, "links": Links(), **cold_store(self), **window_store(self)}

    def _fields(self) -> list[Field]:
        fields = [
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("weight", "item", merge="sum", meaning="weights of its events, decayed from the landmark"),
            Field("leads", "item", merge="sum", meaning="transitions from it, decayed from the landmark"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field("inexact", "scalar", merge="max", derived=True, meaning="1 once a sum was too large"),
        ]
        return [*fields, *fading_fields(self)]

    def _make_learner(self, state: State) -> RuleLearner:
        return RuleLearner()

    def _configure(self, state: State) -> None:
        distances = np.arange(1, self.max_distance + 1)
        gains = 1.0 / distances if self.weight == "div" else float(self.weight) ** (distances - 1.0)
        state.learner.configure(gains, half_life_span(self), self.exponent, self.prior)

    def _order_teaches(self) -> bool:
        return True

    def _guarantees(self) -> Guarantees:
        order = "the order of a user's own events is what it learns (the order across users is free)"
        if self.time_col is not None:
            order = "events of one user at one time count in the order of arrival (beyond that, times tell the order)"
        if self.half_life is not None and self.time_col is None:
            why = "with half_life but no time_col the clock counts events, and an event's age depends on the others"
            return Guarantees("bitwise", "no", "no", "no", why)
        inexact = self._state is not None and self._state.scalar("inexact")[0] > 0
        exact: Any = "rounding" if inexact or self.half_life is not None else "bitwise"
        if self.history is not None:
            why = f"history={self.history} keeps the last events of a user alone; {order}"
            return Guarantees("bitwise", "no", exact, "no", why)
        return within_window(self, Guarantees("bitwise", "no", exact, exact, order))

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def _check_state(self, state: State) -> None:
        check_counts(state)

    # -- merging and forgetting -----------------------------------------------------------------
    def _align(self, mine: State, theirs: State) -> None:
        """Bring both to the later landmark, by exact powers of two."""
        for state, power in align_weights(self, mine, theirs, ("weight", "leads")):
            state.stores["links"].scale(power)

    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        state.learner.forget(users.astype(np.int32), items.astype(np.int32))

    def _after_forget(self, state: State) -> None:
        reset_clock(self, state)
