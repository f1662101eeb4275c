"""The example of "Add a model": the mean rating of each item, in plain Python."""

from __future__ import annotations

import numbers
from typing import Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc.base import Field, Guarantees, RatingRegressor

Array = np.ndarray
TINY = np.finfo(float).tiny  # divides nothing by nothing


class ItemMean(RatingRegressor):
    r"""Mean rating of each item, shrunk towards the mean of all ratings.

    .. math:: \hat r_{ui} = \frac{S_i + \lambda \mu}{c_i + \lambda}

    Parameters
    ----------
    l2 : float, default=5.0
        Shrinkage, in events: an item of so many ratings lies half-way between its mean and that of all.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists: None all, 0 none, n the last n.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Examples
    --------
    >>> model = ItemMean(l2=0).fit([["ann", "tea"], ["bob", "tea"], ["bob", "milk"]], [5, 4, 1])
    >>> model.predict([["cid", "tea"], ["cid", "soap"]]).tolist()
    [4.5, 3.3333333333333335]
    """

    _parameter_constraints = {"l2": [Interval(numbers.Real, 0, None, closed="left")]}

    def __init__(
        self,
        l2: float = 5.0,
        *,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.l2 = l2
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _structure(self) -> dict[str, Any]:
        return {"history": self.history}

    def _fields(self) -> list[Field]:
        return [
            Field(name, side, merge="sum", meaning=meaning)
            for side in ("item", "scalar")
            for name, meaning in (("weight", "weights of the ratings"), ("sum", "weighted ratings"))
        ]

    def _guarantees(self) -> Guarantees:
        # which items are the last n of a user is a matter of order
        sums: Literal["rounding", "no"] = "no" if self.history else "rounding"
        return Guarantees("bitwise", sums, sums, "no", "it keeps no sums of (user, item) pairs")

    def _learn(self, state: Any, u: Array, i: Array, y: Array, w: Array, t: Array) -> None:
        known = i >= 0
        for name, values in (("weight", w), ("sum", w * y)):
            # one after the other: values.sum() would add in pairs, and cutting the stream would show
            np.add.at(state.scalar(name), np.zeros(len(values), np.intp), values)
            np.add.at(state.item_rows.arrays[name][:, 0], i[known], values[known])

    def _score(self, state: Any, u: Array, i: Array) -> Array:
        mean = state.scalar("sum")[0] / max(state.scalar("weight")[0], TINY)
        rows = state.item_rows.arrays
        weight, total = (np.where(i >= 0, rows[name][i, 0], 0.0) for name in ("weight", "sum"))
        return mean + (total - weight * mean) / np.maximum(weight + self.l2, TINY)
