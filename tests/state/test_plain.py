"""Parameters and facts as JSON and back."""

import datetime as dt
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc._state.plain import from_plain, to_plain

text = st.text(st.characters(exclude_categories=()), max_size=6)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text, st.timedeltas())
lists = st.lists(leaves, max_size=3)
values = st.one_of(
    leaves, lists, lists.map(tuple), st.dictionaries(text.filter(lambda k: k != "$"), lists, max_size=3)
)


def through_json(value):
    return from_plain(json.loads(json.dumps(to_plain(value, "it"), allow_nan=False).encode("ascii")))


def alike(a, b):
    """Equal, of the same type, NaN equal to NaN, and -0.0 apart from 0.0."""
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(a[k], b[k]) for k in a)
    return type(a) is type(b) and repr(a) == repr(b)


@settings(max_examples=examples(300))
@given(values.filter(lambda v: not isinstance(v, dict) or all(k.isascii() for k in v)))
def test_values_come_back_with_their_types(value):
    assert alike(through_json(value), value)


@pytest.mark.parametrize("value", [{1: 2, "a": None}, {"$": 1}, {(1, "b"): [0.5]}], ids=repr)
def test_keys_may_be_more_than_strings(value):
    assert through_json(value) == value


NUMPY = [
    np.int8(-3),
    np.uint64(2**64 - 1),
    np.int64(-(2**63)),
    np.float16(0.1),
    np.float32(0.1),
    np.float32("nan"),
]
NUMPY += [np.float64("inf"), np.float64(0.1)]


@pytest.mark.parametrize("value", NUMPY, ids=repr)
def test_numpys_numbers_keep_their_type(value):
    again = through_json(value)
    assert type(again) is type(value)
    assert again.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    "value",
    [np.timedelta64(1, "D"), np.timedelta64(-3, "ns"), np.timedelta64(7), np.timedelta64("NaT")],
    ids=repr,
)
def test_numpys_spans_keep_their_unit(value):
    again = through_json(value)
    assert again.dtype == value.dtype and again.tobytes() == value.tobytes()


@pytest.mark.parametrize(
    "form", [["M8[D]", 1], ["m8[D]", 1.5], ["m8[D]", 2**63], ["m8[?]", 1], ["m8", "x"], [1, 1], 3]
)
def test_what_is_no_span_is_refused(form):
    with pytest.raises(ValueError, match=r"no (span|value) has the"):
        from_plain({"$": ["m", form]})


def test_numpys_booleans_and_strings_become_plain():
    assert through_json(np.bool_(True)) is True
    assert type(through_json(np.str_("a"))) is str


def test_a_span_of_pandas_becomes_a_plain_one():
    pd = pytest.importorskip("pandas")
    assert through_json(pd.Timedelta(hours=1)) == dt.timedelta(hours=1)
    with pytest.raises(TypeError, match=r"it is Timedelta.*has no form in a file"):
        to_plain(pd.Timedelta(1, "ns"), "it")


ODD = [
    object(),
    np.random.RandomState(0),
    Fraction(1, 3),
    1j,
    {1j: 1},
    {1},
    b"a",
    np.arange(3),
    np.longdouble(1),
]
ODD += [np.datetime64("2020"), np.datetime64(1, "s"), dt.date(2020, 1, 1)]


@pytest.mark.parametrize("value", ODD, ids=lambda v: type(v).__name__)
def test_values_without_a_form_are_refused_by_name(value):
    with pytest.raises(TypeError, match=r"The parameter it is .* has no form in a file. Use a number"):
        to_plain(value, "The parameter it")


def test_the_place_of_a_value_without_a_form_is_named():
    with pytest.raises(TypeError, match=r"it\['a'\]\[1\] is 1j"):
        to_plain({"a": [0, 1j]}, "it")


BROKEN = [
    {"$": 1},
    {"$": ["?", 1]},
    {"$": ["n", ["O", 1]]},
    {"$": ["n", ["i1", 300]]},
    {"$": ["n", ["i1", "x"]]},
]
BROKEN += [
    {"$": ["l", 3]},
    {"$": ["b", "AA=="]},
    {"$": ["x", "y"]},
    {"$": ["i", "0x1"], "a": 1},
    {"$": ["n", 3]},
]
BROKEN += [{"$": ["n", ["i4", {"$": ["x", "nan"]}]]}, [{"$": []}]]


@pytest.mark.parametrize("form", BROKEN, ids=repr)
def test_what_was_never_written_is_refused(form):
    with pytest.raises(ValueError, match=r"no (value|number|id|i1|i4) has the (form|type)"):
        from_plain(form)
