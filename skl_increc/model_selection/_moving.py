"""Metrics over a window that slides along the stream, or that forgets the past step by step."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from scipy.signal import lfilter

from ._splits import check_whole

__all__ = ["check_moving", "faded_means", "sliding_means"]


def check_moving(window: Any, fading: Any) -> None:
    """Refuse settings that mean nothing.

    Raises
    ------
    ValueError
        Unless there is either a whole number for ``window``, or a number between 0 and 1 for ``fading``.
    """
    if (window is None) == (fading is None):
        raise ValueError(f"Give either window or fading; got window={window!r} and fading={fading!r}.")
    if window is not None:
        check_whole("window", window)
    elif not (isinstance(fading, numbers.Real) and 0.0 < float(fading) < 1.0):
        raise ValueError(f"fading must be above 0 and below 1; got {fading!r}.")


def sliding_means(scores: np.ndarray, window: int) -> np.ndarray:
    """Mean of the last ``window`` scores at each of them, of fewer at the beginning; NaN are passed over.

    Examples
    --------
    >>> sliding_means(np.array([1.0, 0.0, np.nan, 1.0]), 2).tolist()
    [1.0, 0.5, 0.0, 1.0]
    """
    known = ~np.isnan(scores)
    # about the mean: what is subtracted are no huge sums of one sign
    centre = float(scores[known].mean()) if known.any() else 0.0
    sums = _differences(np.where(known, scores - centre, 0.0), window)
    counts = _differences(known.astype(np.float64), window)
    means = np.divide(sums, counts, out=np.full(len(scores), math.nan), where=counts > 0.0)
    return means + centre


def _differences(values: np.ndarray, window: int) -> np.ndarray:
    until = np.concatenate(([0.0], np.cumsum(values)))
    first = np.maximum(np.arange(1, len(values) + 1) - window, 0)
    return until[1:] - until[first]


def faded_means(scores: np.ndarray, fading: float) -> np.ndarray:
    """Mean in which each score weighs ``fading`` times the next one; NaN are passed over.

    Examples
    --------
    >>> faded_means(np.array([1.0, 0.0]), 0.5).round(4).tolist()
    [1.0, 0.3333]
    """
    known = ~np.isnan(scores)
    sums = lfilter([1.0], [1.0, -fading], np.where(known, scores, 0.0))
    weights = lfilter([1.0], [1.0, -fading], known.astype(np.float64))
    return np.divide(sums, weights, out=np.full(len(scores), math.nan), where=weights > 0.0)
