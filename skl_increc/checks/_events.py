"""Streams for the checks, and the doors through which a model may be given them."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

from skl_increc.base._clock import span_in_seconds

__all__ = [
    "DOORS",
    "Event",
    "chunks",
    "demand",
    "described",
    "distinct",
    "fresh",
    "in_window",
    "learn",
    "make_events",
    "pairs_frame",
    "role",
    "table",
    "target",
    "weights",
]

START = 1_500_000_000  # seconds since 1970 of the first event


@dataclass(frozen=True)
class Event:
    """One event: who, what, how much, how heavy, when (seconds)."""

    user: Any
    item: Any
    y: float = 1.0
    w: float = 1.0
    t: float = float(START)


def demand(holds: Any, message: str) -> None:
    """Fail with this message unless the statement holds."""
    if not holds:
        raise AssertionError(message)


def role(model: Any) -> str:
    """What y is to the model: "rating", "binary" or "recommender"."""
    if is_regressor(model):
        return "rating"
    return "binary" if is_classifier(model) else "recommender"


def fresh(model: Any, **params: Any) -> Any:
    """An unfitted copy, with some parameters changed."""
    return clone(model).set_params(**params)


# -- streams ---------------------------------------------------------------------------------------


def make_events(
    model: Any,
    n: int = 120,
    seed: int = 0,
    *,
    n_users: int = 9,
    n_items: int = 13,
    ids: str = "mixed",
    grid: bool = True,
    gap: float = 3600.0,
    anonymous: float = 0.08,
    zeros: bool = False,
) -> list[Event]:
    """A stream in time order, with repeats, ties in time, anonymous sides and weights.

    Parameters
    ----------
    model : estimator
        Says what y may be.
    n, n_users, n_items, seed : int
    ids : {"mixed", "int", "text"}
    grid : bool
        Ratings in halves and weights in quarters, whose sums are exact; otherwise any numbers.
    gap : float
        Mean seconds between events.
    anonymous : float
        Share of events without a user, and of events without an item.
    zeros : bool
        Whether some weights are zero.
    """
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, n_users, n), np.minimum(rng.zipf(1.4, n) - 1, n_items - 1)
    y = _ys(role(model), rng, n, grid)
    w = rng.integers(0 if zeros else 1, 9, n) / 4 if grid else rng.uniform(0.1, 2.0, n)
    t = START + np.floor(np.cumsum(rng.exponential(gap, n) * (rng.random(n) > 0.2)) * 4) / 4
    hide_user, hide_item = rng.random(n) < anonymous, rng.random(n) < anonymous
    return [
        Event(
            None if hide_user[j] else _name(int(users[j]), ids, "u"),
            None if hide_item[j] else _name(int(items[j]), ids, "i"),
            float(y[j]),
            float(w[j]),
            float(t[j]),
        )
        for j in range(n)
    ]


def _ys(kind: str, rng: np.random.Generator, n: int, grid: bool) -> np.ndarray:
    if kind == "binary":
        return rng.integers(0, 2, n).astype(float)
    if kind == "recommender":
        return rng.choice([1.0, 1.0, 2.0, 4.5, 5.0], n)
    return rng.integers(1, 11, n) / 2 if grid else rng.normal(3.5, 1.1, n)


def _name(j: int, ids: str, side: str) -> Hashable:
    if ids == "int" or (ids == "mixed" and j % 3 == 0):
        return 7 * j - 11  # some negative
    if ids == "mixed" and j % 3 == 1:
        return (side, j)
    return f"{side}{j}"


def distinct(events: Sequence[Event], side: str) -> list:
    """The ids of one side in order of appearance, anonymous ones left out."""
    return list(dict.fromkeys(v for v in (getattr(e, side) for e in events) if v is not None))


def described(model: Any, events: Sequence[Event]) -> Any:
    """The model, told features of items or ties of users if it takes them: some parameters play no part without."""
    if hasattr(model, "set_item_features"):
        items = distinct(events, "item")
        features = [{"kind": "abc"[j % 3], "size": 1.0 + j % 5} for j in range(len(items))]
        model.set_item_features(items, features)
    if hasattr(model, "add_edges"):
        users = distinct(events, "user")
        model.add_edges(users[1:] + users[2:], users[:-1] + users[:-2])
    return model


def chunks(events: Sequence[Event], size: int) -> list[Sequence[Event]]:
    """The stream in pieces."""
    return [events[a : a + size] for a in range(0, len(events), size)]


def in_window(model: Any, events: Sequence[Event]) -> list[Event]:
    """The events that the model still holds after all of these: those of its window, or all."""
    if getattr(model, "window", None) is None:
        return list(events)
    if model.time_col is None:
        return list(events[-int(model.window) :])
    span = span_in_seconds(model.window)
    now = max((e.t for e in events), default=0.0)
    return [e for e in events if now - e.t < span]


# -- forms -----------------------------------------------------------------------------------------


def target(events: Sequence[Event]) -> np.ndarray:
    """y of the events, float64 (n,)."""
    return np.array([e.y for e in events], dtype=np.float64)


def weights(events: Sequence[Event]) -> np.ndarray:
    """Weights of the events, float64 (n,)."""
    return np.array([e.w for e in events], dtype=np.float64)


def _column(values: Sequence) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def table(model: Any, events: Sequence[Event]) -> Any:
    """The events as a pandas frame with the model's own columns."""
    columns = {
        model.user_col: _column([e.user for e in events]),
        model.item_col: _column([e.item for e in events]),
    }
    if model.time_col is not None:
        columns[model.time_col] = np.array([e.t for e in events], dtype=np.float64)
    return _pandas().DataFrame(columns)


def pairs_frame(model: Any, pairs: Sequence[tuple]) -> Any:
    """(user, item) pairs as a pandas frame."""
    return table(model, [Event(u, i) for u, i in pairs])


def as_dict(model: Any, event: Event) -> dict:
    """An event as River has it."""
    x = {model.user_col: event.user, model.item_col: event.item}
    if model.time_col is not None:
        x[model.time_col] = event.t
    return x


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            'The checks need pandas. Install it with: pip install "skl_increc[test]"'
        ) from error
    return pandas


# -- doors -----------------------------------------------------------------------------------------


def _by_fit(model: Any, events: Sequence[Event]) -> None:
    model.partial_fit(table(model, events), target(events), sample_weight=weights(events))


def _by_array(model: Any, events: Sequence[Event]) -> None:
    if model.time_col is not None:
        return _by_fit(model, events)
    X = np.empty((len(events), 2), dtype=object)
    X[:, 0], X[:, 1] = _column([e.user for e in events]), _column([e.item for e in events])
    model.partial_fit(_as_ints(X), target(events), sample_weight=weights(events).tolist())
    return None


def _as_ints(X: np.ndarray) -> np.ndarray:
    """The same table with a plain dtype where all ids allow it: another path into the model."""
    kinds = {type(v) for v in X.ravel()}
    if kinds == {int}:
        return X.astype(np.int64)
    if kinds == {int, type(None)}:
        return X.astype(np.float64)
    return X


def _by_categories(model: Any, events: Sequence[Event]) -> None:
    frame = table(model, events)
    for side in (model.user_col, model.item_col):
        frame[side] = frame[side].astype("category")
    model.partial_fit(frame, target(events), sample_weight=weights(events))


def _by_arrow(model: Any, events: Sequence[Event]) -> None:
    _by_typed_columns(model, events, "pyarrow", lambda columns, pa: pa.table(columns))


def _by_polars(model: Any, events: Sequence[Event]) -> None:
    _by_typed_columns(model, events, "polars", lambda columns, pl: pl.DataFrame(columns))


def _by_typed_columns(
    model: Any, events: Sequence[Event], library: str, frame_of: Callable[[dict, Any], Any]
) -> None:
    """A frame of a library whose columns hold one type; of pandas where the ids are of several."""
    columns: dict[str, list] = {
        str(model.user_col): [e.user for e in events],
        str(model.item_col): [e.item for e in events],
    }
    if model.time_col is not None:
        columns[str(model.time_col)] = [e.t for e in events]
    kinds = [{type(v) for v in values} - {type(None)} for values in columns.values()]
    module = importlib.import_module(library) if importlib.util.find_spec(library) else None
    if module is None or any(kind not in ({int}, {str}, {float}) for kind in kinds):
        return _by_fit(model, events)
    model.partial_fit(frame_of(columns, module), target(events), sample_weight=weights(events))
    return None


def _by_learn_many(model: Any, events: Sequence[Event]) -> None:
    model.learn_many(table(model, events), _pandas().Series(target(events)), weights(events))


def _by_learn_one(model: Any, events: Sequence[Event]) -> None:
    for e in events:
        model.learn_one(as_dict(model, e), e.y, e.w)


def _by_keywords(model: Any, events: Sequence[Event]) -> None:
    for e in events:
        x = None if model.time_col is None else {model.time_col: e.t}
        model.learn_one(x, e.y, e.w, user=e.user, item=e.item)


#: name -> function(model, events) that lets the model learn them
DOORS: dict[str, Callable[[Any, Sequence[Event]], None]] = {
    "partial_fit(frame)": _by_fit,
    "partial_fit(array)": _by_array,
    "partial_fit(categories)": _by_categories,
    "partial_fit(arrow)": _by_arrow,
    "partial_fit(polars)": _by_polars,
    "learn_many": _by_learn_many,
    "learn_one(x)": _by_learn_one,
    "learn_one(user=, item=)": _by_keywords,
}


def learn(model: Any, events: Sequence[Event], door: str = "partial_fit(frame)") -> Any:
    """Let the model learn the events through this door; warnings about column names are none of ours."""
    if len(events):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if door == "fit":
                model.fit(table(model, events), target(events), sample_weight=weights(events))
            else:
                DOORS[door](model, events)
    return model
