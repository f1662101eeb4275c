"""The pass over the stream: all models, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skl_increc.exceptions import DatasetError

from ._checkpoint import Checkpoints
from ._events import Events
from ._interrupts import Interrupts
from ._log import QuestionLog
from ._plan import BlockReader, Plan, Planner
from ._progress import Progress
from ._recorder import Recorder
from ._run import Entrant

__all__ = ["run_stream"]


def run_stream(
    entrants: Sequence[Entrant],
    events: Events,
    planner: Planner,
    recorder: Recorder,
    log: QuestionLog | None,
    checkpoints: Checkpoints,
    verbose: bool | str,
) -> bool:
    """Take all entrants through the stream, block by block; True if Ctrl-C ended it.

    Raises
    ------
    DatasetError
        For a stream without events.
    """
    with Progress(events.total, verbose) as progress, Interrupts() as interrupts:
        try:
            reader = BlockReader(events.rows, planner.together)
            while block := reader.read(
                min(recorder.events_to_next_point(), checkpoints.events_to_next(recorder.n_events))
            ):
                plan, before = planner.plan(block), recorder.n_events
                answers = _ask(entrants, plan)
                with interrupts.later():  # a block counts for all models, or for none
                    _measure(entrants, plan, answers)
                    if log is not None:
                        log.note(plan)
                    recorder.advance(len(block))
                checkpoints.advance(before, recorder.n_events, entrants)
                progress.show(recorder.n_events)
            plan = planner.rest()
            _measure(entrants, plan, _ask(entrants, plan))
        except KeyboardInterrupt:
            return True
    if not recorder.n_events:
        raise DatasetError("data holds no events: there is nothing to predict.")
    return False


def _ask(entrants: Sequence[Entrant], plan: Plan) -> list[list[Any] | None]:
    return [None if entrant.diverged_at else entrant.run(plan) for entrant in entrants]


def _measure(entrants: Sequence[Entrant], plan: Plan, answers: Sequence[list[Any] | None]) -> None:
    for entrant, given in zip(entrants, answers, strict=True):
        if given is not None:
            entrant.measure(plan, given)
