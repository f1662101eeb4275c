"""What every metric over lists of items has in common, as River sees it."""

from __future__ import annotations

import abc
import inspect
from typing import Any, ClassVar

import numpy as np
from river import base
from river.ensemble import EWARegressor
from river.metrics.base import Metric, Metrics

from skl_increc._state.ids import canonical

__all__ = ["RankingMetric", "as_list", "check_k", "items_wanted"]


def check_k(k: Any) -> int:
    """A number of places as an int; ValueError for anything else."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise ValueError(f"k must be a whole number of places, at least 1; got {k!r}.")
    return int(k)


class _NamedByK(abc.ABCMeta):
    """Instances are of a subclass called ``Name@k``: River keys its reports by the name of the class."""

    _made: ClassVar[dict[tuple[type, int], _NamedByK]] = {}

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        family = getattr(cls, "_family", cls)
        k = check_k(args[0] if args else kwargs.get("k", 10))
        named = _NamedByK._made.get((family, k))
        if named is None:
            space = {"_family": family, "__module__": family.__module__, "__doc__": family.__doc__}
            named = _NamedByK._made[family, k] = _NamedByK(f"{family.__name__}@{k}", (family,), space)
        return type.__call__(named, *args, **kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        # else inspect (and the docs) would show that of __call__
        whole = inspect.signature(cls.__init__)  # type: ignore[misc]
        return whole.replace(parameters=list(whole.parameters.values())[1:])


def items_wanted(y_true: Any) -> set[Any]:
    """Canonical items of a target: one id, or a set or list of ids. Missing ids are left out.

    A frozenset is hashable, hence one id.
    """
    many = y_true if isinstance(y_true, (set, list)) else (y_true,)
    return {item for item in map(canonical, many) if item is not None}


class RankingMetric(Metric, metaclass=_NamedByK):
    """Base class of the metrics that compare a list of items with the item that came.

    Parameters
    ----------
    k : int, default=10
        Places that count, at least 1.

    Raises
    ------
    ValueError
        If ``k`` is no whole number or less than 1.

    Notes
    -----
    ``update(y_true, y_pred)`` takes the item that came, or a set of items, and the list that was predicted,
    best first. An empty list is a miss. Nothing is counted where ``y_pred`` is None or where there is no
    item in ``y_true``. The value is never NaN: it is 0 before the first update, as in River.

    The class of an instance carries ``k`` in its name, because River keys its reports by that name:
    ``HitRate(5) + HitRate(10)`` are told apart.
    """

    _fmt = ".2%"
    # River asks classification metrics whether they want labels; a list is as good as a label
    requires_labels = True

    def __init__(self, k: int = 10) -> None:
        self.k = int(k)

    def __reduce__(self) -> tuple[Any, ...]:
        # the named subclass is made on demand, hence cannot be found by its name
        params = self._get_params()
        return _rebuild, (self._family, params), self.__dict__

    @abc.abstractmethod
    def update(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Count one list."""

    @abc.abstractmethod
    def revert(self, y_true: Any, y_pred: list[Any] | None, w: float = 1.0) -> None:
        """Take back an `update` with the same arguments."""

    @property
    def bigger_is_better(self) -> bool:
        """True: a larger value is better."""
        return True

    def works_with(self, model: Any) -> bool:
        """Tell whether a model predicts lists of items.

        Parameters
        ----------
        model : River model
            A view ``model.top(k)``, a pipeline that ends in one, or a selector among such models.

        Returns
        -------
        bool
            False for rating models, and for ensembles that average what their members predict.
        """
        model = getattr(model, "_last_step", model)
        if isinstance(model, (base.WrapperEnsemble, EWARegressor)):
            return False
        if isinstance(model, base.Ensemble):
            return len(model) > 0 and all(self.works_with(member) for member in model)
        return bool(getattr(model, "_predicts_items", False))

    def __add__(self, other: Any) -> Metrics:
        if not isinstance(other, RankingMetric):
            raise ValueError(
                f"{type(self).__name__} and {type(other).__name__} metrics are not compatible: "
                "one is of lists of items, the other is not."
            )
        return Metrics([self, other])

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {self.get():{self._fmt}}"


def _rebuild(family: type, params: dict[str, Any]) -> Any:
    return family(**params)


def as_list(y_pred: Any) -> list[Any]:
    """The predicted list; TypeError where it is a single id or a number."""
    if isinstance(y_pred, (str, bytes)) or not hasattr(y_pred, "__iter__"):
        raise TypeError(
            f"y_pred must be a list of items, best first; got {y_pred!r}. "
            "A recommender gives River lists through its view model.top(k)."
        )
    return list(y_pred)
