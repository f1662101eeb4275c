"""Directives whose content comes out of the package itself, so that it cannot fall behind it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

#: methods that scikit-learn and River define and document themselves
OURS = "skl_increc"


class _Generated(SphinxDirective):
    """A directive that writes reStructuredText."""

    def lines(self) -> list[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        node = nodes.section(document=self.state.document)
        nested_parse_with_titles(self.state, StringList(self.lines(), source=self.get_source_info()[0]), node)
        return node.children


class GuaranteesTable(_Generated):
    """One line of content a model; the table states what ``guarantees()`` of each answers."""

    has_content = True

    def lines(self) -> list[str]:
        from skl_increc import baselines, compose, content, factorization, linear, neighbors, sequence, social

        rooms = (baselines, compose, content, factorization, linear, neighbors, sequence, social)
        models = {name: getattr(room, name) for room in rooms for name in room.__all__}
        rows = [".. list-table::", "   :header-rows: 1", "   :widths: 34 9 9 9 9 30", ""]
        rows += _row(["model", "S", "O", "M", "U", "what stands in the way"])
        for code in filter(None, map(str.strip, self.content)):
            # the content is our own documentation, not somebody's input
            promise = eval(code, dict(models)).guarantees()
            rows += _row([f"``{code}``", promise.S, promise.O, promise.M, promise.U, promise.why])
        return rows


def _row(cells: list[str]) -> list[str]:
    return [f"   {'*' if not at else ' '} - {cell}" for at, cell in enumerate(cells)]


class Changelog(_Generated):
    """The changelog of the repository, which is written in the Markdown that people expect there."""

    required_arguments = 1

    def lines(self) -> list[str]:
        path = Path(self.get_source_info()[0]).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        text = path.read_text(encoding="utf-8").partition("\n## ")[2]
        text = re.sub(r"`([^`]+)`", r"``\1``", "## " + text)
        text = re.sub(r"\[([^\]]+)\]\((http[^)]+)\)", r"`\1 <\2>`__", text)
        lines: list[str] = []
        for line in text.splitlines():
            heading = re.fullmatch(r"(##+) (.*)", line)
            if heading is None:
                lines.append(line)
            else:
                title = heading[2].replace("[", "").replace("]", "")
                lines += [title, ("-" if heading[1] == "##" else "~") * len(title)]
        return lines


class ContractChecks(_Generated):
    """Our own checks, each with the sentence that is its docstring."""

    def lines(self) -> list[str]:
        from skl_increc import checks

        lines: list[str] = []
        for check in checks.OURS:
            text = inspect.cleandoc(check.__doc__)
            lines += [f"``{check.__name__}``", *(f"   {line}" for line in text.splitlines()), ""]
        return lines


def _skip(app: Any, what: str, name: str, value: Any, skip: bool, options: Any) -> bool | None:
    """Leave out of a class what another library defines: its own documentation says it better."""
    if name.startswith("_") or what not in ("class", "exception"):
        return None
    owner = value.fget if isinstance(value, property) else value
    module = getattr(inspect.unwrap(owner) if callable(owner) else owner, "__module__", OURS)
    foreign = module is not None and not str(module).startswith(OURS)
    return True if foreign or re.fullmatch(r"set_\w+_request", name) else None


def setup(app: Any) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("guarantees-table", GuaranteesTable)
    app.add_directive("contract-checks", ContractChecks)
    app.add_directive("changelog", Changelog)
    app.connect("autodoc-skip-member", _skip)
    return {"version": "1", "parallel_read_safe": True}
