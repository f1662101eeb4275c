"""Lists for one user and for many: one path, and nothing in it that is older than the model."""

import datetime as dt
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.base._recommend import RecommendMixin
from skl_increc.baselines import Popularity
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

RNG = np.random.default_rng(0)
PAIRS, Y = RNG.integers(0, 60, (900, 2)), RNG.normal(size=900)


@pytest.fixture
def model():
    return BiasedMF(n_factors=5, init_scale=0.5).partial_fit(PAIRS, Y)


def best(model, user, k):
    """The list by definition."""
    seen = set(PAIRS[PAIRS[:, 0] == user, 1].tolist())
    items = [item for item in model.item_ids_.tolist() if item not in seen]
    scores = [model.predict_one(user=user, item=item) for item in items]
    return [items[j] for j in np.argsort(-np.array(scores), kind="stable")[:k]]


@pytest.mark.parametrize("user", [3, "a stranger", None])
def test_the_list_of_one_user(model, user):
    assert model.recommend_one(user, 7) == best(model, user, 7)
    assert model.recommend_one(user, 7) == model.recommend([user, 1], 7)[0][0].tolist()


# -- what is compiled against what is written in Python ----------------------------------------------


def by_hooks(model):
    """The same model, whose lists come from `_score` of pairs and the sorting of arrays."""
    hooks = {
        "_factors": RecommendMixin._factors,
        "_score_items": lambda self, state, u: RecommendMixin._score_items(self, state, u),
    }
    return type(f"{type(model).__name__}ByHooks", (type(model),), hooks)(**model.get_params())


LISTING = [
    Popularity(),
    Popularity(half_life=3.0),
    Popularity(half_life=dt.timedelta(days=1), time_col=2, history=3),
    SequentialRules(2),
    SequentialRules(3, half_life=4.0, history=4),
    SessionKNN(3, sample_size=4),
    ItemKNN(),
    ItemKNN(None, weight=1, n_neighbors=2, similarity="jaccard"),
    BiasedMF(3, init_scale=0.0),  # all items of one number of events score alike
    BiasedMF(20, implicit="history", implicit_size=2),
    BiasedMF(2, biases=False, history=2),
    KalmanMF(2),
    EASE(1.0),
]
names = st.one_of(st.integers(0, 7), st.sampled_from(["a", "b", "c", (1, 2), None]))


@st.composite
def questions(draw):
    """A model that has forgotten an item, and a question."""
    model = draw(st.sampled_from(LISTING))
    events = draw(st.lists(st.tuples(names, names), min_size=1, max_size=30))
    users = draw(st.lists(st.one_of(names, st.just("a stranger")), min_size=1, max_size=4))
    keywords = {
        "k": draw(st.sampled_from([1, 2, 5, 40])),
        "exclude_seen": draw(st.booleans()),
        "exclude": draw(st.none() | st.lists(names, max_size=2)),
        "candidates": draw(st.none() | st.lists(names, max_size=4)),
    }
    return model, events, draw(st.none() | names), users, keywords


@settings(max_examples=examples(80), deadline=None)
@given(questions())
def test_lists_for_one_and_for_many_and_by_the_hooks_are_the_same(question):
    blank, events, gone, users, keywords = question
    lists = []
    for model in (blank.clone(), by_hooks(blank)):
        for t, (user, item) in enumerate(events):
            model.learn_one({model.user_col: user, model.item_col: item, 2: float(7 * t)}, 1.0)
        if gone is not None and model.guarantees().U != "no":
            model.forget(items=[gone])
        many, scores = model.recommend(users, **keywords)
        for user, found, their in zip(users, many.tolist(), scores, strict=True):
            alone = model.recommend([user], **keywords)
            assert (alone[0].tolist()[0], alone[1].tolist()[0]) == (found, their.tolist())
            assert model.recommend_one(user, **keywords) == [item for item in found if item is not None]
        lists.append((many.tolist(), scores.tolist()))
    assert lists[0] == lists[1]


class Contrary(Popularity):
    """Says itself what its scores are."""

    def _score_items(self, state, u):
        return -super()._score_items(state, u)


def test_a_model_that_writes_score_items_is_believed_also_where_its_learner_could_score():
    events = [["ann", "tea"], ["bob", "tea"], ["bob", "milk"]]
    assert Popularity().fit(events).recommend_one("a stranger") == ["tea", "milk"]
    assert Contrary().fit(events).recommend_one("a stranger") == ["milk", "tea"]
    assert Contrary().fit(events).recommend(["a stranger"], 2)[0].tolist() == [["milk", "tea"]]


TEACH = {
    "learn_one": lambda m, user, item: m.learn_one({"user": user, "item": item}, 50.0),
    "partial_fit": lambda m, user, item: m.partial_fit([[user, item]], [50.0]),
}


@pytest.mark.parametrize("teach", TEACH.values(), ids=list(TEACH))
def test_what_was_worked_out_for_a_list_does_not_outlive_the_next_event(model, teach):
    last = best(model, 3, 60)[-1]
    assert model.recommend_one(3, 1) != [last]
    for j in range(200):  # all the world likes it
        teach(model, f"user {j}", last)
        model.recommend_one(3, 1)
    assert model.recommend_one(3, 1) == [last]


def test_the_biases_are_taken_out_once_for_many_lists(model):
    rows = model._state.item_rows
    _, _, bias = model._factors(model._state)
    assert model._factors(model._state)[2] is bias
    np.testing.assert_array_equal(bias, rows.arrays["stat"][: rows.used, 0])
    model.learn_one({"user": 1, "item": 1}, 3.0)
    assert model._factors(model._state)[2] is not bias


class Asked(BiasedMF):
    """Another thread asks while a batch is being learned."""

    reader = None

    def _learn(self, state, u, i, y, w, t):
        if self.reader is not None:
            thread = threading.Thread(target=self.reader)
            thread.start()
            thread.join()
        super()._learn(state, u, i, y, w, t)


def test_what_was_worked_out_in_the_middle_of_a_batch_is_not_kept():
    model = Asked(n_factors=5).partial_fit(PAIRS, Y)
    model.__dict__["reader"] = lambda: model.recommend_one(3, 5)
    model.partial_fit(PAIRS, -Y)
    rows = model._state.item_rows
    np.testing.assert_array_equal(model._factors(model._state)[2], rows.arrays["stat"][: rows.used, 0])
    assert model.recommend_one("a stranger", 5) == model.snapshot().recommend_one("a stranger", 5)
