"""Models inside River's wrappers and pipelines are asked and taught as by River's own loop."""

import pytest
from river import compose, evaluate, linear_model, metrics, preprocessing, reco

from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF
from skl_increc.model_selection import progressive_validate
from skl_increc.model_selection._inside import innermost, shells

score = evaluate.progressive_val_score


def rivers():
    return reco.BiasedMF(n_factors=4, seed=1)


def clipped(model):
    return preprocessing.PredClipper(model, 1.5, 4.5)


WRAPPERS = {
    "clipped": lambda: clipped(rivers()),
    "clipped twice": lambda: clipped(clipped(rivers())),
    "in a pipeline": lambda: compose.Discard("age") | clipped(rivers()),
}


@pytest.mark.parametrize("make", WRAPPERS.values(), ids=list(WRAPPERS))
def test_models_of_river_get_their_ids(make, stream):
    row = progressive_validate(make(), stream(), metrics="mae", ties="order").summary()[0]
    plain, errors = rivers(), []
    for x, y in stream():
        errors.append(abs(y - min(max(plain.predict_one(x["user"], x["item"]), 1.5), 4.5)))
        plain.learn_one(x["user"], x["item"], y)
    assert row["MAE"] == pytest.approx(sum(errors) / len(errors), rel=1e-12)


def test_a_clipped_model_is_as_in_rivers_loop(stream):
    for model, unpacked in ((rivers(), True), (BiasedMF(n_factors=4), True), (BiasedMF(n_factors=4), False)):
        want = score(stream(unpacked=unpacked), clipped(model.clone()), metrics.RMSE()).get()
        row = progressive_validate(clipped(model.clone()), stream(), metrics="rmse", ties="order").summary()[
            0
        ]
        assert row["RMSE"] == want


def test_ids_under_other_names(stream):
    named = {"user_col": "who", "item_col": "what"}
    events = [({"who": x["user"], "what": x["item"]}, y) for x, y in stream()]
    want = progressive_validate(clipped(Baseline()), stream()).summary()[0]["RMSE"]
    for data, model, given in (
        (events, Baseline(**named), {}),  # the names that the model inside has
        (events, Baseline(), named),
        (stream(), Baseline(**named), {"user_col": "user", "item_col": "item"}),
        (events, Baseline(**named), named),
    ):
        assert progressive_validate(clipped(model), data, **given).summary()[0]["RMSE"] == want
    row = progressive_validate(clipped(rivers()), events, **named).summary()[0]
    assert row["RMSE"] == progressive_validate(clipped(rivers()), stream()).summary()[0]["RMSE"]


def test_a_wrapper_that_keeps_the_ids_to_itself_is_refused_with_the_cure(stream):
    said = r"River's {} does not hand user and item on to the river\.reco\.BiasedMF inside.*Put a model of skl_increc"
    for wrapper in (preprocessing.TargetStandardScaler(rivers()), compose.Discard("age") | rivers()):
        with pytest.raises(ValueError, match=said.format(type(wrapper).__name__)):
            progressive_validate(wrapper, stream())
    cured = preprocessing.TargetStandardScaler(BiasedMF(n_factors=4))
    assert progressive_validate(cured, stream()).summary()[0]["RMSE"] > 0


def test_a_weight_reaches_a_model_that_takes_one_and_no_other(stream):
    weighted = [(x, y, {"w": 2.0}) for x, y in stream()]
    light, heavy = (
        progressive_validate(clipped(Baseline()), events).summary()[0]["RMSE"]
        for events in (stream(), weighted)
    )
    assert light != heavy
    row = progressive_validate(clipped(rivers()), weighted).summary()[0]
    assert row["RMSE"] == progressive_validate(clipped(rivers()), stream()).summary()[0]["RMSE"]


def test_looking_inside():
    line = linear_model.LinearRegression()
    assert innermost(line) is line
    assert innermost(clipped(preprocessing.StandardScaler() | clipped(line))) is line
    assert len(shells(clipped(preprocessing.StandardScaler() | clipped(line)))) == 4
