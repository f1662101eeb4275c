"""EASE, one event and an answer, a thousand and an answer; EASE and ItemKNN, fitting and lists for all; peers.

1,682 items and 943 users, as in MovieLens-100K; the ratings themselves where ``SKL_INCREC_DATA`` names them,
made-up ones of the same density where not.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np

from skl_increc.datasets import make_interactions
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN

L2 = 300.0
NEIGHBORS = 100  # that the peers keep of each item; ours keeps all


def stream() -> np.ndarray:
    """Users and items of 100,000 events, in order."""
    path = Path(os.environ.get("SKL_INCREC_DATA", "")) / "movielens-100k" / "interactions.csv.gz"
    pandas = peer("pandas")
    if pandas is not None and path.exists():
        return pandas.read_csv(path)[["user", "item"]].to_numpy()
    made = make_interactions(100_000, n_users=943, n_items=1682, random_state=0)
    return made[["user", "item"]].to_numpy()


def answer(model: Any, user: Any) -> Any:
    """The user's list of ten, from ours and from skrecsys."""
    if isinstance(model, (EASE, ItemKNN)):
        return model.recommend_one(user)
    return model.recommend([user], n_recommendations=10)


def teaching(make: Callable[[], Any], events: np.ndarray, n: int) -> Callable[[], float]:
    """Seconds of n events and an answer, after all but the last 5,000 events; each time further on."""
    model, at = make(), [len(events) - 5000]
    model.partial_fit(events[: at[0]])
    answer(model, events[0, 0])

    def prepare() -> Callable[[], Any]:
        part = events[at[0] : at[0] + n]
        at[0] += n
        return lambda: (model.partial_fit(part), answer(model, part[-1, 0]))

    return timed(prepare)


def one_by_one(make: Callable[[], Any], events: np.ndarray, n: int) -> Callable[[], float]:
    """Seconds of n times an event through ``learn_one`` and its user's list."""
    model, at = make(), [len(events) - 5000]
    model.partial_fit(events[: at[0]])
    answer(model, events[0, 0])

    def run() -> None:
        for user, item in events[at[0] : at[0] + n].tolist():
            model.learn_one(user=user, item=item)
            model.recommend_one(user)
        at[0] += n

    return timed(lambda: run)


def fitting(make: Callable[[], Any], events: np.ndarray) -> Callable[[], float]:
    """Seconds of ``fit`` and the first answer."""

    def run() -> Any:
        model = make().fit(events)
        answer(model, events[0, 0])
        return model

    return timed(lambda: run)


def listing(make: Callable[[], Any], events: np.ndarray) -> Callable[[], float]:
    """Seconds of the lists of ten of all users."""
    model = make().fit(events)
    users = np.unique(events[:, 0])
    answer(model, users[0])
    if isinstance(model, (EASE, ItemKNN)):
        return timed(lambda: lambda: model.recommend(users, 10))
    return timed(lambda: lambda: model.recommend(users, n_recommendations=10))


def implicit_cosine(events: np.ndarray) -> list[Case]:
    """Fitting and lists by implicit's item-item cosine, which gets codes and a matrix instead of ids."""
    implicit = peer("implicit.nearest_neighbours", "implicit")
    if implicit is None:
        return []
    from scipy.sparse import csr_matrix

    u, i = (np.unique(column, return_inverse=True)[1] for column in events.T)
    seen = csr_matrix((np.ones(len(u), np.float32), (u, i)))
    seen.data[:] = 1

    def fit() -> Any:
        model = implicit.CosineRecommender(K=NEIGHBORS, num_threads=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is given its own transpose
            model.fit(seen, show_progress=False)
        return model

    fitted = fit()
    return [
        Case("implicit CosineRecommender", timed(lambda: fit), 1),
        Case(
            "implicit CosineRecommender",
            timed(lambda: lambda: fitted.recommend(np.arange(seen.shape[0]), seen, N=10)),
            1,
        ),
    ]


def whole(family: str, makes: dict[str, Callable[[], Any]], others: list[Case], events: np.ndarray,
          repeats: int) -> None:  # fmt: skip
    """The tables of fitting and of lists for all users."""
    for title, work, more in (
        ("fit and an answer", fitting, others[:1]),
        ("lists of ten of all users", listing, others[1:]),
    ):
        cases = [Case(name, work(make, events), 1) for name, make in makes.items()] + more
        report(f"{family}: {title}", cases, repeats, reference=cases[-1].name, unit="call",
               goal="not slower than the fastest")  # fmt: skip


def drifting(events: np.ndarray, n: int, leave: int) -> None:
    """How far a model is from a fresh one after n events and some removals, each followed by a question."""
    model = EASE(L2).fit(events[:-n])
    model.recommend_one(events[0, 0])
    for user, item in events[-n:].tolist():
        model.learn_one(user=user, item=item)
        model.recommend_one(user)
    worst = model.drift()
    gone = np.random.default_rng(0).permutation(np.unique(events[:, 0]))[:leave]
    for user in gone.tolist():
        model.forget(users=[user])
        model.recommend_one(user)
    fresh = EASE(L2).fit(events[~np.isin(events[:, 0], gone)])
    users, items = fresh.user_ids_[::10], fresh.item_ids_
    pairs = np.array([(user, item) for user in users for item in items], dtype=object)
    far = np.abs(model.predict(pairs) - fresh.predict(pairs)).max()
    same = np.array_equal(model.recommend(users, 20)[0], fresh.recommend(users, 20)[0])
    print(f"\ndrift: {worst:.1e} after {n:,} events one by one, {model.drift():.1e} after {leave} users left, too; "
          f"of a fresh fit {fresh.drift():.1e}")  # fmt: skip
    print(f"largest difference of {len(pairs):,} scores from the fresh fit: {far:.1e}; lists of 20 "
          f"{'the same' if same else 'not the same'}")  # fmt: skip


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    events = stream()
    skrecsys = peer("skrecsys.recommendation", "skrecsys")
    makes: dict[str, Callable[[], Any]] = {"EASE": lambda: EASE(L2)}
    neighbors: dict[str, Callable[[], Any]] = {"ItemKNN": ItemKNN}
    if skrecsys is not None:
        makes["skrecsys EASE"] = lambda: skrecsys.EASE(l2_reg=L2, n_jobs=1)
        neighbors["skrecsys ItemKNN"] = lambda: skrecsys.ItemKNNRecommender(NEIGHBORS, n_jobs=1)
    for n, goal in ((1, "5 times as fast as skrecsys"), (1000, "3 times")):
        cases = [Case(name, teaching(make, events, n), 1) for name, make in makes.items()]
        if n == 1:
            cases.append(Case("EASE, learn_one", one_by_one(makes["EASE"], events, 50), 50))
        title = f"{n} events through partial_fit, and an answer"
        report(title, cases, min(options.repeats, 4) if n > 1 else options.repeats,
               reference=list(makes)[-1], unit="answer", goal=goal)  # fmt: skip
    whole("EASE", makes, [], events, options.repeats)
    whole("ItemKNN", neighbors, implicit_cosine(events), events, options.repeats)
    drifting(events, *((1000, 20) if options.quick else (10_000, 200)))


if __name__ == "__main__":
    main()
