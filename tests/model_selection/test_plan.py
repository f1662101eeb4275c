"""The order of questions and lessons, against a few lines that say what it must be."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import base
from searching import examples

from skl_increc.model_selection import progressive_validate

DAY = dt.datetime(2024, 1, 1)
MOMENTS = {
    "whole": st.integers(0, 3),
    "beyond all floats' whole numbers": st.integers(2**62, 2**62 + 3),
    "real": st.sampled_from([0.25, 0.5, 1.0]),
    "mixed": st.sampled_from([0, 1, 1.5, 2.0]),
    "datetimes": st.integers(0, 3).map(lambda n: DAY + dt.timedelta(days=n)),
    "some without": st.sampled_from([None, 1, 2]),
}


class Diary(base.Regressor):
    """Writes down what it is asked and taught."""

    def __init__(self):
        self.pages = []

    def predict_one(self, x):
        self.pages.append(("asked", x["n"]))
        return 0.0

    def learn_one(self, x, y):
        self.pages.append(("taught", x["n"]))


def expected(rows, warmup):
    """Before the first event of a user at a moment all of them are asked; then each is taught in its turn."""
    pages = []
    for n, (user, moment) in enumerate(rows):
        alone = user is None or moment is None
        group = [n] if alone else [m for m, row in enumerate(rows) if row == (user, moment)]
        if group[0] == n:
            pages += [("asked", m) for m in group if m >= warmup]
        pages.append(("taught", n))
    return pages


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("kind", MOMENTS)
@settings(max_examples=examples(15), deadline=None)
@given(data=st.data())
def test_a_users_moment_is_asked_before_it_is_taught(kind, in_order, data):
    users = st.sampled_from([None, "Ann", "Bob", 3])
    rows = data.draw(st.lists(st.tuples(users, MOMENTS[kind]), min_size=1, max_size=12))
    warmup = data.draw(st.integers(0, 3))
    if in_order and kind != "some without":
        rows.sort(key=lambda row: row[1])
    diary = Diary()
    stream = [({"user": u, "item": n, "time": moment, "n": n}, 1.0) for n, (u, moment) in enumerate(rows)]
    progressive_validate(diary, stream, metrics="mae", time_col="time", warmup=warmup, step=0)
    assert diary.pages == expected(rows, warmup)
