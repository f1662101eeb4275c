"""`max_partners`: which pairs a bounded row keeps, against a slow model in Python; and that it is bounded."""

import copy
import pickle
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

import skl_increc
from skl_increc.exceptions import GuaranteeError
from skl_increc.neighbors import RatingItemKNN, SlopeOne

MODELS = [RatingItemKNN(4, shrinkage=3.0, max_partners=5), SlopeOne(10.0, max_partners=5)]


class Slow:
    """Rows item -> {partner: [users, sum x, sum y, sum x^2, sum y^2, sum xy]}; lists of (item, weight, sum)."""

    def __init__(self, most, window=None):
        self.most, self.window = most, window
        self.rows = defaultdict(dict)
        self.lists = defaultdict(list)

    def learn(self, user, item, y, w=1.0):
        had = {i: (weight, s) for i, weight, s in self.lists[user]}
        weight, s = had.get(item, (0.0, 0.0))
        for other, (v, t) in had.items():
            if item not in had:
                self.join(item, y, other, t / v)
                self.join(other, t / v, item, y)
        rest = [row for row in self.lists[user] if row[0] != item]
        self.lists[user] = [*rest, (item, weight + w, s + w * y)][-(self.window or 10**9) :]

    def join(self, item, x, other, y):
        row = self.rows[item]
        if other not in row and len(row) == self.most:
            counts = sorted(sums[0] for sums in row.values())
            least = counts[(len(row) - 1) // 4]
            for partner in [p for p, sums in row.items() if sums[0] <= least]:
                del row[partner]
        new = (1, x, y, x * x, y * y, x * y)
        row[other] = [a + b for a, b in zip(row.get(other, [0.0] * 6), new, strict=True)]

    def keyed(self, slopes):
        return {
            (a, b): [n, x - y] if slopes else [n, x, y, *squares]
            for a, row in self.rows.items()
            for b, (n, x, y, *squares) in row.items()
        }


def events(n=700, n_users=14, n_items=25, seed=0):
    rng = np.random.default_rng(seed)
    items = np.minimum(rng.geometric(0.12, n), n_items) - 1
    return np.column_stack([rng.integers(0, n_users, n), items]), rng.integers(1, 11, n) / 2, np.ones(n)


def keyed(model):
    return model._state.stores["item_pairs"].keyed(dict(enumerate(model.item_ids_.tolist())))


def assert_like(model, slow):
    found, right = keyed(model), slow.keyed(isinstance(model, SlopeOne))
    assert found.keys() == right.keys()
    for pair, sums in right.items():
        assert found[pair] == pytest.approx(sums, rel=1e-7, abs=1e-6)


def longest(model):
    return int(np.diff(model._state.stores["item_pairs"].csr()[0]).max(initial=0))


@pytest.mark.parametrize("cuts", [1, 9, 700])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_rows_are_those_of_the_slow_model(model, cuts):
    X, y, w = events()
    slow, model = Slow(5), type(model)(**model.get_params())
    for (user, item), rating in zip(X.tolist(), y.tolist(), strict=True):
        slow.learn(user, item, rating)
    for part in np.array_split(np.arange(len(y)), cuts):
        model.partial_fit(X[part], y[part], w[part])
    assert_like(model, slow)
    assert longest(model) == 5


@settings(deadline=None, max_examples=examples(40))
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 7), st.integers(-9, 9).map(lambda v: v / 2)), min_size=1
    ),
    st.integers(1, 4),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_any_stream(stream, most, window, slopes):
    make = SlopeOne if slopes else RatingItemKNN
    model = make(shrinkage=1.0, max_partners=most, max_history=window)
    slow, single = Slow(most, window), type(model)(**model.get_params())
    for user, item, y in stream:
        slow.learn(user, item, y)
        single.learn_one({"user": user, "item": item}, y)
    model.fit([[u, i] for u, i, _ in stream], [y for *_, y in stream])
    assert_like(model, slow)
    assert_like(single, slow)
    assert all((keyed(model)[pair] == v).all() for pair, v in keyed(single).items())


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_ratings_that_grow_and_have_no_grid_are_split_invariant(model):
    X, y, _ = events(300, seed=1)
    y = y / 3 * 10.0 ** (np.arange(300) // 40)
    whole, cut, single = (type(model)(**model.get_params()) for _ in range(3))
    whole.fit(X, y)
    for part in np.array_split(np.arange(300), 9):
        cut.partial_fit(X[part], y[part])
    for (user, item), rating in zip(X.tolist(), y.tolist(), strict=True):
        single.learn_one({"user": user, "item": item}, rating)
    pairs = np.array([[u, i] for u in range(14) for i in range(25)])
    for other in (cut, single):
        assert (whole.predict(pairs) == other.predict(pairs)).all()
        assert all((keyed(other)[k] == v).all() for k, v in keyed(whole).items())
    assert np.isfinite(whole.predict(pairs)).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_bound_that_is_never_met_changes_no_answer(model):
    X, y, w = events(seed=2)
    first = np.unique(X, axis=0, return_index=True)[1]  # a rating given again joins no pair anew
    X, y, w = X[np.sort(first)], y[np.sort(first)], w[np.sort(first)]
    bounded = type(model)(**{**model.get_params(), "max_partners": 25}).fit(X, y, w)
    free = type(model)(**{**model.get_params(), "max_partners": None}).fit(X, y, w)
    found = keyed(bounded)
    assert found.keys() == keyed(free).keys()
    assert all((found[k] == v).all() for k, v in keyed(free).items())
    assert (bounded.predict(X) == free.predict(X)).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_pair_that_one_row_keeps_speaks(model):
    model = type(model)(**{**model.get_params(), "shrinkage": 0.0, "max_partners": 2})
    for user in range(4):
        for item, y in (("hub", 5), ("a", 4), ("b", 4)):
            model.learn_one({"user": user, "item": item}, y - user % 2)
    for user, item in enumerate("cdef", start=10):
        model.learn_one({"user": user, "item": item}, 1)
        model.learn_one({"user": user, "item": "hub"}, 2)
    assert ("f", "hub") in keyed(model) and ("c", "hub") in keyed(model) and ("hub", "c") not in keyed(model)
    model.learn_one({"user": "new", "item": "c"}, 1.0)
    assert model.explain("new", "hub")[0].tolist() == ["c"]


@pytest.mark.parametrize("kind", [RatingItemKNN, SlopeOne])
def test_bytes_are_bounded_whatever_comes(kind):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 60, 6000), rng.integers(0, 600, 6000)])
    y = rng.integers(1, 6, 6000).astype(float)
    bounded, free = kind(max_partners=8).fit(X, y), kind().fit(X, y)
    store = bounded._state.stores["item_pairs"]
    assert longest(bounded) <= 8
    assert store.block_bytes <= 600 * 4 * 64  # 12 cells of 16 bytes a row, in lines of 64
    assert store.nbytes < free._state.stores["item_pairs"].nbytes / 5
    wide = kind(max_partners=8).fit(X, y / 7)._state.stores["item_pairs"]
    assert wide.nbytes <= store.nbytes + 600 * 8 * 80


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_copies_and_files_go_on_alike(model, tmp_path):
    X, y, w = events(seed=3)
    y = y / 3  # sums that do not fit into a record
    model = type(model)(**model.get_params()).fit(X[:400], y[:400], w[:400])
    skl_increc.save(model, tmp_path / "model.npz")
    others = [
        skl_increc.load(tmp_path / "model.npz"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model.snapshot()),
    ]
    model.partial_fit(X[400:], y[400:], w[400:])
    for other in others:
        other.partial_fit(X[400:], y[400:], w[400:])
        assert longest(other) == 5
        assert all((keyed(other)[k] == v).all() for k, v in keyed(model).items())
        assert (other.predict(X) == model.predict(X)).all()


def test_a_file_with_too_many_partners_is_refused(tmp_path):
    model = RatingItemKNN(max_partners=5).fit(*events(seed=3))
    store = model._state.stores["item_pairs"]
    kept, alive = store.export(), np.ones(25, bool)
    store.blank().check(kept, alive, alive)
    few = RatingItemKNN(max_partners=4)._stores()["item_pairs"]
    with pytest.raises(ValueError, match="an item has more than max_partners=4 partners"):
        few.check(kept, alive, alive)
    kept["keys"][0] = 0
    with pytest.raises(ValueError, match="keys names an item that is none, or that of its row"):
        store.blank().check(kept, alive, alive)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_it_says_that_order_matters_and_refuses_to_merge_and_forget(model):
    g = model.guarantees()
    assert (g.S, g.O, g.M, g.U) == ("bitwise", "no", "no", "no")
    assert "max_partners=5" in g.why and "order matters" in g.why
    models = [type(model)(**model.get_params()).fit([[user, "x"], [user, "y"]], [1, 2]) for user in "ab"]
    with pytest.raises(GuaranteeError, match=r"cannot forget exactly: with max_partners=5 an item drops"):
        models[0].forget(users=["a"])
    with pytest.raises(GuaranteeError, match=r"does not merge: with max_partners=5 an item drops"):
        models[0].merge(models[1])


def test_max_partners_must_be_positive():
    with pytest.raises(ValueError, match="'max_partners' parameter of RatingItemKNN"):
        RatingItemKNN(max_partners=0).fit([["a", "x"]], [1])
