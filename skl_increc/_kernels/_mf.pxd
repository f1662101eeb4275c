"""The learner of matrix factorisation, for those that build on it."""
from libc.stdint cimport int32_t, uint64_t

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner

cdef extern from "hash.h" nogil:
    void skl_row_start(float *p, int k, Py_ssize_t stride, float scale, int kind,
                       const float *quantiles, uint64_t seed, uint64_t side, uint64_t hash)

cdef extern from "mf.h" nogil:
    enum: MF_BLOCK
    ctypedef struct mf_stat:
        float bias, bias_acc, acc, n
    ctypedef struct mf_model:
        float *P
        float *Q
        mf_stat *SU
        mf_stat *SI
        Py_ssize_t stride
        int k, optimizer, loss, biases
        float lr, lr_bias, l2, l2_bias, eps
        double *broken
        double classes[2]
        int balanced
    ctypedef struct mf_totals:
        double n, s1, s2, shift, lo, hi
    void mf_learn(const mf_model *m, mf_totals *T, const int32_t *u, const int32_t *i, const double *y,
                  const double *w, Py_ssize_t n, int count)
    void mf_steps(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                  const float *offset, const float *w, Py_ssize_t n)
    void mf_targets(const mf_model *m, mf_totals *T, const double *y, const double *w, int n, int count,
                    float *target, float *offset, float *weight)
    void mf_scores(const mf_model *m, const int32_t *u, int step_u, const int32_t *i, int step_i,
                   Py_ssize_t n, float *out)
    void mf_scores_row(const mf_model *m, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out)
    void mf_gradients(const mf_model *m, const int32_t *u, const int32_t *i, const float *target,
                      const float *offset, const float *w, Py_ssize_t n, double *GP, double *GQ,
                      double *GU, double *GI)
    void mf_gradient_step(const mf_model *m, float *X, mf_stat *row, const double *G,
                          const double *GB, Py_ssize_t n)


cdef enum:
    TILE = 512        # items that are scored before their scores are finished


cdef class MFLearner(Learner):
    cdef mf_model m
    cdef mf_totals *T
    cdef double *sums             # init="mean": sums of the user vectors, of the item vectors, counts
    cdef float[:, ::1] P, Q
    cdef float[:, ::1] SU, SI
    cdef double[::1] scalars
    cdef float *old
    cdef double n_broken          # steps not made, for a row had exploded; where no scalar counts
    cdef int start_kind
    cdef bint start_mean
    cdef tuple room               # what the next full-batch step needs
    cdef float init_scale
    cdef const float[::1] quantiles
    cdef uint64_t seed
    cdef public bint clip         # predictions stay within the ratings seen
    cdef public bint count        # False: another pass over events whose ratings are already counted
    cdef Recent recent            # what strangers are answered by; None: by the rows of items

    cdef void tell_once(self, double before) noexcept nogil
    cdef void raw(self, const int32_t *u, int step_u, const int32_t *i, int step_i, Py_ssize_t n,
                  float *out) noexcept nogil
    cdef void raw_row(self, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out) noexcept nogil
    cdef MFLearner reader(self)
    cdef void lend(self, MFLearner r)
    cdef void learn_from_mean(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                              Py_ssize_t n) noexcept nogil
    cdef void before(self, int side, Py_ssize_t row) noexcept nogil
    cdef void after(self, int side, Py_ssize_t row) noexcept nogil
    cdef void units(self, double *centre, double *scale) noexcept nogil
    cdef double clipped(self, double s) noexcept nogil
    cdef double finish(self, float s, double centre, double scale, Py_ssize_t u, Py_ssize_t i) noexcept nogil
    cdef double mean(self) noexcept nogil
    cdef bint estranged(self, Py_ssize_t u) noexcept nogil
    cdef void start_from_mean(self, int side, const int32_t[::1] rows, double[:, ::1] seen) noexcept nogil
    cdef void sum_side(self, int side, Py_ssize_t n) noexcept nogil
