from libc.stdint cimport int32_t, int64_t

from skl_increc._kernels._mf cimport MFLearner, mf_model, mf_stat
from skl_increc._state._feature_tables cimport Encoded, Features, FeatureTable

cdef extern from "fm.h" nogil:
    ctypedef struct fm_part:
        float *v
        mf_stat *s
        float x
    ctypedef struct fm_kind:
        int all, ftrl
        float l1
    ctypedef struct fm_number:
        pass
    int fm_learn_pair(const mf_model *m, const fm_kind *kind, fm_part *U, int nu, fm_part *I, int ni,
                      fm_part *J, int nj, float w, float *sums)


cdef struct rows_at:
    float *V
    mf_stat *S
    fm_number *T
    Py_ssize_t n


cdef struct known:             # what users or items are: sparse rows
    int64_t *start
    int32_t *length
    int32_t *columns
    float *values
    Py_ssize_t n, most
    rows_at rows


cdef struct desk:
    fm_part *parts            # of the sides U, I and J, `room` each
    float *sums
    Py_ssize_t room
    int n[3]


cdef class FMLearner(MFLearner):
    cdef Features features
    cdef Encoded coming           # what else the next events say
    cdef Py_ssize_t at            # the next of them
    cdef fm_kind kind
    cdef rows_at *tables
    cdef Py_ssize_t n_tables
    cdef object kept              # a reader's: the arrays that it reads
    cdef known described[2]
    cdef object versions
    cdef desk mine, asked         # of learning; of answering, with the interpreter's lock
    cdef bint plain
    cdef public object columns    # (key, kind, side) of each
    cdef public object keys       # of the users, of the items
    cdef public str separator

    cdef int point(self) except -1
    cdef int fit(self, Py_ssize_t most) except -1
    cdef Py_ssize_t spare(self) noexcept
    cdef int start_new(self) except -1
    cdef int read_into(self, Encoded e, dict x, object user, object item, bint add) except -1
    cdef void gather(self, desk *d, Encoded e, Py_ssize_t event, int32_t u, int32_t i, double w,
                     bint count) noexcept nogil
    cdef void add_row(self, desk *d, int side, float *V, mf_stat *S, Py_ssize_t row, float x) noexcept nogil
    cdef void add_described(self, desk *d, int segment, int side, Py_ssize_t row) noexcept nogil
    cdef float total(self, desk *d) noexcept nogil
