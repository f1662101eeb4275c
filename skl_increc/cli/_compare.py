"""Which models run on which tasks, and the runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from skl_increc.cli._entrants import build, defaults, is_ours
from skl_increc.cli._errors import InputError, one_line
from skl_increc.cli._print import open_console, show_data, show_legend, show_result
from skl_increc.cli._sources import Source
from skl_increc.exceptions import DatasetError
from skl_increc.model_selection import ProgressiveResult, progressive_validate
from skl_increc.report import check_writable, html_report, write_page

__all__ = ["Job", "Settings", "check_report", "compare_models", "plan"]

_METRICS = {
    "rating": ["rmse", "mae"],
    "binary": ["log_loss", "roc_auc", "f1"],
    "ranking": ["hit_rate", "ndcg", "mrr"],
}
_PATIENCE = 120.0  # seconds that a task which was not asked for may take


@dataclass(frozen=True)
class Settings:
    """What the options say."""

    models: Sequence[str] = ()
    task: str = "auto"
    k: int = 10
    min_y: float | None = None
    ties: str = "together"
    warmup: int = 0
    seed: int = 0
    threshold: float | None = None


@dataclass(frozen=True)
class Job:
    """One task with the models that run in it."""

    task: str
    models: Mapping[str, Any]
    min_y: float | None
    threshold: float | None = None


def plan(settings: Settings, source: Source) -> tuple[list[Job], list[str]]:
    """Find the jobs to do, and notes on what is left out.

    Raises
    ------
    InputError
        If a model cannot do the task asked for, or nothing is left to do.
    """
    tasks, notes = _tasks(settings, source)
    jobs = []
    reasons = []
    for task in tasks:
        min_y = _least(settings, source) if task == "ranking" else None
        threshold = _threshold(settings, source) if task == "binary" else None
        every = list(settings.models) == ["all"]
        if every or not settings.models:
            models, _ = _able(defaults(task, settings.seed, every=every), task, source.has_ratings)
            jobs.append(Job(task, models, min_y, threshold))
            continue
        models, why = _able(build(settings.models, settings.seed), task, source.has_ratings)
        reasons += why
        if settings.task == task and why:
            raise InputError(why[0])
        if models:
            jobs.append(Job(task, models, min_y, threshold))
    if not jobs:
        raise InputError(reasons[0])
    if settings.task == "auto" and len(jobs) == 2 and _seconds(jobs[1], source) > _PATIENCE:
        minutes = _seconds(jobs[1], source) / 60
        notes.append(
            f"Lists of next items were left out: they would take about {minutes:,.0f} minutes on this data. "
            "Ask for them with --task ranking."
        )
        jobs = jobs[:1]
    return jobs, notes


def _tasks(settings: Settings, source: Source) -> tuple[list[str], list[str]]:
    if settings.task == "rating" and not source.has_ratings:
        raise InputError("--task rating needs ratings: leave out --no-rating.")
    if settings.task == "binary" and not source.has_ratings:
        raise InputError("--task binary needs ratings, or 0 and 1 in their place: leave out --no-rating.")
    if settings.threshold is not None and settings.task != "binary":
        raise InputError("--threshold is for --task binary: say so.")
    if settings.task in ("rating", "binary") and settings.min_y is not None:
        raise InputError(
            f"--min-y is for --task ranking: in --task {settings.task} every rating is predicted."
        )
    if settings.min_y is not None and not source.has_ratings:
        raise InputError("--min-y needs ratings: leave out --no-rating.")
    if settings.warmup >= len(source.frame):
        raise InputError(
            f"--warmup {settings.warmup} leaves nothing to predict: there are {len(source.frame):,} events."
        )
    if settings.task != "auto":
        return [settings.task], []
    if not source.has_ratings:
        return ["ranking"], []
    if source.frame["rating"].n_unique() == 1:
        only = source.frame["rating"][0]
        return ["ranking"], [f"All ratings are {only:g}: there is nothing in them to predict."]
    return ["rating", "ranking"], []


def _least(settings: Settings, source: Source) -> float | None:
    if settings.min_y is not None or not source.has_ratings:
        return settings.min_y
    return source.liked


def _threshold(settings: Settings, source: Source) -> float | None:
    """Where a 1 begins; None for ratings that are 0 and 1 already."""
    threshold = source.liked if settings.threshold is None else settings.threshold
    found = set(source.frame["rating"].unique().to_list())
    if threshold is None and not found <= {0, 1}:
        raise InputError(
            f"--task binary needs ratings of 0 and 1; here they go from {min(found):g} to {max(found):g}. "
            "Say from where on one is a 1: --threshold 4, for example."
        )
    if threshold is not None and not min(found) < threshold <= max(found):
        raise InputError(
            f"--threshold {threshold:g} makes all ratings alike: they go from {min(found):g} to {max(found):g}."
        )
    return threshold


def _able(models: dict[str, Any], task: str, rated: bool) -> tuple[dict[str, Any], list[str]]:
    """The models that do a task, and why the others do not: each is tried on one event."""
    able, reasons = {}, []
    event = {"user": 0, "item": 0, "timestamp": 0}, 1.0 if rated else None
    for name, model in models.items():
        try:
            progressive_validate({name: model.clone()}, [event], task=task, verbose=False)
        except (TypeError, ValueError) as error:
            reasons.append(one_line(error))
        else:
            able[name] = model
    return able, reasons


def _seconds(job: Job, source: Source) -> float:
    """About how long lists will take: they are scored over all items."""
    frame = source.frame
    n = len(frame) if job.min_y is None else int((frame["rating"] >= job.min_y).sum())
    return n * len(job.models) * (2.5e-5 + 4e-9 * frame["item"].n_unique())


def run_job(job: Job, settings: Settings, source: Source) -> ProgressiveResult:
    """Take the models of a job through the stream.

    Raises
    ------
    InputError
        If no event is left to ask for.
    """
    try:
        # a model that diverges is told by the table, not by numpy's warnings as well
        with np.errstate(over="ignore", invalid="ignore"):
            return progressive_validate(
                dict(job.models),
                source.frame,
                task=job.task,
                metrics=_METRICS[job.task],
                k=settings.k,
                warmup=settings.warmup,
                ties=settings.ties,
                rating_col="rating" if source.has_ratings else None,
                time_col=source.time_col,
                user_col="user",
                item_col="item",
                min_y=job.min_y,
                threshold=job.threshold,
            )
    except DatasetError as error:
        raise InputError(one_line(error).replace("(min_y)", "(--min-y)")) from error


def check_report(path: str | None, data: str | None) -> None:
    """Find out before a long run whether its report can be drawn and written.

    Raises
    ------
    InputError
        If not.
    """
    if path is None:
        return
    if find_spec("matplotlib") is None:
        raise InputError('--report needs matplotlib: pip install "skl_increc[plot]"')
    if data is not None and os.path.realpath(path) == os.path.realpath(data):
        raise InputError(f"--report {path!r} is the file of the data, which it would replace: name another.")
    try:
        check_writable(path)
    except OSError as error:
        raise InputError(one_line(error)) from error


def compare_models(settings: Settings, source: Source, report: str | None, command: str | None) -> bool:
    """Do all jobs, show their results, and write the report; True if Ctrl-C ended the run.

    Raises
    ------
    InputError
        With the line to show.
    """
    console = open_console()
    jobs, source.notes = plan(settings, source)
    show_data(console, source.summary())
    results: list[ProgressiveResult] = []
    for job in jobs:
        result = run_job(job, settings, source)
        if result.n_events:
            show_result(console, result)
            results.append(result)
        if result.interrupted:
            break
    if not results:
        console.print("Interrupted before anything was measured.")
        return True
    show_legend(console)
    if report is not None:
        models = {name: model for job in jobs for name, model in job.models.items()}
        _write(report, results, source, models, command)
        console.print(f"Report: {report}")
    return result.interrupted


def _write(
    path: str,
    results: list[ProgressiveResult],
    source: Source,
    models: Mapping[str, Any],
    command: str | None,
) -> None:
    references = [name for name, model in models.items() if not is_ours(model)]
    page = html_report(results, source.summary(), models=models, references=references, command=command)
    try:
        write_page(path, page)
    except OSError as error:
        raise InputError(one_line(error)) from error
