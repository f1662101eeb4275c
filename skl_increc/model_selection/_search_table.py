"""What a search found out, a row per candidate and rung."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ._rungs import Step

__all__ = ["SearchTable"]


class SearchTable:
    """Rows of ``cv_results_``."""

    def __init__(self) -> None:
        #: rung, events, candidate, score, seconds of learning and of asking
        self._rows: list[tuple[int, int, int, float, float, float]] = []

    def add(self, rung: int, stop: int, steps: Mapping[int, Step]) -> None:
        """Add the candidates of a rung."""
        for candidate, step in steps.items():
            self._rows.append((rung, stop, candidate, step.score, step.learning, step.asking))

    def _last(self) -> list[tuple[int, int, int, float, float, float]]:
        return [row for row in self._rows if row[0] == self._rows[-1][0]]

    def best_of_rung(self, n: int) -> list[int]:
        """The best candidates of the last rung, in the order of all; fewer where fewer are left."""
        known = [row for row in self._last() if not math.isnan(row[3])]
        return sorted(row[2] for row in sorted(known, key=lambda row: -row[3])[:n])

    def all_failed(self) -> bool:
        """Whether no candidate of the last rung has a score."""
        return all(math.isnan(row[3]) for row in self._last())

    def best(self) -> int:
        """Row of the best candidate of the last rung."""
        rows = range(len(self._rows) - len(self._last()), len(self._rows))
        known = [row for row in rows if not math.isnan(self._rows[row][3])]
        return max(known, key=lambda row: self._rows[row][3])

    def columns(self, params: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """As ``cv_results_`` of scikit-learn's halving searches."""
        rungs, stops, candidates, scores, learning, asking = map(np.array, zip(*self._rows, strict=True))
        found: dict[str, Any] = {"iter": rungs, "n_resources": stops}
        found |= {"mean_fit_time": learning, "mean_score_time": asking}
        for name in sorted({name for values in params for name in values}):
            column = np.ma.masked_all(len(rungs), dtype=object)
            for row, candidate in enumerate(candidates.tolist()):
                if name in params[candidate]:
                    column[row] = params[candidate][name]
            found[f"param_{name}"] = column
        found["params"] = [params[candidate] for candidate in candidates.tolist()]
        found["mean_test_score"] = scores
        worst = np.where(np.isnan(scores), -np.inf, scores)
        ranks = np.empty(len(rungs), dtype=np.int32)
        for rung in range(int(rungs[-1]), -1, -1):  # whoever came further stands before the others
            mine = rungs == rung
            ranks[mine] = rankdata(-worst[mine], method="min") + (rungs > rung).sum()
        found["rank_test_score"] = ranks
        return found
