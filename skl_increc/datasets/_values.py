"""What stands in a column of a file, as ids, ratings and points of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skl_increc.datasets._columns import PARAMETERS
from skl_increc.datasets._frames import shown
from skl_increc.exceptions import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_SHOWN = 3  # bad values that a message shows
_TO_ONE_FORM = (
    (r"^(\d{4}-\d{2}-\d{2})$", "${1}T00:00:00"),
    (r"^(.{10})[ t]", "${1}T"),
    (r"T(\d{2}:\d{2})($|[^:\d])", "T${1}:00${2}"),
    (r"\s*(?:Z|z|UTC)$", "+00:00"),
    (r"(T[\d:.]+)$", "${1}+00:00"),
    (r"(T[\d:.]+)\s*([+-]\d{2})$", "${1}${2}:00"),
    (r"(T[\d:.]+)\s*([+-]\d{2}):?(\d{2})$", "${1}${2}:${3}"),
)


class Column:
    """One column of a file, with all that a message about it needs.

    Parameters
    ----------
    series : polars.Series
        Its values as they stand in the file.
    role : str
        What it is read as: user, item, rating or timestamp.
    rows : polars.Series
        Number of each value's row in the file, from 1, without the header.
    columns : sequence of str
        All columns of the file.
    source : str
        Name of the file.
    """

    def __init__(
        self, series: pl.Series, role: str, rows: pl.Series, columns: Sequence[str], source: str
    ) -> None:
        self.series = series
        self.role = role
        self.rows = rows
        self.columns = columns
        self.source = source

    def parsed(self) -> pl.Series:
        """Return the column's values in the type of its role, under the role's name."""
        if self.role == "rating":
            series = self._ratings()
        elif self.role == "timestamp":
            series = self._timestamps()
        else:
            series = typed_ids(self.series)
        return series.alias(self.role)

    def _ratings(self) -> pl.Series:
        import polars as pl

        series = self.series
        if series.dtype == pl.String:
            ratings = series.str.strip_chars().cast(pl.Float64, strict=False)
        elif series.dtype.is_numeric() or series.dtype in (pl.Boolean, pl.Null):
            ratings = series.cast(pl.Float64)
        else:
            raise self._wrong_type("numbers")
        self._refuse(~ratings.is_finite().fill_null(False), "missing or no finite number")
        return ratings

    def _timestamps(self) -> pl.Series:
        import polars as pl

        series = self.series
        if series.dtype == pl.String:
            times = _numbers(series.str.strip_chars())
            if times is None:
                times = _seconds(_datetimes(series))
        elif series.dtype in (pl.Date, pl.Datetime):
            times = _seconds(series)
        elif series.dtype.is_numeric() or series.dtype == pl.Null:
            times = series if series.dtype.is_integer() else series.cast(pl.Float64)
        else:
            raise self._wrong_type("seconds or datetimes")
        finite = times.is_finite() if times.dtype.is_float() else times.is_not_null()
        self._refuse(~finite.fill_null(False), "missing, or neither seconds nor an ISO date and time")
        return times.cast(pl.Int64) if times.dtype.is_integer() else _whole(times)

    def _wrong_type(self, needed: str) -> DatasetError:
        return DatasetError(
            f"Column {self.series.name!r} of {self.source} is of type {self.series.dtype}, and a {self.role} "
            f"needs {needed}. The file has {shown(self.columns)}. Name another with {PARAMETERS[self.role]}=."
        )

    def _refuse(self, bad: pl.Series, what: str) -> None:
        """Raise if any value is bad, and show the first few."""
        count = int(bad.sum())
        if count == 0:
            return
        first = [
            f"{'missing' if value is None else repr(value)[:40]} (row {row})"
            for value, row in zip(
                self.series.filter(bad).head(_SHOWN), self.rows.filter(bad).head(_SHOWN), strict=True
            )
        ]
        values = "1 value" if count == 1 else f"{count} values"
        raise DatasetError(
            f"{values} in column {self.series.name!r} of {self.source}, read as the {self.role}: {what}: "
            f"{', '.join(first)}{', ...' if count > _SHOWN else ''}; rows are counted from 1 without the "
            f"header. The file has {shown(self.columns)}. Repair or drop these rows, or name another column "
            f"with {PARAMETERS[self.role]}=."
        )


def typed_ids(series: pl.Series) -> pl.Series:
    """Give ids as integers where nothing is lost by it ("007" stays text), else as they are."""
    import polars as pl

    if series.dtype == pl.String:
        numbers = series.cast(pl.Int64, strict=False)
        return numbers if (numbers.cast(pl.String).eq_missing(series)).all() else series
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    if series.dtype.is_float():  # integers with a hole, as pandas writes them
        return _whole(series.fill_nan(None))
    return series


def typed_extra(series: pl.Series) -> pl.Series:
    """Give a text column of a CSV file as integers or floats where all of it is such."""
    import polars as pl

    if series.dtype != pl.String or series.null_count() == len(series):
        return series
    ids = typed_ids(series)
    if ids.dtype != pl.String or series.str.contains(r"^\s*-?0\d").any():
        return ids
    numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
    return numbers if numbers.null_count() == series.null_count() else series


def _numbers(text: pl.Series) -> pl.Series | None:
    """Give text as seconds; None if not one value is a number."""
    import polars as pl

    whole = text.cast(pl.Int64, strict=False)
    numbers = whole if whole.null_count() == text.null_count() else text.cast(pl.Float64, strict=False)
    return None if numbers.null_count() == len(text) else numbers


def _datetimes(text: pl.Series) -> pl.Series:
    """Give text as points of time in UTC; missing where it is no ISO date.

    Written in one form first: polars guesses a form from the first value, also at 01/02/2020.
    """
    text = text.str.strip_chars()
    for pattern, form in _TO_ONE_FORM:
        text = text.str.replace(pattern, form)
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)


def _seconds(times: pl.Series) -> pl.Series:
    """Seconds since 1970 in UTC; a time without a zone is taken as UTC."""
    return times.dt.epoch("us") / 1_000_000


def _whole(numbers: pl.Series) -> pl.Series:
    """Give floats as integers if all are whole."""
    import polars as pl

    if not numbers.dtype.is_float():
        return numbers
    whole = numbers.cast(pl.Int64, strict=False)
    return whole if (whole.cast(numbers.dtype).eq_missing(numbers)).all() else numbers
