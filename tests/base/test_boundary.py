"""What the doors refuse, in words that name the value and the cure."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skl_increc.baselines import Baseline, Popularity
from skl_increc.datasets import iter_events
from skl_increc.factorization import BiasedMF, BiasedMFClassifier
from skl_increc.model_selection import progressive_validate

X = np.c_[np.arange(40) % 7, np.arange(40) % 5]
Y = np.arange(40) % 5 + 1.0


@pytest.mark.parametrize(
    "form", [list, tuple, np.array, pd.Series, pa.array, lambda v: pa.chunked_array([v]), set, iter]
)
def test_every_sequence_of_ids_is_the_same_ids(form):
    model = Baseline().fit(X, Y)
    items, scores = model.recommend(
        form([1]), 2, exclude_seen=False, candidates=form([0, 3]), exclude=form([0])
    )
    assert items.tolist() == [[3, None]] and np.isfinite(scores[0, 0])
    assert model.forget(users=form([1, 3])) == int(np.isin(X[:, 0], [1, 3]).sum())


def test_what_is_no_sequence_of_ids():
    model = Baseline().fit(X, Y)
    with pytest.raises(TypeError, match="got a frame of .*Pick one column"):
        model.forget(users=pd.DataFrame({"user": [3]}))
    with pytest.raises(ValueError, match=r"array of shape \(40, 2\). Pick one column"):
        model.recommend(X)
    for call in (lambda: model.recommend("ab"), lambda: model.recommend_one(1, candidates="ab")):
        with pytest.raises(TypeError, match="Expected a sequence of ids; got 'ab'"):
            call()


def test_one_column_cannot_be_both_sides():
    with pytest.raises(ValueError, match="user_col and item_col are both 'item'"):
        BiasedMF(user_col="item").fit(pd.DataFrame({"user": [1], "item": [2]}), [1.0])


@pytest.mark.parametrize("model", [Baseline(), Baseline(drift=0.01), BiasedMF()], ids=str)
def test_numbers_too_large_to_add_up(model):
    model = model.fit(X, Y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="y must be below 1e\\+100 in size"):
        model.partial_fit(X, np.full(40, 1e308))
    with pytest.raises(ValueError, match="y must be below 1e\\+100 in size"):
        model.learn_one({"user": 1, "item": 2}, -1e200)
    with pytest.raises(ValueError, match="sample_weight must be below 1e\\+15"):
        model.partial_fit(X, Y, np.full(40, 1e20))
    with pytest.raises(ValueError, match="w must be below 1e\\+15"):
        model.learn_one({"user": 1, "item": 2}, 1.0, 1e20)
    assert np.array_equal(model.predict(X), before)


def test_a_list_is_no_longer_than_the_catalogue():
    assert Baseline().fit(X, Y).recommend_one("new", 10**12) == sorted(range(5), key=lambda i: -i)


def test_late_events_are_counted():
    model = Popularity(half_life=dt.timedelta(days=1), time_col="t")
    for t in (10, 5, 20, 15):
        model.learn_one({"user": t, "item": 1, "t": t})
    assert model.n_late_ == 2
    with pytest.raises(ValueError, match="time of an event must be"):
        model.learn_one({"user": 1, "item": 1, "t": pd.NaT})


def test_text_columns_of_every_library_are_the_same_ids():
    pl = pytest.importorskip("polars")
    users, items = ["u", None, "v", "u", "w"], ["b", "a", None, "a", "b"]
    y = [1.0, 2.0, 3.0, 4.0, 5.0]
    frame = pl.DataFrame({"user": users, "item": items})
    forms = [
        frame,
        frame.cast(pl.Categorical),
        frame.cast({"user": pl.Enum(["w", "x", "v", "u"]), "item": pl.Enum(["a", "b"])}),
        frame[2:0:-1].cast(pl.Categorical)[::-1].vstack(frame.cast(pl.Categorical)[:0]),
        pd.DataFrame({"user": users, "item": items}),
        pd.DataFrame({"user": users, "item": items}).astype("category"),
        pa.table({"user": users, "item": items}),
        pa.table({"user": pa.array(users).dictionary_encode(), "item": pa.array(items).dictionary_encode()}),
    ]
    asked = pd.DataFrame({"user": ["u", "v", "w", None], "item": ["a", "b", "a", "b"]})
    want = BiasedMF().fit(np.array([*zip(users, items, strict=True)], dtype=object), y)
    for form in forms:
        part = slice(1, 3) if len(form) == 2 else slice(None)
        model = BiasedMF().fit(form, y[part])
        if part == slice(None):
            assert np.array_equal(model.predict(asked.values), want.predict(asked.values))
        assert sorted(model.user_ids_) == sorted({u for u in users[part] if u is not None})
    empty = BiasedMF().fit(frame.with_columns(user=pl.lit(None, pl.Categorical)), y)
    assert len(empty.user_ids_) == 0 and set(empty.item_ids_) == {"a", "b"}


def test_categories_may_be_of_any_kinds():
    """pandas 2 cannot hash categories of which only some are tuples; names of types are made from such a hash."""
    frame = pd.DataFrame({"user": [1, ("a", 2), "x", ("a", 2)], "item": [("q", 1), 3, "y", "y"]}).astype(
        "category"
    )
    model = Popularity().partial_fit(frame)
    assert set(model.user_ids_) == {1, ("a", 2), "x"} and set(model.item_ids_) == {("q", 1), 3, "y"}


# -- frames in which a name is no name ------------------------------------------------------------------

TWICE = {
    "pandas": pd.DataFrame([[1, 2, 3, 1.0]], columns=["user", "item", "item", "rating"]),
    "pyarrow": pa.table([[1], [2], [3], [1.0]], names=["user", "item", "item", "rating"]),
}
OPENED_BY = {
    "fit": lambda X: BiasedMF().fit(X, [1.0]),
    "predict": lambda X: BiasedMF().fit([[1, 2]], [1.0]).predict(X),
    "learn_many": lambda X: BiasedMF().learn_many(X, [1.0]),
    "predict_many": lambda X: BiasedMF().predict_many(X),
    "progressive_validate": lambda X: progressive_validate(BiasedMF(), X),
    "iter_events": lambda X: iter_events(X),
}


@pytest.mark.parametrize("door", OPENED_BY.values(), ids=list(OPENED_BY))
@pytest.mark.parametrize("frame", TWICE.values(), ids=list(TWICE))
def test_two_columns_of_one_name_are_refused_with_the_cure(frame, door):
    said = (
        r"(X|data|frame) has 2 columns of the name 'item'; its columns are \['user', 'item', 'item', 'rating'\]\. "
        r"Rename all but one, or drop them: in pandas, \1\.loc"
    )
    with pytest.raises(ValueError, match=said) as error:
        door(frame)
    assert type(error.value) is ValueError


@pytest.mark.parametrize("frame", TWICE.values(), ids=list(TWICE))
def test_a_frame_is_no_sequence_of_ids(frame):
    model = BiasedMF().fit([[1, 2]], [1.0])
    with pytest.raises(
        TypeError, match=r"got a frame of \['user', 'item', 'item', 'rating'\]. Pick one column"
    ):
        model.recommend(frame)


# -- labels ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [[np.nan, 1.0], np.array([np.inf, 0.0]), pd.Series([None, 1], dtype="Float64")])
@pytest.mark.parametrize("door", ["fit", "partial_fit"])
@pytest.mark.filterwarnings("error")
def test_labels_that_are_no_numbers_are_refused_without_a_warning(door, y):
    with pytest.raises(ValueError, match=r"Input y contains (NaN|infinity)"):
        getattr(BiasedMFClassifier(), door)([[1, 2], [2, 1]], y)


@pytest.mark.parametrize("y", [0.0, -1.0])
def test_an_event_that_is_none_for_a_recommender_still_needs_ids(y):
    for x in ({"user": [1], "item": 2}, {"user": 1, "item": {}}):
        with pytest.raises(TypeError, match=r"An id's argument must be a hashable value"):
            Popularity().learn_one(x, y)
