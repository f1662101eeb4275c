# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Exact statistics of pairs of items over the users who rated both."""
from libc.stdint cimport int16_t, int32_t, int64_t, uint32_t, uint64_t, uintptr_t
from libc.string cimport memcpy, memset

import numpy as np

from skl_increc._kernels._learner cimport ItemPairs

from skl_increc._state.memory import aligned_zeros

cdef extern from "moments.h" nogil:
    enum: PAIRS_TAG, PAIRS_DENSE, PAIRS_KEY, WIDE_SEGMENT, SCALE_NONE
    ctypedef struct skl_narrow:
        int16_t n, x, y, xx, yy, xy
    uint32_t pairs_room(unsigned tag)
    bint pairs_is_full(uint32_t used, uint32_t room)
    void pairs_place(const skl_pairs *p, int32_t a, int32_t b, int32_t *row, int32_t *key)
    char *pairs_touch(skl_pairs *p, int32_t row, int32_t key)
    void pairs_clear(char *block, uint32_t room, int32_t record)
    void pairs_move(uintptr_t source, int32_t record, char *block, unsigned tag)
    char *pairs_next(const skl_pairs *p, int32_t row, Py_ssize_t *at, int32_t *key)
    int64_t moments_count(const skl_moments *m, const char *record)
    void moments_get(const skl_moments *m, const char *record, skl_sums *out)
    void moments_put(skl_moments *m, char *record, const skl_sums *a)
    bint moments_narrow(const skl_scale *s, const skl_sums *a, skl_narrow *out)
    int64_t slope_sum(const char *record)
    skl_wide wide_of(int64_t high, uint64_t low)
    skl_wide wide_plus(skl_wide a, skl_wide b)
    uint64_t wide_low(skl_wide a)
    int64_t wide_high(skl_wide a)
    double wide_double(skl_wide a)
    double scale_factor(const skl_scale *s)

KINDS = {"moments": 12, "slopes": 12}
cdef enum:
    FIRST_SEGMENT = 4096        # bytes
    LARGEST_SEGMENT = 1 << 24
    LINE = 64
    WIDES = 9                   # numbers of wide sums in files


cdef class PairStore(ItemPairs):
    """For each two items that some user rated both: how many did, and sums over their ratings.

    Each item has a row of records, hashed while few of its partners are there and dense once that takes
    less.  Memory comes in segments that never move.  A record without users is none.

    Parameters
    ----------
    kind : {"moments", "slopes"}
        "moments": n and the sums of x, y, x^2, y^2 and xy; "slopes": n and the sum of x - y.
    most : int
        0 for all pairs, each once; otherwise each item has a row of at most so many partners of its own,
        and a pair two records, of which either may be dropped.
    """

    def __cinit__(self, str kind="moments", Py_ssize_t most=0):
        if kind not in KINDS:
            raise ValueError(f"records of pairs of items are {' or '.join(map(repr, KINDS))}; got {kind!r}")
        self.kind, self.most = kind, most
        self.data.table.directed = most > 0
        self.data.table.record = KINDS[kind]
        self.data.slopes = kind == "slopes"
        self.data.scale.unit = self.data.scale.narrow = self.data.fine = SCALE_NONE
        self.data.wide_free = -1
        self.segments, self.wide_owners = [], []
        self.moments = &self.data

    side = 1                  # rows are those of items
    n_values = None

    @property
    def parts(self):
        """The arrays of `export` and their types."""
        return {"indptr": "int64", "keys": "int32", "records": "int32", "wide_at": "int64", "wide": "int64",
                "scale": "int64"}

    # -- room -----------------------------------------------------------------------------------
    def reserve_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Rows for so many items."""
        cdef Py_ssize_t n = n_items, room = max(16, self.data.table.n_rows)
        cdef uintptr_t rows_at, used_at
        if n <= self.data.table.n_rows:
            self.n_items = max(n, self.n_items)
            return
        while room < n:
            room *= 2
        rows, used = aligned_zeros((room,), np.uint64), aligned_zeros((room,), np.int32)
        if self.rows_owner is not None:
            rows[:self.data.table.n_rows] = self.rows_owner
            used[:self.data.table.n_rows] = self.used_owner
        rows_at, used_at = rows.ctypes.data, used.ctypes.data
        self.data.table.rows, self.data.table.used = <uintptr_t *>rows_at, <int32_t *>used_at
        self.rows_owner, self.used_owner = rows, used
        self.data.table.n_rows, self.n_items = room, n

    def limit_rows(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Take back items beyond so many, which have nothing in their records yet."""
        self.n_items = min(self.n_items, n_items)

    def drop(self, int side, rows):
        """Take out what is known of these items (side 1), and records that nobody is behind."""
        if side == 1:
            self.tidy(rows)

    def tidy(self, items=()):
        """Leave no room to records of these items, nor to those that nobody is behind."""
        cdef PairStore new = PairStore(self.kind, self.most)
        gone = np.zeros(self.data.table.n_rows, np.bool_)
        gone[np.asarray(items, dtype=np.int64)] = True
        new.data.scale, new.data.fine = self.data.scale, self.data.fine
        new.reserve_rows(0, self.data.table.n_rows)
        new.add(self, np.where(gone, -1, np.arange(len(gone))).astype(np.int32))
        new.n_items = self.n_items
        self.data = new.data
        self.rows_owner, self.used_owner, self.table_owner = new.rows_owner, new.used_owner, new.table_owner
        self.segments, self.wide_owners = new.segments, new.wide_owners
        self.at, self.end, self.block_bytes = new.at, new.end, new.block_bytes
        memcpy(self.spare, new.spare, sizeof(self.spare))

    cdef uintptr_t take(self, Py_ssize_t n) except 0:
        """A block of n bytes, a multiple of a line."""
        cdef Py_ssize_t size = FIRST_SEGMENT
        cdef uintptr_t block
        if self.at + n > self.end:
            while size < n or (size < LARGEST_SEGMENT and size < self.block_bytes):
                size *= 2
            segment = aligned_zeros((size,), np.uint8)
            self.segments.append(segment)
            self.at = segment.ctypes.data
            self.end = self.at + size
        block = self.at
        self.at += n
        return block

    cdef int give_row(self, Py_ssize_t row, unsigned tag) except -1:
        """Move a row to a block of another kind or size."""
        cdef skl_pairs *p = &self.data.table
        cdef uintptr_t old = p.rows[row], block
        cdef unsigned was = <unsigned>(old & PAIRS_TAG)
        cdef Py_ssize_t n, had = 0
        if tag == PAIRS_DENSE:
            n = block_of(row * p.record)
        else:
            n = block_of(pairs_room(tag) * (p.record + PAIRS_KEY))
        if was:
            had = block_of(pairs_room(was) * (p.record + PAIRS_KEY))
        if tag != PAIRS_DENSE and self.spare[tag]:
            block = self.spare[tag]
            memcpy(&self.spare[tag], <void *>block, sizeof(uintptr_t))
        else:
            block = self.take(n)
        if tag == PAIRS_DENSE:
            memset(<void *>block, 0, n)
        else:
            pairs_clear(<char *>block, pairs_room(tag), p.record)
        pairs_move(old, p.record, <char *>block, tag)
        p.rows[row] = block + tag
        self.block_bytes += n - had
        if was:
            memcpy(<void *>(old - was), &self.spare[was], sizeof(uintptr_t))
            self.spare[was] = old - was
        return 0

    cdef int grow(self, Py_ssize_t row) except -1:
        return self.fit_row(row, self.data.table.used[row] + 1)

    cdef int fit_row(self, Py_ssize_t row, Py_ssize_t n) except -1:
        """A block that holds n records: hashed, or dense where that takes no more."""
        cdef skl_pairs *p = &self.data.table
        cdef unsigned tag = <unsigned>(p.rows[row] & PAIRS_TAG)
        if tag == PAIRS_DENSE:
            return 0
        tag = max(tag, 1)
        while pairs_is_full(<uint32_t>(n - 1), pairs_room(tag)):
            tag += 1
        if not p.directed and row and <Py_ssize_t>pairs_room(tag) * (p.record + PAIRS_KEY) >= row * p.record:
            tag = PAIRS_DENSE
        if tag != <unsigned>(p.rows[row] & PAIRS_TAG):
            self.give_row(row, tag)
        return 0

    cdef char *touch(self, int32_t a, int32_t b) except NULL:
        """The record of a pair, made if there was none."""
        cdef int32_t row, key
        cdef char *record
        pairs_place(&self.data.table, a, b, &row, &key)
        record = pairs_touch(&self.data.table, row, key)
        if record == NULL:
            self.grow(row)
            record = pairs_touch(&self.data.table, row, key)
        return record

    cdef int reserve_wide(self, Py_ssize_t n) except -1:
        """Room for so many more wide sums."""
        cdef Py_ssize_t blocks, have = len(self.wide_owners), j
        cdef uintptr_t table_at
        if self.data.slopes or self.data.wide_room - self.data.wide_live >= n:
            return 0
        blocks = (self.data.wide_live + n + WIDE_SEGMENT - 1) // WIDE_SEGMENT
        new = [aligned_zeros((WIDE_SEGMENT * sizeof(skl_sums),), np.uint8) for _ in range(blocks - have)]
        room = 8
        while room < blocks:
            room *= 2
        table = self.table_owner
        if table is None or len(table) < blocks:
            table = aligned_zeros((room,), np.uint64)
            if have:
                table[:have] = self.table_owner[:have]
        for j in range(blocks - have):
            table[have + j] = new[j].ctypes.data
        table_at = table.ctypes.data
        self.data.wide = <skl_sums **>table_at
        self.table_owner = table
        self.wide_owners = self.wide_owners + new
        self.data.wide_room = blocks * WIDE_SEGMENT
        return 0

    @property
    def n_rows(self):
        """Items that there are rows for."""
        return self.data.table.n_rows

    @property
    def nbytes(self):
        """Bytes of the blocks in use, the table of rows and the wide sums in use."""
        return self.block_bytes + 12 * self.data.table.n_rows + self.data.wide_live * sizeof(skl_sums)

    # -- what is there --------------------------------------------------------------------------
    def __len__(self):
        """Records: pairs of items that some user rated both; bounded, those that the rows have together."""
        cdef Py_ssize_t row, at, n = 0
        cdef int32_t key
        cdef char *record
        for row in range(self.data.table.n_rows):
            at = 0
            record = pairs_next(&self.data.table, row, &at, &key)
            while record != NULL:
                n += moments_count(&self.data, record) > 0
                record = pairs_next(&self.data.table, row, &at, &key)
        return n

    cdef object keys_of(self, Py_ssize_t row):
        """Items that have a record with users in this row, ascending, int32."""
        cdef Py_ssize_t at = 0, n = 0, most = self.data.table.used[row]
        cdef int32_t key
        cdef int32_t[::1] keys
        cdef char *record
        if self.data.table.rows[row] & PAIRS_TAG == PAIRS_DENSE:
            most = row
        keys = np.empty(most, np.int32)
        record = pairs_next(&self.data.table, row, &at, &key)
        while record != NULL:
            if moments_count(&self.data, record) > 0:
                keys[n] = key
                n += 1
            record = pairs_next(&self.data.table, row, &at, &key)
        return np.sort(np.asarray(keys)[:n])

    def csr(self):
        """Pairs by rows: indptr int64 (rows + 1,) and the other items, int32, ascending.

        All pairs stand in the row of the larger item; bounded ones in the row of each item that keeps them.
        """
        rows = [self.keys_of(row) for row in range(self.data.table.n_rows)]
        indptr = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(r) for r in rows], out=indptr[1:])
        return indptr, np.concatenate([np.empty(0, np.int32), *rows])

    def sums(self):
        """Rows and other items of `csr`, and their sums in units of the ratings, float64 (n_pairs, 6).

        The columns are n and the sums of x, y, x^2, y^2 and xy, where x is the rating of the row's item; for
        "slopes" n and the sum of x - y.
        """
        cdef Py_ssize_t n, j
        cdef skl_sums a
        cdef double one = 1.0 / scale_factor(&self.data.scale)
        cdef char *record
        cdef const int32_t[::1] r, k
        cdef double[:, ::1] out
        indptr, keys = self.csr()
        rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
        n = len(keys)
        out = np.zeros((n, 2 if self.data.slopes else 6))
        r, k = rows, keys
        for j in range(n):
            record = pairs_touch(&self.data.table, r[j], k[j])
            out[j, 0] = moments_count(&self.data, record)
            if self.data.slopes:
                out[j, 1] = slope_sum(record) * one
                continue
            moments_get(&self.data, record, &a)
            out[j, 1], out[j, 2] = a.x * one, a.y * one
            out[j, 3] = wide_double(a.xx) * one * one
            out[j, 4] = wide_double(a.yy) * one * one
            out[j, 5] = wide_double(a.xy) * one * one
        return rows, keys, np.asarray(out)

    # -- removing and adding ----------------------------------------------------------------------
    def absorb(self, PairStore other, users_at, items_at):
        """Add another store of the same scale; item j there is items_at[j] here."""
        self.add(other, np.ascontiguousarray(items_at, dtype=np.int32))

    def add(self, PairStore other, const int32_t[::1] item_at):
        """Add the records of another store of the same scale; item j there is item_at[j] here, -1: none."""
        cdef Py_ssize_t row, at, most = other.data.table.n_rows
        cdef int32_t key, a, b
        cdef char *record
        cdef char *mine
        for row in range(min(most, item_at.shape[0])):
            a = item_at[row]
            if a < 0:
                continue
            at = 0
            record = pairs_next(&other.data.table, row, &at, &key)
            while record != NULL:
                b = item_at[key]
                if b >= 0 and moments_count(&other.data, record) > 0:
                    self.reserve_wide(1)
                    mine = self.touch(a, b)
                    add_record(&self.data, mine, &other.data, record,
                               b > a and not self.data.table.directed)
                record = pairs_next(&other.data.table, row, &at, &key)
        self.data.fine = min(self.data.fine, other.data.fine)

    # -- copies and files -----------------------------------------------------------------------
    def copy(self):
        """An independent store."""
        cdef PairStore new = PairStore(self.kind, self.most)
        cdef Py_ssize_t row, j
        cdef unsigned tag
        cdef uintptr_t block
        cdef skl_pairs *p = &self.data.table
        new.reserve_rows(0, p.n_rows)
        new.n_items = self.n_items
        new.data.scale, new.data.fine = self.data.scale, self.data.fine
        for row in range(p.n_rows):
            tag = <unsigned>(p.rows[row] & PAIRS_TAG)
            if tag:
                size = row * p.record if tag == PAIRS_DENSE else pairs_room(tag) * (p.record + PAIRS_KEY)
                block = new.take(block_of(size))
                memcpy(<void *>block, <void *>(p.rows[row] - tag), size)
                new.data.table.rows[row] = block + tag
                new.block_bytes += block_of(size)
        if p.n_rows:
            new.used_owner[:] = self.used_owner
        if self.data.wide_used:
            new.reserve_wide(self.data.wide_used)
            for j in range((self.data.wide_used + WIDE_SEGMENT - 1) // WIDE_SEGMENT):
                memcpy(new.data.wide[j], self.data.wide[j], WIDE_SEGMENT * sizeof(skl_sums))
        new.data.wide_used, new.data.wide_free = self.data.wide_used, self.data.wide_free
        new.data.wide_live = self.data.wide_live
        return new

    def blank(self):
        """An empty store of this kind."""
        return PairStore(self.kind, self.most)

    def export(self):
        """Everything as plain arrays, in an order that follows from the content."""
        cdef Py_ssize_t j, n
        cdef skl_sums a
        cdef skl_narrow r
        cdef char *record
        cdef const int32_t[::1] rows, keys_
        cdef int32_t[:, ::1] small
        cdef list wide_at = [], wide = []
        indptr, keys = self.csr()
        n = len(keys)
        rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
        keys_ = keys
        small = np.zeros((n, 3), np.int32)
        for j in range(n):
            record = pairs_touch(&self.data.table, rows[j], keys_[j])
            if self.data.slopes:
                memcpy(&small[j, 0], record, 12)
                continue
            moments_get(&self.data, record, &a)
            if moments_narrow(&self.data.scale, &a, &r):
                memcpy(&small[j, 0], &r, 12)
            else:
                wide_at.append(j)
                wide.append((a.n, a.x, a.y, wide_high(a.xx), signed(wide_low(a.xx)), wide_high(a.yy),
                             signed(wide_low(a.yy)), wide_high(a.xy), signed(wide_low(a.xy))))
        whole = np.full(self.n_items + 1, n, np.int64)
        whole[:min(self.n_items, len(indptr) - 1) + 1] = indptr[:self.n_items + 1]
        return {"indptr": whole, "keys": keys, "records": np.asarray(small).ravel(),
                "wide_at": np.array(wide_at, dtype=np.int64), "wide": np.array(wide, dtype=np.int64).ravel(),
                "scale": np.array([self.data.scale.unit, self.data.scale.narrow, self.data.scale.top])}

    def check(self, dict kept, users_alive, items_alive):
        """Raise ValueError for arrays that no store of this kind and these items can have exported."""
        indptr, keys, scale = kept["indptr"], kept["keys"], kept["scale"]
        if len(indptr) != len(items_alive) + 1 or indptr[0] != 0 or indptr[len(indptr) - 1] != len(keys):
            raise ValueError(f"indptr does not rise from 0 to {len(keys)} over {len(items_alive)} items")
        if (np.diff(indptr) < 0).any():
            raise ValueError("indptr falls")
        rows = np.repeat(np.arange(len(indptr) - 1, dtype=np.int64), np.diff(indptr))
        self.check_keys(rows, keys, len(items_alive))
        if (np.diff(rows << 32 | keys) <= 0).any():
            raise ValueError("keys does not ascend within its rows")
        if not (items_alive[rows].all() and items_alive[keys].all()):
            raise ValueError("keys names a free row of the items")
        if len(kept["records"]) != 3 * len(keys):
            raise ValueError(f"records has {len(kept['records'])} numbers for {len(keys)} pairs")
        at, wide = kept["wide_at"], kept["wide"]
        if len(wide) != WIDES * len(at) or (len(at) and not (0 <= at.min() and at.max() < len(keys))):
            raise ValueError(f"wide has {len(wide)} numbers for {len(at)} of {len(keys)} pairs")
        if self.kind == "slopes" and len(at):
            raise ValueError("wide has numbers, which slopes have not")
        if len(np.unique(at)) < len(at):
            raise ValueError("wide_at names a pair twice")
        self.check_counts(kept)
        good = len(scale) == 3 and (np.abs(scale) <= SCALE_NONE).all() and scale[0] <= scale[1]
        if not good:
            raise ValueError(f"scale is {scale.tolist()}")

    def check_keys(self, rows, keys, Py_ssize_t n_items):
        """Raise ValueError for a partner that the row of an item cannot have."""
        if not self.most:
            if len(keys) and not ((keys >= 0) & (keys < rows)).all():
                raise ValueError("keys names an item that is not below the item of its row")
            return
        if len(keys) and not ((keys >= 0) & (keys < n_items) & (keys != rows)).all():
            raise ValueError("keys names an item that is none, or that of its row")
        if np.bincount(rows, minlength=1).max() > self.most:
            raise ValueError(f"an item has more than max_partners={self.most} partners")

    def check_counts(self, dict kept):
        """Raise ValueError for a record without users, or one that points at wide sums itself."""
        n = np.ascontiguousarray(kept["records"][::3])
        if self.kind == "moments":
            n = n.view(np.int16)[::2] if np.little_endian else n.view(np.int16)[1::2]
        n = n.astype(np.int64)
        if len(kept["wide_at"]):
            many = kept["wide"][::WIDES]
            if (n[kept["wide_at"]] != 0).any():
                raise ValueError("records counts users where wide does")
            n[kept["wide_at"]] = many
        if len(n) and n.min() < 1:
            raise ValueError("records has a pair without users")

    def restore(self, dict kept):
        """Become the store that `export` described; it is empty before."""
        cdef PairStore new = self
        cdef const int64_t[::1] indptr = kept["indptr"]
        cdef const int32_t[::1] keys = kept["keys"]
        cdef const int32_t[:, ::1] small = np.ascontiguousarray(kept["records"]).reshape(-1, 3)
        cdef const int64_t[::1] wide_at = kept["wide_at"]
        cdef const int64_t[:, ::1] wide = np.ascontiguousarray(kept["wide"]).reshape(-1, WIDES)
        cdef Py_ssize_t row, j
        cdef skl_sums a
        new.data.scale.unit, new.data.scale.narrow, new.data.scale.top = kept["scale"]
        new.data.fine = -SCALE_NONE       # unknown
        new.reserve_rows(0, indptr.shape[0] - 1)
        new.reserve_wide(wide.shape[0])
        rows = np.repeat(np.arange(indptr.shape[0] - 1), np.diff(kept["indptr"]))
        for row in range(indptr.shape[0] - 1):
            if indptr[row + 1] > indptr[row]:
                new.fit_row(row, indptr[row + 1] - indptr[row])
            for j in range(indptr[row], indptr[row + 1]):
                memcpy(pairs_touch(&new.data.table, row, keys[j]), &small[j, 0], 12)
        for j in range(wide.shape[0]):
            a.n, a.x, a.y = wide[j, 0], wide[j, 1], wide[j, 2]
            a.xx = wide_of(wide[j, 3], <uint64_t>wide[j, 4])
            a.yy = wide_of(wide[j, 5], <uint64_t>wide[j, 6])
            a.xy = wide_of(wide[j, 7], <uint64_t>wide[j, 8])
            moments_put(&new.data, pairs_touch(&new.data.table, rows[wide_at[j]], keys[wide_at[j]]), &a)
        return self

    def keyed(self, items):
        """(item, item) -> sums by the ids of the rows: both ways about, or (bounded) of each row its own."""
        turn = [0, 1] if self.data.slopes else [0, 2, 1, 4, 3, 5]
        sign = np.array([1.0, -1.0] if self.data.slopes else [1.0] * 6)
        found = {}
        for a, b, sums in zip(*self.sums(), strict=True):
            found[items[int(a)], items[int(b)]] = sums
            if not self.most:
                found[items[int(b)], items[int(a)]] = sign * sums[turn] + 0.0
        return found

    def __reduce__(self):
        return _restore, (self.kind, self.most, self.export())


def _restore(kind, most, kept):
    return PairStore(kind, most).restore(kept)


cdef Py_ssize_t block_of(Py_ssize_t n) noexcept nogil:
    return max((n + LINE - 1) // LINE * LINE, LINE)


cdef object signed(uint64_t word):
    return <int64_t>word


cdef void add_record(skl_moments *m, char *mine, const skl_moments *o, const char *record,
                     bint turn) noexcept:
    """Add one record to another; `turn` where the other has the two items the other way about."""
    cdef skl_sums a, b
    cdef int32_t n
    cdef int64_t d
    if m.slopes:
        memcpy(&n, mine, 4)
        n += <int32_t>moments_count(o, record)
        d = slope_sum(mine) + (-slope_sum(record) if turn else slope_sum(record))
        memcpy(mine, &n, 4)
        memcpy(mine + 4, &d, 8)
        return
    moments_get(m, mine, &a)
    moments_get(o, record, &b)
    a.n += b.n
    a.x += b.y if turn else b.x
    a.y += b.x if turn else b.y
    a.xx = wide_plus(a.xx, b.yy if turn else b.xx)
    a.yy = wide_plus(a.yy, b.xx if turn else b.yy)
    a.xy = wide_plus(a.xy, b.xy)
    moments_put(m, mine, &a)
