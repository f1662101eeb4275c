# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Lists of a compiled learner: all scores, what a user had left out, the k best; no Python in between."""
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc

import numpy as np

from skl_increc._state._state cimport State

cdef extern from "topk.h" nogil:
    void topk_row(double *s, int n, const int32_t *hidden, Py_ssize_t n_hidden, int k, double *hs,
                  int32_t *hi, const int64_t *keys, const uint8_t *kind)


cdef class Desk:
    """Room for one user's scores and list.  Each call has its own, as threads may ask together."""

    cdef double *scores
    cdef double *best
    cdef int32_t *rows

    def __cinit__(self, Py_ssize_t n, Py_ssize_t k):
        self.scores = <double *>malloc((n + 1 + k) * sizeof(double) + k * sizeof(int32_t))
        if self.scores == NULL:
            raise MemoryError(f"no memory for the scores of {n} items")
        self.best = self.scores + n + 1
        self.rows = <int32_t *>(self.best + k)

    def __dealloc__(self):
        free(self.scores)

    cdef int fill(self, State state, Py_ssize_t u, Py_ssize_t n, int k, bint exclude_seen,
                  const int32_t[::1] out) except -1:
        """The list of one user row over the first n items; 0 if the learner does not score all items."""
        cdef const int32_t *had = NULL
        cdef Py_ssize_t n_had = 0, j
        if not state.learner.score_all(u, self.scores, n):
            return 0
        if exclude_seen:
            n_had = state.had_by(u, &had)
        if out is not None:
            for j in range(out.shape[0]):
                if 0 <= out[j] < n:
                    self.scores[out[j]] = -INFINITY
        # the id maps are read last: the learner may have let another thread in, which added ids
        topk_row(self.scores, <int>n, had, n_had, k, self.best, self.rows, state.items.keys, state.items.kind)
        return 1


def best_rows(State state, const int32_t[::1] users, Py_ssize_t k, bint exclude_seen,
              const int32_t[::1] out):
    """The lists of many user rows: item rows int32 (m, k), scores float64 (m, k), padded with -1 and -inf.

    `out` are item rows to leave out for everybody, or None.  Returns None where the learner leaves the
    scores of all items to Python; k is at most the number of item rows.
    """
    cdef Py_ssize_t n = state.item_rows.used, m = users.shape[0], r
    cdef int kept = <int>min(k, n), j
    cdef int32_t[:, ::1] rows
    cdef double[:, ::1] best
    cdef Desk desk
    if state.learner is None:
        return None
    desk = Desk(n, kept)
    rows, best = np.full((m, k), -1, np.int32), np.full((m, k), -np.inf)
    state.learner.begin_lists(m)
    try:
        for r in range(m):
            if not desk.fill(state, users[r], n, kept, exclude_seen, out):
                return None
            for j in range(kept):
                rows[r, j], best[r, j] = desk.rows[j], desk.best[j]
    finally:
        state.learner.end_lists()
    return np.asarray(rows), np.asarray(best)


def best_ids(State state, object user, Py_ssize_t k, bint exclude_seen, const int32_t[::1] out):
    """The list of one id: ids of items, k at most; None as in `best_rows`."""
    cdef Py_ssize_t n = state.item_rows.used, u = state.users.find_c(user)
    cdef int kept = <int>min(k, n), j
    cdef Desk desk
    cdef list found
    if state.learner is None:
        return None
    desk = Desk(n, kept)
    if not desk.fill(state, u, n, kept, exclude_seen, out):
        return None
    found = []
    for j in range(kept):
        if desk.rows[j] < 0:
            break
        found.append(state.items.id_of(desk.rows[j]))
    return found
