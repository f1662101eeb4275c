"""Matrix factorisation against its equations in plain Python and float64."""

import math

import numpy as np
import pytest
from mf_reference import Reference, starts_of

from skl_increc.factorization import BiasedMF, BiasedMFClassifier

CLOSE = {"rtol": 2e-4, "atol": 2e-5}


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
