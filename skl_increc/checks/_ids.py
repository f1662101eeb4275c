"""Checks of who is who: strangers, and ids of any kind."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import uuid
import warnings
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from skl_increc.checks._events import (
    DOORS,
    Event,
    as_dict,
    demand,
    distinct,
    fresh,
    learn,
    make_events,
    pairs_frame,
    role,
    table,
    target,
)
from skl_increc.checks._states import difference, everything, exported, same_model

__all__ = ["ids_may_be_anything_hashable", "predict_leaves_state_alone", "unknown_ids_get_the_prior"]

STRANGERS = ["a stranger", 10**9 + 7, ("a", "stranger"), -(10**30), 0.25, b"bytes", None, float("nan")]


class Colour(enum.Enum):
    """Ids without a form in files."""

    RED = 1
    BLUE = 2


class Size(enum.IntEnum):
    """Ids that are their number."""

    SMALL = 501


class Thing:
    """A hashable object of a user's own."""

    def __repr__(self) -> str:
        return "a thing"


def unknown_ids_get_the_prior(model: Any) -> None:
    """An unknown or missing user, item or both is answered by what is known without it.

    Never an exception, NaN or a different answer for a different stranger.  Before any event
    ``predict_one`` gives the prior, ``predict`` raises NotFittedError and ``recommend_one`` gives nothing.
    """
    new, events = fresh(model), make_events(model, 80, seed=31)
    priors = {_ask_one(new, u, i) for u in STRANGERS for i in STRANGERS}
    demand(
        len(priors) == 1 and np.isfinite(list(priors)).all(),
        f"Before any event there is one prior, not {priors}.",
    )
    many = np.asarray(new.predict_many(table(new, events[:3])))
    demand(set(many.tolist()) == priors, f"predict_many before any event gives {many}, predict_one {priors}.")
    demand(new.recommend_one("anybody") == [], "recommend_one before any event must be an empty list.")
    try:
        new.predict(table(new, events[:3]))
    except NotFittedError:
        pass
    else:
        raise AssertionError("predict before any event must raise NotFittedError.")
    trained = learn(new, events)
    user, item = distinct(events, "user")[0], distinct(events, "item")[0]
    _one_answer(trained, [(u, i) for u in STRANGERS for i in STRANGERS], "for a pair of strangers")
    _one_answer(trained, [(u, item) for u in STRANGERS], "for a known item and unknown users")
    _one_answer(trained, [(user, i) for i in STRANGERS], "for a known user and unknown items")
    items, scores = trained.recommend(STRANGERS, 6)
    demand(all(row.tolist() == items[0].tolist() for row in items), "All strangers must get the same list.")
    demand(all(np.array_equal(row, scores[0]) for row in scores), "All strangers must get the same scores.")
    ranked = trained.rank("a stranger", [item, "a novelty", "another"])
    demand(
        sorted(map(repr, ranked)) == sorted(map(repr, [item, "a novelty", "another"])),
        f"rank lost items: {ranked}",
    )


def _ask_one(model: Any, user: Any, item: Any) -> float:
    return float(model.predict_one({model.user_col: user, model.item_col: item}))


def _one_answer(model: Any, pairs: list[tuple], what: str) -> None:
    ask = model.decision_function if role(model) == "binary" else model.predict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = np.asarray(ask(pairs_frame(model, pairs)))
    demand(np.isfinite(said).all(), f"An answer {what} is not finite: {said}.")
    demand((said == said[0]).all(), f"The answers {what} differ: {said}.")
    one = {_ask_one(model, u, i) for u, i in pairs}
    demand(len(one) == 1 and np.isfinite(list(one)).all(), f"predict_one {what} gives {one}.")


def predict_leaves_state_alone(model: Any) -> None:
    """No question changes the model, about whomever it is: nothing is learned, no row is added."""
    trained = learn(fresh(model), make_events(model, 80, seed=32))
    events = make_events(model, 20, seed=33, n_users=50, n_items=50)
    pairs = table(trained, events)
    before = everything(trained)
    for name, ask in _questions(trained, events, pairs).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ask()
        found = difference(before, everything(trained), "model")
        demand(found is None, f"{type(model).__name__}: {name} changed the model: {found}.")


def _questions(model: Any, events: list[Event], pairs: Any) -> dict[str, Callable[[], Any]]:
    users, items = [e.user for e in events], [e.item for e in events]
    asked: dict[str, Callable[[], Any]] = {
        "predict": lambda: model.predict(pairs),
        "predict_many": lambda: model.predict_many(pairs),
        "predict_one": lambda: [model.predict_one(as_dict(model, e)) for e in events],
        "predict_one of a stranger": lambda: model.predict_one(user="nobody", item="nothing"),
        "recommend": lambda: model.recommend(users, 3),
        "recommend(candidates=, exclude=)": lambda: model.recommend(
            users, 3, candidates=items, exclude=items[:2]
        ),
        "recommend_one": lambda: [model.recommend_one(u) for u in users],
        "rank": lambda: model.rank("nobody", items),
        "score": lambda: model.score(pairs, target(events)),
        "top": lambda: model.top(3).predict_one({model.user_col: "nobody"}),
        "nbytes, guarantees and ids": lambda: (
            model.nbytes,
            model.guarantees(),
            model.user_ids_,
            model.item_ids_,
        ),
        "dir and repr": lambda: (dir(model), repr(model), str(model)),
    }
    for verb in ("predict_proba", "decision_function"):
        if hasattr(model, verb):
            asked[verb] = lambda verb=verb: getattr(model, verb)(pairs)  # type: ignore[misc]
    for verb in ("similar_items", "similar_users"):
        if hasattr(model, verb):
            asked[verb] = lambda verb=verb: (getattr(model, verb)(users[0]), getattr(model, verb)("x"))  # type: ignore[misc]
    return asked


# -- ids of any kind -------------------------------------------------------------------------------


def _kinds() -> list[tuple[Any, Any]]:
    """Ids, and an equal one of another identity or type for each."""
    moment = dt.datetime(2024, 5, 1, 12, 30)
    return [
        ("x" * 10_000, "".join(["x" * 5_000, "x" * 5_000])),
        ("\ud800 half a pair", "".join(["\ud800", " half a pair"])),
        ("", ""),
        ("1", "".join(["1"])),
        (1, True),
        (2, 2.0),
        (3, np.int8(3)),
        (4, Decimal(4)),
        (-7, np.float32(-7)),
        (2**63, float(2**63)),
        (-(2**63), np.int64(-(2**63))),
        (10**40, 10**39 * 10),
        (0.5, Fraction(1, 2)),
        (float("inf"), float("1e999")),
        ((1, "a"), tuple([1.0, "a"])),
        ((1, ("a", None)), tuple([1, ("a", None)])),
        (b"\x00\xff", bytes([0, 255])),
        (frozenset({1, 2}), frozenset({2, 1})),
        (moment, moment.replace()),
        (moment.date(), dt.date(2024, 5, 1)),
        (uuid.UUID(int=5), uuid.UUID(int=5)),
        (Size.SMALL, 501),
        (Colour.RED, Colour["RED"]),
    ]


def ids_may_be_anything_hashable(model: Any) -> None:
    """An id may be anything hashable, and equal ids are one id whatever their type.

    1, 1.0 and True are one id, "1" is another; None and NaN are nobody; a user and an item with the
    same id do not meet; what is not hashable raises a TypeError that says so and changes nothing.
    """
    thing = Thing()
    kinds = [*_kinds(), (thing, thing)]
    y = make_events(model, len(kinds), seed=34)
    events = [Event(a, a, e.y, e.w, e.t) for (a, _), e in zip(kinds, y, strict=True)]
    twins = [Event(b, b, e.y, e.w, e.t) for (_, b), e in zip(kinds, y, strict=True)]
    some = learn(fresh(model), events)
    demand(len(some.user_ids_) == len(kinds), f"{len(kinds)} distinct users make {len(some.user_ids_)} rows.")
    demand(len(some.item_ids_) == len(kinds), f"{len(kinds)} distinct items make {len(some.item_ids_)} rows.")
    equal = all(a == b for a, b in zip(some.user_ids_.tolist(), [a for a, _ in kinds], strict=True))
    demand(equal, f"user_ids_ must be the ids that came; they are {some.user_ids_.tolist()}.")
    for door in DOORS if model.guarantees().S == "bitwise" else ["partial_fit(frame)"]:
        if door not in ("partial_fit(categories)", "partial_fit(arrow)", "partial_fit(polars)"):
            same_model(
                learn(fresh(model), twins, door), some, "bitwise", f"{door} of equal ids gives the same model"
            )
    more = copy.deepcopy(some)
    before = exported(more)["users"]
    learn(more, twins)
    found = difference(before, exported(more)["users"], "users")
    demand(found is None, f"Equal ids were learned as new ones: {found}.")
    _nobody(model)
    _sides_do_not_meet(model)
    _refuses_what_is_not_hashable(model)


def _nobody(model: Any) -> None:
    y = make_events(model, 6, seed=35)
    import pandas as pd

    missing = [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT, np.datetime64("NaT")]
    some = fresh(model)
    for nothing, e in zip(missing, y, strict=True):
        learn(some, [Event(nothing, "thing", e.y, e.w, e.t)], "learn_one(x)")
        learn(some, [Event("body", nothing, e.y, e.w, e.t)], "learn_one(x)")
    demand(some.user_ids_.tolist() == ["body"], f"A missing user got a row: {some.user_ids_.tolist()}.")
    demand(some.item_ids_.tolist() == ["thing"], f"A missing item got a row: {some.item_ids_.tolist()}.")
    frame = learn(fresh(model), [Event(m, m, e.y, e.w, e.t) for m, e in zip(missing, y, strict=True)])
    demand(len(frame.user_ids_) == len(frame.item_ids_) == 0, "Missing ids in a frame got rows.")


def _sides_do_not_meet(model: Any) -> None:
    y = make_events(model, 6, seed=36)
    some = learn(fresh(model), [Event("same", f"i{j}", e.y, e.w, e.t) for j, e in enumerate(y)])
    as_item, stranger = (_ask_one(some, None, i) for i in ("same", "a novelty"))
    demand(as_item == stranger, "A user's id is known as an item's, too: the two sides must not meet.")
    demand(some.item_ids_.tolist() == [f"i{j}" for j in range(6)], "A user's id became an item.")


def _refuses_what_is_not_hashable(model: Any) -> None:
    events = make_events(model, 12, seed=37)
    some = learn(fresh(model), events)
    before, y, t = everything(some), events[0].y, events[-1].t
    for bad in ([1, 2], {"a": 1}, {1}, (1, [2]), np.zeros(2)):
        for e in (Event(bad, "i", y, 1.0, t), Event("u", bad, y, 1.0, t)):
            x = as_dict(some, e)
            _raises(partial(some.learn_one, x, y), "hashable", bad)
            _raises(partial(some.predict_one, x), "hashable", bad)
        found = difference(before, everything(some))
        demand(found is None, f"An id that is not hashable, {bad!r}, changed the model: {found}.")
    _raises(lambda: some.learn_one("Alice", "Superman", 8), "dict", "River's old positional style")


def _raises(call: Callable[[], Any], word: str, what: Any) -> None:
    try:
        call()
    except TypeError as error:
        demand(word in str(error), f"The TypeError for {what!r} must say {word!r}; it says: {error}")
    else:
        raise AssertionError(f"{what!r} must raise a TypeError.")
