"""Several copies of one model, each of which sees the stream a little differently."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, InteractionEstimator, RatingRegressor, Recommender
from skl_increc.base._batch import rows_of
from skl_increc.base._interactions import Interactions
from skl_increc.base._threads import in_threads
from skl_increc.compose._composition import Composed, all_split
from skl_increc.compose._member import Member, check_member
from skl_increc.compose._members import BaggingLearner
from skl_increc.factorization import BPR, BiasedMF

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Bagging", "RatingBagging"]


class _Bagged(Composed):
    """What both kinds share."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [InteractionEstimator, None],
        "n_estimators": [Interval(numbers.Integral, 1, None, closed="left")],
        "n_jobs": [
            None,
            Interval(numbers.Integral, 1, None, closed="left"),
            Interval(numbers.Integral, None, -1, closed="right"),
        ],
    }

    def __init__(
        self,
        estimator: Any = None,
        n_estimators: int = 10,
        *,
        n_jobs: int | None = None,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_jobs = n_jobs
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _default_estimator(self) -> Any:
        """What None stands for."""
        raise NotImplementedError

    def _bagged(self) -> Any:
        model = self._default_estimator() if self.estimator is None else self.estimator
        check_member(self, model, "The estimator")
        return model

    def _models(self) -> list[Any]:
        return [self._bagged()]

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``estimator__name`` reaches into the estimator."""
        super().set_params(**params)  # type: ignore[misc]
        self.estimator = self.estimator  # tells the state that parameters were set
        return self

    def _structure(self) -> dict[str, Any]:
        model = self._bagged()
        described = [type(model).__name__, repr(sorted(model.get_params(deep=False).items()))]
        return {
            "estimator": described,
            "n_estimators": int(self.n_estimators),
            "history": self.history,
            "time_col": self.time_col,
        }

    def _stores(self) -> dict[str, Any]:
        """Copies of the estimator; where it draws anything, each its own."""
        copies = [self._bagged().clone() for _ in range(self.n_estimators)]
        for m, one in enumerate(copies):
            if isinstance(getattr(one, "random_state", None), numbers.Integral):
                one.random_state = int(one.random_state) + m
        return {f"member_{m}": Member(one) for m, one in enumerate(copies)}

    def _fields(self) -> list[Field]:
        return [
            Field("events", "user", meaning="events of the user"),
            Field("drawn", "scalar", meaning="events for which there was a draw"),
        ]

    def _make_learner(self, state: State) -> BaggingLearner:
        return BaggingLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(state.meta["seed"] % 2**64)

    # -- learning -------------------------------------------------------------------------------
    def _learn_in_turn(
        self, state: State, events: Interactions, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Each copy learns the whole table by itself: nobody asks one between two events."""
        if len(events) < 2:
            super()._learn_in_turn(state, events, y, w, t)  # type: ignore[misc]
            return
        u, i = self._rows_of_both(state, events, y, w, t)

        def learn(m: int) -> None:
            k = state.learner.draws(m, len(u))
            rows = np.flatnonzero(k)
            state.stores[f"member_{m}"].teach(u[rows], i[rows], y[rows], w[rows] * k[rows], t[rows])

        in_threads(self.n_jobs, learn, range(len(state.stores)))
        state.rebind()
        state.record(u, i, y, w, t)
        state.learner.count(u)
        if events.time is not None and len(t):
            state.now = max(state.now, float(t[-1]))

    def _rows_of_both(
        self, state: State, events: Interactions, *numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows for all ids, without a word to the copies."""
        state.learner.apart = True
        try:
            return rows_of(self, state, events, numbers, singly=False)
        finally:
            state.learner.apart = False

    def _guarantees(self) -> Guarantees:
        return all_split([self._bagged()], "what each member is taught follows from the number of the event")

    @property
    def estimators_(self) -> list[Any]:
        """The members, which know users and items by row numbers."""
        state = self._ready_state()  # type: ignore[attr-defined]
        return [state.stores[f"member_{m}"].model for m in range(len(state.stores))]


class Bagging(_Bagged, Recommender):
    r"""The mean score of several copies of a recommender, which see each event with a weight of their own.

    The weight of an event is multiplied by a draw from a Poisson distribution of mean 1, one for each copy: in the
    long run each is taught what a bootstrap sample of the stream would hold [1]_.  A copy that draws 0 does not see
    the event.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Any recommender; it is cloned.  None: ``BPR()``.
    n_estimators : int, default=10
        Copies; an event costs as much as so many models.
    n_jobs : int or None, default=None
        Threads in which copies learn a table, as joblib counts them.  The results are the same to the last bit.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists.
    random_state : int, RandomState or None, default=0
        Of the draws; None: drawn once and kept.  An estimator's own integer `random_state` is counted up from copy
        to copy.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; a copy that has a `time_col` is given it.

    Attributes
    ----------
    estimators_ : list of estimator
        The copies, which know users and items by row numbers.

    See Also
    --------
    Blend : Different models, by how well each has told what came.
    RatingBagging : The same for ratings.

    Notes
    -----
    Of our own models none gained by it on MovieLens-100K; the guide has the figures.

    **Cost**: that of `n_estimators` models.  A model of counts that does not look at weights (``ItemKNN``) is
    taught about 63 % of the events.  A table is learned in a copy of the state; a single event that one copy fails to
    learn after another has, for want of memory, raises, and so does every later one until ``fit``.

    **Guarantees**: S as far as the estimator has it: a draw follows from `random_state`, the number of the event and
    that of the copy.

    References
    ----------
    .. [1] Oza, Russell: Online bagging and boosting, AISTATS 2001.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.compose import Bagging
    >>> model = Bagging(Popularity(), 20).fit([(user, "tea") for user in range(50)])
    >>> len(model.estimators_)
    20
    >>> 40 < model.predict_one(user="ann", item="tea") < 60
    True
    """

    def _default_estimator(self) -> Any:
        return BPR()


class RatingBagging(_Bagged, RatingRegressor):
    """The mean prediction of several copies of a rating model, which see each event with a weight of their own.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Any rating model; it is cloned.  None: ``BiasedMF()``.
    n_estimators : int, default=10
        Copies; an event costs as much as so many models.
    n_jobs : int or None, default=None
        Threads in which copies learn a table, as joblib counts them.  The results are the same to the last bit.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists.
    random_state : int, RandomState or None, default=0
        Of the draws; None: drawn once and kept.  An estimator's own integer `random_state` is counted up from copy
        to copy.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; a copy that has a `time_col` is given it.

    Attributes
    ----------
    estimators_ : list of estimator
        The copies, which know users and items by row numbers.

    See Also
    --------
    Bagging : The same for lists, and what is drawn.

    Notes
    -----
    **Cost** and **Guarantees** are those of `Bagging`.

    Examples
    --------
    >>> from skl_increc.baselines import Baseline
    >>> from skl_increc.compose import RatingBagging
    >>> model = RatingBagging(Baseline()).fit([(user, "tea") for user in range(50)], [4.0] * 50)
    >>> round(model.predict_one(user="ann", item="tea"), 6)
    4.0
    """

    def _default_estimator(self) -> Any:
        return BiasedMF()
