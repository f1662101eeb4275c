"""The array functions of the first k places: against the definitions, scikit-learn and trec_eval."""

import itertools
import json
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from sklearn import metrics as sklearn_metrics
from sklearn.exceptions import UndefinedMetricWarning
from trec_eval import GOLDEN
from trec_eval import values as trec_eval_values

from skl_increc.base._ranking import gain
from skl_increc.baselines import Popularity
from skl_increc.metrics import (
    auc,
    f1_at_k,
    hit_rate_at_k,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

FUNCTIONS = {
    "ndcg": ndcg_at_k,
    "recall": recall_at_k,
    "precision": precision_at_k,
    "f1": f1_at_k,
    "hit_rate": hit_rate_at_k,
    "mrr": mrr_at_k,
    "map": map_at_k,
}
EACH = pytest.mark.parametrize("name", FUNCTIONS)

ITEMS = st.integers(0, 9)
LISTS = st.lists(st.lists(ITEMS, unique=True, max_size=10), min_size=1, max_size=8)
K = st.integers(1, 12)


@st.composite
def lists_and_truths(draw):
    lists = draw(LISTS)
    truths = draw(st.lists(st.sets(ITEMS), min_size=len(lists), max_size=len(lists)))
    return lists, truths


@st.composite
def scores_and_truths(draw, max_items=12, listed=True):
    """Few different scores, hence many ties; -inf where an item is not listed."""
    n_lists, n_items = draw(st.integers(1, 5)), draw(st.integers(1, max_items))
    some = st.integers(-2, 2).map(float)
    each = some if listed else st.one_of(some, some, st.just(-math.inf))
    scores = draw(
        st.lists(st.lists(each, min_size=n_items, max_size=n_items), min_size=n_lists, max_size=n_lists)
    )
    flags = st.lists(st.booleans(), min_size=n_items, max_size=n_items)
    truths = draw(st.lists(flags, min_size=n_lists, max_size=n_lists))
    return np.array(scores), np.array(truths)


# -- lists ---------------------------------------------------------------------------------------------------


@EACH
@settings(max_examples=examples(40))
@given(case=lists_and_truths(), k=K)
def test_lists_give_the_gains(name, case, k):
    lists, truths = case
    each = FUNCTIONS[name](truths, lists, k, average=False)
    assert each.dtype == np.float64 and each.shape == (len(lists),)
    for value, ranked, wanted in zip(each, lists, truths, strict=True):
        if wanted:
            assert value == gain(name, ranked, wanted, k)
        else:
            assert math.isnan(value)
    if any(truths):
        assert FUNCTIONS[name](truths, lists, k) == pytest.approx(np.nanmean(each), abs=1e-15)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "f1"])  # it has none
def test_lists_give_what_trec_eval_gave(name):
    cases = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(cases) == 60
    for case in cases:
        value = FUNCTIONS[name](case["truths"], case["lists"], case["k"])
        assert value == pytest.approx(case["values"][name], abs=1e-6)  # of C floats


@settings(max_examples=examples(100))
@given(case=lists_and_truths(), k=K)
def test_lists_give_what_trec_eval_gives(case, k):
    pytest.importorskip("ir_measures")
    lists, truths = case
    if any(truths):
        for name, value in trec_eval_values(lists, truths, k).items():
            assert FUNCTIONS[name](truths, lists, k) == pytest.approx(value, abs=1e-6)


def test_f1_is_that_of_precision_and_recall():
    truths, lists = [{1, 2, 3}], [[1, 9, 2, 8]]
    p, r = precision_at_k(truths, lists, 3), recall_at_k(truths, lists, 3)
    assert f1_at_k(truths, lists, 3) == pytest.approx(2 * p * r / (p + r))


@EACH
def test_rows_may_be_written_in_many_ways(name):
    function = FUNCTIONS[name]
    want = function([{1, 2}, {7}], [[1, 5], [6, 7]], k=3)
    pad = np.array([[1, 5, None], [6, 7, None]], dtype=object)
    floats = np.array([[1.0, 5.0, np.nan], [6.0, 7.0, np.nan]])
    for lists in (
        pad,
        floats,
        [(1, 5), [6, np.int32(7)]],
        iter([[1, 5], [6, 7]]),
        pd.DataFrame(pad).to_numpy(),
    ):
        assert function([{1, 2}, [7.0]], lists, k=3) == want
    for truths in ([[1, 2], 7], [np.array([1, 2]), np.float32(7)], [{1, 2, None}, [7, math.nan]]):
        assert function(truths, pad, k=3) == want
    assert function(pd.Series(["a", "b"]), [["a"], ["c"]], k=1) == 0.5  # one id each
    assert function([(1, 2)], [[(1, 2)]], k=1) == 1.0  # a tuple is an id
    assert function([{"a"}], [["a"]], k=np.int64(1)) == 1.0


@EACH
def test_weights(name):
    function = FUNCTIONS[name]
    truths, lists = [{1}, {2}, set()], [[1], [3], [4]]
    full = function([{1}], [[1]], 4)
    assert function(truths, lists, 4, sample_weight=[3.0, 1.0, 5.0]) == pytest.approx(0.75 * full)
    assert function(truths, lists, 4, sample_weight=[1.0, 0.0, 0.0]) == full
    with pytest.raises(ValueError, match="sample_weight must be finite and at least 0"):
        function(truths, lists, 4, sample_weight=[1.0, -1.0, 0.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        function(truths, lists, 4, sample_weight=[1.0])


@EACH
def test_degenerate_lists(name):
    function = FUNCTIONS[name]
    with pytest.warns(UndefinedMetricWarning, match=f"{name} at 5 is not defined: no list is left") as caught:
        assert math.isnan(function([set(), None], [[1], [2]], 5))
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(function([set()], [[1]], 5, average=False)).all()
        assert function([{1}, {1}], [[], [None]], 5) == 0.0
        assert function([{1}], [[2, 3, 4, 1]], 3) == 0.0  # one place too late
    with pytest.warns(UndefinedMetricWarning):
        assert math.isnan(function([], [], 5))
    # k beyond all that is there: only the empty places of precision count
    assert function([{1}], [[1]], 50) == {"precision": 1 / 50, "f1": 2 / 51}.get(name, 1.0)
    # a repeated item counts once
    assert recall_at_k([{1, 2}], [[1, 1]], 2) == 0.5


# -- scores --------------------------------------------------------------------------------------------------


def by_all_orders(name, scores, wanted, k):
    """The mean gain over every order of the tied items."""
    listed = [item for item in range(len(scores)) if scores[item] > -math.inf]
    values = sorted({scores[item] for item in listed}, reverse=True)
    groups = [[item for item in listed if scores[item] == value] for value in values]
    truth = set(np.flatnonzero(wanted).tolist())
    orders = itertools.product(*(itertools.permutations(group) for group in groups))
    return np.mean([gain(name, list(itertools.chain(*order)), truth, k) for order in orders])


@EACH
@settings(max_examples=examples(40))
@given(case=scores_and_truths(max_items=6, listed=False), k=st.integers(1, 8))
def test_ties_are_the_mean_over_all_orders(name, case, k):
    scores, truths = case
    each = FUNCTIONS[name](truths, y_score=scores, k=k, average=False)
    for value, own, wanted in zip(each, scores, truths, strict=True):
        if wanted.any():
            assert value == pytest.approx(by_all_orders(name, own, wanted, k), abs=1e-12)
            assert -1e-12 <= value <= 1 + 1e-12
        else:
            assert math.isnan(value)


@settings(max_examples=examples(60))
@given(case=scores_and_truths(), k=K)
def test_ndcg_is_that_of_scikit_learn(case, k):
    scores, truths = case
    kept = truths.any(axis=1)
    if scores.shape[1] > 1 and kept.any():  # of one item scikit-learn has no ndcg
        theirs = sklearn_metrics.ndcg_score(truths[kept], scores[kept], k=k)
        assert ndcg_at_k(truths, y_score=scores, k=k) == pytest.approx(theirs)


@settings(max_examples=examples(60))
@given(data=st.data(), n_items=st.integers(2, 12), k=K)
def test_the_others_are_those_of_scikit_learn(data, n_items, k):
    scores = np.array([data.draw(st.permutations(range(n_items))) for _ in range(3)], dtype=float)
    flags = st.lists(st.booleans(), min_size=n_items, max_size=n_items).filter(any)
    truths = np.array([data.draw(flags) for _ in range(3)])
    shown = np.zeros_like(truths)
    np.put_along_axis(shown, np.argsort(-scores, axis=1)[:, :k], True, axis=1)
    kinds = {"average": "samples", "zero_division": 0.0}
    assert recall_at_k(truths, y_score=scores, k=k) == pytest.approx(
        sklearn_metrics.recall_score(truths, shown, **kinds)
    )
    if k <= n_items:  # beyond, k counts places that scikit-learn does not know of
        precision = sklearn_metrics.precision_score(truths, shown, **kinds)
        assert precision_at_k(truths, y_score=scores, k=k) == pytest.approx(precision)
        f1 = sklearn_metrics.f1_score(truths, shown, **kinds)
        assert f1_at_k(truths, y_score=scores, k=k) == pytest.approx(f1)
    whole = sklearn_metrics.average_precision_score(truths, scores, average="samples")
    assert map_at_k(truths, y_score=scores, k=n_items) == pytest.approx(whole)
    single = np.array([np.flatnonzero(row)[0] for row in truths])
    one = np.eye(n_items, dtype=bool)[single]
    hits = (
        sklearn_metrics.top_k_accuracy_score(single, scores, k=k, labels=np.arange(n_items))
        if k < n_items
        else 1
    )
    if n_items > 2:
        assert hit_rate_at_k(one, y_score=scores, k=k) == pytest.approx(hits)


@settings(max_examples=examples(60))
@given(case=scores_and_truths(listed=True))
def test_auc_is_that_of_scikit_learn(case):
    scores, truths = case
    mixed = truths.any(axis=1) & ~truths.all(axis=1)
    each = auc(truths, scores, average=False)
    assert np.isnan(each[~mixed]).all()
    for value, own, wanted in zip(each[mixed], scores[mixed], truths[mixed], strict=True):
        assert value == pytest.approx(sklearn_metrics.roc_auc_score(wanted, own))
    if mixed.any():
        assert auc(truths, scores) == pytest.approx(each[mixed].mean())


@settings(max_examples=examples(60))
@given(case=scores_and_truths(max_items=8, listed=False))
def test_auc_by_its_pairs_with_items_that_are_not_listed(case):
    scores, truths = case
    for value, own, wanted in zip(auc(truths, scores, average=False), scores, truths, strict=True):
        others = own[~wanted & (own > -math.inf)]
        pairs = [(a > b) + (a == b) / 2 for a in own[wanted] for b in others]
        assert value == pytest.approx(np.mean(pairs)) if pairs else math.isnan(value)


def test_auc_warns_and_weighs():
    with pytest.warns(UndefinedMetricWarning, match="auc is not defined") as caught:
        assert math.isnan(auc([[1, 1]], [[0.0, 1.0]]))
    assert caught[0].filename == __file__
    assert auc([[1, 0], [0, 1]], [[1.0, 0.0], [1.0, 0.0]], sample_weight=[3, 1]) == 0.75


@EACH
def test_scores_of_sparse_truths_and_many_items(name):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4, 3000)).round(2)  # ties everywhere
    truths = rng.random((4, 3000)) < 0.01
    value = FUNCTIONS[name](truths, y_score=scores, k=20)
    for form in (sp.csr_array, sp.coo_matrix, sp.csc_array):
        assert FUNCTIONS[name](form(truths.astype(np.int8)), y_score=scores, k=20) == value
    stored_zero = sp.csr_array(truths.astype(float) + 1)
    stored_zero.data -= 1  # an explicit 0 wants nothing
    assert FUNCTIONS[name](stored_zero, y_score=scores, k=20) == value
    assert auc(stored_zero, scores) == auc(truths, scores)
    jitter = [
        FUNCTIONS[name](truths, y_score=scores + rng.uniform(0, 1e-9, scores.shape), k=20) for _ in range(100)
    ]
    assert value == pytest.approx(np.mean(jitter), abs=5 * np.std(jitter) / 10 + 1e-12)


def test_scores_of_a_model(recwarn):
    X = [[1, "a"], [2, "a"], [2, "b"], [3, "c"]]
    model = Popularity().fit(np.array(X, dtype=object))
    lists, scores = model.recommend([1, 9], k=5)
    assert recall_at_k([{"b"}, {"a"}], lists, 1) == pytest.approx((lists[0, 0] == "b") * 0.5 + 0.5)
    # as scores: what user 1 had is -inf, and padding is no item
    assert recall_at_k([[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]], y_score=scores, k=2) == pytest.approx(1.0)


# -- what is refused -----------------------------------------------------------------------------------------


@EACH
def test_what_is_refused(name):
    function = FUNCTIONS[name]
    with pytest.raises(ValueError, match="k must be a whole number of places, at least 1; got 0"):
        function([{1}], [[1]], 0)
    with pytest.raises(ValueError, match="Give either y_pred .* or y_score"):
        function([{1}])
    with pytest.raises(ValueError, match="Give either y_pred .* or y_score"):
        function([[1]], [[1]], y_score=[[1.0]])
    with pytest.raises(ValueError, match="y_true holds 2 rows, y_pred 1 lists"):
        function([{1}, {2}], [[1]])
    with pytest.raises(TypeError, match="y_pred must be a list of items"):
        function([{1}], ["abc"])
    with pytest.raises(TypeError, match="y_pred must be a sequence of lists of items; got 'abc'"):
        function([{1}], "abc")
    with pytest.raises(TypeError, match="y_true must hold the items wanted of each list; got 'abc'"):
        function("abc", [["a"]])
    with pytest.raises(ValueError, match="y_pred must hold a list a row; got an array of shape \\(2,\\)"):
        function([{1}], np.array([1, 2]))
    with pytest.raises(ValueError, match="y_pred holds fractions, not ids: give scores as y_score="):
        function([[0, 1]], np.array([[0.5, 0.1]]))
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="a model that has diverged is not ranked"):
            function([[0, 1]], y_score=[[0.5, bad]])
    with pytest.raises(ValueError, match="y_true has the shape \\(1, 3\\), y_score \\(1, 2\\)"):
        function([[0, 1, 1]], y_score=[[0.5, 0.1]])
    for bad in ([[0, 2]], [[0.5, 1]], [["a", "b"]], sp.csr_array([[0, 3]])):
        with pytest.raises(ValueError, match="y_true must hold 0 and 1 only"):
            function(bad, y_score=[[0.5, 0.1]])
