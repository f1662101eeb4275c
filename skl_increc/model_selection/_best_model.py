"""What a search hands on to the model that it found best."""

from __future__ import annotations

from typing import Any

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

__all__ = ["BestModel"]


def _has(method: str) -> Any:
    """Tell whether the model inside has a method; after ``refit=False`` there is none."""

    def check(search: Any) -> bool:
        if not search.refit:
            raise AttributeError(
                f"With refit=False no model was kept, hence there is no {method}: fit one with best_params_."
            )
        getattr(getattr(search, "best_estimator_", search.estimator), method)
        return True

    return available_if(check)


class BestModel:
    """Methods of ``best_estimator_``, as far as it has them."""

    best_estimator_: Any

    @property
    def classes_(self) -> Any:
        """Labels of a classifier."""
        return self._best().classes_

    def _best(self) -> Any:
        check_is_fitted(self, "best_params_")
        return self.best_estimator_

    @_has("predict")
    def predict(self, X: Any) -> Any:
        """Call ``predict`` of the best model.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)

        Returns
        -------
        ndarray of shape (n_events,)
        """
        return self._best().predict(X)

    @_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Call ``predict_proba`` of the best model.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)

        Returns
        -------
        ndarray of shape (n_events, 2)
        """
        return self._best().predict_proba(X)

    @_has("score")
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Call ``score`` of the best model.

        Parameters
        ----------
        X, y, sample_weight
            As of the estimator.

        Returns
        -------
        float
        """
        return self._best().score(X, y, sample_weight)

    @_has("recommend")
    def recommend(self, users: Any, k: int = 10, **options: Any) -> Any:
        """Call ``recommend`` of the best model.

        Parameters
        ----------
        users, k, **options
            As of the estimator.

        Returns
        -------
        items : ndarray of shape (n_users, k)
        scores : ndarray of shape (n_users, k)
        """
        return self._best().recommend(users, k, **options)
