"""Records of pairs of items, against sums in plain Python."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skl_increc._state._pairs import PairStore

from skl_increc.neighbors import RatingItemKNN, SlopeOne

# small steps, thirds, values far from each other, and zeros: every form of a record
RATINGS = st.one_of(
    st.integers(1, 10).map(lambda v: v / 2),
    st.sampled_from([0.0, -3.0, 1 / 3, 0.1, 1000.25, 1e-3, 70.0, -127.0, 128.0]),
)
EVENTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30), RATINGS), max_size=60)


def means(events):
    given = {}
    for user, item, y in events:
        given.setdefault((user, item), []).append(y)
    return {pair: sum(ys) / len(ys) for pair, ys in given.items()}


def expected(events, unit):
    """(i, j) -> exact sums of the means, which are whole numbers of units."""
    out = {}
    found = {pair: round(Fraction(y) / unit) * unit for pair, y in means(events).items()}
    for (u, i), x in found.items():
        for (v, j), y in found.items():
            if u == v and i != j:
                had = out.get((i, j), [Fraction(0)] * 6)
                out[i, j] = [a + b for a, b in zip(had, (1, x, y, x * x, y * y, x * y), strict=True)]
    return out


def learned(cls, events, how):
    model = cls()
    if how == "one":
        for user, item, y in events:
            model.learn_one({"user": user, "item": item}, y)
    elif events:
        model.fit([[user, item] for user, item, _ in events], [y for *_, y in events])
    return model


@given(EVENTS, st.sampled_from(["one", "many"]))
def test_sums_are_exact(events, how):
    for cls in (RatingItemKNN, SlopeOne):
        model = learned(cls, events, how)
        if model._state is None:
            continue
        unit = Fraction(2) ** model._state.learner.scale[0] if model._state.learner.scale[0] < 4000 else 1
        right = expected(events, unit)
        found = model._state.stores["item_pairs"].keyed(
            dict(zip(model._state.items.live().tolist(), model.item_ids_.tolist(), strict=True))
        )
        assert found.keys() == right.keys()
        for pair, sums in right.items():
            sums = sums if cls is RatingItemKNN else [sums[0], sums[1] - sums[2]]
            assert found[pair].tolist() == [float(v) for v in sums]


@given(EVENTS, st.randoms(use_true_random=False))
def test_order_and_batches_make_no_difference(events, random):
    shuffled = random.sample(events, len(events))
    one, many = learned(RatingItemKNN, events, "one"), learned(RatingItemKNN, shuffled, "many")
    if one._state is None:
        return
    stores = [
        m._state.stores["item_pairs"].keyed(dict(enumerate(m._state.items.ids_of(m._state.items.live()))))
        for m in (one, many)
    ]
    assert stores[0].keys() == stores[1].keys()
    assert all(stores[0][pair].tolist() == stores[1][pair].tolist() for pair in stores[0])


def test_dense_and_hashed_rows_hold_the_same():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 60, 3000), rng.zipf(1.3, 3000) % 700])
    y = rng.integers(1, 11, 3000) / 2
    model = RatingItemKNN().fit(X, y)
    events = [(u, i, v) for (u, i), v in zip(X.tolist(), y.tolist(), strict=True)]
    right = expected(events, Fraction(2) ** model._state.learner.scale[0])
    ids = dict(enumerate(model.item_ids_.tolist()))
    found = model._state.stores["item_pairs"].keyed(ids)
    assert found.keys() == right.keys()
    assert all(found[pair].tolist() == [float(v) for v in right[pair]] for pair in right)


@pytest.mark.parametrize("ratings", [[1, 5], [0.1, 0.7]], ids=["narrow", "wide"])
@pytest.mark.parametrize("how", ["copy", "pickle", "restore"])
def test_duplicates_are_equal_and_independent(ratings, how):
    model = RatingItemKNN().fit([[u, i] for u in range(9) for i in range(u, 20)], (ratings * 200)[:144])
    store = model._state.stores["item_pairs"]
    new = {
        "copy": store.copy,
        "pickle": lambda: pickle.loads(pickle.dumps(store)),
        "restore": lambda: store.blank().restore(store.export()),
    }[how]()
    before = store.export()
    assert all(np.array_equal(before[part], new.export()[part]) for part in before)
    new.drop(1, [3, 4])
    assert all(np.array_equal(before[part], store.export()[part]) for part in before)
    assert not np.isin(new.export()["keys"], [3, 4]).any()
    assert len(new) < len(store)


def test_nbytes_follow_what_is_there():
    model = RatingItemKNN()
    sizes = []
    for n in (2, 20, 200):
        model.fit([[u, i] for u in range(3) for i in range(n)], [3.0] * 3 * n)
        sizes.append(model._state.stores["item_pairs"].nbytes)
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] < 30 * 200 * 199 / 2


def test_kinds_that_are_not_there_are_refused():
    with pytest.raises(
        ValueError, match=r"records of pairs of items are 'moments' or 'slopes'; got 'triples'"
    ):
        PairStore("triples")


DAMAGES = {
    "indptr does not rise from 0": lambda k: k["indptr"].__setitem__(0, 1),
    "keys names an item that is not below": lambda k: k["keys"].__setitem__(0, 99),
    "records has 3 numbers": lambda k: k.update(records=k["records"][:3]),
    "records has a pair without users": lambda k: k["records"].__setitem__(0, 0),
    "wide has 9 numbers for 0": lambda k: k.update(wide=np.ones(9, np.int64)),
    "scale is": lambda k: k["scale"].__setitem__(0, 10**6),
    "indptr falls": lambda k: k["indptr"].__setitem__(1, 3),
}


@pytest.mark.parametrize("message", DAMAGES)
def test_damaged_exports_are_refused(message):
    model = RatingItemKNN().fit([[1, 1], [1, 2], [1, 3], [2, 1], [2, 3]], [1, 2, 3, 4, 5])
    store = model._state.stores["item_pairs"]
    kept = {part: array.copy() for part, array in store.export().items()}
    store.check(kept, np.ones(2, bool), np.ones(3, bool))
    DAMAGES[message](kept)
    with pytest.raises(ValueError, match=message):
        store.check(kept, np.ones(2, bool), np.ones(3, bool))
