"""One model on its way through the stream: asked, taught, measured, timed."""

from __future__ import annotations

import math
import time
from typing import Any

from ._ask import go, go_timed
from ._binary import BinaryMeter
from ._entrants import Calls
from ._latency import Latency
from ._meters import RankingMeter, RatingMeter
from ._plan import Plan

__all__ = ["Entrant", "clock_cost"]

#: questions and lessons of a block of 256 that are timed by themselves
_TIMED = 32


def clock_cost() -> float:
    """Nanoseconds that reading the clock adds to a span."""
    clock = time.perf_counter_ns
    return float(min(-clock() + clock() for _ in range(200)))


class Entrant:
    """A model with its calls, its meter and its clocks.

    Reading a CPU clock costs more than learning an event, so a block is timed as a whole, and the share of
    questions and lessons in it is taken from a few steps of it, with a clock that is cheap to read.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        calls: Calls,
        meter: RatingMeter | RankingMeter | BinaryMeter,
        tick: float,
    ) -> None:
        self.name = name
        self.model = model
        self.meter = meter
        self.diverged_at: int | None = None
        self.n_questions = self.n_lessons = 0
        self.asking_seconds = self.teaching_seconds = 0.0
        self.asking, self.teaching = Latency(tick), Latency(tick)
        self._ask, self._teach = calls
        self._ask_cost = self._teach_cost = 1.0

    def run(self, plan: Plan) -> list[Any]:
        """Answers to the questions of a block, each asked before its event is taught."""
        answers: list[Any] = []
        start = time.process_time()
        try:
            # in the middle: the first steps find the caches full of something else
            middle = len(plan) // 2
            go(plan, 0, middle, self._ask, self._teach, answers)
            asking, teaching = go_timed(plan, middle, middle + _TIMED, self._ask, self._teach, answers)
            go(plan, middle + _TIMED, len(plan), self._ask, self._teach, answers)
        except Exception as error:
            error.add_note(f"Raised by the model {self.name!r} of progressive_validate.")
            raise
        self._share_time(time.process_time() - start, len(answers), plan.n_lessons, asking, teaching)
        return answers

    def _share_time(
        self, seconds: float, n_asked: int, n_taught: int, asking: list[int], teaching: list[int]
    ) -> None:
        self._ask_cost = self.asking.add(asking) or self._ask_cost
        self._teach_cost = self.teaching.add(teaching) or self._teach_cost
        asked, taught = n_asked * self._ask_cost, n_taught * self._teach_cost
        if asked + taught:
            self.asking_seconds += seconds * asked / (asked + taught)
            self.teaching_seconds += seconds * taught / (asked + taught)
        self.n_questions += n_asked
        self.n_lessons += n_taught

    def measure(self, plan: Plan, answers: list[Any]) -> None:
        """Count the answers; a model that gives numbers that are not finite is out from here on."""
        bad = self.meter.measure(plan.truths, answers, plan.numbers)
        if bad is None and isinstance(self.meter, RankingMeter) and plan.truths:
            bad = self._score_is_bad(plan)
        self.diverged_at = bad

    def _score_is_bad(self, plan: Plan) -> int | None:
        """Number of the block's last event if the model scores it by no finite number: lists hide this."""
        if not hasattr(self.model, "recommend_one"):
            return None
        score = self.model.predict_one(plan.last)
        return int(plan.numbers[-1]) if isinstance(score, float) and not math.isfinite(score) else None

    def values(self) -> dict[str, float]:
        """Metrics so far, NaN for a model that is out."""
        values = self.meter.values()
        return values if self.diverged_at is None else dict.fromkeys(values, math.nan)
