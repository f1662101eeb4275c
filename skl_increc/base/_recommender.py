"""Models that order items: y is optional, and says how strongly something happened."""

from __future__ import annotations

from typing import Any, ClassVar

from skl_increc.base._estimator import InteractionEstimator
from skl_increc.base._held_out import ranking_score
from skl_increc.base._interactions import read_table
from skl_increc.base._river import register_estimator

__all__ = ["Recommender"]


@register_estimator
class Recommender(InteractionEstimator):
    """A model whose events are positives: y is None, or y > 0 and y >= ``min_y``.

    y > 0 marks the item as seen; below ``min_y`` it teaches nothing else.  y <= 0 is no event, except for models that
    learn from what was refused (``BPR``): to them it is a refusal, and does not mark the item as seen.
    A scikit-learn estimator (no regressor), and a ``river.base.Estimator``.
    """

    _optional_y: ClassVar[bool] = True

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """NDCG@10 of held-out pairs, averaged over their users; items that a user had already are left out.

        Parameters
        ----------
        X : frame or array-like of shape (n_pairs, n_columns)
            Held-out events.
        y : array-like, optional
            Pairs with y <= 0, or below ``min_y``, are not asked for.
        sample_weight : array-like, optional
            Weights of the pairs.

        Returns
        -------
        float
            In [0, 1]; nan if no pair is left to ask for.
        """
        self._ready_state()
        events = read_table(self, X, reset=False, checked=hasattr(self, "n_features_in_"))
        target = None if y is None else self._check_y(y, len(events)).tolist()
        min_y = getattr(self, "min_y", None)
        pairs = events.users.to_list(), events.items.to_list()
        return ranking_score(
            self, *pairs, target, metric="ndcg", k=10, min_y=min_y, sample_weight=sample_weight
        )
