"""Ctrl-C that waits until what belongs together is done."""

from __future__ import annotations

import signal
import threading
from typing import Any, Self

__all__ = ["Interrupts"]


class Interrupts:
    """While it is entered, ``with interrupts.later():`` holds Ctrl-C back to the end of a short block.

    Without a handler of somebody else's, and in the main thread, where alone Python lets one be set; elsewhere
    nothing changes.

    Examples
    --------
    >>> import signal
    >>> kept = []
    >>> try:
    ...     with Interrupts() as interrupts, interrupts.later():
    ...         signal.raise_signal(signal.SIGINT)
    ...         kept.append("all of it")
    ... except KeyboardInterrupt:
    ...     kept.append("then the end")
    >>> kept
    ['all of it', 'then the end']
    """

    def __init__(self) -> None:
        self._held = False
        self._came = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, *_: object) -> None:
        if not self._held:
            raise KeyboardInterrupt
        self._came = True

    def later(self) -> _Later:
        """Context in which Ctrl-C is noted, to be raised at its end."""
        return _Later(self)


class _Later:
    def __init__(self, interrupts: Interrupts) -> None:
        self._interrupts = interrupts

    def __enter__(self) -> None:
        self._interrupts._held = True

    def __exit__(self, *_: object) -> None:
        self._interrupts._held = False
        if self._interrupts._came:
            self._interrupts._came = False
            raise KeyboardInterrupt
