"""The contract: every public method that all models share, over a few private hooks."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.validation import check_array, check_is_fitted, column_or_1d

from skl_increc._kernels._learner import Learner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc._state.ids import canonical
from skl_increc.base import _batch, _exact
from skl_increc.base._clock import second_of
from skl_increc.base._events import learn_one, predict_one
from skl_increc.base._guarantees import Guarantees
from skl_increc.base._interactions import Interactions, read_table
from skl_increc.base._matrix import MatrixMixin
from skl_increc.base._recommend import RecommendMixin
from skl_increc.base._river import RiverMixin

if TYPE_CHECKING:
    from typing import Self

__all__ = ["InteractionEstimator"]

#: bounds of ratings and weights: sums of squares of larger numbers could overflow
LARGEST, HEAVIEST = 1e100, 1e15

#: constraints of the parameters that every model has
COMMON_CONSTRAINTS: dict[str, list[Any]] = {
    "user_col": [str, numbers.Integral],
    "item_col": [str, numbers.Integral],
    "time_col": [None, str, numbers.Integral],
    "history": [None, Interval(numbers.Integral, 0, None, closed="left")],
    "random_state": ["random_state"],
    "n_epochs": [Interval(numbers.Integral, 1, None, closed="left")],
    "min_y": [None, numbers.Real],
}


class InteractionEstimator(RecommendMixin, MatrixMixin, BaseEstimator, RiverMixin):
    """A model of (user, item) events: a scikit-learn estimator and a River model at once.

    A model writes a few private hooks; everything public stands here.

    ``_fields()``
        The arrays of its state, a sequence of ``Field``.
    ``_make_learner(state)``
        Its compiled ``Learner``, or None for a model in plain Python, which then writes
        ``_learn(state, u, i, y, w, t)`` and ``_score(state, u, i)`` over arrays of row numbers.
    ``_configure(state)``
        Hand the present parameters to the learner.
    ``_structure()``
        The parameters that cannot change without ``fit``.
    ``_guarantees()``
        What it promises as it is set now.
    """

    _state: State | None = None
    _optional_y: ClassVar[bool] = False
    _encodes_y: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}

    learn_one = learn_one
    predict_one = predict_one

    # -- hooks ------------------------------------------------------------------------------------
    def _fields(self) -> Sequence[Field]:
        raise NotImplementedError(f"{type(self).__name__} must say which fields its state has.")

    def _make_learner(self, state: State) -> Learner | None:
        return None

    def _configure(self, state: State) -> None:
        """Hand the present parameters to the learner."""

    def _structure(self) -> dict[str, Any]:
        return {}

    def _guarantees(self) -> Guarantees:
        return Guarantees("no", "no", "no", "no", "nothing is known of this model")

    def _learn(
        self, state: State, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Learn these events; row numbers of -1 are anonymous.  Must not raise once it has begun to write."""
        state.learn(u, i, y, w, t)

    def _make_room(self, state: State, n: int) -> None:
        """Ask for the memory that learning n events takes, if it takes any: here failing does no harm."""

    def _learn_singly(
        self, state: State, u: np.ndarray, i: np.ndarray, y: np.ndarray, w: np.ndarray, t: np.ndarray
    ) -> None:
        """Learn these events as ``learn_one`` does; differs from `_learn` where a call is one step."""
        self._learn(state, u, i, y, w, t)

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must say how it scores pairs.")

    def _learn_again(
        self,
        state: State,
        u: np.ndarray,
        i: np.ndarray,
        y: np.ndarray,
        w: np.ndarray,
        t: np.ndarray,
        epoch: int,
    ) -> None:
        """One more pass of ``fit`` over events that were learned already (``n_epochs``)."""
        self._learn(state, u, i, y, w, t)

    def _align(self, mine: State, theirs: State) -> None:
        """Bring two states to common units before they are added."""

    def _after_forget(self, state: State) -> None:
        """Mend what does not follow from subtracting sums."""

    def _check_state(self, state: State) -> None:
        """Raise ValueError for a state from a file that this model cannot have had.

        Ids, histories, shapes and types were checked already; this is for what a model alone knows, above
        all for numbers that its compiled learner takes for row numbers.
        """

    def _prior(self) -> float:
        return 0.0

    def _predict_score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        """What ``predict`` decodes; differs from `_score` where predictions are clipped."""
        return self._score(state, u, i)

    def _decode(self, scores: np.ndarray) -> np.ndarray:
        """Scores to what ``predict`` returns."""
        return scores

    # -- state ------------------------------------------------------------------------------------
    def __sklearn_is_fitted__(self) -> bool:
        return self._state is not None

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        state = self.__dict__.get("_state")
        if state is not None and name != "_state":
            state.stale = True  # a parameter acts at the next event

    def _new_state(self) -> State:
        self._validate()
        meta = {"structure": self._structure(), "seed": _seed(getattr(self, "random_state", 0))}
        state = State(self._fields(), getattr(self, "history", 0), meta)
        self._configure_state(state)
        return state

    def _validate(self) -> None:
        common = {k: v for k, v in COMMON_CONSTRAINTS.items() if hasattr(self, k)}
        mine = {**common, **self._parameter_constraints}
        validate_parameter_constraints(mine, self.get_params(deep=False), caller_name=type(self).__name__)
        if self.user_col == self.item_col:
            raise ValueError(
                f"user_col and item_col are both {self.user_col!r}. Users and items are two columns; name both."
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
        state.user_key, state.item_key, state.time_key = self.user_col, self.item_col, self.time_col
        state.optional_y, state.encodes_y = self._optional_y, self._encodes_y
        min_y = getattr(self, "min_y", None)
        state.min_y = -np.inf if min_y is None else float(min_y)
        self._configure(state)
        state.stale = False

    def _ready_state(self) -> State:
        """The state, up to date with the parameters; NotFittedError before any event."""
        state = self._state
        if state is None:
            check_is_fitted(self)  # raises NotFittedError in scikit-learn's words
            raise RuntimeError(f"this {type(self).__name__} has no state")
        if state.stale:
            self._configure_state(state)
        return state

    @property
    def n_late_(self) -> int:
        """Events that came with a time before the newest one (``time_col``); they counted with their own time."""
        return int(self._ready_state().n_late)

    @property
    def nbytes(self) -> int:
        """Bytes of everything learned: ids, rows, optimiser state, histories."""
        return 0 if self._state is None else self._state.nbytes

    def guarantees(self) -> Guarantees:
        """How split-invariance (S), order-freedom (O), merging (M) and forgetting (U) hold, as set now.

        Returns
        -------
        Guarantees
        """
        return self._guarantees()

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
        new = copy.copy(self)
        if self._state is not None:
            state = self._state.copy_in_peace()
            new.__dict__["_state"] = state
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
        return self._decode(
            self._predict_score(state, events.users.find(state.users), events.items.find(state.items))
        )

    def _check_y(self, y: Any, n: int) -> np.ndarray:
        if y is None:
            if not self._optional_y:
                raise ValueError(
                    f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
                )
            min_y = getattr(self, "min_y", None)
            return np.full(n, 1.0 if min_y is None else max(1.0, float(min_y)))  # None is a positive
        y = column_or_1d(y, warn=True)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if len(y) and not (-LARGEST < y.min() and y.max() < LARGEST):
            raise ValueError(
                f"y must be below {LARGEST:g} in size; got {y[np.abs(y).argmax()]!r}. Rescale it."
            )
        return np.ascontiguousarray(y)

    def _check_weight(self, sample_weight: Any, events: Interactions, reset: bool) -> np.ndarray:
        if sample_weight is None:
            return np.ones(len(events))
        if isinstance(sample_weight, numbers.Real):
            w = np.full(len(events), float(sample_weight))
        else:
            w = check_array(
                sample_weight,
                ensure_2d=False,
                dtype=np.float64,
                input_name="sample_weight",
                ensure_min_samples=0,
            )
            if w.ndim != 1:
                raise ValueError(f"Sample weights must be 1D array or scalar; got {w.ndim}D array.")
            if len(w) != len(events):
                raise ValueError(f"sample_weight.shape == {w.shape}, expected {(len(events),)}!")
        if (w < 0).any():
            raise ValueError(f"Negative values in data passed to sample_weight: {w[w < 0][0]!r}.")
        if not np.isfinite(w).all():
            raise ValueError("sample_weight must be finite.")
        if (w >= HEAVIEST).any():
            raise ValueError(
                f"sample_weight must be below {HEAVIEST:g}; got {w.max()!r}. Rescale the weights."
            )
        if reset and not w.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return np.ascontiguousarray(w)

    # -- River ------------------------------------------------------------------------------------
    def learn_many(self, X: Any, y: Any = None, w: Any = 1.0) -> None:
        """Learn the rows of a frame as so many calls of ``learn_one``; columns that are absent are anonymous."""
        _batch.learn_frame(self, X, y, w)

    def predict_many(self, X: Any) -> Any:
        """Predictions for the rows of a frame, as a series of the frame's own library."""
        frame = nw.from_native(X, eager_only=True)
        events = _batch.read_loosely(self, frame)
        state = self._state
        if state is None:
            values = self._decode(np.full(len(events), self._prior()))
        else:
            state = self._ready_state()
            u, i = events.users.find(state.users), events.items.find(state.items)
            values = self._decode(self._predict_score(state, u, i))
        out = nw.new_series(name="prediction", values=values, backend=frame.implementation).to_native()
        index = nw.maybe_get_index(frame)
        if index is not None:
            out.index = index
        return out

    @property
    def _mutable_attributes(self) -> set[str]:
        return set(self.get_params(deep=False)) - set(self._structure())

    def _ids_by_position(self, x: dict, fresh: bool) -> tuple[Any, Any]:
        """Ids of an event that has neither key: by position (``river.stream.iter_array``), or anonymous."""
        if 0 in x and 1 in x:
            return x[0], x[1]
        if fresh and self.user_col not in x and self.item_col not in x:
            _batch.warn_missing(self, x)
        return None, None

    def _time_of(self, state: State, x: Any) -> float:
        if x is None or self.time_col not in x:
            raise ValueError(
                f"The event has no time under {self.time_col!r} (time_col); its keys are {list(x or {})}. "
                "Add the time, or set time_col=None."
            )
        return second_of(x[self.time_col], self.time_col)

    def _learn_one_slowly(self, state: State, user: Any, item: Any, y: float, w: float, t: float) -> None:
        """One event of a model without a compiled learner."""
        columns = Interactions(_batch.single(user), _batch.single(item))
        _batch.learn_events(self, state, columns, np.array([y]), np.array([w]), np.array([t]))

    def _score_one_slowly(self, state: State, user: Any, item: Any) -> float:
        u, i = state.users.find(canonical(user)), state.items.find(canonical(item))
        return float(self._predict_score(state, np.array([u], np.int32), np.array([i], np.int32))[0])

    def __str__(self) -> str:  # river.base.Base would print the class name only
        return repr(self)

    def __dir__(self) -> list[str]:
        # BaseEstimator.__dir__ evaluates every property, River's memory walk included
        return list(object.__dir__(self))

    @property
    def _raw_memory_usage(self) -> int:
        """Bytes; River's own walk would visit every id."""
        return self.nbytes + object.__sizeof__(self)

    @property
    def _memory_usage(self) -> str:
        from river.utils import pretty

        return pretty.humanize_bytes(self._raw_memory_usage)


def _seed(random_state: Any) -> int:
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> np.uint64(1))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(random_state)
