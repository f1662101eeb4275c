"""The contract: every public method that all models share, over a few private hooks."""

from __future__ import annotations

import copy
import datetime as dt
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions, validate_parameter_constraints

from skl_increc._state._state import State
from skl_increc.base import _batch, _exact
from skl_increc.base._cold_start import with_cold_start
from skl_increc.base._guarantees import Guarantees
from skl_increc.base._hooks import Hooks
from skl_increc.base._interactions import read_table
from skl_increc.base._kept import Kept
from skl_increc.base._matrix import MatrixMixin
from skl_increc.base._recommend import RecommendMixin
from skl_increc.base._river import RiverMixin
from skl_increc.base._stream import StreamMixin
from skl_increc.base._targets import TargetMixin
from skl_increc.base._turns import Asleep, refuse_snapshot

if TYPE_CHECKING:
    from typing import Self

__all__ = ["InteractionEstimator"]

#: constraints of the parameters that every model has
COMMON_CONSTRAINTS: dict[str, list[Any]] = {
    "user_col": [str, numbers.Integral],
    "item_col": [str, numbers.Integral],
    "time_col": [None, str, numbers.Integral],
    "history": [None, Interval(numbers.Integral, 0, None, closed="left")],
    "random_state": ["random_state"],
    "n_epochs": [Interval(numbers.Integral, 1, None, closed="left")],
    "min_y": [None, numbers.Real],
    "class_weight": [None, dict, StrOptions({"balanced"})],
    "cold_start": [StrOptions({"recent", "popular"})],
    "window": [None, np.timedelta64, Interval(numbers.Real, 0, None, closed="neither"), dt.timedelta],
}


class InteractionEstimator(
    Hooks, StreamMixin, RecommendMixin, MatrixMixin, TargetMixin, Kept, BaseEstimator, RiverMixin
):
    """A model of (user, item) events: a scikit-learn estimator and a River model at once.

    A model writes a few private hooks (``_hooks.py``); everything public stands here and in the mixins.
    """

    _asleep: Asleep | None = None
    _encodes_y: ClassVar[bool] = False
    _composed: ClassVar[bool] = False  # made of models, which learn event by event
    _takes_negatives: ClassVar[bool] = False  # a recommender to which y <= 0 says something
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    # -- state ------------------------------------------------------------------------------------
    def _new_state(self) -> State:
        refuse_snapshot(self)
        self._validate()
        meta = {"structure": self._structure(), "seed": _seed(getattr(self, "random_state", 0))}
        state = State(self._fields(), self._history(), meta, self._stores())
        self._configure_state(state)
        return state

    def _validate(self) -> None:
        common = {k: v for k, v in COMMON_CONSTRAINTS.items() if hasattr(self, k)}
        mine = {**common, **self._parameter_constraints}
        validate_parameter_constraints(mine, self.get_params(deep=False), caller_name=type(self).__name__)
        if self._owner_col() == self.item_col:
            raise ValueError(
                f"user_col and item_col are both {self.item_col!r}. Users and items are two columns; name both."
            )

    def _configure_state(self, state: State) -> None:
        """Bring a state up to date with the parameters."""
        self._validate()
        for name, value in self._structure().items():
            if state.meta["structure"][name] != value:
                raise ValueError(
                    f"{name} was changed from {state.meta['structure'][name]!r} to {value!r} after the model had "
                    "learned; it shapes what is stored. Call fit to begin anew, or set it back."
                )
        if state.learner is None:
            learner = self._make_learner(state)
            if learner is not None:
                state.attach(learner)
        state.user_key, state.item_key, state.time_key = self._owner_col(), self.item_col, self.time_col
        state.optional_y, state.encodes_y = self._optional_y, self._encodes_y
        min_y = getattr(self, "min_y", None)
        state.min_y, state.taken_y = -np.inf if min_y is None else float(min_y), self._taken_y()
        self._configure(state)
        state.stale = False

    @property
    def n_late_(self) -> int:
        """Events that came with a time before the newest one (``time_col``); they counted with their own time."""
        return int(self._ready_state().n_late)

    def guarantees(self) -> Guarantees:
        """How split-invariance (S), order-freedom (O), merging (M) and forgetting (U) hold, as set now.

        Returns
        -------
        Guarantees
        """
        return with_cold_start(self, self._guarantees())

    def merge(self, other: Self) -> Self:
        """Take in what another model of the same class and parameters has learned, in place.

        Parameters
        ----------
        other : estimator
            A model whose stream has no user in common with this one's.  It stays as it is.

        Returns
        -------
        self

        Raises
        ------
        GuaranteeError
            If ``guarantees().M`` is "no", the parameters differ, or a user is in both.  This model is
            then as it was.
        """
        return _exact.merge(self, other)

    def forget(self, *, users: Sequence | None = None, items: Sequence | None = None) -> int:
        """Become the model that never saw the events of these users and items.

        Parameters
        ----------
        users, items : sequence of ids
            Whose events to remove; unknown ids are passed over.

        Returns
        -------
        int
            How many events were removed; 0 if all ids are unknown.

        Raises
        ------
        GuaranteeError
            If ``guarantees().U`` is "no".
        """
        return _exact.forget(self, users, items)

    def snapshot(self) -> Self:
        """An independent copy for readers: it answers as this model does now, and never learns."""
        new, state = copy.copy(self), self._state
        if state is None:
            new.__dict__.pop("_state", None)  # another thread may have taught the first event by now
            new.__dict__["_asleep"] = Asleep()
            return new
        new.__dict__["_state"] = state = state.copy_in_peace()
        new._configure_state(state)
        state.freeze()
        return new

    # -- scikit-learn -----------------------------------------------------------------------------
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = not self._optional_y
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Forget everything, then learn the events of X in order (by ``time_col`` if set).

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            Frames (pandas, polars, pyarrow) by column name; arrays: users in the first column, items in
            the second.  Ids may be anything hashable; missing ids are anonymous.
        y : array-like of shape (n_events,)
            Ratings; recommenders take None as all positive.
        sample_weight : array-like of shape (n_events,), optional
            Weights, at least 0; an event of weight 0 is no event.

        Returns
        -------
        self
        """
        return _batch.fit_table(self, X, y, sample_weight, reset=True)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the events of X, once, in order (by ``time_col`` if set).

        The same parameters as ``fit``.  New users and items get rows; on any error the model is as it was.
        """
        return _batch.fit_table(self, X, y, sample_weight, reset=False)

    def predict(self, X: Any) -> np.ndarray:
        """Predictions for pairs.

        Parameters
        ----------
        X : frame or array-like of shape (n_pairs, n_columns)
            Read as by ``fit``.  Unknown and missing ids are answered by what is known without them.

        Returns
        -------
        ndarray of shape (n_pairs,)
            float64 for rating models and recommenders.
        """
        state = self._ready_state()
        events = read_table(self, X, reset=False, checked=hasattr(self, "n_features_in_"))
        return self._decode(self._answer(state, events))

    def _pairs_of(self, X: Any) -> tuple[State, np.ndarray, np.ndarray]:
        """The state, and the rows of the users and items that `predict` is asked about."""
        state = self._ready_state()
        events = read_table(self, X, reset=False, checked=hasattr(self, "n_features_in_"))
        return state, events.users.find(state.users), events.items.find(state.items)


def _seed(random_state: Any) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(random_state)
