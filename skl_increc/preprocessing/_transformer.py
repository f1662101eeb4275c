"""What a transformer of ours is to both libraries."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from river.base import MiniBatchSupervisedTransformer, SupervisedTransformer
from river.base.transformer import BaseTransformer
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from skl_increc.base._frames import open_frame
from skl_increc.base._river import RiverMixin

__all__ = ["StreamTransformer", "register_transformer"]


class StreamTransformer(TransformerMixin, BaseEstimator, RiverMixin):
    """A scikit-learn transformer that is a supervised River transformer too."""

    __add__ = BaseTransformer.__add__
    __radd__ = BaseTransformer.__radd__
    __mul__ = BaseTransformer.__mul__
    __rmul__ = BaseTransformer.__rmul__

    def _names(self) -> list[str]:
        """Names of the features."""
        raise NotImplementedError

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the features, in the order of the columns that ``transform`` gives.

        Parameters
        ----------
        input_features : array-like of str, optional
            Compared with the columns that ``fit`` saw, and used for nothing else.
        """
        check_is_fitted(self)
        if input_features is not None or hasattr(self, "n_features_in_"):
            _check_feature_names_in(self, input_features)
        return np.array(self._names(), dtype=object)

    def _frame_like(self, X: Any, values: np.ndarray) -> Any:
        """The features as a frame of the library of X."""
        frame = open_frame(X)
        columns = {name: values[:, at] for at, name in enumerate(self._names())}
        out = nw.from_dict(columns, backend=frame.implementation).to_native()
        index = nw.maybe_get_index(frame)
        if index is not None:
            out.index = index
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def __str__(self) -> str:  # river.base.Base would print the class name only
        return repr(self)

    def __dir__(self) -> list[str]:
        # BaseEstimator.__dir__ evaluates every property, River's memory walk included
        return list(object.__dir__(self))


def register_transformer(cls: type) -> type:
    """Make `cls` a supervised transformer of River's: pipelines look for one class, unions for the other."""
    SupervisedTransformer.register(cls)
    MiniBatchSupervisedTransformer.register(cls)
    return cls
