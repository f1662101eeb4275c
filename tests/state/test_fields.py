"""Fields and the rows that they describe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skl_increc._state import fields as module
from skl_increc._state.fields import Field, Rows
from skl_increc._state.memory import aligned_empty, aligned_zeros, grown

FIELDS = [
    Field("factors", "user", 3, "float32", pad=True),
    Field("count", "user", 1, "int64"),
    Field("bias", "user", 2),
]


def filled(n):
    rows = Rows(FIELDS)
    rows.reserve(n)
    rows.used = n
    for k, (name, array) in enumerate(rows.arrays.items()):
        array[:n] = 0
        width = next(f.width for f in FIELDS if f.name == name)
        array[:n, :width] = np.arange(n * width).reshape(n, width) + 1000 * k
    return rows


STRIDES = [(1, False, 1), (1, True, 16), (16, True, 16), (17, True, 32), (10, False, 10)]


@pytest.mark.parametrize(("width", "pad", "stride"), STRIDES)
def test_padding_fills_whole_vectors(width, pad, stride):
    assert Field("x", "item", width, "float32", pad=pad).stride == stride


BAD = [
    ({"side": "shop"}, r"Field 'x': side must be one of \('user', 'item', 'pair', 'scalar'\); got 'shop'"),
    (
        {"side": "user", "merge": "mean"},
        r"merge must be one of \('sum', 'max', 'forbid'\); got 'mean'",
    ),
    ({"side": "pair", "dtype": "float32"}, r"Field 'x': pair fields are float64; got 'float32'"),
    ({"side": "scalar", "dtype": "int64"}, r"Field 'x': scalar fields are float64; got 'int64'"),
]


@pytest.mark.parametrize(("what", "says"), BAD, ids=lambda v: str(v)[:20])
def test_fields_that_cannot_be_are_refused(what, says):
    with pytest.raises(ValueError, match=says):
        Field("x", **what)


def test_new_rows_are_zero_and_on_cache_lines():
    rows = Rows(FIELDS)
    assert rows.used == 0
    assert {name: a.shape for name, a in rows.arrays.items()} == {
        "factors": (16, 16),
        "count": (16, 1),
        "bias": (16, 2),
    }
    for array in rows.arrays.values():
        assert not array.any()
        assert array.ctypes.data % 64 == 0
        assert array.flags.c_contiguous
    assert [a.dtype for a in rows.arrays.values()] == [np.float32, np.int64, np.float64]


@pytest.mark.parametrize("n", [0, 1, 16, 17, 1000])
def test_growth_doubles_and_keeps_what_is_there(n):
    rows = filled(10)
    before = rows.export()
    old = dict(rows.arrays)
    moved = rows.reserve(n)
    assert moved == (n > 16)
    assert rows.capacity == {0: 16, 1: 16, 16: 16, 17: 32, 1000: 1024}[n]
    for name, array in rows.arrays.items():
        assert len(array) == rows.capacity
        assert array.ctypes.data % 64 == 0
        assert (array[:10] == before[name]).all()
        assert (array is old[name]) is not moved  # a reader may keep the old block


def test_growth_that_finds_no_memory_changes_nothing(monkeypatch):
    rows, calls = filled(16), []
    before, kept = dict(rows.arrays), rows.export()

    def one_only(*args):
        calls.append(1)
        if len(calls) > 1:
            raise MemoryError("injected")
        return grown(*args)

    monkeypatch.setattr(module, "grown", one_only)
    with pytest.raises(MemoryError):
        rows.reserve(17)
    assert rows.capacity == 16
    assert all(rows.arrays[name] is array for name, array in before.items())
    assert all((rows.arrays[name] == kept[name]).all() for name in kept)


@given(st.lists(st.integers(0, 29), unique=True))
def test_cleared_rows_are_zero_and_others_are_not_touched(which):
    rows = filled(30)
    before = rows.export()
    rows.clear(np.array(which, dtype=np.int32))
    left = np.setdiff1d(np.arange(30), which)
    for name, array in rows.arrays.items():
        assert not array[which].any()
        assert (array[left] == before[name][left]).all()


def test_a_view_shows_the_rows_in_use_without_padding():
    rows = filled(5)
    assert rows.view("factors").shape == (5, 3)
    assert rows.view("bias").tolist() == [
        [2000, 2001],
        [2002, 2003],
        [2004, 2005],
        [2006, 2007],
        [2008, 2009],
    ]
    assert rows.view("count").tolist() == [1000, 1001, 1002, 1003, 1004]
    rows.view("count")[2] = 7
    assert rows.arrays["count"][2, 0] == 7


def test_bytes_are_those_of_the_rows_in_use():
    assert filled(10).nbytes == 10 * (16 * 4 + 8 + 2 * 8)
    assert Rows(FIELDS).nbytes == 0


@pytest.mark.parametrize("n", [0, 3, 16, 100])
def test_rows_are_exported_restored_and_copied(n):
    rows = filled(n)
    new = Rows(FIELDS)
    new.restore(rows.export())
    copy = rows.copy()
    for other in (new, copy):
        assert other.used == n
        assert other.capacity >= max(n, 16)
        assert all((other.arrays[name][:n] == rows.arrays[name][:n]).all() for name in rows.arrays)
        assert all(a.ctypes.data % 64 == 0 for a in other.arrays.values())
        other.reserve(other.capacity + 1)
        for array in other.arrays.values():
            array[:] = -1
    assert all((a[:n] >= 0).all() for a in rows.arrays.values())


def test_a_side_without_fields_has_rows_all_the_same():
    rows = Rows([])
    rows.reserve(100)
    rows.used = 100
    rows.clear(np.arange(3))
    assert (rows.capacity, rows.nbytes, rows.export()) == (128, 0, {})
    assert rows.copy().used == 100


@pytest.mark.parametrize("shape", [(0,), (1,), (3, 5), (7, 16), (3_000_001,)])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
def test_blocks_start_on_a_cache_line(shape, dtype):
    array = aligned_empty(shape, np.dtype(dtype))
    assert array.shape == shape
    assert array.dtype == dtype
    assert array.size == 0 or array.ctypes.data % 64 == 0
    zeros = aligned_zeros(shape, np.dtype(dtype))
    assert (zeros.shape, zeros.dtype) == (shape, dtype)
    assert not zeros.any()
    assert zeros.size == 0 or zeros.ctypes.data % 64 == 0
    more = grown(array, shape[0] + 20, shape[0])
    assert more.shape == (shape[0] + 20, *shape[1:])
    assert (more[: shape[0]] == array).all()
