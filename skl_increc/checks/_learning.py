"""Checks of what learning means: cuts, doors, weights, parameters."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skl_increc.checks._events import (
    DOORS,
    Event,
    as_dict,
    chunks,
    demand,
    described,
    distinct,
    fresh,
    learn,
    make_events,
    pairs_frame,
    role,
    table,
    target,
)
from skl_increc.checks._states import answers, difference, exported, same_answers, same_bytes

__all__ = [
    "changed_parameters_act_at_the_next_event",
    "fit_clears_the_past",
    "learn_one_equals_partial_fit",
    "splits_do_not_matter",
    "zero_weight_is_no_event",
]

CUTS_TRIED = 6  # of each stream

#: parameters that no model can be indifferent to; others may play no part in a variant
ALWAYS_ACT = ("learning_rate", "l2", "l2_user", "l2_item", "drift", "min_y")
#: what a parameter is set to that was left to the model
WHERE_NONE = {"min_y": 3.0, "learning_rate": 0.01, "learning_rate_bias": 0.01}


def fit_clears_the_past(model: Any) -> None:
    """``fit`` forgets everything: what was learned before, through any door, leaves no trace.

    This includes ids, histories, the clock, the scale of the ratings and the seed drawn.
    """
    before, events = make_events(model, 60, seed=1), make_events(model, 60, seed=2, n_users=12)
    before = [*before, Event("only before", "only before too", before[0].y, 2.0, before[-1].t + 1e9)]
    new = learn(fresh(model), events, "fit")
    for door in ("fit", "partial_fit(frame)", "learn_one(x)"):
        used = learn(learn(fresh(model), before, door), events, "fit")
        same_bytes(used, new, f"fit after {door} of other events must equal fit alone")
        same_answers(
            used, new, ["only before", "u2"], ["only before too", "i2"], "bitwise", "fit after other events"
        )


def splits_do_not_matter(model: Any) -> None:
    """Any cutting of one ordered stream into calls of any kind gives the same model (S).

    The state is the same to the last byte where ``guarantees().S`` is "bitwise": ``fit`` and
    ``partial_fit`` of pandas, polars and Arrow frames, arrays and categories, ``learn_many``, ``learn_one``.
    The cuts are the same in every run; a hypothesis profile of ``max_examples=2000`` draws twenty times as
    many as its default of 100 does, and new ones every time.
    """
    given, settings, st, times = _hypothesis()
    streams = [
        make_events(model, 90, seed=3),
        make_events(model, 90, seed=4, ids="int", anonymous=0.0, n_users=40, n_items=40, grid=False),
        make_events(model, 90, seed=5, ids="text", gap=1e7, grid=False),  # years: decay moves its landmark
        make_events(model, 90, seed=6, n_users=2, n_items=60),  # long histories
    ]
    wholes = [learn(fresh(model), events) for events in streams]
    calls = st.lists(st.tuples(st.integers(1, 45), st.sampled_from(sorted(DOORS))), min_size=1, max_size=8)

    @settings(max_examples=times * CUTS_TRIED * len(streams))
    @given(st.integers(0, len(streams) - 1), st.booleans(), calls)
    def run(which: int, begin_with_fit: bool, cuts: list[tuple[int, str]]) -> None:
        cut, at = fresh(model), 0
        for length, door in [*cuts, (len(streams[which]), "partial_fit(frame)")]:
            door = "fit" if at == 0 and begin_with_fit else door
            learn(cut, streams[which][at : at + length], door)
            at += length
        same_bytes(cut, wholes[which], f"a stream cut as {cuts} must give what one partial_fit of it gives")

    run()


def _hypothesis() -> tuple[Any, Any, Any, int]:
    """Its decorator, settings and strategies, and how many times the usual examples its profile asks for."""
    try:
        from hypothesis import HealthCheck, Phase, given, settings
        from hypothesis import strategies as st
    except ImportError as error:
        raise ImportError(
            'This check needs hypothesis. Install it with: pip install "skl_increc[test]"'
        ) from error
    times = search_times()
    # a failing cut is short enough without being shrunk
    ours = settings(
        deadline=None,
        database=None,
        derandomize=times == 1,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return given, partial(settings, ours), st, times


def search_times() -> int:
    """How many times the usual examples the profile of hypothesis asks for; 1 without hypothesis."""
    try:
        from hypothesis import settings
    except ImportError:
        return 1
    return max(1, settings().max_examples // settings.get_profile("default").max_examples)


def learn_one_equals_partial_fit(model: Any) -> None:
    """``learn_one`` of each event equals ``partial_fit`` of all, and one question equals many.

    ``predict_one``, ``predict`` and ``predict_many`` give the same numbers to the last bit, in float64.
    """
    events = make_events(model, 100, seed=7)
    batch = learn(fresh(model), events)
    for door in ("learn_one(x)", "learn_one(user=, item=)", "learn_many"):
        same_bytes(
            learn(fresh(model), events, door), batch, f"{door} of a stream must equal partial_fit of it"
        )
    if role(model) == "recommender":
        _no_y_is_a_positive(model, events)
    pairs = [(e.user, e.item) for e in events[:40]] + [("a stranger", events[0].item), (None, None)]
    frame = pairs_frame(model, pairs)
    one = np.array([model_value(batch.predict_one({model.user_col: u, model.item_col: i})) for u, i in pairs])
    many = np.asarray(batch.predict_many(frame))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = batch.predict(frame)
    kinds = (np.float64,) if role(model) != "binary" else (rows.dtype.type,)
    demand(rows.dtype.type in kinds, f"predict returns {rows.dtype}, not float64.")
    demand(many.dtype == rows.dtype, f"predict_many returns {many.dtype}, predict {rows.dtype}.")
    demand(np.array_equal(one, rows), "predict_one of each pair must equal predict of all of them.")
    demand(np.array_equal(many, rows), "predict_many must equal predict.")
    by_keyword = np.array([model_value(batch.predict_one(user=u, item=i)) for u, i in pairs])
    demand(np.array_equal(by_keyword, rows), "predict_one(user=, item=) must equal predict_one(x).")


def _no_y_is_a_positive(model: Any, events: Sequence[Event]) -> None:
    """On every path, whatever `min_y` is."""
    plain = [replace(e, y=max(1.0, getattr(model, "min_y", None) or 0.0), w=1.0) for e in events]
    right = learn(fresh(model), plain)
    X = table(model, plain)
    one, batch, many = (fresh(model) for _ in range(3))
    for e in plain:
        one.learn_one(as_dict(model, e))
    batch.partial_fit(X)
    many.learn_many(X)
    for name, other in {"learn_one(x)": one, "partial_fit(X)": batch, "learn_many(X)": many}.items():
        same_bytes(other, right, f"{name} without y must equal events that are positive")


def model_value(value: Any) -> float:
    """A prediction as a number."""
    return float(value)


def zero_weight_is_no_event(model: Any) -> None:
    """An event of weight 0 is no event: it leaves no row, no history and no time, on any path.

    For a recommender the same holds for y of 0 or less, unless it learns from what was refused.
    """
    events = make_events(model, 60, seed=8)
    nothing = _nothings(model, events)
    mixed = [e for pair in zip(events, nothing, strict=True) for e in pair]
    plain = [learn_in_chunks(fresh(model), events, 10, door) for door in DOORS]
    for door, without in zip(DOORS, plain, strict=True):
        with_them = learn_in_chunks(fresh(model), mixed, 20, door)
        same_bytes(with_them, without, f"{door} of events of weight 0 must change nothing")
        alone = learn(copy.deepcopy(without), nothing, door)
        same_bytes(alone, without, f"{door} of events of weight 0 alone must change nothing")
    new = fresh(model)
    learn(new, nothing, "learn_one(x)")
    found = difference(exported(new), exported(fresh(model)))
    demand(found is None, f"events of weight 0 must leave a new model without state; it has {found}.")


def _nothings(model: Any, events: Sequence[Event]) -> list[Event]:
    """Events that are none, of ids old and new, each at the time of a real one."""
    out = []
    for j, e in enumerate(events):
        user, item = (e.user, e.item) if j % 3 else (f"nobody {j}", f"nothing {j}")
        if role(model) == "recommender" and not model._takes_negatives and j % 2:
            out.append(Event(user, item, -1.0 if j % 4 == 1 else 0.0, 1.0, e.t))
        else:
            out.append(Event(user, item, e.y, 0.0, e.t))
    return out


def learn_in_chunks(model: Any, events: Sequence[Event], size: int, door: str = "partial_fit(frame)") -> Any:
    """Let the model learn the events in calls of so many."""
    for part in chunks(events, size):
        learn(model, part, door)
    return model


# -- parameters ------------------------------------------------------------------------------------


def changed_parameters_act_at_the_next_event(model: Any) -> None:
    """A learning parameter set by ``set_params``, ``mutate`` or assignment acts at the next event.

    It changes nothing that was learned.  A parameter that shapes what is stored raises a ValueError
    that names it, until ``fit`` or until it is set back.
    """
    events = make_events(model, 60, seed=9)
    later = [
        *make_events(model, 20, seed=10, n_users=30),
        Event("new", "new", events[0].y, 1.0, events[-1].t),
    ]
    later = [Event(e.user, e.item, e.y, e.w, events[-1].t) for e in later]
    trained = described(learn(fresh(model), events), [*events, *later])
    for name, value in _changes(trained):
        acts = _acts(trained, name, value, later)
        demand(
            acts or name not in ALWAYS_ACT,
            f"Setting {name} has no effect on a model that has begun to learn.",
        )
    for name, value in _shapes(trained):
        _refuses(trained, name, value, events)


def _changes(model: Any) -> list[tuple[str, float]]:
    """Learning parameters that are positive numbers, and another value for each."""
    names = sorted(model._mutable_attributes)
    values = [(name, getattr(model, name)) for name in names]
    found = [(name, value * 0.5) for name, value in values if isinstance(value, float) and 0 < value < np.inf]
    return found + [
        (name, WHERE_NONE[name]) for name, value in values if value is None and name in WHERE_NONE
    ]


def _acts(trained: Any, name: str, value: float, later: Sequence[Event]) -> bool:
    """Whether the parameter acts; fails where the ways of setting it differ, or it rewrites the past."""
    ways = [copy.deepcopy(trained) for _ in range(4)]
    ways[0].set_params(**{name: value})
    ways[1].mutate({name: value})
    setattr(ways[2], name, value)
    for changed in ways:
        same_bytes(changed, trained, f"setting {name} must not touch what was learned")
    ways[3].set_params(**{name: value}).set_params(**{name: getattr(trained, name)})
    plain = learn(copy.deepcopy(trained), later)
    for changed in ways:
        learn(changed, later)
    same_bytes(ways[3], plain, f"setting {name} and setting it back must change nothing")
    same_bytes(ways[0], ways[1], f"mutate must set {name} as set_params does")
    same_bytes(ways[0], ways[2], f"assigning {name} must act as set_params does")
    if difference(exported(ways[0]), exported(plain)):
        return True
    told = (answers(m, distinct(later, "user"), distinct(later, "item"))["predict"] for m in (ways[0], plain))
    return not np.array_equal(*told)


def _shapes(model: Any) -> list[tuple[str, Any]]:
    """Structural parameters of the constructor, and another value for each."""
    found: list[tuple[str, Any]] = []
    for name in sorted(set(model._structure()) & set(model.get_params(deep=False))):
        value = getattr(model, name)
        if isinstance(value, bool):
            found.append((name, not value))
        elif isinstance(value, (int, float)):
            found.append((name, value + 1))
        elif value is None and name == "history":
            found.append((name, 7))
    return [(name, v) for name, v in found if fresh(model, **{name: v})._structure() != model._structure()]


def _refuses(trained: Any, name: str, value: Any, events: Sequence[Event]) -> None:
    changed = copy.deepcopy(trained).set_params(**{name: value})
    event = events[0]
    calls = {
        "partial_fit": lambda: changed.partial_fit(table(changed, events), target(events)),
        "learn_one": lambda: changed.learn_one(as_dict(changed, event), event.y),
        "predict": lambda: changed.predict(table(changed, events)),
    }
    for call, run in calls.items():
        try:
            run()
        except ValueError as error:
            demand(
                name in str(error), f"The error of {call} after changing {name} must name it; it is: {error}"
            )
        else:
            raise AssertionError(
                f"{call} must raise after {name} was changed from {getattr(trained, name)!r}."
            )
    same_bytes(changed, trained, f"a changed {name} must not touch what was learned")
    back = learn(changed.set_params(**{name: getattr(trained, name)}), events)
    same_bytes(back, learn(copy.deepcopy(trained), events), f"setting {name} back must undo the change")
