"""Choosing between models: test-then-learn evaluation on one stream, and folds in order of time."""

from __future__ import annotations

from ._per_id import ColdStartSplit, LastPerUser
from ._progressive import progressive_validate
from ._result import ProgressiveResult
from ._stream import next_item
from ._temporal import ProgressiveSplit, TemporalSplit

__all__ = [
    "ColdStartSplit",
    "LastPerUser",
    "ProgressiveResult",
    "ProgressiveSplit",
    "TemporalSplit",
    "next_item",
    "progressive_validate",
]
