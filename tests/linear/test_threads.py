"""Readers beside a writer."""

import sys
import threading

import numpy as np
from closed_form import batch, scores_of

from skl_increc.linear import EASE


def test_threads_that_ask_while_another_teaches_get_whole_answers_and_spoil_nothing():
    rng = np.random.default_rng(0)
    events = list(zip(rng.integers(0, 30, 900).tolist(), rng.integers(0, 200, 900).tolist(), strict=True))
    model = EASE(5.0).partial_fit(events[:100])
    failures, done = [], threading.Event()

    def ask(seed):
        users = np.random.default_rng(seed).integers(0, 30, 4)
        try:
            while not done.is_set():
                _, scores = model.recommend(users, 5)
                assert not np.isnan(scores).any() and (scores[np.isfinite(scores)] < 1.5).all()
                model.predict([[int(users[0]), 7], [int(users[1]), 8]])
        except BaseException as error:
            failures.append(error)

    patience = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=ask, args=(seed,)) for seed in (1, 2)]
    try:
        for thread in threads:
            thread.start()
        for at in range(100, 900, 2):
            model.learn_one(user=events[at][0], item=events[at][1])
            model.partial_fit([events[at + 1]])
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(patience)
    assert not failures
    _, users, items, _, scores = batch(events, 5.0)
    assert abs(scores_of(model, users, items) - scores).max() < 1e-10
