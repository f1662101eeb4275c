# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of implicit alternating least squares: each event solves the rows that it touches."""
from libc.math cimport pow
from libc.stdint cimport int32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from skl_increc._kernels._mf cimport MFLearner
from skl_increc._state._blocks cimport CLASSES
from skl_increc._state._journal cimport Journal
from skl_increc.factorization._implicit_steps cimport ImplicitLearner

cdef extern from "als_exact.h" nogil:
    void als_cg(float *x, const float *Y, const float *G, float g, float l2, const int32_t *idx,
                const float *more, const float *full, int n, int steps, float *work, int S)
    void als_coordinate(float *x, const float *Y, const float *G, float g, float l2, const int32_t *idx,
                        const float *more, const float *full, int n, float *work, int k, int S)
    int als_exact(float *x, const float *Y, const double *G, double g, double l2, const int32_t *idx,
                  const float *more, const float *full, int n, double *room, int k, int S)
    void als_gram_move(double *G, double weight, const float *old, const float *new, int k)
    bint als_sane(const float *x, int S)
    Py_ssize_t ALS_ROOM(Py_ssize_t S)

cdef enum:
    CHOLESKY = 0
    CG = 1
    COORDINATE = 2
    # scalars, after two Gram matrices
    WEIGHTS = 0         # the sum of the weights of items where they were not taken
    KNOWN = 1           # items that have had an event
    BROKEN = 2          # solutions not taken, for they were none
    N_COUNTS = 3
    STRENGTH = 0        # column of the pairs
    OFTEN = 16          # users up to which an item is solved at each event, then when they grew by 1/16
    LINE = 64           # bytes

COUNTS = N_COUNTS
SOLVERS = {"cholesky": CHOLESKY, "cg": CG, "coordinate": COORDINATE}


cdef class Sheet:
    """What one thread works on while it solves a row; each thread has its own."""

    cdef void *block
    cdef double *exact          # of the exact solver
    cdef float *flat            # the Gram matrix of the other side in single precision
    cdef float *work            # of the other solvers: 3 rows
    cdef float *old             # the row as it was
    cdef void *lists
    cdef int32_t *idx           # of the rows that a row is solved from
    cdef float *more
    cdef float *full
    cdef float *predicted
    cdef Py_ssize_t room, broken

    def __cinit__(self, Py_ssize_t S):
        cdef Py_ssize_t exact = (ALS_ROOM(S) * sizeof(double) + LINE - 1) // LINE * LINE
        cdef Py_ssize_t at
        self.block = malloc(exact + (S * S + 4 * S) * sizeof(float) + LINE)
        if self.block == NULL:
            raise MemoryError(f"no memory for a matrix of {S} factors")
        at = (<uintptr_t>self.block + LINE - 1) // LINE * LINE
        self.exact = <double *>at
        self.flat = <float *>(at + exact)
        self.work = self.flat + S * S
        self.old = self.work + 3 * S

    def __dealloc__(self):
        free(self.block)
        free(self.lists)

    cdef int reserve(self, Py_ssize_t n) except -1:
        """Room for a list of so many rows."""
        cdef void *lists
        if n <= self.room:
            return 0
        n += n // 2
        lists = malloc(n * (sizeof(int32_t) + 3 * sizeof(float)))
        if lists == NULL:
            raise MemoryError(f"no memory for a list of {n} rows")
        free(self.lists)
        self.lists, self.room = lists, n
        self.idx = <int32_t *>lists
        self.more = <float *>(self.idx + n)
        self.full, self.predicted = self.more + n, self.more + 2 * n
        return 0


cdef class ALSLearner(ImplicitLearner):
    """Learner of ``ImplicitALS``.

    The rows hold "factors" and "stat" (the prior of an item as its bias, its weight where it was not taken;
    the events of a row); the scalars two Gram matrices, of the user rows and of the item rows, the latter
    with these weights, and counts; a journal the users of each item.
    """
    cdef Journal takers
    cdef double *gram
    cdef double *counts
    cdef double l2, alpha, prior, exponent
    cdef int solver, cg_steps
    cdef Sheet sheet            # of single events

    def __cinit__(self, int k, Py_ssize_t stride):
        self.sheet = Sheet(stride)

    def configure_solver(self, *, double l2, double alpha, double prior, double exponent, int solver,
                         int cg_steps):
        """Take the parameters of the loss and of how a row is solved."""
        self.l2, self.alpha, self.prior, self.exponent = l2, alpha, prior, exponent
        self.solver, self.cg_steps = solver, cg_steps

    def bind(self, dict users, dict items, scalars):
        MFLearner.bind(self, users, items, scalars)
        self.gram = &self.scalars[0]
        self.counts = self.gram + 2 * self.m.k * self.m.k
        self.m.broken = self.counts + BROKEN

    def attach_stores(self, dict stores):
        ImplicitLearner.attach_stores(self, stores)
        self.takers = stores["takers"]

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        MFLearner.start(self, side, row, hash)
        if side == 0:                # solved at its first event
            memset(self.m.P + row * self.m.stride, 0, self.m.stride * sizeof(float))

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[STRENGTH] = y * w

    # -- room -----------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Room for the longest list that there may be, and for the users that items gain."""
        cdef Py_ssize_t j, most = 0, m, units = 0, largest = 0
        cdef int c
        coming = {}
        for j in range(n):
            if u[j] >= 0 and i[j] >= 0 and w[j] > 0:
                most = max(most, <Py_ssize_t>self.known.length(u[j]), self.takers.length_of(i[j]))
                coming[i[j]] = coming.get(i[j], 0) + 1
        for item, more in coming.items():       # every block that its list may pass through
            c, m = self.takers.heads[<Py_ssize_t>item].size, self.takers.length_of(item) + more
            while c == 0 or (self.takers.rooms[c - 1] < m and c < CLASSES):
                c = c + 1 if c else self.takers.smallest + 1
                units += <Py_ssize_t>1 << (c - 1)
                largest = max(largest, <Py_ssize_t>1 << (c - 1))
        if units:
            self.takers.blocks.reserve(units + 2 * largest)
        self.sheet.reserve(most + n)
        return 0

    # -- learning -------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        cdef double before = self.counts[BROKEN]
        for j in range(n):
            if i[j] >= 0 and w[j] > 0:
                self.meet(i[j])
                if u[j] >= 0:
                    with gil:
                        self.take(u[j], i[j], y[j] * w[j])
                    self.event(u[j], i[j])
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)
        self.tell_once(before)

    cdef void meet(self, int32_t i) noexcept nogil:
        """Count an event of an item, which weighs more then; with the first its start joins the matrix."""
        cdef float *weight = &self.m.SI[i].bias_acc
        cdef float before = weight[0]
        self.m.SI[i].n += 1
        self.m.SI[i].bias = <float>(self.prior * self.m.SI[i].n)
        if self.m.SI[i].n == 1:
            self.counts[KNOWN] += 1
        elif self.exponent == 0:
            return
        weight[0] = <float>pow(self.m.SI[i].n, self.exponent)
        self.counts[WEIGHTS] += <double>weight[0] - before
        memset(self.sheet.old, 0, self.m.stride * sizeof(float))
        als_gram_move(self.gram + self.m.k * self.m.k, <double>weight[0] - before, self.sheet.old,
                      self.m.Q + i * self.m.stride, self.m.k)

    cdef int take(self, int32_t u, int32_t i, double strength) except -1:
        """Note in the list of the item what its user, whose own list knows by now, has taken of it in all."""
        cdef const int32_t *items = NULL
        cdef const double *sums = NULL
        cdef Py_ssize_t n = self.known.pairs_of(u, STRENGTH, &items, &sums), j
        cdef double total = sums[n - 1]         # what was taken last stands last
        if total != strength:
            for j in range(self.takers.length_of(i) - 1, -1, -1):
                if self.takers.others(i)[j] == u:
                    (<double *>self.takers.values(i, 0))[j] = total
                    return 0
        self.takers.append_c(i, u, &total)
        return 0

    cdef void event(self, int32_t u, int32_t i) noexcept nogil:
        """Solve the user, the item if it is due, and then the user anew."""
        cdef Py_ssize_t m = self.takers.length_of(i)
        cdef float *done = &self.m.SI[i].acc
        self.solve_and_follow(0, u)
        if m <= OFTEN or m * OFTEN >= (OFTEN + 1) * <Py_ssize_t>done[0]:
            done[0] = <float>m
            self.solve_and_follow(1, i)
            self.solve_and_follow(0, u)
        self.m.SU[u].n += 1

    cdef void solve_and_follow(self, int side, Py_ssize_t row) noexcept nogil:
        """Solve a row, and move the Gram matrix of its side."""
        cdef int k = self.m.k
        cdef const float *x = (self.m.P if side == 0 else self.m.Q) + row * self.m.stride
        self.flatten(1 - side, self.sheet)
        if self.solve(side, row, self.sheet):
            als_gram_move(self.gram + side * k * k, self.m.SI[row].bias_acc if side else 1,
                          self.sheet.old, x, k)
        else:
            self.counts[BROKEN] += 1

    cdef double share(self) noexcept nogil:
        """What turns weights of items into those whose mean is 1."""
        cdef bint alike = self.exponent == 0 or self.counts[KNOWN] == 0
        return 1 if alike else self.counts[KNOWN] / self.counts[WEIGHTS]

    cdef double weight_of(self, Py_ssize_t i) noexcept nogil:
        """What an item counts where it was not taken."""
        return self.m.SI[i].bias_acc * self.share() if self.exponent != 0 else 1

    cdef int gather(self, int side, Py_ssize_t row, Sheet s) noexcept nogil:
        """The rows that a row is solved from, what each counts, and how much more that is; how many."""
        cdef const int32_t *others = NULL
        cdef const double *strength = NULL
        cdef Py_ssize_t n, j
        cdef int m = 0
        cdef double taken, untaken = self.weight_of(row) if side else 1
        if side == 0:
            n = self.known.pairs_of(row, STRENGTH, &others, &strength)
        else:
            n = self.takers.length_of(row)
            if n:
                others, strength = self.takers.others(row), self.takers.values(row, 0)
        for j in range(n):
            if strength[j] > 0:
                if side == 0 and self.exponent != 0:
                    untaken = self.weight_of(others[j])
                taken = min(self.alpha * strength[j], 1e12)
                s.idx[m], s.full[m] = others[j], <float>(1 + taken)
                s.more[m] = <float>(taken + (1 - untaken))
                m += 1
        return m

    cdef bint solve(self, int side, Py_ssize_t row, Sheet s) noexcept nogil:
        """Solve a row, which was as s.old says; False: it is as it was, because the solution is none."""
        cdef int k = self.m.k, S = <int>self.m.stride, n = self.gather(side, row, s)
        cdef float *x = (self.m.P if side == 0 else self.m.Q) + row * S
        cdef const float *Y = self.m.Q if side == 0 else self.m.P
        cdef double g = self.weight_of(row) if side else self.share()
        cdef bint sane = True
        memcpy(s.old, x, S * sizeof(float))
        if self.solver == CHOLESKY:
            sane = als_exact(x, Y, self.gram + (1 - side) * k * k, g, self.l2, s.idx, s.more, s.full, n,
                             s.exact, k, S)
        elif self.solver == CG:
            als_cg(x, Y, s.flat, <float>g, <float>self.l2, s.idx, s.more, s.full, n, self.cg_steps, s.work,
                   S)
        else:
            als_coordinate(x, Y, s.flat, <float>g, <float>self.l2, s.idx, s.more, s.full, n, s.predicted,
                           k, S)
        if sane and als_sane(x, S):
            return True
        memcpy(x, s.old, S * sizeof(float))
        return False

    cdef void flatten(self, int side, Sheet s) noexcept nogil:
        """The Gram matrix of a side in single precision, for the solvers that want it."""
        cdef int k = self.m.k, S = <int>self.m.stride, f, g
        cdef const double *G = self.gram + side * k * k
        if self.solver == CHOLESKY:
            return
        memset(s.flat, 0, S * S * sizeof(float))
        for f in range(k):
            for g in range(k):
                s.flat[f * S + g] = <float>G[f * k + g]

    # -- all rows -------------------------------------------------------------------------------
    def sheets(self, int n, Py_ssize_t n_users, Py_ssize_t n_items):
        """What n threads need to solve rows, with room for the longest list."""
        cdef Py_ssize_t r, most = 0
        cdef Sheet s
        for r in range(n_users):
            most = max(most, <Py_ssize_t>self.known.length(r))
        for r in range(n_items):
            most = max(most, self.takers.length_of(r))
        found = []
        for _ in range(n):
            s = Sheet(self.m.stride)
            s.reserve(most)
            found.append(s)
        return found

    def solve_rows(self, int side, Py_ssize_t first, Py_ssize_t end, Sheet s):
        """Solve the rows first .. end - 1 of a side; `follow_all` comes when all are done."""
        cdef Py_ssize_t r
        with nogil:
            self.flatten(1 - side, s)
            for r in range(first, end):
                if side == 0 or self.m.SI[r].n > 0:
                    s.broken += not self.solve(side, r, s)

    def follow_all(self, int side, Py_ssize_t n, list sheets):
        """Sum up the Gram matrix of a side, whose n rows have all been solved, and what went wrong."""
        cdef Py_ssize_t r
        cdef int k = self.m.k
        cdef const float *X = self.m.P if side == 0 else self.m.Q
        cdef double *G = self.gram + side * k * k
        cdef double before = self.counts[BROKEN]
        cdef Sheet s
        for s in sheets:
            self.counts[BROKEN] += s.broken
            s.broken = 0
        with nogil:
            memset(G, 0, k * k * sizeof(double))
            memset(self.sheet.old, 0, self.m.stride * sizeof(float))
            for r in range(n):
                if side == 0 or self.m.SI[r].n > 0:
                    als_gram_move(G, self.m.SI[r].bias_acc if side else 1, self.sheet.old,
                                  X + r * self.m.stride, k)
            self.tell_once(before)

    # -- answers --------------------------------------------------------------------------------
    def advice(self):
        return ("ImplicitALS: the equations of a row had no solution, or one beyond all measure; the row is "
                "as it was. Lower alpha or init_scale, or raise l2.")

    cdef MFLearner reader(self):
        cdef ALSLearner r = ALSLearner.__new__(ALSLearner, self.m.k, self.m.stride)
        self.lend(r)
        return r
