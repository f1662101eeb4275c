"""Sentences on a result."""

import math

import pytest
from river import dummy, stats

from skl_increc.model_selection import progressive_validate
from skl_increc.report._words import lead


class Off:
    """Predicts the user's number, more or less."""

    def __init__(self, by):
        self.by, self.n = by, 0

    def learn_one(self, x, y):
        pass

    def predict_one(self, x):
        self.n += 1
        return x["user"] + self.by * (-1) ** (self.n // 2)


class Regressor(Off, dummy.StatisticRegressor):
    pass


@pytest.fixture
def events():
    return [({"user": n % 7, "item": n % 5}, float(n % 7) + (n % 3 - 1) / 10) for n in range(900)]


def test_a_lead_is_more_than_luck_or_is_not(events):
    def said(**offs):
        models = {name: Regressor(by) for name, by in offs.items()}
        return lead(progressive_validate(models, events))

    assert said(alone=0.1) is None
    assert said(good=0.1, bad=1.0, worse=2.0) == (
        "Its lead over every other model is more than luck (paired z test, p < 0.01)."
    )
    assert said(good=0.1, same=0.1) == (
        "Its lead may be luck: it is not significant over any other model (paired z test, p < 0.01)."
    )
    assert said(good=0.1, same=0.1, bad=1.0) == (
        "Its lead may be luck over same, but not over the others (paired z test, p < 0.01)."
    )
    assert said(broken=math.nan) is None
    unrecorded = {"a": Regressor(0.1), "b": dummy.StatisticRegressor(stats.Mean())}
    assert lead(progressive_validate(unrecorded, events, record=False)) is None
