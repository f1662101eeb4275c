"""What models predict, as features of another model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d, validate_data

from skl_increc.base._frames import is_frame, open_frame
from skl_increc.base._interactions import read_times
from skl_increc.preprocessing._transformer import StreamTransformer, register_transformer

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ModelScores"]


@register_transformer
class ModelScores(StreamTransformer):
    """Predictions of models, made before they learn: biases, factor models and neighbours as features.

    ``fit_transform`` goes through the events in order of time, and gives for each what the models predicted before
    any event of the same time or later was learned.  ``transform_one`` before ``learn_one``, as River's pipelines
    call them, is the same.  ``transform`` gives what the models predict now, which for events that they have
    learned is no honest feature: of the training rows take ``fit_transform``'s, as with scikit-learn's
    ``TargetEncoder``.

    Parameters
    ----------
    estimators : sequence of (name, estimator)
        Models of this library, or whatever has ``partial_fit`` and ``predict`` or ``learn_one`` and ``predict_one``
        in the same way.  They are cloned.
    time_col : str, int or None, default=None
        Column of the time: rows are learned in its order, rows of one time together.  None: row by row, in the
        order of the table.

    Attributes
    ----------
    estimators_ : list of (name, estimator)
        The models that learned.

    Notes
    -----
    **Cost**: that of the models, one event after the other.

    Examples
    --------
    >>> from skl_increc.factorization import BiasedMF
    >>> from skl_increc.preprocessing import ModelScores
    >>> scores = ModelScores([("mf", BiasedMF(n_factors=4))])
    >>> X = [["ann", "tea"], ["bob", "tea"], ["ann", "cup"]]
    >>> scores.fit_transform(X, [5, 5, 1]).round(1)
    array([[0.],
           [5.],
           [5.]])
    """

    def __init__(self, estimators: Sequence[tuple[str, Any]], *, time_col: str | int | None = None) -> None:
        self.estimators = estimators
        self.time_col = time_col

    @classmethod
    def _unit_test_params(cls) -> Any:
        from river.dummy import StatisticRegressor
        from river.stats import Mean

        yield {"estimators": [("mean", StatisticRegressor(Mean()))]}

    def _names(self) -> list[str]:
        return [name for name, _ in self.estimators]

    def _models(self) -> list[tuple[str, Any]]:
        models = self.__dict__.get("estimators_")
        if models is None:
            models = self._new_models()
            self.estimators_ = models
        return models

    def _new_models(self) -> list[tuple[str, Any]]:
        pairs = list(self.estimators)
        good = pairs and all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs)
        if not good or len({name for name, _ in pairs}) < len(pairs):
            raise ValueError(
                f"estimators must be (name, estimator) pairs with different names; got {self.estimators!r}. Write "
                "[('mf', BiasedMF())]."
            )
        for _, model in pairs:
            if not (hasattr(model, "learn_one") and hasattr(model, "predict_one")):
                raise TypeError(
                    f"{type(model).__name__} has no learn_one and predict_one: it cannot learn event by event."
                )
        return [(name, model.clone() if hasattr(model, "clone") else clone(model)) for name, model in pairs]

    # -- River ------------------------------------------------------------------------------------
    def learn_one(self, x: dict, y: Any = None) -> None:
        """Teach every model one event."""
        for _, model in self._models():
            model.learn_one(x, y)

    def transform_one(self, x: dict) -> dict[str, float]:
        """What every model predicts for an event, by name."""
        return {name: model.predict_one(x) for name, model in self._models()}

    def learn_many(self, X: Any, y: Any = None) -> None:
        """Learn the rows of a frame as so many calls of ``learn_one``."""
        targets = [None] * len(open_frame(X)) if y is None else list(y)
        for x, target in zip(_events(X), targets, strict=True):
            self.learn_one(x, target)

    def transform_many(self, X: Any) -> Any:
        """What the models predict for the rows of a frame, as a frame of the same library."""
        models = self._models()
        values = np.array(
            [[model.predict_one(x) for _, model in models] for x in _events(X)], dtype=np.float64
        )
        return self._frame_like(X, values.reshape(-1, len(models)))

    # -- scikit-learn -----------------------------------------------------------------------------
    def fit(self, X: Any, y: Any = None) -> Self:
        """Teach new models the events of X, in order.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            As the models take it.
        y : array-like of shape (n_events,), optional
            As the models take it.

        Returns
        -------
        self
        """
        self.fit_transform(X, y)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Teach the models the events of X, on top of what they know.

        The same parameters as ``fit``.
        """
        self._go(X, y, reset="estimators_" not in self.__dict__)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Teach new models the events of X; what they predicted of each before.

        Parameters
        ----------
        X, y
            As of ``fit``.

        Returns
        -------
        ndarray of shape (n_events, n_models)
        """
        models = self._new_models()
        self.estimators_ = models
        return self._go(X, y, reset=True)

    def transform(self, X: Any) -> np.ndarray:
        """What the models predict now.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            As the models take it.

        Returns
        -------
        ndarray of shape (n_events, n_models)
        """
        check_is_fitted(self, "estimators_")
        X = self._checked(X, reset=False)
        events = list(_events(X))
        return np.array(
            [[model.predict_one(x) for _, model in self.estimators_] for x in events], dtype=np.float64
        )

    def _checked(self, X: Any, *, reset: bool) -> Any:
        if is_frame(X):
            if reset or hasattr(self, "n_features_in_"):
                validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        if isinstance(X, (list, tuple)):
            X = np.asarray(X, dtype=object)
        least = 2 if reset else 1
        return validate_data(
            self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_features=least
        )

    def _go(self, X: Any, y: Any, *, reset: bool) -> np.ndarray:
        X = self._checked(X, reset=reset)
        target = None if y is None else column_or_1d(y, warn=True)
        if target is not None:
            check_consistent_length(X, target)
        events, models = list(_events(X)), self._models()
        out = np.zeros((len(events), len(models)))
        for rows in self._turns(X, len(events)):
            for row in rows:
                out[row] = [model.predict_one(events[row]) for _, model in models]
            for row in rows:
                for _, model in models:
                    model.learn_one(events[row], None if target is None else target[row])
        return out

    def _turns(self, X: Any, n: int) -> list[list[int]]:
        """Rows that are predicted before any of them is learned, turn by turn."""
        if self.time_col is None:
            return [[row] for row in range(n)]
        time = read_times(X, self.time_col)
        order = np.argsort(time, kind="stable")
        return [turn.tolist() for turn in np.split(order, np.flatnonzero(np.diff(time[order])) + 1)]


def _events(X: Any) -> Any:
    """Rows as dicts, of Python's own values: by name, or by position."""
    if is_frame(X):
        frame = open_frame(X)
        lists = {name: frame[name].to_list() for name in frame.columns}
        if frame.implementation.is_pandas():
            lists = {name: [None if value != value else value for value in lists[name]] for name in lists}
        return (dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True))
    return (dict(enumerate(row)) for row in np.asarray(X).tolist())
