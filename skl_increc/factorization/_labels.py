"""What models of 0/1 targets share: labels, log-odds and probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from skl_increc._state._state import State
from skl_increc.base import InteractionEstimator
from skl_increc.base._events import predict_one
from skl_increc.base._interactions import read_table
from skl_increc.base._river import register_classifier

__all__ = ["BinaryModel", "weights_of_classes"]

NUMBERS = [0, 1]  # the labels unless others are named; False and True, 0.0 and 1.0 are the same


@register_classifier
class BinaryModel(ClassifierMixin, InteractionEstimator):
    """A classifier of two labels, whose score is the log-odds of the positive one."""

    _encodes_y: ClassVar[bool] = True
    _multiclass: ClassVar[bool] = False  # what River asks a classifier
    class_weight: Any
    _log_odds_one = predict_one

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True
        return tags

    # -- what events weigh ------------------------------------------------------------------------
    def _class_weights(self, state: State) -> Any:
        """Weights of y = 0 and y = 1, or "balanced"."""
        labels = self._coming if self._coming is not None else self._labels(state)
        return weights_of_classes(self.class_weight, labels)

    # -- labels -----------------------------------------------------------------------------------
    def _check_passes(self) -> None:
        """Raise ValueError for parameters with which `fit` would learn next to nothing."""

    @property
    def classes_(self) -> np.ndarray:
        """The two labels, the positive one last."""
        if self._state is None:
            raise AttributeError("classes_ is known after the first event.")
        return np.array(self._labels(self._state))

    @staticmethod
    def _labels(state: State | None) -> list:
        return NUMBERS if state is None else state.meta.get("classes", NUMBERS)

    def _check_state(self, state: State) -> None:
        super()._check_state(state)
        labels = self._labels(state)
        if not isinstance(labels, list) or len(labels) != 2 or labels[0] == labels[1]:
            raise ValueError(f"there are two labels, not {labels!r}")

    def _encode_one(self, y: Any) -> float:
        labels = self._labels(self._state)
        if y == labels[1]:
            return 1.0
        if y == labels[0]:
            return 0.0
        raise ValueError(
            f"y must be one of the labels {labels}; got {y!r}. Other labels are named once by "
            "partial_fit(X, y, classes=[negative, positive])."
        )

    def _check_y(self, y: Any, n: int) -> np.ndarray:
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        y = _check_labels(y)
        labels = self._coming if self._coming is not None else self._labels(self._state)
        positive, negative = y == labels[1], y == labels[0]
        bad = ~(positive | negative)
        if bad.any():
            raise ValueError(
                f"y must be one of the labels {labels}; got {y[bad][0]!r}. A call of fit finds two labels by "
                "itself; for partial_fit name them with classes=[negative, positive]."
            )
        return positive.astype(np.float64)

    _coming: ClassVar[list | None] = None  # the labels of the call at work, until they join the state

    def _learn_labelled(self, X: Any, y: Any, sample_weight: Any, labels: list | None, reset: bool) -> Any:
        object.__setattr__(self, "_coming", labels)
        try:
            fitted = super().fit(X, y, sample_weight) if reset else super().partial_fit(X, y, sample_weight)
        finally:
            object.__delattr__(self, "_coming")
        if labels not in (None, NUMBERS):  # the same state, whether 0 and 1 were found or never asked
            fitted._state.meta["classes"] = labels  # type: ignore[union-attr]
        return fitted

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Forget everything, then make `n_epochs` passes over the events of X in order.

        The parameters are those of ``InteractionEstimator.fit``; y holds at most two labels.

        Raises
        ------
        ValueError
            If y holds more than two labels, or one label that is neither 0 nor 1; if ``optimizer="gd"``
            and ``n_epochs=1``.
        """
        self._check_passes()
        labels = None if y is None else _find_labels(_check_labels(y))
        return self._learn_labelled(X, y, sample_weight, labels, True)

    def partial_fit(  # type: ignore[override]  # as in scikit-learn's classifiers
        self, X: Any, y: Any = None, classes: Sequence | None = None, sample_weight: Any = None
    ) -> Any:
        """Learn the events of X, once, in order.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : sequence of two labels, optional
            For the first call, if the labels are not 0 and 1: the negative and the positive one.
        """
        labels = None if classes is None else _find_labels(np.asarray(classes))
        if labels is not None and self._state is not None and labels != self._labels(self._state):
            raise ValueError(
                f"classes={labels} differ from those of the first call, {self._labels(self._state)}."
            )
        return self._learn_labelled(X, y, sample_weight, labels, False)

    # -- answers ----------------------------------------------------------------------------------
    def _decode(self, scores: np.ndarray) -> np.ndarray:
        return np.array(self._labels(self._state))[(np.asarray(scores) >= 0).astype(int)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Log-odds of the positive label, float64 (n_pairs,)."""
        return self._log_odds(X)

    def _log_odds(self, X: Any) -> np.ndarray:
        state = self._ready_state()
        events = read_table(self, X, reset=False, checked=hasattr(self, "n_features_in_"))
        return self._answer(state, events)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the two labels, float64 (n_pairs, 2), in the order of `classes_`."""
        p = _sigmoid(self._log_odds(X))
        return np.column_stack([1 - p, p])

    def predict_proba_one(
        self, x: dict | None = None, *, user: Any = None, item: Any = None
    ) -> dict[Any, float]:
        """Probabilities of the two labels of one pair; one half each before any event."""
        p = float(_sigmoid(np.array([self._log_odds_one(x, user=user, item=item)]))[0])
        negative, positive = self._labels(self._state)
        return {negative: 1 - p, positive: p}

    def predict_one(self, x: dict | None = None, *, user: Any = None, item: Any = None) -> Any:
        """The likelier label of one pair."""
        return self._labels(self._state)[int(self._log_odds_one(x, user=user, item=item) >= 0)]


def weights_of_classes(given: Any, labels: list) -> Any:
    """The weights of the events of the two labels, or "balanced"; `given` is a parameter ``class_weight``."""
    if given is None or given == "balanced":
        return given or (1.0, 1.0)
    strange = [label for label in given if label not in labels]
    if strange:
        raise ValueError(
            f"class_weight names {strange[0]!r}, which is none of the labels {labels}. Name labels that are "
            "there, or 'balanced'."
        )
    weights = [float(given.get(label, 1.0)) for label in labels]
    if not all(0 < weight < float("inf") for weight in weights):
        raise ValueError(f"class_weight must be positive and finite; got {given!r}.")
    return tuple(weights)


def _sigmoid(s: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-s))


def _check_labels(y: Any) -> np.ndarray:
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")  # first: scikit-learn's look at the labels casts NaN, and warns
    check_classification_targets(y)
    return y


def _find_labels(y: np.ndarray) -> list:
    """The two labels among y: 0 and 1 where that fits, otherwise what is there, sorted."""
    found = np.unique(y).tolist()
    if all(isinstance(v, (int, float)) and v in (0, 1) for v in found):
        return NUMBERS
    if len(found) == 2:
        return found
    if len(found) == 1:
        raise ValueError(f"The data holds one class alone, {found[0]!r}; give two, or 0 and 1 for a stream.")
    raise ValueError(
        f"Only binary classification is supported. The type of the target is multiclass: {len(found)} classes, "
        f"{found[:5]}."
    )
