"""What ``progressive_validate`` reads: frames of every library, streams, and what is wrong with either."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from river import stream as river_stream

from skl_increc.exceptions import DatasetError
from skl_increc.model_selection import progressive_validate

pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

LIBRARIES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}


def learned(model):
    return [(user, item, y) for what, user, item, y, _ in model.log if what == "learn"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_frames_are_as_good_as_streams(library, rater, recommender, stream, columns):
    frame = LIBRARIES[library](columns())
    for make in (rater, recommender):
        table, events = make(), make()
        a = progressive_validate(table, frame, time_col="time")
        b = progressive_validate(events, list(stream()), time_col="time")
        assert table.log == events.log
        for metric in a.to_dict()["metrics"]:
            assert a.summary()[0][metric] == b.summary()[0][metric]
        assert a.ties == b.ties == "together"


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_curve_comes_in_the_frame_of_the_data(library, rater, columns):
    frame = LIBRARIES[library](columns())
    result = progressive_validate(rater(), frame, step=100)
    curve = result.frame()
    assert type(curve) is type(frame)
    assert list(result.frame("pandas").columns) == [
        "model",
        "n_events",
        "n_asked",
        "metric",
        "value",
        "recent",
    ]
    assert result.frame("polars")["value"].to_list() == [row["value"] for row in result.curve]
    assert len(result.frame("pyarrow")) == len(result.curve) == 8


def test_the_curve_without_a_frame_library(rater, stream, monkeypatch):
    import narwhals.stable.v2 as nw

    def missing(columns, backend):
        raise ModuleNotFoundError(backend)

    result = progressive_validate(rater(), stream(10))
    monkeypatch.setattr(nw, "from_dict", missing)
    assert result.frame()["metric"][:2] == ["RMSE", "MAE"]
    with pytest.raises(ModuleNotFoundError, match="polars"):
        result.frame("polars")


@pytest.mark.parametrize("library", LIBRARIES)
def test_models_get_all_columns_but_the_rating(library, rater, columns):
    class Curious(rater):
        def predict_one(self, x=None, **ids):
            self.x = x
            return 0.0

    model = Curious()
    progressive_validate(model, LIBRARIES[library]({**columns(3), "genre": ["a", "b", None]}))
    assert model.x == {"user": "u2", "item": 10, "time": 0, "genre": None}
    assert type(model.x["item"]) is int


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("unit", ["seconds", "datetime", "aware", "date"])
def test_a_frame_is_sorted_by_time_with_ties_in_its_order(library, unit, rater):
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC if unit == "aware" else None)
    days = [3, 1, 2, 1, 3]
    times = days if unit == "seconds" else [start + dt.timedelta(days=d) for d in days]
    if unit == "date":
        times = [t.date() for t in times]
    data = {"user": list("abcda"), "item": [1, 2, 3, 4, 5], "rating": [1, 2, 3, 4, 5], "time": times}
    frame = LIBRARIES[library](data)
    if unit == "date" and library == "pandas":
        frame["time"] = pd.to_datetime(frame["time"])  # pandas has no type of dates
    model = rater()
    progressive_validate(model, frame, time_col="time", ties="order")
    assert [item for _, item, _ in learned(model)] == [2, 4, 3, 1, 5]
    model = rater()
    progressive_validate(model, frame, time_col="time")
    asked_or_learned = [(what, item) for what, _, item, *_ in model.log]
    assert asked_or_learned[6:] == [("ask", 1), ("ask", 5), ("learn", 1), ("learn", 5)]
    model = rater()
    progressive_validate(model, frame)
    assert [item for _, item, _ in learned(model)] == [1, 2, 3, 4, 5]


def test_missing_ids_are_anonymous(rater):
    data = {"user": ["a", None, "b"], "item": [1, 2, None], "rating": [1, 2, 3]}
    frames = [
        pd.DataFrame(data),  # items as floats with NaN
        pd.DataFrame(data).astype({"item": "Int64", "user": "category"}),
        pl.DataFrame(data),
        pl.DataFrame({**data, "item": [1.0, 2.0, math.nan]}),
        pa.table(data),
    ]
    for frame in frames:
        result = progressive_validate(rater(), frame)
        assert (result.n_events, result.n_users, result.n_items) == (3, 2, 2)


def test_more_rows_than_are_read_at_once(rater):
    n = 20_000
    frame = pd.DataFrame({"user": np.arange(n) % 7, "item": np.arange(n), "rating": np.arange(n) % 5, "t": 1})
    frame["t"] = np.arange(n) // 3
    model = rater()
    result = progressive_validate(model, frame, time_col="t", metrics="mae")
    assert [item for _, item, _ in learned(model)] == list(range(n))
    assert result.summary()[0]["n_asked"] == n


def test_implicit_frames_and_min_y(recommender):
    frame = pd.DataFrame({"user": [1, 1, 2], "item": [1, 2, 1], "rating": [5.0, 3.0, 4.0]})
    model = recommender()
    progressive_validate(model, frame[["user", "item"]], rating_col=None)
    assert learned(model) == [(1, 1, None), (1, 2, None), (2, 1, None)]
    model = recommender()
    result = progressive_validate(model, frame, min_y=4)
    assert learned(model) == [(1, 1, 5.0), (2, 1, 4.0)] and result.n_events == 2
    with pytest.raises(DatasetError, match="No row has a rating of 9 \\(min_y\\) or more"):
        progressive_validate(recommender(), frame, min_y=9)
    with pytest.raises(
        DatasetError, match="no column 'rating'.*or rating_col=None if every row is a positive"
    ):
        progressive_validate(recommender(), frame[["user", "item"]])


def frame(**changes):
    data = {"user": ["a", "b", "c"], "item": [1, 2, 3], "rating": [1.0, 2.0, 3.0], "time": [1, 2, 3]}
    return pd.DataFrame({name: value for name, value in {**data, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            frame(user=None, userId=[1, 2, 3]),
            "no column 'user'; it has .*'userId'.*Say user_col=... to name the user",
        ),
        (frame(item=None), "no column 'item'; it has"),
        (frame(rating=None), "no column 'rating'; it has .*Say rating_col=... to name the rating column.$"),
        (frame(time=None), "no column 'time'; it has"),
        (frame().head(0), "data has no rows: there is nothing to predict"),
        (
            frame(rating=[1.0, math.nan, math.inf]),
            "'rating' has 2 missing or infinite values, the first in row 1 ",
        ),
        (pl.DataFrame(frame(rating=[1.0, None, None])), "'rating' has 2 missing or infinite values"),
        (frame(rating=["1", "2", "3"]), "The rating column 'rating' holds .*, not numbers: convert it"),
        (frame(time=["x", "y", "z"]), "The time column 'time' holds .*: convert it to numbers"),
        (frame(time=[1.0, None, 3.0]), "The time column 'time' has 1 missing values: drop these rows"),
        (
            pl.DataFrame(frame(time=[1.0, 2.0, 3.0])).with_columns(time=pl.lit(math.nan)),
            "'time' has 3 missing values",
        ),
    ],
)
def test_frames_that_do_not_do(data, message, rater):
    model = rater()
    with pytest.raises(DatasetError, match=message):
        progressive_validate(model, data, time_col="time")
    assert model.log == []


def test_ratings_need_a_column(rater):
    with pytest.raises(DatasetError, match="The rating task needs a rating_col"):
        progressive_validate(rater(), frame(), rating_col=None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pl.DataFrame({"user": [1]}).lazy(), "data is a lazy frame: collect\\(\\) it first"),
        (np.ones((3, 3)), "data must be a frame .* or an iterable of \\(x, y\\) events; got a ndarray"),
        (pd.Series([1, 2]), "got a Series"),
        ("ratings.csv", "got a str"),
        ({"user": [1]}, "got a dict"),
        (3, "got a int"),
        ([("Alice", "Superman", 8)], "An event must be \\(x, y\\) or \\(x, y, keywords\\)"),
    ],
)
def test_data_of_other_kinds(data, message, rater):
    with pytest.raises(TypeError, match=message):
        progressive_validate(rater(), data)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([], "data holds no events"),
        (iter([]), "data holds no events"),
        (
            [({"userId": 1}, 2)],
            "neither 'user' nor 'item'; it has \\['userId'\\].*user_col=... and item_col=...",
        ),
        ([({"user": 1, "item": 2}, 2)], "The first event has no 'time'; it has .*time_col=..."),
        ([({"user": 1, "time": 2}, None)], "Event 1 has no y: the rating task needs one"),
        ([({"user": 1, "time": 2}, 1), ({"user": 1, "time": 2}, math.nan)], "Event 2 has y = nan"),
        ([({"user": 1, "time": 2}, "5")], "Event 1 has y = '5'"),
    ],
)
def test_streams_that_do_not_do(events, message, rater):
    with pytest.raises(DatasetError, match=message):
        progressive_validate(rater(), events, time_col="time")


def test_streams_of_river(rater):
    """An array stream has the positions as keys."""
    X = np.array([["a", "x"], ["b", "y"], ["a", "y"]], dtype=object)
    model = rater(user_col=0, item_col=1)
    result = progressive_validate(model, river_stream.iter_array(X, np.array([1.0, 2.0, 3.0])))
    assert learned(model) == [("a", "x", 1.0), ("b", "y", 2.0), ("a", "y", 3.0)]
    assert (result.n_users, result.n_items) == (2, 2)


def test_a_stream_need_not_end(rater):
    """Blocks are learned as they come: the data is never read as a whole."""
    model, ahead = rater(), []

    def events():
        for n in range(3000):
            ahead.append(n - len(model.log) // 2)
            yield {"user": n % 3, "item": n}, 1.0

    progressive_validate(model, events())
    assert max(ahead) <= 257
