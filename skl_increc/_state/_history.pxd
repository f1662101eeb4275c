from libc.stdint cimport int32_t


from skl_increc._kernels._learner cimport Pairs


cdef class History(Pairs):
    cdef object items_owner, index_owner, heads_owner
    cdef list value_owners
    cdef int32_t *items           # blocks of 4, 8, 16, ... entries, oldest first
    cdef int32_t *index           # hash sets of the long lists
    cdef double **values          # per column, parallel to `items`
    cdef int32_t *heads           # per user: block, index, length, capacity
    cdef readonly int n_values, n_sums
    cdef public double span              # 0, or how long a sum takes to count half
    cdef readonly Py_ssize_t window          # 0: all items, else the last so many
    cdef Py_ssize_t users, user_room
    cdef Py_ssize_t items_used, items_room, index_used, index_room
    cdef readonly Py_ssize_t pairs
    cdef list free_items, free_index         # per size class: blocks to use again

    cdef int append_c(self, Py_ssize_t u, int32_t i, const double *add) except -1
    cdef Py_ssize_t locate(self, const int32_t *h, int32_t i) noexcept nogil
    cdef bint known(self, const int32_t *h, int32_t i) noexcept nogil
    cdef int adopt(self, object heads, object items, object index, list values) except -1
    cdef Py_ssize_t take_items(self, Py_ssize_t room) except -1
    cdef Py_ssize_t take_index(self, Py_ssize_t slots) except -1
    cdef int enlarge(self, Py_ssize_t u) except -1
    cdef int release(self, Py_ssize_t u) except -1
    cdef void build_index(self, Py_ssize_t u) noexcept nogil
    cdef void enter(self, const int32_t *h, int32_t i) noexcept nogil
    cdef void leave(self, const int32_t *h, int32_t i) noexcept nogil
    cdef void decay(self, Py_ssize_t at, const double *add) noexcept nogil
    cdef void rotate(self, Py_ssize_t at, Py_ssize_t last) noexcept nogil
    cdef void take_out(self, Py_ssize_t u, Py_ssize_t at) noexcept nogil
    cdef void prefetch_head(self, Py_ssize_t u) noexcept nogil
    cdef void prefetch(self, Py_ssize_t u, int32_t i) noexcept nogil
