"""What answers strangers, against sums and lists that are made anew for every event."""

import copy

import numpy as np
import pytest

import skl_increc
from skl_increc.base._cold_start import EVENT_LADDER, KEPT, MEMORY, TIME_LADDER
from skl_increc.content import Rocchio
from skl_increc.exceptions import GuaranteeError
from skl_increc.factorization import BPR, FactorizationMachineRecommender, ImplicitALS
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules

NEWCOMER = 16  # events of a user that tell what newcomers take


def stream(n, n_items, seed, late=0.0):
    """(user or None, item, weight, time), some late; weights that never make two sums equal."""
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.exponential(60.0, n)) - 5e3
    t = np.where(rng.random(n) < late, t - rng.exponential(5e3, n), t)
    items = (n_items * rng.random(n) ** 2).astype(int)
    users = [None if u == 0 else int(u) for u in (30 * rng.random(n) ** 2).astype(int)]
    return list(zip(users, items.tolist(), rng.uniform(0.5, 2, n).tolist(), t.tolist(), strict=True))


def by_hand(events, spans):
    """What each item is worth at the end, and the gains: every list is sorted anew for every event."""
    had, shares = {}, []
    for user, *_ in events:
        n = 1 if user is None else had.get(user, 0) + 1
        had[user] = n
        shares.append(1 / n if n <= NEWCOMER else 0.0)
    i, w, t = (np.array([e[c] for e in events]) for c in (1, 2, 3))
    ways, rates = np.stack([w * shares, w]), 1 / np.array(spans)
    n, gain = i.max() + 1, np.zeros(2 * len(spans))
    for j in range(len(events) + 1):
        now = t[:j].max(initial=-np.inf)
        sums = np.zeros((n, 2 * len(spans)))
        with np.errstate(under="ignore"):
            faded = np.exp2((t[:j, None] - now) * rates)
            np.add.at(sums, i[:j], np.hstack([way[:j, None] * faded for way in ways]))
        if j < len(events) and shares[j]:
            place = (sums > sums[i[j]]).sum(axis=0)
            listed = (place < KEPT) & (sums[i[j]] > 0)
            gain = gain * 2 ** (-1 / MEMORY) + np.where(listed, shares[j] / np.log2(place + 2), 0)
    best = len(gain) - 1 - np.argmax(gain[::-1])
    worth = sums[:, best] + (1e-9 * sums[:, -1] if best < len(gain) - 1 else 0)
    return worth, gain, spans[best % len(spans)]


@pytest.mark.parametrize(("late", "seed"), [(0.0, 1), (0.2, 2)])
def test_worth_and_gains_are_those_of_lists_made_anew(late, seed):
    events = stream(500, 60, seed, late)
    model = SequentialRules(time_col="t", cold_start="recent", prior=1.0)
    for u, i, w, t in events:
        model.learn_one({"user": u, "item": i, "t": t}, w=w)
    recent = model._state.stores["recent"]
    worth, gain, half_life = by_hand(events, TIME_LADDER)
    np.testing.assert_allclose(recent.export()["gain"], gain, rtol=1e-9)
    assert recent.half_life == half_life
    items = model.item_ids_
    np.testing.assert_allclose(
        [model.predict_one(item=i) for i in items], worth[items.astype(int)], rtol=1e-9
    )


def test_newcomers_count_not_the_keenest():
    """One user takes all there is, again and again; those who come take one of two things."""
    model = BPR(4, n_negatives=2)
    for j in range(600):
        model.learn_one(user="keen", item=j % 50)
        if j % 10 == 0:
            model.learn_one(user=j, item=f"first {j // 10 % 2}")
    assert set(model.recommend_one("new", 2)) == {"first 0", "first 1"}
    counts = BPR(4, n_negatives=2, cold_start="popular").partial_fit([(1, "a"), (2, "b"), (3, "b")])
    assert counts.predict([("new", "a"), ("new", "b"), ("new", "c")]).tolist() == [1.0, 2.0, 0.0]


def test_what_has_faded_to_nothing_goes_by_its_counts():
    """Thousands of half-lives after its last event an item is still in the order of its counts."""
    model = ItemKNN(cold_start="recent", prior=1.0)
    for j in range(12):
        model.learn_one(user=f"early {j}", item=["a", "b", "b", "b", "c", "c"][j % 6])
    for j in range(20_000):
        model.learn_one(user=j, item=1000 + j // 8)
    assert model._state.stores["recent"].half_life == EVENT_LADDER[0]
    assert model.rank("new", ["a", "b", "c"]) == ["b", "c", "a"]
    assert np.isfinite(model.recommend(["new"], 2600)[1][0, :2500]).all()


def test_an_item_leaves_with_its_last_event_in_the_window():
    model = ItemKNN(cold_start="recent", window=40)
    for j in range(400):
        model.learn_one(user=j % 7, item=j // 25)
    left = set(model.item_ids_)
    assert left == {14, 15}
    recent = model._state.stores["recent"]
    assert set(recent.export()["best"]) <= {0, *(model._state.items.live() + 1)}
    assert (recent.values(np.arange(model._state.items.n_rows, dtype=np.int32)) > 0).sum() == len(left)
    again = copy.deepcopy(model)
    for j in range(400, 500):
        model.learn_one(user=j % 7, item=j // 25)
        again.learn_one(user=j % 7, item=j // 25)
    assert again.recommend_one("new", 5) == model.recommend_one("new", 5)
    assert set(model.recommend_one("new", 5)) == {18, 19}


def test_a_machine_knows_users_by_their_features():
    rng = np.random.default_rng(0)
    model = FactorizationMachineRecommender(4, n_negatives=5)
    model = model.set_user_features({u: {"likes": "tea" if u % 2 else "beer"} for u in range(41)})
    for _ in range(1500):
        u = int(rng.integers(40))
        model.learn_one(user=u, item=int(rng.integers(10)) * 2 + u % 2)
    described, stranger = model.predict([(40, 3)])[0], model.predict([("new", 3)])[0]
    assert described != stranger
    assert all(item % 2 == 0 for item in model.recommend_one(40, 4))
    X = [(user, item) for user in (40, "new", 3) for item in range(20)]
    lists = model.recommend([40, "new", 3], 20, exclude_seen=False)[1]
    np.testing.assert_array_equal(-np.sort(-model.predict(X).reshape(3, 20), axis=1), lists)


@pytest.mark.parametrize("model", [EASE(), Rocchio(), ImplicitALS(2)], ids=lambda m: type(m).__name__)
def test_all_doors_tell_one_story(model):
    model = model.clone().set_params(cold_start="recent")
    model.partial_fit([(u, i) for u, i, *_ in stream(300, 30, 3)])
    items = model.item_ids_.tolist()
    found, scores = model.recommend(["new", None, 3], len(items), exclude_seen=False)
    assert found[0].tolist() == found[1].tolist() == model.recommend_one("new", len(items))
    assert found[0].tolist() == model.rank("new", items)
    np.testing.assert_array_equal(model.predict([("new", i) for i in found[0]]), scores[0])
    assert (np.diff(scores[0]) <= 0).all()


def test_what_it_promises_and_refuses():
    with pytest.raises(ValueError, match="cold_start"):
        BPR(cold_start="biases").fit([(1, 2)])
    model = ItemKNN(cold_start="recent").fit([(1, 2), (2, 3)])
    told = model.guarantees()
    assert (told.S, told.O, told.M, told.U) == ("bitwise", "no", "no", "no")
    with pytest.raises(GuaranteeError, match="'popular' has no part in it"):
        model.forget(users=[1])
    with pytest.raises(GuaranteeError, match="what newcomers take"):
        model.merge(model.clone())
    with pytest.raises(ValueError, match="cold_start was changed"):
        model.set_params(cold_start="popular").learn_one(user=1, item=5)
    with pytest.raises(ValueError, match="time_col was changed"):
        model.set_params(cold_start="recent", time_col="t").learn_one({"user": 1, "item": 5, "t": 3})


@pytest.mark.parametrize(
    ("part", "wrong", "said"),
    [
        ("sums", -1.0, "at least 0"),
        ("gain", np.nan, "finite"),
        ("counts", -1, "at least 0"),
        ("best", 9, "a row that is none"),
    ],
)
def test_a_file_that_cannot_be(part, wrong, said):
    store = ItemKNN(cold_start="recent").fit([(1, 2), (2, 3)])._state.stores["recent"]
    kept, alive = store.export(), np.ones(2, bool)
    store.blank().check(kept, alive, alive)
    kept[part][0] = wrong
    with pytest.raises(ValueError, match=said):
        store.blank().check(kept, alive, alive)


def test_a_file_of_other_rows():
    store = ItemKNN(cold_start="recent").fit([(1, 2), (2, 3)])._state.stores["recent"]
    kept, alive = store.export(), np.ones(2, bool)
    with pytest.raises(ValueError, match="last has 1 numbers, not 2"):
        store.blank().check({**kept, "last": kept["last"][:1]}, alive, alive)
    with pytest.raises(ValueError, match="best names a row that is free"):
        store.blank().check(kept, alive, np.array([True, False]))
    with pytest.raises(ValueError, match="do not merge|does not merge"):
        store.absorb(store.copy(), np.arange(2), np.arange(2))


def test_it_survives_a_file(tmp_path):
    model = ItemKNN(cold_start="recent").fit([(u, i) for u, i, *_ in stream(200, 30, 4)])
    skl_increc.save(model, tmp_path / "model.npz")
    again = skl_increc.load(tmp_path / "model.npz")
    for one in (model, again):
        one.learn_one(user="x", item=3)
    assert again.recommend(["new"], 30)[1].tolist() == model.recommend(["new"], 30)[1].tolist()
