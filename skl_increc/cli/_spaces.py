"""Which settings of a model are worth a try."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from skl_increc.cli._errors import InputError

__all__ = ["candidates", "read_space", "space_of"]

#: times the default
_MULTIPLES = (0.1, 0.3, 1.0, 3.0, 10.0)
_SCALED = {
    *("l2", "l2_bias", "l2_user", "l2_item", "shrinkage", "prior", "noise", "reach"),
    *("variance_bias", "variance_factors"),
}
_VALUES: dict[str, tuple[Any, ...]] = {
    "n_factors": (4, 8, 16, 32, 64),
    "n_neighbors": (10, 20, 40, 100, 200),
    "max_distance": (1, 2, 5, 10, 20),
    "half_life": (None, 300, 1000, 3000, 10_000),
    "drift": (None, 0.0005, 0.002, 0.008, 0.03),
    "weight": (0.5, 0.7, 0.8, 0.9, 1.0),
    "exponent": (0.0, 0.25, 0.5, 0.75, 1.0),
    "damping": (0.25, 0.5, 0.75, 1.0),
    "idf": (0.0, 0.5, 1.0),
    "implicit": (None, "history"),
}


def space_of(model: Any) -> dict[str, list[Any]]:
    """Values to try of each parameter of a model, its own among them."""
    space = {}
    for name, default in model.get_params(deep=False).items():
        if name in _VALUES:
            values = [default, *(value for value in _VALUES[name] if value != default)]
        elif name in _SCALED and default:
            values = [default, *(float(f"{default * times:.1g}") for times in _MULTIPLES if times != 1.0)]
        else:
            continue
        space[name] = values
    return space


def read_space(texts: Sequence[str], model: Any, name: str) -> dict[str, list[Any]]:
    """Values to try from texts as ``l2=0.01,0.1``; the model's own are tried first.

    Raises
    ------
    InputError
        For an unknown parameter, one given twice, and values that are no plain constants.
    """
    known = list(inspect.signature(type(model)).parameters)
    space: dict[str, list[Any]] = {}
    for text in texts:
        parameter, sign, values = (part.strip() for part in text.partition("="))
        if parameter not in known:
            raise InputError(f"{name} has no parameter {parameter!r}; it has {', '.join(known)}.")
        try:
            found = list(ast.literal_eval(f"[{values}]")) if sign else []
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            found = []
        if not found or parameter in space:
            why = "is given twice" if parameter in space else "cannot be read"
            raise InputError(f"--param {text!r} {why}: write --param l2=0.01,0.1 once for each parameter.")
        own = model.get_params(deep=False)[parameter]
        space[parameter] = [own, *(value for value in found if value != own)]
    return space


def candidates(space: Mapping[str, Sequence[Any]], n: int, seed: int) -> list[dict[str, list[Any]]]:
    """Up to ``n`` different settings, that of the model itself first; each as a grid of one.

    Examples
    --------
    >>> candidates({"l2": [0.1, 1.0]}, 5, 0)
    [{'l2': [0.1]}, {'l2': [1.0]}]
    """
    names = list(space)
    sizes = [len(space[name]) for name in names]
    most = min(n, int(np.prod(sizes, dtype=np.float64)))
    draw = np.random.default_rng(seed)
    chosen: dict[tuple[int, ...], None] = {(0,) * len(names): None}
    while len(chosen) < most:
        chosen[tuple(int(draw.integers(size)) for size in sizes)] = None
    return [{name: [space[name][at]] for name, at in zip(names, picks, strict=True)} for picks in chosen]
