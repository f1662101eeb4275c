"""The checks of one model: scikit-learn's, River's, and ours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn.utils.estimator_checks import estimator_checks_generator

from skl_increc.base import InteractionEstimator
from skl_increc.base._clock import is_span_of_time, span_in_seconds
from skl_increc.checks._events import fresh, role
from skl_increc.checks._exactness import (
    forget_equals_never_seen,
    merge_of_halves_equals_whole,
    order_does_not_matter,
)
from skl_increc.checks._failures import a_failed_call_changes_nothing
from skl_increc.checks._ids import (
    ids_may_be_anything_hashable,
    predict_leaves_state_alone,
    unknown_ids_get_the_prior,
)
from skl_increc.checks._keeping import (
    bytes_follow_rows_and_pairs,
    save_load_round_trip,
    snapshots_are_frozen,
    threads_may_ask_at_once,
)
from skl_increc.checks._learning import (
    changed_parameters_act_at_the_next_event,
    fit_clears_the_past,
    learn_one_equals_partial_fit,
    splits_do_not_matter,
    zero_weight_is_no_event,
)
from skl_increc.checks._lists import recommend_is_sorted_and_excludes_seen, scores_agree_with_rank
from skl_increc.checks._quality import defaults_are_scale_free, finds_planted_structure
from skl_increc.checks._strangers import strangers_get_what_is_popular

__all__ = [
    "OURS",
    "SUITES",
    "Check",
    "expected_failed_checks",
    "yield_checks",
]

#: our checks, each a function of an unfitted model
OURS: tuple[Callable[[Any], None], ...] = (
    fit_clears_the_past,
    splits_do_not_matter,
    learn_one_equals_partial_fit,
    predict_leaves_state_alone,
    unknown_ids_get_the_prior,
    ids_may_be_anything_hashable,
    zero_weight_is_no_event,
    order_does_not_matter,
    merge_of_halves_equals_whole,
    forget_equals_never_seen,
    save_load_round_trip,
    bytes_follow_rows_and_pairs,
    changed_parameters_act_at_the_next_event,
    a_failed_call_changes_nothing,
    recommend_is_sorted_and_excludes_seen,
    scores_agree_with_rank,
    strangers_get_what_is_popular,
    finds_planted_structure,
    defaults_are_scale_free,
    snapshots_are_frozen,
    threads_may_ask_at_once,
)
SUITES = ("sklearn", "river", "ours")

#: checks that only some models can be asked for; merge and forget are asked of all, if only to refuse
ONLY_IF: dict[Callable[[Any], None], Callable[[Any], bool]] = {
    splits_do_not_matter: lambda model: model.guarantees().S != "no",
    learn_one_equals_partial_fit: lambda model: model.guarantees().S != "no",
    order_does_not_matter: lambda model: model.guarantees().O != "no",
    strangers_get_what_is_popular: lambda model: hasattr(model, "cold_start"),
    defaults_are_scale_free: lambda model: role(model) == "rating",
}

#: columns that the data of River's suite has, as user and item
RIVER_IDS = {
    "rating": ("ordinal_date", "gallup"),
    "binary": ("age_of_domain", "request_from_other_domain"),
    "recommender": ("ordinal_date", "gallup"),
}


@dataclass(frozen=True)
class Check:
    """One check of one model; call it without arguments.

    Parameters
    ----------
    suite : {"sklearn", "river", "ours"}
        Whose it is.
    name : str
        Its name there.
    run : callable
        What to call.
    expected_to_fail : str or None
        Why it may fail; None where it must pass.
    """

    suite: str
    name: str
    run: Callable[[], None]
    expected_to_fail: str | None = None

    def __call__(self) -> None:
        """Run the check; warnings are not its matter."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.run()


def expected_failed_checks(model: Any) -> dict[str, str]:
    """The one check of scikit-learn's that a model may fail, if its answers depend on the order of events.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    dict
        Name of the check -> reason; empty for a model whose predictions are order-free, whatever it
        remembers of who had what.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.checks import expected_failed_checks
    >>> expected_failed_checks(Popularity())
    {}
    """
    # the last items of a user, or the partners of an item, depend on the order; with one item a user nothing does
    bounded = {
        n: None for n in ("history", "max_history", "max_partners") if getattr(model, n, None) is not None
    }
    asked = fresh(model, **bounded) if bounded else model
    if asked.guarantees().O != "no" or not asked._order_teaches():
        return {}
    # scikit-learn declares the same for its own SGDRegressor
    why = "the model learns event by event: a weight of 2 is not the event twice, shuffled among the others"
    return {"check_sample_weight_equivalence_on_dense_data": why}


def yield_checks(model: Any, *, suites: Iterable[str] = SUITES) -> Iterator[Check]:
    """Every check that the model must pass, of all three suites.

    Parameters
    ----------
    model : estimator
        Unfitted; it is not touched.
    suites : iterable of {"sklearn", "river", "ours"}
        Which suites.

    Yields
    ------
    Check
        Call it to run it.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.checks import yield_checks
    >>> for check in yield_checks(Popularity(), suites=["ours"]):
    ...     if check.name == "zero_weight_is_no_event":
    ...         check()
    """
    if isinstance(model, type) or not isinstance(model, InteractionEstimator):
        raise TypeError(f"model must be an instance of a model of skl_increc.base; got {model!r}.")
    found = {"sklearn": _of_sklearn, "river": _of_river, "ours": _of_ours}
    for suite in suites:
        if suite not in found:
            raise ValueError(f"suites must be of {SUITES}; got {suite!r}.")
        yield from found[suite](model)


def _of_sklearn(model: Any) -> Iterator[Check]:
    asked = _untimed(model)
    may_fail = expected_failed_checks(asked)
    for one, check in estimator_checks_generator(asked, mark=None):
        options = ", ".join(f"{k}={v!r}" for k, v in check.keywords.items())
        name = check.func.__name__
        label = f"{name}({options})" if options else name
        yield Check("sklearn", label, partial(check, one), may_fail.get(name))


def _of_river(model: Any) -> Iterator[Check]:
    from river import checks

    untimed = _seeded(_untimed(model))
    user_col, item_col = RIVER_IDS[role(model)]
    for names in ({}, {"user_col": user_col, "item_col": item_col}):
        asked = untimed.clone(names)
        of_data = _river_checks_on_data(asked) if role(model) == "recommender" else ()
        for check in (*checks.yield_checks(asked), *of_data):
            label = f"{check.__name__}[{'ids' if names else 'anonymous'}]"
            yield Check("river", label, partial(_on_a_clone, check, asked))


def _on_a_clone(check: Callable[[Any], None], model: Any) -> None:
    check(model.clone())


def _river_checks_on_data(model: Any) -> Iterator[Callable[[Any], None]]:
    """River has no data for recommenders, and so would hardly ask them anything."""
    from river import datasets
    from river.checks import common

    for name in (
        "check_learn_one",
        "check_pickling",
        "check_shuffle_features_no_impact",
        "check_emerging_features",
        "check_disappearing_features",
        "check_radically_disappearing_features",
        "check_predict_one_before_any_learn",
        "check_no_state_aliasing_with_input",
        "check_clone_is_independent",
        "check_bounded_memory_growth",
    ):
        check = partial(getattr(common, name), dataset=datasets.TrumpApproval().take(200))
        check.__name__ = f"{name}_on_ratings"  # type: ignore[attr-defined]
        yield check


def _untimed(model: Any) -> Any:
    """The model without a time column: both outside suites leave out any value, and a time cannot be."""
    if model.time_col is None:
        return model
    spans = {k: span_in_seconds(v) for k, v in model.get_params(deep=False).items() if is_span_of_time(v)}
    return fresh(model, time_col=None, **spans)


def _seeded(model: Any) -> Any:
    """The model with a seed: one that draws its own is another model every time."""
    return fresh(model, random_state=0) if getattr(model, "random_state", 0) is None else model


def _of_ours(model: Any) -> Iterator[Check]:
    model = _seeded(model)
    for check in OURS:
        if check not in ONLY_IF or ONLY_IF[check](model):
            yield Check("ours", check.__name__, partial(check, model))
