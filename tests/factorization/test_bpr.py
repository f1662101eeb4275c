"""BPR: what is drawn, what a step does, who learns from what, and that nothing explodes."""

import copy
import threading
import time
import warnings

import numpy as np
import pytest

from skl_increc.exceptions import DivergenceWarning
from skl_increc.factorization import BPR

LOSSES = ["bpr", "warp", "logistic", "squared"]
NEGATIVES = ["uniform", "popularity", "recent", "hardest"]


def stream(n=600, seed=0, users=40):
    """Users of two tastes and items of two kinds."""
    rng = np.random.default_rng(seed)
    u = rng.integers(0, users, n)
    return [(f"u{a}", f"i{2 * b + a % 2}") for a, b in zip(u, rng.integers(0, 12, n), strict=True)]


def mixed(n=210):
    """Events of which one in seven was refused, and weights."""
    y = np.where(np.arange(n) % 7 == 5, -1.0, 1.0)
    return stream(n), y, np.random.default_rng(1).uniform(0.5, 2, n)


def share_of_taste(model):
    """Of the items in the lists of the users, how many are of the user's kind."""
    users = [u for u in model.user_ids_ if u.startswith("u")]
    items, _ = model.recommend(users, 5, exclude_seen=False)
    right = [int(i[1:]) % 2 == int(u[1:]) % 2 for u, row in zip(users, items, strict=True) for i in row]
    return np.mean(right)


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_learns_taste_from_every_kind_of_negatives(loss, negatives):
    if loss == "squared" and negatives == "recent":
        pytest.skip("RAISGD has a test of its own")
    model = BPR(8, loss=loss, negatives=negatives, n_negatives=5, n_epochs=5, history=0).fit(stream())
    assert share_of_taste(model) > 0.8


@pytest.mark.parametrize("negatives", NEGATIVES)
@pytest.mark.parametrize("history", [None, 3, 0])
def test_a_batch_is_its_events_one_by_one(negatives, history):
    params = {"loss": "logistic", "negatives": negatives, "n_negatives": 3, "history": history}
    one, batch = BPR(5, **params), BPR(5, **params)
    for user, item in stream(200):
        one.learn_one({"user": user, "item": item})
    batch.partial_fit(stream(200)[:70]).partial_fit(stream(200)[70:])
    np.testing.assert_array_equal(one.item_factors_, batch.item_factors_)
    np.testing.assert_array_equal(one.user_factors_, batch.user_factors_)
    np.testing.assert_array_equal(one.item_biases_, batch.item_biases_)


def together(model):
    """All numbers of the rows."""
    rows = [model._state.user_rows, model._state.item_rows]
    return [*(r.view(name) for r in rows for name in ("factors", "stat")), model._state.scalars]


@pytest.mark.parametrize("n_factors", [5, 16, 40, 64, 128])
@pytest.mark.parametrize("history", [None, 0])
def test_steps_that_share_no_row_are_made_together_and_are_the_same(n_factors, history):
    """Pairs of a table go in groups, events that come alone do not: other code, and the same numbers."""
    rng = np.random.default_rng(n_factors)
    n, params = 400, {"n_negatives": 1, "learning_rate": 3.0, "init_scale": 1.0, "history": history}
    u, i = rng.integers(0, 60, n), rng.integers(0, 40, n)
    u[100:130], i[200:230] = 7, 3  # runs of one user, of one item
    y, w = (
        np.where(rng.random(n) < 0.1, -1.0, 1.0),
        np.where(rng.random(n) < 0.1, 0.0, rng.uniform(0.5, 20, n)),
    )
    events = [(f"u{a}", f"i{b}") for a, b in zip(u, i, strict=True)]
    one, parts, batch = (BPR(n_factors, **params) for _ in range(3))
    for event, target, weight in zip(events, y, w, strict=True):
        one.partial_fit([event], [target], [weight])
    for a in range(0, n, 23):
        parts.partial_fit(events[a : a + 23], y[a : a + 23], w[a : a + 23])
    batch.fit(events, y, w)
    for mine, pieces, whole in zip(together(one), together(parts), together(batch), strict=True):
        np.testing.assert_array_equal(mine, whole)
        np.testing.assert_array_equal(pieces, whole)


def test_a_further_pass_groups_steps_and_changes_nothing_else():
    """Event by event, and as the table that it is: a pass without the history, whose draws are by number."""
    events = np.random.default_rng(0).integers(0, 30, (300, 2))
    model, twin = (BPR(8, n_negatives=1, biases=False).partial_fit(events) for _ in range(2))
    states = model._state, twin._state
    u, i = (
        ids.find_objects(events[:, c].tolist()) for c, ids in enumerate((states[0].users, states[0].items))
    )
    y = np.ones(300)
    for state in states:
        state.learner.count = False
    states[0].learn(u, i, y, y, y)
    for j in range(300):
        states[1].learn(u[j : j + 1], i[j : j + 1], y[:1], y[:1], y[:1])
    for mine, theirs in zip(together(model), together(twin), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_row_that_has_exploded_spoils_no_other_of_its_group():
    """Sixteen pairs without a common row: the one of the bad user is not made, the others are."""
    pairs = [(f"u{j}", f"i{j}") for j in range(16)]
    model, sound = (BPR(4, n_negatives=1).partial_fit(pairs) for _ in range(2))
    model._state.user_rows.arrays["factors"][5] = 1e30
    for learner in (model, sound):
        before = learner._state.item_rows.view("factors").copy()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DivergenceWarning)
            learner.partial_fit(pairs)
        learner.moved = (learner._state.item_rows.view("factors") != before).any(axis=1)
    assert model._state.scalar("counts")[2] == 1 and sound._state.scalar("counts")[2] == 0
    assert model.user_factors_[5].tolist() == [np.float32(1e30)] * 4
    assert np.isfinite(model.item_factors_).all() and model.moved.sum() >= 14 and sound.moved.all()


@pytest.mark.parametrize("history", [None, 0])
def test_parameters_that_another_thread_sets_hold_from_the_next_turn_on(history):
    """More negatives need a longer list of them, and the shorter one is gone."""
    events = np.random.default_rng(0).integers(0, 500, (3000, 2))
    model = BPR(4, n_negatives=100, history=history).partial_fit(events[:500])
    thread = threading.Thread(target=model.partial_fit, args=(events,))
    thread.start()
    mine = []
    for more in range(200, 1000, 200):
        model.set_params(n_negatives=more)
        model.recommend_one(7, 3)
        mine += [np.full(more - 100, -7, np.int32) for _ in range(50)]
        time.sleep(0.01)
    thread.join()
    assert all((numbers == -7).all() for numbers in mine)
    assert np.isfinite(model.item_factors_).all()


def test_what_the_user_had_is_not_drawn():
    """A user who has had everything but one item: that one alone goes down."""
    items = [f"i{j}" for j in range(8)]
    model = BPR(3, n_negatives=4).partial_fit([("other", i) for i in [*items, "rest"]])
    model.partial_fit([("ann", i) for i in items])
    before = dict(zip(model.item_ids_, model.item_factors_.copy(), strict=True))
    model.learn_one({"user": "ann", "item": "i0"})
    moved = {i for i, q in zip(model.item_ids_, model.item_factors_, strict=True) if (q != before[i]).any()}
    assert moved == {"i0", "rest"}


def test_one_pair_moves_as_the_equations_say():
    params = {
        "optimizer": "sgd",
        "learning_rate": 0.02,
        "learning_rate_bias": 0.03,
        "l2": 0.1,
        "l2_bias": 0.2,
    }
    model = BPR(4, n_negatives=1, **params).partial_fit([("bob", "no"), ("ann", "yes")])
    p, (qj, qi) = model.user_factors_[1].copy(), model.item_factors_.copy()
    bj, bi = model.item_biases_.copy()
    g = 1 / (1 + np.exp(bi - bj + p @ (qi - qj)))
    model.learn_one({"user": "ann", "item": "yes"})
    np.testing.assert_allclose(model.user_factors_[1], p + 0.02 * (g * (qi - qj) - 0.1 * p), rtol=2e-5)
    np.testing.assert_allclose(model.item_factors_[1], qi + 0.02 * (g * p - 0.1 * qi), rtol=2e-5)
    np.testing.assert_allclose(model.item_factors_[0], qj - 0.02 * (g * p + 0.1 * qj), rtol=2e-5)
    biases = [bj - 0.03 * (g + 0.2 * bj), bi + 0.03 * (g - 0.2 * bi)]
    np.testing.assert_allclose(model.item_biases_, biases, rtol=2e-5)


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_one_item_moves_as_the_equations_say(loss):
    model = BPR(4, loss=loss, n_negatives=0, optimizer="sgd", learning_rate=0.02, biases=False, l2=0.1)
    model.learn_one({"user": "ann", "item": "yes"})
    p, q = model.user_factors_[0].copy(), model.item_factors_[0].copy()
    e = 1 - (p @ q if loss == "squared" else 1 / (1 + np.exp(-p @ q)))
    model.learn_one({"user": "ann", "item": "yes"})
    np.testing.assert_allclose(model.user_factors_[0], p + 0.02 * (e * q - 0.1 * p), rtol=2e-5)
    np.testing.assert_allclose(model.item_factors_[0], q + 0.02 * (e * p - 0.1 * q), rtol=2e-5)


def test_recent_negatives_are_those_longest_unseen_and_move_the_user_alone():
    model = BPR(4, loss="squared", negatives="recent", n_negatives=1, biases=False, optimizer="sgd", l2=0)
    model.partial_fit([("bob", "a"), ("bob", "b"), ("bob", "c")])
    queue = model._state.item_rows.view("queue")
    assert model._state.scalar("counts")[3:5].tolist() == [1, 3]
    before, user = model.item_factors_.copy(), model.user_factors_.copy()
    model.learn_one({"user": "ann", "item": "c"})  # a is longest unseen: it goes to the end, then c
    np.testing.assert_array_equal(model.item_factors_[:2], before[:2])
    assert (model.user_factors_[0] == user[0]).all()
    assert model._state.scalar("counts")[3:5].tolist() == [2, 3]
    assert queue[[1, 0, 2]].tolist() == [[0, 1], [2, 3], [1, 0]]


def test_popular_items_are_drawn_more_often():
    events = [(f"u{j}", "hit") for j in range(200)] + [(f"v{j}", f"rare{j % 20}") for j in range(20)]
    biases = {}
    for exponent in (0.0, 1.0):
        model = BPR(
            2, loss="squared", negatives="popularity", exponent=exponent, n_negatives=2, learning_rate=1e-9
        )
        model.partial_fit(events)
        tree, n = model._state.item_rows.view("tree"), len(model.item_ids_)
        assert tree[15] == pytest.approx(16 if exponent == 0 else 200 + 15)
        model.set_params(learning_rate_bias=0.1, optimizer="sgd", l2=0.0)
        model.partial_fit([(f"w{j}", "rare0") for j in range(30)])
        biases[exponent] = model.item_biases_[0]
        assert n == 21
    assert biases[1.0] < biases[0.0]


@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_refused_goes_down(loss):
    model = BPR(4, loss=loss, n_negatives=3).partial_fit(stream(200))
    model.partial_fit([("ann", "i0"), ("ann", "i2")])
    X = [("ann", "i4")]
    before = model.predict(X)[0] - model.predict([("ann", "i2")])[0]
    for _ in range(3):
        model.learn_one({"user": "ann", "item": "i4"}, -1)
    assert model.predict(X)[0] - model.predict([("ann", "i2")])[0] < before
    assert not model.seen("ann", "i4")
    batch = BPR(4, loss=loss, n_negatives=3).partial_fit(stream(200))
    batch.partial_fit([("ann", "i0"), ("ann", "i2")]).partial_fit(X * 3, [0, -1, -5])
    np.testing.assert_array_equal(batch.item_factors_, model.item_factors_)


def test_balanced_negatives_weigh_as_much_as_the_positive():
    models = [
        BPR(4, loss="logistic", n_negatives=4, negative_weight=w).partial_fit(stream(100))
        for w in (0.25, "balanced")
    ]
    np.testing.assert_array_equal(models[0].item_factors_, models[1].item_factors_)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_classes_are_weights_of_their_events(loss):
    events, y, w = mixed()
    by_class = BPR(4, loss=loss, n_negatives=2, class_weight={0: 2.0, 1: 0.5}).fit(events, y, w)
    by_event = BPR(4, loss=loss, n_negatives=2).fit(events, y, w * np.where(y > 0, 0.5, 2.0))
    np.testing.assert_array_equal(by_class.user_factors_, by_event.user_factors_)
    np.testing.assert_array_equal(by_class.item_biases_, by_event.item_biases_)


def test_balanced_classes_weigh_the_same_by_what_has_come():
    events, y, w = mixed()
    balanced = BPR(4, n_negatives=2, class_weight="balanced", replay=1).fit(events, y, w)
    taken, refused = np.cumsum(w * (y > 0)), np.cumsum(w * (y <= 0))
    heavy = 0.5 * (taken + refused + 1) / (np.where(y > 0, taken, refused) + 0.5)
    heavy[(taken == 0) | (refused == 0)] = 1
    assert heavy[0] == 1 and 3 < heavy[y <= 0][-1] < 4  # one event in seven was refused
    by_event = BPR(4, n_negatives=2).fit(events, y, w * heavy)
    np.testing.assert_allclose(
        BPR(4, n_negatives=2, class_weight="balanced").fit(events, y, w).item_factors_,
        by_event.item_factors_,
        rtol=1e-6,
    )
    one = BPR(4, n_negatives=2, class_weight="balanced", replay=1)
    for (user, item), a, b in zip(events, y.tolist(), w.tolist(), strict=True):
        one.learn_one({"user": user, "item": item}, a, b)
    np.testing.assert_array_equal(one.item_factors_, balanced.item_factors_)


def test_balanced_classes_change_nothing_where_nothing_is_refused():
    balanced, plain = (BPR(4, class_weight=c, n_epochs=2).fit(stream(100)) for c in ("balanced", None))
    np.testing.assert_array_equal(balanced.item_factors_, plain.item_factors_)


def test_classes_are_0_and_1():
    for weights, message in [
        ({"no": 2.0}, r"class_weight names 'no', which is none of the labels \[0, 1\]"),
        ({0: 0.0}, r"class_weight must be positive and finite; got \{0: 0.0\}"),
    ]:
        with pytest.raises(ValueError, match=message):
            BPR(class_weight=weights).fit(stream(10))


def test_a_stranger_is_answered_by_counts():
    events = stream(300)
    model = BPR(4, n_negatives=5, cold_start="popular").partial_fit(events)
    items = list(model.item_ids_)
    counts = [sum(item == other for _, other in events) for item in items]
    assert model.predict([("nobody", i) for i in items]).tolist() == counts
    assert model.predict([("nobody", "nothing")])[0] == 0


@pytest.mark.parametrize("loss", ["bpr", "logistic", "squared"])
def test_nothing_explodes_at_absurd_rates_and_weights(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = BPR(4, loss=loss, n_negatives=5, learning_rate=1e6, learning_rate_bias=1e6, optimizer="sgd")
        model.partial_fit(stream(300), sample_weight=np.geomspace(1e-9, 1e12, 300))
    assert np.isfinite(model.item_factors_).all() and np.abs(model.predict(stream(300))).max() < 1e6


def test_steps_of_warp_that_explode_are_not_made_and_told_of_once():
    model = BPR(4, loss="warp", n_negatives=5, learning_rate=1e6, learning_rate_bias=1e6, optimizer="sgd")
    with pytest.warns(
        DivergenceWarning, match="Lower learning_rate, learning_rate_bias or init_scale"
    ) as told:
        model.partial_fit(stream(300), sample_weight=np.geomspace(1e-9, 1e12, 300))
        kept = model.item_factors_.copy()
        model.partial_fit([("u1", "i1")], sample_weight=[1e12])
    assert len(told) == 1
    np.testing.assert_array_equal(model.item_factors_, kept)
    assert np.linalg.norm(kept, axis=1).max() < 3e6
    items, scores = model.recommend(model.user_ids_, 3, exclude_seen=False)
    assert np.isfinite(scores).all() and all(i is not None for i in items.ravel())


def test_the_step_of_warp_is_as_long_as_the_rank_says():
    model = BPR(4, loss="warp", n_negatives=20, optimizer="sgd", learning_rate=0.02, biases=False, l2=0)
    model.partial_fit([("ann", f"i{j}") for j in range(20)] + [("bob", "other")])
    p, q = model.user_factors_[1].copy(), model.item_factors_.copy()
    model.learn_one({"user": "bob", "item": "other"})
    moved = np.flatnonzero((model.item_factors_ != q).any(axis=1))
    j = moved[0]
    assert moved.tolist() == [j, 20]  # the first that was drawn stands within 1, as all begin near 0
    np.testing.assert_allclose(model.user_factors_[1], p + 0.02 * np.log(20) * (q[20] - q[j]), rtol=2e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_row_that_has_exploded_is_left_and_told_of_once(loss):
    model = BPR(4, loss=loss, n_negatives=5, init_scale=1e10)
    with pytest.warns(
        DivergenceWarning, match="Lower learning_rate, learning_rate_bias or init_scale"
    ) as told:
        model.partial_fit(stream(100))
        model.partial_fit(stream(100))
        model.learn_one({"user": "u1", "item": "i1"})
    assert len(told) == 1
    assert np.isfinite(model.item_factors_).all() and np.isfinite(model.recommend(["u1"])[1][0, 0])


def test_pairs_need_something_to_compare_with():
    for loss in ("bpr", "warp"):
        with pytest.raises(ValueError, match=f"loss='{loss}' compares.*n_negatives=0.*ISGD"):
            BPR(loss=loss, n_negatives=0).fit(stream(10))


def test_a_file_with_rows_that_are_none_is_refused():
    model = BPR(2, loss="squared", negatives="recent", n_negatives=1, replay=1, replay_size=4)
    model.partial_fit(stream(50))
    model._check_state(model._state)
    broken = [
        ("scalar", "counts", 1, 99, "items known"),
        ("scalar", "counts", 4, 0, "queue"),
        ("scalar", "counts", 6, -1, "no weights of what was taken and refused"),
        ("item", "queue", (3, 1), 4, "queue"),
        ("item", "queue", (3, 0), -7, "queue"),
        ("user", "last", (2, 0), 99, "last item"),
        ("scalar", "replay_events", 1, 99, "to learn again"),
    ]
    for side, name, at, value, message in broken:
        some = copy.deepcopy(model)
        state = some._state
        rows = {"user": state.user_rows, "item": state.item_rows}.get(side)
        array = state.scalar(name) if rows is None else rows.arrays[name]
        array[at] = value
        with pytest.raises(ValueError, match=message):
            some._check_state(state)


def test_threads_change_no_answer():
    rng = np.random.default_rng(0)
    events = rng.integers(0, [700, 300], (2000, 2))
    one, two = (BPR(5, n_negatives=3, n_jobs=n).fit(events) for n in (None, 2))
    users, pairs = np.arange(769), rng.integers(0, [710, 310], (140_000, 2))
    gone = iter([1, 2, 3])
    answers = [one.recommend(users, exclude=[1, 2, 3]), two.recommend(users, exclude=gone)]
    for mine, theirs in zip(*answers, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(one.predict(pairs), two.predict(pairs))
