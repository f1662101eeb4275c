"""Properties are tried on the same examples in every run, unless a profile asks for a search."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from skl_increc.baselines import Popularity
from skl_increc.checks import _learning


def drawn():
    """What a property is tried on."""
    seen = []

    @given(st.integers())
    def note(value):
        seen.append(value)

    note()
    return seen


@pytest.fixture
def searching():
    """A profile of three times the usual examples, new ones every time."""
    settings.register_profile("before", settings())
    settings.register_profile("three times", settings(max_examples=300, derandomize=False))
    settings.load_profile("three times")
    yield
    settings.load_profile("before")


def cuts_tried(monkeypatch):
    """How many cuttings of a stream the check of S tries."""
    calls = []
    monkeypatch.setattr(_learning, "same_bytes", lambda *_: calls.append(1))
    _learning.splits_do_not_matter(Popularity())
    return len(calls)


@pytest.mark.skipif(not settings().derandomize, reason="SKL_INCREC_SEARCH asks for new examples")
def test_examples_are_the_same_in_every_run(monkeypatch):
    assert drawn() == drawn()
    assert examples(60) == 60
    assert cuts_tried(monkeypatch) == 24


@pytest.mark.usefixtures("searching")
def test_a_search_draws_more_and_new_ones(monkeypatch):
    assert drawn() != drawn()
    assert examples(60) == 180
    assert cuts_tried(monkeypatch) == 72
