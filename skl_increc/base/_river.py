"""What River asks of a model.  The only module of the floor that knows River's classes.

``river.base.Base`` is inherited for real: clone, mutate and the memory report need it.  The role
(regressor, classifier, estimator) is *registered*, because inheriting ``river.base.Estimator``
brings ``_more_tags``, which scikit-learn's ``check_estimator_tags_renamed`` refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from river.base import Base as RiverBase
from river.base import Classifier, Estimator, MiniBatchRegressor

__all__ = ["RiverMixin", "register_classifier", "register_estimator", "register_regressor"]


class RiverMixin(RiverBase):
    """What ``river.base.Estimator`` adds to ``river.base.Base``, less ``_more_tags``."""

    _supervised = True  # River hands y to learn_one

    @property
    def _tags(self) -> set[str]:
        return set()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}

    def _unit_test_skips(self) -> set[str]:
        return set()

    @property
    def _is_stochastic(self) -> bool:
        # River looks for a parameter called `seed`; ours is `random_state`, 0 by default
        return getattr(self, "random_state", 0) is None

    def __or__(self, other: Any) -> Any:
        from river import compose

        if isinstance(other, compose.Pipeline):
            return other.__ror__(self)
        return compose.Pipeline(self, other)

    def __ror__(self, other: Any) -> Any:
        from river import compose

        if isinstance(other, compose.Pipeline):
            return other.__or__(self)
        return compose.Pipeline(other, self)


def register_regressor(cls: type) -> type:
    """Make `cls` a ``river.base.MiniBatchRegressor``."""
    MiniBatchRegressor.register(cls)
    return cls


def register_classifier(cls: type) -> type:
    """Make `cls` a ``river.base.Classifier``."""
    Classifier.register(cls)
    return cls


def register_estimator(cls: type) -> type:
    """Make `cls` a ``river.base.Estimator``."""
    Estimator.register(cls)
    return cls
