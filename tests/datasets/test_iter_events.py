"""iter_events yields what River reads."""

import datetime

import numpy as np
import pytest

from skl_increc.datasets import _events, iter_events, make_interactions
from skl_increc.exceptions import DatasetError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

DATA = {"user": ["ann", "bob", None], "item": [3, 4, 3], "rating": [1.5, 2.0, 3.0], "shop": ["x", None, "y"]}


def pandas_categories(data):
    return pd.DataFrame(data).astype({"user": "category", "shop": "category"})


def pandas_objects(data):
    return pd.DataFrame(data).astype(object)


MAKERS = [pd.DataFrame, pandas_categories, pandas_objects, pl.DataFrame, pa.table]


@pytest.mark.parametrize("make", MAKERS)
def test_events_of_every_library(make):
    assert list(iter_events(make(DATA))) == [
        ({"user": "ann", "item": 3}, 1.5),
        ({"user": "bob", "item": 4}, 2.0),
        ({"user": None, "item": 3}, 3.0),
    ]


@pytest.mark.parametrize("make", MAKERS)
def test_further_columns(make):
    events = list(iter_events(make(DATA), columns=["shop"]))
    assert [x for x, _ in events] == [
        {"user": "ann", "item": 3, "shop": "x"},
        {"user": "bob", "item": 4, "shop": None},
        {"user": None, "item": 3, "shop": "y"},
    ]
    assert list(iter_events(make(DATA), columns="shop")) == events


@pytest.mark.parametrize("make", MAKERS)
def test_values_are_python_scalars(make):
    for x, y in iter_events(make(DATA), columns=["rating"]):
        assert {type(value) for value in x.values()} <= {str, int, float, type(None)}
        assert type(y) is float


def test_numpy_scalars_in_object_columns_become_python_values():
    frame = pd.DataFrame(
        {"user": pd.Series([np.int64(1), "a"], dtype=object), "item": [1, 2], "rating": [1, 2]}
    )
    (first, y), _ = iter_events(frame)
    assert type(first["user"]) is int and type(y) is int


@pytest.mark.parametrize(
    "users",
    [
        pd.Series([1, None]),
        pd.Series([1, None], dtype="Int64"),
        pl.Series([1, None]),
        pl.Series([1.0, float("nan")]),
        pd.Series([1, float("nan")], dtype=object),
        pd.Series([1, pd.NA], dtype=object),
    ],
)
def test_a_missing_id_is_none(users):
    frame_of = pl.DataFrame if isinstance(users, pl.Series) else pd.DataFrame
    events = iter_events(frame_of({"user": users, "item": [5, 6], "rating": [1, 2]}))
    assert [x["user"] for x, _ in events] == [1, None]


def test_missing_times_are_none():
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "at": pd.to_datetime(["2020-01-01", None])})
    times = [x["at"] for x, _ in iter_events(frame, rating_col=None, columns=["at"])]
    assert times == [datetime.datetime(2020, 1, 1), None]


def test_implicit_events_have_the_target():
    assert [y for _, y in iter_events(pd.DataFrame(DATA), rating_col=None)] == [1, 1, 1]
    assert [y for _, y in iter_events(pd.DataFrame(DATA), rating_col=None, target=None)] == [None] * 3


def test_x_keeps_the_frame_s_names():
    frame = pl.DataFrame({"userId": [1], "movieId": [2], "stars": [3.0]})
    events = iter_events(frame, user_col="userId", item_col="movieId", rating_col="stars")
    assert list(events) == [({"userId": 1, "movieId": 2}, 3.0)]


@pytest.mark.parametrize("size", [0, 1, 6, 7, 8, 20])
def test_chunks_lose_nothing(monkeypatch, size):
    monkeypatch.setattr(_events, "_CHUNK", 7)
    frame = make_interactions(20).iloc[:size]
    rows = [
        ({"user": u, "item": i}, r)
        for u, i, r in zip(frame["user"], frame["item"], frame["rating"], strict=True)
    ]
    assert list(iter_events(frame)) == rows


def test_each_event_is_its_own_dict():
    first, second = (x for x, _ in iter_events(pl.DataFrame(DATA).head(2)))
    first["user"] = "changed"
    assert second["user"] == "bob"


def test_an_absent_column_is_named_before_the_first_event():
    with pytest.raises(
        DatasetError, match=r"no column 'rating'; it has 'user', 'item'\. .*rating_col= \(None"
    ):
        iter_events(pd.DataFrame({"user": [1], "item": [2]}))
    with pytest.raises(DatasetError, match="no column 'user'; it has 'userId'"):
        iter_events(pl.DataFrame({"userId": [1], "item": [2], "rating": [3]}))
    with pytest.raises(DatasetError, match="no column 'shop'"):
        iter_events(make_interactions(3), columns=["shop"])


@pytest.mark.parametrize("ratings", [pd.Series([1.0, None, None]), pl.Series([1.0, float("nan"), None])])
def test_a_missing_rating_is_refused(ratings):
    frame_of = pl.DataFrame if isinstance(ratings, pl.Series) else pd.DataFrame
    frame = frame_of({"user": [1, 2, 3], "item": [1, 2, 3], "rating": ratings})
    with pytest.raises(DatasetError, match=r"2 ratings in column 'rating' are missing, the first in row 1 "):
        iter_events(frame)


@pytest.mark.parametrize("thing", [np.zeros((2, 2)), pl.LazyFrame(DATA), [1, 2]])
def test_other_things_are_no_frames(thing):
    with pytest.raises(TypeError, match=f"reads an eager frame .* but got '{type(thing).__name__}'; collect"):
        iter_events(thing)


def test_river_takes_the_stream():
    from river import dummy, evaluate, metrics, stats

    frame = make_interactions(200)
    metric = evaluate.progressive_val_score(
        iter_events(frame), dummy.StatisticRegressor(stats.Mean()), metrics.MAE()
    )
    assert 0 < metric.get() < 2
    # None as the y of an implicit event would be read as a question without an answer
    hits = metrics.Accuracy()
    evaluate.progressive_val_score(iter_events(frame, rating_col=None), dummy.PriorClassifier(), hits)
    assert hits.get() > 0.9
