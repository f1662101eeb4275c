"""``RankingScorer`` in scikit-learn's searches."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline

from skl_increc.base._ranking import gain
from skl_increc.baselines import Popularity
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import RankingScorer, get_scorer


@pytest.fixture
def ratings():
    rng = np.random.default_rng(0)
    n = 1500
    frame = pd.DataFrame({"user": [f"u{v}" for v in rng.integers(0, 60, n)], "item": rng.zipf(1.5, n) % 80})
    return frame, rng.integers(1, 6, n).astype(float)


def by_hand(model, X, y, metric, k, min_y=None):
    users = {}
    for user, item, value in zip(X["user"], X["item"].tolist(), y, strict=True):
        if value > 0 and (min_y is None or value >= min_y) and not model.seen(user, item):
            users.setdefault(user, set()).add(item)
    return np.mean([gain(metric, model.recommend_one(user, k), items, k) for user, items in users.items()])


@pytest.mark.parametrize("metric", ["ndcg", "recall", "map"])
def test_it_is_the_mean_over_users(metric, ratings):
    X, y = ratings
    model = Popularity().fit(X[:1000], y[:1000])
    held, values = X[1000:], y[1000:]
    assert RankingScorer(metric, k=5)(model, held, values) == pytest.approx(
        by_hand(model, held, values, metric, 5)
    )
    want = by_hand(model, held, values, metric, 5, min_y=4)
    assert RankingScorer(metric, k=5, min_y=4)(model, held, values) == pytest.approx(want)
    own = Popularity(min_y=4).fit(X[:1000], np.full(1000, 4.0))  # its own min_y counts
    assert RankingScorer(metric, k=5)(own, held, values) == pytest.approx(want)
    assert RankingScorer("ndcg")(model, held, values) == model.score(held, values)
    assert RankingScorer("ndcg")(model, held) == model.score(held)
    unnamed = Popularity().fit(X[:1000].to_numpy(), y[:1000])
    assert RankingScorer("ndcg")(unnamed, held.to_numpy(), values) == model.score(held, values)
    assert RankingScorer("ndcg")(model, held, values, np.full(500, 3.0)) == pytest.approx(
        model.score(held, values)
    )


def test_models_taught_by_events_and_candidates(ratings):
    X, y = ratings
    model = Popularity()
    for x, value in zip(X[:1000].to_dict("records"), y, strict=False):
        model.learn_one(x, value)
    assert RankingScorer()(model, X[1000:]) == Popularity().fit(X[:1000], y[:1000]).score(X[1000:])
    few = RankingScorer("hit_rate", k=3, candidates=[1, 2], exclude_seen=False)
    assert few(model, pd.DataFrame({"user": ["new", "new"], "item": [1, 3]})) == 1.0
    assert few(model, pd.DataFrame({"user": ["new", "new"], "item": [4, 3]})) == 0.0


def test_searches_and_pipelines(ratings):
    X, y = ratings
    folds = TimeSeriesSplit(3)
    scorer = RankingScorer("ndcg", k=10)
    plain = cross_val_score(Popularity(), X, y, cv=folds, scoring=scorer)
    assert np.isfinite(plain).all() and (plain > 0).all()
    select = ColumnTransformer([("ids", "passthrough", ["user", "item"])], verbose_feature_names_out=False)
    pipeline = make_pipeline(select.set_output(transform="pandas"), Popularity())
    wide = X.assign(noise=1.0)[["noise", "item", "user"]]
    np.testing.assert_array_equal(cross_val_score(pipeline, wide, y, cv=folds, scoring=scorer), plain)
    grid = {"biasedmf__l2": [0.01, 0.1]}
    search = GridSearchCV(make_pipeline(BiasedMF(n_factors=2)), grid, cv=folds, scoring=scorer)
    search.fit(X[:1200], y[:1200])
    assert 0 < search.best_score_ < 1
    held = X[1200:], y[1200:]
    assert scorer(search, *held) == scorer(search.best_estimator_[-1], *held) > 0


def test_repr_and_pickle():
    scorer = RankingScorer("recall", k=5, min_y=4.0, candidates=("a", "b"))
    assert repr(scorer) == "RankingScorer('recall', k=5, min_y=4.0, candidates=['a', 'b'])"
    assert repr(pickle.loads(pickle.dumps(scorer))) == repr(scorer)


def test_what_it_refuses(ratings):
    X, y = ratings
    with pytest.raises(ValueError, match="There is no ranking metric 'r2'; there are"):
        RankingScorer("r2")
    with pytest.raises(ValueError, match="'ndcg@x' is no name of a ranking metric: write 'ndcg@10'"):
        RankingScorer("ndcg@x")
    with pytest.raises(ValueError, match="'auc@10' is no name of a ranking metric"):
        get_scorer("auc@10")
    with pytest.raises(TypeError, match="is named by a text such as 'ndcg@10'; got 10"):
        get_scorer([10])
    for bad in ([], ["ndcg", "ndcg@10"]):
        with pytest.raises(ValueError, match="at least one metric, and none twice"):
            RankingScorer(bad)
    with pytest.raises(ValueError, match="diversity needs item_vectors"):
        RankingScorer("diversity")
    with pytest.raises(ValueError, match="coverage@10 has no sampled form: n_sampled is for"):
        RankingScorer("coverage", n_sampled=10)
    with pytest.raises(ValueError, match="n_sampled must be a number of items, at least 1; got 0"):
        RankingScorer(n_sampled=0)
    with pytest.raises(ValueError, match="k must be a whole number of places, at least 1; got 0"):
        RankingScorer("ndcg", k=0)
    with pytest.raises(
        TypeError, match="RankingScorer\\('ndcg', k=10\\) scores models that recommend; a Ridge has no"
    ):
        RankingScorer()(Ridge(), X, y)
    with pytest.raises(NotFittedError):
        RankingScorer()(Popularity(), X, y)
    model = Popularity().fit(X, y)
    with pytest.warns(UndefinedMetricWarning, match="No held-out pair is left"):
        assert math.isnan(RankingScorer()(model, X, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RankingScorer()(model, X, y[:-1])
    assert clone(model).get_params() == model.get_params()
