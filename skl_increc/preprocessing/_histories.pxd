from libc.stdint cimport int32_t, int64_t

from skl_increc._state._tables cimport IntTable

cdef extern from "event_ring.h" nogil:
    enum:
        SKL_LAST
        SKL_MOST_WINDOWS
    ctypedef struct SklEvent:
        double time, y, total
        int32_t other, prev, next
    ctypedef struct SklCursor:
        int32_t s, e, n
    ctypedef struct SklRing:
        SklEvent *ev
        double before
        int32_t room, start, end, lag
        SklCursor cursor[8]
    int32_t skl_ring_place(const SklRing *r, double t)
    double skl_ring_sum(const SklRing *r, int32_t a, int32_t b)
    int32_t skl_ring_distinct(const SklRing *r, SklCursor *c, int32_t a, int32_t b)
    void skl_ring_pop(SklRing *r)
    void skl_ring_compact(SklRing *r)
    void skl_ring_insert(SklRing *r, int32_t at, double time, double y, int32_t other)


cdef class Histories:
    cdef readonly int first, second, other   # columns of the key (second -1: one column), and the counterpart
    cdef readonly Py_ssize_t most            # events of a key, 0: all
    cdef bint links                          # whether distinct counterparts are asked for
    cdef IntTable keys, last                 # two codes -> ring; ring and counterpart -> newest place
    cdef SklRing *rings
    cdef Py_ssize_t n_rings, room
    cdef list free

    cdef Py_ssize_t find(self, const int32_t *codes) noexcept nogil
    cdef Py_ssize_t make_room(self, const int32_t *codes) except -2
    cdef void place_last(self, Py_ssize_t row) noexcept
    cdef void link_one(self, Py_ssize_t row, int32_t at) noexcept
    cdef int append(self, Py_ssize_t row, double time, double y, int32_t other) except -1
    cdef int link(self, Py_ssize_t row) except -1
    cdef int pop(self, Py_ssize_t row) except -1
    cdef int expire_one(self, Py_ssize_t row, const int32_t *codes) except -1
