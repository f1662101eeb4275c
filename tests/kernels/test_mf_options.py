"""Options of matrix factorisation against their equations in plain Python: Adam, recent items, rehearsal."""

import copy
import math
import pickle

import numpy as np
import pytest
from mf_reference import MemoryReference, starts_of

import skl_increc
from skl_increc.factorization import BiasedMF, BiasedMFClassifier

CLOSE = {"rtol": 5e-4, "atol": 5e-5}
N_USERS, N_ITEMS = 6, 9
WORD = 2**64


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) % WORD
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB % WORD
    return z ^ z >> 31


def draw(seed, tick, use, n):
    return mix((mix((mix(seed ^ 0x5EED0FA11BA5E5) + tick) % WORD) + use) % WORD) % n


class OptionsReference(MemoryReference):
    """`Reference` with the three options."""

    def __init__(self, model, starts):
        super().__init__(model, starts)
        self.kept, self.seen, self.ticks = [], 0, 0
        self.moments = {}

    # -- Adam -----------------------------------------------------------------------------------
    def adam(self, key, x, g, rate):
        first, second, t = self.moments.get(key, (0.0, 0.0, 0))
        first, second, t = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g, t + 1
        self.moments[key] = first, second, t
        return x + rate * first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)

    def step_by_adam(self, user, item, y, w):
        e = w * (y - self.raw(user, item))
        sides = [(s, k) for s, k in ((0, user), (1, item)) if k is not None]
        vectors = [self.sides[s].vector[k] for s, k in sides]
        for (s, k), mine, other in zip(sides, vectors, vectors[::-1], strict=True):
            rows = self.sides[s]
            if len(sides) == 2:
                g = e * other - w * self.p["l2"] * mine
                rows.vector[k] = self.adam(("vector", s, k), mine, g, self.rate("learning_rate"))
            g = e - w * self.rate("l2_bias") * rows.bias[k]
            rows.bias[k] = self.adam(("bias", s, k), rows.bias[k], g, self.rate("learning_rate_bias"))

    # -- events ---------------------------------------------------------------------------------
    def one(self, user, item, y, w, count):
        if self.p["optimizer"] != "adam" and not (
            self.p["implicit"] and user is not None and item is not None
        ):
            return super().learn(user, item, y, w, count)
        if count:
            self.y.append(y)
            self.w.append(w)
        self.start(0, user)
        self.start(1, item)
        step = self.step_by_adam if self.p["optimizer"] == "adam" else self.step_with_memory
        return step(user, item, self.target(y), w)

    def learn(self, user, item, y, w=1.0, count=True):
        self.one(user, item, y, w, count)
        if self.p["replay"]:
            for r in range(self.p["replay"] if self.kept else 0):
                self.one(*self.kept[draw(0, self.ticks, r, len(self.kept))], False)
            if count and user is not None and item is not None:
                self.keep((user, item, y, w))
            self.ticks += 1
        if self.p["implicit"] and count and user is not None and item is not None:
            others = [j for j in self.recent.get(user, []) if j != item]
            self.recent[user] = [item, *others][: self.p["implicit_size"]]

    def keep(self, event):
        self.seen += 1
        at, room = draw(0, self.ticks, WORD - 1, self.seen), self.p["replay_size"]
        if len(self.kept) < room:
            self.kept.append(event)
        elif at < room:
            self.kept[at] = event


MODELS = {
    "adam": BiasedMF(optimizer="adam"),
    "adam, 20 factors": BiasedMF(20, optimizer="adam", l2=0.1),
    "adam, from the mean": BiasedMF(optimizer="adam", init="mean", init_scale=0.3),
    "history": BiasedMF(implicit="history", implicit_size=3, init_scale=0.3),
    "history of one": BiasedMF(16, implicit="history", implicit_size=1, init_scale=0.3),
    "history, sgd": BiasedMF(4, implicit="history", optimizer="sgd", init_scale=0.3),
    "history, large rates": BiasedMF(implicit="history", learning_rate=3.0, init_scale=0.5),
    "replay": BiasedMF(replay=2, replay_size=30),
    "replay of few": BiasedMF(replay=3, replay_size=2, init="mean", init_scale=0.3),
    "replay of all": BiasedMF(replay=1, replay_size=500, optimizer="sgd"),
    "replay by adam": BiasedMF(replay=1, replay_size=20, optimizer="adam"),
    "replay and history": BiasedMF(replay=2, replay_size=20, implicit="history", implicit_size=4),
}


def stream(n, seed=0, anonymous=0.15):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        user = None if rng.random() < anonymous else int(rng.integers(N_USERS))
        item = None if rng.random() < anonymous else int(rng.integers(N_ITEMS))
        yield user, item, float(rng.integers(1, 6)), float(rng.choice([0.5, 1.0, 2.0]))


def table(events):
    users, items, y, w = zip(*events, strict=True)
    X = np.array([[u, i] for u, i in zip(users, items, strict=True)], dtype=object)
    return X, np.array(y), np.array(w)


def taught(model, events):
    X, y, w = table(events)
    return copy.deepcopy(model).partial_fit(X, y, sample_weight=w)


def reference(model, events, passes=1):
    found = OptionsReference(model, starts_of(model, N_USERS, N_ITEMS))
    for epoch in range(passes):
        for event in events:
            found.learn(*event, count=epoch == 0)
    return found


def assert_agree(model, want):
    for rows, ids, factors, biases in (
        (want.sides[0], model.user_ids_, model.user_factors_, model.user_biases_),
        (want.sides[1], model.item_ids_, model.item_factors_, model.item_biases_),
    ):
        assert set(ids) == set(rows.vector)
        np.testing.assert_allclose(factors, [rows.vector[key] for key in ids], **CLOSE)
        np.testing.assert_allclose(biases, [rows.bias[key] for key in ids], **CLOSE)
    pairs = [(u, i) for u in [*range(N_USERS), None, 99] for i in [*range(N_ITEMS), None, 99]]
    found = model.predict(np.array(pairs, dtype=object))
    np.testing.assert_allclose(found, [want.predict(u, i) for u, i in pairs], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", MODELS)
def test_the_options_follow_their_equations(name):
    events = list(stream(160, seed=1))
    assert_agree(taught(MODELS[name], events), reference(MODELS[name], events))


@pytest.mark.parametrize("name", ["history", "replay", "adam", "replay and history"])
def test_further_passes_add_no_event_to_what_is_remembered(name):
    events = list(stream(60, seed=2, anonymous=0.0))
    X, y, w = table(events)
    model = copy.deepcopy(MODELS[name]).set_params(n_epochs=3).fit(X, y, sample_weight=w)
    assert_agree(model, reference(MODELS[name], events, passes=3))


@pytest.mark.parametrize("params", [{"optimizer": "adam"}, {"implicit": "history"}, {"replay": 2}])
def test_a_classifier_learns_with_the_options(params):
    rng = np.random.default_rng(3)
    X = np.c_[rng.integers(0, 8, 600), rng.integers(0, 6, 600)]
    y = (X[:, 0] % 2 == X[:, 1] % 2).astype(int)
    model = BiasedMFClassifier(4, init_scale=0.3, **params).partial_fit(X, y)
    assert (model.predict(X) == y).mean() > 0.9
    assert (BiasedMFClassifier(4, **params).partial_fit(X[:5], y[:5]).predict(X) == y).mean() < 0.9


# -- the sample of past events ---------------------------------------------------------------------


def kept(model):
    return model._state.scalar("replay_events").reshape(-1, 4)


def counts(model):
    return tuple(int(v) for v in model._state.scalar("replay_counts"))


def test_every_event_is_as_likely_to_be_kept():
    n, room, runs = 200, 20, 400
    X, y = np.c_[np.zeros(n, int), np.arange(n)], np.ones(n)
    times = np.zeros(n)
    for seed in range(runs):
        model = BiasedMF(1, replay=1, replay_size=room, history=0, random_state=seed).partial_fit(X, y)
        found = kept(model)[:, 1].astype(int)
        assert len(set(found)) == room
        times[found] += 1
    expected = runs * room / n
    chi = ((times - expected) ** 2 / (expected * (1 - room / n))).sum()
    assert abs(chi - n) < 5 * math.sqrt(2 * n)
    assert np.abs(times.reshape(10, 20).sum(axis=1) / (20 * expected) - 1).max() < 0.12  # old and new alike


def test_every_kept_event_is_as_likely_to_be_drawn():
    n = 30_000
    drawn = np.bincount([draw(7, t, use, 10) for t in range(n // 2) for use in (0, 1)], minlength=10)
    assert np.abs(drawn / (n / 10) - 1).max() < 0.06


def test_what_is_kept_is_bounded_and_counted():
    plain, small, large = (
        taught(BiasedMF(**p), stream(300, anonymous=0.0))
        for p in ({}, {"replay": 1, "replay_size": 50}, {"replay": 1, "replay_size": 500})
    )
    assert small.nbytes - plain.nbytes == 8 * (3 + 4 * 50)
    assert large.nbytes - plain.nbytes == 8 * (3 + 4 * 500)
    assert counts(small) == (300, 50, 300)
    assert counts(large) == (300, 300, 300)


def test_nothing_is_left_of_rows_that_are_dropped():
    model = taught(MODELS["replay and history"], stream(300, seed=4, anonymous=0.0))
    state = model._state
    users, items = [state.users.find(2)], [state.items.find(0), state.items.find(5)]
    before = kept(model).copy()
    state.drop_rows(0, np.array(users, np.int32))
    state.drop_rows(1, np.array(items, np.int32))
    seen, filled, _ = counts(model)
    left = before[~np.isin(before[:, 0], users) & ~np.isin(before[:, 1], items)]
    assert 0 < filled == len(left) < 20
    np.testing.assert_array_equal(kept(model)[:filled], left)  # in their order
    assert not kept(model)[filled:].any()
    assert seen == pytest.approx(300 * filled / 20, abs=1)  # what is left is a sample of so many events
    recent = state.user_rows.arrays["recent"]
    assert not np.isin(recent, np.add(items, 1)).any() and not recent[users].any()
    assert recent.any()
    model.learn_one({"user": "new", "item": "thing"}, 3.0)  # takes the freed rows
    assert state.users.find("new") in users
    assert all(np.isfinite(v).all() for v in (model.user_factors_, model.item_factors_))


def test_a_sample_that_lost_events_fills_up_again_fairly():
    model = BiasedMF(1, replay=1, replay_size=40, history=0)
    X = np.c_[np.arange(400) % 2, np.arange(400)]
    model.partial_fit(X, np.ones(400))
    model._state.drop_rows(0, np.array([0], np.int32))
    seen, filled, _ = counts(model)
    assert 0 < filled < 40
    model.partial_fit(np.c_[np.full(seen, 1), np.arange(1000, 1000 + seen)], np.ones(seen))
    assert counts(model)[1] > filled
    old = (kept(model)[: counts(model)[1], 1] < 400).mean()
    assert 0.2 < old < 0.8  # half of the events are old


# -- questions -------------------------------------------------------------------------------------


def test_lists_know_the_recent_items():
    rng = np.random.default_rng(5)
    X = np.c_[rng.integers(0, 40, 3000), rng.integers(0, 30, 3000)]
    y = 3.0 + 2 * ((X[:, 0] + X[:, 1]) % 2)
    model = BiasedMF(8, implicit="history", implicit_size=5, init_scale=0.3).partial_fit(X, y)
    users = list(range(40))
    items, scores = model.recommend(users, k=5, exclude_seen=False)
    for u in users:
        np.testing.assert_array_equal(
            items[u], np.array(model.recommend_one(u, k=5, exclude_seen=False), object)
        )
        for item, score in zip(items[u], scores[u], strict=True):
            assert score == pytest.approx(model.predict_one({"user": u, "item": item}))
    before = model.predict_one({"user": 0, "item": 0})
    model._state.user_rows.arrays["recent"][:] = 0
    assert model.predict_one({"user": 0, "item": 0}) != pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize("name", ["adam", "history", "replay", "replay and history"])
def test_a_saved_model_goes_on_as_it_was(name, tmp_path):
    events = list(stream(200, seed=6))
    model = taught(MODELS[name], events[:120])
    skl_increc.save(model, tmp_path / "model.npz")
    others = [
        skl_increc.load(tmp_path / "model.npz"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    whole = taught(MODELS[name], events)
    X, y, w = table(events[120:])
    for other in others:
        other.partial_fit(X, y, sample_weight=w)
        for side in ("user", "item"):
            want, found = getattr(whole._state, f"{side}_rows"), getattr(other._state, f"{side}_rows")
            for key, rows in want.export().items():
                np.testing.assert_array_equal(found.export()[key], rows, err_msg=key)
        np.testing.assert_array_equal(other._state.scalars, whole._state.scalars)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("history", lambda s: s.user_rows.arrays["recent"].__setitem__((0, 0), 99), "recent items"),
        ("history", lambda s: s.user_rows.arrays["recent"].__setitem__((0, 0), -1), "recent items"),
        ("replay", lambda s: s.scalar("replay_events").__setitem__(0, 99.0), "is not there"),
        ("replay", lambda s: s.scalar("replay_events").__setitem__(1, 0.5), "is not there"),
        ("replay", lambda s: s.scalar("replay_events").__setitem__(2, np.inf), "no finite rating"),
        ("replay", lambda s: s.scalar("replay_events").__setitem__(3, 0.0), "no finite rating or no weight"),
        ("replay", lambda s: s.scalar("replay_counts").__setitem__(1, 31.0), "31 events kept"),
    ],
)
def test_a_file_with_rows_that_are_not_there_is_refused(name, spoil, message, tmp_path):
    model = taught(MODELS[name], stream(100, seed=7))
    spoil(model._state)
    skl_increc.save(model, tmp_path / "model.npz")
    with pytest.raises(ValueError, match=message):
        skl_increc.load(tmp_path / "model.npz")


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"optimizer": "ftrl"}, "two vectors at zero have no gradient"),
        ({"optimizer": "gd", "replay": 1, "n_epochs": 2}, "replay=1 works event by event"),
        (
            {"optimizer": "gd", "implicit": "history", "n_epochs": 2},
            "implicit='history' works event by event",
        ),
        ({"optimizer": "adam", "implicit": "history"}, "has no steps by Adam"),
        ({"implicit": "clicks"}, "The 'implicit' parameter"),
        ({"replay": -1}, "The 'replay' parameter"),
        ({"replay_size": 0}, "The 'replay_size' parameter"),
        ({"implicit_size": 0}, "The 'implicit_size' parameter"),
    ],
)
@pytest.mark.parametrize("make", [BiasedMF, BiasedMFClassifier])
def test_options_that_make_no_sense_are_refused(make, params, message):
    with pytest.raises(ValueError, match=message):
        make(**params).fit([[1, 2], [3, 4]], [0, 1])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"optimizer": "adam"}, "optimizer='adam'"),
        ({"implicit": "history"}, "implicit was changed"),
        ({"replay": 1}, "replay above 0"),
    ],
)
def test_an_option_cannot_be_switched_on_later(change, named):
    model = taught(BiasedMF(), stream(20)).set_params(**change)
    with pytest.raises(ValueError, match=named):
        model.learn_one({"user": 1, "item": 2}, 3.0)
    model.fit([[1, 2]], [3.0])


def test_how_many_are_learned_again_may_change():
    model = taught(BiasedMF(replay=1, replay_size=9), stream(20))
    model.set_params(replay=4).learn_one({"user": 1, "item": 2}, 3.0)


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e14])
@pytest.mark.parametrize("params", [{"optimizer": "adam"}, {"implicit": "history"}, {"replay": 3}])
def test_hostile_weights_and_rates_give_no_nan(params, weight):
    X = np.c_[np.arange(100) % 7, np.arange(100) % 5]
    y = np.arange(100) % 5 + 1.0
    y[50] = 1e90
    for rate in (0.01, 0.5, 50.0):
        model = BiasedMF(learning_rate=rate, n_epochs=4, **params)
        assert np.isfinite(model.fit(X, y, sample_weight=np.full(100, weight)).predict(X)).all()
