"""Pictures: what is drawn is what was measured. The data are compared, not the pixels."""

import builtins
import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from skl_increc.baselines import Baseline, Popularity
from skl_increc.datasets import make_interactions
from skl_increc.model_selection import (
    LearningCurveByUserAgeDisplay,
    LongTailDisplay,
    ProgressiveDisplay,
    progressive_validate,
)

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(line):
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def names_in_legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# -- along the stream ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("recent", [False, True])
def test_progressive(recent, rater, stream):
    result = progressive_validate({"a": rater(), "b": rater()}, stream(), step=100, metrics=["mae", "rmse"])
    figure, ax = plt.subplots()
    display = ProgressiveDisplay.from_result(result, "RMSE", recent=recent, ax=ax, line_kw={"linewidth": 5})
    assert display.ax_ is ax and display.figure_ is figure and display.metric == "RMSE"
    which = "recent" if recent else "value"
    for name, line in zip("ab", display.lines_, strict=True):
        want = [row[which] for row in result.curve if row["model"] == name and row["metric"] == "RMSE"]
        x, y = drawn(line)
        assert x.tolist() == display.n_events.tolist() == [100, 200, 300, 400]
        assert y.tolist() == display.values[name].tolist() == want and line.get_linewidth() == 5
    assert names_in_legend(ax) == ["a", "b"] and ax.get_xlabel() == "events"
    assert ax.get_ylabel() == ("RMSE, since the last point" if recent else "RMSE, so far")
    again = display.plot()
    assert again is display and display.ax_ is not ax
    same = result.plot("RMSE", recent=recent)
    for one, other in zip(same.lines, display.lines_, strict=True):
        np.testing.assert_array_equal(drawn(one), drawn(other))


def test_progressive_of_models_that_stay_as_they_are(rater, stream):
    model = rater()
    display = ProgressiveDisplay.from_estimator(model, list(stream()), "MAE", warmup=50)
    assert model.log == []
    want = progressive_validate(rater(), stream(), warmup=50).summary()[0]["MAE"]
    assert display.values["LastOfUser"][-1] == want


def test_progressive_refuses(rater, recommender, stream):
    result = progressive_validate(recommender(), stream(), metrics=["hit_rate", "coverage"])
    with pytest.raises(ValueError, match="There is no metric 'RMSE' in this result"):
        ProgressiveDisplay.from_result(result, "RMSE")
    with pytest.raises(ValueError, match="Coverage@10 is no sum over events"):
        ProgressiveDisplay.from_result(result, "Coverage@10", recent=True)


# -- by the age of the user ----------------------------------------------------------------------------------


def test_ratings_by_age(rater, stream):
    result = progressive_validate({"a": rater()}, stream(500), ties="order")
    found = result.outcomes("a")
    for metric in ("rmse", "mae"):
        display = LearningCurveByUserAgeDisplay.from_result(result, metric)
        assert display.edges.tolist() == [0, 1, 2, 3, 5, 9, 17] and display.metric == metric.upper()
        assert display.labels() == ["0", "1", "2", "3-4", "5-8", "9-16", "17+"]
        ends = [*display.edges[1:].tolist(), math.inf]
        for at, (low, high) in enumerate(zip(display.edges, ends, strict=True)):
            errors = found["error"][(found["user_age"] >= low) & (found["user_age"] < high)]
            want = np.sqrt(np.mean(errors**2)) if metric == "rmse" else np.mean(np.abs(errors))
            assert display.values["a"][at] == pytest.approx(want)
            assert display.n_questions[at] == len(errors)
        x, y = drawn(display.lines_[0])
        assert x.tolist() == list(range(7)) and y.tolist() == display.values["a"].tolist()
        assert [label.get_text() for label in display.ax_.get_xticklabels()] == display.labels()
        assert display.ax_.get_ylabel() == metric.upper() and names_in_legend(display.ax_) == ["a"]


def test_rankings_by_age(recommender, stream):
    result = progressive_validate(recommender(), stream(), k=5)
    found = result.outcomes("Successor")
    hits = LearningCurveByUserAgeDisplay.from_result(result, edges=[0, 4])
    ndcg = LearningCurveByUserAgeDisplay.from_result(result, "ndcg", edges=[0, 4], ax=hits.ax_)
    assert hits.metric == "hit_rate at 5" and ndcg.ax_ is hits.ax_ and hits.labels() == ["0-3", "4+"]
    for at, group in enumerate([found["user_age"] < 4, found["user_age"] >= 4]):
        places = found["place"][group]
        assert hits.values["Successor"][at] == pytest.approx(np.isfinite(places).mean())
        assert ndcg.values["Successor"][at] == pytest.approx(np.mean(1 / np.log2(places + 1)))
    assert hits.n_questions.sum() == len(found["place"])
    sparse = LearningCurveByUserAgeDisplay.from_result(result, edges=[0, 4, 10_000])
    assert math.isnan(sparse.values["Successor"][2]) and sparse.n_questions[2] == 0


def test_by_age_from_models_and_what_it_refuses(rater, stream):
    model = rater()
    display = LearningCurveByUserAgeDisplay.from_estimator({"m": model}, list(stream()), record=False)
    assert model.log == [] and display.values.keys() == {"m"}
    result = progressive_validate(rater(), stream())
    with pytest.raises(ValueError, match="There is no metric 'ndcg' of the rating task here; there are"):
        LearningCurveByUserAgeDisplay.from_result(result, "ndcg")
    for bad in ([1, 2], [0, 3, 3], []):
        with pytest.raises(ValueError, match="edges must ascend from 0; got"):
            LearningCurveByUserAgeDisplay.from_result(result, edges=bad)
    with pytest.raises(ValueError, match="The outcomes were not kept"):
        LearningCurveByUserAgeDisplay.from_result(progressive_validate(rater(), stream(), record=False))
    with pytest.raises(ValueError, match="No question was asked, or all models diverged"):
        LearningCurveByUserAgeDisplay.from_result(progressive_validate(rater(), stream(9), warmup=9))


# -- the long tail -------------------------------------------------------------------------------------------


def by_hand(counts, items):
    total = sum(counts.values())
    return [sum(counts[i] for i in items[:n]) / total for n in range(len(items) + 1)]


def test_places_of_lists():
    X, y = make_interactions(1000, 60, 30, return_X_y=True, backend="pandas", random_state=0)
    models = {"popular": Popularity().fit(X, y), "rated": Baseline().fit(X, y)}
    display = LongTailDisplay.from_estimator(models, X, k=3)
    taken = Counter(X["item"].tolist())
    items = [item for item, _ in taken.most_common()]
    assert display.event_share == pytest.approx(by_hand(taken, items))
    assert display.item_share == pytest.approx(np.linspace(0, 1, len(items) + 1))
    users = list(dict.fromkeys(X["user"].tolist()))
    for (name, model), line in zip(models.items(), display.lines_, strict=True):
        listed = Counter(i for i in model.recommend(users, 3)[0].ravel().tolist() if i is not None)
        assert display.shares[name] == pytest.approx(by_hand(listed, items))
        np.testing.assert_array_equal(drawn(line), (display.item_share, display.shares[name]))
    # popular items above all: the line lies above that of the events, but for what most users had
    assert (display.shares["popular"] >= display.event_share)[2:].all()
    np.testing.assert_array_equal(drawn(display.reference_line_), (display.item_share, display.event_share))
    assert names_in_legend(display.ax_) == ["popular", "rated", "events"]
    assert display.ax_.get_ylabel() == "share of the places of lists of 3"
    seen = LongTailDisplay.from_estimator(
        models["popular"], X.to_numpy(), k=1, exclude_seen=False, ax=display.ax_
    )
    assert seen.shares["Popularity"][1] == 1.0  # all lists begin with one item


def test_items_that_were_listed_and_never_taken_come_last():
    X = pd.DataFrame({"user": [1, 2, 3], "item": ["a", "a", "b"]})
    held = pd.DataFrame({"user": [9, None], "item": ["a", None]})
    display = LongTailDisplay.from_estimator(Popularity().fit(X), held, k=2)
    assert display.item_share.tolist() == [0.0, 0.5, 1.0]
    assert display.event_share.tolist() == [0.0, 1.0, 1.0]
    assert display.shares["Popularity"].tolist() == [0.0, 0.5, 1.0]


def test_hits_of_a_stream(recommender, stream):
    result = progressive_validate({"m": recommender()}, stream(), k=5)
    found = result.outcomes("m")
    display = LongTailDisplay.from_result(result)
    taken = Counter(found["item"].tolist())
    assert taken == Counter(x["item"] for x, _ in stream())
    items = [item for item, _ in taken.most_common()]
    hits = Counter(found["item"][np.isfinite(found["place"])].tolist())
    assert display.event_share == pytest.approx(by_hand(taken, items))
    assert display.shares["m"] == pytest.approx(by_hand(hits, items))
    assert display.shown == "hits in lists of 5"


def test_the_long_tail_refuses(rater, recommender, stream):
    with pytest.raises(ValueError, match="Ratings have no hits"):
        LongTailDisplay.from_result(progressive_validate(rater(), stream()))
    nothing = progressive_validate(recommender(), stream(1))
    with pytest.raises(ValueError, match="No item was taken, or none was shown"):
        LongTailDisplay.from_result(nothing)
    with pytest.raises(TypeError, match="m cannot be asked for lists: it has no method recommend"):
        LongTailDisplay.from_estimator({"m": recommender()}, pd.DataFrame({"user": [1], "item": [1]}))


# -- without matplotlib --------------------------------------------------------------------------------------


def test_without_matplotlib(monkeypatch, recommender, stream):
    result = progressive_validate(recommender(), stream())
    usual = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for draw in (ProgressiveDisplay, LearningCurveByUserAgeDisplay, LongTailDisplay):
        with pytest.raises(ImportError, match=r'Plots need matplotlib: pip install "skl_increc\[plot\]"'):
            draw.from_result(result)
