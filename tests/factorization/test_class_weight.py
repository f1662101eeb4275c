"""What events of the two labels weigh, in BiasedMFClassifier."""

import numpy as np
import pytest

from skl_increc import load, save
from skl_increc.factorization import BiasedMFClassifier


@pytest.fixture(scope="module")
def clicks():
    rng = np.random.default_rng(3)
    pairs = np.column_stack([rng.integers(0, 30, 1200), rng.integers(0, 20, 1200)])
    taste = rng.normal(size=30)[pairs[:, 0]] + rng.normal(size=20)[pairs[:, 1]]
    return pairs, (taste + rng.normal(size=1200) > 2.0).astype(int)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"optimizer": "sgd"},
        {"optimizer": "adam"},
        {"implicit": "history"},
        {"replay": 2},
        {"biases": False},
    ],
    ids=str,
)
def test_a_weight_of_a_label_is_that_of_its_events(clicks, params):
    X, y = clicks
    by_class = BiasedMFClassifier(class_weight={1: 3.0}, **params).fit(X, y)
    by_event = BiasedMFClassifier(**params).fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    np.testing.assert_allclose(by_class.decision_function(X), by_event.decision_function(X), atol=2e-3)
    plain = BiasedMFClassifier(**params).fit(X, y)
    assert by_class.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05
    same = BiasedMFClassifier(class_weight={0: 1.0, 1: 1.0}, **params).fit(X, y)
    np.testing.assert_array_equal(same.decision_function(X), plain.decision_function(X))


def test_balanced_labels_are_told_apart_about_the_middle_and_event_by_event_as_in_a_table(clicks):
    X, y = clicks
    assert y.mean() < 0.25
    plain, balanced = (BiasedMFClassifier(class_weight=c).fit(X, y) for c in (None, "balanced"))
    recall = [(model.predict(X)[y == 1] == 1).mean() for model in (plain, balanced)]
    assert recall[1] > recall[0] + 0.2
    assert abs(balanced.predict_proba(X)[:, 1][y == 0].mean() - 0.5) > 0.05
    one = BiasedMFClassifier(class_weight="balanced")
    for (user, item), label in zip(X.tolist(), y.tolist(), strict=True):
        one.learn_one({"user": user, "item": item}, label)
    np.testing.assert_array_equal(one.decision_function(X), balanced.decision_function(X))


def test_labels_of_other_names_and_files(clicks, tmp_path):
    X, y = clicks
    labels = np.where(y == 1, "yes", "no")
    model = BiasedMFClassifier(class_weight={"yes": 2.0}).fit(X, labels)
    numbers = BiasedMFClassifier(class_weight={1: 2.0}).fit(X, y)
    np.testing.assert_array_equal(model.decision_function(X), numbers.decision_function(X))
    save(model, tmp_path / "m.npz")
    np.testing.assert_array_equal(load(tmp_path / "m.npz").decision_function(X), numbers.decision_function(X))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"maybe": 2.0}, "class_weight names 'maybe', which is none of the labels"),
        ({1: 0.0}, "class_weight must be positive and finite"),
        ("uniform", "class_weight"),
    ],
)
def test_weights_that_are_none(clicks, weights, message):
    with pytest.raises(ValueError, match=message):
        BiasedMFClassifier(class_weight=weights).fit(*clicks)
