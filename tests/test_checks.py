"""Every check of ours rejects a model that is broken in just that way, and passes the model that is not."""

import copy
import time

import numpy as np
import pandas as pd
import pytest

from skl_increc.base import Field, Guarantees, RatingRegressor
from skl_increc.baselines import Baseline, Popularity
from skl_increc.checks import (
    OURS,
    check_estimator,
    expected_failed_checks,
    parametrize_with_checks,
    yield_checks,
)
from skl_increc.factorization import BiasedMF
from skl_increc.neighbors import ItemKNN

CHECKS = {check.__name__: check for check in OURS}


# -- one broken model for each check ---------------------------------------------------------------


class KeepsThePast(Popularity):
    """``fit`` does not forget."""

    def fit(self, X, y=None, sample_weight=None):
        return self.partial_fit(X, y, sample_weight)


class ReversesBatches(BiasedMF):
    """A batch is learned from its end."""

    def partial_fit(self, X, y=None, sample_weight=None):
        w = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        return super().partial_fit(X[::-1], np.asarray(y)[::-1], w[::-1])


class AnswersInFloat32(Baseline):
    """``predict_many`` loses half of the digits."""

    def predict_many(self, X):
        return super().predict_many(X).astype(np.float32)


class LearnsWhenAsked(Baseline):
    """A question adds a row for whoever it is about, as ``river.reco`` does."""

    def predict(self, X):
        answer, state = super().predict(X), self._state
        state.users.add_objects(X[self.user_col].tolist())
        state.reserve(state.users.n_rows, state.items.n_rows)
        return answer


class AsksCountsAlone(ItemKNN):
    """Strangers are answered by all times, whatever ``cold_start`` says."""

    def _stores(self):
        return {name: store for name, store in super()._stores().items() if name != "recent"}


class RandomForStrangers(BiasedMF):
    """A user who is not known gets a random answer."""

    def predict(self, X):
        unknown = ~pd.Series(X[self.user_col].tolist(), dtype=object).isin(self.user_ids_).to_numpy()
        return super().predict(X) + unknown * np.random.default_rng().normal(size=len(X))


class OneAnonymousUser(Baseline):
    """All users without an id are one user."""

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        x = dict(x or {})
        who = x.get(self.user_col) if user is None else user
        anonymous = not isinstance(who, tuple) and pd.isna(who)
        return super().learn_one(x, y, w, user="?" if anonymous else who, item=item)


class CountsNothingALittle(Popularity):
    """A weight of 0 is taken for a very small one."""

    def learn_one(self, x=None, y=None, w=1.0, *, user=None, item=None):
        return super().learn_one(x, y, max(w, 1e-9), user=user, item=item)


class ClaimsOrderFree(Baseline):
    """A filter that says that it is a sum."""

    def _guarantees(self):
        return Guarantees("bitwise", "rounding", "no", "no", "it is not")


class MergesMeans(RatingRegressor):
    """The mean of each item, kept as a mean and merged as a sum."""

    def __init__(self, history=None, user_col="user", item_col="item", time_col=None):
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _fields(self):
        return [Field("weight", "item", merge="sum"), Field("mean", "item", merge="sum")]

    def _guarantees(self):
        return Guarantees("bitwise", "rounding", "rounding", "no", "it keeps no pairs")

    def _learn(self, state, u, i, y, w, t):
        weight, mean = (state.item_rows.arrays[name][:, 0] for name in ("weight", "mean"))
        for row, value, heavy in zip(i.tolist(), y.tolist(), w.tolist(), strict=True):
            if row >= 0:
                weight[row] += heavy
                mean[row] += (value - mean[row]) * heavy / weight[row]

    def _score(self, state, u, i):
        return np.where(i >= 0, state.item_rows.arrays["mean"][i, 0], 0.0)


class ForgetsHalf(Popularity):
    """A forgotten user's events go on counting for the items."""

    def forget(self, *, users=None, items=None):
        before = dict(zip(self.item_ids_.tolist(), self.popularity_.tolist(), strict=True))
        removed = super().forget(users=users, items=items)
        for row, item in zip(self._state.items.live(), self.item_ids_.tolist(), strict=True):
            self._state.item_rows.arrays["weight"][row, 0] = before[item]
        return removed


class LosesItsClock(Popularity):
    """A pickle begins to count events anew."""

    def __getstate__(self):
        kept = dict(super().__getstate__())
        if kept.get("_state") is not None:
            kept["_state"] = kept["_state"].copy()
            kept["_state"].set_events(0)
        return kept


class KeepsEverySample(Popularity):
    """Whatever comes is kept in a list, which ``nbytes`` does not know of."""

    def partial_fit(self, X, y=None, sample_weight=None):
        self.__dict__.setdefault("samples_", []).append(np.asarray(y))
        return super().partial_fit(X, y, sample_weight)


class DeafToParameters(BiasedMF):
    """The learning rate of the first event is that of all."""

    def _configure(self, state):
        now = self.learning_rate
        self.__dict__["learning_rate"] = state.meta.setdefault("rate", now)
        super()._configure(state)
        self.__dict__["learning_rate"] = now


class FailsHalfWay(Baseline):
    """A batch is learned row by row, until one is bad."""

    def partial_fit(self, X, y=None, sample_weight=None):
        w = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        for j in range(len(X)):
            super().partial_fit(X[j : j + 1], y[j : j + 1], w[j : j + 1])
        return self


class RecommendsTheSeen(BiasedMF):
    """Lists for many users hold what they already had."""

    def recommend(self, users, k=10, *, exclude_seen=True, candidates=None, exclude=None):
        return super().recommend(users, k, exclude_seen=False, candidates=candidates, exclude=exclude)


class RanksByName(Baseline):
    """``rank`` orders items by name."""

    def rank(self, user, items, x=None):
        return sorted(items, key=repr)


class LearnsNothing(Baseline):
    """The answer is always the mean."""

    def _score(self, state, u, i):
        return np.full(len(u), state.scalar("sum")[0] / state.scalar("weight")[0])


class ThinksInStars(Baseline):
    """Predictions lie between 0 and 5, whatever the ratings are."""

    def predict_one(self, x=None, *, user=None, item=None):
        return min(max(super().predict_one(x, user=user, item=item), 0.0), 5.0)


class SharesItsSnapshot(Popularity):
    """A snapshot is another name for the model."""

    def snapshot(self):
        return copy.copy(self)


class AsksThroughOnePlace(BiasedMF):
    """What is asked is put where another thread may replace it."""

    def predict(self, X):
        self.__dict__["asked"] = X
        time.sleep(0.002)
        return super().predict(self.__dict__["asked"])


class Silent(Popularity):
    __doc__ = None  # what River asks for


#: check -> (a model that passes, one that must not, what is then said)
BROKEN = {
    "fit_clears_the_past": (Popularity(), KeepsThePast(), r"fit after fit of other events"),
    "splits_do_not_matter": (BiasedMF(), ReversesBatches(), r"a stream cut as"),
    "learn_one_equals_partial_fit": (Baseline(), AnswersInFloat32(), r"predict_many returns float32"),
    "predict_leaves_state_alone": (Baseline(), LearnsWhenAsked(), r"predict changed the model"),
    "unknown_ids_get_the_prior": (BiasedMF(), RandomForStrangers(), r"a pair of strangers differ"),
    "ids_may_be_anything_hashable": (Baseline(), OneAnonymousUser(), r"A missing user got a row"),
    "zero_weight_is_no_event": (Popularity(), CountsNothingALittle(), r"weight 0 must change nothing"),
    "order_does_not_matter": (Baseline(), ClaimsOrderFree(drift=0.01), r"events in another order"),
    "merge_of_halves_equals_whole": (Baseline(), MergesMeans(), r"merged must be the whole .*items.mean"),
    "forget_equals_never_seen": (Popularity(), ForgetsHalf(), r"never saw them .*items.weight"),
    "save_load_round_trip": (Popularity(), LosesItsClock(), r"pickled must be the same; .*n_events"),
    "bytes_follow_rows_and_pairs": (
        Popularity(),
        KeepsEverySample(),
        r"made the pickled model .* bytes longer",
    ),
    "changed_parameters_act_at_the_next_event": (
        BiasedMF(),
        DeafToParameters(),
        r"Setting learning_rate has no effect",
    ),
    "a_failed_call_changes_nothing": (Baseline(), FailsHalfWay(), r"failed, and changed the model"),
    "recommend_is_sorted_and_excludes_seen": (BiasedMF(), RecommendsTheSeen(), r"already had"),
    "scores_agree_with_rank": (Baseline(), RanksByName(), r"rank gives"),
    "strangers_get_what_is_popular": (ItemKNN(), AsksCountsAlone(), r"long after the fashion changed"),
    "finds_planted_structure": (Baseline(), LearnsNothing(), r"the mean alone has"),
    "defaults_are_scale_free": (Baseline(), ThinksInStars(), r"times 20"),
    "snapshots_are_frozen": (Popularity(), SharesItsSnapshot(), r"snapshot"),
    "threads_may_ask_at_once": (BiasedMF(), AsksThroughOnePlace(), r"Two threads asked one model"),
}


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.filterwarnings("ignore")
def test_a_check_rejects_its_mutant_and_passes_the_model(name):
    good, broken, said = BROKEN[name]
    CHECKS[name](good)
    with pytest.raises(AssertionError, match=said):
        CHECKS[name](broken)


def test_a_merged_mean_passes_every_other_check_of_sums():
    """The trap for which merge is compared with the whole."""
    model = MergesMeans()
    for name in ("splits_do_not_matter", "order_does_not_matter", "save_load_round_trip"):
        CHECKS[name](model)


@pytest.mark.parametrize("check", OURS, ids=list(CHECKS))
def test_the_docstring_of_a_check_begins_with_the_contract(check):
    first = check.__doc__.split("\n\n")[0].strip()
    assert first.endswith(".") and len(first) > 40


# -- running them ----------------------------------------------------------------------------------


def test_check_estimator_raises_the_first_failure_and_names_the_check():
    with pytest.raises(AssertionError) as caught:
        check_estimator(KeepsThePast(), suites=["ours"])
    assert caught.value.__notes__ == ["In fit_clears_the_past (ours) of KeepsThePast()."]


def test_check_estimator_reports_every_verdict_if_asked():
    results = check_estimator(Silent(), suites=["river"], on_fail=None)
    failed = {result["check"] for result in results if result["status"] == "failed"}
    assert failed == {"check_doc[anonymous]", "check_doc[ids]"}
    assert {result["suite"] for result in results} == {"river"}
    assert all((result["exception"] is None) == (result["status"] == "passed") for result in results)


def test_what_is_no_model_is_refused():
    with pytest.raises(
        TypeError, match=r"model must be an instance of a model of skl_increc\.base; got <class"
    ):
        check_estimator(Popularity)
    with pytest.raises(TypeError, match="must be an instance of a model"):
        list(yield_checks("Popularity"))
    with pytest.raises(ValueError, match=r"suites must be of .*; got 'theirs'"):
        check_estimator(Popularity(), suites=["theirs"])
    with pytest.raises(ValueError, match="on_fail must be 'raise' or None; got 'warn'"):
        check_estimator(Popularity(), on_fail="warn")


def test_parametrize_with_checks_makes_one_case_a_check():
    mark = parametrize_with_checks([Popularity(), BiasedMF()], suites=["sklearn"])
    names, cases = mark.args
    assert names == "check"
    checks = [
        check for model in (Popularity(), BiasedMF()) for check in yield_checks(model, suites=["sklearn"])
    ]
    assert [case.values[0].name for case in cases] == [check.name for check in checks]
    allowed = [case for case in cases if case.marks]
    assert len(allowed) == 1
    assert allowed[0].id.startswith("BiasedMF()-sklearn-check_sample_weight_equivalence_on_dense_data")


def test_only_order_dependent_predictions_may_fail_one_check():
    assert expected_failed_checks(Popularity(history=5)) == {}
    assert expected_failed_checks(Baseline()) == {}
    names = {name for model in (BiasedMF(), Baseline(drift=0.1)) for name in expected_failed_checks(model)}
    assert names == {"check_sample_weight_equivalence_on_dense_data"}
