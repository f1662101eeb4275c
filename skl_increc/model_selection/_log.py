"""What became of every question of a test-then-learn run, in arrays."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._meters import MISS, SKIPPED
from ._plan import Plan, Planner
from ._run import Entrant

__all__ = ["QuestionLog"]


@dataclass
class QuestionLog:
    """The event, the ages of the user and the item, and the item of every question, and every model's outcome.

    ``names`` are the items by their codes.

    Rankings: the place of the item from 0, `MISS` or `SKIPPED`. Ratings: truth - prediction, NaN where there
    was no answer. Binary: truth - probability of a 1. A model that is out has fewer outcomes than there are questions.
    """

    task: str
    numbers: array[int] = field(default_factory=lambda: array("q"))
    ages: array[int] = field(default_factory=lambda: array("i"))
    item_ages: array[int] = field(default_factory=lambda: array("i"))
    items: array[int] = field(default_factory=lambda: array("i"))
    names: list[Any] = field(default_factory=list)
    outcomes: dict[str, array[Any] | None] = field(default_factory=dict)

    def note(self, plan: Plan) -> None:
        """Add the questions of a block."""
        self.numbers.frombytes(plan.numbers.tobytes())
        self.ages.frombytes(plan.ages.tobytes())
        self.item_ages.frombytes(plan.item_ages.tobytes())
        self.items.frombytes(plan.items.tobytes())

    def close(self, planner: Planner, entrants: Sequence[Entrant]) -> None:
        """Take over the names of the items, and the outcomes."""
        self.names = list(planner.items)
        self.outcomes = {entrant.name: entrant.meter.outcomes for entrant in entrants}

    def of(self, model: str) -> dict[str, np.ndarray]:
        """Arrays of the questions that a model was asked, those without an answer included."""
        outcomes = np.array(self.outcomes[model] or ())
        n = min(len(outcomes), len(self.numbers))
        # one more, None, for code -1
        names = np.fromiter([*self.names, None], dtype=object, count=len(self.names) + 1)
        found = {
            "event": np.array(self.numbers[:n], dtype=np.int64),
            "user_age": np.array(self.ages[:n], dtype=np.int64),
            "item_age": np.array(self.item_ages[:n], dtype=np.int64),
            "item": names[np.array(self.items[:n], dtype=np.int64)],
        }
        if self.task != "ranking":
            return {**found, "error": outcomes[:n].astype(np.float64)}
        places = outcomes[:n].astype(np.float64) + 1.0
        places[outcomes[:n] == MISS] = np.inf
        places[outcomes[:n] == SKIPPED] = np.nan
        return {**found, "place": places}
