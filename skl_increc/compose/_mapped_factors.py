"""What the cold-start maps share: a factor model, and a map from features to its items' factors."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees
from skl_increc.base._features import ItemFeatureMixin, check_columns, feature_store
from skl_increc.compose._feature_map import FIRST, FeatureMap
from skl_increc.compose._member import Member, check_member

if TYPE_CHECKING:
    from typing import Self

__all__ = ["MappedFactors"]


class MappedFactors(ItemFeatureMixin):
    """A factor model whose items begin where their features point; a class says of which kind (`_kind_of_model`)."""

    _kind_of_model: ClassVar[tuple[type, str]]
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l2": [Interval(numbers.Real, 0, None, closed="neither")],
        "shrinkage": [Interval(numbers.Real, 0, None, closed="left")],
        "min_events": [Interval(numbers.Integral, 1, None, closed="left")],
        "refresh": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_features": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    estimator: Any
    l2: float
    shrinkage: float
    min_events: int
    refresh: int
    max_features: int
    history: int | None
    time_col: Any

    def __init__(
        self,
        estimator: Any = None,
        *,
        l2: float = 1.0,
        shrinkage: float = 5.0,
        min_events: int = 5,
        refresh: int = 1000,
        max_features: int = 4096,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimator = estimator
        self.l2 = l2
        self.shrinkage = shrinkage
        self.min_events = min_events
        self.refresh = refresh
        self.max_features = max_features
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _validate(self) -> None:
        super()._validate()  # type: ignore[misc]
        kind, words = self._kind_of_model
        model: Any = self._model()
        fits = isinstance(model, kind) and hasattr(type(model), "item_factors_")
        if not fits:
            raise ValueError(f"estimator must be a {words}; got {model!r}.")
        check_member(self, model, "The estimator")

    def _model(self) -> Any:
        """The model, not taught."""
        raise NotImplementedError

    def _unit(self, state: State) -> float:
        """Of the products of vectors, in those of the scores."""
        return 1.0

    def _structure(self) -> dict[str, Any]:
        model = self._model()
        told = sorted(model.get_params(deep=False).items())
        return {"estimator": f"{type(model).__name__} {told!r}", "history": self.history}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the model are ``estimator__l2`` and the like, and need ``fit`` once it learned."""
        super().set_params(**params)
        self.estimator = self.estimator  # tells the state
        return self

    def _fields(self) -> list[Field]:
        return [Field("events", "item", meaning="positive events of the item")]

    def _stores(self) -> dict[str, Any]:
        return {**super()._stores(), "member": Member(self._model().clone()), "map": FeatureMap()}

    def _guarantees(self) -> Guarantees:
        why = "the map depends on the factors as they were when it was made"
        return Guarantees(self._model().guarantees().S, "no", "no", "no", why)

    def _check_features(self, state: State, side: int, names: Sequence[str]) -> None:
        check_columns(feature_store(state, side), names, self.max_features)

    # -- learning -------------------------------------------------------------------------------
    def _record(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        """Nothing yet: `_learn` may fail for want of memory, and then nothing may have changed."""

    def _learn(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        member, kept = state.stores["member"], state.stores["map"]
        counts = state.item_rows.arrays["events"][:, 0]
        try:
            if len(u) == 1 and state.n_events + 1 < kept.due:  # the model itself learns it or changes nothing
                member.teach(u, i, y, w, t)
                _count(counts, i, self._heard(y, w))
            else:
                taught, made, new_counts = member.copy(), kept.copy(), counts.copy()
                self._learn_by(state, taught, made, new_counts, (u, i, y, w, t))
                member.model, state.stores["map"] = taught.model, made
                counts[:] = new_counts
        except BaseException:
            state.undo()
            raise
        state.record(u, i, y, w, t)

    def _learn_by(
        self,
        state: State,
        member: Member,
        kept: FeatureMap,
        counts: np.ndarray,
        events: tuple[np.ndarray, ...],
    ) -> None:
        """Teach a copy of the member, and make the map whenever it is due."""
        a, n, came = 0, len(events[0]), state.n_events
        while a < n:
            b = min(n, a + max(1, kept.due - came))
            part = [column[a:b] for column in events]
            member.teach(*part)
            _count(counts, part[1], self._heard(part[2], part[3]))
            came, a = came + b - a, b
            if came >= kept.due:
                features = feature_store(state, 1)
                rows = np.flatnonzero(counts[: state.item_rows.used] >= self.min_events)
                rows = rows[features.known(rows)]
                kept.fit(features.csr(rows), _own(member.model, rows), float(self.l2))
                kept.due = came + min(self.refresh, max(FIRST, came // 4))

    def _heard(self, y: np.ndarray, w: np.ndarray) -> np.ndarray:
        """Weights of what teaches something of an item; a refusal is no event of it."""
        return np.where(y > 0, w, 0.0) if self._optional_y else w  # type: ignore[attr-defined]

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        users, which = np.unique(u, return_inverse=True)
        items, what = np.unique(i, return_inverse=True)
        member = state.stores["member"]
        inner = member.state()
        rows = (_codes(inner.users, users)[which], _codes(inner.items, items)[what])
        scores = np.asarray(member.model._score(inner, *rows), np.float64)
        P, D = self._user_vectors(member.model, inner, users), self._missing(state, items)
        return scores + self._unit(inner) * _products(P[which].T, D[what].T)

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        n, member = state.item_rows.used, state.stores["member"]
        inner, items = member.state(), np.arange(n)
        pairs = (np.repeat(_codes(inner.users, u), n), np.tile(_codes(inner.items, items), len(u)))
        scores = np.asarray(member.model._score(inner, *pairs), np.float64).reshape(len(u), n)
        P, D = self._user_vectors(member.model, inner, u), self._missing(state, items)
        return scores + self._unit(inner) * _products(P.T[:, :, None], np.ascontiguousarray(D.T)[:, None, :])

    def _missing(self, state: State, rows: np.ndarray) -> np.ndarray:
        """What the map adds to vectors and biases of these items, float64 (n, n_factors + 1)."""
        kept: FeatureMap = state.stores["map"]
        added = np.zeros((len(rows), self._model().n_factors + 1))
        if not len(kept.weights):
            return added
        young = np.flatnonzero(feature_store(state, 1).known(rows))
        mapped = kept.mapped(feature_store(state, 1), state.item_rows.used)[rows[young]]
        count = state.item_rows.arrays["events"][rows[young], 0]
        left = np.where(count > 0, self.shrinkage / np.maximum(count + self.shrinkage, 1e-300), 1.0)
        added[young] = left[:, None] * mapped
        return added

    def _user_vectors(self, model: Any, inner: State, u: np.ndarray) -> np.ndarray:
        """Vectors of users, and a 1 for the bias of the item; zeros for strangers."""
        factors, at = model._factors(inner)[0], _codes(inner.users, u)
        found, met = np.zeros((len(u), model.n_factors + 1)), at >= 0
        found[met, :-1] = factors[at[met]][:, : model.n_factors]
        found[:, -1] = 1.0
        return found

    @property
    def model_(self) -> Any:
        return self._ready_state().stores["member"].model  # type: ignore[attr-defined]

    @property
    def map_(self) -> np.ndarray:
        state = self._ready_state()  # type: ignore[attr-defined]
        weights = state.stores["map"].weights
        missing = feature_store(state, 1).n_columns - len(weights)
        return np.vstack([weights, np.zeros((missing, weights.shape[1]))])


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of products over the first axis, in its order: to the last bit the same for one user and for many."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total += x * y
    return total


def _count(counts: np.ndarray, i: np.ndarray, w: np.ndarray) -> None:
    np.add.at(counts, i[(i >= 0) & (w > 0)], 1.0)


def _own(model: Any, rows: np.ndarray) -> np.ndarray:
    """Vectors and biases that the model learned for these item rows, float64; zeros for those it has not met."""
    _, factors, biases = model._factors(model._ready_state())
    at = _codes(model._state.items, rows)
    found, met = np.zeros((len(rows), model.n_factors + 1)), at >= 0
    found[met, :-1], found[met, -1] = factors[at[met]][:, : model.n_factors], biases[at[met]]
    return found


def _codes(index: Any, rows: np.ndarray) -> np.ndarray:
    """The model's own numbers of these rows, int32; -1 for those it has not met."""
    return np.ascontiguousarray(index.find_ints(np.asarray(rows, np.int64)), np.int32)
