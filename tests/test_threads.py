"""A model that one thread teaches and others ask in place: answers of some moment, never a failure.

Readers who need the answers of one moment take a snapshot; this holds the promise that nothing breaks.
"""

import sys
import threading

import numpy as np
import pytest

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF, BiasedMFClassifier

MODELS = [Baseline(), Baseline(drift=0.01), Popularity(), BiasedMF(history=3), BiasedMFClassifier()]


@pytest.fixture
def impatient():
    """Threads take turns as often as can be."""
    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(patience)


def ask(model, rng, done, failures):
    try:
        while not done.is_set():
            users, items = rng.integers(0, 3000, (2, 40))
            assert np.isfinite(model.predict(np.column_stack([users, items]))).all()
            model.recommend(users[:5].tolist(), 5)
            model.recommend_one(int(users[0]), 5)
            model.predict_one({"user": int(users[0]), "item": int(items[0])})
            model.rank(int(users[0]), items[:6].tolist())
            assert len(model.snapshot().user_ids_) <= 4000
    except Exception as error:
        failures.append(error)


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.usefixtures("impatient")
def test_asking_while_another_thread_teaches(model):
    model = model.clone()
    model.partial_fit(np.array([[1, 1], [2, 2]]), [0, 1])
    done, failures, rng = threading.Event(), [], np.random.default_rng(0)
    threads = [
        threading.Thread(target=ask, args=(model, np.random.default_rng(seed), done, failures))
        for seed in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for bound in range(100, 3100, 100):  # new users and items in every call: everything grows
        model.partial_fit(rng.integers(0, bound, (400, 2)), rng.integers(0, 2, 400))
        for user, item in rng.integers(0, bound + 500, (20, 2)).tolist():
            model.learn_one({"user": user, "item": item}, 1)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_two_threads_teach_one_model_and_no_event_is_lost():
    model = Popularity()
    model.learn_one({"user": "first", "item": 0})

    def teach(name):
        for j in range(2000):
            model.learn_one({"user": f"{name}{j % 700}", "item": j % 50})
        model.partial_fit([[name, 99]] * 100)

    threads = [threading.Thread(target=teach, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.popularity_.sum() == 1 + 3 * 2100
    assert len(model.user_ids_) == 1 + 3 * 701
