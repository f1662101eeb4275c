"""Biased matrix factorisation for 0/1 targets."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc._state._state import State
from skl_increc.factorization._base import FactorMixin
from skl_increc.factorization._labels import BinaryModel

__all__ = ["BiasedMFClassifier"]


class BiasedMFClassifier(FactorMixin, BinaryModel):
    r"""Biased matrix factorisation of 0/1 targets by cross-entropy.

    .. math:: P(y_{ui} = 1) = \operatorname{sigmoid}(\mu + b_u + b_i + p_u^\top q_i)

    with :math:`\mu` the log-odds of the base rate so far.  The steps are those of ``BiasedMF`` with the
    error :math:`e = y - P(y = 1)`.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    optimizer : {"adagrad", "sgd", "adam", "gd"}, default="adagrad"
        As in ``BiasedMF``.
    learning_rate, learning_rate_bias : float or None, default=None
        Steps of the vectors and of the biases.  None: what suits the optimizer, 0.7 and 0.8 for "adagrad"
        and "gd", 0.1 and 0.32 for "sgd", 0.02 and 0.06 for "adam".
    l2, l2_bias : float, default=0.05, 0.03
        Shrinkage of the vectors and of the biases (None: `l2`).
    init_scale : float, default=0.07
        Standard deviation of the random start.
    class_weight : dict, "balanced" or None, default=None
        Label -> weight of its events.  "balanced": both labels weigh the same, by the sums of their weights so far;
        the probabilities are then those of a stream in which both are as frequent.
    init, n_epochs, biases, implicit, implicit_size, replay, replay_size, history, random_state, verbose
        As in ``BiasedMF``.
    user_col, item_col, time_col
        As in ``BiasedMF``.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, the positive one last; 0 and 1 unless other labels came.

    Notes
    -----
    **Cost** and **Guarantees**: those of ``BiasedMF``.

    Examples
    --------
    >>> from skl_increc.factorization import BiasedMFClassifier
    >>> model = BiasedMFClassifier(n_factors=4)
    >>> for item, bought in [("tea", 1), ("milk", 0), ("tea", 1), ("milk", 0)]:
    ...     model.learn_one({"user": "ann", "item": item}, bought)
    >>> model.predict_one({"user": "ann", "item": "tea"})
    1
    """

    _loss: ClassVar[int] = 1

    def __init__(
        self,
        n_factors: int = 10,
        *,
        optimizer: str = "adagrad",
        learning_rate: float | None = None,
        learning_rate_bias: float | None = None,
        l2: float = 0.05,
        l2_bias: float | None = 0.03,
        init: str = "normal",
        init_scale: float = 0.07,
        class_weight: dict | str | None = None,
        n_epochs: int = 1,
        biases: bool = True,
        implicit: str | None = None,
        implicit_size: int = 50,
        replay: int = 0,
        replay_size: int = 1000,
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
        self.class_weight = class_weight
        self.n_epochs = n_epochs
        self.biases = biases
        self.implicit = implicit
        self.implicit_size = implicit_size
        self.replay = replay
        self.replay_size = replay_size
        self.history = history
        self.random_state = random_state
        self.verbose = verbose
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _configure(self, state: State) -> None:
        super()._configure(state)
        state.learner.weigh(self._class_weights(state))
