"""Errors and warnings of the package, each a subclass of the built-in that callers already catch."""

from __future__ import annotations

__all__ = [
    "CapacityError",
    "DatasetError",
    "DivergenceWarning",
    "GuaranteeError",
    "MissingIdsWarning",
    "SampledMetricWarning",
    "SaveFormatError",
    "UnstableIdError",
]


class GuaranteeError(TypeError):
    """``merge`` or ``forget`` was asked of a model that, as it is set, cannot do it exactly."""


class SaveFormatError(ValueError):
    """A file is not one that ``skl_increc.save`` wrote, or is damaged, or comes from another version."""


class UnstableIdError(TypeError):
    """An id has no form that can be written to a file."""


class CapacityError(MemoryError):
    """What a model would have to hold is more than was allowed, or than there is memory for."""


class DatasetError(ValueError):
    """Data is absent, cannot be read, or lacks what the call needs."""


class DivergenceWarning(RuntimeWarning):
    """Learned numbers grew beyond all measure; what had done so was left as it was."""


class MissingIdsWarning(UserWarning):
    """The first event had neither a user nor an item under the names that the model looks for."""


class SampledMetricWarning(UserWarning):
    """A ranking metric is estimated from a sample of the items."""
