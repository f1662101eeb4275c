"""Finding good settings on the first part of a stream, and a last look at them on the rest."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from skl_increc.cli._compare import Settings, plan
from skl_increc.cli._entrants import is_ours
from skl_increc.cli._errors import InputError, one_line
from skl_increc.cli._print import open_console, show_data
from skl_increc.cli._sources import Source
from skl_increc.cli._spaces import candidates, read_space, space_of
from skl_increc.model_selection import ProgressiveResult, ProgressiveSearchCV, progressive_validate
from skl_increc.report._words import short, value

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Search", "tune"]

_USUAL = {"rating": "BiasedMF", "binary": "BiasedMFClassifier", "ranking": "SequentialRules"}
_SCORING = {"rating": "rmse", "binary": "log_loss", "ranking": "ndcg"}
_SHARE = 0.8  # of the events for the search, the rest for the last look
_FIRST = 9  # one in so many of these for the first rung


@dataclass(frozen=True)
class Search:
    """What the options say of the search."""

    model: str | None
    params: Sequence[str]
    n_candidates: int
    n_jobs: int


def tune(settings: Settings, search: Search, source: Source) -> None:
    """Search, take the last look, and print the best settings as code.

    Raises
    ------
    InputError
        With the line to show.
    """
    console = open_console()
    task = _task(settings, search, source)
    named = [search.model or _USUAL[task]]
    job = plan(Settings(**{**vars(settings), "models": named, "task": task}), source)[0][0]
    (name, model), *_ = job.models.items()
    if not is_ours(model):
        raise InputError(f"{name} cannot be tuned: name a model of skl_increc; see skl-increc models.")
    space = read_space(search.params, model, name) if search.params else space_of(model)
    if not space:
        raise InputError(
            f"{name} has no parameter that is usually tuned: name some with --param l2=0.01,0.1."
        )
    show_data(console, source.summary())
    X, y = _events(source, task, job.min_y, job.threshold)
    n = int(_SHARE * len(X))
    if n < 100:
        raise InputError(f"{len(X)} events are too few to tune anything: 125 are the least.")
    model = model.set_params(time_col=source.time_col)
    chosen = candidates(space, search.n_candidates, settings.seed)
    console.print(
        f"\n{name}: {len(chosen)} settings of {', '.join(space)}, halved along the first {n:,} events."
    )
    found = _search(model, chosen, settings, search, task, X[:n], None if y is None else y[:n])
    console.print(_finalists(found))
    _last_look(console, found, X, y, n, settings, task)
    console.print(Text("\n" + _code(found, source)))


def _task(settings: Settings, search: Search, source: Source) -> str:
    if settings.task != "auto":
        return settings.task
    if search.model is None:
        return "rating" if source.has_ratings else "ranking"
    jobs, _ = plan(Settings(**{**vars(settings), "models": [search.model]}), source)
    return jobs[0].task


def _events(
    source: Source, task: str, min_y: float | None, threshold: float | None
) -> tuple[pl.DataFrame, np.ndarray | None]:
    import polars as pl

    frame = source.frame
    if min_y is not None:
        frame = frame.filter(pl.col("rating") >= min_y)
    if not source.has_ratings:
        return frame, None
    y = frame["rating"].to_numpy()
    if task == "binary" and threshold is not None:
        y = (y >= threshold).astype(np.int64)
    return frame.drop("rating"), y


def _search(
    model: Any,
    chosen: list[dict[str, list[Any]]],
    settings: Settings,
    search: Search,
    task: str,
    X: pl.DataFrame,
    y: np.ndarray | None,
) -> ProgressiveSearchCV:
    found = ProgressiveSearchCV(
        model,
        chosen,
        min_resources=max(1, len(X) // _FIRST),
        task=task,
        scoring=_SCORING[task],
        k=settings.k,
        ties=settings.ties,
        refit=False,
        n_jobs=search.n_jobs,
    )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", FitFailedWarning)  # some settings may be none
            return found.fit(X, y)
    except (TypeError, ValueError) as error:
        raise InputError(one_line(error)) from error


def _finalists(found: Any) -> Table:
    """The candidates of the last rung, the best first."""
    rows = found.cv_results_
    last = np.flatnonzero(rows["iter"] == rows["iter"][-1])
    last = last[np.argsort(-np.nan_to_num(rows["mean_test_score"][last], nan=-math.inf), kind="stable")]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(found.scorer_, justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    for row in last[:5].tolist():
        table.add_row(value(abs(rows["mean_test_score"][row])), Text(_settings(rows["params"][row])))
    return table


def _settings(params: dict[str, Any]) -> str:
    return ", ".join(f"{name}={each!r}" for name, each in params.items())


def _last_look(
    console: Any, found: Any, X: pl.DataFrame, y: np.ndarray | None, n: int, settings: Settings, task: str
) -> None:
    """The best and the defaults on what the search did not see."""
    import polars as pl

    usual = clone(found.estimator)
    best = clone(usual).set_params(**found.best_params_)
    result = progressive_validate(
        {"best": best, "defaults": usual},
        X if y is None else X.with_columns(rating=pl.Series(y)),
        task=task,
        metrics=_SCORING[task],
        k=settings.k,
        warmup=n,
        ties=settings.ties,
        rating_col=None if y is None else "rating",
        time_col=found.estimator.time_col,
    )
    if result.interrupted:
        raise KeyboardInterrupt
    same = best.get_params() == usual.get_params()
    console.print(_verdict(result, len(X) - n, same))


def _verdict(result: ProgressiveResult, n: int, same: bool) -> str:
    best, usual = result.summary()
    metric = next(iter(result.to_dict()["metrics"]))
    text = f"On the last {n:,} events, which the search did not see: {metric} {value(best[metric])}"
    size = f"It takes {short(best['nbytes'])} bytes."
    if same:
        return f"{text}. The defaults are the best of what was tried. {size}"
    text = f"{text}; with the defaults {value(usual[metric])}."
    if math.isnan(best[metric]) or math.isnan(usual[metric]):
        return text
    said = {
        1: "The gain is more than luck (p < 0.01).",
        0: "The difference may be luck (it is not significant at 0.01).",
        -1: "The defaults are better (p < 0.01): keep them.",
    }
    return f"{text} {said[result.compare('best').verdict('defaults')]} {size}"


def _code(found: Any, source: Source) -> str:
    """The best settings, to be pasted."""
    model = found.estimator
    room = type(model).__module__.rsplit(".", 1)[0]
    defaults = {n: p.default for n, p in inspect.signature(type(model)).parameters.items()}
    given = {**model.get_params(deep=False), **found.best_params_}
    given |= {f"{role}_col": name for role, name in source.columns.items() if f"{role}_col" in defaults}
    inside = [f"{name}={each!r}" for name, each in given.items() if each != defaults[name]]
    name = type(model).__name__
    line = f"model = {name}({', '.join(inside)})"
    if len(line) > 79:
        line = f"model = {name}(\n" + "".join(f"    {each},\n" for each in inside) + ")"
    return f"from {room} import {name}\n\n{line}"
