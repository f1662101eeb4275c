# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Memory for many short lists: blocks of 16, 32, 64, ... bytes in one arena that grows."""
from libc.stdint cimport int32_t, uint64_t, uintptr_t

cimport cython

import numpy as np

from skl_increc._state.memory import aligned_empty, grown

cdef enum:
    MOST_UNITS = 0x7FFFFFFF

#: what a free block holds in itself
cdef struct Free:
    int32_t after, before, size_class, _


@cython.final
cdef class Blocks:
    """A buddy system (Knuth, The Art of Computer Programming, 2.5).

    A block of 2^c units begins at a multiple of 2^c.  Two free halves of a larger block are joined, so that
    the small blocks which many lists have outgrown become the larger ones that others need.  Free blocks are
    chained through themselves: besides the arena there is one bit for each unit.
    """

    def __cinit__(self):
        cdef int c
        for c in range(CLASSES):
            self.first[c] = -1
        self.adopt(aligned_empty((64 * UNIT,), np.uint8), np.zeros(1, np.uint64))
        self.room = 64

    cdef int adopt(self, object owner, object marks) except -1:
        """Move to these arrays: what may fail comes first, and no old array goes before its pointer."""
        cdef uintptr_t at = owner.ctypes.data, at_marks = marks.ctypes.data
        self.base, self.marks = <char *>at, <uint64_t *>at_marks
        self.owner, self.marks_owner = owner, marks
        return 0

    def reserve(self, Py_ssize_t units):
        """Room for so many more units."""
        cdef Py_ssize_t room = self.room
        if self.used + units <= room:
            return
        if self.used + units > MOST_UNITS:
            raise MemoryError("a history holds at most 32 gigabytes; bound it with history=n")
        while room < self.used + units:
            room *= 2
        owner = grown(self.owner, room * UNIT, self.used * UNIT)
        self.adopt(owner, grown(self.marks_owner, room // 64, (self.used + 63) // 64))
        self.room = room

    cdef Py_ssize_t take(self, int c) except -1:
        """The first unit of a block of 2^c units; on error nothing has changed."""
        cdef Py_ssize_t at, size = <Py_ssize_t>1 << c
        cdef int k = c
        while k < CLASSES and self.first[k] < 0:
            k += 1
        if k < CLASSES:                      # a free one, or the first part of a larger free one
            at = self.first[k]
            self.unlink(at)
            self.dead -= size
            while k > c:
                k -= 1
                self.link(at + (<Py_ssize_t>1 << k), k)
            return at
        at = (self.used + size - 1) & ~(size - 1)
        if at + size > self.room:
            self.reserve(at + size - self.used)
        k = 0
        while self.used < at:                # what is skipped are free blocks
            if self.used >> k & 1:
                self.used += <Py_ssize_t>1 << k
                self.give(self.used - (<Py_ssize_t>1 << k), k)
            k += 1
        self.used = at + size
        return at

    cdef void give(self, Py_ssize_t at, int c) noexcept nogil:
        """Take back a block of 2^c units, and join it with the other half of a larger one if that is free."""
        cdef Py_ssize_t other
        self.dead += <Py_ssize_t>1 << c
        while c + 1 < CLASSES:
            other = at ^ (<Py_ssize_t>1 << c)
            if not self.is_free(other, c):
                break
            self.unlink(other)
            at = min(at, other)
            c += 1
        self.link(at, c)

    cdef bint is_free(self, Py_ssize_t at, int c) noexcept nogil:
        if at >= self.used or not self.marks[at >> 6] >> (at & 63) & 1:
            return False
        return (<Free *>(self.base + at * UNIT)).size_class == c

    cdef void link(self, Py_ssize_t at, int c) noexcept nogil:
        cdef Free *block = <Free *>(self.base + at * UNIT)
        block.after, block.before, block.size_class = self.first[c], -1, c
        if block.after >= 0:
            (<Free *>(self.base + <Py_ssize_t>block.after * UNIT)).before = <int32_t>at
        self.first[c] = <int32_t>at
        self.marks[at >> 6] |= <uint64_t>1 << (at & 63)

    cdef void unlink(self, Py_ssize_t at) noexcept nogil:
        cdef Free *block = <Free *>(self.base + at * UNIT)
        if block.before >= 0:
            (<Free *>(self.base + <Py_ssize_t>block.before * UNIT)).after = block.after
        else:
            self.first[block.size_class] = block.after
        if block.after >= 0:
            (<Free *>(self.base + <Py_ssize_t>block.after * UNIT)).before = block.before
        self.marks[at >> 6] &= ~(<uint64_t>1 << (at & 63))

    @property
    def nbytes(self):
        """Bytes in use, those of free blocks included."""
        return self.used * UNIT + self.used // 8

    cdef Blocks copy(self):
        """An independent arena: the same blocks at the same units."""
        cdef Blocks b = Blocks()
        cdef int c
        room = b.room
        while room < self.used:
            room *= 2
        owner = grown(self.owner[:room * UNIT], room * UNIT, self.used * UNIT)
        b.adopt(owner, grown(self.marks_owner[:room // 64], room // 64, (self.used + 63) // 64))
        b.used, b.room, b.dead = self.used, room, self.dead
        for c in range(CLASSES):
            b.first[c] = self.first[c]
        return b
