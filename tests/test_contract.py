"""Every model against three suites: scikit-learn's, River's, and ours; and what no suite looks at."""

import os
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from instances import MODELS
from river import base, checks
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.utils import estimator_checks

from skl_increc.baselines import Baseline, Popularity
from skl_increc.checks import (
    OURS,
    check_estimator,
    expected_failed_checks,
    parametrize_with_checks,
    yield_checks,
)
from skl_increc.factorization import BiasedMF, BiasedMFClassifier

#: scikit-learn's arrays have no column names, and both outside suites leave out any value
UNTIMED = {name: m for name, m in MODELS.items() if m.time_col is None}
#: a test of each check of scikit-learn's; `test_only_one_failure_is_expected_and_none_is_skipped` runs them all of
#: every variant
DEFAULTS = [m for name, m in UNTIMED.items() if "-" not in name]
#: every model with its defaults, and one variant in four; SKL_INCREC_VARIANTS=all: all of them, as .ci/run asks on the
#: oldest versions
VARIANTS = [name for name in MODELS if "-" in name]
STEP = 1 if os.environ.get("SKL_INCREC_VARIANTS") == "all" else 4
ASKED = {name: m for name, m in MODELS.items() if name not in VARIANTS or name in VARIANTS[::STEP]}
BY_NAME = pytest.mark.parametrize("model", ASKED.values(), ids=list(ASKED))
NAMED = {name: model for name, model in MODELS.items() if isinstance(model.user_col, str)}


# -- the suites ------------------------------------------------------------------------------------


@estimator_checks.parametrize_with_checks(DEFAULTS, expected_failed_checks=expected_failed_checks)
@pytest.mark.filterwarnings("ignore")
def test_sklearn_suite(estimator, check):
    check(estimator)


def rivers(name, model):
    """River's checks: all of them of a default; a variant reads events no other way, and few keep another amount."""
    default, bounded = "-" not in name, any(word in name for word in ("history", "window", "max"))
    for check in yield_checks(model, suites=["river"]):
        growth = check.name.startswith("check_bounded_memory_growth")
        if default or (check.name.endswith("[ids]") and (bounded or not growth)):
            yield pytest.param(check, id=f"{name}-{check.name}")


@pytest.mark.parametrize("check", [check for name, m in ASKED.items() for check in rivers(name, m)])
def test_river_suite(check):
    check()


@parametrize_with_checks(list(ASKED.values()), suites=["ours"])
def test_our_suite(check):
    check()


@BY_NAME
def test_only_one_failure_is_expected_and_none_is_skipped(model):
    results = check_estimator(model, suites=["sklearn"])
    unusual = [(r["check"], r["status"]) for r in results if r["status"] != "passed"]
    allowed = [("check_sample_weight_equivalence_on_dense_data", "xfail")]
    if model.time_col is None:
        assert unusual == (allowed if expected_failed_checks(model) else [])
    else:  # the suite is asked without the time, where decay depends on the order
        assert unusual in ([], allowed)
    assert not expected_failed_checks(model) or model.guarantees().O == "no"
    assert model._unit_test_skips() == set()


@BY_NAME
def test_rivers_checks_are_all_in_our_list(model):
    names = {check.name.partition("[")[0] for check in yield_checks(model, suites=["river"])}
    assert {check.__name__ for check in checks.yield_checks(model)} <= names


def test_every_check_of_ours_is_asked_of_some_model():
    asked = {check.name for model in MODELS.values() for check in yield_checks(model, suites=["ours"])}
    assert asked == {check.__name__ for check in OURS}


def test_the_two_guaranteed_refusals_and_the_two_successes_are_both_among_the_models():
    for letter in "OMU":
        assert {"bitwise", "no"} <= {getattr(model.guarantees(), letter) for model in MODELS.values()}
    assert {"bitwise", "rounding", "no"} == {model.guarantees().S for model in MODELS.values()}
    assert any(model.guarantees().M == "rounding" for model in MODELS.values())


# -- scikit-learn's checks that its own suite leaves out ---------------------------------------------


@pytest.mark.parametrize(
    "name", ["check_dataframe_column_names_consistency", "check_inplace_ensure_writeable"]
)
@pytest.mark.parametrize("model", UNTIMED.values(), ids=list(UNTIMED))
@pytest.mark.filterwarnings("ignore:No held-out pair is left")
def test_sklearn_checks_outside_its_suite(model, name):
    named = clone(model).set_params(user_col="col_0", item_col="col_1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        getattr(estimator_checks, name)(type(model).__name__, named)


# -- who is what -----------------------------------------------------------------------------------


def public(cls):
    return {name for name in dir(cls) if not name.startswith(("__", "_abc"))}


@BY_NAME
def test_nothing_of_rivers_interface_is_missing(model):
    """The roles are registered, not inherited: what River adds must be added here too."""
    role = (
        base.MiniBatchRegressor
        if is_regressor(model)
        else base.Classifier
        if is_classifier(model)
        else base.Estimator
    )
    # _more_tags: scikit-learn refuses a class that has it
    assert public(role) - set(dir(model)) <= {"_more_tags"}
    assert isinstance(model, role)
    assert isinstance(model, base.Base)


def test_roles():
    assert is_regressor(Baseline()) and is_regressor(BiasedMF()) and is_classifier(BiasedMFClassifier())
    assert not is_regressor(Popularity()) and not is_classifier(Popularity())
    assert not isinstance(Popularity(), (base.Regressor, base.Classifier))
    assert not isinstance(BiasedMF(), base.Classifier)


def test_two_rivers_roles_have_the_methods_that_we_know():
    """A method that River adds to a role shows here first."""
    assert {"learn_many", "predict_many"} <= public(base.MiniBatchRegressor)
    assert public(base.Classifier) - public(base.Estimator) == {
        "_multiclass", "learn_one", "predict_one", "predict_proba_one",
    }  # fmt: skip


# -- what no suite looks at ------------------------------------------------------------------------


def frame(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"user": rng.integers(0, 9, n), "item": rng.integers(0, 7, n), "age": rng.random(n)})
    return X, rng.integers(0, 2, n)


@pytest.mark.parametrize("model", NAMED.values(), ids=list(NAMED))
def test_feature_names_are_kept_and_compared(model):
    X, y = frame()
    X["time"] = np.arange(len(X))
    some = clone(model).partial_fit(X, y)
    assert some.feature_names_in_.tolist() == ["user", "item", "age", "time"]
    assert some.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names should match"):
        some.predict(X.rename(columns={"age": "height"}))


@pytest.mark.parametrize("model", NAMED.values(), ids=list(NAMED))
def test_a_frame_after_single_events_is_no_surprise(model):
    X, y = frame()
    X["time"] = np.arange(len(X))
    some = clone(model)
    for x, target in zip(X.to_dict("records"), y.tolist(), strict=True):
        some.learn_one(x, target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        some.predict(X)
    assert not hasattr(some, "n_features_in_")


def test_a_seed_of_none_is_drawn_once_and_kept():
    X, y = frame()
    some, other = (BiasedMF(random_state=None).partial_fit(X, y) for _ in range(2))
    assert not np.array_equal(some.user_factors_, other.user_factors_)
    again = pickle.loads(pickle.dumps(some))
    for model in (some, again):
        model.learn_one({"user": "new", "item": "new"}, 1.0)
    np.testing.assert_array_equal(some.user_factors_, again.user_factors_)
    assert some._is_stochastic and not BiasedMF()._is_stochastic


def test_times_may_come_in_any_form():
    seconds = [0.0, 86400.0, 3 * 86400.0]
    stamps = pd.to_datetime(seconds, unit="s")
    forms = [seconds, stamps, stamps.tz_localize("UTC"), stamps.to_pydatetime(), [int(s) for s in seconds]]
    told = []
    for form in forms:
        X = pd.DataFrame({"user": list("aba"), "item": list("xyy"), "time": form})
        batch = Popularity(half_life=pd.Timedelta(days=1), time_col="time").fit(X)
        single = Popularity(half_life=86400, time_col="time")
        for x in X.to_dict("records"):
            single.learn_one(x)
        told += [batch.popularity_.tolist(), single.popularity_.tolist()]
    assert told == [[0.125, 1.25]] * (2 * len(forms))


def test_the_time_may_be_a_position():
    events = [["a", "x", 0.0], ["b", "y", 2.0], ["a", "y", 2.0]]
    by_position = Popularity(half_life=1.0, time_col=2).fit(np.array(events, dtype=object))
    named = pd.DataFrame(events, columns=["user", "item", "time"])
    by_name = Popularity(half_life=1.0, time_col="time").fit(named)
    assert by_position.popularity_.tolist() == by_name.popularity_.tolist() == [0.25, 2.0]
    with pytest.raises(ValueError, match="time_col='time' names a column, but X is an array"):
        Popularity(half_life=1.0, time_col="time").fit(np.array(events, dtype=object))
