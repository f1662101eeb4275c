"""Factors learned from what happened, against items that did not."""

from __future__ import annotations

import numbers
from functools import partial
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees
from skl_increc.base._cold_start import cold_shape, count_store
from skl_increc.factorization import _options
from skl_increc.factorization._bpr_steps import LOSSES, NEGATIVES, SCALARS, BPRLearner
from skl_increc.factorization._implicit import ImplicitFactors
from skl_increc.factorization._labels import NUMBERS, weights_of_classes
from skl_increc.factorization._passes import average_passes

__all__ = ["BPR"]

#: rates of vectors and of biases where the user names none, by optimizer
RATES = {"adagrad": (0.15, 0.15), "sgd": (0.05, 0.05)}
EPSILON = 1.0  # of Adagrad: the first steps are no larger than the rate


class BPR(ImplicitFactors):
    r"""Factors that rank what a user took above what the user did not, one event at a time.

    .. math:: s_{ui} = b_i + p_u^\top q_i

    An event is held against items :math:`j` that the user has not had, drawn anew each time:

    ============== =======================================================================================
    `loss`         what an event lowers
    ============== =======================================================================================
    ``"bpr"``      :math:`\sum_j \log(1 + e^{s_{uj} - s_{ui}})`, pairs in their order [1]_
    ``"warp"``     :math:`\omega\,(1 - s_{ui} + s_{uj})` of the first :math:`j` for which this is above 0, with
                   :math:`\omega = \log \lfloor (n - 1) / d \rfloor` of n items after d draws, at least 1 [2]_
    ``"logistic"`` :math:`\log(1 + e^{-s_{ui}}) + \beta \sum_j \log(1 + e^{s_{uj}})`
    ``"squared"``  :math:`\tfrac12 (1 - s_{ui})^2 + \tfrac{\beta}{2} \sum_j s_{uj}^2`
    ============== =======================================================================================

    with :math:`\beta` = `negative_weight`.  ``loss="squared", biases=False`` is ISGD [3]_ with
    ``n_negatives=0``, and RAISGD [4]_ with ``negatives="recent"``, but for the order of lists, which they take
    from :math:`|1 - s_{ui}|`.  Beware of ISGD: with nothing to tell apart, all scores drift to 1.

    An event with y <= 0 is something that the user refused: its item goes below the user's last one (pairs), or
    towards 0.

    Parameters
    ----------
    n_factors : int, default=32
        Length of the vectors.
    loss : {"bpr", "warp", "logistic", "squared"}, default="bpr"
        See above.
    n_negatives : int, default=50
        Items drawn for an event; the most that are tried by "warp".  0 with "logistic" and "squared" only.
    negatives : {"uniform", "popularity", "recent", "hardest"}, default="uniform"
        How they are drawn from the items known so far: each alike; by the power `exponent` of the number of
        events; those that were longest unseen, in turn, which with "logistic" and "squared" move the user alone;
        each the highest in score of `n_candidates` drawn alike.  What the user is known to have is drawn again.
    exponent : float, default=0.5
        Of "popularity": 0 draws all alike, 1 in proportion to events.
    n_candidates : int, default=5
        Of "hardest".
    negative_weight : float or "balanced", default="balanced"
        :math:`\beta`, of items that are drawn; "balanced": 1 / `n_negatives`, together as much as the positive.
        With "logistic" and "squared".
    class_weight : dict, "balanced" or None, default=None
        Weights of the events of what was refused (0) and of what was taken (1), such as ``{0: 3.0}``; those that
        are not named have 1.  "balanced": both weigh the same, by the sums of their weights so far; 1 while one of
        them alone has come.
    optimizer : {"adagrad", "sgd"}, default="adagrad"
        "adagrad": one accumulator a row [5]_, the step of a row shrinks as it learns; "sgd": a constant rate.
    learning_rate, learning_rate_bias : float or None, default=None
        Steps of the vectors and of the biases.  None: 0.15 for "adagrad", 0.05 for "sgd".
    l2 : float, default=0.02
        Shrinkage of the vectors, in each step.
    l2_bias : float or None, default=None
        Shrinkage of the biases; None: `l2`.
    init_scale : float, default=0.1
        Standard deviation of the start of a row, which is a function of the id and `random_state`.
    biases : bool, default=True
        Whether items have a bias.
    n_epochs : int, default=1
        Passes of `fit`, each in the order of the events.  Of several, the vectors and biases are the mean over the
        ends of the passes, of which the k-th counts k times [6]_.
    replay : int, default=0
        After each event so many past events are learned again; 0: learn and discard.
    replay_size : int, default=1000
        Past events kept for that: a fair sample of all (user, item) events so far.
    cold_start : {"recent", "popular"}, default="recent"
        What answers a user of whom no event has taught: "recent", what newcomers take lately (see
        :ref:`cold_start`); "popular", how often an item was taken.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen and teach nothing.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists and of what is drawn: None all, 0 none, n the
        last n.
    random_state : int, RandomState or None, default=0
        Of the starts and of what is drawn; None: drawn once and kept.
    n_jobs : int or None, default=None
        Threads of answers to many at once, as joblib counts them; learning is in order, and uses one.  The results
        are the same to the last bit.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`.
    item_biases_ : ndarray of shape (n_items,)
        float32, read-only.

    See Also
    --------
    BiasedMF : The same for ratings.
    skl_increc.neighbors.ItemKNN : Lists from counts, exact and forgettable.

    Notes
    -----
    No step goes beyond the point where it would lower the loss no more; those of "warp" are as long as its weight
    says.  A step that would make a row grow beyond all measure, or that meets one which has, is not made, and a
    DivergenceWarning says so once.

    An anonymous event teaches the biases alone.

    **Cost**: O(n_factors n_negatives) an event, times 1 + `replay`, and for "hardest" times `n_candidates`; per
    new row 4 bytes times `n_factors` rounded up to 16, 16 for the bias and the accumulators, and the id; 4 a user
    for the last item, at least 24 for the history; 8 an item for "recent", 16 for "popularity".  While a `fit` of
    several passes lasts, the vectors up to twice more.

    **Guarantees**: S bitwise (on one build and processor level), for ``n_epochs=1``: what is drawn is a function
    of `random_state` and the number of the event.

    References
    ----------
    .. [1] Rendle, Freudenthaler, Gantner, Schmidt-Thieme: BPR, Bayesian personalized ranking from implicit
       feedback, UAI 2009.
    .. [2] Weston, Bengio, Usunier: WSABIE, scaling up to large vocabulary image annotation, IJCAI 2011.
    .. [3] Vinagre, Jorge, Gama: Fast incremental matrix factorization for recommendation with positive-only
       feedback, UMAP 2014.
    .. [4] Vinagre, Jorge, Gama: Collaborative filtering with recency-based negative feedback, SAC 2015.
    .. [5] Duchi, Hazan, Singer: Adaptive subgradient methods, JMLR 2011.
    .. [6] Shamir, Zhang: Stochastic gradient descent for non-smooth optimization, convergence results and optimal
       averaging schemes, ICML 2013.

    Examples
    --------
    >>> from skl_increc.factorization import BPR
    >>> model = BPR(4)
    >>> for user in range(20):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "tea"})
    >>> model.recommend_one("ann", 1)
    ['milk']
    """

    _takes_negatives: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ImplicitFactors._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "n_negatives": [Interval(numbers.Integral, 0, None, closed="left")],
        "negatives": [StrOptions(set(NEGATIVES))],
        "exponent": [Interval(numbers.Real, 0, None, closed="left")],
        "n_candidates": [Interval(numbers.Integral, 1, None, closed="left")],
        "negative_weight": [Interval(numbers.Real, 0, None, closed="neither"), StrOptions({"balanced"})],
        "optimizer": [StrOptions(set(RATES))],
        "learning_rate": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "learning_rate_bias": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "l2": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_bias": [None, Interval(numbers.Real, 0, None, closed="left")],
        "init_scale": [Interval(numbers.Real, 0, None, closed="left")],
        "biases": ["boolean"],
        "replay": [Interval(numbers.Integral, 0, None, closed="left")],
        "replay_size": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_factors: int = 32,
        *,
        loss: str = "bpr",
        n_negatives: int = 50,
        negatives: str = "uniform",
        exponent: float = 0.5,
        n_candidates: int = 5,
        negative_weight: float | str = "balanced",
        class_weight: Any = None,
        optimizer: str = "adagrad",
        learning_rate: float | None = None,
        learning_rate_bias: float | None = None,
        l2: float = 0.02,
        l2_bias: float | None = None,
        init_scale: float = 0.1,
        biases: bool = True,
        n_epochs: int = 1,
        replay: int = 0,
        replay_size: int = 1000,
        cold_start: str = "recent",
        min_y: float | None = None,
        history: int | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.n_negatives = n_negatives
        self.negatives = negatives
        self.exponent = exponent
        self.n_candidates = n_candidates
        self.negative_weight = negative_weight
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_bias = learning_rate_bias
        self.l2 = l2
        self.l2_bias = l2_bias
        self.init_scale = init_scale
        self.biases = biases
        self.n_epochs = n_epochs
        self.replay = replay
        self.replay_size = replay_size
        self.cold_start = cold_start
        self.min_y = min_y
        self.history = history
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _structure(self) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "history": self.history,
            **cold_shape(self),
            "negatives": self.negatives,
            "replay above 0": bool(self.replay),
            "replay_size": self.replay_size if self.replay else 0,
        }

    def _stores(self) -> dict[str, Any]:
        return count_store(self)

    def _validate(self) -> None:
        super()._validate()
        if self.n_negatives == 0 and self.loss in ("bpr", "warp"):
            raise ValueError(
                f"loss={self.loss!r} compares an item with others, and n_negatives=0 draws none. Set n_negatives=1 "
                "or more, or loss='squared', which without negatives is ISGD."
            )

    def _fields(self) -> list[Field]:
        stat = "bias, squared gradients of bias and of vector, not used"
        fields = [
            *self._row_fields(stat),
            Field("last", "user", 1, "int32", meaning="the last item row taken + 1, or 0"),
            Field(
                "counts",
                "scalar",
                SCALARS,
                meaning="events, items known, steps left out, ends of the queue, weights taken and refused",
            ),
        ]
        if self.negatives == "recent":
            fields.append(Field("queue", "item", 2, "int32", meaning="item rows + 1 before and after it"))
        if self.negatives == "popularity":
            fields += [
                Field("weight", "item", meaning="events of the item"),
                Field("tree", "item", meaning="sums of powers of them, as a tree"),
            ]
        return fields + _options.replay_fields(self)

    def _make_learner(self, state: State) -> BPRLearner:
        return BPRLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self, state: State) -> None:
        rate, rate_bias = RATES[self.optimizer]
        self._configure_rows(
            state,
            self.init_scale,
            optimizer=int(self.optimizer == "adagrad"),
            biases=self.biases,
            learning_rate=rate if self.learning_rate is None else self.learning_rate,
            learning_rate_bias=rate_bias if self.learning_rate_bias is None else self.learning_rate_bias,
            l2=self.l2,
            l2_bias=self.l2 if self.l2_bias is None else self.l2_bias,
            epsilon=EPSILON,
        )
        weight = self.negative_weight
        state.learner.configure_sampling(
            loss=LOSSES[self.loss],
            negatives=NEGATIVES[self.negatives],
            n_negatives=self.n_negatives,
            n_candidates=self.n_candidates,
            exponent=self.exponent,
            negative_weight=1 / max(self.n_negatives, 1) if weight == "balanced" else weight,
            classes=weights_of_classes(self.class_weight, NUMBERS),
            replay=self.replay,
            replay_room=self.replay_size,
        )

    def _learn_again(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, epoch: int) -> None:
        state.learner.count = False  # what is drawn follows from the first pass
        try:
            state.learn(u, i, y, w, t)
        finally:
            state.learner.count = True

    def _learn_passes(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, n_epochs: int) -> None:
        users, items = state.user_rows, state.item_rows
        rows = [users.view("factors"), items.view("factors"), items.view("stat")[:, 0]]
        average_passes(partial(self._learn_again, state, u, i, y, w, t), rows, n_epochs)

    def _check_state(self, state: State) -> None:
        _options.check_state(self, state)
        n = state.items.n_rows
        events, known, _, head, tail, taken, refused = state.scalar("counts")
        if not (0 <= events < 2**53 and 0 <= known <= n and 0 <= head <= n and 0 <= tail <= n) or known % 1:
            raise ValueError(f"{events:g} events and {known:g} items known of {n} cannot be")
        if not (0 <= taken < np.inf and 0 <= refused < np.inf):
            raise ValueError(f"{taken:g} and {refused:g} are no weights of what was taken and refused")
        last = state.user_rows.view("last")
        if len(last) and (last.min() < 0 or last.max() > n):
            raise ValueError("a user's last item is not among the items")
        if self.negatives == "recent":
            _check_queue(state.item_rows.view("queue"), int(head), int(tail))

    def _guarantees(self) -> Guarantees:
        return self._says("each gradient step depends on the steps before it")


def _check_queue(links: np.ndarray, head: int, tail: int) -> None:
    """Raise ValueError unless the links are those of one queue from `head` to `tail`, and of rows outside it."""
    at, before, left = head, 0, len(links)
    outside = np.ones(len(links), bool)
    while left > 0 and 0 < at <= len(links) and links[at - 1, 0] == before:
        outside[at - 1] = False
        at, before, left = int(links[at - 1, 1]), at, left - 1
    if at or before != tail or links[outside].any():
        raise ValueError("the queue of items has no end, or not this one")
