"""What is worked out from the features of the items, kept until they change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from skl_increc._state.features import FeatureRows

__all__ = ["Derived", "Kept"]


class Kept(NamedTuple):
    """Never changed in place: who reads goes on with the one that they took."""

    version: int  # of the features
    key: Any  # the parameters that it depends on
    table: sparse.csr_matrix  # the features of the item rows
    result: Any  # what the model made of them
    nbytes: int


class Derived:
    """A store that is empty in files: the model works it out again when asked first."""

    kind, side, n_values = "derived", 1, None
    parts: ClassVar[dict[str, str]] = {}

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.kept: Kept | None = None

    def get(
        self,
        features: FeatureRows,
        key: Any,
        make: Callable[[sparse.csr_matrix, Kept | None, np.ndarray], Any],
    ) -> Kept:
        """What `make(table, before, changed)` gives for the features as they are.

        ``before`` is what was kept, of other rows in ``changed``; None where it is of another key.
        """
        kept = self.kept
        if kept is not None and kept.version == features.version and kept.key == key:
            return kept
        with self.lock:
            version, before = features.version, self.kept
            used = np.flatnonzero(features.entries.length)
            n = max(int(used.max(initial=-1)) + 1, 0 if before is None else before.table.shape[0])
            table = features.csr(np.arange(n))
            if before is not None and before.key != key:
                before = None
            since = -1 if before is None else before.version
            result, nbytes = make(table, before, np.flatnonzero(features.changed[:n] > since))
            self.kept = Kept(version, key, table, result, nbytes + table.data.nbytes + table.indices.nbytes)
            return self.kept

    # -- what a state asks of its stores --------------------------------------------------------
    def reserve_rows(self, n_users: int, n_items: int) -> None:
        """Nothing: rows come with features."""

    def limit_rows(self, n_users: int, n_items: int) -> None:
        """Nothing: the features say what changed."""

    def drop(self, side: int, rows: np.ndarray) -> None:
        """Nothing, for the same reason."""

    def vacate(self, side: int, row: int) -> None:
        """Nothing, for the same reason."""

    def absorb(self, other: Derived, users: np.ndarray, items: np.ndarray) -> None:
        """Nothing, for the same reason."""

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept."""
        return 0 if self.kept is None else self.kept.nbytes

    def copy(self) -> Derived:
        """Another, which begins with the same."""
        new = Derived()
        new.kept = self.kept
        return new

    def blank(self) -> Derived:
        """An empty one."""
        return Derived()

    def export(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def keyed(self, ids: dict[int, Any]) -> dict:
        """Nothing that models of the same features could differ in."""
        return {}

    def check(self, kept: Any, users: Any, items: Any) -> None:
        """There is nothing in a file that could be wrong."""

    def restore(self, kept: Any) -> Derived:
        """There is nothing to restore."""
        return self

    def __reduce__(self) -> tuple:
        return Derived, ()
