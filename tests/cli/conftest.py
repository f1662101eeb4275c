"""Small files of events, and a way to run the command in this process."""

import json

import pytest

pytest.importorskip("typer")
pl = pytest.importorskip("polars")
pytest.importorskip("rich")


@pytest.fixture
def events():
    """Columns of 600 events of 24 users and 40 items; ratings 1 to 5; three events a second."""

    def make(n=600):
        users = [f"u{t % 24}" for t in range(n)]
        items = [(t * 7 + t // 24 * 3) % 40 for t in range(n)]
        return {
            "user": users,
            "item": items,
            "rating": [1.0 + (t * 5 + item) % 5 for t, item in enumerate(items)],
            "timestamp": [1_600_000_000 + t // 3 for t in range(n)],
        }

    return make


@pytest.fixture
def write(tmp_path, events):
    """Write events, with columns replaced, renamed or dropped (None), as CSV or Parquet."""

    def make(name="events.csv", rename=None, n=600, **columns):
        frame = {**events(n), **columns}
        frame = pl.DataFrame({name: values for name, values in frame.items() if values is not None})
        frame = frame.rename(rename or {})
        path = tmp_path / name
        if path.suffix == ".parquet":
            frame.write_parquet(path)
        else:
            frame.write_csv(path)
        return path

    return make


@pytest.fixture
def cli(capsys):
    """Run the command; gives (exit code, standard output, standard error)."""
    from skl_increc.cli import main

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refuses(cli):
    """Run the command on what it cannot use; gives the one line that it says."""

    def run(*arguments):
        code, _, err = cli(*arguments)
        assert code == 2, json.dumps(err)
        assert err.endswith("\n") and err.count("\n") == 1, json.dumps(err)
        assert err.startswith("skl-increc: ") and "Traceback" not in err
        return err

    return run
