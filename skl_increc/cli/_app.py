"""The commands and their options."""

from __future__ import annotations

import enum
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from skl_increc import __version__
from skl_increc.cli._errors import InputError, one_line

__all__ = ["app", "run"]

_PROGRAM = "skl-increc"
# typer has its own copy of click, or the one that is installed, depending on its version
_UsageError: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    help="Incremental recommenders: test-then-learn comparisons on your ratings or on real ones.",
)


class Task(enum.StrEnum):
    """What the models are asked."""

    auto = "auto"
    rating = "rating"
    binary = "binary"
    ranking = "ranking"


class Ties(enum.StrEnum):
    """When events of one user at one time are learned."""

    together = "together"
    order = "order"


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    command = shlex.join([_PROGRAM, *arguments])
    try:
        code = app(arguments, prog_name=_PROGRAM, standalone_mode=False, obj=command)
    except _UsageError as error:
        sys.stderr.write(f"{_PROGRAM}: {' '.join(error.format_message().split())} (see {_PROGRAM} --help)\n")
        return 2
    except typer.Abort:  # how some versions of typer say Ctrl-C
        sys.stderr.write("Interrupted.\n")
        return 130
    return code if isinstance(code, int) else 0


def _fail(error: BaseException) -> NoReturn:
    sys.stderr.write(f"{_PROGRAM}: {one_line(error)}\n")
    raise typer.Exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Incremental recommenders: test-then-learn comparisons on your ratings or on real ones."""
    if context.invoked_subcommand is None:
        text = context.get_help()
        if text:  # with rich it is shown already
            typer.echo(text)
        raise typer.Exit(2)


@app.command()
def models() -> None:
    """List the models, with a line on each and what it guarantees."""
    from skl_increc.cli._entrants import known_models
    from skl_increc.cli._print import open_console, show_models

    show_models(open_console(), known_models())


@app.command()
def compare(
    context: typer.Context,
    data: Annotated[
        str | None,
        typer.Argument(
            help="CSV or Parquet file of events, or movielens-small (the default), movielens-100k, -1m, -25m."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", "-m", help="Model to run, such as 'BiasedMF(n_factors=32)'; repeatable; or all."
        ),
    ] = None,
    task: Annotated[
        Task,
        typer.Option("--task", "-t", help="Predict ratings, 0 or 1, or lists of next items; or what fits."),
    ] = Task.auto,
    k: Annotated[int, typer.Option("--k", min=1, help="Length of the lists.")] = 10,
    min_y: Annotated[
        float | None,
        typer.Option("--min-y", help="Least rating that counts as liked, for lists (MovieLens: 4)."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Least rating that is a 1, for --task binary (MovieLens: 4)."),
    ] = None,
    user_col: Annotated[str | None, typer.Option("--user-col", help="Column of the users.")] = None,
    item_col: Annotated[str | None, typer.Option("--item-col", help="Column of the items.")] = None,
    rating_col: Annotated[str | None, typer.Option("--rating-col", help="Column of the ratings.")] = None,
    time_col: Annotated[str | None, typer.Option("--time-col", help="Column of the times.")] = None,
    no_rating: Annotated[bool, typer.Option("--no-rating", help="Every row is a positive.")] = False,
    no_time: Annotated[bool, typer.Option("--no-time", help="The rows are in order already.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Take only this many events, the earliest.")
    ] = None,
    warmup: Annotated[
        int, typer.Option("--warmup", min=0, help="Events that are learned before the first question.")
    ] = 0,
    clean: Annotated[
        bool, typer.Option("--clean", help="Drop events that cannot be read, are doubled, and say which.")
    ] = False,
    clean_rule: Annotated[
        list[str] | None,
        typer.Option(
            "--clean-rule",
            help="Also drop by a rule, such as returns=cancel, service=POSTAGE or user-burst=100/1h; repeatable.",
        ),
    ] = None,
    ties: Annotated[
        Ties,
        typer.Option("--ties", help="Predict events of one user and time together, or in plain order."),
    ] = Ties.together,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the models' random starts.")] = 0,
    report: Annotated[
        str | None, typer.Option("--report", help="Write a page with curves to this file (HTML).")
    ] = None,
) -> None:
    """Predict every event of a stream, then learn it; compare how well the models do."""
    from skl_increc.cli._reading import Reading  # light: there is something to see while the rest loads

    columns = {"user": user_col, "item": item_col, "rating": rating_col, "time": time_col}
    try:
        with Reading(data or "movielens-small") as progress:
            from skl_increc.cli._cleaning import read_rules
            from skl_increc.cli._compare import Settings, check_report, compare_models
            from skl_increc.cli._sources import open_source

            check_report(report, data)
            source = open_source(
                data,
                columns,
                no_rating=no_rating,
                no_time=no_time,
                limit=limit,
                seed=seed,
                progress=progress,
                cleaning=read_rules(clean, tuple(clean_rule or ())),
            )
        settings = Settings(tuple(model or ()), task.value, k, min_y, ties.value, warmup, seed, threshold)
        interrupted = compare_models(settings, source, report, command=context.obj)
    except InputError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        interrupted = True
    if interrupted:
        raise typer.Exit(130)


@app.command()
def tune(
    data: Annotated[
        str | None,
        typer.Argument(
            help="CSV or Parquet file of events, or movielens-small (the default), movielens-100k, -1m, -25m."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Model to tune, such as ItemKNN, or 'BiasedMF(n_factors=32)'."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="Values to try, such as l2=0.01,0.1; repeatable. Else the usual."),
    ] = None,
    task: Annotated[
        Task, typer.Option("--task", "-t", help="What the model is asked; by default what it is for.")
    ] = Task.auto,
    k: Annotated[int, typer.Option("--k", min=1, help="Length of the lists.")] = 10,
    min_y: Annotated[float | None, typer.Option("--min-y", help="Least rating that counts as liked.")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Least rating that is a 1.")] = None,
    user_col: Annotated[str | None, typer.Option("--user-col", help="Column of the users.")] = None,
    item_col: Annotated[str | None, typer.Option("--item-col", help="Column of the items.")] = None,
    rating_col: Annotated[str | None, typer.Option("--rating-col", help="Column of the ratings.")] = None,
    time_col: Annotated[str | None, typer.Option("--time-col", help="Column of the times.")] = None,
    no_rating: Annotated[bool, typer.Option("--no-rating", help="Every row is a positive.")] = False,
    no_time: Annotated[bool, typer.Option("--no-time", help="The rows are in order already.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Take only so many events.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="As of compare.")] = False,
    clean_rule: Annotated[list[str] | None, typer.Option("--clean-rule", help="As of compare.")] = None,
    ties: Annotated[Ties, typer.Option("--ties", help="As of compare.")] = Ties.together,
    n: Annotated[int, typer.Option("--candidates", "-n", min=2, help="Settings to try.")] = 27,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes; -1: one a processor.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the settings drawn, and the models.")] = 0,
) -> None:
    """Search for good settings of a model on your events, and print them as code."""
    from skl_increc.cli._reading import Reading

    columns = {"user": user_col, "item": item_col, "rating": rating_col, "time": time_col}
    try:
        with Reading(data or "movielens-small") as progress:
            from skl_increc.cli._cleaning import read_rules
            from skl_increc.cli._compare import Settings
            from skl_increc.cli._sources import open_source
            from skl_increc.cli._tune import Search
            from skl_increc.cli._tune import tune as run_search

            source = open_source(
                data,
                columns,
                no_rating=no_rating,
                no_time=no_time,
                limit=limit,
                seed=seed,
                progress=progress,
                cleaning=read_rules(clean, tuple(clean_rule or ())),
            )
        settings = Settings((), task.value, k, min_y, ties.value, 0, seed, threshold)
        run_search(settings, Search(model, tuple(param or ()), n, jobs), source)
    except InputError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        raise typer.Exit(130) from None
