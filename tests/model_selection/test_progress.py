"""Progress of long work on standard error."""

import builtins
import sys

import pytest

from skl_increc.model_selection import _progress, progressive_validate
from skl_increc.model_selection._progress import Progress


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(_progress, "_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(_progress, "_SECONDS_BETWEEN_LINES", 0.0)


def test_lines_where_there_is_no_terminal(hasty, capsys, rater, stream):
    progressive_validate(rater(), list(stream()), step=100, verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(" events")[0] for line in err.splitlines()] == [
        f"test, then learn: {n} of 400" for n in (100, 200, 300, 400)
    ]
    progressive_validate(rater(), stream(), step=100, verbose=True)
    assert capsys.readouterr().err.startswith("test, then learn: 100 events in 0 s\n")


@pytest.mark.parametrize("verbose", ["auto", False])
def test_silence(verbose, hasty, capsys, rater, stream):
    progressive_validate(rater(), stream(), verbose=verbose)
    assert capsys.readouterr() == ("", "")


def test_short_work_is_silent(capsys, rater, stream):
    progressive_validate(rater(), stream(), verbose=True)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("total", [400, None])
def test_a_bar_where_there_is_a_terminal(total, hasty, capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with Progress(total, "auto") as progress:
        progress.show(100)
        assert progress._bar.tasks[0].completed == 100
        assert progress._bar.tasks[0].total == total
        progress.show(300)
        assert progress._bar.tasks[0].completed == 300
    assert progress._bar.finished or not progress._bar.live.is_started
    assert capsys.readouterr().out == ""


def test_without_rich_a_terminal_gets_lines(hasty, capsys, monkeypatch):
    real = builtins.__import__

    def without_rich(name, *args, **kwargs):
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(builtins, "__import__", without_rich)
    with Progress(10, "auto") as progress:
        progress.show(5)
    assert capsys.readouterr().err == "test, then learn: 5 of 10 events in 0 s\n"
