"""Events out of CSV and Parquet files."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skl_increc.datasets._cleaning import clean_events
from skl_increc.datasets._cleaning_report import CleaningReport
from skl_increc.datasets._columns import PARAMETERS, choose_columns
from skl_increc.datasets._frames import shown
from skl_increc.datasets._values import Column, typed_extra
from skl_increc.exceptions import DatasetError

if TYPE_CHECKING:
    import polars as pl

_SEPARATORS = (",", "\t", ";")
_LONGEST_HEADER = 1 << 20


def read_events(
    path: str | os.PathLike[str],
    *,
    user_col: str = "user",
    item_col: str = "item",
    rating_col: str | None = "rating",
    time_col: str | None = "timestamp",
    detect: bool = False,
    return_columns: bool = False,
) -> Any:
    """Read the events of a CSV or Parquet file, and check them.

    CSV files have a first line with the names of the columns, are encoded in UTF-8, separated by commas,
    tabs or semicolons (whichever the first line has most of), and may be compressed with gzip. Parquet files
    are known by their first bytes. Needs polars: ``pip install "skl_increc[cli]"``.

    Parameters
    ----------
    path : str or path-like
        The file.
    user_col, item_col : str, default="user", "item"
        Columns of the ids. A missing id is an anonymous event.
    rating_col : str or None, default="rating"
        Column of the ratings. None: the events have none.
    time_col : str or None, default="timestamp"
        Column of the times: seconds since 1970, or ISO dates and times (UTC where no zone is stated).
        None: the rows are in order already.
    detect : bool, default=False
        Look for a column that has not its default name under common names (``userId``, ``movie_id``,
        ``time``, ...). What was found is logged (level INFO, logger ``skl_increc.datasets``) and is in
        ``columns``; when two columns would do, it is an error.
    return_columns : bool, default=False
        Return which columns were read as well.

    Returns
    -------
    frame : polars.DataFrame
        One row an event, sorted by time, rows of equal time in the order of the file. First ``user`` and
        ``item`` (Int64 if all ids of a column are plain integers, else as they stand in the file),
        ``rating`` (Float64, finite), ``timestamp`` (Int64 seconds; Float64 if any has a fraction), then the
        other columns of the file under their own names. Empty lines are left out.
    columns : dict
        With ``return_columns=True``: for each of user, item, rating and timestamp, the name of its column
        in the file, or None.

    Raises
    ------
    ImportError
        If polars is not installed.
    DatasetError
        If the file is absent, empty or not readable, lacks a column, or holds a rating or time that is
        missing, not a number, or not finite. The message is one line, and shows the first such values with
        their rows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skl_increc.datasets import read_events
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "ratings.csv"
    ...     _ = path.write_text("user,item,rating,timestamp\\nAda,9,4.5,200\\nBob,7,3,100\\n")
    ...     read_events(path).rows()
    [('Bob', 7, 3.0, 100), ('Ada', 9, 4.5, 200)]
    """
    try:
        import polars as pl  # noqa: F401
    except ImportError as error:
        raise ImportError(f'read_events needs polars ({error}): pip install "skl_increc[cli]"') from error
    source = repr(str(Path(path).expanduser()))
    wanted = {"user": user_col, "item": item_col, "rating": rating_col, "timestamp": time_col}
    raw, rows, chosen = _open_events(path, wanted, detect)
    frame = _typed(raw, rows, chosen, source)
    return (frame, chosen) if return_columns else frame


def read_dirty_events(
    path: str | os.PathLike[str], wanted: Mapping[str, str | None], cleaning: Mapping[str, Any]
) -> tuple[pl.DataFrame, dict[str, str | None], CleaningReport]:
    """Read a file as `read_events` does, but drop what it would refuse, and whatever else cleaning says.

    Parameters
    ----------
    path : str or path-like
        The file.
    wanted : mapping
        user, item, rating, timestamp -> name of the column, or None; looked for under common names too.
    cleaning : mapping
        Parameters of `clean_events`.
    """
    source = repr(str(Path(path).expanduser()))
    raw, _, chosen = _open_events(path, wanted, True)
    named: dict[str, Any] = {PARAMETERS[role]: name for role, name in chosen.items()}
    raw, report = clean_events(raw, **named, **cleaning)
    if len(raw) == 0:
        raise DatasetError(f"Of {source} no event is left: {', '.join(report.dropped)}.")
    return _typed(raw, _numbered(raw), chosen, source), chosen, report


def _open_events(
    path: str | os.PathLike[str], wanted: Mapping[str, str | None], detect: bool
) -> tuple[pl.DataFrame, pl.Series, dict[str, str | None]]:
    """The rows of a file as they stand there, their numbers, and the column of each role."""
    import polars as pl

    path = Path(path).expanduser()
    source = repr(str(path))
    raw = _read_file(path, source)
    names = list(raw.columns)
    chosen = choose_columns(names, wanted, detect, source)
    rows = _numbered(raw)
    filled = ~raw.select(pl.all_horizontal(pl.all().is_null())).to_series()
    raw, rows = raw.filter(filled), rows.filter(filled)
    if len(raw) == 0:
        raise DatasetError(f"{source} is empty: it names the columns {shown(names)}, but holds no event.")
    return raw, rows, chosen


def _numbered(raw: pl.DataFrame) -> pl.Series:
    import polars as pl

    return pl.Series("row", range(1, len(raw) + 1), dtype=pl.Int64)


def _typed(raw: pl.DataFrame, rows: pl.Series, chosen: Mapping[str, str | None], source: str) -> pl.DataFrame:
    """The columns of the roles in their types, then the others; in order of time."""
    import polars as pl

    names: Sequence[str] = raw.columns
    series = [
        Column(raw[name], role, rows, names, source).parsed()
        for role, name in chosen.items()
        if name is not None
    ]
    roles = set(chosen.values())
    series += [typed_extra(raw[name]) for name in names if name not in roles]
    frame = pl.DataFrame(series)
    return frame if chosen["timestamp"] is None else frame.sort("timestamp", maintain_order=True)


def _read_file(path: Path, source: str) -> pl.DataFrame:
    """Read the file as it stands: text where it is CSV."""
    import polars as pl

    try:
        with path.open("rb") as file:
            start = file.read(4)
        if not start:
            raise DatasetError(f"{source} is empty: it has not even a line with the names of the columns.")
        if start == b"PAR1":
            return pl.read_parquet(path, glob=False)
        return _read_csv(path, source, gzipped=start[:2] == b"\x1f\x8b")
    except FileNotFoundError:
        raise DatasetError(
            f"There is no file {source} (in the folder {os.getcwd()!r}): check the path."
        ) from None
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{source} is not text in UTF-8 (byte {error.object[error.start]:#04x}): save it as CSV in "
            "UTF-8, or as Parquet."
        ) from error
    except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].strip()
        cure = (
            "Save it as CSV in UTF-8, one event a line with as many fields as the first line, or as Parquet."
        )
        raise DatasetError(f"{source} cannot be read: {reason.rstrip('.')}. {cure}") from error


def _read_csv(path: Path, source: str, gzipped: bool) -> pl.DataFrame:
    import polars as pl

    with gzip.open(path, "rb") if gzipped else path.open("rb") as file:
        header = file.readline(_LONGEST_HEADER).decode("utf-8-sig")
        if gzipped:  # here rather than in polars, whose older versions take a file cut short for text
            file.seek(0)
        body = file.read() if gzipped else path
    separator = max(_SEPARATORS, key=header.count)  # a draw goes to the first
    header_names = [name.strip() for name in next(csv.reader([header], delimiter=separator), [])]
    repeated = sorted({name for name in header_names if header_names.count(name) > 1 and name})
    if repeated:
        raise DatasetError(
            f"{source} has several columns of the name {shown(repeated)}: rename them, so that each is clear."
        )
    # everything as text: types are decided by whole columns, so that "007" stays and bad values can be shown
    frame = pl.read_csv(body, separator=separator, infer_schema_length=0, glob=False)
    return frame.rename({name: name.strip() for name in frame.columns if name != name.strip()})
