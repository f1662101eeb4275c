"""Counts against a dict of cells, while rows go from tables to a number for every item and back."""

import pickle
from unittest import mock

import numpy as np
import pytest
import skl_increc._state._blocks as blocks
from hypothesis import given
from hypothesis import strategies as st
from skl_increc._state._counts import Counts

CELL = st.tuples(st.integers(0, 4), st.integers(0, 60), st.integers(1, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(CELL, max_size=80)),
        st.tuples(st.just("drop"), st.lists(st.integers(0, 4), max_size=2, unique=True)),
        st.tuples(st.just("grow"), st.integers(0, 600)),
        st.tuples(st.just("copy"), st.none()),
        st.tuples(st.just("pickle"), st.none()),
    ),
    max_size=12,
)


def put(counts, cells):
    a, b = (np.array([c[k] for c in cells], dtype=np.int32) for k in range(2))
    counts.put(a, b, np.array([c[2] for c in cells], dtype=np.float64))


@given(steps=STEPS)
def test_like_a_dict_of_cells(steps):
    counts, right, n = Counts(), {}, 61
    counts.reserve_rows(0, n)
    for what, given_ in steps:
        if what == "put":
            put(counts, given_)
            for a, b, v in given_:
                right[a, b] = right.get((a, b), 0) + v
        elif what == "drop":
            counts.drop(1, given_)
            right = {cell: v for cell, v in right.items() if not set(cell) & set(given_)}
        elif what == "grow":
            n += given_
            counts.reserve_rows(0, n)
            put(counts, [(0, n - 1, 1)])
            right[0, n - 1] = right.get((0, n - 1), 0) + 1
        else:
            counts = counts.copy() if what == "copy" else pickle.loads(pickle.dumps(counts))
        for a in range(5):
            items, values = counts.row(a)
            assert dict(zip(items.tolist(), values.tolist(), strict=True)) == {
                b: v for (c, b), v in right.items() if c == a
            }


def test_a_full_row_takes_four_bytes_an_item_and_a_sparse_one_a_table():
    counts = Counts()
    counts.reserve_rows(0, 1000)
    empty = counts.nbytes
    put(counts, [(0, b, 1) for b in range(1000)])
    full = counts.nbytes - empty
    assert 4 * 1000 <= full <= 4 * 1024 * 1.2
    put(counts, [(1, b, 1) for b in range(3)])
    assert counts.nbytes - empty - full < 200
    kept = counts.export()
    counts.reserve_rows(0, 100_000)  # 1,000 of 100,000 are few
    put(counts, [(0, 99_999, 1)])
    assert counts.row(0)[0].tolist() == [*range(1000), 99_999]
    assert counts.row(1)[0].tolist() == [0, 1, 2]
    assert counts.nbytes < empty + 12 * 100_000 + 60_000
    assert np.array_equal(kept["values"], counts.export()["values"][:-1])


def test_without_memory_nothing_changes():
    counts = Counts()
    counts.reserve_rows(0, 5000)
    put(counts, [(a, b, 1) for a in range(4) for b in range(20)])
    before = counts.export()
    with mock.patch.object(blocks, "grown", side_effect=MemoryError("none left")):
        with pytest.raises(MemoryError, match="none left"):
            put(counts, [(1, b, 1) for b in range(5000)])
    for part, array in counts.export().items():
        assert np.array_equal(array, before[part]), part


def test_without_memory_for_more_items_nothing_changes():
    counts = Counts()
    counts.reserve_rows(0, 64)
    put(counts, [(a, b, 1) for a in range(4) for b in range(0, 60, 3)])
    before = counts.export()
    with mock.patch.object(blocks, "grown", side_effect=MemoryError("none left")):
        for n in (200, 2000, 20_000):
            try:
                counts.reserve_rows(0, n)
            except MemoryError:
                break
    after = counts.export()
    assert np.array_equal(before["values"], after["values"])
    assert np.array_equal(before["others"], after["others"])


def test_merging_adds_what_is_there_under_other_numbers():
    one, other = Counts(), Counts()
    one.reserve_rows(0, 3)
    other.reserve_rows(0, 2)
    put(one, [(2, 1, 5)])
    put(other, [(0, 1, 7), (1, 1, 2)])
    one.absorb(other, np.array([], np.int32), np.array([2, 1], np.int32))
    assert one.row(2)[1].tolist() == [12.0]
    assert one.row(1)[1].tolist() == [2.0]


def test_merging_refuses_what_no_count_holds():
    one, other = Counts(), Counts()
    for counts in (one, other):
        counts.reserve_rows(0, 2)
        put(counts, [(0, 1, 2**30)])
    here = np.array([0, 1], np.int32)
    with pytest.raises(OverflowError, match="counted two items more than 2147483647 times together"):
        one.absorb(other, np.array([], np.int32), here)
    assert one.row(0)[1].tolist() == [2.0**30]


@pytest.mark.parametrize("value", [0.5, 0.0, -1.0, 2.0**31])
def test_files_hold_counts(value):
    kept = {
        "indptr": np.array([0, 1, 1], np.int64),
        "others": np.array([1], np.int32),
        "values": np.array([value]),
    }
    with pytest.raises(ValueError, match="numbers that are no counts"):
        Counts().check(kept, np.array([], bool), np.array([True, True]))
