"""Models made of models."""

from skl_increc.compose._bagging import Bagging, RatingBagging
from skl_increc.compose._blend import Blend
from skl_increc.compose._cold_start_map import ColdStartMap, RatingColdStartMap
from skl_increc.compose._fallback import Fallback, RatingFallback
from skl_increc.compose._switch import RatingSwitch, Switch

__all__ = [
    "Bagging",
    "Blend",
    "ColdStartMap",
    "Fallback",
    "RatingBagging",
    "RatingColdStartMap",
    "RatingFallback",
    "RatingSwitch",
    "Switch",
]
