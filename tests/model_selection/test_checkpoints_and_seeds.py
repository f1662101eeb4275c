"""Models put away along the stream, and several seeds of each."""

import math

import pytest
from river import dummy, stats

import skl_increc
from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF
from skl_increc.model_selection import progressive_validate


def test_models_are_saved_along_the_stream(tmp_path, stream):
    path = tmp_path / "{model}-{n_events}.npz"
    models = {"a/b": BiasedMF(n_factors=4), "bias": Baseline()}
    progressive_validate(models, list(stream()), checkpoint=path, checkpoint_every=150)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *["a_b-150.npz", "a_b-300.npz", "bias-150.npz", "bias-300.npz"]
    ]
    again = BiasedMF(n_factors=4)
    for x, y in list(stream())[:150]:
        again.learn_one(x, y)
    loaded = skl_increc.load(tmp_path / "a_b-150.npz")
    x = {"user": "u1", "item": 5}
    assert loaded.predict_one(x) == again.predict_one(x) != models["a/b"].predict_one(x)


def test_the_newest_replaces_the_one_before(tmp_path, stream):
    model = Baseline()
    progressive_validate(model, stream(), checkpoint=str(tmp_path / "m.npz"), checkpoint_every=200)
    x = {"user": "u1", "item": 5}
    assert skl_increc.load(tmp_path / "m.npz").predict_one(x) == model.predict_one(x)


def test_a_function_is_called_for_every_model_that_is_in(rater, stream):
    class Bad(rater):
        def predict_one(self, x=None, *, user=None, item=None):
            return math.nan

    calls = []
    models = {"good": rater(), "bad": Bad()}
    progressive_validate(
        models,
        stream(),
        step=0,
        checkpoint=lambda name, model, n: calls.append((name, len(model.last), n)),
        checkpoint_every=10,
    )
    assert calls[:2] == [("good", 10, 10), ("good", 20, 20)] and len(calls) == 40


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ({"checkpoint": "m.npz"}, ValueError, "checkpoint needs checkpoint_every"),
        ({"checkpoint_every": 5}, ValueError, "checkpoint_every=5 needs checkpoint, a path or a function"),
        (
            {"checkpoint": "m.npz", "checkpoint_every": 0},
            ValueError,
            "checkpoint_every must be a whole number",
        ),
        ({"checkpoint": 3, "checkpoint_every": 5}, TypeError, "must be a path or a function; got a int"),
        (
            {"checkpoint": "m.npz", "checkpoint_every": 5},
            ValueError,
            r"is one path for 2 models: put \{model\}",
        ),
        ({"checkpoint": "{x}", "checkpoint_every": 5}, ValueError, "and no other braces"),
        (
            {"checkpoint": "no/such/{model}.npz", "checkpoint_every": 5},
            FileNotFoundError,
            "The folder 'no/such' of checkpoint does not exist: make it first",
        ),
        ({"seeds": 0}, ValueError, "seeds must be a whole number, at least 1; got 0"),
        ({"seeds": [1, 1]}, ValueError, r"seeds must be different numbers, at least one; got \[1, 1\]"),
        ({"seeds": [-1]}, ValueError, "A seed must be a whole number, at least 0; got -1"),
    ],
)
def test_settings_are_checked_first(setting, error, message, stream):
    models = {"a": Baseline(), "b": Baseline()}
    with pytest.raises(error, match=message):
        progressive_validate(models, stream(), **setting)


def test_paths_are_for_models_that_can_be_saved(tmp_path, stream):
    mean = dummy.StatisticRegressor(stats.Mean())
    with pytest.raises(TypeError, match="is for models of skl_increc; 'mean' is none. Give a function of"):
        progressive_validate({"mean": mean}, stream(), checkpoint=tmp_path / "m", checkpoint_every=9)


def test_several_seeds_in_one_pass(stream):
    models = {"mf": BiasedMF(n_factors=4), "bias": Baseline()}
    result = progressive_validate(models, list(stream()), seeds=3)
    assert [row["model"] for row in result.summary()] == ["mf, seed 0", "mf, seed 1", "mf, seed 2", "bias"]
    rmses = [row["RMSE"] for row in result.summary()]
    for seed in range(3):
        alone = progressive_validate(BiasedMF(n_factors=4, random_state=seed), list(stream())).summary()[0]
        assert alone["RMSE"] == rmses[seed]
    mf, bias = result.over_seeds()
    assert (mf["model"], mf["n_seeds"], mf["RMSE"]) == ("mf", 3, pytest.approx(sum(rmses[:3]) / 3))
    assert mf["RMSE_sd"] > 0 and bias["RMSE"] == rmses[3] and math.isnan(bias["RMSE_sd"])
    assert models["bias"].predict_one({"user": "u1", "item": 5}) == Baseline().predict_one({})  # clones ran
    lines = str(result).splitlines()
    assert lines[0].split() == ["model", "seeds", "RMSE", "MAE"] and " +- " in lines[2]
    assert progressive_validate(Baseline(), stream()).over_seeds()[0]["n_seeds"] == 1
