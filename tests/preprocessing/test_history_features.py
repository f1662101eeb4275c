"""HistoryFeatures against a slow version that can be seen to be right, and as an estimator of both libraries."""

import copy
import datetime as dt
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import checks as river_checks
from river import compose, linear_model
from river import preprocessing as river_preprocessing
from searching import examples
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import skl_increc
from skl_increc.preprocessing import HistoryFeatures

STATS = ("count", "sum", "mean", "distinct", "recency")
SETTINGS = {"windows": (3, 10), "by": ("user", "item", "user+shop"), "stats": STATS}


def slow(events, x, windows=(3, 10), by=("user", "item", "user+shop")):
    """Features of an event out of all events (dicts with y), by their definition."""
    t, out = x["timestamp"], {}
    before = [e for e in events if e["timestamp"] < t]
    for key in by:
        parts = key.split("+")
        same = [e for e in before if all(x[p] is not None and e[p] == x[p] for p in parts)]
        other = "item" if "user" in parts else "user"
        for w in windows:
            inside = [e for e in same if e["timestamp"] >= t - w]
            every = [e["y"] for e in before if e["timestamp"] >= t - w]
            y = [e["y"] for e in inside]
            out[f"{key}_count_{w}"] = len(y)
            out[f"{key}_sum_{w}"] = sum(y)
            out[f"{key}_mean_{w}"] = sum(y) / len(y) if y else (sum(every) / len(every) if every else 0)
            out[f"{key}_distinct_{w}"] = len({e[other] for e in inside} - {None})
        out[f"{key}_recency"] = min([max(windows), *(t - e["timestamp"] for e in same)])
    return out


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.sampled_from(["ann", "bob", None]),
            "item": st.sampled_from([1, 2, 3, None]),
            "shop": st.sampled_from(["x", "y", None]),
            "timestamp": st.integers(0, 40),
            "y": st.sampled_from([-1.0, 0.5, 2.0]),
        }
    ),
    max_size=30,
)


def retained(events, retain=20):
    """What is kept after these events, one after the other."""
    now, kept = -np.inf, []
    for e in events:
        now = max(now, e["timestamp"])
        kept.append(e)
        kept = [k for k in kept if k["timestamp"] >= now - retain]
    return kept


@settings(max_examples=examples(25), deadline=None)
@given(EVENTS)
def test_one_event_after_the_other_late_ones_too(events):
    model = HistoryFeatures(**SETTINGS)
    for at, event in enumerate(events):
        assert model.transform_one(event) == slow(retained(events[:at]), event)
        model.learn_one(event, event["y"])
    assert model.n_events_ == len(retained(events)) if events else True


@settings(max_examples=examples(10), deadline=None)
@given(EVENTS.filter(bool), st.integers(0, 29))
def test_tables_are_as_of_joins_and_any_cutting_is_the_same(events, cut):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(events).astype({"user": object, "item": object, "shop": object})
    frame = frame.astype(object).where(frame.notna(), None)
    frame["timestamp"], y = frame["timestamp"].astype(float), frame["y"].astype(float)
    whole = HistoryFeatures(**SETTINGS)
    first = whole.fit_transform(frame, y)
    in_order = sorted(events, key=lambda e: e["timestamp"])
    names = whole.get_feature_names_out()
    now = in_order[-1]["timestamp"]
    again = whole.transform(frame)
    for row, event in enumerate(events):
        expected = slow(in_order, event)
        assert dict(zip(names, first[row], strict=True)) == expected
        if event["timestamp"] - 10 >= now - 20:  # its windows are retained
            np.testing.assert_array_equal(again[row], first[row])
    cut = min(cut, len(events) - 1)
    halves = HistoryFeatures(**SETTINGS)
    sorted_frame = pd.DataFrame(in_order, columns=frame.columns, dtype=object)
    if cut:
        halves.partial_fit(sorted_frame[:cut], sorted_frame["y"][:cut].astype(float))
    for event in in_order[cut:]:
        halves.learn_one(event, event["y"])
    np.testing.assert_array_equal(halves.transform(frame), again)


@settings(max_examples=examples(10), deadline=None)
@given(EVENTS, st.sets(st.sampled_from(["ann", "bob", "nobody"])), st.sets(st.sampled_from([1, 2, 9])))
def test_forgetting_is_never_having_seen(events, users, items):
    model, never = HistoryFeatures(**SETTINGS), HistoryFeatures(**SETTINGS)
    now = max([e["timestamp"] for e in events], default=0)
    anonymous = {"user": None, "item": None, "shop": None, "timestamp": now}
    for event in events:
        model.learn_one(event, event["y"])
        if event["user"] not in users and event["item"] not in items:
            never.learn_one(event, event["y"])
    model.learn_one(anonymous, 1.0)
    never.learn_one(anonymous, 1.0)
    n = model.n_events_
    assert model.forget(users=list(users), items=list(items)) == n - never.n_events_
    for event in events:
        assert model.transform_one(event) == never.transform_one(event)


def random_events(n=400, seed=0, days=60):
    """A frame of n events in order of time, and ratings."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user": rng.integers(0, 20, n),
            "item": [f"i{k}" for k in rng.integers(0, 30, n)],
            "shop": rng.choice(["x", "y"], n),
            "timestamp": np.sort(rng.integers(0, 24 * days, n)) * 3600.0,
        }
    )
    return frame, rng.integers(1, 6, n).astype(float)


def with_pandas(frame, y, key, other, window):
    """The same by self-join, as one would write it in pandas; rows of one time see nothing of each other."""
    import pandas as pd

    left = frame.reset_index(names="row")[["row", key, "timestamp"]]
    right = frame.assign(y=y)[[key, other, "timestamp", "y"]]
    both = left.merge(right, on=key, suffixes=("", "_before"))
    ago = both["timestamp"] - both["timestamp_before"]
    inside = both[(ago > 0) & (ago <= window)].groupby("row")
    return pd.DataFrame(
        {"count": inside.size(), "sum": inside["y"].sum(), "distinct": inside[other].nunique()}
    ).reindex(frame.index, fill_value=0)


@pytest.mark.parametrize("key", ["user", "item"])
def test_it_is_what_pandas_would_give(key):
    frame, y = random_events()
    model = HistoryFeatures(windows=("2d", "10d"), by=(key,), stats=("count", "sum", "distinct"))
    found = model.set_output(transform="pandas").fit_transform(frame, y)
    for days in (2, 10):
        expected = with_pandas(frame, y, key, "item" if key == "user" else "user", days * 86400)
        for stat in expected:
            np.testing.assert_array_equal(found[f"{key}_{stat}_{days}d"], expected[stat])


@pytest.mark.parametrize("most", [1, 3])
def test_max_events_keeps_the_newest_of_each_key(most):
    frame, y = random_events(300)
    model = HistoryFeatures(windows=("20d",), by=("user",), max_events=most).fit(frame, y)
    asked = frame.tail(20).assign(timestamp=frame["timestamp"].max() + 1)
    names = list(model.get_feature_names_out())
    counts = model.transform(asked)[:, names.index("user_count_20d")]
    means = model.transform(asked)[:, names.index("user_mean_20d")]
    for row, user in enumerate(asked["user"]):
        mine = y[(frame["user"] == user) & (frame["timestamp"] >= frame["timestamp"].max() + 1 - 20 * 86400)]
        assert counts[row] == min(most, len(mine))
        if len(mine):
            assert means[row] == pytest.approx(mine[-most:].mean())


def test_memory_is_that_of_what_is_retained():
    model = HistoryFeatures(windows=(10,), by=("user", "item", "user+shop"))
    sizes = []
    for t in range(3000):
        event = {"user": f"u{t}", "item": t // 2, "shop": t % 3, "timestamp": float(t)}
        model.learn_one(event, 1.0)
        sizes.append(model.nbytes)
    assert model.n_events_ == 21
    assert max(sizes[1000:]) <= 1.5 * max(sizes[:500])
    assert model._raw_memory_usage > model.nbytes > 0


def test_late_events_count_and_too_late_ones_are_told():
    model = HistoryFeatures(windows=(10,), by=("user",), stats=("count", "recency"))
    for t in (0, 30, 15, 5):
        model.learn_one({"user": "a", "item": 1, "timestamp": t})
    assert model.n_late_ == 2 and model.n_events_ == 2
    asked = {"user": "a", "item": 1, "timestamp": 25}
    assert model.transform_one(asked) == {"user_count_10": 1.0, "user_recency": 10.0}


def test_without_times_the_clock_counts_events():
    model = HistoryFeatures(windows=(2, 3), by=("user",), stats=("count",), time_col=None)
    X = np.array([["a", 1], ["b", 1], ["a", 2], ["a", 3]], dtype=object)
    assert model.fit_transform(X).tolist() == [[0, 0], [0, 0], [1, 1], [1, 2]]
    assert model.transform(X[:1]).tolist() == [[2, 2]]
    assert model.transform_one({"user": "a", "item": 9}) == {"user_count_2": 2.0, "user_count_3": 2.0}


def test_times_and_windows_may_be_dates_and_timedeltas():
    model = HistoryFeatures(
        windows=(dt.timedelta(days=1), np.timedelta64(2, "D")), by=("user",), stats=("count",)
    )
    start = dt.datetime(2020, 1, 1)
    for day in range(3):
        model.learn_one({"user": "a", "item": 1, "timestamp": start + dt.timedelta(days=day)}, 1)
    found = model.transform_one({"user": "a", "item": 1, "timestamp": dt.date(2020, 1, 4)})
    assert found == {"user_count_86400s": 1.0, "user_count_172800s": 2.0}


def test_a_column_may_be_summed_instead_of_y():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"who": ["a", "a"], "what": [1, 2], "at": [1, 2], "price": [2.5, 4.0]})
    names = {"user_col": "who", "item_col": "what", "time_col": "at", "y_col": "price"}
    model = HistoryFeatures(windows=("1d",), by=("user",), stats=("sum",), **names).fit(frame, [9, 9])
    assert model.transform_one({"who": "a", "what": 1, "at": 3}) == {"user_sum_1d": 6.5}
    model.learn_one({"who": "a", "what": 1, "at": 3, "price": 1.5}, 100)
    assert model.transform_one({"who": "a", "what": 1, "at": 4}) == {"user_sum_1d": 8.0}


def test_asking_changes_nothing():
    frame, y = random_events()
    model = HistoryFeatures().fit(frame, y)
    before = pickle.dumps(model)
    model.transform(frame.assign(user=99, item="new"))
    model.transform_one({"user": object(), "item": "new", "timestamp": 0.0})
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "river clone", "save"])
def test_copies_go_on_as_the_original_would(how, tmp_path):
    frame, y = random_events()
    model = HistoryFeatures(by=("user", "user+shop")).fit(frame[:300], y[:300])
    if how == "pickle":
        other = pickle.loads(pickle.dumps(model))
    elif how == "deepcopy":
        other = copy.deepcopy(model)
    elif how == "river clone":
        other = model.clone(include_attributes=True)
    else:
        skl_increc.save(model, tmp_path / "model.npz")
        other = skl_increc.load(tmp_path / "model.npz")
    others = frame.assign(shop="z")
    for each in (model, other):
        each.partial_fit(others[300:], y[300:])
    np.testing.assert_allclose(other.transform(others), model.transform(others), rtol=1e-12)
    assert other.nbytes > 0


def test_a_failed_call_changes_nothing():
    frame, y = random_events(50)
    model = HistoryFeatures().fit(frame, y)
    before, columns = model.transform(frame), model.feature_names_in_
    bad = frame.astype({"item": object})
    bad.at[3, "item"] = ["a list"]
    with pytest.raises(TypeError):
        model.fit(bad.assign(more=1), y)
    with pytest.raises(TypeError):
        model.learn_one({"user": "new", "item": [], "timestamp": 1e9}, 1)
    with pytest.raises(ValueError, match="must be finite"):
        model.learn_one({"user": "new", "item": 1, "timestamp": 1e9}, np.nan)
    np.testing.assert_array_equal(model.transform(frame), before)
    assert list(model.feature_names_in_) == list(columns)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_frames_of_every_library(kind):
    pytest.importorskip(kind)
    frame, y = random_events(60)
    native = frame
    if kind == "polars":
        import polars as pl

        native = pl.from_pandas(frame)
    elif kind == "pyarrow":
        import pyarrow as pa

        native = pa.Table.from_pandas(frame)
    model = HistoryFeatures(by=("user+shop", "item"))
    found = model.fit_transform(native, y)
    np.testing.assert_array_equal(found, clone(model).fit_transform(frame, y))
    many = model.transform_many(native)
    assert type(many) is type(native) and many.shape == found.shape


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"windows": ()}, "must be a sequence of 1 to 8 spans"),
        ({"windows": "10d"}, "must be a sequence of 1 to 8 spans"),
        ({"windows": ("10d", "240h")}, "has the same length twice"),
        ({"windows": ("1 month",)}, "is no span of time. Write a positive number and a unit"),
        ({"windows": (-1,)}, "must be of positive, finite spans"),
        ({"windows": ([],)}, "must be of positive, finite spans"),
        ({"retain": "1d"}, "is shorter than the longest"),
        ({"time_col": None}, "time_col is None, so that the clock counts events"),
        ({"by": "user"}, "by='user' must be a sequence of columns"),
        ({"by": ("a+b+c",)}, "'a\\+b\\+c', which is not one column, or two different ones"),
        ({"by": ("user", "user")}, "names a key twice"),
        ({"stats": ("median",)}, "stats=.* must be a sequence of some of"),
        ({"user_col": "item"}, "user_col and item_col are both 'item'"),
        ({"max_events": 0}, "max_events"),
        ({"by": ("user+shop",)}, "names the column 'shop', but X is an array"),
        ({"y_col": "price"}, "y_col='price' names a column, but X is an array"),
    ],
)
def test_what_cannot_be_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        HistoryFeatures(**parameters).fit(np.arange(12.0).reshape(4, 3))


def test_categories_count_where_there_are_some(tmp_path):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"user": rng.integers(0, 5, 60), "item": rng.integers(0, 9, 60), "timestamp": np.arange(60.0)}
    )
    told, y = frame.assign(category=frame.item % 3), rng.integers(1, 6, 60)
    how = {"windows": (5, 20), "stats": ("count", "mean")}
    named = HistoryFeatures(by=("user", "item", "user+category"), **how).fit(told, y)
    model = HistoryFeatures(**how).fit(told, y)
    assert model.by_ == named.by_ == ("user", "item", "user+category")
    assert model.get_feature_names_out().tolist() == named.get_feature_names_out().tolist()
    expected = named.transform(told)
    skl_increc.save(model, tmp_path / "m.npz")
    single = HistoryFeatures(**how)
    for x, target in zip(told.to_dict("records"), y.tolist(), strict=True):
        assert len(single.transform_one(x)) == 12
        single.learn_one(x, target)
    halves = HistoryFeatures(**how).partial_fit(told[:20], y[:20])
    halves.learn_many(told[20:], y[20:])
    for same in (
        model,
        single,
        halves,
        pickle.loads(pickle.dumps(model)),
        skl_increc.load(tmp_path / "m.npz"),
    ):
        assert same.by_ == named.by_
        np.testing.assert_array_equal(same.transform(told), expected)
    # the first table decides, until fit; a category that is missing later is nobody's
    assert np.isfinite(single.transform_many(frame)).all(axis=None)
    assert len(model.transform_one(frame.to_dict("records")[0])) == 12
    plain = HistoryFeatures(**how).fit(frame, y)
    skl_increc.save(plain, tmp_path / "p.npz")
    assert plain.by_ == skl_increc.load(tmp_path / "p.npz").by_ == ("user", "item")
    assert plain.fit_transform(told, y).shape == (60, 12) and plain.fit_transform(frame, y).shape == (60, 8)
    assert HistoryFeatures(item_col="category", **how).fit(told, y).by_ == ("user", "item")


def test_an_event_without_a_time_is_refused():
    model = HistoryFeatures()
    with pytest.raises(ValueError, match="no time under 'timestamp' .* its keys are \\['user', 'item'\\]"):
        model.learn_one({"user": 1, "item": 2}, 3)
    with pytest.raises(TypeError, match="y must be a number; got 'good'"):
        model.learn_one({"user": 1, "item": 2, "timestamp": 1}, "good")
    with pytest.raises(NotFittedError):
        model.transform(np.ones((2, 3)))
    model.learn_one({"user": 1, "item": 2, "timestamp": 1}, 3)
    model.windows = ("5d",)
    with pytest.raises(ValueError, match="windows was changed from .* Call fit to begin anew"):
        model.transform_one({"user": 1, "item": 2, "timestamp": 1})


# scikit-learn's data may have two columns: the second is then the time as well
SKLEARN = [
    *estimator_checks_generator(HistoryFeatures(time_col=1), mark=None),
    *estimator_checks_generator(HistoryFeatures(windows=(5, 50), time_col=None), mark=None),
]
#: what only one of the two can pass, and what the other says instead
NO_TIMES = "fit_transform"  # rows have no time of their own, as of which `transform` could answer
EXPECTED = {
    (True, "check_transformer_general"): (AssertionError, NO_TIMES),
    (True, "check_transformer_data_not_an_array"): (AssertionError, NO_TIMES),
    (False, "check_estimators_pickle"): (ValueError, "time of an event must be a number"),  # and not missing
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("at", range(len(SKLEARN)), ids=[check.func.__name__ for _, check in SKLEARN])
def test_scikit_learns_checks(at):
    model, check = SKLEARN[at]
    expected = EXPECTED.get((model.time_col is None, check.func.__name__))
    if expected:
        with pytest.raises(expected[0], match=expected[1]):
            check(model)
    else:
        check(model)


RIVER = list(river_checks.yield_checks(HistoryFeatures(windows=(10, 100), time_col=None)))


@pytest.mark.parametrize("check", RIVER, ids=[check.__name__ for check in RIVER])
def test_rivers_checks(check):
    check(HistoryFeatures(windows=(10, 100), time_col=None))


def test_in_pipelines_of_both_libraries():
    frame, y = random_events(300)
    pipeline = make_pipeline(HistoryFeatures(by=("user", "item", "user+shop")), Ridge())
    grid = {"historyfeatures__windows": [("10d",), ("10d", "30d", "100d")]}
    found = GridSearchCV(pipeline, grid, cv=TimeSeriesSplit(3)).fit(frame, y)
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    assert np.isfinite(found.predict(frame)).all()

    stream = (
        HistoryFeatures(by=("user",)) | river_preprocessing.StandardScaler() | linear_model.LinearRegression()
    )
    union = HistoryFeatures(by=("user",)) + compose.Select("user")
    for x, target in zip(frame.to_dict("records"), y, strict=True):
        assert np.isfinite(stream.predict_one(x))
        stream.learn_one(x, target)
        union.learn_one(x, target)
    assert union.transform_one(x)["user"] == x["user"] and union.transform_one(x)["user_count_100d"] > 1
