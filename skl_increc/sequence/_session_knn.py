"""What sessions like this one went on with."""

from __future__ import annotations

import datetime as dt
import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._journal import Journal
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._clock import span_in_seconds
from skl_increc.base._cold_start import cold_store
from skl_increc.base._explain import ExplainMixin
from skl_increc.base._windows import check_counts, check_window, window_span, window_store, within_window
from skl_increc.sequence._base import align_weights, fading_fields, half_life_span, reset_clock
from skl_increc.sequence._sessions import SessionLearner

__all__ = ["SessionKNN"]

SPARE_ENTRIES = 8  # entries of a bounded index for each one that is read: repeats of a session count once


class SessionKNN(ExplainMixin, Recommender):
    r"""Nearest neighbours among recent sessions [1]_ [2]_.

    .. math::
        \text{sim}(n) = \sum_{d=1}^{D} \rho^{d-1} \, \log\!\Big(1 + \frac{N}{c_{h_d}}\Big) \, [h_d \in n],
        \qquad
        s_j = \log\!\Big(1 + \frac{N}{c_j}\Big)^{\gamma} \sum_{n} \text{sim}(n) \sum_{p:\, n_p = j}
        e^{-|p - p_n| / r} + \pi \, c_j

    with :math:`h_d` the :math:`d`-th last item of the session, :math:`N` sessions, :math:`c_j` events of an
    item, :math:`p_n` the position in the neighbour of the latest item that it shares, :math:`r` = `reach`,
    :math:`\gamma` = `idf` and :math:`\pi` = `prior`.  The neighbours are the `n_neighbors` most alike of the
    `sample_size` most recent sessions of each item.  An event is learned by noting it: everything else happens
    when a list is asked for, and the next list already knows the event.

    Parameters
    ----------
    n_neighbors : int, default=100
        Sessions that speak.
    sample_size : int, default=200
        How many recent sessions of each item of the session are looked at.
    max_distance : int, default=10
        How many of the last events of the session ask; at most 1000.
    weight : float in (0, 1] or "div", default=0.8
        What a distance from the end counts: a number :math:`\rho` for :math:`\rho^{d-1}`, "div" for 1/d.
    reach : float, default=20.0
        Positions in the neighbour over which its items fade by a factor e; it is read to six times as far.
    idf : float, default=0.5
        How much rare items are preferred.
    prior : float, default=1e-6
        What an event of an item counts by itself.  It orders the items for strangers.
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by, which answers a user of whom nothing is known, and fills up lists: "recent", what
        newcomers take lately (see :ref:`cold_start`; it costs O, M and U); "popular", the counts above.
    gap : float, timedelta or None, default=None
        Silence after which a user begins a new session: seconds (or a timedelta) with `time_col`, otherwise
        events of others.  None: all events of a user are one session.
    half_life : float, timedelta or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events, after which an event counts half for the
        prior.  None: nothing fades.
    window : int, float, timedelta or None, default=None
        Only the events of the last so many seconds (or a timedelta) with `time_col`, otherwise the last so many
        events, are remembered; what is older is taken out, as if it had never been.  Not together with
        `history` or `half_life`.  None: nothing is taken out.
    session_col : str, int or None, default=None
        The column of the session, which then takes the place of the user everywhere: in lists, in ``forget``,
        in ``user_ids_``.  A session that never returns is served from its own items, and its user need not be
        known.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen, and teach nothing.
    history : int or None, default=None
        Events kept per user (and, in proportion, sessions per item): None all, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time.

    See Also
    --------
    SequentialRules : Quicker lists, from counts.

    Notes
    -----
    Events of a user count in the order in which they are learned, and so does what is recent; with `time_col`,
    both go by time, and a late event is put where it belongs.

    **Cost**: O(1) an event.  A list looks at up to `max_distance` times `sample_size` sessions and reads up to
    `n_neighbors` times 12 `reach` of their events.  16 to 32 bytes an event (24 to 48 with `gap`, 32 to 64 with
    `time_col`, 16 to 24 more with `window`) until `history` or `window` bounds them, 28 bytes and an id a row.  A
    table with late events, or any with `window`, is learned event by event in a copy of the state, so that a
    failed call changes nothing; ``learn_one`` needs none.

    **Guarantees**: S always; U to the last bit while `history` is None (with `gap`, if there is a `time_col`); M
    with `time_col` too, for sides that share no user (or session); with `half_life` both to rounding, and
    only with `time_col`.  Without times, what is recent is a matter of
    the order of arrival, and models do not merge.  O does not hold: events of one user at one time count in the
    order of arrival.  With `window` the model is, to the last bit, that of the events in the window.

    References
    ----------
    .. [1] Ludewig, Jannach: Evaluation of session-based recommendation algorithms, UMUAI 2018.
    .. [2] Garg, Gupta, Malhotra, Vig, Shroff: Sequence and time aware neighborhood for session-based
       recommendations, SIGIR 2019.

    Examples
    --------
    >>> from skl_increc.sequence import SessionKNN
    >>> model = SessionKNN(session_col="session")
    >>> visits = [("s1", "tea"), ("s1", "milk"), ("s2", "nails"), ("s2", "hammer"), ("s3", "tea")]
    >>> for session, item in visits:
    ...     model.learn_one({"session": session, "item": item})
    >>> model.recommend_one("s3", 1)
    ['milk']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "sample_size": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_distance": [Interval(numbers.Integral, 1, 1000, closed="both")],
        "weight": [Interval(numbers.Real, 0, 1, closed="right"), StrOptions({"div"})],
        "reach": [Interval(numbers.Real, 0, 1e6, closed="neither")],
        "idf": [Interval(numbers.Real, 0, None, closed="left")],
        "prior": [Interval(numbers.Real, 0, None, closed="left")],
        "gap": [None, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
        "half_life": [None, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
        "session_col": [None, str, numbers.Integral],
        "history": [None, Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_neighbors: int = 100,
        *,
        sample_size: int = 200,
        max_distance: int = 10,
        weight: float | str = 0.8,
        reach: float = 20.0,
        idf: float = 0.5,
        prior: float = 1e-6,
        cold_start: str = "popular",
        gap: float | dt.timedelta | None = None,
        half_life: float | dt.timedelta | None = None,
        window: float | dt.timedelta | np.timedelta64 | None = None,
        session_col: str | int | None = None,
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.sample_size = sample_size
        self.max_distance = max_distance
        self.weight = weight
        self.reach = reach
        self.idf = idf
        self.prior = prior
        self.cold_start = cold_start
        self.gap = gap
        self.half_life = half_life
        self.window = window
        self.session_col = session_col
        self.min_y = min_y
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _validate(self) -> None:
        super()._validate()
        check_window(self, history=None)
        if isinstance(self.gap, dt.timedelta) and self.time_col is None:
            raise ValueError(
                f"gap={self.gap!r} is a span of time, but there is no time_col: name the column of the time, or "
                "give a number of events."
            )
        if self.gap is not None and not 0 < span_in_seconds(self.gap) < np.inf:
            raise ValueError(f"gap must be a positive, finite span; got {self.gap!r}.")

    def _structure(self) -> dict[str, Any]:
        return {
            "history": self.history,
            "gap": "timed" if self.gap is not None else None,
            "time_col": self.time_col,
            "cold_start": self.cold_start,
            "half_life": half_life_span(self),
            "window": window_span(self),
        }

    def _owner_col(self) -> Any:
        return self.user_col if self.session_col is None else self.session_col

    def _history(self) -> int | None:
        return 0  # the journal knows

    def _stores(self) -> dict[str, Any]:
        timed = self.time_col is not None
        columns = 2 if timed or self.gap is not None else 1  # weight, time
        most = 0 if self.history is None else SPARE_ENTRIES * self.sample_size
        journal = Journal(columns, self.history or 0, 0, 1 if timed else -1)
        index = Journal(1, most, 1, 0) if timed else Journal(0, most, 1)
        return {"journal": journal, "index": index, **cold_store(self), **window_store(self)}

    def _fields(self) -> list[Field]:
        key = Field("key", "user", merge="max", meaning="orders users of one time; from the hash of the id")
        return [
            *([key] if self.time_col is not None else []),
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("weight", "item", merge="sum", meaning="weights of its events, decayed from the landmark"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field("inexact", "scalar", merge="max", derived=True, meaning="1 once a sum was too large"),
            Field("owners", "scalar", merge="sum", meaning="users who have a list"),
            *fading_fields(self),
        ]

    def _make_learner(self, state: State) -> SessionLearner:
        return SessionLearner()

    def _configure(self, state: State) -> None:
        distances = np.arange(1, self.max_distance + 1)
        gains = 1.0 / distances if self.weight == "div" else float(self.weight) ** (distances - 1.0)
        gap = 0.0 if self.gap is None else span_in_seconds(self.gap)
        state.learner.configure(
            gains,
            self.sample_size,
            self.n_neighbors,
            self.reach,
            self.idf,
            self.prior,
            gap,
            half_life_span(self),
        )

    def _guarantees(self) -> Guarantees:
        order = "which sessions are recent depends on the order of arrival, without time_col"
        if self.time_col is not None:
            order = "events of one user at one time count in the order of arrival"
        if self.history is not None:
            why = f"history={self.history} keeps the last events alone, and {order}"
            return Guarantees("bitwise", "no", "no", "no", why)
        if self.gap is not None and self.time_col is None:
            why = f"with gap but no time_col the clock counts events, and {order}"
            return Guarantees("bitwise", "no", "no", "no", why)
        inexact = self._state is not None and self._state.scalar("inexact")[0] > 0
        if self.half_life is not None and self.time_col is None:
            why = "with half_life but no time_col the clock counts events, and an event's age depends on the others"
            return Guarantees("bitwise", "no", "no", "no", why)
        exact: Any = "rounding" if inexact or self.half_life is not None else "bitwise"
        return within_window(
            self, Guarantees("bitwise", "no", "no" if self.time_col is None else exact, exact, order)
        )

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def _check_state(self, state: State) -> None:
        check_counts(state)

    # -- merging and forgetting -----------------------------------------------------------------
    def _align(self, mine: State, theirs: State) -> None:
        align_weights(self, mine, theirs, ("weight",))

    def _after_merge(self, state: State) -> None:
        state.learner.sort_index()

    def _before_forget(self, state: State, users: np.ndarray, items: np.ndarray) -> None:
        state.learner.forget(users.astype(np.int32), items.astype(np.int32))

    def _after_forget(self, state: State) -> None:
        reset_clock(self, state)
