"""Picture of how fast models get to know a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._drawing import draw_lines, open_axes
from ._groups import names_of_edges
from ._progressive_display import run_clones
from ._result import ProgressiveResult
from ._scores import doubling_edges, find_score, group_means, read_edges

__all__ = ["LearningCurveByUserAgeDisplay"]


class LearningCurveByUserAgeDisplay:
    """A metric by how many events of the user a model had learned when it was asked: the cold start.

    Make one with `from_result` or `from_estimator`, which draw it; `plot` draws it again.

    Parameters
    ----------
    edges : ndarray of int, shape (n_groups,)
        Least number of events of each group of questions; the last group has no upper end.
    values : dict of str to ndarray of float, shape (n_groups,)
        The metric of each model; NaN where nothing was asked.
    n_questions : ndarray of int, shape (n_groups,)
        Questions in each group.
    metric : str
        Its name.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        In the order of ``values``.

    Notes
    -----
    Users who have many events are other people than those who have few: a line shows who is asked as well as
    what was learned. Compare models at one age, not ages of one model.

    Examples
    --------
    >>> from skl_increc.baselines import Baseline
    >>> from skl_increc.datasets import make_interactions
    >>> from skl_increc.model_selection import LearningCurveByUserAgeDisplay, progressive_validate
    >>> result = progressive_validate(Baseline(), make_interactions(2_000), time_col="timestamp")
    >>> display = LearningCurveByUserAgeDisplay.from_result(result)  # doctest: +SKIP
    >>> display.edges  # doctest: +SKIP
    array([ 0,  1,  2,  3,  5,  9])
    """

    def __init__(
        self, *, edges: np.ndarray, values: dict[str, np.ndarray], n_questions: np.ndarray, metric: str
    ) -> None:
        self.edges = edges
        self.values = values
        self.n_questions = n_questions
        self.metric = metric

    @classmethod
    def from_result(
        cls,
        result: ProgressiveResult,
        metric: str | None = None,
        *,
        edges: Sequence[int] | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> LearningCurveByUserAgeDisplay:
        """Draw what `progressive_validate` kept.

        Parameters
        ----------
        result : ProgressiveResult
            A run with ``record=True``.
        metric : str, optional
            For ratings "rmse" (the default) or "mae"; for the binary task "log_loss" (the default), "accuracy" or
            "brier"; for rankings "hit_rate" (the default), "ndcg", "mrr", "recall", "precision", "f1" or "map", of
            the whole lists or, as "ndcg@5", of their first places.
        edges : sequence of int, optional
            Least number of events of each group, ascending from 0. By default 0, 1, 2, 3, 5, 9, 17 and so
            on, doubling, up to what there is.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        LearningCurveByUserAgeDisplay

        Raises
        ------
        ValueError
            For a metric of another task, edges that do not ascend from 0, a run with ``record=False`` or
            without questions.
        ImportError
            Without matplotlib.
        """
        score = find_score(metric, result.task, result.k)
        models = [row["model"] for row in result.summary() if row["diverged_at"] is None]
        found = {model: result.outcomes(model) for model in models}
        ages = max((arrays["user_age"] for arrays in found.values()), key=len, default=np.empty(0))
        if not len(ages):
            raise ValueError("No question was asked, or all models diverged: there is nothing to draw.")
        groups = doubling_edges(int(ages.max())) if edges is None else read_edges(edges)
        codes = np.searchsorted(groups, ages, side="right") - 1
        values = {
            model: group_means(score, arrays, codes[: len(arrays["event"])], len(groups))[0]
            for model, arrays in found.items()
        }
        counts = np.bincount(codes, minlength=len(groups))
        display = cls(edges=groups, values=values, n_questions=counts, metric=score.label)
        return display.plot(ax=ax, line_kw=line_kw)

    @classmethod
    def from_estimator(
        cls,
        models: Any,
        data: Any,
        metric: str | None = None,
        *,
        edges: Sequence[int] | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> LearningCurveByUserAgeDisplay:
        """Run `progressive_validate` with clones of the models, and draw it.

        Parameters
        ----------
        models, data
            As of `progressive_validate`; the models stay as they are.
        metric, edges, ax, line_kw
            As of `from_result`.
        **options
            For `progressive_validate`.

        Returns
        -------
        LearningCurveByUserAgeDisplay
        """
        result = run_clones(models, data, {**options, "record": True})
        return cls.from_result(result, metric, edges=edges, ax=ax, line_kw=line_kw)

    def plot(
        self, ax: Any = None, *, line_kw: Mapping[str, Any] | None = None
    ) -> LearningCurveByUserAgeDisplay:
        """Draw the lines, a place for each group.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        self.ax_ = open_axes(ax)
        self.figure_ = self.ax_.figure
        places = list(range(len(self.edges)))
        self.lines_ = draw_lines(self.ax_, places, self.values, {"marker": "o", **(line_kw or {})})
        self.ax_.set_xticks(places, self.labels(), rotation=45 if len(places) > 8 else 0)
        self.ax_.set(xlabel="events of the user learned before", ylabel=self.metric)
        self.ax_.legend()
        return self

    def labels(self) -> list[str]:
        """Names of the groups, such as "3-4" or "17+"."""
        return names_of_edges(self.edges)
