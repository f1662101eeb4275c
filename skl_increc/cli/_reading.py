"""What is shown while data is fetched and read: on standard error, and only on a terminal."""

from __future__ import annotations

from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["Reading"]


class Reading:
    """A sign of life, and a bar once a download reports how far it is.

    Parameters
    ----------
    name : str
        What is read.
    """

    def __init__(self, name: str) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status = self._console.status(f"reading {name}")
        self._bar: Progress | None = None
        self._task: Any = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._status.stop()
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        """Say that so many bytes of a download are done."""
        if not self._console.is_terminal:
            return
        if self._bar is None:
            self._status.stop()
            columns = (TextColumn("download"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("download", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total)
