from libc.stdint cimport int32_t, int64_t, uint64_t

from skl_increc._state._idmap cimport IdMap


cdef struct entry:
    int32_t place                 # twice the table, plus the side: 0 who asks, 1 what is asked about
    int32_t row
    double value


cdef class Encoded:
    cdef entry *entries
    cdef int64_t *ends            # of each event
    cdef readonly Py_ssize_t n, events
    cdef Py_ssize_t room, event_room

    cdef int push(self, int32_t place, int32_t row, double value) except -1
    cdef int close(self) except -1
    cdef void clear(self) noexcept nogil
    cdef Py_ssize_t first(self, Py_ssize_t event) noexcept nogil


cdef class FeatureTable:
    cdef readonly IdMap ids       # None: the rows have no ids
    cdef readonly object factors, stat, number
    cdef readonly Py_ssize_t n, capacity, modulus
    cdef readonly bint numeric
    cdef Py_ssize_t stride
    cdef float *V                 # the arrays of the rows
    cdef float *S
    cdef double *T

    cdef int point(self) except -1
    cdef Py_ssize_t hashed(self, object key, uint64_t salt) except -2
    cdef Py_ssize_t find(self, object key, uint64_t salt) except -2
    cdef Py_ssize_t add(self, object key, uint64_t salt) except -2
    cdef int resize(self, Py_ssize_t n) except -1
    cdef FeatureTable copy(self)


cdef class Features:
    cdef readonly tuple columns   # (name, kind, side) of each
    cdef readonly list tables
    cdef readonly list table_of   # of each column
    cdef readonly list salts
    cdef readonly Py_ssize_t k, stride, modulus
    cdef public bint open         # rows may have been added for events that are not learned yet
    cdef list marks
