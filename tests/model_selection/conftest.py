"""Models of a few lines that note what happens to them."""

from collections import Counter, defaultdict

import pytest
from sklearn.base import RegressorMixin

from skl_increc.base._river import RiverMixin, register_estimator, register_regressor
from skl_increc.base._top import TopK


class Noting(RiverMixin):
    """Keeps a log of ("ask" or "learn", user, item, y, w)."""

    def __init__(self, user_col="user", item_col="item", time_col=None):
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col
        self.log = []

    def _note(self, what, x, user, item, y=None, w=None):
        user = x.get(self.user_col) if user is None else user
        item = x.get(self.item_col) if item is None else item
        self.log.append((what, user, item, y, w))
        return user, item


@register_regressor
class LastOfUser(RegressorMixin, Noting):
    """Predicts the last rating of the user; 0 before it."""

    def __init__(self, user_col="user", item_col="item", time_col=None):
        super().__init__(user_col, item_col, time_col)
        self.last = {}

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        user, _ = self._note("learn", x, user, item, y, w)
        self.last[user] = y

    def predict_one(self, x=None, *, user=None, item=None):
        user, _ = self._note("ask", x, user, item)
        return self.last.get(user, 0.0)

    def recommend_one(self, user=None, k=10, *, exclude_seen=True):
        return []


@register_estimator
class Successor(Noting):
    """Recommends what followed the user's last item most often, then what is popular."""

    def __init__(self, user_col="user", item_col="item", time_col=None):
        super().__init__(user_col, item_col, time_col)
        self.after = defaultdict(Counter)
        self.counts = Counter()
        self.last = {}
        self.had = defaultdict(set)

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        user, item = self._note("learn", x, user, item, y, w)
        if item is None or (y is not None and y <= 0):
            return
        self.counts[item] += w
        if user in self.last:
            self.after[self.last[user]][item] += w
        if user is not None:
            self.last[user] = item
            self.had[user].add(item)

    def predict_one(self, x=None, *, user=None, item=None):
        return float(self.counts[x.get(self.item_col)])

    def recommend_one(self, user=None, k=10, *, exclude_seen=True):
        self.log.append(("ask", user, None, None, None))
        followers = self.after[self.last[user]] if user in self.last else Counter()
        ranked = [item for item, _ in followers.most_common()]
        ranked += [item for item, _ in self.counts.most_common() if item not in followers]
        had = self.had.get(user, ()) if exclude_seen else ()
        return [item for item in ranked if item not in had][:k]

    def top(self, k=10, *, exclude_seen=True):
        return TopK(self, k, exclude_seen)


@pytest.fixture
def rater():
    return LastOfUser


@pytest.fixture
def recommender():
    return Successor


@pytest.fixture
def stream():
    """Events of 20 users and 40 items; ratings 1 to 5; three events a second; no pair twice."""

    def make(n=400, unpacked=False):
        for t in range(n):
            user, item = f"u{t % 20}", (t % 20 * 5 + t // 20 * (3 + t % 2 * 4)) % 40
            y = 1 + (t * 5 + item) % 5
            x = {"time": t // 3, "age": float(t % 9)}
            yield (x, y, {"user": user, "item": item}) if unpacked else ({"user": user, "item": item, **x}, y)

    return make


@pytest.fixture
def columns(stream):
    """The stream as columns."""

    def make(n=400):
        rows = [{**x, "rating": y} for x, y in stream(n)]
        return {name: [row[name] for row in rows] for name in ("user", "item", "rating", "time")}

    return make
