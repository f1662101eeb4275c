"""Baseline against its formulas in numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.baselines import Baseline
from skl_increc.exceptions import GuaranteeError

numbers = st.integers(-20, 20).map(lambda v: v / 4)
weights = st.sampled_from([0.25, 1.0, 2.0, 3.5])
event = st.tuples(st.none() | st.integers(0, 4), st.none() | st.integers(0, 3), numbers, weights)
streams = st.lists(event, min_size=1, max_size=40)
ASKED = [(u, i) for u in [*range(5), None, "stranger"] for i in [*range(4), None, "stranger"]]


class Formula:
    """mean + b_u + b_i from all events at once."""

    def __init__(self, events, l2_user=5.0, l2_item=5.0):
        self.events = events
        self.l2 = l2_user, l2_item
        y, w = np.array([(y, w) for _, _, y, w in events]).reshape(-1, 2).T
        self.mean = (w @ y) / w.sum() if len(y) else 0.0

    def item_bias(self, item):
        mine = [(y, w) for _, i, y, w in self.events if i == item and i is not None]
        count = sum(w for _, w in mine)
        return sum(w * (y - self.mean) for y, w in mine) / (count + self.l2[1]) if mine else 0.0

    def user_bias(self, user):
        mine = [(i, y, w) for u, i, y, w in self.events if u == user and u is not None]
        count = sum(w for _, _, w in mine)
        rest = sum(w * (y - self.mean - self.item_bias(i)) for i, y, w in mine)
        return rest / (count + self.l2[0]) if mine else 0.0

    def predict(self, user, item):
        return self.mean + self.user_bias(user) + self.item_bias(item)


class Kalman:
    """Each bias a Gaussian that wanders, one event after the other."""

    def __init__(self, noise=0.7, drift=0.002, l2_user=5.0, l2_item=5.0):
        self.noise, self.drift = noise, drift
        self.start = noise / l2_user, noise / l2_item
        self.biases, self.variances, self.y, self.w = ({}, {}), ({}, {}), [], []

    def units(self):
        mean = np.average(self.y, weights=self.w) if self.y else 0.0
        return mean, np.sqrt(np.average((np.array(self.y) - mean) ** 2, weights=self.w)) if self.y else 0.0

    def learn(self, user, item, y, w=1.0):
        self.y.append(y)
        self.w.append(w)
        mean, scale = self.units()
        known = [(side, key) for side, key in enumerate((user, item)) if key is not None]
        for side, key in known:
            self.biases[side].setdefault(key, 0.0)
            self.variances[side].setdefault(key, self.start[side])
        e = (y - mean) / scale if scale > 0 else 0.0
        e -= sum(self.biases[side][key] for side, key in known)
        total = self.noise / w + sum(self.variances[side][key] for side, key in known)
        for side, key in known:
            v = self.variances[side][key]
            self.biases[side][key] += v * e / total
            self.variances[side][key] = v - v * v / total + self.drift

    def predict(self, user, item):
        mean, scale = self.units()
        return mean + scale * (self.biases[0].get(user, 0.0) + self.biases[1].get(item, 0.0))


def teach(model, events):
    for user, item, y, w in events:
        model.learn_one({"user": user, "item": item}, y, w)
    return model


def answers(model):
    return model.predict(np.array(ASKED, dtype=object))


def wanted(reference):
    return [reference.predict(u, i) for u, i in ASKED]


# -- the exact form -----------------------------------------------------------------------------------
@settings(max_examples=examples(80))
@given(streams, st.sampled_from([0.0, 0.5, 5.0]), st.sampled_from([0.0, 5.0]))
def test_the_exact_form_is_its_formula(events, l2_user, l2_item):
    model = teach(Baseline(l2_user=l2_user, l2_item=l2_item), events)
    formula = Formula(events, l2_user, l2_item)
    np.testing.assert_allclose(answers(model), wanted(formula), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        model.user_biases_, [formula.user_bias(u) for u in model.user_ids_], atol=1e-10
    )
    np.testing.assert_allclose(
        model.item_biases_, [formula.item_bias(i) for i in model.item_ids_], atol=1e-10
    )
    one = [model.predict_one({"user": u, "item": i}) for u, i in ASKED]
    assert one == answers(model).tolist()


@settings(max_examples=examples(60))
@given(streams, st.randoms(use_true_random=False))
def test_order_does_not_matter_to_the_last_bit(events, random):
    shuffled = events.copy()
    random.shuffle(shuffled)
    a, b = teach(Baseline(), events), teach(Baseline(), shuffled)
    assert a.guarantees().O == "bitwise"
    assert answers(a).tobytes() == answers(b).tobytes()


@settings(max_examples=examples(60))
@given(streams, st.sets(st.integers(0, 4)))
def test_merged_halves_are_the_whole(events, mine):
    left = [e for e in events if e[0] in mine]
    right = [e for e in events if e[0] not in mine]
    merged = teach(Baseline(), left).merge(teach(Baseline(), right))
    if not left and not right:
        return
    assert answers(merged).tobytes() == answers(teach(Baseline(), events)).tobytes()
    assert merged._state.n_events == len(events)


@settings(max_examples=examples(60))
@given(streams, st.sets(st.integers(0, 4)), st.sets(st.integers(0, 3)))
def test_what_is_forgotten_was_never_seen(events, users, items):
    left = [e for e in events if e[0] not in users and e[1] not in items]
    model = teach(Baseline(), events)
    assert model.forget(users=[*users, "stranger"], items=[*items]) == len(events) - len(left)
    clean = teach(Baseline(), left) if left else None
    if clean is not None:
        assert answers(model).tobytes() == answers(clean).tobytes()
        assert set(model.user_ids_) == set(clean.user_ids_)
        assert set(model.item_ids_) == set(clean.item_ids_)
    else:
        assert answers(model).tolist() == [0.0] * len(ASKED)
    more = [("new", 1, 2.0, 1.0), (0, "new", 4.0, 1.0)]
    assert answers(teach(model, more)).tobytes() == answers(teach(Baseline(), [*left, *more])).tobytes()


OFF_THE_GRID = [0.1, 2.0**-21, 2.0**33]


@pytest.mark.parametrize("y", OFF_THE_GRID)
def test_sums_off_the_grid_hold_to_rounding(y):
    model = Baseline()
    model.learn_one({"user": 1, "item": 1}, 0.25)
    assert model.guarantees().O == "bitwise"
    model.learn_one({"user": 1, "item": 2}, y)
    assert (model.guarantees().O, model.guarantees().M, model.guarantees().U) == ("rounding",) * 3


def test_a_user_of_many_ratings_is_summed_exactly():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 3, 6000), rng.integers(0, 900, 6000)])
    y = rng.integers(1, 11, 6000) / 2
    events = [(u, i, v, 1.0) for (u, i), v in zip(X.tolist(), y.tolist(), strict=True)]
    a, b = Baseline().fit(X, y), Baseline().fit(X[::-1], y[::-1])
    assert a.predict(X[:50]).tobytes() == b.predict(X[:50]).tobytes()
    formula = Formula(events)
    biases = {i: formula.item_bias(i) for i in range(900)}
    formula.item_bias = biases.get
    np.testing.assert_allclose(a.user_biases_, [formula.user_bias(u) for u in a.user_ids_], rtol=1e-9)


def test_repeated_pairs_all_count():
    events = [(1, 1, 5.0, 1.0)] * 3 + [(1, 2, 1.0, 1.0), (2, 1, 2.0, 2.0)]
    np.testing.assert_allclose(answers(teach(Baseline(), events)), wanted(Formula(events)), rtol=1e-12)


# -- the form that follows change ---------------------------------------------------------------------
@settings(max_examples=examples(60))
@given(
    streams, st.sampled_from([0.0, 0.002, 0.5]), st.sampled_from([0.1, 0.7, 3.0]), st.sampled_from([0.5, 5.0])
)
def test_the_drifting_form_is_its_filter(events, drift, noise, l2):
    model = teach(Baseline(drift=drift, noise=noise, l2_user=l2, l2_item=2 * l2), events)
    reference = Kalman(noise, drift, l2, 2 * l2)
    for one in events:
        reference.learn(*one)
    np.testing.assert_allclose(answers(model), wanted(reference), rtol=1e-4, atol=1e-4)
    scale = reference.units()[1]
    np.testing.assert_allclose(
        model.user_biases_, [scale * reference.biases[0][u] for u in model.user_ids_], rtol=1e-4, atol=1e-4
    )
    np.testing.assert_allclose(
        model.item_biases_, [scale * reference.biases[1][i] for i in model.item_ids_], rtol=1e-4, atol=1e-4
    )
    for side, rows in enumerate((model._state.user_rows, model._state.item_rows)):
        ids = (model.user_ids_, model.item_ids_)[side]
        variances = [reference.variances[side][key] for key in ids]
        np.testing.assert_allclose(rows.view("variance"), variances, rtol=1e-9)


def test_batches_of_the_drifting_form_are_its_filter():
    rng = np.random.default_rng(1)
    X, y, w = rng.integers(0, 6, (700, 2)), rng.normal(3, 1, 700), rng.choice([0.5, 1.0, 2.0], 700)
    model = Baseline(drift=0.01).partial_fit(X[:600], y[:600], sample_weight=w[:600])
    model.partial_fit(X[600:], y[600:], sample_weight=w[600:])
    reference = Kalman(drift=0.01)
    for (user, item), v, weight in zip(X.tolist(), y, w, strict=True):
        reference.learn(user, item, v, weight)
    np.testing.assert_allclose(answers(model), wanted(reference), rtol=1e-5)


def test_drift_follows_a_user_who_changes():
    still, moving = Baseline(drift=0.0), Baseline(drift=0.05)
    rng = np.random.default_rng(2)
    for t in range(2000):
        user, item = int(rng.integers(20)), int(rng.integers(20))
        y = 3.0 + rng.normal(0, 0.2) + (2.0 if user == 0 and t > 1000 else 0.0)
        for model in (still, moving):
            model.learn_one({"user": user, "item": item}, y)
    late = [model.predict_one({"user": 0}) for model in (still, moving)]
    assert late[1] > late[0] + 0.3
    assert abs(late[1] - 5.0) < 0.4


@pytest.mark.parametrize("model", [Baseline(), Baseline(drift=0.01)], ids=repr)
@pytest.mark.parametrize(("a", "b"), [(20.0, 0.0), (5.0, -20.0), (1e-3, 1e6)])
def test_the_scale_of_the_ratings_does_not_matter(model, a, b):
    model, other = (type(model)(**model.get_params()) for _ in range(2))
    rng = np.random.default_rng(3)
    for _ in range(300):
        x, y = {"user": int(rng.integers(9)), "item": int(rng.integers(9))}, float(rng.integers(1, 6))
        model.learn_one(x, y)
        other.learn_one(x, a * y + b)
    pairs = rng.integers(0, 9, (50, 2))
    np.testing.assert_allclose((other.predict(pairs) - b) / a, model.predict(pairs), rtol=1e-4, atol=1e-4)


def test_the_drifting_form_neither_merges_nor_forgets():
    model = Baseline(drift=0.01).fit([[1, 1]], [2])
    with pytest.raises(
        GuaranteeError, match=r"does not merge: with drift each step depends on the steps before"
    ):
        model.merge(Baseline(drift=0.01).fit([[2, 1]], [2]))
    with pytest.raises(
        GuaranteeError, match=r"cannot forget exactly: with drift each step depends on the steps"
    ):
        model.forget(users=[1])


def test_a_short_history_is_refused_by_the_exact_form():
    with pytest.raises(
        ValueError, match=r"history=3 is too short for the exact form.*Set history=None, or drift"
    ):
        Baseline(history=3).fit([[1, 1]], [1])
    Baseline(history=3, drift=0.1).fit([[1, 1]], [1])


def test_before_any_event_the_answer_is_zero():
    assert Baseline().predict_one({"user": 1, "item": 1}) == 0.0
    assert Baseline(drift=0.1).predict_one({"user": 1, "item": 1}) == 0.0
