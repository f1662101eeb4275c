"""Successive halving over the events of a stream: how far each rung goes, and one step of it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.exceptions import FitFailedWarning

from ._binary import BinaryMeter
from ._delay import LateLessons
from ._entrants import Calls, binary_calls, ranking_calls, rating_calls
from ._meters import RankingMeter, RatingMeter
from ._plan import BlockReader, Plan, Planner
from ._run import Entrant
from ._splits import check_whole
from ._table_of_events import EventTable

__all__ = ["Questions", "Rung", "Step", "advance", "plan_rungs", "split_evenly"]

_BLOCK = 256


@dataclass(frozen=True)
class Rung:
    """How many candidates go on up to which event."""

    n_candidates: int
    stop: int


def plan_rungs(n_candidates: int, factor: float, least: Any, most: Any, n_events: int) -> list[Rung]:
    """The rungs: each goes ``factor`` times as far as the one before, with one in ``factor`` of its candidates.

    Raises
    ------
    ValueError
        For parameters out of range.

    Examples
    --------
    >>> plan_rungs(9, 3, "exhaust", None, 900)
    [Rung(n_candidates=9, stop=100), Rung(n_candidates=3, stop=300), Rung(n_candidates=1, stop=900)]
    """
    if not 1.0 < factor < math.inf:
        raise ValueError(f"factor must be above 1; got {factor!r}.")
    if most is not None:
        check_whole("max_resources", most)
    most = n_events if most is None else min(int(most), n_events)
    wanted = 1 + math.floor(math.log(n_candidates, factor) + 1e-9)
    if least == "exhaust":
        least = max(1, int(most // factor ** (wanted - 1)))
    else:
        check_whole("min_resources", least)
        if least > most:
            raise ValueError(f"min_resources={least} is more than the {most} events there are to use.")
    possible = 1 + math.floor(math.log(most / least, factor) + 1e-9)
    n_rungs = min(wanted, possible)
    stops = [int(least * factor**rung) for rung in range(n_rungs)]
    stops[-1] = most
    return [Rung(math.ceil(n_candidates / factor**rung), stop) for rung, stop in enumerate(stops)]


@dataclass(frozen=True)
class Questions:
    """What candidates are asked, and how their answers are scored."""

    task: str
    metric: Any
    k: int
    together: bool
    delay: Any = None

    def entrant(self, name: str, model: Any, columns: Any) -> Entrant:
        """A candidate with a meter of its own."""
        calls: Calls
        meter: Any
        metrics = {"score": self.metric.clone()}
        if self.task == "rating":
            calls, meter = rating_calls(model, columns), RatingMeter(metrics, record=False)
        elif self.task == "binary":
            calls, meter = binary_calls(model, columns), BinaryMeter(metrics, record=False)
        else:
            calls = ranking_calls(model, columns, self.k, exclude_seen=True)
            meter = RankingMeter(metrics, self.k, record=False)
        return Entrant(name, model, calls, meter, 0.0)


@dataclass
class Step:
    """A candidate after a rung: score (larger is better, NaN if it failed) and seconds."""

    model: Any
    score: float
    learning: float
    asking: float


def advance(
    models: Mapping[int, Any], table: EventTable, start: int, questions: Questions, error_score: Any
) -> dict[int, Step]:
    """Take candidates from event ``start`` to the end of the table, each event asked, then learned."""
    entrants = {i: questions.entrant(f"candidate {i}", m, table.columns) for i, m in models.items()}
    late = None if questions.delay is None else LateLessons(questions.delay, table.columns.time)
    planner = Planner(questions.task, questions.together, 0, ask_repeats=False, late=late)
    reader = BlockReader(table.events(), questions.together)
    while block := reader.read(min(_BLOCK, start - planner.n_events) if planner.n_events < start else _BLOCK):
        learned = planner.n_events < start  # in an earlier rung: the plan alone remembers it
        plan = planner.plan(block)
        if not learned:
            _take(entrants, plan, error_score)
    sign = 1.0 if questions.metric.bigger_is_better else -1.0
    return {
        i: Step(e.model, sign * e.values()["score"], e.teaching_seconds, e.asking_seconds)
        for i, e in entrants.items()
    }


def _take(entrants: Mapping[int, Entrant], plan: Plan, error_score: Any) -> None:
    for entrant in entrants.values():
        if entrant.diverged_at is not None:
            continue
        try:
            answers = entrant.run(plan)
        except Exception as error:
            if error_score == "raise":
                raise
            warnings.warn(
                f"{entrant.name} failed, and is out of the search: {type(error).__name__}: {error}",
                FitFailedWarning,
                stacklevel=2,
            )
            entrant.diverged_at = 1
            continue
        entrant.measure(plan, answers)


def split_evenly(names: Sequence[int], n_parts: int) -> list[list[int]]:
    """Parts of nearly equal size, none empty.

    Examples
    --------
    >>> split_evenly([1, 2, 3, 4, 5], 2)
    [[1, 3, 5], [2, 4]]
    """
    parts = [list(names[at::n_parts]) for at in range(n_parts)]
    return [part for part in parts if part]
