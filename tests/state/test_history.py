"""Who had what, against lists in plain Python."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from searching import examples
from skl_increc._state._history import History

from skl_increc._state import _blocks, _lists

users = st.integers(0, 5)
items = st.integers(0, 70)  # lists beyond 32 items have a filter
LARGE = 2**31 - 1
ALLOCATORS = [(_blocks, "grown"), (_lists, "grown")]


class Model:
    """What a history does, pair by pair."""

    def __init__(self, n_values, window, n_sums):
        self.shape = n_values, window, n_sums
        self.lists = {}

    def append(self, user, item, add):
        if user < 0 or item < 0:
            return
        _, window, n_sums = self.shape
        mine = self.lists.setdefault(user, [])
        at = next((k for k, (other, _) in enumerate(mine) if other == item), None)
        if at is None:
            if window and len(mine) == window:
                mine.pop(0)
            mine.append((item, list(add)))
        else:
            _, had = mine.pop(at)
            new = [a + b if c < n_sums else max(a, b) for c, (a, b) in enumerate(zip(had, add, strict=True))]
            mine.append((item, new))

    def clear(self, which):
        for user in which:
            self.lists.pop(user, None)

    def drop_items(self, which):
        for user, mine in self.lists.items():
            self.lists[user] = [(item, values) for item, values in mine if item not in which]

    def items_of(self, user):
        return [item for item, _ in self.lists.get(user, [])]

    def values_of(self, user):
        return [[values[c] for _, values in self.lists.get(user, [])] for c in range(self.shape[0])]


def assert_agree(found, model):
    everybody = [*range(9), -1]
    for user in everybody:
        assert found.items_of(user).tolist() == model.items_of(user)
        assert found.values_of(user).tolist() == model.values_of(user)
        assert found.length(user) == len(model.items_of(user))
        assert [found.has(user, item) for item in range(72)] == [
            item in model.items_of(user) for item in range(72)
        ]
    indptr, flat = found.csr(everybody)
    assert indptr.tolist() == np.cumsum([0, *(len(model.items_of(u)) for u in everybody)]).tolist()
    assert flat.tolist() == [item for u in everybody for item in model.items_of(u)]
    values = found.all_values(everybody)
    assert values.shape == (model.shape[0], len(flat))
    assert values.tolist() == [
        [v for u in everybody for v in model.values_of(u)[c]] for c in range(model.shape[0])
    ]
    assert found.pairs == len(flat)
    assert found.nbytes >= len(flat) * (4 + 8 * model.shape[0])


def append(found, model, events):
    n = model.shape[0]
    who = np.array([u for u, _, _ in events], dtype=np.int32)
    what = np.array([i for _, i, _ in events], dtype=np.int32)
    add = np.array([values[:n] for _, _, values in events], dtype=np.float64).reshape(len(events), n)
    found.reserve(who, what)
    found.append(who, what, add)
    for u, i, values in zip(who.tolist(), what.tolist(), add.tolist(), strict=True):
        model.append(u, i, values)


numbers = st.integers(-8, 8).map(lambda v: v / 4)  # sums of them are exact
events = st.tuples(st.integers(-1, 5), st.integers(-1, 70), st.lists(numbers, min_size=3, max_size=3))
shapes = st.sampled_from(
    [(0, 0, 0), (0, 3, 0), (1, 0, 1), (3, 0, 2), (2, 1, 0), (3, 40, 2), (1, 33, 1), (2, 4, 1)]
)


class Histories(RuleBasedStateMachine):
    """Any order of calls."""

    @initialize(shape=shapes)
    def empty(self, shape):
        self.found, self.model = History(*shape), Model(*shape)

    @rule(some=st.lists(events, max_size=20))
    def append(self, some):
        append(self.found, self.model, some)

    @rule(user=users, start=items, n=st.integers(1, 60), step=st.sampled_from([1, -1]))
    def append_a_run(self, user, start, n, step):
        append(self.found, self.model, [(user, (start + step * k) % 71, [0.25, k, -k]) for k in range(n)])

    @rule(which=st.lists(users, unique=True, max_size=3))
    def clear(self, which):
        self.found.clear(which)
        self.model.clear(which)

    @rule(which=st.lists(items, unique=True, max_size=20))
    def drop_items(self, which):
        self.found.drop_items(which)
        self.model.drop_items(which)

    @rule(n=st.integers(0, 40))
    def reserve_users(self, n):
        self.found.reserve_users(n)

    @rule(how=st.sampled_from(["copy", "restore", "pickle"]))
    def go_on_with_a_duplicate(self, how):
        old = self.found
        if how == "copy":
            self.found = old.copy()
        elif how == "restore":
            self.found = History.restore(old.export())
        else:
            self.found = pickle.loads(pickle.dumps(old))
        before = old.export()
        append(self.found, self.model, [(0, 5, [1, 1, 1]), (5, 66, [1, 1, 1])])
        assert all(np.array_equal(before[part], old.export()[part]) for part in before)  # they share nothing

    @invariant()
    def agrees(self):
        if hasattr(self, "found"):
            assert_agree(self.found, self.model)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=examples(40), stateful_step_count=15)


def of(lists, window=0, n_values=1):
    found = History(n_values, window)
    for user, mine in enumerate(lists):
        who = np.full(len(mine), user, np.int32)
        found.append(who, np.array(mine, dtype=np.int32), np.ones((len(mine), n_values)))
    return found


def test_a_repeated_pair_moves_to_the_end_and_takes_no_new_bytes():
    found = of([[1, 2, 3]])
    before = found.nbytes
    for _ in range(1000):
        found.append(np.array([0, 0], np.int32), np.array([1, 2], np.int32), np.ones((2, 1)))
    assert found.items_of(0).tolist() == [3, 1, 2]
    assert found.values_of(0).tolist() == [[1, 1001, 1001]]
    assert found.nbytes == before


def test_columns_beyond_the_sums_keep_the_largest():
    found = History(2, 0, 1)
    add = np.array([[1.0, 5.0], [2.0, 7.0], [4.0, 6.0]])
    found.append(np.zeros(3, np.int32), np.full(3, 9, np.int32), add)
    assert found.values_of(0).tolist() == [[7.0], [7.0]]


@settings(max_examples=examples(80))
@given(
    st.lists(st.tuples(st.integers(0, 2), numbers, st.integers(-400, 4000)), min_size=1, max_size=30),
    st.booleans(),
)
def test_with_a_span_the_last_sum_is_in_units_of_the_newest_time(events, duplicate):
    span = 8.0
    found = History(3, 0, 2)
    found.span = span
    for item, value, t in events:
        add = np.array([[1.0, value, float(t)]])
        found.append(np.zeros(1, np.int32), np.array([item], np.int32), add)
        if duplicate:
            found = found.copy()
    for item, (count, total, newest) in zip(
        found.items_of(0).tolist(), found.values_of(0).T.tolist(), strict=True
    ):
        mine = [(value, t) for i, value, t in events if i == item]
        assert count == len(mine)
        assert newest == max(t for _, t in mine)
        units = [t // span - newest // span for _, t in mine]
        want = sum(value * 2.0**unit for (value, _), unit in zip(mine, units, strict=True))
        assert total == pytest.approx(want, rel=1e-12, abs=1e-300)


def test_a_window_keeps_the_last_distinct_items():
    found = of([[1, 2, 3, 1, 4, 5]], window=3)
    assert found.items_of(0).tolist() == [1, 4, 5]
    assert not found.has(0, 2)
    assert found.pairs == 3


@pytest.mark.parametrize("window", [1, 31, 32, 33, 40, 64, 65])
def test_a_window_of_any_length_forgets_the_oldest(window):
    found = of([list(range(200))], window=window)
    assert found.items_of(0).tolist() == list(range(200 - window, 200))
    assert [i for i in range(200) if found.has(0, i)] == list(range(200 - window, 200))


def test_a_window_bounds_the_bytes():
    found, rng = History(1, 8), np.random.default_rng(0)
    for _ in range(2):
        who, what = rng.integers(0, 50, 5000, dtype=np.int32), rng.integers(0, 4000, 5000, dtype=np.int32)
        found.append(who, what, np.ones((5000, 1)))
        bytes_ = found.nbytes
    found.append(who, what, np.ones((5000, 1)))
    assert found.nbytes == bytes_
    assert found.pairs == 400


def test_cleared_blocks_are_used_again():
    found = of([list(range(100)) for _ in range(20)])
    before = found.nbytes
    for _ in range(10):
        found.clear(range(20))
        assert found.pairs == 0
        for user in range(20):
            found.append(np.full(100, user, np.int32), np.arange(100, dtype=np.int32), np.ones((100, 1)))
    assert found.nbytes == before


@settings(max_examples=examples(60))
@given(shapes, st.lists(events, max_size=60), st.lists(events, min_size=1, max_size=200), st.booleans())
def test_after_reserve_nothing_is_allocated(shape, before, after, many_users):
    found, model = History(*shape), Model(*shape)
    append(found, model, before)
    if many_users:
        found.reserve_users(5000)  # few events of many users take another path
    n = shape[0]
    who = np.array([u for u, _, _ in after], dtype=np.int32)
    what = np.array([i for _, i, _ in after], dtype=np.int32)
    add = np.array([values[:n] for _, _, values in after], dtype=np.float64).reshape(len(after), n)
    found.reserve(who, what)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in [*ALLOCATORS, (np, "zeros"), (np, "empty")]:
            patch.setattr(module, name, out_of_memory)
        found.append(who, what, add)
    for u, i, values in zip(who.tolist(), what.tolist(), add.tolist(), strict=True):
        model.append(u, i, values)
    assert_agree(found, model)


def out_of_memory(*args, **kwargs):
    raise MemoryError("injected")


@pytest.mark.parametrize("before", [0, 4, 32, 64, 128, 512])
@pytest.mark.parametrize("good", [0, 1, 2])
def test_an_append_that_finds_no_memory_changes_nothing(before, good, monkeypatch):
    found = History(2)
    found.append(np.zeros(before, np.int32), np.arange(before, dtype=np.int32), np.ones((before, 2)))
    kept, real, calls = found.export(), _blocks.grown, []

    def grown(*args):
        calls.append(1)
        return real(*args) if len(calls) <= good else out_of_memory()

    for module, name in ALLOCATORS:
        monkeypatch.setattr(module, name, grown)
    k = before
    failed = False
    while k < before + 2000 and not failed:  # until something must grow
        try:
            found.append(np.zeros(1, np.int32), np.array([k], np.int32), np.ones((1, 2)))
            k += 1
        except MemoryError:
            failed = True
    assert failed
    monkeypatch.undo()
    assert found.items_of(0).tolist() == list(range(k))
    assert found.values_of(0).tolist() == [[1.0] * k] * 2
    assert kept["items"].tolist() == list(range(before))
    found.append(np.zeros(1, np.int32), np.array([k], np.int32), np.ones((1, 2)))
    assert found.items_of(0).tolist() == list(range(k + 1))


def test_a_reserve_that_finds_no_memory_changes_nothing(monkeypatch):
    found = of([[1, 2], [3]])
    before = found.export()
    for module, name in ALLOCATORS:
        monkeypatch.setattr(module, name, out_of_memory)
    with pytest.raises(MemoryError):
        found.reserve(
            np.repeat(np.arange(2, dtype=np.int32), 500), np.tile(np.arange(500, dtype=np.int32), 2)
        )
    monkeypatch.undo()
    assert all(np.array_equal(before[part], found.export()[part]) for part in before)
    found.append(np.ones(1, np.int32), np.array([4], np.int32), np.ones((1, 1)))
    assert found.items_of(1).tolist() == [3, 4]


def test_rows_of_any_size_are_items():
    found = of([[LARGE, 0, LARGE - 1, *range(1, 40)]])
    assert found.has(0, LARGE)
    found.drop_items([LARGE])
    assert not found.has(0, LARGE)
    assert found.items_of(0).tolist() == [0, LARGE - 1, *range(1, 40)]


def test_users_that_do_not_exist_have_nothing():
    found = of([[1]])
    for user in (-1, 1, 10**6):
        assert found.length(user) == 0
        assert not found.has(user, 1)
        assert found.items_of(user).tolist() == []
        assert found.values_of(user).tolist() == [[]]
    assert found.csr([])[0].tolist() == [0]
    assert found.all_values([]).shape == (1, 0)
    found.clear([10**6])
    assert found.pairs == 1


@settings(deadline=None, max_examples=150)
@given(
    shapes,
    st.sampled_from([0.0, 8.0]),
    st.lists(events, max_size=120),
    st.lists(events, min_size=1, max_size=200),
    st.booleans(),
)
def test_a_batch_is_its_events_one_by_one(shape, span, before, after, many_users):
    whole, single = History(*shape), History(*shape)
    n = shape[0]
    for found in (whole, single):
        found.span = span if 0 < shape[2] < n else 0.0  # a span is for the last sum and the first maximum
        if many_users:
            found.reserve_users(5000)
    for found, batches in ((whole, [before, after]), (single, [[event] for event in before + after])):
        for batch in batches:
            who = np.array([u for u, _, _ in batch], dtype=np.int32)
            what = np.array([i for _, i, _ in batch], dtype=np.int32)
            add = np.array([np.add(values[:n], 0.1) for _, _, values in batch]).reshape(len(batch), n)
            found.reserve(who, what)
            found.append(who, what, add)
    a, b = whole.export(), single.export()
    assert all(np.asarray(a[part]).tobytes() == np.asarray(b[part]).tobytes() for part in a)
    assert whole.pairs == single.pairs


def test_a_batch_for_which_room_was_made_may_fail_and_another_come():
    found = of([[1, 2, 3]])
    who, what = np.zeros(40, np.int32), np.arange(40, dtype=np.int32)
    found.reserve(who, what)
    found.limit_users(1)  # what undoing a call does
    found.append(np.zeros(2, np.int32), np.array([100, 1], np.int32), np.ones((2, 1)))
    assert found.items_of(0).tolist() == [2, 3, 100, 1]


@pytest.mark.parametrize("n_values", [0, 1, 2, 3])
@pytest.mark.parametrize("order", ["users", "mixed"])
def test_blocks_that_lists_outgrew_serve_other_lists(order, n_values):
    rng = np.random.default_rng(0)
    n, each = 4000, 4 + 8 * n_values
    who = np.repeat(np.arange(n, dtype=np.int32), 40)
    if order == "mixed":
        who = rng.permutation(who)
    what = rng.integers(0, 10**6, len(who), dtype=np.int32)
    found = History(n_values)
    for a in range(0, len(who), 500):
        found.append(who[a : a + 500], what[a : a + 500], np.ones((500, n_values)))
    # a block of twice the bytes of half a list, and a filter beside
    assert found.nbytes - 8 * n < 2.25 * each * found.pairs


def test_a_long_list_is_found_through_its_filter_and_new_ones_are_not():
    found = of([list(range(0, 20_000, 2))])
    had = [found.has(0, i) for i in range(20_000)]
    assert had == [i % 2 == 0 for i in range(20_000)]
    found.drop_items(range(0, 20_000, 4))
    assert [found.has(0, i) for i in range(20_000)] == [i % 4 == 2 for i in range(20_000)]
