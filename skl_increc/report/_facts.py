"""What a page tells of the models and of the software, gathered at the end of a run."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["guarantees_of", "parameters_of", "versions"]

_MARKS = {"bitwise": "yes", "rounding": "~", "no": "no"}
_PACKAGES = ("river", "scikit-learn", "numpy", "scipy", "narwhals", "polars", "matplotlib")
_LONGEST = 60


def guarantees_of(model: Any) -> list[str]:
    """How S, O, M and U hold, a short word each; "?" for a model that does not say."""
    ask = getattr(model, "guarantees", None)
    if ask is None:
        return ["?"] * 4
    holds = ask()
    return [_MARKS[getattr(holds, letter)] for letter in "SOMU"]


def parameters_of(model: Any) -> dict[str, str]:
    """Parameters by name, their values as short text without addresses in memory."""
    if hasattr(model, "get_params"):
        values = model.get_params(deep=False)
    else:
        values = model._get_params()  # of River's models, for which there is no public way
    return {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str:
    match value:
        case (type() as cls, dict() as parameters):  # how River tells of an object inside a model
            inside = ", ".join(f"{name}={_text(each)}" for name, each in parameters.items())
            text = f"{cls.__name__}({inside})"
        case _:
            text = " ".join(repr(value).split())
    if re.search(r" at 0x[0-9a-fA-F]+", text):
        text = type(value).__name__
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def versions() -> dict[str, str]:
    """Name -> version of Python and of the packages that shape a result."""
    from skl_increc import __version__

    found = {"skl_increc": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    found["system"] = f"{platform.system()} {platform.machine()}"
    return found
