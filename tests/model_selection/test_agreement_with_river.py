"""Test-then-learn gives the values of River's own loop, to the last bit."""

import pytest
from river import compose, dummy, evaluate, linear_model, optim, preprocessing, reco, stats, utils
from river import metrics as river_metrics

from skl_increc.base._top import TopK
from skl_increc.metrics import F1, MAP, MRR, NDCG, Coverage, HitRate, Novelty, Precision, Recall
from skl_increc.model_selection import next_item, progressive_validate

score = evaluate.progressive_val_score


def values(result, name=None):
    rows = {row["model"]: row for row in result.summary()}
    row = rows[name] if name else result.summary()[0]
    return [row[metric] for metric in result.to_dict()["metrics"]]


def linear():
    return (
        compose.Select("age")
        | preprocessing.StandardScaler()
        | linear_model.LinearRegression(optim.SGD(0.01))
    )


@pytest.mark.parametrize("unpacked", [False, True])
def test_ratings(unpacked, rater, stream):
    both = river_metrics.RMSE() + river_metrics.MAE()
    models = {"last": rater(), "mean": dummy.StatisticRegressor(stats.Mean())}
    result = progressive_validate(models, stream(unpacked=unpacked), ties="order")
    assert result.task == "rating" and result.ties == "order"
    assert values(result, "last") == score(stream(), rater(), both.clone()).get()
    mean = dummy.StatisticRegressor(stats.Mean())
    assert values(result, "mean") == score(stream(), mean, both.clone()).get()


def test_a_pipeline_and_other_metrics(stream):
    wanted = [
        river_metrics.RMSE(),
        river_metrics.R2(),
        river_metrics.MSE(),
        utils.Rolling(river_metrics.MAE, 50),
    ]
    result = progressive_validate({"linear": linear()}, stream(), metrics=wanted)
    assert result.to_dict()["metrics"] == ["RMSE", "R2", "MSE", "Rolling(MAE)"]
    together = river_metrics.RMSE() + river_metrics.R2() + river_metrics.MSE()
    rolling = utils.Rolling(river_metrics.MAE, 50)
    score(stream(), linear(), together)
    score(stream(), linear(), rolling)
    assert values(result) == [*together.get(), rolling.get()]
    assert wanted[0].get() == 0.0  # the metrics given are patterns: each model has its own


def test_rivers_recommender(stream):
    """River's own loop refuses it; a loop by hand is the reference."""

    def make():
        return reco.BiasedMF(n_factors=4, seed=1)

    by_hand, model = river_metrics.RMSE(), make()
    for x, y in stream():
        by_hand.update(y, model.predict_one(x["user"], x["item"]))
        model.learn_one(x["user"], x["item"], y)
    result = progressive_validate(make(), stream(), metrics="rmse")
    assert [row["model"] for row in result.summary()] == ["river.reco.BiasedMF"]
    assert values(result) == [by_hand.get()]


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("min_y", [None, 3])
def test_rankings(exclude_seen, min_y, recommender, stream):
    wanted = [HitRate(3), HitRate(10), Recall(10), Precision(5), F1(5), NDCG(10), MRR(10), MAP(7)]
    wanted += [Coverage(10), Novelty(5), utils.Rolling(NDCG, 60, k=10)]
    result = progressive_validate(
        recommender(),
        stream(),
        metrics=wanted,
        ties="order",
        repeats=True,
        exclude_seen=exclude_seen,
        min_y=min_y,
    )
    assert result.task == "ranking"
    view = recommender().top(10, exclude_seen=exclude_seen)
    for metric, value in zip(wanted, values(result), strict=True):
        fresh = metric.clone() if metric is not wanted[-1] else utils.Rolling(NDCG, 60, k=10)
        assert value == score(next_item(stream(), min_y=min_y), view.clone(), fresh).get()
    assert 0 < values(result)[0] < values(result)[1] < 1


def test_views_may_enter_too(recommender, stream):
    models = {
        "itself": recommender(),
        "view": recommender().top(10),
        "pipeline": compose.Discard("age") | recommender().top(10),
    }
    result = progressive_validate(models, stream())
    assert values(result, "itself") == values(result, "view") == values(result, "pipeline")


def test_weights_are_handed_on(rater, recommender):
    events = [({"user": "u", "item": n}, 1.0, {"w": float(n)}) for n in range(1, 31)]
    for model in (rater(), recommender()):
        progressive_validate(model, events)
        assert [w for what, *_, w in model.log if what == "learn"] == list(range(1, 31))
    model = recommender()
    progressive_validate(model.top(3), events)
    assert sum(model.counts.values()) == sum(range(1, 31))
    taught = dummy.StatisticRegressor(stats.Mean())  # takes no weight: goes without, as in River's loop
    progressive_validate(taught, events)
    assert taught.statistic.n == 30


def test_answers_that_are_none_are_skipped(rater, recommender, stream):
    """As in River's loop."""

    def every_third(cls, method):
        def answer(self, *args, **kwargs):
            value = getattr(cls, method)(self, *args, **kwargs)
            self.asked = getattr(self, "asked", 0) + 1
            return value if self.asked % 3 else None

        return type("EveryThird", (cls,), {method: answer})

    wanted = [river_metrics.RMSE(), river_metrics.R2()]
    make = every_third(rater, "predict_one")
    result = progressive_validate(make(), stream(), metrics=wanted)
    assert values(result) == [score(stream(), make(), metric.clone()).get() for metric in wanted]
    assert result.summary()[0]["n_asked"] == 400 - 133
    make = every_third(TopK, "predict_one")
    wanted = [HitRate(5), Coverage(10)]
    result = progressive_validate(make(recommender()), stream(), metrics=wanted, repeats=True)
    for metric, value in zip(wanted, values(result), strict=True):
        assert value == score(next_item(stream()), make(recommender()), metric.clone()).get()
    assert result.summary()[0]["n_asked"] == 400 - 133


def test_a_method_without_a_signature(rater, stream):
    class Compiled(rater):
        learn_one = slice  # as compiled functions may be: inspect finds nothing out about it

    assert progressive_validate(Compiled(), stream()).summary()[0]["n_asked"] == 400
