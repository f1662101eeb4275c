from libc.stdint cimport int32_t, int64_t, uintptr_t

from skl_increc._kernels._learner cimport ItemPairs

cdef extern from "moments.h" nogil:
    ctypedef struct skl_pairs:
        uintptr_t *rows
        int32_t *used
        Py_ssize_t n_rows
        int32_t record, directed

    ctypedef struct skl_scale:
        int32_t unit, narrow, top

    ctypedef struct skl_wide:
        pass

    ctypedef struct skl_sums:
        int64_t n, x, y
        skl_wide xx, yy, xy

    ctypedef struct skl_moments:
        skl_pairs table
        skl_scale scale
        int32_t fine, slopes
        skl_sums **wide
        int64_t wide_room, wide_used, wide_live, wide_free


cdef class PairStore(ItemPairs):
    cdef skl_moments data
    cdef readonly str kind
    cdef object rows_owner, used_owner, table_owner
    cdef list segments, wide_owners
    cdef uintptr_t at, end            # what is left of the newest segment
    cdef uintptr_t spare[64]          # per tag: blocks to use again, each holds the address of the next
    cdef readonly Py_ssize_t block_bytes
    cdef readonly Py_ssize_t n_items
    cdef readonly Py_ssize_t most          # partners of an item, 0: all

    cdef uintptr_t take(self, Py_ssize_t n) except 0
    cdef int give_row(self, Py_ssize_t row, unsigned tag) except -1
    cdef char *touch(self, int32_t a, int32_t b) except NULL
    cdef object keys_of(self, Py_ssize_t row)
