# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Many lists of row numbers without repeats, each with columns of numbers beside it."""
from libc.stdint cimport int32_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memmove, memset

cimport cython

import numpy as np

from skl_increc._state._blocks cimport CLASSES, UNIT, Blocks

from skl_increc._state.memory import grown

cdef extern from "search.h" nogil:
    ctypedef struct skl_lists:
        const char *base
        const uint32_t *heads
        const int32_t *shapes
        Py_ssize_t n
    Py_ssize_t skl_list_find(const skl_lists *lists, Py_ssize_t u, int32_t what)
    Py_ssize_t skl_find(const int32_t *x, Py_ssize_t n, int32_t what)
    uint64_t skl_filter_hash(int32_t what)
    uint64_t skl_filter_bits(uint64_t h)
    size_t skl_filter_word(uint64_t h, size_t words)
    void SKL_PREFETCH(const void *p)

cdef enum:
    SHORT = 32        # entries that are looked through sooner than a filter is asked
    WORD = 8          # bytes
    LONGEST = (1 << 27) - 1

cdef object TOO_LONG = "a list of a history holds at most half a gigabyte; bound it with history=n"


@cython.final
cdef class Lists:
    """Lists in blocks: a filter if long, the row numbers, then each column of values.

    ``bring`` makes a number the last of a list, wherever it was.  Most numbers of a long list are new to it,
    and its filter says so after a look at one word; a number that may be there is looked for from the end.
    A block of a list has room for as much as it takes to double its bytes, see `Blocks`.
    """

    def __cinit__(self, int n_values=0, Py_ssize_t limit=0, bint filtered=True):
        self.n_values, self.limit = n_values, limit
        self.divide(filtered)
        self.blocks = Blocks()
        heads = np.zeros((16, 2), np.uint32)
        self.heads = <Head *><uintptr_t>heads.ctypes.data
        self.heads_owner, self.room = heads, 16

    cdef int divide(self, bint filtered) except -1:
        """Say what a block of each size class holds."""
        cdef Py_ssize_t each = 4 + 8 * self.n_values, size, begin, room
        cdef Py_ssize_t share = 4            # a filter takes so small a part: 10 to 15 bits an entry
        cdef int c
        while 2 * share <= each:
            share *= 2
        self.smallest = -1
        for c in range(CLASSES):
            size = <Py_ssize_t>UNIT << c
            begin = size // share if filtered and size // each > SHORT and size // share >= WORD else 0
            room = (size - begin) // each
            while self.n_values and begin + (4 * room + 7) // 8 * 8 + 8 * self.n_values * room > size:
                room -= 1
            room = min(room, <Py_ssize_t>LONGEST)
            self.shapes[c].room, self.shapes[c].words = <int32_t>room, <int32_t>(begin // WORD)
            self.shapes[c].items = <int32_t>begin
            self.shapes[c].values = <int32_t>(begin + (4 * room + 7) // 8 * 8)
            if self.smallest < 0 and room >= 2:
                self.smallest = c
        return 0

    cdef char *block(self, const Head *h) noexcept nogil:
        return self.blocks.base + <Py_ssize_t>h.block * UNIT

    cdef int32_t *items(self, const Head *h) noexcept nogil:
        """The row numbers of a list that has a block."""
        return <int32_t *>(self.block(h) + self.shapes[class_of(h)].items)

    cdef double *values(self, const Head *h, int column) noexcept nogil:
        """One column of a list that has a block."""
        cdef const Shape *s = &self.shapes[class_of(h)]
        return <double *>(self.block(h) + s.values) + <Py_ssize_t>column * s.room

    cdef Py_ssize_t room_of(self, const Head *h) noexcept nogil:
        """Entries that the block of a list has room for: how far its columns are apart."""
        return self.shapes[class_of(h)].room

    # -- room -----------------------------------------------------------------------------------
    def reserve_lists(self, Py_ssize_t n):
        """Room for n lists."""
        cdef Py_ssize_t room = self.room
        cdef uintptr_t at
        if n > room:
            while room < n:
                room *= 2
            heads = grown(self.heads_owner, room, self.n)
            at = heads.ctypes.data
            self.heads = <Head *>at
            self.heads_owner, self.room = heads, room
        self.n = max(self.n, n)

    cdef Py_ssize_t units_to_grow(self, const Head *h, Py_ssize_t more, Py_ssize_t *largest) noexcept nogil:
        """Units of all blocks that a list passes through while it grows by so many entries."""
        cdef Py_ssize_t length = length_of(h) + more, units = 0
        cdef int c = class_of(h)
        if self.limit:
            length = min(length, self.limit)
        while c < 0 or (self.shapes[c].room < length and c < CLASSES - 1):
            c = c + 1 if c >= 0 else self.smallest
            units += <Py_ssize_t>1 << c
            largest[0] = max(largest[0], <Py_ssize_t>1 << c)
        return units

    cdef int enlarge(self, Head *h) except -1:
        """Move a list to a block of twice the bytes; on error nothing has changed."""
        cdef int had = class_of(h), c = had + 1 if had >= 0 else self.smallest, k
        cdef Py_ssize_t length = length_of(h), at
        cdef Head new
        if c >= CLASSES:
            raise MemoryError(TOO_LONG)
        at = self.blocks.take(c)
        new.block, new.size = <uint32_t>at, <uint32_t>(length << 5 | (c + 1))
        if had >= 0:
            memcpy(self.items(&new), self.items(h), length * sizeof(int32_t))
            for k in range(self.n_values):
                memcpy(self.values(&new, k), self.values(h, k), length * sizeof(double))
            self.blocks.give(h.block, had)
        h[0] = new
        self.fill_filter(h)
        return 0

    cdef int class_for(self, Py_ssize_t length) noexcept nogil:
        """The smallest size class that has room for so many entries."""
        cdef int c = self.smallest
        while c < CLASSES and self.shapes[c].room < length:
            c += 1
        return c

    cdef int replace(self, Head *h, const int32_t *items, Py_ssize_t length) except -1:
        """Give a list these distinct entries, in a larger block if need be; its values are to be set."""
        cdef int had = class_of(h), c = max(had, self.class_for(length))
        cdef Py_ssize_t at
        if c != had:
            if c >= CLASSES:
                raise MemoryError(TOO_LONG)
            at = self.blocks.take(c)
            if had >= 0:
                self.blocks.give(h.block, had)
            h.block = <uint32_t>at
        self.entries += length - length_of(h)
        h.size = <uint32_t>(length << 5 | (c + 1))
        memcpy(self.items(h), items, length * sizeof(int32_t))
        self.fill_filter(h)
        return 0

    cdef void fill_filter(self, const Head *h) noexcept nogil:
        """The filter of a long list anew: what has left the list leaves the filter only here."""
        cdef size_t words = self.shapes[class_of(h)].words
        cdef uint64_t *filter_ = <uint64_t *>self.block(h)
        cdef const int32_t *items = self.items(h)
        cdef Py_ssize_t j
        cdef uint64_t hash_
        if not words:
            return
        memset(filter_, 0, words * WORD)
        for j in range(length_of(h)):
            hash_ = skl_filter_hash(items[j])
            filter_[skl_filter_word(hash_, words)] |= skl_filter_bits(hash_)

    # -- one entry ------------------------------------------------------------------------------
    cdef Py_ssize_t find(self, const Head *h, int32_t i) noexcept nogil:
        """The place of a number in a list, or -1."""
        cdef skl_lists lists
        lists.base, lists.heads, lists.shapes = self.blocks.base, &h.block, &self.shapes[0].room
        return skl_list_find(&lists, 0, i)

    cdef int bring(self, Py_ssize_t u, int32_t i) except -1:
        """Make a number the last of list u: 1 if it was there, 0 if it is new and its values are to be set.

        With a limit, the first entry makes way.  On error nothing has changed.
        """
        cdef Head *h
        cdef Py_ssize_t at, length
        cdef size_t words
        cdef uint64_t hash_ = 0
        cdef uint64_t *word = NULL
        cdef bint perhaps = True
        if u >= self.n:
            self.reserve_lists(u + 1)
        h = self.heads + u
        length = length_of(h)
        if length:
            words = self.shapes[class_of(h)].words
            if words:
                hash_ = skl_filter_hash(i)
                word = <uint64_t *>self.block(h) + skl_filter_word(hash_, words)
                perhaps = word[0] & skl_filter_bits(hash_) == skl_filter_bits(hash_)
            if perhaps:
                at = skl_find(self.items(h), length, i)
                if at >= 0:
                    self.rotate(h, at)
                    return 1
                if words and self.limit and length == self.limit:
                    self.fill_filter(h)         # it remembers too much that has left the list
            if self.limit and length == self.limit:
                self.take_out(h, 0)
                length -= 1
        if not h.size or length == self.shapes[class_of(h)].room:
            self.enlarge(h)
            words = self.shapes[class_of(h)].words
            word = NULL
            if words:
                hash_ = skl_filter_hash(i)
                word = <uint64_t *>self.block(h) + skl_filter_word(hash_, words)
        if word != NULL:
            word[0] |= skl_filter_bits(hash_)
        self.items(h)[length] = i
        self.top = max(self.top, <Py_ssize_t>i + 1)
        h.size += 1 << 5
        self.entries += 1
        return 0

    cdef void rotate(self, const Head *h, Py_ssize_t at) noexcept nogil:
        """The entry at `at` becomes the last one."""
        cdef Py_ssize_t after = length_of(h) - 1 - at
        cdef int32_t *items = self.items(h) + at
        cdef double *column
        cdef int32_t i = items[0]
        cdef double v
        cdef int c
        if not after:
            return
        memmove(items, items + 1, after * sizeof(int32_t))
        items[after] = i
        for c in range(self.n_values):
            column = self.values(h, c) + at
            v = column[0]
            memmove(column, column + 1, after * sizeof(double))
            column[after] = v

    cdef void take_out(self, Head *h, Py_ssize_t at) noexcept nogil:
        """Remove the entry at `at`; a filter may go on to say "perhaps"."""
        self.rotate(h, at)
        h.size -= 1 << 5
        self.entries -= 1

    cdef void clear(self, Py_ssize_t u) noexcept nogil:
        """Empty list u and give back its block."""
        cdef Head *h = self.heads + u
        if h.size:
            self.entries -= length_of(h)
            self.blocks.give(h.block, class_of(h))
            h.block = h.size = 0

    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil:
        """Bring on their way the lines that `bring` will touch, once the head is there."""
        cdef const Head *h = self.heads + u
        cdef const Shape *s
        cdef Py_ssize_t length = length_of(h)
        cdef int c
        if not h.size:
            return
        s = &self.shapes[class_of(h)]
        SKL_PREFETCH(self.items(h) + length)
        if s.words:
            SKL_PREFETCH(<uint64_t *>self.block(h) + skl_filter_word(skl_filter_hash(i), s.words))
        for c in range(self.n_values):
            SKL_PREFETCH(self.values(h, c) + length)

    @property
    def nbytes(self):
        """Bytes of the blocks and the heads in use."""
        return self.blocks.nbytes + self.n * sizeof(Head)

    cdef Lists copy(self):
        """Independent lists: one copy of each block of memory."""
        cdef Lists new = Lists(self.n_values, self.limit)
        cdef Py_ssize_t room = max(16, self.n)
        new.shapes, new.smallest = self.shapes, self.smallest
        new.blocks = self.blocks.copy()
        new.heads_owner, new.room = grown(self.heads_owner, room, self.n), room
        new.heads = <Head *><uintptr_t>new.heads_owner.ctypes.data
        new.n, new.entries, new.top = self.n, self.entries, self.top
        return new
