"""ImplicitALS: each solution against the equation, the sums that follow, sweeps, and what is refused."""

import warnings

import numpy as np
import pytest

from skl_increc.exceptions import DivergenceWarning
from skl_increc.factorization import ImplicitALS


def stream(n=500, seed=0, users=30):
    rng = np.random.default_rng(seed)
    u = rng.integers(0, users, n)
    return [(f"u{a}", f"i{2 * b + a % 2}") for a, b in zip(u, rng.integers(0, 12, n), strict=True)]


def solution(model, side, name):
    """A row from the equation, given the rows of the other side."""
    state = model._state
    index, other = (
        (state.users, model.item_factors_) if side == "user" else (state.items, model.user_factors_)
    )
    row = index.find(name)
    if side == "user":
        others, r = state.history.items_of(row), state.history.values_of(row)[0]
    else:
        others, r = state.stores["takers"].items_of(row), state.stores["takers"].values_of(row)[0]
    others, r = others[r > 0], r[r > 0]
    Y, full = other.astype(np.float64), 1 + model.alpha * r
    c = untaken(model) if side == "user" else np.full(len(Y), untaken(model)[row])
    A = (Y.T * c) @ Y + model.l2 * np.eye(model.n_factors) + (Y[others].T * (full - c[others])) @ Y[others]
    return np.linalg.solve(A, Y[others].T @ full)


def untaken(model):
    """The weights of the items where they were not taken."""
    c = model._state.item_rows.view("stat")[:, 3].astype(np.float64) ** model.exponent
    return c / c.mean()


def row_of(model, side, name):
    names, rows = (
        (model.user_ids_, model.user_factors_) if side == "user" else (model.item_ids_, model.item_factors_)
    )
    return rows[names.tolist().index(name)]


@pytest.mark.parametrize("exponent", [0.0, 0.5])
def test_a_user_is_the_exact_solution_after_each_event(exponent):
    model = ImplicitALS(6, alpha=3.0, l2=0.5, exponent=exponent).partial_fit(stream())
    for item in ("i0", "i2", "i0", "an item that nobody had"):
        model.learn_one({"user": "new", "item": item}, 2.0, 1.5)
        np.testing.assert_allclose(row_of(model, "user", "new"), solution(model, "user", "new"), atol=1e-6)
    strengths = model._state.history.values_of(model._state.users.find("new"))[0]
    assert strengths.tolist() == [3.0, 6.0, 3.0]


@pytest.mark.parametrize("exponent", [0.0, 0.4])
def test_the_gram_matrices_follow_every_row_and_every_event(exponent):
    model = ImplicitALS(6, exponent=exponent).partial_fit([*stream(), (None, "i3"), (None, "i3")])
    events = model._state.item_rows.view("stat")[:, 3].astype(np.float64)
    assert events.sum() == 502
    for _ in range(2):
        grams, counts = model._state.scalar("gram").reshape(2, 6, 6), model._state.scalar("counts")
        P, Q = model.user_factors_.astype(np.float64), model.item_factors_.astype(np.float64)
        np.testing.assert_allclose(grams[0], P.T @ P, atol=1e-10)
        np.testing.assert_allclose(grams[1], (Q.T * events**exponent) @ Q, atol=1e-5 if exponent else 1e-10)
        assert counts[:2] == pytest.approx([(events**exponent).sum(), 24]) and counts[2] == 0
        model.refresh()


def test_the_users_of_an_item_follow_the_history_whatever_is_repeated():
    model = ImplicitALS(3, min_y=2).partial_fit(stream(300), np.tile([1.0, 2.0, 3.0], 100))
    state = model._state
    indptr, items = state.history.csr(np.arange(state.users.n_rows, dtype=np.int32))
    owners = np.repeat(np.arange(state.users.n_rows), np.diff(indptr))
    r = state.history.all_values(np.arange(state.users.n_rows, dtype=np.int32))[0]
    forward = {
        (u, i): v for u, i, v in zip(owners.tolist(), items.tolist(), r.tolist(), strict=True) if v > 0
    }
    indptr, users = state.stores["takers"].csr(np.arange(state.items.n_rows, dtype=np.int32))
    owners = np.repeat(np.arange(state.items.n_rows), np.diff(indptr))
    r = state.stores["takers"].all_values(np.arange(state.items.n_rows, dtype=np.int32))[0]
    back = {(u, i): v for u, i, v in zip(users.tolist(), owners.tolist(), r.tolist(), strict=True)}
    assert forward == back and len(users) == len(back)


def loss(model):
    """What least squares minimises, over all pairs."""
    state = model._state
    indptr, items = state.history.csr(np.arange(state.users.n_rows, dtype=np.int32))
    users = np.repeat(np.arange(state.users.n_rows), np.diff(indptr))
    r = state.history.all_values(np.arange(state.users.n_rows, dtype=np.int32))[0]
    P, Q = model.user_factors_.astype(np.float64), model.item_factors_.astype(np.float64)
    s = P @ Q.T
    c = untaken(model)
    taken = ((1 + model.alpha * r) * (1 - s[users, items]) ** 2 - c[items] * s[users, items] ** 2).sum()
    return taken + (c * s**2).sum() + model.l2 * ((P**2).sum() + (Q**2).sum())


@pytest.mark.parametrize("exponent", [0.0, 0.4])
@pytest.mark.parametrize("solver", ["cholesky", "cg", "coordinate"])
def test_sweeps_descend(solver, exponent):
    model = ImplicitALS(4, alpha=1.0, solver=solver, exponent=exponent).fit(stream())
    losses = [loss(model)] + [loss(model.refresh()) for _ in range(5)]
    assert (np.diff(losses) < 1e-4).all() and losses[-1] < losses[0] - 0.05


@pytest.mark.parametrize("exponent", [0.0, 0.4])
@pytest.mark.parametrize("solver", ["cholesky", "cg"])
def test_after_a_sweep_items_are_solutions(solver, exponent):
    model = ImplicitALS(4, solver=solver, cg_steps=8, exponent=exponent).fit(stream()).refresh(2)
    np.testing.assert_allclose(row_of(model, "item", "i5"), solution(model, "item", "i5"), atol=1e-4)


@pytest.mark.parametrize("solver", ["cholesky", "cg", "coordinate"])
def test_taste_is_learned(solver):
    model = ImplicitALS(4, solver=solver).fit(stream(200))
    items, _ = model.recommend(model.user_ids_, 3)
    right = [
        int(i[1:]) % 2 == int(u[1:]) % 2
        for u, row in zip(model.user_ids_, items, strict=True)
        for i in row
        if i
    ]
    assert np.mean(right) > 0.8


def test_epochs_are_sweeps():
    a, b = ImplicitALS(4, n_epochs=3).fit(stream()), ImplicitALS(4).fit(stream()).refresh(2)
    np.testing.assert_array_equal(a.item_factors_, b.item_factors_)


def test_a_popular_item_is_solved_now_and_then():
    model = ImplicitALS(2).partial_fit([(f"u{j}", "hit") for j in range(100)])
    solved = model._state.item_rows.arrays["stat"][0, 2]
    assert 93 < solved <= 100
    model.refresh()
    np.testing.assert_allclose(row_of(model, "item", "hit"), solution(model, "item", "hit"), atol=1e-6)


def test_a_stranger_gets_what_is_popular():
    model = ImplicitALS(2, cold_start="popular").partial_fit(
        [("a", "x"), ("b", "y"), ("c", "y"), (None, "z"), (None, "z"), (None, "z")]
    )
    assert model.recommend_one("nobody", 3) == ["z", "y", "x"]
    assert model.predict([("nobody", "z")])[0] == pytest.approx(3e-6)


def test_a_short_history_is_refused():
    with pytest.raises(ValueError, match=r"history=5 is too short for ImplicitALS.*Set history=None"):
        ImplicitALS(history=5).fit(stream(10))


def test_refresh_takes_a_number_of_sweeps():
    model = ImplicitALS(2).fit(stream(10))
    for bad in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match=f"n must be a whole number of sweeps, at least 1; got {bad}"):
            model.refresh(bad)


@pytest.mark.parametrize("n_factors", [1, 16, 33])
def test_solutions_of_any_width_and_of_long_lists(n_factors):
    rng = np.random.default_rng(1)
    model = ImplicitALS(n_factors, l2=0.5).fit(rng.integers(0, [60, 80], (4000, 2))).refresh()
    assert len(model._state.stores["takers"].items_of(0)) > 33  # more than one panel of rows
    for item in (0, 79):
        np.testing.assert_allclose(row_of(model, "item", item), solution(model, "item", item), atol=1e-6)


@pytest.mark.parametrize("solver", ["cholesky", "cg", "coordinate"])
def test_threads_change_nothing(solver):
    rng = np.random.default_rng(0)
    events = rng.integers(0, [700, 300], (6000, 2))
    one, two, all_ = (ImplicitALS(5, solver=solver, n_epochs=3, n_jobs=n).fit(events) for n in (None, 2, -1))
    users, pairs = np.arange(700), rng.integers(0, [710, 310], (140_000, 2))
    for other in (two, all_):
        np.testing.assert_array_equal(one.user_factors_, other.user_factors_)
        np.testing.assert_array_equal(one.item_factors_, other.item_factors_)
        np.testing.assert_array_equal(one._state.scalar("gram"), other._state.scalar("gram"))
        for mine, theirs in zip(one.recommend(users), other.recommend(users), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_array_equal(one.predict(pairs), other.predict(pairs))


def test_n_jobs_is_a_number_of_threads():
    with pytest.raises(ValueError, match="'n_jobs' parameter of ImplicitALS"):
        ImplicitALS(n_jobs=0).fit(stream(10))


@pytest.mark.parametrize("solver", ["cholesky", "cg", "coordinate"])
def test_a_row_without_a_solution_stays_and_is_told_of_once(solver):
    model = ImplicitALS(4, solver=solver, l2=1e-30, init_scale=1e25).partial_fit([(None, "x"), (None, "y")])
    with pytest.warns(DivergenceWarning, match="ImplicitALS.*the row is as it was. Lower alpha") as told:
        model.partial_fit(stream(60))
        model.refresh()
        model.learn_one({"user": "u1", "item": "i1"})
    assert len(told) == 1
    assert np.isfinite(model.user_factors_).all() and np.isfinite(model.item_factors_).all()
    items, scores = model.recommend(["u1", "nobody"], 3)
    assert np.isfinite(scores).all() and (items != None).all()  # noqa: E711


@pytest.mark.parametrize("solver", ["cholesky", "cg", "coordinate"])
def test_absurd_weights_leave_numbers(solver):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        model = ImplicitALS(4, solver=solver, alpha=1e30, l2=1e-12).partial_fit(
            stream(200), sample_weight=np.geomspace(1e-9, 1e12, 200)
        )
    assert np.isfinite(model.user_factors_).all() and np.isfinite(model.item_factors_).all()


def test_weights_of_what_was_not_taken_shape_the_state():
    model = ImplicitALS(2).fit(stream(10)).set_params(exponent=0.5)
    with pytest.raises(ValueError, match=r"exponent was changed from 0.0 to 0.5"):
        model.partial_fit(stream(10))


def test_popular_items_that_were_not_taken_count_more():
    events = [(f"u{j}", "hit") for j in range(60)] + [(f"u{j}", f"i{j % 6}") for j in range(60)]
    scores = [
        ImplicitALS(4, exponent=e, prior=0, l2=0.5).fit([*events, ("ann", "i0")]).predict([("ann", "hit")])[0]
        for e in (0.0, 0.8)
    ]
    assert scores[1] < scores[0]
