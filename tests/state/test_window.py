"""Windows: a model of a stream is the model of the events that its window holds, to the last bit."""

import copy
import datetime as dt
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from skl_increc._state._window import Window

from skl_increc.baselines import Popularity
from skl_increc.checks._events import Event, in_window, learn
from skl_increc.checks._states import same_bytes, same_model
from skl_increc.exceptions import GuaranteeError
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

MODELS = [Popularity, SequentialRules, SessionKNN, ItemKNN]
ANY_ORDER = (Popularity, ItemKNN)  # whose histories are in order of arrival

EVENT = st.tuples(
    st.sampled_from(["a", "b", "c", None]),
    st.sampled_from(["u", "v", "w", "x", "y", None]),
    st.sampled_from([1.0, 4.0]),
    st.sampled_from([0.25, 1.0, 3.0]),
    st.integers(0, 9),
)


def events_of(drawn, late):
    """Events in seconds; steps forward, or `late` times the draw's own second."""
    now, out = 0.0, []
    for user, item, y, w, step in drawn:
        now += step
        out.append(Event(user, item, y, w, now - (7.0 * (step % 3) if late else 0.0)))
    return out


def make(cls, window, timed, **more):
    return cls(window=window, min_y=2, **({"time_col": "time"} if timed else {}), **more)


@pytest.mark.parametrize("cls", MODELS)
@pytest.mark.parametrize("timed", [False, True])
@given(
    drawn=st.lists(EVENT, max_size=40), window=st.integers(1, 30), late=st.booleans(), size=st.integers(1, 9)
)
@settings(max_examples=examples(30))
def test_a_window_is_the_model_of_its_events(cls, timed, drawn, window, late, size):
    events = events_of(drawn, late and timed)
    model = make(cls, window, timed)
    for a in range(0, len(events), size):
        learn(model, events[a : a + size], "partial_fit(frame)" if size % 2 else "learn_one(x)")
    right = learn(make(cls, window, timed), in_window(model, events), "learn_one(x)")
    if events:
        late = late and timed
        if late and cls is ItemKNN:  # its lists follow the order of arrival, its counts do not
            model.set_params(max_distance=None, weight=1, similarity="jaccard", shrinkage=0.0)
            right.set_params(max_distance=None, weight=1, similarity="jaccard", shrinkage=0.0)
        how = "rounding" if late and cls is ItemKNN else "bitwise"
        same_model(model, right, how, f"a window of {window}", order=not late or cls not in ANY_ORDER)
        assert model._state.held == len(in_window(model, events))
        assert late or model.n_late_ == 0


@pytest.mark.parametrize("cls", MODELS)
def test_an_event_that_is_too_late_leaves_no_trace_but_its_count(cls):
    model = make(cls, dt.timedelta(seconds=10), True)
    learn(model, [Event("a", "u", t=100.0)], "learn_one(x)")
    learn(model, [Event("b", "v", t=90.0), Event("a", "u", t=91.0)], "learn_one(x)")
    assert model.user_ids_.tolist() == ["a"]
    assert model.item_ids_.tolist() == ["u"]
    assert model.n_late_ == 2
    assert model._state.held == 2


@pytest.mark.parametrize("cls", MODELS)
def test_ids_go_with_their_last_event(cls):
    model = make(cls, 2, False)
    learn(model, [Event(f"user {j}", f"item {j}") for j in range(100)], "learn_one(x)")
    assert model.item_ids_.tolist() == ["item 99", "item 98"] or model.item_ids_.tolist() == [
        "item 98",
        "item 99",
    ]
    assert not model.seen("user 3", "item 3")
    assert model.nbytes < 4000


def test_what_is_seen_leaves_too():
    model = learn(make(Popularity, 2, False), [Event("a", i) for i in "uvw"], "learn_one(x)")
    assert [model.seen("a", i) for i in "uvw"] == [False, True, True]


def test_a_table_longer_than_the_window_is_its_end():
    X = [[j % 7, j % 5] for j in range(1000)]
    same_model(
        Popularity(window=50).fit(X), Popularity(window=50).fit(X[-50:]), "bitwise", "the end of a table"
    )
    one = SequentialRules(window=50).fit(X)
    other = SequentialRules(window=50)
    for user, item in X:
        other.learn_one({"user": user, "item": item})
    same_bytes(one, other, "one by one and at once")


def test_long_lists_that_change_all_the_time():
    rng = np.random.default_rng(0)
    X = np.stack([np.zeros(1500, int), rng.integers(0, 150, 1500)], axis=1)
    for cls in MODELS:
        same_model(cls(window=200).fit(X), cls(window=200).fit(X[-200:]), "bitwise", "a long list")


def test_merging_windows_of_time_lets_go_what_the_later_clock_does():
    frames = [
        pd.DataFrame({"user": u, "item": ["u", "v", "u"], "time": np.arange(3.0) + start})
        for u, start in (("a", 0.0), ("b", 3.0))
    ]
    one, other = (SequentialRules(window=4.0, time_col="time").fit(f) for f in frames)
    whole = SequentialRules(window=4.0, time_col="time").fit(pd.concat(frames))
    same_model(one.merge(other), whole, "bitwise", "merged")
    assert whole._state.held == 4


def test_merging_windows_of_events_is_refused():
    one, other = (Popularity(window=5).fit([[u, "u"]]) for u in "ab")
    with pytest.raises(GuaranteeError, match="which events are held depends on the order of all"):
        one.merge(other)


@pytest.mark.parametrize("cls", [Popularity, SequentialRules])
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"window": 2.5}, "window=2.5 counts events"),
        ({"window": dt.timedelta(days=1)}, "window=.* there is no time_col"),
        ({"window": dt.timedelta(0), "time_col": 2}, "window must be a positive, finite span"),
        ({"window": np.timedelta64("NaT"), "time_col": 2}, "window must be a positive, finite span"),
        ({"window": 0}, "window"),
        ({"window": 5, "half_life": 3.0}, "both let the past go"),
        ({"window": 5, "history": 20}, "drops events that the window still holds"),
    ],
)
def test_parameters_are_checked(cls, parameters, words):
    with pytest.raises(ValueError, match=words):
        cls(**parameters).fit([["a", "u", 1.0]])


def test_a_window_of_popularity_needs_no_history():
    model = Popularity(window=2, history=0).fit([["a", "u"], ["a", "v"], ["b", "v"]])
    assert model.recommend_one("a") == ["v"]
    with pytest.raises(GuaranteeError, match="history=0"):
        model.forget(users=["a"])


@pytest.mark.parametrize("cls", MODELS)
def test_a_file_whose_window_holds_other_events_is_refused(cls, tmp_path):
    import skl_increc
    from skl_increc.exceptions import SaveFormatError

    model = cls(window=9).fit([["a", "u"], ["a", "v"], ["b", "v"]])
    skl_increc.save(model, tmp_path / "good.npz")
    assert skl_increc.load(tmp_path / "good.npz").recommend_one("b") == model.recommend_one("b")
    model._state.user_rows.arrays["events"][0] += 1
    skl_increc.save(model, tmp_path / "bad.npz")
    with pytest.raises(SaveFormatError, match="the events of each user are not those of the window"):
        skl_increc.load(tmp_path / "bad.npz")


# -- the store ---------------------------------------------------------------------------------------------


def kept(**changes):
    """What a window of two events exports, with some of it changed."""
    good = {
        "who": np.array([0, -1], np.int32),
        "what": np.array([1, 0], np.int32),
        "values": np.array([[1.0, 2.0], [5.0, 6.0]]),
    }
    return {**good, **{name: np.asarray(value, good[name].dtype) for name, value in changes.items()}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"who": [2, 0]}, "who names a row that is none"),
        ({"what": [-2, 0]}, "what names a row that is none"),
        ({"who": [1, 0]}, "who names a row that is free"),
        ({"what": [1]}, "its arrays are not of one length"),
        ({"values": [[1.0, 2.0]]}, "its arrays are not of one length"),
        ({"values": [[1.0, np.nan], [5.0, 6.0]]}, "values holds numbers that are not finite"),
        ({"values": [[1.0, 2.0], [6.0, 5.0]]}, "the events are not in order of time"),
    ],
)
def test_arrays_that_are_no_window_are_refused(changes, words):
    window, alive = Window(9.0, True), (np.array([True, False]), np.array([True, True]))
    window.check(kept(), *alive)
    with pytest.raises(ValueError, match=words):
        window.check(kept(**changes), *alive)


def test_a_window_in_copies_and_pickles():
    window = Window(9.0, True).restore(kept())
    for other in (window.copy(), pickle.loads(pickle.dumps(window)), copy.deepcopy(window)):
        assert other.kind == window.kind == {"span": 9.0, "timed": True}
        assert all(np.array_equal(other.export()[part], array) for part, array in kept().items())
        assert (len(other), other.newest, other.nbytes) == (2, 6.0, 48)
    with pytest.raises(ValueError, match="a window has a span above 0"):
        Window(0.0, False)
