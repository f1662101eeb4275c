"""The models of the room against their equations in plain Python."""

import math
from collections import Counter

import numpy as np
import pytest
from mf_reference import MemoryReference, Reference, starts_of
from sklearn.base import clone

from skl_increc.social import SocialMF, TrustSVD

N_USERS, N_ITEMS = 7, 9
FIXED = {"optimizer": "adagrad", "biases": True, "init": "normal", "implicit": None}


class SocialReference(Reference):
    """``SocialMF``, one event after the other."""

    def __init__(self, model, starts, friends):
        super().__init__(model, starts)
        self.p |= FIXED
        self.friends, self.n, self.sums = friends, Counter(), np.zeros(4)

    def say(self, user):
        known = {v: a for v, a in self.friends.get(user, {}).items() if self.n[v]}
        if not known:
            return None
        rows, total = self.sides[0], sum(known.values())
        vector = sum(a * rows.vector[v] for v, a in known.items()) / total
        return vector, sum(a * rows.bias[v] for v, a in known.items()) / total

    def alike(self, at):
        fixed = self.p["homophily"]
        return min(1.0, max(0.0, (self.sums[at] + 1) / (self.sums[at + 1] + 2))) if fixed is None else fixed

    def learn(self, user, item, y, w):
        self.y.append(y)
        self.w.append(w)
        self.start(0, user)
        self.start(1, item)
        users, items = self.sides
        said = None if user is None else self.say(user)
        if said is not None:
            if self.n[user] == 0:
                users.vector[user] = users.vector[user] + self.alike(2) * said[0]
                users.bias[user] += self.alike(0) * said[1]
            if item is not None and self.n[user] < 5:
                left = (y - self.centre()) / self.scale() if self.scale() else 0.0
                left -= items.bias[item]
                x = said[0] @ items.vector[item]
                own = left - users.bias[user]
                self.sums += w * np.array([said[1] * left, said[1] ** 2, x * own, x * x])
        super().learn(user, item, y, w, count=False)
        self.n[user] += 1
        if said is not None:
            pull = w * self.p["social"] / self.n[user]
            x = pull * self.step("learning_rate", users.acc[user])
            users.vector[user] += x / (1 + x) * (self.alike(2) * said[0] - users.vector[user])
            x = pull * self.step("learning_rate_bias", users.bias_acc[user])
            users.bias[user] += x / (1 + x) * (self.alike(0) * said[1] - users.bias[user])


class TrustReference(MemoryReference):
    """``TrustSVD``, one event after the other."""

    def __init__(self, model, starts, friends):
        super().__init__(model, starts)
        self.p |= FIXED
        self.friends = friends

    def memory(self, user, skip=None):
        return self.friends.get(user, {})

    def learn(self, user, item, y, w):
        if user is None or item is None:
            return super().learn(user, item, y, w)
        self.y.append(y)
        self.w.append(w)
        self.start(0, user)
        self.start(1, item)
        return self.step_with_memory(user, item, self.target(y), w)


def stream(n):
    rng = np.random.default_rng(0)
    for _ in range(n):
        user = None if rng.random() < 0.1 else int(rng.integers(N_USERS))
        item = None if rng.random() < 0.1 else int(rng.integers(N_ITEMS))
        yield user, item, float(rng.integers(1, 6)), float(rng.choice([0.5, 1.0, 2.0]))


@pytest.mark.parametrize(
    ("model", "reference"),
    [
        (SocialMF(init_scale=0.3), SocialReference),
        (SocialMF(20, homophily=0.6, social=5.0, init_scale=0.3, learning_rate=1.0), SocialReference),
        (TrustSVD(init_scale=0.3), TrustReference),
        (TrustSVD(3, init_scale=0.5, learning_rate=2.0, l2=0.1), TrustReference),
    ],
    ids=["SocialMF", "SocialMF, pulled", "TrustSVD", "TrustSVD, large rates"],
)
def test_the_models_follow_their_equations(model, reference):
    ties = [
        (0, 1, 1.0),
        (0, 2, 3.0),
        (1, 0, 0.5),
        (2, 6, 1.0),
        (3, 6, 2.0),
        (3, 0, 1.0),
        (4, 3, 1.0),
        (4, 5, 0.2),
    ]
    friends: dict = {}
    for user, friend, weight in reversed(ties):
        friends.setdefault(user, {})[friend] = weight
    events = list(stream(200))
    want = reference(model, starts_of(model, N_USERS, N_ITEMS), friends)
    model = clone(model).add_edges(*zip(*ties, strict=True))
    for user, item, y, w in events:
        want.learn(user, item, y, w)
        model.learn_one(y=y, w=w, user=user, item=item)
    for rows, ids, factors, biases in (
        (want.sides[0], model.user_ids_, model.user_factors_, model.user_biases_),
        (want.sides[1], model.item_ids_, model.item_factors_, model.item_biases_),
    ):
        np.testing.assert_allclose(factors, [rows.vector[key] for key in ids], rtol=5e-4, atol=5e-5)
        np.testing.assert_allclose(biases, [rows.bias[key] for key in ids], rtol=5e-4, atol=5e-5)
    if isinstance(model, SocialMF):
        np.testing.assert_allclose(model.homophily_, [want.alike(0), want.alike(2)], rtol=1e-3)
    if isinstance(want, TrustReference):
        for user in range(N_USERS):
            raw = (
                want.sides[0].bias[user] + want.sides[1].bias[0] + want.whole(user) @ want.sides[1].vector[0]
            )
            rating = want.centre() + want.scale() * raw
            assert math.isclose(model.predict_one(user=user, item=0), rating, rel_tol=2e-3)
