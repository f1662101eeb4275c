"""Matrix factorisation in which a user is pulled to the rows of her friends."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval

from skl_increc._kernels._mf_options import SocialLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.social._ties import TiedMF

__all__ = ["SocialMF"]


class SocialMF(TiedMF):
    r"""Biased matrix factorisation whose users are pulled to the rows of their friends [1]_.

    .. math:: \hat r_{ui} = \mu + \sigma (b_u + b_i + p_u^\top q_i)

    as :class:`~skl_increc.factorization.BiasedMF`.  With the means of the friends' rows, weighted by the ties
    :math:`a_{uv}`, over the friends :math:`F_u` who have events,

    .. math::
        m_u = \frac{\sum_{v \in F_u} a_{uv}\, p_v}{\sum_{v \in F_u} a_{uv}}, \qquad
        n_u = \frac{\sum_{v \in F_u} a_{uv}\, b_v}{\sum_{v \in F_u} a_{uv}},

    a user begins at :math:`(h_p m_u, h_b n_u)`, is answered from there before her first event, and is pulled towards
    it after her :math:`N`-th step: :math:`p_u \mathrel{+}= s\,(h_p m_u - p_u)` with :math:`s = x / (1 + x)` and
    :math:`x = \eta \beta w / N`, the bias alike.  How alike friends are, :math:`h_b` and :math:`h_p` in [0, 1], is
    learned from the first five events of users with friends: by regression of what the items leave of their ratings
    on :math:`n_u`, and of what the biases leave on :math:`m_u^\top q_i`.  So ties that tell nothing do next to no
    harm.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    learning_rate, learning_rate_bias : float or None, default=None
        Steps of the vectors and of the biases, by row-wise Adagrad.  None: 0.25 and 0.3.
    l2 : float, default=0.01
        Shrinkage of the vectors.
    l2_bias : float or None, default=0.1
        Shrinkage of the biases; None: `l2`.
    social : float, default=0.3
        :math:`\beta`, how hard a user is pulled to her friends.  0: she begins there, and goes her own way.
    homophily : float or None, default=None
        :math:`h_b` and :math:`h_p`, 0 to 1; 1 is the model of the paper.  None: learned.
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
        float32, read-only, aligned with `user_ids_` and `item_ids_`; of a user without events her own start, and not
        where her friends are.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float32, read-only, in standard deviations of the ratings.
    homophily_ : tuple of float
        :math:`h_b` and :math:`h_p`.
    n_edges_ : int
        How many ties there are.

    See Also
    --------
    TrustSVD : Friends as features, each with a vector of what those who trust her like.
    skl_increc.factorization.BiasedMF : The same without friends.

    Notes
    -----
    The paper descends on an objective over all users, so that an event of a user moves her friends too.  Here an event
    moves the row of its user and of its item, and reads those of the friends: ties are directed, and a star with a
    million followers is not dragged along by them.  A user who is named in a tie and has no events has a row, and
    counts for nobody; without friends who have events she is answered as a stranger.

    **Cost**: O(n_factors max_friends) an event of a user with friends, O(n_factors) of others; an answer O(n_factors),
    of a user without events O(n_factors max_friends).  Bytes as ``BiasedMF``, and 8 times `max_friends` a user.
    ``remove_edges`` without friends reads all ties.

    **Guarantees**: S bitwise (on one build and processor level), when ties come at the same places of the stream.

    References
    ----------
    .. [1] Jamali, Ester: A matrix factorization technique with trust propagation for recommendation in social
       networks, RecSys 2010.

    Examples
    --------
    >>> from skl_increc.social import SocialMF
    >>> model = SocialMF(n_factors=4).add_edges(["cid", "dan"], ["ann", "bob"])
    >>> for user, item, rating in [("ann", "tea", 5), ("bob", "tea", 2), ("ann", "milk", 4), ("bob", "milk", 1)]:
    ...     model.learn_one({"user": user, "item": item}, rating)
    >>> model.predict_one({"user": "cid", "item": "tea"}) > model.predict_one({"user": "dan", "item": "tea"})
    True
    >>> model.remove_edges(["cid"], ["ann"])
    1
    >>> model.predict_one({"user": "cid", "item": "tea"}) == model.predict_one({"user": "eve", "item": "tea"})
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TiedMF._parameter_constraints,
        "social": [Interval(numbers.Real, 0, 1e6, closed="both")],
        "homophily": [None, Interval(numbers.Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        n_factors: int = 10,
        *,
        learning_rate: float | None = None,
        learning_rate_bias: float | None = None,
        l2: float = 0.01,
        l2_bias: float | None = 0.1,
        social: float = 0.3,
        homophily: float | None = None,
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
        self.social = social
        self.homophily = homophily
        self.max_friends = max_friends
        self.init_scale = init_scale
        self.clip_to_range = clip_to_range
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _fields(self) -> list[Field]:
        meaning = "sums of products and of squares, of friends' biases and of friends' vectors"
        return [*super()._fields(), Field("alike", "scalar", 4, meaning=meaning)]

    def _make_learner(self, state: State) -> SocialLearner:
        return SocialLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self, state: State) -> None:
        super()._configure(state)
        fixed = -1.0 if self.homophily is None else self.homophily
        state.learner.befriend(state.scalar_at["alike"].start, self.social, fixed)

    @property
    def homophily_(self) -> tuple[float, float]:
        """How alike friends are in their biases and in their vectors, each from 0 to 1."""
        return self._ready_state().learner.alike()
