"""What is known about users or items beside their events: sparse rows of named numbers, which grow."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from skl_increc.exceptions import GuaranteeError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["FeatureRows"]

NAME_BYTES = 150  # of a name beside its letters: an object, and its places in a list and a dictionary


class _Entries(NamedTuple):
    """Taken as one: a thread that reads goes on with those that it took while another sets features."""

    start: np.ndarray  # where the entries of a row begin, int64 (rows,)
    length: np.ndarray  # how many they are, int32 (rows,); 0: nothing is known
    columns: np.ndarray  # int32 (room,)
    values: np.ndarray  # float32 (room,)


class FeatureRows:
    """A store of sparse rows, one for each row of a side of the state, over columns that have names.

    Parameters
    ----------
    side : {0, 1}
        0 for users, 1 for items.

    Attributes
    ----------
    names : list of str
        The columns, in order of appearance.
    version : int
        Grows with every change: what was worked out from an older one is out of date.
    changed : ndarray of int64
        The version in which each row was changed last.
    """

    n_values = None
    parts: ClassVar[dict[str, str]] = {
        "indptr": "int64",
        "columns": "int32",
        "values": "float32",
        "names": "uint8",
    }

    def __init__(self, side: int) -> None:
        self.side = side
        self.names: list[str] = []
        self.column_of: dict[str, int] = {}
        self.version = 0
        self.changed = np.zeros(16, np.int64)
        self.used = 0  # of the room; entries of rows that were set again are left behind
        self.kept = 0  # entries that a row has
        self.entries = _Entries(
            np.zeros(16, np.int64), np.zeros(16, np.int32), np.zeros(16, np.int32), np.zeros(16, np.float32)
        )

    @property
    def kind(self) -> str:
        """What it is, in files."""
        return "features"

    @property
    def n_columns(self) -> int:
        """Columns that have a name."""
        return len(self.names)

    # -- writing --------------------------------------------------------------------------------
    def columns_of(self, names: Sequence[str]) -> np.ndarray:
        """The columns of these names, int32 (n,); new names get columns at the end."""
        for name in names:
            if name not in self.column_of:
                self.column_of[name] = len(self.names)
                self.names.append(name)
        return np.fromiter((self.column_of[name] for name in names), np.int32, len(names))

    def put(self, rows: np.ndarray, table: sparse.csr_matrix, names: Sequence[str]) -> None:
        """Give these rows, each named once, the rows of a table, in place of what they had."""
        new = int(table.nnz)
        self.reserve_rows(*(int(rows.max(initial=-1)) + 1,) * 2)
        self._make_room(new)
        columns = self.columns_of(names)
        start, length, where, values = self.entries
        where[self.used : self.used + new] = columns[table.indices] if new else 0
        values[self.used : self.used + new] = table.data
        self.kept += new - int(length[rows].sum())
        length[rows] = 0  # whoever reads meanwhile sees no features, rather than those of two times
        start[rows] = self.used + table.indptr[:-1]
        length[rows] = np.diff(table.indptr)
        self.used += new
        self._mark(rows)

    def _mark(self, rows: np.ndarray) -> None:
        self.changed[rows] = self.version + 1
        self.version += 1

    def _make_room(self, n: int) -> None:
        """Room for n more entries; moves those in use together where that is enough."""
        start, length, columns, _ = self.entries
        if self.used + n <= len(columns):
            return
        room = max(16, len(columns))
        while room < 2 * (self.kept + n):
            room *= 2
        rows = np.flatnonzero(length)
        at = _spread(start[rows], length[rows])
        new_start = np.zeros(len(start), np.int64)
        new_start[rows] = np.cumsum(length[rows]) - length[rows]
        moved = _Entries(new_start, length.copy(), np.empty(room, np.int32), np.empty(room, np.float32))
        for old, new in zip(self.entries[2:], moved[2:], strict=True):
            new[: len(at)] = old[at]
        self.entries, self.used = moved, len(at)

    def clear(self, rows: np.ndarray) -> None:
        """Know nothing of these rows."""
        length = self.entries.length
        rows = np.asarray(rows)
        rows = rows[rows < len(length)]
        if length[rows].any():
            self.kept -= int(length[rows].sum())
            length[rows] = 0
            self._mark(rows)

    # -- reading --------------------------------------------------------------------------------
    def known(self, rows: np.ndarray) -> np.ndarray:
        """Whether something is known of each row, bool (n,); nothing of -1."""
        length = self.entries.length
        rows = np.asarray(rows)
        inside = (rows >= 0) & (rows < len(length))
        return inside & (length[np.where(inside, rows, 0)] > 0)

    def csr(self, rows: np.ndarray) -> sparse.csr_matrix:
        """The features of these rows, float64 (n, n_columns); rows of zeros where nothing is known."""
        start, length, columns, values = self.entries
        rows = np.asarray(rows)
        inside = (rows >= 0) & (rows < len(length))
        which = np.where(inside, rows, 0)
        n = np.where(inside, length[which], 0)
        at = _spread(start[which], n)
        indptr = np.concatenate([[0], np.cumsum(n, dtype=np.int64)])
        return sparse.csr_matrix(
            (values[at].astype(np.float64), columns[at], indptr), shape=(len(rows), self.n_columns)
        )

    # -- what a state asks of its stores --------------------------------------------------------
    def reserve_rows(self, n_users: int, n_items: int) -> None:
        """Room for so many rows."""
        n, had = (n_users, n_items)[self.side], len(self.entries.length)
        if n > had:
            room = had
            while room < n:
                room *= 2
            start, length = np.zeros(room, np.int64), np.zeros(room, np.int32)
            start[:had], length[:had] = self.entries[:2]
            self.changed = np.concatenate([self.changed, np.zeros(room - had, np.int64)])
            self.entries = self.entries._replace(start=start, length=length)

    def limit_rows(self, n_users: int, n_items: int) -> None:
        """Rows beyond these were taken back."""
        self.clear(np.arange((n_users, n_items)[self.side], len(self.entries.length)))

    def drop(self, side: int, rows: np.ndarray) -> None:
        """These rows are free."""
        if side == self.side:
            self.clear(rows)

    def vacate(self, side: int, row: int) -> None:
        """This row is free."""
        self.drop(side, np.array([row]))

    def absorb(self, other: FeatureRows, users: np.ndarray, items: np.ndarray) -> None:
        """Take what another store knows; GuaranteeError where both know a row, and not the same."""
        to = (users, items)[self.side]
        rows = np.flatnonzero(other.known(np.arange(len(to))) & (to >= 0))
        both = rows[self.known(to[rows])]
        mine, theirs = self.csr(to[both]), other.csr(both)
        for r in range(len(both)):
            if _named(self, mine[r]) != _named(other, theirs[r]):
                raise GuaranteeError(
                    "The models have other features of one and the same "
                    f"{('user', 'item')[self.side]}. Set the same features in both, then merge."
                )
        rows = rows[~self.known(to[rows])]
        self.put(to[rows], other.csr(rows), other.names)

    @property
    def nbytes(self) -> int:
        """Bytes of the entries, of where they begin, and of the names."""
        arrays = sum(a.nbytes for a in self.entries) + self.changed.nbytes
        return arrays + sum(len(name) + NAME_BYTES for name in self.names)

    def copy(self) -> Self:
        """An independent store."""
        new = type(self)(self.side)
        new.names, new.column_of = list(self.names), dict(self.column_of)
        new.version, new.used, new.kept = self.version, self.used, self.kept
        new.changed = self.changed.copy()
        new.entries = _Entries(*(a.copy() for a in self.entries))
        return new

    def blank(self) -> Self:
        """A store that knows nothing."""
        return type(self)(self.side)

    def export(self) -> dict[str, np.ndarray]:
        """All rows as plain arrays, without gaps; the names as JSON."""
        n = int(np.flatnonzero(self.entries.length).max(initial=-1)) + 1
        table = self.csr(np.arange(n))
        names = json.dumps(self.names, ensure_ascii=True).encode()
        return {
            "indptr": table.indptr.astype(np.int64),
            "columns": table.indices.astype(np.int32),
            "values": table.data.astype(np.float32),
            "names": np.frombuffer(names, np.uint8).copy(),
        }

    def restore(self, kept: dict[str, np.ndarray]) -> Self:
        """Take what `export` gave, into an empty store."""
        names = _names_in(kept["names"])
        n = len(kept["indptr"]) - 1
        table = sparse.csr_matrix((kept["values"], kept["columns"], kept["indptr"]), shape=(n, len(names)))
        self.columns_of(names)
        self.put(np.arange(n), table, names)
        return self

    def keyed(self, ids: dict[int, Any]) -> dict:
        """(id, name of the column) -> its number."""
        table = self.csr(np.fromiter(ids, np.int64, len(ids)))
        found = {}
        for r, name in enumerate(ids.values()):
            found.update({(name, column): v for column, v in _named(self, table[r]).items()})
        return found

    def check(self, kept: dict[str, np.ndarray], users_alive: np.ndarray, items_alive: np.ndarray) -> None:
        """Raise ValueError unless these arrays can be features of live rows."""
        alive = (users_alive, items_alive)[self.side]
        names, indptr, columns = _names_in(kept["names"]), kept["indptr"], kept["columns"]
        if len(indptr) != len(alive) + 1 or indptr[0] != 0 or indptr[-1] != len(columns):
            raise ValueError(f"indptr does not rise from 0 to {len(columns)} over {len(alive)} rows")
        lengths = np.diff(indptr)
        if (lengths < 0).any():
            raise ValueError("indptr falls")
        if (lengths[~alive] > 0).any():
            raise ValueError("a row that is free has features")
        if len(kept["values"]) != len(columns):
            raise ValueError(f"there are {len(kept['values'])} values for {len(columns)} columns")
        if len(columns) and not (columns.min() >= 0 and columns.max() < len(names)):
            raise ValueError(f"a column lies outside the {len(names)} that have a name")
        if not np.isfinite(kept["values"]).all():
            raise ValueError("values holds numbers that are not finite")
        pairs = np.sort(np.repeat(np.arange(len(alive)), lengths) * max(1, len(names)) + columns)
        if (pairs[1:] == pairs[:-1]).any():
            raise ValueError("a row has a column twice")


def _spread(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Positions of all entries of rows that begin and end there."""
    ends = np.cumsum(length, dtype=np.int64)
    return np.repeat(start - (ends - length), length) + np.arange(ends[-1] if len(ends) else 0)


def _named(store: FeatureRows, row: sparse.csr_matrix) -> dict[str, float]:
    return {store.names[c]: float(v) for c, v in zip(row.indices, row.data, strict=True)}


def _names_in(member: np.ndarray) -> list[str]:
    """The names in a file; ValueError if there are none such."""
    names = json.loads(member.tobytes())
    good = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or len(set(names)) < len(names):
        raise ValueError("the names of the columns are no list of distinct strings")
    return names
