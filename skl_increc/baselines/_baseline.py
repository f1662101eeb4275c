"""The mean rating and the biases of users and items."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._kernels._baselines import BaselineLearner, DriftLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, RatingRegressor

__all__ = ["Baseline"]

TOTALS = Field("totals", "scalar", 6, meaning="weight, sum, sum of squares, shift, lowest and highest rating")


class Baseline(RatingRegressor):
    r"""Mean, user bias and item bias, shrunk towards zero [1]_.

    .. math::
        \hat r_{ui} = \mu + b_u + b_i, \qquad
        b_i = \frac{S_i - c_i \mu}{c_i + \lambda}, \qquad
        b_u = \frac{S_u - c_u \mu - \sum_{j \in H_u} b_j}{c_u + \lambda}

    with the sums :math:`S` and weights :math:`c` of the ratings of a user or an item.  Biases are
    worked out from the sums when they are asked for, so the model is a function of the *set* of
    events: it equals its own batch form in any order.  With `drift`, each bias is instead a Gaussian
    that wanders (a scalar Kalman filter), which follows change.

    Parameters
    ----------
    l2_user, l2_item : float, default=5.0
        Shrinkage :math:`\lambda`, in events: a bias of so many events is halved.
    drift : float or None, default=None
        None: the exact form.  Otherwise the variance that a bias gains with each of its own events,
        in units of the variance of the ratings; 0.002 suits taste that changes over months.
    noise : float, default=0.7
        With `drift`: the variance of a rating around its mean, in units of the variance of the ratings.
    history : int or None, default=None
        Items remembered per user; the exact form needs them all.
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
    **Cost**: exact form O(1) to learn, O(items of the user) to predict; 24 bytes and an id per row, 28
    per distinct pair.  With `drift` O(1) for both, 16 bytes a row.

    **Guarantees**: exact form S, O, M, U (bitwise while ratings and weights lie on a grid of
    2\ :sup:`-20`, as stars and half stars do); with `drift` S alone.

    References
    ----------
    .. [1] Koren: Factor in the neighbors, ACM TKDD 2010.

    Examples
    --------
    >>> from skl_increc.baselines import Baseline
    >>> model = Baseline(l2_user=0, l2_item=0)
    >>> X = [["ann", "tea"], ["ann", "milk"], ["bob", "tea"]]
    >>> model.fit(X, [5, 3, 4]).predict([["bob", "milk"], ["cid", "tea"]]).tolist()
    [2.5, 4.5]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l2_user": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_item": [Interval(numbers.Real, 0, None, closed="left")],
        "drift": [None, Interval(numbers.Real, 0, None, closed="left")],
        "noise": [Interval(numbers.Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        l2_user: float = 5.0,
        l2_item: float = 5.0,
        drift: float | None = None,
        noise: float = 0.7,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.l2_user = l2_user
        self.l2_item = l2_item
        self.drift = drift
        self.noise = noise
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _structure(self) -> dict[str, Any]:
        return {"drift": "exact" if self.drift is None else "drift", "history": self.history}

    def _fields(self) -> list[Field]:
        if self.drift is not None:
            return [
                *(Field("bias", side, meaning="in standard deviations") for side in ("user", "item")),
                *(Field("variance", side, meaning="of the bias") for side in ("user", "item")),
                TOTALS,
            ]
        if self.history is not None:
            raise ValueError(
                f"history={self.history!r} is too short for the exact form, which reads all items of a user. "
                "Set history=None, or drift to a number."
            )
        sums = [
            Field(name, side, merge="sum", meaning=f"{name} of its ratings")
            for side in ("user", "item", "pair")
            for name in ("events", "weight", "sum")
        ]
        return [
            *sums,
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field(
                "inexact",
                "scalar",
                merge="max",
                derived=True,
                meaning="1 once a sum was off the grid of exact ones",
            ),
            Field("weight", "scalar", merge="sum", meaning="weights in all"),
            Field("sum", "scalar", merge="sum", meaning="weighted ratings in all"),
        ]

    def _make_learner(self, state: State) -> BaselineLearner | DriftLearner:
        return BaselineLearner() if self.drift is None else DriftLearner()

    def _configure(self, state: State) -> None:
        if self.drift is None:
            state.learner.configure(self.l2_user, self.l2_item)
        else:
            # a Gaussian prior of this variance shrinks as l2 does
            start = [self.noise / max(l2, 1e-3) for l2 in (self.l2_user, self.l2_item)]
            state.learner.configure(self.noise, self.drift, *start)

    def _guarantees(self) -> Guarantees:
        if self.drift is not None:
            return Guarantees(
                "bitwise", "no", "no", "no", "with drift each step depends on the steps before it"
            )
        inexact = self._state is not None and self._state.scalar("inexact")[0] > 0
        exact: Any = "rounding" if inexact else "bitwise"
        return Guarantees("bitwise", exact, exact, exact)

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def _biases(self, side: int) -> np.ndarray:
        state = self._ready_state()
        return state.learner.biases(side, (state.users if side == 0 else state.items).live())

    @property
    def user_biases_(self) -> np.ndarray:
        return self._biases(0)

    @property
    def item_biases_(self) -> np.ndarray:
        return self._biases(1)
