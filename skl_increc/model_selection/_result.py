"""The result of a test-then-learn run: rows, curves, a table, a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._drawing import draw_curves, open_axes
from ._log import QuestionLog
from ._recorded import Recorded
from ._result_text import text_table
from ._seeds import mean_over_seeds

__all__ = ["ProgressiveResult"]


@dataclass
class ProgressiveResult(Recorded):
    """What `progressive_validate` measured.

    Attributes
    ----------
    task : {"rating", "binary", "ranking"}
        What was asked.
    ties : {"together", "order"}
        The rule in force for events of one user at one time; without times it is always "order".
    time_col : hashable or None
        Where the times were.
    k : int or None
        Length of the lists; None for ratings.
    exclude_seen, repeats : bool or None
        Whether lists left out what the user had, and whether items that the user had were asked for.
    min_y : float or None
        Least rating of an event that counts.
    threshold : float or None
        From where on y is 1, in the binary task.
    warmup : int
        Events that were taught before the first question.
    delay : str or None
        How long labels took, in words.
    n_events, n_users, n_items : int
        Events gone through, and distinct ids in them.
    interrupted : bool
        Whether Ctrl-C ended the run; the figures are of what was done by then.
    curve : list of dict
        One row per point, model and metric: ``model``, ``n_events``, ``n_asked``, ``metric``, ``value``
        (over everything so far) and ``recent`` (since the point before; None for metrics that are no sums).
    memory : list of dict
        One row per point and model that counts its bytes: ``model``, ``n_events``, ``nbytes``.
    """

    task: str
    ties: str
    time_col: Any
    k: int | None
    exclude_seen: bool | None
    repeats: bool | None
    min_y: float | None
    threshold: float | None
    warmup: int
    delay: str | None
    n_events: int
    n_users: int
    n_items: int
    interrupted: bool
    curve: list[dict[str, Any]] = field(repr=False)
    memory: list[dict[str, Any]] = field(repr=False)
    _rows: list[dict[str, Any]] = field(repr=False)
    _metrics: list[str]
    _belongs: dict[str, str] = field(default_factory=dict, repr=False)
    _backend: str | None = field(default=None, repr=False)
    _log: QuestionLog | None = field(default=None, repr=False)

    def summary(self) -> list[dict[str, Any]]:
        """One row per model.

        Returns
        -------
        list of dict
            ``model``; a value per metric over the whole stream (NaN for a model that diverged, or that was
            asked nothing); ``n_asked``; ``diverged_at``, the number of the event whose prediction was no
            finite number, or None; ``predict_per_second``, ``learn_per_second`` and ``events_per_second``
            of processor time (None if too short to tell); ``predict_median``, ``predict_p99``, ``learn_median`` and
            ``learn_p99``, seconds on the wall of a sample of the calls; ``nbytes`` and ``bytes_per_row``, a row being a
            distinct user or item of the stream (None if the model does not tell).
        """
        return [dict(row) for row in self._rows]

    def frame(self, backend: str | None = None) -> Any:
        """The curve as a data frame in long form.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            The library; by default that of the data, else the first of pandas and polars that is installed.

        Returns
        -------
        frame or dict
            Columns ``model``, ``n_events``, ``n_asked``, ``metric``, ``value``, ``recent``; a dict of lists
            if no such library is installed.
        """
        import narwhals.stable.v2 as nw

        names = ("model", "n_events", "n_asked", "metric", "value", "recent")
        columns: dict[str, list[Any]] = {name: [row[name] for row in self.curve] for name in names}
        columns["recent"] = [math.nan if value is None else value for value in columns["recent"]]
        libraries: tuple[Any, ...] = (backend,) if backend else (self._backend, "pandas", "polars")
        for name in libraries:
            if name is not None:
                try:
                    return nw.from_dict(columns, backend=name).to_native()
                except ModuleNotFoundError:
                    if backend:
                        raise
        return columns

    def over_seeds(self) -> list[dict[str, Any]]:
        """Mean and standard deviation of each metric over the seeds of a model.

        Returns
        -------
        list of dict
            One row per model: ``model``, ``n_seeds``, and of each metric its mean under its name and the standard
            deviation between runs under its name and ``_sd`` (NaN for a single run).
        """
        return mean_over_seeds(self._rows, self._belongs, self._metrics)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values that ``json`` takes: no NaN (None stands for it), no arrays.

        Returns
        -------
        dict
            The settings and counts by name, ``metrics`` (their names), ``summary``, ``curve`` and ``memory``.
        """
        plain = {
            name: getattr(self, name)
            for name in (
                *("task", "ties", "k", "exclude_seen", "repeats", "min_y", "threshold", "warmup"),
                *("delay", "n_events", "n_users", "n_items", "interrupted"),
            )
        }
        plain["time_col"] = None if self.time_col is None else str(self.time_col)
        plain["ties_rule"] = self.ties_rule
        plain["metrics"] = list(self._metrics)
        plain["summary"] = [_without_nan(row) for row in self._rows]
        plain["curve"] = [_without_nan(row) for row in self.curve]
        plain["memory"] = [dict(row) for row in self.memory]
        return plain

    @property
    def ties_rule(self) -> str:
        """The rule for ties, in words."""
        if self.ties == "together":
            return (
                f"all events of one user at one {self.time_col} are predicted before any of them is learned"
            )
        why = ", as no time_col was given" if self.time_col is None else ""
        return f"plain stream order{why}"

    def __str__(self) -> str:
        return text_table(self)

    def plot(self, metric: str | None = None, *, recent: bool = False, ax: Any = None) -> Any:
        """Draw the curve of a metric over the stream, a line per model.

        Parameters
        ----------
        metric : str, optional
            Name of a metric, as in `curve`; the first one by default.
        recent : bool, default=False
            Draw the value since the point before, in place of that over everything so far.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            With the curves.

        Raises
        ------
        ValueError
            For a metric that was not measured, or has no recent values.
        ImportError
            Without matplotlib.
        """
        name, n_events, values = self._curve_of(metric, recent)
        ax = open_axes(ax)
        draw_curves(ax, n_events, values, name, recent, {})
        return ax

    def _curve_of(self, metric: str | None, recent: bool) -> tuple[str, np.ndarray, dict[str, np.ndarray]]:
        """Name of a metric, the points of its curve, and its values there for each model."""
        metric = self._metrics[0] if metric is None else metric
        if metric == "nbytes" and self.memory:
            return metric, *_columns_of(self.memory, "nbytes", [row["model"] for row in self._rows])
        if metric not in self._metrics:
            raise ValueError(f"There is no metric {metric!r} in this result; there are {self._metrics}.")
        rows = [row for row in self.curve if row["metric"] == metric]
        which = "recent" if recent else "value"
        if recent and rows and all(row[which] is None for row in rows):
            raise ValueError(f"{metric} is no sum over events: it has no recent values.")
        return metric, *_columns_of(rows, which, [row["model"] for row in self._rows])


def _columns_of(
    rows: Sequence[dict[str, Any]], which: str, models: Sequence[str]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Points of rows in long form, and the values of each model that has any."""
    values: dict[str, list[float]] = {model: [] for model in models}
    for row in rows:
        values[row["model"]].append(math.nan if row[which] is None else row[which])
    points = np.array(list(dict.fromkeys(row["n_events"] for row in rows)), dtype=np.int64)
    return points, {name: np.array(own) for name, own in values.items() if own}


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
