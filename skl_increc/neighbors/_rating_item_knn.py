"""Ratings from the ratings of similar items."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._kernels._neighbors import ItemKNNLearner
from skl_increc._state._state import State
from skl_increc.neighbors._base import PairRegressor
from skl_increc.neighbors._similar import SimilarItemsMixin

__all__ = ["RatingItemKNN"]

SIMILARITIES = {"cosine": 0, "pearson": 1}


class RatingItemKNN(SimilarItemsMixin, PairRegressor):
    r"""Item neighbours from exact moments: what a user thinks of similar items [1]_ [2]_.

    .. math::
        \hat r_{ui} = b_{ui} + \frac{\sum_{j \in N} s_{ij} (r_{uj} - b_{uj})}{\sum_{j \in N} s_{ij} + \lambda},
        \qquad s_{ij} = \frac{n_{ij}}{n_{ij} + \text{shrinkage}}\, \rho_{ij}, \qquad b_{ui} = \mu + b_u + b_i

    over the `n_neighbors` items :math:`N` of the user that are most similar to i, of those with a positive
    similarity.  :math:`\rho` is taken over the :math:`n_{ij}` users who rated both, from the sums of
    x, y, x\ :sup:`2`, y\ :sup:`2` and xy, which are kept as whole numbers for every two items.  So the model
    is a function of the set of events, as its biases are (`Baseline`).

    Parameters
    ----------
    n_neighbors : int or None, default=40
        Neighbours at most; those that tie with the last one count too.  None: all.
    similarity : {"cosine", "pearson"}, default="cosine"
        "cosine" of the deviations from the mean of all ratings; "pearson" of those from the means of
        the two items among their common users.
    shrinkage : float, default=100.0
        A similarity that rests on so many users is halved.
    damping : float, default=0.5
        :math:`\lambda`: how much similarity the biases weigh.
    l2_user, l2_item : float, default=5.0
        Shrinkage of the biases, in events.
    max_history : int or None, default=None
        An event is paired with the last so many distinct items of its user; these alone are remembered, hidden
        by ``exclude_seen``, and used in predictions, the user's bias included.  None: all.
    max_partners : int or None, default=None
        Other items that an item keeps sums with, at most.  When there are so many and another comes, the
        quarter of them with the fewest common users is dropped.  None: all.
    history : None
        The items of a user are remembered as `max_history` says; the statistics follow from them.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Attributes
    ----------
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float64, aligned with `user_ids_` and `item_ids_`.

    Notes
    -----
    **Cost**: O(items of the user) to learn and to predict; a list of all items takes O(items x items of the
    user).  24 bytes and an id per row, 28 per distinct (user, item) pair, and 12 to 30 per two items that some
    user rated both, 80 more where ratings are not few steps of a grid.

    **Guarantees**: S, O, M, U, bitwise while ratings and weights lie on a grid of 2\ :sup:`-20`, as stars and
    half stars do.  A user's rating of an item is the weighted mean of all that the user gave it, to about
    2\ :sup:`-28` of the largest rating.

    With `max_history` = n: O(n) an event, 28 n bytes a user at most, and S and M alone.  What older items gave
    to the statistics stays.  An item that fell out begins anew when it comes again, as if another user rated
    it.  Where M is then "rounding": ratings off the grid, or sums that a far larger rating made coarser.

    With `max_partners` = n: at most 32 n + 64 bytes an item (80 n more where ratings are not a few steps of a
    grid), and S alone.  Each item has a row of its own partners; a pair speaks while one of its two rows keeps
    it.  What was dropped and comes again begins anew.  A rating given again changes what is said of its user
    and its item, and no pair.

    References
    ----------
    .. [1] Sarwar et al.: Item-based collaborative filtering recommendation algorithms, WWW 2001.
    .. [2] Koren: Factor in the neighbors, ACM TKDD 2010.

    Examples
    --------
    >>> from skl_increc.neighbors import RatingItemKNN
    >>> model = RatingItemKNN(shrinkage=1.0)
    >>> X = [["ann", "tea"], ["ann", "milk"], ["bob", "tea"], ["bob", "milk"], ["cid", "tea"]]
    >>> model = model.fit(X, [5, 5, 1, 2, 5])
    >>> print(f"{model.predict_one({'user': 'cid', 'item': 'milk'}):.2f}")
    4.45
    >>> items, parts = model.explain("cid", "milk")
    >>> items.tolist(), parts.round(2).tolist()
    (['tea'], [0.65])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PairRegressor._parameter_constraints,
        "n_neighbors": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "similarity": [StrOptions(set(SIMILARITIES))],
        "damping": [Interval(numbers.Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        n_neighbors: int | None = 40,
        *,
        similarity: str = "cosine",
        shrinkage: float = 100.0,
        damping: float = 0.5,
        l2_user: float = 5.0,
        l2_item: float = 5.0,
        max_history: int | None = None,
        max_partners: int | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.similarity = similarity
        self.shrinkage = shrinkage
        self.damping = damping
        self.l2_user = l2_user
        self.l2_item = l2_item
        self.max_history = max_history
        self.max_partners = max_partners
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _make_learner(self, state: State) -> ItemKNNLearner:
        return ItemKNNLearner()

    def _configure(self, state: State) -> None:
        kind, k = SIMILARITIES[self.similarity], self.n_neighbors or 0
        state.learner.configure(self.l2_user, self.l2_item, k, kind, self.shrinkage, self.damping)
