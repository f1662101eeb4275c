"""New items start where their features point: a map from features to the factors of any factor model."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._batch import learn_events
from skl_increc.base._features import ItemFeatureMixin, check_columns, feature_store
from skl_increc.base._interactions import Ids, Interactions
from skl_increc.compose._feature_map import FIRST, FeatureMap
from skl_increc.compose._member import Member
from skl_increc.factorization import BPR

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ColdStartMap"]


class ColdStartMap(ItemFeatureMixin, Recommender):
    r"""A factor model in which items with few events have the vectors that their features point to [1]_.

    .. math::
        W = \arg\min_W \sum_{i:\, n_i \ge m} \|q_i - W^\top x_i\|^2 + \lambda \|W\|^2, \qquad
        \hat q_i = \alpha_i\, q_i + (1 - \alpha_i)\, W^\top x_i, \qquad \alpha_i = \frac{n_i}{n_i + \beta}

    with the vectors :math:`q_i` (and biases) that the model learned for items of :math:`n_i` events, the features
    :math:`x_i` that ``set_item_features`` gave, :math:`m` = `min_events`, :math:`\lambda` = `l2` and :math:`\beta` =
    `shrinkage`.  An item without events has :math:`W^\top x_i`; one without features has :math:`q_i`.

    Parameters
    ----------
    estimator : estimator or None, default=None
        A recommender with a vector and a bias for each item, BPR or ImplicitALS; it is cloned.  None: ``BPR()``.
    l2 : float, default=10.0
        :math:`\lambda`, greater than 0, in numbers of items when features are of size 1.
    shrinkage : float, default=5.0
        :math:`\beta`, at least 0: events after which an item's own vector counts half.
    min_events : int, default=5
        :math:`m`: items with fewer events do not teach the map.
    refresh : int, default=1000
        Events after which the map is made anew at the latest; in the beginning after a quarter of those that came.
    max_features : int, default=4096
        Columns that the features may have; making the map takes 8 bytes for each pair of columns (128 MiB).
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the model has the same.

    Attributes
    ----------
    model_ : estimator
        The model, which knows users and items by row numbers.
    map_ : ndarray of shape (n_features, n_factors + 1)
        :math:`W`, of the columns `item_feature_names_`, the bias last; as of the last refreshment.
    item_features_ : sparse matrix of shape (n_items, n_features)
        What was given, aligned with `item_ids_`.

    See Also
    --------
    skl_increc.content.ContentRidge : Features alone, without factors to wait for.

    Notes
    -----
    The vectors move with every event.  The map is an exact ridge regression on them as they are when it is made: after
    75 events, and then whenever a quarter as many as before came (at least 75, at most `refresh`).  So it is a
    function of the events alone, and not of when somebody asks.  Features that come between two refreshments count at
    once, except new columns.

    **Cost**: an event costs what the model takes; a refreshment O(f k + d\ :sup:`2` k + d\ :sup:`3`) for d columns, f
    features that are not zero and k factors, every `refresh` events.  A list takes O(n k).

    **Guarantees**: S as the model has it.

    References
    ----------
    .. [1] Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme: Learning attribute-to-feature mappings for
       cold-start recommendations, ICDM 2010.

    Examples
    --------
    >>> from skl_increc.compose import ColdStartMap
    >>> from skl_increc.factorization import BPR
    >>> kinds = {"tea": "hot", "milk": "hot", "beer": "cold", "nuts": "cold"}
    >>> model = ColdStartMap(BPR(4), l2=0.1).set_item_features({item: {"kind": k} for item, k in kinds.items()})
    >>> for user in range(100):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "beer"})
    >>> model = model.set_item_features({"lemonade": {"kind": "cold"}, "cocoa": {"kind": "hot"}})
    >>> model.rank("ann", ["cocoa", "lemonade"])
    ['lemonade', 'cocoa']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l2": [Interval(numbers.Real, 0, None, closed="neither")],
        "shrinkage": [Interval(numbers.Real, 0, None, closed="left")],
        "min_events": [Interval(numbers.Integral, 1, None, closed="left")],
        "refresh": [Interval(numbers.Integral, 1, None, closed="left")],
        "max_features": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        l2: float = 10.0,
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
        super()._validate()
        model = self._model()
        if not isinstance(model, Recommender) or not hasattr(type(model), "item_factors_"):
            raise ValueError(
                f"estimator must be a recommender with item_factors_, as BPR or ImplicitALS; got {model!r}."
            )
        if model.time_col is not None and self.time_col is None:
            raise ValueError("The estimator has a time_col and the ColdStartMap has none. Set time_col.")

    def _model(self) -> Any:
        """The model, not taught."""
        return BPR() if self.estimator is None else self.estimator

    @property
    def min_y(self) -> float | None:
        """What the model takes for a positive."""
        return self._model().min_y

    @property
    def _takes_negatives(self) -> bool:  # type: ignore[override]
        return bool(self._model()._takes_negatives)

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
                _teach(member.model, u, i, y, w, t)
                _count(counts, i, w)
            else:
                model, made, new_counts = member.copy().model, kept.copy(), counts.copy()
                self._learn_by(state, model, made, new_counts, (u, i, y, w, t))
                member.model, state.stores["map"] = model, made
                counts[:] = new_counts
        except BaseException:
            state.undo()
            raise
        state.record(u, i, y, w, t)

    def _learn_by(
        self, state: State, model: Any, kept: FeatureMap, counts: np.ndarray, events: tuple[np.ndarray, ...]
    ) -> None:
        """Teach a copy of the model, and make the map whenever it is due."""
        a, n, came = 0, len(events[0]), state.n_events
        while a < n:
            b = min(n, a + max(1, kept.due - came))
            part = [column[a:b] for column in events]
            _teach(model, *part)
            _count(counts, part[1], part[3])
            came, a = came + b - a, b
            if came >= kept.due:
                features = feature_store(state, 1)
                rows = np.flatnonzero(counts[: state.item_rows.used] >= self.min_events)
                rows = rows[features.known(rows)]
                kept.fit(features.csr(rows), _own(model, rows), float(self.l2))
                kept.due = came + min(self.refresh, max(FIRST, came // 4))

    # -- answers --------------------------------------------------------------------------------
    def _vectors(self, state: State, rows: np.ndarray) -> np.ndarray:
        """The vectors and biases that answers are made from, float64 (n, n_factors + 1); zeros for -1."""
        kept: FeatureMap = state.stores["map"]
        own = _own(state.stores["member"].model, rows)
        if not len(kept.weights):
            return own
        mapped = kept.mapped(feature_store(state, 1), state.item_rows.used)
        young = np.flatnonzero(feature_store(state, 1).known(rows))
        count = state.item_rows.arrays["events"][rows[young], 0]
        share = (count / np.maximum(count + self.shrinkage, 1e-300))[:, None]
        own[young] = share * own[young] + (1 - share) * mapped[rows[young]]
        return own

    def _user_vectors(self, state: State, u: np.ndarray) -> np.ndarray:
        """Vectors of users, and a 1 for the bias of the item; zeros for strangers."""
        model = state.stores["member"].model
        factors = model._factors(model._ready_state())[0]
        at = model._state.users.find_ints(np.asarray(u, np.int64))
        found, met = np.zeros((len(u), model.n_factors + 1)), at >= 0
        found[met, :-1] = factors[at[met]][:, : model.n_factors]
        found[:, -1] = 1.0
        return found

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        if state.stores["member"].model._state is None:
            return np.zeros(len(u))
        users, which = np.unique(u, return_inverse=True)
        items, what = np.unique(i, return_inverse=True)
        P, Q = self._user_vectors(state, users), self._vectors(state, items)
        return _products(P[which].T, Q[what].T)

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        n = state.item_rows.used
        if state.stores["member"].model._state is None:
            return np.zeros((len(u), n))
        P, Q = self._user_vectors(state, u), self._vectors(state, np.arange(n))
        return _products(P.T[:, :, None], np.ascontiguousarray(Q.T)[:, None, :])

    @property
    def model_(self) -> Any:
        return self._ready_state().stores["member"].model

    @property
    def map_(self) -> np.ndarray:
        state = self._ready_state()
        weights = state.stores["map"].weights
        missing = feature_store(state, 1).n_columns - len(weights)
        return np.vstack([weights, np.zeros((missing, weights.shape[1]))])


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of products over the first axis, in its order: to the last bit the same for one user and for many."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total += x * y
    return total


def _teach(model: Any, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
    """Let the model learn events of these rows; on error it is as it was."""
    if model._state is None:
        model._state = model._new_state()
    users, items = (Ids(ints=rows.astype(np.int64), missing=rows < 0) for rows in (u, i))
    events = Interactions(users, items, None if model.time_col is None else t)
    learn_events(model, model._ready_state(), events, y, w, None)


def _count(counts: np.ndarray, i: np.ndarray, w: np.ndarray) -> None:
    np.add.at(counts, i[(i >= 0) & (w > 0)], 1.0)


def _own(model: Any, rows: np.ndarray) -> np.ndarray:
    """Vectors and biases that the model learned for these item rows, float64; zeros for those it has not met."""
    _, factors, biases = model._factors(model._ready_state())
    at = model._state.items.find_ints(np.asarray(rows, np.int64))
    found, met = np.zeros((len(rows), model.n_factors + 1)), at >= 0
    found[met, :-1], found[met, -1] = factors[at[met]][:, : model.n_factors], biases[at[met]]
    return found
