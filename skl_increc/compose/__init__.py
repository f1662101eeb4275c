"""Models made of models."""

from skl_increc.compose._blend import Blend

__all__ = ["Blend"]
