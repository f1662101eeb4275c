"""KalmanMF against a small dense extended Kalman filter, and under ratings that nobody should send."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skl_increc.factorization import KalmanMF

CLOSE = {"rtol": 2e-3, "atol": 2e-4}
N_USERS, N_ITEMS = 9, 7


class Reference:
    """The filter in float64, over dense matrices, one event after the other.

    A row is a mean of [factors, bias, mood] and a covariance; "diag" forgets what is off the diagonal.
    The random starts are the only thing that is taken from the model.
    """

    def __init__(self, model, starts):
        self.p, self.starts = model.get_params(), starts
        self.k = self.p["n_factors"]
        self.timed = self.p["time_col"] is not None
        self.drift = self.p["drift"] if self.p["drift"] is not None else (3e-10 if self.timed else 5e-4)
        still = self.drift == 0 and self.p["drift_factors"] == 0
        self.mood = self.p["mood"] if self.p["mood"] is not None else (0.0 if still else 0.08)
        self.memory = self.p["mood_memory"] or (600.0 if self.timed else 5.0)
        self.rows = {}, {}
        self.last = {}, {}
        self.prior_mean = [0.0, 0.0]
        self.noise = self.p["noise"] or 0.6
        self.y, self.w, self.errors, self.now = [], [], 0, -math.inf

    def prior(self, side):
        """Mean and covariance of somebody of whom nothing is known."""
        mean = np.r_[np.zeros(self.k), self.prior_mean[side], 0.0]
        each = math.sqrt(self.p["variance_factors"] / self.k)
        mood = self.mood if side == 0 else 0.0
        return mean, np.diag(np.r_[np.full(self.k, each), self.p["variance_bias"], mood])

    def row(self, side, key):
        if key not in self.rows[side]:
            return self.prior(side)
        mean, cov = self.rows[side][key]
        return mean.copy(), cov.copy()

    def centre_and_scale(self):
        if not self.y:
            return 0.0, 1.0
        mean = np.average(self.y, weights=self.w)
        var = np.average(np.square(np.subtract(self.y, mean)), weights=self.w)
        return mean, math.sqrt(var) if var > 1e-12 else 0.0

    def moved_on(self, side, mean, cov, units, kept):
        """Drift of so many units, and a mood of which so much is kept."""
        limit = np.diag(self.prior(side)[1])
        gain = np.r_[np.full(self.k, self.p["drift_factors"] * units), self.drift * units, 0.0]
        held = np.diag(cov)
        cov = cov + np.diag(np.minimum(held + gain, np.maximum(held, limit)) - held)
        if side == 0:
            fade = np.ones(self.k + 2)
            fade[-1] = kept
            mean, cov = mean * fade, cov * np.outer(fade, fade)
            cov[-1, -1] += (1 - kept**2) * self.mood
        return mean, cov

    def present(self, side, key, now):
        mean, cov = self.row(side, key)
        gap = now - self.last[side].get(key, now)
        if self.timed and gap > 0:
            mean, cov = self.moved_on(side, mean, cov, gap, math.exp(-gap / self.memory))
        return mean, cov

    def learn(self, user, item, y, w=1.0, t=0.0):
        self.y.append(y)
        self.w.append(w)
        self.now = max(self.now, t)
        if user is None and item is None:
            return
        fresh = [key is not None and key not in self.rows[side] for side, key in enumerate((user, item))]
        pairs = []
        for side, key in enumerate((user, item)):
            mean, cov = self.present(side, key, t)
            if fresh[side]:
                mean[: self.k] = self.starts[side][key]
            pairs.append((mean, cov))
            if self.timed and key is not None:
                self.last[side][key] = max(t, self.last[side].get(key, t))
        (x, C), (z, E) = pairs
        k = self.k
        h, g = np.r_[z[:k], 1.0, 1.0], np.r_[x[:k], 1.0, 0.0]
        centre, scale = self.centre_and_scale()
        e = ((y - centre) / scale if scale else 0.0) - (x[:k] @ z[:k] + x[k] + x[k + 1] + z[k])
        V = h @ C @ h + g @ E @ g
        R = max(self.noise / w, 1e-3 * V)
        S = V + np.trace(C[:k, :k] @ E[:k, :k]) + R
        e = float(np.clip(e, -4 * math.sqrt(S), 4 * math.sqrt(S)))
        gain, cross = e / S, (C @ h)[:k] @ (E @ g)[:k]
        step = V * abs(gain) + abs(cross) * gain**2
        if step > abs(e):
            gain *= abs(e) / step
        if self.p["noise"] is None:
            rate = max(1 / (self.errors + 21), 1e-3)
            self.noise *= 1 + rate * R / (V + R) * (min(e * e / (V + R), 16) - 1)
            self.noise = min(max(self.noise, 1e-3), 10.0)
        self.errors += 1
        for side, (key, mean, cov, to) in enumerate(((user, x, C, h), (item, z, E, g))):
            if key is None:
                continue
            step = cov @ to
            mean, cov = mean + step * gain, cov - np.outer(step, step) / S
            if self.p["covariance"] == "diag":
                cov = np.diag(np.diag(cov))
            if not self.timed:
                mean, cov = self.moved_on(side, mean, cov, 1.0, math.exp(-1 / self.memory))
            self.rows[side][key] = mean, cov
            if fresh[side]:
                self.prior_mean[side] += 3e-3 * e

    def predict(self, user, item):
        """Mean and standard deviation."""
        (x, C), (z, E) = (self.present(side, key, self.now) for side, key in enumerate((user, item)))
        k = self.k
        h, g = np.r_[z[:k], 1.0, 1.0], np.r_[x[:k], 1.0, 0.0]
        centre, scale = self.centre_and_scale()
        mean = centre + scale * (x[:k] @ z[:k] + x[k] + x[k + 1] + z[k])
        if self.p["clip_to_range"]:
            mean = min(max(mean, min(self.y)), max(self.y))
        return mean, scale * math.sqrt(h @ C @ h + g @ E @ g + self.noise)


def starts_of(model):
    """The rows that a state gives to new ids."""
    state = model.clone()._new_state()
    state.users.begin()
    state.items.begin()
    state.users.add_objects([*range(N_USERS)])
    state.items.add_objects([*range(N_ITEMS)])
    state.reserve(N_USERS, N_ITEMS)
    state.start_rows(0, state.users.added())
    state.start_rows(1, state.items.added())
    return [dict(enumerate(rows.view("factors").reshape(rows.used, -1).astype(float)))
            for rows in (state.user_rows, state.item_rows)]  # fmt: skip


def stream(n, seed=0, anonymous=0.1, late=0.1):
    """Events of (user, item, y, w, t); some lack a user, an item or both, some are late, some far out."""
    rng = np.random.default_rng(seed)
    t = 1e9
    for _ in range(n):
        user = None if rng.random() < anonymous else int(rng.integers(N_USERS))
        item = None if rng.random() < anonymous else int(rng.integers(N_ITEMS))
        t += rng.choice([0.0, 5.0, 400.0, 1e6])
        y = float(rng.integers(1, 6)) + (50.0 if rng.random() < 0.01 else 0.0)
        yield user, item, y, float(rng.choice([0.5, 1.0, 2.0, 100.0])), t - 300 * (rng.random() < late)


MODELS = {
    "defaults": {},
    "nothing changes": {"drift": 0.0},
    "all drift": {"drift": 0.01, "drift_factors": 0.002, "mood": 0.3, "mood_memory": 2.0},
    "by time": {"time_col": "time"},
    "all drift by time": {"time_col": "time", "drift": 1e-8, "drift_factors": 1e-9, "mood": 0.2, "mood_memory": 300.0},
    "noise given": {"noise": 0.1, "init_scale": 0.5},
    "noise small, no mood": {"noise": 1e-4, "mood": 0.0, "variance_factors": 5.0},
    "one factor": {"n_factors": 1, "init_scale": 0.3},
    "14": {"n_factors": 14},
    "15": {"n_factors": 15},
    "33": {"n_factors": 33, "variance_bias": 1.0},
    "70": {"n_factors": 70, "init_scale": 0.2},
    "clipped": {"clip_to_range": True, "noise": 0.01},
}  # fmt: skip
BOTH = pytest.mark.parametrize("covariance", ["diag", "full"])


def made(name, covariance):
    model = KalmanMF(**{"n_factors": 5, **MODELS[name]}, covariance=covariance)
    return model, Reference(model, starts_of(model))


def keys(user, item, t):
    return {"user": user, "item": item, "time": t}


def assert_agree(model, reference):
    users, items = [*range(N_USERS), None, "stranger"], [*range(N_ITEMS), None, "stranger"]
    for user in users:
        for item in items:
            x = keys(user, item, 0.0)
            mean, std = reference.predict(user, item)
            np.testing.assert_allclose(model.predict_one(x), mean, **CLOSE)
            np.testing.assert_allclose(model.predict_one_std(x), std, **CLOSE)
    assert model.noise_ == pytest.approx(reference.noise, rel=2e-3)
    for side, (ids, means, biases, variances) in enumerate(
        (
            (model.user_ids_, model.user_factors_, model.user_biases_, model.user_variances_),
            (model.item_ids_, model.item_factors_, model.item_biases_, model.item_variances_),
        )
    ):
        want = [reference.rows[side][key] for key in ids]
        np.testing.assert_allclose(means, [mean[:-2] for mean, _ in want], **CLOSE)
        np.testing.assert_allclose(biases, [mean[-2] for mean, _ in want], **CLOSE)
        np.testing.assert_allclose(variances, [np.diag(cov)[:-1] for _, cov in want], rtol=2e-3, atol=1e-6)


@BOTH
@pytest.mark.parametrize("name", MODELS)
def test_events_one_by_one_follow_the_filter(name, covariance):
    model, reference = made(name, covariance)
    for j, (user, item, y, w, t) in enumerate(stream(220)):
        x = keys(user, item, t)
        if j:
            want = reference.predict(user, item)
            np.testing.assert_allclose((model.predict_one(x), model.predict_one_std(x)), want, **CLOSE)
        model.learn_one(x, y, w)
        reference.learn(user, item, y, w, t)
    assert_agree(model, reference)


@BOTH
@pytest.mark.parametrize("name", ["defaults", "all drift by time"])
def test_batches_follow_the_filter(name, covariance):
    model, reference = made(name, covariance)
    events = sorted(stream(700, seed=1), key=lambda e: e[4])  # longer than two blocks of the kernel
    model.set_params(user_col=0, item_col=1, time_col=2 if reference.timed else None)
    X = np.array([[u, i, t] for u, i, _, _, t in events], dtype=object)
    y, w = (np.array([e[c] for e in events]) for c in (2, 3))
    model.partial_fit(X[:300], y[:300], sample_weight=w[:300])
    model.partial_fit(X[300:], y[300:], sample_weight=w[300:])
    for event in events:
        reference.learn(*event)
    mean, std = model.predict(X[:50], return_std=True)
    np.testing.assert_allclose(np.c_[mean, std], [reference.predict(u, i) for u, i, _ in X[:50]], **CLOSE)


@BOTH
def test_a_full_covariance_knows_what_goes_together(covariance):
    """After one event the bias of a user and that of an item share the credit; the next tells them apart."""
    model = KalmanMF(2, covariance=covariance, drift=0.0, noise=0.01)
    for item, y in (("plain", 0.0), ("plain", 2.0), ("good", 5.0)):
        model.learn_one(user="known", item=item, y=y)
    before = model.user_biases_[0]
    model.learn_one(user="known", item="plain", y=0.0)
    assert model.user_biases_[0] < before


def test_the_mood_of_a_user_fades_with_time_and_the_bias_stays():
    model = KalmanMF(time_col="time")
    for j in range(40):
        model.learn_one({"user": j % 4, "item": j % 5, "time": float(j)}, float(j % 3))
    for j in range(5):
        model.learn_one({"user": "ann", "item": j, "time": 100.0 + j}, 9.0)
    now = model.predict_one(user="ann", item="new")
    sure = model.predict_one_std(user="ann", item="new") / model._state.learner.centre_and_scale()[1]
    model.learn_one(
        {"user": None, "item": None, "time": 1e5}, 1.0
    )  # only the clock moves, and the scale a little
    later = model.predict_one(user="ann", item="new")
    stranger = model.predict_one(user="cid", item="new")
    assert stranger < later < now
    less_sure = model.predict_one_std(user="ann", item="new") / model._state.learner.centre_and_scale()[1]
    assert less_sure > sure


def test_without_drift_the_order_of_the_events_hardly_matters():
    rng = np.random.default_rng(5)
    bias = rng.normal(size=30)
    X = rng.integers(0, 30, (2000, 2))
    y = bias[X[:, 0]] + bias[X[:, 1]] + rng.normal(0, 0.3, 2000)
    one, other = KalmanMF(drift=0.0).fit(X, y), KalmanMF(drift=0.0).fit(X[::-1], y[::-1])
    assert np.corrcoef(one.predict(X), other.predict(X))[0, 1] > 0.99


def test_a_weight_divides_the_noise():
    heavy, light = KalmanMF(noise=0.4), KalmanMF(noise=0.1)
    for user, item, y, _, _ in stream(60, seed=2):
        heavy.learn_one(user=user, item=item, y=y, w=4.0)
        light.learn_one(user=user, item=item, y=y, w=1.0)
    np.testing.assert_allclose(heavy.user_factors_, light.user_factors_, **CLOSE)
    np.testing.assert_allclose(heavy.item_variances_, light.item_variances_, **CLOSE)


# -- soundness ---------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.floats(-1e99, 1e99), st.sampled_from([0.0, 1e99, -1e99, 1e-300, 1.0, 5.0]), st.floats(0.5, 5)
)
WEIGHTS = st.one_of(st.sampled_from([1e-310, 1e-30, 1.0, 9e14]), st.floats(1e-6, 1e14))
EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, None]), st.sampled_from([0, 1, None]), NUMBERS, WEIGHTS, st.floats(-1e18, 1e18)
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


def assert_sound(model, users=(0, None, "stranger"), items=(0, None)):
    for values in (model.user_factors_, model.item_factors_, model.user_biases_, model.item_biases_):
        assert np.isfinite(values).all()
    for values in (model.user_variances_, model.item_variances_):
        assert np.isfinite(values).all() and (values >= 0).all()
    assert 0 < model.noise_ < math.inf
    for user in users:
        for item in items:
            assert math.isfinite(model.predict_one(user=user, item=item))
            std = model.predict_one_std(user=user, item=item)
            assert math.isfinite(std) and std >= 0


@BOTH
@pytest.mark.parametrize("timed", [False, True])
@given(events=EVENTS, noise=st.sampled_from([None, 1e-9, 100.0]), drift=st.sampled_from([None, 0.0, 1.0]))
def test_any_ratings_leave_finite_numbers_and_no_negative_variance(covariance, timed, events, noise, drift):
    model = KalmanMF(3, covariance=covariance, noise=noise, drift=drift, time_col="time" if timed else None)
    for user, item, y, w, t in events:
        model.learn_one(keys(user, item, t), y, w)
        assert math.isfinite(model.predict_one(user=user, item=item))
    assert_sound(model)


def hostile(rng, n):
    """Ratings, weights and times of every size, in runs that agree with nothing."""
    X = np.c_[rng.zipf(1.3, n) % 50, rng.zipf(1.3, n) % 40].astype(float)
    kind = rng.integers(0, 6, n // 1000 + 1).repeat(1000)[:n]
    y = np.choose(kind, [
        rng.integers(1, 6, n), 1e6 * rng.standard_cauchy(n), np.where(rng.random(n) < 0.5, -1e50, 1e50),
        np.full(n, 3.0), 10.0 ** rng.uniform(-30, 30, n), rng.normal(size=n),
    ])  # fmt: skip
    w = np.where(rng.random(n) < 0.3, 10.0 ** rng.uniform(-12, 14, n), 1.0)
    return X, y, w


@BOTH
@pytest.mark.parametrize("k", [3, 16])
def test_a_million_hostile_events(covariance, k):
    n = 1_000_000 if k == 3 else 200_000
    X, y, w = hostile(np.random.default_rng(k), n)
    model = KalmanMF(k, covariance=covariance, drift=1e-3, drift_factors=1e-4, history=0)
    for a in range(0, n, n // 5):
        part = slice(a, a + n // 5)
        model.partial_fit(X[part], y[part], sample_weight=w[part])
        assert_sound(model, users=(1, 2, None), items=(1, 3, None))
        if covariance == "full":
            worst = [np.linalg.eigvalsh(cov)[[0, -1]] for cov in covariances(model)]
            assert all(low > -1e-5 * high for low, high in worst)
    plain = np.arange(20_000)
    X, y = np.c_[plain % 50, plain % 37], plain % 5 + 1.0
    sane = model.partial_fit(X[:10_000], 1e50 * y[:10_000], sample_weight=np.full(10_000, 1e14))
    assert_sound(sane)


def covariances(model):
    """Matrices (n, k + 2, k + 2) of users and items, in float64; symmetric to the last bit."""
    for rows in (model._state.user_rows, model._state.item_rows):
        k = model.n_factors + 2
        matrices = rows.view("covariance").reshape(rows.used, k, -1)[:, :, :k].astype(float)
        np.testing.assert_array_equal(matrices, matrices.transpose(0, 2, 1))
        yield from matrices


@pytest.mark.parametrize("weight", [1.0, 1e3, 1e6])
@BOTH
def test_a_step_never_goes_beyond_its_target(weight, covariance):
    model = KalmanMF(4, covariance=covariance, drift=0.0, init_scale=1.0, variance_factors=50.0, noise=1e-6)
    for y in range(1, 6):
        model.learn_one(y=float(y), w=1e14)  # of nobody and nothing: the scale, which then stays
    for row in range(4):  # a row begins somewhere, which no prediction knows
        model.learn_one(user=row, item=row % 3, y=3.0)
    rng, longest = np.random.default_rng(3), 0.0
    for _ in range(300):
        user, item, y = int(rng.integers(4)), int(rng.integers(3)), float(rng.integers(1, 6))
        before = model.predict_one(user=user, item=item)
        model.learn_one(user=user, item=item, y=y, w=weight)
        after = model.predict_one(user=user, item=item)
        assert min(before, y) - 1e-3 <= after <= max(before, y) + 1e-3
        longest = max(longest, abs(after - before))
    assert longest > 1.0


@BOTH
@pytest.mark.parametrize("k", [1, 10, 14, 15, 16, 30, 64, 70])
def test_padding_stays_zero(k, covariance):
    model = KalmanMF(k, covariance=covariance, drift_factors=0.01)
    for user, item, y, w, _ in stream(100, seed=6):
        model.learn_one(user=user, item=item, y=y, w=w)
    for rows in (model._state.user_rows, model._state.item_rows):
        assert rows.arrays["factors"].shape[1] % 16 == 0
        assert not rows.arrays["factors"][: rows.used, k:].any()
        if covariance == "diag":
            assert not rows.arrays["variances"][: rows.used, k:].any()
        else:
            matrices = rows.arrays["covariance"][: rows.used].reshape(rows.used, k + 2, -1)
            assert matrices.shape[2] % 16 == 0
            assert not matrices[:, :, k + 2 :].any()


def test_equal_ratings_have_no_scale():
    model = KalmanMF()
    for user, item, _, w, _ in stream(50, seed=7):
        model.learn_one(user=user, item=item, y=3.0, w=w)
    assert model.predict_one(user=1, item=1) == pytest.approx(3.0)
    assert model.predict_one_std(user=1, item=1) == 0.0


@pytest.mark.parametrize("shift", [0.0, 1e6, -1e9])
def test_a_far_mean_does_not_cost_the_scale(shift):
    near, far = KalmanMF(), KalmanMF()
    for user, item, y, w, _ in stream(300, seed=8):
        near.learn_one(user=user, item=item, y=y, w=w)
        far.learn_one(user=user, item=item, y=y + shift, w=w)
    np.testing.assert_allclose(far.user_factors_, near.user_factors_, rtol=1e-3, atol=1e-4)
