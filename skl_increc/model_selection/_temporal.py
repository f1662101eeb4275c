"""Folds that cut the whole stream: by the calendar, or in blocks."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ._splits import Stream, TimeSplit, check_whole

__all__ = ["ProgressiveSplit", "TemporalSplit"]


class TemporalSplit(TimeSplit):
    """Cut the whole stream at moments: train before, test after.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds; 1 is a single hold-out.
    test_size : float or timedelta, optional
        Length of a test period; the last one ends with the last event. By default the periods hold about
        as many events each, as does the time before the first.
    gap : float or timedelta, default=0
        Time between the last event that is trained and the test period: for labels that come late.
    window : float or timedelta, optional
        Train on the events of this span only (a sliding window). By default on all before (a growing one).
    time_col : str or int, optional
        Where X holds the times. None: the rows are in order of time, and spans count events.

    Notes
    -----
    A moment is never cut: events of one time are all trained or all tested. Spans are seconds or timedeltas
    with ``time_col``, else events.

    All users are cut at one moment. Folds that cut each user's own history (or shuffle) train on what others
    did later, and such a leak changes which model wins [1]_.

    References
    ----------
    .. [1] Y. Ji, A. Sun, J. Zhang and C. Li, A critical study on data leakage in recommender system offline
       evaluation, ACM TOIS 41(3), 2023.

    Examples
    --------
    >>> from skl_increc.model_selection import TemporalSplit
    >>> X = [["Ann", "tea", 1], ["Bob", "tea", 2], ["Ann", "jam", 2], ["Eve", "tea", 4], ["Bob", "jam", 6]]
    >>> for train, test in TemporalSplit(2, time_col=2).split(X):
    ...     print(train, test)
    [0 1 2] [3]
    [0 1 2 3] [4]
    >>> for train, test in TemporalSplit(2, test_size=2, window=3, time_col=2).split(X):
    ...     print(train, test)
    [0 1 2] [3]
    [1 2 3] [4]
    >>> for train, test in TemporalSplit(2, test_size=2, gap=1, time_col=2).split(X):
    ...     print(train, test)
    [0] [3]
    [0 1 2] [4]
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        test_size: Any = None,
        gap: Any = 0,
        window: Any = None,
        time_col: Hashable | None = None,
    ) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.gap = gap
        self.window = window
        self.time_col = time_col
        self._check()

    def _check(self) -> None:
        super()._check()
        self._span("gap", self.gap)
        for name, value in (("test_size", self.test_size), ("window", self.window)):
            if value is not None and self._span(name, value) == 0:
                raise ValueError(f"{name} must be a span above 0; got {value!r}.")

    def _cuts(self, stream: Stream) -> list[float]:
        if self.test_size is None:
            return stream.even_cuts(self.n_splits, round(stream.n / (self.n_splits + 1)))
        end, span = float(stream.times[-1]), self._span("test_size", self.test_size)
        return [end - left * span for left in range(self.n_splits, -1, -1)]

    def _last_train(self, cut: float) -> float:
        return cut - self._span("gap", self.gap)

    def _first_train(self, stream: Stream, last: float) -> int:
        return 0 if self.window is None else stream.until(last - self._span("window", self.window))


class ProgressiveSplit(TimeSplit):
    """Blocks of the stream: each is predicted by what was learned before it, then learned.

    The folds together are test-then-learn in large steps, with every event after the first ones tested once;
    `progressive_validate` does it event by event.

    Parameters
    ----------
    n_splits : int, default=10
        Number of blocks, of about as many events each.
    warmup : int or float, optional
        Events before the first block: a number, or a share between 0 and 1. By default as many as a block
        holds.
    time_col : str or int, optional
        Where X holds the times. None: the rows are in order of time.

    Notes
    -----
    A moment is never cut: events of one time are in one block. Each fold trains from the start, as
    scikit-learn clones the model: the time grows with the square of ``n_splits``.

    Examples
    --------
    >>> from skl_increc.model_selection import ProgressiveSplit
    >>> X = [["Ann", "tea"], ["Bob", "tea"], ["Ann", "jam"], ["Eve", "tea"], ["Bob", "jam"], ["Eve", "jam"]]
    >>> for train, test in ProgressiveSplit(2).split(X):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    >>> for train, test in ProgressiveSplit(3, warmup=3).split(X):
    ...     print(train, test)
    [0 1 2] [3]
    [0 1 2 3] [4]
    [0 1 2 3 4] [5]
    """

    def __init__(
        self, n_splits: int = 10, *, warmup: float | None = None, time_col: Hashable | None = None
    ) -> None:
        self.n_splits = n_splits
        self.warmup = warmup
        self.time_col = time_col
        self._check()

    def _check(self) -> None:
        super()._check()
        share = isinstance(self.warmup, float) and 0.0 < self.warmup < 1.0
        if self.warmup is not None and not share:
            check_whole("warmup", self.warmup)

    def _cuts(self, stream: Stream) -> list[float]:
        first: float = stream.n / (self.n_splits + 1) if self.warmup is None else self.warmup
        if isinstance(self.warmup, float):
            first = self.warmup * stream.n
        if first > stream.n - self.n_splits:
            raise ValueError(
                f"warmup={self.warmup!r} leaves less than n_splits={self.n_splits} of {stream.n} events to test."
            )
        return stream.even_cuts(self.n_splits, max(1, round(first)))
