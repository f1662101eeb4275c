"""optimizer="gd": one step a call, from the mean of the side where init="mean"."""

import numpy as np
import pytest

from skl_increc.exceptions import DivergenceWarning
from skl_increc.factorization import BiasedMF

GD = {"optimizer": "gd", "n_factors": 5, "n_epochs": 2, "history": 0}


def rows(side, n, seed):
    rng = np.random.default_rng(seed)
    return [[f"{side}u{v}", f"{side}i{w}"] for v, w in rng.integers(0, 6, (n, 2))]


def test_a_new_row_starts_at_the_mean_of_its_side():
    X, y = rows("", 60, 0), np.random.default_rng(1).normal(size=60)
    model = BiasedMF(**GD, init="mean", learning_rate=1e-12, learning_rate_bias=1e-12).partial_fit(X, y)
    mean = model.user_factors_.mean(axis=0)
    start = BiasedMF(**GD, learning_rate=1e-12, learning_rate_bias=1e-12).partial_fit(
        [["new", "thing"]], [1.0]
    )
    model.partial_fit([["new", "thing"]], [1.0])
    new = model.user_factors_[model.user_ids_ == "new"][0]
    np.testing.assert_allclose(new, start.user_factors_[0] + mean, rtol=1e-5, atol=1e-7)


def test_the_first_rows_of_an_empty_side_start_at_random():
    X, y = rows("", 30, 2), np.ones(30)
    with_mean = BiasedMF(**GD, init="mean").partial_fit(X, y)
    np.testing.assert_array_equal(with_mean.user_factors_, BiasedMF(**GD).partial_fit(X, y).user_factors_)


def test_steps_of_one_event_follow_the_mean_after_steps_of_a_batch():
    X, y = rows("", 60, 3), np.random.default_rng(4).normal(size=60)
    model = BiasedMF(**GD, init="mean").partial_fit(X, y)
    model.set_params(learning_rate=1e-12, learning_rate_bias=1e-12)
    mean = model.item_factors_.mean(axis=0)
    start = BiasedMF(**GD).set_params(learning_rate=1e-12)
    start.learn_one({"user": "new", "item": "thing"}, 1.0)
    model.learn_one({"user": "new", "item": "thing"}, 1.0)
    new = model.item_factors_[model.item_ids_ == "thing"][0]
    np.testing.assert_allclose(new, start.item_factors_[0] + mean, rtol=1e-5, atol=1e-7)


def test_fit_descends():
    X, y = rows("", 300, 5), np.random.default_rng(6).normal(size=300)
    errors = [np.mean((BiasedMF(**{**GD, "n_epochs": n}).fit(X, y).predict(X) - y) ** 2) for n in (2, 10, 50)]
    assert errors[0] > errors[1] > errors[2]


def test_one_pass_is_refused():
    with pytest.raises(ValueError, match=r"optimizer='gd' takes one step a pass.*n_epochs=1.*Set n_epochs"):
        BiasedMF(**{**GD, "n_epochs": 1}).fit([["a", "b"]], [1.0])


@pytest.mark.parametrize("init", ["normal", "mean"])
def test_rows_that_diverge_are_left_as_they_were_and_told_of_once(init):
    X, y = rows("", 300, 7), np.random.default_rng(8).normal(size=300)
    model = BiasedMF(5, optimizer="gd", n_epochs=60, init=init, learning_rate=50.0, learning_rate_bias=5.0)
    with pytest.warns(DivergenceWarning, match="Lower init_scale, learning_rate") as told:
        model.fit(X, y)
    assert len(told) == 1
    model.partial_fit([["new", "thing"]], [1.0])
    assert np.isfinite(model.predict([*X, ["new", "thing"]])).all()
    assert np.isfinite(model._state.scalars).all()
