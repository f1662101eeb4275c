"""Metrics of groups of questions, and over windows that move along the stream."""

import math

import numpy as np
import pytest

from skl_increc.model_selection import LearningCurveByUserAgeDisplay, ProgressiveDisplay, progressive_validate
from skl_increc.model_selection._scores import find_score


@pytest.fixture
def ratings(rater, stream):
    return progressive_validate({"a": rater(), "b": rater()}, list(stream()), step=100)


@pytest.fixture
def lists(recommender, stream):
    return progressive_validate(recommender(), list(stream()), k=5, metrics=["hit_rate", "ndcg", "coverage"])


def test_cold_and_warm_users_new_and_known_items(ratings):
    arrays = ratings.outcomes("a")
    for by, column, names in (("user", "user_age", ("cold", "warm")), ("item", "item_age", ("new", "known"))):
        rows = {(row["group"], row["model"]): row for row in ratings.groups(by).rows}
        for name, mask in zip(names, (arrays[column] == 0, arrays[column] > 0), strict=True):
            row = rows[name, "a"]
            assert row["n_asked"] == mask.sum() > 0
            assert row["RMSE"] == pytest.approx(math.sqrt(np.mean(arrays["error"][mask] ** 2)))
            assert row["MAE"] == pytest.approx(np.mean(np.abs(arrays["error"][mask])))
    assert sum(row["n_asked"] for row in ratings.groups("item").rows if row["model"] == "b") == 400


def test_activity_popularity_and_groups_of_ones_own(lists, ratings):
    found = lists.groups("activity", edges=[0, 5, 10])
    assert [row["group"] for row in found.rows] == ["0-4", "5-9", "10+"]
    assert found.metrics == ["HitRate@5", "NDCG@5"]  # coverage is no mean over questions
    assert str(found).splitlines()[0].split() == ["group", "model", "HitRate@5", "NDCG@5", "asked"]
    whole = sum(row["HitRate@5"] * row["n_asked"] for row in found.rows) / 400
    assert whole == pytest.approx(lists.summary()[0]["HitRate@5"])
    assert [row["group"] for row in lists.groups("popularity").rows][:4] == ["0", "1", "2", "3-4"]
    first = lists.groups(["early"] * 200 + ["late"] * 200, metrics=["hit_rate@1"]).rows
    hits = lists.outcomes("Successor")["place"][:200] == 1
    assert (first[0]["group"], first[0]["hit_rate@1"]) == ("early", hits.mean())


def test_a_model_that_diverged_has_no_figures(rater, stream):
    class Bad(rater):
        def predict_one(self, x=None, *, user=None, item=None):
            return math.nan

    both = progressive_validate({"good": rater(), "bad": Bad()}, stream())
    good, bad = both.groups("user").rows[:2]
    assert good["n_asked"] == 20 and bad["n_asked"] == 0 and math.isnan(bad["RMSE"])
    assert np.isnan(both.moving(window=10)[1]["bad"]).all()
    assert progressive_validate(Bad(), stream()).groups("item").rows == []


def test_groups_that_are_none(ratings, rater, stream):
    with pytest.raises(
        ValueError, match=r"by must be one of \['user', 'item', 'activity', 'popularity'\], or a"
    ):
        ratings.groups("country")
    with pytest.raises(ValueError, match="edges are for .*; here by='user'"):
        ratings.groups("user", edges=[0, 3])
    with pytest.raises(ValueError, match="by must hold a label per event, at least 400; got shape"):
        ratings.groups(["x"] * 10)
    with pytest.raises(ValueError, match="edges must ascend from 0"):
        ratings.groups("activity", edges=[1, 3])
    with pytest.raises(ValueError, match="record=True"):
        progressive_validate(rater(), stream(), record=False).groups()


def test_windows_slide_and_fade(ratings):
    errors = np.abs(ratings.outcomes("a")["error"])
    events, values = ratings.moving("mae", window=50)
    assert events.tolist() == list(range(1, 401)) and list(values) == ["a", "b"]
    slow = [errors[max(0, n - 50) : n].mean() for n in range(1, 401)]
    np.testing.assert_allclose(values["a"], slow)
    _, faded = ratings.moving("rmse", fading=0.9)
    weights = 0.9 ** np.arange(400)[::-1]
    assert faded["a"][-1] == pytest.approx(math.sqrt((weights * errors**2).sum() / weights.sum()))


def test_windows_that_are_none(ratings):
    for setting, message in (
        ({}, "Give either window or fading; got window=None and fading=None"),
        ({"window": 10, "fading": 0.9}, "Give either window or fading"),
        ({"window": 0}, "window must be a whole number, at least 1; got 0"),
        ({"fading": 1.0}, "fading must be above 0 and below 1; got 1.0"),
        ({"window": 5, "metric": "R2"}, "There is no metric 'R2' of the rating task here"),
    ):
        with pytest.raises(ValueError, match=message):
            ratings.moving(**setting)


def test_names_of_scores():
    assert (find_score("NDCG@5", "ranking", 10).k, find_score("HitRate@10", "ranking", 10).name) == (
        5,
        "hit_rate",
    )
    assert find_score("LogLoss", "binary", None).label == "log_loss"
    with pytest.raises(ValueError, match="'ndcg@20' needs lists of 20; they have 10 places"):
        find_score("ndcg@20", "ranking", 10)
    for name, task in (("mae@5", "rating"), ("ndcg", "rating"), ("ndcg@x", "ranking")):
        with pytest.raises(ValueError, match="There is no metric"):
            find_score(name, task, 10 if task == "ranking" else None)


def test_displays_of_windows_and_of_memory(ratings, stream):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    shown = ProgressiveDisplay.from_result(ratings, "mae", window=50)
    np.testing.assert_array_equal(shown.lines_[0].get_ydata(), ratings.moving("mae", window=50)[1]["a"])
    assert shown.ax_.get_ylabel() == "MAE, last 50 questions"
    assert ProgressiveDisplay.from_result(ratings, fading=0.99).ax_.get_ylabel() == "RMSE, fading by 0.99"
    plt.close("all")


def test_memory_over_time(rater, stream):
    class Sized(rater):
        nbytes = property(lambda self: 8 * len(self.last))

    result = progressive_validate({"sized": Sized(), "plain": rater()}, list(stream()), step=10)
    assert {row["model"] for row in result.memory} == {"sized"}
    assert [row["nbytes"] for row in result.memory][:3] == [80, 160, 160]
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    ax = result.plot("nbytes")
    assert ax.get_ylabel() == "bytes" and list(ax.get_lines()[0].get_ydata())[:2] == [80, 160]
    assert len(ax.get_lines()) == 1
    plt.close("all")


def test_the_binary_task_by_age(stream):
    from skl_increc.factorization import BiasedMFClassifier

    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    result = progressive_validate(
        BiasedMFClassifier(), list(stream()), threshold=3, metrics=["log_loss", "accuracy"]
    )
    shown = LearningCurveByUserAgeDisplay.from_result(result, edges=[0])
    row = result.summary()[0]
    assert shown.values["BiasedMFClassifier"] == pytest.approx(row["LogLoss"])
    right = LearningCurveByUserAgeDisplay.from_result(result, "accuracy", edges=[0]).values
    assert right["BiasedMFClassifier"] == pytest.approx(row["Accuracy"])
    plt.close("all")
