"""What lies inside GroupLens' archives, read into one shape."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc.datasets._frames import beside, build_frame, take_rows, time_order
from skl_increc.exceptions import DatasetError

_TITLE_AND_YEAR = re.compile(r"(.*?)\s*\((\d{4})\)\s*")

Movie = tuple[int, str, str]  # id, title with its year, genres joined by "|"


@dataclass(frozen=True)
class Layout:
    """The files of one archive.

    Attributes
    ----------
    folder : str
        Name of the archive without ``.zip``, and of the folder in it.
    ratings, movies : str
        Names of the files.
    separator : str
        Between the fields of both files, except for 100k's movies.
    header : bool
        Whether the first lines name the columns.
    encoding : str
        Of the movies' titles.
    """

    folder: str
    ratings: str
    movies: str
    separator: str
    header: bool
    encoding: str


LAYOUTS = {
    "100k": Layout("ml-100k", "u.data", "u.item", "\t", False, "latin-1"),
    "1m": Layout("ml-1m", "ratings.dat", "movies.dat", "::", False, "latin-1"),
    "25m": Layout("ml-25m", "ratings.csv", "movies.csv", ",", True, "utf-8"),
}


def read_movielens(
    archive: Path, layout: Layout, backend: str, random_state: Any, item_columns: bool
) -> nw.DataFrame[Any]:
    """Read the ratings of an archive, in order of time, and what it tells of the movies."""
    try:
        with zipfile.ZipFile(archive) as files:
            ratings = _read_ratings(files, layout)
            movies = _read_movies(files, layout) if item_columns else None
    except (zipfile.BadZipFile, csv.Error, KeyError, ValueError, OSError) as error:
        reason = str(error.args[0] if isinstance(error, KeyError) else error).rstrip(".")
        raise DatasetError(
            f"{str(archive)!r} is not the {layout.folder} archive that is known here: {reason}. "
            "Delete it to download it again."
        ) from error
    ratings = ratings[time_order(ratings[:, 3], random_state)]
    columns = {
        "user": ratings[:, 0].astype(np.int64),
        "item": ratings[:, 1].astype(np.int64),
        "rating": np.ascontiguousarray(ratings[:, 2]),
        "timestamp": ratings[:, 3].astype(np.int64),
    }
    frame = build_frame(columns, backend)
    return frame if movies is None else beside(frame, _movies_of(columns["item"], movies, backend))


def _lines(files: zipfile.ZipFile, layout: Layout, name: str, encoding: str) -> Iterator[str]:
    with files.open(f"{layout.folder}/{name}") as raw:
        yield from io.TextIOWrapper(raw, encoding=encoding, newline="")


def _read_ratings(files: zipfile.ZipFile, layout: Layout) -> np.ndarray:
    separator = "\t" if len(layout.separator) > 1 else layout.separator  # numpy splits at one character only
    text = _lines(files, layout, layout.ratings, "ascii")
    lines = (
        text
        if separator == layout.separator
        else (line.replace(layout.separator, separator) for line in text)
    )
    ratings = np.loadtxt(lines, delimiter=separator, comments=None, skiprows=int(layout.header), ndmin=2)
    if ratings.shape[0] == 0 or ratings.shape[1] != 4 or not np.isfinite(ratings).all():
        raise ValueError(f"{layout.ratings} holds a table of {ratings.shape}, not ratings in four columns")
    return ratings


def _read_movies(files: zipfile.ZipFile, layout: Layout) -> list[Movie]:
    lines = _lines(files, layout, layout.movies, layout.encoding)
    if layout.folder == "ml-100k":
        return list(_movies_100k(lines, _genres_100k(files, layout)))
    if layout.header:
        rows = csv.reader(lines)
        next(rows, None)
    else:
        rows = (line.rstrip("\r\n").split(layout.separator) for line in lines)  # type: ignore[assignment]
    return [(int(row[0]), row[1], row[2]) for row in rows if len(row) >= 3]


def _genres_100k(files: zipfile.ZipFile, layout: Layout) -> list[str]:
    fields = (line.strip().split("|") for line in _lines(files, layout, "u.genre", "ascii"))
    return [field[0] for field in fields if field[0]]


def _movies_100k(lines: Iterable[str], genres: list[str]) -> Iterator[Movie]:
    """Read id|title|release|video release|URL| and one 0 or 1 for each genre."""
    for line in lines:
        row = line.rstrip("\r\n").split("|")
        if len(row) >= 5 + len(genres):
            has = [genre for genre, flag in zip(genres, row[5:], strict=False) if flag == "1"]
            yield int(row[0]), row[1], "|".join(has)


def _movies_of(items: np.ndarray, movies: list[Movie], backend: str) -> nw.DataFrame[Any]:
    """Give title, year and genres of the movie of every event; nothing for a movie without an entry."""
    movies = sorted(movies)
    titles: list[str | None] = []
    years: list[int | None] = []
    for _, title, _ in movies:
        found = _TITLE_AND_YEAR.fullmatch(title)
        titles.append(found[1] if found else title)
        years.append(int(found[2]) if found else None)
    table = {
        "title": [*titles, None],  # the last row is that of movies without an entry
        "year": [*years, None],
        "genres": [*(genres or None for _, _, genres in movies), None],
    }
    ids = np.array([movie for movie, _, _ in movies], dtype=np.int64)
    rows = np.searchsorted(ids, items)
    known = rows < len(ids)
    known[known] = ids[rows[known]] == items[known]
    rows[~known] = len(ids)
    return take_rows(build_frame(table, backend), rows)
