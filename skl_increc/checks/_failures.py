"""Checks of what a failed call leaves behind: nothing."""

from __future__ import annotations

import contextlib
import copy
import importlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock
from zlib import crc32

import numpy as np

from skl_increc.checks._events import (
    Event,
    as_dict,
    demand,
    fresh,
    learn,
    make_events,
    role,
    table,
    target,
    weights,
)
from skl_increc.checks._learning import search_times
from skl_increc.checks._states import difference, everything, same_bytes

__all__ = ["a_failed_call_changes_nothing"]

#: modules that ask for memory as they grow, by these functions or by numpy's
GROWING = [
    "skl_increc._state.fields",
    "skl_increc._state._tables",
    "skl_increc._state._idmap",
    "skl_increc._state._blocks",
    "skl_increc._state._lists",
    "skl_increc._state._runs",
    "skl_increc._state._history",
    "skl_increc._state._pairs",
    "skl_increc._state._journal",
    "skl_increc._state._cells",
    "skl_increc._state._window",
    "skl_increc._state._state",
    "skl_increc._state._feature_tables",
    "skl_increc._kernels._ladder",
    "skl_increc._kernels._mf",
    "skl_increc._kernels._neighbors",
    "skl_increc.sequence._rules",
    "skl_increc.sequence._sessions",
    "skl_increc.linear._gram",
    "skl_increc.linear._matrices",
    "skl_increc.linear._block",
    "skl_increc.factorization._implicit_als",
    "skl_increc.content._content_ridge",
    "skl_increc.content._rocchio",
    "skl_increc.compose._feature_map",
    "skl_increc.compose._mapped_factors",
]
ALLOCATORS = ("grown", "aligned_empty", "aligned_zeros")
NUMPY = ("empty", "zeros", "full", "ones")
MOST_ALLOCATIONS = 400
#: one request for memory in so many fails, from another one on for each model; all of them where a profile of
#: hypothesis asks for more examples than its default
STRIDE = 5
SINGLES = 40  # events of new users and items: rows grow at 16 and at 32, a list of one user at 4, 8 and 16


def a_failed_call_changes_nothing(model: Any) -> None:
    """A call that fails leaves the model as it was, to the byte, and it learns on as if nothing had been.

    Bad rows in the middle of a batch, ids that are not hashable, numbers that are not finite, columns
    and lengths that do not fit, no memory to grow: ``fit``, ``partial_fit``, ``learn_many`` and
    ``learn_one`` alike, ``n_features_in_`` and ``feature_names_in_`` included.
    """
    events = make_events(model, 90, seed=51)
    old, coming, later = events[:30], make_events(model, 40, seed=52, n_users=40), events[60:]
    coming = [replace(e, t=events[59].t) for e in coming]
    singly = learn(fresh(model), old, "learn_one(x)")  # it knows of no columns
    for trained in (learn(fresh(model), old), singly, fresh(model)):
        untouched = learn(copy.deepcopy(trained), later)
        for what, call in _bad_calls(trained, coming).items():
            _fails_without_trace(trained, call, what)
        for what, steps in _good_calls(trained, coming).items() if trained is not singly else ():
            _survives_want_of_memory(trained, steps, what)
        same_bytes(
            learn(trained, later), untouched, "after failed calls it must learn on as if they had not been"
        )


def _bad_calls(model: Any, events: Sequence[Event]) -> dict[str, Callable[[], Any]]:
    X, y, w = table(model, events), target(events), weights(events)
    middle = len(events) // 2
    calls: dict[str, Callable[[], Any]] = {}

    def batch(what: str, X: Any = X, y: Any = y, w: Any = w) -> None:
        calls[f"fit with {what}"] = lambda: model.fit(X, y, sample_weight=w)
        calls[f"partial_fit with {what}"] = lambda: model.partial_fit(X, y, sample_weight=w)
        if hasattr(X, "columns"):
            calls[f"learn_many with {what}"] = lambda: model.learn_many(X, y, w)

    for side in (model.user_col, model.item_col):
        batch(f"an unhashable id under {side!r}", X=_with_bad(X, side, middle, ["a list"]))
        batch(
            f"an unhashable id under {side!r} of an event of weight 0",
            X=_with_bad(X, side, middle, ["a list"]),
            w=_with(w, middle, 0.0),
        )
        if isinstance(side, str):  # columns without names count by position
            calls[f"partial_fit without {side!r}"] = partial(model.partial_fit, X.drop(columns=side), y)
    for bad in (np.nan, np.inf):
        batch(f"y={bad}", y=_with(y, middle, bad))
        batch(f"a weight of {bad}", w=_with(w, middle, bad))
    batch("a negative weight", w=_with(w, middle, -1.0))
    batch("too few ratings", y=y[:-1])
    batch("too few weights", w=w[:-1])
    if role(model) == "binary":
        batch("an unknown label", y=_with(y.astype(int), middle, 7))
    if model.time_col is not None:
        batch("a time that is NaN", X=_with_bad(X, model.time_col, middle, np.nan))
    return {**calls, **_bad_events(model, events)}


def _bad_events(model: Any, events: Sequence[Event]) -> dict[str, Callable[[], Any]]:
    e = replace(events[0], user="a new user", item="a new item")
    x = as_dict(model, e)
    calls: dict[str, Callable[[], Any]] = {
        "learn_one with y=nan": lambda: model.learn_one(x, float("nan")),
        "learn_one with y=inf": lambda: model.learn_one(x, float("inf")),
        "learn_one with w=nan": lambda: model.learn_one(x, e.y, float("nan")),
        "learn_one with w=-1": lambda: model.learn_one(x, e.y, -1.0),
        "learn_one with y='five'": lambda: model.learn_one(x, "five"),
        "learn_one with an unhashable item": lambda: model.learn_one({**x, model.item_col: []}, e.y),
        "learn_one with an unhashable user": lambda: model.learn_one({**x, model.user_col: []}, e.y),
        "learn_one with an unhashable user and w=0": lambda: model.learn_one(
            {**x, model.user_col: []}, e.y, 0.0
        ),
        "learn_one of no dict": lambda: model.learn_one("Alice", "Superman", 8),
    }
    if model.time_col is not None:
        untimed = {k: v for k, v in x.items() if k != model.time_col}
        calls["learn_one without a time"] = lambda: model.learn_one(untimed, e.y)
        calls["learn_one with a time of nan"] = lambda: model.learn_one(
            {**untimed, model.time_col: float("nan")}, e.y
        )
    return calls


def _with_bad(X: Any, column: Any, at: int, value: Any) -> Any:
    X = X.copy()
    X[column] = _with(X[column].to_numpy(), at, value)
    return X


def _with(values: np.ndarray, at: int, value: Any) -> np.ndarray:
    out = values.astype(object) if isinstance(value, list) else values.copy()
    out[at] = value
    return out


def _fails_without_trace(model: Any, call: Callable[[], Any], what: str) -> None:
    before, size = everything(model), model.nbytes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except (ValueError, TypeError, MemoryError) as error:
            demand(str(error), f"{what} fails without a word.")
        else:
            raise AssertionError(f"{type(model).__name__}: {what} must fail.")
    found = difference(before, everything(model), "model")
    demand(found is None, f"{type(model).__name__}: {what} failed, and changed the model: {found}.")
    demand(model.nbytes <= 2 * size + 4096, f"{what} failed, and nbytes went from {size} to {model.nbytes}.")


# -- no memory -------------------------------------------------------------------------------------


def _good_calls(model: Any, events: Sequence[Event]) -> dict[str, list[Callable[[Any], Any]]]:
    """Calls that ask for memory, each in steps that succeed or fail as one."""
    e = replace(events[0], user="a new user", item="a new item")
    singles = [
        as_dict(model, replace(e, user=f"user {j}" if j % 2 else "a long list", item=f"item {j}"))
        for j in range(SINGLES)
    ]
    calls = {
        "fit": [lambda m: learn(m, events, "fit")],
        "partial_fit": [lambda m: learn(m, events)],
        "learn_many": [lambda m: learn(m, events, "learn_many")],
    }
    if not model._composed:  # of several members the first may have learned; then the model refuses to go on
        calls["learn_one"] = [lambda m, x=x: m.learn_one(x, e.y, e.w) for x in singles]  # type: ignore[misc]
    return calls


class _Scarcity:
    """While at work, the n-th request for memory, counted from 0, and all after it fail."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.asked = 0
        self.at_work = False

    def limited(self, allocate: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            self.asked += self.at_work
            if self.at_work and self.asked > self.n:
                raise MemoryError("no memory (a check pretends so)")
            return allocate(*args, **options)

        return run

    def __enter__(self) -> _Scarcity:
        self.stack = contextlib.ExitStack()
        for module in map(importlib.import_module, GROWING):
            for name in ALLOCATORS:
                if hasattr(module, name):
                    limited = self.limited(getattr(module, name))
                    self.stack.enter_context(mock.patch.object(module, name, limited))
            self.stack.enter_context(mock.patch.object(module, "np", _Numpy(self)))
        return self

    def __exit__(self, *error: Any) -> None:
        self.stack.close()


class _Numpy:
    """numpy, short of memory."""

    def __init__(self, scarcity: _Scarcity) -> None:
        for name in NUMPY:
            setattr(self, name, scarcity.limited(getattr(np, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _survives_want_of_memory(model: Any, steps: Sequence[Callable[[Any], Any]], what: str) -> None:
    """Let requests for memory of good calls fail in turn."""
    right, lived = copy.deepcopy(model), []
    for step in steps:
        lived.append(everything(right))
        step(right)
    stride = 1 if search_times() > 1 else STRIDE
    for n in range(crc32(f"{model!r} {what}".encode()) % stride, MOST_ALLOCATIONS, stride):
        failed, asked, tried = _with_so_much_memory(n, model, steps)
        if failed is None:
            demand(asked <= n, f"{what} hid a want of memory (request {n}).")
            return
        found = difference(lived[failed], everything(tried), "model")
        demand(found is None, f"{what} without memory (request {n}) changed the model: {found}.")
    raise AssertionError(f"{what} asked for memory more than {MOST_ALLOCATIONS} times.")


def _with_so_much_memory(
    n: int, model: Any, steps: Sequence[Callable[[Any], Any]]
) -> tuple[int | None, int, Any]:
    """The step that failed, how often memory was asked for, and the model."""
    tried = copy.deepcopy(model)
    with _Scarcity(n) as memory:
        memory.at_work = True
        for number, step in enumerate(steps):
            try:
                step(tried)
            except MemoryError:
                memory.at_work = False
                return number, memory.asked, tried
        memory.at_work = False
    return None, memory.asked, tried
