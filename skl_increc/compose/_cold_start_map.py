"""New items start where their features point: a map from features to the factors of any factor model."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc._state._state import State
from skl_increc.base import RatingRegressor, Recommender
from skl_increc.compose._mapped_factors import MappedFactors
from skl_increc.factorization import BPR, BiasedMF

__all__ = ["ColdStartMap", "RatingColdStartMap"]


class ColdStartMap(MappedFactors, Recommender):
    r"""A factor model for lists, in which items begin where their features point [1]_.

    .. math::
        W = \arg\min_W \sum_{i:\, n_i \ge m} \|q_i - W^\top x_i\|^2 + \lambda \|W\|^2, \qquad
        \hat q_i = q_i + \frac{\beta}{n_i + \beta}\, W^\top x_i

    with the vectors :math:`q_i` (and biases) that the model learned for items of :math:`n_i` events, the features
    :math:`x_i` that ``set_item_features`` gave, :math:`m` = `min_events`, :math:`\lambda` = `l2` and :math:`\beta` =
    `shrinkage`.  An item without events has :math:`W^\top x_i`; one without features has :math:`q_i`.

    What few events taught is small, because every factor model draws its vectors towards 0: :math:`q_i` is added whole,
    to what its features say and its events do not say yet.

    Parameters
    ----------
    estimator : estimator or None, default=None
        A recommender with a vector and a bias for each item, BPR or ImplicitALS; it is cloned.  None: ``BPR()``.
    l2 : float, default=1.0
        :math:`\lambda`, greater than 0, in numbers of items when features are of size 1.
    shrinkage : float, default=5.0
        :math:`\beta`, at least 0: events after which the features of an item count half.
    min_events : int, default=5
        :math:`m`: items with fewer events do not teach the map.
    refresh : int, default=1000
        Events after which the map is made anew at the latest; in the beginning after a quarter of those that came.
    max_features : int, default=4096
        Columns that the features may have; making the map takes 8 bytes for each pair of columns (128 MiB).
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the model has the same.

    Attributes
    ----------
    model_ : estimator
        The model, which knows users and items by row numbers.
    map_ : ndarray of shape (n_features, n_factors + 1)
        :math:`W`, of the columns `item_feature_names_`, the bias last; as of the last refreshment.
    item_features_ : sparse matrix of shape (n_items, n_features)
        What was given, aligned with `item_ids_`.

    See Also
    --------
    RatingColdStartMap : The same for ratings.
    skl_increc.content.ContentRidge : Features alone, without factors to wait for.

    Notes
    -----
    The vectors move with every event.  The map is an exact ridge regression on them as they are when it is made: after
    75 events, and then whenever a quarter as many as before came (at least 75, at most `refresh`).  So it is a
    function of the events alone, and not of when somebody asks.  Features that come between two refreshments count at
    once, except new columns.

    **Cost**: an event costs what the model takes; a refreshment O(f k + d\ :sup:`2` k + d\ :sup:`3`) for d columns (or
    items, where these are fewer), f features that are not zero and k factors, every `refresh` events.  A list takes
    O(n k).  A table is learned in a copy of the model.

    **Guarantees**: S as the model has it.

    References
    ----------
    .. [1] Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme: Learning attribute-to-feature mappings for
       cold-start recommendations, ICDM 2010.

    Examples
    --------
    >>> from skl_increc.compose import ColdStartMap
    >>> from skl_increc.factorization import BPR
    >>> kinds = {"tea": "hot", "milk": "hot", "beer": "cold", "nuts": "cold"}
    >>> model = ColdStartMap(BPR(4), l2=0.1).set_item_features({item: {"kind": k} for item, k in kinds.items()})
    >>> for user in range(100):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "beer"})
    >>> model = model.set_item_features({"lemonade": {"kind": "cold"}, "cocoa": {"kind": "hot"}})
    >>> model.rank("ann", ["cocoa", "lemonade"])
    ['lemonade', 'cocoa']
    """

    _kind_of_model: ClassVar[tuple[type, str]] = (
        Recommender,
        "recommender with item_factors_, as BPR or ImplicitALS",
    )

    def _model(self) -> Any:
        return BPR() if self.estimator is None else self.estimator

    @property
    def min_y(self) -> float | None:
        """What the model takes for a positive."""
        return self._model().min_y

    @property
    def _takes_negatives(self) -> bool:  # type: ignore[override]
        return bool(self._model()._takes_negatives)


class RatingColdStartMap(MappedFactors, RatingRegressor):
    r"""A factor model for ratings, in which items begin where their features point.

    .. math::
        \hat r_{ui} = r_{ui} + \sigma\, \frac{\beta}{n_i + \beta}\, (p_u, 1)^\top W^\top x_i, \qquad
        W = \arg\min_W \sum_{i:\, n_i \ge m} \|(q_i, b_i) - W^\top x_i\|^2 + \lambda \|W\|^2

    with the rating :math:`r_{ui}` that the model tells, its vectors :math:`p_u`, :math:`q_i` and biases :math:`b_i`
    in standard deviations :math:`\sigma` of the ratings, and all else as in `ColdStartMap`.

    Parameters
    ----------
    estimator : estimator or None, default=None
        A rating model with a vector and a bias for each item, BiasedMF or KalmanMF (with
        biases); it is cloned.  None: ``BiasedMF()``.
    l2 : float, default=3.0
        :math:`\lambda`, greater than 0, in numbers of items when features are of size 1.
    shrinkage : float, default=5.0
        :math:`\beta`, at least 0: events after which the features of an item count half.
    min_events : int, default=2
        :math:`m`: items with fewer events do not teach the map.
    refresh, max_features, history
        As in `ColdStartMap`.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the model has the same.

    Attributes
    ----------
    model_ : estimator
        The model, which knows users and items by row numbers.
    map_ : ndarray of shape (n_features, n_factors + 1)
        :math:`W`, of the columns `item_feature_names_`, the bias last; as of the last refreshment.

    See Also
    --------
    ColdStartMap : The same for lists.

    Notes
    -----
    **Cost** and **Guarantees** are those of `ColdStartMap`.

    Examples
    --------
    >>> from skl_increc.compose import RatingColdStartMap
    >>> model = RatingColdStartMap().set_item_features({k: {"kind": "tea" if k % 2 else "beer"} for k in range(20)})
    >>> for k in range(200):
    ...     model.learn_one({"user": k % 7, "item": k % 20}, 5.0 if k % 2 else 2.0)
    >>> model = model.set_item_features({"sencha": {"kind": "tea"}, "stout": {"kind": "beer"}})
    >>> model.predict_one({"user": 3, "item": "sencha"}) > 4 > 3 > model.predict_one({"user": 3, "item": "stout"})
    True
    """

    _kind_of_model: ClassVar[tuple[type, str]] = (
        RatingRegressor,
        "rating model with item_factors_, as BiasedMF or KalmanMF",
    )

    def __init__(
        self,
        estimator: Any = None,
        *,
        l2: float = 3.0,
        shrinkage: float = 5.0,
        min_events: int = 2,
        refresh: int = 1000,
        max_features: int = 4096,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        super().__init__(
            estimator,
            l2=l2,
            shrinkage=shrinkage,
            min_events=min_events,
            refresh=refresh,
            max_features=max_features,
            history=history,
            user_col=user_col,
            item_col=item_col,
            time_col=time_col,
        )

    def _model(self) -> Any:
        return BiasedMF() if self.estimator is None else self.estimator

    def _validate(self) -> None:
        super()._validate()
        if not getattr(self._model(), "biases", True):
            raise ValueError(
                f"{self._model()!r} has no biases, so that what it has not met is the mean of all, and no sum that a "
                "map could add to. Set biases=True."
            )

    def _unit(self, state: State) -> float:
        """The standard deviation of the ratings so far, as the model has it."""
        return float(state.learner.centre_and_scale()[1])
