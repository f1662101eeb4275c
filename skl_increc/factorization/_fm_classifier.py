"""Factorisation machine for 0/1 targets, one event at a time."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc.factorization._fm import MachineMixin
from skl_increc.factorization._labels import BinaryModel

__all__ = ["FactorizationMachineClassifier"]


class FactorizationMachineClassifier(MachineMixin, BinaryModel):
    r"""Factorisation machine of 0/1 targets (clicks, purchases) by cross-entropy.

    .. math:: P(y = 1) = \operatorname{sigmoid}\Big(w_0 + \sum_j w_j x_j + \tfrac12 \sum_f \Big[\big(\sum_j
        v_{jf} x_j\big)^2 - \sum_j v_{jf}^2 x_j^2\Big]\Big)

    with :math:`w_0` the log-odds of the base rate so far, and features as in ``FactorizationMachine``.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    context, item_context, interactions, separator, n_features
        As in ``FactorizationMachine``.
    learning_rate, learning_rate_bias : float, default=0.7, 0.8
        Steps of the vectors and of the weights.
    l2, l2_bias : float, default=0.05, 0.03
        Shrinkage of the vectors and of the weights.
    optimizer_bias, l1_bias
        As in ``FactorizationMachine``.
    init_scale : float, default=0.07
        Standard deviation of the random start.
    class_weight : dict, "balanced" or None, default=None
        Label -> weight of its events.  "balanced": both labels weigh the same, by their counts so far.  The
        probabilities are then those of the weighted events, not of the stream.
    n_epochs, history, random_state, user_col, item_col, time_col
        As in ``FactorizationMachine``.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The labels, the positive one last; 0 and 1 unless other labels came.

    See Also
    --------
    FactorizationMachine : Ratings; with the parameters described.
    BiasedMFClassifier : Users and items alone, with more optimizers.

    Notes
    -----
    **Cost** and **Guarantees**: those of ``FactorizationMachine``.

    Examples
    --------
    >>> from skl_increc.factorization import FactorizationMachineClassifier
    >>> model = FactorizationMachineClassifier(4, context=["device"])
    >>> for k in range(60):
    ...     device = "phone" if k % 2 else "desk"
    ...     model.learn_one({"user": k % 5, "item": "ad", "device": device}, k % 2)
    >>> model.predict_proba_one({"user": "new", "item": "ad", "device": "phone"})[1] > 0.8
    True
    """

    _loss: ClassVar[int] = 1

    def __init__(
        self,
        n_factors: int = 10,
        *,
        context: Any = None,
        item_context: Any = None,
        interactions: str = "all",
        separator: str = "|",
        n_features: int | None = None,
        learning_rate: float = 0.7,
        learning_rate_bias: float = 0.8,
        l2: float = 0.05,
        l2_bias: float = 0.03,
        optimizer_bias: str = "adagrad",
        l1_bias: float = 0.0,
        init_scale: float = 0.07,
        n_epochs: int = 1,
        class_weight: Any = None,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.context = context
        self.item_context = item_context
        self.interactions = interactions
        self.separator = separator
        self.n_features = n_features
        self.learning_rate = learning_rate
        self.learning_rate_bias = learning_rate_bias
        self.l2 = l2
        self.l2_bias = l2_bias
        self.optimizer_bias = optimizer_bias
        self.l1_bias = l1_bias
        self.init_scale = init_scale
        self.n_epochs = n_epochs
        self.class_weight = class_weight
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col
