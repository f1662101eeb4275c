"""Checks that a model learns anything at all, and in its own units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skl_increc.checks._events import (
    START,
    Event,
    as_dict,
    chunks,
    demand,
    distinct,
    fresh,
    learn,
    role,
    table,
    target,
)

__all__ = ["defaults_are_scale_free", "finds_planted_structure"]


def _planted(model: Any, n: int, seed: int) -> list[Event]:
    """Users and items in two camps, some items more popular and better liked than others."""
    rng = np.random.default_rng(seed)
    n_users, n_items = 40, 30
    pull = np.linspace(1.0, 0.05, n_items) ** 2
    users, items = rng.integers(0, n_users, n), rng.choice(n_items, n, p=pull / pull.sum())
    like = 3 + 1.2 * np.where(items < n_items // 3, 1, -0.6) + 0.6 * np.where((users + items) % 2 == 0, 1, -1)
    like = np.clip(np.round(2 * (like + rng.normal(0, 0.5, n))) / 2, 0.5, 5)
    if role(model) == "binary":
        like = (like > 3).astype(float)
    elif role(model) == "recommender":
        like = np.full(n, 5.0)
    rows = zip(users.tolist(), items.tolist(), like.tolist(), strict=True)
    return [Event(f"u{u}", f"i{i}", y, 1.0, START + 60.0 * j) for j, (u, i, y) in enumerate(rows)]


def finds_planted_structure(model: Any) -> None:
    """On data with structure the model is better than one that has learned nothing.

    Ratings: error below that of the mean.  Labels: log-odds that tell the classes apart.  Lists: hits
    above those of random lists.
    """
    events = _planted(model, 3000, seed=71)
    train, test = events[:2400], events[2400:]
    some = learn(fresh(model), train, "fit")
    y = target(test)
    if role(model) == "rating":
        mine, plain = (_rmse(y, p) for p in (some.predict(table(some, test)), np.mean(target(train))))
        demand(mine < 0.95 * plain, f"RMSE {mine:.3f}; the mean alone has {plain:.3f}.")
    elif role(model) == "binary":
        odds = some.decision_function(table(some, test))
        area = np.mean(odds[y == 1][:, None] > odds[y == 0][None, :])
        demand(area > 0.65, f"The area under the ROC curve is {area:.3f}.")
    else:
        lists, _ = some.recommend([e.user for e in test], 5, exclude_seen=False)
        hits = np.mean([e.item in row.tolist() for e, row in zip(test, lists, strict=True)])
        chance = 5 / len(distinct(events, "item"))
        demand(hits > 1.5 * chance, f"HitRate@5 is {hits:.3f}, that of random lists {chance:.3f}.")


def _rmse(y: np.ndarray, predicted: Any) -> float:
    return float(np.sqrt(np.mean((y - predicted) ** 2)))


# -- units -----------------------------------------------------------------------------------------


def defaults_are_scale_free(model: Any) -> None:
    """The same ratings in other units give the same errors in proportion, within 2 %, and stay finite.

    Times 20, a thousandth, and, with default parameters, moved to -10..10 and far from 0.
    """
    events = _planted(model, 1500, seed=72)
    _in_proportion(fresh(model), events, {"times 20": (20.0, 0.0), "a thousandth": (0.001, 0.0)})
    columns = {name: getattr(model, name) for name in ("user_col", "item_col", "time_col")}
    default = type(model)(**columns)
    moved = {
        "from -10 to 10": (20 / 4.5, -10 - 0.5 * 20 / 4.5),
        "around 1000": (1.0, 1000.0),
        "turned": (-1.0, 0.0),
    }
    _in_proportion(default, events, moved)
    for factor, shift in moved.values():
        _prequential_error(fresh(model), _moved(events, factor, shift))


def _moved(events: Sequence[Event], factor: float, shift: float) -> list[Event]:
    return [replace(e, y=factor * e.y + shift) for e in events]


def _in_proportion(model: Any, events: Sequence[Event], units: dict[str, tuple[float, float]]) -> None:
    plain = _prequential_error(fresh(model), events)
    for name, (factor, shift) in units.items():
        error = _prequential_error(fresh(model), _moved(events, factor, shift)) / abs(factor)
        what = f"Test-then-learn RMSE {plain:.4f}, of the same ratings {name} {error:.4f} in the same units."
        demand(abs(error / plain - 1) < 0.02, what)


def _prequential_error(model: Any, events: Sequence[Event]) -> float:
    """RMSE of predictions before each event is learned, the first ones left out."""
    said = []
    for part in chunks(events, 1):
        said.append(model.predict_one(as_dict(model, part[0])))
        learn(model, part, "learn_one(x)")
    demand(np.isfinite(said).all(), "A prediction is not finite.")
    return _rmse(target(events)[50:], np.array(said)[50:])
