"""Ids: one form for equal ids, a hash that no run changes, a form in files."""

import datetime as dt
import enum
import os
import subprocess
import sys
import uuid
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc._state.ids import canonical, decode_id, encode_id, stable_bytes, stable_hash
from skl_increc.exceptions import UnstableIdError

pd = pytest.importorskip("pandas")


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Plain(enum.Enum):
    ONE = 1


class Name(str):
    __slots__ = ()


EQUAL_IDS = [
    [
        1,
        1.0,
        True,
        np.int8(1),
        np.uint64(1),
        np.float32(1),
        np.bool_(True),
        Decimal(1),
        Fraction(1),
        1 + 0j,
        Level.LOW,
        np.longdouble(1),
        Decimal("1.000"),
    ],
    [0, -0.0, False, Decimal("-0"), 0j],
    [0.5, np.float64(0.5), Decimal("0.5"), Fraction(1, 2), 0.5 + 0j],
    [2**70, float(2**70), Decimal(2**70), Fraction(2**70)],
    ["red", Colour.RED, np.str_("red"), Name("red")],
    [b"red", np.bytes_(b"red")],
    [(1, "a"), (1.0, "a"), (True, np.str_("a")), (Decimal(1), Colour.RED.value.replace("red", "a"))],
    [frozenset({1, 2}), frozenset({2.0, True})],
    [(None, "a"), (float("nan"), "a"), (np.float32("nan"), "a"), (pd.NaT, "a"), (pd.NA, "a")],
    [((None,), 1), ((float("nan"),), 1)],
    [frozenset({None}), frozenset({float("nan")})],
    [pd.Timestamp(1), np.datetime64(1, "ns"), np.datetime64(1000, "ps")],
    [pd.Timestamp(1, tz="UTC"), pd.Timestamp(1, tz="UTC").tz_convert("Asia/Tokyo")],
    [pd.Timedelta(1, "ns"), np.timedelta64(1, "ns")],
    [
        dt.datetime(2020, 1, 1),
        np.datetime64("2020-01-01"),
        np.datetime64("2020-01-01", "ns"),
        pd.Timestamp("2020-01-01"),
    ],
    [
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ],
    [dt.timedelta(hours=1), np.timedelta64(60, "m"), pd.Timedelta(hours=1)],
    [float("inf"), np.float32("inf"), Decimal("Infinity")],
    [Decimal("1E+400"), 10**400],
    [
        None,
        float("nan"),
        np.float32("nan"),
        np.longdouble("nan"),
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        pd.NA,
        pd.NaT,
        Decimal("nan"),
        Decimal("snan"),
        complex("nan"),
    ],
]


@pytest.mark.parametrize("ids", EQUAL_IDS, ids=lambda ids: repr(ids[0]))
def test_equal_ids_have_one_canonical_form_and_one_hash(ids):
    forms = [canonical(v) for v in ids]
    assert all(form == forms[0] for form in forms)
    assert len(set(forms)) == 1
    assert len({stable_hash(form) for form in forms}) == 1


@pytest.mark.parametrize(
    "value", [1, 1.0, True, np.int8(1), Level.LOW, Decimal(1), np.longdouble(1)], ids=repr
)
def test_whole_numbers_become_plain_integers(value):
    assert type(canonical(value)) is int


@pytest.mark.parametrize("value", ["a", Name("a"), np.str_("a")], ids=repr)
def test_strings_become_plain_strings(value):
    assert type(canonical(value)) is str


@pytest.mark.parametrize(
    "ids",
    [
        ("1", 1),
        (b"a", "a"),
        (dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),
        ((1,), frozenset({1})),
        (np.datetime64(1, "ns"), np.datetime64(2, "ns")),
        (np.timedelta64(1, "ns"), np.timedelta64(0, "ns")),
        (pd.Timestamp(1), pd.Timestamp(1, tz="UTC")),
    ],
)
def test_different_ids_stay_apart(ids):
    forms = [canonical(v) for v in ids]
    assert forms[0] != forms[1]
    assert stable_hash(forms[0]) != stable_hash(forms[1])


def test_a_huge_decimal_does_not_become_its_digits():
    assert isinstance(canonical(Decimal("1E+999999999")), Decimal)


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, (1, [2])], ids=repr)
def test_unhashable_ids_are_refused_with_a_cure(value):
    with pytest.raises(
        TypeError, match=r"must be a hashable value.*Turn it into one, for example with str\(\)"
    ):
        canonical(value)


zones = st.sampled_from([None, dt.UTC, ZoneInfo("Europe/Berlin"), dt.timezone(dt.timedelta(hours=5.5))])
scalars = st.one_of(
    st.none(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=()), max_size=8),  # surrogates too
    st.binary(max_size=8),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.datetimes(timezones=zones),
    st.dates(),
    st.times(timezones=st.none() | st.just(dt.timezone(dt.timedelta(hours=5.5)))),
    st.timedeltas(),
)
nested = st.lists(scalars, max_size=3).map(tuple) | st.frozensets(scalars, max_size=3)
ids = scalars | nested | st.tuples(nested, scalars) | st.frozensets(nested, max_size=2)


@settings(max_examples=examples(300))
@given(ids)
def test_what_is_written_is_read_back(value):
    value = canonical(value)
    try:
        form = encode_id(value)
    except UnstableIdError:  # a time that falls into an hour that is struck twice equals no other time
        assert "datetime" in repr(value)
        return
    again = decode_id(form)
    assert again == value
    assert hash(again) == hash(value)
    assert stable_bytes(again) == stable_bytes(value)
    assert encode_id(again) == form or isinstance(value, (dt.datetime, dt.time, tuple, frozenset))


@settings(max_examples=examples(200))
@given(ids, ids)
def test_equal_ids_hash_equal_and_others_do_not(a, b):
    a, b = canonical(a), canonical(b)
    if stable_bytes(a) is None or stable_bytes(b) is None:
        return
    if a == b:
        assert stable_hash(a) == stable_hash(b)
    elif isinstance(a, str) and isinstance(b, str):
        assert stable_hash(a) != stable_hash(b)


ENDS = [dt.datetime.min.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))]
ENDS += [dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=2)))]


@pytest.mark.parametrize("value", ENDS, ids=repr)
def test_times_at_the_ends_of_the_calendar_have_a_hash(value):
    assert stable_hash(value) is not None
    assert decode_id(encode_id(value)) == value


def test_two_lone_surrogates_are_not_the_character_they_would_make():
    pair = "\ud83d\ude00"
    assert decode_id(encode_id(pair)) == pair != "\U0001f600"
    assert stable_hash(pair) != stable_hash("\U0001f600")


def test_integers_of_any_length_are_written():
    value = 7**20_000  # more decimal digits than Python would print
    assert decode_id(encode_id(value)) == value
    assert decode_id(encode_id(Fraction(value, 2))) == Fraction(value, 2)


FINE = [
    pd.Timestamp("2020-01-01T00:00:00.000000001"),
    pd.Timestamp("2020-01-01T00:00:00.000000001", tz="Europe/Berlin"),
    pd.Timedelta(1, "ns"),
    pd.Timedelta(-(10**18) - 1, "ns"),
    pd.Timedelta(days=2, microseconds=3),
    (float("nan"),),
    ("a", (pd.NA, 1)),
    (pd.Timedelta(1, "ns"), np.datetime64(7, "ns")),
]


@pytest.mark.parametrize("value", FINE, ids=repr)
def test_times_to_the_nanosecond_and_what_is_missing_in_a_tuple_are_written(value):
    value = canonical(value)
    again = decode_id(encode_id(value))
    assert again == value and hash(again) == hash(value) and canonical(again) == value
    assert stable_hash(again) == stable_hash(value) is not None


def test_a_time_finer_than_a_nanosecond_is_no_id():
    with pytest.raises(TypeError, match=r"An id may be a time to the nanosecond; got .*Round it"):
        canonical(np.datetime64(1, "ps"))


def test_a_time_to_the_nanosecond_takes_pandas(monkeypatch):
    form = encode_id(pd.Timedelta(1, "ns"))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(
        ImportError, match=r"The file holds an id that is finer than a microsecond, which takes"
    ):
        decode_id(form)
    with pytest.raises(
        ImportError, match=r"The id .* is finer than a microsecond, which takes pandas: pip inst"
    ):
        canonical(np.timedelta64(1, "ns"))


UNSAVABLE = [object(), Plain.ONE, 1 + 2j, (1, object()), frozenset({Plain.ONE})]
UNSAVABLE += [pd.Period("2020")]
UNSAVABLE += [dt.datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))]


@pytest.mark.parametrize("value", UNSAVABLE, ids=lambda v: type(v).__name__)
def test_an_id_that_no_file_gives_back_is_refused_by_name(value):
    with pytest.raises(
        UnstableIdError, match=r"has no form that can be written to a file. Use ids of plain types"
    ) as error:
        encode_id(value)
    assert repr(value) in str(error.value)


BROKEN = [
    None,
    1,
    [],
    ["s"],
    ["s", 1],
    ["c", 1],
    ["i", "zz"],
    ["i", 7],
    ["?", 1],
    ["t", 3],
    ["d", "yesterday"],
    ["u", "x"],
]
BROKEN += [
    ["m", "x"],
    ["q", ["0x1", "0x0"]],
    ["e", [10**12, 0, 0]],
    ["b", "?"],
    ["S", "zz"],
    ["x", "y"],
    ["f", [["t", 1]]],
    ["E", [1, 2]],
    ["E", [1, 2, 3, "x"]],
    ["N", "yesterday at noon"],
    ["N", 7],
    {},
]


@pytest.mark.parametrize("form", BROKEN, ids=repr)
def test_what_was_never_written_is_refused(form):
    with pytest.raises(ValueError, match=r"no id has the form"):
        decode_id(form)


def test_a_form_nested_too_deeply_is_refused():
    form = ["i", "0x1"]
    for _ in range(5_000):
        form = ["t", [form]]
    with pytest.raises(ValueError, match=r"no id has the form"):
        decode_id(form)


MANY = """
import datetime as dt, uuid
from decimal import Decimal
from fractions import Fraction
from skl_increc._state._idmap import IdMap
from skl_increc._state.ids import encode_id, stable_hash
ids = ["a", "\\u00e9", "\\ud800", b"b", 2**80, 0.1, Decimal("0.3"), Fraction(1, 3), uuid.UUID(int=5),
       dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), dt.time(1), dt.timedelta(1), (1, "a", (None,)),
       frozenset({"x", "y", "z", 3}), -5, 7]
m = IdMap()
m.add_objects(ids)
print([stable_hash(v) for v in ids], m.keys_array[: len(ids)].tolist(), [encode_id(v) for v in ids])
"""


def test_hashes_and_forms_are_those_of_another_process():
    said = set()
    for seed in ("0", "1", "4711"):
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", MANY], env=env, capture_output=True, text=True, check=True
        )
        said.add(done.stdout)
    assert len(said) == 1


def test_ids_of_no_known_type_have_no_hash():
    assert stable_hash(object()) is None
    assert stable_hash((1, object())) is None
    assert stable_hash(dt.time(1, tzinfo=dt.UTC)) is None
    assert stable_hash(uuid.UUID(int=1)) is not None
