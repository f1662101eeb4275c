"""RatingItemKNN and SlopeOne against their formulas."""

import numpy as np
import pytest

from skl_increc.baselines import Baseline
from skl_increc.neighbors import RatingItemKNN, SlopeOne


def ratings(n=400, n_users=25, n_items=18, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.permutation([[u, i] for u in range(n_users) for i in range(n_items)])[:n]
    return X, rng.integers(1, 11, n) / 2


def table(X, y):
    out = np.full((X[:, 0].max() + 1, X[:, 1].max() + 1), np.nan)
    out[X[:, 0], X[:, 1]] = y
    return out


def similarity(R, a, b, kind, mean, shrinkage):
    both = ~np.isnan(R[:, a]) & ~np.isnan(R[:, b])
    n, x, y = both.sum(), R[both, a], R[both, b]
    if not n:
        return 0.0
    x, y = (x - mean, y - mean) if kind == "cosine" else (x - x.mean(), y - y.mean())
    size = np.sqrt((x @ x) * (y @ y))
    return n / (n + shrinkage) * (x @ y) / size if size > 1e-9 else 0.0


@pytest.mark.parametrize("kind", ["cosine", "pearson"])
@pytest.mark.parametrize("k", [None, 3])
def test_prediction_is_that_of_the_formula(kind, k):
    X, y = ratings()
    R, mean = table(X, y), y.mean()
    model = RatingItemKNN(k, similarity=kind, shrinkage=7.0, damping=0.2).fit(X, y)
    biases = Baseline().fit(X, y)
    base = biases.predict(np.array([[u, i] for u in range(25) for i in range(18)])).reshape(25, 18)
    for u in range(25):
        for i in range(18):
            s = np.array(
                [
                    similarity(R, i, j, kind, mean, 7.0) if j != i and not np.isnan(R[u, j]) else 0.0
                    for j in range(18)
                ]
            )
            s[s < 0] = 0
            if k is not None and (s > 0).sum() > k:
                s[s < np.sort(s)[-k]] = 0
            parts = np.where(s > 0, s * (np.nan_to_num(R[u]) - base[u]), 0.0) / (s.sum() + 0.2)
            assert model.predict_one({"user": u, "item": i}) == pytest.approx(
                base[u, i] + parts.sum(), abs=1e-9
            )


@pytest.mark.parametrize("shrinkage", [0.0, 5.0])
def test_slope_one_is_that_of_the_formula(shrinkage):
    X, y = ratings(seed=1)
    R = table(X, y)
    model, biases = SlopeOne(shrinkage).fit(X, y), Baseline().fit(X, y)
    for u in range(25):
        for i in range(18):
            base = biases.predict_one({"user": u, "item": i})
            top, below = shrinkage * base, shrinkage
            for j in range(18):
                both = ~np.isnan(R[:, i]) & ~np.isnan(R[:, j])
                if j != i and not np.isnan(R[u, j]) and both.any():
                    top += both.sum() * R[u, j] + (R[both, i] - R[both, j]).sum()
                    below += both.sum()
            assert model.predict_one({"user": u, "item": i}) == pytest.approx(top / below, abs=1e-9)


@pytest.mark.parametrize("model", [RatingItemKNN(shrinkage=3.0), SlopeOne(10.0)], ids=repr)
def test_explanations_add_up(model):
    X, y = ratings(seed=2)
    model.fit(X, y)
    biases = Baseline().fit(X, y)
    for u, i in X[:40].tolist():
        items, parts = model.explain(u, i)
        pair = {"user": u, "item": i}
        assert biases.predict_one(pair) + parts.sum() == pytest.approx(model.predict_one(pair), abs=1e-9)
        assert set(items) <= set(X[X[:, 0] == u, 1]) - {i}
        assert (np.diff(np.abs(parts)) <= 0).all()


def test_nothing_to_explain_about_strangers():
    model = RatingItemKNN().fit([["a", "x"], ["a", "y"]], [1, 2])
    for user, item in (("b", "x"), ("a", "z"), (None, None)):
        items, parts = model.explain(user, item)
        assert len(items) == len(parts) == 0


def test_similar_items():
    X, y = ratings(seed=3)
    R, mean = table(X, y), y.mean()
    model = RatingItemKNN(shrinkage=5.0).fit(X, y)
    ids, scores = model.similar_items(4, 5)
    right = {j: similarity(R, 4, j, "cosine", mean, 5.0) for j in range(18) if j != 4}
    assert scores == pytest.approx(sorted(right.values(), reverse=True)[: len(scores)], abs=1e-9)
    assert [right[j] for j in ids] == pytest.approx(scores, abs=1e-9)
    assert [len(part) for part in model.similar_items("unknown")] == [0, 0]


def test_a_repeated_rating_counts_as_the_mean():
    X, y = ratings(seed=4)
    mean = RatingItemKNN(l2_user=0, l2_item=0).fit([*X.tolist(), [3, 5], [3, 5]], [*y, 1.0, 4.0])
    sums = dict(zip(map(tuple, X.tolist()), y.tolist(), strict=True))
    had = [sums[3, 5]] if (3, 5) in sums else []
    rows, keys, found = mean._state.stores["item_pairs"].sums()
    place = {int(v): j for j, v in enumerate(mean.item_ids_)}
    value = (sum(had) + 5.0) / (len(had) + 2)
    R = table(X, y)
    R[3, 5] = value
    for a, b, (n, x, *_) in zip(rows, keys, found, strict=True):
        if place[5] in (a, b):
            i, j = (int(mean.item_ids_[v]) for v in (a, b))
            both = ~np.isnan(R[:, i]) & ~np.isnan(R[:, j])
            assert n == both.sum()
            assert x == pytest.approx(R[both, i].sum(), abs=1e-8)


@pytest.mark.parametrize("model", [RatingItemKNN(history=5), SlopeOne(history=5)], ids=repr)
def test_a_bounded_history_is_refused(model):
    with pytest.raises(ValueError, match=r"history=5 is too short for \w+, whose statistics follow from all"):
        model.fit([["a", "x"]], [1])


def test_far_ratings_make_the_units_coarser_and_forgetting_them_brings_the_fine_ones_back():
    X, y = ratings(seed=5)
    y = y + 1 / 3  # no whole number of any unit
    model, never = RatingItemKNN().fit(X, y), RatingItemKNN().fit(X, y)
    scale = model._state.learner.scale
    for j, item in enumerate((0, 1, "new")):
        model.learn_one({"user": "far", "item": item}, 1e9 * (j + 1))
    assert model._state.learner.scale[0] > scale[0]
    assert model.forget(users=["far"], items=["new"]) == 3
    assert model._state.learner.scale[0] == scale[0]
    assert model.predict(X) == pytest.approx(never.predict(X), rel=1e-9)


def test_lists_are_those_of_the_scores():
    X, y = ratings(n=150, seed=6)
    for model in (RatingItemKNN().fit(X, y), SlopeOne().fit(X, y)):
        items, scores = model.recommend([0, 1, "stranger"], k=4)
        for user, row, said in zip([0, 1, "stranger"], items, scores, strict=True):
            assert said.tolist() == [model.predict_one({"user": user, "item": item}) for item in row]


@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_change_of_units_reads_all_lists_again_however_long(one_by_one):
    rng = np.random.default_rng(7)
    X = [[0, i] for i in range(300)] + [[1, 0], [1, 1], [2, 0], [2, 1]]
    y = rng.normal(3, 1, len(X)).tolist()
    far, values = [["far", 0], ["far", 1]], [1e7 / 3, 1e12 / 3]
    model = RatingItemKNN().fit(X, y)
    if one_by_one:
        for (user, item), value in zip(far, values, strict=True):
            model.learn_one({"user": user, "item": item}, value)
    else:
        model.partial_fit(far, values)
    whole = RatingItemKNN().fit(far + X, values + y)
    assert model.predict(X) == pytest.approx(whole.predict(X), rel=1e-9)
