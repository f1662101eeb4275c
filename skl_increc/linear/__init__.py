"""Linear models: every item as a weighted sum of the others."""

from skl_increc.linear._ease import EASE

__all__ = ["EASE"]
