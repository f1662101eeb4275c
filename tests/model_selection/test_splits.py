"""Folds in order of time: none lets the future into training, and all pass through scikit-learn."""

import datetime as dt
import pickle
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from sklearn.model_selection import GridSearchCV, check_cv, cross_val_score, cross_validate

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import RankingScorer
from skl_increc.model_selection import ColdStartSplit, LastPerUser, ProgressiveSplit, TemporalSplit

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

SPLITTERS = {
    "TemporalSplit": TemporalSplit,
    "TemporalSplit-window": lambda n, **kw: TemporalSplit(n, window=7, **kw),
    "TemporalSplit-gap": lambda n, **kw: TemporalSplit(n, gap=2, **kw),
    "TemporalSplit-test_size": lambda n, **kw: TemporalSplit(n, test_size=3, gap=1, window=9, **kw),
    "ProgressiveSplit": ProgressiveSplit,
    "ProgressiveSplit-warmup": lambda n, **kw: ProgressiveSplit(n, warmup=0.3, **kw),
    "LastPerUser": lambda n, **kw: LastPerUser(1, n, **kw),
    "LastPerUser-2": lambda n, **kw: LastPerUser(2, n, **kw),
    "ColdStartSplit-users": lambda n, **kw: ColdStartSplit("users", n, **kw),
    "ColdStartSplit-items": lambda n, **kw: ColdStartSplit("items", n, **kw),
    "ColdStartSplit-first": lambda n, **kw: ColdStartSplit("users", n, first=1, **kw),
}
EACH = pytest.mark.parametrize("name", SPLITTERS)

IDS = st.one_of(st.integers(0, 7), st.none())
EVENTS = st.lists(st.tuples(IDS, IDS, st.integers(0, 25)), min_size=8, max_size=60)


def table(events):
    """A frame in any order, its times with many ties."""
    frame = pd.DataFrame(events, columns=["user", "item", "time"]).astype({"user": object, "item": object})
    return frame.where(frame.notna(), None)


def folds_of(splitter, X):
    """Folds until one is refused for having nothing to train on or to test."""
    found = []
    try:
        found += iter(splitter.split(X))
    except ValueError as error:
        assert "has nothing to" in str(error) or "of 8 events" in str(error), error
    return found


@EACH
@settings(max_examples=examples(30))
@given(events=EVENTS, n_splits=st.integers(1, 4), timed=st.booleans())
def test_no_future_in_training(name, events, n_splits, timed):
    X = table(events)
    splitter = SPLITTERS[name](n_splits, time_col="time" if timed else None)
    times = X["time"].to_numpy() if timed else np.arange(len(X))
    ends = [-1]
    for train, test in folds_of(splitter, X):
        assert len(train) and len(test)
        assert times[train].max() < times[test].min()  # whole moments: not even a tie
        for rows in (train, test):
            assert len(set(rows.tolist())) == len(rows)
            assert (np.diff(times[rows]) >= 0).all()  # in order of time, ties in the order of the rows
            assert all(a < b for a, b in pairwise(rows) if times[a] == times[b])
        assert times[test].min() > ends[-1]  # folds move on
        ends.append(times[test].max())


@EACH
@settings(max_examples=examples(30))
@given(events=EVENTS, n_splits=st.integers(1, 3))
def test_all_of_the_past_is_trained_unless_asked_otherwise(name, events, n_splits):
    X = table(events)
    splitter = SPLITTERS[name](n_splits, time_col="time")
    times, latest = X["time"].to_numpy(), X["time"].max()
    for train, test in folds_of(splitter, X):
        cut = times[train].max()
        low = -np.inf
        if name == "TemporalSplit-window":
            low = cut - 7
            assert times[train].min() > low
        elif name == "TemporalSplit-test_size":
            begin = times[test].min()
            assert times[test].max() - begin < 3 and begin - cut > 1 and cut - times[train].min() < 9
            assert (latest - times[test].max()) // 3 < n_splits
            continue
        elif name == "TemporalSplit-gap":
            assert times[test].min() - cut > 2
        np.testing.assert_array_equal(np.sort(train), np.flatnonzero((times > low) & (times <= cut)))


@given(events=EVENTS, n_splits=st.integers(1, 4), warmup=st.sampled_from([None, 3, 0.25]))
def test_progressive_blocks_test_everything_once(events, n_splits, warmup):
    X = table(events)
    found = folds_of(ProgressiveSplit(n_splits, warmup=warmup, time_col="time"), X)
    if len(found) < n_splits:
        return
    tested = np.concatenate([test for _, test in found])
    np.testing.assert_array_equal(np.sort(np.concatenate([found[0][0], tested])), np.arange(len(X)))
    for (train, test), (later, _) in pairwise(found):
        np.testing.assert_array_equal(np.sort(later), np.sort(np.concatenate([train, test])))


@given(events=EVENTS, n=st.integers(1, 3), n_splits=st.integers(1, 3))
def test_only_the_last_of_users_are_tested(events, n, n_splits):
    X = table(events)
    order = X.sort_values("time", kind="stable")
    last = set(order[order["user"].notna()].groupby("user").tail(n).index)
    for train, test in folds_of(LastPerUser(n, n_splits, time_col="time"), X):
        cut = X["time"][train].max()
        end = X["time"][test].max()
        assert set(test.tolist()) == {row for row in last if cut < X["time"][row] <= end}


@pytest.mark.parametrize("side", ["user", "item"])
@pytest.mark.parametrize("first", [None, 2])
@settings(max_examples=examples(40))
@given(events=EVENTS, n_splits=st.integers(1, 3))
def test_only_strangers_are_tested(side, first, events, n_splits):
    X = table(events)
    order = X.sort_values("time", kind="stable")
    known = order[order[side].notna()]
    begin = known.groupby(side)["time"].min()
    early = set(known.index) if first is None else set(known.groupby(side).head(first).index)
    for train, test in folds_of(ColdStartSplit(f"{side}s", n_splits, first=first, time_col="time"), X):
        assert not set(X[side][test]) & set(X[side][train])
        cut, end = X["time"][train].max(), X["time"][test].max()
        new = {row for row in known.index if begin[X[side][row]] > cut}
        assert set(test.tolist()) == {row for row in new & early if X["time"][row] <= end}


# -- spans, tables, scikit-learn -----------------------------------------------------------------------------


def events_of_a_shop(n=600):
    rng = np.random.default_rng(0)
    start = dt.datetime(2024, 1, 1)
    hours = np.sort(rng.integers(0, 24 * 60, n))
    X = pd.DataFrame(
        {
            "who": [f"u{v}" for v in rng.integers(np.arange(n) // 20, 20 + np.arange(n) // 10)],
            "what": rng.integers(0, 40, n),
            "when": [start + dt.timedelta(hours=int(h)) for h in hours],
        }
    )
    return X, rng.integers(1, 6, n).astype(float)


COLUMNS = {"user_col": "who", "time_col": "when"}
SHOP = {
    "TemporalSplit": TemporalSplit(3, time_col="when"),
    "TemporalSplit-days": TemporalSplit(
        3,
        test_size=dt.timedelta(days=7),
        gap=dt.timedelta(days=1),
        window=dt.timedelta(days=20),
        time_col="when",
    ),
    "ProgressiveSplit": ProgressiveSplit(3, time_col="when"),
    "LastPerUser": LastPerUser(n_splits=3, **COLUMNS),
    "ColdStartSplit-users": ColdStartSplit("users", 2, item_col="what", **COLUMNS),
}


@pytest.mark.parametrize("name", SHOP)
def test_they_pass_through_scikit_learn(name):
    X, y = events_of_a_shop()
    cv = SHOP[name]
    assert check_cv(cv) is cv and pickle.loads(pickle.dumps(cv)).get_n_splits() == cv.get_n_splits()
    assert repr(cv).startswith(f"{type(cv).__name__}(")
    columns = {"user_col": "who", "item_col": "what"}
    assert np.isfinite(cross_val_score(Baseline(**columns), X, y, cv=cv)).all()
    lists = cross_val_score(Popularity(**columns), X, y, cv=cv, scoring=RankingScorer(k=20))
    assert ((lists > 0) & (lists < 1)).all() and len(lists) == cv.get_n_splits(X)
    search = GridSearchCV(BiasedMF(2, **columns), {"l2": [0.01, 0.1]}, cv=cv).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with sklearn.config_context(enable_metadata_routing=True):
        routed = cross_validate(Baseline(**columns), X, y, cv=cv)["test_score"]
    np.testing.assert_array_equal(routed, cross_val_score(Baseline(**columns), X, y, cv=cv))


@pytest.mark.parametrize("name", SHOP)
def test_every_table_gives_the_same_folds(name):
    X, _ = events_of_a_shop()
    want = list(SHOP[name].split(X))
    shuffled = np.random.default_rng(1).permutation(len(X))
    for other in (pl.from_pandas(X), pa.Table.from_pandas(X)):
        for (a, b), (c, d) in zip(SHOP[name].split(other), want, strict=True):
            np.testing.assert_array_equal(a, c)
            np.testing.assert_array_equal(b, d)
    # of rows in another order the same moments
    moments = X["when"].to_numpy()
    other = X.iloc[shuffled].reset_index(drop=True)
    for (a, _), (c, _) in zip(SHOP[name].split(other), want, strict=True):
        np.testing.assert_array_equal(other["when"].to_numpy()[a], moments[c])
        assert sorted(shuffled[a].tolist()) == sorted(c.tolist())


def test_arrays_have_columns_by_position():
    X = np.array([["a", "x", 3], ["b", "x", 1], ["a", "y", 2], ["c", "z", 4]], dtype=object)
    assert [f[1].tolist() for f in TemporalSplit(3, time_col=2).split(X)] == [[2], [0], [3]]
    assert [f[1].tolist() for f in LastPerUser(n_splits=1, time_col=2).split(X)] == [[0, 3]]
    assert [f[1].tolist() for f in ColdStartSplit("items", 1, time_col=2).split(X.tolist())] == [[3]]
    swapped = X[:, [1, 0, 2]]
    found = [
        f[1].tolist() for f in ColdStartSplit("items", 1, user_col=1, item_col=0, time_col=2).split(swapped)
    ]
    assert found == [[3]]


def test_what_is_refused():
    X = pd.DataFrame({"user": [1, 2, 3, 4], "item": [1, 2, 3, 4], "time": [1, 1, 1, 2]})
    for cls in (TemporalSplit, ProgressiveSplit):
        with pytest.raises(ValueError, match="n_splits must be a whole number, at least 1; got 0"):
            cls(0)
    for name in ("gap", "test_size", "window"):
        with pytest.raises(ValueError, match=f"{name} must be a span of at least 0; got -1"):
            TemporalSplit(**{name: -1})
        with pytest.raises(
            ValueError, match=f"{name}=.* is a span of time: say time_col=..., or give a number"
        ):
            TemporalSplit(**{name: dt.timedelta(days=1)})
    with pytest.raises(ValueError, match="window must be a span above 0; got 0"):
        TemporalSplit(window=0)
    with pytest.raises(ValueError, match="warmup must be a whole number, at least 1; got 1.5"):
        ProgressiveSplit(warmup=1.5)
    with pytest.raises(ValueError, match="warmup=3 leaves less than n_splits=2 of 4 events to test"):
        list(ProgressiveSplit(2, warmup=3).split(X))
    with pytest.raises(ValueError, match="n must be a whole number, at least 1; got 0"):
        LastPerUser(0)
    with pytest.raises(ValueError, match="cold must be 'users' or 'items'; got 'all'"):
        ColdStartSplit("all")
    with pytest.raises(ValueError, match="first must be a whole number, at least 1; got 0"):
        ColdStartSplit(first=0)
    with pytest.raises(ValueError, match="n_splits=5 folds need more than 4 events"):
        list(TemporalSplit(5).split(X))
    with pytest.raises(ValueError, match="Fold 1 of 1 has nothing to test \\(it is cut after 'time' = 2\\)"):
        list(TemporalSplit(1, time_col="time").split(X.iloc[[3, 3, 3, 0]].assign(time=2)))
    with pytest.raises(
        ValueError, match="Fold 1 of 1 has nothing to train on .*fewer folds, or for other spans"
    ):
        list(TemporalSplit(1, gap=5, time_col="time").split(X))
    with pytest.raises(ValueError, match="X has no column 'when'.*time_col"):
        list(TemporalSplit(1, time_col="when").split(X))
    with pytest.raises(ValueError, match="X has no column 'who'.*user_col"):
        list(LastPerUser(n_splits=1, user_col="who").split(X))
    with pytest.raises(ValueError, match="The time of an event must be a number of seconds"):
        list(TemporalSplit(1, time_col="time").split(X.assign(time=[1, 2, None, 3])))
    with pytest.raises(ValueError, match="time_col='time' names a column, but X is an array"):
        list(TemporalSplit(1, time_col="time").split(X.to_numpy()))
    with pytest.raises(ValueError, match="Column 7 does not exist: X has 3 columns"):
        list(TemporalSplit(1, time_col=7).split(X.to_numpy()))
