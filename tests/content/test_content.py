"""ContentRidge and Rocchio against their equations, written out."""

import numpy as np
import pytest
from sklearn.base import clone

from skl_increc.content import ContentRidge, Rocchio

N_USERS, N_ITEMS, DAY = 6, 40, 86400.0


@pytest.fixture(scope="module")
def known():
    """Features, float32 as they are kept, and events (user, item, time in days)."""
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(N_ITEMS, 24)) * (rng.random((N_ITEMS, 24)) < 0.3)).astype(np.float32)
    X[7] = 0  # nothing is known of it
    events = np.column_stack([rng.integers(0, N_USERS, 80), rng.integers(0, 30, 80), np.arange(80) * DAY])
    return X.astype(np.float64), events


def matrix(events, value=lambda t: np.ones_like(t)):
    R = np.zeros((N_USERS, N_ITEMS))
    R[events[:, 0].astype(int), events[:, 1].astype(int)] = value(events[:, 2])
    return R


def shares(events, value=lambda t: np.ones_like(t)):
    weights = np.bincount(events[:, 1].astype(int), value(events[:, 2]), minlength=N_ITEMS)
    return weights / weights.sum()


def scores(model):
    pairs = np.array([(u, i, 0.0) for u in range(N_USERS) for i in range(N_ITEMS)])
    return model.predict(pairs[:, : model.n_features_in_]).reshape(N_USERS, N_ITEMS)


def ridge(X, R, l2):
    return R @ X @ np.linalg.inv(X.T @ X + l2 * np.eye(X.shape[1])) @ X.T


@pytest.mark.parametrize("fades", [False, True])
def test_ridge_is_the_regression_of_what_was_had(known, fades):
    X, events = known
    model = (
        ContentRidge(3.0, prior=0.5, half_life=10 * DAY, time_col=2)
        if fades
        else ContentRidge(3.0, prior=0.5)
    )
    model.set_item_features(np.arange(N_ITEMS), X).fit(events)
    fading = (lambda t: 2 ** ((t - t.max()) / (10 * DAY))) if fades else np.ones_like
    np.testing.assert_allclose(
        scores(model), ridge(X, matrix(events, fading), 3.0) + 0.5 * shares(events, fading), atol=1e-9
    )


def test_ridge_follows_features_that_change_between_answers(known):
    X, events = known
    model = ContentRidge(3.0, prior=0.0).fit(events)
    rng = np.random.default_rng(1)
    now = np.zeros_like(X)
    for item in rng.permutation(np.tile(np.arange(N_ITEMS), 3)):  # one at a time: by updates of the inverse
        row = X[item] * rng.integers(1, 3)
        model.set_item_features([item], row[None, :])
        now[item] = row
        model.recommend_one(0)
    np.testing.assert_allclose(scores(model), ridge(now, matrix(events), 3.0), atol=1e-8)
    updates = model._state.stores["derived"].kept.result[1]
    assert 0 < updates <= 4 * X.shape[1]
    assert model.forget(items=[3]) == (events[:, 1] == 3).sum()
    now[3] = 0
    left = events[events[:, 1] != 3]
    np.testing.assert_allclose(scores(model), ridge(now, matrix(left), 3.0), atol=1e-8)


def test_rocchio_is_the_cosine_of_the_fading_sum(known):
    X, events = known
    y = np.where(events[:, 1] % 3 == 0, 1.0, 4.0)
    model = Rocchio(half_life=10 * DAY, negative=0.5, prior=0.0, min_y=2, time_col=2)
    model.set_item_features(np.arange(N_ITEMS), X).fit(events, y, sample_weight=events[:, 1] % 4 + 1)
    P = np.zeros((N_USERS, X.shape[1]))
    fading = 2 ** ((events[:, 2] - events[:, 2].max()) / (10 * DAY))
    pairs = list(map(tuple, events[:, :2].astype(int).tolist()))
    last = dict(zip(pairs, fading.tolist(), strict=True))
    for (u, i), f in zip(pairs, fading, strict=True):
        P[u] += (i % 4 + 1) * f * X[i] if i % 3 else 0
    for (u, i), f in last.items():
        P[u] -= 0 if i % 3 else 0.5 * f * X[i]
    length = np.linalg.norm(X, axis=1)
    cosine = P @ X.T / np.linalg.norm(P, axis=1)[:, None] / np.where(length > 0, length, np.inf)
    np.testing.assert_allclose(scores(model), cosine, atol=1e-7)


@pytest.mark.parametrize(
    "model", [ContentRidge(), Rocchio(half_life=DAY, time_col=2)], ids=["ridge", "rocchio"]
)
def test_exactness_holds_with_features_too(known, model):
    X, events = known
    model = clone(model).set_item_features(np.arange(N_ITEMS), X)
    whole = clone(model).fit(events)
    other = clone(model).fit(events[::-1])
    np.testing.assert_allclose(scores(other), scores(whole), rtol=1e-9, atol=1e-15)
    even = events[:, 0] % 2 == 0
    merged = clone(model).fit(events[even]).merge(clone(model).fit(events[~even]))
    np.testing.assert_allclose(scores(merged), scores(whole), rtol=1e-9, atol=1e-15)
    whole.forget(users=[2])
    np.testing.assert_allclose(
        scores(whole), scores(clone(model).fit(events[events[:, 0] != 2])), rtol=1e-9, atol=1e-15
    )
    assert len(whole.item_ids_) == N_ITEMS


@pytest.mark.parametrize("model", [ContentRidge(), Rocchio()], ids=["ridge", "rocchio"])
def test_lists_pairs_and_neighbours_tell_one_story(known, model):
    X, events = known
    model = clone(model).set_item_features(np.arange(N_ITEMS), X).fit(events[:, :2])
    items, best = model.recommend([0, 5, "a stranger"], 4, exclude_seen=False)
    table = scores(clone(model).fit(events[:, :2]))
    for u, row, values in zip([0, 5], items, best, strict=False):
        np.testing.assert_allclose(np.sort(table[u])[::-1][:4], values, atol=1e-12)
        np.testing.assert_allclose(table[u, row.astype(int)], values, atol=1e-12)
    assert items[2].tolist() == model.recommend_one(None, 4)
    assert 7 not in model.similar_items(3, 40)[0] and 3 not in model.similar_items(3, 40)[0]
    assert [len(a) for a in model.similar_items(7)] == [0, 0]
    assert [len(a) for a in type(model)().similar_items(7)] == [0, 0]


def test_too_many_columns_are_refused_before_they_are_taken():
    model = ContentRidge(max_features=3).set_item_features({"a": {"x": 1, "y": 2}})
    with pytest.raises(ValueError, match="there are 4 columns, and max_features=3.*take content.Rocchio"):
        model.set_item_features({"b": {"v": 1, "w": 2}})
    assert model.item_ids_.tolist() == ["a"]
    model.set_item_features({"b": {"x": 1, "w": 2}})


def test_features_too_large_for_the_penalty_are_told():
    model = ContentRidge(1e-12).set_item_features(["a", "b"], np.array([[1e9, 1e9], [1e9, 1e9]]))
    model.learn_one({"user": "ann", "item": "a"})
    with pytest.raises(ValueError, match="l2=1e-12 is too small beside the features"):
        model.recommend_one("ann")
