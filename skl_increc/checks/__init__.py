"""Checks that any model of the library, or built on it, keeps the contract."""

from skl_increc.checks._run import check_estimator, parametrize_with_checks
from skl_increc.checks._suites import OURS, Check, expected_failed_checks, yield_checks

__all__ = [
    "OURS",
    "Check",
    "check_estimator",
    "expected_failed_checks",
    "parametrize_with_checks",
    "yield_checks",
]
