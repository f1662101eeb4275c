"""Counts of items that users had together, and the inverse of these counts, kept up to date."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np

import skl_increc._kernels._gram as _gram
from skl_increc._state._history import History
from skl_increc._state._state import State
from skl_increc.linear._block import Block, first, most_users, moved, nobody
from skl_increc.linear._inverse import Inverse
from skl_increc.linear._matrices import STEP, allot, bytes_of, copy_inverse, look_for, whole
from skl_increc.linear._rows import Rows, pick, positives, without

__all__ = ["Gram"]

USERS_A_LOOK = 20_000  # whose rows are compared at once
WORTH = 0.25  # of the items: where so many users changed, factorising anew costs less
WORTH_MOVING = 1 / 16  # the same for items that take the rows of others: a whole row changes


class Gram(Inverse):
    """G = X'X of a binary user-item matrix X, and P = (G + l2 I)^-1.

    The counts G are whole numbers, and exact.  What changed is worked into P (see `Inverse`); when it is much, P is
    worked out anew, by Cholesky.  Nothing is done before somebody asks.

    Where there are more than `max_items`, those with the most users have rows, and X has no other columns.
    An item that takes the row of another changes the counts in one row and one column: rank two again.

    All of it follows from the histories: a store of the state whose `export` is empty.  If anything goes wrong
    it is dropped and worked out again.

    Parameters
    ----------
    l2 : float
    max_items : int
        Items that have a row at the most.
    """

    # what a store says of itself: by item, nothing in files
    kind, side, n_values = "gram", 1, None
    parts: ClassVar[dict[str, str]] = {}

    def __init__(self, l2: float, max_items: int) -> None:
        super().__init__(l2)
        self.max_items = max_items
        self.lock = threading.RLock()  # held while answering: the matrices change in place
        self.n_rows = 0
        self.block: Block | None = None  # None: each item has the row of its own number
        self.support = np.zeros(STEP, np.int64)  # users of each item, of those without a row too
        self.misfit = False  # max_items is another than the rows were made for
        self.forget_all()

    def forget_all(self) -> None:
        """Hold nothing, and look at all users when asked next."""
        self.matrices.counts[:] = 0
        self.matrices.partners[:] = 0
        self.support[:] = 0
        if self.block is not None:
            self.block = nobody(len(self.block.slot), self.size)
        self.counted = History()  # the rows of X that G and P belong to
        self.n_users = 0  # rows of X that are not empty
        self.look_at_all = True
        self.valid, self.n_updates, self.folded = False, 0, 0

    # -- room -----------------------------------------------------------------------------------
    @property
    def nbytes(self) -> int:
        """Bytes of the matrices as they were allotted, and of the rows that they belong to."""
        return bytes_of(self.size) + self.counted.nbytes

    def reserve_rows(self, n_users: int, n: int) -> None:
        """Room for n item rows; CapacityError, and nothing has changed, if there is none."""
        if n <= self.n_rows:
            return
        rows, most = min(n, self.max_items), whole(self.max_items)
        if rows > self.size and not self.misfit:
            self._grow(min(most, max(whole(rows), whole(self.size + self.size // 16))))
        if n > len(self.support):
            more = np.zeros(n + n // 8 + STEP - len(self.support), np.int64)
            self.support = np.concatenate([self.support, more])
        if n > self.max_items and not self.misfit:
            self.block = self._block_for(len(self.support))
        self.n_rows = n

    def _block_for(self, n: int) -> Block:
        if self.block is not None:
            return self.block if n <= len(self.block.slot) else self.block.grown(n)
        if self.counted.pairs == 0:
            return nobody(n, self.size)
        return first(self.max_items, n, self.size)

    def _refit(self) -> None:
        """Begin anew with as many rows as `max_items` asks for."""
        self.block, self.matrices = None, allot(STEP)
        self.forget_all()
        rows = min(self.n_rows, self.max_items)
        if rows > STEP:
            look_for(bytes_of(whole(rows)), f"to hold {whole(rows):,} item rows")
            self.matrices = allot(whole(rows))
        if self.n_rows > self.max_items:
            self.block = nobody(len(self.support), self.size)
        self.misfit = False

    def _grow(self, size: int) -> None:
        look_for(bytes_of(size), f"to hold {size:,} item rows")
        old, new, n, k = self.matrices, allot(size), self.size, self.n_updates
        new.counts[:n, :n], new.partners[:n] = old.counts, old.partners
        if self.valid:
            copy_inverse(old, new, n, k)
            more = np.arange(n, size)
            new.inverse[more, more] = new.diagonal[more] = 1 / self.l2  # bordered: items that nobody had
        self.matrices = new

    def limit_rows(self, n_users: int, n: int) -> None:
        """Rows beyond were taken back."""
        self.n_rows = min(self.n_rows, n)

    def drop(self, side: int, rows: np.ndarray) -> None:
        """Nothing to do: `forget` saw what is left in the histories."""

    def absorb(self, other: Gram, users: np.ndarray, items: np.ndarray) -> None:
        """Users came in without an event."""
        self.look_at_all = True

    # -- copies and files -----------------------------------------------------------------------
    def blank(self) -> Gram:
        """An empty one."""
        return Gram(self.l2, self.max_items)

    def export(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def keyed(self, ids: Any) -> dict:
        """Nothing that could differ between models of the same histories."""
        return {}

    def check(self, kept: Any, users: Any, items: Any) -> None:
        """There is nothing in a file that could be wrong."""

    def restore(self, kept: Any) -> Gram:
        """There is nothing to restore."""
        return self

    def __reduce__(self) -> tuple:
        return Gram, (self.l2, self.max_items)

    def copy(self) -> Gram:
        """An independent one."""
        look_for(bytes_of(self.size), "for a copy of the matrices")
        new = Gram.__new__(Gram)
        new.__dict__.update(self.__dict__)
        new.lock, new.counted = threading.RLock(), self.counted.copy()
        new.support = self.support.copy()
        new.matrices = allot(self.size)
        new.matrices.counts[:], new.matrices.partners[:] = self.matrices.counts, self.matrices.partners
        if self.valid:
            copy_inverse(self.matrices, new.matrices, self.size, self.n_updates)
        return new

    def configure(self, l2: float, max_items: int) -> None:
        """Take parameters; another l2 asks for another inverse, other rows for other matrices."""
        if min(self.n_rows, max_items) != min(self.n_rows, self.max_items):
            self.misfit = True
        self.max_items = max_items
        if l2 != self.l2:
            self.l2, self.valid = l2, False

    # -- up to date -----------------------------------------------------------------------------
    def current(self, state: State) -> bool:
        """Whether nothing was learned since the matrices were worked out."""
        return self.valid and not self.look_at_all and not self.misfit and not state.learner.any_touched()

    def catch_up(self, state: State, counts_only: bool = False) -> None:
        """Bring counts and inverse up to date with the histories; no other thread learns meanwhile."""
        with state.lock:
            before, state.busy = state.busy, True
            try:
                state.settle()
                self._catch_up(state, counts_only)
            finally:
                state.busy = before

    def forget(self, state: State) -> None:
        """The same after rows were removed, and before their numbers are used again."""
        self.look_at_all = True
        if self.misfit:
            self._refit()
        rows = np.flatnonzero(self.matrices.counts.diagonal())
        items = rows if self.block is None else self.block.item[rows]
        self._catch_up(state, True, rows[~np.isin(items, state.items.live())].astype(np.int32))
        if self.valid:
            self._clean(np.flatnonzero(self.matrices.counts.diagonal() == 0))

    def _catch_up(self, state: State, counts_only: bool, gone: np.ndarray | None = None) -> None:
        if self.misfit:
            self._refit()
        users = np.arange(state.users.n_rows, dtype=np.int32)
        if not self.look_at_all:
            users = state.learner.touched()
        was_valid = self.valid
        try:
            changes = self._count(state, users, gone)
            swaps = self._move(state)
            if self.look_at_all:
                state.learner.untouch_all()
            else:
                state.learner.untouch(users)
            self.look_at_all = False
        except BaseException:
            self.forget_all()
            raise
        self.valid = False  # until all changes are worked in
        if was_valid and changes is not None and swaps is not None:
            self.valid = self._work_in(changes, gone, swaps)
        if not self.valid and not counts_only:
            self.factorise()

    def _count(
        self, state: State, users: np.ndarray, gone: np.ndarray | None
    ) -> list[tuple[Rows, Rows]] | None:
        """Count what changed in the rows of these users: the rows as they were, and the changes.

        None if there are too many to be worked in.  Items that are gone are left out.
        """
        found: list[tuple[Rows, Rows]] | None = []
        n_changed, m = 0, self.matrices
        for a in range(0, len(users), USERS_A_LOOK):
            some = users[a : a + USERS_A_LOOK]
            had, have = self.counted.csr(some), positives(state.history, some)
            indptr, items, signs = _gram.changes(*had, *have, len(self.support))
            np.add.at(self.support, items, signs)
            before, by = self._in_slots((*had, np.ones(len(had[1])))), self._in_slots((indptr, items, signs))
            _gram.count(m.counts, m.partners, *before[:2], *by)
            before, change = without(before, gone), without(by, gone)
            changed = np.flatnonzero(np.diff(change[0]))
            n_changed += len(changed)
            if not self.valid or n_changed > WORTH * self.size:
                found = None
            if found is not None and len(changed):
                found.append((pick(before, changed), pick(change, changed)))
            self.n_users += int(np.count_nonzero(np.diff(have[0])) - np.count_nonzero(np.diff(had[0])))
            self._record(some, *have)
        return found

    def _in_slots(self, rows: Rows) -> Rows:
        return rows if self.block is None else self.block.within(rows)

    def _move(self, state: State) -> list[tuple[np.ndarray, np.ndarray]] | None:
        """Give the rows to the items with most users; which rows changed, and by how much.

        None if there are too many to be worked in.
        """
        if self.block is None:
            return []
        slots, entering, self.block = moved(self.block, most_users(state, self.support, self.max_items))
        if not len(slots):
            return []
        counts, partners = self.matrices[:2]
        few = len(slots) <= WORTH_MOVING * self.size
        old = counts[slots] if few else None
        counts[slots] = 0
        counts[:, slots] = 0
        self._count_rows(entering, state.users.n_rows)
        for a in range(0, len(entering), STEP):
            some = entering[a : a + STEP]
            counts[:, some] = counts[some].T
        if old is None:
            _gram.partners(counts, partners)
            return None
        new = counts[slots]
        partners += ((new != 0).sum(axis=0) - (old != 0).sum(axis=0)).astype(np.int32)
        partners[slots] = (new != 0).sum(axis=1) - (counts[slots, slots] != 0)
        return [(slots, new.astype(np.float64) - old)]

    def _count_rows(self, slots: np.ndarray, n_users: int) -> None:
        """The counts of rows that are empty, and whose items have users."""
        block = self.block
        if block is None or not len(slots):
            return
        row, item = np.zeros(self.size, np.int8), np.zeros(len(block.slot), bool)
        row[slots], item[block.item[slots]] = 1, True
        for a in range(0, n_users, USERS_A_LOOK):
            indptr, items = self.counted.csr(np.arange(a, min(n_users, a + USERS_A_LOOK), dtype=np.int32))
            who = np.unique(np.searchsorted(indptr, np.flatnonzero(item[items]), side="right") - 1)
            rows = block.within(pick((indptr, items, np.ones(len(items), np.int8)), who))
            _gram.count_rows(self.matrices.counts, self.matrices.partners, *rows[:2], row)

    def _record(self, users: np.ndarray, indptr: np.ndarray, items: np.ndarray) -> None:
        who = np.repeat(users, np.diff(indptr)).astype(np.int32)
        self.counted.clear(users)
        self.counted.reserve_users(int(users.max(initial=-1)) + 1)
        self.counted.reserve(who, items)
        self.counted.append(who, items, np.empty((len(items), 0)))

    # -- answers --------------------------------------------------------------------------------
    def rows_of(self, users: np.ndarray) -> Rows:
        """The users' items (-1: none), in item rows."""
        indptr, items = self.counted.csr(users)
        return indptr, items, np.ones(len(items))

    def items(self) -> np.ndarray:
        """Item rows of the items that the matrices know: those with users, and with a row; ascending."""
        had = np.flatnonzero(self.support)
        return had if self.block is None else had[self.block.slot[had] >= 0]

    def slots_of(self, items: np.ndarray) -> np.ndarray:
        """The rows of items in the matrices, int32; -1 for what the matrices do not know, and for -1."""
        slots = items if self.block is None else self.block.slot[items]
        return np.where((items >= 0) & (self.support[items] > 0), slots, -1).astype(np.int32)

    def scores(self, rows: Rows, n: int) -> np.ndarray:
        """-(x P)_j / P_jj of the first n items for rows x; an item adds nothing to its own."""
        m = self.matrices
        return _gram.score_rows(m.inverse, m.updates, self._inner(m, rows), m.diagonal, *rows, n)

    def item_scores(self, rows: Rows, shares: np.ndarray) -> np.ndarray:
        """Scores of the first item rows; the shares of those that the matrices do not know."""
        items = self.items()
        items = items[items < len(shares)]
        out = np.empty((len(rows[0]) - 1, len(shares)))
        out[:] = shares
        out[:, items] = self.scores(rows, self.size)[:, self.slots_of(items)]
        return out

    def pair_scores(self, rows: Rows, which: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The same numbers for the pairs of row ``which[p]`` and item ``items[p]``; -1 gives 0."""
        m = self.matrices
        inner = self._inner(m, rows)
        return _gram.score_pairs(m.inverse, m.updates, inner, m.diagonal, *rows, which, items)

    def weights(self, items: np.ndarray, j: int) -> np.ndarray:
        """B[i, j] of these items i, float64; 0 where i is j."""
        m, k = self.matrices, self.n_updates
        column = m.inverse[items, j] - (m.signs[:k] * m.updates[:k, j]) @ m.updates[:k, items]
        return np.where(items == j, 0.0, -column / m.diagonal[j])

    def alone(self, rows: Rows) -> np.ndarray:
        """Rows that are empty, or without an item that was had together with one outside the row."""
        return _gram.alone(self.matrices.partners, *rows[:2])
