# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The events of a batch, user by user: a list that is at hand is changed many times at once."""
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset

cimport cython

import numpy as np


@cython.final
cdef class Runs:
    """Which users a batch has, the events of each in order, and what each event adds to its pair."""

    cdef Py_ssize_t users(self) noexcept nogil:
        return self.who.shape[0]

    cdef void pair(self, Py_ssize_t event, double *out) noexcept nogil:
        if self.learner is not None:
            self.learner.pair(self.y[event], self.w[event], self.t[event], out)
        elif self.add != NULL:
            memcpy(out, self.add + event * self.n_values, self.n_values * sizeof(double))
        else:
            memset(out, 0, self.n_values * sizeof(double))


cdef Runs group(const int32_t[::1] users, const int32_t[::1] items, Py_ssize_t n_users):
    """The runs of a batch; events without a user or an item belong to none."""
    cdef Runs runs = Runs()
    cdef Py_ssize_t n = users.shape[0], j, u, m = 0
    cdef int64_t at = 0
    cdef int64_t[::1] count
    runs.n = n
    if 8 * n < n_users:                # few events must not cost a walk over all users
        group_few(runs, users, items)
        return runs
    count = np.zeros(n_users, np.int64)
    with nogil:
        for j in range(n):
            if users[j] >= 0 and items[j] >= 0:
                m += count[users[j]] == 0
                count[users[j]] += 1
    runs.who, runs.begin = np.empty(m, np.int32), np.zeros(m + 1, np.int64)
    m = 0
    for u in range(n_users):
        if count[u]:
            runs.who[m] = <int32_t>u
            runs.begin[m + 1] = runs.begin[m] + count[u]
            count[u] = runs.begin[m]
            m += 1
    at = runs.begin[m]
    if at >= 2 * m and n <= 0x7FFFFFFF:
        runs.order, runs.ordered = np.empty(at, np.int32), True
        with nogil:
            for j in range(n):
                if users[j] >= 0 and items[j] >= 0:
                    runs.order[count[users[j]]] = <int32_t>j
                    count[users[j]] += 1
    return runs


cdef int group_few(Runs runs, const int32_t[::1] users, const int32_t[::1] items) except -1:
    """The same by sorting."""
    cdef Py_ssize_t n = runs.n, j, m = 0, k = 0
    cdef int64_t[::1] keys = np.empty(n, np.int64)
    for j in range(n):
        if users[j] >= 0 and items[j] >= 0:
            keys[k] = <int64_t>users[j] << 32 | j
            k += 1
    keys = keys[:k]
    np.asarray(keys).sort()
    runs.who, runs.begin, runs.order = np.empty(k, np.int32), np.zeros(k + 1, np.int64), np.empty(k, np.int32)
    for j in range(k):
        if j == 0 or keys[j] >> 32 != keys[j - 1] >> 32:
            runs.who[m] = <int32_t>(keys[j] >> 32)
            runs.begin[m] = j
            m += 1
        runs.order[j] = <int32_t>(keys[j] & 0xFFFFFFFF)
    runs.begin[m] = k
    runs.who = runs.who[:m]
    runs.ordered = k >= 2 * m
    return 0
