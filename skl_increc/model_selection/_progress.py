"""Progress of long work, on standard error: a bar where there is a terminal and rich, else lines."""

from __future__ import annotations

import sys
import time
from typing import Any, Self

__all__ = ["Progress"]

_QUIET_SECONDS = 2.0
_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Shows how many events are done; nothing within the first two seconds.

    Parameters
    ----------
    total : int or None
        Number of events, where it is known.
    verbose : bool or "auto"
        "auto": only where standard error is a terminal.
    """

    def __init__(self, total: int | None, verbose: bool | str) -> None:
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._on = self._terminal if verbose == "auto" else bool(verbose)
        self._start = time.monotonic()
        self._next = self._start + _QUIET_SECONDS
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, done: int) -> None:
        """Say that ``done`` events are done."""
        if not self._on or time.monotonic() < self._next:
            return
        if self._bar is None and self._terminal:
            self._open_bar()
        if self._bar is not None:
            self._bar.update(self._task, completed=done)
        else:
            self._write_line(done)

    def _open_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar
        except ImportError:  # rich is an extra: lines will do
            self._terminal = False
            return
        columns = (TextColumn("test, then learn"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("events", total=self._total)
        self._bar.start()

    def _write_line(self, done: int) -> None:
        now = time.monotonic()
        of = f" of {self._total:,}" if self._total else ""
        sys.stderr.write(f"test, then learn: {done:,}{of} events in {now - self._start:.0f} s\n")
        sys.stderr.flush()
        self._next = now + _SECONDS_BETWEEN_LINES
