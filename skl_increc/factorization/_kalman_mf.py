"""Matrix factorisation as a Kalman filter: every vector with its uncertainty."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._kernels._kalman import SCALARS, KalmanLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field, Rows
from skl_increc.base import Guarantees, RatingRegressor
from skl_increc.factorization._base import VectorMixin

__all__ = ["KalmanMF"]

#: defaults of what has another unit with `time_col`: a row's own events, or seconds
DRIFT = {False: 5e-4, True: 3e-10}
MEMORY = {False: 5.0, True: 600.0}
MOOD = 0.08


class KalmanMF(VectorMixin, RatingRegressor):
    r"""Biased matrix factorisation as a Kalman filter [1]_: every number with its uncertainty.

    .. math:: \hat r_{ui} = \mu + \sigma (b_u + m_u + b_i + p_u^\top q_i)

    A user is a Gaussian over factors, bias and mood, :math:`x_u = [p_u, b_u, m_u]`, an item one over
    factors and bias.  With :math:`h = [q_i, 1, 1]`, :math:`g = [p_u, 1]` and the standardised error
    :math:`e` of an event of weight :math:`w`,

    .. math::
        V = h^\top \Sigma_u h + g^\top \Sigma_i g, \qquad
        S = V + \operatorname{tr}(\Sigma_u^{pp} \Sigma_i^{qq}) + s^2 / w

        x_u \mathrel{+}= \Sigma_u h\, e / S, \qquad
        \Sigma_u \mathrel{-}= \Sigma_u h h^\top \Sigma_u / S

    and the item alike.  So a row that is uncertain takes large steps and an old one small steps, without
    a learning rate.  Between its events a row becomes less certain: the bias by `drift`, while a `mood`
    fades.  The mean :math:`\mu` and standard deviation :math:`\sigma` of the ratings are learned from
    the stream, so that the same parameters suit ratings of any scale: all variances are in units of
    :math:`\sigma^2`.

    Parameters
    ----------
    n_factors : int, default=10
        Length of the vectors.
    covariance : {"diag", "full"}, default="diag"
        What is kept of :math:`\Sigma`: the variances, or the whole matrix of each row, a little better
        and more costly.
    drift : float or None, default=None
        Variance that a bias gains with each of its row's own events; with `time_col`, in each second since
        the row's newest event.  None: 5e-4 an event, or 3e-10 a second (0.01 a year).  0: nothing changes,
        for data without an order; `mood` is then off by default.
    drift_factors : float, default=0.0
        The same for each factor.
    mood : float or None, default=None
        Variance of the part of a user's bias that comes and goes, as between sittings.  None: 0.08, or 0
        without any drift.
    mood_memory : float or None, default=None
        How long a mood lasts, until :math:`1/\mathrm{e}` of it is left: in events of the user, or in seconds
        with `time_col`.  None: 5 events, or 600 seconds.
    noise : float or None, default=None
        Variance :math:`s^2` of a rating around its mean.  None: learned, from how the errors compare with
        the variances that were predicted.
    variance_bias : float, default=0.2
        Variance of the bias of a new row.
    variance_factors : float, default=0.4
        Variance of :math:`p_u^\top q_i` of a new user and a new item; a factor has the variance
        :math:`\sqrt{\text{variance\_factors} / \text{n\_factors}}`.
    init_scale : float, default=0.04
        Standard deviation of the random start of the factors, a function of the id and `random_state`.
    clip_to_range : bool, default=False
        Keep predictions (not list scores) within the ratings seen.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    random_state : int, RandomState or None, default=0
        Of the starts; None: drawn once and kept.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time: the events of one call are sorted by it, and it is the clock of `drift` and
        `mood_memory`.  A late event counts as no time.  Predictions are for the newest time seen.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`.
    user_biases_, item_biases_ : ndarray of shape (n_users,), (n_items,)
        float32, read-only, in standard deviations of the ratings, without moods.
    user_variances_, item_variances_ : ndarray of shape (n_users, n_factors + 1), (n_items, n_factors + 1)
        float32, of the factors and, last, of the bias.
    noise_ : float
        The variance of a rating around its mean, as given or as learned.

    See Also
    --------
    BiasedMF : The same prediction by gradient steps.
    skl_increc.baselines.Baseline : With `drift`, the biases of this model alone.

    Notes
    -----
    A new row starts from the prior: factors around 0, and the bias that the last 300 new rows of its side
    showed in their first events.  The variance of an unknown row is that of the prior.  The trace in
    :math:`S` tempers the steps of rows that know little of each other; the standard deviations of
    ``predict`` leave it out, because they fit the errors better without.  An error beyond four standard
    deviations counts as four, and no step takes the prediction beyond its target.

    **Cost**: "diag" O(n_factors), "full" O(n_factors\ :sup:`2`) an event.  Per new row, with k factors
    rounded up to a multiple of 16, 8 k + 32 bytes ("full": 4 k, and 4 (n_factors + 2) bytes times
    n_factors + 2 rounded up in the same way, and 32) and the id; at least 32 per user for the history.

    **Guarantees**: S bitwise (on one build and processor level).

    References
    ----------
    .. [1] Sun, Parthasarathy, Varshney: Collaborative Kalman filtering for dynamic matrix factorization,
       IEEE Transactions on Signal Processing 2014.

    Examples
    --------
    >>> from skl_increc.factorization import KalmanMF
    >>> model = KalmanMF(n_factors=4)
    >>> for user, item, rating in [("ann", "tea", 5), ("bob", "tea", 4), ("bob", "milk", 1)]:
    ...     model.learn_one({"user": user, "item": item}, rating)
    >>> model.predict_one({"user": "ann", "item": "tea"}) > model.predict_one({"user": "ann", "item": "milk"})
    True
    >>> known, unknown = (model.predict_one_std(user=user, item="tea") for user in ("bob", "cid"))
    >>> known < unknown
    True
    >>> mean, std = model.predict([["bob", "tea"], ["cid", "tea"]], return_std=True)
    >>> float(std[1]) == unknown
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_factors": [Interval(numbers.Integral, 1, None, closed="left")],
        "covariance": [StrOptions({"diag", "full"})],
        "drift": [None, Interval(numbers.Real, 0, 1, closed="both")],
        "drift_factors": [Interval(numbers.Real, 0, 1, closed="both")],
        "mood": [None, Interval(numbers.Real, 0, 100, closed="both")],
        "mood_memory": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "noise": [None, Interval(numbers.Real, 0, 100, closed="right")],
        "variance_bias": [Interval(numbers.Real, 0, 100, closed="right")],
        "variance_factors": [Interval(numbers.Real, 0, 100, closed="right")],
        "init_scale": [Interval(numbers.Real, 0, 100, closed="left")],
        "clip_to_range": ["boolean"],
    }

    def __init__(
        self,
        n_factors: int = 10,
        *,
        covariance: str = "diag",
        drift: float | None = None,
        drift_factors: float = 0.0,
        mood: float | None = None,
        mood_memory: float | None = None,
        noise: float | None = None,
        variance_bias: float = 0.2,
        variance_factors: float = 0.4,
        init_scale: float = 0.04,
        clip_to_range: bool = False,
        history: int | None = None,
        random_state: Any = 0,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.covariance = covariance
        self.drift = drift
        self.drift_factors = drift_factors
        self.mood = mood
        self.mood_memory = mood_memory
        self.noise = noise
        self.variance_bias = variance_bias
        self.variance_factors = variance_factors
        self.init_scale = init_scale
        self.clip_to_range = clip_to_range
        self.history = history
        self.random_state = random_state
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- state ------------------------------------------------------------------------------------
    @property
    def _timed(self) -> bool:
        return self.time_col is not None

    def _structure(self) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "covariance": self.covariance,
            "time_col": self.time_col,
            "history": self.history,
        }

    def _fields(self) -> list[Field]:
        k = self.n_factors
        fields = []
        for side in ("user", "item"):
            fields += [
                Field("factors", side, k, "float32", pad=True, meaning="means of the factors"),
                Field("variances", side, k, "float32", pad=True, meaning="their variances")
                if self.covariance == "diag"
                else Field(
                    "covariance", side, (k + 2) * _wide(k), "float32", meaning="of factors, bias and mood"
                ),
                Field("stat", side, 4, "float32", meaning="bias, its variance, mood, its variance"),
                Field("seen", side, 2, meaning="events, and the time of the newest"),
            ]
        meanings = {
            "totals": "weight, sum, sum of squares, shift, lowest and highest rating",
            "filter": "events, noise, prior means of the biases of users and of items, time of the newest event",
        }
        return fields + [
            Field(name, "scalar", SCALARS[name], meaning=text) for name, text in meanings.items()
        ]

    def _make_learner(self, state: State) -> KalmanLearner:
        k = self.n_factors
        return KalmanLearner(
            k, state.user_rows.arrays["factors"].shape[1], _wide(k), self.covariance == "full"
        )

    def _configure(self, state: State) -> None:
        drift = DRIFT[self._timed] if self.drift is None else self.drift
        still = drift == 0 and self.drift_factors == 0
        state.learner.configure(
            variance_bias=self.variance_bias,
            variance_factor=math.sqrt(self.variance_factors / self.n_factors),
            drift=drift,
            drift_factors=self.drift_factors,
            mood=(0.0 if still else MOOD) if self.mood is None else self.mood,
            memory=MEMORY[self._timed] if self.mood_memory is None else self.mood_memory,
            noise=self.noise or 0.0,
            timed=self._timed,
            init_scale=self.init_scale,
            seed=state.meta["seed"] % 2**64,
        )
        state.learner.clip = self.clip_to_range

    def _guarantees(self) -> Guarantees:
        why = "each step depends on the means and variances that the steps before it left"
        return Guarantees("bitwise", "no", "no", "no", why)

    def _check_state(self, state: State) -> None:
        for side, rows in (("user", state.user_rows), ("item", state.item_rows)):
            variances = self._diagonal(rows)
            if not (variances >= 0).all():  # no NaN either
                raise ValueError(f"a variance of the {side} rows is negative or no number")

    # -- answers ----------------------------------------------------------------------------------
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions for pairs, with their standard deviations if asked.

        Parameters
        ----------
        X : frame or array-like of shape (n_pairs, n_columns)
            Read as by ``fit``.  Unknown and missing ids are answered from the prior.
        return_std : bool, default=False
            Whether to return the standard deviations too.

        Returns
        -------
        mean : ndarray of float64 (n_pairs,)
        std : ndarray of float64 (n_pairs,)
            With `return_std`: of a rating around `mean`, noise included, in the units of the ratings.
        """
        if not return_std:
            return super().predict(X)
        state, u, i = self._pairs_of(X)
        return state.learner.score_and_std(u, i, bool(self.clip_to_range))

    def predict_one_std(self, x: dict | None = None, *, user: Any = None, item: Any = None) -> float:
        """The standard deviation of one rating around ``predict_one``.  The model stays as it is.

        Parameters
        ----------
        x : dict or None
            The event, as for ``predict_one``.
        user, item : hashable
            The ids, instead of in `x`.  Unknown or missing ids are answered from the prior.

        Returns
        -------
        float
            At least 0, noise included, in the units of the ratings; before any event, whose units nobody
            knows, in standard units.
        """
        state = self._new_state() if self._state is None else self._ready_state()
        if x is not None:
            if not isinstance(x, Mapping):
                raise TypeError(
                    f"x must be a dict of an event, such as {{'user': 'Alice', 'item': 'tea'}}; got {x!r}."
                )
            user = x.get(self.user_col) if user is None else user
            item = x.get(self.item_col) if item is None else item
            if user is None and item is None:
                user, item = self._ids_by_position(x, False)
        return state.learner.deviation(state.users.find(user), state.items.find(item))

    def _predict_score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(u, i, bool(self.clip_to_range))

    # -- what was learned -------------------------------------------------------------------------
    @property
    def noise_(self) -> float:
        """Variance of a rating around its mean, in units of the variance of all ratings."""
        return float(self._ready_state().learner.noise())

    @property
    def user_variances_(self) -> np.ndarray:
        """Variances of the users' factors and, last, of their biases, float32 (n_users, n_factors + 1)."""
        return self._variances("user")

    @property
    def item_variances_(self) -> np.ndarray:
        """Variances of the items' factors and, last, of their biases, float32 (n_items, n_factors + 1)."""
        return self._variances("item")

    def _variances(self, side: str) -> np.ndarray:
        state = self._ready_state()
        index, rows = (state.users, state.user_rows) if side == "user" else (state.items, state.item_rows)
        return self._diagonal(rows)[index.live()]

    def _diagonal(self, rows: Rows) -> np.ndarray:
        """Variances of the factors and of the bias, a copy."""
        k = self.n_factors
        if self.covariance == "full":
            whole = rows.view("covariance").reshape(rows.used, k + 2, _wide(k))
            return np.diagonal(whole, axis1=1, axis2=2)[:, : k + 1].copy()
        return np.c_[rows.view("variances").reshape(rows.used, k), rows.view("stat")[:, 1]]


def _wide(k: int) -> int:
    """Floats of a row of a full covariance: factors, bias and mood, in whole vectors."""
    return (k + 2 + 15) // 16 * 16
