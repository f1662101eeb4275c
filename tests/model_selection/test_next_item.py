"""The stream adaptor ``next_item``."""

import math

import numpy as np
import pandas as pd
import pytest

from skl_increc.model_selection import next_item


def test_item_becomes_the_target():
    events = [({"user": 1, "item": "a", "hour": 3}, 5.0), ({"user": 2, "item": "b"}, None)]
    assert list(next_item(events)) == [({"user": 1, "hour": 3}, "a"), ({"user": 2}, "b")]
    assert events[0][0] == {"user": 1, "item": "a", "hour": 3}


def test_ids_given_as_keywords():
    keywords = {"user": 1, "item": "a", "w": 2.0}
    events = [({"hour": 3}, 5.0, keywords)]
    assert list(next_item(events)) == [({"hour": 3, "user": 1}, "a", {"w": 2.0})]
    assert keywords == {"user": 1, "item": "a", "w": 2.0}  # River's loop would take w out of ours
    named = next_item([({}, 1, {"user": 1, "item": 2})], user_col="u", item_col="i", keep_value=True)
    assert list(named) == [({"u": 1}, 2, {"value": 1})]


def test_only_positives_with_an_item():
    ys = [5, 4, 3, 0, -1, None, math.nan]
    events = [({"user": 1, "item": n}, y) for n, y in enumerate(ys)]
    assert [item for _, item in next_item(events)] == [0, 1, 2, 5]
    assert [item for _, item in next_item(events, min_y=4)] == [0, 1, 5]
    missing = [({"user": 1, "item": item}, 1) for item in (None, math.nan, pd.NA, "a")]
    assert [item for _, item in next_item([*missing, ({"user": 1}, 1)])] == ["a"]


def test_it_is_lazy_and_takes_generators():
    def endless():
        n = 0
        while True:
            n += 1
            yield {"user": 1, "item": n}, 1

    assert next(next_item(endless())) == ({"user": 1}, 1)


@pytest.mark.parametrize("data", [pd.DataFrame({"user": [1], "item": [2]}), np.ones((2, 2))])
def test_frames_are_refused_at_once(data):
    with pytest.raises(TypeError, match="next_item takes a stream of \\(x, y\\) events; got a .*iter_events"):
        next_item(data)


def test_other_shapes_and_keywords_are_refused():
    for event in (("Alice", "Superman", 8), ({"user": 1},), {"user": 1}):
        with pytest.raises(TypeError, match="An event must be \\(x, y\\) or \\(x, y, keywords\\)"):
            list(next_item([event]))
    with pytest.raises(TypeError, match="keywords \\['colour'\\]; only user, item and w"):
        list(next_item([({}, 1, {"colour": 1, "user": 2})]))
