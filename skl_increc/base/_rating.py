"""Models that predict a number: regressors for both libraries."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin

from skl_increc.base._estimator import InteractionEstimator
from skl_increc.base._river import register_regressor

__all__ = ["RatingRegressor"]


@register_regressor
class RatingRegressor(RegressorMixin, InteractionEstimator):
    """A model whose y is a number to predict.

    A scikit-learn regressor, and a ``river.base.MiniBatchRegressor``.  Its lists (``recommend``) are
    ordered by predicted rating.  See ``InteractionEstimator`` for the hooks that a model writes.
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # X holds names, not quantities
        return tags
