"""Ranks among a sample: the corrected estimator of Krichene and Rendle (2020)."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from skl_increc.base._ranking import gain_table
from skl_increc.baselines import Popularity
from skl_increc.exceptions import SampledMetricWarning
from skl_increc.metrics import RankingScorer
from skl_increc.metrics._sampled import TRADE_OFF, corrected_table, items_above

pytestmark = pytest.mark.filterwarnings("ignore::skl_increc.exceptions.SampledMetricWarning")


@pytest.mark.parametrize("n_items", [5, 40])
@pytest.mark.parametrize("metric", ["ndcg", "hit_rate"])
def test_the_table_has_the_least_of_what_it_says(n_items, metric):
    gains, n = gain_table(metric, 3), 6
    by_rank = np.zeros(n_items)
    by_rank[: len(gains)] = gains
    chances = np.array([binom.pmf(np.arange(n + 1), n, rank / (n_items - 1)) for rank in range(n_items)])

    def loss(table):
        mean = chances @ table
        variance = chances @ table**2 - mean**2
        # (1 - g) bias^2 + g (bias^2 + variance), as the paper weighs them
        return np.mean((mean - by_rank) ** 2 + TRADE_OFF * variance)

    table = corrected_table(gains, n_items, n)
    best = minimize(loss, np.zeros(n + 1), method="BFGS", options={"gtol": 1e-10})
    assert loss(table) <= best.fun + 1e-9
    np.testing.assert_allclose(table, best.x, atol=1e-3)


def test_many_ranks_are_summed_in_parts():
    big = corrected_table(gain_table("ndcg", 10), 10_000, 50)
    near = corrected_table(gain_table("ndcg", 10), 4000, 50)
    assert np.isfinite(big).all() and big[0] < near[0]  # one of many stands for fewer certain hits


@pytest.mark.parametrize("metric", ["hit_rate", "ndcg"])
def test_the_correction_is_nearer_to_the_truth_than_the_sample(metric):
    rng = np.random.default_rng(0)
    n_items, n, k = 2000, 100, 10
    gains = np.zeros(n_items)
    gains[:k] = gain_table(metric, k)
    for scale in (100, 300, 600):  # how good a model is
        ranks = np.minimum(rng.geometric(1 / scale, 20_000) - 1, n_items - 1)
        above = rng.binomial(n, ranks / (n_items - 1))
        naive = np.pad(gains[:k], (0, n + 1 - k))[above].mean()
        corrected = corrected_table(gains[:k], n_items, n)[above].mean()
        full = gains[ranks].mean()
        assert abs(corrected - full) < abs(naive - full) / 3


def test_items_above():
    others = np.array([3.0, 1.0, 1.0, -np.inf])
    assert items_above(2.0, others) == 1
    assert items_above(1.0, others) == 2  # ties by half
    assert items_above(-np.inf, others) == 4


def test_a_sample_larger_than_the_catalogue_comes_near_the_full_ranking():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"user": rng.integers(0, 400, 6000), "item": rng.zipf(1.3, 6000) % 60})
    model = Popularity().fit(X[:5000])
    full = RankingScorer("hit_rate@5")
    single = X[5000:][~X[5000:].duplicated("user")]  # one item a user: the same question both ways
    sampled = RankingScorer("hit_rate@5", n_sampled=400)
    assert sampled(model, single) == pytest.approx(full(model, single), abs=0.05)
    users, values = sampled.by_user(model, single)
    assert (users == full.by_user(model, single)[0]).all() and values.shape == users.shape


def test_draws_leave_out_what_the_user_had_and_follow_the_random_state():
    X = pd.DataFrame({"user": [1, 1, 2, 3, 3, 3], "item": list("abbabc")})
    asked = []

    class Noting(Popularity):
        def recommend(self, users, k=10, **options):
            asked.append((users[0], set(options["candidates"]), options["exclude_seen"]))
            return super().recommend(users, k, **options)

    model = Noting().fit(X)
    held = pd.DataFrame({"user": [1, 2, None], "item": ["c", "a", "b"]})
    RankingScorer(n_sampled=50)(model, held)
    # user 1 had all others: there is nothing to rank "c" among
    assert asked == [(2, {"a", "c"}, False), (None, {"a", "b", "c"}, False)]
    asked.clear()
    RankingScorer(n_sampled=50, exclude_seen=False)(model, held)
    assert asked[0] == (1, {"a", "b", "c"}, False)
    model = Popularity().fit(
        pd.DataFrame({"user": range(55), "item": np.repeat(np.arange(10), range(1, 11))})
    )
    held = pd.DataFrame({"user": [100, 101], "item": [4, 5]})
    scores = {seed: RankingScorer("mrr@3", n_sampled=2, random_state=seed) for seed in range(8)}
    found = {seed: scorer(model, held) for seed, scorer in scores.items()}
    assert found[3] == scores[3](model, held) and len(set(found.values())) > 1


def test_models_that_remember_nothing():
    X = pd.DataFrame({"user": [1, 2, 3], "item": list("abc")})
    model = Popularity(history=0).fit(X)
    assert np.isfinite(RankingScorer("ndcg@2", n_sampled=5)(model, X))
    only = Popularity().fit(X[:1])
    with pytest.warns(SampledMetricWarning, match="can order models differently"):
        scorer = RankingScorer("hit_rate@1", n_sampled=5)
    assert np.isfinite(scorer(only, pd.DataFrame({"user": [9], "item": ["a"]})))  # no other item to draw
