"""Matrix factorisation in plain Python and float64, after its equations."""

import math

import numpy as np

from skl_increc.factorization import BiasedMFClassifier

#: what the documentation says of rates that are not named
RATES = {
    (False, "adagrad"): (0.25, 0.3),
    (False, "sgd"): (0.1, 0.08),
    (False, "gd"): (0.25, 0.3),
    (False, "adam"): (0.02, 0.06),
    (True, "adagrad"): (0.7, 0.8),
    (True, "sgd"): (0.1, 0.32),
    (True, "gd"): (0.7, 0.8),
    (True, "adam"): (0.02, 0.06),
}


class Side:
    """Rows of users or of items by id."""

    def __init__(self):
        self.vector, self.bias, self.acc, self.bias_acc = {}, {}, {}, {}


class Reference:
    """BiasedMF and BiasedMFClassifier, one event after the other.

    The random starts are the only thing that is taken from the model.
    """

    def __init__(self, model, starts):
        self.p = model.get_params()
        self.logistic = isinstance(model, BiasedMFClassifier)
        self.starts = starts
        self.sides = Side(), Side()
        self.y, self.w = [], []

    def rate(self, name):
        value = self.p[name]
        if value is None and name.startswith("learning_rate"):
            return RATES[self.logistic, self.p["optimizer"]][name.endswith("_bias")]
        return self.p[name.removesuffix("_bias")] if value is None else value

    # -- the scale ------------------------------------------------------------------------------
    def mean(self):
        return np.average(self.y, weights=self.w) if self.y else 0.0

    def scale(self):
        if not self.y:
            return 1.0
        var = np.average(np.square(np.subtract(self.y, self.centre())), weights=self.w)
        return math.sqrt(var) if var > 1e-12 else 0.0

    def centre(self):
        return self.mean() if self.p["biases"] else 0.0

    def log_odds(self):
        ones = np.dot(self.y, self.w)
        return math.log((ones + 0.5) / (sum(self.w) - ones + 0.5)) if self.p["biases"] else 0.0

    # -- learning -------------------------------------------------------------------------------
    def start(self, side, key):
        if key is None or key in self.sides[side].vector:
            return
        rows = self.sides[side]
        x = self.starts[side][key].astype(np.float64)
        if self.p["init"] == "mean" and rows.vector:
            x = x + np.mean([*rows.vector.values()], axis=0)
        rows.vector[key] = x
        rows.bias[key] = rows.acc[key] = rows.bias_acc[key] = 0.0

    def raw(self, user, item):
        users, items = self.sides
        s = users.bias.get(user, 0.0) + items.bias.get(item, 0.0)
        if user in users.vector and item in items.vector:
            s += users.vector[user] @ items.vector[item]
        return s

    def error(self, user, item, y):
        if self.logistic:
            return y - 1 / (1 + math.exp(-(self.log_odds() + self.raw(user, item))))
        scale = self.scale()
        return ((y - self.centre()) / scale if scale else 0.0) - self.raw(user, item)

    def learn(self, user, item, y, w=1.0, count=True):
        if count:
            self.y.append(y)
            self.w.append(w)
        self.start(0, user)
        self.start(1, item)
        e = w * self.error(user, item, y)
        known = [(rows, key) for rows, key in zip(self.sides, (user, item), strict=True) if key is not None]
        vectors = [rows.vector[key].copy() for rows, key in known]
        steps, pull = [], 0.0
        for rows, key in known:
            if self.p["biases"]:
                g = e - w * self.rate("l2_bias") * rows.bias[key]
                rows.bias_acc[key] += g * g
                steps.append(self.step("learning_rate_bias", rows.bias_acc[key]))
                pull += steps[-1]
        if len(known) == 2:
            for (rows, key), mine, other in zip(known, vectors, vectors[::-1], strict=True):
                g = e * other - w * self.p["l2"] * mine
                rows.acc[key] += np.mean(g * g)
                steps.append(self.step("learning_rate", rows.acc[key]))
                pull += steps[-1] * (other @ other)
        # no step goes beyond what brings the prediction to the target
        go = e / max(1.0, w * pull * (0.25 if self.logistic else 1.0))
        steps.reverse()
        for rows, key in known:
            if self.p["biases"]:
                eta = steps.pop()
                rows.bias[key] = max(0.0, 1 - eta * w * self.rate("l2_bias")) * rows.bias[key] + eta * go
        if len(known) == 2:
            for (rows, key), mine, other in zip(known, vectors, vectors[::-1], strict=True):
                eta = steps.pop()
                rows.vector[key] = max(0.0, 1 - eta * w * self.p["l2"]) * mine + eta * go * other

    def step(self, name, accumulated):
        rate = self.rate(name)
        return rate / math.sqrt(accumulated + 1.0) if self.p["optimizer"] == "adagrad" else rate

    def descend(self, events, count=True):
        """One full-batch step: each row moves by its mean gradient."""
        if count:
            self.y += [y for _, _, y, _ in events]
            self.w += [w for _, _, _, w in events]
        for side in (0, 1):
            new = [e[side] for e in events]
            mean = np.mean([*self.sides[side].vector.values()], axis=0) if self.sides[side].vector else 0.0
            for key in new:
                if key is not None and key not in self.sides[side].vector:
                    x = self.starts[side][key].astype(np.float64)
                    self.sides[side].vector[key] = x + (mean if self.p["init"] == "mean" else 0.0)
                    self.sides[side].bias[key] = 0.0
        sums = {}
        for user, item, y, w in events:
            e = w * self.error(user, item, y)
            for side, key, other in ((0, user, item), (1, item, user)):
                if key is None:
                    continue
                rows, far = self.sides[side], self.sides[1 - side]
                gx, gb, n = sums.get((side, key), (0.0, 0.0, 0))
                gb = gb + e - w * self.rate("l2_bias") * rows.bias[key]
                gx = (
                    gx
                    + (e * far.vector[other] if other is not None else 0.0)
                    - w * self.p["l2"] * rows.vector[key]
                )
                sums[side, key] = gx, gb, n + 1
        for (side, key), (gx, gb, n) in sums.items():
            self.sides[side].vector[key] = self.sides[side].vector[key] + self.rate("learning_rate") * gx / n
            if self.p["biases"]:
                self.sides[side].bias[key] += self.rate("learning_rate_bias") * gb / n

    # -- answers --------------------------------------------------------------------------------
    def predict(self, user, item):
        users, items = self.sides
        if self.logistic:
            return self.log_odds() + self.raw(user, item)
        if not self.p["biases"] and (user not in users.vector or item not in items.vector):
            return self.mean()
        out = self.centre() + self.scale() * self.raw(user, item)
        return min(max(out, min(self.y)), max(self.y)) if self.p["clip_to_range"] else out


class MemoryReference(Reference):
    """`Reference` whose users have a second vector: of their last items, or of whom they trust."""

    def __init__(self, model, starts):
        super().__init__(model, starts)
        self.recent, self.second, self.second_acc = {}, {}, {}

    def target(self, y):
        return (y - self.centre()) / self.scale() if self.scale() else 0.0

    def memory(self, user, skip=None):
        return {j: 1.0 for j in self.recent.get(user, []) if j != skip}

    def whole(self, user, skip=None):
        x = self.sides[0].vector[user].copy()
        for j, c in self.shares(user, skip).items():
            x += c * self.second.get(j, 0.0)
        return x

    def shares(self, user, skip=None):
        """What each second vector counts for: its weight over the length of all weights."""
        weights = self.memory(user, skip)
        return {j: a / math.hypot(*weights.values()) for j, a in weights.items()}

    def raw(self, user, item, skip=None):
        users, items = self.sides
        s = users.bias.get(user, 0.0) + items.bias.get(item, 0.0)
        if user in users.vector and item in items.vector:
            s += self.whole(user, skip) @ items.vector[item]
        return s

    def step_with_memory(self, user, item, y, w):
        e = w * (y - self.raw(user, item, item))
        users, items = self.sides
        p, q, z = users.vector[user].copy(), items.vector[item].copy(), self.whole(user, item)
        memory = self.shares(user, item)
        l2, l2_bias = w * self.p["l2"], w * self.rate("l2_bias")
        users.bias_acc[user] += (e - l2_bias * users.bias[user]) ** 2
        items.bias_acc[item] += (e - l2_bias * items.bias[item]) ** 2
        users.acc[user] += np.mean((e * q - l2 * p) ** 2)
        items.acc[item] += np.mean((e * z - l2 * q) ** 2)
        eta_u = self.step("learning_rate_bias", users.bias_acc[user])
        eta_i = self.step("learning_rate_bias", items.bias_acc[item])
        eta_p, eta_q = (
            self.step("learning_rate", users.acc[user]),
            self.step("learning_rate", items.acc[item]),
        )
        for j, c in memory.items():
            self.second.setdefault(j, np.zeros_like(q))
            self.second_acc[j] = self.second_acc.get(j, 0.0) + np.mean((e * c * q) ** 2)
        eta_y = {j: 0.1 * self.step("learning_rate", self.second_acc[j]) for j in memory}
        pull = (
            eta_u
            + eta_i
            + eta_p * q @ q
            + eta_q * z @ z
            + sum(eta_y[j] * c * c for j, c in memory.items()) * q @ q
        )
        go = e / max(1.0, w * pull)
        users.bias[user] = max(0, 1 - eta_u * l2_bias) * users.bias[user] + eta_u * go
        items.bias[item] = max(0, 1 - eta_i * l2_bias) * items.bias[item] + eta_i * go
        users.vector[user] = max(0, 1 - eta_p * l2) * p + eta_p * go * q
        items.vector[item] = max(0, 1 - eta_q * l2) * q + eta_q * go * z
        for j, c in memory.items():
            self.second[j] = max(0, 1 - eta_y[j] * l2) * self.second[j] + eta_y[j] * go * c * q


def starts_of(model, n_users, n_items):
    """The rows that a state gives to new ids."""
    state = type(model)(**model.get_params())._new_state()
    state.users.begin()
    state.items.begin()
    state.users.add_objects([*range(n_users)])
    state.items.add_objects([*range(n_items)])
    state.reserve(n_users, n_items)
    state.start_rows(0, state.users.added())
    state.start_rows(1, state.items.added())
    return [dict(enumerate(rows.view("factors").copy().reshape(rows.used, -1)))
            for rows in (state.user_rows, state.item_rows)]  # fmt: skip
