"""Settings that explode: told of once, the last finite row is kept, and nothing is predicted or ranked by NaN."""

import pickle
import warnings

import numpy as np
import pytest

from skl_increc.exceptions import DivergenceWarning
from skl_increc.factorization import (
    BiasedMF,
    BiasedMFClassifier,
    FactorizationMachine,
    FactorizationMachineClassifier,
    FactorizationMachineRecommender,
    KalmanMF,
)

EVENTS = np.random.default_rng(0).integers(0, [20, 30], (200, 2))
RATINGS = np.random.default_rng(1).integers(1, 6, 200).astype(float)
HEAVY = np.geomspace(1e-9, 9e14, 200)

#: a row that starts beyond all measure, by what makes the steps
STARTS = {
    "sgd": BiasedMF(4, optimizer="sgd", init_scale=1e5),
    "sgd that overshoots": BiasedMF(4, optimizer="sgd", learning_rate=0.9, init_scale=1e10),
    "adagrad": BiasedMF(4, init_scale=1e38),
    "adam": BiasedMF(4, optimizer="adam", init_scale=1e19),
    "mean": BiasedMF(4, init="mean", init_scale=1e10),
    "history": BiasedMF(4, implicit="history", init_scale=1e15),
    "replay": BiasedMF(4, replay=1, init_scale=1e20),
    "classifier": BiasedMFClassifier(4, init_scale=1e20),
    "classifier, sgd": BiasedMFClassifier(4, optimizer="sgd", init_scale=1e5),
    "machine": FactorizationMachine(4, init_scale=1e19),
    "machine, ftrl": FactorizationMachine(4, init_scale=1e19, optimizer_bias="ftrl"),
    "machine of labels": FactorizationMachineClassifier(4, init_scale=1e19, class_weight="balanced"),
    "machine of lists": FactorizationMachineRecommender(4, n_negatives=2, init_scale=1e19),
}
#: rates and weights that no step may follow
RATES = {
    "sgd": BiasedMF(4, optimizer="sgd", learning_rate=1e30, learning_rate_bias=1e30),
    "adagrad": BiasedMF(4, learning_rate=1e30, learning_rate_bias=1e30),
    "adam": BiasedMF(4, optimizer="adam", learning_rate=1e30),
    "adam, biases": BiasedMF(4, optimizer="adam", learning_rate_bias=1e30),
    "history": BiasedMF(4, implicit="history", learning_rate=1e30),
    "l2": BiasedMF(4, l2=1e30),
    "adam, l2": BiasedMF(4, optimizer="adam", l2=1e30),
    "classifier": BiasedMFClassifier(4, learning_rate=1e30),
    "machine, ftrl": FactorizationMachine(4, optimizer_bias="ftrl", learning_rate_bias=1e6),
    "Kalman": KalmanMF(4, variance_factors=100.0, variance_bias=100.0),
    "Kalman, full": KalmanMF(4, covariance="full", variance_factors=100.0, init_scale=99.0),
}


def targets(model):
    return RATINGS > 3 if hasattr(model, "classes_") or "Classifier" in type(model).__name__ else RATINGS


def is_sane(model):
    """Rows, predictions and lists are numbers."""
    rows = [model.user_factors_, model.item_factors_, model.item_biases_]
    predicted = getattr(model, "decision_function", model.predict)(EVENTS)
    _, scores = model.recommend(range(20), 5) if hasattr(model, "recommend") else (None, predicted)
    return all(np.isfinite(x).all() for x in (*rows, predicted)) and not np.isnan(scores).any()


@pytest.mark.parametrize("model", STARTS.values(), ids=list(STARTS))
def test_rows_that_start_beyond_all_measure_stay_and_are_told_of_once(model):
    model = model.clone()
    y = targets(model)
    with pytest.warns(
        DivergenceWarning, match="Lower init_scale, learning_rate or learning_rate_bias"
    ) as told:
        model.partial_fit(EVENTS, y)
        kept = model.item_factors_.copy()
        model.learn_one({"user": 3, "item": 4}, y[0])
        model.partial_fit(EVENTS, y)
    assert len(told) == 1
    assert is_sane(model)
    np.testing.assert_array_equal(model.item_factors_, kept)  # no step was made


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("model", RATES.values(), ids=list(RATES))
def test_absurd_rates_and_weights_leave_numbers(model, heavy):
    model = model.clone()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(4):
            model.partial_fit(EVENTS, targets(model), sample_weight=HEAVY if heavy else None)
    assert {w.category for w in told} <= {DivergenceWarning} and len(told) <= 1
    assert is_sane(model)


def test_an_exploded_row_spoils_no_other():
    """One user starts beyond all measure; her events change nothing of the items, and others learn on."""
    model = BiasedMF(4).partial_fit(EVENTS, RATINGS)
    row = model._state.users.find(3)
    model._state.user_rows.arrays["factors"][row] = np.float32(1e10)
    kept = model.item_factors_.copy()
    with pytest.warns(DivergenceWarning, match="it was not made, and the row is as it was"):
        model.learn_one({"user": 3, "item": 4}, 5)
    np.testing.assert_array_equal(model.item_factors_, kept)
    model.learn_one({"user": 5, "item": 4}, 1)
    moved = np.flatnonzero((model.item_factors_ != kept).any(axis=1))
    assert model.item_ids_[moved].tolist() == [4] and np.abs(model.item_factors_).max() < 2


def test_full_batch_steps_and_single_ones_tell_once_together():
    model = BiasedMF(4, optimizer="gd", init_scale=1e10)
    with pytest.warns(DivergenceWarning, match="Lower init_scale, learning_rate") as told:
        model.partial_fit(EVENTS, RATINGS).partial_fit(EVENTS, RATINGS)
        model.learn_one({"user": 3, "item": 4}, 5.0)
    assert len(told) == 1 and is_sane(model)


def test_a_copy_of_a_model_that_exploded_goes_on():
    model = BiasedMF(4, init_scale=1e10)
    with pytest.warns(DivergenceWarning):
        model.partial_fit(EVENTS, RATINGS)
    copied = pickle.loads(pickle.dumps(model))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        copied.partial_fit(EVENTS, RATINGS)
    assert is_sane(copied)
