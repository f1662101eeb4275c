"""Factorisation machine for ratings, one event at a time."""

from __future__ import annotations

from typing import Any

from skl_increc.base import RatingRegressor
from skl_increc.factorization._fm import MachineMixin

__all__ = ["FactorizationMachine"]


class FactorizationMachine(MachineMixin, RatingRegressor):
    r"""Factorisation machine [1]_ of users, items and whatever else an event says, for ratings.

    .. math:: \hat y = w_0 + \sum_j w_j x_j + \tfrac12 \sum_f \Big[\big(\sum_j v_{jf} x_j\big)^2
        - \sum_j v_{jf}^2 x_j^2\Big]

    The user and the item are features with :math:`x = 1`; `context` and `item_context` name further columns.
    :math:`w_0` and the unit of :math:`\hat y` are the mean and the standard deviation of the ratings so far, so
    that the same parameters suit ratings of any scale.  With a user and an item alone this is ``BiasedMF``.

    Ratings, classes and lists are three classes, because scikit-learn and River ask the class of a model what it
    is: `FactorizationMachineClassifier` is for 0/1 targets, `FactorizationMachineRecommender` orders items.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    context : dict, list or None, default=None
        Columns that say who asks, when and where: column -> "category" (one name), "list" (names: a list, a set, a
        string parted by `separator`, or a dict of names and numbers), "number", or "vector" (an array of numbers,
        such as an embedding).  A list of columns means categories.  Missing values say nothing.
    item_context : dict, list or None, default=None
        The same for columns that describe the item of the event.
    interactions : {"all", "user-item"}, default="all"
        "all": every pair of features, as above.  "user-item": pairs of one feature of the user's side and one of the
        item's, :math:`\sum_j w_j x_j + (\sum_{j \in U} v_j x_j)^\top (\sum_{j \in I} v_j x_j)`: a user or item
        is the sum of its features, as in LightFM [2]_.
    separator : str, default="|"
        Parts the names of a "list" in a string.
    n_features : int or None, default=None
        None: every name of a category or list gets a row of its own.  A number: they share so many rows, found by
        a hash of column and name, which bounds the memory.
    learning_rate, learning_rate_bias : float, default=0.25, 0.3
        Steps of the vectors and of the weights; Adagrad with one accumulator a row [3]_.
    l2, l2_bias : float, default=0.01, 0.1
        Shrinkage of the vectors and of the weights.
    optimizer_bias : {"adagrad", "ftrl"}, default="adagrad"
        Of the weights.  "ftrl" [4]_ keeps weights of rare features at 0 by `l1_bias`.
    l1_bias : float, default=0.0
        For "ftrl".
    init_scale : float, default=0.04
        Standard deviation of the random start of a row, a function of the feature and `random_state`.
    n_epochs : int, default=1
        Passes of `fit` over its events, in order.
    clip_to_range : bool, default=False
        Keep predictions (not list scores) within the ratings seen.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    random_state : int, RandomState or None, default=0
        Of the starts; None: drawn once and kept.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).  Arrays have the columns of the context behind the first
        two, in their order, or where positions say.
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
    BiasedMF : Users and items alone, with more optimizers.

    Notes
    -----
    A "number" counts in standard deviations from its mean, both of the events so far, five at most; the numbers of
    a "vector" so, too, divided by the square root of its length.  Each of the m names of a "list" has
    :math:`x = 1/\sqrt m`, or its number.

    Lists order the items by user and item, and by the `context` where ``recommend(users, context=...)`` is given one;
    `item_context`, which is of single items, is not looked at: use ``set_item_features``.  The view ``top(k)`` takes
    the context from the event.

    **Cost**: O(n_factors) for each feature of an event; per new row 4 bytes times `n_factors` rounded up to 16, 16
    for the weight and the accumulators, and the id; at least 24 per user for the history.

    **Guarantees**: S bitwise (on one build and processor level), for ``n_epochs=1``.

    References
    ----------
    .. [1] Rendle: Factorization machines, ICDM 2010.
    .. [2] Kula: Metadata embeddings for user and item cold-start recommendations, CBRecSys 2015.
    .. [3] Duchi, Hazan, Singer: Adaptive subgradient methods, JMLR 2011.
    .. [4] McMahan et al.: Ad click prediction, a view from the trenches, KDD 2013.

    Examples
    --------
    >>> from skl_increc.factorization import FactorizationMachine
    >>> model = FactorizationMachine(4, context=["hour"])
    >>> for k in range(40):
    ...     model.learn_one({"user": k % 3, "item": "tea", "hour": "am" if k % 2 else "pm"}, 5 if k % 2 else 2)
    >>> morning, evening = ({"user": "new", "item": "tea", "hour": hour} for hour in ("am", "pm"))
    >>> model.predict_one(morning) > 4 > 3 > model.predict_one(evening)
    True
    """

    def __init__(
        self,
        n_factors: int = 10,
        *,
        context: Any = None,
        item_context: Any = None,
        interactions: str = "all",
        separator: str = "|",
        n_features: int | None = None,
        learning_rate: float = 0.25,
        learning_rate_bias: float = 0.3,
        l2: float = 0.01,
        l2_bias: float = 0.1,
        optimizer_bias: str = "adagrad",
        l1_bias: float = 0.0,
        init_scale: float = 0.04,
        n_epochs: int = 1,
        clip_to_range: bool = False,
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
        self.clip_to_range = clip_to_range
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col
