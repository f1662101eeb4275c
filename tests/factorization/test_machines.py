"""Factorisation machines for 0/1 targets and for lists, and what users and items are beside their events."""

import numpy as np
import pandas as pd
import pytest

from skl_increc import load, save
from skl_increc.factorization import (
    FactorizationMachine,
    FactorizationMachineClassifier,
    FactorizationMachineRecommender,
)


# -- 0/1 targets -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def clicks():
    """A planted stream: what is clicked depends on the user, the item, the device and its pair with the item."""
    rng = np.random.default_rng(0)
    n = 30_000
    user, item = rng.integers(0, 200, n), rng.integers(0, 50, n)
    device = rng.choice(["phone", "desk", "tv"], n)
    code = pd.factorize(device, sort=True)[0]
    logit = (
        -1.6 + rng.normal(0, 0.7, 200)[user] + rng.normal(0, 0.7, 50)[item] + np.array([0.0, 0.8, -0.8])[code]
    )
    logit += rng.normal(0, 0.8, (50, 3))[item, code]
    frame = pd.DataFrame({"user": user, "item": item, "device": device})
    return frame, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int), 1 / (1 + np.exp(-logit))


def deciles(told, happened):
    """Mean told and mean happened of each tenth of the events, by what was told."""
    parts = np.array_split(np.argsort(told), 10)
    return np.array([[told[part].mean(), happened[part].mean()] for part in parts])


def test_probabilities_are_those_of_the_stream(clicks):
    frame, y, truth = clicks
    model = FactorizationMachineClassifier(context=["device"])
    told = []
    for at in range(0, len(y), 500):  # each part is asked for before it is learned
        if at:
            told.append(model.predict_proba(frame[at : at + 500])[:, 1])
        model.partial_fit(frame[at : at + 500], y[at : at + 500])
    told, late = np.concatenate(told)[9_500:], slice(10_000, None)
    table = deciles(told, y[late])
    assert np.abs(table[:, 0] - table[:, 1]).max() < 0.05
    assert abs(told.mean() - y[late].mean()) < 0.01
    plain = FactorizationMachineClassifier().partial_fit(frame[:10_000], y[:10_000])
    knows = FactorizationMachineClassifier(context=["device"]).partial_fit(frame[:10_000], y[:10_000])
    error = [np.mean((m.predict_proba(frame[late])[:, 1] - truth[late]) ** 2) for m in (plain, knows)]
    assert error[1] < 0.7 * error[0]


def test_class_weights_count_events_so_often(clicks):
    frame, y, _ = clicks
    frame, y = frame[:2000], y[:2000]
    by_class = FactorizationMachineClassifier(context=["device"], class_weight={1: 3.0}).fit(frame, y)
    by_event = FactorizationMachineClassifier(context=["device"]).fit(
        frame, y, sample_weight=np.where(y, 3.0, 1.0)
    )
    np.testing.assert_allclose(by_class.predict_proba(frame), by_event.predict_proba(frame), rtol=1e-4)
    balanced = FactorizationMachineClassifier(context=["device"], class_weight="balanced").fit(frame, y)
    assert abs(balanced.predict_proba(frame)[:, 1].mean() - 0.5) < 0.1 < 0.5 - y.mean()
    one = FactorizationMachineClassifier(context=["device"], class_weight="balanced")
    for x, label in zip(frame.to_dict("records"), y, strict=True):
        one.learn_one(x, label)
    assert np.array_equal(one.predict_proba(frame), balanced.predict_proba(frame))


def test_class_weights_go_with_labels(clicks, tmp_path):
    frame, y, _ = clicks
    labels = np.where(y[:300], "yes", "no")
    model = FactorizationMachineClassifier(class_weight={"yes": 2.0}).fit(frame[:300], labels)
    save(model, tmp_path / "m.npz")
    assert load(tmp_path / "m.npz").predict(frame[:5]).tolist() == model.predict(frame[:5]).tolist()
    save(model.set_params(class_weight={"no": 2.0}), tmp_path / "m.npz")
    for weights, message in (
        ({"maybe": 2.0}, "class_weight names 'maybe', which is none"),
        ({"no": 0.0}, "positive"),
    ):
        with pytest.raises(ValueError, match=message):
            FactorizationMachineClassifier(class_weight=weights).fit(frame[:300], labels)
    numbered = FactorizationMachineClassifier(class_weight={0: 1.0, 1: 5.0})
    save(numbered, tmp_path / "n.npz")
    assert load(tmp_path / "n.npz").class_weight == {0: 1.0, 1: 5.0}


# -- what users and items are ------------------------------------------------------------------------
def a_shop(n, seed=0):
    """(user, item) events; users and items are of four kinds, and users take their kind nine times in ten."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, 60, n)
    kind = np.where(rng.random(n) < 0.9, user % 4, rng.integers(0, 4, n))
    return pd.DataFrame({"user": user, "item": 4 * rng.integers(0, 12, n) + kind})


def kinds_of(items):
    return {j: {"kind": "abcd"[j % 4]} for j in items}


@pytest.mark.parametrize("interactions", ["user-item", "all"])
def test_new_items_are_where_their_features_point(interactions):
    model = FactorizationMachineRecommender(8, n_negatives=5, interactions=interactions)
    model.set_item_features(kinds_of(range(48)))
    model.partial_fit(a_shop(2500))
    new = list(range(100, 120))
    model.set_item_features(kinds_of(new))
    lists, scores = model.recommend(range(60), 5, candidates=new)
    assert np.mean(np.array(lists, dtype=int) % 4 == np.arange(60)[:, None] % 4) > 0.9
    # every door to a list says the same, and the same as single answers
    lists, scores = model.recommend(range(60), 12)
    assert [model.recommend_one(u, 12) for u in range(5)] == lists[:5].tolist()
    assert scores[3, 4] == pytest.approx(model.predict_one({"user": 3, "item": lists[3, 4]}), rel=1e-5)


def test_a_stranger_is_known_by_features():
    """A new user of a kind is given what users of this kind rate well."""
    shop, rng = a_shop(3000), np.random.default_rng(1)
    shop["item"] = rng.integers(0, 48, len(shop))
    stars = np.where(shop.item % 4 == shop.user % 4, 5.0, 2.0) + rng.normal(0, 0.3, len(shop))
    model = FactorizationMachine(8).set_user_features(kinds_of(range(60)))
    model.fit(shop, stars)
    model.set_user_features({"new": {"kind": "b"}})
    told = model.predict(pd.DataFrame({"user": "new", "item": range(48)}))
    assert told[np.arange(48) % 4 == 1].mean() > told[np.arange(48) % 4 != 1].mean() + 1


def test_features_with_a_context_are_the_same_by_table_and_event(tmp_path):
    shop = a_shop(200).assign(hour=lambda f: np.where(f.user % 2, "am", "pm"))
    made = []
    for _ in range(3):
        model = FactorizationMachineRecommender(4, n_negatives=3, context=["hour"])
        made.append(
            model.set_item_features(kinds_of(range(30))).set_user_features({3: {"age": 0.5}, 5: {"age": 2.0}})
        )
    made[0].partial_fit(shop)
    for at in range(0, 200, 33):
        made[1].partial_fit(shop[at : at + 33])
    for x in shop.to_dict("records"):
        made[2].learn_one(x)
    save(made[2], tmp_path / "m.npz")
    expected = made[0].predict(shop)
    for model in (*made, load(tmp_path / "m.npz"), made[0].snapshot()):
        assert np.array_equal(model.predict(shop), expected)
    # forgetting the events keeps what things are
    again = made[1].fit(shop)
    assert np.array_equal(again.predict(shop), expected)


# -- lists in a context ------------------------------------------------------------------------------
@pytest.mark.parametrize("interactions", ["user-item", "all"])
def test_lists_in_a_context_are_those_of_its_scores(interactions):
    """Who asks in the morning is given what is taken in the morning."""
    shop = a_shop(2500)
    shop["hour"] = np.where(shop.item // 4 < 6, "am", "pm")  # half of the goods for each
    shop["tall"] = np.where(shop.item % 8 < 4, 1.0, -1.0)
    model = FactorizationMachineRecommender(
        8, n_negatives=5, context={"hour": "category", "tall": "number"}, interactions=interactions
    ).partial_fit(shop)
    asked = pd.DataFrame({"hour": ["am", "pm", "am"], "tall": [1.0, -1.0, np.nan]})
    users = [3, 4, "a stranger"]
    lists, scores = model.recommend(users, 6, context=asked)
    for user, x, items, best in zip(users, asked.to_dict("records"), lists, scores, strict=True):
        told = [model.predict_one({"user": user, "item": item, **x}) for item in items]
        np.testing.assert_array_equal(best, told)
        left = [j for j in model.item_ids_ if not model.seen(user, j)]
        assert (
            best[-1]
            == sorted((model.predict_one({"user": user, "item": j, **x}) for j in left), reverse=True)[5]
        )
        # every door says the same
        assert items.tolist() == model.recommend_one(user, 6, context=x)
        assert items.tolist() == model.top(6).predict_one({"user": user, **x})
        assert items.tolist() == model.rank(user, left, x)[:6]
        assert items[::2].tolist() == model.recommend_one(user, 3, context=x, candidates=items[::2].tolist())
    records = asked.to_dict("records")
    assert np.array_equal(model.recommend(users, 6, context=records)[1], scores)
    assert np.array_equal(model.snapshot().recommend(users, 6, context=asked)[1], scores)
    same = model.recommend(users, 6, context={"hour": "pm"}, exclude_seen=False)[0].astype(int)
    assert np.mean(same // 4 >= 6) > 0.9 > 0.5 > np.mean(lists[0].astype(int) // 4 >= 6)
    # unknown values, and no context at all, say nothing
    assert model.recommend_one(3, 6, context={"hour": "noon", "other": 1}) == model.recommend_one(3, 6)
    assert [a.shape for a in model.recommend([], 6, context=asked[:0])] == [(0, 6), (0, 6)]


def test_a_context_that_does_not_fit_is_told():
    model = FactorizationMachine(4, context=["hour"])
    assert model.recommend_one("ann", context={"hour": 1}) == []
    model.learn_one({"user": "ann", "item": "tea", "hour": 9}, 4.0)
    with pytest.raises(ValueError, match="context has 1 rows for 2 users. Give a row for each user"):
        model.recommend(["ann", "bob"], context=pd.DataFrame({"hour": [9]}))
    with pytest.raises(
        TypeError, match="a frame, a dict, or a dict for each user; got 'hour'. Write context="
    ):
        model.recommend(["ann"], context=["hour"])
    assert model.recommend(["bob"], 1, context=[{"hour": 9}])[0].tolist() == [["tea"]]
