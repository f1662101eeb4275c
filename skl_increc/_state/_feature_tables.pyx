# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Rows of features that are neither users nor items: values of context columns, numbers, names of lists."""
from cpython.long cimport PyLong_AsLongLongAndOverflow, PyLong_CheckExact
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, realloc

import numpy as np

from skl_increc._state._idmap cimport IdMap

from skl_increc._state.ids import canonical, stable_hash
from skl_increc._state.memory import aligned_zeros, grown

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)

#: hashes ids, holds none
cdef IdMap NO_IDS = IdMap()

cdef enum:
    NUMBERS = 5        # float64 of a numeric row: weight, sum, sum of squares, shift, what its unit is worth


cdef class Encoded:
    """The features of some events, one event after the other: table and side, row, value."""

    def __dealloc__(self):
        free(self.entries)
        free(self.ends)

    cdef int push(self, int32_t place, int32_t row, double value) except -1:
        cdef entry *more
        if self.n == self.room:
            more = <entry *>realloc(self.entries, max(16, 2 * self.room) * sizeof(entry))
            if more == NULL:
                raise MemoryError("no memory for the features of an event")
            self.entries, self.room = more, max(16, 2 * self.room)
        self.entries[self.n].place, self.entries[self.n].row, self.entries[self.n].value = place, row, value
        self.n += 1
        return 0

    cdef int close(self) except -1:
        """The event is complete."""
        cdef int64_t *more
        if self.events == self.event_room:
            more = <int64_t *>realloc(self.ends, max(16, 2 * self.event_room) * sizeof(int64_t))
            if more == NULL:
                raise MemoryError("no memory for the features of events")
            self.ends, self.event_room = more, max(16, 2 * self.event_room)
        self.ends[self.events] = self.n
        self.events += 1
        return 0

    cdef void clear(self) noexcept nogil:
        self.n = self.events = 0

    cdef Py_ssize_t first(self, Py_ssize_t event) noexcept nogil:
        """Where the entries of an event begin; of one beyond all, where they end."""
        return 0 if event <= 0 else self.ends[min(event, self.events) - 1] if self.events else 0

    @staticmethod
    def of(const int64_t[::1] ends, const int32_t[::1] place, const int32_t[::1] row,
           const double[::1] value):
        """Events whose entries end at `ends`."""
        cdef Encoded new = Encoded()
        cdef Py_ssize_t j, at = 0
        for j in range(ends.shape[0]):
            while at < ends[j]:
                new.push(place[at], row[at], value[at])
                at += 1
            new.close()
        return new

    @property
    def longest(self):
        """The most features of an event."""
        cdef Py_ssize_t j, most = 0
        for j in range(self.events):
            most = max(most, self.first(j + 1) - self.first(j))
        return most


cdef class FeatureTable:
    """Rows that grow with their ids, rows of a vector's numbers, or so many rows that a hash finds."""

    def __init__(self, Py_ssize_t stride, *, bint numeric=False, bint named=True, Py_ssize_t modulus=0):
        self.stride, self.numeric, self.modulus = stride, numeric, modulus
        self.ids = IdMap() if named and not numeric and not modulus else None
        self.capacity = max(1, modulus)
        self.factors = aligned_zeros((self.capacity, stride), np.float32)
        self.stat = aligned_zeros((self.capacity, 4), np.float32)
        self.number = aligned_zeros((self.capacity, NUMBERS), np.float64) if numeric else None
        self.point()

    cdef int point(self) except -1:
        """Find the arrays, after they have moved."""
        cdef float[:, ::1] factors = self.factors, stat = self.stat
        cdef double[:, ::1] number
        if self.numeric:
            number = self.number
            self.T = &number[0, 0]
        self.V, self.S = &factors[0, 0], &stat[0, 0]
        if self.ids is not None:
            self.ids.room = self.capacity
        return 0

    cdef Py_ssize_t hashed(self, object key, uint64_t salt) except -2:
        """The row of an id by its hash; -1 for a missing one.  `ids` of another table may serve all."""
        cdef bint stable = True
        cdef int overflow = 0
        cdef int64_t v
        cdef uint64_t h
        key = canonical(key)
        if key is None:
            return -1
        if PyLong_CheckExact(key):
            v = PyLong_AsLongLongAndOverflow(key, &overflow)
            if not overflow:
                return <Py_ssize_t>(skl_mix(skl_mix(<uint64_t>v) ^ salt) % <uint64_t>self.modulus)
        h = <uint64_t>NO_IDS.hash_object(key, &stable)
        if not stable:
            raise TypeError(
                f"The feature {key!r} has no hash that is the same in every run, which n_features needs. "
                "Name it by a string or a number, or set n_features=None.")
        return <Py_ssize_t>(skl_mix(h ^ salt) % <uint64_t>self.modulus)

    cdef Py_ssize_t find(self, object key, uint64_t salt) except -2:
        """The row of an id, -1 if it is unknown or missing."""
        return self.hashed(key, salt) if self.modulus else self.ids.find_c(key)

    cdef Py_ssize_t add(self, object key, uint64_t salt) except -2:
        """The row of an id, new if need be; -1 if it is missing."""
        cdef Py_ssize_t row
        if self.modulus:
            return self.hashed(key, salt)
        row = self.ids.add_c(key)
        if row >= self.n:
            self.resize(row + 1)
        return row

    def find_many(self, list keys, uint64_t salt):
        """Rows int32 of ids in a table of hashes."""
        cdef int32_t[::1] out = np.empty(len(keys), np.int32)
        cdef Py_ssize_t j
        for j in range(len(keys)):
            out[j] = <int32_t>self.hashed(keys[j], salt)
        return np.asarray(out)

    def settle(self):
        """Make room for the ids that were added."""
        if self.ids is not None:
            self.resize(self.ids.n_rows)

    def widen(self, Py_ssize_t n):
        """Use this many rows at least."""
        self.resize(max(n, self.n))

    cdef int resize(self, Py_ssize_t n) except -1:
        """Use n rows; arrays that are too small give way to new ones."""
        cdef Py_ssize_t room = self.capacity
        if n > room:
            while room < n:
                room *= 2
            factors, stat = grown(self.factors, room, self.n), grown(self.stat, room, self.n)
            number = grown(self.number, room, self.n) if self.numeric else None
            self.factors, self.stat, self.number, self.capacity = factors, stat, number, room
            self.point()
        self.n = n
        return 0

    def cut(self, Py_ssize_t n):
        """Give back the rows beyond n, and the ids added since they were so many."""
        if self.ids is not None:
            self.ids.rollback()
        self.factors[n:self.n], self.stat[n:self.n] = 0, 0
        if self.numeric:
            self.number[n:self.n] = 0
        self.n = n

    cdef FeatureTable copy(self):
        cdef FeatureTable new = FeatureTable.__new__(FeatureTable)
        new.stride, new.numeric, new.modulus = self.stride, self.numeric, self.modulus
        new.n, new.capacity = self.n, max(1, self.n)
        new.ids = None if self.ids is None else self.ids.copy()
        new.factors = grown(self.factors, new.capacity, self.n)
        new.stat = grown(self.stat, new.capacity, self.n)
        new.number = grown(self.number, new.capacity, self.n) if self.numeric else None
        new.point()
        return new

    @property
    def nbytes(self):
        """Bytes of the rows in use and their ids."""
        own = self.n * (4 * self.stride + 16 + (8 * NUMBERS if self.numeric else 0))
        return own + (0 if self.ids is None else self.ids.nbytes)


cdef class Features:
    """A store of a state: for each column of features its table of rows.

    Parameters
    ----------
    columns : sequence of (name, kind, side)
        The kind is "category", "list", "number" or "vector"; the side 0 (who asks) or 1 (what is asked
        about).
    k : int
        Length of the vectors.
    modulus : int
        Rows of the one table that all names then share, found by hash; 0: tables grow.
    """

    def __init__(self, columns, Py_ssize_t k, Py_ssize_t modulus=0):
        self.columns = tuple((name, kind, int(side)) for name, kind, side in columns)
        self.k, self.stride, self.modulus = k, (k + 15) // 16 * 16, modulus
        self.tables, self.table_of = [], []
        if modulus:
            self.tables.append(FeatureTable(self.stride, modulus=modulus))
        for _, kind, _ in self.columns:
            if kind in ("number", "vector"):
                self.tables.append(FeatureTable(self.stride, numeric=True))
            elif not modulus:
                self.tables.append(FeatureTable(self.stride))
            self.table_of.append(0 if modulus and kind in ("category", "list") else len(self.tables) - 1)
        for _ in range(2):               # what users are, what items are: columns that have names elsewhere
            self.tables.append(FeatureTable(self.stride, named=False))
        self.salts = [stable_hash(str(name)) for name, _, _ in self.columns]

    # -- a store ----------------------------------------------------------------------------------
    side = 0
    n_values = None
    parts = {"names": "ids", "sizes": "int64", "factors": "float32", "stat": "float32", "number": "float64"}

    @property
    def kind(self):
        """What shapes it, for files."""
        return {"columns": [[str(name), kind, side] for name, kind, side in self.columns],
                "k": int(self.k), "modulus": int(self.modulus)}

    def begin(self):
        """From here on `limit_rows` takes back what is added, until `commit`."""
        cdef FeatureTable table
        self.marks = [table.n for table in self.tables]
        for table in self.tables:
            if table.ids is not None:
                table.ids.begin()
        self.open = True
        for table in self.tables:
            if table.modulus:
                table.resize(table.modulus)

    def commit(self):
        """What was added stays."""
        self.open = False

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """A call failed: no rows since `begin`."""
        if self.open:
            self.open = False
            for table, n in zip(self.tables, self.marks, strict=True):
                table.cut(n)

    def fresh(self, Py_ssize_t at):
        """The first row of a table that `begin` did not know."""
        return self.marks[at] if self.open else self.tables[at].n

    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Users and items have no rows here."""

    def drop(self, int side, rows):
        """Users and items have no rows here."""

    def blank(self):
        """The same columns, and nothing learned."""
        return Features(self.columns, self.k, self.modulus)

    def export(self):
        """All rows, table after table."""
        cdef FeatureTable t
        flat = [[np.empty(0, np.float32)], [np.empty(0, np.float32)], [np.empty(0)]]
        names = []
        for t in self.tables:
            if t.ids is not None:
                names += t.ids.ids_of(np.arange(t.n)).tolist()
            flat[0].append(t.factors[:t.n].ravel())
            flat[1].append(t.stat[:t.n].ravel())
            if t.numeric:
                flat[2].append(t.number[:t.n].ravel())
        return {"names": names, "sizes": np.array([t.n for t in self.tables], np.int64),
                "factors": np.concatenate(flat[0]), "stat": np.concatenate(flat[1]),
                "number": np.concatenate(flat[2])}

    def keyed(self, ids):
        """The numbers of each row by table and feature; `ids` of the users say nothing here."""
        cdef FeatureTable t
        found = {}
        for at, t in enumerate(self.tables):
            names = range(t.n) if t.ids is None else t.ids.ids_of(np.arange(t.n)).tolist()
            for row, name in enumerate(names):
                more = [t.number[row]] if t.numeric else []
                found[at, name] = np.concatenate([t.factors[row], t.stat[row], *more]).astype(np.float64)
        return found

    def restore(self, dict kept):
        """Take what `export` gave, into an empty store."""
        cdef FeatureTable t
        cdef Py_ssize_t a = 0, b = 0, c = 0, n
        names = list(kept["names"])
        for t, size in zip(self.tables, kept["sizes"].tolist(), strict=True):
            n = size
            if t.ids is not None:
                t.ids.add_objects(names[b:b + n])
                b += n
            t.resize(n)
            t.factors[:n] = kept["factors"][a * self.stride:(a + n) * self.stride].reshape(n, self.stride)
            t.stat[:n] = kept["stat"][a * 4:(a + n) * 4].reshape(n, 4)
            if t.numeric:
                t.number[:n] = kept["number"][c * NUMBERS:(c + n) * NUMBERS].reshape(n, NUMBERS)
                c += n
            a += n
        return self

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError unless these can be the rows of such columns."""
        cdef FeatureTable t
        sizes, at, named, numeric = kept["sizes"], 0, 0, 0
        if len(sizes) != len(self.tables) or (len(sizes) and (sizes.min() < 0 or sizes.max() >= 2**31)):
            raise ValueError(f"there are {len(sizes)} sizes for {len(self.tables)} tables")
        for t, n in zip(self.tables, sizes.tolist(), strict=True):
            if t.modulus and n not in (0, t.modulus):
                raise ValueError(f"a table of {t.modulus} hashes has {n} rows")
            if t.ids is not None:
                seen = kept["names"][named:named + n]
                if len(set(map(canonical, seen))) < len(seen) or None in seen:
                    raise ValueError("a feature is there twice, or has no name")
                named += n
            numeric += n if t.numeric else 0
            at += n
        if named != len(kept["names"]):
            raise ValueError(f"there are {len(kept['names'])} names for {named} rows")
        for part, want in (("factors", at * self.stride), ("stat", at * 4), ("number", numeric * NUMBERS)):
            if kept[part].shape != (want,) or not np.isfinite(kept[part]).all():
                raise ValueError(f"{part} is not {want} finite numbers")
        if kept["factors"].reshape(-1, self.stride)[:, self.k:].any():
            raise ValueError("factors has numbers beyond its width")

    def copy(self):
        """Independent rows."""
        cdef Features new = Features.__new__(Features)
        cdef FeatureTable t
        new.columns, new.k, new.stride, new.modulus = self.columns, self.k, self.stride, self.modulus
        new.table_of, new.salts = self.table_of, self.salts
        new.tables = [t.copy() for t in self.tables]
        return new

    @property
    def nbytes(self):
        """Bytes of all rows and ids."""
        return sum(t.nbytes for t in self.tables)

    def __reduce__(self):
        return _restore, (self.columns, self.k, self.modulus, self.export())


def _restore(columns, k, modulus, kept):
    return Features(columns, k, modulus).restore(kept)
