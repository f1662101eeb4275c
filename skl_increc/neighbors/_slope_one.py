"""Ratings moved by the mean difference between two items."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc._kernels._neighbors import SlopeOneLearner
from skl_increc._state._state import State
from skl_increc.neighbors._base import PairRegressor

__all__ = ["SlopeOne"]


class SlopeOne(PairRegressor):
    r"""Weighted Slope One: a user's ratings, each moved by the mean difference of two items [1]_.

    .. math::
        \hat r_{ui} = \frac{\sum_{j \in H_u} n_{ij} (r_{uj} + d_{ij}) + \lambda\, b_{ui}}{\sum_{j \in H_u} n_{ij}
        + \lambda}, \qquad d_{ij} = \frac{1}{n_{ij}} \sum_{v} (r_{vi} - r_{vj})

    over the :math:`n_{ij}` users v who rated both items, with the items :math:`H_u` of the user.  The paper has
    :math:`\lambda = 0`; :math:`\lambda` = `shrinkage` draws the answer towards :math:`b_{ui} = \mu + b_u + b_i`,
    the biases of `Baseline`.  Counts and sums of differences are whole numbers: the model is a function of the
    set of events.

    Parameters
    ----------
    shrinkage : float, default=300.0
        :math:`\lambda`: how many users of a pair the biases weigh.
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
    user rated both.

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
    .. [1] Lemire and Maclachlan: Slope One predictors for online rating-based collaborative filtering, SDM 2005.

    Examples
    --------
    >>> from skl_increc.neighbors import SlopeOne
    >>> X = [["ann", "tea"], ["ann", "milk"], ["bob", "tea"], ["bob", "milk"], ["cid", "tea"]]
    >>> model = SlopeOne(shrinkage=0).fit(X, [5, 4, 4, 2, 3])
    >>> model.predict([["cid", "milk"]]).tolist()
    [1.5]
    """

    _records: ClassVar[str] = "slopes"

    def __init__(
        self,
        shrinkage: float = 300.0,
        *,
        l2_user: float = 5.0,
        l2_item: float = 5.0,
        max_history: int | None = None,
        max_partners: int | None = None,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.shrinkage = shrinkage
        self.l2_user = l2_user
        self.l2_item = l2_item
        self.max_history = max_history
        self.max_partners = max_partners
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _make_learner(self, state: State) -> Any:
        return SlopeOneLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(self.l2_user, self.l2_item, self.shrinkage)
