"""The check of what recommenders tell people of whom they know nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from skl_increc.checks._events import START, Event, demand, fresh, learn

__all__ = ["strangers_get_what_is_popular"]

EACH = 3  # events of a user
NEW, OLD = 90, 180  # users before and after the fashion changes


def _changing_fashion() -> list[Event]:
    """People come, take three things and go; one day they begin to take other things."""
    taken = [(user, j) for user in range(OLD + NEW) for j in range(EACH)]
    return [
        Event(
            f"u{user}",
            f"{'old' if user < OLD else 'new'} {(user * (user % 5 + 1) + j) % 10}",
            5.0,
            1.0,
            START + 60.0 * t,
        )
        for t, (user, j) in enumerate(taken)
    ]


def strangers_get_what_is_popular(model: Any) -> None:
    """A user of whom nothing is known gets what is popular: by ``cold_start``, lately or ever.

    "recent": after a change of fashion the list holds the new things alone.  "popular": it is in the order of
    exact counts.  Somebody unknown, anonymous, or whose events taught nothing, gets the same list.
    """
    events = _changing_fashion()
    counts = Counter(e.item for e in events)
    plain = {name: None for name in ("half_life", "window", "history") if hasattr(model, name)}
    for how in ("recent", "popular"):
        some = learn(fresh(model, cold_start=how, min_y=2, **plain), events)
        some = learn(some, [Event("shy", "old 1", 1.0, 1.0, events[-1].t)])
        lists = [some.recommend_one(user, 8, exclude_seen=False) for user in ("a stranger", None, "shy")]
        demand(
            lists[0] == lists[1] == lists[2],
            f"cold_start={how!r}: a stranger gets {lists[0]}, an anonymous user {lists[1]}, and one whose event was "
            f"below min_y {lists[2]}.",
        )
        if how == "recent":
            late = [item for item in lists[0] if not item.startswith("new")]
            demand(
                not late, f"cold_start='recent': {late} stand in {lists[0]}, long after the fashion changed."
            )
            continue
        told = [counts[item] for item in lists[0]]
        most = sorted(counts.values(), reverse=True)[: len(told)]
        demand(
            told == most,
            f"cold_start='popular': the counts of {lists[0]} are {told}, the largest are {most}.",
        )
