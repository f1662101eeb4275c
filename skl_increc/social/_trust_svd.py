"""Matrix factorisation in which the friends of a user are features of hers."""

from __future__ import annotations

from typing import Any

from skl_increc._kernels._mf_options import TrustLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.social._ties import TiedMF

__all__ = ["TrustSVD"]


class TrustSVD(TiedMF):
    r"""Biased matrix factorisation with a second vector for whom a user trusts [1]_.

    .. math::
        \hat r_{ui} = \mu + \sigma \bigl(b_u + b_i + q_i^\top (p_u + |a_u|^{-1} \sum_{v \in F_u} a_{uv} w_v)\bigr),
        \qquad |a_u|^2 = \sum_{v \in F_u} a_{uv}^2

    :math:`w_v` is what those who trust :math:`v` have in common, learned from their ratings, as SVD++ learns from the
    items that users had: with ties of weight 1 the factor is :math:`|F_u|^{-1/2}`.  Two users who trust the same
    people are alike, whoever these are, and whether they have events or not.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    learning_rate, learning_rate_bias : float or None, default=None
        Steps of the vectors and of the biases, by row-wise Adagrad.  None: 0.25 and 0.3.
    l2 : float, default=0.01
        Shrinkage of the vectors, those of trusted users included.
    l2_bias : float or None, default=0.1
        Shrinkage of the biases; None: `l2`.
    max_friends : int, default=20
        Ties kept for each user; see ``add_edges`` for which.
    init_scale : float, default=0.04
        Standard deviation of the random start of a row, a function of the id and `random_state`.
    clip_to_range : bool, default=False
        Keep predictions (not list scores) within the ratings seen.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    random_state : int, RandomState or None, default=0
        Of the starts; None: drawn once and kept.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`; the users' own vectors alone.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float32, read-only, in standard deviations of the ratings.
    n_edges_ : int
        How many ties there are.

    See Also
    --------
    SocialMF : Users are pulled to the rows of their friends.

    Notes
    -----
    The paper adds the vectors of the items that the user had, which ``BiasedMF(implicit="history")`` has, and asks
    that :math:`p_u` and :math:`w_v` explain the ties themselves.  Neither is done here.

    **Cost**: O(n_factors max_friends) an event and an answer of a user with friends.  Bytes as ``BiasedMF``, and
    8 times `max_friends` and another vector a user.

    **Guarantees**: S bitwise (on one build and processor level), when ties come at the same places of the stream.

    References
    ----------
    .. [1] Guo, Zhang, Yorke-Smith: TrustSVD: collaborative filtering with both the explicit and implicit influence of
       user trust and of item ratings, AAAI 2015.

    Examples
    --------
    >>> from skl_increc.social import TrustSVD
    >>> model = TrustSVD(n_factors=4).add_edges(["ann", "bob"], ["eve", "eve"], weights=[1.0, 0.5])
    >>> for user, item, rating in [("ann", "tea", 5), ("bob", "tea", 2), ("ann", "milk", 4)]:
    ...     model.learn_one({"user": user, "item": item}, rating)
    >>> model.friends_of("bob")
    (array(['eve'], dtype=object), array([0.5]))
    """

    def __init__(
        self,
        n_factors: int = 10,
        *,
        learning_rate: float | None = None,
        learning_rate_bias: float | None = None,
        l2: float = 0.01,
        l2_bias: float | None = 0.1,
        max_friends: int = 20,
        init_scale: float = 0.04,
        clip_to_range: bool = False,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.learning_rate = learning_rate
        self.learning_rate_bias = learning_rate_bias
        self.l2 = l2
        self.l2_bias = l2_bias
        self.max_friends = max_friends
        self.init_scale = init_scale
        self.clip_to_range = clip_to_range
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _fields(self) -> list[Field]:
        return [
            *super()._fields(),
            Field(
                "implicit", "user", self.n_factors, "float32", pad=True, meaning="what who trusts her likes"
            ),
            Field("implicit_acc", "user", 1, "float32", meaning="squared gradients of the second vector"),
        ]

    def _make_learner(self, state: State) -> TrustLearner:
        return TrustLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])
