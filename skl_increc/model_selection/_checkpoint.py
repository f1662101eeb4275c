"""Models put away on their way through the stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from skl_increc.base import InteractionEstimator

from ._run import Entrant
from ._splits import check_whole

__all__ = ["Checkpoints", "open_checkpoints"]

#: called with the name of a model, the model, and the number of events that it went through
Put = Callable[[str, Any, int], object]


class Checkpoints:
    """Puts away every model that is still in, after every so many events."""

    def __init__(self, put: Put | None, every: int) -> None:
        self._put = put
        self._every = every

    def events_to_next(self, n_events: int) -> int:
        """How many events are left until the next checkpoint; very many without any."""
        return self._every - n_events % self._every

    def advance(self, before: int, after: int, entrants: Sequence[Entrant]) -> None:
        """Put the models away if the block from ``before`` to ``after`` reached a checkpoint."""
        if self._put is None or after // self._every == before // self._every:
            return
        for entrant in entrants:
            if entrant.diverged_at is None:
                self._put(entrant.name, entrant.model, after)


def open_checkpoints(checkpoint: Any, every: int | None, models: dict[str, Any]) -> Checkpoints:
    """Check what is asked for before a long run.

    Raises
    ------
    ValueError
        For one of the two without the other, and a path that several models would share.
    TypeError
        For no path and no function, and a path for a model that cannot be saved.
    """
    if checkpoint is None:
        if every is not None:
            raise ValueError(f"checkpoint_every={every!r} needs checkpoint, a path or a function.")
        return Checkpoints(None, 1 << 62)
    if every is None:
        raise ValueError("checkpoint needs checkpoint_every, the events between two of them.")
    check_whole("checkpoint_every", every)
    if callable(checkpoint):
        return Checkpoints(checkpoint, int(every))
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise TypeError(f"checkpoint must be a path or a function; got a {type(checkpoint).__name__}.")
    return Checkpoints(_saver(os.fspath(checkpoint), models), int(every))


def _saver(template: str, models: dict[str, Any]) -> Put:
    strange = [name for name, model in models.items() if not isinstance(model, InteractionEstimator)]
    if strange:
        raise TypeError(
            f"A path in checkpoint is for models of skl_increc; {strange[0]!r} is none. Give a function of "
            "(name, model, n_events)."
        )
    try:
        paths = {template.format(model=_in_a_path(name), n_events=0) for name in models}
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"checkpoint={template!r} may hold {{model}} and {{n_events}}, and no other braces."
        ) from error
    if len(paths) < len(models):
        raise ValueError(f"checkpoint={template!r} is one path for {len(models)} models: put {{model}} in.")
    folder = next((f for f in map(os.path.dirname, sorted(paths)) if f and not os.path.isdir(f)), None)
    if folder is not None:
        raise FileNotFoundError(f"The folder {folder!r} of checkpoint does not exist: make it first.")

    def put(name: str, model: Any, n_events: int) -> None:
        from skl_increc.persistence import save

        save(model, template.format(model=_in_a_path(name), n_events=n_events))

    return put


def _in_a_path(name: str) -> str:
    return "".join("_" if letter in "/\\:\0" else letter for letter in name)
