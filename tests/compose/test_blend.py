"""Blend: what its weights learn, that it asks before it learns, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import skl_increc
from skl_increc.baselines import Popularity
from skl_increc.compose import Blend
from skl_increc.factorization import BPR
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules


def members():
    return [("rules", SequentialRules()), ("alike", ItemKNN()), ("recent", Popularity(half_life=20))]


def stream(n=300, seed=0):
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 30, n)
    return [(f"u{a}", f"i{2 * b + a % 2}") for a, b in zip(u, rng.integers(0, 15, n), strict=True)]


def test_any_cut_of_a_stream_gives_the_same_blend():
    events = stream()
    one, batch = (
        Blend([*members(), ("factors", BPR(4, n_negatives=3))]),
        Blend([*members(), ("factors", BPR(4, n_negatives=3))]),
    )
    for user, item in events:
        one.learn_one({"user": user, "item": item})
    batch.fit(events[:100]).partial_fit(events[100:])
    assert one.weights_ == batch.weights_ and one.weights_["rules"] != 1
    np.testing.assert_array_equal(one.predict(events), batch.predict(events))
    assert one.guarantees().S == "bitwise"


def test_the_weights_find_out_who_predicts():
    """Everybody takes what was taken last by others: recent popularity is right, for ever is not."""
    models = [("recent", Popularity(half_life=2)), ("ever", Popularity())]
    model = Blend(models)
    for j in range(400):
        model.learn_one({"user": f"u{j}", "item": f"i{j // 10}"})
    assert model.weights_["recent"] > model.weights_["ever"] + 0.5
    assert model.recommend_one("nobody", 1) == ["i39"]


def test_a_score_is_the_weighted_sum_of_the_flattened_scores():
    model = Blend(members()).fit(stream())
    state = model._state
    for user, item in stream(20, seed=1):
        u, i = state.users.find(user), state.items.find(item)
        parts = [
            m._score(m._state, np.array([u], np.int32), np.array([i], np.int32))[0]
            for m in model.members_.values()
        ]
        features = np.sign(parts) * np.log1p(np.abs(parts) / state.scalar("sizes"))
        np.testing.assert_allclose(
            model.predict([(user, item)])[0], features @ list(model.weights_.values()), rtol=1e-12
        )


def test_lists_and_scores_agree():
    model = Blend(members()).fit(stream())
    items, scores = model.recommend(["u1", "nobody"], 5)
    for user, row, values in zip(["u1", "nobody"], items, scores, strict=True):
        np.testing.assert_allclose(model.predict([(user, i) for i in row]), values, rtol=1e-12)
        assert model.recommend_one(user, 5) == row.tolist()
    seen = {i for u, i in stream() if u == "u1"}
    assert not seen & set(items[0])


def test_members_know_rows_whatever_the_ids():
    model = Blend(members())
    model.fit(np.array([["a", "x"], [None, "y"], ["b", "x"], ["b", None], [("t", 1), 3.5]], dtype=object))
    model.partial_fit([["a", "y"]])
    for member in model.members_.values():
        assert member._state.users.n_rows == model._state.users.n_rows
        assert member._state.items.n_rows == model._state.items.n_rows


def test_an_event_without_w_or_with_y_of_0_is_none():
    model = Blend(members()).fit(stream(50))
    before = model.predict(stream(50))
    model.learn_one({"user": "new", "item": "new"}, w=0)
    model.partial_fit([("new", "new")], [0])
    np.testing.assert_array_equal(model.predict(stream(50)), before)
    assert len(model.user_ids_) == len(set(u for u, _ in stream(50)))


def test_times_reach_the_members_that_ask_for_them():
    timed = Popularity(half_life=10.0, time_col="t")
    model = Blend([("timed", timed), ("ever", Popularity())], time_col=2)
    model.partial_fit(np.array([["a", "x", 0], ["b", "x", 0], ["c", "y", 1000]], dtype=object))
    assert model.members_["timed"].recommend_one(None, 1) == [1]
    assert model.members_["ever"].recommend_one(None, 1) == [0]


def test_copies_pickles_and_snapshots_go_their_own_way():
    model = Blend(members()).fit(stream())
    snapshot, pickled = model.snapshot(), pickle.loads(pickle.dumps(model))
    before = model.predict(stream(20))
    for other in (copy.deepcopy(model), pickled):
        other.partial_fit(stream(50, seed=2))
        np.testing.assert_array_equal(model.predict(stream(20)), before)
    model.partial_fit(stream(50, seed=2))
    np.testing.assert_array_equal(model.predict(stream(20)), pickled.predict(stream(20)))
    np.testing.assert_array_equal(snapshot.predict(stream(20)), before)
    with pytest.raises(RuntimeError, match="snapshot"):
        snapshot.partial_fit(stream(5))


def test_the_parts_that_are_given_stay_as_they_are():
    rules = SequentialRules()
    model = Blend([("rules", rules)]).fit(stream())
    assert rules._state is None and model.clone()._state is None and model.weights_.keys() == {"rules"}


def test_members_that_make_no_sense_are_refused(tmp_path):
    for bad in ([], [("a", SequentialRules()), ("a", ItemKNN())]):
        with pytest.raises(ValueError, match="at least one, each with a name of its own"):
            Blend(bad).fit(stream(5))
    for bad in ([SequentialRules()], [("a", 3)], [(1, SequentialRules())]):
        with pytest.raises(ValueError, match="pairs of a name and a model"):
            Blend(bad).fit(stream(5))
    with pytest.raises(ValueError, match=r"'old' has a time_col and the Blend has none"):
        Blend([("old", Popularity(time_col="t"))]).fit(stream(5))
    model = Blend(members()).fit(stream(50))
    model.set_params(estimators=members()[:2])
    with pytest.raises(ValueError, match="estimators was changed"):
        model.predict(stream(5))
    with pytest.raises(TypeError, match="estimators"):
        skl_increc.save(Blend(members()).fit(stream(20)), tmp_path / "blend.npz")


def test_a_member_that_says_nothing_for_long_breaks_nothing():
    """Nobody takes two things at first, so that rules and neighbours are silent."""
    model = Blend([("rules", SequentialRules(prior=0)), ("alike", ItemKNN(prior=0))])
    with np.errstate(all="raise"):
        model.fit([(f"u{j}", f"i{j % 5}") for j in range(50)])
        assert (model.predict([("u1", "i2")]) == 0).all()
        model.fit([(f"u{j}", f"i{j % 5}") for j in range(50)] + stream(100))
    assert np.isfinite(model.recommend(["u1"], 3)[1]).all()
