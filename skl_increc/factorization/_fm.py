"""What the factorisation machines share: state, learner, the columns of a context."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._feature_tables import Features
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc._state.ids import canonical, stable_hash
from skl_increc.base import Guarantees
from skl_increc.base._context import Context, columns_of
from skl_increc.base._features import ItemFeatureMixin, UserFeatureMixin, feature_store
from skl_increc.base._interactions import Interactions
from skl_increc.factorization._base import EPSILON, VectorMixin
from skl_increc.factorization._fm_context import encode
from skl_increc.factorization._fm_lists import ContextListMixin
from skl_increc.factorization._fm_steps import FMLearner

__all__ = ["MachineMixin"]


class _WholeVectors:
    """The vectors of users with what is known of them, summed for the rows that are asked for."""

    def __init__(self, learner: FMLearner) -> None:
        self.learner = learner

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        return self.learner.vectors(0, np.ascontiguousarray(rows, np.int32))[0]


class MachineMixin(ItemFeatureMixin, UserFeatureMixin, VectorMixin, ContextListMixin):
    """A factorisation machine over the user, the item and the columns of a context; `_loss` says of which loss."""

    _loss: ClassVar[int] = 0
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_factors": [Interval(numbers.Integral, 1, None, closed="left")],
        "interactions": [StrOptions({"all", "user-item"})],
        "context": [None, dict, list, tuple, str],
        "item_context": [None, dict, list, tuple, str],
        "separator": [str],
        "n_features": [None, Interval(numbers.Integral, 1, 2**31 - 1, closed="both")],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "learning_rate_bias": [Interval(numbers.Real, 0, None, closed="neither")],
        "l2": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_bias": [Interval(numbers.Real, 0, None, closed="left")],
        "optimizer_bias": [StrOptions({"adagrad", "ftrl"})],
        "l1_bias": [Interval(numbers.Real, 0, None, closed="left")],
        "init_scale": [Interval(numbers.Real, 0, None, closed="left")],
        "clip_to_range": ["boolean"],
    }

    # -- what is stored -------------------------------------------------------------------------
    def _context_cols(self: Any) -> Sequence[tuple[Any, str, str]]:
        return [(key, kind, parameter) for key, kind, _, parameter in self._columns()]

    def _columns(self: Any) -> list[tuple[Any, str, int, str]]:
        """Key, kind, side and parameter of each column of the context."""
        if self.context is None and getattr(self, "item_context", None) is None:
            return []
        return [
            (key, kind, side, parameter)
            for side, parameter in enumerate(("context", "item_context"))
            for key, kind in columns_of(getattr(self, parameter, None), parameter)
        ]

    def _validate(self: Any) -> None:
        super()._validate()  # type: ignore[misc]
        self._columns()
        if not self.separator:
            raise ValueError("separator must not be empty: it parts the names in a cell of a 'list' column.")

    def _structure(self: Any) -> dict[str, Any]:
        columns = [[key, kind, side] for key, kind, side, _ in self._columns()]
        return {
            "n_factors": self.n_factors,
            "history": self.history,
            "context": columns,
            "n_features": self.n_features,
            "optimizer_bias": self.optimizer_bias,
        }

    def _fields(self: Any) -> list[Field]:
        stat = "weight, squared gradients of weight and of vector, z of FTRL"
        fields = []
        for side in ("user", "item"):
            fields += [
                Field("factors", side, self.n_factors, "float32", pad=True, meaning="the vector"),
                Field("stat", side, 4, "float32", meaning=stat),
            ]
        totals = "weight, sum, sum of squares, shift, lowest and highest rating"
        return [*fields, Field("totals", "scalar", 6, meaning=totals)]

    def _stores(self: Any) -> dict[str, Any]:
        columns = [(key, kind, side) for key, kind, side, _ in self._columns()]
        store = Features(columns, self.n_factors, self.n_features or 0)
        return {**super()._stores(), "features": store}

    # -- what users and items are -----------------------------------------------------------------
    def _new_state(self: Any) -> State:
        state = super()._new_state()
        self._start_columns(state)
        return state

    def _learn_features(self: Any, state: State, side: int, rows: np.ndarray) -> None:
        self._start_columns(state)

    def _told(self: Any, new: Any) -> Any:
        new = super()._told(new)
        if new._state is not None:
            new._state.stale = True
        return new

    def _start_columns(self: Any, state: State) -> None:
        """Give columns that are new their rows, and show the learner what is known."""
        tables = state.stores["features"].tables[-2:]
        for side, table in enumerate(tables):
            names = feature_store(state, side).names[table.n :]
            if names:
                state.learner.start_columns(side, [stable_hash(name) for name in names])
        state.learner.attach_stores(state.stores)

    # -- the learner ----------------------------------------------------------------------------
    def _make_learner(self: Any, state: State) -> FMLearner:
        return FMLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self: Any, state: State) -> None:
        learner = state.learner
        learner.configure(
            optimizer=1,
            loss=self._loss,
            biases=True,
            learning_rate=self.learning_rate,
            learning_rate_bias=self.learning_rate_bias,
            l2=self.l2,
            l2_bias=self.l2_bias,
            epsilon=EPSILON,
            start_kind=0,
            start_mean=False,
            init_scale=self.init_scale,
            seed=state.meta["seed"] % 2**64,
        )
        learner.configure_machine(
            pairs_within=self.interactions == "all",
            ftrl=self.optimizer_bias == "ftrl",
            l1=self.l1_bias,
            classes=self._class_weights(state) if self._loss else (1.0, 1.0),
            columns=[(key, kind, side) for key, kind, side, _ in self._columns()],
            keys=(self._owner_col(), self.item_col),
            separator=self.separator,
        )
        self._start_columns(state)
        learner.clip = getattr(self, "clip_to_range", False)

    def _take_context(self: Any, state: State, context: Context) -> None:
        features = state.stores["features"]
        features.begin()
        state.learner.take(encode(features, context, add=True))

    def _learn(self: Any, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.learner.rewind()
        state.learn(u, i, y, w, t)

    def _learn_again(self: Any, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, epoch: int) -> None:
        state.learner.count = False  # the ratings were counted in the first pass
        try:
            self._learn(state, u, i, y, w, t)
        finally:
            state.learner.count = True

    def _read_event(self: Any, state: State, x: Any, user: Any, item: Any) -> None:
        state.learner.read_event({} if x is None else dict(x), user, item)

    # -- answers --------------------------------------------------------------------------------
    def _answer(self: Any, state: State, events: Interactions) -> np.ndarray:
        u, i = events.users.find(state.users), events.items.find(state.items)
        if events.context is None:
            return self._predict_score(state, u, i)
        encoded = encode(state.stores["features"], events.context, add=False)
        return state.learner.score_events(u, i, encoded, bool(getattr(self, "clip_to_range", False)))

    def _score_one_slowly(self: Any, state: State, x: Any, user: Any, item: Any) -> float:
        u, i = state.users.find(canonical(user)), state.items.find(canonical(item))
        return state.learner.score_event({} if x is None else dict(x), user, item, u, i)

    def _factors(self: Any, state: State) -> tuple[Any, np.ndarray, np.ndarray]:
        if not any(feature_store(state, side).kept for side in (0, 1)):
            return super()._factors(state)
        items, own = state.learner.vectors(1, np.arange(state.item_rows.used, dtype=np.int32))
        return _WholeVectors(state.learner), items, own

    def _predict_score(self: Any, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(u, i, bool(getattr(self, "clip_to_range", False)))

    def feature_weights(self: Any, column: Any) -> dict[Any, float]:
        """The linear weights of the values of one column of the context, by value.

        Parameters
        ----------
        column : str or int
            As the parameter ``context`` or ``item_context`` names it.

        Returns
        -------
        dict
            In standard deviations of the ratings, or log-odds; for a "number" or "vector" by position; for hashed
            features by row.

        Raises
        ------
        ValueError
            If the model has no such column.
        """
        state = self._ready_state()
        features = state.stores["features"]
        names = [name for name, _, _ in features.columns]
        if column not in names:
            raise ValueError(f"There is no column {column!r} in the context; its columns are {names}.")
        table = features.tables[features.table_of[names.index(column)]]
        ids = range(table.n) if table.ids is None else table.ids.ids_of(np.arange(table.n)).tolist()
        return dict(zip(ids, table.stat[: table.n, 0].tolist(), strict=True))

    def _guarantees(self: Any) -> Guarantees:
        why = "each gradient step depends on the steps before it"
        if self.n_epochs > 1:
            return Guarantees(
                "no", "no", "no", "no", "fit passes several times over what it is given; " + why
            )
        return Guarantees("bitwise", "no", "no", "no", why)
