"""A model that one thread teaches and others ask in place: answers of some moment, never a failure.

Readers who need the answers of one moment take a snapshot; this holds the promise that nothing breaks.
"""

import itertools
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BPR, BiasedMF, BiasedMFClassifier, ImplicitALS, KalmanMF
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN, RatingItemKNN, SlopeOne
from skl_increc.sequence import SequentialRules, SessionKNN

MODELS = [
    *(Baseline(), Baseline(drift=0.01), Popularity(), BiasedMF(history=3), BiasedMFClassifier()),
    *(KalmanMF(2), RatingItemKNN(), SlopeOne(), ItemKNN(n_neighbors=20)),
    *(SequentialRules(history=20), SessionKNN(20, history=20), EASE(max_items=40)),
    *(BPR(4, n_negatives=2), ImplicitALS(4, solver="cg", n_jobs=2)),
]


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


LISTING = [
    *(Popularity(), SequentialRules(), SessionKNN(), ItemKNN(), BiasedMF(16), KalmanMF(), EASE()),
    *(BiasedMF(implicit="history", implicit_size=5), BPR(n_negatives=2), ImplicitALS(8, solver="cg")),
]


@pytest.mark.parametrize("model", LISTING, ids=repr)
@pytest.mark.usefixtures("impatient")
def test_threads_that_ask_a_model_together_get_the_lists_of_one_that_asks_alone(model):
    rng = np.random.default_rng(0)
    model = model.clone().partial_fit(rng.integers(0, 600, (3000, 2)), np.ones(3000))
    expected = {user: model.recommend_one(user, 5) for user in range(40)}
    together, wrong = threading.Barrier(3), []

    def ask_all():
        together.wait(timeout=10)
        for user in [*range(40)] * 5:
            if model.recommend_one(user, 5) != expected[user]:
                wrong.append(user)

    threads = [threading.Thread(target=ask_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


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


# -- two threads that both change the model: each in turn, whoever comes first ------------------------


class Interrupted(Popularity):
    """Does something else in another thread, in the middle of ``forget`` or of ``merge``."""

    meanwhile = None

    def start(self, work):
        """Let the other thread go as far as it gets; it must not have to."""
        self.__dict__["meanwhile"] = None
        self.__dict__["thread"] = threading.Thread(target=work)
        self.thread.start()
        self.thread.join(timeout=0.3)

    def _after_forget(self, state):
        super()._after_forget(state)
        if self.meanwhile is not None:
            self.start(self.meanwhile)

    def _align(self, mine, theirs):
        super()._align(mine, theirs)
        if self.meanwhile is not None:
            self.start(self.meanwhile)


def interrupted(meanwhile):
    model = Interrupted().fit([["ann", "tea"], ["bob", "milk"]])
    model.__dict__["meanwhile"] = lambda: meanwhile(model)
    return model


def events_of(model):
    return dict(zip(model.item_ids_.tolist(), model.popularity_.tolist(), strict=True))


TEACH = {
    "partial_fit": lambda m: m.partial_fit([["cid", "soap"]]),
    "learn_many": lambda m: m.learn_many(pd.DataFrame({"user": ["cid"], "item": ["soap"]})),
    "learn_one": lambda m: m.learn_one({"user": "cid", "item": "soap"}),
    "merge": lambda m: m.merge(type(m)().fit([["cid", "soap"]])),
}
TEACHING = pytest.mark.parametrize("teach", TEACH.values(), ids=list(TEACH))


@TEACHING
def test_what_is_taught_while_another_thread_forgets_is_not_lost(teach):
    model = interrupted(teach)
    assert model.forget(users=["ann"]) == 1
    model.thread.join()
    assert "ann" not in model.user_ids_
    assert events_of(model) == {"milk": 1.0, "soap": 1.0}


@TEACHING
def test_what_is_taught_while_another_thread_merges_is_not_lost(teach):
    model = interrupted(teach)
    model.merge(Interrupted().fit([["dan", "rice"]]))
    model.thread.join()
    assert events_of(model) == {"tea": 1.0, "milk": 1.0, "soap": 1.0, "rice": 1.0}


def test_fit_in_one_thread_is_not_undone_by_forget_in_another():
    model = interrupted(lambda m: m.fit([["eve", "salt"]]))
    model.forget(users=["ann"])
    model.thread.join()
    assert events_of(model) == {"salt": 1.0}


def test_forget_in_two_threads_forgets_both():
    model = interrupted(lambda m: m.forget(users=["bob"]))
    model.partial_fit([["cid", "soap"]])
    assert model.forget(users=["ann"]) == 1
    model.thread.join()
    assert events_of(model) == {"soap": 1.0} and model.user_ids_.tolist() == ["cid"]


class Hesitant(Popularity):
    """Two threads that begin a model are both half way before either goes on."""

    together = None

    def _configure(self, state):
        super()._configure(state)
        if self.together is not None and next(self.begun) < 2:
            self.together.wait(timeout=10)


@TEACHING
def test_two_threads_may_both_begin_a_model(teach):
    model = Hesitant()
    model.__dict__.update(together=threading.Barrier(2), begun=itertools.count())
    works = [lambda m: m.partial_fit([["ann", "tea"]]), teach]
    threads = [threading.Thread(target=work, args=(model,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert events_of(model) == {"tea": 1.0, "soap": 1.0}
