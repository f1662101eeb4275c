"""What the README says is so: its examples run, its commands exist, its table is what the models answer."""

import re
import tomllib
from pathlib import Path

import pytest

import skl_increc.datasets
from skl_increc import baselines, compose, content, factorization, linear, neighbors, sequence, social

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROOMS = (baselines, compose, content, factorization, linear, neighbors, sequence, social)
MODELS = {name: getattr(room, name) for room in ROOMS for name in room.__all__}

TRY = 'pip install ".[demo]" && skl-increc compare'
TEST = 'pip install ".[test]" && pytest'


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def rows_after(mark):
    """Cells of the first table after a place in the README."""
    lines = README.partition(mark)[2].splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("|"))
    cells = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    return cells[2:]


@pytest.mark.parametrize("code", blocks("python"), ids=["scikit-learn", "river", "both"])
def test_examples_run(code, monkeypatch, tmp_path):
    whole = skl_increc.datasets.load_movielens_small

    def beginning(**settings):
        found = whole(**settings)
        return tuple(part[:2000] for part in found) if isinstance(found, tuple) else found[:2000]

    monkeypatch.setattr(skl_increc.datasets, "load_movielens_small", beginning)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def test_examples_are_short():
    for code in blocks("python"):
        lines = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
        assert 0 < len(lines) <= 10


def test_an_example_goes_on_after_a_file_as_without_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    space = {}
    for line in blocks("python")[2].splitlines():
        exec(line, space)
        if line.startswith("skl_increc.save"):
            before = space["model"]
    again = space["model"]
    assert again is not before
    assert again.predict_one(user="cid", item="tea") == before.predict_one(user="cid", item="tea")
    assert again.recommend_one("ann", k=5) == before.recommend_one("ann", k=5) == ["milk"]


def test_both_commands_stand_alone_on_a_line():
    lines = "".join(blocks("bash")).splitlines()
    assert TRY in lines
    assert TEST in lines


def test_commands_install_what_exists():
    extras = set(re.findall(r'pip install "\.\[(\w+)\]"', README))
    assert {"demo", "test"} <= extras <= set(PROJECT["optional-dependencies"])
    assert "skl-increc" in PROJECT["scripts"]


def test_ci_runs_exactly_the_test_command():
    lines = [line.strip() for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()]
    assert f"readme='{TEST}'" in lines


def test_table_of_guarantees_is_what_the_models_answer():
    rows = rows_after("<!-- guarantees")
    for code, *promised in rows:
        answer = eval(code.strip("`"), dict(MODELS)).guarantees()
        assert promised == [answer.S, answer.O, answer.M, answer.U], code
    assert {code.strip("`").partition("(")[0] for code, *_ in rows} == set(MODELS)


def test_table_of_models_is_complete():
    named = {cell[0].strip("`").rpartition(".")[2] for cell in rows_after("## Models")}
    assert named == set(MODELS)


def test_files_that_it_names_exist():
    named = set(re.findall(r"`((?:docs/)?[\w/]+\.(?:md|rst))`", README))
    assert {"docs/develop/add_a_model.rst", "CHANGELOG.md"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
