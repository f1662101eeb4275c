"""The other commands, the help, and life without the extras."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from skl_increc import __version__
from skl_increc.cli._app import app


def test_version(cli):
    assert cli("--version") == (0, f"skl-increc {__version__}\n", "")


def test_models_lists_all_with_what_they_guarantee(cli):
    code, out, _ = cli("models")
    assert code == 0 and max(map(len, out.splitlines())) <= 80
    rows = {line.split("  ")[0]: line.split()[-4:] for line in out.splitlines()}
    assert rows["Popularity"] == ["yes"] * 4
    assert rows["BiasedMF"] == ["yes", "no", "no", "no"]
    assert rows["BiasedMFClassifier"] == ["yes", "no", "no", "no"]
    assert rows["river.reco.BiasedMF"] == ["?"] * 4
    assert "Mean, user bias and" in out


def test_every_model_of_the_list_can_be_named():
    from skl_increc.cli._entrants import build, known_models

    names = [known.name for known in known_models()]
    assert list(build(names, 0)) == names


def test_every_listed_default_can_do_its_task():
    from skl_increc.cli._compare import _able
    from skl_increc.cli._entrants import defaults

    for task in ("rating", "ranking"):
        models = defaults(task, 0)
        able, reasons = _able(models, task, rated=True)
        assert list(able) == list(models) and not reasons


def test_help_names_every_option(cli):
    code, out, _ = cli("compare", "--help")
    assert code == 0
    for option in (
        "--model",
        "--task",
        "--min-y",
        "--user-col",
        "--no-time",
        "--ties",
        "--report",
        "--limit",
    ):
        assert option in out


def test_no_arguments_show_the_help():
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2 and "compare" in result.output and "models" in result.output


def test_codes_are_the_same_inside_typer(write):
    runner = CliRunner()
    result = runner.invoke(app, ["compare", str(write()), "-m", "mean"])
    assert result.exit_code == 0 and "running mean" in result.output
    assert runner.invoke(app, ["compare", "nowhere.csv"]).exit_code == 2


@pytest.mark.parametrize("missing", ["typer", "rich", "polars"])
def test_without_an_extra_one_line_names_it(cli, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    code, out, err = cli("compare")
    assert (code, out) == (2, "")
    assert err == f'skl-increc needs {missing}, not installed here: pip install "skl_increc[cli]"\n'


def test_as_a_process(write):
    path = write(rating=["x"] * 600)
    program = [sys.executable, "-m", "skl_increc.cli"]
    done = subprocess.run([*program, "compare", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("skl-increc: ") and done.stderr.count("\n") == 1


def test_importing_the_command_imports_no_extra():
    code = (
        "import sys, skl_increc.cli; "
        "sys.exit(any(name in sys.modules for name in ('typer', 'rich', 'polars', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
