"""Download of published archives into a cache that an interrupted download cannot spoil."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

from skl_increc.exceptions import DatasetError

Progress = Callable[[int, int | None], None]
Result = TypeVar("Result")

_TIMEOUT = 30.0  # seconds without any answer, not for the whole file
_CHUNK = 1 << 18
_BSD_FORM = re.compile(r"MD5 ?\(([^)]+)\) ?= ?([0-9a-fA-F]{32})")
_GNU_FORM = re.compile(r"\\?([0-9a-fA-F]{32})(?:[ \t]+\*?(\S.*))?")


class _TransientError(DatasetError):
    """A failure that may pass when the download is tried again."""


def get_data_home(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder in which downloaded data sets are kept; it need not exist yet.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder. None takes the environment variable ``SKL_INCREC_HOME``, and without it
        ``skl_increc_data`` in the user's home folder. A leading ``~`` is expanded.

    Returns
    -------
    pathlib.Path
        The folder.

    Examples
    --------
    >>> from skl_increc.datasets import get_data_home
    >>> get_data_home("ratings").name
    'ratings'
    """
    if data_home is None:
        data_home = os.environ.get("SKL_INCREC_HOME") or Path("~") / "skl_increc_data"
    return Path(data_home).expanduser()


def parse_md5(text: str, name: str) -> str:
    """Find the checksum of file ``name`` in a published ``.md5`` file.

    Both usual forms are read: ``MD5 (name) = hash`` and ``hash  name``; also a hash alone.
    """
    for line in text.splitlines():
        line = line.strip()
        if found := _BSD_FORM.fullmatch(line):
            stated, digest = found[1], found[2]
        elif found := _GNU_FORM.fullmatch(line):
            stated, digest = found[2] or name, found[1]
        else:
            continue
        if os.path.basename(stated.strip()) == name:
            return digest.lower()
    start = text.strip()[:60]
    raise DatasetError(f"{name}.md5 states no MD5 checksum of {name}: it begins {start!r}.")


def fetch_archive(
    name: str,
    base_url: str,
    folder: Path,
    *,
    download_if_missing: bool = True,
    n_retries: int = 3,
    delay: float = 1.0,
    progress: Progress | None = None,
) -> Path:
    """Return the verified archive ``folder / name``, downloading it when it is absent or damaged.

    The archive and the ``.md5`` published beside it are kept together, so that a cached copy is
    verified without the network. Nothing appears under its final name before it is whole, on disk and
    equal to its checksum, which also makes downloads by several processes at once harmless.
    """
    path, sidecar = folder / name, folder / f"{name}.md5"
    if _is_verified(path, sidecar):
        return path
    state = "absent" if not path.exists() else "damaged, or its .md5 is missing"
    by_hand = (
        f"The copy {str(path)!r} is {state}. To do without this download, put {name} and {name}.md5 "
        f"from {base_url} into the folder {str(folder)!r}."
    )
    if not download_if_missing:
        raise DatasetError(f"download_if_missing=False, and {name} is not in the cache. {by_hand}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = _retried(lambda: _read_text(f"{base_url}{name}.md5"), n_retries, delay)
        expected = parse_md5(text, name)
        if not path.is_file() or _md5_of(path) != expected:
            _retried(lambda: _download(f"{base_url}{name}", path, expected, progress), n_retries, delay)
        _write_whole(sidecar, lambda file: file.write(text.encode()))
    except DatasetError as error:
        raise DatasetError(f"{error} {by_hand}") from error
    except OSError as error:
        raise DatasetError(
            f"Cannot keep {name} in {str(folder)!r}: {error}. Choose another folder with data_home= or "
            "the environment variable SKL_INCREC_HOME."
        ) from error
    return path


def _is_verified(path: Path, sidecar: Path) -> bool:
    try:
        return _md5_of(path) == parse_md5(sidecar.read_text(errors="replace"), path.name)
    except (OSError, DatasetError):
        return False


def _md5_of(path: Path) -> str:
    # a checksum against damage, published as MD5: not a matter of security
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _retried(action: Callable[[], Result], n_retries: int, delay: float) -> Result:
    for _ in range(n_retries):
        try:
            return action()
        except _TransientError:
            time.sleep(delay)
    return action()


def _write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write beside ``path``, then rename: readers see the old file or the whole new one."""
    # open() rather than tempfile, whose files only their owner may read: a cache can be shared
    part = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _read_text(url: str) -> str:
    parts: list[bytes] = []
    _stream(url, parts.append, None)
    return b"".join(parts).decode("ascii", errors="replace")


def _download(url: str, path: Path, expected: str, progress: Progress | None) -> None:
    digest = hashlib.md5(usedforsecurity=False)

    def write(file: IO[bytes]) -> None:
        def keep(chunk: bytes) -> None:
            file.write(chunk)
            digest.update(chunk)

        _stream(url, keep, progress)
        if digest.hexdigest() != expected:
            raise _TransientError(
                f"What {url} sent has the MD5 checksum {digest.hexdigest()}, but {url}.md5 states "
                f"{expected}: the download is damaged and was thrown away."
            )

    _write_whole(path, write)


def _stream(url: str, keep: Callable[[bytes], object], progress: Progress | None) -> None:
    """Hand the body of ``url`` over in chunks, and complain about one that ends too early."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        response = urlopen(Request(url, headers={"User-Agent": "skl_increc"}), timeout=_TIMEOUT)
    except HTTPError as error:
        error.close()
        kind = _TransientError if error.code >= 500 else DatasetError
        raise kind(f"The server answered {error.code} {error.reason} for {url}.") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _TransientError(f"Cannot reach {url}: {reason}. Check the network connection.") from error
    with response:
        stated = response.headers.get("Content-Length")
        total = int(stated) if stated and stated.isdigit() else None
        done = 0
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, HTTPException) as error:
                raise _TransientError(
                    f"The connection broke after {done} bytes of {url}: {error}."
                ) from error
            if not chunk:
                break
            keep(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
    if total is not None and done < total:
        raise _TransientError(f"The connection broke after {done} of {total} bytes of {url}.")
