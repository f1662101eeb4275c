"""Test-then-learn: order of questions and lessons, ties, warm-up, repeats, settings, results."""

import json
import math
import signal
import sys

import pytest
from river import base, linear_model, reco
from river import metrics as river_metrics

from skl_increc.factorization import FactorizationMachineRecommender
from skl_increc.metrics import NDCG, HitRate
from skl_increc.model_selection import progressive_validate


def learned(model):
    return [(user, item, y) for what, user, item, y, _ in model.log if what == "learn"]


def asked(model):
    return [(user, item) for what, user, item, *_ in model.log if what == "ask"]


# -- the loop ------------------------------------------------------------------------------------------------


def test_each_event_is_asked_then_learned_by_each_model(rater):
    models = [rater(), rater()]
    events = [({"user": 1, "item": n}, float(n)) for n in range(300)]  # more than a block
    result = progressive_validate(models, iter(events))
    for model in models:
        assert [entry[:3] for entry in model.log[::2]] == [("ask", 1, n) for n in range(300)]
        assert [entry[:4] for entry in model.log[1::2]] == [("learn", 1, n, float(n)) for n in range(300)]
    rows = result.summary()
    assert [row["model"] for row in rows] == ["LastOfUser", "LastOfUser (2)"]
    assert rows[0]["RMSE"] == rows[1]["RMSE"] == pytest.approx(math.sqrt(299 / 300))
    assert (rows[0]["n_asked"], result.n_events, result.n_users, result.n_items) == (300, 300, 1, 300)
    assert not result.interrupted and rows[0]["diverged_at"] is None


def test_events_are_not_changed(rater, recommender):
    events = [({"user": 1, "item": 2}, 3.0, {"w": 2.0}), ({}, 3.0, {"user": 1, "item": 2})]
    progressive_validate(rater(), events)
    progressive_validate(recommender().top(3), events)
    assert events == [({"user": 1, "item": 2}, 3.0, {"w": 2.0}), ({}, 3.0, {"user": 1, "item": 2})]


def test_warm_up_is_learned_and_not_asked(rater, recommender, stream):
    for model in (rater(), recommender()):
        result = progressive_validate(model, stream(100), warmup=30)
        assert len(learned(model)) == result.n_events == 100
        assert len(asked(model)) == result.summary()[0]["n_asked"] == 70
        assert [what for what, *_ in model.log[:31]] == ["learn"] * 30 + ["ask"]


def test_warm_up_longer_than_the_stream(rater, stream):
    result = progressive_validate(rater(), stream(20), warmup=50)
    row = result.summary()[0]
    assert row["n_asked"] == 0 and math.isnan(row["RMSE"]) and row["diverged_at"] is None
    assert row["predict_per_second"] is None and row["learn_per_second"] > 0
    assert "RMSE" in str(result) and json.dumps(result.to_dict(), allow_nan=False)


# -- ties ----------------------------------------------------------------------------------------------------


def leaking(n_users=30, together=4):
    """Users take items 0, 1, 2, 3 at one moment each, and rate all of them alike."""
    for user in range(n_users):
        for item in range(together):
            yield {"user": user, "item": item, "time": user // 2}, 1.0 + user % 5


def test_order_within_a_tie_leaks_and_together_stops_it(rater, recommender):
    in_order = progressive_validate(rater(), leaking(), time_col="time", ties="order")
    together = progressive_validate(rater(), leaking(), time_col="time")
    assert (in_order.ties, together.ties) == ("order", "together")
    # the last rating of the user tells the next one, unless both are asked for at once
    assert in_order.summary()[0]["MAE"] == pytest.approx(3.0 / 4)
    assert together.summary()[0]["MAE"] == pytest.approx(3.0)
    in_order = progressive_validate(recommender(), leaking(), time_col="time", ties="order", k=1)
    together = progressive_validate(recommender(), leaking(), time_col="time", k=1)
    assert in_order.summary()[0]["HitRate@1"] > 0.9
    assert together.summary()[0]["HitRate@1"] < 0.3
    assert in_order.summary()[0]["n_asked"] == together.summary()[0]["n_asked"] == 120


def test_what_is_asked_and_learned_when_within_a_tie(rater):
    """Interleaved users of one moment: each user's group is asked before its first event is learned."""
    events = [
        ({"user": user, "item": item, "time": time}, 1.0)
        for user, item, time in [
            *[("a", 1, 0), ("b", 2, 0), ("a", 3, 0), (None, 4, 0), (None, 5, 0)],
            *[("a", 6, 1), ("a", 7, None), ("a", 8, None)],
        ]
    ]
    model = rater()
    progressive_validate(model, events, time_col="time")
    assert [(what, item) for what, _, item, *_ in model.log] == [
        *[("ask", 1), ("ask", 3), ("learn", 1), ("ask", 2), ("learn", 2), ("learn", 3)],
        *[("ask", 4), ("learn", 4), ("ask", 5), ("learn", 5)],  # nobody is two people
        *[("ask", 6), ("learn", 6), ("ask", 7), ("learn", 7), ("ask", 8), ("learn", 8)],
    ]


def test_one_list_answers_for_a_moment(recommender):
    events = [({"user": "a", "item": item, "time": 0}, 1.0) for item in "xyz"]
    model = recommender()
    result = progressive_validate(model, events, time_col="time")
    assert [what for what, *_ in model.log if what == "ask"] == ["ask"]
    assert result.summary()[0]["n_asked"] == 3


def test_an_event_that_is_not_asked_does_not_leak_either(recommender):
    """Of a user's moment the first event is a repeat: the list is still made before it is learned."""
    earlier = [({"user": "v", "item": item, "time": 0}, 1.0) for item in "pq"]
    events = [*earlier, ({"user": "u", "item": "p", "time": 1}, 1.0)]
    events += [({"user": "u", "item": item, "time": 2}, 1.0) for item in "pq"]
    model = recommender()
    progressive_validate(model, events, time_col="time")
    assert [what for what, user, *_ in model.log if user == "u"] == ["ask", "learn", "ask", "learn", "learn"]


@pytest.mark.parametrize("step", [1, 7, None])
def test_ties_hold_across_blocks_and_points(step, rater):
    events = [({"user": 1, "item": n, "time": 0}, float(n)) for n in range(600)]
    model = rater()
    result = progressive_validate(model, events, time_col="time", step=step)
    assert [what for what, *_ in model.log] == ["ask"] * 600 + ["learn"] * 600
    assert [row["n_events"] for row in result.curve if row["metric"] == "MAE"] == [600]


def test_without_times_the_rule_is_stream_order(rater):
    result = progressive_validate(rater(), leaking())
    assert result.ties == "order" and result.ties_rule == "plain stream order, as no time_col was given"


# -- which items are asked for -------------------------------------------------------------------------------


def test_repeats(recommender):
    events = [({"user": "a", "item": item}, 1.0) for item in ["x", "y", "x", "x"]]
    counts = {}
    for exclude_seen in (True, False):
        for repeats in (None, True, False):
            model = recommender()
            result = progressive_validate(model, events, exclude_seen=exclude_seen, repeats=repeats)
            counts[exclude_seen, repeats] = result.summary()[0]["n_asked"], result.repeats
            assert len(learned(model)) == 4
    assert counts == {
        (True, None): (2, False),
        (True, True): (4, True),
        (True, False): (2, False),
        (False, None): (4, True),
        (False, True): (4, True),
        (False, False): (2, False),
    }


def test_positives_and_min_y(recommender):
    ys = [5, 4, 3, 0, -1, None]
    events = [({"user": "a", "item": n}, y) for n, y in enumerate(ys)]
    model = recommender()
    result = progressive_validate(model, events)
    assert [y for *_, y in learned(model)] == ys and result.summary()[0]["n_asked"] == 4
    model = recommender()
    result = progressive_validate(model, events, min_y=4)  # the rest does not happen at all
    assert [y for *_, y in learned(model)] == [5, 4, None] and result.summary()[0]["n_asked"] == 3
    assert (result.n_events, result.n_items, result.min_y) == (3, 3, 4)


def test_anonymous_users_are_asked_and_missing_items_are_not(recommender):
    events = [
        ({"user": user, "item": item}, 1.0) for user, item in [(1, 2), (None, 2), (1, None), (None, None)]
    ]
    model = recommender()
    result = progressive_validate(model, events)
    row = result.summary()[0]
    assert (row["n_asked"], row["HitRate@10"], len(learned(model))) == (2, 0.5, 4)
    assert (result.n_users, result.n_items) == (1, 1)


def test_every_rating_is_predicted(rater):
    events = [({"user": user, "item": item}, 0.0) for user, item in [(1, 2), (1, 2), (None, None), (1, None)]]
    assert progressive_validate(rater(), events).summary()[0]["n_asked"] == 4


def test_equal_ids_are_one(recommender):
    events = [({"user": 1, "item": 7}, 1), ({"user": 2, "item": 7.0}, 1), ({"user": 1.0, "item": True}, 1)]
    result = progressive_validate(recommender(), events)
    assert result.summary()[0]["HitRate@10"] == 1 / 3
    assert (result.n_users, result.n_items) == (2, 2)


# -- names and columns ---------------------------------------------------------------------------------------


def test_names(rater, recommender):
    events = [({"user": 1, "item": 2}, 3.0)]

    def names(models):
        return [row["model"] for row in progressive_validate(models, events).summary()]

    assert names(rater()) == ["LastOfUser"]
    assert names((rater(), rater(), reco.Baseline())) == [
        "LastOfUser",
        "LastOfUser (2)",
        "river.reco.Baseline",
    ]
    assert names({"mine": rater(), 2: rater()}) == ["mine", "2"]
    assert names(recommender().top(3)) == ["TopK"]


def test_columns_come_from_the_models(rater):
    events = [({"who": 1, "what": n, "when": 0}, 1.0) for n in range(3)]
    model = rater("who", "what", "when")
    result = progressive_validate(model, events)
    assert (result.time_col, result.ties, result.n_items) == ("when", "together", 3)
    assert [what for what, *_ in model.log] == ["ask"] * 3 + ["learn"] * 3


def test_models_of_other_names_are_handed_the_ids(rater, recommender):
    events = [({"who": 1, "what": n}, 1.0) for n in range(3)]
    models = [rater(), rater("a", "b"), rater("who", "what")]
    progressive_validate(models, events, user_col="who", item_col="what")
    assert models[0].log[:2] == [("ask", 1, 0, None, None), ("learn", 1, 0, 1.0, 1.0)]
    assert models[0].log == models[1].log == models[2].log
    model = recommender()
    progressive_validate(model, events, user_col="who", item_col="what", task="ranking")
    assert learned(model) == [(1, 0, 1.0), (1, 1, 1.0), (1, 2, 1.0)]
    with pytest.raises(
        ValueError, match="different names for the user column: \\['user', 'who'\\].*user_col="
    ):
        progressive_validate([rater(), rater("who", "what")], events)
    with pytest.raises(ValueError, match="TopK looks for 'user' and 'item', the data has 'who' and 'what'"):
        progressive_validate(recommender().top(3), events, user_col="who", item_col="what")


def test_a_model_that_lists_by_context_is_told_that_of_the_event():
    class Hours(FactorizationMachineRecommender):
        def recommend_one(self, user=None, k=10, *, context=None, exclude_seen=True):
            self.__dict__.setdefault("told", []).append((user, context))
            return super().recommend_one(user, k, context=context, exclude_seen=exclude_seen)

    events = [({"user": n % 40, "item": n % 7 % 2 * 20 + n % 11, "hour": n % 7 % 2}, 1) for n in range(2000)]
    model, blind = Hours(4, n_negatives=5, context=["hour"]), Hours(4, n_negatives=5)
    options = {"task": "ranking", "metrics": "hit_rate", "k": 5, "repeats": True, "exclude_seen": False}
    rows = progressive_validate([model, blind], events, **options).summary()
    assert model.told == [(x["user"], {"user": x["user"], "hour": x["hour"]}) for x, _ in events]
    assert {context for _, context in blind.told} == {None}
    assert rows[0]["HitRate@5"] > 1.3 * rows[1]["HitRate@5"]


# -- divergence, exceptions, interrupts ----------------------------------------------------------------------


def breaking(cls, at, value):
    """A model whose predictions are spoiled from its event ``at`` on."""

    class Breaking(cls):
        def predict_one(self, x=None, *, user=None, item=None):
            good = super().predict_one(x, user=user, item=item)
            if len(learned(self)) < at - 1:
                return good
            if isinstance(value, BaseException):
                raise value
            return value

    return Breaking()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
@pytest.mark.parametrize("step", [None, 50])
def test_a_diverged_model_is_out_and_the_others_go_on(value, step, rater, stream):
    models = {"good": rater(), "bad": breaking(rater, 300, value)}
    result = progressive_validate(models, stream(600), step=step)
    good, bad = result.summary()
    alone = progressive_validate(rater(), stream(600)).summary()[0]
    assert good["RMSE"] == alone["RMSE"] and good["n_asked"] == 600 and good["diverged_at"] is None
    assert bad["diverged_at"] == 300 and math.isnan(bad["RMSE"]) and math.isnan(bad["MAE"])
    assert len(learned(models["bad"])) < 600  # no time is spent on it any more
    assert "bad diverged: its prediction at event 300 was no finite number." in str(result)
    last = [row for row in result.curve if row["model"] == "bad"][-1]
    assert math.isnan(last["value"])


def test_a_huge_error_is_no_divergence_while_its_square_is_finite(rater):
    class Huge(rater):
        def predict_one(self, x=None, *, user=None, item=None):
            return 1.3e154 * (-1) ** x["item"]

    events = [({"user": 1, "item": n}, 0.0) for n in range(20)]
    fine = progressive_validate(Huge(), events).summary()[0]
    assert fine["diverged_at"] is None and fine["RMSE"] == pytest.approx(1.3e154)


def test_divergence_within_a_tie_names_the_event(rater):
    events = [({"user": n % 2, "item": n, "time": 0}, 1.0 if n < 3 else 2.0) for n in range(5)]

    class Third(rater):
        def predict_one(self, x=None, *, user=None, item=None):
            return math.nan if x["item"] == 3 else 1.0

    # asked in the order 0 2 4, 1 3: the event is the fourth of the stream all the same
    assert progressive_validate(Third(), events, time_col="time").summary()[0]["diverged_at"] == 4


def test_a_recommender_with_scores_that_are_not_finite_does_not_win(recommender, stream):
    models = {"good": recommender(), "bad": breaking(recommender, 200, math.nan)}
    good, bad = progressive_validate(models, stream(), step=50).summary()
    assert good["n_asked"] == 400 and good["HitRate@10"] > 0
    assert math.isnan(bad["HitRate@10"]) and 200 <= bad["diverged_at"] <= 250


def test_an_exception_names_the_model(rater, stream):
    models = {"good": rater(), "bad": breaking(rater, 20, RuntimeError("no more"))}
    with pytest.raises(RuntimeError, match="no more") as caught:
        progressive_validate(models, stream())
    assert caught.value.__notes__ == ["Raised by the model 'bad' of progressive_validate."]


def test_ctrl_c_keeps_what_was_measured(rater, stream):
    models = {"first": rater(), "second": breaking(rater, 330, KeyboardInterrupt())}
    result = progressive_validate(models, stream(600), step=100)
    assert result.interrupted and 0 < result.n_events < 330
    first, second = result.summary()
    assert first["n_asked"] == second["n_asked"] == result.n_events
    want = progressive_validate(rater(), stream(result.n_events)).summary()[0]
    assert first["RMSE"] == second["RMSE"] == want["RMSE"]
    assert f"Interrupted after {result.n_events} events." in str(result)
    assert result.to_dict()["interrupted"] is True


class Disturbed(river_metrics.MAE):
    """Somebody presses Ctrl-C while the 300th error is counted."""

    def update(self, y_true, y_pred, w=1.0):
        if self._mean.n == 299:
            signal.raise_signal(signal.SIGINT)
        super().update(y_true, y_pred, w)


def test_ctrl_c_while_a_block_is_counted_waits_for_the_other_models(rater, stream):
    before = signal.getsignal(signal.SIGINT)
    result = progressive_validate({"a": rater(), "b": rater()}, stream(600), metrics=Disturbed(), step=0)
    assert result.interrupted and 300 <= result.n_events < 600
    assert [row["n_asked"] for row in result.summary()] == [result.n_events] * 2
    assert len(result.outcomes("b")["error"]) == result.n_events
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_before_the_first_block_ends(rater, stream):
    result = progressive_validate(breaking(rater, 3, KeyboardInterrupt()), stream())
    assert result.interrupted and result.n_events == 0 and result.curve == []
    assert math.isnan(result.summary()[0]["RMSE"]) and "Interrupted after 0 events." in str(result)


def test_ctrl_c_in_the_data(rater, stream):
    def events():
        yield from stream(300)
        raise KeyboardInterrupt

    assert progressive_validate(rater(), events(), step=100).n_events == 200


# -- settings ------------------------------------------------------------------------------------------------


def test_task(rater, recommender):
    events = [({"user": 1, "item": n}, 3.0) for n in range(3)]
    assert progressive_validate([rater(), reco.Baseline()], events).task == "rating"
    assert progressive_validate([rater(), recommender()], events).task == "ranking"
    assert progressive_validate(rater(), events, task="ranking").task == "ranking"
    with pytest.raises(
        ValueError, match="no task in common: .* ratings are \\['river.reco.Baseline'\\], .*'Suc"
    ):
        progressive_validate([reco.Baseline(), recommender()], events)
    with pytest.raises(ValueError, match="task='rating', but Successor cannot predict ratings"):
        progressive_validate([rater(), recommender()], events, task="rating")
    with pytest.raises(ValueError, match="task='ranking', but river.reco.Baseline cannot recommend items"):
        progressive_validate([reco.Baseline()], events, task="ranking")
    with pytest.raises(ValueError, match="task must be 'auto', 'rating', 'binary' or 'ranking'; got 'top'"):
        progressive_validate(rater(), events, task="top")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"k": 0}, "k must be a whole number, at least 1; got 0"),
        ({"k": 2.5}, "k must be a whole number, at least 1; got 2.5"),
        ({"warmup": -1}, "warmup must be a whole number, at least 0; got -1"),
        ({"warmup": True}, "warmup must be a whole number, at least 0; got True"),
        ({"step": -5}, "step must be a whole number, at least 0; got -5"),
        ({"ties": "apart"}, "ties must be 'together' or 'order'; got 'apart'"),
        ({"min_y": 4}, "min_y=4 is of the ranking task"),
        ({"metrics": []}, "metrics is empty"),
        ({"metrics": "auc"}, "There is no rating metric 'auc'; there are \\['mae', 'rmse'\\]"),
        ({"metrics": ["mae", "mae"]}, "metrics holds MAE twice"),
        ({"metrics": HitRate(3)}, "HitRate@3 is no metric of the rating task"),
        ({"metrics": river_metrics.Accuracy()}, "Accuracy is no metric of the rating task"),
        ({"metrics": "auc", "task": "ranking"}, "There is no ranking metric 'auc'; there are \\['coverage'"),
        ({"metrics": river_metrics.MAE(), "task": "ranking"}, "MAE is no metric of the ranking task"),
        ({"metrics": HitRate(20), "task": "ranking"}, "HitRate@20 wants lists of 20, but k=10: say k=20"),
    ],
)
def test_settings_are_checked(setting, message, rater, stream):
    model = rater()
    with pytest.raises(ValueError, match=message):
        progressive_validate(model, stream(), **setting)
    assert model.log == []


def test_metrics_that_are_none(rater, stream):
    with pytest.raises(TypeError, match="metrics holds 3: give names or River metrics"):
        progressive_validate(rater(), stream(), metrics=[3])


def test_models_are_checked(rater, stream):
    with pytest.raises(ValueError, match="models is empty"):
        progressive_validate([], stream())
    with pytest.raises(TypeError, match=r"LastOfUser is a class: give an instance, LastOfUser\(\)"):
        progressive_validate(rater, stream())
    with pytest.raises(TypeError, match="object has no learn_one and predict_one: only models of skl_increc"):
        progressive_validate(object(), stream())
    model = rater()
    with pytest.raises(ValueError, match="'a' and 'b' are the same instance, .*clone"):
        progressive_validate({"a": model, "b": model}, stream())
    for other in (linear_model.LogisticRegression(), base.DriftDetector):
        with pytest.raises((ValueError, TypeError)):
            progressive_validate(other, stream())


# -- curves and results --------------------------------------------------------------------------------------


def points(result, metric="MAE"):
    return [(row["n_events"], row["value"], row["recent"]) for row in result.curve if row["metric"] == metric]


def test_points_of_the_curve(rater, stream):
    listed = list(stream())
    assert [n for n, *_ in points(progressive_validate(rater(), listed, step=150))] == [150, 300, 400]
    assert [n for n, *_ in points(progressive_validate(rater(), listed, step=0))] == [400]
    assert [n for n, *_ in points(progressive_validate(rater(), listed))] == list(range(8, 401, 8))
    # of unknown length: every 50 events, thinned out when there are many
    assert [n for n, *_ in points(progressive_validate(rater(), iter(listed)))] == list(range(50, 401, 50))
    many = points(progressive_validate(rater(), (event for _ in range(25) for event in listed)))
    assert [n for n, *_ in many] == list(range(200, 10001, 200))


def test_values_so_far_and_since_the_last_point(rater, recommender, stream):
    """Each point is what a run up to there, and one of the span alone, would give."""
    result = progressive_validate(rater(), list(stream()), step=100)
    ratings = [y for _, y in stream()]
    model, errors = rater(), []
    for x, y in stream():
        errors.append(abs(y - model.predict_one(x)))
        model.learn_one(x, y)
    for n, value, recent in points(result):
        assert value == pytest.approx(sum(errors[:n]) / n)
        assert recent == pytest.approx(sum(errors[n - 100 : n]) / 100)
    for n, _, recent in points(result, "RMSE"):
        assert recent == pytest.approx(math.sqrt(sum(e * e for e in errors[n - 100 : n]) / 100))
    assert len(ratings) == 400
    result = progressive_validate(recommender(), list(stream()), step=100, metrics=[HitRate(5), NDCG(10)])
    warmed = [
        progressive_validate(recommender(), list(stream(n)), warmup=n - 100, metrics=NDCG(10)).summary()[0]
        for n in (100, 200, 300, 400)
    ]
    assert [recent for *_, recent in points(result, "NDCG@10")] == pytest.approx(
        [w["NDCG@10"] for w in warmed]
    )


def test_metrics_that_are_no_sums_have_no_recent_values(rater, stream):
    result = progressive_validate(rater(), list(stream()), metrics=["mae", river_metrics.R2()])
    assert all(recent is None for *_, recent in points(result, "R2"))
    assert all(recent is not None for *_, recent in points(result))


def test_summary_of_speed_and_size(rater, recommender, stream):
    class Sized(rater):
        nbytes = 600

    sized, plain = progressive_validate([Sized(), rater()], stream()).summary()
    assert (sized["nbytes"], sized["bytes_per_row"]) == (600, 600 / 60)  # 20 users and 40 items
    assert plain["nbytes"] > 0
    for row in (sized, plain):
        assert row["predict_per_second"] > 0 and row["learn_per_second"] > 0
        assert 0 < row["events_per_second"] < row["learn_per_second"]
        assert 0 < row["predict_median"] <= row["predict_p99"]
        assert 0 < row["learn_median"] <= row["learn_p99"]
    assert sized is not progressive_validate([Sized(), rater()], stream()).summary()[0]


def test_text_tables(rater, recommender, stream):
    text = str(progressive_validate([rater(), reco.Baseline()], stream(), time_col="time"))
    lines = text.splitlines()
    spans = ["predict", "us", "(p99)", "learn", "us", "(p99)"]
    assert lines[0].split() == ["model", "RMSE", "MAE", "asked", *spans, "bytes/row"]
    assert lines[2].startswith("LastOfUser ") and lines[3].startswith("river.reco.Baseline ")
    assert "Task: ratings, each predicted, then learned; 400 events of 20 users and 40 items." in lines
    assert "Ties: all events of one user at one time are predicted before any of them is learned." in lines
    text = str(
        progressive_validate(recommender(), stream(), min_y=2, warmup=10, ties="order", time_col="time")
    )
    assert "a list of 10 without what the user had (repeats not asked, y of 2 and more)" in text
    assert "after 10 to warm up." in text and text.endswith("Ties: plain stream order.")


def test_to_dict_is_plain_json(rater, stream):
    models = {"good": rater(), "bad": breaking(rater, 100, math.nan)}
    result = progressive_validate(
        models, list(stream()), time_col="time", metrics=["mae", river_metrics.R2()]
    )
    plain = result.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert plain["metrics"] == ["MAE", "R2"] and plain["summary"][1]["MAE"] is None
    assert (plain["ties"], plain["time_col"], plain["n_events"]) == ("together", "time", 400)
    assert len(plain["curve"]) == len(result.curve)


def test_plot_without_matplotlib(monkeypatch, rater, stream):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'Plots need matplotlib: pip install "skl_increc\[plot\]"'):
        progressive_validate(rater(), stream()).plot()


def test_plot(rater, recommender, stream):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    result = progressive_validate(
        [rater(), reco.Baseline()], list(stream()), step=100, metrics=["mae", river_metrics.R2()]
    )
    ax = result.plot()
    assert ax.get_ylabel() == "MAE, so far" and ax.get_xlabel() == "events"
    assert [line.get_label() for line in ax.get_lines()] == ["LastOfUser", "river.reco.Baseline"]
    assert list(ax.get_lines()[0].get_ydata()) == [value for _, value, _ in points(result)][:4]
    _, mine = plt.subplots()
    assert result.plot("MAE", recent=True, ax=mine) is mine
    assert mine.get_ylabel() == "MAE, since the last point"
    with pytest.raises(
        ValueError, match="There is no metric 'RMSE' in this result; there are \\['MAE', 'R2'\\]"
    ):
        result.plot("RMSE")
    with pytest.raises(ValueError, match="R2 is no sum over events: it has no recent values"):
        result.plot("R2", recent=True)
    plt.close("all")
