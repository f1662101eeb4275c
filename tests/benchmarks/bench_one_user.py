"""An event, and the next list of ten of its user: ours, implicit, skrecsys, at 1,682 items.

The 100,000 events of MovieLens-100K where ``SKL_INCREC_DATA`` names them, made-up ones of the same density where
not; 80,000 are learned before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np
from scipy.sparse import csr_matrix

from skl_increc.baselines import Popularity
from skl_increc.datasets import make_interactions
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.linear import EASE
from skl_increc.model_selection import progressive_validate
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

BEFORE = 80_000
K = 10
MODELS: dict[str, Callable[[], Any]] = {
    "Popularity()": Popularity,
    "SequentialRules()": SequentialRules,
    "SessionKNN()": SessionKNN,
    "ItemKNN()": ItemKNN,
    "EASE()": EASE,
    "BiasedMF(16)": lambda: BiasedMF(16),
    "KalmanMF(16)": lambda: KalmanMF(16),
}


def stream() -> np.ndarray:
    """Users, items and ratings of 100,000 events, in order."""
    path = Path(os.environ.get("SKL_INCREC_DATA", "")) / "movielens-100k" / "interactions.csv.gz"
    pandas = peer("pandas")
    if pandas is not None and path.exists():
        return pandas.read_csv(path)[["user", "item", "rating"]].to_numpy()
    made = make_interactions(100_000, n_users=943, n_items=1682, random_state=0)
    return made[["user", "item", "rating"]].to_numpy()


def taught(make: Callable[[], Any], events: np.ndarray) -> Any:
    """A model that has learned the first events and answered once."""
    model = make().partial_fit(events[:BEFORE, :2], events[:BEFORE, 2].astype(float))
    model.recommend_one(events[0, 0])
    return model


def further(work: Callable[[Any, Any], None], events: np.ndarray, n: int) -> Callable[[], float]:
    """Seconds of n times the work; each round takes the next events."""
    rest, at = [(u, i) for u, i, _ in events[BEFORE:].tolist()], [0]

    def prepare() -> Callable[[], Any]:
        part = [rest[(at[0] + j) % len(rest)] for j in range(n)]
        at[0] += n

        def run() -> None:
            for user, item in part:
                work(user, item)

        return run

    return timed(prepare)


def learning(model: Any) -> Callable[[Any, Any], None]:
    """One event."""
    return lambda user, item: model.learn_one({"user": user, "item": item}, 4.0)


def listing(model: Any) -> Callable[[Any, Any], Any]:
    """One list."""
    return lambda user, item: model.recommend_one(user, K)


def both(model: Any) -> Callable[[Any, Any], None]:
    """An event, and its user's next list."""

    def work(user: Any, item: Any) -> None:
        model.learn_one({"user": user, "item": item}, 4.0)
        model.recommend_one(user, K)

    return work


def implicits(events: np.ndarray) -> dict[str, Callable[[Any, Any], Any]]:
    """implicit's item-item cosine and ALS, asked for one user a call."""
    neighbours, als = peer("implicit.nearest_neighbours", "implicit"), peer("implicit.als", "implicit")
    if neighbours is None or als is None:
        return {}
    users, items = (np.unique(column.astype(np.int64), return_inverse=True) for column in events[:, :2].T)
    u, i = users[1][:BEFORE], items[1][:BEFORE]
    shape = (len(users[0]), len(items[0]))
    seen = csr_matrix((np.ones(BEFORE, np.float32), (u, i)), shape=shape)
    code = dict(zip(users[0].tolist(), range(shape[0]), strict=True))
    models = {
        "implicit CosineRecommender": neighbours.CosineRecommender(K=100, num_threads=1),
        "implicit ALS, 16 factors": als.AlternatingLeastSquares(factors=16, num_threads=1, use_gpu=False),
    }
    for model in models.values():
        model.fit(seen, show_progress=False)

    def asking(model: Any) -> Callable[[Any, Any], Any]:
        return lambda user, item: model.recommend(code[user], seen[code[user]], N=K)

    return {name: asking(model) for name, model in models.items()}


def skrecsyss(events: np.ndarray) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]] | None:
    """skrecsys's item neighbours: one event, and one list."""
    skrecsys = peer("skrecsys.recommendation", "skrecsys")
    if skrecsys is None:
        return None
    model = skrecsys.ItemKNNRecommender(n_neighbors=50, n_jobs=1)
    model.fit(events[:BEFORE, :2].astype(np.int64))
    model.recommend(events[:1, 0].astype(np.int64), n_recommendations=K)

    def learn(user: Any, item: Any) -> None:
        model.partial_fit(np.array([[user, item]], dtype=np.int64))

    def answer(user: Any, item: Any) -> Any:
        return model.recommend(np.array([user], dtype=np.int64), n_recommendations=K)

    return learn, answer


def against_skrecsys(events: np.ndarray, repeats: int) -> None:
    """Print the table of ItemKNN."""
    theirs = skrecsyss(events)
    if theirs is None:
        return
    model, (learn, answer) = taught(ItemKNN, events), theirs

    def event_and_list(user: Any, item: Any) -> None:
        learn(user, item)
        answer(user, item)

    for title, ours, other, goal in (
        ("one event", learning(model), learn, 10_000),
        ("one event and the user's next list", both(model), event_and_list, 500),
    ):
        cases = [
            Case("ItemKNN()", further(ours, events, 500), 500),
            Case("skrecsys ItemKNNRecommender", further(other, events, 5), 5),
        ]
        report(title, cases, repeats, reference=cases[1].name, goal=f"{goal:,} times skrecsys")


def rankings_per_second(events: np.ndarray, n: int, repeats: int) -> None:
    """Print how many events a second `progressive_validate` asks for, learns and counts."""
    data = [({"user": u, "item": i}, float(y)) for u, i, y in events[:n].tolist()]

    def whole() -> Callable[[], Any]:
        model = BiasedMF(16)
        return lambda: progressive_validate(model, data, task="ranking", ties="order", verbose=False)

    def bare() -> Callable[[], Any]:
        model = BiasedMF(16)

        def loop() -> None:
            for x, y in data:
                model.recommend_one(x["user"], K)
                model.learn_one(x, y)

        return loop

    cases = [Case("progressive_validate", timed(whole), n), Case("the model alone", timed(bare), n)]
    report(
        "full rankings with BiasedMF(16)",
        cases,
        repeats,
        reference=cases[1].name,
        cost=True,
        goal="20,000 events a second, 1.3 times the model alone",
    )


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    events = stream()
    n = 300 if options.quick else 1000
    models = {name: taught(make, events) for name, make in MODELS.items()}
    work: dict[str, Callable[[Any, Any], Any]] = {name: listing(model) for name, model in models.items()}
    work |= implicits(events)
    cases = [Case(name, further(ask, events, n), n) for name, ask in work.items()]
    goal = "SequentialRules() 30 us, beside 3 us to learn an event"
    report("one list", cases, options.repeats, reference="Popularity()", unit="list", cost=True, goal=goal)
    cases = [Case(name, further(learning(m), events, n), n) for name, m in models.items() if name != "EASE()"]
    report("one event", cases, options.repeats, reference="Popularity()", cost=True)
    against_skrecsys(events, options.repeats)
    rankings_per_second(events, 20_000 if options.quick else 100_000, options.repeats)


if __name__ == "__main__":
    main()
