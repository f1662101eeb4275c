"""clean_events: every row that goes has one reason, and nothing goes in silence."""

import datetime as dt
import gzip
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.datasets import CleaningReport, clean_events
from skl_increc.exceptions import DatasetError

pd = pytest.importorskip("pandas")


def events(**columns):
    """Four events that no rule objects to, with columns replaced."""
    plain = {
        "user": ["ann", "bob", "ann", "cat"],
        "item": ["tea", "tea", "cup", "pan"],
        "rating": [1.0, 2.0, 3.0, 4.0],
        "timestamp": [10, 20, 30, 40],
    }
    return pd.DataFrame({**plain, **columns})


def reasons(frame, **rules):
    """Row -> reason, of the rows that were dropped."""
    kept, report = clean_events(frame, **rules)
    assert report.n_in == len(frame) == report.n_out + sum(report.dropped.values())
    assert report.n_out == len(kept)
    return {int(row): name for name in report.dropped for row in report.rows(name)}


def test_clean_events_are_left_alone():
    kept, report = clean_events(events())
    pd.testing.assert_frame_equal(kept, events())
    assert report.dropped == {} and report.n_dropped == 0
    assert str(report) == "4 events in, 4 out, 0 dropped"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        *[("user", value, "missing user") for value in (None, np.nan)],
        ("user", " ", "missing user"),
        ("user", ["ann"], "unparsable user"),
        ("item", None, "missing item"),
        ("item", "", "missing item"),
        *[("rating", value, "missing rating") for value in (None, "", np.nan)],
        *[("rating", value, "unparsable rating") for value in ("1,5", "good", np.inf, [1])],
        *[("timestamp", value, "missing time") for value in (None, " ")],
        *[("timestamp", value, "unparsable time") for value in ("01/02/2020", "soon", -np.inf)],
    ],
)
def test_cells_that_hold_nothing_of_use(column, value, reason):
    cells = list(events()[column])
    cells[2] = value
    assert reasons(events(**{column: pd.Series(cells, dtype=object)})) == {2: reason}


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_what_comes_in_goes_out(kind):
    pytest.importorskip(kind)
    frame = events(rating=[1.0, np.nan, 3.0, 4.0])
    if kind == "polars":
        import polars as pl

        native = pl.DataFrame(frame.to_dict("list")).with_columns(pl.col("rating").fill_nan(None))
    elif kind == "pyarrow":
        import pyarrow as pa

        native = pa.Table.from_pandas(frame)
    else:
        native = frame.set_axis(["a", "b", "c", "d"])
    kept, report = clean_events(native)
    assert type(kept) is type(native) and type(report.to_frame()) is type(native)
    assert report.dropped == {"missing rating": 1}
    if kind == "pandas":
        assert list(kept.index) == ["a", "c", "d"]


def test_text_comes_back_as_numbers_beside_any_index():
    frame = events(rating=["1", " 2 ", "x", "4"], timestamp=["0", "1970-01-01T00:01Z", "3", "1970-01-02"])
    kept, _ = clean_events(frame.set_axis([7, 7, 8, 9]))
    assert list(kept.index) == [7, 7, 9]
    assert kept["rating"].tolist() == [1.0, 2.0, 4.0]
    assert kept["timestamp"].tolist() == [0.0, 60.0, 86400.0]


def test_times_may_be_datetimes():
    times = pd.to_datetime(["2020-01-01", None, "2020-01-03", "2020-01-04"])
    frame = events(timestamp=times)
    bounds = ("2020-01-02", dt.datetime(2020, 1, 3))
    assert reasons(frame, time_range=bounds) == {
        0: "time out of range",
        1: "missing time",
        3: "time out of range",
    }
    assert clean_events(frame)[0]["timestamp"].dtype == times.dtype


def test_ranges_include_their_ends():
    assert reasons(events(), rating_range=(2, 3)) == {0: "rating out of range", 3: "rating out of range"}
    assert reasons(events(), rating_range=(None, 3)) == {3: "rating out of range"}


def test_service_rows_by_list_and_by_pattern():
    assert reasons(events(), service_items=["cup", "unknown"]) == {2: "service row"}
    assert reasons(events(), service_items="^T|^t") == {0: "service row", 1: "service row"}
    frame = events().assign(text=["Postage", None, "a cup", "POSTAGE"])
    found = reasons(frame, service_items=re.compile("postage", re.IGNORECASE), service_col="text")
    assert found == {0: "service row", 3: "service row"}


def test_duplicates_are_equal_in_everything_named():
    twice = pd.concat([events(), events(), events().assign(rating=5.0)], ignore_index=True)
    assert reasons(twice) == {row: "duplicate" for row in (4, 5, 6, 7)}
    assert reasons(twice, duplicates=False) == {}
    # without times a second purchase looks the same
    untimed = {"time_col": None, "rating_col": None}
    assert reasons(twice, **untimed) == {}
    assert set(reasons(twice, **untimed, duplicates=True)) == set(range(4, 12))


def returns_of(*lines):
    user, item, y, t = zip(*lines, strict=True)
    return pd.DataFrame({"user": user, "item": item, "rating": y, "timestamp": t})


def test_a_return_cancels_the_latest_earlier_purchases():
    frame = returns_of(("a", 1, 2, 0), ("a", 1, 3, 1), ("b", 1, 9, 1), ("a", 1, -4, 2), ("a", 1, 5, 3))
    kept, report = clean_events(frame, returns="cancel")
    assert report.dropped == {"return": 1, "cancelled by a return": 1}
    assert report.rows("cancelled by a return").tolist() == [1]
    assert kept["rating"].tolist() == [1, 9, 5]
    assert report.changed == {"purchases made smaller by a return": 1}
    assert "1 purchases made smaller by a return" in str(report)


def test_a_return_of_more_than_was_bought_is_told_apart():
    frame = returns_of(("a", 1, 2, 0), ("a", 1, -3, 1), ("a", 2, -1, 1), ("a", 2, 1, 2))
    assert reasons(frame, returns="cancel") == {
        0: "cancelled by a return",
        1: "return without a purchase",
        2: "return without a purchase",
    }
    assert reasons(frame, returns="drop") == {1: "return", 2: "return"}
    assert reasons(frame) == {}


def test_bursts_of_a_user_and_of_an_item():
    t = [0, 10, 20, 25, 100, 1000]
    frame = returns_of(*[("bot", item, 1, second) for item, second in enumerate(t)], ("ann", 1, 1, 11))
    assert set(reasons(frame, user_burst=(3, "26s"))) == {0, 1, 2, 3}
    assert reasons(frame, user_burst=(3, 25)) == {}  # the fourth is 25 seconds later: no more in it
    assert set(reasons(frame, user_burst=(3, dt.timedelta(seconds=26)), burst_scope="all")) == set(range(6))
    assert reasons(frame, item_burst=(1, "2s")) == {1: "burst of an item", 6: "burst of an item"}


def test_each_row_leaves_by_the_first_rule_that_it_breaks():
    frame = returns_of((None, "POST", -1, 0), ("a", "POST", -1, 0), ("a", 1, -1, 0), ("a", 1, -1, 0))
    rules = {"service_items": ["POST"], "returns": "drop"}
    assert reasons(frame, **rules) == {0: "missing user", 1: "service row", 2: "return", 3: "duplicate"}


def test_anonymous_events_may_stay():
    frame = events(user=["ann", None, "", "cat"])
    assert reasons(frame, keep_anonymous=True) == {2: "missing user"}


def test_the_report_is_a_frame_with_examples():
    _, report = clean_events(events(rating=[1.0, 9.0, 8.0, 7.0]), rating_range=(1, 5))
    table = report.to_frame()
    assert table.to_dict("list") == {
        "reason": ["rating out of range"],
        "events": [3],
        "share": [0.75],
        "example": ["row 1: 'bob', 'tea', 9.0, 20"],
    }
    assert [example["row"] for example in report.examples["rating out of range"]] == [1, 2, 3]
    assert "rating out of range" in str(report) and "75.0%" in str(report)
    assert isinstance(report, CleaningReport)
    with pytest.raises(KeyError, match="nothing was dropped as 'return'"):
        report.rows("return")


CELLS = {
    "user": st.sampled_from(["a", "b", None, ""]),
    "item": st.sampled_from([1, 2, None]),
    "rating": st.sampled_from(["1", "-1", "x", None, "7"]),
    "timestamp": st.sampled_from(["0", "1", "5", "x", None]),
}
TABLES = st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=20)


@settings(max_examples=examples(12), deadline=None)
@given(TABLES, st.sampled_from(["keep", "drop", "cancel"]))
def test_rows_in_are_rows_out_and_rows_dropped(rows, returns):
    frame = pd.DataFrame(rows, columns=list(CELLS), dtype=object)
    rules = {"returns": returns, "rating_range": (None, 5), "user_burst": (1, "2s"), "service_items": [2]}
    kept, report = clean_events(frame, **rules)
    dropped = [row for name in report.dropped for row in report.rows(name).tolist()]
    assert sorted([*dropped, *kept.index]) == list(range(len(frame)))
    # what is clean stays clean: nothing is left for the rules but bursts, which were dropped with their reason
    again, second = clean_events(kept, **{**rules, "user_burst": None})
    assert second.n_dropped == 0 and len(again) == len(kept)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"user_col": "who"},
            "no column 'who'; it has 'user', 'item', 'rating', 'timestamp'. Name it with user_col",
        ),
        ({"rating_col": "stars"}, "Name it with rating_col=; None where there is none"),
        ({"service_items": "x", "service_col": "text"}, "no column 'text'"),
        ({"service_items": "("}, "service_items='\\(' is no regular expression"),
        ({"returns": "forget"}, "returns='forget' is none of"),
        ({"returns": "drop", "rating_col": None}, "name their column with rating_col"),
        ({"burst_scope": "day"}, "burst_scope='day' is none of"),
        ({"rating_range": (1,)}, "must be two bounds"),
        ({"time_range": ("x", None)}, "time_range=.* must be two bounds, each None or a time"),
        ({"time_range": (1, 2), "time_col": None}, "needs time_col, which is None"),
        ({"user_burst": (3, "1h"), "time_col": None}, "user_burst=.* needs time_col"),
        ({"user_burst": 3}, "must be \\(events, span\\)"),
        ({"item_burst": (0, "1h")}, "item_burst=.* must be \\(events, span\\)"),
        ({"item_burst": (3, "1 month")}, "must be \\(events, span\\)"),
    ],
)
def test_what_cannot_be_is_refused(rules, message):
    with pytest.raises(ValueError, match=message) as caught:
        clean_events(events(), **rules)
    assert isinstance(caught.value, DatasetError) == ("Name it" in message or "no column" in message)


def test_arrays_are_no_frames():
    with pytest.raises(TypeError, match="takes an eager frame .* got 'ndarray'"):
        clean_events(np.zeros((2, 4)))


def test_a_years_purchases_of_a_shop():
    folder = os.environ.get("SKL_INCREC_DATA")
    if folder is None:
        pytest.skip("needs SKL_INCREC_DATA")
    path = Path(folder) / "online-retail" / "interactions.csv.gz"
    with gzip.open(path) as file:
        frame = pd.read_csv(file, nrows=40_000)
    texts = pd.read_csv(path.with_name("items.csv.gz"), usecols=["item", "description"])
    frame = frame.merge(texts, on="item", how="left")
    kept, report = clean_events(
        frame,
        service_items="(?i)^(postage|dotcom postage|carriage|manual|discount|bank charges)$",
        service_col="description",
        returns="cancel",
    )
    assert not kept["description"].isin(["POSTAGE", "Manual"]).any()
    assert (kept["rating"] > 0).all() and not kept.duplicated(["user", "item", "rating", "timestamp"]).any()
    assert set(report.dropped) >= {"service row", "duplicate", "return", "cancelled by a return"}
    assert report.n_out == len(kept)
