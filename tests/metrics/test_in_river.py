"""The metrics and the view ``TopK`` inside River's own loops, pipelines and selectors."""

import copy
import inspect
from collections import Counter, defaultdict

import pytest
from river import bandit, base, checks, compose, ensemble, evaluate, linear_model, model_selection, utils
from river import metrics as river_metrics
from river.checks import common
from sklearn.base import RegressorMixin

from skl_increc.base._river import RiverMixin, register_estimator, register_regressor
from skl_increc.base._top import TopK
from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import MAP, MRR, NDCG, Coverage, HitRate, Novelty
from skl_increc.model_selection import next_item

score = evaluate.progressive_val_score

DATASET_CHECKS = [
    common.check_learn_one,
    common.check_pickling,
    common.check_shuffle_features_no_impact,
    common.check_emerging_features,
    common.check_disappearing_features,
    common.check_radically_disappearing_features,
    common.check_predict_one_pure,
    common.check_predict_one_before_any_learn,
    common.check_no_state_aliasing_with_input,
    common.check_clone_is_independent,
    common.check_bounded_memory_growth,
]


# -- models of a few lines, with the contract's public methods ----------------------------------------------


class Events(RiverMixin):
    def __init__(self, user_col="user", item_col="item"):
        self.user_col = user_col
        self.item_col = item_col

    def _ids(self, x, user, item):
        x = x or {}
        user = x.get(self.user_col) if user is None else user
        return user, x.get(self.item_col) if item is None else item


@register_estimator
class Counts(Events):
    """Recommends what was taken most often, ties in the order of first appearance."""

    def __init__(self, user_col="user", item_col="item"):
        super().__init__(user_col, item_col)
        self.counts = Counter()
        self.had = defaultdict(set)

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        user, item = self._ids(x, user, item)
        if item is not None and (y is None or y > 0):
            self.counts[item] += w
            if user is not None:
                self.had[user].add(item)

    def predict_one(self, x=None, *, user=None, item=None):
        return float(self.counts.get(self._ids(x, user, item)[1], 0))

    def recommend_one(self, user=None, k=10, *, exclude_seen=True):
        had = self.had.get(user, ()) if exclude_seen else ()
        ranked = [item for item, _ in self.counts.most_common() if item not in had]
        return ranked[:k]


@register_regressor
class LastOfUser(RegressorMixin, Events):
    """Predicts the last rating of the user; 0 before it."""

    def __init__(self, user_col="user", item_col="item"):
        super().__init__(user_col, item_col)
        self.last = {}

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        self.last[self._ids(x, user, item)[0]] = float(y)

    def predict_one(self, x=None, *, user=None, item=None):
        return self.last.get(self._ids(x, user, item)[0], 0.0)

    def recommend_one(self, user=None, k=10, *, exclude_seen=True):
        return []


@pytest.fixture
def recommender():
    return Counts


@pytest.fixture
def rater():
    return LastOfUser


@pytest.fixture
def stream():
    """Events of 20 users and 12 items, a few of them often; ratings 1 to 5; times in seconds."""

    def make(n=400, unpacked=False):
        for t in range(n):
            user, item = f"u{t * 7 % 20}", (t * t + t // 5) % 12
            y = 1 + (t * 5 + item) % 5
            x = {"time": t, "age": float(t % 9)}
            yield (x, y, {"user": user, "item": item}) if unpacked else ({"user": user, "item": item, **x}, y)

    return make


# -- the view as a River estimator ---------------------------------------------------------------------------


OURS = [Counts(), Popularity(), Popularity(half_life=30), Baseline(), BiasedMF(n_factors=2)]


@pytest.mark.parametrize("model", OURS, ids=repr)
def test_river_suite(model):
    ran = 0
    for check in checks.yield_checks(TopK(model)):
        check(TopK(model).clone())
        ran += 1
    assert ran >= 14


@pytest.mark.parametrize("model", OURS, ids=repr)
@pytest.mark.parametrize("check", DATASET_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.filterwarnings("ignore:The first event has neither")
def test_river_checks_that_need_data(check, model, stream):
    # River has no data for an estimator that is no regressor, so we bring ours
    events = [({**x, "a": 1.0, "b": 2.0}, item) for x, item in next_item(stream(120))]
    check(TopK(model, k=3).clone(), events)


def test_view_is_no_regressor(recommender):
    view = TopK(recommender(), 5)
    assert isinstance(view, base.Estimator)
    assert not isinstance(view, (base.Regressor, base.Classifier))
    assert (view.user_col, view.item_col) == ("user", "item")


def test_view_teaches_its_model(recommender):
    model = recommender()
    view = TopK(model, k=2)
    assert view.predict_one({"user": "u"}) == []
    x = {"user": "u", "hour": 3}
    view.learn_one(x, "a")
    view.learn_one({"user": "v"}, "b", 3.0)
    view.learn_one({"user": "v"}, "c", value=5)
    view.learn_one({"user": "v"}, "d", value=-1)
    view.learn_one({"user": "v"}, None)
    assert x == {"user": "u", "hour": 3}
    assert model.counts == {"a": 1, "b": 3, "c": 1}
    assert view.predict_one({"user": "u"}) == ["b", "c"]
    assert view.predict_one({}) == view.predict_one({"user": "never met"}, value=4) == ["b", "a"]
    assert TopK(model, 2, exclude_seen=False).predict_one({"user": "v"}) == ["b", "a"]


def test_a_rating_model_gets_a_number(rater):
    view = TopK(rater())
    view.learn_one({"user": "u"}, "a")
    assert view.model.predict_one({"user": "u"}) == 1.0
    view.learn_one({"user": "u"}, "a", value=4.0)
    assert view.model.predict_one({"user": "u"}) == 4.0


def test_clone_holds_an_untrained_model(recommender):
    view = TopK(recommender(), 4, exclude_seen=False)
    view.learn_one({"user": "u"}, "a")
    fresh = view.clone()
    assert (fresh.k, fresh.exclude_seen) == (4, False)
    assert fresh.model is not view.model and not fresh.model.counts
    other = view.clone({"k": 2, "model": (recommender, {"user_col": "who"})})
    assert (other.k, other.model.user_col) == (2, "who")
    view.mutate({"k": 1})
    assert view.k == 1
    assert view._raw_memory_usage > view.model._raw_memory_usage
    assert not view._is_stochastic
    assert copy.deepcopy(view).predict_one({}) == ["a"]


def test_view_has_all_that_river_expects_of_an_estimator(recommender):
    want = {name for name in dir(base.Estimator) if not name.startswith(("__", "_abc"))}
    missing = want - set(dir(TopK(recommender())))
    assert missing <= {"_more_tags", "_repr_html_"}
    assert "w" in inspect.signature(TopK.learn_one).parameters  # else River drops the weights


# -- works_with ----------------------------------------------------------------------------------------------


def selector(models, metric):
    return model_selection.SuccessiveHalvingRegressor(models, metric, budget=400)


@pytest.mark.parametrize("metric", [HitRate(5), Coverage(5), HitRate(5) + NDCG(5)], ids=repr)
def test_what_works(metric, recommender, rater):
    top = TopK(recommender(), 5)
    assert metric.works_with(top)
    assert metric.works_with(compose.Select("user") | top)
    assert metric.works_with(selector([TopK(recommender()), TopK(rater())], HitRate(5)))
    assert metric.works_with(selector([compose.Select("user") | TopK(recommender()), top], HitRate(5)))
    for model in (
        recommender(),
        rater(),
        linear_model.LinearRegression(),
        compose.Select("user") | rater(),
        selector([rater(), rater()], river_metrics.MAE()),
        ensemble.BaggingRegressor(top, 2),
        ensemble.EWARegressor([TopK(recommender()), TopK(recommender())]),
    ):
        assert not metric.works_with(model)
    assert not river_metrics.MAE().works_with(top)
    assert not river_metrics.Accuracy().works_with(top)
    assert not river_metrics.MAE().works_with(compose.Select("user") | top)


def test_rivers_loop_refuses_mismatches(recommender, rater, stream):
    for model, metric in (
        (TopK(recommender()), river_metrics.MAE()),
        (TopK(recommender()), river_metrics.Accuracy()),
        (rater(), HitRate(5)),
    ):
        with pytest.raises(ValueError, match="is not compatible with"):
            score(stream(), model, metric)
    with pytest.raises(ValueError, match="can't be used to evaluate"):
        selector([rater(), TopK(recommender())], HitRate(5))


# -- progressive_val_score -----------------------------------------------------------------------------------


def by_hand(stream, model, k, exclude_seen):
    hits = asked = 0
    for x, _ in stream:
        got = model.recommend_one(x["user"], k, exclude_seen=exclude_seen)
        hits += x["item"] in got
        asked += 1
        model.learn_one(x)
    return hits / asked


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_both_stream_shapes(exclude_seen, recommender, stream):
    def run(events):
        return score(
            next_item(events), TopK(recommender(), 5, exclude_seen), HitRate(5) + NDCG(5) + MRR(5) + MAP(5)
        )

    plain, unpacked = run(stream()), run(stream(unpacked=True))
    assert plain.get() == unpacked.get()
    assert plain[0].get() == by_hand(stream(), recommender(), 5, exclude_seen)
    assert 0 < plain[2].get() <= plain[1].get() <= plain[0].get() < 1


def test_delay_pipelines_rolling_and_reports(recommender, stream):
    events = list(next_item(stream()))
    delayed = score(events, TopK(recommender(), 5, False), HitRate(5), moment="time", delay=50)
    assert 0 < delayed.get() < 1
    plain = score(events, TopK(recommender(), 5, False), HitRate(5)).get()
    assert score(events, compose.Select("user") | TopK(recommender(), 5, False), HitRate(5)).get() == plain
    rolling = utils.Rolling(HitRate, window_size=100, k=5)
    score(events, TopK(recommender(), 5, False), rolling)
    assert 0 < rolling.get() < 1
    reports = list(
        evaluate.iter_progressive_val_score(
            events,
            TopK(recommender(), 5, False),
            HitRate(1) + HitRate(5) + Coverage(5) + Novelty(5),
            step=100,
            measure_memory=True,
        )
    )
    assert [report["Step"] for report in reports] == [100, 200, 300, 400]
    last = reports[-1]
    assert last["HitRate@1"].get() < last["HitRate@5"].get() == plain
    assert 0 < last["Coverage@5"].get() <= 1 and last["Novelty@5"].get() > 0
    assert last["Memory"] > 0


def test_selectors(recommender, stream):
    events = list(next_item(stream()))

    def make():
        return [TopK(recommender(), 5, seen) for seen in (True, False)]

    halving = selector(make(), HitRate(5))
    value = score(events, halving, HitRate(5)).get()
    assert 0 < value < 1 and halving.best_model.exclude_seen is False  # the stream repeats its items
    greedy = model_selection.GreedyRegressor(make(), HitRate(5))
    assert 0 < score(events, greedy, HitRate(5)).get() < 1
    choice = model_selection.BanditRegressor(make(), HitRate(5), bandit.EpsilonGreedy(0.1, seed=1))
    assert 0 < score(events, choice, HitRate(5)).get() < 1


def test_values_and_weights_reach_the_model(recommender):
    model = recommender()
    events = [({"user": "u", "item": "a"}, 5, {"w": 2.0}), ({"user": "v", "item": "b"}, 3, {"w": 3.0})]
    score(next_item(events), TopK(model), HitRate(5))
    assert model.counts == {"a": 2.0, "b": 3.0}
    model = recommender()
    score(next_item([({"user": "u", "item": "a"}, 5)], keep_value=True), TopK(model), HitRate(5))
    assert model.counts == {"a": 1.0}
