"""KalmanMF: its standard deviations, its parameters, its two clocks."""

import copy

import numpy as np
import pandas as pd
import pytest

import skl_increc
from skl_increc.base import RatingRegressor
from skl_increc.exceptions import GuaranteeError, SaveFormatError
from skl_increc.factorization import KalmanMF

BOTH = pytest.mark.parametrize("covariance", ["diag", "full"])


def events(n=600, seed=0, noise=0.5):
    """Ratings with biases and one factor; columns user, item, time."""
    rng = np.random.default_rng(seed)
    u, i = rng.integers(0, 30, n), np.minimum(rng.zipf(1.4, n), 25) - 1
    bias, factor = rng.normal(0, 0.7, (2, 30)), rng.normal(0, 1, (2, 30))
    y = 3 + bias[0, u] + bias[1, i] + factor[0, u] * factor[1, i] + rng.normal(0, noise, n)
    return pd.DataFrame({"user": u, "item": i, "time": 60.0 * np.arange(n)}), y


@BOTH
def test_all_ways_to_ask_for_a_standard_deviation_answer_alike(covariance):
    X, y = events()
    model = KalmanMF(covariance=covariance).fit(X, y)
    asked = pd.DataFrame({"user": [1, 2, -1, None], "item": [3, None, 4, None], "time": 0.0}, dtype=object)
    mean, std = model.predict(asked, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(asked))
    assert mean.dtype == std.dtype == np.float64 and mean.shape == std.shape == (4,)
    singly = [model.predict_one_std(x) for x in asked.to_dict("records")]
    by_name = [model.predict_one_std(user=u, item=i) for u, i in zip(asked.user, asked.item, strict=True)]
    assert std.tolist() == singly == by_name
    positions = KalmanMF(covariance=covariance).fit(X.to_numpy(), y)
    assert positions.predict_one_std({0: 1.0, 1: 3.0}) == std[0]


@BOTH
def test_who_is_known_better_is_predicted_more_surely(covariance):
    X, y = events()
    model = KalmanMF(covariance=covariance, drift=0.0).fit(X, y)
    item = X.item.mode()[0]
    std = [model.predict_one_std(user="new", item=item)]
    for j in range(10):
        model.learn_one(user="new", item=j, y=3.0)
        if j in (0, 3, 9):
            std.append(model.predict_one_std(user="new", item=item))
    assert std == sorted(std, reverse=True)
    assert std[0] > 1.05 * std[-1]
    assert model.predict_one_std(user="x", item="y") > model.predict_one_std(user="x", item=item)
    assert model.predict_one_std(user="x", item=item) == model.predict_one_std(user=None, item=item)


@BOTH
@pytest.mark.parametrize("noise", [0.7, 1.5, 3.0])
def test_standard_deviations_are_those_of_the_errors(covariance, noise):
    X, y = events(6000, noise=noise)
    model, z = KalmanMF(covariance=covariance, drift=0.0), []
    for x, target in zip(X.to_dict("records"), y.tolist(), strict=True):
        if len(z) > 1:
            z.append((target - model.predict_one(x)) / model.predict_one_std(x))
        else:
            z.append(0.0)
        model.learn_one(x, target)
    assert 0.85 < np.std(z[1000:]) < 1.15
    share = noise**2 / np.var(y)
    assert model.noise_ == pytest.approx(share, rel=0.35)


def test_before_any_event_the_prior_answers():
    model = KalmanMF(noise=0.5, variance_bias=0.1, mood=0.05)
    assert model.predict_one(user="a", item="b") == 0.0
    assert model.predict_one_std(user="a", item="b") == pytest.approx(np.sqrt(0.5 + 0.1 + 0.05 + 0.1))
    assert not hasattr(model, "user_ids_") or model._state is None


def test_asking_changes_nothing():
    X, y = events(100)
    model = KalmanMF().fit(X, y)
    before = copy.deepcopy(model._state.export())
    model.predict(X, return_std=True)
    model.predict_one_std(user="new", item="new")
    assert repr(model._state.export()) == repr(before)


def test_what_is_no_event_is_refused():
    with pytest.raises(TypeError, match=r"x must be a dict of an event.*got \['a', 'b'\]"):
        KalmanMF().predict_one_std(["a", "b"])


def test_new_rows_start_at_the_bias_of_new_rows():
    rng = np.random.default_rng(3)
    model = KalmanMF(mood=0.0)
    for j in range(3000):
        if j % 3:
            model.learn_one(user=int(rng.integers(20)), item=int(rng.integers(20)), y=rng.normal(4, 1))
        else:  # an item that nobody had before is a worse one
            model.learn_one(user=int(rng.integers(20)), item=f"new {j}", y=rng.normal(2, 1))
    assert model.predict_one(user="x", item="y") < model.predict_one(user="x", item=5) - 0.8


def test_predictions_stay_in_the_range_if_asked():
    X, y = events(300)
    y = np.where(y > 3, 4.0, 2.0)
    free, kept = KalmanMF(noise=0.01).fit(X, y), KalmanMF(noise=0.01, clip_to_range=True).fit(X, y)
    every = pd.DataFrame({"user": np.arange(30).repeat(25), "item": np.tile(np.arange(25), 30), "time": 0.0})
    assert free.predict(every).max() > 4
    np.testing.assert_array_equal(kept.predict(every), np.clip(free.predict(every), 2, 4))
    np.testing.assert_array_equal(kept.predict(every, return_std=True)[0], kept.predict(every))
    x = every.iloc[free.predict(every).argmax()].to_dict()
    assert kept.predict_one(x) == 4.0
    np.testing.assert_array_equal(kept.recommend([1], 3)[1], free.recommend([1], 3)[1])


@BOTH
def test_lists_are_those_of_the_scores(covariance):
    X, y = events()
    model = KalmanMF(covariance=covariance, history=0).fit(X, y)
    items, scores = model.recommend(list(range(30)) + ["stranger"], k=5)
    assert [model.recommend_one(user, k=5) for user in (0, 7, "stranger")] == [
        items[row].tolist() for row in (0, 7, 30)
    ]
    want = [[model.predict_one(user=user, item=item) for item in row] for user, row in enumerate(items[:30])]
    np.testing.assert_allclose(scores[:30], want, rtol=1e-6)
    ids, cosines = model.similar_items(3, k=4)
    assert len(ids) == len(cosines) == 4 and 3 not in ids and (np.diff(cosines) <= 0).all()


def test_learned_attributes_are_aligned_with_the_ids():
    X, y = events()
    model = KalmanMF(4).fit(X, y)
    n_users, n_items = len(model.user_ids_), len(model.item_ids_)
    assert model.user_factors_.shape == (n_users, 4) and model.item_factors_.shape == (n_items, 4)
    assert model.user_biases_.shape == (n_users,) and model.item_biases_.shape == (n_items,)
    assert model.user_variances_.shape == (n_users, 5) and model.item_variances_.shape == (n_items, 5)
    count = X.item.value_counts()
    often, seldom = (model.item_ids_ == count.index[at] for at in (0, -1))
    assert (model.item_variances_[often] < model.item_variances_[seldom]).all()
    for name in ("user_factors_", "user_biases_"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(model, name)[0] = 1


@BOTH
@pytest.mark.parametrize("time_col", [None, "time"])
def test_it_goes_on_from_a_file_as_it_would_have(covariance, time_col, tmp_path):
    X, y = events()
    model = KalmanMF(covariance=covariance, time_col=time_col).fit(X[:400], y[:400])
    skl_increc.save(model, tmp_path / "model.skl")
    again = skl_increc.load(tmp_path / "model.skl")
    for some in (model, again):
        some.partial_fit(X[400:], y[400:])
    for mine, theirs in zip(*(some.predict(X, return_std=True) for some in (model, again)), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert model.noise_ == again.noise_


@BOTH
def test_a_file_with_a_negative_variance_is_refused(covariance, tmp_path):
    X, y = events(50)
    model = KalmanMF(3, covariance=covariance).fit(X, y)
    model._state.item_rows.arrays["variances" if covariance == "diag" else "covariance"][2, 0] = -1.0
    skl_increc.save(model, tmp_path / "model.skl")
    with pytest.raises(SaveFormatError, match="a variance of the item rows is negative or no number"):
        skl_increc.load(tmp_path / "model.skl")


def test_a_snapshot_answers_as_the_model_did():
    X, y = events()
    model = KalmanMF(time_col="time").fit(X[:300], y[:300])
    kept, want = model.snapshot(), model.predict(X, return_std=True)
    model.partial_fit(X[300:], y[300:])
    np.testing.assert_array_equal(kept.predict(X, return_std=True), want)
    assert not np.array_equal(model.predict(X), want[0])


# -- time --------------------------------------------------------------------------------------------


def test_time_makes_a_row_less_certain_as_far_as_a_new_bias_is():
    X, y = events()
    model = KalmanMF(time_col="time", drift=1e-6, noise=0.5).fit(X, y)
    std = [model.predict_one_std(user=3, item=3) / model._state.learner.centre_and_scale()[1]]
    for day in (0.1, 1, 1000, 1e9):
        model.learn_one({"time": 36_000.0 + 86_400 * day}, 3.0)
        std.append(model.predict_one_std(user=3, item=3) / model._state.learner.centre_and_scale()[1])
    assert std[0] < std[1] < std[2] < std[3] == pytest.approx(std[4], rel=1e-6)


def test_a_late_event_counts_as_no_time():
    X, y = events(100)
    on_time, late = (KalmanMF(time_col="time").fit(X, y) for _ in range(2))
    now = X.time.max()
    for model, t in ((on_time, now), (late, now - 1e6)):
        row = int(X.user.iloc[-1]), int(X.item.iloc[-1])
        model.learn_one({"user": row[0], "item": row[1], "time": t}, 4.0)
        model.asked = model.predict_one_std(user=row[0], item=row[1])
    assert late.n_late_ == 1 and on_time.n_late_ == 0
    assert late.asked == on_time.asked


def test_the_clock_changes_the_default_drift():
    X, y = events()
    by_event = KalmanMF(drift=5e-4, mood_memory=5.0).fit(X, y)
    by_time = KalmanMF(drift=3e-10, mood_memory=600.0, time_col="time").fit(X, y)
    np.testing.assert_array_equal(by_event.predict(X), KalmanMF().fit(X, y).predict(X))
    np.testing.assert_array_equal(by_time.predict(X), KalmanMF(time_col="time").fit(X, y).predict(X))
    assert not np.array_equal(by_event.predict(X), by_time.predict(X))


def test_without_drift_there_is_no_mood_by_default():
    X, y = events()
    still = KalmanMF(drift=0.0).fit(X, y).predict(X)
    np.testing.assert_array_equal(still, KalmanMF(drift=0.0, mood=0.0).fit(X, y).predict(X))
    assert not np.array_equal(still, KalmanMF(drift=0.0, mood=0.08).fit(X, y).predict(X))


# -- what it refuses -----------------------------------------------------------------------------------


def test_merging_and_forgetting_are_refused_with_the_reason():
    X, y = events(50)
    model, other = KalmanMF().fit(X, y), KalmanMF().fit(X.assign(user=X.user + 100), y)
    why = "each step depends on the means and variances that the steps before it left"
    with pytest.raises(GuaranteeError, match=why):
        model.merge(other)
    with pytest.raises(GuaranteeError, match=why):
        model.forget(users=[1])
    assert model.guarantees().S == "bitwise"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("covariance", "dense"), ("drift", -1e-3), ("drift", 2.0), ("drift_factors", -1.0), ("mood", -0.1),
        ("mood_memory", 0.0), ("noise", 0.0), ("noise", -1.0), ("variance_bias", 0.0), ("variance_factors", 0.0),
        ("n_factors", 0), ("init_scale", -0.1), ("clip_to_range", "yes"), ("noise", "auto"),
    ],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of KalmanMF must be"):
        KalmanMF(**{name: value}).fit([["a", "b"]], [1.0])


@pytest.mark.parametrize(("name", "value"), [("covariance", "full"), ("n_factors", 3), ("time_col", "time")])
def test_what_shapes_the_state_cannot_change(name, value):
    model = KalmanMF().fit([["a", "b"]], [1.0]).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name} was changed from .* Call fit to begin anew"):
        model.learn_one(user="a", item="b", y=1.0)


def test_other_parameters_act_at_the_next_event():
    X, y = events(50)
    model = KalmanMF().fit(X, y).set_params(noise=0.25, drift=0.1)
    assert model.noise_ == 0.25
    before = model.user_variances_[model.user_ids_ == 3, -1]
    for item in range(10):
        model.learn_one(user=3, item=item, y=1.0)
    assert model.user_variances_[model.user_ids_ == 3, -1] > before
    assert isinstance(model, RatingRegressor)


@pytest.mark.parametrize(
    "time", [3, 3.0, np.float64(3.0), np.int64(3), pd.Timestamp(3, unit="s"), True, 2**62]
)
def test_the_time_of_a_single_event_is_read_as_that_of_a_batch(time):
    one = KalmanMF(time_col="time")
    one.learn_one({"user": "a", "item": "b", "time": time}, 1.0)
    frame = pd.DataFrame({"user": ["a"], "item": ["b"], "time": [time]})
    assert one._state.now == KalmanMF(time_col="time").fit(frame, [1.0])._state.now


@pytest.mark.parametrize("time", [None, float("nan"), float("inf"), 10**400, "soon"])
def test_a_time_that_is_none_is_refused(time):
    model = KalmanMF(time_col="time")
    with pytest.raises(
        ValueError, match=r"The time of an event must be a number of seconds .* under 'time'; got"
    ):
        model.learn_one({"user": "a", "item": "b", "time": time}, 1.0)
    assert model._state is None
