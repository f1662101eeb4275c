"""The binary task: probabilities of a 1, by classifiers of both libraries."""

import math

import numpy as np
import pandas as pd
import pytest
from river import compose, dummy, evaluate, linear_model, metrics, preprocessing

from skl_increc.baselines import Baseline
from skl_increc.exceptions import DatasetError
from skl_increc.factorization import BiasedMFClassifier
from skl_increc.model_selection import progressive_validate
from skl_increc.model_selection._binary import BinaryMeter, chance

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "user": RNG.integers(0, 20, 500),
        "item": RNG.integers(0, 15, 500),
        "rating": RNG.integers(1, 6, 500).astype(float),
    }
)
EVENTS = [({"user": u, "item": i}, int(y >= 4)) for u, i, y in FRAME.itertuples(index=False)]


def logistic():
    return compose.Select("user", "item") | preprocessing.OneHotEncoder() | linear_model.LogisticRegression()


@pytest.mark.parametrize("make", [BiasedMFClassifier, logistic, dummy.PriorClassifier])
def test_the_figures_are_those_of_rivers_loop(make):
    result = progressive_validate(
        make(), FRAME, threshold=4, task="binary", metrics=["log_loss", "f1", "accuracy"]
    )
    for metric in (metrics.LogLoss(), metrics.F1(), metrics.Accuracy()):
        want = evaluate.progressive_val_score(
            [(x, bool(y)) if make is not BiasedMFClassifier else (x, y) for x, y in EVENTS[1:]],
            _taught_the_first(make()),
            metric,
        )
        got = progressive_validate(_taught_the_first(make()), EVENTS[1:], task="binary", metrics=[metric])
        name = type(metric).__name__
        assert got.summary()[0][name] == pytest.approx(want.get(), rel=1e-9)
        assert math.isfinite(result.summary()[0][name])


def _taught_the_first(model):
    """River's loop asks nothing of a classifier that knows no label."""
    model.learn_one(*EVENTS[0])
    return model


def test_the_task_is_found_and_labels_may_be_there_already():
    by_threshold = progressive_validate(BiasedMFClassifier(), FRAME, task="binary", threshold=4)
    found = progressive_validate(BiasedMFClassifier(), EVENTS)
    assert found.task == by_threshold.task == "binary"
    assert found.summary()[0]["LogLoss"] == by_threshold.summary()[0]["LogLoss"]
    assert set(found.summary()[0]) >= {"LogLoss", "ROCAUC", "F1"}
    assert found.threshold is None and by_threshold.to_dict()["threshold"] == 4
    assert "the probability of a 1 (y of 4 and more), each predicted" in str(by_threshold)


def test_log_loss_by_its_definition():
    model, losses = BiasedMFClassifier(), []
    for x, y in EVENTS:
        p = model.predict_proba_one(x)[1]
        losses.append(-math.log(p if y else 1 - p))
        model.learn_one(x, y)
    result = progressive_validate(BiasedMFClassifier(), EVENTS, step=100)
    assert result.summary()[0]["LogLoss"] == pytest.approx(np.mean(losses), rel=1e-12)
    recent = [row["recent"] for row in result.curve if row["metric"] == "LogLoss"]
    assert recent == pytest.approx([np.mean(losses[at : at + 100]) for at in range(0, 500, 100)], rel=1e-9)


def test_names_of_columns_and_wrapped_models():
    named = {"user_col": "who", "item_col": "what"}
    other = [({"who": x["user"], "what": x["item"]}, y) for x, y in EVENTS]
    want = progressive_validate(BiasedMFClassifier(), EVENTS).summary()[0]["LogLoss"]
    for model, data in (
        (BiasedMFClassifier(**named), other),
        (BiasedMFClassifier(), other),
        (compose.Discard("age") | BiasedMFClassifier(), other),
    ):
        assert progressive_validate(model, data, task="binary", **named).summary()[0]["LogLoss"] == want


def test_models_are_compared_by_log_loss():
    models = {"factors": BiasedMFClassifier(), "share": dummy.PriorClassifier()}
    comparison = progressive_validate(models, FRAME, threshold=4).compare("share")
    result = progressive_validate({n: m.clone() for n, m in models.items()}, FRAME, threshold=4)
    losses = {row["model"]: row["LogLoss"] for row in result.summary()}
    assert comparison.metric == "LogLoss"
    assert comparison.values == pytest.approx(losses)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "binary"}, r"needs y of 0 and 1; got [1-5]\.0\. Say threshold="),
        ({"threshold": math.nan}, r"threshold must be a finite number; got nan"),
        ({"threshold": 4, "min_y": 3}, r"min_y=3 is of the ranking task"),
        ({"threshold": 4, "metrics": "rmse"}, r"There is no binary metric 'rmse'"),
        ({"threshold": 4, "metrics": [metrics.RMSE()]}, r"RMSE is no metric of the binary task"),
        ({"threshold": 4, "task": "rating"}, r"cannot predict ratings"),
    ],
)
def test_what_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        progressive_validate(BiasedMFClassifier(), FRAME, **settings)


def test_what_is_no_classifier_is_refused():
    with pytest.raises(ValueError, match=r"task='binary', but Baseline cannot classify"):
        progressive_validate(Baseline(), FRAME, task="binary", threshold=4)
    with pytest.raises(ValueError, match=r"threshold=4 is of the binary task; this is the rating task"):
        progressive_validate(Baseline(), FRAME, threshold=4)
    with pytest.raises(DatasetError, match=r"needs y of 0 and 1; got 0\.5"):
        progressive_validate(BiasedMFClassifier(), [(EVENTS[0][0], 0.5)])


def test_a_chance_that_is_none_is_no_figure():
    assert (chance({}), chance({True: 0.25, False: 0.75}), chance({0: 0.25})) == (0.5, 0.25, 0.75)
    meter = BinaryMeter({"LogLoss": metrics.LogLoss()})
    assert math.isnan(meter.values()["LogLoss"])
    assert meter.measure([1, 0], [0.5, math.nan], [7, 8]) == 8 and meter.n == 0
    assert meter.measure([1], [0.0], [9]) is None and meter.values()["LogLoss"] < 35
