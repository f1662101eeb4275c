"""Streams of events with a structure that is known, because it was planted."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, check_scalar

from skl_increc.datasets._frames import as_result, build_frame, resolve_backend

_START = 1_600_000_000  # 2020-09-13 12:26:40 UTC
_MEAN_GAP = 60.0  # seconds between two moments of the stream
_SLATE = 10  # items among which a user chooses, feedback="implicit"

# standard deviations of what makes a rating, in quarters of the rating range
_BIAS_SD = 0.35
_TASTE_SD = 0.7


@dataclass(frozen=True, eq=False)
class InteractionTruth:
    """What `make_interactions` planted.

    Row ``u`` of a user array is that of user id ``u``, row ``i`` of an item array that of item id ``i``.
    User factors and all biases move from their value at the start of the stream to that at its end;
    without ``drift`` the two are equal.

    Attributes
    ----------
    mean : float
        The rating of an average user for an average item; 0 for implicit feedback.
    user_biases, user_biases_end : ndarray of shape (n_users,)
        At the start and at the end of the stream.
    item_biases, item_biases_end : ndarray of shape (n_items,)
        At the start and at the end of the stream.
    user_factors, user_factors_end : ndarray of shape (n_users, n_factors)
        At the start and at the end of the stream.
    item_factors : ndarray of shape (n_items, n_factors)
        They do not move.
    expected : ndarray of shape (n_events,)
        For every row of the frame, what the event's value is without noise, rounding and clipping.
        Implicit feedback: the utility of the chosen item.
    noise : float
        Standard deviation of the noise of a rating; scale of the Gumbel noise of a choice.
    """

    mean: float
    user_biases: np.ndarray
    item_biases: np.ndarray
    user_factors: np.ndarray
    item_factors: np.ndarray
    user_biases_end: np.ndarray
    item_biases_end: np.ndarray
    user_factors_end: np.ndarray
    expected: np.ndarray
    noise: float


def make_interactions(
    n_events: int = 10_000,
    n_users: int = 500,
    n_items: int = 300,
    *,
    n_factors: int = 4,
    feedback: str = "explicit",
    rating_range: tuple[float, float] = (1.0, 5.0),
    rating_step: float | None = None,
    noise: float = 0.5,
    drift: float = 0.0,
    cold_share: float = 0.2,
    tie_share: float = 0.2,
    zipf_exponent: float = 0.8,
    random_state: Any = 0,
    return_X_y: bool = False,
    return_truth: bool = False,
    backend: str | None = None,
) -> Any:
    """Generate a stream of events with planted low-rank structure.

    A rating is ``mean + b_u + b_i + p_u . q_i + e``, with ``e`` normal, then rounded and clipped.
    An implicit event is a choice: the user meets 10 items, drawn by popularity, and takes the one with the
    largest ``b_i + p_u . q_i + e``, with ``e`` Gumbel (a multinomial logit).

    Parameters
    ----------
    n_events : int, default=10_000
        Number of events, at least 1.
    n_users, n_items : int, default=500, 300
        Number of users and items, at least 1. Rare ones need not occur.
    n_factors : int, default=4
        Length of the planted vectors; 0 plants biases only.
    feedback : {"explicit", "implicit"}, default="explicit"
        Ratings, or events without a value.
    rating_range : tuple of two floats, default=(1.0, 5.0)
        Lowest and highest rating. The spread of biases and tastes is in proportion to it.
    rating_step : float, default=None
        Ratings are rounded to ``rating_range[0]`` plus whole multiples of this. None: not rounded.
    noise : float, default=0.5
        Standard deviation of a rating's noise, in units of the rating; scale of the Gumbel noise of a
        choice. The best possible RMSE is about this, where rounding and clipping do not matter.
    drift : float, default=0.0
        Between 0 (none) and 1: how far biases and tastes turn over the stream. Their correlation
        between start and end is ``cos(drift * pi / 2)``, and their spread stays the same.
    cold_share : float, default=0.2
        Between 0 and 1: share of the users, and of the items, that arrive after the start, at times spread
        evenly over the stream.
    tie_share : float, default=0.2
        At least 0 and below 1: share of the events that have the user and the timestamp of the event before.
    zipf_exponent : float, default=0.8
        At least 0: the popularity of items and the activity of users fall as ``rank ** -zipf_exponent``.
        0 makes all alike.
    random_state : int, RandomState instance or None, default=0
        The same number gives the same events.
    return_X_y : bool, default=False
        Return the frame without its ratings, and the ratings (None for implicit feedback).
    return_truth : bool, default=False
        Return what was planted as well, as the last value.
    backend : {"pandas", "polars", "pyarrow"}, default=None
        The frame library of the result. None takes the first of these that is installed.

    Returns
    -------
    frame
        One row an event, in order of time: ``user`` (int64, below n_users), ``item`` (int64, below
        n_items), ``rating`` (float64; explicit feedback only) and ``timestamp`` (int64, seconds since 1970
        in UTC, a minute between moments on average). A pair of user and item may occur again.
    X, y
        With ``return_X_y=True``, in place of the frame.
    truth : InteractionTruth
        With ``return_truth=True``.

    Raises
    ------
    TypeError, ValueError
        If a parameter is of another type, or outside its range.
    ImportError
        If the frame library is not installed.

    Examples
    --------
    >>> from skl_increc.datasets import make_interactions
    >>> events = make_interactions(1000, n_users=50, n_items=20)
    >>> list(events.columns)
    ['user', 'item', 'rating', 'timestamp']
    >>> X, y, truth = make_interactions(1000, return_X_y=True, return_truth=True)
    >>> X.shape, y.shape, truth.user_factors.shape
    ((1000, 3), (1000,), (500, 4))
    """
    _check_counts(n_events=n_events, n_users=n_users, n_items=n_items)
    check_scalar(n_factors, "n_factors", Integral, min_val=0)
    _check_shares(noise, drift, cold_share, tie_share, zipf_exponent)
    low, high = _checked_range(feedback, rating_range, rating_step)
    backend = resolve_backend(backend)
    rng = check_random_state(random_state)

    leaders, timestamps = _moments(rng, n_events, tie_share)
    progress = leaders / n_events  # of the stream: 0 at the start, towards 1 at the end
    users = _Arrivals(rng, n_users, cold_share, zipf_exponent).draw(rng, progress)[leaders]
    offers = _Arrivals(rng, n_items, cold_share, zipf_exponent)
    columns: dict[str, Any] = {"user": users}
    if feedback == "explicit":
        mean = (low + high) / 2
        planted = _Planted(rng, (n_users, n_items, n_factors), drift, unit=(high - low) / 4)
        columns["item"] = items = offers.draw(rng, progress)
        expected = mean + planted.user_biases_at(users, progress) + planted.utility(users, items, progress)
        ratings = expected + noise * rng.standard_normal(n_events)
        columns["rating"] = _on_scale(ratings, low, high, rating_step)
    else:
        mean = 0.0
        planted = _Planted(rng, (n_users, n_items, n_factors), drift, unit=1.0)
        columns["item"], expected = _choices(rng, planted, offers, users, progress, noise)
    columns["timestamp"] = timestamps
    result = as_result(build_frame(columns, backend), return_X_y)
    if not return_truth:
        return result
    truth = planted.truth(mean, expected, float(noise))
    return (*result, truth) if return_X_y else (result, truth)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        check_scalar(count, name, Integral, min_val=1)


def _check_shares(
    noise: float, drift: float, cold_share: float, tie_share: float, zipf_exponent: float
) -> None:
    for name, value in (("noise", noise), ("zipf_exponent", zipf_exponent)):
        check_scalar(value, name, Real, min_val=0)
        if not np.isfinite(value):
            raise ValueError(f"{name}={value!r} must be finite.")
    check_scalar(drift, "drift", Real, min_val=0, max_val=1)
    check_scalar(cold_share, "cold_share", Real, min_val=0, max_val=1)
    check_scalar(tie_share, "tie_share", Real, min_val=0, max_val=1, include_boundaries="left")


def _checked_range(
    feedback: str, rating_range: tuple[float, float], step: float | None
) -> tuple[float, float]:
    if feedback not in ("explicit", "implicit"):
        raise ValueError(f'feedback={feedback!r} is not known; choose "explicit" (ratings) or "implicit".')
    try:
        low, high = (float(end) for end in rating_range)
    except (TypeError, ValueError):
        raise ValueError(
            f"rating_range={rating_range!r} must be two numbers, the lowest and highest rating."
        ) from None
    if not (np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"rating_range={rating_range!r} must be finite, with the lowest rating first.")
    if step is not None:
        check_scalar(step, "rating_step", Real, min_val=0, max_val=high - low, include_boundaries="right")
    return low, high


def _moments(rng: np.random.RandomState, n_events: int, tie_share: float) -> tuple[np.ndarray, np.ndarray]:
    """For every event, the first event of its moment, and the moment in seconds.

    Moments are at least a second apart, so that only the planted ties share one.
    """
    tied = rng.random_sample(n_events) < tie_share
    tied[0] = False
    leaders = np.maximum.accumulate(np.where(tied, 0, np.arange(n_events)))
    gaps = 1 + np.floor(rng.exponential(_MEAN_GAP - 1, n_events)).astype(np.int64)
    return leaders, _START + np.cumsum(np.where(tied, 0, gaps))


class _Arrivals:
    """Ids that arrive over time, and are drawn with long-tailed weights among those that are there.

    In order of arrival, the ids that are there at any time are a prefix: one cumulative sum of their
    weights serves all times.
    """

    def __init__(self, rng: np.random.RandomState, n_ids: int, cold_share: float, exponent: float) -> None:
        n_cold = min(n_ids - 1, round(cold_share * n_ids))
        self._times = np.concatenate([np.zeros(n_ids - n_cold), np.sort(rng.random_sample(n_cold))])
        self._ids = rng.permutation(n_ids)  # of the first, the second, ... to arrive
        ranks = 1 + rng.permutation(n_ids)
        self._weights = np.cumsum(ranks.astype(np.float64) ** -exponent)

    def draw(self, rng: np.random.RandomState, progress: np.ndarray) -> np.ndarray:
        """One id for each point of time."""
        last = np.searchsorted(self._times, progress, side="right") - 1
        level = rng.random_sample(len(progress)) * self._weights[last]
        drawn = np.searchsorted(self._weights, level, side="right")
        return self._ids[np.minimum(drawn, last)].astype(np.int64)  # minimum: the product may round up


class _Planted:
    """Biases and factors at any time of the stream."""

    def __init__(
        self, rng: np.random.RandomState, shape: tuple[int, int, int], drift: float, unit: float
    ) -> None:
        n_users, n_items, n_factors = shape
        factor_sd = np.sqrt(_TASTE_SD * unit / np.sqrt(max(n_factors, 1)))  # p . q then has _TASTE_SD * unit
        self._angle = drift * np.pi / 2
        # two independent draws span the plane in which a value turns
        self.user_biases = _BIAS_SD * unit * rng.standard_normal((2, n_users))
        self.item_biases = _BIAS_SD * unit * rng.standard_normal((2, n_items))
        self.user_factors = factor_sd * rng.standard_normal((2, n_users, n_factors))
        self.item_factors = factor_sd * rng.standard_normal((n_items, n_factors))

    def user_biases_at(self, users: np.ndarray, progress: np.ndarray) -> np.ndarray:
        cos, sin = np.cos(self._angle * progress), np.sin(self._angle * progress)
        return cos * self.user_biases[0, users] + sin * self.user_biases[1, users]

    def utility(self, users: np.ndarray, items: np.ndarray, progress: np.ndarray) -> np.ndarray:
        """What the item is worth to the user: b_i + p_u . q_i."""
        cos, sin = np.cos(self._angle * progress), np.sin(self._angle * progress)
        value = cos * self.item_biases[0, items] + sin * self.item_biases[1, items]
        for factor in range(
            self.item_factors.shape[1]
        ):  # a column at a time: no (n_events, n_factors) copies
            p = cos * self.user_factors[0, users, factor] + sin * self.user_factors[1, users, factor]
            value += p * self.item_factors[items, factor]
        return value

    def truth(self, mean: float, expected: np.ndarray, noise: float) -> InteractionTruth:
        cos, sin = np.cos(self._angle), np.sin(self._angle)
        return InteractionTruth(
            mean=mean,
            user_biases=self.user_biases[0],
            item_biases=self.item_biases[0],
            user_factors=self.user_factors[0],
            item_factors=self.item_factors,
            user_biases_end=cos * self.user_biases[0] + sin * self.user_biases[1],
            item_biases_end=cos * self.item_biases[0] + sin * self.item_biases[1],
            user_factors_end=cos * self.user_factors[0] + sin * self.user_factors[1],
            expected=expected,
            noise=noise,
        )


def _on_scale(ratings: np.ndarray, low: float, high: float, step: float | None) -> np.ndarray:
    if step is None:
        return np.clip(ratings, low, high)
    steps = np.clip(np.rint((ratings - low) / step), 0, np.floor((high - low) / step + 1e-9))
    return low + step * steps


def _choices(
    rng: np.random.RandomState,
    planted: _Planted,
    arrivals: _Arrivals,
    users: np.ndarray,
    progress: np.ndarray,
    noise: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The item that each event's user takes out of a slate, and its utility."""
    best = np.full(len(users), -np.inf)
    items, utilities = np.zeros(len(users), dtype=np.int64), np.zeros(len(users))
    for _ in range(_SLATE):
        offered = arrivals.draw(rng, progress)
        utility = planted.utility(users, offered, progress)
        attraction = utility + noise * rng.gumbel(size=len(users))
        better = attraction > best
        best[better] = attraction[better]
        items[better], utilities[better] = offered[better], utility[better]
    return items, utilities
