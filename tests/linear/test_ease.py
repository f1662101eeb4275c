"""EASE against the closed form, and what it says of itself."""

import copy
import pickle

import numpy as np
import pytest
from closed_form import batch, scores_of
from hypothesis import given, settings
from hypothesis import strategies as st

import skl_increc
from skl_increc.checks._states import difference, everything
from skl_increc.exceptions import CapacityError, GuaranteeError
from skl_increc.linear import EASE, _gram, _inverse, _matrices

USERS = [f"u{j}" for j in range(12)]
ITEMS = [f"i{j}" for j in range(9)]
PAIRS = st.lists(st.tuples(st.sampled_from([*USERS, None]), st.sampled_from([*ITEMS, None])), max_size=25)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["partial_fit", "learn_one", "merge"]), PAIRS),
        st.tuples(
            st.just("forget"), st.tuples(st.sets(st.sampled_from(USERS)), st.sets(st.sampled_from(ITEMS)))
        ),
        st.tuples(st.just("l2"), st.sampled_from([0.5, 3.0, 100.0])),
        st.tuples(st.just("max_items"), st.sampled_from([2, 5, 100])),
        st.tuples(st.sampled_from(["copy", "refresh"]), st.none()),
    ),
    max_size=7,
)


def learn(model, pairs, singly=False):
    if singly:
        for user, item in pairs:
            model.learn_one(user=user, item=item)
    elif pairs:
        table = np.empty((len(pairs), 2), dtype=object)
        table[:] = pairs
        model.partial_fit(table)
    return model


def stream(n, n_users, n_items, seed=0):
    rng = np.random.default_rng(seed)
    popular = rng.zipf(1.3, 10 * n) - 1
    items = popular[popular < n_items][:n]
    return list(zip(rng.integers(0, n_users, len(items)).tolist(), items.tolist(), strict=True))


def must_equal_batch(model, events, l2, recency=1.0):
    kept = model.gram_ids_.tolist() if model.__sklearn_is_fitted__() else []
    X, users, items, _, scores = batch(events, l2, recency, kept)
    if not users:
        return
    np.testing.assert_allclose(scores_of(model, users, items), scores, rtol=1e-9, atol=1e-12)
    at = [(kept.index(i), items.index(i)) for i in items if i in kept]
    mine, theirs = map(list, zip(*at, strict=True)) if at else ([], [])
    assert np.array_equal(model.gram_[np.ix_(mine, mine)], (X.T @ X)[np.ix_(theirs, theirs)])
    had = {i: len({u for u, j in events if i == j and u is not None}) for i in items}
    assert len(kept) == min(model.max_items, len(had))
    assert min([had[i] for i in kept], default=0) >= max(
        [n for i, n in had.items() if i not in kept], default=0
    )


# -- exact -------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(STEPS, st.sampled_from([1.0, 0.5]), st.sampled_from([3, 4, 6, 100]))
def test_after_any_life_it_is_the_closed_form_of_what_is_left(steps, recency, most):
    model, events, l2 = EASE(2.0, recency=recency, max_items=most), [], 2.0
    for step, what in steps:
        if step == "merge":
            theirs = [(u, i) for u, i in what if u not in {u for u, _ in events if u}]
            model.merge(learn(EASE(l2, recency=recency, max_items=most), theirs))
            events += theirs
        elif step == "forget":
            model.forget(users=what[0], items=what[1])
            events = [(u, i) for u, i in events if u not in what[0] and i not in what[1]]
        elif step == "l2":
            l2 = what
            model.set_params(l2=l2)
        elif step == "max_items":
            most = what
            model.set_params(max_items=most)
        elif step == "copy":
            model = copy.deepcopy(model)
        elif step == "refresh":
            if model.__sklearn_is_fitted__():
                model.refresh()
        else:
            learn(model, what, step == "learn_one")
            events += what
        must_equal_batch(model, events, l2, recency)


@pytest.mark.parametrize("asked", [1, 7, 50, 400])
def test_terms_are_folded_in_and_the_answers_stay_those_of_the_closed_form(asked, monkeypatch):
    monkeypatch.setattr(_matrices, "terms_for", lambda side: 2 * _inverse.USERS_AT_ONCE)
    events, model = stream(400, 30, 80), EASE(5.0)
    for a in range(0, len(events), asked):
        learn(model, events[a : a + asked], singly=asked < 10)
        model.recommend_one(events[a][0])
    must_equal_batch(model, events, 5.0)
    assert model.drift() < 1e-12


def test_one_factorisation_and_many_updates_give_the_same_inverse():
    events = stream(900, 60, 150)
    slow, quick = EASE(3.0), EASE(3.0)
    learn(quick, events).refresh()
    for user, item in events:
        slow.learn_one(user=user, item=item)
        slow.predict_one(user=user, item=item)
    users, items = slow.user_ids_[:30], slow.item_ids_
    assert abs(scores_of(slow, users, items) - scores_of(quick, users, items)).max() < 1e-12


def test_the_inverse_drifts_by_rounding_alone_over_nearly_ten_thousand_changes():
    rng = np.random.default_rng(3)
    model = EASE(1.0, history=6)
    worst = 0.0
    for _ in range(800):
        pairs = np.column_stack([rng.integers(0, 40, 12), rng.integers(0, 60, 12)])
        model.partial_fit(pairs)
        model.recommend_one(0)
        worst = max(worst, model._state.stores["gram"].error())
    assert worst < 1e-11  # measured: about 1e-13


def test_an_inverse_that_drifted_is_worked_out_anew(monkeypatch):
    monkeypatch.setattr(_matrices, "terms_for", lambda side: 2 * _inverse.USERS_AT_ONCE)
    events, model = stream(600, 30, 60), EASE(5.0)
    learn(model, events[:300]).recommend_one(0)
    model._state.stores["gram"].matrices.inverse[3, 5] += 1e-3
    assert model.drift() > 1e-4
    for user, item in events[300:]:
        model.learn_one(user=user, item=item)
        model.recommend_one(user)
    assert model.drift() < 1e-12


def test_a_change_near_to_singular_is_not_worked_in(monkeypatch):
    monkeypatch.setattr(_inverse, "SINGULAR", 1.0)
    events, model = stream(200, 20, 30), EASE(2.0)
    for a in range(0, 200, 5):
        learn(model, events[a : a + 5])
        model.recommend_one(events[a][0])
    must_equal_batch(model, events, 2.0)
    assert model._state.stores["gram"].n_updates == 0


def test_counts_of_many_new_users_are_those_of_users_that_came_one_by_one():
    events = stream(2000, 50, 90)
    at_once, singly = learn(EASE(5.0), events), EASE(5.0)
    at_once.gram_
    for user in range(50):
        learn(singly, [(u, i) for u, i in events if u == user]).gram_
    order = [singly._state.items.find(i) for i in at_once.item_ids_]
    mine, theirs = (model._state.stores["gram"].matrices for model in (at_once, singly))
    assert np.array_equal(mine.counts[: len(order), : len(order)], theirs.counts[np.ix_(order, order)])
    assert np.array_equal(mine.partners[: len(order)], theirs.partners[order])
    assert np.array_equal(mine.partners, ((mine.counts > 0) & ~np.eye(len(mine.counts), dtype=bool)).sum(1))


def test_with_a_bounded_history_the_matrix_holds_the_last_items_alone():
    events, model = stream(300, 10, 40), EASE(4.0, history=5)
    for a in range(0, 300, 6):
        learn(model, events[a : a + 6])
        model.recommend_one(events[a][0])
    last = {}
    for user, item in events:
        mine = last.setdefault(user, [])
        if item in mine:
            mine.remove(item)
        mine.append(item)
        del mine[:-5]
    must_equal_batch(model, [(u, i) for u, mine in last.items() for i in mine], 4.0)


def test_below_min_y_an_event_marks_the_item_as_seen_and_teaches_nothing():
    model = EASE(1.0, min_y=3)
    model.partial_fit([["a", "x"], ["a", "y"], ["b", "x"], ["b", "y"], ["c", "x"]], [5, 5, 5, 5, 5])
    before = model.gram_
    model.learn_one({"user": "c", "item": "y"}, 2)
    assert np.array_equal(model.gram_, before)
    assert model.seen("c", "y") and model.recommend_one("c") == []
    model.learn_one({"user": "c", "item": "y"}, 3)
    assert model.gram_.tolist() == [[3, 3], [3, 3]]


def test_a_pair_counts_once_whatever_its_weight():
    model = EASE(1.0).partial_fit([["a", "x"], ["a", "x"], ["a", "y"]], sample_weight=[1, 3, 7])
    model.recommend_one("a")
    model.learn_one({"user": "a", "item": "x"}, w=9)
    assert model.gram_.tolist() == [[1, 1], [1, 1]]


# -- forgetting --------------------------------------------------------------------------------------


def test_a_thousand_removals_leave_the_answers_of_a_model_that_never_saw_them():
    events = stream(12_000, 1300, 120)
    model = learn(EASE(20.0), events)
    model.recommend_one(0)
    for a in range(0, 1000, 4):
        assert model.forget(users=range(a, a + 4)) == sum(a <= u < a + 4 for u, _ in events)
        model.recommend_one(1200)
    left = [(u, i) for u, i in events if u >= 1000]
    never = learn(EASE(20.0), left)
    users, items = never.user_ids_[:100], never.item_ids_
    assert abs(scores_of(model, users, items) - scores_of(never, users, items)).max() < 1e-9
    at = [model.gram_ids_.tolist().index(i) for i in never.gram_ids_]
    assert np.array_equal(model.gram_[np.ix_(at, at)], never.gram_)
    assert model.drift() < 1e-11


def test_a_forgotten_item_leaves_a_row_as_if_it_had_never_been():
    events = [(f"u{u}", f"i{i}") for u, i in stream(300, 20, 30)]
    model = learn(EASE(2.0), events)
    model.recommend_one("u0")
    gone = ["i0", "i1", "i2"]
    rows = [model._state.items.find(i) for i in gone]
    model.forget(items=gone)
    m = model._state.stores["gram"].matrices
    assert not m.counts[rows].any() and not m.counts[:, rows].any()
    assert np.array_equal(m.inverse[rows], np.eye(len(m.inverse))[rows] / 2.0)
    learn(model, [("u1", "new"), ("u2", "new"), ("u2", "newer")])
    left = [(u, i) for u, i in events if i not in gone]
    must_equal_batch(model, [*left, ("u1", "new"), ("u2", "new"), ("u2", "newer")], 2.0)


def test_the_forgotten_ids_are_nowhere_in_a_saved_file(tmp_path):
    model = learn(EASE(), [("a secret user", "x"), ("b", "x"), ("b", "a secret item"), ("c", "x")])
    model.recommend_one("b")
    assert model.forget(users=["a secret user"], items=["a secret item"]) == 2
    skl_increc.save(model, tmp_path / "model")
    assert b"secret" not in (tmp_path / "model").read_bytes()


def test_shards_that_share_a_user_are_refused_and_say_why():
    a, b = learn(EASE(), [("ann", "x")]), learn(EASE(), [("ann", "y")])
    with pytest.raises(GuaranteeError, match="'ann'.*exact only for streams cut by user"):
        a.merge(b)


def test_recency_keeps_no_promise_about_order_but_merges_and_forgets():
    promise = EASE(recency=0.9).guarantees()
    assert (promise.S, promise.O, promise.M, promise.U) == ("rounding", "no", "rounding", "rounding")
    assert "order of a user's items" in promise.why
    assert EASE(recency=1.0).guarantees() == EASE().guarantees()


# -- answers -----------------------------------------------------------------------------------------


def test_the_same_question_has_the_same_answer_to_the_last_bit():
    events = stream(500, 40, 70)
    model = learn(EASE(2.0, recency=0.9), events[:400])
    model.recommend_one(0)
    for user, item in events[400:]:
        model.learn_one(user=user, item=item)
        model.recommend_one(user)
    users, items = model.user_ids_, model.item_ids_.tolist()
    found, scores = model.recommend(users, len(items), exclude_seen=False)
    for r, user in enumerate(users):
        one = model.recommend([user], len(items), exclude_seen=False)
        assert np.array_equal(one[1][0], scores[r])
        pairs = [[user, i] for i in found[r][::-1]]
        assert np.array_equal(model.predict(pairs)[::-1], scores[r])
    assert model.predict_one(user=users[0], item=items[3]) == model.predict([[users[0], items[3]]])[0]


def test_strangers_and_users_whose_items_nobody_shares_get_the_shares_of_the_users():
    model = learn(EASE(1.0), [("a", "x"), ("b", "x"), ("b", "y"), ("c", "only c")])
    for user in ("stranger", None, "c"):
        told = [model.predict_one(user=user, item=i) for i in ("x", "y", "only c", "never heard of")]
        assert told == [2 / 3, 1 / 3, 1 / 3, 0.0]
    model.learn_one(item="y")
    model.learn_one(item="y")
    assert model.predict_one(user="c", item="y") == 3 / 5
    assert model.recommend_one("c", 2) == ["y", "x"]
    assert model.predict_one(user="a", item="only c") == 0.0
    model.learn_one(item="only strangers")
    assert model.predict_one(user="a", item="only strangers") == 1 / 6
    assert 1 / 6 in model.recommend(["a"], 9, exclude_seen=False)[1]
    assert model.explain("a", "only strangers")[1].tolist() == [1 / 6]
    assert len(model.similar_items("only strangers")[0]) == 0


@pytest.mark.parametrize("recency", [None, 0.7])
def test_explain_names_the_users_items_and_its_weights_add_up_to_the_score(recency):
    events = stream(500, 40, 50)
    model = learn(EASE(2.0, recency=recency), events[:450])
    model.recommend_one(0)
    learn(model, events[450:])
    for user in model.user_ids_[:20]:
        for item in model.item_ids_[:20]:
            items, weights = model.explain(user, item)
            assert set(items) == {i for u, i in events if u == user}
            assert weights.sum() == pytest.approx(model.predict_one(user=user, item=item), abs=1e-12)
            assert (np.diff(weights) <= 0).all()
            assert item not in items or weights[items.tolist().index(item)] == 0


def test_explain_of_a_stranger_is_the_prior_and_of_an_unknown_item_nothing():
    assert EASE().explain("a", "x")[1].tolist() == [0.0]
    model = learn(EASE(1.0), [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")])
    items, weights = model.explain("stranger", "x")
    assert items.tolist() == [None] and weights.tolist() == [1.0]
    model.learn_one(user="c", item="x")
    items, weights = model.explain("c", "never heard of")
    assert items.tolist() == ["x"] and weights.tolist() == [0.0]


def test_similar_items_are_those_that_having_it_speaks_for():
    events = stream(300, 30, 20)
    model = learn(EASE(2.0), events)
    _, _, items, P, _ = batch(events, 2.0)
    B = -P / P.diagonal()
    found, scores = model.similar_items(items[0], 5)
    others = np.delete(np.arange(len(items)), 0)
    best = others[np.argsort(-B[0, others], kind="stable")[:5]]
    assert found.tolist() == [items[j] for j in best]
    np.testing.assert_allclose(scores, B[0, best], atol=1e-12)
    assert all(len(part) == 0 for part in model.similar_items("never heard of"))
    assert all(len(part) == 0 for part in EASE().similar_items("x"))


# -- files and copies ----------------------------------------------------------------------------------


def test_a_loaded_model_answers_as_the_saved_one_to_rounding(tmp_path):
    events = stream(500, 40, 70)
    model = learn(EASE(2.0), events[:300])
    for user, item in events[300:]:
        model.recommend_one(user)
        model.learn_one(user=user, item=item)
    skl_increc.save(model, tmp_path / "model")
    again = skl_increc.load(tmp_path / "model")
    assert (tmp_path / "model").stat().st_size < 60_000  # no matrix in it
    np.testing.assert_allclose(
        again.recommend(model.user_ids_, 5)[1], model.recommend(model.user_ids_, 5)[1], rtol=1e-11
    )


def test_a_snapshot_answers_as_the_model_did_and_its_matrices_are_its_own():
    events = stream(500, 40, 70)
    model = learn(EASE(2.0), events[:450])
    model.recommend_one(0)
    learn(model, events[450:455])
    frozen = model.snapshot()
    learn(model, events[455:])
    model.recommend_one(0)
    must_equal_batch(frozen, events[:455], 2.0)
    must_equal_batch(model, events, 2.0)


# -- limits ------------------------------------------------------------------------------------------


def test_beyond_max_items_those_with_most_users_are_in_the_matrix_and_the_prior_answers_for_the_others():
    events = [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("c", "x"), ("c", "z"), ("d", "x"), ("d", "y")]
    model = learn(EASE(1.0, max_items=2), events)
    assert model.gram_ids_.tolist() == ["x", "y"] and model.gram_.tolist() == [[4, 3], [3, 3]]
    assert model.predict_one(user="a", item="z") == model.predict_one(user="c", item="z") == 1 / 4
    assert model.explain("a", "z")[0].tolist() == [None] and model.explain("a", "z")[1].tolist() == [1 / 4]
    items, weights = model.explain("c", "y")
    assert items.tolist() == ["x"] and weights[0] == model.predict_one(user="c", item="y") > 1 / 4
    assert model.similar_items("x")[0].tolist() == ["y"]
    assert all(len(part) == 0 for part in model.similar_items("z"))
    assert model.recommend_one("a") == ["z"] and set(model.recommend_one("new")) == {"x", "y", "z"}
    learn(model, [(u, "z") for u in "ade"])  # now z has more users than y
    assert model.gram_ids_.tolist() == ["x", "z"] and model.gram_.tolist() == [[4, 3], [3, 4]]
    assert model.predict_one(user="c", item="y") == 3 / 5
    model.forget(items=["x"])
    assert model.gram_ids_.tolist() == ["y", "z"] and model.gram_.tolist() == [[3, 2], [2, 4]]
    model.set_params(max_items=1).learn_one(user="e", item="x")
    assert model.gram_ids_.tolist() == ["z"]
    assert model.set_params(max_items=9).gram_ids_.tolist() == ["x", "y", "z"]


def test_items_that_take_each_others_rows_are_worked_into_the_inverse(monkeypatch):
    events = stream(900, 50, 300)
    model = EASE(5.0, max_items=100)
    learn(model, events[:500]).recommend_one(0)
    kept, moves = set(model.gram_ids_), 0
    monkeypatch.setattr(_gram.Gram, "factorise", lambda self: pytest.fail("worked out anew"))
    for user, item in events[500:]:
        learn(model, [(user, item)]).recommend_one(user)
        moves += len(kept - set(model.gram_ids_))
        kept = set(model.gram_ids_)
    model.forget(users=[1], items=[events[0][1]])
    assert moves > 10 and model.drift() < 1e-12
    must_equal_batch(model, [(u, i) for u, i in events if u != 1 and i != events[0][1]], 5.0)
    monkeypatch.undo()
    m = model._state.stores["gram"].matrices
    assert np.array_equal(m.partners, ((m.counts > 0) & ~np.eye(len(m.counts), dtype=bool)).sum(1))
    never = learn(EASE(5.0, max_items=100), [(u, i) for u, i in events if u != 1 and i != events[0][1]][::-1])
    assert set(never.gram_ids_) == set(model.gram_ids_)  # whoever came first


def test_a_model_with_more_items_than_rows_comes_back_from_a_file_and_a_pickle(tmp_path):
    events = stream(300, 20, 60)
    model = learn(EASE(2.0, max_items=20), events)
    skl_increc.save(model, tmp_path / "model")
    for again in (skl_increc.load(tmp_path / "model"), pickle.loads(pickle.dumps(model)), model.snapshot()):
        assert again.gram_ids_.tolist() == model.gram_ids_.tolist()
        must_equal_batch(again, events, 2.0)


def test_without_the_memory_it_says_so_before_it_takes_any(monkeypatch):
    model = learn(EASE(), [(u, i) for u, i in stream(200, 20, 50)])
    model.recommend_one(0)
    before = everything(model)
    monkeypatch.setattr(_matrices, "available", lambda: 30_000_000)
    many = [["a", f"new {j}"] for j in range(3000)]
    words = r"118.00 MB \([\d,]+ bytes\) are needed to hold 3,072 item rows, and 30\.00 MB .* are free"
    with pytest.raises(CapacityError, match=words):
        model.partial_fit(many)
    assert difference(everything(model), before) is None
    small = learn(EASE(max_items=200), [(u, i) for u, i in stream(200, 20, 50)])
    small.partial_fit(many)  # so many rows there is room for
    assert len(small.gram_ids_) == 200
    with pytest.raises(CapacityError, match=words):
        small.set_params(max_items=5000).recommend_one(0)
    assert small.set_params(max_items=200).recommend_one(0)
    monkeypatch.setattr(_matrices, "available", lambda: None)  # the system does not say
    model.partial_fit(many)
    monkeypatch.setattr(_matrices, "available", lambda: 30_000_000)
    with pytest.raises(CapacityError, match=r"needed for a copy of the matrices"):
        model.snapshot()


def test_failing_in_the_middle_of_the_counts_costs_time_and_no_answer(monkeypatch):
    events = stream(300, 20, 30)
    model = learn(EASE(2.0), events[:200])
    model.recommend_one(0)
    learn(model, events[200:])

    def fails(*args):
        raise MemoryError("no memory")

    for name in ("changes", "count", "combine", "gather", "regular"):
        with monkeypatch.context() as scarce:
            scarce.setattr(_gram._gram, name, fails)
            with pytest.raises(MemoryError, match="no memory"):
                model.set_params(l2=2.0 if name != "regular" else 2.5).recommend_one(0)
        model.set_params(l2=2.0)
        must_equal_batch(model, events, 2.0)
        learn(model, [events[0]] if name == "changes" else [(21, name)])
        events = [*events, *([] if name == "changes" else [(21, name)])]
    must_equal_batch(model, events, 2.0)


def test_an_l2_too_small_for_float64_is_refused_with_the_cure():
    model = learn(EASE(1e-30), [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y"), ("b", "z")])
    with pytest.raises(ValueError, match=r"l2=1e-30 is too small beside 5 pairs: .* Set l2 higher"):
        model.recommend_one("a")
    model.set_params(l2=1.0)
    assert model.recommend_one("a") == ["z"]


def test_a_matrix_that_lapack_cannot_factorise_is_refused_too(monkeypatch):
    monkeypatch.setattr(_inverse.lapack, "dpotrf", lambda matrix, **options: (matrix, 3))
    with pytest.raises(ValueError, match="l2=100.0 is too small"):
        learn(EASE(), [("a", "x")]).refresh()


@pytest.mark.parametrize(
    "parameter", [{"l2": 0.0}, {"recency": 0.0}, {"recency": 1.5}, {"history": 0}, {"max_items": 0}]
)
def test_parameters_out_of_range_are_refused_by_name(parameter):
    with pytest.raises(ValueError, match=f"'{next(iter(parameter))}' parameter of EASE"):
        EASE(**parameter).fit([["a", "x"]])


def test_memory_is_that_of_the_matrices_and_is_counted():
    model = learn(EASE(), [("a", j) for j in range(1000)])
    size = model._state.stores["gram"].size
    assert 1000 <= size < 1100
    assert 12 * size**2 < model.nbytes < 12 * size**2 + 1_500_000
