"""Blend: what its weights learn, that it asks before it learns, and what is refused."""

import copy
import pickle

import numpy as np
import pytest
from sklearn.base import clone

import skl_increc
from skl_increc._state.archive import read_archive, write_archive
from skl_increc.baselines import Popularity
from skl_increc.compose import Blend
from skl_increc.exceptions import SaveFormatError
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
    assert one.weights_ == batch.weights_ and len(set(one._state.scalar("gains"))) == 8
    np.testing.assert_array_equal(one.predict(events), batch.predict(events))
    assert one.guarantees().S == "bitwise"


def test_the_weights_find_out_who_predicts():
    """Everybody takes what was taken last by others: recent popularity is right, for ever is not."""
    models = [("recent", Popularity(half_life=2)), ("ever", Popularity())]
    model = Blend(models)
    for j in range(400):
        model.learn_one({"user": f"u{j}", "item": f"i{j // 10}"})
    assert model.weights_["recent"] > model.weights_["ever"] + 0.5
    assert sum(model.weights_.values()) == pytest.approx(1)
    assert model.recommend_one("nobody", 1) == ["i39"]


def test_those_that_know_answer_and_those_that_mislead_are_left_out():
    """The next item follows from the last one, or is what everybody takes at the moment: two models know one each.

    Four others agree with one another, and are wrong.
    """
    rng, at, had, events = np.random.default_rng(0), {}, set(), []
    for j in range(1500):
        user, item = int(rng.integers(20)) + 20 * (j // 400), 100 + j // 10
        if rng.random() < 0.7 or (user, item) in had:
            item = at[user] = (at.get(user, int(rng.integers(60))) + 1) % 60
        had.add((user, item))
        events.append({"user": user, "item": item})
    know = [("rules", SequentialRules(max_distance=1)), ("recent", Popularity(half_life=3))]
    mislead = [(f"wrong{h}", Popularity(half_life=h)) for h in (None, 300, 500, 1000)]
    models = [Blend(know + mislead, every=2), Blend(know, every=2), *(model.clone() for _, model in know)]
    hits = np.zeros(len(models))
    for j, event in enumerate(events):
        hits += [j >= 500 and event["item"] in model.recommend_one(event["user"], 3) for model in models]
        for model in models:
            model.learn_one(event)
    assert hits[0] > hits[2:].max() + 100 and abs(hits[0] - hits[1]) < 10
    weights = models[0].weights_
    assert all(weights[name] == 0 for name, _ in mislead) and min(weights[name] for name, _ in know) > 0.25


def test_strangers_have_weights_of_their_own():
    """Newcomers take what is new, and go on with what goes with it."""
    rng, events = np.random.default_rng(1), []
    for user in range(200):
        events.append((user, 100 + user // 10))
        item = int(rng.integers(40))
        for _ in range(5):
            events.append((user, item))
            item = (item * 7 + 1) % 40
    models = [("rules", SequentialRules(max_distance=1)), ("newest", Popularity(half_life=20))]
    model = Blend(models, every=2).fit(list(dict.fromkeys(events)))
    known, strangers = model._state.learner.weights(), model._state.learner.weights(1)
    assert model.weights_["rules"] > 0.9 and strangers[1] > 0
    assert model.recommend_one("nobody", 1) == model.recommend_one(None, 1) == [119]
    users, items = model._state.users, model._state.items
    pairs = [("nobody", 119), (199, 3), (None, 2), (3, 119)]
    rows = [(users.find(user), items.find(item)) for user, item in pairs]
    parts = np.array([member.predict(rows) for member in model.members_.values()])
    expected = [w @ p for w, p in zip([strangers, known, strangers, known], parts.T, strict=True)]
    np.testing.assert_allclose(model.predict(pairs), expected, rtol=1e-12)


def test_a_score_is_the_weighted_sum_of_the_members_scores():
    model = Blend(members()).fit(stream())
    weights = model._state.learner.weights()
    for user, item in stream(20, seed=1):
        rows = model._state.users.find(user), model._state.items.find(item)
        parts = [m.predict_one(user=rows[0], item=rows[1]) for m in model.members_.values()]
        np.testing.assert_allclose(model.predict([(user, item)])[0], weights @ parts, rtol=1e-12)
    shares = weights * model._state.scalar("sizes")
    np.testing.assert_allclose(list(model.weights_.values()), shares / shares.sum())


def by_hand(events, models, every=1, warm=1000):
    """Gains of the members, and of the powers of the best 1, 2 ...: every list is made anew before every event."""
    n = len(models)
    gains, told, sizes, asked, could = np.zeros((2, n)), np.zeros((2, 5, n)), np.zeros(n), 0, [0, 0]
    powers, had = [1, 2, 4, 8, 16], set()

    def worth(row, at):
        above = (row > row[at]).sum() + ((row == row[at]).sum() - 1) // 2
        return 1 / np.log2(above + 2) if above < 32 else 0

    for user, item in events:
        known = models[0].item_ids_.tolist() if models[0]._state is not None else []
        kind = int(not any(u == user for u, _ in had))
        could[kind] += item in known and (user, item) not in had
        if item in known and (user, item) not in had and (asked < warm or could[kind] % every == 0):
            memory = 2 ** (-(1 if asked < warm else every) / 3000)
            asked += 1
            hidden = [i for i in known if (user, i) in had]
            at = [i for i in known if i not in hidden].index(item)
            rows = np.array(
                [[m.predict_one(user=user, item=i) for i in known if i not in hidden] for m in models]
            )
            sizes += (rows.max(axis=1) - rows.mean(axis=1) - sizes) / min(asked, 500)
            gain = gains[kind] + gains[1 - kind] / 50
            share = gain / gain.max() if gain.max() > 0 else np.ones(n)
            safe = np.where(sizes > 0, sizes, np.inf)
            best = np.argsort(-gain, kind="stable")
            part = np.array([np.isin(np.arange(n), best[: m + 1]) for m in range(n)])
            told[kind] = told[kind] * memory + [
                [worth((p * share**power / safe) @ rows, at) for p in part] for power in powers
            ]
            gains[kind] = gains[kind] * memory + [worth(row, at) for row in rows]
        had.add((user, item))
        for m in models:
            m.learn_one(user=user, item=item)
    return gains.ravel(), told.ravel(), sizes


@pytest.mark.parametrize(("every", "warm"), [(1, 1000), (3, 20)])
def test_gains_are_those_of_lists_made_anew(every, warm, monkeypatch):
    monkeypatch.setattr("skl_increc.compose._blend.WARM", warm)
    events = stream(150)
    model = Blend(members(), every=every).fit(events)
    gains, told, sizes = by_hand(events, [m for _, m in members()], every, warm)
    np.testing.assert_allclose(model._state.scalar("gains"), gains, rtol=1e-9)
    np.testing.assert_allclose(model._state.scalar("sizes"), sizes, rtol=1e-9, atol=1e-12)
    # scores that are equal but for their last bit are told apart in one way here, in another there
    np.testing.assert_allclose(model._state.scalar("told"), told, rtol=0.05)


def test_strangers_are_asked_about_whatever_the_length_of_visits():
    """With four events a user, one counter for all would meet the same one of them at every question."""
    rng = np.random.default_rng(0)
    events = [(user, int(item)) for user in range(1000) for item in rng.choice(30, 4, replace=False)]
    model = Blend([("rules", SequentialRules()), ("popular", Popularity(half_life=20))], every=4).fit(
        events[:2000]
    )
    before = model._state.scalar("gains").copy().reshape(2, -1)
    model.partial_fit(events[2000:])
    assert (model._state.scalar("gains").reshape(2, -1) != before).all()


def test_numbers_of_another_form_are_refused(monkeypatch):
    """As a pickle of another version may hold them."""
    monkeypatch.setattr("skl_increc.compose._blend.POWERS", 4)
    with pytest.raises(ValueError, match="pickled by another version.*Fit it anew"):
        Blend(members()).fit(stream(5))


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
    for name in ("history", "a__b"):
        with pytest.raises(ValueError, match="A member cannot be called"):
            Blend([(name, ItemKNN())]).fit(stream(5))
    with pytest.raises(ValueError, match="'prior' is no parameter of Blend and no name of a member"):
        Blend(members()).set_params(prior=3)


def test_a_file_holds_the_members_and_no_pickle(tmp_path):
    inner = Blend([("alike", ItemKNN()), ("recent", Popularity(half_life="auto", history=0))])
    model = Blend([*members(), ("inner", inner), ("factors", BPR(4, n_negatives=3))]).fit(stream())
    skl_increc.save(model, tmp_path / "blend.npz")
    again = skl_increc.load(tmp_path / "blend.npz")
    for one in (model, again):
        one.partial_fit(stream(50, seed=3))
    np.testing.assert_array_equal(model.predict(stream(50)), again.predict(stream(50)))
    assert again.weights_ == model.weights_ and repr(again) == repr(model)
    header, kept = read_archive(str(tmp_path / "blend.npz"))
    kept["member_0/scalars"] = kept["member_0/scalars"][:-1]
    with open(tmp_path / "bad.npz", "wb") as file:
        write_archive(file, header, kept)
    with pytest.raises(SaveFormatError, match="scalars has shape"):
        skl_increc.load(tmp_path / "bad.npz")


def test_parameters_of_members_by_name():
    model = Blend(members()).set_params(alike__shrinkage=3.0, recent=Popularity())
    assert model.get_params()["alike__shrinkage"] == 3.0
    assert model.get_params()["recent__half_life"] is None
    other = clone(model)
    assert other.get_params()["alike"] is not model.get_params()["alike"]
    assert other.fit(stream()).members_["alike"].shrinkage == 3.0
    with pytest.raises(ValueError, match="estimators was changed"):
        other.set_params(alike__shrinkage=4.0).predict(stream(5))
    assert list(Blend().fit(stream()).weights_) == ["popular", "alike", "rules", "sessions", "factors"]


class Failing(Popularity):
    """A model in Python that fails at its fourth event."""

    def _make_learner(self, state):
        return None

    def _configure(self, state):
        pass

    def _learn(self, state, u, i, y, w, t):
        if state.n_events >= 4:
            raise MemoryError("no memory for this")

    def _score(self, state, u, i):
        return np.zeros(len(u))


def test_members_that_do_not_know_the_same_learn_no_more():
    events = [(f"u{j}", "a") for j in range(8)]
    model = Blend([("fine", ItemKNN()), ("clumsy", Failing())])
    before = model.fit(events[:2]).predict(events)
    with pytest.raises(MemoryError, match="no memory"):
        model.partial_fit(events[2:])
    np.testing.assert_array_equal(model.predict(events), before)
    with pytest.raises(MemoryError, match="no memory"):
        for user, item in events[2:]:
            model.learn_one(user=user, item=item)
    with pytest.raises(RuntimeError, match="A member could not learn an event"):
        model.learn_one(user="u", item="a")


def test_a_member_that_says_nothing_for_long_breaks_nothing():
    """Nobody takes two things at first, so that rules and neighbours are silent."""
    model = Blend([("rules", SequentialRules(prior=0)), ("alike", ItemKNN(prior=0))])
    with np.errstate(all="raise"):
        model.fit([(f"u{j}", f"i{j % 5}") for j in range(50)])
        assert (model.predict([("u1", "i2")]) == 0).all()
        model.fit([(f"u{j}", f"i{j % 5}") for j in range(50)] + stream(100))
    assert np.isfinite(model.recommend(["u1"], 3)[1]).all()


def test_before_the_first_question_members_count_as_they_are():
    model = Blend(members()).fit([(1, 2), (2, 2), (3, 4)])
    assert model.recommend_one("nobody", 2) == [2, 4]
