"""Checks of lists: order, ties, what is left out."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from skl_increc.checks._events import (
    Event,
    demand,
    distinct,
    fresh,
    in_window,
    learn,
    make_events,
    pairs_frame,
    role,
)

__all__ = ["recommend_is_sorted_and_excludes_seen", "scores_agree_with_rank"]


def recommend_is_sorted_and_excludes_seen(model: Any) -> None:
    """Lists run from the best score down, hold an item once, and leave out what the user already had.

    Padding is None and -inf; ``candidates`` and ``exclude`` are kept; equal scores go by the stable
    hash of the item, not by order of arrival; many users at once get what each gets alone.
    """
    events = make_events(model, 300, seed=61, n_users=12, n_items=40)
    some = learn(fresh(model), events)
    events = in_window(model, events)
    users, items = distinct(events, "user"), distinct(events, "item")
    had = _histories(some, events)
    for seen in (True, False):
        for k in (1, 5, len(items) + 3):
            _well_formed(some, users, k, seen, had if seen else {}, items)
    _with_candidates(some, users, items, had)
    _ties_go_by_id(some, events)
    for bad in (0, -1, 2.5, True):
        try:
            some.recommend(users, bad)
        except ValueError as error:
            demand("k must be" in str(error), f"k={bad!r} must be refused by name; the error says: {error}")
        else:
            raise AssertionError(f"k={bad!r} must raise a ValueError.")


def _histories(model: Any, events: Sequence[Event]) -> dict[Any, list]:
    """What each user had as far as the model remembers it: the last `history` or `max_history` items."""
    window = getattr(model, "max_history", None) or getattr(model, "history", 0)
    had: dict[Any, list] = {}
    for e in events:
        if e.user is None or e.item is None or window == 0 or (role(model) == "recommender" and e.y <= 0):
            continue
        mine = had.setdefault(e.user, [])
        if e.item in mine and "journal" not in model._state.stores:  # a journal's last n events hold repeats
            mine.remove(e.item)
        mine.append(e.item)
        if window is not None:
            del mine[:-window]
    return had


def _well_formed(model: Any, users: list, k: int, seen: bool, had: dict, items: list) -> None:
    what = f"{type(model).__name__}.recommend(k={k}, exclude_seen={seen})"
    everybody = [*users, "a stranger"]
    found, scores = model.recommend(everybody, k, exclude_seen=seen)
    demand(
        found.shape == scores.shape == (len(everybody), k),
        f"{what}: shapes {found.shape} and {scores.shape}.",
    )
    demand(
        found.dtype == object and scores.dtype == np.float64,
        f"{what}: dtypes {found.dtype} and {scores.dtype}.",
    )
    for r, user in enumerate(everybody):
        listed = [item for item in found[r].tolist() if item is not None]
        n = len(listed)
        demand(found[r, n:].tolist() == [None] * (k - n), f"{what}: padding in the middle of {found[r]}.")
        demand(
            (scores[r, n:] == -np.inf).all() and np.isfinite(scores[r, :n]).all(),
            f"{what}: scores {scores[r]}.",
        )
        demand((np.diff(scores[r, :n]) <= 0).all(), f"{what}: scores do not descend, {scores[r]}.")
        demand(len(set(listed)) == n, f"{what}: an item twice in {listed}.")
        again = set(listed) & set(had.get(user, ()))
        demand(not again, f"{what}: {user!r} already had {again}.")
        expected = min(k, len(set(items) - set(had.get(user, ()))))
        demand(n == expected, f"{what}: {n} items for {user!r}, where {expected} are left.")
        alone = model.recommend([user], k, exclude_seen=seen)
        demand(alone[0][0].tolist() == found[r].tolist(), f"{what}: {user!r} alone gets another list.")
        demand(np.array_equal(alone[1][0], scores[r]), f"{what}: {user!r} alone gets other scores.")
        one = model.recommend_one(user, k, exclude_seen=seen)
        demand(one == listed, f"{what}: recommend_one gives {one}, not {listed}.")


def _with_candidates(model: Any, users: list, items: list, had: dict) -> None:
    everything = model.recommend(users, 7, exclude_seen=False)
    among = model.recommend(users, 7, exclude_seen=False, candidates=items)
    demand(
        np.array_equal(everything[0], among[0]), "candidates of all items must give what no candidates give."
    )
    demand(np.array_equal(everything[1], among[1]), "candidates of all items must not change the scores.")
    few = [items[0], "a novelty", items[3], items[0]]
    found, scores = model.recommend(users, 5, candidates=few)
    for r, user in enumerate(users):
        expected = {items[0], items[3], "a novelty"} - set(had.get(user, ()))
        listed = [item for item in found[r].tolist() if item is not None]
        demand(
            set(listed) == expected and len(listed) == len(expected),
            f"candidates={few} gave {listed} for {user!r}.",
        )
        demand(
            (scores[r, len(listed) :] == -np.inf).all(),
            f"candidates: the padding of {scores[r]} must be -inf.",
        )
    out = items[:4]
    for kwargs in ({}, {"candidates": items}):
        found, _ = model.recommend(
            users, len(items), exclude_seen=False, exclude=[*out, "never heard of"], **kwargs
        )
        demand(not set(found.ravel().tolist()) & set(out), f"exclude={out} was not kept ({kwargs}).")
        full = all(len(set(row.tolist()) - {None}) == len(set(items) - set(out)) for row in found)
        demand(full, "exclude must leave out nothing else.")


def _ties_go_by_id(model: Any, events: Sequence[Event]) -> None:
    """Items that nobody knows score alike, and so do items of one event each in a model of counts."""
    novelties = [f"new {j}" for j in range(12)] + list(range(900, 912))
    forth, back = (
        model.recommend(["a stranger"], 24, candidates=c)[0][0].tolist() for c in (novelties, novelties[::-1])
    )
    demand(forth == back, "Items of equal scores must be ordered by id, not in the order of the candidates.")
    ranks = [model.rank("a stranger", c) for c in (novelties, novelties[::-1])]
    demand(ranks[0] == ranks[1] == forth, "rank must order items of equal scores as recommend does.")
    last = events[-1]
    alike = [Event(None, name, last.y, 1.0, last.t) for name in novelties]
    orders = [learn(copy.deepcopy(model), part, "learn_one(x)") for part in (alike, alike[::-1])]
    lists = [m.recommend(["a stranger"], 24, candidates=novelties) for m in orders]
    told = [dict(zip(found[0].tolist(), scores[0].tolist(), strict=True)) for found, scores in lists]
    if told[0] == told[1]:  # the scores do not depend on the order of arrival either
        demand(lists[0][0].tolist() == lists[1][0].tolist(), "Equal scores must not be ordered by arrival.")


def scores_agree_with_rank(model: Any) -> None:
    """``recommend``, ``recommend_one``, ``rank``, ``top(k)`` and the predictions tell one story.

    The scores of a list are what ``predict`` says of its pairs (``decision_function`` for a
    classifier), but for ``clip_to_range``, which acts on predictions alone.
    """
    events = make_events(model, 200, seed=62, n_users=10, n_items=25)
    some = learn(fresh(model), events)
    events = in_window(model, events)
    items = distinct(events, "item")
    asked = copy.deepcopy(some).set_params(clip_to_range=False) if hasattr(some, "clip_to_range") else some
    for user in [*distinct(events, "user"), "a stranger", None]:
        found, scores = some.recommend([user], len(items), exclude_seen=False)
        pairs = pairs_frame(some, [(user, i) for i in found[0]])
        ask = asked.decision_function if role(model) == "binary" else asked.predict
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = np.asarray(ask(pairs))
        demand(
            np.array_equal(said, scores[0]),
            f"The scores of the list, {scores[0]}, are not the predictions, {said}.",
        )
        ranked = some.rank(user, items[::-1])
        demand(ranked == found[0].tolist(), f"rank gives {ranked}, recommend {found[0].tolist()}.")
        one = some.recommend_one(user, 4)
        top = some.top(4).predict_one({some.user_col: user})
        demand(top == one and isinstance(top, list), f"top(4) gives {top!r}, recommend_one {one!r}.")
