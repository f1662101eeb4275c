"""Links against a dict of cells."""

import pickle
from unittest import mock

import numpy as np
import pytest
import skl_increc._state._blocks as blocks
from hypothesis import given
from hypothesis import strategies as st
from skl_increc._state._links import Links

CELL = st.tuples(st.integers(0, 4), st.integers(0, 60), st.integers(-3, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.lists(CELL, max_size=80)),
        st.tuples(st.just("drop"), st.lists(st.integers(0, 4), max_size=2, unique=True)),
        st.tuples(st.just("scale"), st.integers(-2, 2)),
        st.tuples(st.just("copy"), st.none()),
        st.tuples(st.just("pickle"), st.none()),
    ),
    max_size=12,
)


def put(links, cells):
    a, b = (np.array([c[k] for c in cells], dtype=np.int32) for k in range(2))
    links.put(a, b, np.array([c[2] for c in cells], dtype=np.float64))


@given(steps=STEPS)
def test_like_a_dict_of_cells(steps):
    links, right = Links(), {}
    links.reserve_rows(0, 61)
    for what, given_ in steps:
        if what == "put":
            put(links, given_)
            for a, b, v in given_:
                right[a, b] = right.get((a, b), 0) + v
        elif what == "drop":
            links.drop(1, given_)
            right = {cell: v for cell, v in right.items() if not set(cell) & set(given_)}
        elif what == "scale":
            links.scale(given_)
            right = {cell: v * 2.0**given_ for cell, v in right.items()}
        else:
            links = links.copy() if what == "copy" else pickle.loads(pickle.dumps(links))
        for a in range(5):
            items, values = links.row(a)
            assert dict(zip(items.tolist(), values.tolist(), strict=True)) == {
                b: v for (c, b), v in right.items() if c == a and v
            }


def test_without_memory_nothing_changes():
    links = Links()
    links.reserve_rows(0, 4)
    put(links, [(a, b, 1) for a in range(4) for b in range(20)])
    before = links.export()
    with mock.patch.object(blocks, "grown", side_effect=MemoryError("none left")):
        with pytest.raises(MemoryError, match="none left"):
            put(links, [(1, b, 1) for b in range(5000)])
    for part, array in links.export().items():
        assert np.array_equal(array, before[part]), part


def test_merging_adds_what_is_there_under_other_numbers():
    one, other = Links(), Links()
    one.reserve_rows(0, 3)
    other.reserve_rows(0, 2)
    put(one, [(2, 1, 5)])
    put(other, [(0, 1, 7), (1, 1, 2)])
    one.absorb(other, np.array([], np.int32), np.array([2, 1], np.int32))
    assert one.row(2)[1].tolist() == [12.0]
    assert one.row(1)[1].tolist() == [2.0]


BAD = [
    ({"indptr": [0, 2]}, "does not rise"),
    ({"indptr": [0, 3, 2]}, "falls"),
    ({"values": [1.0]}, "one value for each cell"),
    ({"indptr": [0, 1, 2]}, "free has cells"),
    ({"others": [0, 9]}, "names an item that is none"),
    ({"values": [1.0, np.inf]}, "not finite"),
    ({"others": [0, 0]}, "in order, each once"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_files_are_checked(change, words):
    types = {"indptr": np.int64, "others": np.int32, "values": np.float64}
    good = {"indptr": [0, 2, 2, 2], "others": [0, 2], "values": [1.0, 2.0]}
    alive = np.array([True, False, True])
    if change == {"indptr": [0, 2]}:
        alive = alive[:2]
    change = {k: [*v, 2] if k == "indptr" and len(v) == 3 else v for k, v in change.items()}
    kept = {k: np.array(v, types[k]) for k, v in (good | change).items()}
    with pytest.raises(ValueError, match=words):
        Links().check(kept, np.array([], bool), alive)
