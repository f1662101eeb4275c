"""What the learners of factors from positive events share."""
from skl_increc._kernels._mf cimport MFLearner
from skl_increc._state._history cimport History


cdef class ImplicitLearner(MFLearner):
    cdef History known          # who had what; None: nothing is remembered
