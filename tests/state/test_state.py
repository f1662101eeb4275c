"""The state of a model: learned events, rows, and what happens when memory ends."""

import copy
import pickle

import numpy as np
import pytest
from skl_increc._state._state import State

from skl_increc._state import _blocks, _idmap, _lists, _tables, fields
from skl_increc._state.fields import Field
from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF

FIELDS = [
    Field("factors", "user", 3, "float32", pad=True),
    Field("count", "item", 1, "int64"),
    Field("weight", "pair"),
    Field("newest", "pair", merge="max"),
    Field("total", "scalar", 2),
    Field("more", "scalar"),
]
MODELS = {
    "baseline": lambda: Baseline(),
    "drift": lambda: Baseline(drift=0.01),
    "popularity": lambda: Popularity(history=5),
    "timed": lambda: Popularity(half_life=10.0, time_col="time"),
    "mf": lambda: BiasedMF(n_factors=3),
    "mf-mean": lambda: BiasedMF(init="mean", history=0),
}


DUPLICATES = {
    "copy": lambda state: state.copy(),
    "deepcopy": copy.deepcopy,
    "pickle": lambda state: pickle.loads(pickle.dumps(state)),
}


def flat(kept, at=""):
    """The parts of an exported state as comparable leaves."""
    if isinstance(kept, dict):
        return {k: v for name, part in kept.items() for k, v in flat(part, f"{at}.{name}").items()}
    return {at: (kept.dtype.str, kept.shape, kept.tobytes()) if isinstance(kept, np.ndarray) else kept}


def exported(state):
    return flat(state.export())


def events(n, seed=0, n_ids=40, kind=int):
    rng = np.random.default_rng(seed)
    return [
        ({"user": kind(u), "item": kind(i), "time": float(t)}, float(rng.integers(1, 6)))
        for t, (u, i) in enumerate(rng.integers(0, n_ids, (n, 2)))
    ]


def teach(model, some):
    for x, y in some:
        model.learn_one(x, y)
    return model


def test_an_empty_state():
    state = State(FIELDS, None, {"seed": 3})
    assert state.scalar("total").tolist() == [0, 0]
    assert state.scalar("more").tolist() == [0]
    assert state.meta == {"seed": 3}
    assert (state.n_events, state.n_late, state.now) == (0, 0, -np.inf)
    assert (state.history.n_values, state.history.n_sums, state.history.window) == (2, 1, 0)
    assert state.nbytes >= state.scalars.nbytes


def test_scalars_are_views():
    state = State(FIELDS)
    state.scalar("total")[1] = 5
    state.scalar("more")[:] = 7
    assert state.scalars.tolist() == [0, 5, 7]


@pytest.mark.parametrize(("history", "window"), [(None, 0), (3, 3)])
def test_the_history_is_as_long_as_asked(history, window):
    assert State(FIELDS, history).history.window == window


def test_without_history_there_is_none():
    assert State(FIELDS, 0).history is None


def test_too_many_pair_fields_are_refused():
    with pytest.raises(ValueError, match=r"a model has at most 8 pair fields; got 9"):
        State([Field(f"f{k}", "pair") for k in range(9)])


def test_rows_start_at_zero_also_where_a_freed_one_is_used_again():
    state = State(FIELDS)
    state.users.begin()
    state.users.add_objects(["a", "b", "c"])
    state.reserve(3, 0)
    state.start_rows(0, state.users.added())
    state.user_rows.arrays["factors"][:3] = 5
    state.drop_rows(0, [1])
    state.users.begin()
    state.users.add_objects(["d"])
    state.start_rows(0, state.users.added())
    assert state.user_rows.view("factors")[:, 0].tolist() == [5, 0, 5]
    assert state.user_rows.used == 3


def test_undo_takes_back_ids_and_rows():
    state = State(FIELDS)
    state.users.add_objects(["a"])
    state.start_rows(0, [0])
    state.history.reserve_users(1)
    before = exported(state)
    state.users.begin()
    state.items.begin()
    state.users.add_objects(["b", "c"])
    state.items.add_objects([1])
    state.reserve(3, 1)
    state.history.reserve_users(3)
    state.start_rows(0, state.users.added())
    state.start_rows(1, state.items.added())
    assert (state.user_rows.used, state.item_rows.used) == (3, 1)
    state.undo()
    assert (state.user_rows.used, state.item_rows.used) == (1, 0)
    assert exported(state) == before


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("how", DUPLICATES)
def test_duplicates_are_equal_and_independent(name, how):
    model = teach(MODELS[name](), events(300))
    before = exported(model._state)
    new = DUPLICATES[how](model._state)
    assert exported(new) == before
    other = MODELS[name]()
    other._state = new
    new.stale = True
    more = events(100, seed=1, n_ids=80)
    teach(other, more)
    assert exported(model._state) == before
    assert exported(teach(model, more)._state) == exported(new)


def test_a_state_of_other_fields_is_refused():
    kept = State(FIELDS).export()
    with pytest.raises(ValueError, match=r"the fields of the saved state, .*, are not those of this version"):
        State(FIELDS[1:]).restore(kept)


def test_a_frozen_state_does_not_wait():
    state = State(FIELDS).freeze()
    assert state.frozen
    with pytest.raises(RuntimeError, match=r"This model is a snapshot, which never learns"):
        state.wait()


def test_clocks_add():
    a, b = State(FIELDS), State(FIELDS)
    a.n_events, a.n_late, a.now = 3, 1, 10.0
    b.n_events, b.n_late, b.now = 5, 0, 7.0
    a.add_clock(b)
    assert (a.n_events, a.n_late, a.now) == (8, 1, 10.0)
    a.reset_clock(-np.inf)
    a.set_events(2)
    assert (a.n_events, a.now) == (2, -np.inf)


# -- memory that ends ---------------------------------------------------------------------------------
class Memory:
    """Counts allocations of the containers; the one numbered `fails` finds no memory."""

    def __init__(self, monkeypatch):
        self.count, self.fails = 0, -1
        for module in (_blocks, _lists, _idmap, _tables, fields):
            for name in ("grown", "aligned_empty", "aligned_zeros"):
                if hasattr(module, name):
                    monkeypatch.setattr(module, name, self.counted(getattr(module, name)))

    def counted(self, real):
        def allocate(*args):
            self.count += 1
            if self.count - 1 == self.fails:
                raise MemoryError("injected")
            return real(*args)

        return allocate

    def fail_at(self, which):
        self.count, self.fails = 0, which


def learn_table(model, some):
    """The events as one array, whose third column is the time."""
    if model.time_col is not None:
        model.time_col = 2
    return model.partial_fit(
        np.array([list(x.values()) for x, _ in some], dtype=object), [y for _, y in some]
    )


@pytest.mark.parametrize("kind", [int, str], ids=["ints", "strings"])
@pytest.mark.parametrize("name", MODELS)
def test_a_batch_that_finds_no_memory_changes_nothing(name, kind, monkeypatch):
    first, some = events(12, kind=kind), events(400, seed=2, n_ids=150, kind=kind)
    model, whole = learn_table(MODELS[name](), first), learn_table(MODELS[name](), first)
    before, memory, failed = exported(model._state), Memory(monkeypatch), 0
    while True:
        memory.fail_at(failed)
        try:
            learn_table(model, some)
        except MemoryError:
            assert exported(model._state) == before
            failed += 1
        else:
            break
    assert failed > 5
    monkeypatch.undo()
    assert exported(learn_table(whole, some)._state) == exported(model._state)


@pytest.mark.parametrize("kind", [int, str], ids=["ints", "strings"])
@pytest.mark.parametrize("name", MODELS)
def test_an_event_that_finds_no_memory_changes_nothing(name, kind, monkeypatch):
    model, whole = MODELS[name](), MODELS[name]()
    some, failed = events(400, seed=3, n_ids=150, kind=kind), 0
    model.learn_one(*some[0])
    memory = Memory(monkeypatch)
    for x, y in some[1:]:
        memory.fail_at(-1)
        before = exported(model._state)
        for which in range(6):
            memory.fail_at(which)
            try:
                model.learn_one(x, y)
            except MemoryError:
                failed += 1
                assert exported(model._state) == before
            else:
                break
        else:
            memory.fail_at(-1)
            model.learn_one(x, y)
    monkeypatch.undo()
    assert failed > 5
    assert exported(teach(whole, some)._state) == exported(model._state)


def test_freed_rows_survive_a_batch_that_finds_no_memory(monkeypatch):
    model = teach(Popularity(), events(60, n_ids=20))
    model.forget(users=[3, 5, 7], items=[2])
    before, memory = exported(model._state), Memory(monkeypatch)
    X = np.array([[u, u + 1] for u in range(100, 500)])
    failed = 0
    while True:
        memory.fail_at(failed)
        try:
            model.partial_fit(X)
        except MemoryError:
            assert exported(model._state) == before
            failed += 1
        else:
            break
    assert failed > 5
