"""Writing a page, so that nothing but a whole one appears under its name."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["check_writable", "write_page"]


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out, before a long run, whether a page can be written there.

    Raises
    ------
    OSError
        With a sentence that says why not.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a directory: name a file in it, such as report.html.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder {str(path.parent)!r} does not exist: make it first.")
    try:
        part = _part(path)
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise _cannot(path, error) from error


def write_page(path: str | os.PathLike[str], page: str) -> None:
    """Write a page in UTF-8; an error leaves what was there before.

    Raises
    ------
    OSError
        With a sentence that says why not.
    """
    path = Path(path).expanduser()
    part = _part(path)
    try:
        part.write_text(page, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _cannot(path, error) from error


def _part(path: Path) -> Path:
    return path.with_name(f".{secrets.token_hex(8)}.part")  # no longer than names may be


def _cannot(path: Path, error: OSError) -> OSError:
    return OSError(f"The report cannot be written to {str(path)!r}: {error.strerror or error}.")
