"""Popularity against direct sums."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

import skl_increc
from skl_increc.baselines import Popularity
from skl_increc.exceptions import GuaranteeError

H = 10.0
users = st.none() | st.integers(0, 4)
items = st.none() | st.integers(0, 3)
weights = st.sampled_from([0.25, 1.0, 2.0, 3.0])
# steps of the clock: back, still, on, far on (beyond 500, 1100 and 5000 half-lives)
steps = st.sampled_from([-300.0, -25.0, -1.0, 0.0, 0.5, 3.0, 20.0, 4000.0, 5_100.0, 12_000.0, 60_000.0])
event = st.tuples(users, items, weights, steps)


@st.composite
def timed_streams(draw):
    """(user, item, weight, time); times go back now and then, begin anywhere."""
    t = draw(st.sampled_from([0.0, -7.0, 1.7e9, -1e6]))
    out = []
    for user, item, w, step in draw(st.lists(event, min_size=1, max_size=25)):
        t += step
        out.append((user, item, w, t))
    return out


def direct(events, half_life=H):
    """Sums of 2^(-age / half_life) as of the newest event that has an item."""
    known = [(i, w, t) for _, i, w, t in events if i is not None]
    now = max((t for _, _, t in known), default=0.0)
    return [
        sum(w * 2.0 ** max(-(now - t) / half_life, -3000.0) for i, w, t in known if i == item)
        for item in range(5)
    ]


def teach(model, events):
    for user, item, w, t in events:
        model.learn_one({"user": user, "item": item, "t": t}, w=w)
    return model


def scores(model):
    return [model.predict_one({"item": item}) for item in range(5)]


def close(found, want):
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-300)


def timed(**parameters):
    return Popularity(half_life=H, time_col="t", **parameters)


# -- counts -------------------------------------------------------------------------------------------
@settings(max_examples=examples(60))
@given(st.lists(event, min_size=1, max_size=40), st.integers(0, 40))
def test_counts_are_sums_of_weights(events, cut):
    want = [sum(w for _, i, w, _ in events if i == item) for item in range(5)]
    model = teach(Popularity(), events)
    assert scores(model) == want
    X = np.array([[u, i] for u, i, _, _ in events], dtype=object)
    w = np.array([w for _, _, w, _ in events])
    batch = Popularity().partial_fit(
        X[:cut] if cut and cut < len(X) else X, None, w[:cut] if cut and cut < len(X) else w
    )
    if cut and cut < len(X):
        batch.partial_fit(X[cut:], None, w[cut:])
    assert scores(batch) == want
    assert batch.popularity_.tolist() == [want[i] for i in batch.item_ids_]


def test_what_is_below_min_y_is_seen_and_counts_for_nothing():
    model = Popularity(min_y=4)
    for item, y in (("a", 5), ("b", 3), ("c", 0), ("d", -1), ("e", 4)):
        model.learn_one({"user": "u", "item": item}, y)
    assert [model.predict_one({"item": item}) for item in "abcde"] == [1, 0, 0, 0, 1]
    assert [model.seen("u", item) for item in "abcde"] == [True, True, False, False, True]
    X = [["u", item] for item in "abcde"]
    batch = Popularity(min_y=4).fit(np.array(X, dtype=object), [5, 3, 0, -1, 4])
    assert [batch.predict_one({"item": item}) for item in "abcde"] == [1, 0, 0, 0, 1]
    assert [batch.seen("u", item) for item in "abcde"] == [True, True, False, False, True]


# -- decay --------------------------------------------------------------------------------------------
@settings(max_examples=examples(150))
@given(timed_streams())
def test_decayed_sums_are_direct_sums(events):
    close(scores(teach(timed(), events)), direct(events))


@settings(max_examples=examples(60))
@given(timed_streams())
def test_a_batch_of_decayed_events_is_sorted_by_time(events):
    X = np.array([[u, i, t] for u, i, _, t in events], dtype=object)
    model = Popularity(half_life=H, time_col=2).fit(X, None, [w for _, _, w, _ in events])
    close([model.predict_one({"item": item}) for item in range(5)], direct(events))
    assert model._state.n_late == 0


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(users, items, weights), min_size=1, max_size=40),
    st.sampled_from([0.01, 1.0, 3.0, 1000.0]),
)
def test_without_times_the_clock_counts_events(events, half_life):
    numbered = [(u, i, w, float(t)) for t, (u, i, w) in enumerate(events)]
    close(scores(teach(Popularity(half_life=half_life), numbered)), direct(numbered, half_life))
    X = np.array([[u, i] for u, i, _ in events], dtype=object)
    batch = Popularity(half_life=half_life).fit(X, None, [w for _, _, w in events])
    close(scores(batch), direct(numbered, half_life))


def test_late_events_count_with_their_own_time():
    events = [(1, 1, 1.0, 100.0), (1, 2, 1.0, 80.0), (2, 2, 1.0, 90.0), (2, 1, 1.0, 100.0)]
    model = teach(timed(), events)
    assert model._state.n_late == 2
    assert model.predict_one({"item": 1}) == 2.0
    assert model.predict_one({"item": 2}) == 0.5 + 0.25


@pytest.mark.parametrize("jump", [499, 501, 1100, 6000, 10**6])
def test_far_apart_events_neither_overflow_nor_vanish_too_early(jump):
    model = timed()
    model.learn_one({"user": 1, "item": "old", "t": 0.0})
    model.learn_one({"user": 1, "item": "new", "t": jump * H})
    assert model.predict_one({"item": "new"}) == 1.0
    assert model.predict_one({"item": "old"}) == 2.0 ** -min(jump, 1200)
    model.learn_one({"user": 1, "item": "new", "t": jump * H - 3 * H})
    assert model.predict_one({"item": "new"}) == 1.125
    model.learn_one({"user": 2, "item": "old", "t": (2 * jump + 1) * H})
    assert model.predict_one({"item": "old"}) == 1.0


def test_a_timedelta_is_so_many_seconds():
    start = dt.datetime(2020, 1, 1)
    model = Popularity(half_life=dt.timedelta(days=1), time_col="t")
    model.learn_one({"user": 1, "item": "a", "t": start})
    model.learn_one({"user": 1, "item": "b", "t": start + dt.timedelta(days=2)})
    assert model.predict_one({"item": "a"}) == 0.25
    with pytest.raises(
        ValueError, match=r"is a span of time, but there is no time_col: give a number of events"
    ):
        Popularity(half_life=dt.timedelta(days=1)).learn_one({"user": 1, "item": 1})
    with pytest.raises(ValueError, match=r"is a span of time, but there is no time_col"):
        Popularity(half_life=np.timedelta64(1, "D")).learn_one({"user": 1, "item": 1})


SPANS = [
    dt.timedelta(hours=36),
    np.timedelta64(36, "h"),
    np.timedelta64(36 * 3600 * 10**9, "ns"),
    36 * 3600.0,
]


@pytest.mark.parametrize("half_life", SPANS, ids=repr)
def test_a_half_life_in_any_form(half_life, tmp_path):
    model = Popularity(half_life=half_life, time_col="t")
    for t in (0.0, 36 * 3600.0):
        model.learn_one({"user": 1, "item": 1, "t": t})
    assert model.popularity_.tolist() == [1.5]
    skl_increc.save(model, tmp_path / "model")
    again = skl_increc.load(tmp_path / "model")
    assert again.half_life == half_life and type(again.half_life) is type(half_life)
    assert again.popularity_.tolist() == [1.5]


@pytest.mark.parametrize(
    "half_life", [np.timedelta64(1, "M"), np.timedelta64(1, "Y"), np.timedelta64(5)], ids=repr
)
def test_a_half_life_has_a_length_in_seconds(half_life):
    with pytest.raises(
        ValueError, match=r"has no fixed length in seconds. Give it in weeks or smaller units"
    ):
        Popularity(half_life=half_life, time_col="t").learn_one({"user": 1, "item": 1, "t": 1})


NONE = [dt.timedelta(0), dt.timedelta(-1), np.timedelta64(0, "s"), np.timedelta64("NaT")]


@pytest.mark.parametrize("half_life", NONE, ids=str)
def test_a_half_life_is_positive(half_life):
    with pytest.raises(ValueError, match=r"half_life must be a positive, finite span; got"):
        Popularity(half_life=half_life, time_col="t").learn_one({"user": 1, "item": 1, "t": 1})


# -- merging and forgetting ---------------------------------------------------------------------------
def counts():
    return Popularity()


KINDS = pytest.mark.parametrize("make", [counts, timed], ids=["counts", "decayed"])


def want_of(make, events):
    return (
        direct(events)
        if make is timed
        else [sum(w for _, i, w, _ in events if i == item) for item in range(5)]
    )


@KINDS
@settings(max_examples=examples(80))
@given(events=timed_streams(), mine=st.sets(st.integers(0, 4)), none_left=st.booleans())
def test_merged_halves_are_the_whole(make, events, mine, none_left):
    belongs = [(u in mine) if u is not None else none_left for u, _, _, _ in events]
    left = [e for e, here in zip(events, belongs, strict=True) if here]
    right = [e for e, here in zip(events, belongs, strict=True) if not here]
    merged = teach(make(), left).merge(teach(make(), right))
    close(scores(merged), want_of(make, events))
    more = [(3, 2, 1.0, 9e9), (None, 1, 1.0, 8e9)]
    close(scores(teach(merged, more)), want_of(make, [*events, *more]))


@KINDS
@settings(max_examples=examples(120))
@given(events=timed_streams(), some=st.sets(st.integers(0, 4)), others=st.sets(st.integers(0, 3)))
def test_what_is_forgotten_was_never_seen(make, events, some, others):
    left = [e for e in events if e[0] not in some and e[1] not in others]
    model = teach(make(), events)
    assert model.forget(users=[*some], items=[*others]) == len(events) - len(left)
    close(scores(model), want_of(make, left))
    clean = teach(make(), left)
    if left:
        assert set(model.user_ids_) == set(clean.user_ids_)
        assert set(model.item_ids_) == set(clean.item_ids_)
    more = [(3, 2, 1.0, 9e9), (None, 1, 1.0, 8e9)]
    close(scores(teach(model, more)), want_of(make, [*left, *more]))


@settings(max_examples=examples(80))
@given(events=timed_streams(), some=st.sets(st.integers(0, 4)), mine=st.sets(st.integers(0, 4)))
def test_forgetting_after_merging_is_exact_too(events, some, mine):
    left = [e for e in events if e[0] in mine]
    right = [e for e in events if e[0] not in mine]
    merged = teach(timed(), right).merge(teach(timed(), left))
    merged.forget(users=[*some])
    close(scores(merged), direct([e for e in events if e[0] not in some]))


def test_counts_merge_and_forget_to_the_last_bit():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 50, 3000), rng.integers(0, 40, 3000)])
    w = rng.choice([0.5, 1.0, 1.5], 3000)
    half = X[:, 0] < 20
    whole = Popularity().fit(X, None, w)
    merged = Popularity().fit(X[half], None, w[half]).merge(Popularity().fit(X[~half], None, w[~half]))
    both = [dict(zip(m.item_ids_, m.popularity_, strict=True)) for m in (whole, merged)]
    assert both[0] == both[1]
    assert whole.forget(users=range(20)) == half.sum()
    rest = Popularity().fit(X[~half], None, w[~half])
    both = [dict(zip(m.item_ids_, m.popularity_, strict=True)) for m in (whole, rest)]
    assert both[0] == both[1]
    assert whole.guarantees().U == "bitwise"


def test_what_cannot_be_exact_is_refused():
    with pytest.raises(GuaranteeError, match=r"history=0 keeps no record of whose events to remove"):
        Popularity(history=0).fit([[1, 1]]).forget(users=[1])
    with pytest.raises(GuaranteeError, match=r"with half_life but no time_col the clock counts events"):
        Popularity(half_life=5).fit([[1, 1]]).merge(Popularity(half_life=5).fit([[2, 1]]))
    with pytest.raises(GuaranteeError, match=r"history=2 keeps the last items of a user alone"):
        Popularity(history=2).fit([[1, 1]]).forget(users=[1])
    with pytest.raises(GuaranteeError, match=r"Both models know the user 1 \(1 in all\)"):
        Popularity().fit([[1, 1]]).merge(Popularity().fit([[1, 2]]))
