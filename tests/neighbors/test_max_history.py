"""`max_history`: what a bounded list of each user makes of the statistics, against a slow model in Python."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skl_increc.exceptions import GuaranteeError
from skl_increc.neighbors import RatingItemKNN, SlopeOne

MODELS = [RatingItemKNN(4, shrinkage=3.0, max_history=5), SlopeOne(10.0, max_history=5)]


class Slow:
    """Sums of x, y, x^2, y^2 and xy for every two items, in fractions; lists of (item, weight, sum)."""

    def __init__(self, window):
        self.window = window
        self.lists = defaultdict(list)
        self.sums = defaultdict(lambda: [Fraction(0)] * 6)
        self.item = defaultdict(lambda: [0.0, 0.0])
        self.total = [0.0, 0.0]
        self.paired = []

    def learn(self, user, item, y, w=1.0):
        for sums in (self.item[item], self.total):
            sums[0] += w
            sums[1] += w * y
        had = {i: (weight, s) for i, weight, s in self.lists[user]}
        before = had.get(item)
        now = (w, w * y) if before is None else (before[0] + w, before[1] + w * y)
        self.paired.append(len(had.keys() - {item}))
        for other, (weight, s) in had.items():
            if other != item:
                if before is not None:
                    self.change(item, before[1] / before[0], other, s / weight, -1)
                self.change(item, now[1] / now[0], other, s / weight, 1)
        self.lists[user] = [row for row in self.lists[user] if row[0] != item] + [(item, *now)]
        self.lists[user] = self.lists[user][-self.window :]

    def change(self, a, x, b, y, sign):
        for i, j, p, q in ((a, b, Fraction(x), Fraction(y)), (b, a, Fraction(y), Fraction(x))):
            row = (1, p, q, p * p, q * q, p * q)
            self.sums[i, j] = [s + sign * v for s, v in zip(self.sums[i, j], row, strict=True)]

    def bias(self, item):
        return (self.item[item][1] - self.item[item][0] * self.mean) / (self.item[item][0] + 5.0)

    @property
    def mean(self):
        return self.total[1] / self.total[0]

    def base(self, user):
        had = self.lists[user]
        top = sum(s - w * self.mean - w * self.bias(i) for i, w, s in had)
        return self.mean + (top / (sum(w for _, w, _ in had) + 5.0) if had else 0.0)

    def predict(self, user, item, model):
        base = self.base(user) + self.bias(item)
        had = [(j, s / w) for j, w, s in self.lists[user] if j != item and self.sums[item, j][0]]
        if isinstance(model, SlopeOne):
            top, below = model.shrinkage * base, model.shrinkage
            for j, r in had:
                n, x, y = (float(v) for v in self.sums[item, j][:3])
                top += n * r + x - y
                below += n
            return top / below
        s = {j: self.similarity(item, j, model.shrinkage) for j, _ in had}
        s = {j: v for j, v in s.items() if v > 0}
        least = sorted(s.values())[-model.n_neighbors] if len(s) > model.n_neighbors else 0
        s = {j: v for j, v in s.items() if v >= least - 1e-12}
        top = sum(s[j] * (r - self.base(user) - self.bias(j)) for j, r in had if j in s)
        return base + top / (sum(s.values()) + model.damping)

    def similarity(self, a, b, shrinkage):
        n, x, y, xx, yy, xy = (float(v) for v in self.sums[a, b])
        m = self.mean
        size = np.sqrt(max(0.0, (xx - 2 * m * x + n * m * m) * (yy - 2 * m * y + n * m * m)))
        return n / (n + shrinkage) * (xy - m * (x + y) + n * m * m) / size if size > 1e-9 else 0.0


def events(n=500, n_users=12, n_items=14, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(0, n_users, n), rng.integers(0, n_items, n)])
    return X, rng.integers(1, 11, n) / 2, rng.integers(1, 4, n) / 2


def keyed(model):
    return model._state.stores["item_pairs"].keyed(dict(enumerate(model.item_ids_.tolist())))


def assert_like(model, slow):
    found, slopes = keyed(model), isinstance(model, SlopeOne)
    right = {pair: sums for pair, sums in slow.sums.items() if sums[0]}
    assert found.keys() == right.keys()
    for pair, (n, x, y, *squares) in right.items():
        said = [n, x - y] if slopes else [n, x, y, *squares]
        assert found[pair] == pytest.approx([float(v) for v in said], rel=1e-7, abs=1e-6)
    for user in slow.lists:
        for item in model.item_ids_.tolist():
            right = slow.predict(user, item, model)
            assert model.predict_one({"user": user, "item": item}) == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("cuts", [1, 2, 7, 500])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_sums_and_predictions_are_those_of_the_slow_model(model, cuts):
    X, y, w = events()
    slow, model = Slow(5), type(model)(**model.get_params())
    for (user, item), rating, weight in zip(X.tolist(), y.tolist(), w.tolist(), strict=True):
        slow.learn(user, item, rating, weight)
    for part in np.array_split(np.arange(len(y)), cuts):
        model.partial_fit(X[part], y[part], w[part])
    assert_like(model, slow)
    assert max(slow.paired) == 5


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(-9, 9).map(lambda v: v / 2)), min_size=1
    ),
    st.integers(1, 4),
    st.booleans(),
)
def test_any_stream(stream, window, slopes):
    model = SlopeOne(10.0, max_history=window) if slopes else RatingItemKNN(shrinkage=1.0, max_history=window)
    slow, single = Slow(window), type(model)(**model.get_params())
    for user, item, y in stream:
        slow.learn(user, item, y)
        single.learn_one({"user": user, "item": item}, y)
    model.fit([[u, i] for u, i, _ in stream], [y for *_, y in stream])
    right = {pair: sums for pair, sums in slow.sums.items() if sums[0]}
    for one in (model, single):
        found = keyed(one)
        assert found.keys() == right.keys()
        for pair, (n, x, y, *squares) in right.items():
            said = [n, x - y] if slopes else [n, x, y, *squares]
            assert found[pair] == pytest.approx([float(v) for v in said], rel=1e-7, abs=1e-6)
    assert all((keyed(model)[pair] == keyed(single)[pair]).all() for pair in right)


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
    pairs = np.array([[u, i] for u in range(12) for i in range(14)])
    for other in (cut, single):
        assert (whole.predict(pairs) == other.predict(pairs)).all()
        assert all((keyed(other)[k] == v).all() for k, v in keyed(whole).items())
    assert np.isfinite(whole.predict(pairs)).all()
    assert whole.guarantees().M == "rounding"


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_long_list_is_as_if_there_were_no_bound(model):
    X, y, w = events(seed=2)
    bounded = type(model)(**{**model.get_params(), "max_history": 14}).fit(X, y, w)
    free = type(model)(**{**model.get_params(), "max_history": None}).fit(X, y, w)
    assert all((keyed(free)[k] == v).all() for k, v in keyed(bounded).items())
    assert bounded.predict(X) == pytest.approx(free.predict(X), rel=1e-12)
    assert bounded.user_biases_ == pytest.approx(free.user_biases_, rel=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_only_the_last_items_speak(model):
    model = type(model)(**model.get_params())
    for user in range(9):
        for item in range(12):
            model.learn_one({"user": user, "item": item}, float(1 + (user * item) % 5))
    items, parts = model.explain(3, 6)
    assert set(items) <= {7, 8, 9, 10, 11}
    base = model._state.learner.biases(0, np.array([3], np.int32))[0] + model.item_biases_[6]
    mean = model._state.scalar("sum")[0] / model._state.scalar("weight")[0]
    assert mean + base + parts.sum() == pytest.approx(model.predict_one({"user": 3, "item": 6}), abs=1e-9)
    assert model.seen(3, 11) and not model.seen(3, 2)
    assert len(model.item_ids_) == 12


def test_work_and_memory_do_not_grow_with_the_history():
    model = RatingItemKNN(max_history=3).fit([["u", i] for i in range(400)], np.arange(400) % 5 + 1)
    assert len(keyed(model)) == 2 * (399 + 398 + 397)  # each item met the three before it, no others
    assert model._state.history.pairs == 3


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_merging_disjoint_users_is_exact(model):
    X, y, w = events(seed=3)
    low = X[:, 0] < 6
    parts = [type(model)(**model.get_params()).fit(X[at], y[at], w[at]) for at in (low, ~low)]
    whole, merged = type(model)(**model.get_params()).fit(X, y, w), parts[0].merge(parts[1])
    assert all((keyed(merged)[k] == v).all() for k, v in keyed(whole).items())
    assert (merged.predict(X) == whole.predict(X)).all()


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_it_says_that_order_matters_and_refuses_to_forget(model):
    g = model.guarantees()
    assert (g.S, g.O, g.M, g.U) == ("bitwise", "no", "bitwise", "no")
    assert "max_history=5" in g.why and "order matters" in g.why
    model = type(model)(**model.get_params()).fit([["a", "x"], ["a", "y"]], [1, 2])
    with pytest.raises(GuaranteeError, match=r"cannot forget exactly: with max_history=5 an event is paired"):
        model.forget(users=["a"])


def test_max_history_must_be_positive():
    with pytest.raises(ValueError, match="'max_history' parameter of RatingItemKNN"):
        RatingItemKNN(max_history=0).fit([["a", "x"]], [1])
