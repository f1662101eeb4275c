"""The documentation: its examples are true, its page of the API is complete, its example model is sound."""

import doctest
import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest

import skl_increc
from skl_increc.base import InteractionEstimator
from skl_increc.base._hooks import Hooks
from skl_increc.checks import parametrize_with_checks

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = {"_build", "auto_examples", "generated"}
PAGES = [page for page in sorted(DOCS.rglob("*.rst")) if not BUILT & set(page.parts)]
WITH_EXAMPLES = [page for page in PAGES if ">>>" in page.read_text(encoding="utf-8")]
FAMILIES = "baselines content factorization linear neighbors sequence social"
ROOMS = f"base {FAMILIES} compose preprocessing model_selection metrics datasets checks exceptions".split()


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # pickle looks for its classes there
    spec.loader.exec_module(module)
    return module


item_mean = load(DOCS / "develop" / "item_mean.py")
ItemMean = item_mean.ItemMean


# [the test of the example]
@parametrize_with_checks([ItemMean()])
def test_item_mean(check):
    check()


# [end]


def test_item_mean_says_what_its_docstring_says():
    assert doctest.testmod(item_mean).failed == 0


def test_item_mean_is_the_shrunk_mean():
    model = ItemMean(l2=1).fit([["a", "x"], ["b", "x"], [None, "y"], ["a", None]], [5, 3, 1, 3])
    assert model.predict([["a", "x"], ["c", "y"], ["a", "z"]]).tolist() == [(8 + 3) / 3, (1 + 3) / 2, 3]


def test_every_hook_is_described():
    hooks = {name for name in vars(Hooks) if name.startswith("_") and not name.startswith("__")}
    assert issubclass(InteractionEstimator, Hooks)
    page = (DOCS / "develop" / "add_a_model.rst").read_text(encoding="utf-8")
    assert {"_fields", "_learn", "_score"} <= hooks
    assert sorted(hook for hook in hooks if f"``{hook}(" not in page) == []


def test_item_mean_is_short():
    code = (DOCS / "develop" / "item_mean.py").read_text(encoding="utf-8")
    hooks = code.partition("def _structure")[2]
    assert len(hooks.splitlines()) <= 40


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_pages_say_what_python_says(page):
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted > 0
    assert found.failed == 0


def test_page_of_the_api_is_complete():
    page = (DOCS / "api" / "index.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   (\w[\w.]*)$", page, flags=re.MULTILINE))
    public = set(skl_increc.__all__)
    for room in ROOMS:
        public |= {f"{room}.{name}" for name in importlib.import_module(f"skl_increc.{room}").__all__}
    assert public - listed == {"__version__", "checks.OURS", "datasets.MOVIELENS_TERMS"}
    assert listed <= public


def test_changelog_knows_this_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\]", changes, flags=re.MULTILINE)
    assert newest[1] == skl_increc.__version__
