"""A page of results: one file of HTML that loads nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from skl_increc.model_selection import ProgressiveResult
from skl_increc.report._charts import colors_of, curve_svg, themed
from skl_increc.report._facts import guarantees_of, parameters_of, versions
from skl_increc.report._panels import cold_start, windows_won
from skl_increc.report._style import CSS
from skl_increc.report._summary import DataSummary
from skl_increc.report._words import (
    best_first,
    is_error,
    lead,
    metric_names,
    short,
    task_title,
    value,
    verdict,
)

__all__ = ["html_report"]

Colors = Mapping[str, tuple[str, str]]


def html_report(
    results: Sequence[ProgressiveResult],
    data: DataSummary,
    *,
    models: Mapping[str, Any] | None = None,
    references: Sequence[str] = (),
    command: str | None = None,
) -> str:
    """Make a self-contained page of test-then-learn results on one stream.

    Parameters
    ----------
    results : sequence of ProgressiveResult
        One per task.
    data : DataSummary
        Of the stream.
    models : mapping, optional
        Name, as in the results, to model: their parameters and guarantees are shown.
    references : sequence of str, default=()
        Names of the models that are there for reference: drawn in grey.
    command : str, optional
        By which the same figures come again.

    Returns
    -------
    str
        HTML with inline drawings; nothing in it is loaded from anywhere.

    Raises
    ------
    ValueError
        If ``results`` is empty.
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> from skl_increc.baselines import Baseline
    >>> from skl_increc.model_selection import progressive_validate
    >>> from skl_increc.report import DataSummary, html_report
    >>> model = Baseline()
    >>> stream = [({"user": u, "item": i}, float(u + i)) for u in range(3) for i in range(4)]
    >>> result = progressive_validate({"Baseline": model}, stream)
    >>> page = html_report([result], DataSummary("twelve", 12, 3, 4), models={"Baseline": model})
    >>> page[:15], "<svg" in page
    ('<!DOCTYPE html>', True)
    """
    if not results:
        raise ValueError("results is empty: give at least one ProgressiveResult.")
    names = list(dict.fromkeys(row["model"] for result in results for row in result.summary()))
    colors = colors_of(names, references)
    parts = [
        _head(results, data),
        *(_task(result, colors, f"task{number}") for number, result in enumerate(results, 1)),
        _data(data),
        _method(results),
        _models(models or {}),
        _software(command),
    ]
    title = escape(f"{data.name}: test, then learn")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main>\n</body>\n</html>\n"
    )


def _head(results: Sequence[ProgressiveResult], data: DataSummary) -> str:
    said = (say(result) for result in results for say in (verdict, lead))
    found = [escape(sentence) for sentence in said if sentence]
    if any(result.interrupted for result in results):
        done = ", ".join(f"{result.n_events:,}" for result in results if result.interrupted)
        found.insert(0, f"The run was interrupted after {done} events: all figures are of these.")
    short_list = "".join(f"<li>{sentence}</li>" for sentence in found)
    return (
        f"<h1>{escape(data.name)}: how well do the models do, event by event?</h1>\n"
        f"<p>{escape(data.sentence())} Every event was predicted first, then learned.</p>\n"
        + (f'<ul class="short">{short_list}</ul>' if short_list else "")
    )


def _task(result: ProgressiveResult, colors: Colors, key: str) -> str:
    metric = metric_names(result)[0]
    better = "lower is better" if is_error(metric) else "higher is better"
    drawings = [
        _figure(curve_svg(result, metric, recent=recent, colors=colors, key=f"{key}-{at}"), caption)
        for at, (recent, caption) in enumerate(
            (
                (False, f"{metric} over everything so far ({better})."),
                (True, f"{metric} of each stretch of the stream alone ({better})."),
            )
        )
    ]
    drawings.append(cold_start(result, colors, f"{key}-ages"))
    asked = max(row["n_asked"] for row in result.summary())
    return (
        f"<section>\n<h2>{escape(task_title(result))}</h2>\n{_result_table(result, colors)}\n"
        f"{_lost(result)}<p>Predictions: {asked:,}. Ties: {escape(result.ties_rule)}.</p>\n"
        f'<div class="charts">{"".join(drawings)}</div>\n{_lead(result)}</section>'
    )


def _lead(result: ProgressiveResult) -> str:
    """Whether the best model's lead is more than luck, and holds all along."""
    found = windows_won(result)
    if found is None:
        return ""
    head, rows, legend = found
    best = escape(best_first(result)[0]["model"])
    table = _table(head, rows).replace("<table>", '<table class="plain">', 1)
    return f"<h3>Is the lead of {best} real?</h3>\n{table}\n<p>{escape(legend)}</p>\n"


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _lost(result: ProgressiveResult) -> str:
    return "".join(
        f"<p><strong>{escape(row['model'])}</strong> diverged: its prediction at event "
        f"{row['diverged_at']:,} was no finite number.</p>\n"
        for row in result.summary()
        if row["diverged_at"] is not None
    )


def _result_table(result: ProgressiveResult, colors: Colors) -> str:
    names = metric_names(result)
    spans = [f"{what} us, {which}" for what in ("predict", "learn") for which in ("median", "p99")]
    head = ["Model", *names, *spans, "events/s", "bytes/row", "bytes"]
    rows = []
    for row in best_first(result):
        seconds = [row[f"{what}_{which}"] for what in ("predict", "learn") for which in ("median", "p99")]
        cells = [value(row[name]) for name in names]
        cells += ["-" if span is None else short(span * 1e6) for span in seconds]
        cells += [short(row[name]) for name in ("events_per_second", "bytes_per_row", "nbytes")]
        rows.append([_swatch(*colors[row["model"]]) + escape(row["model"]), *cells])
    return _table(head, rows)


def _swatch(color: str, dashes: str) -> str:
    """A short line, as the charts draw it."""
    pattern = {
        "--": ' stroke-dasharray="7 3"',
        ":": ' stroke-dasharray="2 3"',
        "-.": ' stroke-dasharray="8 3 2 3"',
    }
    style = themed(f"stroke: {color}")
    line = f'<line x1="0" y1="4" x2="30" y2="4" style="{style}" stroke-width="3"{pattern.get(dashes, "")}/>'
    return f'<svg class="swatch" width="30" height="8" aria-hidden="true">{line}</svg>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; the first column heads its row."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>\n'
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _data(data: DataSummary) -> str:
    facts = {
        "Events": f"{data.n_events:,}",
        "Users": f"{data.n_users:,}",
        "Items": f"{data.n_items:,}",
    }
    if data.ratings is not None:
        low, mean, high = data.ratings
        facts["Ratings"] = f"{low:g} to {high:g}, mean {mean:.4g}"
    if data.period is not None:
        facts["Period"] = data.period
    if data.shared_moments is not None:
        facts["Ties"] = f"{100 * data.shared_moments:.1f} % of the events share user and time with another"
    for role, name in data.columns.items():
        facts[f"Column of the {role}"] = name
    notes = "".join(f"<p>{escape(note)}</p>\n" for note in data.notes)
    terms = f'<p class="terms">{escape(data.terms)}</p>\n' if data.terms else ""
    return f"<section>\n<h2>The data</h2>\n{_pairs(facts)}\n{notes}{terms}</section>"


def _pairs(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    return f"<dl>{rows}</dl>"


def _method(results: Sequence[ProgressiveResult]) -> str:
    order = "order of time" if results[0].time_col is not None else "the order given"
    texts = [
        f"Events were taken in {order}. Each model was asked about an event before it learned it, so that "
        "every figure is of events it had not seen; all models went through the stream together."
    ]
    if results[0].warmup:
        texts.append(f"The first {results[0].warmup:,} events were learned without being asked about.")
    texts += map(_meaning, results)
    texts.append(
        "Events a second are by processor time of one core, event by event, with the cost of Python in them; "
        "medians and 99th percentiles are of the time on the wall of a sample of the calls. Bytes are what a model "
        "holds at the end; a row is a user or an item."
    )
    paragraphs = "".join(f"<p>{text}</p>\n" for text in texts)
    return f"<section>\n<h2>How it was measured</h2>\n{paragraphs}</section>"


def _meaning(result: ProgressiveResult) -> str:
    """What the figures of a task mean."""
    if result.task == "rating":
        return "RMSE weighs large errors more; MAE is the average distance, in units of a rating."
    if result.task == "binary":
        return (
            "LogLoss is the mean of -log of the probability that was given to what came; ROCAUC is how often a 1 was "
            "thought likelier than a 0; F1 weighs ones found against false alarms, from a half on."
        )
    seen = "left out" if result.exclude_seen else "kept"
    asked = "were asked for, too" if result.repeats else "were not asked for"
    least = "" if result.min_y is None else f" Events rated below {result.min_y:g} were left out altogether."
    return (
        f"A list holds {result.k} items; what the user had before was {seen}, and items that a user took "
        f"again {asked}.{least} HitRate is the share of cases in which the item was in the list; NDCG and "
        "MRR also count how far up it stood."
    )


def _models(models: Mapping[str, Any]) -> str:
    if not models:
        return ""
    rows = []
    for name, model in models.items():
        given = ", ".join(f"{key}={text}" for key, text in parameters_of(model).items())
        code = f"<code>{escape(given)}</code>" if given else "none"
        rows.append([escape(name), *guarantees_of(model), code])
    return (
        '<section class="models">\n<h2>The models</h2>\n'
        + _table(["Model", *"SOMU", "Parameters"], rows)
        + "<p>S: any cutting of the stream into calls gives the same model. O: so does any order of the "
        "events. M: models of two streams merge into that of both. U: forgetting equals never having seen. "
        "yes: to the last bit; ~: up to rounding; ?: not stated.</p>\n</section>"
    )


def _software(command: str | None) -> str:
    again = f"<p>The same figures again: <code>{escape(command)}</code></p>\n" if command else ""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<section>\n<h2>Software</h2>\n{_pairs({**versions(), 'written': now})}\n{again}</section>"
