"""Ratings and weights of a whole table, checked."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_array, column_or_1d

from skl_increc.base._interactions import Interactions

__all__ = ["TargetMixin"]

#: bounds of ratings and weights: sums of squares of larger numbers could overflow
LARGEST, HEAVIEST = 1e100, 1e15


def _is_plain(values: Any) -> bool:
    """Whether these are numbers that need no conversion, only a look at the least and the largest."""
    return type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1 and len(values) > 0


class TargetMixin:
    """What y and the weights of a call may be."""

    _optional_y: ClassVar[bool] = False

    def _taken_y(self) -> float:
        """What y = None stands for: a positive, whatever ``min_y`` asks of a size."""
        min_y = getattr(self, "min_y", None)
        return 1.0 if min_y is None else max(1.0, float(min_y))

    def _check_y(self, y: Any, n: int) -> np.ndarray:
        if y is None:
            if not self._optional_y:
                raise ValueError(
                    f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
                )
            return np.full(n, self._taken_y())
        if _is_plain(y) and -LARGEST < y.min() and y.max() < LARGEST:
            return np.ascontiguousarray(y)
        y = column_or_1d(y, warn=True)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if len(y) and not (-LARGEST < y.min() and y.max() < LARGEST):
            raise ValueError(
                f"y must be below {LARGEST:g} in size; got {y[np.abs(y).argmax()]!r}. Rescale it."
            )
        return np.ascontiguousarray(y)

    def _check_weight(self, sample_weight: Any, events: Interactions, reset: bool) -> np.ndarray:
        if sample_weight is None:
            return np.ones(len(events))
        if _is_plain(sample_weight) and len(sample_weight) == len(events):
            if 0 <= sample_weight.min() and 0 < sample_weight.max() < HEAVIEST:
                return np.ascontiguousarray(sample_weight)
        if isinstance(sample_weight, numbers.Real):
            w = np.full(len(events), float(sample_weight))
        else:
            w = check_array(
                sample_weight,
                ensure_2d=False,
                dtype=np.float64,
                input_name="sample_weight",
                ensure_min_samples=0,
            )
            if w.ndim != 1:
                raise ValueError(f"Sample weights must be 1D array or scalar; got {w.ndim}D array.")
            if len(w) != len(events):
                raise ValueError(f"sample_weight.shape == {w.shape}, expected {(len(events),)}!")
        if (w < 0).any():
            raise ValueError(f"Negative values in data passed to sample_weight: {w[w < 0][0]!r}.")
        if not np.isfinite(w).all():
            raise ValueError("sample_weight must be finite.")
        if (w >= HEAVIEST).any():
            raise ValueError(
                f"sample_weight must be below {HEAVIEST:g}; got {w.max()!r}. Rescale the weights."
            )
        if reset and not w.any():
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return np.ascontiguousarray(w)
