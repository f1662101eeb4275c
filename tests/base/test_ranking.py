"""Ranking arithmetic against naive versions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skl_increc.base._ranking import GAINS, gain, gain_table, hit_places, mean_gain, rank_of

ITEMS = st.integers(0, 15)
LISTS = st.lists(ITEMS, max_size=20)
SETS = st.sets(ITEMS, min_size=1, max_size=12)
SCORES = st.lists(st.one_of(st.integers(-2, 2).map(float), st.just(math.nan), st.just(math.inf)), min_size=1)


# -- rank ----------------------------------------------------------------------------------------------------


@given(SCORES, st.data())
def test_rank_is_the_mean_place_over_the_orders_of_a_tie(scores, data):
    at = data.draw(st.integers(0, len(scores) - 1))
    if math.isfinite(scores[at]):
        finite = sorted((s for s in scores if math.isfinite(s)), reverse=True)
        places = [place for place, s in enumerate(finite, 1) if s == scores[at]]
        assert rank_of(scores, at) == sum(places) / len(places)
    else:
        assert rank_of(scores, at) == len(scores)


def test_a_score_that_is_not_finite_never_wins():
    assert rank_of([math.nan, -5.0], 0) == 2
    assert rank_of([math.inf, -5.0], 0) == 2
    assert rank_of([math.inf, -5.0], 1) == 1
    assert rank_of([-math.inf, -5.0], 0) == 2
    assert rank_of([math.nan], 0) == 1


# -- gains ---------------------------------------------------------------------------------------------------


def naive(metric, ranked, relevant, k):
    """trec_eval's definitions, place by place."""
    flags, met = [], set()
    for item in ranked[:k]:
        flags.append(item in relevant and item not in met)
        met.add(item)
    hits = sum(flags)
    if metric == "hit_rate":
        return float(hits > 0)
    if metric == "recall":
        return hits / len(relevant)
    if metric == "precision":
        return hits / k
    if metric == "f1":
        p, r = hits / k, hits / len(relevant)
        return 2 * p * r / (p + r) if hits else 0.0
    if metric == "mrr":
        return 1 / (flags.index(True) + 1) if hits else 0.0
    if metric == "map":
        return sum(sum(flags[: n + 1]) / (n + 1) for n, flag in enumerate(flags) if flag) / len(relevant)
    ideal = [1] * len(relevant) + [0] * k
    best = sum(g / math.log2(n + 2) for n, g in enumerate(ideal[:k]))
    return sum(flag / math.log2(n + 2) for n, flag in enumerate(flags)) / best


@pytest.mark.parametrize("metric", sorted(GAINS))
@given(ranked=LISTS, relevant=SETS, k=st.integers(1, 25))
def test_gain_is_the_naive_one(metric, ranked, relevant, k):
    value = gain(metric, ranked, relevant, k)
    assert value == pytest.approx(naive(metric, ranked, relevant, k), abs=1e-12)
    assert 0.0 <= value <= 1.0


@pytest.mark.parametrize("metric", sorted(GAINS))
def test_degenerate_lists(metric):
    assert gain(metric, [], {"a"}, 3) == 0.0
    assert gain(metric, ["b", "c"], {"a"}, 3) == 0.0
    assert gain(metric, ["b", "c", "d", "a"], {"a"}, 3) == 0.0  # one place too late
    # k beyond the list and the catalogue: precision alone counts the empty places
    full = gain(metric, ["a"], {"a"}, 4)
    assert full == {"precision": 1 / 4, "f1": 2 / 5}.get(metric, 1.0)


def test_ndcg_is_one_when_all_places_hit_though_more_is_relevant():
    assert gain("ndcg", ["a", "b"], {"a", "b", "c"}, 2) == pytest.approx(1.0)
    assert gain("recall", ["a", "b"], {"a", "b", "c"}, 2) == pytest.approx(2 / 3)
    assert gain("map", ["a", "b"], {"a", "b", "c"}, 2) == pytest.approx(2 / 3)


def test_a_repeated_item_counts_once():
    assert hit_places(["a", "a", "b"], {"a", "b"}, 3) == [0, 2]
    assert gain("recall", ["a", "a"], {"a", "b"}, 2) == 0.5


@given(ranked=LISTS, item=ITEMS, k=st.integers(1, 12))
def test_the_table_is_the_gain_of_one_item(ranked, item, k):
    for metric in GAINS:
        table = gain_table(metric, k)
        place = ranked.index(item) if item in ranked else k
        assert gain(metric, ranked, {item}, k) == (table[place] if place < k else 0.0)


def test_mean_gain():
    assert mean_gain([], (), 0.0) == 0.0
    assert mean_gain([1, 0, 2], gain_table("mrr", 3), 4.0, rest=1.0) == (1 + 2 / 3 + 1.0) / 4


def test_gain_refuses():
    with pytest.raises(ValueError, match="There is no ranking metric 'auc'; there are \\['f1'"):
        gain("auc", ["a"], {"a"}, 3)
    with pytest.raises(ValueError, match="k must be a whole number of places, at least 1; got 0"):
        gain("hit_rate", ["a"], {"a"}, 0)
    with pytest.raises(ValueError, match="got 2.5"):
        gain_table("hit_rate", 2.5)
    with pytest.raises(ValueError, match="relevant is empty"):
        gain("hit_rate", ["a"], set(), 3)
