"""Folds in order of time: no training set holds an event as late as the test set's first."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils.validation import _num_samples

from skl_increc.base._clock import is_span_of_time, span_in_seconds
from skl_increc.base._interactions import read_times

__all__ = ["Stream", "TimeSplit", "check_whole"]


class Stream:
    """Rows in order of time, ties in the order of the rows; without times the rows are the clock."""

    def __init__(self, X: Any, time_col: Hashable | None) -> None:
        self.n = _num_samples(X)
        if time_col is None:
            self.rows, self.times = np.arange(self.n), np.arange(self.n, dtype=np.float64)
        else:
            times = read_times(X, time_col)
            self.rows = np.argsort(times, kind="stable")
            self.times = times[self.rows]

    def until(self, moment: float) -> int:
        """Number of events at or before a moment."""
        return int(np.searchsorted(self.times, moment, side="right"))

    def even_cuts(self, n_blocks: int, first: int) -> list[float]:
        """Moments after which the ``n_blocks`` blocks behind the first begin, and the last moment."""
        places = np.linspace(first, self.n, n_blocks + 1).round().astype(int)
        return [float(self.times[place - 1]) for place in places.tolist()]


class TimeSplit(BaseCrossValidator):
    """Splitter whose fold j tests after one cut and up to the next; subclasses say where and what."""

    n_splits: int
    time_col: Hashable | None

    @abc.abstractmethod
    def _cuts(self, stream: Stream) -> list[float]:
        """n_splits + 1 moments, ascending."""

    def _first_train(self, stream: Stream, last: float) -> int:
        return 0

    def _last_train(self, cut: float) -> float:
        """Latest moment that is trained for tests after ``cut``."""
        return cut

    def _asked(self, stream: Stream, X: Any) -> Any:
        """Function of (start, stop, train stop) giving a mask of the events to test; None: all."""
        return None

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Row numbers of each fold.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            The events, in any order if there is a ``time_col``, else in order of time.
        y, groups : ignored
            There because scikit-learn hands them over.

        Yields
        ------
        train, test : ndarray of int
            In order of time, ties in the order of the rows.

        Raises
        ------
        ValueError
            If a fold has nothing to train on or nothing to test, and for missing columns and times.
        """
        self._check()
        stream = Stream(X, self.time_col)
        if stream.n <= self.n_splits:
            raise ValueError(f"n_splits={self.n_splits} folds need more than {stream.n} events.")
        asked = self._asked(stream, X)
        cuts = self._cuts(stream)
        for fold, (cut, end) in enumerate(pairwise(cuts), 1):
            last = self._last_train(cut)
            train = slice(self._first_train(stream, last), stream.until(last))
            test = np.arange(stream.until(cut), stream.until(end))
            if asked is not None:
                test = test[asked(test)]
            if train.start >= train.stop or not len(test):
                raise ValueError(self._nothing(fold, "train on" if len(test) else "test", cut))
            yield stream.rows[train], stream.rows[test]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of folds.

        Parameters
        ----------
        X, y, groups : ignored

        Returns
        -------
        int
        """
        return self.n_splits

    def _check(self) -> None:
        check_whole("n_splits", self.n_splits)

    def _span(self, name: str, value: Any) -> float:
        """A span of time, or of events without ``time_col``."""
        if is_span_of_time(value) and self.time_col is None:
            raise ValueError(
                f"{name}={value!r} is a span of time: say time_col=..., or give a number of events."
            )
        span = span_in_seconds(value)
        if not 0 <= span < np.inf:
            raise ValueError(f"{name} must be a span of at least 0; got {value!r}.")
        return span

    def _nothing(self, fold: int, what: str, cut: float) -> str:
        where = f"{self.time_col!r} = {cut:g}" if self.time_col is not None else f"row {cut:g}"
        return (
            f"Fold {fold} of {self.n_splits} has nothing to {what} (it is cut after {where}). "
            "Ask for fewer folds, or for other spans."
        )


def check_whole(name: str, value: Any, least: int = 1) -> None:
    """ValueError unless a parameter is a whole number of at least ``least``."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"{name} must be a whole number, at least {least}; got {value!r}.")
