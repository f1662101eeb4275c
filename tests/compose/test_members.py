"""What may be a member of another model, and what it is taught."""

import numpy as np
import pytest

from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import Bagging, Blend, ColdStartMap, Fallback, RatingBagging, RatingFallback, Switch
from skl_increc.content import ContentRidge
from skl_increc.factorization import BPR, FactorizationMachine, FactorizationMachineRecommender
from skl_increc.social import SocialMF

TASTES = {"tea": {"kind": "hot"}, "beer": {"kind": "cold"}}
TOLD = ContentRidge().set_item_features(TASTES)
TIED = SocialMF().add_edges(["ann"], ["bob"])

EVENTS = [(user, item) for user in range(30) for item in range(5) if (user + item) % 3]


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (Blend([("like", TOLD), ("popular", Popularity())]), "The member 'like'"),
        (Fallback([("like", TOLD), ("popular", Popularity())]), "The member 'like'"),
        (RatingFallback([("friends", TIED), ("mean", Baseline())]), "The member 'friends'"),
        (Bagging(TOLD), "The estimator"),
        (RatingBagging(TIED), "The estimator"),
        (ColdStartMap(FactorizationMachineRecommender().set_item_features(TASTES)), "The estimator"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_member_that_was_told_features_or_ties_is_refused_before_anything_is_learned(model, what):
    with pytest.raises(ValueError, match=f"{what} was told features or ties by id"):
        model.learn_one({"user": "ann", "item": "tea"}, 3.0)
    assert model._state is None


def test_a_member_that_reads_columns_of_its_own_is_refused():
    machine = FactorizationMachine(context=["hour"])
    model = RatingFallback([("machine", machine), ("mean", Baseline())])
    with pytest.raises(ValueError, match=r"'machine' has context, columns of an event that are not shown"):
        model.learn_one({"user": "ann", "item": "tea", "hour": 3}, 3.0)
    by_kind = Switch([("a", Popularity()), ("b", Popularity())], by="kind", choices={"x": "a"})
    with pytest.raises(ValueError, match=r"'choice' has by, columns of an event"):
        Fallback([("choice", by_kind), ("popular", Popularity())]).learn_one({"user": "ann", "item": "tea"})


@pytest.mark.parametrize(
    "model",
    [
        Blend([("popular", Popularity(min_y=3)), ("all", Popularity(min_y=2))]),
        Fallback([("popular", Popularity(min_y=3))]),
        Bagging(Popularity(min_y=3), 2),
        Fallback([("inner", Bagging(Popularity(min_y=3), 2))]),
    ],
    ids=lambda model: type(model).__name__,
)
def test_no_y_is_a_positive_for_every_member(model):
    table, one = model.clone().fit(EVENTS), model.clone()
    for user, item in EVENTS:
        one.learn_one({"user": user, "item": item})
    pairs = [(99, item) for item in range(5)]
    assert (table.predict(pairs) > 0).all()
    np.testing.assert_array_equal(table.predict(pairs), one.predict(pairs))
    seldom = model.clone().fit(EVENTS, np.ones(len(EVENTS)))
    assert not seldom.predict(pairs).any(), "y = 1 is below min_y"


def test_a_refusal_is_no_event_of_an_item_of_a_map():
    model = ColdStartMap(BPR(4)).set_item_features(TASTES)
    for user in range(10):
        model.learn_one({"user": user, "item": "tea"}, 1.0)
        model.learn_one({"user": user, "item": "beer"}, -1.0)
    events = dict(zip(model.item_ids_, model._state.item_rows.arrays["events"][:, 0], strict=False))
    assert (events["tea"], events["beer"]) == (10, 0)


def test_no_threads_are_no_number_of_threads():
    with pytest.raises(ValueError, match="n_jobs"):
        Bagging(Popularity(), n_jobs=0).fit(EVENTS)
