"""Speed of BPR and ImplicitALS: pairs a second, an event, a sweep; implicit and LightFM.

The sweep is over ten million distinct pairs of 100,000 users and 20,000 items (``--quick``: a fiftieth of all).
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from streams import movielens_shaped
from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np
import scipy.sparse as sp

from skl_increc.factorization import BPR, ImplicitALS

PAIRS, USERS, ITEMS = 10_000_000, 100_000, 20_000


class Loaded(ImplicitALS):
    """Takes its events as they are: to learn ten million one by one, as it is meant to, takes half an hour."""

    def _learn(self, state: Any, u: Any, i: Any, y: Any, w: Any, t: Any) -> None:
        strength = (y * w)[:, None]
        state.history.append(u, i, strength)
        state.stores["takers"].append(i, u, strength)
        n = state.items.n_rows
        stat = state.item_rows.arrays["stat"]
        stat[:n, 1], stat[:n, 3] = 1, np.bincount(i, minlength=n)
        state.scalar("counts")[:2] = n


def pairs_of(n: int, users: int, items: int) -> np.ndarray:
    """About n distinct pairs, sorted; some items are much more popular than others."""
    rng = np.random.default_rng(0)
    u = rng.integers(0, users, int(n * 1.15))
    i = (items * rng.random(len(u)) ** 2).astype(np.int64)
    both = np.unique(u * items + i)
    both = np.sort(rng.permutation(both)[:n])
    return np.column_stack([both // items, both % items])


def epochs(fit: Callable[[int], Callable[[], Any]], more: int = 2) -> Callable[[], float]:
    """CPU seconds of one epoch: (1 + more) less one, divided by more."""
    long, short = timed(lambda: fit(1 + more)), timed(lambda: fit(1))
    return lambda: max(long() - short(), 1e-9) / more


def steps(pairs: np.ndarray, k: int, drawn: tuple[int, ...] = (50, 10, 1)) -> Iterator[Case]:
    """Pairs (an event, and one item that is drawn for it) that are learned; implicit's epoch leaves some out."""
    n = len(pairs)
    more = 20 if n < 1_000_000 else 2  # one pass over a small table is short beside the first

    def ours(negatives: int) -> Case:
        def of_ours(passes: int) -> Callable[[], Any]:
            model = BPR(k, n_negatives=negatives, n_epochs=passes)
            return lambda: model.fit(pairs)

        return Case(
            f"BPR, {negatives} drawn an event, an epoch",
            epochs(of_ours, more if negatives == 1 else 2),
            n * negatives,
        )

    def online() -> Callable[[], Any]:
        model = BPR(k, n_negatives=1).partial_fit(pairs[:100])
        return lambda: model.partial_fit(pairs)

    yield from (ours(negatives) for negatives in drawn)
    yield Case("BPR, 1 drawn an event, the first pass", timed(online), n)
    matrix = sp.csr_matrix((np.ones(n, np.float32), pairs.T))
    implicit, lightfm = peer("implicit.cpu.bpr", "implicit"), peer("lightfm")
    if implicit is not None:

        def theirs(passes: int) -> Callable[[], Any]:
            model = implicit.BayesianPersonalizedRanking(factors=k, iterations=passes, num_threads=1)
            return lambda: model.fit(matrix, show_progress=False)

        yield Case("implicit BPR, an epoch", epochs(theirs, more), n)
    if lightfm is not None:

        def of_lightfm(passes: int) -> Callable[[], Any]:
            model = lightfm.LightFM(no_components=k, loss="bpr")
            return lambda: model.fit(matrix.tocoo(), epochs=passes, num_threads=1)

        yield Case("LightFM BPR, an epoch", epochs(of_lightfm), n)


def events(pairs: np.ndarray, k: int) -> Iterator[Case]:
    """One event: its user and its item are solved."""
    order = np.random.default_rng(0).permutation(len(pairs))
    known, new = pairs[order[:-500]], pairs[order[-500:]]
    for solver in ("cholesky", "cg"):
        model = ImplicitALS(k, solver="cg").fit(known).set_params(solver=solver)

        def prepare(model: Any = model) -> Callable[[], Any]:
            learner = copy.deepcopy(model)
            learner.learn_one({"user": 0, "item": 0})
            xs = [{"user": u, "item": i} for u, i in new.tolist()]
            return lambda: [learner.learn_one(x) for x in xs]

        yield Case(f'ImplicitALS(solver="{solver}").learn_one', timed(prepare), len(new))
    implicit = peer("implicit.cpu.als", "implicit")
    if implicit is None:
        return
    matrix = sp.csr_matrix((np.full(len(pairs), 2, np.float32), pairs.T))
    users, items = [matrix[u] for u in new[:, 0]], [matrix.T.tocsr()[i] for i in new[:, 1]]
    for cg in (False, True):
        theirs = implicit.AlternatingLeastSquares(
            factors=k, use_cg=cg, num_threads=1, iterations=1, alpha=1.0
        )
        theirs.fit(matrix, show_progress=False)

        def prepare_theirs(theirs: Any = theirs) -> Callable[[], Any]:
            def work() -> None:
                for (u, i), row, column in zip(new.tolist(), users, items, strict=True):
                    theirs.partial_fit_users([u], row)
                    theirs.partial_fit_items([i], column)

            return work

        name = "cg" if cg else "cholesky"
        yield Case(f"implicit {name}, partial_fit_users + partial_fit_items", timed(prepare_theirs), len(new))


def sweeps(pairs: np.ndarray, k: int) -> Iterator[Case]:
    """All users, then all items."""
    model = Loaded(k).partial_fit(pairs)
    for solver in ("cholesky", "cg", "coordinate"):

        def prepare(solver: str = solver) -> Callable[[], Any]:
            model.set_params(solver=solver)
            return model.refresh

        yield Case(f'ImplicitALS(solver="{solver}").refresh()', timed(prepare), len(pairs))
    implicit = peer("implicit.cpu._als", "implicit")
    if implicit is None:
        return
    matrix = sp.csr_matrix((np.full(len(pairs), 2, np.float32), pairs.T))
    across = matrix.T.tocsr()
    rng = np.random.default_rng(0)
    P, Q = (rng.normal(0, 0.1, (n, k)).astype(np.float32) for n in matrix.shape)
    for name, solve in (("cholesky", implicit.least_squares), ("cg", implicit.least_squares_cg)):

        def prepare_theirs(solve: Any = solve) -> Callable[[], Any]:
            def work() -> None:
                solve(matrix, P, Q, 5.0, num_threads=1)
                solve(across, Q, P, 5.0, num_threads=1)

            return work

        yield Case(f"implicit {name}, one iteration", timed(prepare_theirs), len(pairs))


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    part = 50 if options.quick else 1
    small = pairs_of(100_000, 1_000, 1_700)
    streams = {
        "as in MovieLens-100K": np.column_stack(movielens_shaped()[:2]),
        "100,000 in any order": np.random.default_rng(1).permutation(small),
        "2,000,000 in any order": np.random.default_rng(1).permutation(
            pairs_of(2_000_000 // part, 100_000 // part, 20_000 // part)
        ),
    }
    for (name, stream), k in itertools.product(streams.items(), (16, 32, 64)):
        report(
            f"pairs, {name}, {k} factors",
            steps(stream, k, (10, 1) if len(stream) > 1_000_000 else (50, 10, 1)),
            options.repeats,
            reference="implicit BPR, an epoch",
            unit="pair",
        )
    them = "implicit cholesky, partial_fit_users + partial_fit_items"
    report("one event, 16 factors", events(small, 16), options.repeats, reference=them)
    large = pairs_of(PAIRS // part, USERS // part, ITEMS // part)
    title = f"one sweep, {len(large):,} pairs, 64 factors"
    rounds = options.repeats if options.quick else 2
    report(title, sweeps(large, 64), rounds, reference="implicit cholesky, one iteration", unit="pair")


if __name__ == "__main__":
    main()
