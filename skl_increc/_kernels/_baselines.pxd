from skl_increc._kernels._learner cimport Learner


cdef class BaselineLearner(Learner):
    cdef double l2_user, l2_item
    cdef double[:, ::1] ue, uw, us, ie, iw, is_
    cdef double[::1] s
    cdef double mean(self) noexcept nogil
    cdef double item_bias(self, Py_ssize_t i, double mean) noexcept nogil
    cdef double user_bias(self, Py_ssize_t u, double mean) noexcept nogil
