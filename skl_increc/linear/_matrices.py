"""The arrays of item counts and of their inverse, and the memory that they take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skl_increc._state.memory import aligned_zeros, available
from skl_increc.exceptions import CapacityError

__all__ = ["STEP", "Matrices", "allot", "bytes_of", "copy_inverse", "look_for", "whole"]

STEP = 64  # item rows are added in whole tiles, at least so many at once
LARGE = 1 << 26  # bytes from which the system is asked whether it has them


class Matrices(NamedTuple):
    """Taken as one: a thread that reads goes on with those that it took while another makes room."""

    counts: np.ndarray  # G, int32 (size, size)
    partners: np.ndarray  # other items with a count, int32 (size,)
    inverse: np.ndarray  # dense part of P, float64 (size, size)
    diagonal: np.ndarray  # of P, float64 (size,)
    updates: np.ndarray  # terms of P, float64 (most, size)
    signs: np.ndarray  # of the terms, float64 (most,)


def allot(size: int) -> Matrices:
    n, most = np.int32, terms_for(size)
    return Matrices(
        aligned_zeros((size, size), n),
        aligned_zeros((size,), n),
        aligned_zeros((size, size), np.float64),
        aligned_zeros((size,), np.float64),
        aligned_zeros((most, size), np.float64),
        aligned_zeros((most,), np.float64),
    )


def copy_inverse(old: Matrices, new: Matrices, n: int, k: int) -> None:
    new.inverse[:n, :n], new.diagonal[:n] = old.inverse, old.diagonal
    new.updates[:k, :n], new.signs[:k] = old.updates[:k], old.signs[:k]


def whole(n: int) -> int:
    return -(-n // STEP) * STEP


def terms_for(size: int) -> int:
    """How many terms are kept before they are folded: each costs every answer a little."""
    return max(STEP, min(8 * STEP, size // 16))


def bytes_of(size: int) -> int:
    """Counts, inverse, terms, and two numbers a row."""
    return size * (12 * size + 8 * terms_for(size) + 12)


def look_for(n: int, what: str) -> None:
    """CapacityError if the system has not so many bytes: asked before they are touched."""
    free = available() if n >= LARGE else None
    if free is not None and n > free:
        raise CapacityError(
            f"{_bytes(n)} are needed {what}, and {_bytes(free)} are free. Forget items that are gone, take a "
            "machine with more memory, or a model whose memory follows the events."
        )


def _bytes(n: int) -> str:
    return f"{n / 1e9:.2f} GB ({n:,} bytes)" if n >= 1e9 else f"{n / 1e6:.2f} MB ({n:,} bytes)"
