"""One thread at a time changes a model: what its state holds, and which state it has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skl_increc._state._state import FROZEN, State

__all__ = ["Asleep", "alone", "install", "refuse_snapshot", "version_of"]


class Asleep:
    """Marks the snapshot of a model without events; in a deep copy or a pickle of it stands None instead."""

    def __reduce__(self) -> tuple:
        return (type(None), ())


def refuse_snapshot(model: Any) -> None:
    """Raise RuntimeError if the model is a snapshot, with events or without."""
    state = model._state
    if model._asleep is not None or (state is not None and state.frozen):
        raise RuntimeError(FROZEN)


@contextmanager
def alone(model: Any) -> Iterator[State]:
    """The state of a model, up to date; until the end no other thread teaches the model or replaces the state.

    A thread that came with the state of before finds it busy, waits for the lock, and takes the new one.
    """
    refuse_snapshot(model)
    while True:
        state = model._state if model._state is not None else model._ready_state()
        with state.lock:
            if model._state is not state:
                continue
            state.busy = True
            try:
                state.settle()
                yield model._ready_state()
            finally:
                state.busy = model._state is not state
            return


def install(model: Any, state: State, *, replace: bool) -> bool:
    """Make this the state of a model; False if it has one already and `replace` is not set.

    Two threads may both begin a model: the state of the quicker one counts, the other learns it there.
    """
    while True:
        old = model.__dict__.setdefault("_state", state)  # in one step: no thread comes between
        if old is state:
            return True
        if not replace:
            return False
        with old.lock:  # not while another thread is at work on the old one, and would put its work in place
            if model._state is old:
                model._state = state
                return True


def version_of(state: State) -> int | None:
    """A number that changes with whatever is learned; None while something is, for nothing is final then."""
    version = state.n_events  # first: what is learned between the two lines has changed it
    return None if state.learning or (state.busy and not state.frozen) else version
