"""Which questions are asked before which event is taught: ties, warm-up, repeats, labels that come late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ._delay import LateLessons
from ._events import Event
from ._stream import is_positive

__all__ = ["BlockReader", "Plan", "Planner"]

#: questions (the x to ask with, before the event is taught), x (None: nothing is taught), y, w
Step = tuple[tuple[dict[Any, Any], ...], dict[Any, Any] | None, Any, Any]


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
    taught when the question was asked, ``item_ages`` how many of their items, ``items`` the codes of the items
    (-1 without one). ``n_lessons`` of the steps teach; ``last`` is the x of the last event.
    """

    steps: list[Step] = field(default_factory=list)
    truths: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ages: list[int] = field(default_factory=list)
    item_ages: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    n_lessons: int = 0
    last: dict[Any, Any] = field(default_factory=dict)


#: what is asked before an event is taught: questions, truths, numbers of the events, codes of their items
_Slot = tuple[list[Any], list[Any], list[int], list[int]]


@dataclass
class Planner:
    """Turns blocks of events into plans, and remembers who had what."""

    task: str
    together: bool
    warmup: int
    ask_repeats: bool
    late: LateLessons | None = None
    n_events: int = 0
    #: user -> events taught so far
    users: dict[Any, int] = field(default_factory=dict)
    #: item -> code, in order of appearance
    items: dict[Any, int] = field(default_factory=dict)
    #: by code, events taught so far
    _taught: list[int] = field(default_factory=list)
    _had: dict[Any, set[Any]] = field(default_factory=dict)

    def plan(self, block: list[Event]) -> Plan:
        """Questions and lessons of a block."""
        number = self.n_events
        plan = Plan(last=block[-1][3])
        for event, slot in zip(block, self._slots(block), strict=True):
            number += 1
            if self.late is not None:
                for other in self.late.due(number, event[2]):
                    self._teach(plan, (), other)
            questions: tuple[dict[Any, Any], ...] = ()
            if slot is not None:
                questions = tuple(slot[0])
                self._ask(plan, slot, event[0])
            if self.late is None or not self.late.wait(number, event):
                self._teach(plan, questions, event)
            elif questions:
                plan.steps.append((questions, None, None, None))
        return plan

    def rest(self) -> Plan:
        """The lessons that come after the end of the stream."""
        plan = Plan()
        for event in () if self.late is None else self.late.rest():
            self._teach(plan, (), event)
        return plan

    def _slots(self, block: list[Event]) -> list[_Slot | None]:
        slots: list[_Slot | None] = [None] * len(block)
        first_of: dict[Any, int] = {}
        ranking, together = self.task == "ranking", self.together
        for at, (user, item, moment, x, y, _) in enumerate(block):
            self.n_events += 1
            code = self._code(user, item)
            home = at
            if together and user is not None and moment is not None:
                home = first_of.setdefault((user, moment), at)
            asked = not ranking or self._is_asked(user, item, y)
            if self.n_events <= self.warmup or not asked:
                continue
            slot = slots[home]
            if slot is None:
                slot = slots[home] = ([], [], [], [])
            questions, truths, numbers, codes = slot
            if not ranking:
                questions.append(x)
                truths.append(y)
            else:
                if not questions:  # one list answers for all items of a user's moment
                    questions.append(block[home][3])
                    truths.append([])
                truths[0].append(item)
            numbers.append(self.n_events)
            codes.append(code)
        return slots

    def _ask(self, plan: Plan, slot: _Slot, user: Any) -> None:
        _, truths, numbers, codes = slot
        plan.truths += truths
        plan.numbers += numbers
        plan.items += codes
        age = self.users.get(user, 0)
        for code in codes:
            plan.ages.append(age)
            plan.item_ages.append(self._taught[code] if code >= 0 else 0)

    def _teach(self, plan: Plan, questions: tuple[dict[Any, Any], ...], event: Event) -> None:
        user, item, _, x, y, w = event
        if user is not None:
            self.users[user] += 1
        if item is not None:
            self._taught[self.items[item]] += 1
        plan.n_lessons += 1
        plan.steps.append((questions, x, y, w))

    def _code(self, user: Any, item: Any) -> int:
        """Note the ids; the code of the item, -1 without one."""
        if user is not None and user not in self.users:
            self.users[user] = 0
        if item is None:
            return -1
        code = self.items.get(item)
        if code is None:
            code = self.items[item] = len(self._taught)
            self._taught.append(0)
        return code

    def _is_asked(self, user: Any, item: Any, y: Any) -> bool:
        """Whether a list is asked for the item; notes what the user has. Only what counts as taken is had."""
        positive = is_positive(y, None)
        if user is None or item is None:
            return item is not None and positive
        had = self._had.get(user)
        if had is None:
            had = self._had[user] = set()
        new = item not in had
        if positive:
            had.add(item)
        return positive and (new or self.ask_repeats)
