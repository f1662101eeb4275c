"""Our models inside River's own selectors and ensembles: ratings, and lists through ``top(k)``."""

import pytest
from river import bandit, dummy, ensemble, evaluate, metrics, model_selection, optim, stats

from skl_increc.baselines import Baseline, Popularity
from skl_increc.datasets import iter_events, make_interactions
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import HitRate
from skl_increc.model_selection import next_item

score = evaluate.progressive_val_score


@pytest.fixture(scope="module")
def events():
    return list(iter_events(make_interactions(3000, n_users=80, n_items=100)))


def raters():
    return [dummy.StatisticRegressor(stats.Mean()), BiasedMF(n_factors=4), Baseline()]


def listers():
    return [Popularity(half_life=2).top(5), Popularity().top(5), BiasedMF(n_factors=4).top(5)]


SELECTORS = {
    "halving": lambda models, metric: model_selection.SuccessiveHalvingRegressor(models, metric, budget=1500),
    "greedy": lambda models, metric: model_selection.GreedyRegressor(models, metric),
    "bandit": lambda models, metric: model_selection.BanditRegressor(
        models, metric, bandit.EpsilonGreedy(0.2, decay=0.01, seed=1)
    ),
}


@pytest.mark.parametrize("make", SELECTORS.values(), ids=list(SELECTORS))
def test_ratings(make, events):
    alone = [score(events, model, metrics.MAE()).get() for model in raters()]
    selector = make(raters(), metrics.MAE())
    value = score(events, selector, metrics.MAE()).get()
    # a bandit teaches one model at a time, so that each knows less than it would alone
    if isinstance(
        selector, model_selection.BanditRegressor
    ):  # pulls and teaches one at a time: who waits knows less
        assert min(alone) < value < max(alone) * 1.1
    else:
        assert min(alone) * 0.99 < value < max(alone)
        assert isinstance(selector.best_model, (BiasedMF, Baseline))


@pytest.mark.parametrize("make", SELECTORS.values(), ids=list(SELECTORS))
def test_lists(make, events):
    lists = list(next_item(events[:1500]))
    alone = [score(lists, view, HitRate(5)).get() for view in listers()]
    value = score(lists, make(listers(), HitRate(5)), HitRate(5)).get()
    assert min(alone) < value <= max(alone) * 1.05


def test_experts_weighted_by_their_losses(events):
    alone = [score(events, model, metrics.MAE()).get() for model in raters()]
    together = ensemble.EWARegressor(raters(), loss=optim.losses.Squared(), learning_rate=0.01)
    assert score(events, together, metrics.MAE()).get() < max(alone)
    assert score(events, ensemble.EWARegressor(raters()).clone(), metrics.MAE()).get() < max(alone)
