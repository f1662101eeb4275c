"""Folds that test some events of each period: the last of users, the first of strangers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from skl_increc._state._idmap import IdMap
from skl_increc.base._interactions import read_column

from ._splits import Stream, TimeSplit, check_whole

__all__ = ["ColdStartSplit", "LastPerUser"]


class LastPerUser(TimeSplit):
    """Test the last events of every user, each trained on nothing but what came before its period.

    The usual leave-last-out trains on everything else, hence on what other users did later, which is a
    leak. Here the stream is cut at moments as by `TemporalSplit`, and of each period only the events are
    tested that are the last of their users. Users who leave before the first cut are not asked.

    Parameters
    ----------
    n : int, default=1
        How many last events of a user are tested.
    n_splits : int, default=5
        Number of folds.
    user_col : str or int, default="user"
        Where X holds the users; the first column of an array.
    time_col : str or int, optional
        Where X holds the times. None: the rows are in order of time.

    Notes
    -----
    A moment is never cut. Anonymous events are trained and not tested. What a user did between a cut and
    his last event is not trained in this fold: with more folds less is lost.

    Examples
    --------
    >>> from skl_increc.model_selection import LastPerUser
    >>> X = [["Ann", "tea"], ["Bob", "tea"], ["Ann", "jam"], ["Eve", "tea"], ["Bob", "jam"], ["Bob", "rice"]]
    >>> for train, test in LastPerUser(n_splits=2).split(X):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [5]
    """

    def __init__(
        self,
        n: int = 1,
        n_splits: int = 5,
        *,
        user_col: Hashable = "user",
        time_col: Hashable | None = None,
    ) -> None:
        self.n = n
        self.n_splits = n_splits
        self.user_col = user_col
        self.time_col = time_col
        self._check()

    def _check(self) -> None:
        super()._check()
        check_whole("n", self.n)

    def _cuts(self, stream: Stream) -> list[float]:
        return stream.even_cuts(self.n_splits, round(stream.n / (self.n_splits + 1)))

    def _asked(self, stream: Stream, X: Any) -> Any:
        users = _codes(X, self.user_col, 0, "user_col")[stream.rows]
        from_the_end = _numbers(users[::-1])[::-1]
        last = (users >= 0) & (from_the_end < self.n)
        return lambda test: last[test]


class ColdStartSplit(TimeSplit):
    """Test only users, or items, that were never seen in training: their beginning.

    The stream is cut at moments as by `TemporalSplit`, and of each period only the events are tested whose
    user (or item) came for the first time in it.

    Parameters
    ----------
    cold : {"users", "items"}, default="users"
        What is new.
    n_splits : int, default=5
        Number of folds.
    first : int, optional
        Test only the first so many events of each. By default all that the period holds.
    user_col, item_col : str or int, default="user", "item"
        Where X holds the ids; the first two columns of an array.
    time_col : str or int, optional
        Where X holds the times. None: the rows are in order of time.

    Notes
    -----
    A moment is never cut. Anonymous events are trained and not tested. A fold tests how a model treats
    strangers: it learns nothing during the period. For how fast it gets to know them, see
    `progressive_validate`.

    Examples
    --------
    >>> from skl_increc.model_selection import ColdStartSplit
    >>> X = [["Ann", "tea"], ["Bob", "tea"], ["Ann", "jam"], ["Eve", "tea"], ["Ida", "jam"], ["Ann", "rice"]]
    >>> for train, test in ColdStartSplit(n_splits=2).split(X):
    ...     print(train, test)
    [0 1] [3]
    [0 1 2 3] [4]
    >>> for train, test in ColdStartSplit("items", n_splits=2).split(X):
    ...     print(train, test)
    [0 1] [2]
    [0 1 2 3] [5]
    """

    def __init__(
        self,
        cold: str = "users",
        n_splits: int = 5,
        *,
        first: int | None = None,
        user_col: Hashable = "user",
        item_col: Hashable = "item",
        time_col: Hashable | None = None,
    ) -> None:
        self.cold = cold
        self.n_splits = n_splits
        self.first = first
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col
        self._check()

    def _check(self) -> None:
        super()._check()
        if self.cold not in ("users", "items"):
            raise ValueError(f"cold must be 'users' or 'items'; got {self.cold!r}.")
        if self.first is not None:
            check_whole("first", self.first)

    def _cuts(self, stream: Stream) -> list[float]:
        return stream.even_cuts(self.n_splits, round(stream.n / (self.n_splits + 1)))

    def _asked(self, stream: Stream, X: Any) -> Any:
        if self.cold == "users":
            codes = _codes(X, self.user_col, 0, "user_col")[stream.rows]
        else:
            codes = _codes(X, self.item_col, 1, "item_col")[stream.rows]
        number = _numbers(codes)
        begins = np.full(codes.max(initial=0) + 1, len(codes))
        np.minimum.at(begins, codes[codes >= 0], np.flatnonzero(codes >= 0))

        def asked(test: np.ndarray) -> np.ndarray:
            own = codes[test]
            new = (own >= 0) & (begins[own] >= test[0]) if len(test) else np.empty(0, bool)
            return new if self.first is None else new & (number[test] < self.first)

        return asked


def _codes(X: Any, key: Hashable, position: int, parameter: str) -> np.ndarray:
    """Number of each row's id, in order of appearance; -1 for missing ids."""
    return np.asarray(read_column(X, key, position, parameter).add(IdMap()), dtype=np.int64)


def _numbers(codes: np.ndarray) -> np.ndarray:
    """How many earlier rows have the same code."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(codes) else order
    own = np.repeat(begins, np.diff(np.append(begins, len(codes))))
    numbers = np.empty(len(codes), dtype=np.int64)
    numbers[order] = np.arange(len(codes)) - own
    return numbers
