cimport cython
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef struct Slot:
    int64_t key
    int64_t row      # -1: free

cdef struct StringSlot:
    void *key        # borrowed: whoever owns the table keeps the string alive
    Py_hash_t hash
    int64_t row      # -1: free


cdef inline uint64_t spread(int64_t key) noexcept nogil:
    cdef uint64_t h = <uint64_t>key
    h ^= h >> 32
    h *= <uint64_t>0x9E3779B97F4A7C15
    return h ^ (h >> 29)


@cython.final
cdef class IntTable:
    cdef object owner
    cdef Slot *tab
    cdef Py_ssize_t slots, n

    cdef allot(self, Py_ssize_t n)
    cdef Py_ssize_t find(self, int64_t key) noexcept nogil
    cdef int put(self, int64_t key, Py_ssize_t row) noexcept nogil
    cdef void enter(self, int64_t key, Py_ssize_t row) noexcept nogil
    cdef int reserve(self, Py_ssize_t n) except -1
    cdef int drop(self, int64_t key) noexcept nogil
    cdef find_many(self, const int64_t[::1] ids, int32_t[::1] out, Py_ssize_t room)
    cdef IntTable copy(self)


@cython.final
cdef class StringTable:
    cdef object owner
    cdef StringSlot *tab
    cdef Py_ssize_t slots, n

    cdef allot(self, Py_ssize_t n)
    cdef Py_ssize_t find(self, object key) except -2
    cdef int put(self, void *key, Py_hash_t h, Py_ssize_t row) noexcept nogil
    cdef void enter(self, void *key, Py_hash_t h, Py_ssize_t row) noexcept nogil
    cdef int reserve(self, Py_ssize_t n) except -1
    cdef int drop(self, object key) except -1
    cdef StringTable copy(self)
