"""Sequential rules: the equation by hand, order across users, forgetting, explanations, errors."""

import copy
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.checks._states import same_bytes, same_model
from skl_increc.sequence import SequentialRules

EVENTS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("uvwxyz"), st.sampled_from([0.5, 1, 3])), max_size=40
)


def taught(model, events):
    for user, item, w in events:
        model.learn_one({"user": user, "item": item}, w=w)
    return model


def by_hand(events, user, item, reach, gains, exponent=0.0, prior=0.0):
    lists, cells, leads, weight = {}, {}, {}, {}
    for u, i, w in events:
        had = lists.setdefault(u, [])
        for d, h in enumerate(had[::-1][:reach]):
            term = round(w * gains(d + 1) * 2**20) / 2**20
            cells[h, i] = cells.get((h, i), 0) + term
            leads[h] = leads.get(h, 0) + term
        had.append(i)
        weight[i] = weight.get(i, 0) + w
    score = prior * weight.get(item, 0)
    for d, h in enumerate(lists.get(user, [])[::-1][:reach]):
        if leads.get(h):
            score += gains(d + 1) * cells.get((h, item), 0) / leads[h] ** exponent
    return score


@given(events=EVENTS, reach=st.integers(1, 4), user=st.sampled_from("abcde"), item=st.sampled_from("uvwxyzq"))
def test_the_equation(events, reach, user, item):
    for weight, gains in (("div", lambda d: 1 / d), (0.5, lambda d: 0.5 ** (d - 1))):
        model = SequentialRules(reach, weight=weight, exponent=0.5, prior=0.01)
        said = taught(model, events).predict_one({"user": user, "item": item})
        assert said == pytest.approx(
            by_hand(events, user, item, reach, gains, 0.5, 0.01), rel=1e-9, abs=1e-12
        )


def test_a_markov_chain_counts_what_followed():
    model = SequentialRules(1, exponent=0, prior=0)
    taught(model, [("a", item, 1) for item in "uvuvuw"])
    taught(model, [("b", "u", 1)])
    assert model.predict([["b", "v"], ["b", "w"], ["b", "u"]]).tolist() == [2.0, 1.0, 0.0]
    assert model.recommend_one("b", 2) == ["v", "w"]


@given(events=EVENTS, seed=st.integers(0, 99))
def test_the_order_across_users_is_free(events, seed):
    order = np.random.default_rng(seed).permutation([e[0] for e in events]) if events else []
    mine = {u: iter([e for e in events if e[0] == u]) for u in "abcd"}
    shuffled = [next(mine[u]) for u in order]
    one, other = taught(SequentialRules(3), events), taught(SequentialRules(3), shuffled)
    if events:
        same_model(other, one, "bitwise", "users in another order")


@given(
    events=EVENTS,
    users=st.sets(st.sampled_from("abcd")),
    items=st.sets(st.sampled_from("uvwxyz"), max_size=2),
)
def test_forgetting_is_never_having_seen(events, users, items):
    model = taught(SequentialRules(3), events)
    left = [e for e in events if e[0] not in users and e[1] not in items]
    assert model.forget(users=sorted(users), items=sorted(items)) == len(events) - len(left)
    if events:
        same_model(model, taught(SequentialRules(3), left), "bitwise", "after forget")


def test_forgetting_an_item_closes_the_gap_it_leaves():
    model = taught(SequentialRules(1, exponent=0, prior=0), [("a", item, 1) for item in "uxv"])
    assert model.predict([["a", "x"]]).tolist() == [0.0]
    taught(model, [("b", "u", 1)])
    assert model.predict_one({"user": "b", "item": "v"}) == 0
    model.forget(items=["x"])
    assert model.predict_one({"user": "b", "item": "v"}) == 1


@given(events=EVENTS)
def test_merging_shards_of_users(events):
    shards = [[e for e in events if (e[0] in "ab") == side] for side in (True, False)]
    one, other = (taught(SequentialRules(3), shard) for shard in shards)
    if events:
        same_model(one.merge(other), taught(SequentialRules(3), events), "bitwise", "shards merged")


@given(events=EVENTS, user=st.sampled_from("abcde"), item=st.sampled_from("uvwxyzq"))
def test_an_explanation_adds_up_to_the_score(events, user, item):
    model = taught(SequentialRules(4, half_life=7.0), events)
    items, weights = model.explain(user, item)
    assert items[-1] is None
    assert weights.sum() == pytest.approx(
        model.predict_one({"user": user, "item": item}), rel=1e-12, abs=1e-15
    )
    assert set(items[:-1]) <= {i for u, i, _ in events if u == user}
    assert (np.diff(weights[:-1]) <= 0).all()
    assert len(set(items.tolist())) == len(items)


def test_old_transitions_fade():
    day = 86400.0
    X = [
        ["a", "u", 0.0],
        ["a", "v", 1.0],
        ["b", "u", 2 * day],
        ["b", "w", 2 * day + 1.0],
        ["c", "u", 2 * day + 1],
    ]
    frame = pd.DataFrame(X, columns=["user", "item", "time"])
    model = SequentialRules(1, exponent=0, prior=0, half_life=dt.timedelta(days=1), time_col="time").fit(
        frame
    )
    v, w = model.predict(pd.DataFrame({"user": "c", "item": ["v", "w"], "time": 2 * day}))
    assert v / w == pytest.approx(0.25)
    assert w == pytest.approx(1.0)


@given(events=EVENTS, seed=st.integers(0, 99), half_life=st.sampled_from([None, 9.0]))
@settings(max_examples=examples(40))
def test_the_order_of_arrival_is_free_where_times_tell_it(events, seed, half_life):
    rows = [{"user": u, "item": i, "time": 3.0 * j} for j, (u, i, _) in enumerate(events)]
    rows = [(row, event[2]) for row, event in zip(rows, events, strict=True)]
    shuffled = [rows[j] for j in np.random.default_rng(seed).permutation(len(rows))]
    models = []
    for stream in (rows, shuffled):
        models.append(SequentialRules(2, time_col="time", half_life=half_life, min_y=1))
        for x, y in stream:
            models[-1].learn_one(x, y, w=y)
    if rows:
        how = "bitwise" if half_life is None else "rounding"
        same_model(models[1], models[0], how, "the same events in another order of arrival")
        assert models[1].n_late_ == sum(
            x["time"] < max(y["time"] for y, _ in shuffled[: j + 1]) for j, (x, _) in enumerate(shuffled)
        )


def test_a_late_event_stands_between_its_neighbours():
    model = SequentialRules(1, exponent=0, prior=0, time_col="time")
    for item, t in (("u", 0), ("w", 2), ("v", 1)):
        model.learn_one({"user": "a", "item": item, "time": t})
    model.learn_one({"user": "b", "item": "u", "time": 3})
    assert [model.predict_one({"user": "b", "item": i}) for i in "vw"] == [1.0, 0.0]


def test_late_events_in_a_table_are_learned_or_none_is():
    model = SequentialRules(time_col="time")
    frame = pd.DataFrame({"user": "a", "item": list("uvwx"), "time": [1.0, 2.0, 3.0, 4.0]})
    model.fit(frame[2:])
    before = copy.deepcopy(model)
    late = frame[:2].astype({"item": object})
    late.iat[1, 1] = []
    with pytest.raises(TypeError):
        model.partial_fit(late)
    same_bytes(model, before, "after a call that failed")
    same_model(model.partial_fit(frame[:2]), SequentialRules(time_col="time").fit(frame), "bitwise", "late")


def test_the_prior_fades_too():
    day = 86400.0
    model = SequentialRules(half_life=dt.timedelta(days=1), time_col="time", prior=1.0)
    for user, item, t in (("a", "u", 0.0), (None, "v", day), ("b", "w", 2 * day), (None, "v", 2 * day)):
        model.learn_one({"user": user, "item": item, "time": t})
    assert model.predict([["z", i, 0.0] for i in "uvw"]).tolist() == [0.25, 1.5, 1.0]
    assert model.recommend_one("nobody") == ["v", "w", "u"]
    model.forget(users=["b"], items=["u"])
    assert model.predict_one({"item": "v"}) == 1.5
    by_events = SequentialRules(half_life=1, prior=1.0)
    for item in "uvw":
        by_events.learn_one({"item": item})
    assert [by_events.predict_one({"item": i}) for i in "uvw"] == [0.25, 0.5, 1.0]


def test_low_ratings_are_seen_and_stand_between_nobody():
    model = SequentialRules(1, exponent=0, prior=0, min_y=3)
    for item, y in (("u", 5), ("x", 1), ("v", 5)):
        model.learn_one({"user": "a", "item": item}, y)
    model.learn_one({"user": "b", "item": "u"}, 5)
    assert model.predict([["b", "v"], ["b", "x"]]).tolist() == [1.0, 0.0]
    assert model.seen("a", "x")
    assert model.recommend_one("a") == []


def test_strangers_get_what_most_people_take():
    model = taught(SequentialRules(), [("a", "u", 1), ("b", "v", 1), ("c", "v", 1), (None, "w", 9)])
    assert model.recommend_one("nobody") == model.recommend_one() == ["w", "v", "u"]


def test_repeats_are_events_and_may_be_recommended():
    model = taught(SequentialRules(1), [("a", item, 1) for item in "uvuvu"])
    assert model.recommend_one("a", 1) == []
    assert model.recommend_one("a", 1, exclude_seen=False) == ["v"]
    assert model.to_csr().toarray().tolist() == [[1.0, 1.0]]


def test_a_bounded_history_bounds_the_journal():
    model = SequentialRules(2, history=5)
    model.fit([["a", j % 50] for j in range(400)])
    assert model._state.stores["journal"].length(0) == 5
    assert model.guarantees().U == "no"


def test_sums_beyond_the_grid_are_owned_up_to():
    model = taught(SequentialRules(1), [("a", "u", 1), ("a", "v", 1e12)])
    assert model.guarantees().U == "rounding"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"history": 3}, "history=3 is shorter than max_distance=10"),
        ({"max_distance": 0}, "max_distance"),
        ({"weight": 1.5}, "weight"),
        ({"weight": "same"}, "weight"),
        ({"exponent": 2}, "exponent"),
        ({"half_life": dt.timedelta(days=1)}, "there is no time_col"),
        ({"half_life": dt.timedelta(0), "time_col": 2}, "positive, finite span"),
    ],
)
def test_parameters_are_checked(parameters, words):
    with pytest.raises(ValueError, match=words):
        SequentialRules(**parameters).fit([["a", "u", 1.0]])


def test_forgetting_needs_the_whole_history():
    from skl_increc.exceptions import GuaranteeError

    model = SequentialRules(history=20).fit([["a", "u"], ["a", "v"]])
    with pytest.raises(GuaranteeError, match="history=20 keeps the last events"):
        model.forget(users=["a"])


def test_the_prior_acts_at_once():
    model = taught(SequentialRules(prior=1.0), [("a", "u", 2)])
    assert model.predict_one({"item": "u"}) == 2.0
    assert copy.deepcopy(model).set_params(prior=0.5).predict_one({"item": "u"}) == 1.0


def test_bytes_are_those_of_any_cut():
    events = [("a", "uvwxyz"[j % 6], 1) for j in range(60)]
    one, other = taught(SequentialRules(), events), SequentialRules()
    other.fit([e[:2] for e in events])
    same_bytes(one, other, "one by one and at once")
