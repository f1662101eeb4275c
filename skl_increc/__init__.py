"""Incremental recommenders and rating regressors: scikit-learn estimators and River models at once."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "load", "save"]


def __getattr__(name: str) -> Any:
    if name in ("save", "load"):  # imported on first use: the core of the package stays light
        from skl_increc import persistence

        return getattr(persistence, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
