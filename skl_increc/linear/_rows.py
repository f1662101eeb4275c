"""Sparse rows of a user-item matrix, as arrays: indptr, items, coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Rows", "changing", "cut", "pick", "positives", "swapping", "without"]

POSITIVE = 1  # column of a pair: whether it is in the matrix

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # a sparse matrix: indptr, items, coefficients


def positives(history: Any, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """indptr and items of the pairs that are in the matrix."""
    indptr, items = history.csr(users)
    good = history.all_values(users)[POSITIVE] > 0
    if good.all():
        return indptr, items
    return np.concatenate([[0], np.cumsum(good)])[indptr], items[good]


def without(rows: Rows, gone: np.ndarray | None) -> Rows:
    """Rows without these items."""
    if gone is None or not len(gone):
        return rows
    stays = ~np.isin(rows[1], gone)
    return np.concatenate([[0], np.cumsum(stays)])[rows[0]], rows[1][stays], rows[2][stays]


def cut(rows: Rows, a: int, n: int) -> Rows:
    """n rows from the a-th."""
    indptr = rows[0][a : a + n + 1]
    part = slice(indptr[0], indptr[-1])
    return indptr - indptr[0], rows[1][part], rows[2][part]


def pick(rows: Rows, which: np.ndarray) -> Rows:
    """Some rows, with coefficients in float64."""
    length = np.diff(rows[0])[which]
    start = np.concatenate([[0], np.cumsum(length)])
    at = np.repeat(rows[0][which] - start[:-1], length) + np.arange(start[-1])
    return start, rows[1][at], rows[2][at].astype(np.float64)


def changing(had: Rows, by: Rows) -> Rows:
    """For each user the two vectors d and x + d / 2."""
    nd, nx = np.diff(by[0]), np.diff(had[0])
    indptr = np.concatenate([[0], np.cumsum(np.column_stack([nd, nx + nd]).ravel())])
    items, coefs = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    for start, part, share in (
        (indptr[:-1:2], by, 1.0),
        (indptr[1:-1:2], had, 1.0),
        (indptr[1:-1:2] + nx, by, 0.5),
    ):
        at = np.repeat(start - part[0][:-1], np.diff(part[0])) + np.arange(len(part[1]))
        items[at], coefs[at] = part[1], share * part[2]
    return indptr, items, coefs


def swapping(slots: np.ndarray, change: np.ndarray) -> Rows:
    """The same for rows of the counts that change, and columns with them: for each e_r and its change.

    `change` is float64 (rows, size); its diagonal is halved, because it is in the row and in the column.
    """
    n, found = len(slots), [np.flatnonzero(row) for row in change]
    length = np.column_stack([np.ones(n, np.int64), [len(at) for at in found]]).ravel()
    items = [part for r, at in enumerate(found) for part in (slots[r : r + 1], at)]
    coefs = [part for r, at in enumerate(found) for part in (np.ones(1), change[r, at])]
    return (
        np.concatenate([[0], np.cumsum(length)]),
        np.concatenate(items).astype(np.int32),
        np.concatenate(coefs),
    )
