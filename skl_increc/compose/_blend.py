"""One score out of several models, by weights that are learned along the stream."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, InteractionEstimator, Recommender
from skl_increc.compose._member import Member

__all__ = ["Blend"]

LEAST = 1e-100  # a member whose scores are no larger has said nothing yet
MEMORY = 500.0  # questions over which the size of a member's scores is averaged


class Blend(Recommender):
    r"""A weighted sum of the scores of several models, whose weights are learned from each event [1]_.

    .. math:: s_{ui} = \sum_m \theta_m\, f(s^{(m)}_{ui} / \sigma_m), \qquad f(x) = \operatorname{sign}(x) \log(1 + |x|)

    with :math:`\sigma_m` the mean size of a member's scores lately.  Before an event is learned, all members are
    asked about its item :math:`i` and about `n_negatives` others that the user has not had, and :math:`\theta` takes a
    step up the log-likelihood of choosing :math:`i` from among them, at the rate of Adagrad.  Then the
    members learn the event.  So a member counts as much as it has lately helped to predict, and what
    ranks best need not be known beforehand: how long popularity lasts, say.

    Parameters
    ----------
    estimators : list of (str, estimator)
        Recommenders (or rating models), each with a name; they are cloned.
    learning_rate : float, default=0.3
        Of the weights.
    n_negatives : int, default=30
        Other items that an event is held against.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists and of what is drawn.
    random_state : int, RandomState or None, default=0
        Of what is drawn; None: drawn once and kept.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the members that have a `time_col` are given it.

    Attributes
    ----------
    weights_ : dict of str to float
        :math:`\theta`, by the names of the members.
    members_ : dict of str to estimator
        The members, which know users and items by row numbers.

    See Also
    --------
    skl_increc.model_selection.progressive_validate : To compare models instead.

    Notes
    -----
    An event of a user with an item that she had, or that nobody had, teaches the members alone.

    **Cost**: an event asks and teaches all members, through Python: some tens of microseconds a member.  A list
    takes what the lists of the members take together.

    **Guarantees**: S as far as all members have it: what is drawn follows from `random_state` and the number of
    the event.  It can be pickled and copied; ``save`` refuses it as yet.

    References
    ----------
    .. [1] Sill, Takacs, Mackey, Lin: Feature-weighted linear stacking, arXiv:0911.0460, 2009 (for the idea of
       learning how much each model counts).

    Examples
    --------
    >>> from skl_increc.compose import Blend
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.neighbors import ItemKNN
    >>> model = Blend([("alike", ItemKNN()), ("popular", Popularity())])
    >>> for user in range(20):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "tea"})
    >>> model.recommend_one("ann", 1)
    ['milk']
    >>> sorted(model.weights_)
    ['alike', 'popular']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [list, tuple],
        "learning_rate": [Interval(numbers.Real, 0, None, closed="neither")],
        "n_negatives": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimators: Any,
        *,
        learning_rate: float = 0.3,
        n_negatives: int = 30,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimators = estimators
        self.learning_rate = learning_rate
        self.n_negatives = n_negatives
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _entries(self) -> list[tuple[str, Any]]:
        """Names and models, checked."""
        entries = [tuple(e) if isinstance(e, (tuple, list)) else (e,) for e in self.estimators]
        for entry in entries:
            if (
                len(entry) != 2
                or not isinstance(entry[0], str)
                or not isinstance(entry[1], InteractionEstimator)
            ):
                raise ValueError(
                    f"estimators must be pairs of a name and a model of this library; got {entry!r}. "
                    "Write [('rules', SequentialRules()), ...]."
                )
        names = [name for name, _ in entries]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"estimators must be at least one, each with a name of its own; got {names}.")
        timed = [name for name, model in entries if model.time_col is not None]
        if timed and self.time_col is None:
            raise ValueError(f"The member {timed[0]!r} has a time_col and the Blend has none. Set time_col.")
        return entries

    def _structure(self) -> dict[str, Any]:
        return {
            "estimators": [(name, repr(model)) for name, model in self._entries()],
            "history": self.history,
            "time_col": self.time_col,
        }

    def _stores(self) -> dict[str, Any]:
        return {f"member_{m}": Member(model.clone()) for m, (_, model) in enumerate(self._entries())}

    def _fields(self) -> list[Field]:
        n = len(self._entries())
        return [
            Field("weights", "scalar", n, meaning="theta of each member"),
            Field("squares", "scalar", n, meaning="squared gradients of theta"),
            Field("sizes", "scalar", n, meaning="mean size of a member's scores"),
            Field("asked", "scalar", meaning="events from which theta was learned"),
        ]

    def _new_state(self) -> State:
        state = super()._new_state()
        state.scalar("weights")[:] = 1.0
        return state

    def _members(self, state: State) -> list[Member]:
        return [state.stores[f"member_{m}"] for m in range(len(state.stores))]

    # -- learning -------------------------------------------------------------------------------
    def _record(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        """Nothing yet: theta depends on who had what before each event, so that `_learn` notes it."""

    def _learn(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        members = self._members(state)
        for j in range(len(u)):
            user, item = int(u[j]), int(i[j])
            self._weigh(state, members, user, item, float(w[j]))
            one = slice(j, j + 1)
            state.record(u[one], i[one], y[one], w[one], t[one])
            for member in members:
                member.learn(user, item, float(y[j]), float(w[j]), float(t[j]))

    def _weigh(self, state: State, members: list[Member], u: int, i: int, w: float) -> None:
        """A step of theta by one event that is yet to be learned."""
        n = members[0].n_items
        had = np.empty(0, np.int32) if state.history is None or u < 0 else state.history.items_of(u)
        if not 0 <= i < n or (had == i).any():
            return
        drawn = _draw(state.meta["seed"], state.n_events, self.n_negatives, n)
        drawn = drawn[(drawn != i) & ~np.isin(drawn, had)]
        if not len(drawn):
            return
        items = np.concatenate([[i], drawn]).astype(np.int32)
        users = np.full(len(items), u, np.int32)
        scores = np.array([member.score_pairs(users, items) for member in members])
        asked, sizes, theta = state.scalar("asked"), state.scalar("sizes"), state.scalar("weights")
        asked += 1.0
        sizes += (np.abs(scores).mean(axis=1) - sizes) / min(asked[0], MEMORY)
        features = _flattened(scores, sizes[:, None])
        total = theta @ features
        chance = np.exp(total - total.max())
        gradient = min(w, 1.0) * (features[:, 0] - features @ (chance / chance.sum()))
        squares = state.scalar("squares")
        squares += gradient**2
        theta += self.learning_rate * gradient / np.sqrt(1.0 + squares)

    def _guarantees(self) -> Guarantees:
        promises = [model.guarantees().S for _, model in self._entries()]
        why = "the weights depend on the order of the events"
        worst = next((p for p in ("no", "rounding") if p in promises), "bitwise")
        return Guarantees(worst, "no", "no", "no", why)  # type: ignore[arg-type]

    # -- answers --------------------------------------------------------------------------------
    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        scores = np.array([member.score_pairs(u, i) for member in self._members(state)])
        return state.scalar("weights") @ _flattened(scores, state.scalar("sizes")[:, None])

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        total = np.zeros((len(u), state.item_rows.used))
        parts = zip(self._members(state), state.scalar("weights"), state.scalar("sizes"), strict=True)
        for member, theta, size in parts:
            total += theta * _flattened(member.score_items(u, state.item_rows.used), size)
        return total

    @property
    def weights_(self) -> dict[str, float]:
        theta = self._ready_state().scalar("weights")
        return {name: float(v) for (name, _), v in zip(self._entries(), theta, strict=True)}

    @property
    def members_(self) -> dict[str, Any]:
        members = self._members(self._ready_state())
        return {name: member.model for (name, _), member in zip(self._entries(), members, strict=True)}


def _flattened(scores: np.ndarray, size: Any) -> np.ndarray:
    """Scores of any size, so that their tails weigh alike."""
    size = np.broadcast_to(size, scores.shape)
    share = np.divide(np.abs(scores), size, out=np.zeros(scores.shape), where=size > LEAST)
    return np.sign(scores) * np.log1p(share)


def _draw(seed: int, event: int, n: int, below: int) -> np.ndarray:
    """n numbers below a bound, a function of the seed and the number of the event (SplitMix64)."""
    with np.errstate(over="ignore"):
        key = _mix(np.uint64(seed % 2**64)) + np.uint64(event)
        words = _mix(_mix(key) + np.arange(n, dtype=np.uint64))
    return (words % np.uint64(below)).astype(np.int32)


def _mix(z: Any) -> Any:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
