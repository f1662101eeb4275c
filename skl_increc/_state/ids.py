"""Ids: one canonical form for equal ids, a hash that no run changes, a form in files."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import reprlib
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import Any

import numpy as np

from skl_increc.exceptions import UnstableIdError

__all__ = ["canonical", "decode_id", "encode_id", "stable_bytes", "stable_hash"]

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FINE = ("ns", "ps", "fs", "as")  # units of numpy's times that are finer than those of Python's


def canonical(value: Any) -> Any:
    """One form for equal ids: None if missing, a plain int, str or float where it is one.

    1, 1.0, True, ``np.int8(1)`` and ``Decimal(1)`` are the same id; "1" is another.
    """
    kind = type(value)
    if value is None or kind is str or kind is int:
        return value
    if isinstance(value, np.generic):
        value = _from_numpy(value)
        kind = type(value)
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
    if isinstance(value, (tuple, frozenset)):
        return _canonical_parts(value)
    return value


def _canonical_parts(value: tuple | frozenset) -> Any:
    """As it is, unless a part has another form: NaN in a tuple is equal to nothing, not even to itself."""
    parts = [canonical(v) for v in value]
    if all(a is b for a, b in zip(parts, value, strict=True)):
        return value
    return tuple(parts) if isinstance(value, tuple) else frozenset(parts)


def _from_numpy(value: np.generic) -> Any:
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return None if np.isnat(value) else _canonical_time(value)
    if isinstance(value, np.longdouble):  # .item() keeps its type, and so would find no integer
        return float(value) if np.isnan(value) or float(value) == value else value
    return value.item()


def _canonical_time(value: np.datetime64 | np.timedelta64) -> Any:
    """A datetime or timedelta; finer than a microsecond, pandas's own, which counts nanoseconds."""
    kind = "datetime64" if isinstance(value, np.datetime64) else "timedelta64"
    if np.datetime_data(value.dtype)[0] in FINE and value.astype(f"{kind}[us]") != value:
        if value.astype(f"{kind}[ns]") != value:
            raise TypeError(f"An id may be a time to the nanosecond; got {value!r}. Round it.")
        pandas = _pandas(f"The id {value!r} is finer than a microsecond")
        return (pandas.Timestamp if kind == "datetime64" else pandas.Timedelta)(value)
    return value.astype(f"{kind}[us]").item()


def _pandas(what: str) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"{what}, which takes pandas: pip install pandas") from error
    return pandas


def _canonical_number(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _canonical_decimal(value)
    if value != value:  # NaN, real or complex
        return None
    if isinstance(value, complex):
        return _canonical_number(value.real) if value.imag == 0 else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return int(value) if value.denominator == 1 else value


def _canonical_decimal(value: Decimal) -> Any:
    if value.is_nan():
        return None
    # beyond this it is no 64-bit integer, and 1E+999999999 must not become its billion digits
    if not value.is_finite() or value.adjusted() > 30:
        return value
    return int(value) if value == value.to_integral_value() else value


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
        return b"z" + _span_bytes(value - EPOCH)  # as a span: no overflow at the ends of the calendar
    if isinstance(value, dt.date):
        return b"D" + value.isoformat().encode()
    if isinstance(value, dt.time):
        if value.utcoffset() is None:
            return b"T" + value.replace(fold=0).isoformat().encode()
        return None  # equal times may have different offsets: no one form
    if isinstance(value, dt.timedelta):
        return b"e" + _span_bytes(value)
    return None


def _span_bytes(span: dt.timedelta) -> bytes:
    nanoseconds = getattr(span, "nanoseconds", None)  # of pandas
    finer = b".%d" % nanoseconds if nanoseconds else b""
    return b"%d.%d.%d" % (span.days, span.seconds, span.microseconds) + finer


def encode_id(value: Any) -> list[Any]:
    """A JSON form ``[tag, text]`` of an id; UnstableIdError where there is none that gives it back."""
    form = _encode(value)
    if form is None or not (form[0] == "s" or decode_id(form) == value):
        raise UnstableIdError(
            f"The id {value!r} of type {type(value).__name__} has no form that can be written to a file. "
            "Use ids of plain types (str, int, bytes, date and time types, UUID, tuples of these), or pickle."
        )
    return form


def _encode(value: Any) -> list[Any] | None:
    if value is None:
        return ["c", None]
    if isinstance(value, int):
        return ["i", hex(value)]  # decimal digits are limited by Python, and slow
    if isinstance(value, float):
        return ["x", value.hex()]
    if isinstance(value, str):
        if value.isascii():
            return ["s", value]
        # JSON would join two lone surrogates to one character
        lone = any("\ud800" <= c <= "\udfff" for c in value)
        return ["S", value.encode("utf-8", "surrogatepass").hex()] if lone else ["s", value]
    if isinstance(value, bytes):
        return ["b", base64.b64encode(value).decode("ascii")]
    if isinstance(value, (tuple, frozenset)):
        parts = [_encode(canonical(v)) for v in value]
        if None in parts:
            return None
        return ["t", parts] if isinstance(value, tuple) else ["f", sorted(parts, key=repr)]
    if isinstance(value, Fraction):
        return ["q", [hex(value.numerator), hex(value.denominator)]]
    if isinstance(value, dt.timedelta):
        span = [value.days, value.seconds, value.microseconds]
        nanoseconds = getattr(value, "nanoseconds", None)  # of pandas
        return ["E", [*span, nanoseconds]] if nanoseconds else ["e", span]
    if isinstance(value, dt.datetime) and getattr(value, "nanosecond", None):
        return ["N", value.isoformat()]
    for tag, cls in (("d", dt.datetime), ("D", dt.date), ("T", dt.time)):
        if isinstance(value, cls):
            return [tag, value.isoformat()]
    if isinstance(value, (uuid.UUID, Decimal)):
        return ["u" if isinstance(value, uuid.UUID) else "m", str(value)]
    return None


def _exactly(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(value)
        return value

    return check


FINER = "The file holds an id that is finer than a microsecond"
SPAN = ("days", "seconds", "microseconds", "nanoseconds")
_DECODE: dict[str, Any] = {
    "c": _exactly(type(None)),
    "i": lambda v: int(v, 16),
    "x": float.fromhex,
    "s": _exactly(str),
    "S": lambda v: bytes.fromhex(v).decode("utf-8", "surrogatepass"),
    "b": lambda v: base64.b64decode(v, validate=True),
    "t": lambda v: tuple(map(decode_id, v)),
    "f": lambda v: frozenset(map(decode_id, v)),
    "u": uuid.UUID,
    "m": Decimal,
    "q": lambda v: Fraction(*(int(part, 16) for part in v)),
    "d": dt.datetime.fromisoformat,
    "D": dt.date.fromisoformat,
    "T": dt.time.fromisoformat,
    "e": lambda v: dt.timedelta(*v),
    "E": lambda v: _pandas(FINER).Timedelta(**dict(zip(SPAN, v, strict=True))),
    "N": lambda v: _pandas(FINER).Timestamp(_exactly(str)(v)),
}


def decode_id(form: Any) -> Any:
    """The id that `encode_id` wrote; ValueError for what it cannot have written."""
    try:
        tag, value = form
        return _DECODE[tag](value)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        raise ValueError(f"no id has the form {reprlib.repr(form)}") from None
