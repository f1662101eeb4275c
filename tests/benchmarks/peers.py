"""The training loops of other libraries, without what they do before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import peer, timed

# isort: split
import numpy as np

__all__ = ["cornac_loop", "libmf_loop"]


def libmf_loop(
    users: np.ndarray, items: np.ndarray, ratings: np.ndarray, k: int, passes: int
) -> Callable[[], float] | None:
    """CPU seconds of one pass of LIBMF on one thread: (1 + passes) passes less one, divided by passes.

    LIBMF does AdaGrad without biases in the order of its blocks (good for the caches), after it has
    shuffled and sorted the events; both are left out.  It is plain L2-regularised factorisation.
    """
    libmf = peer("libmf.mf", "libmf")
    if libmf is None:
        return None
    table = np.column_stack([users, items, ratings]).astype(np.float32)

    def fit(n_passes: int) -> Callable[[], Callable[[], Any]]:
        def prepare() -> Callable[[], Any]:
            model = libmf.MF(
                k=k,
                nr_threads=1,
                nr_iters=n_passes,
                eta=0.1,
                quiet=True,
                lambda_p1=0.0,
                lambda_q1=0.0,
                lambda_p2=0.02,
                lambda_q2=0.02,
            )
            return lambda: model.fit(table)

        return prepare

    long, short = timed(fit(1 + passes)), timed(fit(1))
    return lambda: max(long() - short(), 1e-9) / passes


def cornac_loop(
    users: np.ndarray, items: np.ndarray, ratings: np.ndarray, k: int, passes: int
) -> Callable[[], float] | None:
    """CPU seconds of one pass of cornac's MF: plain SGD with biases, in the order of the events."""
    backend = peer("cornac.models.mf.backend_cpu", "cornac")
    if backend is None:
        return None

    def prepare() -> Callable[[], Any]:
        rng = np.random.default_rng(0)
        n_users, n_items = int(users.max()) + 1, int(items.max()) + 1
        factors = [rng.normal(0, 0.1, (n, k)).astype(np.float32) for n in (n_users, n_items)]
        biases = [np.zeros(n, np.float32) for n in (n_users, n_items)]
        targets = ratings.astype(np.float32)
        settings = (0.01, 0.02, float(ratings.mean()), passes, 1, True, False, False)
        return lambda: backend.fit_sgd(users, items, targets, *factors, *biases, *settings)

    all_passes = timed(prepare)
    return lambda: all_passes() / passes
