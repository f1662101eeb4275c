"""Scorers by name, several at once, per user, of the whole catalogue, and inside scikit-learn's machinery."""

import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skl_increc import metrics
from skl_increc.baselines import Baseline, Popularity
from skl_increc.datasets import make_interactions
from skl_increc.exceptions import SampledMetricWarning
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import RankingScorer, get_scorer, get_scorer_names
from skl_increc.model_selection import TemporalSplit

FOLDS = TemporalSplit(2, time_col="timestamp")


@pytest.fixture(scope="module")
def ratings():
    return make_interactions(1500, 60, 50, return_X_y=True, backend="pandas", random_state=0)


@pytest.fixture(scope="module")
def fitted(ratings):
    X, y = ratings
    model = BiasedMF(4).fit(X[:1000], y[:1000])
    return model, X[1000:], y[1000:]


# -- names ---------------------------------------------------------------------------------------------------


def test_names(fitted):
    model, X, y = fitted
    for name in get_scorer_names():
        if name == "diversity":
            continue
        text = name if name == "auc" else f"{name}@5"
        value = get_scorer(text)(model, X, y)
        assert value == RankingScorer(name, k=5)(model, X, y) and math.isfinite(value)
    assert repr(get_scorer("ndcg@5")) == "RankingScorer('ndcg@5')"
    assert repr(get_scorer("auc", min_y=3)) == "RankingScorer('auc', min_y=3)"
    several = get_scorer(["ndcg@5", "recall"], item_counts={1: 2})
    assert repr(several) == "RankingScorer(['ndcg@5', 'recall'], item_counts=...)"


def test_several_at_once_ask_for_lists_once(fitted):
    model, X, y = fitted
    calls = []

    class Counting(type(model)):
        def recommend(self, users, k=10, **options):
            calls.append(k)
            return super().recommend(users, k, **options)

    model = pickle.loads(pickle.dumps(model))
    model.__class__ = Counting
    names = ["ndcg@5", "recall@20", "coverage@3", "neg_gini@10"]
    found = get_scorer(names)(model, X, y)
    assert calls == [20] and list(found) == names
    assert found == {name: get_scorer(name)(fitted[0], X, y) for name in names}


def test_by_user(fitted):
    model, X, y = fitted
    for name in ("ndcg@5", "auc"):
        scorer = get_scorer(name)
        users, values = scorer.by_user(model, X, y)
        assert values.mean() == pytest.approx(scorer(model, X, y)) and values.dtype == np.float64
        assert set(users) <= set(X["user"]) and len(set(users)) == len(users)
        alone = X[X["user"] == users[3]]
        assert scorer(model, alone, y[alone.index]) == pytest.approx(values[3])
    users, values = get_scorer("ndcg").by_user(model, X[:1], np.zeros(1))
    assert len(users) == len(values) == 0
    for bad in (["ndcg", "recall"], "coverage"):
        with pytest.raises(ValueError, match="by_user needs one metric that is a mean over users"):
            get_scorer(bad).by_user(model, X, y)


def test_auc_is_over_all_items_that_the_user_did_not_have(fitted):
    model, X, y = fitted
    users, values = get_scorer("auc", min_y=1).by_user(model, X, y)
    items = model.item_ids_
    for user, value in list(zip(users, values, strict=True))[:15]:
        wanted = set(X["item"][X["user"] == user])
        open_to = [item for item in items if not model.seen(user, item)]
        pairs = pd.DataFrame({"user": user, "item": open_to, "timestamp": 0})
        flags = [item in wanted for item in open_to]
        assert value == pytest.approx(roc_auc_score(flags, model.predict(pairs)))


def test_auc_of_items_that_the_model_does_not_know():
    model = Popularity().fit([[1, "a"], [2, "a"], [2, "b"]])
    assert get_scorer("auc")(model, [[3, "a"], [3, "new"]]) == 1 / 2  # "new" is below all others
    assert get_scorer("auc", candidates=["a", "b"])(model, [[9, "b"]]) == 0.0
    with pytest.warns(UndefinedMetricWarning, match="No held-out pair is left"):
        assert math.isnan(get_scorer("auc")(model, [[1, "a"]]))


# -- measures of all lists -----------------------------------------------------------------------------------


def test_measures_of_the_catalogue_are_the_functions(fitted):
    model, X, y = fitted
    users = list(dict.fromkeys(X["user"]))
    asked = [u for u in users if any(not model.seen(u, i) for i in X["item"][X["user"] == u])]
    lists, _ = model.recommend(asked, 5)
    had = dict(zip(model.item_ids_, model.to_csr().sum(axis=0), strict=True))
    n_users = len(model.user_ids_)
    vectors = dict(zip(model.item_ids_, model.item_factors_, strict=True))
    want = {
        "coverage@5": metrics.catalog_coverage(lists, model.item_ids_),
        "neg_gini@5": -metrics.gini(lists, len(model.item_ids_)),
        "novelty@5": metrics.novelty(lists, had, n_events=n_users),
        "neg_popularity_bias@5": -metrics.popularity_bias(lists, had),
        "diversity@5": metrics.diversity(lists, vectors),
    }
    found = get_scorer(list(want), item_vectors=vectors)(model, X, y)
    assert found == pytest.approx(want)
    events = ["nothing", *X["item"]]
    assert get_scorer("novelty@5", item_counts=events)(model, X, y) == metrics.novelty(lists, events)
    few = model.item_ids_[:7].tolist()
    assert get_scorer("coverage@9", candidates=few, exclude_seen=False)(model, X, y) == 1.0


def test_popularity_that_nobody_remembers(ratings):
    X, y = ratings
    model = Popularity(history=0).fit(X, y)
    with pytest.raises(ValueError, match="keeps no record of who had what.*give item_counts="):
        get_scorer("novelty")(model, X, y)
    assert get_scorer("novelty", item_counts=X["item"])(model, X, y) > 0


# -- scikit-learn's machinery --------------------------------------------------------------------------------


def pipeline(model):
    ids = ColumnTransformer(
        [("ids", "passthrough", ["user", "item"]), ("time", FunctionTransformer(), ["timestamp"])],
        verbose_feature_names_out=False,
    )
    return make_pipeline(ids.set_output(transform="pandas"), model)


def test_in_pipelines_and_searches(ratings):
    X, y = ratings
    scoring = get_scorer("ndcg@10", min_y=3)
    grid = {"biasedmf__n_factors": [1, 4], "biasedmf__l2": [0.01, 0.1]}
    searches = [
        GridSearchCV(pipeline(BiasedMF()), grid, cv=FOLDS, scoring=scoring),
        RandomizedSearchCV(pipeline(BiasedMF()), grid, n_iter=3, cv=FOLDS, scoring=scoring, random_state=0),
    ]
    for search in searches:
        search.fit(X, y)
        best = pipeline(BiasedMF()).set_params(**search.best_params_)
        assert search.best_score_ == np.mean(cross_val_score(best, X, y, cv=FOLDS, scoring=scoring)) > 0
        held = X.assign(item=X["item"].to_numpy()[::-1])
        assert scoring(search, held, y) == scoring(search.best_estimator_, held, y) > 0


def test_halving_over_epochs(ratings):
    X, y = ratings
    search = HalvingRandomSearchCV(
        BiasedMF(2),
        {"learning_rate": [0.02, 0.05, 0.1, 0.2], "l2": [0.01, 0.1]},
        n_candidates=4,
        resource="n_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=FOLDS,
        scoring=get_scorer("ndcg@10"),
        return_train_score=False,  # there is nothing to ask for: the users had it all
        random_state=0,
    ).fit(X, y)
    assert search.n_resources_ == [1, 2, 4]
    assert search.best_params_["n_epochs"] == search.best_estimator_.n_epochs == 4
    assert 0 < search.best_score_ < 1


def test_several_scorers(ratings):
    X, y = ratings
    names = ["ndcg@10", "recall@20", "coverage@10"]
    at_once = cross_validate(Baseline(), X, y, cv=FOLDS, scoring=get_scorer(names))
    one_by_one = cross_validate(Baseline(), X, y, cv=FOLDS, scoring={n: get_scorer(n) for n in names})
    with_r2 = cross_validate(Baseline(), X, y, cv=FOLDS, scoring={"r2": "r2", "ndcg": get_scorer("ndcg@10")})
    for name in names:
        np.testing.assert_array_equal(at_once[f"test_{name}"], one_by_one[f"test_{name}"])
    np.testing.assert_array_equal(with_r2["test_ndcg"], at_once["test_ndcg@10"])
    search = GridSearchCV(
        BiasedMF(2), {"l2": [0.01, 1.0]}, cv=FOLDS, scoring=get_scorer(names), refit="recall@20"
    )
    search.fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_recall@20"].max()


def test_in_other_processes(ratings):
    X, y = ratings
    scoring = get_scorer(["ndcg@10", "auc"])
    alone = cross_validate(BiasedMF(2), X, y, cv=FOLDS, scoring=scoring)
    apart = cross_validate(BiasedMF(2), X, y, cv=FOLDS, scoring=scoring, n_jobs=2)
    for name in ("test_ndcg@10", "test_auc"):
        np.testing.assert_array_equal(alone[name], apart[name])


def test_metadata_routing(ratings):
    X, y = ratings
    rng = np.random.default_rng(0)
    weights = rng.integers(0, 3, len(y)).astype(float)
    train, test = next(FOLDS.split(X))
    model = Baseline().fit(X.iloc[train], y.iloc[train])
    want = get_scorer("ndcg@10")(model, X.iloc[test], y.iloc[test], weights[test])
    assert want != get_scorer("ndcg@10")(model, X.iloc[test], y.iloc[test])
    with sklearn.config_context(enable_metadata_routing=True):
        one = get_scorer("ndcg@10").set_score_request(sample_weight=True)
        plain = Baseline().set_fit_request(sample_weight=False)
        params = {"sample_weight": weights}
        assert cross_val_score(plain, X, y, cv=FOLDS, scoring=one, params=params)[0] == want
        both = {"weighted": one, "plain": get_scorer("ndcg@10").set_score_request(sample_weight=False)}
        found = cross_validate(plain, X, y, cv=FOLDS, scoring=both, params=params)
        assert found["test_weighted"][0] == want != found["test_plain"][0]
        renamed = get_scorer("ndcg@10").set_score_request(sample_weight="importance")
        routed = cross_val_score(plain, X, y, cv=FOLDS, scoring=renamed, params={"importance": weights})
        assert routed[0] == want
        with pytest.raises(ValueError, match="sample_weight"):  # nobody said who wants them
            cross_val_score(plain, X, y, cv=FOLDS, scoring=get_scorer("ndcg@10"), params=params)


# -- sampled evaluation --------------------------------------------------------------------------------------


def test_sampling_warns_once_and_stays_near_the_full_ranking():
    X, y = make_interactions(4000, 150, 300, return_X_y=True, backend="pandas", random_state=1)
    model = Popularity().fit(X[:3000], y[:3000])
    held = X[3000:], y[3000:]
    full = get_scorer("hit_rate@10")
    with pytest.warns(SampledMetricWarning, match="n_sampled=100: items are ranked among a sample") as caught:
        sampled = RankingScorer("hit_rate@10", n_sampled=100)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = sampled(model, *held)
        assert value == sampled(model, *held) == pickle.loads(pickle.dumps(sampled))(model, *held)
    assert 0 < full(model, *held) < 1 and math.isfinite(value)
