"""Results of test-then-learn runs as pages that a person reads."""

from __future__ import annotations

from skl_increc.report._summary import DataSummary

__all__ = ["DataSummary"]
