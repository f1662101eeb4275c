"""Biased matrix factorisation for ratings, one event at a time."""

from __future__ import annotations

from typing import Any

from skl_increc.base import RatingRegressor
from skl_increc.factorization._base import FactorMixin

__all__ = ["BiasedMF"]


class BiasedMF(FactorMixin, RatingRegressor):
    r"""Biased matrix factorisation [1]_ by stochastic gradient steps.

    .. math:: \hat r_{ui} = \mu + \sigma (b_u + b_i + p_u^\top q_i)

    With the standardised error :math:`e` of an event, :math:`b_u \mathrel{+}= \eta (e - \lambda b_u)`,
    :math:`p_u \mathrel{+}= \eta (e q_i - \lambda p_u)`, :math:`q_i \mathrel{+}= \eta (e p_u - \lambda
    q_i)`.  The mean :math:`\mu` and the standard deviation :math:`\sigma` of the ratings are learned
    from the stream, so that the same parameters suit ratings of any scale.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    optimizer : {"adagrad", "sgd", "adam", "gd"}, default="adagrad"
        "adagrad": one accumulator per row [2]_, the step of a row shrinks as it learns; "sgd": a constant
        rate; "adam" [4]_: two moments a number, their start corrected by the steps of the row; "gd":
        full-batch gradient descent, `fit` then needs ``n_epochs > 1`` and `partial_fit` is one step over the
        events of the call, in which each row moves by its mean gradient.
    learning_rate, learning_rate_bias : float or None, default=None
        Steps of the vectors and of the biases.  None: what suits the optimizer, 0.25 and 0.3 for "adagrad"
        and "gd", 0.1 and 0.08 for "sgd", 0.02 and 0.06 for "adam".
    l2 : float, default=0.01
        Shrinkage of the vectors.
    l2_bias : float or None, default=0.1
        Shrinkage of the biases; None: `l2`.
    init : {"normal", "uniform", "mean"}, default="normal"
        Start of a row: random with standard deviation `init_scale`, a function of the id and
        `random_state`; "mean" adds the average of the rows of its side.
    init_scale : float, default=0.04
        Standard deviation of the random start.
    n_epochs : int, default=1
        Passes of `fit` over its events, in order.
    biases : bool, default=True
        False: plain FunkMF, :math:`\sigma\, p_u^\top q_i`, with :math:`\sigma` the root mean square.
    implicit : {None, "history"}, default=None
        "history": the last items of a user are a second vector of the user, as in SVD++ [3]_:
        :math:`p_u + |H|^{-1/2} \sum_{j \in H} y_j` stands for :math:`p_u`.  The `user_factors_` are the
        :math:`p_u`.
    implicit_size : int, default=50
        How many distinct items are in :math:`H`; the time of an event grows with it.
    replay : int, default=0
        After each event so many past events are learned again; 0: learn and discard.
    replay_size : int, default=1000
        Past events kept for that: a fair sample of all (user, item) events so far.
    clip_to_range : bool, default=False
        Keep predictions (not list scores) within the ratings seen.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    random_state : int, RandomState or None, default=0
        Of the starts; None: drawn once and kept.
    verbose : int, default=0
        Report passes on stderr.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float32, read-only, in standard deviations of the ratings.

    See Also
    --------
    skl_increc.baselines.Baseline : The mean and the biases alone.
    BiasedMFClassifier : The same for 0/1 targets.

    Notes
    -----
    A step that would make a row grow beyond all measure, or that meets one which has, is not made; a
    DivergenceWarning says so once.

    **Cost**: O(n_factors) an event; per new row 4 bytes times `n_factors` rounded up to 16, 16 for the
    bias and the accumulators, and the id; at least 24 per user for the history.  "adam" triples the bytes of
    a vector.  `implicit` makes it O(n_factors implicit_size) and takes 4 bytes a user times `implicit_size`, and
    another vector an item.  `replay` multiplies the time by 1 + `replay` and takes 32 bytes times `replay_size`.

    **Guarantees**: S bitwise (on one build and processor level), for ``n_epochs=1`` and not for "gd".

    References
    ----------
    .. [1] Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems, Computer 2009.
    .. [2] Duchi, Hazan, Singer: Adaptive subgradient methods, JMLR 2011.
    .. [3] Koren: Factorization meets the neighborhood, KDD 2008.
    .. [4] Kingma, Ba: Adam, a method for stochastic optimization, ICLR 2015.

    Examples
    --------
    >>> from skl_increc.factorization import BiasedMF
    >>> model = BiasedMF(n_factors=4)
    >>> for user, item, rating in [("ann", "tea", 5), ("bob", "tea", 4), ("bob", "milk", 1)]:
    ...     model.learn_one({"user": user, "item": item}, rating)
    >>> model.predict_one({"user": "ann", "item": "tea"}) > model.predict_one({"user": "ann", "item": "milk"})
    True
    >>> model.recommend_one("ann")
    ['milk']
    """

    def __init__(
        self,
        n_factors: int = 10,
        *,
        optimizer: str = "adagrad",
        learning_rate: float | None = None,
        learning_rate_bias: float | None = None,
        l2: float = 0.01,
        l2_bias: float | None = 0.1,
        init: str = "normal",
        init_scale: float = 0.04,
        n_epochs: int = 1,
        biases: bool = True,
        implicit: str | None = None,
        implicit_size: int = 50,
        replay: int = 0,
        replay_size: int = 1000,
        clip_to_range: bool = False,
        history: int | None = None,
        random_state: Any = 0,
        verbose: int = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_bias = learning_rate_bias
        self.l2 = l2
        self.l2_bias = l2_bias
        self.init = init
        self.init_scale = init_scale
        self.n_epochs = n_epochs
        self.biases = biases
        self.implicit = implicit
        self.implicit_size = implicit_size
        self.replay = replay
        self.replay_size = replay_size
        self.clip_to_range = clip_to_range
        self.history = history
        self.random_state = random_state
        self.verbose = verbose
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> BiasedMF:
        """Forget everything, then make `n_epochs` passes over the events of X in order.

        The parameters are those of ``InteractionEstimator.fit``.

        Raises
        ------
        ValueError
            If ``optimizer="gd"`` and ``n_epochs=1``: one full-batch step learns next to nothing.
        """
        self._check_passes()
        return super().fit(X, y, sample_weight)

    def _predict_score(self, state: Any, u: Any, i: Any) -> Any:
        return state.learner.score_pairs(u, i, bool(self.clip_to_range))
