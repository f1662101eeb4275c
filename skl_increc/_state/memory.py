"""Aligned arrays that grow: a new block for every growth, so that a reader keeps the old one."""

from __future__ import annotations

import math
import mmap
from pathlib import Path

import numpy as np

__all__ = ["aligned_empty", "aligned_zeros", "available", "grown"]

LINE = 64  # bytes of a cache line: rows that start on one are twice as fast under prefetch
LARGE = 1 << 20  # bytes from which a block has pages of its own, which go back when it is dropped
HUGE = 1 << 24  # bytes from which huge pages pay: rows are visited at random, and a page half used is little


def aligned_zeros(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """Zeros that start on a cache line; pages that nobody touches take no memory."""
    dtype = np.dtype(dtype)
    n = int(math.prod(shape)) * dtype.itemsize
    if n >= LARGE and hasattr(mmap, "MAP_PRIVATE"):
        return np.frombuffer(_pages(n), dtype=dtype).reshape(shape)
    raw = np.zeros(n + LINE, dtype=np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first : first + n].view(dtype).reshape(shape)


def _pages(n: int) -> mmap.mmap:
    try:
        pages = mmap.mmap(-1, n, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"no memory for a block of {n} bytes") from error
    if n >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            pages.madvise(mmap.MADV_HUGEPAGE)
        except OSError:  # a kernel without them: small pages do
            return pages
    return pages


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype | type) -> np.ndarray:
    """An array that starts on a cache line, to be filled; what it holds before is not defined."""
    return aligned_zeros(shape, dtype)


def grown(old: np.ndarray, capacity: int, used: int) -> np.ndarray:
    """A copy of `old` with room for `capacity` rows; the first `used` are filled, the others zero."""
    new = aligned_zeros((capacity, *old.shape[1:]), old.dtype)
    new[:used] = old[:used]
    return new


def available() -> int | None:
    """Bytes that this process can still have without swapping, or None where the system does not say.

    A large block is promised by most systems whether the memory is there or not, and a process that then
    uses it is killed: so who asks for much must look here first.
    """
    free = [n for n in (_machine(), _control_group()) if n is not None]
    return min(free) if free else None


def _machine() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _control_group(folder: str = "/sys/fs/cgroup") -> int | None:
    """What a container's limit leaves; files that were read and can be dropped do not count as used."""
    limit, used = (_lines(f"{folder}/memory.{name}") for name in ("max", "current"))
    if not limit or not used or not limit[0].strip().isdigit():
        return None
    cached = [int(v.split()[1]) for v in _lines(f"{folder}/memory.stat") if v.startswith("inactive_file ")]
    return max(0, int(limit[0]) - int(used[0]) + sum(cached))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").splitlines()
    except OSError:
        return []
