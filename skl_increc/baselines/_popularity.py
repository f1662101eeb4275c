"""Items by how often they were taken, lately or ever."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from skl_increc._kernels._baselines import PopularityLearner
from skl_increc._kernels._ladder import LadderLearner
from skl_increc._kernels._learner import Learner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._cold_start import KEPT, MEMORY, ladder_of
from skl_increc.base._fading import FadingCounts
from skl_increc.base._windows import check_counts, check_window, window_span, window_store, within_window

__all__ = ["Popularity"]


class Popularity(FadingCounts, Recommender):
    r"""The most popular items, with counts that may fade.

    .. math:: s_i = \sum_{e \in E_i} w_e \, 2^{-(t - t_e) / h}

    with the half-life :math:`h` (without one, a plain sum of weights) and :math:`t` the newest event.
    Decay is *forward* [1]_: what is stored depends on each event's own time alone.

    Parameters
    ----------
    half_life : float, timedelta, "auto" or None, default=None
        Seconds (or a timedelta) with `time_col`, otherwise events.  None: nothing fades.  "auto": several at once
        (from a minute to two years, by factors of 4, or from 8 events to 32768; and one that never fades); the one
        whose list has lately told best what comes next answers.
    window : int, float, timedelta or None, default=None
        Only the events of the last so many seconds (or a timedelta) with `time_col`, otherwise the last so many
        events, count and are remembered; what is older is taken out, as if it had never been.  Not together
        with `half_life`.  None: nothing is taken out.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen and count for nothing.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; None: the clock counts events.

    Attributes
    ----------
    popularity_ : ndarray of shape (n_items,)
        Scores as of the newest event, float64, aligned with `item_ids_`.
    half_life_ : float
        The half-life that answers at present, in events or, with `time_col`, in seconds; inf: nothing fades.

    See Also
    --------
    Baseline : Mean rating and biases.

    Notes
    -----
    **Cost**: O(1) an event; 16 bytes and an id per item and per user, 20 per distinct pair (history).  With
    `window` 16 bytes more for each event in it (24 with `time_col`), and a table is learned event by event in
    a copy of the state, so that a failed call changes nothing.  With "auto" O(half-lives) an event: 8 of them
    (68 bytes an item more) or, with `time_col`, 12 (100 bytes).

    With "auto", before an event is learned its item is looked up in the list of 32 that each half-life would give
    to a stranger.  The place is worth :math:`1 / \log_2(\text{place} + 1)` as in DCG, and the half-life with the
    largest sum, itself fading by half in 3000 events, answers; of equals the longest.

    **Guarantees**: S always.  O, M and U without `half_life`, or with it and `time_col` (then to
    rounding); U needs the whole history.  With "auto" S alone: what told best depends on the order.
    Sums are exact, and so bitwise, while all weights are
    multiples of 2\ :sup:`-20` below 2\ :sup:`30`.

    References
    ----------
    .. [1] Cormode, Shkapenyuk, Srivastava, Xu: Forward decay, ICDE 2009.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> model = Popularity()
    >>> for user, item in [("ann", "tea"), ("bob", "tea"), ("bob", "milk")]:
    ...     model.learn_one({"user": user, "item": item})
    >>> model.recommend_one("ann", 2)
    ['milk']
    >>> model.predict_one({"item": "tea"})
    2.0
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "half_life": [*FadingCounts._parameter_constraints["half_life"], StrOptions({"auto"})],
    }

    def __init__(
        self,
        *,
        half_life: float | dt.timedelta | np.timedelta64 | str | None = None,
        window: float | dt.timedelta | np.timedelta64 | None = None,
        min_y: float | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.half_life = half_life
        self.window = window
        self.min_y = min_y
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    @property
    def _timed(self) -> bool:
        return super()._timed and not self._auto

    @property
    def _auto(self) -> bool:
        return isinstance(self.half_life, str)

    @property
    def _ladder(self) -> tuple[float, ...]:
        return ladder_of(self)

    def _validate(self) -> None:
        super()._validate()
        check_window(self, history=0)

    def _structure(self) -> dict[str, Any]:
        return {
            "half_life": self.half_life if self._auto else self._span(),
            "window": window_span(self),
            "time_col": self.time_col,
            "history": self.history,
        }

    def _stores(self) -> dict[str, Any]:
        return window_store(self)

    def _fields(self) -> list[Field]:
        if self._auto:
            n = len(self._ladder)
            return [
                Field("events", "user", meaning="events of the user"),
                Field("events", "item", meaning="events of the item"),
                Field(
                    "sums", "item", n, meaning="weights of its events for each half-life, at its newest event"
                ),
                Field("last", "item", meaning="time of its newest event"),
                Field("listed", "item", dtype="int32", meaning="bit r: it is among the best of half-life r"),
                Field("events", "scalar", meaning="events in all"),
                Field("now", "scalar", meaning="time of the newest event"),
                Field("started", "scalar", meaning="1 once an event had an item"),
                Field("gain", "scalar", n, meaning="how well each half-life has told what came"),
                Field("best", "scalar", n * KEPT, meaning="the best items of each: row numbers + 1"),
            ]
        return super()._fields()

    def _make_learner(self, state: State) -> Learner:
        return LadderLearner(self._ladder, KEPT, MEMORY) if self._auto else PopularityLearner()

    def _configure(self, state: State) -> None:
        if self._auto:
            return
        state.learner.configure(self._span(), self._timed)
        if self._timed and state.history is not None:
            state.history.span = self._span()

    def _guarantees(self) -> Guarantees:
        if self._auto:
            why = "which half-life has told best what comes depends on the order of the events"
            return Guarantees("bitwise", "no", "no", "no", why)
        if self.half_life is not None and self.time_col is None:
            why = "with half_life but no time_col the clock counts events, and an event's age depends on the others"
            return Guarantees("bitwise", "no", "no", "no", why)
        if self.history == 0:
            exact = self._exact_sums()
            why = "history=0 keeps no record of whose events to remove"
            return within_window(self, Guarantees("bitwise", exact, exact, "no", why))
        if self.history is not None:
            why = f"history={self.history} keeps the last items of a user alone, which depend on the order"
            return Guarantees("bitwise", "no", "no", "no", why)
        exact = self._exact_sums()
        return within_window(self, Guarantees("bitwise", exact, exact, exact))

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_rows(np.ascontiguousarray(i, dtype=np.int32))

    @property
    def popularity_(self) -> np.ndarray:
        state = self._ready_state()
        return state.learner.score_rows(state.items.live())

    @property
    def half_life_(self) -> float:
        state = self._ready_state()
        return float(state.learner.half_life) if self._auto else self._span() or np.inf

    def _check_state(self, state: State) -> None:
        if not self._auto:
            check_counts(state)
            return
        best = state.scalar("best")
        if not ((best >= 0) & (best <= state.items.n_rows) & (best == np.floor(best))).all():
            raise ValueError("the lists of half_life='auto' name rows that no item has")
