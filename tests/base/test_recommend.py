"""Lists for one user and for many: one path, and nothing in it that is older than the model."""

import threading

import numpy as np
import pytest

from skl_increc.factorization import BiasedMF

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


class NoDetour(BiasedMF):
    def _score_items(self, state, u):
        raise RuntimeError("every item was scored in double precision")


def test_one_user_is_asked_for_by_a_product_as_many_are():
    model = NoDetour(n_factors=5).partial_fit(PAIRS, Y)
    assert len(model.recommend_one(3, 7)) == 7


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
