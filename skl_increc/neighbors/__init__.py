"""Item neighbours: exact counts and sums that merge and forget."""

from skl_increc.neighbors._item_knn import ItemKNN
from skl_increc.neighbors._rating_item_knn import RatingItemKNN
from skl_increc.neighbors._slope_one import SlopeOne

__all__ = ["ItemKNN", "RatingItemKNN", "SlopeOne"]
