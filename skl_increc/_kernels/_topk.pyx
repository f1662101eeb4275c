# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The k best of rows of scores: seen items left out, ties by the stable hash of the item's id."""
from libc.math cimport INFINITY
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

cdef extern from "topk.h" nogil:
    int topk_tile(const float *s, const float *bias, int n, int32_t base, int k, int m, float *hs,
                  int32_t *hi, const int64_t *keys, const uint8_t *kind)
    void topk_row(double *s, int n, const int32_t *hidden, Py_ssize_t n_hidden, int k, double *hs,
                  int32_t *hi, const int64_t *keys, const uint8_t *kind)
    uint64_t topk_tie(const int64_t *keys, const uint8_t *kind, int32_t row)


def select_tile(float[:, ::1] scores, const float[::1] bias, Py_ssize_t base, const int64_t[::1] indptr,
                const int32_t[::1] hidden, int64_t[::1] at, int32_t[::1] filled, float[:, ::1] best,
                int32_t[:, ::1] rows, const int64_t[::1] keys, const uint8_t[::1] kind):
    """Merge one tile of scores (overwritten at hidden items) into the lists of each row.

    ``hidden[indptr[r]:indptr[r + 1]]`` are the item rows, ascending, that row r leaves out;
    ``at`` remembers how far each row has come.
    """
    cdef Py_ssize_t m = scores.shape[0], r, j
    cdef int n = <int>scores.shape[1], k = <int>best.shape[1]
    with nogil:
        for r in range(m):
            j = at[r]
            while j < indptr[r + 1] and hidden[j] < base + n:
                scores[r, hidden[j] - base] = -INFINITY
                j += 1
            at[r] = j
            filled[r] = topk_tile(&scores[r, 0], &bias[base], n, <int32_t>base, k, filled[r],
                                  &best[r, 0], &rows[r, 0], &keys[0], &kind[0])


def select(double[:, ::1] scores, const int64_t[::1] indptr, const int32_t[::1] hidden, int k,
           const int64_t[::1] keys, const uint8_t[::1] kind):
    """Rows int32 (m, k) and scores float64 (m, k) of the best, padded with -1 and -inf."""
    cdef Py_ssize_t m = scores.shape[0], r
    cdef int n = <int>scores.shape[1]
    cdef const int32_t *first = &hidden[0] if hidden.shape[0] else NULL
    cdef int32_t[:, ::1] rows = np.full((m, k), -1, np.int32)
    cdef double[:, ::1] best = np.full((m, k), -np.inf)
    if n and k:
        with nogil:
            for r in range(m):
                topk_row(&scores[r, 0], n, first + indptr[r], indptr[r + 1] - indptr[r], k, &best[r, 0],
                         &rows[r, 0], &keys[0], &kind[0])
    return np.asarray(rows), np.asarray(best)


def ties(const int32_t[::1] rows, const int64_t[::1] keys, const uint8_t[::1] kind):
    """The stable hash of each item row, uint64: the order among equal scores."""
    cdef Py_ssize_t n = rows.shape[0], j
    cdef uint64_t[::1] out = np.empty(n, np.uint64)
    for j in range(n):
        out[j] = topk_tie(&keys[0], &kind[0], rows[j])
    return np.asarray(out)
