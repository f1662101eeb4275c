"""The journal against lists of a dict."""

import pickle
from unittest import mock

import numpy as np
import pytest
import skl_increc._state._blocks as blocks
from hypothesis import given
from hypothesis import strategies as st
from skl_increc._state._journal import Journal

ENTRY = st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(0, 40))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(ENTRY, max_size=70)),
        st.tuples(st.just("owners"), st.lists(st.integers(0, 5), max_size=2, unique=True)),
        st.tuples(st.just("others"), st.lists(st.integers(0, 6), max_size=2, unique=True)),
        st.tuples(st.just("copy"), st.none()),
        st.tuples(st.just("pickle"), st.none()),
    ),
    max_size=12,
)


def add(journal, entries):
    owners, others, numbers = (np.array([e[k] for e in entries], dtype=np.int32) for k in range(3))
    values = (
        np.stack([numbers + 0.5 * k for k in range(journal.n_values)], axis=1) if journal.n_values else None
    )
    values = np.empty((len(entries), 0)) if values is None else np.ascontiguousarray(values)
    journal.append(owners, others, values)


@given(steps=STEPS, n_values=st.integers(0, 3), limit=st.sampled_from([0, 1, 3, 20]), side=st.integers(0, 1))
def test_like_a_dict_of_lists(steps, n_values, limit, side):
    journal, right = Journal(n_values, limit, side), {u: [] for u in range(6)}
    journal.reserve_rows(6, 6)
    for what, given_ in steps:
        if what == "append":
            add(journal, given_)
            for u, i, v in given_:
                right[u].append((i, v))
        elif what == "owners":
            journal.drop(side, given_)
            right.update({u: [] for u in given_})
        elif what == "others":
            journal.drop(1 - side, given_)
            right = {u: [e for e in had if e[0] not in given_] for u, had in right.items()}
        else:
            journal = journal.copy() if what == "copy" else pickle.loads(pickle.dumps(journal))
        if limit:
            right = {u: had[-limit:] for u, had in right.items()}
        for u, had in right.items():
            assert journal.items_of(u).tolist() == [i for i, _ in had]
            for k in range(n_values):
                assert journal.values_of(u)[k].tolist() == [v + 0.5 * k for _, v in had]
            assert journal.length(u) == len(had)
            assert [journal.has(u, i) for i in range(7)] == [i in {e[0] for e in had} for i in range(7)]
        assert journal.entries == sum(map(len, right.values()))


def test_the_newest_come_first_and_once():
    index = Journal(0, side=1)
    index.reserve_rows(0, 2)
    add(index, [(0, user, 0) for user in (3, 1, 3, 2, 1)])
    assert index.newest(0, 2).tolist() == [1, 2]
    assert index.newest(0, 9).tolist() == [1, 2, 3]
    assert index.newest(1, 9).tolist() == []


def test_without_memory_nothing_changes():
    journal = Journal(2)
    journal.reserve_rows(3, 0)
    add(journal, [(u, j, j) for j in range(20) for u in range(3)])
    before = journal.export()
    with mock.patch.object(blocks, "grown", side_effect=MemoryError("none left")):
        with pytest.raises(MemoryError, match="none left"):
            add(journal, [(1, j, j) for j in range(5000)])
    for part, array in journal.export().items():
        assert np.array_equal(array, before[part]), part
    add(journal, [(1, 7, 7)])
    assert journal.items_of(1)[-1] == 7


def test_bytes_follow_entries():
    journal = Journal(1)
    journal.reserve_rows(1, 0)
    add(journal, [(0, j, 1) for j in range(10_000)])
    assert 12 * 10_000 <= journal.nbytes <= 2.5 * 12 * 10_000
    journal.drop(0, [0])
    assert journal.entries == 0


GOOD = {"indptr": [0, 2, 2], "others": [0, 1], "values": [[1.0, 2.0]]}
BAD = [
    ({"indptr": [0, 2]}, "does not rise"),
    ({"indptr": [0, 3, 2]}, "falls"),
    ({"values": [[1.0]]}, "has shape"),
    ({"indptr": [0, 1, 2]}, "free has entries"),
    ({"others": [0, 9]}, "names a row that is none"),
    ({"values": [[1.0, np.nan]]}, "not finite"),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_files_are_checked(change, words):
    types = {"indptr": np.int64, "others": np.int32, "values": np.float64}
    kept = {k: np.array(v, types[k]) for k, v in (GOOD | change).items()}
    with pytest.raises(ValueError, match=words):
        Journal(1).check(kept, np.array([True, False]), np.array([True, True]))


def test_a_list_beyond_its_limit_is_refused():
    kept = {"indptr": np.array([0, 2]), "others": np.zeros(2, np.int32), "values": np.ones((1, 2))}
    with pytest.raises(ValueError, match="more than 1 entries"):
        Journal(1, 1).check(kept, np.array([True]), np.array([True]))


def test_bounds_of_the_numbers():
    with pytest.raises(ValueError, match="at most 4 numbers; got 5"):
        Journal(5)


def test_a_list_by_time_is_in_order_of_time():
    journal = Journal(1, 0, 0, 0)
    journal.reserve_rows(2, 2)
    add(journal, [(0, 1, 5), (0, 0, 6), (1, 0, 2)])
    alive = np.ones(2, bool)
    good = journal.export()
    journal.check(good, alive, alive)
    with pytest.raises(ValueError, match="a list is not in order of time"):
        journal.check({**good, "values": good["values"][:, [1, 0, 2]]}, alive, alive)
    with pytest.raises(ValueError, match="order must be one of the 1 numbers, or -1; got 1"):
        Journal(1, 0, 0, 1)
