"""What a run keeps of every question, and the comparison that rests on it."""

import math

import numpy as np
import pytest

from skl_increc.model_selection import mcnemar_test, paired_z_test, progressive_validate


def errors_by_hand(model, events):
    found, ages, seen = [], [], {}
    for x, y in events:
        found.append(y - model.predict_one(x))
        ages.append(seen.get(x["user"], 0))
        seen[x["user"]] = ages[-1] + 1
        model.learn_one(x, y)
    return found, ages


def test_errors_and_ages(rater, stream):
    result = progressive_validate({"last": rater()}, stream(600), warmup=7, ties="order")
    found = result.outcomes("last")
    errors, ages = errors_by_hand(rater(), stream(600))
    assert found["error"].tolist() == errors[7:] and found["user_age"].tolist() == ages[7:]
    assert found["event"].tolist() == list(range(8, 601))
    assert all(len(values) == result.summary()[0]["n_asked"] for values in found.values())


def test_places(recommender, stream):
    result = progressive_validate(recommender(), stream(), k=5, metrics=["hit_rate", "mrr"])
    found = result.outcomes("Successor")
    row = result.summary()[0]
    assert np.isfinite(found["place"]).mean() == row["HitRate@5"]
    assert np.mean(1 / found["place"]) == pytest.approx(row["MRR@5"])
    assert set(found["place"]) <= {1.0, 2.0, 3.0, 4.0, 5.0, math.inf}
    long = progressive_validate(recommender(), stream(50), k=40_000).outcomes("Successor")
    assert len(long["place"]) == 50


def test_ages_of_a_moment_are_those_at_its_questions(rater):
    events = [
        ({"user": u, "item": n, "t": t}, 1.0) for n, (u, t) in enumerate([("a", 1), ("a", 2), ("b", 2)])
    ]
    events += [({"user": "a", "item": 8, "t": 2}, 1.0), ({"user": None, "item": 9, "t": 3}, 1.0)]
    events += [({"user": "a", "item": 9, "t": 3}, 1.0), ({"user": None, "item": 9, "t": 3}, 1.0)]
    found = progressive_validate({"m": rater()}, events, time_col="t").outcomes("m")
    ages = dict(zip(found["event"].tolist(), found["user_age"].tolist(), strict=True))
    assert ages == {1: 0, 2: 1, 3: 0, 4: 1, 5: 0, 6: 3, 7: 0}
    order = progressive_validate({"m": rater()}, events, time_col="t", ties="order").outcomes("m")
    assert order["user_age"].tolist() == [0, 1, 0, 2, 0, 3, 0]


def test_answers_that_are_none(rater, stream):
    class EveryThird(rater):
        asked = 0

        def predict_one(self, x=None, **ids):
            self.asked += 1
            return super().predict_one(x, **ids) if self.asked % 3 else None

    result = progressive_validate({"some": EveryThird(), "all": rater()}, stream())
    found = result.outcomes("some")["error"]
    assert np.isnan(found[2::3]).all() and np.isfinite(found[::3]).all()
    test = result.compare("all").tests["some"]
    assert test.n == len(found) - np.isnan(found).sum() and test.statistic == 0.0


def test_a_run_that_keeps_nothing(rater, stream):
    result = progressive_validate({"m": rater()}, stream(), record=False)
    assert not result.recorded and progressive_validate(rater(), stream(9)).recorded
    for call in (lambda: result.outcomes("m"), result.compare):
        with pytest.raises(ValueError, match="The outcomes were not kept: run .* with record=True"):
            call()
    kept = progressive_validate({"m": rater()}, stream())
    assert kept.summary()[0]["RMSE"] == result.summary()[0]["RMSE"]
    with pytest.raises(ValueError, match="There is no model 'x' in this result; there are \\['m'\\]"):
        kept.outcomes("x")


# -- compare -------------------------------------------------------------------------------------------------


def noisy(cls, share):
    """A recommender whose lists are empty in one of so many cases."""

    class Noisy(cls):
        calls = 0

        def recommend_one(self, user=None, k=10, **options):
            self.calls += 1
            return [] if self.calls % share == 0 else super().recommend_one(user, k, **options)

    return Noisy()


def test_rankings(recommender, stream):
    models = {"often": noisy(recommender, 2), "good": recommender(), "seldom": noisy(recommender, 200)}
    result = progressive_validate(models, stream(600))
    found = result.compare(window=150, step=30)
    assert found.reference == "good" and found.metric == "hit rate at 10"
    hits = {name: np.isfinite(result.outcomes(name)["place"]) for name in models}
    want = mcnemar_test(hits["good"], hits["often"], window=150, step=30)
    assert str(found.tests["often"]) == str(want) and want.pvalue < 1e-6
    assert found.verdict("often") == 1 and found.verdict("seldom") == 0
    assert found.values == {name: pytest.approx(own.mean()) for name, own in hits.items()}
    assert found.pvalues["often"] == pytest.approx(2 * want.pvalue)  # of two comparisons
    rows = found.summary()
    assert [row["model"] for row in rows] == ["good", "seldom", "often"]
    assert rows[0]["statistic"] is rows[0]["verdict"] is None and rows[2]["won"] == want.won
    lines = str(found).splitlines()
    assert lines[2].startswith("good") and lines[4].startswith("often") and lines[4].endswith("*")
    assert not lines[3].rstrip().endswith("*") and "McNemar" in str(found)
    worse = result.compare("often", k=3)
    assert worse.metric == "hit rate at 3" and worse.verdict("good") == -1
    assert str(worse).splitlines()[3].endswith("!")
    places = {name: result.outcomes(name)["place"] <= 3 for name in models}
    assert worse.values == {name: pytest.approx(own.mean()) for name, own in places.items()}


def test_ratings_and_models_that_diverge(rater, stream):
    class Off(rater):
        def predict_one(self, x=None, **ids):
            return super().predict_one(x, **ids) + 2.0

    class Bad(rater):
        def predict_one(self, x=None, **ids):
            return math.nan if len(self.log) > 500 else super().predict_one(x, **ids)

    result = progressive_validate({"bad": Bad(), "off": Off(), "good": rater()}, stream(600))
    found = result.compare()
    assert found.reference == "good" and found.metric == "RMSE" and found.verdict("off") == 1
    errors = {name: result.outcomes(name)["error"] for name in ("good", "off")}
    want = paired_z_test(errors["good"] ** 2, errors["off"] ** 2)
    assert found.tests["off"].statistic == want.statistic
    rows = found.summary()
    assert [row["model"] for row in rows] == ["good", "off", "bad"] and math.isnan(rows[2]["value"])
    assert rows[2]["verdict"] is None and "paired z" in str(found) and "RMSE" in str(found)
    assert rows[1]["value"] == pytest.approx(result.summary()[1]["RMSE"])
    with pytest.raises(
        ValueError, match="reference='bad' is no model with answers; there are \\['off', 'good'\\]"
    ):
        result.compare("bad")
    with pytest.raises(ValueError, match="k must be between 1 and the length of the lists, None; got 3"):
        result.compare(k=3)


def test_alone_or_without_answers(rater, recommender, stream):
    alone = progressive_validate({"m": rater()}, stream()).compare()
    assert alone.tests == {} and "There is no other model to compare with." in str(alone)
    nothing = progressive_validate({"m": rater()}, stream(5), warmup=5)
    with pytest.raises(ValueError, match="No model answered anything"):
        nothing.compare()
    lists = progressive_validate(recommender(), stream(20))
    for bad in (0, 11):
        with pytest.raises(ValueError, match="between 1 and the length of the lists, 10"):
            lists.compare(k=bad)
