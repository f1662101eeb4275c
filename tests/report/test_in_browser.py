"""The page in a browser: it opens, complains of nothing, and shows its numbers."""

import re
import shutil
import subprocess

import pytest

from skl_increc.baselines import Popularity
from skl_increc.model_selection import progressive_validate
from skl_increc.report import DataSummary, html_report, write_page

pytest.importorskip("matplotlib")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=2000"
).split()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_complaints_and_shows_its_numbers(scheme, tmp_path):
    events = [({"user": t % 20, "item": (t * 7 + t // 20) % 30}, 1.0 + t % 5) for t in range(300)]
    lists = progressive_validate({"Popularity": Popularity()}, events, k=5, min_y=2.0)
    write_page(tmp_path / "page.html", html_report([lists], DataSummary("shop.csv", 300, 20, 30)))
    theme = ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    command = [BROWSER, *QUIET, *theme, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    page = (tmp_path / "page.html").as_uri()
    done = subprocess.run([*command, page], capture_output=True, text=True, timeout=120, check=True)
    assert re.findall(r".*CONSOLE.*", done.stderr) == []
    shown = re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", done.stdout, flags=re.DOTALL)
    for name in ("HitRate@5", "NDCG@5"):
        assert f"{lists.summary()[0][name]:.4f}" in shown
    assert "Popularity" in shown
