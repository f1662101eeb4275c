"""The parameter ``cold_start``: what answers users of whom nothing is known yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from skl_increc._kernels._ladder import Recent
from skl_increc._state._state import State
from skl_increc.base._guarantees import Guarantees

__all__ = [
    "EVENT_LADDER",
    "KEPT",
    "MEMORY",
    "TIME_LADDER",
    "cold_shape",
    "cold_store",
    "count_store",
    "ladder_of",
    "recent_shares",
    "with_cold_start",
]

#: the half-lives that are tried, in events and in seconds; tuned on nothing
EVENT_LADDER = (*(8.0 * 4**r for r in range(7)), np.inf)
TIME_LADDER = (*(60.0 * 4**r for r in range(11)), np.inf)
KEPT = 32  # length of the lists that are held against what comes
MEMORY = 3000.0  # events after which it counts half how well a list did


def ladder_of(model: Any) -> tuple[float, ...]:
    """The half-lives in the units of the model's clock."""
    return EVENT_LADDER if model.time_col is None else TIME_LADDER


def cold_shape(model: Any) -> dict[str, Any]:
    """The parameters that shape the store; the clock is one of them where it tells half-lives apart."""
    return {
        "cold_start": model.cold_start,
        "time_col": model.time_col if model.cold_start == "recent" else None,
    }


def cold_store(model: Any) -> dict[str, Recent]:
    """The store of what newcomers take lately; none where the model's own counts answer."""
    return {"recent": Recent(ladder_of(model), KEPT, MEMORY)} if model.cold_start == "recent" else {}


def count_store(model: Any) -> dict[str, Recent]:
    """The same for a model that keeps no counts of its own: a store in any case."""
    return cold_store(model) or {"recent": Recent((np.inf,), 0, MEMORY)}


def recent_shares(state: State, n: int) -> np.ndarray:
    """What the first n items are worth to a stranger, in shares of all, float64 (n,)."""
    worth = state.stores["recent"].values(np.arange(n, dtype=np.int32))
    total = worth.sum()
    return worth / total if total > 0 else worth


def with_cold_start(model: Any, promise: Guarantees) -> Guarantees:
    """What is left of a promise by the parameter: which half-life tells best depends on the order."""
    if getattr(model, "cold_start", None) != "recent" or promise.O == promise.M == promise.U == "no":
        return promise
    why = (
        "with cold_start='recent' strangers are answered by what has told best what newcomers take, which depends on "
        "the order of the events ('popular' has no part in it)"
    )
    return replace(promise, O="no", M="no", U="no", why=f"{promise.why}; {why}" if promise.why else why)
