"""Which questions are asked before which event is taught: ties, warm-up, repeats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ._events import Event
from ._stream import is_positive

__all__ = ["BlockReader", "Plan", "Planner"]

#: questions (the x to ask with, before the event is taught), x, y, w
Step = tuple[tuple[dict[Any, Any], ...], dict[Any, Any], Any, Any]


class BlockReader:
    """Cuts a stream into short blocks; with ``together``, never between events of one moment."""

    def __init__(self, rows: Iterator[Event], together: bool) -> None:
        self._rows = rows
        self._together = together
        self._next: Event | None = next(rows, None)

    def read(self, limit: int) -> list[Event]:
        """Up to ``limit`` events, more where a moment holds more; empty at the end."""
        block: list[Event] = []
        while self._next is not None:
            moment = self._next[2]
            if len(block) >= limit and not (self._together and moment is not None and moment == block[-1][2]):
                break
            block.append(self._next)
            self._next = next(self._rows, None)
        return block


@dataclass
class Plan:
    """What to do with a block of events.

    ``truths`` belong to the questions in their order: a rating, or a tuple of the items of one list.
    ``numbers`` are the events (counted from 1) of the truths, ``ages`` how many events of their users had been
    taught when the question was asked, ``items`` the codes of the items (-1 without one).
    """

    steps: list[Step] = field(default_factory=list)
    truths: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ages: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)


@dataclass
class Planner:
    """Turns blocks of events into plans, and remembers who had what."""

    task: str
    together: bool
    warmup: int
    ask_repeats: bool
    n_events: int = 0
    #: user -> events so far
    users: dict[Any, int] = field(default_factory=dict)
    #: item -> code, in order of appearance
    items: dict[Any, int] = field(default_factory=dict)
    _had: dict[Any, set[Any]] = field(default_factory=dict)

    def plan(self, block: list[Event]) -> Plan:
        """Questions and lessons of a block."""
        # per event: questions, truths, numbers of the events asked about
        slots: list[tuple[list[Any], list[Any], list[int]]] = []
        ages: list[int] = []
        first_of: dict[Any, int] = {}
        for at, (user, item, moment, x, y, _) in enumerate(block):
            slots.append(([], [], []))
            self.n_events += 1
            ages.append(self.users.get(user, 0))
            new = self._meet(user, item, y)
            home = at
            if self.together and user is not None and moment is not None:
                home = first_of.setdefault((user, moment), at)
            if self.n_events <= self.warmup or not self._is_asked(item, y, new):
                continue
            questions, truths, numbers = slots[home]
            if self.task != "ranking":
                questions.append(x)
                truths.append(y)
            else:
                if not questions:  # one list answers for all items of a user's moment
                    questions.append(block[home][3])
                    truths.append([])
                truths[0].append(item)
            numbers.append(self.n_events)
        return self._assemble(block, slots, ages)

    def _assemble(
        self, block: list[Event], slots: list[tuple[list[Any], list[Any], list[int]]], ages: list[int]
    ) -> Plan:
        plan = Plan()
        for (_, _, _, x, y, w), (questions, truths, numbers), age in zip(block, slots, ages, strict=True):
            plan.steps.append((tuple(questions), x, y, w))
            plan.truths += truths
            plan.numbers += numbers
            plan.ages += [age] * len(numbers)
        first = self.n_events - len(block)
        plan.items = [self.items.get(block[number - first - 1][1], -1) for number in plan.numbers]
        return plan

    def _meet(self, user: Any, item: Any, y: Any) -> bool:
        """Note a pair; True if it is new. Only what counts as taken is had."""
        if user is not None:
            self.users[user] = self.users.get(user, 0) + 1
        if item is not None:
            self.items.setdefault(item, len(self.items))
        if self.task != "ranking" or user is None or item is None:
            return True
        had = self._had.get(user)
        if had is None:
            had = self._had[user] = set()
        if item in had:
            return False
        if is_positive(y, None):
            had.add(item)
        return True

    def _is_asked(self, item: Any, y: Any, new: bool) -> bool:
        if self.task != "ranking":
            return True
        return item is not None and (new or self.ask_repeats) and is_positive(y, None)
