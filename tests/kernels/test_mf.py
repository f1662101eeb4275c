"""Matrix factorisation against its equations in plain Python and float64."""

import math

import numpy as np
import pytest

from skl_increc.factorization import BiasedMF, BiasedMFClassifier

#: what the documentation says of rates that are not named
RATES = {
    (False, "adagrad"): (0.25, 0.3),
    (False, "sgd"): (0.1, 0.08),
    (False, "gd"): (0.25, 0.3),
    (True, "adagrad"): (0.7, 0.8),
    (True, "sgd"): (0.1, 0.32),
    (True, "gd"): (0.7, 0.8),
}
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


class Side:
    """Rows of users or of items by id."""

    def __init__(self):
        self.vector, self.bias, self.acc, self.bias_acc = {}, {}, {}, {}


class Reference:
    """BiasedMF and BiasedMFClassifier, one event after the other.

    The random starts are the only thing that is taken from the model.
    """

    def __init__(self, model, starts):
        self.p = model.get_params()
        self.logistic = isinstance(model, BiasedMFClassifier)
        self.starts = starts
        self.sides = Side(), Side()
        self.y, self.w = [], []

    def rate(self, name):
        value = self.p[name]
        if value is None and name.startswith("learning_rate"):
            return RATES[self.logistic, self.p["optimizer"]][name.endswith("_bias")]
        return self.p[name.removesuffix("_bias")] if value is None else value

    # -- the scale ------------------------------------------------------------------------------
    def mean(self):
        return np.average(self.y, weights=self.w) if self.y else 0.0

    def scale(self):
        if not self.y:
            return 1.0
        var = np.average(np.square(np.subtract(self.y, self.centre())), weights=self.w)
        return math.sqrt(var) if var > 1e-12 else 0.0

    def centre(self):
        return self.mean() if self.p["biases"] else 0.0

    def log_odds(self):
        ones = np.dot(self.y, self.w)
        return math.log((ones + 0.5) / (sum(self.w) - ones + 0.5)) if self.p["biases"] else 0.0

    # -- learning -------------------------------------------------------------------------------
    def start(self, side, key):
        if key is None or key in self.sides[side].vector:
            return
        rows = self.sides[side]
        x = self.starts[side][key].astype(np.float64)
        if self.p["init"] == "mean" and rows.vector:
            x = x + np.mean([*rows.vector.values()], axis=0)
        rows.vector[key] = x
        rows.bias[key] = rows.acc[key] = rows.bias_acc[key] = 0.0

    def raw(self, user, item):
        users, items = self.sides
        s = users.bias.get(user, 0.0) + items.bias.get(item, 0.0)
        if user in users.vector and item in items.vector:
            s += users.vector[user] @ items.vector[item]
        return s

    def error(self, user, item, y):
        if self.logistic:
            return y - 1 / (1 + math.exp(-(self.log_odds() + self.raw(user, item))))
        scale = self.scale()
        return ((y - self.centre()) / scale if scale else 0.0) - self.raw(user, item)

    def learn(self, user, item, y, w=1.0, count=True):
        if count:
            self.y.append(y)
            self.w.append(w)
        self.start(0, user)
        self.start(1, item)
        e = w * self.error(user, item, y)
        known = [(rows, key) for rows, key in zip(self.sides, (user, item), strict=True) if key is not None]
        vectors = [rows.vector[key].copy() for rows, key in known]
        steps, pull = [], 0.0
        for rows, key in known:
            if self.p["biases"]:
                g = e - w * self.rate("l2_bias") * rows.bias[key]
                rows.bias_acc[key] += g * g
                steps.append(self.step("learning_rate_bias", rows.bias_acc[key]))
                pull += steps[-1]
        if len(known) == 2:
            for (rows, key), mine, other in zip(known, vectors, vectors[::-1], strict=True):
                g = e * other - w * self.p["l2"] * mine
                rows.acc[key] += np.mean(g * g)
                steps.append(self.step("learning_rate", rows.acc[key]))
                pull += steps[-1] * (other @ other)
        # no step goes beyond what brings the prediction to the target
        go = e / max(1.0, w * pull * (0.25 if self.logistic else 1.0))
        steps.reverse()
        for rows, key in known:
            if self.p["biases"]:
                eta = steps.pop()
                rows.bias[key] = max(0.0, 1 - eta * w * self.rate("l2_bias")) * rows.bias[key] + eta * go
        if len(known) == 2:
            for (rows, key), mine, other in zip(known, vectors, vectors[::-1], strict=True):
                eta = steps.pop()
                rows.vector[key] = max(0.0, 1 - eta * w * self.p["l2"]) * mine + eta * go * other

    def step(self, name, accumulated):
        rate = self.rate(name)
        return rate / math.sqrt(accumulated + 1.0) if self.p["optimizer"] == "adagrad" else rate

    def descend(self, events, count=True):
        """One full-batch step: each row moves by its mean gradient."""
        if count:
            self.y += [y for _, _, y, _ in events]
            self.w += [w for _, _, _, w in events]
        for side in (0, 1):
            new = [e[side] for e in events]
            mean = np.mean([*self.sides[side].vector.values()], axis=0) if self.sides[side].vector else 0.0
            for key in new:
                if key is not None and key not in self.sides[side].vector:
                    x = self.starts[side][key].astype(np.float64)
                    self.sides[side].vector[key] = x + (mean if self.p["init"] == "mean" else 0.0)
                    self.sides[side].bias[key] = 0.0
        sums = {}
        for user, item, y, w in events:
            e = w * self.error(user, item, y)
            for side, key, other in ((0, user, item), (1, item, user)):
                if key is None:
                    continue
                rows, far = self.sides[side], self.sides[1 - side]
                gx, gb, n = sums.get((side, key), (0.0, 0.0, 0))
                gb = gb + e - w * self.rate("l2_bias") * rows.bias[key]
                gx = (
                    gx
                    + (e * far.vector[other] if other is not None else 0.0)
                    - w * self.p["l2"] * rows.vector[key]
                )
                sums[side, key] = gx, gb, n + 1
        for (side, key), (gx, gb, n) in sums.items():
            self.sides[side].vector[key] = self.sides[side].vector[key] + self.rate("learning_rate") * gx / n
            if self.p["biases"]:
                self.sides[side].bias[key] += self.rate("learning_rate_bias") * gb / n

    # -- answers --------------------------------------------------------------------------------
    def predict(self, user, item):
        users, items = self.sides
        if self.logistic:
            return self.log_odds() + self.raw(user, item)
        if not self.p["biases"] and (user not in users.vector or item not in items.vector):
            return self.mean()
        out = self.centre() + self.scale() * self.raw(user, item)
        return min(max(out, min(self.y)), max(self.y)) if self.p["clip_to_range"] else out


def starts_of(model, n_users, n_items):
    """The rows that a state gives to new ids."""
    state = type(model)(**model.get_params())._new_state()
    state.users.begin()
    state.items.begin()
    state.users.add_objects([*range(n_users)])
    state.items.add_objects([*range(n_items)])
    state.reserve(n_users, n_items)
    state.start_rows(0, state.users.added())
    state.start_rows(1, state.items.added())
    return [dict(enumerate(rows.view("factors").copy().reshape(rows.used, -1)))
            for rows in (state.user_rows, state.item_rows)]  # fmt: skip


N_USERS, N_ITEMS = 9, 7


def stream(n, seed=0, levels=5, anonymous=0.15):
    """Events with weights; some of them lack a user, an item or both."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        user = None if rng.random() < anonymous else int(rng.integers(N_USERS))
        item = None if rng.random() < anonymous else int(rng.integers(N_ITEMS))
        y = float(rng.integers(levels)) + (1.0 if levels > 2 else 0.0)
        yield user, item, y, float(rng.choice([0.5, 1.0, 2.0]))


def table(events):
    users, items, y, w = zip(*events, strict=True)
    X = np.array([[u, i] for u, i in zip(users, items, strict=True)], dtype=object)
    return X, np.array(y), np.array(w)


def assert_agree(model, reference):
    for rows, ids, factors, biases in (
        (reference.sides[0], model.user_ids_, model.user_factors_, model.user_biases_),
        (reference.sides[1], model.item_ids_, model.item_factors_, model.item_biases_),
    ):
        assert set(ids) == set(rows.vector)
        np.testing.assert_allclose(factors, [rows.vector[key] for key in ids], **CLOSE)
        np.testing.assert_allclose(biases, [rows.bias[key] for key in ids], **CLOSE)
    pairs = [(u, i) for u in [*range(N_USERS), None, 99] for i in [*range(N_ITEMS), None, 99]]
    want = [reference.predict(u, i) for u, i in pairs]
    X = np.array(pairs, dtype=object)
    found = model.decision_function(X) if reference.logistic else model.predict(X)
    np.testing.assert_allclose(found, want, rtol=1e-3, atol=1e-3)


MODELS = {
    "adagrad": BiasedMF(),
    "sgd": BiasedMF(optimizer="sgd", learning_rate=0.05, learning_rate_bias=0.1, l2=0.1, l2_bias=0.3),
    "sgd as it is": BiasedMF(optimizer="sgd"),
    "uniform": BiasedMF(init="uniform", init_scale=0.4),
    "from the mean": BiasedMF(init="mean", init_scale=0.3),
    "from the mean, sgd": BiasedMF(init="mean", optimizer="sgd", learning_rate=0.2, learning_rate_bias=None),
    "one factor": BiasedMF(n_factors=1),
    "16": BiasedMF(n_factors=16),
    "17": BiasedMF(n_factors=17, optimizer="sgd", learning_rate=0.03),
    "64": BiasedMF(n_factors=64),
    "128": BiasedMF(n_factors=128, l2=0.0),
    "200": BiasedMF(n_factors=200, learning_rate=0.05),
    "without biases": BiasedMF(biases=False, init_scale=0.5),
    "clipped": BiasedMF(clip_to_range=True, learning_rate=1.0, learning_rate_bias=2.0),
    "classifier": BiasedMFClassifier(),
    "classifier, sgd": BiasedMFClassifier(optimizer="sgd", learning_rate=0.2, l2_bias=0.1, init="mean"),
    "classifier, sgd as it is": BiasedMFClassifier(optimizer="sgd"),
    "classifier without biases": BiasedMFClassifier(biases=False, init_scale=0.5),
}


def levels_of(model):
    return 2 if isinstance(model, BiasedMFClassifier) else 5


@pytest.mark.parametrize("name", MODELS)
def test_events_one_by_one_follow_the_equations(name):
    model = type(MODELS[name])(**MODELS[name].get_params())
    reference = Reference(model, starts_of(model, N_USERS, N_ITEMS))
    for user, item, y, w in stream(250, levels=levels_of(model)):
        model.learn_one({"user": user, "item": item}, int(y) if reference.logistic else y, w)
        reference.learn(user, item, y, w)
    assert_agree(model, reference)


@pytest.mark.parametrize("name", MODELS)
def test_batches_follow_the_equations(name):
    model = type(MODELS[name])(**MODELS[name].get_params())
    reference = Reference(model, starts_of(model, N_USERS, N_ITEMS))
    events = list(stream(400, seed=1, levels=levels_of(model)))  # longer than a block of the kernel
    X, y, w = table(events)
    model.partial_fit(X[:300], y[:300], sample_weight=w[:300]).partial_fit(
        X[300:], y[300:], sample_weight=w[300:]
    )
    for event in events:
        reference.learn(*event)
    assert_agree(model, reference)


@pytest.mark.parametrize("make", [BiasedMF, BiasedMFClassifier])
def test_further_passes_do_not_count_the_ratings_again(make):
    model = make(n_epochs=3)
    reference = Reference(model, starts_of(model, N_USERS, N_ITEMS))
    events = list(stream(60, seed=2, levels=levels_of(model)))
    X, y, w = table(events)
    model.fit(X, y, sample_weight=w)
    for epoch in range(3):
        for event in events:
            reference.learn(*event, count=epoch == 0)
    assert_agree(model, reference)


@pytest.mark.parametrize("init", ["normal", "mean"])
@pytest.mark.parametrize("make", [BiasedMF, BiasedMFClassifier])
def test_full_batch_descent_follows_the_equations(make, init):
    model = make(optimizer="gd", n_epochs=12, learning_rate=0.3, init_scale=0.3, init=init)
    reference = Reference(model, starts_of(model, N_USERS, N_ITEMS))
    events = list(stream(160, seed=3, levels=levels_of(model)))
    first = [e for e in events if e[0] in (0, 1, 2, 3, None) and e[1] in (0, 1, 2, None)]
    later = [e for e in events if e not in first]  # with users and items that are new
    X, y, w = table(first)
    model.fit(X, y, sample_weight=w)
    for epoch in range(12):
        reference.descend(first, count=epoch == 0)
    assert_agree(model, reference)
    for part in (later, events):  # each call is one step over its events
        X, y, w = table(part)
        model.partial_fit(X, y, sample_weight=w)
        reference.descend(part)
        assert_agree(model, reference)


def test_a_row_that_comes_late_starts_at_the_mean_of_its_side():
    model = BiasedMF(init="mean", init_scale=0.3, n_factors=4)
    rng = np.random.default_rng(4)
    events = [(u, i, float(rng.integers(1, 6)), 1.0) for u in range(5) for i in range(5)]
    X, y, _ = table(events)
    model.fit(X, y)
    mean = model.user_factors_.mean(axis=0, dtype=np.float64)
    model.set_params(init_scale=0.0, learning_rate=1e-20)  # nothing but the mean is left of a start
    model.learn_one({"user": "late", "item": 0}, 3)
    np.testing.assert_allclose(model.user_factors_[-1], mean, **CLOSE)
    assert np.abs(mean).max() > 1e-3


def test_a_weight_multiplies_the_gradient():
    once = BiasedMF(optimizer="sgd", learning_rate=0.01, learning_rate_bias=0.01, l2=0.1)
    twice = BiasedMF(optimizer="sgd", learning_rate=0.02, learning_rate_bias=0.02, l2=0.1)
    for user, item, y, _ in stream(40, seed=5, anonymous=0.0):
        once.learn_one({"user": user, "item": item}, y, 2.0)
        twice.learn_one({"user": user, "item": item}, y, 1.0)
    np.testing.assert_allclose(once.user_factors_, twice.user_factors_, **CLOSE)


@pytest.mark.parametrize("k", [1, 10, 16, 20, 32, 128, 130])
def test_padding_stays_zero(k):
    model = BiasedMF(n_factors=k, init="mean")
    for user, item, y, w in stream(100, seed=6):
        model.learn_one({"user": user, "item": item}, y, w)
    for rows in (model._state.user_rows, model._state.item_rows):
        assert rows.arrays["factors"].shape[1] % 16 == 0
        assert not rows.arrays["factors"][: rows.used, k:].any()
        assert rows.arrays["factors"][: rows.used, :k].any()


@pytest.mark.parametrize(("init", "bound"), [("normal", np.inf), ("uniform", math.sqrt(3))])
def test_starts_have_mean_zero_and_the_deviation_that_was_asked_for(init, bound):
    model = BiasedMF(n_factors=64, init=init, init_scale=0.25)
    users, items = starts_of(model, 2000, 2000)
    u, i = np.array([*users.values()]), np.array([*items.values()])
    for x in (u, i):
        assert abs(x.mean()) < 0.003
        assert abs(x.std() - 0.25) < 0.003
        assert np.abs(x).max() <= 0.25 * bound
        assert np.abs(np.corrcoef(x.T) - np.eye(64)).max() < 0.12
        fourth = np.mean((x / x.std()) ** 4)
        assert abs(fourth - (3.0 if init == "normal" else 1.8)) < 0.1
    assert abs(np.corrcoef(u.ravel(), i.ravel())[0, 1]) < 0.02  # the same ids on the other side
    other = np.array(
        [*starts_of(BiasedMF(n_factors=64, init=init, init_scale=0.25, random_state=1), 2000, 1)[0].values()]
    )
    assert abs(np.corrcoef(u.ravel(), other.ravel())[0, 1]) < 0.02


def test_starts_follow_the_id_and_not_its_place():
    a, b = BiasedMF(learning_rate=1e-20), BiasedMF(learning_rate=1e-20)
    ids = ["x", 5, ("t", 1), 2**70, 0.5]
    for model, order in ((a, ids), (b, ids[::-1])):
        for key in order:
            model.learn_one({"user": key, "item": key}, 1)
    mine = dict(zip(a.user_ids_, a.user_factors_.tolist(), strict=True))
    theirs = dict(zip(b.user_ids_, b.user_factors_.tolist(), strict=True))
    assert mine == theirs
    assert len({tuple(row) for row in mine.values()}) == len(ids)


def test_equal_ratings_have_no_scale():
    model = BiasedMF()
    for user, item, _, w in stream(50, seed=7):
        model.learn_one({"user": user, "item": item}, 3.0, w)
    assert model.predict_one({"user": 1, "item": 1}) == pytest.approx(3.0)
    assert np.isfinite(model.user_factors_).all()


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e9])
def test_a_far_mean_does_not_cost_the_scale(shift):
    near, far = BiasedMF(), BiasedMF()
    for user, item, y, w in stream(300, seed=8):
        near.learn_one({"user": user, "item": item}, y, w)
        far.learn_one({"user": user, "item": item}, y + shift, w)
    np.testing.assert_allclose(far.user_factors_, near.user_factors_, rtol=1e-3, atol=1e-4)


def test_one_factor_has_a_column_of_its_own():
    model = BiasedMF(n_factors=1).fit([["a", 1], ["b", 1], ["b", 2]], [1, 2, 3])
    assert model.user_factors_.shape == (2, 1)
    assert model.item_factors_.shape == (2, 1)
    ids, cosines = model.similar_items(1)
    assert ids.tolist() == [2]
    assert abs(cosines[0]) == pytest.approx(1.0)


@pytest.mark.parametrize("weight", [1.0, 5.0, 1e3, 1e14])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize("biases", [True, False])
def test_heavy_weights_and_large_rates_never_overshoot(weight, optimizer, biases):
    X = np.c_[np.arange(100) % 7, np.arange(100) % 5]
    y = np.arange(100) % 5 + 1.0
    for rate in (0.05, 0.5, 50.0):
        model = BiasedMF(optimizer=optimizer, learning_rate=rate, biases=biases, n_epochs=5)
        predicted = model.fit(X, y, sample_weight=np.full(100, weight)).predict(X)
        assert np.isfinite(predicted).all()
        if rate < 1 and biases:
            assert np.abs(predicted - 3).max() < 20


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_weights_next_to_nothing_do_no_harm(optimizer):
    model = BiasedMF(optimizer=optimizer)
    model.learn_one({"user": 1, "item": 1}, 3.0, 1e-310)  # no normal number has this size
    assert model.predict_one({"user": 1, "item": 1}) == 3.0
    for y in (1.0, 2.0, 4.0, 5.0):
        model.learn_one({"user": 1, "item": y}, y, 1e14)
    before = model.predict_one({"user": 1, "item": 1})
    model.learn_one({"user": 1, "item": 1}, 1e99, 1e-300)
    assert model.predict_one({"user": 1, "item": 1}) == pytest.approx(before)
    assert np.isfinite(model.user_factors_).all()
