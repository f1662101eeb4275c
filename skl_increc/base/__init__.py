"""The contract that every model keeps."""

from skl_increc._state.fields import Field
from skl_increc.base._estimator import InteractionEstimator
from skl_increc.base._guarantees import Guarantees
from skl_increc.base._rating import RatingRegressor
from skl_increc.base._recommender import Recommender

__all__ = ["Field", "Guarantees", "InteractionEstimator", "RatingRegressor", "Recommender"]
