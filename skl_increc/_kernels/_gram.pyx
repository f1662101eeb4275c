# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Counts of items that users had together, and answers from an inverse of them."""
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t
from libc.string cimport memset

import numpy as np

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner

cdef extern from "gram.h" nogil:
    enum: GRAM_TILE
    void gram_combine(const double *rows, Py_ssize_t stride, const int64_t *indptr, const int32_t *item,
                      const double *coef, Py_ssize_t n, Py_ssize_t start, Py_ssize_t end, double *out,
                      Py_ssize_t out_stride, double *packed, Py_ssize_t n_rows)
    void gram_combine_all(const double *rows, Py_ssize_t stride, const double *coef, Py_ssize_t k,
                          Py_ssize_t n, Py_ssize_t start, Py_ssize_t end, double *out, Py_ssize_t out_stride)
    void gram_gather(const double *rows, Py_ssize_t stride, Py_ssize_t k, const int64_t *indptr,
                     const int32_t *item, const double *coef, Py_ssize_t n, double *out)
    void gram_scores(double *out, const double *diagonal, Py_ssize_t n)
    void gram_count(int32_t *counts, int32_t *partners, Py_ssize_t stride, const int32_t *x, Py_ssize_t nx,
                    const int32_t *d, const int8_t *sign, Py_ssize_t nd)
    void gram_count_row(int32_t *row, const int32_t *user, Py_ssize_t n, const int64_t *indptr,
                        const int32_t *item)
    int32_t gram_filled(const int32_t *row, Py_ssize_t n)
    void gram_mirror(double *x, Py_ssize_t n)
    void gram_regular(const int32_t *counts, Py_ssize_t n, double l2, double *out)
    void gram_times(const int32_t *counts, Py_ssize_t n, const double *x, Py_ssize_t m, double *out)

cdef enum:
    # scalars
    G_EVENTS = 0
    G_ANONYMOUS = 1
    G_TOUCHED = 2

TILE = GRAM_TILE
cdef double DENSE = 1.0 / 16  # of the matrix: with so many steps ahead, counting looks at whole rows


cdef class GramLearner(Learner):
    """Notes whose row of the user-item matrix may have changed: O(1) an event, and cannot fail.

    The users form a list: ``touched[u]`` is 0 for a user who is not in it, else the next one's row + 2,
    1 at the end; a scalar holds the first.
    """
    cdef double[:, ::1] ue, ie, anonymous
    cdef int64_t[:, ::1] next
    cdef double[::1] s
    cdef Recent recent           # what strangers are answered by; None: by the shares

    def __cinit__(self):
        self.scores_in_python = True

    def attach_stores(self, dict stores):
        self.recent = stores.get("recent")

    def bind(self, dict users, dict items, scalars):
        self.ue, self.ie, self.anonymous = users["events"], items["events"], items["anonymous"]
        self.next = users["touched"]
        self.s = scalars

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            self.s[G_EVENTS] += 1
            if u[j] >= 0:
                self.ue[u[j], 0] += 1
            if i[j] >= 0:
                self.ie[i[j], 0] += 1
                if u[j] < 0 and w[j] > 0:
                    self.anonymous[i[j], 0] += 1
                    self.s[G_ANONYMOUS] += 1
            if u[j] >= 0 and i[j] >= 0 and self.next[u[j], 0] == 0:
                self.next[u[j], 0] = max(<int64_t>1, <int64_t>self.s[G_TOUCHED])
                self.s[G_TOUCHED] = u[j] + 2
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)

    cdef void pair(self, double y, double w, double t, double *out) noexcept nogil:
        out[0] = 1
        out[1] = w > 0

    def any_touched(self):
        """Whether a user's row may have changed."""
        return self.s[G_TOUCHED] != 0

    def touched(self):
        """Rows of the users that the list holds, int32."""
        cdef list rows = []
        cdef int64_t at = <int64_t>self.s[G_TOUCHED]
        while at > 1:
            rows.append(at - 2)
            at = self.next[at - 2, 0]
        return np.array(rows, dtype=np.int32)

    def untouch(self, const int32_t[::1] rows):
        """Empty the list, which holds these rows."""
        cdef Py_ssize_t j
        for j in range(rows.shape[0]):
            self.next[rows[j], 0] = 0
        self.s[G_TOUCHED] = 0

    def untouch_all(self):
        """Empty the list, whatever it holds."""
        self.next[:, 0] = 0
        self.s[G_TOUCHED] = 0


# -- counts -------------------------------------------------------------------------------------------
def changes(const int64_t[::1] before, const int32_t[::1] had, const int64_t[::1] after,
            const int32_t[::1] have, Py_ssize_t n_items):
    """What distinguishes two sparse binary matrices, row by row.

    Returns
    -------
    indptr : ndarray of int64
    items : ndarray of int32
    signs : ndarray of int8
        1 where an item was added, -1 where it went.
    """
    cdef Py_ssize_t n = before.shape[0] - 1, r, j, at = 0
    cdef int8_t[::1] mark = np.zeros(n_items, np.int8)
    cdef int64_t[::1] indptr = np.zeros(n + 1, np.int64)
    cdef int32_t[::1] items = np.empty(had.shape[0] + have.shape[0], np.int32)
    cdef int8_t[::1] signs = np.empty(items.shape[0], np.int8)
    for r in range(n):
        for j in range(before[r], before[r + 1]):
            mark[had[j]] = 1
        for j in range(after[r], after[r + 1]):
            if mark[have[j]]:
                mark[have[j]] = 0
            else:
                items[at] = have[j]
                signs[at] = 1
                at += 1
        for j in range(before[r], before[r + 1]):
            if mark[had[j]]:
                mark[had[j]] = 0
                items[at] = had[j]
                signs[at] = -1
                at += 1
        indptr[r + 1] = at
    return np.asarray(indptr), np.asarray(items)[:at], np.asarray(signs)[:at]


def count(int32_t[:, ::1] counts, int32_t[::1] partners, const int64_t[::1] before, const int32_t[::1] had,
          const int64_t[::1] indptr, const int32_t[::1] items, const int8_t[::1] signs):
    """Bring the counts up to date with `changes` of a matrix that had these rows before."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, r, stride = counts.shape[1]
    cdef const int32_t *none = NULL
    if not items.shape[0]:
        return
    if not had.shape[0] and squares(indptr) > DENSE * stride * stride:
        count_rows(counts, partners, indptr, items, np.ones(stride, np.int8))
        return
    with nogil:
        for r in range(n):
            if indptr[r + 1] > indptr[r]:
                gram_count(&counts[0, 0], &partners[0], stride,
                           &had[before[r]] if before[r + 1] > before[r] else none, before[r + 1] - before[r],
                           &items[indptr[r]], &signs[indptr[r]], indptr[r + 1] - indptr[r])


cdef double squares(const int64_t[::1] indptr) noexcept:
    cdef Py_ssize_t r
    cdef double out = 0
    for r in range(indptr.shape[0] - 1):
        out += <double>(indptr[r + 1] - indptr[r]) * (indptr[r + 1] - indptr[r])
    return out


def count_rows(int32_t[:, ::1] counts, int32_t[::1] partners, const int64_t[::1] indptr,
               const int32_t[::1] items, const int8_t[::1] wanted):
    """Add the wanted rows of the counts of a sparse binary matrix, which were not counted before.

    Row by row: quicker than `count` where the users are many.
    """
    cdef Py_ssize_t n_items = counts.shape[0], n = indptr.shape[0] - 1, r, i
    cdef int64_t j
    cdef int64_t[::1] at = np.zeros(n_items + 1, np.int64)
    cdef int32_t[::1] users = np.empty(items.shape[0], np.int32)
    if not items.shape[0]:
        return
    with nogil:
        for j in range(items.shape[0]):
            at[items[j] + 1] += wanted[items[j]]
        for i in range(n_items):
            at[i + 1] += at[i]
        for r in range(n):
            for j in range(indptr[r], indptr[r + 1]):
                if wanted[items[j]]:
                    users[at[items[j]]] = <int32_t>r
                    at[items[j]] += 1
        for i in range(n_items):
            j = at[i - 1] if i else 0  # by now where the next one begins
            if at[i] > j:
                gram_count_row(&counts[i, 0], &users[j], at[i] - j, &indptr[0], &items[0])
                partners[i] = gram_filled(&counts[i, 0], n_items) - (counts[i, i] != 0)


def partners(const int32_t[:, ::1] counts, int32_t[::1] out):
    """The number of other items that have a count with each."""
    cdef Py_ssize_t n = counts.shape[0], i
    with nogil:
        for i in range(n):
            out[i] = gram_filled(&counts[i, 0], n) - (counts[i, i] != 0)


def alone(const int32_t[::1] partners, const int64_t[::1] indptr, const int32_t[::1] items):
    """Whether none of a row's items was had together with an item outside the row, bool (n,).

    The items of a row are together in it, so that each has at least all the others for partners.
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1, r, j
    cdef uint8_t[::1] out = np.ones(n, np.uint8)
    for r in range(n):
        for j in range(indptr[r], indptr[r + 1]):
            if partners[items[j]] > indptr[r + 1] - indptr[r] - 1:
                out[r] = 0
                break
    return np.asarray(out).view(bool)


# -- sums of rows -------------------------------------------------------------------------------------
def scratch(Py_ssize_t n_rows, Py_ssize_t n_sums):
    """Room for a tile of all rows, where each is summed twice or more, and so is worth copying."""
    return np.empty(n_rows * GRAM_TILE) if n_sums > 2 * n_rows else np.empty(0)


def combine(const double[:, ::1] rows, const int64_t[::1] indptr, const int32_t[::1] items,
            const double[::1] coefs):
    """Sparse vectors times `rows`: float64 (n, columns of rows); the columns are whole tiles."""
    cdef Py_ssize_t n = indptr.shape[0] - 1, width = rows.shape[1]
    cdef double[:, ::1] out = np.zeros((n, width))
    cdef double[::1] packed = scratch(rows.shape[0], items.shape[0])
    cdef double *tile = &packed[0] if packed.shape[0] else NULL
    if n and items.shape[0]:
        with nogil:
            gram_combine(&rows[0, 0], width, &indptr[0], &items[0], &coefs[0], n, 0, width, &out[0, 0], width,
                         tile, rows.shape[0])
    return np.asarray(out)


def gather(const double[:, ::1] rows, Py_ssize_t k, const int64_t[::1] indptr, const int32_t[::1] items,
           const double[::1] coefs):
    """Inner products of sparse vectors with the first k rows: float64 (n, k)."""
    cdef Py_ssize_t n = indptr.shape[0] - 1
    cdef double[:, ::1] out = np.zeros((n, k))
    if n and k and items.shape[0]:
        with nogil:
            gram_gather(&rows[0, 0], rows.shape[1], k, &indptr[0], &items[0], &coefs[0], n, &out[0, 0])
    return np.asarray(out)


def score_rows(const double[:, ::1] inverse, const double[:, ::1] updates, const double[:, ::1] inner,
               const double[::1] diagonal, const int64_t[::1] indptr, const int32_t[::1] items,
               const double[::1] coefs, Py_ssize_t n_items):
    """Scores of the first n items for users with these rows: float64 (n users, n_items).

    Row v is -(x_v P)_j / P_jj, and an item of x_v itself adds nothing to its own score; P is the
    inverse + sum over k of inner[v, k] updates[k].
    """
    cdef Py_ssize_t n = indptr.shape[0] - 1, width = inverse.shape[1], k = inner.shape[1], v, j
    cdef double[:, ::1] out = np.zeros((n, n_items))
    cdef double[::1] packed = scratch(width, items.shape[0])
    cdef double *tile = &packed[0] if packed.shape[0] else NULL
    if not n or not n_items or not items.shape[0]:
        return np.asarray(out)
    with nogil:
        gram_combine(&inverse[0, 0], width, &indptr[0], &items[0], &coefs[0], n, 0, n_items, &out[0, 0],
                     n_items, tile, width)
        if k:
            gram_combine_all(&updates[0, 0], width, &inner[0, 0], k, n, 0, n_items, &out[0, 0],
                             n_items)
        for v in range(n):
            gram_scores(&out[v, 0], &diagonal[0], n_items)
            for j in range(indptr[v], indptr[v + 1]):
                if items[j] < n_items:
                    out[v, items[j]] += coefs[j]
    return np.asarray(out)


def score_pairs(const double[:, ::1] inverse, const double[:, ::1] updates, const double[:, ::1] inner,
                const double[::1] diagonal, const int64_t[::1] indptr, const int32_t[::1] items,
                const double[::1] coefs, const int64_t[::1] which, const int32_t[::1] wanted):
    """The same numbers for pairs alone: of row ``which[p]`` and item ``wanted[p]``, float64 (n pairs,).

    Tiles of a row are kept while the next pair is of the same row.
    """
    cdef Py_ssize_t n = which.shape[0], width = inverse.shape[1], k = inner.shape[1], p, v = -1, j, tile
    cdef double[::1] out = np.zeros(n), row = np.zeros(width)
    cdef int8_t[::1] there = np.zeros(width // GRAM_TILE, np.int8)
    with nogil:
        for p in range(n):
            if which[p] < 0 or wanted[p] < 0:
                continue
            if which[p] != v:
                v = which[p]
                memset(&there[0], 0, there.shape[0])
            tile = wanted[p] // GRAM_TILE
            j = tile * GRAM_TILE
            if not there[tile]:
                there[tile] = 1
                memset(&row[j], 0, GRAM_TILE * sizeof(double))
                if indptr[v + 1] > indptr[v]:
                    gram_combine(&inverse[0, 0], width, &indptr[v], &items[0], &coefs[0], 1, j, j + GRAM_TILE,
                                 &row[j], width, NULL, 0)
                if k:
                    gram_combine_all(&updates[0, 0], width, &inner[v, 0], k, 1, j, j + GRAM_TILE, &row[j],
                                     width)
            out[p] = -row[wanted[p]] / diagonal[wanted[p]]
            for j in range(indptr[v], indptr[v + 1]):
                if items[j] == wanted[p]:
                    out[p] += coefs[j]
    return np.asarray(out)


# -- whole matrices -----------------------------------------------------------------------------------
def regular(const int32_t[:, ::1] counts, double l2, double[:, ::1] out):
    """``out = counts + l2 I``."""
    with nogil:
        gram_regular(&counts[0, 0], counts.shape[0], l2, &out[0, 0])


def mirror(double[:, ::1] x):
    """Copy the upper triangle of a square matrix onto the lower one."""
    with nogil:
        gram_mirror(&x[0, 0], x.shape[0])


def times(const int32_t[:, ::1] counts, const double[:, ::1] x):
    """``counts @ x`` without a copy of the counts in float64."""
    cdef double[:, ::1] out = np.empty((counts.shape[0], x.shape[1]))
    with nogil:
        gram_times(&counts[0, 0], counts.shape[0], &x[0, 0], x.shape[1], &out[0, 0])
    return np.asarray(out)
