"""The models of this package in both loops, and the published figures on real ratings."""

import math
import os
from pathlib import Path

import pytest
from river import compose, evaluate, reco
from river import metrics as river_metrics

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import MAP, MRR, NDCG, Coverage, HitRate, Novelty
from skl_increc.model_selection import next_item, progressive_validate

score = evaluate.progressive_val_score

RATERS = [Baseline(), Baseline(drift=1e-3), BiasedMF(n_factors=4), BiasedMF(n_factors=4, optimizer="sgd")]
RANKERS = [Popularity(), Popularity(half_life=50), BiasedMF(n_factors=4)]


@pytest.mark.parametrize("model", RATERS, ids=repr)
@pytest.mark.parametrize("unpacked", [False, True])
def test_ratings_agree_with_rivers_loop(model, unpacked, stream):
    both = river_metrics.RMSE() + river_metrics.MAE()
    score(stream(), model.clone(), both)
    row = progressive_validate(model.clone(), stream(unpacked=unpacked), ties="order").summary()[0]
    assert [row["RMSE"], row["MAE"]] == both.get()
    assert row["nbytes"] > 0 and row["bytes_per_row"] == row["nbytes"] / 60


@pytest.mark.parametrize("model", RANKERS, ids=repr)
@pytest.mark.parametrize("exclude_seen", [True, False])
def test_rankings_agree_with_rivers_loop(model, exclude_seen, stream):
    wanted = [HitRate(3), NDCG(10), MRR(10), MAP(5), Coverage(10), Novelty(10)]
    row = progressive_validate(
        model.clone(),
        stream(),
        metrics=wanted,
        task="ranking",
        ties="order",
        exclude_seen=exclude_seen,
        repeats=True,
        min_y=3,
    ).summary()[0]
    for metric in wanted:
        view = model.clone().top(10, exclude_seen=exclude_seen)
        events = next_item(stream(), min_y=3, keep_value=True)
        assert score(events, view, metric.clone()).get() == row[type(metric).__name__]


def test_in_one_pass_with_rivers(stream):
    models = [BiasedMF(n_factors=4), reco.BiasedMF(n_factors=4, seed=1), compose.Discard("age") | Baseline()]
    result = progressive_validate(models, stream(), time_col="time")
    assert [row["n_asked"] for row in result.summary()] == [400] * 3
    assert all(0 < row["RMSE"] < 3 for row in result.summary())


def test_names_of_columns_and_times(stream):
    events = [({"who": x["user"], "what": x["item"], "when": x["time"]}, y) for x, y in stream()]
    named = {"user_col": "who", "item_col": "what", "time_col": "when"}
    plain = progressive_validate(Baseline(), stream(), time_col="time").summary()[0]
    for model in (Baseline(**named), Baseline()):
        row = progressive_validate(model, events, **named).summary()[0]
        assert (row["RMSE"], row["MAE"]) == (plain["RMSE"], plain["MAE"])
    taught = progressive_validate(Popularity(**named), events, min_y=4)
    want = progressive_validate(Popularity(), stream(), min_y=4, time_col="time")
    assert taught.summary()[0]["NDCG@10"] == want.summary()[0]["NDCG@10"]
    assert taught.ties == "together"


def test_our_models_do_not_diverge(stream):
    wild = BiasedMF(n_factors=4, optimizer="sgd", learning_rate=1e3)
    row = progressive_validate(wild, stream()).summary()[0]
    assert math.isfinite(row["RMSE"]) and row["diverged_at"] is None


# -- real ratings, where they are ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def movielens():
    pl = pytest.importorskip("polars")
    home = os.environ.get("SKL_INCREC_DATA")
    path = Path(home or "", "movielens-100k", "interactions.csv.gz")
    if not home or not path.exists():
        pytest.skip("SKL_INCREC_DATA does not hold movielens-100k")
    return pl.read_csv(path)


def test_ratings_of_movielens(movielens):
    models = {"exact": Baseline(), "drift": Baseline(drift=2e-3), "mf": BiasedMF()}
    result = progressive_validate(models, movielens, ties="order", time_col="timestamp")
    exact, drift, mf = (row["RMSE"] for row in result.summary())
    assert exact <= 0.962 and drift <= 0.950 and mf <= 0.945
    together = progressive_validate(Baseline(), movielens, time_col="timestamp")
    assert together.summary()[0]["RMSE"] > exact + 0.002  # what the order of a page tells


def test_rankings_of_movielens(movielens):
    begin = movielens.head(20_000)  # all of it: tests/test_reach.py
    result = progressive_validate(Popularity(), begin, ties="order", time_col="timestamp", min_y=4)
    row = result.summary()[0]
    assert row["HitRate@10"] == row["Recall@10"] > row["NDCG@10"] > row["MRR@10"] > 0.03
    assert row["n_asked"] == int((begin["rating"] >= 4).sum())
