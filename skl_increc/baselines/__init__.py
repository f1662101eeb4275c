"""Baselines: what every other model must beat, and what answers when it knows nothing."""

from skl_increc.baselines._baseline import Baseline
from skl_increc.baselines._popularity import Popularity

__all__ = ["Baseline", "Popularity"]
