"""Switch: who answers whom, what is remembered, and what a column says at the moment."""

import numpy as np
import pandas as pd
import pytest

import skl_increc
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import RatingSwitch, Switch
from skl_increc.neighbors import ItemKNN, RatingItemKNN


def frame(n=200, seed=0):
    rng = np.random.default_rng(seed)
    user, item = rng.zipf(1.5, n) % 40, rng.zipf(1.3, n) % 20
    kinds = np.array(["regular", "guest", "odd"])
    return pd.DataFrame({"user": user, "item": item, "kind": kinds[user % 3]})


def members():
    return [("alike", ItemKNN()), ("guests", Popularity(half_life=30)), ("popular", Popularity(history=0))]


def switch(**options):
    return Switch(members(), **{"by": "kind", "choices": {"regular": "alike", "guest": "guests"}, **options})


def test_each_segment_is_answered_by_its_member():
    events = frame()
    model = switch().fit(events)
    alone = [m.fit(events) for _, m in members()]
    for user in sorted(set(events["user"])):
        pairs = pd.DataFrame({"user": user, "item": range(20), "kind": None})
        np.testing.assert_array_equal(model.predict(pairs), alone[user % 3].predict(pairs))
        had = events["item"][events["user"] == user].tolist()
        assert set(model.recommend_one(user, 20)) == set(alone[user % 3].recommend_one(user, 20, exclude=had))
    strangers = pd.DataFrame({"user": "new", "item": range(20), "kind": "guest"})
    np.testing.assert_array_equal(model.predict(strangers), alone[1].predict(strangers))
    assert model.predict_one({"user": "new", "item": 3, "kind": "guest"}) == alone[1].predict_one(item=3)
    assert model.predict_one({"user": "new", "item": 3}) == alone[2].predict_one(item=3)
    assert model.recommend_one("new", 3) == alone[2].recommend_one(None, 3)


def test_any_cut_and_a_file_give_the_same_answers(tmp_path):
    events = frame()
    one, batch = switch(), switch().fit(events[:90])
    for event in events.to_dict("records"):
        one.learn_one(event)
    skl_increc.save(batch, tmp_path / "model.npz")
    batch = skl_increc.load(tmp_path / "model.npz").partial_fit(events[90:])
    np.testing.assert_array_equal(one.predict(events), batch.predict(events))
    np.testing.assert_array_equal(one._state.users.find(1), batch._state.users.find(1))
    items, scores = one.recommend([1, 2, 3], 4)
    others, same = batch.recommend([1, 2, 3], 4)
    np.testing.assert_array_equal(items, others)
    np.testing.assert_array_equal(scores, same)


def test_what_was_said_last_counts_and_silence_changes_nothing():
    model = switch()
    ends = []
    for kind in ("regular", None, "odd", "guest", None):
        model.learn_one({"user": "ann", "item": "tea", "kind": kind})
        ends.append(int(model._state.learner.choices(np.array([0], np.int32))[0]))
    assert ends == [0, 0, 2, 1, 1]
    model.learn_one({"user": None, "item": "tea", "kind": "regular"})
    model.learn_one({"user": "ann", "item": "tea", "kind": "regular"}, w=0)
    assert model._state.learner.choices(np.array([0, -1], np.int32)).tolist() == [1, 2]


def test_by_a_function_or_by_the_id():
    asked = []

    def by(user, n_events):
        asked.append((user, n_events))
        return "alike" if n_events > 1 else "popular"

    events = [("ann", "tea"), ("bob", "tea"), ("ann", "milk"), (None, "milk")]
    model = Switch(by=by).fit(events)
    assert asked == [("ann", 1), ("bob", 1), ("ann", 2)]
    assert model._state.learner.choices(np.array([0, 1], np.int32)).tolist() == [0, 1]
    with pytest.raises(TypeError, match="parameter by is .* which has no form in a file"):
        skl_increc.save(model, "nowhere.npz")
    named = Switch(choices={"bob": "alike"}).fit(events)
    assert named._state.learner.choices(np.array([0, 1], np.int32)).tolist() == [1, 0]


def test_ratings():
    events = frame()
    y = (np.arange(len(events)) % 9) / 2
    model = RatingSwitch(by="kind", choices={"regular": "alike"}).fit(events, y)
    known, stranger = (m.fit(events, y) for m in (RatingItemKNN(), Baseline()))
    assert model.predict_one(user=3, item=3) == known.predict_one(user=3, item=3)
    assert model.predict_one(user=1, item=3) == stranger.predict_one(user=1, item=3)


def test_what_makes_no_sense_is_refused_and_changes_nothing():
    with pytest.raises(ValueError, match="choices names 'who', and the members are"):
        switch(choices={"regular": "who"}).fit(frame(5))
    with pytest.raises(ValueError, match="X has no column 'kind'"):
        switch().fit(frame(5)[["user", "item"]])
    model = switch().fit(frame())
    before = model.predict(frame())
    with pytest.raises(ValueError, match="by was changed from 'kind'"):
        model.set_params(by="land").predict(frame())
    model.set_params(by="kind")
    with pytest.raises(TypeError, match="hashable"):
        model.learn_one({"user": 1, "item": 1, "kind": ["a"]})
    np.testing.assert_array_equal(model.predict(frame()), before)
