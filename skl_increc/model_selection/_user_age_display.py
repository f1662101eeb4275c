"""Picture of how fast models get to know a user."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skl_increc.base._ranking import GAINS, gain_table

from ._drawing import draw_lines, open_axes
from ._progressive_display import run_clones
from ._result import ProgressiveResult

__all__ = ["LearningCurveByUserAgeDisplay"]

_ERRORS = ("rmse", "mae")


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
            For ratings "rmse" (the default) or "mae"; for rankings "hit_rate" (the default), "ndcg", "mrr",
            "recall", "precision", "f1" or "map", with the length of the lists of the run.
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
        metric = _choose(metric, result.task)
        models = [row["model"] for row in result.summary() if row["diverged_at"] is None]
        found = {model: result.outcomes(model) for model in models}
        ages = max((arrays["user_age"] for arrays in found.values()), key=len, default=np.empty(0))
        if not len(ages):
            raise ValueError("No question was asked, or all models diverged: there is nothing to draw.")
        groups = _doubling(int(ages.max())) if edges is None else _ascending(edges)
        values = {
            model: _by_group(_scores(arrays, metric, result.k), arrays, groups, metric)
            for model, arrays in found.items()
        }
        counts = np.bincount(np.searchsorted(groups, ages, side="right") - 1, minlength=len(groups))
        name = metric.upper() if metric in _ERRORS else f"{metric} at {result.k}"
        display = cls(edges=groups, values=values, n_questions=counts, metric=name)
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
        edges = self.edges.tolist()
        inner = [str(low) if high == low + 1 else f"{low}-{high - 1}" for low, high in pairwise(edges)]
        return [*inner, f"{edges[-1]}+"]


def _choose(metric: str | None, task: str) -> str:
    if task == "binary":
        raise ValueError("There is no display by the age of users for the binary task.")
    known = _ERRORS if task == "rating" else ("hit_rate", *(name for name in GAINS if name != "hit_rate"))
    if metric is None:
        return known[0]
    if metric not in known:
        raise ValueError(f"There is no metric {metric!r} of the {task} task here; there are {list(known)}.")
    return metric


def _doubling(largest: int) -> np.ndarray:
    """0, 1, 2, 3, 5, 9, 17, ...: groups of 1, 1, 1, 2, 4, 8, ... events."""
    edges = [0, 1, 2]
    while edges[-1] <= largest:
        edges.append(2 * edges[-1] - 1)
    return np.array([edge for edge in edges if edge <= largest], dtype=np.int64)


def _ascending(edges: Sequence[int]) -> np.ndarray:
    found = np.asarray(edges)
    if found.ndim != 1 or not len(found) or found[0] != 0 or (np.diff(found) <= 0).any():
        raise ValueError(f"edges must ascend from 0; got {list(edges)!r}.")
    return found.astype(np.int64)


def _scores(arrays: dict[str, np.ndarray], metric: str, k: int | None) -> np.ndarray:
    """What is averaged, a number a question; NaN without an answer."""
    if metric in _ERRORS:
        return arrays["error"] ** 2 if metric == "rmse" else np.abs(arrays["error"])
    place = arrays["place"]
    table = np.array([*gain_table(metric, k or 1), 0.0])
    at = np.where(np.isfinite(place), place - 1, len(table) - 1).astype(np.int64)
    return np.where(np.isnan(place), math.nan, table[at])


def _by_group(
    scores: np.ndarray, arrays: dict[str, np.ndarray], groups: np.ndarray, metric: str
) -> np.ndarray:
    answered = ~np.isnan(scores)
    group = np.searchsorted(groups, arrays["user_age"][answered], side="right") - 1
    counts = np.bincount(group, minlength=len(groups))
    sums = np.bincount(group, weights=scores[answered], minlength=len(groups))
    means = np.divide(sums, counts, out=np.full(len(groups), math.nan), where=counts > 0)
    return np.sqrt(means) if metric == "rmse" else means
