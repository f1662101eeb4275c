"""Which items have a row of the matrices, where there are more items than rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import skl_increc._kernels._topk as _topk
from skl_increc._state._state import State
from skl_increc.linear._rows import Rows

__all__ = ["Block", "first", "most_users", "moved", "nobody"]


class Block(NamedTuple):
    """Never changed in place: who reads goes on with the one that they took."""

    slot: np.ndarray  # of each item row: its row of the matrices or -1, int32 (n item rows,)
    item: np.ndarray  # of each row of the matrices: its item row or -1, int32 (size,)

    def within(self, rows: Rows) -> Rows:
        """Rows of the user-item matrix without the other items, in rows of the matrices."""
        slots = self.slot[rows[1]]
        stays = slots >= 0
        return np.concatenate([[0], np.cumsum(stays)])[rows[0]], slots[stays], rows[2][stays]

    def grown(self, n: int) -> Block:
        """With room for n item rows, the new ones without a row of the matrices."""
        slot = np.full(n, -1, np.int32)
        slot[: len(self.slot)] = self.slot
        return Block(slot, self.item)


def nobody(n: int, size: int) -> Block:
    """No item has a row."""
    return Block(np.full(n, -1, np.int32), np.full(size, -1, np.int32))


def first(most: int, n: int, size: int) -> Block:
    """The first items have the row of their own number."""
    block = nobody(n, size)
    block.slot[:most] = block.item[:most] = np.arange(most)
    return block


def most_users(state: State, support: np.ndarray, most: int) -> np.ndarray:
    """Item rows with the most users, at most so many, the last by the stable hash of their ids among equals.

    A function of who had what, and of nothing else: no order of events, and no item that was forgotten.
    """
    had = np.flatnonzero(support)
    if len(had) <= most:
        return had
    users = support[had]
    edge = np.partition(users, len(had) - most)[len(had) - most]
    sure, equal = had[users > edge], had[users == edge].astype(np.int32)
    ties = _topk.ties(equal, state.items.keys_array, state.items.kind_array)
    return np.concatenate([sure, equal[np.argsort(ties, kind="stable")[: most - len(sure)]]])


def moved(block: Block, best: np.ndarray) -> tuple[np.ndarray, np.ndarray, Block]:
    """Which rows stand for other items, so that these items have rows and no others.

    Returns
    -------
    slots : ndarray of int64
        Rows of the matrices that stand for another item than before, or for none.
    entering : ndarray of int64
        Rows that stand for an item now which had none.
    block : Block
    """
    wanted = np.zeros(len(block.slot), bool)
    wanted[best] = True
    leaving = np.flatnonzero((block.item >= 0) & ~wanted[block.item])
    come = best[block.slot[best] < 0]
    if not len(leaving) and not len(come):
        return leaving, leaving, block
    slots = np.concatenate([leaving, np.flatnonzero(block.item < 0)])
    entering, slots = slots[: len(come)], slots[: max(len(leaving), len(come))]
    new = Block(block.slot.copy(), block.item.copy())
    new.slot[new.item[leaving]] = -1
    new.item[leaving] = -1
    new.item[entering] = come
    new.slot[come] = entering
    return slots, entering, new
