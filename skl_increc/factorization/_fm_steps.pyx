# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of factorisation machines: what an event says, gathered into rows, and one step over them."""
from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from skl_increc._kernels._mf cimport (
    MF_BLOCK,
    MFLearner,
    mf_learn,
    mf_model,
    mf_stat,
    mf_targets,
    skl_row_start,
)
from skl_increc._state._feature_tables cimport Encoded, Features, FeatureTable, entry

from skl_increc.base._context import names_in, number_in, vector_in
cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)

cdef extern from "fm.h" nogil:
    enum: FM_SUMS
    float fm_standard(fm_number *T, double value, double w, int count)
    int fm_learn(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni, float target,
                 float offset, float w, float *sums)
    float fm_sum_side(const mf_model *m, const fm_kind *kind, const fm_part *part, int n, float *sum)
    float fm_product(const mf_model *m, const float *a, const float *b)

cdef enum:
    WHO = 0            # sides
    WHAT = 1
    OTHER = 2          # what is compared with it
    NUMBERS = 5        # float64 of a numeric row
    FIRST_SIDE = 2     # of the random start: users are 0, items are 1


cdef int enlarge(desk *d, Py_ssize_t most) except -1:
    """Room for so many features on a side; on error nothing has changed."""
    cdef fm_part *parts
    if most > d.room:
        parts = <fm_part *>malloc(3 * most * sizeof(fm_part))
        if parts == NULL:
            raise MemoryError(f"no memory for an event of {most} features")
        free(d.parts)
        d.parts, d.room = parts, most
    return 0


cdef class FMLearner(MFLearner):
    """Learner of the factorisation machines; beside the rows of ``MFLearner`` there is a store "features"."""

    def __cinit__(self, int k, Py_ssize_t stride):
        self.kind.all = 1
        self.mine.sums = <float *>malloc(FM_SUMS * stride * sizeof(float))
        self.asked.sums = <float *>malloc(FM_SUMS * stride * sizeof(float))
        if self.mine.sums == NULL or self.asked.sums == NULL:
            raise MemoryError("no memory for sums of factors")
        self.fit(2)

    def __dealloc__(self):
        free(self.mine.sums)
        free(self.asked.sums)
        free(self.mine.parts)
        free(self.asked.parts)
        free(self.tables)

    def configure_machine(self, *, bint pairs_within, bint ftrl, float l1, classes, columns, keys,
                          str separator):
        """Take the parameters that ``MFLearner`` does not have; for `classes` see `weigh`."""
        self.kind.all, self.kind.ftrl, self.kind.l1 = pairs_within, ftrl, l1
        self.weigh(classes)
        self.columns, self.keys, self.separator = columns, keys, separator
        self.scores_in_python = bool(columns)
        self.plain = not columns and not ftrl and classes == (1, 1)

    def attach_stores(self, dict stores):
        cdef rows_at *tables
        cdef Features features = stores["features"]
        if features is self.features:
            self.describe(0, stores["user_features"])
            self.describe(1, stores["item_features"])
            self.fit(self.coming.n + self.spare() if self.coming is not None else self.spare())
            return
        if len(features.tables) > self.n_tables:
            tables = <rows_at *>malloc(len(features.tables) * sizeof(rows_at))
            if tables == NULL:
                raise MemoryError("no memory for the tables of features")
            free(self.tables)
            self.tables, self.n_tables = tables, len(features.tables)
        self.features = features
        self.describe(0, stores.get("user_features"))
        self.describe(1, stores.get("item_features"))
        self.point()
        self.fit(self.coming.longest + self.spare() if self.coming is not None else self.spare())

    def describe(self, int side, store):
        """Take what is known of users or items."""
        cdef known *to = &self.described[side]
        cdef int64_t[::1] start
        cdef int32_t[::1] length, columns
        cdef float[::1] values
        if store is None or (self.versions is not None and self.versions[side][1] is store.entries
                             and self.versions[side][0] == store.version):
            return                             # as it was: new rows ask for this each time
        start, length, columns, values = entries = store.entries
        to.n = 0
        to.start, to.length, to.columns, to.values = &start[0], &length[0], &columns[0], &values[0]
        to.n = start.shape[0]
        if self.versions is None:
            self.versions = [(-1, None), (-1, None)]
        if self.versions[side][0] != store.version:
            to.most = entries.length.max(initial=0)
        self.versions[side] = store.version, entries       # the arrays live as long as they are pointed at

    cdef Py_ssize_t spare(self) noexcept:
        """The features of an event beside those of its context, at most."""
        return 2 + max(self.described[0].most, self.described[1].most)

    def start_columns(self, int side, list hashes):
        """Begin rows for the last columns of what users or items are, whose names have these hashes."""
        cdef FeatureTable t = self.features.tables[len(self.features.tables) - 2 + side]
        cdef Py_ssize_t first = t.n, j
        t.resize(first + len(hashes))
        for j in range(len(hashes)):
            skl_row_start(t.V + (first + j) * self.m.stride, self.m.k, self.m.stride, self.init_scale,
                          self.start_kind, &self.quantiles[0], self.seed,
                          FIRST_SIDE + len(self.features.tables) + side, hashes[j])
        self.point()

    cdef int point(self) except -1:
        """Find the rows of the features, which may have moved."""
        cdef FeatureTable t
        cdef Py_ssize_t c = 0
        for t in self.features.tables:
            self.tables[c].V, self.tables[c].S, self.tables[c].T = t.V, <mf_stat *>t.S, <fm_number *>t.T
            self.tables[c].n = t.n
            c += 1
        self.described[0].rows, self.described[1].rows = self.tables[c - 2], self.tables[c - 1]
        return 0

    cdef int fit(self, Py_ssize_t most) except -1:
        """Room for so many features on a side; on error nothing has changed."""
        enlarge(&self.mine, most)
        enlarge(&self.asked, most)
        return 0

    # -- what events say ------------------------------------------------------------------------
    def read_event(self, dict x, object user, object item):
        """Read what else the next event says, and give it rows; on error nothing has changed."""
        if self.coming is None:
            self.coming = Encoded()
        self.features.begin()
        try:
            self.coming.clear()
            self.at = 0
            self.read_into(self.coming, x, user, item, True)
            self.fit(self.coming.n + self.spare())
            self.start_new()
        except BaseException:
            self.features.limit_rows(0, 0)
            raise

    def take(self, Encoded coming):
        """These are the features of the next events; rows added since ``Features.begin`` get their start."""
        self.fit(coming.longest + self.spare())
        self.start_new()
        self.coming, self.at = coming, 0

    def rewind(self):
        """The events that come next are those of `take` again."""
        self.at = 0

    cdef int start_new(self) except -1:
        """Fill the rows that were added for the coming events."""
        cdef FeatureTable t
        cdef Py_ssize_t c = 0, row
        cdef uint64_t h
        for t in self.features.tables[:len(self.features.tables) - 2]:
            for row in range(self.features.fresh(c), t.n):
                h = skl_mix(<uint64_t>row) if t.ids is None else t.ids.hash_of(row)
                skl_row_start(t.V + row * self.m.stride, self.m.k, self.m.stride, self.init_scale,
                              self.start_kind, &self.quantiles[0], self.seed, FIRST_SIDE + c, h)
                if t.numeric:
                    t.T[row * NUMBERS + NUMBERS - 1] = 1 / sqrt(<double>t.n)
            c += 1
        return self.point()

    cdef int read_into(self, Encoded e, dict x, object user, object item, bint add) except -1:
        """Read the columns of one event; `add`: what is new gets a row."""
        cdef FeatureTable t
        cdef Py_ssize_t c = 0, row, width
        cdef int32_t place
        cdef uint64_t salt
        cdef double value
        for key, kind, side in self.columns:
            cell = user if key == self.keys[0] else item if key == self.keys[1] else x.get(key, x.get(c + 2))
            place = self.features.table_of[c]
            t, salt = self.features.tables[place], self.features.salts[c]
            place = 2 * place + <int32_t>side
            c += 1
            if kind == "category":
                row = t.add(cell, salt) if add else t.find(cell, salt)
                if row >= 0:
                    e.push(place, <int32_t>row, 1)
            elif kind == "list":
                names, numbers = names_in(cell, self.separator)
                for width in range(len(names)):
                    row = t.add(names[width], salt) if add else t.find(names[width], salt)
                    value = 1 / sqrt(<double>len(names)) if numbers is None else numbers[width]
                    if value != value:
                        value = 1 / sqrt(<double>len(names))
                    if row >= 0:
                        e.push(place, <int32_t>row, value)
            elif kind == "number":
                value = number_in(cell, key)
                if value == value:
                    if add and t.n == 0:
                        t.resize(1)
                    if t.n:
                        e.push(place, 0, value)
            else:
                vector = vector_in(cell, key)
                if vector is None:
                    continue
                if t.n == 0 and add:
                    t.resize(len(vector))
                check_width(t, len(vector), key)
                for row in range(t.n):
                    value = vector[row]
                    if value == value:
                        e.push(place, <int32_t>row, value)
        e.close()
        return 0

    # -- one event ------------------------------------------------------------------------------
    cdef void add_row(self, desk *d, int side, float *V, mf_stat *S, Py_ssize_t row, float x) noexcept nogil:
        cdef fm_part *p = d.parts + side * d.room + d.n[side]
        if row >= 0:
            p.v, p.s, p.x = V + row * self.m.stride, S + row, x
            d.n[side] += 1

    cdef void add_described(self, desk *d, int segment, int side, Py_ssize_t row) noexcept nogil:
        """Add what is known of a user or item; its numbers are as long as 1 together."""
        cdef known *of = &self.described[side]
        cdef Py_ssize_t j, first, last
        cdef double squares = 0
        if row < 0 or row >= of.n or of.length[row] == 0:
            return
        first, last = of.start[row], of.start[row] + of.length[row]
        for j in range(first, last):
            squares += of.values[j] * of.values[j]
        for j in range(first, last):
            if of.columns[j] < of.rows.n and of.values[j] != 0:
                self.add_row(d, segment, of.rows.V, of.rows.S, of.columns[j],
                             <float>(of.values[j] / sqrt(squares)))

    cdef void gather(self, desk *d, Encoded e, Py_ssize_t event, int32_t u, int32_t i, double w,
                     bint count) noexcept nogil:
        """Put the rows of an event on the desk; `count`: its numbers count for their scale."""
        cdef Py_ssize_t j
        cdef entry *one
        cdef rows_at *t
        cdef float x
        d.n[WHO] = d.n[WHAT] = d.n[OTHER] = 0
        self.add_row(d, WHO, self.m.P, self.m.SU, u, 1)
        self.add_row(d, WHAT, self.m.Q, self.m.SI, i, 1)
        self.add_described(d, WHO, 0, u)
        self.add_described(d, WHAT, 1, i)
        if e is None:
            return
        for j in range(e.first(event), e.first(event + 1)):
            one = e.entries + j
            t = self.tables + (one.place >> 1)
            x = <float>one.value if t.T == NULL else fm_standard(t.T + one.row, one.value, w, count)
            if x != 0:
                self.add_row(d, one.place & 1, t.V, t.S, one.row, x)

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef float target[MF_BLOCK]
        cdef float offset[MF_BLOCK]
        cdef float weight[MF_BLOCK]
        cdef Py_ssize_t a = 0, j
        cdef int b
        cdef desk *d = &self.mine
        cdef double before = self.m.broken[0]
        self.features.open = False
        if self.plain and not self.described[0].most and not self.described[1].most:
            mf_learn(&self.m, self.T, u, i, y, w, n, self.count)
            self.tell_once(before)
            return
        while a < n:
            b = <int>min(n - a, <Py_ssize_t>MF_BLOCK)
            mf_targets(&self.m, self.T, y + a, w + a, b, self.count, target, offset, weight)
            for j in range(b):
                self.gather(d, self.coming, self.at, u[a + j], i[a + j], w[a + j], self.count)
                self.m.broken[0] += fm_learn(&self.m, &self.kind, d.parts, d.n[WHO], d.parts + d.room,
                                             d.n[WHAT], target[j], offset[j], weight[j], d.sums)
                self.at += 1
            a += b
        self.tell_once(before)

    # -- answers --------------------------------------------------------------------------------
    cdef float total(self, desk *d) noexcept nogil:
        """What the rows on the desk come to, in standard units."""
        cdef float *B = d.sums + self.m.stride
        cdef float a = fm_sum_side(&self.m, &self.kind, d.parts, d.n[WHO], d.sums)
        cdef float b = fm_sum_side(&self.m, &self.kind, d.parts + d.room, d.n[WHAT], B)
        return a + b + fm_product(&self.m, d.sums, B)

    cdef void raw(self, const int32_t *u, int step_u, const int32_t *i, int step_i, Py_ssize_t n,
                  float *out) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            self.gather(&self.asked, None, 0, u[j * step_u], i[j * step_i], 1, False)
            out[j] = self.total(&self.asked)

    cdef void raw_row(self, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out) noexcept nogil:
        cdef desk *d = &self.asked
        cdef float *B = d.sums + self.m.stride
        cdef Py_ssize_t j
        cdef float a
        self.gather(d, None, 0, u, -1, 1, False)
        a = fm_sum_side(&self.m, &self.kind, d.parts, d.n[WHO], d.sums)
        for j in range(n):
            d.n[WHAT] = 0
            self.add_row(d, WHAT, self.m.Q, self.m.SI, first + j, 1)
            self.add_described(d, WHAT, 1, first + j)
            out[j] = a + fm_sum_side(&self.m, &self.kind, d.parts + d.room, d.n[WHAT], B)
            out[j] += fm_product(&self.m, d.sums, B)

    def score_event(self, dict x, object user, object item, Py_ssize_t u, Py_ssize_t i):
        """As `score`, with what else the event says."""
        cdef Encoded e = Encoded()
        cdef double c, scale
        self.read_into(e, x, user, item, False)
        enlarge(&self.asked, e.n + self.spare())                  # from here on no other thread comes between
        self.gather(&self.asked, e, 0, <int32_t>u, <int32_t>i, 1, False)
        self.units(&c, &scale)
        return self.clipped(c + scale * self.total(&self.asked))

    def score_events(self, const int32_t[::1] u, const int32_t[::1] i, Encoded e, bint clip=False):
        """Scores of pairs of codes with what else was read of them, float64 (n,)."""
        cdef Py_ssize_t n = u.shape[0], j
        cdef double[::1] out = np.empty(n)
        cdef FMLearner mine = self.reader()
        cdef double c, scale
        enlarge(&mine.asked, e.longest + self.spare())
        with nogil:
            mine.units(&c, &scale)
            for j in range(n):
                mine.gather(&mine.asked, e, j, u[j], i[j], 1, False)
                out[j] = c + scale * mine.total(&mine.asked)
                if clip:
                    out[j] = mine.clipped(out[j])
        return np.asarray(out)

    def read_one(self, dict x, object user):
        """What the columns of one event say beside the item, for `score_in`."""
        cdef Encoded e = Encoded()
        self.read_into(e, x, user, None, False)
        return e

    def score_in(self, Py_ssize_t u, const int32_t[::1] items, Encoded e, Py_ssize_t event):
        """Scores float64 (n,) of items for a user, with what else was read of who asks in this event."""
        cdef Py_ssize_t n = items.shape[0], j
        cdef double[::1] out = np.empty(n)
        cdef FMLearner mine = self.reader()
        cdef desk *d = &mine.asked
        cdef double c, scale
        enlarge(d, e.longest + self.spare())
        with nogil:
            mine.units(&c, &scale)
            mine.gather(d, e, event, <int32_t>u, -1, 1, False)
            for j in range(n):
                d.n[WHAT] = 0
                mine.add_row(d, WHAT, mine.m.Q, mine.m.SI, items[j], 1)
                mine.add_described(d, WHAT, 1, items[j])
                out[j] = c + scale * mine.total(d)
        return np.asarray(out)

    def vectors(self, int side, const int32_t[::1] rows):
        """What rows of users or items come to: sums of vectors float32 (n, stride), and own scores (n,)."""
        cdef Py_ssize_t n = rows.shape[0], j
        cdef float[:, ::1] out = np.zeros((n, self.m.stride), np.float32)
        cdef float[::1] own = np.zeros(n, np.float32)
        cdef FMLearner mine = self.reader()
        cdef desk *d = &mine.asked
        with nogil:
            for j in range(n):
                mine.gather(d, None, 0, rows[j] if side == 0 else -1, rows[j] if side else -1, 1, False)
                own[j] = fm_sum_side(&mine.m, &mine.kind, d.parts + side * d.room, d.n[side], &out[j, 0])
        return np.asarray(out), np.asarray(own)

    cdef MFLearner reader(self):
        cdef FMLearner r = FMLearner.__new__(FMLearner, self.m.k, self.m.stride)
        self.lend(r)
        r.kind = self.kind
        r.kept = [(t.factors, t.stat, t.number) for t in self.features.tables]
        r.described[0], r.described[1] = self.described[0], self.described[1]
        r.versions = None if self.versions is None else list(self.versions)
        r.attach_stores({"features": self.features})
        enlarge(&r.asked, self.asked.room)
        return r


def check_width(FeatureTable t, Py_ssize_t width, key):
    """Raise ValueError for a vector of another length than those before."""
    if t.n and width != t.n:
        raise ValueError(
            f"The vectors of {key!r} had {t.n} numbers, and now {width}. Give all the same length.")
