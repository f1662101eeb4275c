"""Neighbours from counts: the counts and the equation by hand, after any history of calls; errors."""

import datetime as dt
import math
from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.checks._states import same_model
from skl_increc.exceptions import GuaranteeError
from skl_increc.neighbors import ItemKNN

USERS, ITEMS = "abcd", "uvwxyz"
EVENTS = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(ITEMS), st.sampled_from([1, 3, 5])), max_size=40
)
SIMILARITIES = st.sampled_from(["cosine", "jaccard", "conditional", "lift"])


def taught(model, events):
    for user, item, y in events:
        model.learn_one({"user": user, "item": item}, y)
    return model


def lists_of(events, min_y):
    """The items of each user that teach, in order of the last event, which may teach nothing."""
    order, positive = {}, set()
    for user, item, y in events:
        had = order.setdefault(user, [])
        if item in had:
            had.remove(item)
        had.append(item)
        if y >= min_y:
            positive.add((user, item))
    return {user: [i for i in had if (user, i) in positive] for user, had in order.items()}


def counts_by_hand(lists):
    one = Counter(i for had in lists.values() for i in had)
    both = Counter((i, j) for had in lists.values() for i in had for j in had if i != j)
    return one, both


def counts_of(model):
    """What the model holds, by id."""
    if model._state is None:
        return {}, {}
    state = model._state
    names = dict(zip(state.items.live().tolist(), model.item_ids_.tolist(), strict=True))
    cells = state.stores["links"].export()
    rows = np.repeat(np.arange(len(cells["indptr"]) - 1), np.diff(cells["indptr"])).tolist()
    both = {
        (names[a], names[b]): v
        for a, b, v in zip(rows, cells["others"].tolist(), cells["values"].tolist(), strict=True)
    }
    takers = state.item_rows.arrays["takers"][:, 0]
    return {name: takers[row] for row, name in names.items() if takers[row]}, both


def likeness(model, one, both, i, j):
    if not both[i, j]:
        return 0.0
    a, b, c = one[i], one[j], both[i, j]
    under = {
        "cosine": math.sqrt(a * b),
        "jaccard": a + b - c,
        "lift": a * b,
        "conditional": a**model.exponent * b ** (1 - model.exponent),
    }
    return c / (under[model.similarity] + model.shrinkage)


def score_by_hand(model, events, user, item):
    lists = lists_of(events, model.min_y or 0)
    one, both = counts_by_hand(lists)
    score = model.prior * one[item]
    for d, h in enumerate(lists.get(user, [])[::-1][: model.max_distance]):
        alike = sorted((likeness(model, one, both, h, j) for j in ITEMS if j != h), reverse=True)
        least = alike[model.n_neighbors - 1] if model.n_neighbors else 0
        sim = likeness(model, one, both, h, item) if item != h else 0
        if sim >= least - 1e-12:
            score += model.weight**d * sim
    return score


@given(
    events=EVENTS,
    similarity=SIMILARITIES,
    reach=st.sampled_from([None, 1, 3]),
    n_neighbors=st.sampled_from([None, 1, 2, 4]),
    min_y=st.sampled_from([None, 3]),
    user=st.sampled_from("abcde"),
    item=st.sampled_from("uvwxyzq"),
)
def test_the_equation(events, similarity, reach, n_neighbors, min_y, user, item):
    model = ItemKNN(
        reach, similarity=similarity, exponent=0.7, shrinkage=0.5, n_neighbors=n_neighbors, min_y=min_y
    )
    model.set_params(weight=0.5, prior=0.01)
    by_hand = score_by_hand(model, events, user, item)
    assert taught(model, events).predict_one({"user": user, "item": item}) == pytest.approx(by_hand)
    items, weights = model.explain(user, item)
    assert items[-1] is None
    assert weights.sum() == pytest.approx(by_hand)
    assert set(items[:-1]) <= {i for u, i, _ in events if u == user}
    assert (np.diff(weights[:-1]) <= 0).all()
    if events and item in model.item_ids_:  # lists give the same
        found, scores = model.recommend([user], 9, exclude_seen=False)
        assert scores[0, found[0].tolist().index(item)] == pytest.approx(by_hand)


BATCH = st.tuples(st.sampled_from(["fit more", "one by one", "merge"]), EVENTS)
LEAVE = st.tuples(
    st.just("forget"),
    st.tuples(st.sets(st.sampled_from(USERS), max_size=2), st.sets(st.sampled_from(ITEMS + "q"), max_size=2)),
)


@given(calls=st.lists(BATCH | LEAVE, max_size=6), min_y=st.sampled_from([None, 3]))
def test_counts_are_those_of_the_events_that_are_left(calls, min_y):
    model, left = ItemKNN(min_y=min_y), []
    for what, with_ in calls:
        if what == "forget":
            users, items = with_
            before = len(left)
            left = [e for e in left if e[0] not in users and e[1] not in items]
            assert model.forget(users=sorted(users), items=sorted(items)) == before - len(left)
            continue
        if what == "merge":  # of a shard that has users of its own
            with_ = [(u, i, y) for u, i, y in with_ if u not in {e[0] for e in left}]
            model.merge(taught(ItemKNN(min_y=min_y), with_))
        elif what == "one by one":
            taught(model, with_)
        elif with_:
            model.partial_fit([e[:2] for e in with_], [e[2] for e in with_])
        left += with_
    one, both = counts_by_hand(lists_of(left, min_y or 0))
    assert counts_of(model) == (dict(one), dict(both))
    if left:
        same_model(model, taught(ItemKNN(min_y=min_y), left), "bitwise", "after all calls")


@given(events=EVENTS, seed=st.integers(0, 99))
def test_the_order_across_users_is_free(events, seed):
    order = np.random.default_rng(seed).permutation([e[0] for e in events]) if events else []
    mine = {u: iter([e for e in events if e[0] == u]) for u in USERS}
    shuffled = [next(mine[u]) for u in order]
    if events:
        same_model(taught(ItemKNN(), shuffled), taught(ItemKNN(), events), "bitwise", "another order")


def test_a_user_counts_once_however_often_and_with_whatever_weight():
    model = ItemKNN(prior=0, shrinkage=0)
    for user, item in ("au", "av", "au", "av", "bu"):
        model.learn_one({"user": user, "item": item}, w=7)
    assert model.predict_one({"user": "b", "item": "v"}) == 1 / math.sqrt(2 * 1)


def test_a_low_rating_is_seen_and_teaches_once_it_rises():
    model = ItemKNN(min_y=3, shrinkage=0, prior=0)
    taught(model, [("a", "u", 5), ("a", "v", 1), ("b", "u", 5)])
    assert model.seen("a", "v")
    assert model.predict_one({"user": "b", "item": "v"}) == 0
    taught(model, [("a", "v", 4)])
    assert model.predict_one({"user": "b", "item": "v"}) == 1 / math.sqrt(2)


def test_an_item_taken_again_is_the_last():
    model = ItemKNN(1)
    taught(model, [("a", "u", 1), ("a", "x", 1), ("b", "v", 1), ("b", "y", 1), ("c", "u", 1), ("c", "v", 1)])
    assert model.recommend_one("c", 1) == ["y"]
    assert taught(model, [("c", "u", 1)]).recommend_one("c", 1) == ["x"]


def test_strangers_get_what_most_people_take():
    model = taught(ItemKNN(), [("a", "u", 1), ("b", "v", 1), ("c", "v", 1), *[(None, "w", 1)] * 3])
    assert model.recommend_one("nobody") == model.recommend_one() == ["w", "v", "u"]
    assert model.predict_one({"item": "w"}) == pytest.approx(3e-6)


def test_similar_items():
    model = taught(ItemKNN(shrinkage=1, n_neighbors=1), [(u, i, 1) for u in "abc" for i in "uv"])
    taught(model, [("a", "w", 1)])
    ids, scores = model.similar_items("u")
    assert ids.tolist() == ["v"]
    assert scores.tolist() == [0.75]
    assert model.set_params(n_neighbors=None).similar_items("u")[0].tolist() == ["v", "w"]
    assert model.similar_items("w", 1)[0].shape == (1,)
    assert [len(part) for part in model.similar_items("nothing")] == [0, 0]


def test_all_items_of_equal_weight_are_free_of_order():
    assert ItemKNN(None, weight=1).guarantees().O == "rounding"
    assert ItemKNN(None).guarantees().O == "no"
    assert "the order across users is free" in ItemKNN().guarantees().why


def test_shards_must_not_share_a_user():
    one, other = taught(ItemKNN(), [("a", "u", 1)]), taught(ItemKNN(), [("a", "v", 1)])
    with pytest.raises(GuaranteeError, match="Both models know the user 'a'"):
        one.merge(other)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"max_distance": 0}, "max_distance"),
        ({"weight": 0}, "weight"),
        ({"similarity": "pearson"}, "similarity"),
        ({"exponent": 2}, "exponent"),
        ({"shrinkage": -1}, "shrinkage"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"prior": -1}, "prior"),
        ({"history": 0}, "history"),
        ({"half_life": 0}, "half_life"),
        ({"half_life": np.timedelta64(0, "s"), "time_col": 2}, "half_life must be a positive, finite span"),
        ({"half_life": dt.timedelta(days=1)}, "is a span of time, but there is no time_col"),
    ],
)
def test_parameters_are_checked(parameters, words):
    with pytest.raises(ValueError, match=words):
        ItemKNN(**parameters).fit([["a", "u"]])


# -- history=n and half_life, against a slow model -------------------------------------------------
class Slow:
    """Counts of lists of {item: newest time or None, if it never taught}, as they were when an item came."""

    def __init__(self, history=None, half_life=None):
        self.history, self.half_life = history, half_life
        self.lists = defaultdict(dict)
        self.one, self.both = Counter(), Counter()
        self.now = 0.0

    def weight(self, t):
        return 1.0 if self.half_life is None else 2.0 ** (t / self.half_life)

    def learn(self, user, item, t, teaches=True):
        had = self.lists[user]
        old = had.pop(item, None)
        new = old if not teaches else t if old is None else max(old, t)
        if teaches:
            self.now = max(self.now, t)
            self.one[item] += self.weight(new) - (0 if old is None else self.weight(old))
            for other, s in had.items():
                if s is not None:
                    gain = self.weight(min(new, s)) - (0 if old is None else self.weight(min(old, s)))
                    self.both[item, other] += gain
                    self.both[other, item] += gain
        had[item] = new
        if self.history and len(had) > self.history:
            del had[next(iter(had))]

    def score(self, user, item, model):
        faded = 1 / self.weight(self.now)
        out = model.prior * self.takers(item, model)
        had = [i for i, t in self.lists[user].items() if t is not None]
        for d, h in enumerate(had[::-1][: model.max_distance]):
            if h != item and self.both[h, item]:
                a, b, c = (v * faded for v in (self.one[h], self.one[item], self.both[h, item]))
                under = math.sqrt(a * b) if model.similarity == "cosine" else a + b - c
                out += model.weight**d * c / (under + model.shrinkage)
        return out

    def takers(self, item, model):
        state = model._state
        return state.item_rows.arrays["takers"][state.items.find(item), 0]


TIMED = st.lists(
    st.tuples(
        st.sampled_from(USERS), st.sampled_from(ITEMS), st.integers(0, 5), st.booleans() | st.just(True)
    ),
    min_size=1,
    max_size=30,
)


def in_order(events, late):
    """Times that are sums of steps; every third event `late` by that much."""
    t = np.cumsum([e[2] for e in events]) + 3000.0
    return t - late * (np.arange(len(t)) % 3 == 2)


@given(
    events=TIMED,
    history=st.sampled_from([None, 1, 2, 4]),
    half_life=st.sampled_from([None, 0.02, 3.0]),
    similarity=st.sampled_from(["cosine", "jaccard"]),
    late=st.sampled_from([0, 7]),
)
def test_bounded_and_fading_counts_are_those_of_the_slow_model(events, history, half_life, similarity, late):
    model = ItemKNN(
        3, similarity=similarity, shrinkage=0.5, min_y=3, history=history, half_life=half_life, time_col="t"
    )
    slow, times = Slow(history, half_life), in_order(events, late)
    slow_times = times - times.max() if half_life else times
    for (user, item, _, good), t, s in zip(events, times.tolist(), slow_times.tolist(), strict=True):
        slow.learn(user, item, s, good)
        model.learn_one({"user": user, "item": item, "t": t}, 5 if good else 1)
    slow.now = max([s for (*_, good), s in zip(events, slow_times, strict=True) if good], default=0.0)
    for user in USERS:
        for item in model.item_ids_.tolist():
            right = slow.score(user, item, model)
            assert model.predict_one({"user": user, "item": item}) == pytest.approx(
                right, rel=1e-9, abs=1e-12
            )
    if not late:
        rows = [{"user": u, "item": i, "t": t} for (u, i, *_), t in zip(events, times.tolist(), strict=True)]
        batch = ItemKNN(**model.get_params()).fit(pd.DataFrame(rows), [5 if e[3] else 1 for e in events])
        same_model(batch, model, "bitwise", "in one call")


@settings(deadline=None, max_examples=examples(30))
@given(events=TIMED, leave=st.sampled_from(USERS), late=st.sampled_from([0, 7]))
def test_fading_counts_merge_and_forget(events, leave, late):
    def taught_by(users):
        model = ItemKNN(half_life=2.5, time_col="t", shrinkage=0.1)
        for (user, item, _, good), t in zip(events, times.tolist(), strict=True):
            if user in users:
                model.learn_one({"user": user, "item": item, "t": t}, 5 if good else 0)
        return model

    times = in_order(events, late)
    whole, rest = taught_by(USERS), taught_by(set(USERS) - {leave})
    same_model(taught_by({leave}).merge(rest), whole, "rounding", "merged")
    whole.forget(users=[leave])
    if rest._state is not None:
        same_model(whole, rest, "rounding", "forgotten")


def test_many_new_pairs_at_once_are_as_one_by_one():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 40, 3000), rng.integers(0, 60, 3000)])
    y = rng.integers(1, 6, 3000)
    single, once, twice = ItemKNN(min_y=3), ItemKNN(min_y=3).fit(X, y), ItemKNN(min_y=3)
    for (user, item), value in zip(X.tolist(), y.tolist(), strict=True):
        single.learn_one({"user": user, "item": item}, value)
    twice.partial_fit(X[:800], y[:800]).partial_fit(X[800:], y[800:])
    for other in (once, twice):
        assert counts_of(other) == counts_of(single)
        same_model(other, single, "bitwise", "many at once")


def test_what_history_and_half_life_promise():
    g = ItemKNN(history=5).guarantees()
    assert (g.S, g.O, g.M, g.U) == ("bitwise", "no", "bitwise", "no")
    assert "history=5 keeps the last items" in g.why
    g = ItemKNN(half_life=60.0, time_col="t").guarantees()
    assert (g.S, g.O, g.M, g.U) == ("bitwise", "no", "rounding", "rounding")
    g = ItemKNN(half_life=60).guarantees()
    assert (g.S, g.O, g.M, g.U) == ("bitwise", "no", "no", "no") and "no time_col" in g.why
    with pytest.raises(GuaranteeError, match="cannot forget exactly: history=5 keeps"):
        taught(ItemKNN(history=5), [("a", "u", 1)]).forget(users=["a"])
