"""The page: complete, well-formed, and nothing in it loads anything."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from river import dummy, stats

from skl_increc.baselines import Popularity
from skl_increc.factorization import BiasedMF
from skl_increc.model_selection import progressive_validate
from skl_increc.report import DataSummary, check_writable, html_report, write_page
from skl_increc.report._charts import colors_of
from skl_increc.report._labels import spread_out

pytest.importorskip("matplotlib")

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Notes elements, text and ids, and that tags are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes, self.text = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def stream(n=400):
    for t in range(n):
        yield {"user": t % 20, "item": (t * 7 + t // 20) % 30}, 1.0 + t % 5


@pytest.fixture(scope="module")
def models():
    return {
        "BiasedMF": BiasedMF(),
        "<b>mean</b> & more": dummy.StatisticRegressor(stats.Mean()),
        "Popularity": Popularity(),
    }


@pytest.fixture(scope="module")
def text(models):
    ratings = progressive_validate({name: models[name] for name in list(models)[:2]}, stream(), warmup=10)
    lists = progressive_validate({"Popularity": models["Popularity"]}, stream(), k=5, min_y=2.0)
    data = DataSummary(
        "<i>shop</i>.csv",
        *(400, 20, 30),
        ratings=(1.0, 3.0, 5.0),
        times=(1.6e9, 1.7e9),
        shared_moments=0.25,
        columns={"user": "<userId>"},
        notes=("A note.",),
        terms="Terms: https://example.org & others",
    )
    return html_report(
        [ratings, lists], data, models=models, references=["<b>mean</b> & more"], command="skl-increc 'a b'"
    )


def test_it_is_well_formed(text):
    page = Page(text)
    assert not page.open
    assert page.tags.count("html") == page.tags.count("main") == page.tags.count("h1") == 1
    assert len(page.ids) == len(set(page.ids)) > 0


def test_nothing_is_loaded(text):
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "a", "base"} & set(page.tags)
    for name, value in page.attributes:
        assert "//" not in (value or ""), (name, value)
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#")
    assert not re.search(r"@import|url\((?!#)", text)


def test_ids_that_drawings_refer_to_are_there(text):
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    assert used and used <= set(Page(text).ids)


def test_there_is_a_curve_of_each_task_so_far_and_lately(text):
    assert text.count('<svg role="img"') == 6
    for caption in (
        "RMSE over everything so far (lower is better).",
        "HitRate@5 of each stretch of the stream",
        "HitRate@5 by how many events of the user were learned before (higher is better).",
    ):
        assert caption in text


def test_drawings_are_well_formed_and_name_their_curves(text):
    drawings = re.findall(r"<svg role.*?</svg>", text, flags=re.DOTALL)
    for drawing in drawings:
        words = [
            node.text for node in ElementTree.fromstring(drawing).iter() if node.text and node.text.strip()
        ]
        assert "BiasedMF" in words or "Popularity" in words
    assert any("<b>mean</b> & more" in ElementTree.fromstring(d).itertext() for d in drawings)


def test_light_and_dark(text):
    """Every colour but those of the two themes has a name, and every name has a value in both."""
    style = re.search(r"<style>(.*?)</style>", text, flags=re.DOTALL)[1]
    light, dark = (
        re.search(where + r"[^{]*{([^}]*)}", style)[1] for where in ("^\\s*:root ", r"dark\) \{ :root")
    )
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    for theme in (light, dark):
        assert used <= set(re.findall(r"(--[\w-]+):", theme))
    assert not re.search(r"(stroke|fill): #(?!000)", text[text.index("</style>") :])


def test_models_beyond_the_colours_are_told_apart():
    names = [f"model {n}" for n in range(20)]
    assert len(set(colors_of(names, names[:3]).values())) == 20


def test_the_lead_is_tested(models):
    rated = {"BiasedMF": BiasedMF(), "mean": dummy.StatisticRegressor(stats.Mean())}
    result = progressive_validate(rated, stream())
    words = " ".join(Page(html_report([result], DataSummary("s", 400, 20, 30))).text)
    best = min(result.summary(), key=lambda row: row["RMSE"])["model"]
    row = result.compare(best).summary()[1]
    assert f"Is the lead of {best} real?" in words
    assert f"{row['won']:.0%}" in words and f"{row['pvalue']:.1g}" in words and "Windows won" in words
    unrecorded = progressive_validate({n: m.clone() for n, m in rated.items()}, stream(), record=False)
    text = html_report([unrecorded], DataSummary("s", 400, 20, 30))
    assert "Windows won" not in text and text.count('<svg role="img"') == 2


def test_labels_do_not_lie_on_each_other():
    for heights in ([0.5] * 6, [0.0, 0.01, 0.02, 1.0], [0.99, 1.0, 0.3, 0.31], [0.5]):
        placed = spread_out(heights, 0.062)
        assert min(np.diff(sorted(placed)), default=1.0) >= 0.0619 and min(placed) >= 0 and max(placed) <= 1
        assert np.argsort(placed, kind="stable").tolist() == np.argsort(heights, kind="stable").tolist()
    assert len(spread_out([0.5] * 40, 0.062)) == 40 and spread_out([], 0.1) == []


def test_names_are_escaped(text):
    assert "<b>" not in text and "&lt;b&gt;mean&lt;/b&gt; &amp; more" in text
    assert "<i>" not in text and "<userId>" not in text


def test_it_says_what_was_done(text):
    words = " ".join(" ".join(Page(text).text).split())
    for part in (
        "Terms: https://example.org & others",
        "2020-09-13 to 2023-11-14",
        "25.0 % of the events share user and time",
        "The first 10 events were learned without being asked about.",
        "n_factors=10",
        "statistic=Mean()",
        "Ties: plain stream order",
        "scikit-learn",
        "skl-increc 'a b'",
        "A note.",
        "rated below 2 were left out",
    ):
        assert part in words, part


def test_the_table_holds_the_figures(text, models):
    result = progressive_validate({"BiasedMF": BiasedMF()}, stream(), warmup=10)
    assert f"<td>{result.summary()[0]['RMSE']:.4f}</td>" in text


def test_a_model_that_diverged_does_not_spoil_the_page():
    class Broken(dummy.StatisticRegressor):
        def predict_one(self, x):
            return float("nan")

    both = {"broken": Broken(stats.Mean()), "mean": dummy.StatisticRegressor(stats.Mean())}
    text = html_report([progressive_validate(both, stream())], DataSummary("s", 400, 20, 30))
    assert "<strong>broken</strong> diverged: its prediction at event 1 was" in text
    assert (
        not Page(text).open and "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL).lower()
    )


def test_a_page_of_nothing_is_refused():
    with pytest.raises(ValueError, match="results is empty: give at least one ProgressiveResult"):
        html_report([], DataSummary("s", 1, 1, 1))


def test_without_matplotlib(monkeypatch):
    import sys

    result = progressive_validate(dummy.StatisticRegressor(stats.Mean()), stream())
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'Reports need matplotlib: pip install "skl_increc\[plot\]"'):
        html_report([result], DataSummary("s", 400, 20, 30))


def test_times_that_are_no_dates_are_shown_as_they_are():
    assert "times 0 to 99" in DataSummary("s", 1, 1, 1, times=(0.0, 99.0)).sentence()


def test_write_page(tmp_path):
    path = tmp_path / "page.html"
    check_writable(path)
    assert not path.exists()
    write_page(path, "first")
    write_page(path, "zw\u00f6lf")
    assert path.read_text(encoding="utf-8") == "zw\u00f6lf"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_a_name_that_is_too_long(tmp_path):
    path = tmp_path / ("x" * 300 + ".html")
    with pytest.raises(OSError, match="The report cannot be written to"):
        write_page(path, "page")
    assert list(tmp_path.iterdir()) == []
