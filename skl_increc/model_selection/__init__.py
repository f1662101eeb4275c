"""Choosing between models on one stream: test-then-learn evaluation, and the streams for it."""

from __future__ import annotations

from ._progressive import progressive_validate
from ._result import ProgressiveResult
from ._stream import next_item

__all__ = ["ProgressiveResult", "next_item", "progressive_validate"]
