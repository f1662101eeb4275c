"""ColdStartMap against its equation, and against the model that it is made of."""

import numpy as np
import pytest
from sklearn.base import clone

from skl_increc.baselines import Popularity
from skl_increc.compose import ColdStartMap, RatingColdStartMap
from skl_increc.factorization import BPR, BiasedMF, FactorizationMachine, ImplicitALS, KalmanMF


@pytest.fixture(scope="module")
def shop():
    """Users of two camps, items of two kinds, of which the last six are sold late or never."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 30, 900), rng.integers(0, 15, 900) * 2
    items += users % 2
    keep = (items < 24) | (np.arange(900) > 880)
    X = np.column_stack([np.arange(30) % 2 == 0, np.arange(30) % 2 == 1, rng.random(30)]).astype(float)
    return np.column_stack([users, items])[keep], X


def test_scores_are_those_of_vectors_with_what_the_map_adds(shop):
    events, X = shop
    model = ColdStartMap(BPR(4), l2=0.5, shrinkage=3.0, min_events=4, refresh=50)
    model.set_item_features(np.arange(30), X).fit(events)
    inner = model.model_
    W = model.map_
    counts = np.bincount(events[:, 1], minlength=30)
    own = np.zeros((30, 5))
    rows = {item: row for row, item in enumerate(model.item_ids_)}
    for row, vector, bias in zip(inner.item_ids_, inner.item_factors_, inner.item_biases_, strict=True):
        own[model.item_ids_[row]] = [*vector, bias]
    assert len(rows) == 30
    Q = own + (3.0 / (counts + 3.0))[:, None] * (X.astype(np.float32) @ W)
    P = inner.user_factors_[inner._state.users.find(model._state.users.find(7))]
    said = model.predict([[7, item] for item in range(30)])
    np.testing.assert_allclose(said, Q @ [*P, 1.0], atol=1e-6)
    listed, best = model.recommend([7], 30, exclude_seen=False)
    np.testing.assert_allclose(best[0], said[listed[0].astype(int)], atol=1e-12)
    told = inner.predict_one(item=rows[5]) + (Q - own)[5, 4]  # what newcomers take, and what features say
    np.testing.assert_allclose(model.predict([["a stranger", 5]]), told, atol=1e-6)


def test_the_map_is_the_ridge_regression_of_the_factors_as_they_were(shop):
    events, X = shop
    model = ColdStartMap(ImplicitALS(3), l2=0.5, min_events=4, refresh=10**6)
    model.set_item_features(np.arange(30), X).partial_fit(events[:75])
    assert model._state.stores["map"].due == 150
    kept = {}
    for n in (75, 150, 225):
        part = clone(model).partial_fit(events[:n])
        W, inner = part.map_, part.model_
        own = {part.item_ids_[row]: [*q, b] for row, q, b in
               zip(inner.item_ids_, inner.item_factors_, inner.item_biases_, strict=True)}  # fmt: skip
        counts = np.bincount(events[:n, 1], minlength=30)
        good = [item for item in range(30) if counts[item] >= 4]
        Z = X[good].astype(np.float32).astype(float)
        T = np.array([own[item] for item in good]).reshape(len(good), 4)
        np.testing.assert_allclose(W, np.linalg.solve(Z.T @ Z + 0.5 * np.eye(3), Z.T @ T), atol=1e-9)
        kept[n] = W
    assert np.abs(kept[225]).max() > 0
    between = clone(model).partial_fit(events[:200])
    np.testing.assert_array_equal(between.map_, kept[150])  # not when somebody asks, but after so many events


def test_new_items_go_to_those_who_like_their_kind(shop):
    events, X = shop
    old = events[events[:, 1] < 24]
    for estimator in (BPR(4), ImplicitALS(4)):
        model = ColdStartMap(estimator, l2=0.5).set_item_features(np.arange(24), X[:24]).fit(old)
        model.set_item_features(np.arange(24, 30), X[24:])
        right = [
            u % 2 == item % 2
            for u in range(30)
            for item in model.recommend_one(u, 2, candidates=range(24, 30))
        ]
        assert np.mean(right) == 1.0
        assert model.recommend_one(0, candidates=["never heard of"]) == ["never heard of"]


def test_without_features_it_is_the_model(shop):
    events, _ = shop
    model = ColdStartMap(BPR(4)).fit(events)
    inner = model.model_
    rows = [[model._state.users.find(int(u)), model._state.items.find(int(i))] for u, i in events[:50]]
    np.testing.assert_allclose(model.predict(events[:50]), inner.predict(rows), atol=1e-6)


def test_parameters_of_the_model_are_reached_and_guarded(shop):
    events, X = shop
    model = ColdStartMap(BPR(4)).set_item_features(np.arange(30), X)
    assert model.get_params()["estimator__n_factors"] == 4
    model.set_params(estimator__n_factors=6).fit(events)
    assert model.map_.shape == (3, 7)
    model.set_params(estimator__n_factors=5)
    with pytest.raises(ValueError, match="estimator was changed from .* after the model had learned"):
        model.predict(events)
    assert model.fit(events).map_.shape == (3, 6)


def test_what_has_no_factors_is_refused():
    with pytest.raises(
        ValueError, match="estimator must be a recommender with item_factors_, as BPR or ImplicitALS; got Pop"
    ):
        ColdStartMap(Popularity()).fit([["ann", "tea"]])
    with pytest.raises(
        ValueError, match="The estimator has a time_col and the ColdStartMap has none. Set time_col."
    ):
        ColdStartMap(BPR(time_col="time")).fit([["ann", "tea"]])
    with pytest.raises(ValueError, match="there are 3 columns, and max_features=2"):
        ColdStartMap(BPR(4), max_features=2).set_item_features({"tea": {"a": 1, "b": 1, "c": 1}})


# -- ratings -----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def films(shop):
    """Camps as in the shop: users rate their own kind with 5, the other with 2, whoever comes."""
    events, X = shop
    y = np.where(events[:, 0] % 2 == events[:, 1] % 2, 5.0, 2.0) + np.random.default_rng(1).normal(
        0, 0.3, len(events)
    )
    other = events.copy()
    other[:, 1] = (other[:, 1] + np.arange(len(events)) % 2) % 24  # half of the ratings are of the other kind
    return other, np.where(other[:, 0] % 2 == other[:, 1] % 2, 5.0, 2.0) + y % 0.5, X


@pytest.mark.parametrize(
    "estimator",
    [
        BiasedMF(4),
        BiasedMF(4, implicit="history"),
        KalmanMF(4),
        FactorizationMachine(4),
    ],
    ids=["mf", "history", "kalman", "machine"],
)
def test_ratings_are_those_of_the_model_with_what_the_map_adds(films, estimator):
    events, y, X = films
    model = RatingColdStartMap(estimator, l2=0.5, shrinkage=3.0, min_events=4)
    model.set_item_features(np.arange(30), X).fit(events, y)
    inner, state = model.model_, model._state
    counts = np.bincount(events[:, 1], minlength=30)
    items = [state.items.find(item) for item in range(30)]
    user = state.users.find(7)
    P = np.append(inner._factors(inner._state)[0][np.array([inner._state.users.find(user)])][0, :4], 1.0)
    expected = inner.predict([[user, item] for item in items])
    expected += np.std(y) * (3.0 / (counts + 3.0)) * (X.astype(np.float32) @ model.map_ @ P)
    np.testing.assert_allclose(model.predict([[7, item] for item in range(30)]), expected, rtol=1e-4)
    new = model.predict([[u, 28 + side] for u in range(6) for side in (0, 1)]).reshape(6, 2)
    assert all(row[u % 2] > row[1 - u % 2] + 1.0 for u, row in enumerate(new))  # nobody had them


def test_ratings_of_new_items_are_nearer_with_features(films):
    events, y, X = films
    old = events[:, 1] < 18
    for estimator in (BiasedMF(4), KalmanMF(4)):
        plain = clone(estimator).fit(events[old], y[old])
        model = (
            RatingColdStartMap(estimator, l2=0.5).set_item_features(np.arange(30), X).fit(events[old], y[old])
        )
        error = [np.mean((m.predict(events[~old]) - y[~old]) ** 2) for m in (plain, model)]
        assert error[1] < 0.3 * error[0]
    with pytest.raises(
        ValueError, match="estimator must be a rating model with item_factors_, as BiasedMF or Kalman"
    ):
        RatingColdStartMap(BPR()).fit(events, y)
    with pytest.raises(ValueError, match="has no biases, so that .* Set biases=True"):
        RatingColdStartMap(BiasedMF(biases=False)).fit(events, y)
    assert RatingColdStartMap().predict_one({"user": 1, "item": 2}) == BiasedMF().predict_one(
        {"user": 1, "item": 2}
    )
