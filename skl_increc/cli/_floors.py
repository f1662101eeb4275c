"""What needs no model: the answers that every model must beat."""

from __future__ import annotations

import random
from typing import Any

from river import base

__all__ = ["RandomItems"]


class RandomItems(base.Base):
    """Items drawn at random among those that the user had not.

    Parameters
    ----------
    random_state : int, default=0
        Of the draws.
    """

    user_col = "user"
    item_col = "item"

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state
        self._draw = random.Random(random_state)
        self._items: list[Any] = []
        self._had: dict[Any, set[Any]] = {}
        self._known: set[Any] = set()

    def learn_one(self, x: dict[Any, Any], y: Any = None, w: float = 1.0) -> None:
        """Note the item, and that the user had it."""
        user, item = x.get(self.user_col), x.get(self.item_col)
        if item is None or (y is not None and y <= 0):
            return
        if item not in self._known:
            self._known.add(item)
            self._items.append(item)
        if user is not None:
            self._had.setdefault(user, set()).add(item)

    def predict_one(self, x: dict[Any, Any]) -> float:
        """Nothing is known of any pair."""
        return 0.0

    def recommend_one(self, user: Any = None, k: int = 10, *, exclude_seen: bool = True) -> list[Any]:
        """At most k items."""
        had = self._had.get(user, set()) if exclude_seen else set()
        drawn = self._draw.sample(self._items, min(k + len(had), len(self._items)))
        return [item for item in drawn if item not in had][:k]
