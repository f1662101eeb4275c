"""Choosing between models: test-then-learn on one stream, folds in order of time, tests of a difference."""

from __future__ import annotations

from ._bootstrap import BootstrapTest, paired_bootstrap
from ._comparison import Comparison
from ._groups import GroupMetrics
from ._long_tail_display import LongTailDisplay
from ._paired import PairedTest, mcnemar_test, paired_z_test
from ._per_id import ColdStartSplit, LastPerUser
from ._progressive import progressive_validate
from ._progressive_display import ProgressiveDisplay
from ._result import ProgressiveResult
from ._search import ProgressiveSearchCV
from ._stream import next_item
from ._temporal import ProgressiveSplit, TemporalSplit
from ._user_age_display import LearningCurveByUserAgeDisplay

__all__ = [
    "BootstrapTest",
    "ColdStartSplit",
    "Comparison",
    "GroupMetrics",
    "LastPerUser",
    "LearningCurveByUserAgeDisplay",
    "LongTailDisplay",
    "PairedTest",
    "ProgressiveDisplay",
    "ProgressiveResult",
    "ProgressiveSearchCV",
    "ProgressiveSplit",
    "TemporalSplit",
    "mcnemar_test",
    "next_item",
    "paired_bootstrap",
    "paired_z_test",
    "progressive_validate",
]
