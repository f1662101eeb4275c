"""What was dropped from a table of events, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skl_increc.datasets._frames import build_frame, resolve_backend

__all__ = ["CleaningReport"]

_WIDEST = 32  # characters of an example: a line of the table is then at most 80 wide


@dataclass(frozen=True)
class CleaningReport:
    """How many events came, how many stayed, and the one reason of each that was dropped.

    Printed, it is a table; ``to_frame()`` gives the same as a frame.

    Attributes
    ----------
    n_in, n_out : int
        Events before and after; ``n_in == n_out + sum(dropped.values())``, always.
    dropped : dict
        Reason -> number of events, in the order in which the rules were applied.
    examples : dict
        Reason -> up to three of the events, as dicts with their row number (from 0) under "row".
    changed : dict
        What was done to events that stayed -> how many: quantities that a return made smaller.
    backend : str
        Library of the frame that was cleaned.

    See Also
    --------
    clean_events : Which returns it.
    """

    n_in: int
    n_out: int
    dropped: Mapping[str, int]
    examples: Mapping[str, Sequence[Mapping[str, Any]]]
    changed: Mapping[str, int]
    backend: str
    _codes: np.ndarray = field(repr=False, compare=False)
    _reasons: Sequence[str] = field(repr=False, compare=False)

    @property
    def n_dropped(self) -> int:
        """Events that were dropped."""
        return self.n_in - self.n_out

    def rows(self, reason: str) -> np.ndarray:
        """Row numbers, from 0, of the events that were dropped for a reason; int64, ascending.

        Raises
        ------
        KeyError
            If nothing was dropped for this reason.
        """
        if reason not in self.dropped:
            raise KeyError(f"nothing was dropped as {reason!r}; the reasons are {list(self.dropped)}")
        return np.flatnonzero(self._codes == self._reasons.index(reason))

    def to_frame(self, backend: str | None = None) -> Any:
        """The report as a frame with the columns reason, events, share and example.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the frame; by default that of the frame which was cleaned.
        """
        names = list(self.dropped)
        columns = {
            "reason": names,
            "events": np.array([self.dropped[name] for name in names], dtype=np.int64),
            "share": np.array([self.dropped[name] / self.n_in for name in names], dtype=np.float64),
            "example": [_shown(self.examples[name][0]) for name in names],
        }
        return build_frame(columns, resolve_backend(backend or self.backend)).to_native()

    def __str__(self) -> str:
        lines = [f"{self.n_in:,} events in, {self.n_out:,} out, {self.n_dropped:,} dropped"]
        width = max((len(name) for name in self.dropped), default=0)
        for name, count in self.dropped.items():
            share = count / self.n_in
            lines.append(f"  {name:<{width}}  {count:>9,}  {share:>6.1%}  {_shown(self.examples[name][0])}")
        lines += [f"{count:,} {what}" for what, count in self.changed.items()]
        return "\n".join(lines)


def _shown(example: Mapping[str, Any]) -> str:
    values = ", ".join(repr(value) for name, value in example.items() if name != "row")
    text = f"row {example['row']}: {values}"
    return text if len(text) <= _WIDEST else text[: _WIDEST - 3] + "..."
