"""The mean of a model's rows over the passes of ``fit``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["average_passes"]


def average_passes(again: Callable[[int], None], rows: Sequence[np.ndarray], n_epochs: int) -> None:
    """Make all passes but the first, and leave the mean over the ends of all, of which the k-th counts k times.

    The steps of one pass pull the rows about; their mean is nearer to where they are pulled to (Polyak and
    Juditsky 1992).  The first passes count less, because there the rows are still on their way (Shamir and Zhang
    2013).

    Parameters
    ----------
    again : callable
        Makes a pass, of which it gets the number: 1 is the second.
    rows : sequence of float32 ndarray
        Views of what is learned, at the end of the first pass.  No pass may move them elsewhere.
    n_epochs : int
        Passes, with the first.
    """
    means = [part.copy() for part in rows]
    weight = 1
    for k in range(2, n_epochs + 1):
        again(k - 1)
        weight += k
        share = np.float32(k / weight)
        for mean, part in zip(means, rows, strict=True):
            mean *= 1 - share  # in this form nothing finite runs over
            mean += share * part
    for mean, part in zip(means, rows, strict=True):
        part[...] = mean
