"""Sequences: what comes after what, event by event."""

from skl_increc.sequence._sequential_rules import SequentialRules
from skl_increc.sequence._session_knn import SessionKNN

__all__ = ["SequentialRules", "SessionKNN"]
