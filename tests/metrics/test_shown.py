"""What lists show of a catalogue: array functions against their definitions, River metrics against those."""

import copy
import datetime as dt
import itertools
import math
import pickle
import warnings
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from river import utils
from searching import examples
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics.pairwise import cosine_distances

from skl_increc.metrics import (
    NDCG,
    Coverage,
    Diversity,
    Gini,
    HitRate,
    Novelty,
    PopularityBias,
    catalog_coverage,
    diversity,
    gini,
    novelty,
    popularity_bias,
)

ITEMS = st.integers(0, 9)
LISTS = st.lists(st.lists(ITEMS, max_size=6), max_size=8)
K = st.integers(1, 7)
VECTORS = {item: [item % 2, item % 3 == 0, -1.0 * (item == 4), item == 7] for item in range(9)}  # none of 9


def flat(lists, k):
    return [item for row in lists for item in row[:k]]


# -- definitions ---------------------------------------------------------------------------------------------


@settings(max_examples=examples(40))
@given(lists=LISTS, k=K, n_items=st.integers(10, 15))
def test_coverage_and_gini_by_their_definitions(lists, k, n_items):
    listed = Counter(flat(lists, k))
    assert catalog_coverage(lists, n_items, k) == len(listed) / n_items
    assert catalog_coverage(lists, range(5), k) == len(listed.keys() & set(range(5))) / 5
    times = [listed[item] for item in range(n_items)]
    if listed:
        apart = np.abs(np.subtract.outer(times, times)).sum()
        assert gini(lists, n_items, k) == pytest.approx(apart / (2 * n_items * sum(times)), abs=1e-12)
        few = [listed[item] for item in range(5)]
        if any(few):
            apart = np.abs(np.subtract.outer(few, few)).sum()
            assert gini(lists, [0.0, 1, 2, 3, 4, None], k) == pytest.approx(
                apart / (2 * 5 * sum(few)), abs=1e-12
            )
    else:
        with pytest.warns(UndefinedMetricWarning, match="gini is not defined"):
            assert math.isnan(gini(lists, n_items, k))


@settings(max_examples=examples(40))
@given(lists=LISTS, k=K, events=st.lists(ITEMS, max_size=20))
def test_novelty_and_popularity_by_their_definitions(lists, k, events):
    listed, n = flat(lists, k), len(events)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        values = novelty(lists, events, k), popularity_bias(lists, events, k)
        counts = {np.int64(item): events.count(item) for item in range(10)}
        np.testing.assert_equal((novelty(lists, counts, k), popularity_bias(lists, counts, k)), values)
    if not listed:
        assert math.isnan(values[0]) and math.isnan(values[1])
        return
    bits = [-math.log2((events.count(item) + 1) / (n + 1)) for item in listed]
    assert values[0] == pytest.approx(np.mean(bits), abs=1e-12) and values[0] >= 0
    if events:
        shown = np.mean([events.count(item) for item in listed])
        taken = np.mean([events.count(item) for item in events])
        assert values[1] == pytest.approx(shown / taken - 1, abs=1e-12)
    else:
        assert math.isnan(values[1])


def test_lists_as_the_events_are_not_biased():
    events = [0, 0, 0, 1, 2, 2]
    assert popularity_bias([[item] for item in events], events) == pytest.approx(0.0)
    assert popularity_bias([[0]], events) > 0 > popularity_bias([[1]], events)
    assert novelty([["a"]], {"a": 3, "b": 9}, n_events=31) == 3.0


@settings(max_examples=examples(40))
@given(lists=LISTS, k=K)
def test_diversity_by_its_pairs(lists, k):
    each = diversity(lists, VECTORS, k, average=False)
    for value, row in zip(each, lists, strict=True):
        own = [VECTORS[item] for item in row[:k] if item in VECTORS]
        if len(own) < 2:
            assert math.isnan(value)
        else:
            apart = cosine_distances(own)
            for a, b in itertools.product(range(len(own)), repeat=2):
                if a == b and not any(own[a]):
                    apart[a, b] = 1.0
            pairs = [apart[a, b] for a, b in itertools.combinations(range(len(own)), 2)]
            assert value == pytest.approx(np.mean(pairs), abs=1e-12)


def test_diversity_reads_tables_of_every_kind():
    lists = [[3, 0, 1], [5, 4]]
    table = np.array([VECTORS[item] for item in range(9)], dtype=float)
    want = diversity(lists, VECTORS)
    for form in (table, sp.csr_array(table), sp.coo_matrix(table), table.tolist()):
        assert diversity(lists, form) == pytest.approx(want)
        assert diversity([["3", "0", "1"], ["5", "4"]], form, item_ids=list("012345678")) == pytest.approx(
            want
        )
    assert diversity(lists, table * 1e200) == pytest.approx(want)
    assert diversity([[0, 1], [1, 1]], table, sample_weight=[0, 2]) == 0.0
    assert diversity([[9, 10]], {}, average=False).shape == (1,)
    with pytest.warns(UndefinedMetricWarning, match="diversity is not defined") as caught:
        assert math.isnan(diversity([[9, 8]], VECTORS))
    assert caught[0].filename == __file__


def test_what_is_refused():
    lists = [["a", "b"]]
    for function in (catalog_coverage, gini):
        with pytest.raises(ValueError, match="catalog=1 items, but the lists hold 2 different ones"):
            function(lists, 1)
        with pytest.raises(ValueError, match="catalog=0 items, .* at least 1, or its ids"):
            function([[]], 0)
        with pytest.raises(ValueError, match="catalog is empty"):
            function(lists, [])
        with pytest.raises(TypeError, match="catalog must be a number of items, or their ids; got 2.5"):
            function(lists, 2.5)
    for function in (novelty, popularity_bias):
        with pytest.raises(ValueError, match="counts of at least 0; got -1 for item 'a'"):
            function(lists, {"a": -1})
        with pytest.raises(
            TypeError, match="must map items to counts, or hold the items of the events; got 3"
        ):
            function(lists, 3)
    with pytest.raises(ValueError, match="n_events=2 is less than the events of one item, 5.0"):
        novelty(lists, {"a": 5}, n_events=2)
    for call in (
        lambda k: catalog_coverage(lists, 3, k),
        lambda k: gini(lists, 3, k),
        lambda k: novelty(lists, ["a"], k),
        lambda k: popularity_bias(lists, ["a"], k),
        lambda k: diversity(lists, {}, k),
    ):
        with pytest.raises(ValueError, match="k must be a whole number of places, at least 1; got 0"):
            call(0)
    with pytest.raises(ValueError, match="item_ids go with an array"):
        diversity(lists, {"a": [1]}, item_ids=["a"])
    with pytest.raises(ValueError, match="item_vectors must be of one length"):
        diversity(lists, {"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match="item_ids holds 1 ids for 2 item vectors"):
        diversity(lists, [[1], [2]], item_ids=["a"])
    with pytest.raises(ValueError, match="item_vectors holds NaN or infinity"):
        diversity(lists, {"a": [math.nan]})
    with pytest.raises(ValueError, match="a row an item; got an array of shape \\(2,\\)"):
        diversity(lists, [1, 2])


# -- River ---------------------------------------------------------------------------------------------------

EVENTS = st.lists(st.tuples(ITEMS, st.lists(ITEMS, max_size=5)), max_size=20)
STREAMING = {
    "Coverage": lambda k: Coverage(k, n_items=12),
    "Gini": lambda k: Gini(k, n_items=12),
    "Novelty": Novelty,
    "PopularityBias": PopularityBias,
    "Diversity": lambda k: Diversity(k, item_vectors=VECTORS),
}


@pytest.mark.parametrize("name", STREAMING)
@settings(max_examples=examples(50))
@given(events=EVENTS, k=K)
def test_streaming_metrics_end_at_the_array_function(name, events, k):
    metric = STREAMING[name](k)
    for item, ranked in events:
        metric.update(item, ranked)
    lists, items = [ranked for _, ranked in events], [item for item, _ in events]
    function = {
        "Coverage": lambda: catalog_coverage(lists, 12, k),
        "Gini": lambda: gini(lists, 12, k),
        "Novelty": lambda: novelty(lists, items, k),
        "PopularityBias": lambda: popularity_bias(lists, items, k),
        "Diversity": lambda: diversity(lists, VECTORS, k),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        want = function()
    assert metric.get() == pytest.approx(0.0 if math.isnan(want) else want, abs=1e-12)


def test_which_way_is_better():
    assert not Gini(3).bigger_is_better and not PopularityBias(3).bigger_is_better
    assert Diversity(3, VECTORS).bigger_is_better and Novelty(3).bigger_is_better


def test_gini_without_a_catalogue_takes_what_it_met():
    metric = Gini(2)
    metric.update("x", ["a", "b"])
    assert metric.get() == pytest.approx(1 / 3)  # a and b once, x never
    metric.update("x", ["a", "b"])
    assert metric.get() == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="n_items must be the size of the catalogue, at least 1; got 0"):
        Gini(2, n_items=0)


def test_diversity_in_a_stream():
    metric = Diversity(2, item_vectors=VECTORS)
    assert metric.get() == 0.0 and repr(metric) == "Diversity@2: 0.0000"
    for truth, ranked in [(None, [0, 1]), (set(), [0, 1]), (1, None), (1, []), (1, [0, 9])]:
        metric.update(truth, ranked)
        assert metric.get() == 0.0
    metric.update(5, [1, 5, 0], 3.0)  # both odd: alike
    metric.update({1, 2}, (0, 1))
    assert metric.get() == pytest.approx(1 / 4)
    for same in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric)):
        assert same.get() == metric.get() and type(same) is type(metric)
    assert metric.clone().get() == 0.0 and metric.clone().item_vectors == VECTORS
    metric.revert({1, 2}, (0, 1))
    assert metric.get() == 0.0
    with pytest.raises(ValueError, match="counted less than revert takes back"):
        metric.revert(1, [0, 1], 4.0)
    metric.revert(5, [1, 5, 0], 3.0)
    assert metric.get() == 0.0
    with pytest.raises(ValueError, match="Diversity needs item_vectors"):
        Diversity(3)
    with pytest.raises(TypeError, match="y_pred must be a list of items"):
        metric.update(1, "abc")
    assert type(HitRate(2) + metric).__name__ == "Metrics"


WINDOWS = {
    "Coverage": (Coverage, {"n_items": 12}),
    "Gini": (Gini, {"n_items": 12}),
    "Novelty": (Novelty, {}),
    "PopularityBias": (PopularityBias, {}),
    "Diversity": (Diversity, {"item_vectors": VECTORS}),
    "HitRate": (HitRate, {}),
    "NDCG": (NDCG, {}),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_in_a_window_of_time(name):
    make, params = WINDOWS[name]
    start = dt.datetime(2024, 1, 1)
    rolling = utils.TimeRolling(make, period=dt.timedelta(seconds=7), k=3, **params)
    recent = make(k=3, **params)
    for n in range(30):
        rolling.update(n % 3, [n % 5, n % 4], t=start + dt.timedelta(seconds=n))
        if n > 30 - 8:  # 23 to 29: within the last seven seconds
            recent.update(n % 3, [n % 5, n % 4])
    assert rolling.get() == pytest.approx(recent.get(), abs=1e-12)
    assert rolling.get() != 0.0
