"""Ranking arithmetic against naive versions, and the score on held-out pairs."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import UndefinedMetricWarning

from skl_increc.base._ranking import (
    GAINS,
    gain,
    gain_table,
    hit_places,
    mean_gain,
    rank_of,
    ranking_score,
)

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
    if metric == "hit":
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
        gain("hit", ["a"], {"a"}, 0)
    with pytest.raises(ValueError, match="got 2.5"):
        gain_table("hit", 2.5)
    with pytest.raises(ValueError, match="relevant is empty"):
        gain("hit", ["a"], set(), 3)


# -- the score of a model ------------------------------------------------------------------------------------


class Lists:
    """Recommends fixed lists; an unknown user gets that of None."""

    def __init__(self, lists, had=()):
        self.lists, self.had, self.calls = lists, set(had), []

    def seen(self, user, item):
        return (user, item) in self.had

    def recommend(self, users, k, *, exclude_seen, candidates):
        self.calls.append((list(users), k, exclude_seen, candidates))
        out = np.full((len(users), k), None, dtype=object)
        for row, user in enumerate(users):
            own = [
                item
                for item in self.lists.get(user, self.lists[None])
                if not (exclude_seen and (user, item) in self.had)
            ][:k]
            for place, item in enumerate(own):  # one by one: an id may be a tuple
                out[row, place] = item
        return out, np.zeros(out.shape)


def test_score_is_the_mean_over_users_in_one_call():
    model = Lists({1: ["a", "b"], 2: ["c", "a"], None: ["z"]})
    users, items = [1, 2, 1, 3], ["a", "q", "c", "z"]
    score = ranking_score(model, users, items, metric="recall", k=2)
    assert score == (1 / 2 + 0 + 1) / 3
    assert model.calls == [([1, 2, 3], 2, True, None)]


def test_score_leaves_out_what_cannot_be_asked():
    model = Lists({1: ["a", "b"], None: ["z", "y"]}, had=[(1, "a")])
    users = [1, 1, 1, 1, None, None]
    items = ["a", "b", None, "c", "z", "q"]
    y = [5, 5, 5, 2, 5, 5]
    # user 1: "a" was had, "c" is no positive; the two anonymous are two questions
    assert ranking_score(model, users, items, y, metric="hit", k=2, min_y=4) == (1 + 1 + 0) / 3
    # with seen items let in, "a" is asked for, too
    assert ranking_score(model, [1, 1], ["a", "q"], metric="recall", k=1, exclude_seen=False) == 1 / 2
    assert model.calls[-1][2] is False
    # y <= 0 is never a positive
    assert ranking_score(model, [1, 1], ["b", "q"], [1, 0], metric="recall", k=2) == 1.0


def test_score_takes_tuples_as_ids():
    model = Lists({(1, 2): [("a", 1), ("b", 2)], None: []})
    assert ranking_score(model, [(1, 2), (9, 9)], [("b", 2), ("b", 2)], metric="mrr", k=3) == 1 / 4


def test_score_weights_users_by_their_mean_weight():
    model = Lists({1: ["a"], 2: ["b"], None: []})
    users, items = [1, 1, 2], ["a", "a", "q"]
    plain = ranking_score(model, users, items, metric="hit")
    assert plain == ranking_score(model, users, items, metric="hit", sample_weight=[2.0, 2.0, 2.0]) == 0.5
    assert ranking_score(model, users, items, metric="hit", sample_weight=[2.0, 4.0, 1.0]) == 3 / 4
    assert ranking_score(model, users, items, metric="hit", sample_weight=[1.0, 1.0, 0.0]) == 1.0


def test_nothing_to_ask_is_nan_with_a_warning():
    model = Lists({None: ["a"]}, had=[(1, "a")])
    with pytest.warns(UndefinedMetricWarning, match="No held-out pair is left to ask for"):
        assert math.isnan(ranking_score(model, [1], ["a"]))
    assert model.calls == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ranking_score(model, [1], ["a"], exclude_seen=False) == 1.0
        assert ranking_score(model, [1], ["a"], seen=lambda user, item: False) == 0.0
    with pytest.raises(ValueError, match="no ranking metric 'r2'"):
        ranking_score(model, [1], ["a"], metric="r2")


@pytest.mark.parametrize("extra", [{"y": [1, 2]}, {"sample_weight": [1.0]}])
def test_lengths_must_agree(extra):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ranking_score(Lists({None: ["a"]}), [1, 2, 3], ["a", "b", "c"], **extra)


def test_equal_ids_are_one_and_missing_ones_are_anonymous():
    model = Lists({1: ["a"], None: ["b"]})
    users = [1, 1.0, True, float("nan"), np.int8(1)]
    assert ranking_score(model, users, ["a"] * 5, metric="hit", k=1) == 1 / 2
    assert model.calls[0][0] == [1, None]
