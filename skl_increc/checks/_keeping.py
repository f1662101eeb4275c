"""Checks of copies, files, memory and readers in other threads."""

from __future__ import annotations

import copy
import os
import pickle
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from skl_increc.checks._events import Event, demand, distinct, fresh, learn, make_events, table
from skl_increc.checks._ids import Thing
from skl_increc.checks._states import answers, difference, everything, exported, same_answers, same_bytes
from skl_increc.exceptions import UnstableIdError

__all__ = [
    "bytes_follow_rows_and_pairs",
    "save_load_round_trip",
    "snapshots_are_frozen",
    "threads_may_ask_at_once",
]


def save_load_round_trip(model: Any) -> None:
    """A model that is saved and loaded, pickled or copied in mid-stream goes on bit for bit.

    ``save`` refuses, and names, an id that has no form in a file.  ``clone`` gives an untrained model
    of the same parameters.
    """
    events = make_events(model, 120, seed=41)
    some = learn(fresh(model), events[:80])
    copies = {name: way(some) for name, way in _ways().items()}
    told = {
        name: answers(one, distinct(events, "user"), distinct(events, "item")) for name, one in copies.items()
    }
    for name, one in copies.items():
        same_bytes(one, some, f"a model that was {name} must be the same")
        same_answers(
            one, some, distinct(events, "user"), distinct(events, "item"), "bitwise", f"it was {name}"
        )
        found = difference(one.get_params(deep=False), some.get_params(deep=False), "parameters")
        demand(found is None, f"A model that was {name} has other parameters: {found}.")
        columns = getattr(one, "feature_names_in_", None) is None
        demand(
            columns == (getattr(some, "feature_names_in_", None) is None), f"{name}: its columns are lost."
        )
    demand(len(told) == len(copies), "Some copy did not answer.")
    later = learn(copy.deepcopy(some), events[80:])
    for name, one in copies.items():
        same_bytes(learn(one, events[80:]), later, f"a model that was {name} must go on alike")
    for untrained in (clone(some), some.clone()):
        demand(untrained._state is None, "clone must give an untrained model.")
        found = difference(untrained.get_params(deep=False), some.get_params(deep=False), "parameters")
        demand(found is None, f"clone must keep the parameters: {found}.")
    _save_refuses_what_has_no_form(model, events[0])


def _ways() -> dict[str, Callable[[Any], Any]]:
    return {
        "saved and loaded": _through_a_file,
        "pickled": lambda m: pickle.loads(pickle.dumps(m)),
        "deep-copied": copy.deepcopy,
        "cloned with its attributes": lambda m: m.clone(include_attributes=True),
    }


def _through_a_file(model: Any) -> Any:
    from skl_increc.persistence import load, save

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.npz")
        save(model, path)
        return load(path, classes=[type(model)])


def _save_refuses_what_has_no_form(model: Any, event: Event) -> None:
    odd = learn(fresh(model), [Event("a user", Thing(), event.y, 1.0, event.t)], "learn_one(x)")
    try:
        _through_a_file(odd)
    except UnstableIdError as error:
        demand(
            "a thing" in str(error),
            f"The error must name the id that has no form in a file; it says: {error}",
        )
    else:
        raise AssertionError("save must refuse an id that has no form in a file.")


def bytes_follow_rows_and_pairs(model: Any) -> None:
    """Memory follows the users, the items and the distinct (user, item) pairs, never the repeats.

    Learning a stream over again, or anonymous events, adds no byte; ``nbytes`` covers every array.  A model
    with a ``window`` stays as large as its window makes it.  A model that keeps a journal takes up to 100 bytes
    for each event of a known user, until ``history=n`` bounds the events.  With ``max_history`` a repeat may
    meet items that the first did not: up to 110 bytes for every two items.
    """
    events = make_events(model, 200, seed=42, n_users=30, n_items=30)
    some = learn(fresh(model), events)
    if model._composed:  # it learns a table in a copy, which has no room to spare; so nor may it have here
        some = copy.deepcopy(some)
    held = sum(_sizes(exported(some)))
    demand(some.nbytes >= 0.9 * held, f"nbytes={some.nbytes} is less than what is learned, {held} bytes.")
    demand(fresh(model).nbytes == 0, "nbytes of a model that has learned nothing must be 0.")
    if getattr(model, "window", None) is not None:
        _bytes_stay_within_the_window(some, events)
        return
    if _keeps_events(some._state):
        _bytes_follow_events(model, some, events)
        return
    before, pickled = some.nbytes, len(pickle.dumps(some))
    anonymous = [Event(None, e.item, e.y, e.w, events[-1].t) for e in events if e.item is not None]
    for again in range(4):
        learn(some, [Event(e.user, e.item, e.y, e.w, events[-1].t + again) for e in events])
        learn(some, anonymous, "learn_one(x)")
    spare = 0
    if getattr(model, "max_history", None) is not None:
        spare = 110 * len(some._state.stores.get("item_pairs", ()))
    if hasattr(model, "n_estimators"):  # a copy that left a pair out may meet it now
        spare = 100 * len(events) * model.n_estimators
    fits = before <= some.nbytes <= before + spare
    demand(fits, f"The same pairs again took nbytes from {before} to {some.nbytes}.")
    before, grown = some.nbytes, len(pickle.dumps(some)) - pickled
    demand(grown < 200 + spare, f"The same pairs again made the pickled model {grown} bytes longer.")
    new = [Event(f"new {j}", None, events[0].y, 1.0, events[-1].t + 9) for j in range(100)]
    learn(some, new)
    demand(some.nbytes > before, "100 new users must show in nbytes.")
    demand(some.nbytes < before + 100 * 2000, f"100 new users took {some.nbytes - before} bytes.")


def _bytes_stay_within_the_window(some: Any, events: Sequence[Event]) -> None:
    """The same stream again and again, later each time."""
    sizes, span = [], events[-1].t - events[0].t + 1
    for again in range(1, 9):
        learn(some, [replace(e, t=e.t + again * span) for e in events])
        sizes.append(some.nbytes)
    demand(max(sizes[3:]) <= 1.1 * max(sizes[:3]), f"The same window again and again took {sizes} bytes.")


def _keeps_events(state: Any) -> bool:
    """Whether it, or a model inside it, keeps a journal."""
    return any(
        name == "journal" or (hasattr(store, "model") and _keeps_events(store.state()))
        for name, store in state.stores.items()
    )


def _bytes_follow_events(model: Any, some: Any, events: Sequence[Event]) -> None:
    """For a model that remembers repeats."""
    bounded, before = getattr(model, "history", None) is not None, 0
    later = [replace(e, t=events[-1].t) for e in events]
    for _ in range(6):
        before = some.nbytes
        learn(some, [e for e in later if e.user is not None])
    grown = some.nbytes - before
    most = 0.1 * before if bounded else 100 * len(events) + before
    demand(grown <= most, f"{len(events)} events that were repeats took {grown} bytes on top of {before}.")
    anonymous = [replace(e, user=None) for e in later if e.item is not None]
    before = some.nbytes
    learn(some, anonymous)
    demand(some.nbytes == before, f"Anonymous events took nbytes from {before} to {some.nbytes}.")


def _sizes(kept: Any) -> list[int]:
    if isinstance(kept, dict):
        return [n for value in kept.values() for n in _sizes(value)]
    return [kept.nbytes] if isinstance(kept, np.ndarray) and kept.dtype != object else []


# -- readers ---------------------------------------------------------------------------------------


def snapshots_are_frozen(model: Any) -> None:
    """A snapshot answers as the model did when it was taken, while the model learns on in a thread.

    It may be taken from any thread, and falls between two events.  It never learns: every verb that
    would teach it raises RuntimeError, and ``copy.deepcopy`` of it is a model that may.
    """
    new, events = fresh(model).snapshot(), make_events(model, 400, seed=43, n_users=60, n_items=60)
    try:
        new.predict(table(model, events))
    except NotFittedError:
        pass
    else:
        raise AssertionError("A snapshot of a model without events must not predict.")
    _never_learns(new, events[:3])
    same_bytes(
        learn(copy.deepcopy(new), events[:3]),
        learn(fresh(model), events[:3]),
        "a deep copy of a snapshot of a model without events must learn as the model does",
    )
    some = learn(fresh(model), events[:100])
    users, items = distinct(events[:100], "user")[:6], distinct(events[:100], "item")[:6]
    frozen, told = some.snapshot(), answers(some, users, items)
    wrong = _read_while(
        lambda: learn(some, events[100:], "learn_one(x)"), lambda: answers(frozen, users, items), told
    )
    demand(wrong is None, f"A snapshot answered differently while the model learned: {wrong}.")
    same_bytes(
        some,
        learn(learn(fresh(model), events[:100]), events[100:], "learn_one(x)"),
        "readers must not disturb",
    )
    _never_learns(frozen, events[:3])
    thawed = learn(copy.deepcopy(frozen), events[100:], "learn_one(x)")
    same_bytes(thawed, some, "a deep copy of a snapshot must learn as the model does")
    if model.guarantees().S == "bitwise":
        _snapshots_fall_between_events(model)


def _snapshots_fall_between_events(model: Any) -> None:
    """Each equals a model of the first so many events."""
    events = make_events(model, 1200, seed=45, n_users=900, n_items=600)
    some, taken = learn(fresh(model), events[:1], "learn_one(x)"), []
    thread = threading.Thread(target=lambda: learn(some, events[1:], "learn_one(x)"))
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns often, so that one is caught in the middle of things
    try:
        thread.start()
        while thread.is_alive():
            taken.append(some.snapshot())
            time.sleep(0.0005)
        thread.join()
    finally:
        sys.setswitchinterval(patience)
    for snapshot in taken[:: max(1, len(taken) // 6)]:
        n = snapshot._state.n_events
        same_bytes(
            snapshot, learn(fresh(model), events[:n]), f"a snapshot after {n} events must hold just those"
        )


def _never_learns(frozen: Any, events: Sequence[Event]) -> None:
    kept = everything(frozen)
    for verb, teach in _lessons(frozen, events).items():
        try:
            teach()
        except RuntimeError as error:
            demand("snapshot" in str(error), f"{verb} of a snapshot must say what it is; it says: {error}")
        else:
            raise AssertionError(f"{verb} of a snapshot must raise RuntimeError.")
        demand(difference(kept, everything(frozen)) is None, f"{verb} changed a snapshot.")


def _lessons(frozen: Any, events: Sequence[Event]) -> dict[str, Callable[[], Any]]:
    lessons: dict[str, Callable[[], Any]] = {
        door: lambda door=door: learn(frozen, events, door)  # type: ignore[misc]
        for door in ("learn_one(x)", "learn_many", "partial_fit(frame)", "fit")
    }
    promise = frozen.guarantees()
    if promise.M != "no":
        other = learn(fresh(frozen), [Event("somebody else", e.item, e.y, 1.0, e.t) for e in events])
        lessons["merge"] = lambda: frozen.merge(other)
    if promise.U != "no" and frozen._state is not None:
        lessons["forget"] = lambda: frozen.forget(users=frozen.user_ids_[:1])
    return lessons


def threads_may_ask_at_once(model: Any) -> None:
    """Threads that ask a model which nobody teaches all get the right answers."""
    events = make_events(model, 200, seed=44, n_users=40, n_items=40)
    some = learn(fresh(model), events)
    users, items = distinct(events, "user"), distinct(events, "item")
    asks = [partial(answers, some, users[a::4][:6], items[a::4][:6]) for a in (0, 1)]
    told = [ask() for ask in asks]

    def work() -> None:
        for _ in range(5):
            wrong = _unlike(asks[1](), told[1])
            demand(wrong is None, str(wrong))

    wrong = _read_while(work, asks[0], told[0])
    demand(wrong is None, f"Two threads asked one model, and an answer was wrong: {wrong}.")


def _read_while(work: Callable[[], Any], ask: Callable[[], dict], told: dict, least: int = 4) -> str | None:
    """Ask in this thread while another works; what was wrong first, or None."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    found, asked = None, 0
    with warnings.catch_warnings():  # before the thread begins: warning filters are shared by all
        warnings.simplefilter("ignore")
        thread.start()
        while thread.is_alive() or asked < least:
            found = found or _unlike(ask(), told)
            asked += 1
        thread.join()
    return f"the other thread failed: {failures[0]!r}" if failures else found


def _unlike(said: dict, told: dict) -> str | None:
    for name, value in told.items():
        parts = zip(value, said[name], strict=True) if isinstance(value, tuple) else ((value, said[name]),)
        for right, wrong in parts:
            if right.tolist() != wrong.tolist():
                return f"{name}: {wrong.tolist()} instead of {right.tolist()}"
    return None
