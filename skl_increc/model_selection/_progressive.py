"""Test-then-learn evaluation of several models in one pass over one stream."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from skl_increc.exceptions import DatasetError

from ._binary import BinaryMeter, with_labels
from ._entrants import binary_calls, choose_task, name_models, ranking_calls, rating_calls
from ._events import Columns, Events, open_events
from ._inside import innermost
from ._log import QuestionLog
from ._meters import RankingMeter, RatingMeter, choose_metrics
from ._plan import BlockReader, Planner
from ._progress import Progress
from ._result import ProgressiveResult
from ._run import Entrant, clock_cost

__all__ = ["progressive_validate"]

_BLOCK = 256
_POINTS = 50


def progressive_validate(
    models: Any,
    data: Any,
    *,
    metrics: Any = None,
    task: str = "auto",
    k: int = 10,
    warmup: int = 0,
    ties: str = "together",
    step: int | None = None,
    user_col: Hashable | None = None,
    item_col: Hashable | None = None,
    rating_col: Hashable | None = "rating",
    time_col: Hashable | None = None,
    exclude_seen: bool = True,
    repeats: bool | None = None,
    min_y: float | None = None,
    threshold: float | None = None,
    record: bool = True,
    verbose: bool | str = "auto",
) -> ProgressiveResult:
    """Predict every event of a stream, then learn it, for several models in one pass.

    Parameters
    ----------
    models : model, sequence of models, or mapping of names to models
        Models of this package, River regressors (pipelines and wrappers too), ``river.reco`` models (for
        ratings; also inside wrappers that hand keywords on, such as ``PredClipper``) and views
        ``model.top(k)``. They are **trained in place**, as by River's ``progressive_val_score``: give
        ``model.clone()`` to keep yours as it is.
    data : frame or iterable
        A frame of any library that narwhals knows, one event a row; or a River stream of ``(x, y)`` or
        ``(x, y, {"user": ..., "item": ..., "w": ...})``. A frame is sorted by time, stably, if ``time_col``
        is known; a stream is taken as it comes, and need not fit into memory. From a frame, the models get
        all columns but the rating as features.
    metrics : str, metric, or sequence of them, optional
        For ratings "rmse", "mae" (default: both) and River's regression metrics; binary "log_loss", "roc_auc", "f1"
        (default: these), "accuracy", "precision", "recall" and River's binary metrics; for rankings "hit_rate",
        "recall", "ndcg", "mrr" (default: these four), "precision", "f1", "map", "coverage", "novelty",
        "gini", "popularity_bias" and the metrics of `skl_increc.metrics`. Each model gets a clone.
    task : {"auto", "rating", "binary", "ranking"}, default="auto"
        Predict the rating of each event, the probability that y is 1 and not 0 (classifiers), or list the items
        that its user takes next. "auto": the first of these that all models can do.
    k : int, default=10
        Length of the lists.
    warmup : int, default=0
        This many events are learned before the first question.
    ties : {"together", "order"}, default="together"
        "together": all events of one user at one time are predicted before any of them is learned, because
        their order in a file often tells what they are. "order": plain stream order, as in River's loop.
        Without times the two are the same.
    step : int, optional
        Events between two points of the curves; 0 for the last point alone. By default there are about 50
        points.
    user_col, item_col, time_col : hashable, optional
        Where the events hold their ids and times. By default the names that the models have; "user",
        "item" and None if they have none. Models of other names are handed the ids all the same.
    rating_col : hashable or None, default="rating"
        Where the rows of a frame hold y. None: there is none, and every row is a positive.
    exclude_seen : bool, default=True
        Leave out of the lists what the user had.
    repeats : bool, optional
        Ask for items that the user had earlier in this stream, too. By default only with
        ``exclude_seen=False``, as else no list could hold them.
    min_y : float, optional
        Rankings only: events of a smaller y are left out altogether, neither asked nor learned. Without it,
        events with ``y <= 0`` are learned, but not asked.
    threshold : float, optional
        Binary task only: y is 1 from here on and 0 below. Without it, y must be 0 or 1.
    record : bool, default=True
        Keep what became of every question, for `ProgressiveResult.outcomes`, `ProgressiveResult.compare` and
        the displays. It takes 16 bytes a question, and for every model 2 (rankings) or 8 (ratings).
    verbose : bool or "auto", default="auto"
        Show the progress of long work on standard error; "auto": if that is a terminal.

    Returns
    -------
    ProgressiveResult
        Print it for a table; see `ProgressiveResult.summary`, `ProgressiveResult.frame` and
        `ProgressiveResult.plot`.

    Raises
    ------
    ValueError
        For parameters out of range, models that cannot do the task, metrics of another task.
    TypeError
        For models or data of no known kind.
    DatasetError
        For missing columns, no events, and ratings or times that are missing or no numbers. A ValueError.

    Notes
    -----
    **A model that diverges** (predicts NaN or infinity) is out from that event on: its metrics are NaN,
    ``diverged_at`` tells the event, the others go on. While ranking, the score of the last event of each
    block of 256 is looked at. An exception of a model ends the run, with a note that names the model.

    **Ctrl-C** ends the run and returns what was measured, with ``interrupted=True``. A model may have
    learned up to one block more than was measured.

    **Rankings**: known and unknown users are asked alike; an item that no list could hold yet is a miss.
    With ``ties="together"`` one list answers for all items of a user's moment.

    **Agreement with River**: with ``ties="order"`` (and ``repeats=True`` for rankings) the values are those
    of ``river.evaluate.progressive_val_score``, to the last bit.

    **Cost**: besides the models' own work about 2 microseconds to read an event and to plan its question, and
    0.5 per model to count the answer; memory for the ids of the stream, for its pairs when ranking.

    Examples
    --------
    >>> from river import dummy, stats
    >>> from skl_increc.model_selection import progressive_validate
    >>> stream = [({"user": u, "item": i}, float(u + i)) for u in range(3) for i in range(4)]
    >>> mean = dummy.StatisticRegressor(stats.Mean())
    >>> result = progressive_validate({"mean": mean}, stream, metrics="mae")
    >>> [round(row["MAE"], 3) for row in result.summary()]
    [1.251]
    """
    named = name_models(models)
    task = choose_task(task, named)
    _check_settings(task, k, warmup, ties, step, min_y, threshold)
    columns = _columns(named, user_col, item_col, rating_col, time_col)
    chosen = choose_metrics(metrics, task, k)
    entrants, tick = [], clock_cost()
    for name, model in named.items():
        calls, meter = _calls_and_meter(model, task, columns, chosen, k, exclude_seen, record)
        entrants.append(Entrant(name, model, calls, meter, tick))
    events = open_events(data, columns, needs_y=task != "ranking", min_y=min_y)
    if task == "binary":
        events = with_labels(events, threshold)
    together = ties == "together" and columns.time is not None
    ask_repeats = not exclude_seen if repeats is None else bool(repeats)
    planner = Planner(task, together, warmup, ask_repeats)
    recorder = _Recorder(entrants, step, events.total)
    log = QuestionLog(task) if record else None
    interrupted = _run(entrants, events, planner, recorder, log, verbose)
    if log is not None:
        log.names = list(planner.items)
        log.outcomes = {entrant.name: entrant.meter.outcomes for entrant in entrants}
    return ProgressiveResult(
        task=task,
        ties="together" if together else "order",
        time_col=columns.time,
        k=k if task == "ranking" else None,
        exclude_seen=exclude_seen if task == "ranking" else None,
        repeats=ask_repeats if task == "ranking" else None,
        min_y=min_y,
        threshold=threshold,
        warmup=warmup,
        n_events=recorder.n_events,
        n_users=len(planner.users),
        n_items=len(planner.items),
        interrupted=interrupted,
        curve=recorder.curve(),
        _rows=[_row(entrant, len(planner.users) + len(planner.items)) for entrant in entrants],
        _metrics=list(chosen),
        _backend=events.backend,
        _log=log,
    )


def _calls_and_meter(
    model: Any, task: str, columns: Columns, chosen: Any, k: int, exclude_seen: bool, record: bool
) -> tuple[Any, Any]:
    if task == "rating":
        return rating_calls(model, columns), RatingMeter(chosen, record)
    if task == "binary":
        return binary_calls(model, columns), BinaryMeter(chosen, record)
    return ranking_calls(model, columns, k, exclude_seen), RankingMeter(chosen, k, record)


def _check_settings(
    task: str, k: int, warmup: int, ties: str, step: int | None, min_y: float | None, threshold: float | None
) -> None:
    for name, value, least in (("k", k, 1), ("warmup", warmup, 0), ("step", 0 if step is None else step, 0)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
            raise ValueError(f"{name} must be a whole number, at least {least}; got {value!r}.")
    if ties not in ("together", "order"):
        raise ValueError(f"ties must be 'together' or 'order'; got {ties!r}.")
    if min_y is not None and task != "ranking":
        raise ValueError(f"min_y={min_y!r} is of the ranking task; here every rating is predicted.")
    if threshold is not None and task != "binary":
        raise ValueError(f"threshold={threshold!r} is of the binary task; this is the {task} task.")
    if threshold is not None and not (isinstance(threshold, numbers.Real) and math.isfinite(threshold)):
        raise ValueError(f"threshold must be a finite number; got {threshold!r}.")


def _columns(models: Mapping[str, Any], user: Any, item: Any, rating: Hashable | None, time: Any) -> Columns:
    """Names as given, else as the models have them, else the usual ones."""
    found = {}
    for name, given, usual in (("user", user, "user"), ("item", item, "item"), ("time", time, None)):
        own = {getattr(innermost(model), f"{name}_col", None) for model in models.values()} - {None}
        if given is None and len(own) > 1:
            raise ValueError(
                f"The models have different names for the {name} column: {sorted(map(str, own))}. "
                f"Say {name}_col=... to tell which one the data has."
            )
        found[name] = given if given is not None else next(iter(own), usual)
    return Columns(found["user"], found["item"], rating, found["time"])


def _run(
    entrants: Sequence[Entrant],
    events: Events,
    planner: Planner,
    recorder: _Recorder,
    log: QuestionLog | None,
    verbose: bool | str,
) -> bool:
    """Take all entrants through the stream, block by block; True if Ctrl-C ended it."""
    with Progress(events.total, verbose) as progress:
        try:
            reader = BlockReader(events.rows, planner.together)
            while block := reader.read(min(_BLOCK, recorder.events_to_next_point())):
                plan = planner.plan(block)
                # all run before any is measured: an interrupted block counts for none of them
                answers = [None if e.diverged_at else e.run(plan) for e in entrants]
                for entrant, given in zip(entrants, answers, strict=True):
                    if given is not None:
                        entrant.measure(plan, given)
                if log is not None:
                    log.note(plan)
                recorder.advance(len(block))
                progress.show(recorder.n_events)
        except KeyboardInterrupt:
            return True
    if not recorder.n_events:
        raise DatasetError("data holds no events: there is nothing to predict.")
    return False


class _Recorder:
    """Notes the metrics at points of the stream; about 50 of them where nothing else is asked for."""

    def __init__(self, entrants: Sequence[Entrant], step: int | None, total: int | None) -> None:
        self.n_events = 0
        self._entrants = entrants
        self._thin = step is None and total is None
        if step is None:
            step = _POINTS if total is None else math.ceil(total / _POINTS)
        self._step = step
        self._points: list[tuple[int, list[tuple[dict[str, float], tuple[float, ...]]]]] = []

    def events_to_next_point(self) -> int:
        """How many events are left until the next point."""
        return self._step - self.n_events % self._step if self._step else _BLOCK

    def advance(self, n: int) -> None:
        """Count a block, and note a point if the block reached one."""
        before = self.n_events
        self.n_events += n
        if self._step and self.n_events // self._step > before // self._step:
            self._note()
        if self._thin and len(self._points) >= 2 * _POINTS:  # a stream of unknown length
            self._step *= 2
            self._points = self._points[1::2]

    def _note(self) -> None:
        state = [(entrant.values(), entrant.meter.mark()) for entrant in self._entrants]
        self._points.append((self.n_events, state))

    def curve(self) -> list[dict[str, Any]]:
        """Rows of the curve, the end of the stream included."""
        if self.n_events and (not self._points or self._points[-1][0] != self.n_events):
            self._note()
        rows = []
        for at, entrant in enumerate(self._entrants):
            before = None
            for n_events, state in self._points:
                values, mark = state[at]
                recent = entrant.meter.since(before, mark)
                before = mark
                for metric, value in values.items():
                    rows.append(
                        {
                            "model": entrant.name,
                            "n_events": n_events,
                            "n_asked": int(mark[0]),
                            "metric": metric,
                            "value": value,
                            "recent": recent[metric],
                        }
                    )
        return rows


def _row(entrant: Entrant, n_rows: int) -> dict[str, Any]:
    nbytes = getattr(entrant.model, "nbytes", None)
    if nbytes is None:
        nbytes = getattr(entrant.model, "_raw_memory_usage", None)
    return {
        "model": entrant.name,
        **entrant.values(),
        "n_asked": entrant.meter.n,
        "diverged_at": entrant.diverged_at,
        "predict_per_second": _rate(entrant.n_questions, entrant.asking_seconds),
        "learn_per_second": _rate(entrant.n_lessons, entrant.teaching_seconds),
        "events_per_second": _rate(entrant.n_lessons, entrant.asking_seconds + entrant.teaching_seconds),
        "nbytes": None if nbytes is None else int(nbytes),
        "bytes_per_row": None if nbytes is None or not n_rows else nbytes / n_rows,
    }


def _rate(n: int, seconds: float) -> float | None:
    return n / seconds if n and seconds > 0.0 else None
