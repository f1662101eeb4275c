"""Trees on a stream: histories and scores in front of River's trees and of scikit-learn's, refitted by window."""

import numpy as np
import pytest
from river import compose, forest, tree
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_union

from skl_increc.baselines import Baseline
from skl_increc.datasets import iter_events
from skl_increc.preprocessing import HistoryFeatures, ModelScores

DAY = 86400.0


@pytest.fixture(scope="module")
def moods():
    """Ratings that depend on how often the user came in the last ten days: a thing that trees can see."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    n = 1000
    frame = pd.DataFrame({"user": rng.integers(0, 12, n), "item": rng.integers(0, 40, n)})
    frame["timestamp"] = np.sort(rng.uniform(0, 200, n)) * DAY
    often = HistoryFeatures(windows=("10d",), by=("user",), stats=("count",)).fit_transform(frame)[:, 0]
    return frame, np.where(often > 4, 1.0, 5.0) + rng.normal(0, 0.2, n)


def features():
    return {
        "history": HistoryFeatures(windows=("10d", "30d"), stats=("count", "mean", "recency")),
        "scores": ModelScores([("bias", Baseline())]),
    }


@pytest.mark.parametrize(
    "model",
    [tree.HoeffdingAdaptiveTreeRegressor(seed=0), forest.ARFRegressor(n_models=2, seed=0)],
    ids=lambda model: type(model).__name__,
)
def test_rivers_trees_in_rivers_pipeline(moods, model):
    X, y = moods
    pipeline = compose.Pipeline(compose.TransformerUnion(*features().items()), model.clone())
    plain, errors = Baseline(), []
    for x, target in iter_events(X.assign(rating=y), columns=["timestamp"]):
        errors.append((pipeline.predict_one(x) - target, plain.predict_one(x) - target))
        pipeline.learn_one(x, target)
        plain.learn_one(x, target)
    assert set(pipeline["TransformerUnion"].transform_one(x)) > {"bias", "user_count_10d", "item_recency"}
    trees, biases = np.sqrt(np.mean(np.square(errors[300:]), axis=0))
    assert trees < 0.8 * biases


def test_boosted_trees_refitted_by_window(moods):
    X, y = moods
    # the histories of a whole stream at once are honest: each row's are of what came before it
    rows = make_union(*features().values()).fit_transform(X, y)
    boosted = HistGradientBoostingRegressor(max_iter=30, random_state=0)
    predicted = np.zeros(len(y))
    for start in range(300, len(y), 200):  # each block by trees of the 300 events before it
        now = slice(start, start + 200)
        predicted[now] = boosted.fit(rows[start - 300 : start], y[start - 300 : start]).predict(rows[now])
    trees, biases = predicted[300:] - y[300:], rows[300:, -1] - y[300:]
    assert np.sqrt(np.mean(trees**2)) < 0.8 * np.sqrt(np.mean(biases**2))


def test_boosted_trees_in_scikit_learns_pipeline(moods):
    X, y = moods
    boosted = HistGradientBoostingRegressor(max_iter=30, random_state=0)
    model = Pipeline([("features", make_union(*features().values())), ("trees", boosted)])
    model.fit(X[:800], y[:800])
    # the next event of each user: histories as of the row's own time, from what was learned
    soon = X[800:].drop_duplicates("user").index
    assert np.sqrt(np.mean((model.predict(X.loc[soon]) - y[soon]) ** 2)) < y.std()
    assert model.predict(X[:1]).shape == (1,)
