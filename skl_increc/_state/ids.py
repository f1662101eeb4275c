"""Ids: one canonical form for equal ids, a hash that no run changes, a form in files."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import uuid
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import numpy as np

from skl_increc.exceptions import UnstableIdError

__all__ = ["canonical", "decode_id", "encode_id", "stable_bytes", "stable_hash"]


def canonical(value: Any) -> Any:
    """One form for equal ids: None if missing, a plain int, str or float where it is one.

    1, 1.0, True, ``np.int8(1)`` and ``Decimal(1)`` are the same id; "1" is another.
    """
    kind = type(value)
    if value is None or kind is str or kind is int:
        return value
    if isinstance(value, np.generic):
        value = _from_numpy(value)
    elif isinstance(value, enum.Enum) and isinstance(value, (str, int)):
        value = value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, (float, complex, Decimal, Fraction)):
        return _canonical_number(value)
    if kind.__name__ in ("NAType", "NaTType") and kind.__module__.startswith("pandas."):
        return None
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            "An id's argument must be a hashable value, such as a string or a number; "
            f"got {value!r}. Turn it into one, for example with str() or tuple()."
        ) from None
    return value


def _from_numpy(value: np.generic) -> Any:
    if isinstance(value, (np.datetime64, np.timedelta64)):
        if np.isnat(value):
            return None
        unit = "datetime64[us]" if isinstance(value, np.datetime64) else "timedelta64[us]"
        return value.astype(unit).item()
    return value.item()


def _canonical_number(value: Any) -> Any:
    if value != value:
        return None
    if isinstance(value, complex):
        return _canonical_number(value.real) if value.imag == 0 else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else value
    return int(value) if value.is_finite() and value == value.to_integral_value() else value


def stable_hash(value: Any) -> int | None:
    """A 64-bit hash of a canonical id, equal for equal ids and the same in every run; else None."""
    form = stable_bytes(value)
    return None if form is None else int.from_bytes(blake2b(form, digest_size=8).digest(), "little")


def stable_bytes(value: Any) -> bytes | None:
    """Bytes that are equal for equal ids of the types that have a form in files; else None."""
    if value is None:
        return b"n"
    if isinstance(value, (int, float, Decimal, Fraction)):
        # Python's hash of a number depends on its value alone, for every numeric type
        return b"i%d" % hash(value)
    if isinstance(value, str):
        return b"s" + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return b"b" + value
    if isinstance(value, (tuple, frozenset)):
        parts = [stable_bytes(canonical(v)) for v in value]
        if any(p is None for p in parts):
            return None
        joined = [b"%d:" % len(p) + p for p in parts if p is not None]
        return b"t" + b"".join(joined) if isinstance(value, tuple) else b"f" + b"".join(sorted(joined))
    return _stable_bytes_of_time(value)


def _stable_bytes_of_time(value: Any) -> bytes | None:
    if isinstance(value, uuid.UUID):
        return b"u" + value.bytes
    if isinstance(value, dt.datetime):
        if value.utcoffset() is None:
            return b"d" + value.replace(fold=0).isoformat().encode()
        return b"z" + value.astimezone(dt.timezone.utc).isoformat().encode()
    if isinstance(value, dt.date):
        return b"D" + value.isoformat().encode()
    if isinstance(value, dt.time):
        if value.utcoffset() is None:
            return b"T" + value.replace(fold=0).isoformat().encode()
        return None  # equal times may have different offsets: no one form
    if isinstance(value, dt.timedelta):
        return b"e%d.%d.%d" % (value.days, value.seconds, value.microseconds)
    return None


def encode_id(value: Any) -> list[Any]:
    """A JSON form ``[tag, text]`` of an id; UnstableIdError where there is none."""
    if isinstance(value, bool) or value is None:
        return ["c", value]
    if isinstance(value, int):
        return ["i", str(value)]
    if isinstance(value, float):
        return ["x", value.hex()]
    if isinstance(value, str):
        return ["s", value]
    if isinstance(value, bytes):
        return ["b", base64.b64encode(value).decode("ascii")]
    if type(value) in (tuple, frozenset) or isinstance(value, tuple):
        return ["t" if isinstance(value, tuple) else "f", [encode_id(canonical(v)) for v in value]]
    for tag, cls in (("u", uuid.UUID), ("m", Decimal), ("q", Fraction)):
        if isinstance(value, cls):
            return [tag, str(value)]
    for tag, cls in (("d", dt.datetime), ("D", dt.date), ("T", dt.time)):
        if isinstance(value, cls):
            return [tag, value.isoformat()]
    if isinstance(value, dt.timedelta):
        return ["e", [value.days, value.seconds, value.microseconds]]
    raise UnstableIdError(
        f"The id {value!r} of type {type(value).__name__} has no form that can be written to a file. "
        "Use ids of plain types (str, int, bytes, date and time types, UUID, tuples of these), or pickle."
    )


_DECODE: dict[str, Any] = {
    "c": lambda v: v,
    "i": int,
    "x": float.fromhex,
    "s": lambda v: v,
    "b": base64.b64decode,
    "t": lambda v: tuple(map(decode_id, v)),
    "f": lambda v: frozenset(map(decode_id, v)),
    "u": uuid.UUID,
    "m": Decimal,
    "q": Fraction,
    "d": dt.datetime.fromisoformat,
    "D": dt.date.fromisoformat,
    "T": dt.time.fromisoformat,
    "e": lambda v: dt.timedelta(*v),
}


def decode_id(form: list[Any]) -> Any:
    """The id that `encode_id` wrote."""
    tag, value = form
    return _DECODE[tag](value)
