"""A scorer for scikit-learn's searches: the lists for the users of a held-out table."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from sklearn.utils.validation import check_is_fitted, column_or_1d

from skl_increc.base._held_out import ranking_score
from skl_increc.base._interactions import read_table
from skl_increc.base._ranking import check_gain

__all__ = ["RankingScorer"]


class RankingScorer:
    """Callable for ``scoring=``: mean gain of the lists for the users of the held-out events.

    Parameters
    ----------
    metric : {"ndcg", "hit", "recall", "precision", "f1", "mrr", "map"}, default="ndcg"
        The gain of a list.
    k : int, default=10
        Length of the lists, at least 1.
    exclude_seen : bool, default=True
        Leave out of the lists what the user had; such items are not asked for either.
    min_y : float, optional
        Least y of a held-out event that counts; by default the model's own ``min_y``, if it has one.
    candidates : iterable of hashable, optional
        The items that may be recommended.

    Notes
    -----
    The score is NaN where a fold leaves nothing to ask for. Use folds in time order, such as
    ``TimeSeriesSplit``: shuffled folds let a model learn the future.

    Examples
    --------
    >>> from skl_increc.metrics import RankingScorer
    >>> RankingScorer("recall", k=5)
    RankingScorer('recall', k=5)
    """

    def __init__(
        self,
        metric: str = "ndcg",
        k: int = 10,
        *,
        exclude_seen: bool = True,
        min_y: float | None = None,
        candidates: Iterable[Hashable] | None = None,
    ) -> None:
        check_gain(metric, k)
        self.metric = metric
        self.k = k
        self.exclude_seen = exclude_seen
        self.min_y = min_y
        self.candidates = None if candidates is None else list(candidates)

    def __call__(self, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : recommender, rating model, pipeline that ends in one, or fitted search over these
        X : frame or array-like of shape (n_pairs, n_columns)
            Held-out events.
        y : array-like of shape (n_pairs,), optional
            Their values.
        sample_weight : array-like of shape (n_pairs,), optional
            Weights; a user counts by the mean of his.

        Returns
        -------
        float
            Between 0 and 1, or NaN.

        Raises
        ------
        TypeError
            If the last step of the estimator cannot recommend.
        """
        model, X = _last_step(estimator, X)
        if not hasattr(model, "recommend"):
            raise TypeError(
                f"{self!r} scores models that recommend; a {type(model).__name__} has no method recommend."
            )
        check_is_fitted(model)
        events = read_table(model, X, reset=False, checked=hasattr(model, "n_features_in_"))
        return ranking_score(
            model,
            events.users.to_list(),
            events.items.to_list(),
            None if y is None else column_or_1d(y).tolist(),
            metric=self.metric,
            k=self.k,
            exclude_seen=self.exclude_seen,
            min_y=getattr(model, "min_y", None) if self.min_y is None else self.min_y,
            candidates=self.candidates,
            sample_weight=sample_weight,
        )

    def __repr__(self) -> str:
        given = [repr(self.metric), f"k={self.k}"]
        usual = {"exclude_seen": True, "min_y": None, "candidates": None}
        given += [f"{n}={getattr(self, n)!r}" for n, value in usual.items() if getattr(self, n) != value]
        return f"{type(self).__name__}({', '.join(given)})"


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The model inside searches and pipelines, and X as it reaches it."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator.steps[-1][1]
        else:
            return estimator, X
