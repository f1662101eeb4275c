"""The SGD kernel alone, on rows that are found already, against the training loops of LIBMF and cornac.

LIBMF does AdaGrad without biases in the order of its blocks, which suits the caches whatever the order of
the events; ours learns in the order of time, with biases, and scales the ratings as it goes.  So the ratio
depends on how the ids are spread over time, and on the bandwidth of the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
import numpy as np
from peers import cornac_loop, libmf_loop
from streams import large, movielens_shaped

from skl_increc.factorization import BiasedMF

SETTINGS: dict[str, dict[str, Any]] = {
    'ours, optimizer="adagrad" (default)': {},
    'ours, optimizer="sgd"': {"optimizer": "sgd"},
}


def kernel(
    users: np.ndarray, items: np.ndarray, y: np.ndarray, k: int, passes: int, **params: Any
) -> Callable[[], float]:
    """CPU seconds of one pass of the learner behind ``partial_fit``; row numbers are given."""
    u, i = users.astype(np.int32), items.astype(np.int32)
    w, t = np.ones(len(y)), np.arange(len(y), dtype=np.float64)

    def prepare() -> Callable[[], Any]:
        state = BiasedMF(n_factors=k, history=0, **params)._new_state()
        state.users.add_ints(np.arange(u.max() + 1))
        state.items.add_ints(np.arange(i.max() + 1))
        state.reserve(state.users.n_rows, state.items.n_rows)
        state.start_rows(0, np.arange(state.users.n_rows, dtype=np.int32))
        state.start_rows(1, np.arange(state.items.n_rows, dtype=np.int32))

        def work() -> Any:
            for _ in range(passes):
                state.learn(u, i, y, w, t)
            return state

        return work

    all_passes = timed(prepare)
    return lambda: all_passes() / passes


def compare(data: tuple[np.ndarray, np.ndarray, np.ndarray], k: int, passes: int, loops: dict) -> list[Case]:
    """Our kernel with each optimizer, and the loops of the peers that are there."""
    n = len(data[2])
    ours = {name: kernel(*data, k, passes, **params) for name, params in SETTINGS.items()}
    found = {name: loop for name, loop in loops.items() if loop is not None}
    return [Case(name, measure, n) for name, measure in {**ours, **found}.items()]


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    n, n_users, n_items = (1_000_000 if options.quick else 10_000_000), 200_000, 50_000
    for k in (16, 32, 64, 128):
        for shape, words in (("alike", "all ids alike at any time"), ("runs", "users in runs, long tails")):
            data = large(n, n_users, n_items, shape=shape)
            cases = compare(data, k, 1, {"LIBMF": libmf_loop(*data, k, 3)})
            title = f"kernel, {k} factors: {n:,} events, {n_users:,} users x {n_items:,} items, {words}"
            report(title, cases, 3 if options.quick else 5, reference="LIBMF", goal="at least 3 times LIBMF")
    data = movielens_shaped()
    for k in (16, 64):
        loops = {"cornac MF": cornac_loop(*data, k, 10), "LIBMF": libmf_loop(*data, k, 20)}
        report(
            f"kernel, {k} factors: MovieLens-100K-shaped",
            compare(data, k, 10, loops),
            options.repeats,
            reference="cornac MF",
            goal="not slower than cornac",
        )


if __name__ == "__main__":
    main()
