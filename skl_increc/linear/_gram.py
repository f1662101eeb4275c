"""Counts of items that users had together, and the inverse of these counts, kept up to date."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

import skl_increc._kernels._gram as _gram
from skl_increc._state._history import History
from skl_increc._state._state import State
from skl_increc._state.memory import aligned_zeros, available
from skl_increc.exceptions import CapacityError
from skl_increc.linear._block import Block, first, most_users, moved, nobody
from skl_increc.linear._rows import Rows, changing, cut, pick, positives, swapping, without

__all__ = ["Gram"]

STEP = 64  # item rows are added in whole tiles, at least so many at once
USERS_AT_ONCE = 16  # whose changes are worked in together
USERS_A_LOOK = 20_000  # whose rows are compared at once
WORTH = 0.25  # of the items: where so many users changed, factorising anew costs less
WORTH_MOVING = 1 / 16  # the same for items that take the rows of others: a whole row changes
SINGULAR = 1e-7  # smallest eigenvalue of a change, beside its largest, that is trusted
WORST = 1e13  # the sum of all counts beside l2: beyond, float64 has no digits left for the inverse
DRIFT = 1e-10  # the error of the inverse at which it is worked out anew
LARGE = 1 << 26  # bytes from which the system is asked whether it has them


class Matrices(NamedTuple):
    """Taken as one: a thread that reads goes on with those that it took while another makes room."""

    counts: np.ndarray  # G, int32 (size, size)
    partners: np.ndarray  # other items with a count, int32 (size,)
    inverse: np.ndarray  # dense part of P, float64 (size, size)
    diagonal: np.ndarray  # of P, float64 (size,)
    updates: np.ndarray  # terms of P, float64 (most, size)
    signs: np.ndarray  # of the terms, float64 (most,)


def _allot(size: int) -> Matrices:
    n, most = np.int32, _terms_for(size)
    return Matrices(
        aligned_zeros((size, size), n),
        aligned_zeros((size,), n),
        aligned_zeros((size, size), np.float64),
        aligned_zeros((size,), np.float64),
        aligned_zeros((most, size), np.float64),
        aligned_zeros((most,), np.float64),
    )


class Gram:
    """G = X'X of a binary user-item matrix X, and P = (G + l2 I)^-1.

    The counts G are whole numbers, and exact.  P is the sum of a dense matrix and of terms that came since:

        P = inverse - sum over k of signs[k] updates[k] updates[k]'

    A user whose row goes from x to x + d changes G by d g' + g d' with g = x + d / 2, a change of rank two
    whatever the number of events: two terms.  When the terms are many they are folded into the dense
    matrix; when the users are many it is worked out anew, by Cholesky.  Nothing is done before somebody asks.

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
        self.l2, self.max_items = l2, max_items
        self.lock = threading.RLock()  # held while answering: the matrices change in place
        self.n_rows = 0
        self.matrices = _allot(STEP)
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
    def size(self) -> int:
        """Rows of the matrices; one without an item is as that of an item that nobody had."""
        return len(self.matrices.counts)

    @property
    def nbytes(self) -> int:
        """Bytes of the matrices as they were allotted, and of the rows that they belong to."""
        return _bytes_of(self.size) + self.counted.nbytes

    def reserve_rows(self, n_users: int, n: int) -> None:
        """Room for n item rows; CapacityError, and nothing has changed, if there is none."""
        if n <= self.n_rows:
            return
        rows, most = min(n, self.max_items), _whole(self.max_items)
        if rows > self.size and not self.misfit:
            self._grow(min(most, max(_whole(rows), _whole(self.size + self.size // 16))))
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
        self.block, self.matrices = None, _allot(STEP)
        self.forget_all()
        rows = min(self.n_rows, self.max_items)
        if rows > STEP:
            _look_for(_bytes_of(_whole(rows)), f"to hold {_whole(rows):,} item rows")
            self.matrices = _allot(_whole(rows))
        if self.n_rows > self.max_items:
            self.block = nobody(len(self.support), self.size)
        self.misfit = False

    def _grow(self, size: int) -> None:
        _look_for(_bytes_of(size), f"to hold {size:,} item rows")
        old, new, n, k = self.matrices, _allot(size), self.size, self.n_updates
        new.counts[:n, :n], new.partners[:n] = old.counts, old.partners
        if self.valid:
            _copy_inverse(old, new, n, k)
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
        _look_for(_bytes_of(self.size), "for a copy of the matrices")
        new = Gram.__new__(Gram)
        new.__dict__.update(self.__dict__)
        new.lock, new.counted = threading.RLock(), self.counted.copy()
        new.support = self.support.copy()
        new.matrices = _allot(self.size)
        new.matrices.counts[:], new.matrices.partners[:] = self.matrices.counts, self.matrices.partners
        if self.valid:
            _copy_inverse(self.matrices, new.matrices, self.size, self.n_updates)
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

    # -- the inverse ----------------------------------------------------------------------------
    def factorise(self) -> None:
        """The inverse from the counts: size^3 operations."""
        m = self.matrices
        self.valid, self.n_updates, self.folded = False, 0, 0
        total = int(m.counts.diagonal().sum(dtype=np.int64))
        if total > WORST * self.l2:
            raise self._too_small(total)
        _gram.regular(m.counts, self.l2, m.inverse)
        # LAPACK counts in columns, and works in place
        factor, wrong = lapack.dpotrf(m.inverse.T, lower=1, overwrite_a=1, clean=0)
        if not wrong:
            factor, wrong = lapack.dpotri(factor, lower=1, overwrite_c=1)
        if wrong or not np.isfinite(factor.diagonal()).all():
            raise self._too_small(total)
        self._take(factor)
        self.valid = True

    def _too_small(self, total: int) -> ValueError:
        return ValueError(
            f"l2={self.l2!r} is too small beside {total:,} pairs: their counts have no inverse in float64. Set l2 "
            "higher; around 100 is usual."
        )

    def _take(self, columns: np.ndarray) -> None:
        """The dense matrix from the lower triangle that LAPACK or BLAS left in it."""
        m = self.matrices
        if not np.shares_memory(columns, m.inverse):
            m.inverse[:] = columns.T
        _gram.mirror(m.inverse)
        m.diagonal[:] = m.inverse.diagonal()

    def _work_in(
        self,
        changes: list[tuple[Rows, Rows]],
        gone: np.ndarray | None,
        swaps: list[tuple[np.ndarray, np.ndarray]],
    ) -> bool:
        """Whether the changes could be worked into the inverse."""
        gone = np.empty(0, np.int32) if gone is None else gone
        for a in range(0, len(gone), 2 * USERS_AT_ONCE):
            # without row and column R the inverse is P - P[:, R] P[R, R]^-1 P[R, :]
            some = gone[a : a + 2 * USERS_AT_ONCE]
            units = np.arange(len(some) + 1), some, np.ones(len(some))
            if not self._add(units, np.zeros((len(some), len(some)))):
                return False
        for had, by in changes:
            for a in range(0, len(had[0]) - 1, USERS_AT_ONCE):
                n = min(USERS_AT_ONCE, len(had[0]) - 1 - a)
                if not self._add(changing(cut(had, a, n), cut(by, a, n)), np.kron(np.eye(n), SWAP)):
                    return False
        if swaps:
            self._clean(gone)
        for slots, change in swaps:
            change[:, slots] /= 2  # what two of these rows tell of each other is in both
            for a in range(0, len(slots), USERS_AT_ONCE):
                some = slots[a : a + USERS_AT_ONCE]
                rows = swapping(some, change[a : a + USERS_AT_ONCE])
                if not self._add(rows, np.kron(np.eye(len(some)), SWAP)):
                    return False
        if self.folded > self.size:
            self.folded = 0
            return self.error() < DRIFT
        return True

    def _add(self, columns: Rows, opposite: np.ndarray) -> bool:
        """Work a change U C U' of the counts into the inverse, where `opposite` is the inverse of C.

        P -= W (C^-1 + U'W)^-1 W' with W = P U.  False if that is too near to singular.
        """
        m, rows = self.matrices, self.times(columns)
        middle = opposite + _gram.gather(rows, len(rows), *columns)
        values, vectors = np.linalg.eigh((middle + middle.T) / 2)
        size = np.abs(values)
        if not size.min() > SINGULAR * size.max():
            return False
        if self.n_updates + len(rows) > len(m.updates):
            self._fold()
        at = slice(self.n_updates, self.n_updates + len(rows))
        m.updates[at] = (vectors / np.sqrt(size)).T @ rows
        m.signs[at] = np.sign(values)
        m.diagonal[:] -= m.signs[at] @ m.updates[at] ** 2
        self.n_updates += len(rows)
        return True

    def _fold(self) -> None:
        """Take the terms into the dense matrix."""
        m, n = self.matrices, self.n_updates
        out = m.inverse.T
        for sign in (1.0, -1.0):
            terms = m.updates[:n][m.signs[:n] == sign]
            if len(terms):
                out = blas.dsyrk(-sign, terms.T, beta=1.0, c=out, lower=1, overwrite_c=1)
        self._take(out)
        self.n_updates, self.folded = 0, self.folded + n

    def _clean(self, empty: np.ndarray) -> None:
        """Rows of items that nobody has any more are those of items that nobody had, to the last bit."""
        m = self.matrices
        empty = empty[m.diagonal[empty] != 1 / self.l2]
        if len(empty):
            self._fold()
            m.inverse[empty] = m.inverse[:, empty] = 0
            m.inverse[empty, empty] = m.diagonal[empty] = 1 / self.l2

    def error(self) -> float:
        """How far (G + l2 I) P is from I: over four fixed vectors of 1 and -1, the largest difference."""
        m = self.matrices
        x = np.random.default_rng(0).choice([-1.0, 1.0], (self.size, 4))
        terms = m.updates[: self.n_updates]
        y = m.inverse @ x - terms.T @ (m.signs[: self.n_updates, None] * (terms @ x))
        return float(np.abs(_gram.times(m.counts, y) + self.l2 * y - x).max())

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

    def times(self, rows: Rows) -> np.ndarray:
        """Sparse vectors times P, float64 (n, size)."""
        out = _gram.combine(self.matrices.inverse, *rows)
        if self.n_updates:
            out += self._inner(self.matrices, rows) @ self.matrices.updates[: self.n_updates]
        return out

    def _inner(self, m: Matrices, rows: Rows) -> np.ndarray:
        return -_gram.gather(m.updates, self.n_updates, *rows) * m.signs[: self.n_updates]

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


SWAP = np.array([[0.0, 1.0], [1.0, 0.0]])  # the matrix between d and x + d / 2, and its inverse


def _copy_inverse(old: Matrices, new: Matrices, n: int, k: int) -> None:
    new.inverse[:n, :n], new.diagonal[:n] = old.inverse, old.diagonal
    new.updates[:k, :n], new.signs[:k] = old.updates[:k], old.signs[:k]


# -- memory -----------------------------------------------------------------------------------------
def _whole(n: int) -> int:
    return -(-n // STEP) * STEP


def _terms_for(size: int) -> int:
    """How many terms are kept before they are folded: each costs every answer a little."""
    return max(STEP, min(8 * STEP, size // 16))


def _bytes_of(size: int) -> int:
    """Counts, inverse, terms, and two numbers a row."""
    return size * (12 * size + 8 * _terms_for(size) + 12)


def _look_for(n: int, what: str) -> None:
    """CapacityError if the system has not so many bytes: asked before they are touched."""
    free = available() if n >= LARGE else None
    if free is not None and n > free:
        raise CapacityError(
            f"{_bytes(n)} are needed {what}, and {_bytes(free)} are free. Forget items that are gone, take a "
            "machine with more memory, or a model whose memory follows the events."
        )


def _bytes(n: int) -> str:
    return f"{n / 1e9:.2f} GB ({n:,} bytes)" if n >= 1e9 else f"{n / 1e6:.2f} MB ({n:,} bytes)"
