"""The command ``skl-increc``.

Nothing that an extra installs is imported before `main` has looked whether it is there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = ("typer", "rich", "polars")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the program; by default those of the process.

    Returns
    -------
    int
        Exit code: 0; 2 for input that cannot be used, after one line on standard error; 130 after Ctrl-C.

    Examples
    --------
    >>> from skl_increc.cli import main
    >>> code = main(["--version"])  # doctest: +ELLIPSIS
    skl-increc ...
    >>> code
    0
    """
    missing = [name for name in _NEEDED if not _is_installed(name)]
    if missing:
        needs = f"skl-increc needs {' and '.join(missing)}, not installed here"
        sys.stderr.write(f'{needs}: pip install "skl_increc[cli]"\n')
        return 2
    try:
        from skl_increc.cli._app import run

        return run(argv)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return 130


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # put aside by an entry of None in sys.modules
        return False
