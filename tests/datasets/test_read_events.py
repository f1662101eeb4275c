"""read_events: good files in one shape, bad files in one clear line."""

import gzip
import logging
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.datasets import read_events
from skl_increc.exceptions import DatasetError

pl = pytest.importorskip("polars")


@pytest.fixture
def write(tmp_path):
    def write(content, name="events.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


GOOD = "user,item,rating,timestamp\na,1,4.5,30\nb,2,3,10\na,2,1,20\nc,1,2,20\n"
ROWS = [("b", 2, 3.0, 10), ("a", 2, 1.0, 20), ("c", 1, 2.0, 20), ("a", 1, 4.5, 30)]


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(",", "\t"),
        GOOD.replace(",", ";"),
        GOOD.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        gzip.compress(GOOD.encode(), mtime=0),
        gzip.compress(GOOD.replace(",", "\t").encode(), mtime=0),
        GOOD.rstrip("\n"),
        GOOD.replace("\nb", "\n\nb") + "\n\n",
        GOOD.replace("user,item", '"user", item ').replace("a,", '"a",'),
        GOOD.replace("4.5", " 4.5 "),
    ],
)
def test_dialects_of_csv(write, content):
    frame = read_events(write(content))
    assert frame.rows() == ROWS
    assert dict(frame.schema) == {
        "user": pl.String,
        "item": pl.Int64,
        "rating": pl.Float64,
        "timestamp": pl.Int64,
    }


def test_the_path_may_be_text_and_hold_odd_letters(write):
    assert read_events(str(write(GOOD, "a[1]*.txt"))).rows() == ROWS


def test_parquet(tmp_path):
    frame = pl.DataFrame(
        {
            "user": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "item": [1.0, None, 3.0],
            "rating": pl.Series([1, 2, 3], dtype=pl.Int8),
            "timestamp": pl.Series([30, 10, 20], dtype=pl.Datetime("ms")).dt.replace_time_zone("UTC"),
            "price": [0.5, None, 1.0],
        }
    )
    frame.write_parquet(tmp_path / "no_suffix")
    read = read_events(tmp_path / "no_suffix")
    assert read.columns == ["user", "item", "rating", "timestamp", "price"]
    assert read.rows() == [("b", None, 2.0, 0.01, None), (None, 3, 3.0, 0.02, 1.0), ("a", 1, 1.0, 0.03, 0.5)]
    assert read.schema["item"] == pl.Int64


def test_names_are_settable_and_other_columns_stay(write):
    path = write("when,who,what,stars,note,code,empty\n5,1,x,3,hello,007,\n4,2,y,4,12,8,\n")
    frame = read_events(path, user_col="who", item_col="what", rating_col="stars", time_col="when")
    assert frame.columns == ["user", "item", "rating", "timestamp", "note", "code", "empty"]
    assert frame.rows() == [(2, "y", 4.0, 4, "12", "8", None), (1, "x", 3.0, 5, "hello", "007", None)]


def test_other_columns_get_their_types(write):
    frame = read_events(write("user,item,rating,timestamp,n,x\n1,2,3,4,5,6.5\n1,2,3,5,,7\n"))
    assert frame.schema["n"] == pl.Int64 and frame.schema["x"] == pl.Float64
    assert frame["n"].to_list() == [5, None] and frame["x"].to_list() == [6.5, 7.0]


def test_without_ratings_and_times_the_rows_stay_in_order(write):
    frame = read_events(write("item,user\n2,9\n1,8\n"), rating_col=None, time_col=None)
    assert frame.columns == ["user", "item"] and frame.rows() == [(9, 2), (8, 1)]


@pytest.mark.parametrize(
    ("cells", "ids", "dtype"),
    [
        (["1", "-2", ""], [1, -2, None], pl.Int64),
        (["7", "007"], ["7", "007"], pl.String),
        (["1", "x"], ["1", "x"], pl.String),
        (["1.0", "2"], ["1.0", "2"], pl.String),
        (["9223372036854775807", "1"], [2**63 - 1, 1], pl.Int64),
        (["9223372036854775808", "1"], ["9223372036854775808", "1"], pl.String),
        (["+1", "1"], ["+1", "1"], pl.String),
    ],
)
def test_ids_lose_nothing(write, cells, ids, dtype):
    text = "user,item,rating,timestamp\n" + "".join(f"{cell},1,1,{row}\n" for row, cell in enumerate(cells))
    column = read_events(write(text))["user"]
    assert column.to_list() == ids and column.dtype == dtype


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["2", "1"], [1, 2]),
        (["2.5", "1"], [1.0, 2.5]),
        (["1e3", "2"], [2, 1000]),
        (["1970-01-02", "1970-01-01"], [0, 86400]),
        (["1970-01-01T00:00:01", "1970-01-01 00:00:00"], [0, 1]),
        (["1970-01-01T00:00:01Z", "1970-01-01T02:00:00+02:00"], [0, 1]),
        (["1970-01-01 00:00:00.25", "1970-01-01 00:00:00"], [0.0, 0.25]),
        (
            ["1970-01-01", "1970-01-01 00:01", "1970-01-01T00:02Z", "1970-01-01 01:03:00 +0100"],
            [0, 60, 120, 180],
        ),
        (["1970-01-01 00:00:01.5 UTC", "1969-12-31T22:00-02"], [0.0, 1.5]),
        (["1969-12-31 23:59:59", "1960-01-01"], [-315619200, -1]),
    ],
)
def test_times(write, cells, seconds):
    text = "user,item,rating,timestamp\n" + "".join(f"1,1,1,{cell}\n" for cell in cells)
    column = read_events(write(text))["timestamp"]
    assert column.to_list() == seconds
    assert column.dtype == (pl.Float64 if isinstance(seconds[0], float) else pl.Int64)


@settings(max_examples=examples(30))
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**40), 2**40),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_what_polars_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("read") / "events.csv"
    names = ["user", "item", "rating", "timestamp"]
    pl.DataFrame(rows, schema=names, orient="row").write_csv(path)
    frame = read_events(path)
    expected = sorted(rows, key=lambda row: row[3])
    assert [str(user) for user in frame["user"]] == [row[0] for row in expected]
    assert frame.drop("user").rows() == [row[1:] for row in expected]


# detection ------------------------------------------------------------------------------------------------


def test_detection_is_asked_for_and_reported(write, caplog):
    path = write("userId,movie_id,Score,TIME\n1,2,3,4\n")
    with pytest.raises(
        DatasetError, match=r"no column 'user'\. It has 'userId', .*for example user_col='userId'\."
    ):
        read_events(path)
    with caplog.at_level(logging.INFO, "skl_increc.datasets"):
        frame, columns = read_events(path, detect=True, return_columns=True)
    assert frame.rows() == [(1, 2, 3.0, 4)]
    assert columns == {"user": "userId", "item": "movie_id", "rating": "Score", "timestamp": "TIME"}
    assert "column 'movie_id' is read as the item" in caplog.text


def test_names_that_are_there_are_never_detected_over(write):
    path = write("user,userId,item,itemId,rating,timestamp\n1,2,3,4,5,6\n")
    frame, columns = read_events(path, detect=True, return_columns=True)
    assert frame.rows() == [(1, 3, 5.0, 6, 2, 4)] and columns["user"] == "user"


def test_two_candidates_are_an_error(write):
    with pytest.raises(
        DatasetError, match=r"several that could be the item: 'movieId', 'item_id'.*with item_col="
    ):
        read_events(write("user,movieId,item_id,rating,timestamp\n1,2,3,4,5\n"), detect=True)


def test_a_name_that_was_given_is_not_detected_away(write):
    with pytest.raises(DatasetError, match="no column 'customer'. It has 'userId'"):
        read_events(write("userId,item,rating,timestamp\n1,2,3,4\n"), user_col="customer", detect=True)


def test_columns_without_a_role_are_none(write):
    columns = read_events(write("user,item\n1,2\n"), rating_col=None, time_col=None, return_columns=True)[1]
    assert columns == {"user": "user", "item": "item", "rating": None, "timestamp": None}


# bad files --------------------------------------------------------------------------------------------------


def bad_row(cell, column=2):
    row = ["1", "2", "3", "4"]
    row[column] = cell
    return "user,item,rating,timestamp\n1,2,3,4\n" + ",".join(row) + "\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"is empty: it has not even a line with the names of the columns"),
        (
            "user,item,rating,timestamp\n",
            r"is empty: it names the columns 'user', 'item', .* but holds no event",
        ),
        ("user,item,rating,timestamp\n\n\n", r"is empty: .* holds no event"),
        (bad_row("abc"), r"1 value in column 'rating' .*, read as the rating: .*: 'abc' \(row 2\); rows are"),
        (bad_row("4,5"), r"cannot be read: found more fields"),
        (bad_row('"4,5"'), r"'4,5' \(row 2\)"),
        (bad_row(""), r"missing or no finite number: missing \(row 2\)"),
        (bad_row("NaN"), r"'NaN' \(row 2\)"),
        (
            bad_row("-inf"),
            r"'-inf' \(row 2\); rows .* The file has 'user', 'item', 'rating', .* with rating_col=",
        ),
        (bad_row("1e999"), r"'1e999' \(row 2\)"),
        (bad_row("", 3), r"neither seconds nor an ISO date and time: missing \(row 2\)"),
        (bad_row("01/02/2020", 3), r"'01/02/2020' \(row 2\); .* with time_col="),
        (bad_row("2020-13-45", 3), r"'2020-13-45' \(row 2\)"),
        (bad_row("1970-01-01T10", 3), r"'1970-01-01T10' \(row 2\)"),
        (bad_row("nan", 3), r"'nan' \(row 2\)"),
        ("user,item,rating,timestamp\n1,2,3,2020-01-01\n1,2,3,yesterday\n", r"'yesterday' \(row 2\)"),
        (
            "user,item,rating,timestamp\n" + "1,2,x,4\n\n" * 9,
            r"9 values .*'x' \(row 1\), 'x' \(row 3\), 'x' \(row 5\), \.\.\.;",
        ),
        (bad_row("y" * 500), r"'y{39} \(row 2\)"),
        ("user,item,rating,timestamp\n1,2\n", r"read as the rating: .* missing \(row 1\)"),
        (
            "196,242,3,881250949\n1,2,3,4\n",
            r"no column 'user'. It has '196', '242', '3', '881250949'. Name the user",
        ),
        ("user,rating,timestamp\n1,2,3\n", r"no column 'item'. It has 'user', .*with item_col="),
        ("user,item,timestamp\n1,2,3\n", r"no column 'rating'. .*rating_col=None for events without ratings"),
        (
            "user,item,rating\n1,2,3\n",
            r"no column 'timestamp'. .*time_col=None to take the rows in the order",
        ),
        ("user,user,item,rating,timestamp\n1,1,2,3,4\n", r"several columns of the name 'user'"),
        (
            "user,item,rating,timestamp\n1,caf\xe9,3,4\n".encode("latin-1"),
            r"cannot be read: .*Save it as CSV in UTF-8",
        ),
        ("user,caf\xe9,rating,timestamp\n".encode("latin-1"), r"is not text in UTF-8 \(byte 0xe9\)"),
        (GOOD.encode("utf-16"), r"is not text in UTF-8 \(byte 0xff\)"),
        (gzip.compress(GOOD.encode() * 99, mtime=0)[:60], r"cannot be read: .*Save it as CSV in UTF-8"),
        (b"\x1f\x8b no gzip", r"cannot be read: "),
        (b"PAR1 no parquet", r"cannot be read: "),
        (bad_row('"3'), r"cannot be read|missing|no finite number"),
    ],
)
def test_bad_files_end_with_one_clear_line(write, content, message):
    path = write(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_events(path)
    text = str(caught.value)
    assert repr(str(path)) in text and "\n" not in text and text.endswith(".")


def test_an_absent_file_and_a_folder(tmp_path):
    with pytest.raises(
        DatasetError, match=r"There is no file '.*none\.csv' \(in the folder .*check the path"
    ):
        read_events(tmp_path / "none.csv")
    with pytest.raises(DatasetError, match=r"cannot be read: .*directory"):
        read_events(tmp_path)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            "rating",
            [[1.0], [2.0]],
            r"'rating' of .* is of type List\(Float64\), and a rating needs numbers. The file",
        ),
        ("rating", [1.0, None], r"missing \(row 2\)"),
        ("rating", [1.0, float("nan")], r"nan \(row 2\)"),
        ("rating", [None, None], r"2 values"),
        ("timestamp", [True, False], r"is of type Boolean, and a timestamp needs seconds or datetimes"),
        ("timestamp", [float("inf"), 1.0], r"inf \(row 1\)"),
    ],
)
def test_bad_parquet(tmp_path, column, values, message):
    data = {"user": [1, 2], "item": [1, 2], "rating": [1.0, 2.0], "timestamp": [1, 2], column: values}
    pl.DataFrame(data).write_parquet(tmp_path / "bad.parquet")
    with pytest.raises(DatasetError, match=message):
        read_events(tmp_path / "bad.parquet")


def test_one_column_has_one_role(write):
    with pytest.raises(
        DatasetError, match=r"'user' of .* cannot be both the user and the item; .*with item_col="
    ):
        read_events(write(GOOD), item_col="user")
    path = write("user,who,item,rating,timestamp\n1,2,3,4,5\n")
    with pytest.raises(
        DatasetError, match=r"has a column 'user' beside 'who', which is read as the user: rename"
    ):
        read_events(path, user_col="who")


def test_roles_may_be_crossed(write):
    frame = read_events(
        write("user,item\n1,2\n"), user_col="item", item_col="user", rating_col=None, time_col=None
    )
    assert frame.columns == ["user", "item"] and frame.rows() == [(2, 1)]


def test_polars_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r'read_events needs polars .* pip install "skl_increc\[cli\]"'):
        read_events("events.csv")


def test_real_files():
    folder = os.environ.get("SKL_INCREC_DATA")
    if not folder:
        pytest.skip("SKL_INCREC_DATA is not set")
    frame = read_events(Path(folder) / "movielens-100k" / "interactions.csv.gz")
    assert frame.shape == (100_000, 4) and frame["rating"].min() == 1 and frame["rating"].max() == 5
    retail = read_events(Path(folder) / "online-retail" / "interactions.csv.gz")
    assert retail.columns == ["user", "item", "rating", "timestamp", "event", "unit_price"]
    assert retail.schema["unit_price"] == pl.Float64
