"""The form of a state in a file.  Compiled code trusts what a state holds: here it is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skl_increc._state._idmap import IdMap
from skl_increc._state._state import State
from skl_increc._state.archive import damaged
from skl_increc._state.fields import Field
from skl_increc._state.ids import decode_id, encode_id, stable_bytes
from skl_increc._state.plain import from_plain, to_plain

__all__ = ["pack", "unpack"]

FREE, INT, OBJECT = 0, 1, 2  # kinds of rows in an id map
MOST_ROWS = 2**31 - 1
MODEL = "model"  # a store that is a model, with a state of its own
OWNERS = ("users", "items")  # by the side of a store


# -- to a file --------------------------------------------------------------------------------------
def pack(state: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and members of a state; UnstableIdError if an id has no form in files."""
    kept = state.export()
    members: dict[str, Any] = {}
    for side in ("users", "items"):
        ids = kept[side]
        members |= {f"{side}.{part}": ids[part] for part in ("keys", "kind", "free")}
        members[f"{side}.names"] = [_pack_name(name) for _, name in ids["names"]]
    for side in ("user_rows", "item_rows"):
        members |= {f"{side}.{name}": array for name, array in kept[side].items()}
    members["scalars"] = kept["scalars"]
    history = kept["history"]
    if history is not None:
        # rooms for users who did not come to be (a failed call made them) are left out
        indptr = _of_length(history["indptr"], len(kept["users"]["keys"]) + 1)
        members |= {
            "history.indptr": indptr,
            "history.items": history["items"],
            "history.values": history["values"],
        }
    stores: dict[str, Any] = {name: store.kind for name, store in state.stores.items()}
    for name, parts in kept["stores"].items():
        if stores[name] == MODEL:
            stores[name], inner = pack(state.stores[name].state())
            members |= {f"{name}/{part}": value for part, value in inner.items()}
            continue
        if not parts:  # worked out from the rest
            continue
        if "indptr" in parts:
            n = len(kept[OWNERS[state.stores[name].side]]["keys"])
            parts = parts | {"indptr": _of_length(parts["indptr"], n + 1)}
        members |= {
            f"{name}.{part}": [_pack_name(v) for v in value] if isinstance(value, list) else value
            for part, value in parts.items()
        }
    header = {
        # a width may be a NumPy integer, as the parameter was
        "fields": [[name, side, int(width), *rest] for name, side, width, *rest in kept["fields"]],
        "meta": to_plain(kept["meta"], "the state's meta"),
        "clock": to_plain(kept["clock"], "the clock"),
        "unstable": [kept["users"]["unstable"], kept["items"]["unstable"]],
        "history": None if history is None else [history[k] for k in ("n_values", "window", "n_sums")],
        "stores": stores,
    }
    return header, members


def _of_length(indptr: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([indptr[:n], np.full(max(0, n - len(indptr)), indptr[-1], np.int64)])


def _pack_name(name: Any) -> Any:
    """A string as it is, another id as ``[tag, form]``."""
    if type(name) is str and name.isascii():
        return name
    form = encode_id(name)
    return form[1] if form[0] == "s" else form


# -- from a file ------------------------------------------------------------------------------------
def unpack(
    path: str,
    header: Any,
    members: Mapping[str, Any],
    fields: Sequence[Field],
    history: int | None,
    stores: Mapping[str, Any],
) -> State:
    """The state that `pack` described, checked; SaveFormatError if it is not one of these fields."""
    reader = _Reader(path, header, members, tuple(fields))
    inner = {name: store for name, store in stores.items() if store.kind == MODEL}
    reader.members, models = _of_models(members, inner)
    reader.check_members(history, {name: store for name, store in stores.items() if name not in inner})
    users, items = reader.ids("users"), reader.ids("items")
    kept: dict[str, Any] = {
        "fields": [(f.name, f.side, f.width, f.dtype, f.pad, f.merge) for f in fields],
        "meta": reader.plain("meta"),
        "users": users,
        "items": items,
        "user_rows": reader.rows("user", len(users["keys"])),
        "item_rows": reader.rows("item", len(items["keys"])),
        "clock": reader.clock(),
        "scalars": reader.scalars(),
    }
    state = State(fields, history, kept["meta"], stores)
    kept["history"] = reader.history(state.history, users, items)
    kept["stores"] = {
        name: reader.model(name, store.model, models[name])
        if name in inner
        else reader.store(name, store, users, items)
        for name, store in stores.items()
    }
    return state.restore(kept)


def _of_models(
    members: Mapping[str, Any], inner: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The members of a file that are the state's own, and those of each model inside it."""
    own: dict[str, Any] = {}
    models: dict[str, dict[str, Any]] = {name: {} for name in inner}
    for key, value in members.items():
        name, slash, part = key.partition("/")
        if slash and name in models:
            models[name][part] = value
        else:
            own[key] = value
    return own, models


class _Reader:
    """Takes one part after the other out of a file, and lets nothing through that was not written."""

    def __init__(self, path: str, header: Any, members: Mapping[str, Any], fields: tuple[Field, ...]) -> None:
        self.path, self.members, self.fields = path, members, fields
        entries = ("fields", "meta", "clock", "unstable", "history", "stores")
        self.header = self.mapping(header, "the state", entries)

    def refuse(self, condition: Any, what: str) -> None:
        if condition:
            raise damaged(self.path, what)

    def mapping(self, value: Any, what: str, keys: Sequence[str]) -> dict:
        self.refuse(not isinstance(value, dict), f"{what} in the header is no object")
        self.refuse(
            set(value) != set(keys),
            f"{what} in the header has the entries {sorted(value)}, not {sorted(keys)}",
        )
        return value

    def whole(self, value: Any, what: str, most: int = 2**63 - 1) -> int:
        good = type(value) is int and 0 <= value <= most
        self.refuse(not good, f"{what} is {str(value)[:40]}, not a whole number of 0 to {most}")
        return value

    def plain(self, name: str) -> dict:
        try:
            value = from_plain(self.header[name])
        except (ValueError, TypeError) as error:
            raise damaged(self.path, f"{name} in the header cannot be read ({error})") from error
        self.refuse(not isinstance(value, dict), f"{name} in the header is no object")
        return value

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """An array, if it is of this type and shape; None stands for any length."""
        array = self.members[name]
        self.refuse(not isinstance(array, np.ndarray), f"{name} is no array")
        self.refuse(array.dtype != np.dtype(dtype), f"the array {name} has dtype {array.dtype}, not {dtype}")
        fits = array.ndim == len(shape) and all(
            w is None or n == w for n, w in zip(array.shape, shape, strict=True)
        )
        self.refuse(not fits, f"the array {name} has shape {array.shape}, not {shape}")
        return array

    # -- what there is ------------------------------------------------------------------------
    def check_members(self, history: int | None, stores: Mapping[str, Any]) -> None:
        """The fields are those of the class, and there is an array for each and none beside."""
        mine = [[f.name, f.side, f.width, f.dtype, f.pad, f.merge] for f in self.fields]
        if self.header["fields"] != mine:
            raise damaged(
                self.path,
                f"it has the fields {str(self.header['fields'])[:300]}, and the model {str(mine)[:300]}",
            )
        want = {f"{side}.{part}" for side in ("users", "items") for part in ("keys", "kind", "free", "names")}
        want |= {f"{f.side}_rows.{f.name}" for f in self.fields if f.side in ("user", "item")} | {"scalars"}
        if history != 0:
            want |= {"history.indptr", "history.items", "history.values"}
        want |= {f"{name}.{part}" for name, store in stores.items() for part in store.parts}
        missing, unknown = sorted(want - set(self.members)), sorted(set(self.members) - want)
        self.refuse(missing, f"the array {', '.join(missing[:4])} is missing")
        self.refuse(unknown, f"the member {', '.join(unknown[:4])} is unknown")

    # -- ids ----------------------------------------------------------------------------------
    def ids(self, side: str) -> dict[str, Any]:
        keys = self.array(f"{side}.keys", "int64", (None,))
        self.whole(len(keys), f"the number of {side}", MOST_ROWS)
        kind = self.array(f"{side}.kind", "uint8", keys.shape)
        free = self.array(f"{side}.free", "int32", (None,))
        self.refuse((kind > OBJECT).any(), f"{side}.kind holds a kind other than {FREE}, {INT} and {OBJECT}")
        same = np.array_equal(np.sort(free), np.flatnonzero(kind == FREE))
        self.refuse(not same, f"{side}.free does not name the free rows of {side}.kind, each once")
        self.refuse((keys[free] != 0).any(), f"{side}.keys holds the id of a free row")
        ints = keys[kind == INT]
        self.refuse(_repeats(ints), f"{side}.keys holds an id twice")
        rows = np.flatnonzero(kind == OBJECT)
        names = self.names(side, keys[rows])
        counts = self.header["unstable"]
        self.refuse(not isinstance(counts, list) or len(counts) != 2, "unstable in the header is no pair")
        count = self.whole(counts[0 if side == "users" else 1], f"the count of {side} without a stable hash")
        return {"keys": keys, "kind": kind, "free": free, "unstable": count,
                "names": list(zip(rows.tolist(), names, strict=True))}  # fmt: skip

    def names(self, side: str, keys: np.ndarray) -> list:
        """The ids that are no 64-bit integers: canonical, distinct, each with its own hash."""
        forms = self.members[f"{side}.names"]
        self.refuse(not isinstance(forms, list), f"{side}.names is no list")
        self.refuse(len(forms) != len(keys), f"{side}.names has {len(forms)} ids for {len(keys)} rows")
        try:
            names = [form if type(form) is str else decode_id(form) for form in forms]
            index = IdMap()
            at = index.add_objects(names)
        except (ValueError, TypeError, OverflowError) as error:
            raise damaged(self.path, f"{side}.names cannot be read ({error})") from error
        n = len(names)
        integers = (index.kind_array[: index.n_rows] != OBJECT).any()
        self.refuse(
            integers or not np.array_equal(at, np.arange(n)),
            f"{side}.names holds an id twice, or one of the keys",
        )
        stable = np.array([type(v) is str or stable_bytes(v) is not None for v in names], dtype=bool)
        wrong = np.flatnonzero(stable & (index.keys_array[:n] != keys))
        self.refuse(
            len(wrong), f"{side}.keys does not hold the hash of {names[wrong[0]] if len(wrong) else None!r}"
        )
        return index.ids_of(at).tolist()

    def id_list(self, name: str) -> list:
        """Ids of any kind, in their order."""
        forms = self.members[name]
        self.refuse(not isinstance(forms, list), f"{name} is no list")
        try:
            return [form if type(form) is str else decode_id(form) for form in forms]
        except (ValueError, TypeError, OverflowError) as error:
            raise damaged(self.path, f"{name} cannot be read ({error})") from error

    # -- rows ---------------------------------------------------------------------------------
    def rows(self, side: str, n: int) -> dict[str, np.ndarray]:
        kept = {}
        for f in self.fields:
            if f.side == side:
                kept[f.name] = self.array(f"{side}_rows.{f.name}", f.dtype, (n, f.stride))
                beyond = kept[f.name][:, f.width :]
                self.refuse(np.any(beyond), f"{side}_rows.{f.name} has numbers beyond its width of {f.width}")
        return kept

    def scalars(self) -> np.ndarray:
        return self.array(
            "scalars", "float64", (max(1, sum(f.width for f in self.fields if f.side == "scalar")),)
        )

    def clock(self) -> dict[str, Any]:
        clock = self.mapping(self.plain("clock"), "the clock", ("n_events", "n_late", "now"))
        self.whole(clock["n_events"], "the number of events")
        self.whole(clock["n_late"], "the number of late events")
        self.refuse(type(clock["now"]) not in (int, float), "the time of the clock is no number")
        return clock

    # -- who had what -------------------------------------------------------------------------
    def history(self, empty: Any, users: dict, items: dict) -> dict[str, Any] | None:
        """Lists of live items, without repeats, that belong to live users."""
        shape = None if empty is None else [empty.n_values, empty.window, empty.n_sums]
        self.refuse(
            self.header["history"] != shape,
            f"its history has the shape {self.header['history']}, the model {shape}",
        )
        if empty is None:
            return None
        indptr = self.array("history.indptr", "int64", (len(users["keys"]) + 1,))
        rows = self.array("history.items", "int32", (None,))
        values = self.array("history.values", "float64", (empty.n_values, len(rows)))
        good = indptr[0] == 0 and indptr[-1] == len(rows) and (indptr[1:] >= indptr[:-1]).all()
        self.refuse(not good, f"history.indptr does not rise from 0 to {len(rows)}")
        lengths = np.diff(indptr)
        self.refuse(
            (lengths[users["kind"] == FREE] > 0).any(),
            "history.indptr gives items to a free row of the users",
        )
        if empty.window:
            self.refuse(
                (lengths > empty.window).any(), f"history.indptr has a list of more than {empty.window} items"
            )
        inside = ((rows >= 0) & (rows < len(items["keys"]))).all()
        self.refuse(not inside, f"history.items names a row outside the {len(items['keys'])} of the items")
        self.refuse((items["kind"][rows] == FREE).any(), "history.items names a free row of the items")
        owner = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        self.refuse(_repeats(owner << 32 | rows), "history.items names an item of a user twice")
        return {"indptr": indptr, "items": rows, "values": values,
                "n_values": empty.n_values, "window": empty.window, "n_sums": empty.n_sums}  # fmt: skip

    # -- what a model brought itself ----------------------------------------------------------
    def model(self, name: str, model: Any, members: dict[str, Any]) -> State:
        """The state of a model inside the state."""
        told = self.header["stores"]
        self.refuse(not isinstance(told, dict) or name not in told, f"its {name} has no header")
        fields, history, stores = model._fields(), model._history(), model._stores()
        state = unpack(self.path, told[name], members, fields, history, stores)
        try:
            model._configure_state(state)
            model._check_state(state)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise damaged(self.path, f"{name}: its state goes with no such model ({error})") from error
        return state

    def store(self, name: str, empty: Any, users: dict, items: dict) -> dict[str, Any]:
        """The arrays of a store, which it checks itself."""
        told = self.header["stores"]
        same = isinstance(told, dict) and told.get(name) == empty.kind
        self.refuse(not same, f"its {name} is of the kind {told}, the model's of {empty.kind}")
        kept: dict[str, Any] = {}
        for part, dtype in empty.parts.items():
            if dtype == "ids":
                kept[part] = self.id_list(f"{name}.{part}")
                continue
            shape = (None, None) if part == "values" and empty.n_values is not None else (None,)
            kept[part] = self.array(f"{name}.{part}", dtype, shape)
        try:
            empty.check(kept, users["kind"] != FREE, items["kind"] != FREE)
        except ValueError as error:
            raise damaged(self.path, f"{name}: {error}") from error
        return kept


def _repeats(values: np.ndarray) -> bool:
    """Whether a value occurs twice (sorting: np.unique hashes, which is slower here)."""
    values = np.sort(values)
    return bool((values[1:] == values[:-1]).any())
