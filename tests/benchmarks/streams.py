"""Generated events: shaped like MovieLens-100K, and large ones; always the same for the same arguments."""

from __future__ import annotations

import timing  # noqa: F401  (sets the number of threads before numpy is loaded)

# isort: split
import numpy as np

__all__ = ["as_dicts", "large", "movielens_shaped"]


def movielens_shaped(
    n_events: int = 100_000, n_users: int = 943, n_items: int = 1_682, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, items (int64) and ratings (float64) that arrive as in MovieLens-100K.

    A user comes in runs of some 25 ratings, rates no item twice, and popularity has a long tail.
    """
    rng = np.random.default_rng(seed)
    activity = rng.lognormal(0.0, 1.1, n_users)
    counts = np.minimum(np.maximum(activity / activity.sum() * n_events, 20), n_items // 2).astype(int)
    popularity = (1.0 + np.arange(n_items)) ** -0.8
    runs = []
    for user in range(n_users):
        keys = np.log(popularity) + rng.gumbel(size=n_items)  # a draw without replacement
        items = np.argpartition(-keys, counts[user])[: counts[user]]
        pieces = np.array_split(rng.permutation(items), max(1, counts[user] // 25))
        start = rng.random()
        runs += [(start + 0.05 * rng.exponential() * (j > 0), user, piece) for j, piece in enumerate(pieces)]
    runs.sort(key=lambda run: run[0])
    users = np.concatenate([np.full(len(piece), user) for _, user, piece in runs])
    items = np.concatenate([piece for _, _, piece in runs])
    users, items = (np.resize(a, n_events).astype(np.int64) for a in (users, items))
    return users, rng.permutation(n_items)[items], _ratings(rng, users, items)


def large(
    n_events: int, n_users: int, n_items: int, *, shape: str = "alike", seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Users, items (int64) and ratings (float64).

    Parameters
    ----------
    n_events, n_users, n_items : int
    shape : {"alike", "tail", "runs"}
        "alike": every id as likely as the others at any time, the hardest case for a cache; "tail": long
        tails on both sides; "runs": long tails, and a user comes in runs of 20 events, as people do.
    seed : int
    """
    rng = np.random.default_rng(seed)
    if shape == "alike":
        users, items = rng.integers(0, n_users, n_events), rng.integers(0, n_items, n_events)
    else:
        each = 20 if shape == "runs" else 1
        users = np.repeat(_long_tail(rng, n_users, -(-n_events // each)), each)[:n_events]
        items = _long_tail(rng, n_items, n_events)
    return users, items, _ratings(rng, users, items)


def _long_tail(rng: np.random.Generator, n: int, n_events: int) -> np.ndarray:
    weight = np.cumsum((1.0 + np.arange(n)) ** -0.8)
    drawn = np.searchsorted(weight, rng.random(n_events) * weight[-1])
    return rng.permutation(n)[np.minimum(drawn, n - 1)]


def _ratings(rng: np.random.Generator, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    means = (
        3.5
        + 0.4 * rng.standard_normal(users.max() + 1)[users]
        + 0.5 * rng.standard_normal(items.max() + 1)[items]
    )
    return np.clip(np.round(means + 0.9 * rng.standard_normal(len(users))), 1, 5)


def as_dicts(users: np.ndarray, items: np.ndarray, ratings: np.ndarray) -> list[tuple[dict[str, str], float]]:
    """Events as River has them: ``({"user": "u17", "item": "i4"}, 3.0)``."""
    names = [f"u{u}" for u in range(int(users.max()) + 1)], [f"i{i}" for i in range(int(items.max()) + 1)]
    columns = zip(users.tolist(), items.tolist(), ratings.tolist(), strict=True)
    return [({"user": names[0][u], "item": names[1][i]}, y) for u, i, y in columns]
