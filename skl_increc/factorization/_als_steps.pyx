# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of implicit alternating least squares: each event solves the rows that it touches."""
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from skl_increc._kernels._learner cimport Pairs
from skl_increc._kernels._mf cimport MFLearner
from skl_increc._state._blocks cimport CLASSES
from skl_increc._state._history cimport History
from skl_increc._state._journal cimport Journal

cdef extern from "als.h" nogil:
    void als_cg(float *x, const float *Y, const float *G, const int32_t *idx, const float *more, int n,
                int steps, float *work, int S)
    void als_coordinate(float *x, const float *Y, const float *G, const int32_t *idx, const float *more,
                        int n, float *work, int k, int S)
    int als_exact(float *x, const float *Y, const double *G, double l2, const int32_t *idx, const float *more,
                  int n, double *A, double *b, int k, int S)
    void als_gram_move(double *G, const float *old, const float *new, int k)

cdef enum:
    CHOLESKY = 0
    CG = 1
    COORDINATE = 2
    STRENGTH = 0        # column of the pairs
    OTHERS_TURN = 256   # events after which another thread may go first
    OFTEN = 16          # users up to which an item is solved at each event, then when they grew by 1/16

SOLVERS = {"cholesky": CHOLESKY, "cg": CG, "coordinate": COORDINATE}


cdef class ALSLearner(MFLearner):
    """Learner of ``ImplicitALS``.

    The rows hold "factors" and "stat" (the prior of an item as its bias; the events of a row); the scalars
    two Gram matrices, of the user rows and of the item rows; a journal the users of each item.
    """
    cdef History known
    cdef Journal takers
    cdef double *gram
    cdef double l2, alpha, prior
    cdef int solver, cg_steps
    cdef Py_ssize_t room
    cdef int32_t *idx
    cdef float *more
    cdef float *work            # of the solvers, the Gram matrix as floats, a row as it was
    cdef double *exact

    def __cinit__(self, int k, Py_ssize_t stride):
        self.exact = <double *>malloc((k * k + k) * sizeof(double))
        self.work = <float *>malloc((4 * stride + stride * stride) * sizeof(float))
        if self.exact == NULL or self.work == NULL:
            raise MemoryError(f"no memory for a matrix of {k} factors")

    def __dealloc__(self):
        free(self.idx)
        free(self.more)
        free(self.work)
        free(self.exact)

    def configure_solver(self, *, double l2, double alpha, double prior, int solver, int cg_steps):
        """Take the parameters of the loss and of how a row is solved."""
        self.l2, self.alpha, self.prior = l2, alpha, prior
        self.solver, self.cg_steps = solver, cg_steps

    def bind(self, dict users, dict items, scalars):
        MFLearner.bind(self, users, items, scalars)
        self.gram = &self.scalars[0]

    def attach_pairs(self, Pairs pairs):
        self.known = pairs

    def attach_stores(self, dict stores):
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
        self.reserve_lists(most + n)
        return 0

    cdef int reserve_lists(self, Py_ssize_t n) except -1:
        """Room to gather a list of so many rows."""
        cdef int32_t *idx
        cdef float *more
        if n <= self.room:
            return 0
        n += n // 2
        idx, more = <int32_t *>malloc(n * sizeof(int32_t)), <float *>malloc(2 * n * sizeof(float))
        if idx == NULL or more == NULL:
            free(idx)
            free(more)
            raise MemoryError(f"no memory for a list of {n} rows")
        free(self.idx)
        free(self.more)
        self.idx, self.more, self.room = idx, more, n
        return 0

    # -- learning -------------------------------------------------------------------------------
    def learn_in_order(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
                       const double[::1] w, const double[::1] t):
        """Note each event in the history, which has room for it, just before it is learned.

        Readers of the lists hold the GIL, so that others get their turn only between two events.
        """
        cdef Py_ssize_t j
        cdef double strength
        for j in range(u.shape[0]):
            if u[j] >= 0 and i[j] >= 0:
                strength = y[j] * w[j]
                self.known.append_c(u[j], i[j], &strength)
            self.learn(&u[j], &i[j], &y[j], &w[j], &t[j], 1)
            if j % OTHERS_TURN == OTHERS_TURN - 1:
                with nogil:
                    pass

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            if i[j] >= 0 and w[j] > 0:
                self.meet(i[j])
                if u[j] >= 0:
                    with gil:
                        self.take(u[j], i[j], y[j] * w[j])
                    self.event(u[j], i[j])

    cdef void meet(self, int32_t i) noexcept nogil:
        """Count an event of an item; with its first one its start joins the Gram matrix."""
        if self.m.SI[i].n == 0:
            memset(self.work, 0, self.m.stride * sizeof(float))
            als_gram_move(self.gram + self.m.k * self.m.k, self.work, self.m.Q + i * self.m.stride, self.m.k)
        self.m.SI[i].n += 1
        self.m.SI[i].bias = <float>(self.prior * self.m.SI[i].n)

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
        self.solve(0, u, True)
        if m <= OFTEN or m * OFTEN >= (OFTEN + 1) * <Py_ssize_t>done[0]:
            done[0] = <float>m
            self.solve(1, i, True)
            self.solve(0, u, True)
        self.m.SU[u].n += 1

    cdef int gather(self, int side, Py_ssize_t row) noexcept nogil:
        """The rows that a row is solved from, and by how much each counts more than nothing; how many."""
        cdef const int32_t *others = NULL
        cdef const double *strength = NULL
        cdef Py_ssize_t n, j
        cdef int m = 0
        if side == 0:
            n = self.known.pairs_of(row, STRENGTH, &others, &strength)
        else:
            n = self.takers.length_of(row)
            if n:
                others, strength = self.takers.others(row), self.takers.values(row, 0)
        for j in range(n):
            if strength[j] > 0:
                self.idx[m] = others[j]
                self.more[m] = <float>min(self.alpha * strength[j], 1e12)
                m += 1
        return m

    cdef void solve(self, int side, Py_ssize_t row, bint follow) noexcept nogil:
        """Solve a row; `follow`: and move the Gram matrix of its side."""
        cdef int k = self.m.k, S = <int>self.m.stride, n = self.gather(side, row)
        cdef float *x = (self.m.P if side == 0 else self.m.Q) + row * S
        cdef const float *Y = self.m.Q if side == 0 else self.m.P
        cdef const double *G = self.gram + (1 - side) * k * k
        cdef float *old = self.work
        cdef float *flat = self.work + 4 * S
        memcpy(old, x, S * sizeof(float))
        if self.solver == CHOLESKY:
            als_exact(x, Y, G, self.l2, self.idx, self.more, n, self.exact, self.exact + k * k, k, S)
        else:
            if follow:
                self.flatten(1 - side)
            if self.solver == CG:
                als_cg(x, Y, flat, self.idx, self.more, n, self.cg_steps, self.work + S, S)
            else:
                als_coordinate(x, Y, flat, self.idx, self.more, n, self.more + self.room, k, S)
        if follow:
            als_gram_move(self.gram + side * k * k, old, x, k)

    cdef void flatten(self, int side) noexcept nogil:
        """The Gram matrix of a side in single precision, with l2 on its diagonal."""
        cdef int k = self.m.k, S = <int>self.m.stride, f, g
        cdef float *flat = self.work + 4 * S
        cdef const double *G = self.gram + side * k * k
        memset(flat, 0, S * S * sizeof(float))
        for f in range(k):
            for g in range(k):
                flat[f * S + g] = <float>G[f * k + g]
            flat[f * S + f] = <float>(G[f * k + f] + self.l2)

    # -- all rows -------------------------------------------------------------------------------
    def longest(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Make room for the longest list, as `sweep` needs it."""
        cdef Py_ssize_t r, most = 0
        for r in range(n_users):
            most = max(most, <Py_ssize_t>self.known.length(r))
        for r in range(n_items):
            most = max(most, self.takers.length_of(r))
        self.reserve_lists(most)

    def sweep(self, Py_ssize_t n_users, Py_ssize_t n_items):
        """Solve all users, then all items; `longest` has made the room."""
        with nogil:
            self.sweep_side(0, n_users)
            self.sweep_side(1, n_items)

    cdef void sweep_side(self, int side, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t r
        cdef int k = self.m.k, S = <int>self.m.stride
        cdef double *G = self.gram + side * k * k
        cdef const float *X = self.m.P if side == 0 else self.m.Q
        if self.solver != CHOLESKY:
            self.flatten(1 - side)
        for r in range(n):
            if side == 0 or self.m.SI[r].n > 0:
                self.solve(side, r, False)
        memset(G, 0, k * k * sizeof(double))
        memset(self.work, 0, S * sizeof(float))
        for r in range(n):
            if side == 0 or self.m.SI[r].n > 0:
                als_gram_move(G, self.work, X + r * S, k)

    # -- answers --------------------------------------------------------------------------------
    cdef void units(self, double *centre, double *scale) noexcept nogil:
        centre[0], scale[0] = 0, 1

    cdef double finish(self, float s, double centre, double scale, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        return s

    cdef double clipped(self, double s) noexcept nogil:
        return s

    cdef MFLearner reader(self):
        cdef ALSLearner r = ALSLearner.__new__(ALSLearner, self.m.k, self.m.stride)
        self.lend(r)
        return r
