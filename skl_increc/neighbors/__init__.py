"""Item neighbours: exact in any order, mergeable, forgettable."""

from skl_increc.neighbors._rating_item_knn import RatingItemKNN
from skl_increc.neighbors._slope_one import SlopeOne

__all__ = ["RatingItemKNN", "SlopeOne"]
