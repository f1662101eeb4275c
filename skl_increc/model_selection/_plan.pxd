cimport cython


@cython.final
cdef class Plan:
    cdef list xs, ys, ws
    cdef readonly list truths
    cdef readonly object numbers, ages, item_ages, items, last
    cdef readonly Py_ssize_t n_lessons

    cdef make_room(self, Py_ssize_t n)
    cdef int ask(self, object x) except -1
    cdef int teach(self, object x, object y, object w) except -1


cdef object ASK
