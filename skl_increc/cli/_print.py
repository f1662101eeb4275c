"""Tables and sentences on the terminal; plain ones where it is none."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skl_increc.cli._entrants import Known
from skl_increc.model_selection import ProgressiveResult
from skl_increc.report import DataSummary
from skl_increc.report._facts import guarantees_of
from skl_increc.report._words import best_first, lead, metric_names, short, task_title, value, verdict

__all__ = ["open_console", "show_data", "show_legend", "show_models", "show_result"]

_WIDTH = 80
#: Nothing but a rule under the head, in plain ASCII: for files and pipes.
_PLAIN = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)


def open_console() -> Console:
    """The console on standard output; 80 columns wide where that is no terminal."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    return console


def _table(console: Console) -> Table:
    box = SIMPLE_HEAD if console.is_terminal else _PLAIN
    return Table(box=box, show_edge=console.is_terminal, pad_edge=False, header_style="bold")


def show_data(console: Console, summary: DataSummary) -> None:
    """Say what the data is, how it was read, and under which terms."""
    console.print(Text(summary.sentence(), style="bold"))
    if summary.columns:
        read = ", ".join(f"{name!r} is read as the {role}" for role, name in summary.columns.items())
        console.print(f"Columns: {read}.")
    for note in summary.notes:
        console.print(note)
    if summary.terms:
        console.print(Text(summary.terms, style="dim"))


def show_result(console: Console, result: ProgressiveResult) -> None:
    """Print the table of a result, the best model first."""
    console.print(Text(f"\n{task_title(result)}", style="bold"))
    if result.interrupted:
        console.print(f"Interrupted after {result.n_events:,} events; the figures are of these.")
    console.print(_result_table(console, result))
    for sentence in (verdict(result), lead(result)):
        if sentence:
            console.print(sentence)
    for row in result.summary():
        if row["diverged_at"] is not None:
            console.print(f"{row['model']} diverged: no finite number at event {row['diverged_at']:,}.")
    asked = max(row["n_asked"] for row in result.summary())
    console.print(f"Predictions: {asked:,}. Ties: {result.ties_rule}.")


def _result_table(console: Console, result: ProgressiveResult) -> Table:
    names = metric_names(result)[:2]  # the page shows all: more do not fit beside long names
    table = _table(console)
    table.add_column("model", overflow="fold")
    for name in (*names, "events/s", "bytes/row"):
        table.add_column(name, justify="right", no_wrap=True)
    for place, row in enumerate(best_first(result)):
        cells = [
            row["model"],
            *(value(row[name]) for name in names),
            short(row["events_per_second"]),
            short(row["bytes_per_row"]),
        ]
        table.add_row(*map(Text, cells), style="bold" if place == 0 else None)
    return table


def show_legend(console: Console) -> None:
    """Say what the last two columns are."""
    console.print(
        "\nevents/s: predicted and learned, by processor time of one core. bytes/row: what the model holds, "
        "for each user and item."
    )


def show_models(console: Console, models: Sequence[Known]) -> None:
    """List models with a line each and what they guarantee."""
    table = _table(console)
    table.add_column("model", no_wrap=True)
    table.add_column("what it is")
    for letter in "SOMU":
        table.add_column(letter, justify="center", no_wrap=True)
    for known in models:
        table.add_row(Text(known.name), Text(known.line), *guarantees_of(known.make()))
    console.print(table)
    console.print(
        "S: any cutting of the stream into calls gives the same model; O: so does any order of the events; "
        "M: models of two streams merge into that of both; U: forget(...) equals never having seen. "
        "yes: to the last bit; ~: up to rounding; no; ?: not stated."
    )
    console.print("Parameters go in brackets: skl-increc compare --model 'BiasedMF(n_factors=32)'")
