"""What a stream of events is, in figures that a person checks first."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

__all__ = ["DataSummary"]

#: Seconds since 1970 between which a number is shown as a date: 1973 to 2128.
_DATES = (1e8, 5e9)


@dataclass(frozen=True)
class DataSummary:
    """Figures of a stream.

    Attributes
    ----------
    name : str
        Of the file or set.
    n_events, n_users, n_items : int
        Rows, and distinct ids in them.
    ratings : tuple of float or None
        Lowest, mean and highest; None for a stream without ratings.
    times : tuple of float or None
        First and last, in seconds since 1970; None for a stream without times.
    shared_moments : float or None
        Share of the events that have user and time in common with another.
    columns : dict
        Role to the name of its column in the file, where the file has another than the usual one.
    notes : tuple of str
        What else to know, a sentence each.
    terms : str or None
        Under which the data may be used.
    """

    name: str
    n_events: int
    n_users: int
    n_items: int
    ratings: tuple[float, float, float] | None = None
    times: tuple[float, float] | None = None
    shared_moments: float | None = None
    columns: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    terms: str | None = None

    @property
    def period(self) -> str | None:
        """First and last day, or the numbers where they are no seconds since 1970."""
        if self.times is None:
            return None
        if all(_DATES[0] <= time <= _DATES[1] for time in self.times):
            first, last = (dt.datetime.fromtimestamp(time, dt.UTC).date().isoformat() for time in self.times)
            return f"{first} to {last}"
        return f"times {self.times[0]:g} to {self.times[1]:g}"

    def sentence(self) -> str:
        """All of it in one sentence.

        Examples
        --------
        >>> from skl_increc.report import DataSummary
        >>> DataSummary("shop.csv", 1200, 30, 40, ratings=(1.0, 3.5, 5.0)).sentence()
        'shop.csv: 1,200 events of 30 users and 40 items; ratings 1 to 5, mean 3.5.'
        """
        parts = [
            f"{self.name}: {self.n_events:,} events of {self.n_users:,} users and {self.n_items:,} items"
        ]
        if self.ratings is not None:
            low, mean, high = self.ratings
            parts.append(f"ratings {low:g} to {high:g}, mean {mean:.3g}")
        if self.period is not None:
            parts.append(self.period)
        return "; ".join(parts) + "."
