"""A recommender, seen by River as a model whose prediction is a list of items."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator
from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from ._river import RiverMixin, register_estimator

__all__ = ["TopK"]


@register_estimator
class TopK(RiverMixin):
    """River model that predicts the list of the best ``k`` items of an event's user.

    The features of an event name the user, its target is the item that the user took: this is the shape
    that `skl_increc.model_selection.next_item` gives a stream. ``model.top(k)`` makes one.

    Parameters
    ----------
    model : recommender or rating model of this package
        Asked by ``recommend_one`` and taught by ``learn_one``; it is not copied. `clone` makes an untrained
        model inside.
    k : int, default=10
        Length of the lists; a list is shorter where fewer items are known.
    exclude_seen : bool, default=True
        Leave out what the user had.

    Notes
    -----
    No regressor and no classifier for River: its rating metrics refuse this view, and the metrics of
    `skl_increc.metrics` refuse everything else.

    A view works inside pipelines and model selectors. Ensembles that average what their members predict
    cannot average lists.

    Examples
    --------
    >>> from skl_increc.base._top import TopK
    >>> class Newest:
    ...     user_col, item_col, last = "user", "item", []
    ...     def learn_one(self, x, y=None, w=1.0):
    ...         self.last.insert(0, x["item"])
    ...     def recommend_one(self, user=None, k=10, *, exclude_seen=True):
    ...         return self.last[:k]
    >>> top = TopK(Newest(), k=2)
    >>> top.predict_one({"user": "Ann"})
    []
    >>> top.learn_one({"user": "Ann"}, "soap")
    >>> top.predict_one({"user": "Bob"})
    ['soap']
    """

    #: What the ranking metrics look for.
    _predicts_items = True

    def __init__(self, model: Any, k: int = 10, exclude_seen: bool = True) -> None:
        self.model = model
        self.k = k
        self.exclude_seen = exclude_seen

    @property
    def user_col(self) -> Hashable:
        """Where the model finds the user of an event."""
        owner = getattr(
            self.model, "_owner_col", None
        )  # a model of others may have no sessions to own events
        return self.model.user_col if owner is None else owner()

    @property
    def item_col(self) -> Hashable:
        """Where the model finds the item of an event; a view is given events without it."""
        return self.model.item_col

    def learn_one(
        self, x: dict[Any, Any], y: Hashable, w: float = 1.0, *, value: float | None = None
    ) -> None:
        """Teach the model that the user of ``x`` took item ``y``.

        Parameters
        ----------
        x : dict
            Features; the user is under the model's ``user_col``. Not changed.
        y : hashable
            The item. None: an event without an item.
        w : float, default=1.0
            Weight of the event.
        value : float, optional
            What the model is given as y: a rating, or None for a plain positive. A rating model needs a
            number and gets 1.0 for None.
        """
        model = self.model
        if value is None and isinstance(model, (RegressorMixin, ClassifierMixin)):
            value = 1.0
        model.learn_one({**x, model.item_col: y}, value, w)

    def predict_one(self, x: dict[Any, Any], *, value: float | None = None) -> list[Any]:
        """List the best items for the user of ``x``.

        Parameters
        ----------
        x : dict
            Features; without a user, or with one never met, the list is that of an unknown user.
        value : float, optional
            Not looked at. River hands the keywords of an event to both methods.

        Returns
        -------
        list
            At most ``k`` item ids, best first; empty before the first event.
        """
        model = self.model
        told = {"context": x} if getattr(model, "_lists_in_context", False) else {}
        # a list and no array: River compares a prediction with {}
        return list(model.recommend_one(x.get(self.user_col), self.k, exclude_seen=self.exclude_seen, **told))

    def _unit_test_params(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        # of the instance: this floor knows no model that could be put inside
        yield {"model": self.model.clone()}

    @property
    def _mutable_attributes(self) -> set[str]:
        return {"model", "k", "exclude_seen"}

    @property
    def _is_stochastic(self) -> bool:
        return bool(self.model._is_stochastic)

    @property
    def _raw_memory_usage(self) -> int:
        # the model knows its bytes; River would walk every object that it holds
        return int(self.model._raw_memory_usage) + sys.getsizeof(self.__dict__)
