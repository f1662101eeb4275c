"""Merging and forgetting for models whose state is sums: field by field, row by row, keyed by id.

A field of one name on several sides is one quantity summed over different sets of events: what a pair
holds is part of what its user and its item hold, and of the total of the model.  So a user is removed
by taking the sums of the user's pairs from the items, and the sums of the user from the totals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skl_increc._state._state import State
from skl_increc.base._interactions import read_ids
from skl_increc.base._turns import alone, install, refuse_snapshot
from skl_increc.exceptions import GuaranteeError

__all__ = ["forget", "merge"]


def merge(model: Any, other: Any) -> Any:
    """The body of ``merge``."""
    _check_mergeable(model, other)
    refuse_snapshot(model)
    theirs = other._state
    if theirs is None:
        return model
    theirs = theirs.copy_in_peace()
    if model._state is None:
        model._configure_state(theirs)
        if install(model, theirs, replace=False):
            return model
    with alone(model) as mine:
        _check_strangers(mine, theirs)
        new = mine.copy_in_peace()
        model._configure_state(new)  # its learner starts the rows that are new
        model._align(new, theirs)
        _add(new, theirs)
        model._after_merge(new)
        if new.window is not None:
            new.let_go()
        model._state = new
    return model


def _check_strangers(mine: State, theirs: State) -> None:
    common = [v for v in theirs.users.ids_of(theirs.users.live()) if mine.users.find(v) >= 0]
    if common:
        raise GuaranteeError(
            f"Both models know the user {common[0]!r} ({len(common)} in all): merging is exact only for "
            "streams cut by user. Send all events of a user to one model."
        )


def _check_mergeable(model: Any, other: Any) -> None:
    if type(model) is not type(other):
        raise GuaranteeError(f"Only a {type(model).__name__} merges into one; got a {type(other).__name__}.")
    for one in (model, other):
        if one.guarantees().M == "no":
            raise GuaranteeError(f"This {type(one).__name__} does not merge: {one.guarantees().why}.")
    mine, theirs = model.get_params(), other.get_params()
    for name in mine:
        if mine[name] != theirs[name]:
            raise GuaranteeError(
                f"The models differ in {name}: {mine[name]!r} and {theirs[name]!r}. "
                "Merge models of the same parameters."
            )


def _add(new: State, theirs: State) -> None:
    """Add the rows, pairs and totals of `theirs` to `new`."""
    from_u, from_i = theirs.users.live(), theirs.items.live()
    new.users.begin()
    new.items.begin()
    to_u = new.users.add_objects(theirs.users.ids_of(from_u).tolist())
    to_i = new.items.add_objects(theirs.items.ids_of(from_i).tolist())
    new.reserve(new.users.n_rows, new.items.n_rows)
    new.start_rows(0, new.users.added())
    new.start_rows(1, new.items.added())
    for field in new.fields:
        if field.side == "user":
            _combine(
                field.merge,
                new.user_rows.arrays[field.name],
                to_u,
                theirs.user_rows.arrays[field.name][from_u],
            )
        elif field.side == "item":
            _combine(
                field.merge,
                new.item_rows.arrays[field.name],
                to_i,
                theirs.item_rows.arrays[field.name][from_i],
            )
        elif field.side == "scalar":
            _combine(field.merge, new.scalar(field.name), slice(None), theirs.scalar(field.name))
    if new.history is not None:
        item_at = np.full(theirs.items.n_rows, -1, np.int32)
        item_at[from_i] = to_i
        indptr, items = theirs.history.csr(from_u)
        users = np.repeat(to_u, np.diff(indptr)).astype(np.int32)
        values = np.ascontiguousarray(theirs.history.all_values(from_u).T)
        new.history.reserve_users(new.users.n_rows)
        new.history.reserve(users, item_at[items])
        new.history.append(users, item_at[items], values)
    _absorb(new, theirs, (from_u, to_u), (from_i, to_i))
    new.add_clock(theirs)


def _absorb(new: State, theirs: State, users: tuple, items: tuple) -> None:
    """Add what the stores of `theirs` hold."""
    there = []
    for (rows, to), index in ((users, theirs.users), (items, theirs.items)):
        there.append(np.full(index.n_rows, -1, np.int32))
        there[-1][rows] = to
    for name, store in new.stores.items():
        store.absorb(theirs.stores[name], *there)


def _combine(rule: str, into: np.ndarray, at: Any, values: np.ndarray) -> None:
    if rule == "sum":
        into[at] += values
    elif rule == "max":
        into[at] = np.maximum(into[at], values)
    else:
        raise GuaranteeError("a field of this model cannot be merged")


def forget(model: Any, users: Sequence | None, items: Sequence | None) -> int:
    """The body of ``forget``."""
    promise = model.guarantees()
    if promise.U == "no":
        raise GuaranteeError(f"This {type(model).__name__} cannot forget exactly: {promise.why}.")
    if model._state is None:
        return 0
    with alone(model) as state:
        u = _known(users, state.users)
        i = _known(items, state.items)
        if not len(u) and not len(i):
            return 0
        new = state.copy_in_peace()
        model._configure_state(new)
        model._before_forget(new, u, i)
        _remove_users(new, u)
        _remove_items(new, i)
        model._after_forget(new)
        _drop_empty(new)
        gone = int(state.held - _total_events(new))
        new.set_events(state.n_events - gone)
        if new.window is not None and new.window.timed:
            new.reset_clock(new.window.newest)
        if not _total_events(new):
            new.scalars[:] = 0  # whatever rounding left
        model._state = new
        return gone


def _known(ids: Sequence | None, index: Any) -> np.ndarray:
    if ids is None:
        return np.empty(0, np.int32)
    rows = read_ids(ids).find(index)
    return np.unique(rows[rows >= 0])


def _sums(state: State, side: str) -> dict[str, Any]:
    return {f.name: f for f in state.fields if f.side == side and f.merge == "sum"}


def _remove_users(state: State, u: np.ndarray) -> None:
    _remove(state, u, "user", *_pairs(state, u))
    if state.history is not None:
        state.history.clear(u)
    state.drop_rows(0, u)


def _remove_items(state: State, i: np.ndarray) -> None:
    if not len(i):
        return
    owners, items, values = _pairs(state, state.users.live())
    mine = np.isin(items, i)
    _remove(state, i, "item", owners[mine], items[mine], values[:, mine])
    if state.history is not None:
        state.history.drop_items(i)
    state.drop_rows(1, i)


def _pairs(state: State, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User row, item row and sums of every pair of these users."""
    if state.history is None:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, 0))
    indptr, items = state.history.csr(u)
    return np.repeat(u, np.diff(indptr)).astype(np.int32), items, state.history.all_values(u)


def _remove(
    state: State, rows: np.ndarray, side: str, pu: np.ndarray, pi: np.ndarray, values: np.ndarray
) -> None:
    """Take the sums of these rows from the totals, and those of their pairs from the other side."""
    own = state.user_rows if side == "user" else state.item_rows
    far = state.item_rows if side == "user" else state.user_rows
    far_rows = pi if side == "user" else pu
    pair_at = {name: c for c, name in enumerate(f.name for f in state.fields if f.side == "pair")}
    for name in _sums(state, "scalar"):
        if name in own.arrays:
            state.scalar(name)[:] -= own.arrays[name][rows].sum(axis=0)
    for name in _sums(state, "item" if side == "user" else "user"):
        if name in pair_at:
            np.subtract.at(
                far.arrays[name][:, 0], far_rows, values[pair_at[name]].astype(far.arrays[name].dtype)
            )


def _drop_empty(state: State) -> None:
    """Rows without an event left are rows that never were."""
    for rows, index, side in ((state.user_rows, state.users, 0), (state.item_rows, state.items, 1)):
        if "events" not in rows.arrays:
            continue
        live = index.live()
        empty = live[rows.arrays["events"][live, 0] == 0]
        features = state.stores.get(("user_features", "item_features")[side])
        if features is not None:  # they are known all the same
            empty = empty[~features.known(empty)]
        if len(empty):
            state.drop_rows(side, empty)
            if side == 0 and state.history is not None:
                state.history.clear(empty)


def _total_events(state: State) -> int:
    return int(state.scalar("events")[0])
