"""The inverse of item counts, kept up to date by terms of low rank."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas, lapack

import skl_increc._kernels._gram as _gram
from skl_increc.linear._matrices import STEP, Matrices, allot
from skl_increc.linear._rows import Rows, changing, cut, swapping

__all__ = ["Inverse"]

USERS_AT_ONCE = 16  # whose changes are worked in together
SINGULAR = 1e-7  # smallest eigenvalue of a change, beside its largest, that is trusted
WORST = 1e13  # the sum of all counts beside l2: beyond, float64 has no digits left for the inverse
DRIFT = 1e-10  # the error of the inverse at which it is worked out anew
SWAP = np.array([[0.0, 1.0], [1.0, 0.0]])  # the matrix between d and x + d / 2, and its inverse


class Inverse:
    """P = (G + l2 I)^-1 of counts G, the sum of a dense matrix and of terms that came since:

        P = inverse - sum over k of signs[k] updates[k] updates[k]'

    A user whose row goes from x to x + d changes G by d g' + g d' with g = x + d / 2, a change of rank two
    whatever the number of events: two terms.  When the terms are many they are folded into the dense matrix.
    """

    def __init__(self, l2: float) -> None:
        self.l2 = l2
        self.matrices = allot(STEP)
        self.valid, self.n_updates, self.folded = False, 0, 0

    @property
    def size(self) -> int:
        """Rows of the matrices; one without an item is as that of an item that nobody had."""
        return len(self.matrices.counts)

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

    def times(self, rows: Rows) -> np.ndarray:
        """Sparse vectors times P, float64 (n, size)."""
        out = _gram.combine(self.matrices.inverse, *rows)
        if self.n_updates:
            out += self._inner(self.matrices, rows) @ self.matrices.updates[: self.n_updates]
        return out

    def _inner(self, m: Matrices, rows: Rows) -> np.ndarray:
        return -_gram.gather(m.updates, self.n_updates, *rows) * m.signs[: self.n_updates]
