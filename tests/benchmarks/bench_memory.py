"""Growth of resident memory for 100,000 users with 16 factors, each way in a process of its own."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from timing import arguments

# isort: split
import numpy as np

from skl_increc.factorization import BiasedMF

N_ITEMS = 1_000
EVENTS_EACH = 5
BLOCK = 1_000  # events at a time: what the events themselves take must not count


def blocks(n_users: int, order: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Events in blocks; "users": all of a user together; "mixed": in a random order."""
    rng = np.random.default_rng(0)
    users = np.repeat(rng.permutation(n_users) * 7 + 10**9, EVENTS_EACH)
    if order == "mixed":
        users = rng.permutation(users)
    for a in range(0, len(users), BLOCK):
        part = users[a : a + BLOCK]
        yield (
            np.column_stack([part, rng.integers(0, N_ITEMS, len(part))]),
            rng.integers(1, 6, len(part)) * 1.0,
        )


def by_partial_fit(n_users: int, order: str = "users", **params: Any) -> Any:
    """Our model through batches."""
    model = BiasedMF(n_factors=16, **params)
    for X, y in blocks(n_users, order):
        model.partial_fit(X, y)
    return model


def in_one_call(n_users: int) -> Any:
    """Our model through one batch."""
    X, y = (np.concatenate(parts) for parts in zip(*blocks(n_users, "users"), strict=True))
    return BiasedMF(n_factors=16).partial_fit(X, y)


def by_learn_one(n_users: int, order: str = "users", **params: Any) -> Any:
    """Our model event by event."""
    model = BiasedMF(n_factors=16, **params)
    for X, y in blocks(n_users, order):
        for (user, item), rating in zip(X.tolist(), y.tolist(), strict=True):
            model.learn_one({"user": user, "item": item}, rating)
    return model


def by_river(n_users: int) -> Any:
    """River's model."""
    from river import reco

    model = reco.BiasedMF(n_factors=16, seed=0)
    for X, y in blocks(n_users, "users"):
        for (user, item), rating in zip(X.tolist(), y.tolist(), strict=True):
            model.learn_one(user, item, rating)
    return model


WAYS: dict[str, Callable[[int], Any]] = {
    "partial_fit": by_partial_fit,
    "partial_fit, events mixed": lambda n: by_partial_fit(n, "mixed"),
    "partial_fit, one call": in_one_call,
    "partial_fit, history=0": lambda n: by_partial_fit(n, history=0),
    "learn_one": by_learn_one,
    "learn_one, events mixed": lambda n: by_learn_one(n, "mixed"),
    "learn_one, history=0": lambda n: by_learn_one(n, history=0),
    "River BiasedMF.learn_one": by_river,
}


def resident() -> int:
    """Bytes of this process in memory, after everything that is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def grow(way: str, n_users: int) -> dict[str, float]:
    """Learn a block to load all code, then many users, and see what that takes."""
    WAYS[way](BLOCK // EVENTS_EACH)
    before = resident()
    model = WAYS[way](n_users)
    after = resident()
    return {"grown": after - before, "nbytes": getattr(model, "nbytes", float("nan"))}


def main() -> None:
    """Print the table; ``--way NAME N`` is what the processes run."""
    if "--way" in sys.argv:
        print(json.dumps(grow(sys.argv[2], int(sys.argv[3]))))
        return
    options = arguments(__doc__ or "")
    if not Path("/proc/self/statm").exists():
        print("skipped: resident memory is read from /proc, which this system does not have")
        return
    n_users, repeats = (50_000, 1) if options.quick else (100_000, 3)
    print(f"\nbytes a user: {n_users:,} users x 16 factors, {EVENTS_EACH} events each, {N_ITEMS:,} items")
    print(f"{'':36} {'resident':>10} {'nbytes':>8} {'nbytes / resident':>18}")
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, str(n_users)]
        runs = [json.loads(subprocess.check_output(command, text=True)) for _ in range(repeats)]
        grown = float(np.median([run["grown"] for run in runs])) / n_users
        nbytes = runs[0]["nbytes"] / n_users
        print(f"{way:36} {grown:10.1f} {nbytes:8.1f} {nbytes / grown:18.3f}")
    print("to reach: at most 180 bytes a user with history, nbytes within 10 % of it")


if __name__ == "__main__":
    main()
