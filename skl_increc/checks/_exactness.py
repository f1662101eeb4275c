"""Checks of the guarantees O, M and U, as the model itself states them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

import numpy as np

from skl_increc.checks._events import DOORS, Event, demand, distinct, fresh, in_window, learn, make_events
from skl_increc.checks._learning import learn_in_chunks
from skl_increc.checks._states import difference, everything, same_model
from skl_increc.exceptions import GuaranteeError

__all__ = ["forget_equals_never_seen", "merge_of_halves_equals_whole", "order_does_not_matter"]


def _streams(model: Any) -> list[list[Event]]:
    """On the grid of exact sums, off it, over years, and with long histories."""
    return [
        make_events(model, 150, seed=21),
        make_events(model, 150, seed=22, grid=False),
        make_events(model, 150, seed=23, gap=3e6, ids="text"),
        make_events(model, 150, seed=24, n_users=3, n_items=70, ids="int"),
    ]


def order_does_not_matter(model: Any) -> None:
    """The model is a function of the set of its events, not of their order (O).

    State keyed by id and every answer are equal, to the last bit where ``guarantees().O`` is
    "bitwise" and to rounding where it is "rounding".
    """
    doors = [door for door in DOORS if door not in ("partial_fit(arrow)", "partial_fit(polars)")]
    for events in _streams(model):
        whole = learn(fresh(model), events)
        how = whole.guarantees().O
        for seed, door in enumerate(doors):
            shuffled = [events[j] for j in np.random.default_rng(seed).permutation(len(events))]
            other = learn_in_chunks(fresh(model), shuffled, 40, door)
            same_model(other, whole, how, "events in another order must give the same model", order=False)


def merge_of_halves_equals_whole(model: Any) -> None:
    """``merge`` of models of two streams without a common user equals the model of both (M).

    Where ``guarantees().M`` is "no", ``merge`` raises a GuaranteeError that says why.  On any error,
    and to the other model, nothing happens.
    """
    if model.guarantees().M == "no":
        events = make_events(model, 40, seed=25)
        a, b = learn(fresh(model), events[:20]), learn(fresh(model), events[20:])
        _refuses_for_a_reason(a, "merge", lambda: a.merge(b))
        return
    for events in _streams(model):
        _merges(model, events)
    _merge_refuses_what_it_cannot(model)


def _merges(model: Any, events: Sequence[Event]) -> None:
    shards: list[list[Event]] = [[], []]
    place = {user: j for j, user in enumerate(distinct(events, "user"))}
    for j, e in enumerate(events):
        shards[place.get(e.user, j) % 2].append(e)  # events without a user may go anywhere
    cut = len(events) * 3 // 4
    last = events[cut].t
    early = [[e for e in shard if e.t < last] for shard in shards]
    late = [e for e in events if e.t >= last]
    whole = learn(fresh(model), [e for e in events if e.t < last])
    how = whole.guarantees().M
    for first, second in ((0, 1), (1, 0)):
        a, b = learn(fresh(model), early[first]), learn(fresh(model), early[second])
        kept = everything(b)
        demand(a.merge(b) is a, "merge must return the model itself.")
        demand(difference(kept, everything(b)) is None, "merge must leave the other model as it was.")
        same_model(a, whole, how, "two halves merged must be the whole")
        both = learn(copy.deepcopy(whole), late), learn(a, late)
        same_model(both[1], both[0], both[0].guarantees().M, "a merged model must learn on as the whole")
    empty = fresh(model).merge(whole)
    same_model(empty, whole, how, "a model merged into an empty one must be that model")
    same_model(
        copy.deepcopy(whole).merge(fresh(model)), whole, how, "merging an empty model must change nothing"
    )


def _merge_refuses_what_it_cannot(model: Any) -> None:
    events = make_events(model, 60, seed=26)
    a, b = learn(fresh(model), events[:30]), learn(fresh(model), events[30:])
    _refuses(a, lambda: a.merge(b), "Both models know the user", "models with a common user")
    column = "another" if isinstance(model.item_col, str) else model.item_col + 7
    other = learn(fresh(model, item_col=column), [Event("only here", "x", events[0].y, 1.0, events[0].t)])
    _refuses(a, lambda: a.merge(other), "item_col", "models of other parameters")
    _refuses(a, lambda: a.merge(object()), "merges", "something else")


def forget_equals_never_seen(model: Any) -> None:
    """After ``forget`` the model is the one that never saw the events of these users and items (U).

    It returns how many events went (0 for unknown ids), and the ids occur nowhere in the state.  With a
    ``window`` the events are those that it holds: what had left it does not come back.  Where
    ``guarantees().U`` is "no", ``forget`` raises a GuaranteeError that says why.
    """
    if model.guarantees().U == "no":
        some = learn(fresh(model), make_events(model, 40, seed=27))
        user = some.user_ids_[0]
        _refuses_for_a_reason(some, "forget", lambda: some.forget(users=[user]))
        return
    for events in _streams(model):
        users, items = distinct(events, "user"), distinct(events, "item")
        for u, i in (
            (users[:2], None),
            (None, items[1:3]),
            (users[1:3], items[:1]),
            (users, None),
            (users, items),
        ):
            _forgets(model, events, u, i)
    _leaves_no_name(model)


def _forgets(model: Any, events: Sequence[Event], users: list | None, items: list | None) -> None:
    cut = len(events) * 3 // 4
    stays = [e.user not in (users or ()) and e.item not in (items or ()) for e in events]
    seen = learn(fresh(model), events[:cut])
    gone = seen.forget(users=users, items=items)
    held = in_window(model, events[:cut])
    kept = list(compress(held, stays[cut - len(held) : cut]))
    less = len(held) - len(kept)
    what = f"after forget(users={users}, items={items})"
    demand(gone == less, f"{what} {less} events are gone; forget returned {gone!r}.")
    never = learn(fresh(model), kept)
    how = seen.guarantees().U
    same_model(seen, never, how, f"{what} the model must be the one that never saw them")
    again = seen.forget(users=[*(users or []), "nobody"], items=[*(items or []), "nothing"])
    demand(again == 0, f"{what} a second forget must find nothing; it removed {again!r} events.")
    late = list(compress(events[cut:], stays[cut:]))
    same_model(learn(seen, late), learn(never, late), how, f"{what} it must learn on as if it never saw them")


def _leaves_no_name(model: Any) -> None:
    events = make_events(model, 30, seed=28, ids="text")
    secret = [
        Event("a secret user", events[0].item, events[0].y, 1.0, events[-1].t),
        Event(events[0].user, "a secret item", events[0].y, 1.0, events[-1].t),
    ]
    some = learn(fresh(model), [*events, *secret])
    some.forget(users=["a secret user"], items=["a secret item"])
    demand(b"secret" not in pickle.dumps(some), "A forgotten id still occurs in the pickled model.")


def _refuses_for_a_reason(model: Any, verb: str, call: Callable[[], Any]) -> None:
    why = model.guarantees().why
    demand(bool(why), f"guarantees().why must say why {verb} does not hold.")
    _refuses(model, call, why, f"a call that guarantees() rules out ({verb})")


def _refuses(model: Any, call: Callable[[], Any], words: str, what: str) -> None:
    before = everything(model)
    try:
        call()
    except GuaranteeError as error:
        demand(words in str(error), f"The GuaranteeError for {what} must say {words!r}; it says: {error}")
    else:
        raise AssertionError(f"{type(model).__name__} must refuse {what} with a GuaranteeError.")
    demand(difference(before, everything(model)) is None, f"A refused call changed the model ({what}).")
