"""The result of a test-then-learn run: rows, curves, a table, a plot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._comparison import Comparison, compare_outcomes
from ._drawing import draw_curves, open_axes
from ._log import QuestionLog
from ._table import align, decimals, short

__all__ = ["ProgressiveResult"]


@dataclass
class ProgressiveResult:
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
    n_events, n_users, n_items : int
        Events taught, and distinct ids in them.
    interrupted : bool
        Whether Ctrl-C ended the run; the figures are of what was done by then.
    curve : list of dict
        One row per point, model and metric: ``model``, ``n_events``, ``n_asked``, ``metric``, ``value``
        (over everything so far) and ``recent`` (since the point before; None for metrics that are no sums).
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
    n_events: int
    n_users: int
    n_items: int
    interrupted: bool
    curve: list[dict[str, Any]]
    _rows: list[dict[str, Any]]
    _metrics: list[str]
    _backend: str | None = None
    _log: QuestionLog | None = None

    def summary(self) -> list[dict[str, Any]]:
        """One row per model.

        Returns
        -------
        list of dict
            ``model``; a value per metric over the whole stream (NaN for a model that diverged, or that was
            asked nothing); ``n_asked``; ``diverged_at``, the number of the event whose prediction was no
            finite number, or None; ``predict_per_second``, ``learn_per_second`` and ``events_per_second``
            of processor time (None if too short to tell); ``nbytes`` and ``bytes_per_row``, a row being a
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
            the question was asked (0 for strangers and the anonymous); ``item``; and ``error`` (rating less
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
        found = {
            row["model"]: self.outcomes(row["model"]) if row["diverged_at"] is None else None
            for row in self._rows
        }
        k = self.k if k is None else k
        return compare_outcomes(self.task, found, reference, k, window, step, alpha)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values that ``json`` takes: no NaN (None stands for it), no arrays.

        Returns
        -------
        dict
            The settings and counts by name, ``metrics`` (their names), ``summary`` and ``curve``.
        """
        plain = {
            name: getattr(self, name)
            for name in (
                *("task", "ties", "k", "exclude_seen", "repeats", "min_y", "threshold", "warmup"),
                *("n_events", "n_users", "n_items", "interrupted"),
            )
        }
        plain["time_col"] = None if self.time_col is None else str(self.time_col)
        plain["ties_rule"] = self.ties_rule
        plain["metrics"] = list(self._metrics)
        plain["summary"] = [_without_nan(row) for row in self._rows]
        plain["curve"] = [_without_nan(row) for row in self.curve]
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
        return _text_table(self)

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
        if metric not in self._metrics:
            raise ValueError(f"There is no metric {metric!r} in this result; there are {self._metrics}.")
        rows = [row for row in self.curve if row["metric"] == metric]
        which = "recent" if recent else "value"
        if recent and rows and all(row[which] is None for row in rows):
            raise ValueError(f"{metric} is no sum over events: it has no recent values.")
        values: dict[str, list[float]] = {row["model"]: [] for row in self._rows}
        for row in rows:
            values[row["model"]].append(math.nan if row[which] is None else row[which])
        points = np.array(list(dict.fromkeys(row["n_events"] for row in rows)), dtype=np.int64)
        return metric, points, {name: np.array(own) for name, own in values.items()}


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


# -- as text ----------------------------------------------------------------------------------------


def _text_table(result: ProgressiveResult) -> str:
    """Table of a result, with a line on what was asked and the rule for ties."""
    names = result._metrics
    head = ["model", *names, "asked", "predict/s", "learn/s", "bytes/row"]
    lines = [
        [
            row["model"],
            *(decimals(row[name]) for name in names),
            f"{row['n_asked']:,}",
            short(row["predict_per_second"]),
            short(row["learn_per_second"]),
            short(row["bytes_per_row"]),
        ]
        for row in result.summary()
    ]
    notes = [
        f"{row['model']} diverged: its prediction at event {row['diverged_at']:,} was no finite number."
        for row in result.summary()
        if row["diverged_at"] is not None
    ]
    if result.interrupted:
        notes.append(f"Interrupted after {result.n_events:,} events.")
    return "\n".join([*align([head, *lines]), "", _asked(result), f"Ties: {result.ties_rule}.", *notes])


def _asked(result: ProgressiveResult) -> str:
    counts = f"{result.n_events:,} events of {result.n_users:,} users and {result.n_items:,} items"
    if result.task == "binary":
        ones = "" if result.threshold is None else f" (y of {result.threshold:g} and more)"
        what = f"the probability of a 1{ones}, each predicted, then learned"
    elif result.task == "rating":
        what = "ratings, each predicted, then learned"
    else:
        seen = "without" if result.exclude_seen else "with"
        of = "" if result.min_y is None else f", y of {result.min_y:g} and more"
        repeats = "repeats asked" if result.repeats else "repeats not asked"
        what = f"the next item, in a list of {result.k} {seen} what the user had ({repeats}{of})"
    warmup = f", after {result.warmup:,} to warm up" if result.warmup else ""
    return f"Task: {what}; {counts}{warmup}."
