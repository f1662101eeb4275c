"""What the factor models share: scores and neighbours by vectors; fields and parameters of the SGD family."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._kernels._mf import MFLearner
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees
from skl_increc.base._turns import version_of
from skl_increc.factorization import _options

__all__ = ["FactorMixin", "VectorMixin"]

OPTIMIZERS = {"sgd": 0, "adagrad": 1, "gd": 0, "adam": 0}  # a single event is an SGD step for "gd" too
STARTS = {"normal": 0, "uniform": 1, "mean": 0}
#: rates of vectors and of biases where the user names none, by loss and optimizer
RATES = {
    (0, "adagrad"): (0.25, 0.3),
    (0, "sgd"): (0.1, 0.08),
    (0, "gd"): (0.25, 0.3),
    (0, "adam"): (0.02, 0.06),
    (1, "adagrad"): (0.7, 0.8),
    (1, "sgd"): (0.1, 0.32),
    (1, "gd"): (0.7, 0.8),
    (1, "adam"): (0.02, 0.06),
}
LARGEST = 1e6  # of a number in standard units; a row beyond it has diverged
EPSILON = 1.0  # of Adagrad, in squared standard units: the first steps are no larger than the rate


class VectorMixin:
    """Scores, learned attributes and neighbours of a model with a vector and a bias a row.

    Its state has the fields "factors" and "stat", whose first column is the bias, on both sides, and its
    learner ``score_pairs``.
    """

    def _score(self: Any, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))

    def _factors(self: Any, state: State) -> tuple[Any, np.ndarray, np.ndarray]:
        bias = state.item_rows.column("stat", 0, version_of(state))
        return state.user_rows.arrays["factors"], state.item_rows.arrays["factors"], bias

    def _learned(self: Any, side: str, name: str) -> np.ndarray:
        state = self._ready_state()
        index, rows = (state.users, state.user_rows) if side == "user" else (state.items, state.item_rows)
        values = rows.view(name)
        if name == "stat":
            values = values[:, 0]
        elif values.ndim == 1:  # one factor
            values = values[:, None]
        if len(index) < index.n_rows:
            values = values[index.live()]
        values = values.view()
        values.flags.writeable = False
        return values

    @property
    def user_factors_(self) -> np.ndarray:
        """Vectors of the users, float32 (n_users, n_factors), read-only, aligned with `user_ids_`."""
        return self._learned("user", "factors")

    @property
    def item_factors_(self) -> np.ndarray:
        """Vectors of the items, float32 (n_items, n_factors), read-only, aligned with `item_ids_`."""
        return self._learned("item", "factors")

    @property
    def user_biases_(self) -> np.ndarray:
        """Biases of the users in standard deviations of the ratings, float32 (n_users,), read-only."""
        return self._learned("user", "stat")

    @property
    def item_biases_(self) -> np.ndarray:
        """Biases of the items in standard deviations of the ratings, float32 (n_items,), read-only."""
        return self._learned("item", "stat")

    def similar_items(self: Any, item: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k items whose vectors point most in the same direction.

        Parameters
        ----------
        item : hashable
        k : int

        Returns
        -------
        ids : ndarray of object (at most k,)
        scores : ndarray of float64 (at most k,)
            Cosines, descending.  Both are empty for an unknown item.
        """
        state = self._ready_state()
        return _nearest(state.items, self.item_factors_, self.item_ids_, item, k)

    def similar_users(self: Any, user: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k users whose vectors point most in the same direction; as `similar_items`."""
        state = self._ready_state()
        return _nearest(state.users, self.user_factors_, self.user_ids_, user, k)


class FactorMixin(VectorMixin):
    """State, learner and learned attributes of a biased factor model; `_loss` says of which."""

    _loss: ClassVar[int] = 0
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_factors": [Interval(numbers.Integral, 1, None, closed="left")],
        "optimizer": [StrOptions({"adagrad", "sgd", "gd", "adam"})],
        "learning_rate": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "learning_rate_bias": [None, Interval(numbers.Real, 0, None, closed="neither")],
        "l2": [Interval(numbers.Real, 0, None, closed="left")],
        "l2_bias": [None, Interval(numbers.Real, 0, None, closed="left")],
        "init": [StrOptions({"normal", "uniform", "mean"})],
        "init_scale": [Interval(numbers.Real, 0, None, closed="left")],
        "biases": ["boolean"],
        "clip_to_range": ["boolean"],
        **_options.CONSTRAINTS,
        "verbose": ["verbose"],
    }

    def _structure(self: Any) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "init": self.init,
            "biases": self.biases,
            "history": self.history,
            **_options.structure(self),
        }

    def _validate(self: Any) -> None:
        _options.check(self)
        super()._validate()  # type: ignore[misc]

    def _fields(self: Any) -> list[Field]:
        k = self.n_factors
        fields = [
            *(
                Field("factors", side, k, "float32", pad=True, meaning="the vector")
                for side in ("user", "item")
            ),
            *(
                Field(
                    "stat",
                    side,
                    4,
                    "float32",
                    meaning="bias, squared gradients of bias and of vector, events",
                )
                for side in ("user", "item")
            ),
            Field(
                "totals", "scalar", 6, meaning="weight, sum, sum of squares, shift, lowest and highest rating"
            ),
        ]
        if self.init == "mean":
            stride = fields[0].stride
            fields.append(
                Field("side_sums", "scalar", 2 * stride + 2, meaning="sums of the vectors of each side")
            )
        return fields + _options.fields(self, fields[0].stride)

    def _make_learner(self: Any, state: State) -> MFLearner:
        return _options.learner_of(self)(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self: Any, state: State) -> None:
        rate, rate_bias = RATES[self._loss, self.optimizer]
        state.learner.configure(
            optimizer=OPTIMIZERS[self.optimizer],
            loss=self._loss,
            biases=self.biases,
            learning_rate=rate if self.learning_rate is None else self.learning_rate,
            learning_rate_bias=rate_bias if self.learning_rate_bias is None else self.learning_rate_bias,
            l2=self.l2,
            l2_bias=self.l2 if self.l2_bias is None else self.l2_bias,
            epsilon=EPSILON,
            start_kind=STARTS[self.init],
            start_mean=self.init == "mean",
            init_scale=self.init_scale,
            seed=state.meta["seed"] % 2**64,
        )
        state.learner.clip = getattr(self, "clip_to_range", False)
        _options.configure(self, state)

    def _factors(self: Any, state: State) -> tuple[Any, np.ndarray, np.ndarray]:
        users, items, bias = super()._factors(state)
        whole = getattr(state.learner, "adds_to_users", False)
        return (_options.WholeVectors(state.learner) if whole else users), items, bias

    def _check_state(self: Any, state: State) -> None:
        super()._check_state(state)  # type: ignore[misc]
        _options.check_state(self, state)

    def _check_passes(self: Any) -> None:
        if self.optimizer == "gd" and self.n_epochs == 1:
            raise ValueError(
                "optimizer='gd' takes one step a pass, so fit needs n_epochs above 1; got n_epochs=1. "
                "Set n_epochs (50, say), or optimizer='adagrad' for learning in one pass."
            )

    def _learn(self: Any, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        if self.optimizer == "gd":
            before = _kept(state)
            state.learner.step(u, i, y, w, state.users.n_rows, state.items.n_rows)
            _put_back(state, before)
        else:
            state.learn(u, i, y, w, t)

    def _make_room(self: Any, state: State, n: int) -> None:
        if self.optimizer == "gd":
            state.learner.make_step_room(n, state.users.n_rows, state.items.n_rows)

    def _learn_singly(self: Any, state: State, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        state.learn(u, i, y, w, t)

    def _learn_again(self: Any, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, epoch: int) -> None:
        state.learner.count = False  # the ratings were counted in the first pass
        try:
            self._learn(state, u, i, y, w, t)
        finally:
            state.learner.count = True
        self._report_epoch(state, epoch, u, i, y)

    def _report_epoch(self: Any, state: State, epoch: int, u: Any, i: Any, y: Any) -> None:
        if self.verbose:
            import sys

            sys.stderr.write(f"{type(self).__name__}: pass {epoch + 1} of {self.n_epochs}\n")

    def _guarantees(self: Any) -> Guarantees:
        why = "each gradient step depends on the steps before it"
        if self.optimizer == "gd":
            return Guarantees(
                "no", "no", "no", "no", "a full-batch step depends on which events one call holds"
            )
        if self.n_epochs > 1:
            return Guarantees(
                "no", "no", "no", "no", "fit passes several times over what it is given; " + why
            )
        return Guarantees("bitwise", "no", "no", "no", why)


def _kept(state: State) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and copies of them; nothing where there is no memory for it, because a step is not to fail for that."""
    try:
        sides = (state.user_rows, state.item_rows)
        return [(rows.arrays[f][: rows.used], rows.arrays[f][: rows.used].copy())
                for rows in sides for f in ("factors", "stat")]  # fmt: skip
    except MemoryError:
        return []


def _put_back(state: State, before: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Give rows that a step made too long, or no numbers, what they were before it; say so once."""
    told = False
    for (factors, old), (stat, old_stat) in zip(before[::2], before[1::2], strict=True):
        bad = ~(np.abs(factors).max(axis=1, initial=0) < LARGEST) | ~(np.abs(stat[:, 0]) < LARGEST)
        factors[bad], stat[bad] = old[bad], old_stat[bad]
        told |= bool(bad.any())
    if not told:
        return
    if "side_sums" in state.scalar_at:  # they have followed the step
        sums, width = state.scalar("side_sums"), before[0][0].shape[1]
        for side, (factors, stat) in enumerate([(before[0][0], before[1][0]), (before[2][0], before[3][0])]):
            moved = stat[:, 3] > 0
            sums[side * width : (side + 1) * width] = factors[moved].astype(np.float64).sum(axis=0)
            sums[2 * width + side] = moved.sum()
    state.learner.tell()


def _nearest(
    index: Any, factors: np.ndarray, ids: np.ndarray, one: Any, k: int
) -> tuple[np.ndarray, np.ndarray]:
    row = index.find(one)
    if row < 0:
        return np.empty(0, dtype=object), np.empty(0)
    live = index.live()
    at = int(np.searchsorted(live, row))
    x = factors.astype(np.float64)
    length = np.linalg.norm(x, axis=1)
    cosine = x @ x[at] / np.maximum(length * length[at], np.finfo(np.float64).tiny)
    cosine[at] = -np.inf
    order = np.argsort(-cosine, kind="stable")[: min(k, len(ids) - 1)]
    return ids[order], cosine[order]
