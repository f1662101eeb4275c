"""Is the difference real? The bootstrap over users, for scores of held-out data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ._splits import check_whole

__all__ = ["BootstrapTest", "paired_bootstrap"]

_NUMBERS_AT_ONCE = 2**20


@dataclass(frozen=True)
class BootstrapTest:
    """Difference of two models' mean scores, with what resampling the users makes of it.

    Attributes
    ----------
    n_users : int
        Users with a score under both.
    difference : float
        Mean score of a less that of b.
    low, high : float
        Bounds of the confidence interval of the difference.
    pvalue : float
        Two-sided: how often resampling turns the sign, twice.
    confidence_level : float
        Of the interval.
    """

    n_users: int
    difference: float
    low: float
    high: float
    pvalue: float
    confidence_level: float

    @property
    def is_significant(self) -> bool:
        """Whether 0 lies outside the interval."""
        return self.low > 0.0 or self.high < 0.0

    def __str__(self) -> str:
        return (
            f"difference {self.difference:+.4g}, {self.confidence_level:.0%} interval {self.low:+.4g} to "
            f"{self.high:+.4g}, p = {self.pvalue:.2g}, of {self.n_users:,} users"
        )


def paired_bootstrap(
    scores_a: Any,
    scores_b: Any,
    *,
    n_resamples: int = 9999,
    confidence_level: float = 0.95,
    random_state: Any = 0,
) -> BootstrapTest:
    """Paired bootstrap over users of the difference of two models' scores.

    Parameters
    ----------
    scores_a, scores_b : array-like of shape (n_users,), or (users, values) of `RankingScorer.by_user`
        A score for every user, in the same order. Users without a score (NaN) under either are left out. Of
        pairs (users, values) the users are compared, too.
    n_resamples : int, default=9999
        How often as many users are drawn, with replacement.
    confidence_level : float, default=0.95
        Above 0 and below 1.
    random_state : int, Generator or None, default=0
        For the draws.

    Returns
    -------
    BootstrapTest

    Raises
    ------
    ValueError
        For different users or lengths, no user with a score under both, and parameters out of range.

    Notes
    -----
    The users are drawn, not the events: those of one user belong together. The interval is that of the
    percentiles. It says how the difference would vary with other users of the same kind at the same time;
    a shift over time it cannot see: for that compare several folds.

    **Cost**: ``n_resamples`` times the number of users.

    References
    ----------
    B. Efron and R. J. Tibshirani, An introduction to the bootstrap, Chapman & Hall, 1993.

    Examples
    --------
    >>> import numpy as np
    >>> from skl_increc.model_selection import paired_bootstrap
    >>> rng = np.random.default_rng(0)
    >>> b = rng.random(300)
    >>> test = paired_bootstrap(b + rng.normal(0.1, 0.2, 300), b)
    >>> test.is_significant, test.low < 0.1 < test.high
    (True, True)
    """
    check_whole("n_resamples", n_resamples)
    if not 0.0 < confidence_level < 1.0:
        raise ValueError(f"confidence_level must be above 0 and below 1; got {confidence_level!r}.")
    a, b = _values(scores_a, scores_b)
    difference = a - b
    difference = difference[~np.isnan(difference)]
    if not len(difference):
        raise ValueError("No user has a score under both: there is nothing to compare.")
    means = _resampled_means(difference, int(n_resamples), np.random.default_rng(random_state))
    tail = (1.0 - confidence_level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    turned = min((means <= 0.0).sum(), (means >= 0.0).sum())
    return BootstrapTest(
        n_users=len(difference),
        difference=float(difference.mean()),
        low=float(low),
        high=float(high),
        pvalue=min(1.0, 2.0 * (float(turned) + 1.0) / (n_resamples + 1.0)),
        confidence_level=confidence_level,
    )


def _values(scores_a: Any, scores_b: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(scores_a, tuple) and isinstance(scores_b, tuple):
        (users_a, scores_a), (users_b, scores_b) = scores_a, scores_b
        if len(users_a) != len(users_b) or any(u != v for u, v in zip(users_a, users_b, strict=True)):
            raise ValueError(
                "The two were asked for different users: score both on the same held-out events, after "
                "teaching both the same events."
            )
    a, b = (column_or_1d(scores, dtype=np.float64) for scores in (scores_a, scores_b))
    check_consistent_length(a, b)
    return a, b


def _resampled_means(values: np.ndarray, n_resamples: int, rng: np.random.Generator) -> np.ndarray:
    means = np.empty(n_resamples)
    at_once = max(1, _NUMBERS_AT_ONCE // len(values))
    for start in range(0, n_resamples, at_once):
        n = min(at_once, n_resamples - start)
        means[start : start + n] = values[rng.integers(len(values), size=(n, len(values)))].mean(axis=1)
    return means
