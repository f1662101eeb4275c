"""A River stream of ratings, turned into a stream whose target is the next item."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from skl_increc._state.ids import canonical

__all__ = ["next_item", "split_event"]


def split_event(event: Any, user_col: Hashable, item_col: Hashable) -> tuple[dict[Any, Any], Any, Any]:
    """(x, y, w) of an event in either of River's shapes; ids given as keywords go into x.

    Raises
    ------
    TypeError
        If the event is no ``(x, y)`` and no ``(x, y, keywords)``, or has other keywords.
    """
    if not isinstance(event, (tuple, list)) or len(event) not in (2, 3) or not isinstance(event[0], dict):
        raise TypeError(
            f"An event must be (x, y) or (x, y, keywords) with x a dict, as in River's streams; got {event!r}."
        )
    x, y = event[0], event[1]
    if len(event) == 2:
        return x, y, None
    keywords = dict(event[2])
    w = keywords.pop("w", None)
    given = {
        column: keywords.pop(name)
        for name, column in (("user", user_col), ("item", item_col))
        if name in keywords
    }
    if keywords:
        raise TypeError(
            f"An event has the keywords {sorted(keywords)}; only user, item and w have a meaning."
        )
    return ({**x, **given} if given else x), y, w


def next_item(
    dataset: Iterable[Any],
    *,
    user_col: Hashable = "user",
    item_col: Hashable = "item",
    min_y: float | None = None,
    keep_value: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """Make the item of each event its target: what a recommender is asked, then told.

    Parameters
    ----------
    dataset : iterable
        A River stream of ``(x, y)``, with the ids in x, or of ``(x, y, {"user": ..., "item": ...})``; a
        weight ``{"w": ...}`` is passed on.
    user_col, item_col : hashable
        Names of the ids in x.
    min_y : float, optional
        Least y of a positive.
    keep_value : bool, default=False
        Add ``{"value": y}``, by which the view ``model.top(k)`` teaches its model the rating. River's own
        ensembles and selectors take no keywords.

    Yields
    ------
    (x, item) or (x, item, keywords)
        x is a copy without the item. Events that are not positives (``y <= 0``, or below ``min_y``) and
        events without an item are left out; ``y = None`` is a positive.

    Raises
    ------
    TypeError
        If ``dataset`` is a frame or an array, or an event has another shape.

    Examples
    --------
    >>> from skl_increc.model_selection import next_item
    >>> stream = [({"user": "Ann", "item": "soap"}, 5), ({"user": "Ann", "item": "tea"}, 2)]
    >>> list(next_item(stream, min_y=4))
    [({'user': 'Ann'}, 'soap')]
    """
    if hasattr(dataset, "columns") or hasattr(dataset, "__array__"):
        raise TypeError(
            f"next_item takes a stream of (x, y) events; got a {type(dataset).__name__}. "
            "Turn a frame into events first, for example with skl_increc.datasets.iter_events."
        )
    return _next_item(dataset, user_col, item_col, min_y, keep_value)


def is_positive(y: float | None, min_y: float | None) -> bool:
    """Tell whether a value marks an item that was taken and liked; NaN does not."""
    return y is None or (y > 0 and (min_y is None or y >= min_y))


def _next_item(
    dataset: Iterable[Any], user_col: Hashable, item_col: Hashable, min_y: float | None, keep_value: bool
) -> Iterator[tuple[Any, ...]]:
    for event in dataset:
        x, y, w = split_event(event, user_col, item_col)
        item = canonical(x.get(item_col))
        if item is None or not is_positive(y, min_y):
            continue
        asked = {name: value for name, value in x.items() if name != item_col}
        keywords: dict[str, Any] = {} if w is None else {"w": w}
        if keep_value:
            keywords["value"] = y
        yield (asked, item, keywords) if keywords else (asked, item)
