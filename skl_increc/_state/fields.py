"""The named fields of a model's state, and the rows that they describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skl_increc._state.memory import aligned_zeros, grown

__all__ = ["Field", "Rows"]

SIDES = ("user", "item", "pair", "scalar")
MERGES = ("sum", "max", "forbid")


@dataclass(frozen=True)
class Field:
    """One array of a model's state.

    Parameters
    ----------
    name : str
        Its name, also in files.
    side : {"user", "item", "pair", "scalar"}
        What has a row in it: each user, each item, each distinct (user, item) pair, or the model.
        Pairs and scalars are float64 and one number wide (several scalars: several fields, or a width).
    width : int
        Numbers a row.
    dtype : str
        "float32", "float64", "int32" or "int64".
    pad : bool
        Whether rows are padded with zeros to a multiple of 16 numbers, so that they are whole vectors.
    merge : {"sum", "max", "forbid"}
        What becomes of two models' rows of one id when they are merged.
    meaning : str
        One line for a reader.
    derived : bool
        Whether it only says something about the rest (how exact it is) or is worked out from it: models
        that are equal may differ in it.
    """

    name: str
    side: str
    width: int = 1
    dtype: str = "float64"
    pad: bool = False
    merge: str = "forbid"
    meaning: str = ""
    derived: bool = False

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(f"Field {self.name!r}: side must be one of {SIDES}; got {self.side!r}.")
        if self.merge not in MERGES:
            raise ValueError(f"Field {self.name!r}: merge must be one of {MERGES}; got {self.merge!r}.")
        if self.side in ("pair", "scalar") and self.dtype != "float64":
            raise ValueError(f"Field {self.name!r}: {self.side} fields are float64; got {self.dtype!r}.")

    @property
    def stride(self) -> int:
        """Numbers a row with padding."""
        return (self.width + 15) // 16 * 16 if self.pad else self.width


class Rows:
    """The fields of one side: arrays of one height that grow by doubling, all or none.

    A row that is not in use is zero in every field: `clear` a row when its id goes.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.capacity = 16
        self.used = 0
        shapes = {f.name: ((self.capacity, f.stride), np.dtype(f.dtype)) for f in self.fields}
        self.arrays = {name: aligned_zeros(*shape) for name, shape in shapes.items()}
        self._columns: dict[tuple[str, int], tuple[int, np.ndarray]] = {}

    def reserve(self, n: int) -> bool:
        """Make room for `n` rows; whether the arrays moved.  On MemoryError nothing has changed."""
        if n <= self.capacity:
            return False
        capacity = self.capacity
        while capacity < n:
            capacity *= 2
        self.arrays = {name: grown(a, capacity, self.used) for name, a in self.arrays.items()}
        self.capacity = capacity
        return True

    def clear(self, rows: np.ndarray) -> None:
        """Zero these rows."""
        rows = np.asarray(rows)
        if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
            which: slice | np.ndarray = slice(int(rows[0]), int(rows[-1]) + 1)  # a run: no index needed
        else:
            which = rows
        for array in self.arrays.values():
            array[which] = 0
        self._columns.clear()

    def view(self, name: str) -> np.ndarray:
        """The rows in use of one field, without padding: (used, width), or (used,) for width 1."""
        field = next(f for f in self.fields if f.name == name)
        array = self.arrays[name][: self.used, : field.width]
        return array[:, 0] if field.width == 1 else array

    def column(self, name: str, at: int, version: int | None) -> np.ndarray:
        """Numbers `at` of the rows in use of one field, side by side in memory; not to be written.

        The copy is kept, and returned again for the same version.  None: something is being learned, so that
        the copy may be of the middle of it.
        """
        kept = self._columns.get((name, at))
        if kept is not None and kept[0] == version:
            return kept[1]
        column = np.ascontiguousarray(self.arrays[name][: self.used, at])
        if version is not None:
            self._columns[name, at] = version, column
        return column

    @property
    def nbytes(self) -> int:
        """Bytes of the rows in use."""
        return sum(a.itemsize * a.shape[1] for a in self.arrays.values()) * self.used

    def export(self) -> dict[str, np.ndarray]:
        """The rows in use of every field, padding included."""
        return {name: a[: self.used].copy() for name, a in self.arrays.items()}

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Take the arrays that `export` gave."""
        n = max((len(a) for a in kept.values()), default=0)
        self.reserve(n)  # while nothing counts as used, so that nothing is copied
        self.used = n
        for name, array in kept.items():
            self.arrays[name][: self.used] = array

    def copy(self) -> Rows:
        """Independent rows."""
        new = Rows.__new__(Rows)
        new.fields, new.used, new.capacity = self.fields, self.used, max(16, self.used)
        new.arrays = {name: grown(a, new.capacity, self.used) for name, a in self.arrays.items()}
        new._columns = {}
        return new
