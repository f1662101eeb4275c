from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

cdef struct Slot:
    int64_t key
    int64_t row      # -1: free

cdef struct StringSlot:
    void *key        # borrowed from `names`
    Py_hash_t hash
    int64_t row      # -1: free


cdef class IdMap:
    cdef object strings_owner
    cdef StringSlot *strings
    cdef Py_ssize_t string_slots, n_strings, name_bytes
    cdef object tab_owner, keys_owner, kind_owner
    cdef Slot *tab
    cdef int64_t *keys            # per row: the int id, or the stable hash of the object
    cdef uint8_t *kind            # per row: 0 free, 1 int, 2 object
    cdef Py_ssize_t slots, ints, rows, capacity
    cdef Py_ssize_t room          # rows beyond have no arrays yet: another thread is about to add them
    cdef dict objects             # canonical object that is no string -> row
    cdef list names               # row -> object, None for ints; None while all ids are ints
    cdef list free                # rows to use again, the last first
    cdef readonly uint64_t unstable   # ids without a stable hash so far
    cdef int32_t *log             # rows added since begin(); ~row where it was a free one
    cdef Py_ssize_t logged, log_room
    cdef uint64_t log_unstable

    cdef Py_ssize_t find_int(self, int64_t key) noexcept nogil
    cdef Py_ssize_t find_c(self, object key) except -2
    cdef Py_ssize_t find_raw(self, object key) except -2
    cdef Py_ssize_t add_c(self, object key) except -2
    cdef Py_ssize_t new_row(self, int64_t key, uint8_t kind) except -2
    cdef int put(self, int64_t key, Py_ssize_t row) noexcept nogil
    cdef int reserve_ints(self, Py_ssize_t n) except -1
    cdef int drop_int(self, int64_t key) noexcept nogil
    cdef int drop_row(self, Py_ssize_t row) except -1
    cdef uint64_t hash_of(self, Py_ssize_t row) noexcept nogil
    cdef int note(self, int32_t entry) except -1
    cdef allot_slots(self, Py_ssize_t n)
    cdef point(self)
    cdef Py_ssize_t add_object(self, object key) except -2
    cdef uint64_t hash_object(self, object key, bint *stable) except? 0
    cdef object id_of(self, Py_ssize_t r)
    cdef allot_strings(self, Py_ssize_t n)
    cdef Py_ssize_t find_string(self, object key) except -2
    cdef int put_string(self, void *key, Py_hash_t h, Py_ssize_t row) noexcept nogil
    cdef int reserve_strings(self, Py_ssize_t n) except -1
    cdef int drop_string(self, object key) except -1
    cdef int index_name(self, object key, Py_ssize_t row) except -1
