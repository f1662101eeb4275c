"""Small values (parameters, facts of a state) as JSON and back, to the last bit and without pickle."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import numpy as np

from skl_increc._state.ids import decode_id, encode_id

__all__ = ["from_plain", "to_plain"]

EXACT = 2**53  # readers of JSON outside Python keep integers up to here
SPANS = re.compile(r"m8(\[\d{0,9}(as|fs|ps|ns|us|ms|s|m|h|D|W|M|Y)\])?", re.ASCII)  # numpy's timedeltas
TAG = "$"  # {"$": form}: what JSON has no word for


def to_plain(value: Any, what: str) -> Any:
    """A form of `value` that ``json`` keeps; TypeError, naming `what`, where there is none.

    Numbers, strings, None, booleans, timedeltas (numpy's, too), and lists, tuples and dicts of them.  NumPy's numbers
    keep their type, because arithmetic with a float32 rounds differently.
    """
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, str):
        form = encode_id(str.__str__(value))
        return form[1] if form[0] == "s" else {TAG: form}
    if (
        isinstance(value, (np.integer, np.floating))
        and value.dtype.kind in "iuf"
        and value.dtype.itemsize <= 8
    ):
        return {TAG: ["n", [value.dtype.str[1:], _number(value.item())]]}
    if isinstance(value, np.timedelta64):
        return {TAG: ["m", [value.dtype.str[1:], _number(int(value.astype(np.int64)))]]}
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, dt.timedelta) and _span(value) == value:
        return {TAG: encode_id(_span(value))}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        parts = [to_plain(v, f"{what}[{k}]") for k, v in enumerate(value)]
        return parts if isinstance(value, list) else {TAG: ["l", parts]}
    if type(value) is dict and all(isinstance(k, str) and k != TAG for k in value):
        return {k: to_plain(v, f"{what}[{k!r}]") for k, v in value.items()}
    if type(value) is dict:
        pairs = [[to_plain(k, what), to_plain(v, f"{what}[{k!r}]")] for k, v in value.items()]
        return {TAG: ["d", pairs]}
    raise TypeError(
        f"{what} is {value!r}, of type {type(value).__name__}, which has no form in a file. Use a number, a "
        "string, None, True or False, a timedelta, or a list, tuple or dict of these."
    )


def _number(value: float) -> Any:
    if isinstance(value, int):
        value = int.__int__(value)
        return value if abs(value) <= EXACT else {TAG: encode_id(value)}
    value = float(value)
    return value if math.isfinite(value) else {TAG: ["x", value.hex()]}


def _span(value: dt.timedelta) -> dt.timedelta:
    return dt.timedelta(value.days, value.seconds, value.microseconds)


def from_plain(form: Any) -> Any:
    """What `to_plain` was given; ValueError for what it cannot have made."""
    if isinstance(form, list):
        return [from_plain(v) for v in form]
    if not isinstance(form, dict):
        return form
    if TAG not in form:
        return {k: from_plain(v) for k, v in form.items()}
    tag, value = _two(form[TAG])
    if len(form) == 1 and tag == "n":
        return _numpy_number(value)
    if len(form) == 1 and tag == "m":
        return _numpy_span(value)
    if len(form) == 1 and tag == "l" and isinstance(value, list):
        return tuple(from_plain(v) for v in value)
    if len(form) == 1 and tag == "d" and isinstance(value, list):
        return _dict_of(value)
    if len(form) == 1 and tag in ("i", "x", "S", "e"):
        return decode_id([tag, value])
    raise ValueError(f"no value has the form {str(form)[:80]}")


def _dict_of(pairs: list) -> dict:
    found = [tuple(map(from_plain, _two(pair))) for pair in pairs]
    try:
        return dict(found)
    except TypeError:
        raise ValueError(f"no dict has the keys {[str(key)[:40] for key, _ in found][:4]}") from None


def _numpy_number(form: Any) -> Any:
    name, number = _two(form)
    if name not in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
        raise ValueError(f"no number has the type {str(name)[:80]}")
    number = from_plain(number)
    try:
        if type(number) not in (int, float):
            raise TypeError(number)
        return np.dtype(name).type(number)
    except (OverflowError, ValueError, TypeError):
        raise ValueError(f"no {name} has the form {str(form)[:80]}") from None


def _numpy_span(form: Any) -> Any:
    name, number = _two(form)
    if not isinstance(name, str) or not SPANS.fullmatch(name):
        raise ValueError(f"no span has the type {str(name)[:80]}")
    number = from_plain(number)
    try:
        if type(number) is not int:
            raise TypeError(number)
        return np.array(number, dtype=np.int64).astype(name)[()]
    except (OverflowError, ValueError, TypeError):
        raise ValueError(f"no span has the form {str(form)[:80]}") from None


def _two(form: Any) -> Any:
    if not isinstance(form, list) or len(form) != 2:
        raise ValueError(f"no value has the form {str(form)[:80]}")
    return form
