"""Successive halving along the stream: what each rung sees, who goes on, and scikit-learn's search interface."""

import datetime as dt
import pickle
import warnings

import numpy as np
import pytest
from joblib import parallel_config
from river import metrics, reco
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skl_increc.baselines import Popularity
from skl_increc.datasets import make_interactions
from skl_increc.factorization import BiasedMF, BiasedMFClassifier
from skl_increc.model_selection import ProgressiveSearchCV, progressive_validate
from skl_increc.model_selection._rungs import Questions, advance, plan_rungs
from skl_increc.model_selection._table_of_events import read_events_of

GRID = {"l2": [0.01, 1000.0], "n_factors": [2, 4]}


@pytest.fixture(scope="module")
def data():
    return make_interactions(1200, n_users=60, n_items=80, backend="pandas", return_X_y=True)


def model(**more):
    return BiasedMF(n_factors=4, time_col="timestamp", **more)


@pytest.mark.parametrize(
    "search",
    [
        ProgressiveSearchCV(BiasedMF(n_factors=4), {"l2": [0.01, 0.1]}),
        ProgressiveSearchCV(Popularity(), {"half_life": [None, 9]}),
    ],
    ids=["rating", "ranking"],
)
def test_scikit_learns_checks(search):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = check_estimator(search, on_fail=None, on_skip=None)
    # as of the model inside: order matters to it
    allowed = {"check_sample_weight_equivalence_on_dense_data"}
    failed = {r["check_name"]: r["exception"] for r in outcomes if r["status"] == "failed"}
    assert not set(failed) - allowed, failed


def test_each_rung_goes_on_where_the_last_one_stopped(data):
    """The score of a rung is that of its events alone, of a model that learned all events before."""
    X, y = data
    search = ProgressiveSearchCV(model(), GRID, factor=2).fit(X, y)
    frame = X.assign(rating=y)
    found = search.cv_results_
    assert search.n_candidates_ == [4, 2, 1] and search.n_resources_[-1] == 1200
    assert found["iter"].tolist() == [0] * 4 + [1] * 2 + [2]
    starts = [0, *search.n_resources_]
    for row, params in enumerate(found["params"]):
        stop, start = found["n_resources"][row], starts[found["iter"][row]]
        ordered = frame.sort_values("timestamp", kind="stable").iloc[:stop]
        alone = progressive_validate(
            clone(search.estimator).set_params(**params), ordered, warmup=start, metrics="rmse"
        )
        assert found["mean_test_score"][row] == pytest.approx(-alone.summary()[0]["RMSE"], rel=1e-12)


def test_the_best_go_on_and_the_best_of_the_last_rung_wins(data):
    search = ProgressiveSearchCV(model(), GRID, factor=2).fit(*data)
    found = search.cv_results_
    first = sorted(range(4), key=lambda row: -found["mean_test_score"][row])[:2]
    assert [found["params"][row] for row in sorted(first)] == found["params"][4:6]
    assert search.best_index_ == 6 and search.best_params_ == found["params"][6]
    assert search.best_params_["l2"] == 0.01 and search.best_score_ == found["mean_test_score"][6]
    assert found["rank_test_score"][6] == 1 and sorted(found["rank_test_score"][4:6]) == [2, 3]
    assert found["param_l2"][0] == 0.01 and (found["mean_fit_time"] > 0).all()
    assert search.scorer_ == "RMSE" and search.n_iterations_ == 3


def test_the_best_is_fitted_to_everything(data):
    X, y = data
    search = ProgressiveSearchCV(model(), GRID).fit(X, y)
    alone = model().set_params(**search.best_params_).fit(X, y)
    np.testing.assert_array_equal(search.predict(X), alone.predict(X))
    assert search.score(X, y) == alone.score(X, y)
    assert search.recommend([1, 2], 3)[0].shape == (2, 3)
    assert search.feature_names_in_.tolist() == list(X.columns) and not hasattr(search, "predict_proba")
    assert search.estimator._state is None  # the model given is a pattern


def test_rows_in_any_order_and_no_moment_is_cut(data):
    X, y = data
    X = X.assign(timestamp=X["timestamp"] // 100_000)
    mixed = np.random.default_rng(0).permutation(len(y))
    ordered = mixed[np.argsort(X["timestamp"].to_numpy()[mixed], kind="stable")]  # ties as in mixed
    searches = [
        ProgressiveSearchCV(model(), GRID, factor=2).fit(X.iloc[r], y.iloc[r]) for r in (mixed, ordered)
    ]
    np.testing.assert_array_equal(*(s.cv_results_["mean_test_score"] for s in searches))
    times = np.sort(X["timestamp"].to_numpy())
    for stop in searches[0].n_resources_[:-1]:
        assert times[stop - 1] < times[stop]


def test_jobs_of_joblib_carry_it(data):
    alone = ProgressiveSearchCV(model(), GRID, factor=2).fit(*data)
    with parallel_config(backend="threading"):
        many = ProgressiveSearchCV(model(), GRID, factor=2, n_jobs=3).fit(*data)
    np.testing.assert_array_equal(*(s.cv_results_["mean_test_score"] for s in (alone, many)))


def test_dask_carries_it(data):
    distributed = pytest.importorskip("distributed")
    alone = ProgressiveSearchCV(model(), GRID, factor=2).fit(*data)
    with (
        distributed.Client(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None),
        parallel_config(backend="dask"),
    ):
        many = ProgressiveSearchCV(model(), GRID, factor=2, n_jobs=2).fit(*data)
    np.testing.assert_array_equal(*(s.cv_results_["mean_test_score"] for s in (alone, many)))


def test_what_goes_to_another_process_and_comes_back(data):
    """As every backend of joblib sends it: by pickle."""
    table = read_events_of(model(), *data, None)
    questions = Questions("rating", metrics.RMSE(), 10, together=True)

    def two_rungs(send):
        first = send(advance)(*send(({0: model()}, table.until(300), 0, questions, "raise")))
        models = {0: send(first)[0].model}
        return send(advance(*send((models, table.until(900), 300, questions, "raise"))))[0].score

    assert two_rungs(lambda thing: pickle.loads(pickle.dumps(thing))) == two_rungs(lambda thing: thing)


def test_lists_labels_weights_arrays_and_delays(data):
    X, y = data
    lists = ProgressiveSearchCV(Popularity(), {"half_life": [None, 50, 5]}, scoring="hit_rate@5").fit(X, y)
    assert lists.scorer_ == "HitRate@5" and 0 < lists.best_score_ < 1
    ranked = ProgressiveSearchCV(BiasedMF(n_factors=2), {"l2": [0.1]}, task="ranking", k=3).fit(X, y)
    assert ranked.scorer_ == "NDCG@3"
    labels = ProgressiveSearchCV(BiasedMFClassifier(n_factors=2), {"l2": [0.1, 9.0]}).fit(X, y > 3)
    assert labels.best_score_ < 0 and labels.predict_proba(X).shape == (1200, 2)
    assert labels.classes_.tolist() == labels.best_estimator_.classes_.tolist()
    twice = np.r_[np.arange(1200), np.arange(1200)]
    weighted = ProgressiveSearchCV(model(), GRID).fit(
        X.iloc[twice], y.iloc[twice], sample_weight=np.repeat([1.0, 0.0], 1200)
    )
    plain = ProgressiveSearchCV(model(), GRID).fit(X, y)
    np.testing.assert_array_equal(*(s.cv_results_["mean_test_score"] for s in (weighted, plain)))
    array = ProgressiveSearchCV(BiasedMF(n_factors=4, time_col=2), GRID).fit(
        X[["user", "item", "timestamp"]].to_numpy(), y
    )
    assert array.best_score_ == pytest.approx(plain.best_score_)
    late = ProgressiveSearchCV(model(), GRID, delay=dt.timedelta(days=3)).fit(X, y)
    assert late.best_score_ < plain.best_score_


def test_what_is_drawn_is_drawn_again(data):
    space = {"l2": loguniform(1e-3, 1.0), "n_factors": [2, 3]}
    one, two, other = (
        ProgressiveSearchCV(model(), space, n_candidates=3, random_state=seed)
        .fit(*data)
        .cv_results_["params"]
        for seed in (0, 0, 1)
    )
    assert one == two != other and len(one) == 4
    with pytest.raises(ValueError, match="n_candidates='all', but l2 is drawn: say how many to draw"):
        ProgressiveSearchCV(model(), space).fit(*data)


def test_who_fails_is_left_behind(data):
    space = {"learning_rate": [0.05, 1e6, "fast"], "optimizer": ["sgd"]}
    with pytest.warns(FitFailedWarning, match="candidate 2 failed, and is out of the search"):
        search = ProgressiveSearchCV(model(), space).fit(*data)
    scores = search.cv_results_["mean_test_score"]
    assert search.best_params_["learning_rate"] == 0.05 and np.isnan(scores[2]) and np.isfinite(scores[0])
    with pytest.raises((TypeError, ValueError)) as caught:
        ProgressiveSearchCV(model(), space, error_score="raise").fit(*data)
    assert "candidate 2" in caught.value.__notes__[0]
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match="None of 1 candidates has a score in rung 1"),
    ):
        ProgressiveSearchCV(model(), {"learning_rate": ["fast"]}).fit(*data)


def test_without_refit(data):
    search = ProgressiveSearchCV(model(), {"l2": [0.1]}, refit=False).fit(*data)
    assert search.best_params_ == {"l2": 0.1} and not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError, match="has no attribute 'predict'"):
        search.predict(data[0])
    with pytest.raises(NotFittedError):
        ProgressiveSearchCV(model(), {"l2": [0.1]}).predict(data[0])


def test_parameters_reach_the_model_inside():
    search = ProgressiveSearchCV(model(), GRID).set_params(estimator__l2=7.0, factor=4)
    again = clone(search)
    assert (again.estimator.l2, again.factor) == (7.0, 4) and again.get_params()["estimator__l2"] == 7.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"factor": 1}, "factor must be above 1; got 1"),
        ({"min_resources": 5000}, "min_resources=5000 is more than the 1200 events there are to use"),
        ({"min_resources": 0}, "min_resources must be a whole number, at least 1; got 0"),
        ({"max_resources": 0}, "max_resources must be a whole number, at least 1; got 0"),
        ({"n_candidates": 0}, "n_candidates must be a whole number, at least 1; got 0"),
        ({"k": 0}, "k must be a whole number, at least 1; got 0"),
        ({"ties": "apart"}, "ties must be 'together' or 'order'; got 'apart'"),
        ({"error_score": 0.0}, "error_score must be 'raise' or nan; got 0.0"),
        ({"scoring": "auc"}, "There is no rating metric 'auc'"),
        ({"scoring": "ndcg@x", "task": "ranking"}, "scoring='ndcg@x' has no number of places after the @"),
        ({"delay": -1}, "delay must be at least 0"),
        ({"task": "binary"}, "task='binary', but BiasedMF cannot classify"),
    ],
)
def test_settings_are_checked(data, setting, message):
    with pytest.raises(ValueError, match=message):
        ProgressiveSearchCV(model(), {"l2": [0.1, 0.2]}, **setting).fit(*data)


@pytest.mark.parametrize("other", [reco.Baseline(), make_pipeline(StandardScaler(), BiasedMF())])
def test_estimators_of_others_are_refused(data, other):
    message = f"estimator must be a model of skl_increc, .*; got a {type(other).__name__}. Of a pipeline, search the"
    with pytest.raises(TypeError, match=message):
        ProgressiveSearchCV(other, {"l2": [0.1]}).fit(*data)


def test_rungs():
    assert [tuple(vars(r).values()) for r in plan_rungs(10, 3, 50, None, 1000)] == [
        (10, 50),
        (4, 150),
        (2, 1000),
    ]
    assert [tuple(vars(r).values()) for r in plan_rungs(10, 3, 400, 900, 1000)] == [(10, 900)]
    assert [r.stop for r in plan_rungs(1, 3, "exhaust", None, 77)] == [77]
    assert [r.n_candidates for r in plan_rungs(2, 1.5, "exhaust", None, 10)] == [2, 2]
