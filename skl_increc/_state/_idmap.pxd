from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from skl_increc._state._tables cimport IntTable, StringTable


cdef class IdMap:
    cdef IntTable ints
    cdef StringTable strings
    cdef object keys_owner, kind_owner
    cdef int64_t *keys            # per row: the int id, or the stable hash of the object
    cdef uint8_t *kind            # per row: 0 free, 1 int, 2 object
    cdef Py_ssize_t rows, capacity, name_bytes
    cdef Py_ssize_t room          # rows beyond have no arrays yet: another thread is about to add them
    cdef dict objects             # canonical object that is no string -> row
    cdef list names               # row -> object, None for ints; None while all ids are ints
    cdef list free                # rows to use again, the last first
    cdef readonly uint64_t unstable   # ids without a stable hash so far
    cdef int32_t *log             # rows added since begin(); ~row where it was a free one
    cdef Py_ssize_t logged, log_room
    cdef uint64_t log_unstable

    cdef Py_ssize_t find_c(self, object key) except -2
    cdef Py_ssize_t find_raw(self, object key) except -2
    cdef Py_ssize_t add_c(self, object key) except -2
    cdef Py_ssize_t new_row(self, int64_t key, uint8_t kind) except -2
    cdef int drop_row(self, Py_ssize_t row) except -1
    cdef uint64_t hash_of(self, Py_ssize_t row) noexcept nogil
    cdef int note(self, int32_t entry) except -1
    cdef point(self)
    cdef Py_ssize_t add_object(self, object key) except -2
    cdef uint64_t hash_object(self, object key, bint *stable) except? 0
    cdef object id_of(self, Py_ssize_t r)
    cdef int index_name(self, object key, Py_ssize_t row) except -1
