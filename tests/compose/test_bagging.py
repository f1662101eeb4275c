"""Bagging: what each copy is taught."""

import numpy as np
import pandas as pd
import pytest

import skl_increc
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import Bagging, Fallback, RatingBagging
from skl_increc.factorization import BPR
from skl_increc.neighbors import ItemKNN


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


@pytest.mark.parametrize(
    "estimator",
    [
        BPR(4, n_negatives=3),
        Popularity(half_life=30.0, time_col="t", min_y=2),
        Fallback(),
        ItemKNN(window=50),
    ],
    ids=lambda model: type(model).__name__,
)
def test_threads_and_tables_change_nothing(estimator):
    """Copies learn a table by themselves, however many threads there are: as if event by event."""
    rng = np.random.default_rng(4)
    events = pd.DataFrame(stream(), columns=["user", "item"]).assign(
        t=np.sort(rng.integers(0, 90, 200)) * 1.0
    )
    events.loc[rng.random(200) < 0.1, "user"] = None
    y, w = rng.integers(1, 5, 200), rng.choice([0.0, 1.0, 2.0], 200)
    models = [Bagging(estimator, 4, n_jobs=n, time_col="t") for n in (None, 3)]
    for model in models:
        model.fit(events[:60], y[:60], w[:60]).partial_fit(events[60:], y[60:], w[60:])
    one = Bagging(estimator, 4, time_col="t")
    for event, strong, weight in zip(events.to_dict("records"), y, w, strict=True):
        one.learn_one(event, strong, weight)
    for model in models:
        assert (model.predict(events) == one.predict(events)).all()
        assert model._state.n_events == one._state.n_events and model.n_late_ == one.n_late_
        assert [m._state.n_events for m in model.estimators_] == [m._state.n_events for m in one.estimators_]
        assert model.recommend_one(3) == one.recommend_one(3)


class Failing(Popularity):
    """A model in Python that fails when it has learned ten events."""

    def _make_learner(self, state):
        return None

    def _configure(self, state):
        pass

    def _learn(self, state, u, i, y, w, t):
        if state.n_events >= 10:
            raise MemoryError("no memory for this")

    def _score(self, state, u, i):
        return np.zeros(len(u))


def test_a_copy_that_fails_at_a_table_changes_nothing():
    model = Bagging(Failing(), 3, n_jobs=2).fit(stream(5))
    before = len(model.user_ids_), [m._state.n_events for m in model.estimators_]
    with pytest.raises(MemoryError, match="no memory for this"):
        model.partial_fit(stream(50, seed=1))
    assert (len(model.user_ids_), [m._state.n_events for m in model.estimators_]) == before


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
