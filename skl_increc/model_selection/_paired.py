"""Is the difference real? Tests of two models on the same questions, over the stream and in windows of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats
from sklearn.utils.validation import check_consistent_length, column_or_1d

from ._splits import check_whole

__all__ = ["PairedTest", "mcnemar_test", "paired_z_test"]

#: below so many questions on which the two differ the binomial distribution is used as it is
_FEW = 25
_LEAST_WINDOW = 100


@dataclass(frozen=True)
class PairedTest:
    """Outcome of a paired test of model a against model b.

    Attributes
    ----------
    test : {"McNemar", "paired z"}
        Which one.
    n : int
        Questions.
    n10, n01 : int
        Questions on which a alone was right (was nearer), and b alone.
    statistic : float
        Signed: above 0 if a is better. Its size is chi-squared with one degree of freedom for equal models.
    pvalue : float
        Two-sided, over all questions.
    alpha : float
        Level at which windows are won.
    window : int
        Questions in a window.
    ends : ndarray of int, shape (n_windows,)
        Number of the question with which each window ends.
    statistics, pvalues : ndarray of float, shape (n_windows,)
        Of each window.
    """

    test: str
    n: int
    n10: int
    n01: int
    statistic: float
    pvalue: float
    alpha: float
    window: int
    ends: np.ndarray = field(repr=False)
    statistics: np.ndarray = field(repr=False)
    pvalues: np.ndarray = field(repr=False)

    @property
    def won(self) -> float:
        """Share of the windows in which a is significantly better."""
        return self._share(1.0)

    @property
    def lost(self) -> float:
        """Share of the windows in which b is significantly better."""
        return self._share(-1.0)

    @property
    def tied(self) -> float:
        """Share of the windows without a significant difference."""
        return 1.0 - self.won - self.lost

    def _share(self, sign: float) -> float:
        if not len(self.ends):
            return 0.0
        return float(np.mean((self.pvalues < self.alpha) & (np.sign(self.statistics) == sign)))

    def __str__(self) -> str:
        return (
            f"{self.test}: a alone in {self.n10:,} and b alone in {self.n01:,} of {self.n:,} questions; signed "
            f"statistic {self.statistic:+.2f}, p = {self.pvalue:.2g}. Of {len(self.ends)} windows of "
            f"{self.window:,} questions a won {self.won:.0%} and lost {self.lost:.0%} (p < {self.alpha:g})."
        )


def mcnemar_test(
    hits_a: Any, hits_b: Any, *, window: int | None = None, step: int | None = None, alpha: float = 0.01
) -> PairedTest:
    r"""McNemar's test on paired hits, over all of a stream and in sliding windows of it.

    .. math:: \operatorname{sign}(n_{10} - n_{01}) \, \frac{(n_{10} - n_{01})^2}{n_{10} + n_{01}}

    with the number of questions that a alone hit, :math:`n_{10}`, and that b alone hit, :math:`n_{01}`.

    Parameters
    ----------
    hits_a, hits_b : array-like of shape (n_questions,)
        1 or True for a hit, else 0, in the order of the stream.
    window : int, optional
        Questions in a window; by default a tenth of all, at least 100.
    step : int, optional
        Questions from one window to the next; by default a tenth of a window.
    alpha : float, default=0.01
        Level at which a window is won, above 0 and below 1.

    Returns
    -------
    PairedTest

    Raises
    ------
    ValueError
        For other values than 0 and 1, different lengths, no questions, and parameters out of range.

    Notes
    -----
    On a long stream any difference becomes significant, and its sign may change on the way: report the share
    of windows won beside the one p-value [1]_. Questions of one user resemble each other, which the test
    does not know: p-values are somewhat too small. Where the two differ on fewer than 25 questions the exact
    binomial distribution takes the place of chi-squared.

    **Cost**: linear in the number of questions.

    References
    ----------
    .. [1] J. Vinagre, A. M. Jorge, C. Rocha and J. Gama, Statistically robust evaluation of stream-based
       recommender systems, IEEE TKDE 33(7), 2021.

    Examples
    --------
    >>> from skl_increc.model_selection import mcnemar_test
    >>> test = mcnemar_test([1, 1, 1, 0, 1, 0] * 50, [1, 0, 1, 1, 0, 0] * 50, window=60)
    >>> test.n10, test.n01, round(test.statistic, 2), test.won
    (100, 50, 16.67, 0.0)
    """
    a, b = _hits(hits_a, "hits_a"), _hits(hits_b, "hits_b")
    check_consistent_length(a, b)
    window, step = _window(len(a), window, step, alpha)
    only_a, only_b = a & ~b, b & ~a
    ends, (n10, n01) = _sums_in_windows([only_a, only_b], window, step)
    statistics, pvalues = _mcnemar(n10, n01)
    total = int(only_a.sum()), int(only_b.sum())
    whole = _mcnemar(np.array([total[0]]), np.array([total[1]]))
    return PairedTest(
        "McNemar",
        len(a),
        *total,
        float(whole[0][0]),
        float(whole[1][0]),
        alpha,
        window,
        ends,
        statistics,
        pvalues,
    )


def paired_z_test(
    losses_a: Any, losses_b: Any, *, window: int | None = None, step: int | None = None, alpha: float = 0.01
) -> PairedTest:
    r"""Test of the mean difference of paired losses, such as squared errors, in sliding windows too.

    .. math:: \operatorname{sign}(\bar d) \, \frac{n \bar d^2}{s_d^2}, \qquad d = \text{loss of b} - \text{loss of a}

    with the variance :math:`s_d^2` of the differences: the test of Diebold and Mariano [1]_ for independent
    differences.

    Parameters
    ----------
    losses_a, losses_b : array-like of shape (n_questions,)
        Losses of the same questions in the order of the stream, finite; smaller is better.
    window, step, alpha
        As of `mcnemar_test`.

    Returns
    -------
    PairedTest
        ``n10`` counts the questions on which a has the smaller loss.

    Raises
    ------
    ValueError
        For losses that are not finite, different lengths, fewer than two questions, and parameters out of
        range.

    Notes
    -----
    p-values are those of Student's t. Questions of one user resemble each other, which the test does not
    know: they are somewhat too small.

    References
    ----------
    .. [1] F. X. Diebold and R. S. Mariano, Comparing predictive accuracy, Journal of Business & Economic
       Statistics 13(3), 1995.

    Examples
    --------
    >>> import numpy as np
    >>> from skl_increc.model_selection import paired_z_test
    >>> errors = np.random.default_rng(0).normal(size=1000)
    >>> test = paired_z_test(errors**2, (1.5 * errors) ** 2, window=200)
    >>> test.statistic > 0, test.won
    (True, 1.0)
    """
    a, b = (_losses(x, name) for x, name in ((losses_a, "losses_a"), (losses_b, "losses_b")))
    check_consistent_length(a, b)
    if len(a) < 2:
        raise ValueError(f"A test needs at least two questions; got {len(a)}.")
    window, step = _window(len(a), window, step, alpha, least=2)
    difference = b - a
    centre = float(difference.mean())  # of which sums of squares are taken: no cancellation
    ends, sums = _sums_in_windows([difference - centre, (difference - centre) ** 2], window, step)
    statistics, pvalues = _paired_z(sums[0], sums[1], centre, window)
    rest = difference - centre
    whole = _paired_z(np.array([rest.sum()]), np.array([(rest**2).sum()]), centre, len(a))
    return PairedTest(
        "paired z",
        len(a),
        int((a < b).sum()),
        int((b < a).sum()),
        float(whole[0][0]),
        float(whole[1][0]),
        alpha,
        window,
        ends,
        statistics,
        pvalues,
    )


def _hits(values: Any, name: str) -> np.ndarray:
    hits = column_or_1d(values)
    if hits.dtype.kind not in "biuf" or not ((hits == 0) | (hits == 1)).all():
        raise ValueError(f"{name} must hold 0 and 1 only.")
    if not len(hits):
        raise ValueError(f"{name} is empty: there is nothing to compare.")
    return hits.astype(bool)


def _losses(values: Any, name: str) -> np.ndarray:
    losses = column_or_1d(values, dtype=np.float64)
    if not np.isfinite(losses).all():
        raise ValueError(f"{name} holds NaN or infinity: leave these questions out of both.")
    return losses


def _window(n: int, window: int | None, step: int | None, alpha: float, least: int = 1) -> tuple[int, int]:
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must be above 0 and below 1; got {alpha!r}.")
    if window is None:
        window = max(_LEAST_WINDOW, n // 10)
    check_whole("window", window, least)
    window = min(int(window), n)
    step = max(1, window // 10) if step is None else step
    check_whole("step", step)
    return window, int(step)


def _sums_in_windows(
    columns: list[np.ndarray], window: int, step: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Last questions (from 1) of the windows, and the sum of each column in them."""
    ends = np.arange(window, len(columns[0]) + 1, step)
    sums = []
    for column in columns:
        until = np.concatenate(([0], np.cumsum(column)))
        sums.append(until[ends] - until[ends - window])
    return ends, sums


def _mcnemar(n10: np.ndarray, n01: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    apart, differ = (n10 - n01).astype(np.float64), n10 + n01
    size = np.divide(apart**2, differ, out=np.zeros(len(apart)), where=differ > 0)
    exact = np.minimum(1.0, 2.0 * stats.binom.cdf(np.minimum(n10, n01), differ, 0.5))
    return np.sign(apart) * size, np.where(differ < _FEW, exact, stats.chi2.sf(size, 1))


def _paired_z(sums: np.ndarray, squares: np.ndarray, centre: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed z squared and p-values, from sums about a centre."""
    mean = sums / n + centre
    spread = np.maximum(squares - sums**2 / n, 0.0) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(mean == 0.0, 0.0, n * mean**2 / spread)
    return np.sign(mean) * size, 2.0 * stats.t.sf(np.sqrt(size), n - 1)


def holm(pvalues: list[float]) -> list[float]:
    """p-values of several comparisons, adjusted so that all hold together (Holm, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(pvalues)), key=pvalues.__getitem__)
    adjusted, largest = [math.nan] * len(pvalues), 0.0
    for left, at in zip(range(len(pvalues), 0, -1), order, strict=True):
        largest = max(largest, min(1.0, left * pvalues[at]))
        adjusted[at] = largest
    return adjusted
