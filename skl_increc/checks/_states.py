"""What a model has learned, in forms that can be compared: to the byte, or keyed by id."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from skl_increc.checks._events import demand, pairs_frame, role

__all__ = [
    "answers",
    "difference",
    "everything",
    "exported",
    "keyed",
    "same_answers",
    "same_bytes",
    "same_model",
]

RTOL = 1e-9  # what "rounding" means
SPECK = 1e-12  # of the largest number of an array: what is left of a difference of equals


def exported(model: Any) -> dict[str, Any]:
    """All that the model has learned, as plain arrays and lists; of one without events, an empty state."""
    state = model._state if model._state is not None else model._new_state()
    kept = state.export()
    for field in state.fields:
        if field.derived and field.side == "scalar":
            kept["scalars"][state.scalar_at[field.name]] = 0
        elif field.derived:
            kept[f"{field.side}_rows"].pop(field.name)
    return kept


def everything(model: Any) -> dict[str, Any]:
    """What a failed call must not change: the state, and every attribute beside it."""
    kept = {k: v for k, v in vars(model).items() if k != "_state"}
    return {"state": None if model._state is None else exported(model), "attributes": kept}


# -- to the byte -----------------------------------------------------------------------------------


def difference(a: Any, b: Any, at: str = "state") -> str | None:
    """Where two exported states differ first, or None."""
    if isinstance(a, dict) and isinstance(b, dict):
        if a.keys() != b.keys():
            return f"{at}: {sorted(map(str, a))} against {sorted(map(str, b))}"
        found = (difference(a[k], b[k], f"{at}.{k}") for k in a)
        return next((f for f in found if f), None)
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _difference_of_arrays(a, b, at)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and type(a) is type(b):
        if len(a) != len(b):
            return f"{at}: {len(a)} against {len(b)} entries"
        found = (difference(x, y, f"{at}[{j}]") for j, (x, y) in enumerate(zip(a, b, strict=True)))
        return next((f for f in found if f), None)
    if (
        type(a) is type(b) and a is not b and hasattr(a, "get_params")
    ):  # a model that is a parameter of another
        return difference(a.get_params(deep=False), b.get_params(deep=False), at)
    equal = a is b or (type(a) is type(b) and (a == b or (a != a and b != b)))
    return None if equal else f"{at}: {a!r} against {b!r}"


def _difference_of_arrays(a: np.ndarray, b: np.ndarray, at: str) -> str | None:
    if a.dtype != b.dtype or a.shape != b.shape:
        return f"{at}: {a.dtype}{a.shape} against {b.dtype}{b.shape}"
    if a.dtype == object:
        return difference(a.tolist(), b.tolist(), at)
    if a.tobytes() == b.tobytes():
        return None
    where = np.argwhere(~((a == b) | ((a != a) & (b != b))))
    first = tuple(int(v) for v in where[0]) if len(where) else "sign of a zero"
    values = f"{a[first]!r} against {b[first]!r}" if len(where) else ""
    return f"{at}{first}: {values} ({len(where)} of {a.size} numbers differ)"


def same_bytes(a: Any, b: Any, what: str) -> None:
    """Fail unless two models have learned the same to the last bit."""
    found = difference(exported(a), exported(b))
    demand(found is None, f"{type(a).__name__}: {what}; they differ in {found}.")


# -- keyed by id -----------------------------------------------------------------------------------


def keyed(model: Any, state: Any = None) -> dict[str, Any]:
    """What the model has learned by id: the same for models whose rows have other numbers.

    Returns
    -------
    dict
        "users", "items": id -> field -> numbers; "pairs": (user, item) -> numbers; "histories":
        user -> items, oldest first; "scalars": field -> numbers; "events": how many it is made of.
    """
    state = model._state if state is None else state
    if state is None:
        state = model._new_state()
    users, items = _ids(state.users), _ids(state.items)
    histories, pairs = _pairs(state, users, items)
    return {
        "users": _rows(state, "user", users),
        "items": _rows(state, "item", items),
        "pairs": pairs,
        "histories": histories,
        "scalars": {f.name: state.scalar(f.name).copy() for f in _compared(state, "scalar")},
        "events": state.held,
    }


def _ids(index: Any) -> dict[int, Any]:
    live = index.live()
    return dict(zip(live.tolist(), index.ids_of(live).tolist(), strict=True))


def _compared(state: Any, side: str) -> list:
    return [f for f in state.fields if f.side == side and not f.derived]


def _rows(state: Any, side: str, ids: dict[int, Any]) -> dict[Any, dict[str, np.ndarray]]:
    arrays = (state.user_rows if side == "user" else state.item_rows).arrays
    fields = _compared(state, side)
    return {name: {f.name: arrays[f.name][row].copy() for f in fields} for row, name in ids.items()}


def _pairs(state: Any, users: dict[int, Any], items: dict[int, Any]) -> tuple[dict, dict]:
    histories: dict[Any, list] = {}
    pairs: dict[Any, np.ndarray] = {}
    for name, store in state.stores.items():
        _entries(name, store, (users, items), histories, pairs)
    if state.history is None:
        return histories, pairs
    for row, user in users.items():
        had = [items[i] for i in state.history.items_of(row).tolist()]
        histories[user] = had
        values = state.history.values_of(row)
        pairs.update({(user, item): values[:, c].copy() for c, item in enumerate(had)})
    return histories, pairs


def _entries(name: str, store: Any, ids: tuple[dict, dict], histories: dict, pairs: dict) -> None:
    """What a store of the model's own holds: lists of events, or numbers for two items."""
    if hasattr(store, "keyed"):
        pairs.update({(name, *key): value for key, value in store.keyed(ids[store.side]).items()})
        return
    kept = store.export()
    if not kept:  # worked out from the rest
        return
    far = ids[1 - store.side] if store.n_values is not None else ids[store.side]
    ends = kept["indptr"].tolist()
    for row, owner in ids[store.side].items():
        a, b = ends[row : row + 2] if row + 1 < len(ends) else (0, 0)
        others = [far[j] for j in kept["others"][a:b].tolist()]
        if store.n_values is None:
            pairs.update({(name, owner, o): kept["values"][a + j] for j, o in enumerate(others)})
        else:
            histories[name, owner], pairs[name, owner] = others, kept["values"][:, a:b]


def _in_common_units(a: Any, b: Any) -> tuple[dict, dict]:
    """Both states keyed by id, after the model itself brought copies of them to common units."""
    mine = (a._state if a._state is not None else a._new_state()).copy()
    theirs = (b._state if b._state is not None else b._new_state()).copy()
    a._align(mine, theirs)
    return keyed(a, mine), keyed(b, theirs)


def same_model(a: Any, b: Any, how: str, what: str, *, order: bool = True) -> None:
    """Fail unless two models hold the same by id ("bitwise" or "rounding") and answer the same.

    ``order=False`` does not compare the order of a user's history.
    """
    left, right = _in_common_units(a, b)
    if not order:
        for side in (left, right):
            side["histories"] = {user: sorted(map(repr, had)) for user, had in side["histories"].items()}
    found = _difference_by_id(left, right, how)
    demand(found is None, f"{type(a).__name__}: {what} ({how}); they differ in {found}.")
    users, items = list(left["users"]), list(left["items"])
    same_answers(a, b, users, items, how, what)


def _difference_by_id(a: dict, b: dict, how: str) -> str | None:
    for part in ("users", "items", "pairs", "histories", "scalars"):
        if a[part].keys() != b[part].keys():
            return f"{part}: {_only(a[part], b[part])!r} against {_only(b[part], a[part])!r}"
    if a["histories"] != b["histories"]:
        return "histories"
    if a["events"] != b["events"]:
        return f"events: {a['events']} against {b['events']}"
    for part in ("users", "items"):
        for field in _fields_of(a[part]):
            x, y = ([rows[field] for rows in side[part].values()] for side in (a, _reordered(b, a, part)))
            if not _close(np.array(x), np.array(y), how):
                return f"{part}.{field}: {x} against {y}"
    for part in ("pairs", "scalars"):
        for key, value in a[part].items():
            if not _close(value, b[part][key], how):
                return f"{part}.{key}: {value} against {b[part][key]}"
    return None


def _only(a: dict, b: dict) -> list:
    return [key for key in a if key not in b]


def _fields_of(rows: dict) -> list[str]:
    return list(next(iter(rows.values()))) if rows else []


def _reordered(b: dict, a: dict, part: str) -> dict:
    return {part: {key: b[part][key] for key in a[part]}}


def _close(x: np.ndarray, y: np.ndarray, how: str) -> bool:
    if how == "bitwise":
        return bool(np.array_equal(x, y, equal_nan=True))
    finite = np.abs(x[np.isfinite(x)])
    return bool(np.allclose(x, y, rtol=RTOL, atol=SPECK * finite.max(initial=0.0), equal_nan=True))


# -- answers ---------------------------------------------------------------------------------------


def answers(model: Any, users: Sequence, items: Sequence, k: int = 5) -> dict[str, Any]:
    """What a model says about these users and items, strangers included."""
    users, items = [*users, "a stranger", None], [*items, "a novelty", None]
    pairs = pairs_frame(model, [(u, i) for u in users for i in items])
    ask = model.decision_function if role(model) == "binary" else model.predict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model fitted on arrays may be asked with a frame
        said: dict[str, Any] = {"predict": np.asarray(ask(pairs))}
    said["recommend"] = model.recommend(users, k)
    said["recommend(exclude_seen=False)"] = model.recommend(users, k, exclude_seen=False)
    return said


def same_answers(a: Any, b: Any, users: Sequence, items: Sequence, how: str, what: str) -> None:
    """Fail unless two models answer the same."""
    if a._state is None or b._state is None:
        return
    left, right = answers(a, users, items), answers(b, users, items)
    for name, said in left.items():
        scores, others = (said[1], right[name][1]) if isinstance(said, tuple) else (said, right[name])
        equal = _close(scores, others, how)
        if isinstance(said, tuple) and how == "bitwise":
            equal = equal and said[0].tolist() == right[name][0].tolist()
        if not equal:  # the numbers are put into words only then
            raise AssertionError(
                f"{type(a).__name__}: {what} ({how}); {name} differs: {said} against {right[name]}."
            )
