"""Session neighbours: the equation by hand, sessions by column and by gap, forgetting, explanations."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.checks._states import same_model
from skl_increc.exceptions import GuaranteeError
from skl_increc.sequence import SessionKNN

EVENTS = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from("uvwxyz"), st.sampled_from([0.5, 1, 3])),
    max_size=40,
)


def taught(model, events):
    for user, item, w in events:
        model.learn_one({"user": user, "item": item}, w=w)
    return model


def by_hand(events, user, item, k, sample, distance, rho, reach, idf, prior):
    lists, index, count, weight = {}, {}, {}, {}
    for u, i, w in events:
        lists.setdefault(u, []).append(i)
        index.setdefault(i, []).append(u)
        count[i], weight[i] = count.get(i, 0) + 1, weight.get(i, 0) + w

    def rarity(i):
        return math.log(1 + len(lists) / count[i])

    likeness, first, done = {}, {}, set()
    for d, h in enumerate(lists.get(user, [])[::-1][:distance]):
        if h in done:
            continue
        done.add(h)
        for v in list(dict.fromkeys(v for v in index[h][::-1] if v != user))[:sample]:
            likeness[v] = likeness.get(v, 0) + rho**d * rarity(h)
            first.setdefault(v, h)
    score = 0.0
    best = sorted(likeness.values(), reverse=True)[:k]
    if len(likeness) > k and best[-1] == sorted(likeness.values(), reverse=True)[k]:
        return None  # a tie at the border
    for v, alike in likeness.items():
        if alike < best[-1]:
            continue
        at = max(p for p, i in enumerate(lists[v]) if i == first[v])
        score += sum(alike * math.exp(-abs(p - at) / reach) for p, i in enumerate(lists[v]) if i == item)
    return score * rarity(item) ** idf + prior * weight[item] if item in count else 0.0


@given(
    events=EVENTS,
    user=st.sampled_from("abcdefgh"),
    item=st.sampled_from("uvwxyzq"),
    k=st.integers(1, 9),
    sample=st.integers(1, 4),
)
def test_the_equation(events, user, item, k, sample):
    model = SessionKNN(k, sample_size=sample, max_distance=3, weight=0.5, reach=50.0, idf=0.7, prior=0.01)
    said = taught(model, events).predict_one({"user": user, "item": item})
    right = by_hand(events, user, item, k, sample, 3, 0.5, 50.0, 0.7, 0.01)
    assert right is None or said == pytest.approx(right, rel=1e-9, abs=1e-12)


def test_a_session_that_never_returns_is_served_from_its_own_items():
    model = SessionKNN(session_col="visit")
    for visit, item in [("s1", "tea"), ("s1", "milk"), ("s2", "nails"), ("s2", "hammer")]:
        model.learn_one({"visit": visit, "user": "everybody", "item": item})
    model.learn_one({"visit": "new", "item": "nails"})
    assert model.recommend_one("new", 1) == ["hammer"]
    assert model.top(1).predict_one({"visit": "new"}) == ["hammer"]
    assert model.forget(users=["new"]) == 1
    assert set(model.user_ids_) == {"s1", "s2"}


def test_sessions_by_column_through_every_door():
    import pandas as pd

    frame = pd.DataFrame({"user": ["x"] * 3, "visit": ["s1", "s1", "s2"], "item": ["tea", "milk", "tea"]})
    one, many, single = (SessionKNN(session_col="visit") for _ in range(3))
    one.fit(frame)
    many.learn_many(frame)
    for row in frame.to_dict("records"):
        single.learn_one(row)
    assert one.recommend_one("s2") == many.recommend_one("s2") == single.recommend_one("s2") == ["milk"]
    assert one.predict(frame).tolist() == many.predict_many(frame).tolist()


def test_a_gap_ends_a_session():
    hour = 3600.0
    events = [("a", "tea", 0.0), ("a", "milk", 60.0), ("a", "nails", 9 * hour), ("b", "tea", 10 * hour)]
    events += [("c", "nails", 10 * hour), ("c", "tea", 20 * hour)]
    model = SessionKNN(gap=dt.timedelta(hours=1), time_col="time", prior=0)
    for user, item, t in events:
        model.learn_one({"user": user, "item": item, "time": t})
    scores = [model.predict_one({"user": "b", "item": item, "time": 0}) for item in ("milk", "nails")]
    assert scores[0] > 0 == scores[1]  # the nails were of another day
    items, _ = model.explain("c", "milk")
    assert items.tolist() == ["tea", None]  # and so were c's own
    whole = SessionKNN(prior=0)
    taught(whole, [(user, item, 1) for user, item, _ in events])
    assert whole.predict_one({"user": "b", "item": "nails"}) > 0


@given(
    events=EVENTS,
    users=st.sets(st.sampled_from("abcdefg")),
    items=st.sets(st.sampled_from("uvwxyz"), max_size=2),
)
def test_forgetting_is_never_having_seen(events, users, items):
    model = taught(SessionKNN(3, sample_size=2), events)
    left = [e for e in events if e[0] not in users and e[1] not in items]
    assert model.forget(users=sorted(users), items=sorted(items)) == len(events) - len(left)
    if events:
        same_model(model, taught(SessionKNN(3, sample_size=2), left), "bitwise", "after forget")


@given(events=EVENTS, user=st.sampled_from("abcdefgh"), item=st.sampled_from("uvwxyzq"))
def test_an_explanation_adds_up_to_the_score(events, user, item):
    model = taught(SessionKNN(4, sample_size=3, max_distance=4), events)
    items, weights = model.explain(user, item)
    assert items[-1] is None
    assert weights.sum() == pytest.approx(
        model.predict_one({"user": user, "item": item}), rel=1e-9, abs=1e-12
    )
    assert set(items[:-1]) <= {i for u, i, _ in events if u == user}


def test_merging_is_refused_with_a_reason():
    one, other = (taught(SessionKNN(), [(user, "u", 1)]) for user in "ab")
    with pytest.raises(GuaranteeError, match="order of arrival"):
        one.merge(other)


def timed(events):
    """Pairs of events share a second."""
    return [({"user": u, "item": i, "time": float(j // 2)}, w) for j, (u, i, w) in enumerate(events)]


def in_order(model, stream):
    for x, w in stream:
        model.learn_one(x, w=w)
    return model


@given(events=EVENTS)
@settings(max_examples=examples(40))
def test_merging_shards_of_users_where_times_tell_what_is_recent(events):
    def new():
        return SessionKNN(3, sample_size=2, time_col="time")

    stream = timed(events)
    one, other = (
        in_order(new(), [e for e in stream if (e[0]["user"] in "abc") == side]) for side in (True, False)
    )
    if events:
        same_model(one.merge(other), in_order(new(), stream), "bitwise", "shards merged")


@given(events=EVENTS, seed=st.integers(0, 99))
@settings(max_examples=examples(40))
def test_the_order_of_arrival_is_free_where_times_tell_it(events, seed):
    stream = [({**x, "time": 2.0 * j}, w) for j, (x, w) in enumerate(timed(events))]
    shuffled = [stream[j] for j in np.random.default_rng(seed).permutation(len(stream))]
    one, other = (in_order(SessionKNN(3, sample_size=2, time_col="time"), s) for s in (stream, shuffled))
    if events:
        same_model(one, other, "bitwise", "the same events in another order of arrival")


def test_merging_models_with_a_common_session_is_refused():
    one, other = (SessionKNN(session_col="visit", time_col="t") for _ in range(2))
    for model in (one, other):
        model.learn_one({"visit": "s1", "item": "u", "t": 1.0})
    with pytest.raises(GuaranteeError, match="Both models know the user 's1'"):
        one.merge(other)


def test_a_bounded_history_bounds_both_stores():
    model = SessionKNN(sample_size=2, history=5)
    model.fit([[j % 40, j % 3] for j in range(600)])
    assert model._state.stores["journal"].length(0) == 5
    assert model._state.stores["index"].length(0) == 16
    assert len(model.recommend_one(0, exclude_seen=False)) == 3


def test_the_prior_fades_and_forgets():
    day = 86400.0
    events = [("a", "u", 0.0), (None, "v", day), ("b", "w", 2 * day), (None, "v", 2 * day)]
    model, other = (SessionKNN(half_life=dt.timedelta(days=1), time_col="t", prior=1.0) for _ in range(2))
    for user, item, t in events:
        model.learn_one({"user": user, "item": item, "t": t})
    assert [model.predict_one({"user": "z", "item": i}) for i in "uvw"] == [0.25, 1.5, 1.0]
    items, weights = model.explain("z", "v")
    assert (items.tolist(), weights.tolist()) == ([None], [1.5])
    other.learn_one({"user": "c", "item": "u", "t": 5 * day})
    assert other.merge(model).predict_one({"item": "u"}) == 1 + 2**-5
    model.forget(users=["b"], items=["u"])
    assert [model.predict_one({"item": i}) for i in "uvw"] == [0.0, 1.5, 0.0]
    assert model.guarantees().M == "rounding"
    assert "clock counts events" in SessionKNN(half_life=9).guarantees().why


def test_low_ratings_ask_for_nobody():
    model = SessionKNN(min_y=3, prior=0)
    for user, item, y in (("a", "u", 5), ("a", "v", 5), ("b", "u", 1)):
        model.learn_one({"user": user, "item": item}, y)
    assert model.predict_one({"user": "b", "item": "v"}) == 0
    assert model.seen("b", "u")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"gap": dt.timedelta(hours=1)}, "there is no time_col"),
        ({"gap": dt.timedelta(0), "time_col": 2}, "positive, finite span"),
        ({"half_life": dt.timedelta(hours=1)}, "half_life=.* there is no time_col"),
        ({"half_life": dt.timedelta(0), "time_col": 2}, "half_life must be a positive, finite span"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"reach": 0}, "reach"),
        ({"session_col": "item"}, "Users and items are two columns"),
    ],
)
def test_parameters_are_checked(parameters, words):
    with pytest.raises(ValueError, match=words):
        SessionKNN(**parameters).fit(np.array([["a", "u", 1.0]], dtype=object))
