"""Factorisation machines: the equation against a slow model, the columns of a context, what they promise."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc import load, save
from skl_increc.checks import OURS
from skl_increc.factorization import BiasedMF, FactorizationMachine

CONTEXT = {"hour": "category", "tags": "list", "price": "number"}
MAKER = {"maker": "category"}


def moments(pairs):
    """Mean and standard deviation of (number, weight)."""
    values, weights = np.array(pairs).T
    mean = np.average(values, weights=weights)
    return mean, np.sqrt(np.average((values - mean) ** 2, weights=weights))


class SlowMachine:
    """The equations of the class, feature by feature, in float64; starts are taken from a model that stood still."""

    def __init__(self, starts, *, all_pairs, lr=0.25, lr_w=0.3, l2=0.01, l2_w=0.1, loss="squared"):
        self.v = {name: np.array(v, float) for name, v in starts.items()}
        self.w, self.gw, self.gv = (dict.fromkeys(starts, 0.0) for _ in range(3))
        self.all_pairs, self.rates, self.shrink, self.loss = all_pairs, (lr, lr_w), (l2, l2_w), loss
        self.ys, self.prices = [], []

    def sides(self, event, weight):
        """(side, name, x) of each feature; a price in standard deviations of those so far."""
        parts = [(0, ("user", event["user"]), 1.0), (1, ("item", event["item"]), 1.0)]
        parts.append((0, ("hour", event["hour"]), 1.0))
        tags = [t for t in event["tags"].split("|") if t]
        parts += [(0, ("tags", t), 1 / np.sqrt(len(tags))) for t in tags]
        if event["price"] is not None:
            self.prices.append((event["price"], weight))
            mean, spread = moments(self.prices)
            z = (event["price"] - mean) / spread if spread > 1e-9 else 0.0
            parts.append((0, ("price", 0), float(np.clip(z, -5, 5))))
        parts.append((1, ("maker", event["maker"]), 1.0))
        return [(s, n, x) for s, n, x in parts if n[1] is not None and x != 0]

    def learn(self, event, y, weight):
        parts = self.sides(event, weight)
        self.ys.append((y, weight))
        mean, spread = moments(self.ys)
        target = (y - mean) / spread if spread > 1e-9 else 0.0
        zero = np.zeros(len(next(iter(self.v.values()))))
        sums = [sum((x * self.v[n] for s, n, x in parts if s == side), zero) for side in (0, 1)]
        raw = sum(x * self.w[n] for _, n, x in parts) + sums[0] @ sums[1]
        if self.all_pairs:
            for side in (0, 1):
                own = sum(x * x * self.v[n] @ self.v[n] for s, n, x in parts if s == side)
                raw += (sums[side] @ sums[side] - own) / 2
        e, (lr, lr_w), (l2, l2_w) = weight * (target - raw), self.rates, self.shrink
        plans, pull = [], 0.0
        for side, n, x in parts:
            grad = x * (sums[0] + sums[1] - x * self.v[n]) if self.all_pairs else x * sums[1 - side]
            self.gv[n] += np.mean((e * grad - weight * l2 * self.v[n]) ** 2)
            self.gw[n] += (e * x - weight * l2_w * self.w[n]) ** 2
            eta, eta_w = lr / np.sqrt(self.gv[n] + 1), lr_w / np.sqrt(self.gw[n] + 1)
            pull += weight * (eta * grad @ grad + eta_w * x * x)
            plans.append((n, x, grad, eta, eta_w))
        go = e / max(pull, 1.0)
        for n, x, grad, eta, eta_w in plans:
            self.v[n] = max(0, 1 - eta * weight * l2) * self.v[n] + eta * go * grad
            self.w[n] = max(0, 1 - eta_w * weight * l2_w) * self.w[n] + eta_w * go * x
        return mean + spread * raw


def learned(model):
    """Vectors and weights of every feature of a model, by (column, value)."""
    state = model._state
    vectors, weights = {}, {}
    for side, ids, rows in (("user", state.users, state.user_rows), ("item", state.items, state.item_rows)):
        for row in range(ids.n_rows):
            name = (side, ids.ids_of(np.array([row]))[0])
            vectors[name] = rows.view("factors")[row].copy()
            weights[name] = float(rows.view("stat")[row, 0])
    features = state.stores["features"]
    for (column, _, _), at in zip(features.columns, features.table_of, strict=True):
        table = features.tables[at]
        for value, weight in model.feature_weights(column).items():
            row = value if table.ids is None else table.ids.find(value)
            vectors[column, value] = table.factors[row, : model.n_factors].copy()
            weights[column, value] = weight
    return vectors, weights


def a_stream(n, seed, *, shops=4):
    """Events with a user, an item, an hour, tags, a price that may be missing, and the maker of the item."""
    rng = np.random.default_rng(seed)
    item = rng.integers(0, 6, n)
    price = rng.normal(100, 30, n)
    price[rng.random(n) < 0.2] = np.nan
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, 5, n),
            "item": [f"i{j}" for j in item],
            "hour": rng.choice(["am", "pm", "night"], n),
            "tags": rng.choice(["a|b", "b", "", "a|c|d"], n),
            "price": price,
            "maker": np.array(["x", "y", "z"])[item % 3],
        }
    )
    y = 3 + (frame.hour == "am") - 0.5 * (frame.maker == "z") + rng.normal(0, 0.5, n)
    return frame, y.to_numpy(), rng.integers(1, 5, n) / 2


def as_events(frame):
    rows = frame.to_dict("records")
    return [{k: None if v != v else v for k, v in row.items()} for row in rows]


@settings(max_examples=examples(6), deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["all", "user-item"]), st.integers(2, 9))
def test_every_step_is_that_of_a_slow_model(seed, interactions, k):
    frame, y, w = a_stream(60, seed)
    model = FactorizationMachine(
        k, context=CONTEXT, item_context=MAKER, interactions=interactions, init_scale=0.2
    )
    still = FactorizationMachine(**model.get_params()).set_params(
        learning_rate=1e-30, learning_rate_bias=1e-30
    )
    starts, _ = learned(still.partial_fit(frame, y, sample_weight=w))
    slow = SlowMachine(starts, all_pairs=interactions == "all")
    for event, target, weight in zip(as_events(frame), y, w, strict=True):
        slow.learn(event, target, weight)
        model.learn_one(event, target, weight)
    vectors, weights = learned(model)
    assert vectors.keys() == slow.v.keys()
    for name, vector in vectors.items():
        np.testing.assert_allclose(vector, slow.v[name], rtol=2e-3, atol=2e-4, err_msg=str(name))
        np.testing.assert_allclose(weights[name], slow.w[name], rtol=2e-3, atol=2e-4, err_msg=str(name))


def test_a_user_and_an_item_alone_are_biased_mf():
    frame, y, w = a_stream(200, 1)
    one = FactorizationMachine(random_state=3).fit(frame, y, sample_weight=w)
    other = BiasedMF(random_state=3).fit(frame, y, sample_weight=w)
    np.testing.assert_array_equal(one.user_factors_, other.user_factors_)
    np.testing.assert_array_equal(one.item_biases_, other.item_biases_)
    np.testing.assert_allclose(one.predict(frame), other.predict(frame), rtol=1e-6)
    # the same by the path of many features, of which there is none
    far = FactorizationMachine(random_state=3, context=["hour"]).fit(
        frame.assign(hour=None), y, sample_weight=w
    )
    np.testing.assert_allclose(far.predict(frame.assign(hour=None)), other.predict(frame), rtol=1e-4)


@pytest.mark.parametrize(
    "extra", [{}, {"n_features": 32}, {"interactions": "user-item", "optimizer_bias": "ftrl"}]
)
def test_a_table_is_its_events(extra):
    """One call, pieces, events: the same bits, with frames of any library."""
    frame, y, w = a_stream(80, 2)
    made = [FactorizationMachine(5, context=CONTEXT, item_context=MAKER, **extra) for _ in range(4)]
    made[0].partial_fit(frame, y, sample_weight=w)
    for at in range(0, 80, 7):
        piece = slice(at, at + 7)
        made[1].partial_fit(pl.from_pandas(frame[piece]), y[piece], sample_weight=w[piece])
    for event, target, weight in zip(as_events(frame), y, w, strict=True):
        made[2].learn_one(event, target, weight)
    made[3].learn_many(frame, pd.Series(y), w)
    expected = made[0].predict(frame)
    for model in made:
        assert np.array_equal(model.predict(frame), expected)
        assert [model.predict_one(event) for event in as_events(frame)] == expected.tolist()


#: checks of ours for a model that reads ids as context, too; lists are without a context, and so not those of pairs
CHECKS = [check for check in OURS if check.__name__ in {
    "learn_one_equals_partial_fit", "ids_may_be_anything_hashable", "a_failed_call_changes_nothing",
    "save_load_round_trip", "zero_weight_is_no_event", "threads_may_ask_at_once", "snapshots_are_frozen",
}]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_our_checks_hold_with_a_context(check):
    check(FactorizationMachine(3, context={"item": "list"}, item_context=["user"]))


def test_every_form_of_a_cell_says_the_same(tmp_path):
    """Lists, strings, sets and dicts; vectors as lists and arrays; what is missing or unknown says nothing."""
    kinds = {"tags": "list", "hour": "category", "price": "number", "face": "vector"}
    forms = [
        ("b | a", "am", 2.0, [1.0, 0.5]),
        (["b", "a"], "am", np.float32(2), np.array([1.0, 0.5])),
        (("b", "a"), "am", 2, (1, 0.5)),
        ({"b": 0.5**0.5, "a": None}, "am", "2", np.array([1.0, 0.5], np.float32)),
    ]
    answers = set()
    for form in forms:
        model = FactorizationMachine(4, context=kinds)
        events = [form, ("c", "pm", -1.0, [0.0, 2.0]), form, ("", None, None, None)]
        for k, cells in enumerate(events):
            model.learn_one(dict(zip(kinds, cells, strict=True), user=k % 2, item="i"), k)
        answers.add(model.predict_one(dict(zip(kinds, form, strict=True), user=0, item="i")))
    assert len(answers) == 1
    nothing = model.predict_one({"user": 0, "item": "i"})
    strange = {"tags": "new", "hour": "midnight", "price": None, "face": None}
    assert model.predict_one({"user": 0, "item": "i", **strange}) == nothing != answers.pop()
    save(model, tmp_path / "m.npz")
    assert load(tmp_path / "m.npz").feature_weights("hour") == model.feature_weights("hour")


@pytest.mark.parametrize(
    ("params", "x", "message"),
    [
        ({"context": "hour"}, {}, "context must be a dict such as"),
        ({"context": {"hour": "day"}}, {}, "the kind of column 'hour' is one of"),
        ({"context": [None]}, {}, "context names columns by strings or positions; got None"),
        ({"separator": ""}, {}, "separator must not be empty"),
        ({"context": {"p": "number"}}, {"p": "dear"}, "'p' must be a number; got 'dear'"),
        ({"context": {"p": "number"}}, {"p": np.inf}, "'p' must be finite"),
        ({"context": {"v": "vector"}}, {"v": "dear"}, "'v' must be a vector of numbers; got 'dear'"),
        ({"context": {"v": "vector"}}, {"v": [1.0, np.inf]}, "'v' must be finite"),
        ({"context": {"v": "vector"}}, {"v": [1.0, 2.0, 3.0]}, "The vectors of 'v' had 2 numbers, and now 3"),
        (
            {"context": ["h"], "n_features": 8},
            {"h": ("a", object())},
            "has no hash that is the same in every run",
        ),
        ({"context": ["h"]}, {"h": ["a"]}, "must be a hashable value"),
    ],
)
def test_what_cannot_be_read_is_told_and_changes_nothing(params, x, message):
    good = {"user": 1, "item": 2, "p": 1.5, "v": [1.0, 2.0], "h": "a"}
    model = FactorizationMachine(3, **params)
    if x:
        model.learn_one(good, 3.0)
        before = model._state.export()
    bad = {**good, "user": "new", **x}
    with pytest.raises((ValueError, TypeError), match=message):
        model.learn_one(bad, 4.0)
    if x:
        columns = {key: pd.Series([good[key], bad[key]], dtype=object) for key in good}
        with pytest.raises(
            (ValueError, TypeError), match=message.replace("had 2 numbers, and now 3", "have")
        ):
            model.partial_fit(pd.DataFrame(columns), [3.0, 4.0])
        after = model._state.export()
        assert after["stores"]["features"]["names"] == before["stores"]["features"]["names"]
        assert np.array_equal(after["stores"]["features"]["factors"], before["stores"]["features"]["factors"])
        assert model._state.users.n_rows == 1


def test_columns_that_are_not_there_are_named():
    model = FactorizationMachine(context={"hour": "category"})
    with pytest.raises(ValueError, match=r"X has no column 'hour'.*the parameter context"):
        model.fit(pd.DataFrame({"user": [1], "item": [2]}), [3.0])
    with pytest.raises(ValueError, match="an array of 2 columns holds users, items, and then"):
        model.fit(np.array([[1, 2], [3, 4]]), [3.0, 4.0])
    model.fit(np.array([[1, 2, 7], [3, 4, 8]]), [3.0, 4.0])
    assert set(model.feature_weights("hour")) == {7, 8}
    with pytest.raises(ValueError, match="There is no column 'day' in the context"):
        model.feature_weights("day")
