"""Bagging: what each copy is taught."""

import numpy as np
import pytest

import skl_increc
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import Bagging, RatingBagging
from skl_increc.factorization import BPR


def stream(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return list(zip(rng.integers(0, 30, n).tolist(), rng.integers(0, 20, n).tolist(), strict=True))


def test_the_draws_are_poisson_and_differ():
    model = Bagging(Popularity(history=0), 4).fit([("u", j) for j in range(3000)])
    told = np.array([[one.predict_one(item=j) for j in range(3000)] for one in model.estimators_])
    for row in told:
        shares = np.bincount(row.astype(int), minlength=4)[:4] / 3000
        np.testing.assert_allclose(shares, [0.368, 0.368, 0.184, 0.061], atol=0.03)
    assert np.abs(np.corrcoef(told) - np.eye(4)).max() < 0.08
    np.testing.assert_allclose(model.predict([("u", j) for j in range(3000)]), told.mean(axis=0))


def test_any_cut_and_a_file_give_the_same_bits(tmp_path):
    events = stream()
    one, batch = (Bagging(BPR(4, n_negatives=3), 3) for _ in range(2))
    for user, item in events:
        one.learn_one({"user": user, "item": item})
    batch.fit(events[:70])
    skl_increc.save(batch, tmp_path / "model.npz")
    batch = skl_increc.load(tmp_path / "model.npz").partial_fit(events[70:])
    np.testing.assert_array_equal(one.predict(events), batch.predict(events))
    assert one.recommend_one(3) == batch.recommend_one(3)
    items, scores = one.recommend([3, "nobody"], 4)
    np.testing.assert_allclose(scores[0], one.predict([(3, i) for i in items[0]]))
    assert len({one._state.stores[f"member_{m}"].model.random_state for m in range(3)}) == 3
    other = Bagging(BPR(4, n_negatives=3), 3, random_state=1).fit(events)
    assert not np.array_equal(one.predict(events), other.predict(events))


def test_ratings():
    events, y = stream(), np.random.default_rng(1).normal(3, 1, 200)
    model = RatingBagging(Baseline(), 30).fit(events, y)
    np.testing.assert_allclose(model.predict(events), Baseline().fit(events, y).predict(events), atol=0.4)
    assert model.set_params(estimator__l2_user=1.0).get_params()["estimator__l2_user"] == 1.0
    with pytest.raises(ValueError, match="estimator was changed"):
        model.predict(events)


def test_what_it_refuses():
    with pytest.raises(ValueError, match="estimator"):
        Bagging(3).fit(stream(5))
    with pytest.raises(ValueError, match="The estimator has a time_col and the Bagging has none"):
        Bagging(Popularity(time_col="t")).fit(stream(5))
