"""Features of items, in every form in which they may be given."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from sklearn.base import clone

import skl_increc
from skl_increc._state.features import FeatureRows
from skl_increc.content import ContentRidge, Rocchio
from skl_increc.exceptions import GuaranteeError, SaveFormatError

FRAME = pd.DataFrame(
    {
        "item": ["a", "b", "c"],
        "price": [1.0, None, 3.0],
        "kind": ["x", "y", None],
        "ok": [True, False, True],
        "tags": [["p", "q"], [], ["q"]],
        "vector": [[1.0, 2.0], [0.0, 1.0], [3.0, 0.0]],
    }
)
ROWS = [
    {"price": 1.0, "kind": "x", "ok": True, "tags": {"p", "q"}, "vector": np.array([1.0, 2.0])},
    {"price": None, "kind": "y", "ok": False, "tags": (), "vector": [0, 1]},
    {"price": 3, "kind": float("nan"), "ok": np.True_, "tags": {"q": 1}, "vector": (3.0, 0.0)},
]
WANTED = {
    "a": {"price": 1, "kind=x": 1, "ok": 1, "tags=p": 1, "tags=q": 1, "vector[0]": 1, "vector[1]": 2},
    "b": {"kind=y": 1, "vector[1]": 1},
    "c": {"price": 3, "ok": 1, "tags=q": 1, "vector[0]": 3},
}
POLARS = pl.DataFrame({k: [None if v != v else v for v in vs] for k, vs in FRAME.to_dict("list").items()})


def told(model):
    """id -> name -> number, of those that are not zero."""
    table, names = model.item_features_.toarray(), model.item_feature_names_.tolist()
    return {
        item: {n: v for n, v in zip(names, row, strict=True) if v}
        for item, row in zip(model.item_ids_.tolist(), table.tolist(), strict=True)
    }


@pytest.mark.parametrize(
    "given_as",
    [
        (FRAME,),
        (POLARS,),
        (FRAME.astype({"kind": "category"}),),
        (FRAME["item"], FRAME.drop(columns="item")),
        (["a", "b", "c"], ROWS),
        (dict(zip("abc", ROWS, strict=True)),),
        (["a", "b", "c"], dict(zip("cba", ROWS[::-1], strict=True))),
    ],
    ids=["pandas", "polars", "categories", "series and frame", "list", "dict of dicts", "ids and dict"],
)
def test_all_forms_say_the_same(given_as):
    assert told(Rocchio().set_item_features(*given_as)) == WANTED


def test_matrices_have_names_or_numbers():
    X = np.array([[1.0, 0.0], [np.nan, 2.0]])
    for form in (X, X.tolist(), sp.csr_matrix(X), sp.coo_array(X)):
        assert told(Rocchio().set_item_features([1, 2], form)) == {1: {"x0": 1}, 2: {"x1": 2}}
    named = Rocchio().set_item_features([1, 2], X, names=["left", "right"])
    assert told(named) == {1: {"left": 1}, 2: {"right": 2}}


def test_later_features_replace_earlier_ones_and_columns_grow():
    model = Rocchio().set_item_features({"a": {"x": 1, "y": 2}, "b": {"x": 3}})
    model.learn_one({"user": "ann", "item": "c"})
    model.set_item_features(["a", "c", "a"], [{"x": 5}, {"z": 1}, {"y": 7}])
    assert told(model) == {"a": {"y": 7}, "b": {"x": 3}, "c": {"z": 1}}
    assert model.item_feature_names_.tolist() == ["x", "y", "z"]


def test_new_items_are_recommended_at_once():
    for model in (ContentRidge(), Rocchio()):
        model.learn_one({"user": "ann", "item": "tea"})
        model.set_item_features({"tea": {"leaf": 1}, "stout": {"malt": 1}})
        assert model.recommend_one("ann") == ["stout"]  # the other item she had
        model.set_item_features({"oolong": {"leaf": 1}})
        assert model.recommend_one("ann", 2) == ["oolong", "stout"]
        assert model.recommend_one("ann", 1, candidates=["stout", "oolong"]) == ["oolong"]
        assert model.recommend_one("a stranger", 1) == ["tea"]


def test_features_outlive_fit_and_clone_and_parameters():
    model = ContentRidge().set_item_features({"a": {"x": 1}, "b": {"x": 2}})
    model.fit([["ann", "a"], ["bob", "c"]])
    model.fit([["ann", "a"]])
    assert told(model) == {"a": {"x": 1}, "b": {"x": 2}}
    for other in (clone(model), model.clone(), model.clone({"l2": 3.0}), pickle.loads(pickle.dumps(model))):
        assert told(other) == told(model)
    assert clone(model)._state.n_events == 0 and model.clone({"l2": 3.0}).l2 == 3.0
    other = clone(model).set_params(
        history=5
    )  # shapes the state: with features alone there is nothing to lose
    assert other.fit([["ann", "a"]]).recommend_one("ann") == ["b"]
    assert clone(ContentRidge())._state is None


def test_forgotten_items_lose_their_features_and_others_stay():
    model = Rocchio().set_item_features({"a": {"x": 1}, "b": {"x": 2}, "never had": {"x": 3}})
    model.fit([["ann", "a"], ["bob", "b"]])
    assert model.forget(users=["bob"]) == 1
    assert told(model) == {"a": {"x": 1}, "b": {"x": 2}, "never had": {"x": 3}}
    assert model.forget(items=["b", "never had"]) == 0
    assert told(model) == {"a": {"x": 1}}


def test_merging_takes_what_is_new_and_refuses_what_differs():
    X = {"a": {"x": 1, "y": 2}, "b": {"y": 3}}
    one = Rocchio().set_item_features(X).fit([["ann", "a"]])
    other = Rocchio().set_item_features({"c": {"z": 1}, "a": {"y": 2, "x": 1}}).fit([["bob", "c"]])
    assert told(one.merge(other)) == {**X, "c": {"z": 1}}
    third = Rocchio().set_item_features({"a": {"x": 9}}).fit([["cas", "a"]])
    before = told(one)
    with pytest.raises(GuaranteeError, match="other features of one and the same item. Set the same"):
        one.merge(third)
    assert told(one) == before


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((["a"], [{"x": 1}, {"x": 2}]), ValueError, "There are 2 rows of features for 1 ids; give one row"),
        ((["a"], np.ones((2, 1))), ValueError, "There are 2 rows of features for 1 ids"),
        ((["a"], FRAME), ValueError, "There are 3 rows of features for 1 ids"),
        ((["a", None], [{}, {}]), ValueError, "The id at position 1 is missing"),
        ((["a"], [{"x": float("inf")}]), ValueError, "Features must be finite and below 1e.30"),
        ((["a"], np.array([[np.inf]])), ValueError, "Features must be finite and below 1e.30"),
        ((["a"], [{"x": 1e300}]), ValueError, "Scale them"),
        ((["a"], [{"x": object()}]), TypeError, "The feature 'x' must be a number, a name"),
        ((["a"], [{"x": pd.Timestamp(0)}]), TypeError, "Turn times into numbers"),
        ((["a"], [{"x": {"y": "z"}}]), TypeError, "The feature 'x' must hold numbers; got 'z'"),
        ((["a"], [{"x": {1, 2}}]), TypeError, "'x' is a set of numbers, which has no order; write a list"),
        (
            (["a"], np.ones(1)),
            ValueError,
            "a matrix of numbers of shape .n_ids, n_features.; it has the shape",
        ),
        ((["a"], "words"), ValueError, "features must be a frame, dicts, or a matrix of numbers"),
        ((["a"],), TypeError, "features is missing: give one row of features for each of the items"),
        ((["a", "z"], {"a": {}}), ValueError, "features has no entry for 'z' .1 of the items in all."),
        ((FRAME.drop(columns="item"),), ValueError, "The frame has no column 'item' .item_col."),
        (([["a"]], [{"x": 1}]), TypeError, "must be a hashable value"),
    ],
)
def test_what_is_no_feature_is_refused_and_changes_nothing(args, error, message):
    model = Rocchio().set_item_features({"b": {"x": 1}})
    before = model._state.export()
    with pytest.raises(error, match=message):
        model.set_item_features(*args)
    assert repr(model._state.export()) == repr(before)


def test_names_are_for_arrays_and_one_for_each_column():
    model = Rocchio()
    with pytest.raises(
        ValueError, match="names must be 2 different strings, one for each column; got 2, 1 of"
    ):
        model.set_item_features(["a"], np.ones((1, 2)), names=["x", "x"])
    with pytest.raises(ValueError, match="names is for arrays; a frame has names of its own"):
        model.set_item_features(FRAME["item"], FRAME.drop(columns="item"), names=["x"])
    assert model._state is None


def test_a_snapshot_takes_no_features():
    model = Rocchio().set_item_features({"a": {"x": 1}})
    kept = model.snapshot()
    model.set_item_features({"a": {"x": 2}})
    assert told(kept) == {"a": {"x": 1}}
    with pytest.raises(RuntimeError, match="is a snapshot"):
        kept.set_item_features({"a": {"x": 2}})


def test_files_hold_features_and_are_checked(tmp_path):
    model = ContentRidge().set_item_features(FRAME).fit([["ann", "a"], ["bob", "d"]])
    path = str(tmp_path / "model")
    skl_increc.save(model, path)
    again = skl_increc.load(path)
    assert told(again) == told(model)
    np.testing.assert_array_equal(again.recommend(["ann"])[1], model.recommend(["ann"])[1])
    model._state.stores["item_features"].entries.columns[0] = 99
    with pytest.raises((SaveFormatError, ValueError)):
        skl_increc.save(model, path)
        skl_increc.load(path)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("indptr", [0, 1], "indptr does not rise"),
        ("indptr", [0, 2, 1, 3], "indptr falls"),
        ("values", [1.0], "there are 1 values for 3 columns"),
        ("values", [1.0, np.nan, 2.0], "not finite"),
        ("columns", [0, 1, 2], "a column lies outside the 2 that have a name"),
        ("columns", [0, 0, 1], "a row has a column twice"),
        ("names", '["x", "x"]', "no list of distinct strings"),
        ("names", "[", "Expecting value"),
    ],
)
def test_a_store_checks_what_it_is_given(part, value, message):
    store = FeatureRows(1)
    store.put(np.array([0, 2]), sp.csr_matrix(np.array([[1.0, 2.0], [0.0, 3.0]])), ["x", "y"])
    kept = store.export()
    alive = np.array([True, False, True])
    store.check(kept, alive, alive)
    kind = kept[part].dtype
    kept[part] = np.frombuffer(value.encode(), np.uint8) if part == "names" else np.array(value, kind)
    with pytest.raises(ValueError, match=message):
        store.check(kept, alive, alive)
    with pytest.raises(ValueError, match="a row that is free has features"):
        store.check(store.export(), alive, np.array([True, True, False]))


@given(
    st.lists(
        st.tuples(st.sampled_from("set clear".split()), st.integers(0, 40), st.integers(0, 5)), max_size=60
    )
)
@settings(max_examples=examples(30), deadline=None)
def test_the_store_is_a_dictionary_of_rows(steps):
    store, plain = FeatureRows(1), {}
    for n, (what, row, width) in enumerate(steps):
        if what == "clear":
            store.clear(np.array([row]))
            plain.pop(row, None)
        else:
            names = [f"n{(row + n + j) % 7}" for j in range(width)]
            store.put(np.array([row]), sp.csr_matrix(np.arange(1.0, width + 1)[None, :]), names)
            plain[row] = dict(zip(names, np.arange(1.0, width + 1).tolist(), strict=True))
        if n % 7 == 3:
            store = store.copy()
        if n % 11 == 5:
            store = store.blank().restore(store.export())
    rows = {row: row for row in range(41)}
    wanted = {(row, name): v for row, cells in plain.items() for name, v in cells.items()}
    assert store.keyed(rows) == wanted
    assert store.kept == len(wanted)
    assert store.known(np.arange(41)).tolist() == [bool(plain.get(row)) for row in range(41)]
