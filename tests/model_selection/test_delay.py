"""Labels that come late: when a lesson is given, and that River's own loop agrees."""

import datetime as dt
import math

import numpy as np
import pytest
from river import evaluate, metrics

from skl_increc.baselines import Popularity
from skl_increc.exceptions import DatasetError
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import HitRate
from skl_increc.model_selection import next_item, progressive_validate
from skl_increc.model_selection._latency import Latency


def log_of(model, n=None):
    return [(what, item) for what, _, item, *_ in model.log][:n]


def five(times=(0, 10, 20, 30, 40), **more):
    return [
        ({"user": 1, "item": n, "time": t, **{k: v[n] for k, v in more.items()}}, 1.0)
        for n, t in enumerate(times)
    ]


def test_events_are_asked_at_once_and_learned_late(rater):
    model = rater()
    progressive_validate(model, five(), delay=2)
    asked_first = [("ask", 0), ("ask", 1), ("learn", 0), ("ask", 2), ("learn", 1), ("ask", 3)]
    assert log_of(model) == [*asked_first, ("learn", 2), ("ask", 4), ("learn", 3), ("learn", 4)]


@pytest.mark.parametrize("delay", [20, dt.timedelta(seconds=20), np.timedelta64(20, "s")])
def test_a_span_of_time(delay, rater):
    model = rater()
    result = progressive_validate(model, five(), delay=delay, time_col="time")
    assert log_of(model, 5) == [("ask", 0), ("ask", 1), ("learn", 0), ("ask", 2), ("learn", 1)]
    assert "Labels came late: " in str(result) and result.to_dict()["delay"] == result.delay


def test_datetimes_of_streams_and_frames(rater):
    pl = pytest.importorskip("polars")
    start = dt.datetime(2020, 1, 1)
    times = [start + dt.timedelta(seconds=t) for t in (0, 10, 20, 30, 40)]
    frame = pl.DataFrame({"user": [1] * 5, "item": range(5), "rating": [1.0] * 5, "time": times})
    logs = []
    for data in (five(times), frame, frame.with_columns(pl.col("time").dt.replace_time_zone("UTC"))):
        model = rater()
        progressive_validate(model, data, delay=dt.timedelta(seconds=20), time_col="time")
        logs.append(log_of(model))
    assert logs[0] == logs[1] == logs[2]
    assert logs[0][:4] == [("ask", 0), ("ask", 1), ("learn", 0), ("ask", 2)]


def test_each_event_its_own_delay_and_some_never(rater):
    waits = [3, 0, None, 1, math.nan]
    late, column = rater(), rater()
    progressive_validate(late, five(), delay=lambda x, y: waits[x["item"]])
    progressive_validate(column, five(wait=waits), delay="wait")
    assert log_of(late) == log_of(column)
    expected = [("ask", 0), ("ask", 1), ("learn", 1), ("ask", 2), ("learn", 0), ("ask", 3), ("learn", 3)]
    assert log_of(late) == [*expected, ("ask", 4)]


@pytest.mark.parametrize("delay", [0, 1, 7, lambda x, y: x["item"] % 5])
def test_as_in_rivers_loop(delay, stream):
    ours, rivers = (BiasedMF(n_factors=4) for _ in range(2))
    events = [({**x, "item": i % 40}, y) for i, (x, y) in enumerate(stream())]
    want = evaluate.progressive_val_score(list(events), rivers, metrics.RMSE(), delay=delay)
    row = progressive_validate(ours, events, delay=delay, ties="order").summary()[0]
    # River counts an error when the label comes: in another order where delays differ
    assert row["RMSE"] == (pytest.approx(want.get(), rel=1e-12) if callable(delay) else want.get())


def test_lists_too_are_as_in_rivers_loop(stream):
    events = list(stream())
    view = Popularity().top(5)
    want = evaluate.progressive_val_score(next_item(events), view, HitRate(5), delay=9)
    row = progressive_validate(Popularity(), events, delay=9, ties="order", k=5, repeats=True).summary()[0]
    assert row["HitRate@5"] == want.get() and 0 < want.get() < 1


def test_ages_count_what_was_learned(rater):
    result = progressive_validate(rater(), five(), delay=3)
    assert result.outcomes("LastOfUser")["user_age"].tolist() == [0, 0, 0, 1, 2]
    events = [({"user": u, "item": "tea"}, 1.0) for u in range(4)]
    ages = progressive_validate(rater(), events, delay=2).outcomes("LastOfUser")["item_age"]
    assert ages.tolist() == [0, 0, 1, 2]


def test_warm_up_and_moments_wait_too(rater):
    model = rater()
    events = five(times=(0, 0, 10, 10, 20))
    result = progressive_validate(model, events, delay=10, time_col="time", warmup=1)
    moments = [("ask", 1), ("learn", 0), ("learn", 1), ("ask", 2), ("ask", 3), ("learn", 2), ("learn", 3)]
    assert log_of(model) == [*moments, ("ask", 4), ("learn", 4)]
    assert result.summary()[0]["n_asked"] == 4 and result.ties == "together"


def test_events_without_a_time_and_out_of_order(rater):
    model = rater()
    progressive_validate(model, five(times=(0, 30, None, 10, 31)), delay=5, time_col="time")
    # at 30 the first is due, and so is at once what comes late; what has no time comes with what went before
    assert log_of(model) == [
        *[("ask", 0), ("learn", 0), ("ask", 1), ("ask", 2), ("ask", 3), ("learn", 3), ("ask", 4)],
        *[("learn", 1), ("learn", 2), ("learn", 4)],
    ]


@pytest.mark.parametrize(
    ("delay", "error", "message"),
    [
        (-1, ValueError, "delay must be at least 0 and finite; got -1"),
        (math.inf, ValueError, "delay must be at least 0 and finite; got inf"),
        (
            dt.timedelta(1),
            ValueError,
            "is a span of time: say time_col=..., or give a whole number of events",
        ),
        ([3], ValueError, r"delay must be a number, a timedelta, the name of a column or .*; got \[3\]"),
        ("wait", DatasetError, "An event has no 'wait', the column of the delay; it has \\['user'"),
        (lambda x, y: -y, DatasetError, "The delay of event 1 must be at least 0 and finite; got -1.0"),
    ],
)
def test_delays_that_mean_nothing(delay, error, message, rater):
    with pytest.raises(error, match=message):
        progressive_validate(rater(), five(), delay=delay)


def test_a_sample_of_spans_stays_small():
    spans = Latency(0.0)
    for _ in range(300):
        spans.add(list(range(1, 2001)))
    assert len(spans._spans) < 2**18 + 2000
    assert spans.seconds(0.5) == pytest.approx(1e-6, rel=0.02)
    assert spans.seconds(0.99) == pytest.approx(1.98e-6, rel=0.02)
    assert Latency(0.0).seconds(0.5) is None and Latency(0.0).add([]) is None
