# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Open tables from integers and from strings to rows: linear probing, at most eight tenths full."""
from libc.stdint cimport int32_t, int64_t, uint64_t, uintptr_t

cimport cython

import numpy as np

from skl_increc._state.memory import aligned_empty

cdef extern from "Python.h":
    Py_hash_t PyObject_Hash(object o) except? -1
    int PyUnicode_Compare(object a, object b) except? -1

cdef extern from "simd.h" nogil:
    void SKL_PREFETCH(const void *p)

cdef enum:
    LOOK_AHEAD = 64

cdef object STRING_SLOT = np.dtype([("key", np.uintp), ("hash", np.intp), ("row", np.int64)])
cdef object SLOT = np.dtype([("key", np.int64), ("row", np.int64)])


cdef Py_ssize_t enough(Py_ssize_t slots, Py_ssize_t n) noexcept nogil:
    """Slots for n keys."""
    while 10 * n > 8 * slots:
        slots *= 2
    return slots


@cython.final
cdef class IntTable:
    """64-bit integers to rows.  ``enter`` is for keys that are not there, after ``reserve`` made room."""

    def __cinit__(self):
        self.allot(16)

    cdef allot(self, Py_ssize_t n):
        owner = aligned_empty((n,), SLOT)
        owner["row"] = -1
        cdef Slot *tab = <Slot *><uintptr_t>owner.ctypes.data
        self.tab, self.slots = tab, n       # only then may the old block go: a reader may be in it
        self.owner = owner

    cdef Py_ssize_t find(self, int64_t key) noexcept nogil:
        cdef uint64_t mask = self.slots - 1, s = spread(key) & mask
        while self.tab[s].row >= 0:
            if self.tab[s].key == key:
                return self.tab[s].row
            s = (s + 1) & mask
        return -1

    cdef find_many(self, const int64_t[::1] ids, int32_t[::1] out, Py_ssize_t room):
        """Rows of many keys below `room`, -1 for others; without the GIL."""
        cdef Py_ssize_t n = ids.shape[0], a = 0, b, e, s
        cdef uint64_t mask = self.slots - 1
        cdef Slot *tab = self.tab
        _kept = self.owner                  # a growing writer leaves this table to us
        with nogil:
            while a < n:
                e = min(a + LOOK_AHEAD, n)
                for b in range(a, e):
                    SKL_PREFETCH(&tab[spread(ids[b]) & mask])
                for b in range(a, e):
                    s = spread(ids[b]) & mask
                    while tab[s].row >= 0 and tab[s].key != ids[b]:
                        s = (s + 1) & mask
                    out[b] = <int32_t>tab[s].row if tab[s].row < room else -1
                a = e

    cdef int put(self, int64_t key, Py_ssize_t row) noexcept nogil:
        cdef uint64_t mask = self.slots - 1, s = spread(key) & mask
        while self.tab[s].row >= 0:
            s = (s + 1) & mask
        self.tab[s].key = key
        self.tab[s].row = row
        return 0

    cdef void enter(self, int64_t key, Py_ssize_t row) noexcept nogil:
        self.put(key, row)
        self.n += 1

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Room for n keys."""
        cdef Py_ssize_t want = enough(self.slots, n), had = self.slots, j
        cdef Slot *old = self.tab
        if want == had:
            return 0
        _kept = self.owner
        self.allot(want)
        for j in range(had):
            if old[j].row >= 0:
                self.put(old[j].key, old[j].row)
        return 0

    cdef int drop(self, int64_t key) noexcept nogil:
        """Remove a key; later keys of the run move up, so that no tombstone is needed."""
        cdef uint64_t mask = self.slots - 1, s = spread(key) & mask, gap, home
        while self.tab[s].key != key or self.tab[s].row < 0:
            s = (s + 1) & mask
        gap = s
        while True:
            s = (s + 1) & mask
            if self.tab[s].row < 0:
                break
            home = spread(self.tab[s].key) & mask
            if ((s - home) & mask) >= ((s - gap) & mask):
                self.tab[gap] = self.tab[s]
                gap = s
        self.tab[gap].row = -1
        self.tab[gap].key = 0
        self.n -= 1
        return 0

    @property
    def nbytes(self):
        """Bytes of the slots."""
        return self.owner.nbytes

    cdef IntTable copy(self):
        """An independent table."""
        cdef IntTable new = IntTable()
        new.owner = self.owner.copy()
        new.tab = <Slot *><uintptr_t>new.owner.ctypes.data
        new.slots, new.n = self.slots, self.n
        return new


@cython.final
cdef class StringTable:
    """Strings to rows: as a dict, but the row stands beside the key."""

    def __cinit__(self):
        self.allot(16)

    cdef allot(self, Py_ssize_t n):
        owner = aligned_empty((n,), STRING_SLOT)
        owner["row"] = -1
        cdef StringSlot *tab = <StringSlot *><uintptr_t>owner.ctypes.data
        self.tab, self.slots = tab, n
        self.owner = owner

    cdef Py_ssize_t find(self, object key) except -2:
        cdef Py_hash_t h = PyObject_Hash(key)
        cdef uint64_t mask = self.slots - 1, s = spread(h) & mask
        cdef StringSlot *slot
        while True:
            slot = self.tab + s
            if slot.row < 0:
                return -1
            if slot.key == <void *>key:
                return slot.row
            if slot.hash == h and PyUnicode_Compare(<object>slot.key, key) == 0:
                return slot.row
            s = (s + 1) & mask

    cdef int put(self, void *key, Py_hash_t h, Py_ssize_t row) noexcept nogil:
        cdef uint64_t mask = self.slots - 1, s = spread(h) & mask
        while self.tab[s].row >= 0:
            s = (s + 1) & mask
        self.tab[s].key = key
        self.tab[s].hash = h
        self.tab[s].row = row
        return 0

    cdef void enter(self, void *key, Py_hash_t h, Py_ssize_t row) noexcept nogil:
        self.put(key, h, row)
        self.n += 1

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Room for n keys."""
        cdef Py_ssize_t want = enough(self.slots, n), had = self.slots, j
        cdef StringSlot *old = self.tab
        if want == had:
            return 0
        _kept = self.owner
        self.allot(want)
        for j in range(had):
            if old[j].row >= 0:
                self.put(old[j].key, old[j].hash, old[j].row)
        return 0

    cdef int drop(self, object key) except -1:
        """Remove a key, as `IntTable` does."""
        cdef uint64_t mask = self.slots - 1, s = spread(PyObject_Hash(key)) & mask, gap, home
        while self.tab[s].key != <void *>key:
            s = (s + 1) & mask
        gap = s
        while True:
            s = (s + 1) & mask
            if self.tab[s].row < 0:
                break
            home = spread(self.tab[s].hash) & mask
            if ((s - home) & mask) >= ((s - gap) & mask):
                self.tab[gap] = self.tab[s]
                gap = s
        self.tab[gap].row = -1
        self.n -= 1
        return 0

    @property
    def nbytes(self):
        """Bytes of the slots; those of the strings count where they are kept."""
        return self.owner.nbytes

    cdef StringTable copy(self):
        """An independent table of the same strings."""
        cdef StringTable new = StringTable()
        new.owner = self.owner.copy()
        new.tab = <StringSlot *><uintptr_t>new.owner.ctypes.data
        new.slots, new.n = self.slots, self.n
        return new
