"""ModelScores: what models predict, before they learn."""

import numpy as np
import pytest
from river import checks as river_checks
from river import linear_model
from river.dummy import StatisticRegressor
from river.stats import Mean
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline, make_union
from sklearn.utils.estimator_checks import estimator_checks_generator

from skl_increc.baselines import Baseline, Popularity
from skl_increc.datasets import iter_events, make_interactions
from skl_increc.factorization import BiasedMF
from skl_increc.preprocessing import HistoryFeatures, ModelScores


@pytest.fixture(scope="module")
def ratings():
    pytest.importorskip("pandas")
    frame = make_interactions(600, n_users=40, n_items=30, backend="pandas")
    frame["timestamp"] = np.arange(len(frame)) // 3 * 3600
    return frame.drop(columns="rating"), frame["rating"].to_numpy()


def models():
    return [("bias", Baseline()), ("mf", BiasedMF(n_factors=4))]


def test_fit_transform_is_what_rivers_order_gives(ratings):
    X, y = ratings
    scores = ModelScores(models())
    found = scores.fit_transform(X, y)
    stream, rows = ModelScores(models()), []
    for x, target in iter_events(X.assign(rating=y)):
        rows.append(list(stream.transform_one(x).values()))
        stream.learn_one(x, target)
    np.testing.assert_array_equal(found, rows)
    np.testing.assert_array_equal(scores.transform(X), stream.transform_many(X))
    assert list(scores.get_feature_names_out()) == ["bias", "mf"]
    assert all(not hasattr(model, "estimators_") for model in scores.estimators)


def test_rows_of_one_time_are_predicted_together(ratings):
    X, y = ratings
    shuffled = np.random.default_rng(0).permutation(len(X))
    timed = ModelScores(models(), time_col="timestamp")
    found = timed.fit_transform(X.iloc[shuffled], y[shuffled])
    alone = Baseline()
    for t in range(0, 30, 3):
        rows = np.flatnonzero(np.isin(shuffled, range(t, t + 3)))
        expected = alone.predict_many(X.iloc[shuffled[rows]]).to_numpy()
        np.testing.assert_allclose(found[rows, 0], expected)
        for row in rows:
            alone.learn_one(X.iloc[shuffled[row]].to_dict(), y[shuffled[row]])


def test_partial_fit_goes_on(ratings):
    X, y = ratings
    whole = ModelScores(models()).fit(X, y)
    halves = ModelScores(models()).partial_fit(X[:200], y[:200])
    halves.learn_many(X[200:], y[200:])
    np.testing.assert_array_equal(halves.transform(X), whole.transform(X))


def test_beside_histories_in_pipelines_of_both_libraries(ratings):
    X, y = ratings
    features = make_union(HistoryFeatures(), ModelScores(models(), time_col="timestamp"))
    model = make_pipeline(features, LinearRegression()).fit(X, y)
    alone = make_pipeline(ModelScores(models(), time_col="timestamp"), LinearRegression()).fit(X, y)
    assert np.isfinite(model.predict(X)).all() and alone.predict(X).shape == y.shape
    union = HistoryFeatures() + ModelScores(models())
    stream = union | linear_model.LinearRegression()
    for x, target in iter_events(X.assign(rating=y), columns=["timestamp"]):
        stream.predict_one(x)
        stream.learn_one(x, target)
    found = stream["TransformerUnion"].transform_one(x)
    assert {"bias", "mf", "user_count_10d"} <= set(found)
    assert stream["TransformerUnion"]["ModelScores"].estimators_[0][1].nbytes > 0


def test_recommenders_give_scores_too(ratings):
    X, _ = ratings
    found = ModelScores([("popularity", Popularity())]).fit_transform(X)
    assert (found[0] == 0).all() and found[-1] > 0


@pytest.mark.parametrize(
    ("estimators", "error", "message"),
    [
        ([], ValueError, "must be \\(name, estimator\\) pairs"),
        ([Baseline()], ValueError, "must be \\(name, estimator\\) pairs"),
        ([("a", Baseline()), ("a", Baseline())], ValueError, "with different names"),
        ([("a", LinearRegression())], TypeError, "LinearRegression has no learn_one and predict_one"),
    ],
)
def test_what_cannot_be_is_refused(estimators, error, message):
    with pytest.raises(error, match=message):
        ModelScores(estimators).fit([["a", "b"]], [1])


def test_nothing_is_transformed_before_fit():
    with pytest.raises(NotFittedError):
        ModelScores(models()).transform([["a", "b"]])


CHECKS = list(estimator_checks_generator(ModelScores([("bias", Baseline())]), mark=None))
#: of events that were learned it knows more afterwards than before
EXPECTED = {"check_transformer_general", "check_transformer_data_not_an_array"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("at", range(len(CHECKS)), ids=[check.func.__name__ for _, check in CHECKS])
def test_scikit_learns_checks(at):
    model, check = CHECKS[at]
    if check.func.__name__ in EXPECTED:
        with pytest.raises(AssertionError, match="fit_transform"):
            check(model)
    else:
        check(model)


RIVER = list(river_checks.yield_checks(ModelScores([("mean", StatisticRegressor(Mean()))])))


@pytest.mark.parametrize("check", RIVER, ids=[check.__name__ for check in RIVER])
def test_rivers_checks(check):
    check(ModelScores([("mean", StatisticRegressor(Mean()))]))
