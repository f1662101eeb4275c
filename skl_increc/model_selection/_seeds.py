"""Several seeds of each model, in one pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._splits import check_whole

__all__ = ["mean_over_seeds", "read_seeds", "spread"]


def read_seeds(seeds: Any) -> list[int] | None:
    """Seeds from a number of them, or a sequence.

    Raises
    ------
    ValueError
        For none, twice the same, and what is no whole number.
    """
    if seeds is None:
        return None
    if isinstance(seeds, Sequence) and not isinstance(seeds, str):
        for seed in seeds:
            check_whole("A seed", seed, 0)
        if not seeds or len(set(seeds)) < len(seeds):
            raise ValueError(f"seeds must be different numbers, at least one; got {seeds!r}.")
        return [int(seed) for seed in seeds]
    check_whole("seeds", seeds)
    return list(range(int(seeds)))


def spread(models: Mapping[str, Any], seeds: Sequence[int]) -> tuple[dict[str, Any], dict[str, str]]:
    """Clones of each model with the seeds, and the name that each clone belongs to.

    A model without a parameter ``random_state`` or ``seed`` of its own runs once, as a clone.
    """
    clones, belongs = {}, {}
    for name, model in models.items():
        parameter = _seed_parameter(model)
        for seed in seeds if parameter else seeds[:1]:
            label = f"{name}, seed {seed}" if parameter else name
            clones[label] = model.clone({parameter: seed}) if parameter else model.clone()
            belongs[label] = name
    return clones, belongs


def _seed_parameter(model: Any) -> str | None:
    parameters = model._get_params()  # River's, which ours have too; it has no public way
    return next((name for name in ("random_state", "seed") if name in parameters), None)


def mean_over_seeds(
    rows: Sequence[Mapping[str, Any]], belongs: Mapping[str, str], metrics: Sequence[str]
) -> list[dict[str, Any]]:
    """One row a model: mean and standard deviation of each metric over its seeds."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(belongs.get(row["model"], row["model"]), []).append(row)
    found = []
    for name, own in groups.items():
        line: dict[str, Any] = {"model": name, "n_seeds": len(own)}
        for metric in metrics:
            values = np.array([row[metric] for row in own], dtype=np.float64)
            line[metric] = float(values.mean())
            line[f"{metric}_sd"] = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        found.append(line)
    return found
