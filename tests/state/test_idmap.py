"""Ids to rows, against a dict and a list."""

import pickle

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from searching import examples
from skl_increc._state._idmap import IdMap

from skl_increc._state.ids import canonical

LOW, HIGH = -(2**63), 2**63 - 1
EDGES = [LOW, LOW + 1, -1, 0, 1, HIGH - 1, HIGH, LOW - 1, HIGH + 1, 2**64, -(2**70)]

small = st.integers(-5, 40)
int64s = small | st.sampled_from([v for v in EDGES if LOW <= v <= HIGH])
others = st.one_of(
    st.sampled_from([v for v in EDGES if not LOW <= v <= HIGH]),
    st.text(max_size=2),
    st.sampled_from(
        ["\ud800", "\u00e9" * 40, b"a", 0.5, -0.0, 1.0, 2.0**80, True, (1, "a"), (1.0, "a"), frozenset("ab")]
    ),
    st.sampled_from([np.int8(3), np.str_("np"), np.float32(2)]),
)
ids = st.one_of(int64s, others, st.sampled_from([None, float("nan"), np.float64("nan")]))


class Model:
    """What an id map does, in a dict and two lists."""

    def __init__(self):
        self.rows, self.names, self.free = {}, [], []

    def find(self, key):
        key = canonical(key)
        return -1 if key is None else self.rows.get(key, -1)

    def add(self, key):
        key = canonical(key)
        if key is None or key in self.rows:
            return self.find(key)
        row = self.free.pop() if self.free else len(self.names)
        if row == len(self.names):
            self.names.append(None)
        self.names[row] = key
        self.rows[key] = row
        return row

    def remove(self, rows):
        for row in rows:
            del self.rows[self.names[row]]
            self.names[row] = None
            self.free.append(row)

    def copy(self):
        new = Model()
        new.rows, new.names, new.free = self.rows.copy(), self.names.copy(), self.free.copy()
        return new


def assert_agree(found, model):
    assert len(found) == len(model.rows)
    assert found.n_rows == len(model.names)
    assert found.live().tolist() == sorted(model.rows.values())
    assert found.ids_of(np.arange(found.n_rows)).tolist() == model.names
    assert all(found.find(key) == row for key, row in model.rows.items())
    assert found.export()["free"].tolist() == model.free


class IdMaps(RuleBasedStateMachine):
    """Any order of calls; copies go on by themselves."""

    maps = Bundle("maps")

    def __init__(self):
        super().__init__()
        self.pairs = []

    @initialize(target=maps)
    def empty(self):
        return self.keep(IdMap(), Model())

    def keep(self, found, model):
        self.pairs.append((found, model))
        return len(self.pairs) - 1

    @rule(which=maps, key=ids)
    def find(self, which, key):
        found, model = self.pairs[which]
        assert found.find(key) == model.find(key)

    @rule(which=maps, keys=st.lists(ids, max_size=12))
    def add_objects(self, which, keys):
        found, model = self.pairs[which]
        assert found.add_objects(keys).tolist() == [model.add(key) for key in keys]
        assert found.find_objects(keys).tolist() == [model.find(key) for key in keys]

    @rule(which=maps, keys=st.lists(int64s, max_size=12))
    def add_ints(self, which, keys):
        found, model = self.pairs[which]
        keys = np.array(keys, dtype=np.int64)
        assert found.find_ints(keys).tolist() == [model.find(int(key)) for key in keys]
        assert found.add_ints(keys).tolist() == [model.add(int(key)) for key in keys]

    @rule(which=maps, distinct=st.lists(ids, min_size=1, max_size=5), data=st.data())
    def add_coded(self, which, distinct, data):
        found, model = self.pairs[which]
        codes = data.draw(st.lists(st.integers(-1, len(distinct) - 1), max_size=12))
        want = [-1 if code < 0 else model.add(distinct[code]) for code in codes]
        assert found.add_coded(np.array(codes, dtype=np.int64), distinct).tolist() == want

    @rule(which=maps, start=st.integers(-100, 100), n=st.integers(20, 120), text=st.booleans())
    def add_many(self, which, start, n, text):
        found, model = self.pairs[which]
        keys = [f"id {k}" if text else 3 * k for k in range(start, start + n)]
        rows = found.add_objects(keys) if text else found.add_ints(np.array(keys, dtype=np.int64))
        assert rows.tolist() == [model.add(key) for key in keys]

    @rule(which=maps, keys=st.lists(ids, max_size=12), more=st.lists(int64s, max_size=8))
    def add_and_take_back(self, which, keys, more):
        found, model = self.pairs[which]
        before, trial = found.export(), model.copy()
        found.begin()
        rows = [*found.add_objects(keys), *found.add_ints(np.array(more, dtype=np.int64))]
        known = set(model.rows.values())
        fresh = [
            r for r in dict.fromkeys(trial.add(key) for key in [*keys, *more]) if r >= 0 and r not in known
        ]
        assert found.added().tolist() == fresh
        assert set(fresh) <= set(rows)
        found.rollback()
        after = found.export()
        assert found.added().tolist() == []
        assert all(np.array_equal(before[part], after[part]) for part in ("keys", "kind", "free"))
        assert (before["names"], before["unstable"]) == (after["names"], after["unstable"])

    @rule(which=maps, key=ids, broken=st.sampled_from([[1], {}, (1, [2])]))
    def fail_in_the_middle(self, which, key, broken):
        found, model = self.pairs[which]
        found.begin()
        with pytest.raises(TypeError, match=r"hashable"):
            found.add_objects([key, "fresh", broken, "never"])
        found.rollback()
        assert found.find("never") == model.find("never")

    @rule(which=maps, data=st.data())
    def remove(self, which, data):
        found, model = self.pairs[which]
        live = sorted(model.rows.values())
        if live:
            rows = data.draw(st.lists(st.sampled_from(live), unique=True, max_size=20))
            found.remove(rows)
            model.remove(rows)

    @rule(target=maps, which=maps, how=st.sampled_from(["copy", "restore", "pickle"]))
    def duplicate(self, which, how):
        if len(self.pairs) > 4:
            return multiple()
        found, model = self.pairs[which]
        if how == "copy":
            new = found.copy()
        elif how == "restore":
            new = IdMap.restore(found.export())
        else:
            new = pickle.loads(pickle.dumps(found))
        return self.keep(new, model.copy())

    @invariant()
    def all_agree(self):
        for found, model in self.pairs:
            assert_agree(found, model)


TestIdMaps = IdMaps.TestCase
TestIdMaps.settings = settings(max_examples=examples(60), stateful_step_count=25)


def test_the_ends_of_the_integers():
    found = IdMap()
    assert found.add_ints(np.array([LOW, HIGH, 0, LOW], dtype=np.int64)).tolist() == [0, 1, 2, 0]
    assert found.add_objects([HIGH, LOW - 1, HIGH + 1, LOW, float(2**63)]).tolist() == [1, 3, 4, 0, 4]
    assert found.kind_array[:5].tolist() == [1, 1, 1, 2, 2]
    found.remove([0, 3])
    assert found.find_ints(np.array([LOW, HIGH], dtype=np.int64)).tolist() == [-1, 1]
    assert found.find(LOW - 1) == -1
    assert found.find(HIGH + 1) == 4


def test_integers_that_meet_in_the_table_stay_apart_through_growth_and_removal():
    found, rng = IdMap(), np.random.default_rng(0)
    keys = np.unique(
        np.concatenate([np.arange(3000) << 52, np.arange(3000) << 20, rng.integers(LOW, HIGH, 3000)])
    )
    rows = found.add_ints(keys)
    assert rows.tolist() == list(range(len(keys)))
    gone = rng.permutation(len(keys))[: len(keys) // 2]
    found.remove(gone)
    left = np.setdiff1d(np.arange(len(keys)), gone)
    assert (found.find_ints(keys[gone]) == -1).all()
    assert found.find_ints(keys[left]).tolist() == left.tolist()
    again = found.add_ints(keys[gone])
    assert sorted(again) == sorted(gone)
    assert again.tolist() == gone[::-1].tolist()  # the last freed row is the first to be used again


def test_strings_stay_apart_through_growth_and_removal():
    found = IdMap()
    keys = [f"{'x' * (k % 50)}{k}" for k in range(5000)]
    assert found.add_objects(keys).tolist() == list(range(5000))
    found.remove(range(0, 5000, 2))
    want = [-1 if k % 2 == 0 else k for k in range(5000)]
    assert found.find_objects([str(np.str_(key)) for key in keys]).tolist() == want


def test_a_removed_id_occurs_nowhere():
    found = IdMap()
    found.add_objects(["secret", 7, ("secret", 1), 2**70])
    found.remove([0, 1, 2, 3])
    kept = found.export()
    assert kept["names"] == []
    assert not kept["keys"].any()
    assert not kept["kind"].any()
    assert kept["free"].tolist() == [0, 1, 2, 3]


class Kind:
    """An id that is equal to itself alone, and says nothing of its size."""

    def __sizeof__(self):
        raise RuntimeError("no size")


@pytest.mark.parametrize(
    "key", [Kind(), Kind, int, len, ..., NotImplemented, lambda: 0], ids=lambda key: type(key).__name__
)
def test_any_hashable_object_is_an_id(key):
    found = IdMap()
    assert found.add_objects(["a", key, 1, key]).tolist() == [0, 1, 2, 1]
    assert found.find(key) == 1
    assert found.unstable == 1
    assert found.nbytes > 0
    found.remove([1])
    assert found.find(key) == -1


class Spoilt:
    """An id whose comparison fails."""

    def __hash__(self):
        return 5

    def __eq__(self, other):
        raise RuntimeError("no comparison")


def test_an_id_that_cannot_be_compared_changes_nothing():
    found = IdMap()
    found.add_objects([Spoilt(), "a"])
    found.begin()
    with pytest.raises(RuntimeError, match=r"no comparison"):
        found.add_objects(["b", Spoilt()])
    found.rollback()
    assert found.find_objects(["a", "b"]).tolist() == [1, -1]
    assert (len(found), found.n_rows) == (2, 2)


def test_ids_without_a_stable_hash_start_by_their_order():
    a, b = IdMap(), IdMap()
    a.add_objects([Kind(), "x", Kind()])
    b.add_objects(["y", "z", Kind(), Kind()])
    assert a.keys_array[[0, 2]].tolist() == b.keys_array[[2, 3]].tolist()
    assert a.keys_array[0] != a.keys_array[2]
    b.begin()
    b.add_objects([Kind()])
    third = b.keys_array[4]
    b.rollback()
    b.add_objects([Kind()])
    assert b.keys_array[4] == third


def test_ids_of_keeps_the_shape_and_gives_none_for_no_row():
    found = IdMap()
    found.add_objects(["a", 5])
    out = found.ids_of(np.array([[0, -1], [1, 1]]))
    assert out.dtype == object
    assert out.tolist() == [["a", None], [5, 5]]


def test_bytes_follow_the_ids():
    found = IdMap()
    empty = found.nbytes
    found.add_ints(np.arange(10_000))
    ints = found.nbytes
    assert ints - empty > 10_000 * 9
    found.add_objects(["x" * 1000 + str(k) for k in range(100)])
    assert found.nbytes - ints > 100_000
    found.remove(range(10_000, 10_100))
    assert found.nbytes - ints < 100_000


def test_nothing_is_found_in_nothing():
    found = IdMap()
    assert found.find_ints(np.empty(0, np.int64)).tolist() == []
    assert found.add_ints(np.empty(0, np.int64)).tolist() == []
    assert found.add_coded(np.empty(0, np.int64), []).tolist() == []
    assert found.find_objects([]).tolist() == []
    assert (len(found), found.n_rows, found.live().tolist()) == (0, 0, [])
