"""How long single calls took, from a sample of them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

__all__ = ["Latency"]

_MOST = 1 << 18


class Latency:
    """Spans of time of a sample of the calls of one kind.

    Parameters
    ----------
    tick : float
        Nanoseconds that reading the clock adds to a span.
    """

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._spans = array("q")
        self._stride = 1
        self._skip = 0

    def add(self, spans: Sequence[int]) -> float | None:
        """Keep the nanoseconds of some calls; their mean without the longest, None of no call."""
        if not spans:
            return None
        self._spans.extend(spans[self._skip :: self._stride])
        self._skip = (self._skip - len(spans)) % self._stride
        if len(self._spans) > _MOST:  # thinner from here on: an endless stream fits
            self._spans = self._spans[::2]
            self._stride *= 2
        # without the longest, in which another process may have had the processor
        kept = sorted(spans)[: max(1, len(spans) - 1)]
        return max(sum(kept) / len(kept) - self._tick, 1.0)

    def seconds(self, share: float) -> float | None:
        """Span that this share of the calls does not exceed; None without a call."""
        if not self._spans:
            return None
        return max(float(np.quantile(self._spans, share)) - self._tick, 1.0) / 1e9
