"""Ties between users: where they count, which stay, and that they are state like all else."""

import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from sklearn.base import clone

import skl_increc
from skl_increc.checks._states import same_bytes
from skl_increc.exceptions import GuaranteeError, SaveFormatError
from skl_increc.factorization import BiasedMF
from skl_increc.social import SocialMF, TrustSVD

MODELS = pytest.mark.parametrize("model", [SocialMF(), TrustSVD()], ids=["SocialMF", "TrustSVD"])


@pytest.fixture(scope="module")
def circles():
    """Ratings of two circles of users, one of which likes what the other does not."""
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 40, 1500), rng.integers(0, 30, 1500)
    likes = np.where((users % 2) == (items % 2), 1.5, -1.5)
    ratings = 3 + likes + 2 * (users % 2) + 0.3 * rng.normal(size=1500)
    return np.c_[users, items], ratings


def teach(model, X, y):
    for (user, item), rating in zip(X.tolist(), y.tolist(), strict=True):
        model.learn_one(y=rating, user=user, item=item)
    return model


def friends(model, user):
    names, weights = model.friends_of(user)
    return dict(zip(names.tolist(), weights.tolist(), strict=True))


# -- what friends say ------------------------------------------------------------------------------


@MODELS
def test_a_stranger_with_friends_is_answered_as_they_are(model, circles):
    model = clone(model).add_edges([f"of {c}" for c in (0, 1)] * 6, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    if isinstance(model, TrustSVD):  # users 20 to 39 trust the same people
        model.add_edges(
            np.repeat(np.arange(20, 40), 3), [2 * j + u % 2 for u in range(20) for j in (1, 2, 3)]
        )
    model.fit(*circles)
    errors = []
    for user in ("of 0", "of 1"):
        likes = np.array([model.predict_one(user=user, item=i) for i in range(30)])
        mine = np.arange(30) % 2 == int(user[-1])
        errors.append(likes[mine].mean() - likes[~mine].mean())
    assert min(errors) > 0.5
    lists, _ = model.recommend(["of 0", "of 1"], 5)
    assert [{i % 2 for i in row} for row in lists.tolist()] == [{0}, {1}]
    assert [model.recommend_one(user, 5) for user in ("of 0", "of 1")] == lists.tolist()


def test_the_means_of_the_friends_are_weighted(circles):
    model = SocialMF(homophily=0.7, init_scale=0.0).fit(*circles)
    model.add_edges(["new", "new", "new"], [1, 2, "nobody yet"], [3.0, 1.0, 100.0])
    mean, sd = model._state.learner.centre_and_scale()
    at = {user: row for row, user in enumerate(model.user_ids_.tolist())}
    row = (3 * model.user_factors_[at[1]] + model.user_factors_[at[2]]) / 4
    bias = (3 * model.user_biases_[at[1]] + model.user_biases_[at[2]]) / 4
    for item, q, b in zip(model.item_ids_, model.item_factors_, model.item_biases_, strict=True):
        want = mean + sd * (0.7 * bias + b + 0.7 * row @ q)
        assert model.predict_one(user="new", item=item) == pytest.approx(want, rel=1e-5)


def test_a_tie_to_a_user_without_events_counts_once_there_are_some(circles):
    model = SocialMF().fit(*circles)
    plain = model.predict_one(user="new", item=3)
    model.add_edges(["new"], ["later"])
    assert model.predict_one(user="new", item=3) == plain
    model.learn_one(y=5.0, user="later", item=3)
    assert model.predict_one(user="new", item=3) > plain
    assert model.remove_edges(["new"], ["later"]) == 1
    left = model.predict_one(user="new", item=3)
    assert left == model.predict_one(user="unknown", item=3)


def test_without_ties_it_is_the_model_without_friends(circles):
    want = BiasedMF().fit(*circles).predict(circles[0])
    for model in (SocialMF(), TrustSVD()):
        np.testing.assert_allclose(model.fit(*circles).predict(circles[0]), want, rtol=1e-4)


def test_homophily_is_learned_from_how_alike_friends_are(circles):
    X, y = circles
    rng = np.random.default_rng(1)
    users = np.arange(40)
    alike, random = (users + 2 * rng.integers(1, 19, 40)) % 40, rng.permutation(40)
    split = X[:, 0] < 20  # half of the users come late, with friends who are known
    order = np.argsort(~split, kind="stable")
    learned = [
        SocialMF(social=0.0).add_edges(users, who).fit(X[order], y[order]).homophily_
        for who in (alike, random)
    ]
    assert learned[0][0] > learned[1][0] + 0.2
    assert learned[0][1] > learned[1][1] + 0.2
    assert SocialMF(homophily=0.25).add_edges(users, alike).fit(X, y).homophily_ == (0.25, 0.25)


def test_the_pull_draws_a_user_towards_her_friends(circles):
    distance = []
    for social in (0.0, 3.0, 100.0):
        model = SocialMF(social=social, homophily=1.0).add_edges([0], [1]).fit(*circles)  # unlike each other
        distance.append(float(np.linalg.norm(model.user_factors_[0] - model.user_factors_[1])))
        distance[-1] += float(abs(model.user_biases_[0] - model.user_biases_[1]))
    assert distance[0] > distance[1] > distance[2]


# -- which ties stay -------------------------------------------------------------------------------


@MODELS
def test_the_heaviest_ties_stay_and_of_equals_the_newest(model):
    model = clone(model).set_params(max_friends=3)
    model.add_edges(["a"] * 4, ["b", "c", "d", "e"])
    assert friends(model, "a") == {"e": 1, "d": 1, "c": 1}
    assert model.add_edges(["a", "a", "a"], ["f", "c", "g"], [2.0, 3.0, 0.5]).friends_of("a")[0].tolist() == [
        "c",
        "f",
        "e",
    ]
    assert friends(model, "a") == {"c": 3, "f": 2, "e": 1}
    assert model.add_edges(["a"], ["a"], [9.0]).n_edges_ == 3  # nobody is a friend of her own
    assert friends(model, "nobody") == {}


@MODELS
@settings(max_examples=examples(15))
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.5, 1.0, 2.0, 0.0])), max_size=40
    )
)
def test_ties_are_those_of_a_slow_and_obvious_list(model, steps):
    model, want = clone(model).set_params(max_friends=2), {u: [] for u in range(6)}
    for user, friend, weight in steps:
        mine = [(f, w) for f, w in want[user] if f != friend]
        if weight == 0:
            assert model.remove_edges([user], [friend]) == len(want[user]) - len(mine)
            want[user] = mine
            continue
        model.add_edges([user], [friend], [weight])
        if user == friend:
            continue
        want[user] = [(friend, weight), *mine]
        if len(want[user]) > 2:  # the last of the lightest goes; a newcomer who is lighter than all, too
            lightest = min(w for _, w in want[user])
            at = max(j for j, (_, w) in enumerate(want[user]) if w == lightest)
            del want[user][at]
    for user, mine in want.items():
        names, weights = model.friends_of(user)
        assert list(zip(names.tolist(), weights.tolist(), strict=True)) == mine


@MODELS
def test_all_ties_of_users_and_to_them_are_removed_at_once(model):
    model = clone(model).add_edges(["a", "b", "c", "b"], ["b", "a", "b", "c"])
    assert model.remove_edges(["b", "unknown"]) == 4
    assert model.n_edges_ == 0
    assert model.remove_edges(["a", "x"], ["b", "y"]) == 0
    assert clone(model).remove_edges(["a"]) == 0


# -- state -----------------------------------------------------------------------------------------


@MODELS
def test_batch_is_stream_when_ties_come_at_the_same_places(model, circles, tmp_path):
    X, y = circles
    edges = np.random.default_rng(2).integers(0, 50, (2, 200))
    whole = clone(model).add_edges(edges[0, :100], edges[1, :100])
    whole.partial_fit(X[:700], y[:700]).add_edges(edges[0, 100:], edges[1, 100:], np.arange(1, 101) / 50)
    whole.partial_fit(X[700:1000], y[700:1000]).remove_edges(edges[0, :30], edges[1, :30])
    one = clone(model)
    for u, v in edges[:, :100].T.tolist():
        one.add_edges([u], [v])
    teach(one, X[:700], y[:700])
    one = pickle.loads(pickle.dumps(one))
    for j, (u, v) in enumerate(edges[:, 100:].T.tolist()):
        one.add_edges(pd.Series([u]), pd.Series([v]), [(j + 1) / 50])
    one.partial_fit(X[700:1000], y[700:1000])
    skl_increc.save(one, tmp_path / "model.npz")
    one = skl_increc.load(tmp_path / "model.npz")
    for u, v in edges[:, :30].T.tolist():
        one.remove_edges([u], [v])
    same_bytes(whole, one, "ties at the same places of a stream")
    same_bytes(whole.partial_fit(X[1000:], y[1000:]), teach(one, X[1000:], y[1000:]), "and afterwards")


@MODELS
def test_fit_keeps_the_ties_and_a_clone_takes_them_along(model, circles):
    told = clone(model).add_edges(["a", 3, "a"], [1, "a", 2], [1.0, 2.0, 3.0])
    before = pickle.dumps(told.fit(*circles))
    again = told.fit(*circles)
    same_bytes(again, pickle.loads(before), "fit twice")
    assert friends(again, "a") == {2: 3, 1: 1}
    assert friends(again, 3) == {"a": 2}
    for new in (clone(again), again.clone(), again.clone({"n_factors": 3})):
        assert (friends(new, "a"), friends(new, 3), new._state.n_events) == ({2: 3, 1: 1}, {"a": 2}, 0)
        assert friends(new.fit(*circles), "a") == {2: 3, 1: 1}
    again.remove_edges(["a", 3])
    assert clone(again)._state is None
    again.add_edges(["a", 3, "a"], [1, "a", 2], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="n_factors was changed"):
        again.set_params(n_factors=3).learn_one(y=1.0, user=1, item=1)
    assert friends(again.fit(*circles), "a") == {2: 3, 1: 1}
    early = clone(model).add_edges(["a"], ["b"]).set_params(n_factors=3, max_friends=1)
    early.learn_one(y=1.0, user="b", item=1)
    assert friends(early, "a") == {"b": 1}
    narrow = again.set_params(max_friends=1)
    with pytest.raises(ValueError, match="max_friends was changed"):
        narrow.partial_fit(*circles)
    assert friends(narrow.fit(*circles), "a") == {2: 3}


@MODELS
def test_a_snapshot_keeps_its_ties_and_takes_none(model, circles):
    model = clone(model).add_edges(["a"], [1]).fit(*circles)
    frozen = model.snapshot()
    bytes_before = model.nbytes
    model.add_edges([f"new {j}" for j in range(100)], [1] * 100)
    assert model.nbytes > bytes_before + 100 * 8 * model.max_friends
    model.remove_edges(["a"])
    assert friends(frozen, "a") == {1: 1}
    with pytest.raises(RuntimeError, match="snapshot"):
        frozen.add_edges(["a"], ["b"])


def test_a_row_that_is_freed_is_nobodys_friend():
    model = SocialMF().add_edges(["a", "b", "a"], ["b", "c", "c"], [1.0, 2.0, 3.0])
    state = model._state
    state.drop_rows(0, np.array([state.users.find("c")], np.int32))
    assert friends(model, "a") == {"b": 1}
    assert friends(model, "b") == {}
    model.add_edges(["d"], ["a"])  # takes the freed row
    assert friends(model, "d") == {"a": 1}
    assert model.n_edges_ == 2


@MODELS
def test_asking_while_another_thread_ties_and_teaches(model, circles):
    model, done, failures = clone(model).fit(*circles), threading.Event(), []

    def ask():
        try:
            while not done.is_set():
                assert np.isfinite(model.predict(np.c_[np.arange(80), np.arange(80) % 30])).all()
                model.recommend(range(60), 3)
                model.recommend_one(50, 3)
                model.snapshot().friends_of(50)
        except Exception as error:
            failures.append(error)

    reader, rng = threading.Thread(target=ask), np.random.default_rng(0)
    reader.start()
    for n in range(40, 1000, 40):
        model.add_edges(rng.integers(0, n, 60), rng.integers(0, n, 60))
        model.remove_edges(rng.integers(0, n, 3))
        model.partial_fit(np.c_[rng.integers(0, n, 50), rng.integers(0, 40, 50)], rng.normal(size=50))
    done.set()
    reader.join()
    assert not failures


# -- errors ----------------------------------------------------------------------------------------


@MODELS
@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((["a", "b"], ["c"]), "must be of one length; got 2 and 1"),
        ((["a", None], ["c", "d"]), "position 1 of users is missing"),
        ((["a", "b"], ["c", float("nan")]), "position 1 of friends is missing"),
        ((["a"], ["b"], [1.0, 2.0]), r"must have the shape \(1,\)"),
        ((["a", "a"], ["b", "c"], [1.0, 0.0]), "must lie between 1e-06 and 1e.06; got .*0.0.* at position 1"),
        ((["a"], ["b"], [-1.0]), "distrust is no tie"),
        ((["a"], ["b"], [np.nan]), "must lie between"),
    ],
)
def test_wrong_ties_are_refused_and_nothing_has_changed(model, call, message):
    model = clone(model)
    for _ in range(2):
        with pytest.raises(ValueError, match=message):
            model.add_edges(*call)
        assert model._state is None or len(model.user_ids_) == 2
        model.add_edges(["x"], ["y"])
        with pytest.raises(TypeError, match=r"write \['a'\]"):
            model.add_edges("a", ["b"])


def test_it_cannot_forget_but_can_be_told_that_ties_are_gone(circles):
    model = SocialMF().add_edges([1], [2]).fit(*circles)
    with pytest.raises(GuaranteeError, match="cannot forget exactly"):
        model.forget(users=[1])
    assert model.remove_edges([1]) == 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f, t: f.__setitem__((0, 0), 99), "a friend is not among the users"),
        (lambda f, t: f.__setitem__((0, 0), -1), "a friend is not among the users"),
        (lambda f, t: f.__setitem__((0, 0), 0), "do not go together"),
        (lambda f, t: t.__setitem__((0, 0), np.inf), "do not go together"),
        (lambda f, t: f.__setitem__((0, 0), 1), "is her own"),
        (lambda f, t: f.__setitem__((0, 0), f[0, 1]), "a friend twice"),
    ],
)
def test_a_file_with_ties_that_cannot_be_is_refused(spoil, message, tmp_path):
    model = SocialMF().add_edges(["a", "a"], ["b", "c"])
    model.learn_one(y=1.0, user="b", item=1)
    arrays = model._state.user_rows.arrays
    spoil(arrays["friends"], arrays["ties"])
    skl_increc.save(model, tmp_path / "model.npz")
    with pytest.raises(SaveFormatError, match=message):
        skl_increc.load(tmp_path / "model.npz")


def test_parameters_are_checked(circles):
    for params in ({"max_friends": 0}, {"social": -1.0}, {"homophily": 1.5}):
        with pytest.raises(ValueError, match=next(iter(params))):
            SocialMF(**params).fit(*circles)
