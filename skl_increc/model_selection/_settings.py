"""Settings of a test-then-learn run: checked, and filled in from the models."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Mapping
from typing import Any

from ._events import Columns
from ._inside import innermost

__all__ = ["check_settings", "find_columns"]


def check_settings(
    task: str, k: int, warmup: int, ties: str, step: int | None, min_y: float | None, threshold: float | None
) -> None:
    for name, value, least in (("k", k, 1), ("warmup", warmup, 0), ("step", 0 if step is None else step, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise ValueError(f"{name} must be a whole number, at least {least}; got {value!r}.")
    if ties not in ("together", "order"):
        raise ValueError(f"ties must be 'together' or 'order'; got {ties!r}.")
    if min_y is not None and task != "ranking":
        raise ValueError(f"min_y={min_y!r} is of the ranking task; here every rating is predicted.")
    if threshold is not None and task != "binary":
        raise ValueError(f"threshold={threshold!r} is of the binary task; this is the {task} task.")
    if threshold is not None and not (isinstance(threshold, numbers.Real) and math.isfinite(threshold)):
        raise ValueError(f"threshold must be a finite number; got {threshold!r}.")


def find_columns(
    models: Mapping[str, Any], user: Any, item: Any, rating: Hashable | None, time: Any
) -> Columns:
    """Names as given, else as the models have them, else the usual ones."""
    found = {}
    for name, given, usual in (("user", user, "user"), ("item", item, "item"), ("time", time, None)):
        own = {getattr(innermost(model), f"{name}_col", None) for model in models.values()} - {None}
        if given is None and len(own) > 1:
            raise ValueError(
                f"The models have different names for the {name} column: {sorted(map(str, own))}. "
                f"Say {name}_col=... to tell which one the data has."
            )
        found[name] = given if given is not None else next(iter(own), usual)
    return Columns(found["user"], found["item"], rating, found["time"])
