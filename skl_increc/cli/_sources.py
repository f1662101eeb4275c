"""Where the events come from: a file, or a set that is built in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skl_increc.cli._errors import InputError, as_option, one_line
from skl_increc.datasets import (
    MOVIELENS_TERMS,
    CleaningReport,
    clean_events,
    fetch_movielens,
    load_movielens_small,
    read_events,
)
from skl_increc.datasets._files import read_dirty_events
from skl_increc.report import DataSummary

if TYPE_CHECKING:
    import polars as pl

__all__ = ["BUILT_IN", "Source", "open_source"]

#: Name on the command line -> name for fetch_movielens; None: shipped by a package.
BUILT_IN: dict[str, str | None] = {
    "movielens-small": None,
    "movielens-100k": "100k",
    "movielens-1m": "1m",
    "movielens-25m": "25m",
}
_LIKED = 4.0  # stars, out of 5: what is usual for MovieLens

Progress = Callable[[int, int | None], None]


@dataclass
class Source:
    """Events in a polars frame with user, item and, where there are such, rating and timestamp."""

    name: str
    frame: pl.DataFrame
    columns: dict[str, str] = field(default_factory=dict)
    liked: float | None = None
    terms: str | None = None
    notes: list[str] = field(default_factory=list)
    cleaned: CleaningReport | None = None

    @property
    def has_ratings(self) -> bool:
        """Whether rows have a rating."""
        return "rating" in self.frame.columns

    @property
    def time_col(self) -> str | None:
        """Name of the column of times, if there is one."""
        return "timestamp" if "timestamp" in self.frame.columns else None

    def summary(self) -> DataSummary:
        """Figures of the stream."""
        import polars as pl

        frame = self.frame
        ratings = times = shared = None
        if self.has_ratings:
            column = frame["rating"]
            ratings = (float(column.min()), float(column.mean()), float(column.max()))
        if self.time_col is not None:
            column = frame["timestamp"]
            times = (float(column.min()), float(column.max()))
            shared = float(frame.select(pl.struct("user", "timestamp").is_duplicated().mean()).item())
        return DataSummary(
            name=self.name,
            n_events=len(frame),
            n_users=frame["user"].drop_nulls().n_unique(),
            n_items=frame["item"].drop_nulls().n_unique(),
            ratings=ratings,
            times=times,
            shared_moments=shared,
            columns=self.columns,
            notes=(*("" if self.cleaned is None else str(self.cleaned)).splitlines(), *self.notes),
            terms=self.terms,
        )


def open_source(
    data: str | None,
    columns: Mapping[str, str | None],
    *,
    no_rating: bool = False,
    no_time: bool = False,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    cleaning: Mapping[str, Any] | None = None,
) -> Source:
    """Read the events of a file or of a built-in set, in order of time.

    Parameters
    ----------
    data : str or None
        Path, or a name of `BUILT_IN`; None for movielens-small.
    columns : mapping
        user, item, rating, time -> name of the column, None where none was given.
    no_rating, no_time : bool
        Do without these columns.
    limit : int or None
        Take this many events from the start of the stream.
    seed : int
        Order of the events of a built-in set that share a second.
    progress : callable or None
        Told the bytes done and in all of a download.
    cleaning : mapping or None
        Parameters of `clean_events`; None: leave the events as they are, and refuse what cannot be read.

    Raises
    ------
    InputError
        With the line to show.
    """
    for role, absent in (("rating", no_rating), ("time", no_time)):
        if absent and columns[role] is not None:
            raise InputError(f"--{role}-col and --no-{role} exclude each other: give one of them.")
    name = "movielens-small" if data is None else data
    try:
        if name.casefold() in BUILT_IN:
            source = _built_in(name.casefold(), columns, seed, progress, cleaning)
        else:
            source = _from_file(name, columns, no_rating, no_time, cleaning)
    except (ValueError, ImportError, OSError) as error:  # DatasetError is a ValueError
        raise InputError(as_option(one_line(error))) from error
    dropped = [role for role, absent in (("rating", no_rating), ("timestamp", no_time)) if absent]
    frame = source.frame.drop(dropped, strict=False)
    source.frame = frame if limit is None else frame.head(limit)
    return source


def _built_in(
    name: str,
    columns: Mapping[str, str | None],
    seed: int,
    progress: Progress | None,
    cleaning: Mapping[str, Any] | None,
) -> Source:
    given = [role for role, column in columns.items() if column is not None]
    if given:
        raise InputError(f"--{given[0]}-col is for files: {name} has columns of its own. Leave it out.")
    size = BUILT_IN[name]
    if size is None:
        frame = load_movielens_small(backend="polars", random_state=seed)
        title = "MovieLens-small (2016)"
    else:
        frame = fetch_movielens(
            size, item_columns=False, progress=progress, backend="polars", random_state=seed
        )
        title = f"MovieLens-{size.upper()}"
    frame = frame.select("user", "item", "rating", "timestamp")
    report = None
    if cleaning is not None:
        frame, report = clean_events(frame, **cleaning)
    return Source(title, frame, liked=_LIKED, terms=MOVIELENS_TERMS, cleaned=report)


def _from_file(
    data: str,
    columns: Mapping[str, str | None],
    no_rating: bool,
    no_time: bool,
    cleaning: Mapping[str, Any] | None,
) -> Source:
    path = Path(data).expanduser()
    if path.is_dir():
        raise InputError(f"{data!r} is a directory: name a CSV or Parquet file in it.")
    if not path.exists():
        raise InputError(
            f"There is no file and no built-in set {data!r}. Built-in sets: {', '.join(BUILT_IN)}. "
            "Files are CSV or Parquet."
        )
    usual = {"user": "user", "item": "item", "rating": "rating", "time": "timestamp"}
    wanted: dict[str, str | None] = {name: columns[role] or name for role, name in usual.items()}
    if no_rating:
        wanted["rating"] = None
    if no_time:
        wanted["timestamp"] = None
    report = None
    if cleaning is None:
        named: dict[str, Any] = {f"{role}_col": wanted[name] for role, name in usual.items()}
        frame, found = read_events(path, **named, detect=True, return_columns=True)
    else:
        frame, found, report = read_dirty_events(path, wanted, cleaning)
    frame = frame.select([role for role in usual.values() if found[role] is not None])
    for role in ("user", "item"):
        if frame[role].dtype.is_nested():
            raise InputError(
                f"Column {found[role]!r} of {data!r} holds {frame[role].dtype}, which are no ids: "
                f"name another with --{role}-col."
            )
    read_as = {role: name for role, name in found.items() if name is not None and name != role}
    return Source(path.name, frame, columns=read_as, cleaned=report)
