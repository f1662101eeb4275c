"""Parts of one piece of work, done by several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from joblib import effective_n_jobs

__all__ = ["in_threads"]


def in_threads(n_jobs: int | None, work: Callable[[Any], Any], parts: Sequence) -> list:
    """What `work` returns for each part, in their order; by so many threads, as joblib counts them."""
    n = min(effective_n_jobs(n_jobs), len(parts))
    if n <= 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, parts))
