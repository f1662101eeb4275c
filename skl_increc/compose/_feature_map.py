"""A ridge regression of the factors of items on their features, kept from one refreshment to the next."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy import linalg, sparse

from skl_increc._state.features import FeatureRows

__all__ = ["FIRST", "FeatureMap"]

FIRST = 75  # events after which the map is made first


class FeatureMap:
    """A store: the map, and the number of the event after which it is made anew.

    Attributes
    ----------
    weights : ndarray of float64 (n_columns, width)
        Of the columns of the features as they were; columns that came since have none.
    due : int
        Events of the model after which the next map is made.
    """

    kind, side, n_values = "feature map", 1, None
    parts: ClassVar[dict[str, str]] = {"weights": "float64", "width": "int64", "due": "int64"}

    def __init__(self) -> None:
        self.weights = np.zeros((0, 0))
        self.due = FIRST
        self._mapped: tuple[Any, np.ndarray] | None = None

    def fit(self, table: sparse.csr_matrix, targets: np.ndarray, l2: float) -> None:
        """The ridge regression of these targets on these features."""
        few = table.shape[0] < table.shape[1]  # items: then the same by their products with each other
        gram = (table @ table.T if few else table.T @ table).toarray()
        gram[np.diag_indices(len(gram))] += l2
        found = targets if few else table.T @ targets
        if len(gram):
            found = linalg.solve(gram, found, assume_a="pos", check_finite=False)
        moments = table.T @ found if few else found
        self.weights, self._mapped = np.ascontiguousarray(moments), None

    def mapped(self, features: FeatureRows, n: int) -> np.ndarray:
        """Where the features of the first n rows point, float64 (n, width)."""
        weights, version = self.weights, (features.version, n)
        kept = self._mapped
        if kept is None or kept[0] != version:
            table = features.csr(np.arange(n))
            kept = version, table[:, : len(weights)] @ weights
            if weights is self.weights:
                self._mapped = kept
        return kept[1]

    # -- what a state asks of its stores --------------------------------------------------------
    def reserve_rows(self, n_users: int, n_items: int) -> None:
        """Nothing: the map has columns, and no rows."""

    def limit_rows(self, n_users: int, n_items: int) -> None:
        """Nothing, for the same reason."""

    def drop(self, side: int, rows: np.ndarray) -> None:
        """Nothing, for the same reason."""

    @property
    def nbytes(self) -> int:
        """Bytes of the map, and of what it was asked for."""
        return self.weights.nbytes + (0 if self._mapped is None else self._mapped[1].nbytes)

    def copy(self) -> FeatureMap:
        """An independent one."""
        new = FeatureMap()
        new.weights, new.due, new._mapped = self.weights, self.due, self._mapped  # never changed in place
        return new

    def blank(self) -> FeatureMap:
        """One that was not made yet."""
        return FeatureMap()

    def export(self) -> dict[str, np.ndarray]:
        """The map as plain arrays."""
        return {
            "weights": self.weights.ravel().copy(),
            "width": np.array([self.weights.shape[1]]),
            "due": np.array([self.due]),
        }

    def restore(self, kept: dict[str, np.ndarray]) -> FeatureMap:
        """Take what `export` gave."""
        width = int(kept["width"][0])
        self.weights = kept["weights"].reshape(-1, width) if width else np.zeros((0, 0))
        self.due = int(kept["due"][0])
        return self

    def keyed(self, ids: dict[int, Any]) -> dict:
        """(number,) -> a row of the map."""
        return {(j,): row for j, row in enumerate(self.weights)}

    def check(self, kept: dict[str, np.ndarray], users_alive: np.ndarray, items_alive: np.ndarray) -> None:
        """Raise ValueError unless these arrays can be a map."""
        if len(kept["width"]) != 1 or len(kept["due"]) != 1 or kept["width"][0] < 0:
            raise ValueError("width and due are no single numbers")
        width, n = int(kept["width"][0]), len(kept["weights"])
        if n % width if width else n:
            raise ValueError(f"{n} weights are no rows of {width}")
        if not np.isfinite(kept["weights"]).all():
            raise ValueError("weights holds numbers that are not finite")
