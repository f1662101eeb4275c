# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Ids to rows: a compiled table for 64-bit integers beside a dict for everything else."""
from cpython.dict cimport PyDict_GetItemWithError
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_AsSsize_t, PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_CheckExact
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t, uintptr_t
from libc.stdlib cimport free, realloc

import numpy as np

from skl_increc._state._tables cimport IntTable, StringTable, spread

from skl_increc._state.ids import canonical, stable_bytes
from skl_increc._state.memory import aligned_empty, grown

cdef extern from "Python.h":
    Py_hash_t PyObject_Hash(object o) except? -1

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)
    uint64_t skl_hash_bytes(const char *s, size_t n, uint64_t tag)
    void SKL_PREFETCH(const void *p)

cdef enum:
    FREE = 0
    INT = 1
    OBJECT = 2
    LOOK_AHEAD = 64

cdef Py_ssize_t size_of(object key) except -1:
    """Bytes of one id, as the allocator rounds them."""
    if type(key) in (str, bytes, int, tuple, frozenset):
        return (key.__sizeof__() + 15) // 16 * 16
    return (object.__sizeof__(key) + 15) // 16 * 16   # a class of a user's own may say anything


cdef class IdMap:
    """Rows of ids, growing; ``-1`` for an id that is unknown or missing.

    Equal ids share a row (``1``, ``1.0`` and ``True`` are one id).  A removed id frees its row, and
    the next new id takes it.  Lookups never add.
    """

    def __cinit__(self):
        self.objects = {}
        self.names = None
        self.free = []
        self.ints, self.strings = IntTable(), StringTable()
        self.keys_owner = aligned_empty((16,), np.int64)
        self.kind_owner = np.zeros(16, np.uint8)
        self.capacity = 16
        self.room = 0x7FFFFFFF
        self.point()

    def __dealloc__(self):
        free(self.log)

    cdef int note(self, int32_t entry) except -1:
        """Write an added row into the log; fails before anything else has changed."""
        cdef Py_ssize_t room
        cdef int32_t *more
        if self.logged == self.log_room:
            room = max(64, 2 * self.log_room)
            more = <int32_t *>realloc(self.log, room * sizeof(int32_t))
            if more == NULL:
                raise MemoryError("no memory for new ids")
            self.log, self.log_room = more, room
        self.log[self.logged] = entry
        self.logged += 1
        return 0

    cdef point(self):
        self.keys = <int64_t *><uintptr_t>self.keys_owner.ctypes.data
        self.kind = <uint8_t *><uintptr_t>self.kind_owner.ctypes.data

    # -- one id --------------------------------------------------------------------------------
    cdef Py_ssize_t find_c(self, object key) except -2:
        """The row of an id; -1 for one that is missing, unknown, or whose row has no room yet."""
        cdef Py_ssize_t row = self.find_raw(key)
        return row if row < self.room else -1

    cdef Py_ssize_t find_raw(self, object key) except -2:
        cdef int overflow = 0
        cdef int64_t v
        cdef PyObject *hit
        if PyUnicode_CheckExact(key):
            return self.strings.find(key)
        elif PyLong_CheckExact(key):
            v = PyLong_AsLongLongAndOverflow(key, &overflow)
            if not overflow:
                return self.ints.find(v)
        elif key is None:
            return -1
        else:
            key = canonical(key)
            if key is None:
                return -1
            if PyLong_CheckExact(key) or PyUnicode_CheckExact(key):
                return self.find_raw(key)
        hit = PyDict_GetItemWithError(self.objects, key)
        return -1 if hit == NULL else PyLong_AsSsize_t(<object>hit)

    cdef Py_ssize_t add_c(self, object key) except -2:
        """The row of an id, new if need be; -1 for a missing one."""
        cdef Py_ssize_t row = self.find_raw(key)
        cdef int overflow = 0
        cdef int64_t v
        if row >= 0:
            return row
        if PyUnicode_CheckExact(key):
            return self.add_object(key)
        key = canonical(key)
        if key is None:
            return -1
        if PyLong_CheckExact(key):
            v = PyLong_AsLongLongAndOverflow(key, &overflow)
            if not overflow:
                self.ints.reserve(self.ints.n + 1)
                row = self.new_row(v, INT)
                self.ints.enter(v, row)
                return row
        return self.add_object(key)

    cdef Py_ssize_t add_object(self, object key) except -2:
        cdef bint stable = True
        cdef int64_t h = <int64_t>self.hash_object(key, &stable)
        if PyUnicode_CheckExact(key):
            self.strings.reserve(self.strings.n + 1)
        cdef Py_ssize_t row = self.new_row(h, OBJECT)
        if self.names is None:
            self.names = [None] * self.rows
        while len(self.names) <= row:
            self.names.append(None)
        self.names[row] = key
        self.index_name(key, row)
        if not stable:
            self.unstable += 1
        return row

    cdef int index_name(self, object key, Py_ssize_t row) except -1:
        """Enter an id that is no integer into its table; `names` holds it already."""
        if PyUnicode_CheckExact(key):
            self.strings.enter(<void *>key, PyObject_Hash(key), row)
        else:
            self.objects[key] = row
        self.name_bytes += size_of(key)
        return 0

    cdef uint64_t hash_object(self, object key, bint *stable) except? 0:
        cdef Py_ssize_t n
        cdef const char *s
        if PyUnicode_CheckExact(key):
            try:
                s = PyUnicode_AsUTF8AndSize(key, &n)
                return skl_hash_bytes(s, n, 115)
            except UnicodeEncodeError:      # lone surrogates
                pass
            form = key.encode("utf-8", "surrogatepass")
            return skl_hash_bytes(<const char *>form, len(form), 115)
        form = stable_bytes(key)
        if form is None:                    # its place among those without a stable hash
            stable[0] = False
            return skl_mix(skl_mix(0x756E737461626C65) ^ self.unstable)
        return skl_hash_bytes(<const char *>form, len(form), 111)

    cdef Py_ssize_t new_row(self, int64_t key, uint8_t kind) except -2:
        cdef Py_ssize_t row
        if self.free:
            row = self.free[len(self.free) - 1]
            self.note(<int32_t>~row)
            self.free.pop()
        else:
            if self.rows == self.capacity:
                self.reserve_rows(self.rows + 1)
            row = self.rows
            if row >= 0x7FFFFFFF:
                raise OverflowError("a model holds at most 2**31 - 1 ids a side")
            self.note(<int32_t>row)
            self.rows += 1
            if self.names is not None:
                self.names.append(None)
        self.keys[row] = key
        self.kind[row] = kind
        return row

    def reserve_rows(self, Py_ssize_t n):
        """Room for n rows."""
        cdef Py_ssize_t capacity = self.capacity
        if n <= capacity:
            return
        while capacity < n:
            capacity *= 2
        keys = grown(self.keys_owner, capacity, self.rows)
        kind = grown(self.kind_owner, capacity, self.rows)
        kind[self.rows:] = FREE
        cdef uintptr_t at_keys = keys.ctypes.data, at_kind = kind.ctypes.data   # the last that may fail
        self.keys, self.kind = <int64_t *>at_keys, <uint8_t *>at_kind
        self.keys_owner, self.kind_owner, self.capacity = keys, kind, capacity

    cdef int drop_row(self, Py_ssize_t row) except -1:
        if self.kind[row] == INT:
            self.ints.drop(self.keys[row])
        else:
            key = self.names[row]
            if PyUnicode_CheckExact(key):
                self.strings.drop(key)
            else:
                del self.objects[key]
            self.name_bytes -= size_of(key)
            self.names[row] = None
        self.kind[row] = FREE
        self.keys[row] = 0
        return 0

    cdef uint64_t hash_of(self, Py_ssize_t row) noexcept nogil:
        """The stable hash of the id in a row."""
        if self.kind[row] == INT:
            return skl_mix(<uint64_t>self.keys[row])
        return <uint64_t>self.keys[row]

    # -- many ids -------------------------------------------------------------------------------
    def find(self, key):
        """The row of one id, or -1."""
        return self.find_c(key)

    def find_ints(self, const int64_t[::1] ids):
        """Rows of integer ids, int32 (n,)."""
        cdef int32_t[::1] out = np.empty(ids.shape[0], np.int32)
        self.ints.find_many(ids, out, self.room)
        return np.asarray(out)

    def add_ints(self, const int64_t[::1] ids):
        """Rows of integer ids, int32 (n,); new ids get rows in order of appearance."""
        cdef Py_ssize_t n = ids.shape[0], a = 0, b, e
        cdef int32_t[::1] out = np.empty(n, np.int32)
        cdef uint64_t h[LOOK_AHEAD]
        cdef uint64_t mask
        cdef Py_ssize_t s, row
        cdef IntTable ints = self.ints
        while a < n:
            e = min(a + LOOK_AHEAD, n)
            ints.reserve(ints.n + LOOK_AHEAD)
            mask = ints.slots - 1
            for b in range(a, e):
                h[b - a] = spread(ids[b]) & mask
                SKL_PREFETCH(&ints.tab[h[b - a]])
            for b in range(a, e):
                s = h[b - a]
                while ints.tab[s].row >= 0 and ints.tab[s].key != ids[b]:
                    s = (s + 1) & mask
                if ints.tab[s].row < 0:
                    row = self.new_row(ids[b], INT)
                    ints.tab[s].key = ids[b]
                    ints.tab[s].row = row
                    ints.n += 1
                out[b] = <int32_t>ints.tab[s].row
            a = e
        return np.asarray(out)

    def find_objects(self, list ids):
        """Rows of any ids, int32 (n,)."""
        cdef Py_ssize_t n = len(ids), j
        cdef int32_t[::1] out = np.empty(n, np.int32)
        for j in range(n):
            out[j] = <int32_t>self.find_c(ids[j])
        return np.asarray(out)

    def add_objects(self, list ids):
        """Rows of any ids, int32 (n,); -1 for missing ones."""
        cdef Py_ssize_t n = len(ids), j
        cdef int32_t[::1] out = np.empty(n, np.int32)
        for j in range(n):
            out[j] = <int32_t>self.add_c(ids[j])
        return np.asarray(out)

    def add_coded(self, const int64_t[::1] codes, list distinct):
        """Rows of dictionary-encoded ids, int32 (n,): each distinct id is looked up once.

        A code of -1 is a missing id.  New ids get rows in order of appearance.
        """
        cdef Py_ssize_t n = codes.shape[0], j
        cdef int32_t[::1] out = np.empty(n, np.int32)
        cdef int32_t[::1] rows = np.full(len(distinct), -2, np.int32)
        for j in range(n):
            if codes[j] < 0:
                out[j] = -1
                continue
            if rows[codes[j]] == -2:
                rows[codes[j]] = <int32_t>self.add_c(distinct[codes[j]])
            out[j] = rows[codes[j]]
        return np.asarray(out)

    # -- undo -----------------------------------------------------------------------------------
    def begin(self):
        """From here on, `rollback` undoes."""
        self.logged = 0
        self.log_unstable = self.unstable

    def rollback(self):
        """Take back every id added since `begin`, as if it had never come."""
        cdef Py_ssize_t row, j
        cdef int32_t entry
        for j in range(self.logged - 1, -1, -1):
            entry = self.log[j]
            row = ~entry if entry < 0 else entry
            self.drop_row(row)
            if entry < 0:
                self.free.append(row)
            else:
                self.rows -= 1
                if self.names is not None:
                    del self.names[self.rows:]
        self.logged = 0
        self.unstable = self.log_unstable

    def added(self):
        """Rows added since `begin`, int32."""
        cdef int32_t[::1] out = np.empty(self.logged, np.int32)
        cdef Py_ssize_t j
        for j in range(self.logged):
            out[j] = ~self.log[j] if self.log[j] < 0 else self.log[j]
        return np.asarray(out)

    def remove(self, rows):
        """Forget the ids of these rows; the rows are free for new ids."""
        for row in rows:
            self.drop_row(row)
            self.free.append(int(row))
        self.logged = 0

    # -- views ----------------------------------------------------------------------------------
    def __len__(self):
        """Ids present."""
        return self.rows - len(self.free)

    @property
    def n_rows(self):
        """Rows in use or free."""
        return self.rows

    @property
    def keys_array(self):
        """Per row: the integer id, or the stable hash of another id; int64."""
        return self.keys_owner

    @property
    def kind_array(self):
        """Per row: 0 free, 1 an integer, 2 another id; uint8."""
        return self.kind_owner

    def live(self):
        """Rows that hold an id, int32, ascending."""
        return np.flatnonzero(self.kind_owner[:self.rows]).astype(np.int32)

    def ids_of(self, rows):
        """The ids of these rows, an object array of the same shape; None for -1."""
        rows = np.asarray(rows)
        cdef Py_ssize_t j, r
        out = np.empty(rows.size, dtype=object)
        flat = rows.ravel()
        for j in range(flat.shape[0]):
            r = flat[j]
            if r >= 0 and self.kind[r] == INT:
                out[j] = self.keys[r]
            elif r >= 0 and self.kind[r] == OBJECT:
                out[j] = self.names[r]
        return out.reshape(rows.shape)

    cdef object id_of(self, Py_ssize_t r):
        return self.keys[r] if self.kind[r] == INT else self.names[r]

    @property
    def nbytes(self):
        """Bytes of the tables and of the ids in them."""
        total = self.ints.nbytes + self.strings.nbytes + self.rows * 9 + self.name_bytes
        if self.names is not None:
            total += self.names.__sizeof__() + self.objects.__sizeof__() + 32 * len(self.objects)
        return total

    # -- copies and files -----------------------------------------------------------------------
    def export(self):
        """Everything, as plain arrays and lists: what a pickle or a file keeps."""
        rows = self.rows
        names = [] if self.names is None else [(r, v) for r, v in enumerate(self.names) if v is not None]
        return {"keys": self.keys_owner[:rows].copy(), "kind": self.kind_owner[:rows].copy(),
                "free": np.array(self.free, dtype=np.int32), "unstable": int(self.unstable), "names": names}

    @staticmethod
    def restore(dict kept):
        """The map that `export` described."""
        cdef IdMap m = IdMap()
        cdef Py_ssize_t rows = len(kept["keys"]), r
        m.reserve_rows(rows)
        m.rows = rows
        m.keys_owner[:rows] = kept["keys"]
        m.kind_owner[:rows] = kept["kind"]
        m.free = [int(r) for r in kept["free"]]
        m.unstable = kept["unstable"]
        if kept["names"]:
            m.names = [None] * rows
            for row, key in kept["names"]:
                m.names[row] = key
                m.strings.reserve(m.strings.n + 1)
                m.index_name(key, row)
        m.ints.reserve(int((np.asarray(kept["kind"]) == INT).sum()))
        for r in range(rows):
            if m.kind[r] == INT:
                m.ints.enter(m.keys[r], r)
        return m

    def copy(self):
        """An independent map; the ids themselves are shared."""
        cdef IdMap m = IdMap()
        m.ints, m.strings, m.name_bytes = self.ints.copy(), self.strings.copy(), self.name_bytes
        m.rows, m.unstable = self.rows, self.unstable
        m.capacity = max(16, self.rows)
        m.keys_owner = grown(self.keys_owner[:m.capacity], m.capacity, m.rows)
        m.kind_owner = self.kind_owner[:m.capacity].copy()
        m.point()
        m.objects = self.objects.copy()
        m.names = None if self.names is None else self.names.copy()
        m.free = self.free.copy()
        return m

    def __reduce__(self):
        return _restore, (self.export(),)


def _restore(kept):
    return IdMap.restore(kept)
