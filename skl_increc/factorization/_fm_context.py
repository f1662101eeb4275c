"""Columns of a context as rows of features, many events at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from skl_increc._state._feature_tables import Encoded, Features, FeatureTable
from skl_increc.base._context import Column, Context
from skl_increc.factorization._fm_steps import check_width

__all__ = ["encode"]


def encode(features: Features, context: Context, *, add: bool) -> Encoded:
    """The features of the events, as a learner takes them; `add`: what is new gets a row.

    Rows are given in the order of the events, column by column: as event by event, for no two columns share rows
    that grow.
    """
    n, parts = 0, []
    for c, ((name, kind, side), column) in enumerate(zip(features.columns, context.columns, strict=True)):
        at = features.table_of[c]
        table = features.tables[at]
        if kind in ("category", "list"):
            rows = _rows_of(table, features.salts[c], column, add)
            event, values = _names(column, len(rows))
        else:
            event, rows, values = _numbers(table, name, column, add)
        n = max(n, _length(column))
        good = (rows >= 0) & ~np.isnan(values)
        place = np.full(int(good.sum()), 2 * at + side, np.int32)
        parts.append((event[good], place, rows[good], values[good]))
    event, place, row, value = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(event, kind="stable")
    ends = np.cumsum(np.bincount(event, minlength=n)[:n]).astype(np.int64)
    return Encoded.of(ends, place[order], row[order].astype(np.int32), value[order])


def _length(column: Column) -> int:
    if column.ends is not None:
        return len(column.ends)
    return len(column.ids) if column.values is None else len(column.values)


def _rows_of(table: FeatureTable, salt: int, column: Column, add: bool) -> np.ndarray:
    ids = column.ids
    if table.modulus:
        if ids.codes is not None:
            known = table.find_many(ids.distinct or [], salt)
            return np.append(known, np.int32(-1))[ids.codes]
        return table.find_many(ids.to_list(), salt)
    if not add:
        return ids.find(table.ids)
    rows = ids.add(table.ids)
    table.settle()
    return rows


def _names(column: Column, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Event and value of each name: 1, its own number, or 1 / sqrt(how many its cell holds)."""
    if column.ends is None:
        return np.arange(n), np.ones(n)
    counts = np.diff(column.ends, prepend=0)
    shares = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts)
    values = shares if column.values is None else np.where(np.isnan(column.values), shares, column.values)
    return np.repeat(np.arange(len(counts)), counts), values


def _numbers(
    table: FeatureTable, name: Any, column: Column, add: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Event, row and value of each number."""
    cells = np.asarray(column.values)
    wide = cells if cells.ndim == 2 else cells[:, None]
    known = ~np.isnan(wide).all(axis=1) if cells.ndim == 2 else ~np.isnan(cells)
    if cells.ndim == 2 and known.any():
        check_width(table, wide.shape[1], name)
    if add and table.n == 0 and known.any():
        table.widen(wide.shape[1])
    rows = np.where(np.arange(wide.shape[1]) < table.n, np.arange(wide.shape[1]), -1)
    return np.repeat(np.arange(len(wide)), wide.shape[1]), np.tile(rows, len(wide)), wide.ravel()
