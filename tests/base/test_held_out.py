"""The score of a model's lists on held-out pairs."""

import math
import warnings

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skl_increc.base._held_out import ranking_score


class Lists:
    """Recommends fixed lists; an unknown user gets that of None."""

    def __init__(self, lists, had=()):
        self.lists, self.had, self.calls = lists, set(had), []

    def seen(self, user, item):
        return (user, item) in self.had

    def recommend(self, users, k, *, exclude_seen, candidates):
        self.calls.append((list(users), k, exclude_seen, candidates))
        out = np.full((len(users), k), None, dtype=object)
        for row, user in enumerate(users):
            own = [
                item
                for item in self.lists.get(user, self.lists[None])
                if not (exclude_seen and (user, item) in self.had)
            ][:k]
            for place, item in enumerate(own):  # one by one: an id may be a tuple
                out[row, place] = item
        return out, np.zeros(out.shape)


def test_score_is_the_mean_over_users_in_one_call():
    model = Lists({1: ["a", "b"], 2: ["c", "a"], None: ["z"]})
    users, items = [1, 2, 1, 3], ["a", "q", "c", "z"]
    score = ranking_score(model, users, items, metric="recall", k=2)
    assert score == (1 / 2 + 0 + 1) / 3
    assert model.calls == [([1, 2, 3], 2, True, None)]


def test_score_leaves_out_what_cannot_be_asked():
    model = Lists({1: ["a", "b"], None: ["z", "y"]}, had=[(1, "a")])
    users = [1, 1, 1, 1, None, None]
    items = ["a", "b", None, "c", "z", "q"]
    y = [5, 5, 5, 2, 5, 5]
    # user 1: "a" was had, "c" is no positive; the two anonymous are two questions
    assert ranking_score(model, users, items, y, metric="hit_rate", k=2, min_y=4) == (1 + 1 + 0) / 3
    # with seen items let in, "a" is asked for, too
    assert ranking_score(model, [1, 1], ["a", "q"], metric="recall", k=1, exclude_seen=False) == 1 / 2
    assert model.calls[-1][2] is False
    # y <= 0 is never a positive
    assert ranking_score(model, [1, 1], ["b", "q"], [1, 0], metric="recall", k=2) == 1.0


def test_score_takes_tuples_as_ids():
    model = Lists({(1, 2): [("a", 1), ("b", 2)], None: []})
    assert ranking_score(model, [(1, 2), (9, 9)], [("b", 2), ("b", 2)], metric="mrr", k=3) == 1 / 4


def test_score_weights_users_by_their_mean_weight():
    model = Lists({1: ["a"], 2: ["b"], None: []})
    users, items = [1, 1, 2], ["a", "a", "q"]
    plain = ranking_score(model, users, items, metric="hit_rate")
    assert (
        plain == ranking_score(model, users, items, metric="hit_rate", sample_weight=[2.0, 2.0, 2.0]) == 0.5
    )
    assert ranking_score(model, users, items, metric="hit_rate", sample_weight=[2.0, 4.0, 1.0]) == 3 / 4
    assert ranking_score(model, users, items, metric="hit_rate", sample_weight=[1.0, 1.0, 0.0]) == 1.0


def test_nothing_to_ask_is_nan_with_a_warning():
    model = Lists({None: ["a"]}, had=[(1, "a")])
    with pytest.warns(UndefinedMetricWarning, match="No held-out pair is left to ask for"):
        assert math.isnan(ranking_score(model, [1], ["a"]))
    assert model.calls == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ranking_score(model, [1], ["a"], exclude_seen=False) == 1.0
        assert ranking_score(model, [1], ["a"], seen=lambda user, item: False) == 0.0
    with pytest.raises(ValueError, match="no ranking metric 'r2'"):
        ranking_score(model, [1], ["a"], metric="r2")


@pytest.mark.parametrize("extra", [{"y": [1, 2]}, {"sample_weight": [1.0]}])
def test_lengths_must_agree(extra):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ranking_score(Lists({None: ["a"]}), [1, 2, 3], ["a", "b", "c"], **extra)


def test_equal_ids_are_one_and_missing_ones_are_anonymous():
    model = Lists({1: ["a"], None: ["b"]})
    users = [1, 1.0, True, float("nan"), np.int8(1)]
    assert ranking_score(model, users, ["a"] * 5, metric="hit_rate", k=1) == 1 / 2
    assert model.calls[0][0] == [1, None]
