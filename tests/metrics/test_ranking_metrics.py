"""The streaming ranking metrics by themselves."""

import copy
import datetime as dt
import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import metrics as river_metrics
from river import utils
from searching import examples

from skl_increc.base._ranking import gain
from skl_increc.metrics import (
    F1,
    MAP,
    MRR,
    NDCG,
    Coverage,
    Gini,
    HitRate,
    Novelty,
    PopularityBias,
    Precision,
    RankingMetric,
    Recall,
)

GAINS = {
    HitRate: "hit_rate",
    Recall: "recall",
    Precision: "precision",
    F1: "f1",
    NDCG: "ndcg",
    MRR: "mrr",
    MAP: "map",
}
ALL = [*GAINS, Coverage, Gini, Novelty, PopularityBias]

ITEMS = st.integers(0, 9)
LISTS = st.lists(ITEMS, unique=True, max_size=10)
TRUTHS = st.one_of(ITEMS, st.sets(ITEMS))
EVENTS = st.lists(st.tuples(TRUTHS, LISTS), max_size=25)


def fill(metric, events):
    for truth, ranked in events:
        metric.update(truth, ranked)
    return metric


@pytest.mark.parametrize("cls", GAINS)
@settings(max_examples=examples(40))
@given(events=EVENTS, k=st.integers(1, 12))
def test_value_is_the_mean_gain(cls, events, k):
    asked = [(t if isinstance(t, set) else {t}, ranked) for t, ranked in events]
    each = [gain(GAINS[cls], ranked, truth, k) for truth, ranked in asked if truth]
    assert fill(cls(k), events).get() == pytest.approx(sum(each) / len(each) if each else 0.0, abs=1e-12)


@pytest.mark.parametrize("cls", GAINS)
def test_weights(cls):
    metric = cls(3)
    metric.update("b", ["a", "b"], 3.0)
    metric.update("z", ["a", "b"], w=1.0)
    assert metric.get() == pytest.approx(0.75 * gain(GAINS[cls], ["a", "b"], {"b"}, 3))
    metric.update("z", ["a", "b"], 0.0)
    assert metric.get() == pytest.approx(0.75 * gain(GAINS[cls], ["a", "b"], {"b"}, 3))


@given(events=EVENTS, k=st.integers(1, 12))
def test_coverage_and_novelty_by_their_definitions(events, k):
    asked = [(t if isinstance(t, set) else {t}, ranked[:k]) for t, ranked in events if t != set()]
    listed = [item for _, ranked in asked for item in ranked]
    came = [item for truth, _ in asked for item in truth]
    met = set(listed) | set(came)
    assert fill(Coverage(k), events).get() == (len(set(listed)) / len(met) if met else 0.0)
    assert fill(Coverage(k, n_items=10), events).get() == len(set(listed)) / 10
    bits = [-math.log2((came.count(item) + 1) / (len(asked) + 1)) for item in listed]
    want = sum(bits) / len(bits) if bits else 0.0
    assert fill(Novelty(k), events).get() == pytest.approx(want, abs=1e-9)


@pytest.mark.parametrize("cls", ALL)
@settings(max_examples=examples(40))
@given(kept=EVENTS, gone=EVENTS, k=st.integers(1, 12))
def test_revert_undoes_update(cls, kept, gone, k):
    metric = fill(fill(cls(k), gone), kept)
    for truth, ranked in gone:
        metric.revert(truth, ranked)
    assert metric.get() == pytest.approx(fill(cls(k), kept).get(), abs=1e-9)


@pytest.mark.parametrize("cls", ALL)
def test_revert_of_more_than_there_was(cls):
    metric = cls(3)
    with pytest.raises(ValueError, match="revert"):
        metric.revert("a", ["a"])
    metric.update("a", ["b"])
    metric.revert("a", ["b"])
    assert metric.get() == 0.0
    with pytest.raises(ValueError, match="revert"):
        metric.revert({"a", "b"}, ["a"])
    assert metric.get() == 0.0
    metric.revert("a", None)  # was not counted
    metric.revert("a", ["b"], 0.0)


@pytest.mark.parametrize("cls", ALL)
def test_misses_and_what_is_not_counted(cls):
    metric = cls(3)
    assert metric.get() == 0.0
    for truth, ranked in [("a", None), (None, ["a"]), (math.nan, ["a"]), (set(), ["a"]), ({None}, ["a"])]:
        metric.update(truth, ranked)
        assert metric.get() == 0.0
        metric.update(truth, ranked, 2.0)
    fresh = pickle.dumps(cls(3).__dict__)
    assert pickle.dumps(metric.__dict__) == fresh
    metric.update("a", [])  # a miss
    assert metric.get() == 0.0
    metric.update("a", ["a"])
    if cls in GAINS:
        assert metric.get() == gain(GAINS[cls], ["a"], {"a"}, 3) / 2
    assert not math.isnan(metric.get())


@pytest.mark.parametrize("cls", ALL)
def test_equal_ids_are_one(cls):
    plain, other = cls(3), cls(3)
    plain.update(3, [1, 3])
    other.update(np.float64(3.0), [1, 3])
    assert plain.get() == other.get()
    day = dt.datetime(2020, 1, 1)
    plain.update(day, [day])
    other.update(np.datetime64("2020-01-01"), [day])
    assert plain.get() == other.get()


@pytest.mark.parametrize("cls", GAINS)
def test_a_frozenset_is_an_id_and_a_list_is_several(cls):
    metric = cls(3)
    metric.update(frozenset("ab"), [frozenset("ab"), "c"])
    assert metric.get() == gain(GAINS[cls], ["x", "c"], {"x"}, 3)
    several, same = cls(3), cls(3)
    several.update(["a", "b"], ("c", "b"))
    same.update({"a", "b"}, ["c", "b"])
    assert several.get() == same.get() == gain(GAINS[cls], ["c", "b"], {"a", "b"}, 3)


@pytest.mark.parametrize("cls", ALL)
def test_names_tell_k_apart(cls):
    both = cls(5) + cls(10)
    assert [type(m).__name__ for m in both] == [f"{cls.__name__}@5", f"{cls.__name__}@10"]
    assert repr(both[0]).startswith(f"{cls.__name__}@5: 0.00")
    assert type(cls()).__name__ == f"{cls.__name__}@10"
    assert isinstance(both[0], cls) and isinstance(both[0], RankingMetric)
    assert type(cls(5)) is type(both[0])
    assert next(iter(inspect.signature(cls).parameters)) == "k"


@pytest.mark.parametrize("cls", ALL)
def test_copies(cls):
    metric = fill(cls(4), [("a", ["b", "a"]), ("c", ["b"])])
    for same in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric)):
        assert type(same) is type(metric) and same.get() == metric.get()
        same.update("b", ["b"])
        assert same.get() != metric.get() or cls is Coverage
    fresh = metric.clone()
    assert fresh.k == 4 and fresh.get() == 0.0 and type(fresh) is type(metric)
    other = metric.clone({"k": 6})
    assert other.k == 6 and type(other).__name__ == f"{cls.__name__}@6"
    sums = (cls(4) + cls(5)).clone()
    assert [m.k for m in sums] == [4, 5]


def test_coverage_keeps_its_catalogue():
    metric = pickle.loads(pickle.dumps(Coverage(2, n_items=8)))
    metric.update("a", ["a", "b"])
    assert metric.get() == 2 / 8
    assert metric.clone().n_items == 8
    assert fill(Coverage(5, n_items=2), [("a", ["a", "b", "c"])]).get() == 1.0
    with pytest.raises(ValueError, match="n_items must be the size of the catalogue, at least 1; got 0"):
        Coverage(5, n_items=0)


@pytest.mark.parametrize("cls", ALL)
def test_rolling(cls):
    events = [(n % 3, [n % 5, n % 3 + 2]) for n in range(30)]
    rolling = utils.Rolling(cls, window_size=7, k=2)
    for truth, ranked in events:
        rolling.update(truth, ranked)
    assert rolling.get() == pytest.approx(fill(cls(2), events[-7:]).get(), abs=1e-12)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("k", [0, -1, 2.0, True, None])
def test_k_is_checked(cls, k):
    with pytest.raises(ValueError, match="k must be a whole number of places, at least 1; got"):
        cls(k)
    with pytest.raises(ValueError, match="k must be a whole number of places"):
        cls(k=k)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("wrong", ["abc", 3.0, b"a"])
def test_a_prediction_is_a_list(cls, wrong):
    with pytest.raises(TypeError, match=r"y_pred must be a list of items, best first; got .*model.top\(k\)"):
        cls(3).update("a", wrong)


def test_sums_of_metrics():
    metric = HitRate(2) + NDCG(3) + Coverage(2)
    metric.update("a", ["b", "a"])
    assert metric.get() == [1.0, gain("ndcg", ["b", "a"], {"a"}, 3), 1.0]
    for bad in (lambda: HitRate(3) + river_metrics.MAE(), lambda: river_metrics.MAE() + HitRate(3)):
        with pytest.raises(ValueError, match="not compatible"):
            bad()
    assert all(m.bigger_is_better for m in metric)
    assert HitRate(2).works_with_weights and not Coverage(2).works_with_weights
