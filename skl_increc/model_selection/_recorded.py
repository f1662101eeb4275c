"""What a run can tell because the outcome of every question was kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._comparison import Comparison, compare_outcomes
from ._groups import GroupMetrics, group_outcomes
from ._log import QuestionLog
from ._moving import check_moving, faded_means, sliding_means
from ._scores import find_score

__all__ = ["Recorded"]


class Recorded:
    """The part of a result that looks at single questions."""

    task: str
    k: int | None
    _rows: list[dict[str, Any]]
    _metrics: list[str]
    _log: QuestionLog | None

    @property
    def recorded(self) -> bool:
        """Whether the outcome of every question was kept."""
        return self._log is not None

    def outcomes(self, model: str) -> dict[str, np.ndarray]:
        """What became of every question that a model was asked.

        Parameters
        ----------
        model : str
            Its name.

        Returns
        -------
        dict of str to ndarray of shape (n_questions,)
            ``event``: number of the event, from 1; ``user_age``: how many events of its user were taught when
            the question was asked (0 for strangers and the anonymous); ``item_age``: how many of its item;
            ``item``; and ``error`` (rating less
            prediction), or ``place`` of the item in the list, from 1, infinity where it was not in it. NaN
            where there was no answer.

        Raises
        ------
        ValueError
            For an unknown model, and a run with ``record=False``.
        """
        names = [row["model"] for row in self._rows]
        if model not in names:
            raise ValueError(f"There is no model {model!r} in this result; there are {names}.")
        if self._log is None:
            raise ValueError("The outcomes were not kept: run progressive_validate with record=True.")
        return self._log.of(model)

    def compare(
        self,
        reference: str | None = None,
        *,
        k: int | None = None,
        window: int | None = None,
        step: int | None = None,
        alpha: float = 0.01,
    ) -> Comparison:
        """Test whether one model is better than the others by more than luck.

        Rankings: McNemar's test on paired hits (`mcnemar_test`). Ratings and probabilities: a test of the mean
        difference of the squared errors, or of the log losses (`paired_z_test`). Both over the whole stream
        and in sliding windows of it.

        Parameters
        ----------
        reference : str, optional
            The model to compare the others with; by default the best by hit rate, or by RMSE.
        k : int, optional
            Places in which an item is a hit; by default the length of the lists.
        window, step, alpha
            As of `mcnemar_test`.

        Returns
        -------
        Comparison
            Print it for a table with the significant wins marked.

        Raises
        ------
        ValueError
            For an unknown reference, a run with ``record=False``, and parameters out of range.
        """
        if k is not None and (self.k is None or not 1 <= k <= self.k):
            raise ValueError(f"k must be between 1 and the length of the lists, {self.k}; got {k!r}.")
        k = self.k if k is None else k
        return compare_outcomes(self.task, self._all_outcomes(), reference, k, window, step, alpha)

    def groups(
        self, by: Any = "user", *, metrics: Sequence[str] | None = None, edges: Sequence[int] | None = None
    ) -> GroupMetrics:
        """Metrics of groups of questions, which say whether a model serves strangers and new items.

        Parameters
        ----------
        by : {"user", "item", "activity", "popularity"} or array-like, default="user"
            "user": cold, of whom nothing was learned when the question was asked, or warm; "item": new or known in
            the same way. "activity" and "popularity": by how many events of the user, or of the item, were
            learned. Or a label for every event, in the order of the stream.
        metrics : sequence of str, optional
            As of `LearningCurveByUserAgeDisplay`; by default those of the run that are means over questions.
        edges : sequence of int, optional
            Least number of events of each group by activity or popularity, ascending from 0; by default 0, 1, 2, 3,
            5, 9 and so on, doubling.

        Returns
        -------
        GroupMetrics
            Print it for a table; its ``rows`` hold the figures.

        Raises
        ------
        ValueError
            For unknown groups and metrics, and a run with ``record=False``.
        """
        found = {} if metrics is None else {name: find_score(name, self.task, self.k) for name in metrics}
        for name in self._metrics if metrics is None else ():
            try:
                found[name] = find_score(name, self.task, self.k)
            except ValueError:  # no mean over questions
                continue
        return group_outcomes(self._all_outcomes(), by, edges, found)

    def moving(
        self, metric: str | None = None, *, window: int | None = None, fading: float | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """A metric over a window that slides along the stream, or that forgets by and by.

        Parameters
        ----------
        metric : str, optional
            As of `LearningCurveByUserAgeDisplay`.
        window : int, optional
            Mean over the last so many questions; over those there are at the beginning.
        fading : float, optional
            Mean in which every question weighs this share of the next one, such as 0.999. Give one of the two.

        Returns
        -------
        n_events : ndarray of int, shape (n_questions,)
            Number of the event of each question.
        values : dict of str to ndarray of float, shape (n_questions,)
            The metric of each model there; NaN before the first answer, and from where a model diverged.

        Raises
        ------
        ValueError
            For an unknown metric, settings out of range, and a run with ``record=False``.
        """
        check_moving(window, fading)
        score = find_score(metric, self.task, self.k)
        found = {row["model"]: self.outcomes(row["model"]) for row in self._rows}
        events = max((arrays["event"] for arrays in found.values()), key=len)
        values = {}
        for name, arrays in found.items():
            own = score.each(arrays)
            means = sliding_means(own, window) if window is not None else faded_means(own, fading or 0.0)
            values[name] = np.full(len(events), math.nan)
            values[name][: len(own)] = score.of_mean(means)
        return events, values

    def _all_outcomes(self) -> dict[str, dict[str, np.ndarray] | None]:
        """What became of the questions; None of a model that diverged."""
        return {
            row["model"]: self.outcomes(row["model"]) if row["diverged_at"] is None else None
            for row in self._rows
        }
