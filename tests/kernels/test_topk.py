"""The best of rows of scores, against sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from skl_increc._state._idmap import IdMap

from skl_increc._kernels import _topk
from skl_increc.factorization import BiasedMF


def ids_of(n, text=False):
    """Keys and kinds of n item rows, as an id map has them."""
    index = IdMap()
    index.add_objects([f"item {k}" if text and k % 2 else k * 7919 for k in range(n)])
    return index.keys_array[:n].copy(), index.kind_array[:n].copy()


def naive(scores, hidden, k, keys, kind):
    """Rows and scores of the k best: by score, then by the hash of the id."""
    n = len(scores)
    tie = _topk.ties(np.arange(n, dtype=np.int32), keys, kind)
    good = [r for r in range(n) if scores[r] > -np.inf and kind[r] and r not in set(hidden)]
    best = sorted(good, key=lambda r: (-scores[r], tie[r]))[:k]
    pad = k - len(best)
    return best + [-1] * pad, [float(scores[r]) for r in best] + [-np.inf] * pad


def csr(hidden):
    """Lists of hidden rows as indptr and ascending rows."""
    indptr = np.cumsum([0, *map(len, hidden)]).astype(np.int64)
    return indptr, np.array([r for rows in hidden for r in sorted(rows)], dtype=np.int32)


def tiles(scores, bias, hidden, k, keys, kind, width):
    """All columns through select_tile, `width` at a time."""
    m, n = scores.shape
    indptr, flat = csr(hidden)
    at, filled = indptr[:-1].copy(), np.zeros(m, np.int32)
    best, rows = np.full((m, k), -np.inf, np.float32), np.full((m, k), -1, np.int32)
    for base in range(0, n, width):
        block = np.ascontiguousarray(scores[:, base : base + width])
        _topk.select_tile(block, bias, base, indptr, flat, at, filled, best, rows, keys, kind)
    return rows, best


values = st.one_of(st.integers(-2, 2).map(float), st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 0.5]))


@st.composite
def questions(draw):
    """Scores with many ties, NaN and infinities; hidden and freed rows; a length that may be too long."""
    n, m = draw(st.integers(1, 90)), draw(st.integers(1, 3))
    scores = np.array(draw(st.lists(st.lists(values, min_size=n, max_size=n), min_size=m, max_size=m)))
    hidden = [draw(st.lists(st.integers(0, n - 1), unique=True, max_size=8)) for _ in range(m)]
    keys, kind = ids_of(n, text=True)
    kind[draw(st.lists(st.integers(0, n - 1), max_size=5))] = 0
    return scores, hidden, draw(st.integers(1, n + 5)), keys, kind


@settings(max_examples=examples(120))
@given(questions())
def test_the_best_in_double_precision_are_those_of_sorting(question):
    scores, hidden, k, keys, kind = question
    rows, best = _topk.select(scores.copy(), *csr(hidden), k, keys, kind)
    for r in range(len(scores)):
        assert (rows[r].tolist(), best[r].tolist()) == naive(scores[r], hidden[r], k, keys, kind)


@settings(max_examples=examples(120))
@given(questions(), st.sampled_from([1, 7, 32, 33, 64, 100]), st.booleans())
def test_the_best_of_tiles_are_those_of_sorting(question, width, biased):
    scores, hidden, k, keys, kind = question
    scores = scores.astype(np.float32)
    bias = (
        np.arange(scores.shape[1], dtype=np.float32) % 3 if biased else np.zeros(scores.shape[1], np.float32)
    )
    rows, best = tiles(scores, bias, hidden, k, keys, kind, width)
    for r in range(len(scores)):
        want = naive(scores[r] + bias, hidden[r], k, keys, kind)
        assert (rows[r].tolist(), best[r].tolist()) == want


@pytest.mark.parametrize("k", [1, 10, 100])
def test_many_scores_in_any_order(k):
    rng, n = np.random.default_rng(0), 5000
    keys, kind = ids_of(n)
    for make in (rng.normal, lambda size: np.arange(n) + 0.0, lambda size: -np.arange(n) + 0.0):
        scores = np.atleast_2d(make(size=n)).astype(np.float32)
        rows, best = tiles(scores, np.zeros(n, np.float32), [[]], k, keys, kind, 512)
        assert rows[0].tolist() == np.argsort(-scores[0], kind="stable")[:k].tolist()
        double, _ = _topk.select(scores.astype(np.float64), *csr([[]]), k, keys, kind)
        assert double.tolist() == rows.tolist()
        assert best[0].tolist() == scores[0, rows[0]].tolist()


def test_ties_go_by_the_id_and_not_by_its_row():
    n = 200
    items = [f"id {k}" for k in range(n)]
    lists = []
    for order in (items, items[::-1]):
        index = IdMap()
        index.add_objects(order)
        rows, _ = _topk.select(np.zeros((1, n)), *csr([[]]), 20, index.keys_array[:n], index.kind_array[:n])
        lists.append(index.ids_of(rows[0]).tolist())
    assert lists[0] == lists[1]
    assert lists[0] != items[:20]


def test_nothing_to_choose_from():
    keys, kind = ids_of(3)
    for scores in (np.full((2, 3), np.nan), np.full((2, 3), -np.inf)):
        rows, best = _topk.select(scores, *csr([[], []]), 2, keys, kind)
        assert (rows == -1).all()
        assert (best == -np.inf).all()
    rows, best = _topk.select(np.zeros((1, 3)), *csr([[0, 1, 2]]), 2, keys, kind)
    assert (rows.tolist(), best.tolist()) == ([[-1, -1]], [[-np.inf, -np.inf]])
    rows, _ = _topk.select(np.zeros((1, 3)), *csr([[]]), 2, keys, np.zeros(3, np.uint8))
    assert rows.tolist() == [[-1, -1]]


def test_ties_are_hashes_of_the_ids():
    keys, kind = ids_of(50, text=True)
    tie = _topk.ties(np.arange(50, dtype=np.int32), keys, kind)
    assert tie.dtype == np.uint64
    assert len(set(tie.tolist())) == 50
    assert tie[kind == 2].tolist() == keys[kind == 2].view(np.uint64).tolist()
    assert tie[kind == 1].tolist() != keys[kind == 1].view(np.uint64).tolist()


@pytest.mark.parametrize("n_items", [40, 4096, 5000, 9000])
def test_lists_of_many_users_are_those_of_one(n_items):
    """Blocks of a matrix product for many users, exact scores for one: the lists are the same."""
    rng = np.random.default_rng(1)
    model = BiasedMF(n_factors=5, init_scale=0.5)
    users = rng.integers(0, 300, 20_000)
    model.fit(np.column_stack([users, rng.integers(0, n_items, 20_000)]), rng.integers(1, 6, 20_000))
    asked = [*range(0, 300, 7), "stranger"]
    items, scores = model.recommend(asked, 12)
    for r, user in enumerate(asked[::5]):
        alone, exact = model.recommend([user], 12)
        assert alone[0].tolist() == items[5 * r].tolist()
        assert exact[0].tolist() == scores[5 * r].tolist()
        known = model.item_ids_
        all_scores = model.predict(np.array([[user, item] for item in known], dtype=object))
        seen = np.array([model.seen(user, item) for item in known])
        all_scores[seen] = -np.inf
        assert exact[0].tolist() == np.sort(all_scores)[::-1][:12].tolist()
