"""What stands inside River's wrappers and pipelines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from river import base, compose

__all__ = ["innermost", "shells", "takes", "takes_ids"]


def shells(model: Any) -> list[Any]:
    """A model and what it holds, outermost first: through wrappers and the last steps of pipelines."""
    found = [model]
    while True:
        if isinstance(model, base.Wrapper):
            model = model._wrapped_model
        elif isinstance(model, compose.Pipeline) and model.steps:
            model = model._last_step
        else:
            return found
        if any(model is one for one in found):  # a wrapper of itself
            return found
        found.append(model)


def innermost(model: Any) -> Any:
    """The model that learns, inside whatever wraps it."""
    return shells(model)[-1]


def takes(method: Callable[..., Any], *names: str) -> bool:
    """Tell whether a method takes these keywords; one that does not say, a compiled one of ours, does."""
    try:
        parameters = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return True
    return set(names) <= parameters.keys() or any(p.kind == p.VAR_KEYWORD for p in parameters.values())


def takes_ids(shell: Any) -> bool:
    """Tell whether a wrapper hands ``user=`` and ``item=`` on to what it holds."""
    return all(takes(method, "user", "item") for method in (shell.predict_one, shell.learn_one))
