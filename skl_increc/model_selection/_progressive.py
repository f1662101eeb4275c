"""Test-then-learn evaluation of several models in one pass over one stream."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ._binary import BinaryMeter, with_labels
from ._checkpoint import open_checkpoints
from ._delay import LateLessons, check_delay, describe_delay
from ._entrants import binary_calls, choose_task, name_models, ranking_calls, rating_calls
from ._events import Columns, open_events
from ._log import QuestionLog
from ._loop import run_stream
from ._meters import RankingMeter, RatingMeter, choose_metrics
from ._plan import Planner
from ._recorder import Recorder, row_of
from ._result import ProgressiveResult
from ._run import Entrant, clock_cost
from ._seeds import read_seeds, spread
from ._settings import check_settings, find_columns

__all__ = ["progressive_validate"]


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
    delay: Any = None,
    seeds: Any = None,
    checkpoint: Any = None,
    checkpoint_every: int | None = None,
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
        This many events are not asked about, only learned; the first question comes after them.
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
    delay : number, timedelta, str or callable, optional
        How long after an event its label comes and the event is learned. A number counts seconds where there
        is a time column, else events; a timedelta needs a time column; a str names a column of delays; a
        callable is called with ``(x, y)``. None or NaN of a column or a callable: the label never comes.
        Lessons that are due when an event comes are learned before it is asked about; those that are due after
        the end are learned at the end, unasked.
    seeds : int or sequence of int, optional
        Run each model with these seeds (a number n: 0 to n - 1) in its parameter ``random_state``, or ``seed``.
        Clones run, and the models given stay as they are; one without such a parameter runs once.
        `ProgressiveResult.over_seeds` gives means and standard deviations.
    checkpoint : path or callable, optional
        Where `skl_increc.save` puts the models after every ``checkpoint_every`` events: a path in which
        ``{model}`` and ``{n_events}`` are filled in (without ``{n_events}`` the newest replaces the one before);
        or a function, called with the name, the model and the number of events.
    checkpoint_every : int, optional
        Events between two checkpoints.
    record : bool, default=True
        Keep what became of every question, for `ProgressiveResult.outcomes`, `ProgressiveResult.compare`,
        `ProgressiveResult.groups`, `ProgressiveResult.moving` and the displays. It takes 20 bytes a question, and
        for every model 2 (rankings) or 8 (ratings).
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
        For parameters out of range, models that cannot do the task, metrics of another task, and a path of
        checkpoints that models would share.
    TypeError
        For models or data of no known kind, and a path of checkpoints for models that cannot be saved.
    DatasetError
        For missing columns, no events, and ratings, times or delays that are missing or no numbers. A
        ValueError.
    FileNotFoundError
        If the folder of the checkpoints does not exist.

    Notes
    -----
    **A model that diverges** (predicts NaN or infinity) is out from that event on: its metrics are NaN,
    ``diverged_at`` tells the event, the others go on. While ranking, the score of the last event of each
    block of 256 is looked at. An exception of a model ends the run, with a note that names the model.

    **Ctrl-C** ends the run and returns what was measured, with ``interrupted=True``. A model may have
    learned up to one block more than was measured.

    **Rankings**: known and unknown users are asked alike; an item that no list could hold yet is a miss.
    With ``ties="together"`` one list answers for all items of a user's moment. A model that lists by a context
    (`skl_increc.factorization.FactorizationMachineRecommender`) is told that of the event, the first of the moment:
    name no column in its ``context`` that tells which item it was.

    **Agreement with River**: with ``ties="order"`` (and ``repeats=True`` for rankings) the values are those
    of ``river.evaluate.progressive_val_score``, to the last bit, with a delay too.

    **Delays**: an item that a user took counts as taken at once when it is decided what to ask, as the shop
    knows it; the models learn of it late. So does the age of a user count what was learned.

    **Speed**: rates are from the processor's time of all calls; medians and 99th percentiles from the time on
    the wall of a sample, 32 calls of 256 events. Where the processor has other work, too, the 99th percentiles tell
    of that: calls wait for their turn.

    **Cost**: besides the models' own work 1 to 2 microseconds to read an event of a frame and to plan its question
    (more for a River stream, whose events are Python's), and about 0.2 per model to count the answer; memory for the
    ids of the stream, and 24 to 48 bytes for each of its pairs when ranking.

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
    check_settings(task, k, warmup, ties, step, min_y, threshold)
    columns = find_columns(named, user_col, item_col, rating_col, time_col)
    check_delay(delay, columns.time)
    chosen = choose_metrics(metrics, task, k)
    several = read_seeds(seeds)
    named, belongs = (named, {}) if several is None else spread(named, several)
    checkpoints = open_checkpoints(checkpoint, checkpoint_every, named)
    entrants, tick = [], clock_cost()
    for name, model in named.items():
        calls, meter = _calls_and_meter(model, task, columns, chosen, k, exclude_seen, record)
        entrants.append(Entrant(name, model, calls, meter, tick))
    events = open_events(data, columns, needs_y=task != "ranking", min_y=min_y)
    if task == "binary":
        events = with_labels(events, threshold)
    together = ties == "together" and columns.time is not None
    ask_repeats = not exclude_seen if repeats is None else bool(repeats)
    late = None if delay is None else LateLessons(delay, columns.time, events.ticks)
    planner = Planner(task, together, warmup, ask_repeats, late)
    recorder = Recorder(entrants, step, events.total)
    log = QuestionLog(task) if record else None
    interrupted = run_stream(entrants, events, planner, recorder, log, checkpoints, verbose)
    recorder.finish()
    if log is not None:
        log.close(planner, entrants)
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
        delay=None if delay is None else describe_delay(delay, columns.time),
        n_events=recorder.n_events,
        n_users=len(planner.users),
        n_items=len(planner.items),
        interrupted=interrupted,
        curve=recorder.curve(),
        memory=recorder.memory(),
        _rows=[row_of(entrant, len(planner.users) + len(planner.items)) for entrant in entrants],
        _metrics=list(chosen),
        _belongs=belongs,
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
