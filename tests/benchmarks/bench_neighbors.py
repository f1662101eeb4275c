"""``RatingItemKNN`` and ``SlopeOne``, with and without a bound: time per event, per answer and per list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
import numpy as np
from streams import as_dicts, movielens_shaped

from skl_increc.neighbors import RatingItemKNN, SlopeOne

REFERENCE = "RatingItemKNN()"
USERS = 100  # that get a list
MODELS: dict[str, Callable[[], Any]] = {
    REFERENCE: RatingItemKNN,
    "RatingItemKNN(max_history=50)": lambda: RatingItemKNN(max_history=50),
    "SlopeOne()": SlopeOne,
    "SlopeOne(max_history=50)": lambda: SlopeOne(max_history=50),
}


def called(make: Callable[[], Any], events: list) -> Callable[[], Callable[[], Any]]:
    """Learn a whole stream with ``learn_one``."""

    def prepare() -> Callable[[], Any]:
        model = make()

        def work() -> Any:
            learn = model.learn_one
            for x, y in events:
                learn(x, y)
            return model

        return work

    return prepare


def asked(model: Any, events: list) -> Callable[[], Callable[[], Any]]:
    """Ask a trained model about every pair."""

    def work() -> None:
        ask = model.predict_one
        for x, _ in events:
            ask(x)

    return lambda: work


def batch(make: Callable[[], Any], X: np.ndarray, y: np.ndarray) -> Callable[[], Callable[[], Any]]:
    """Learn a whole stream with one call."""

    def prepare() -> Callable[[], Any]:
        model = make()
        return lambda: model.partial_fit(X, y)

    return prepare


def lists(model: Any, users: list) -> Callable[[], Callable[[], Any]]:
    """Lists of ten."""
    return lambda: lambda: model.recommend(users)


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    users, items, y = movielens_shaped(20_000 if options.quick else 100_000)
    n, dicts, X = len(y), as_dicts(users, items, y), np.column_stack([users, items])
    goal = "RatingItemKNN() at most 10 us an event"
    cases = [Case(name, timed(called(make, dicts)), n) for name, make in MODELS.items()]
    report("learn_one(dict)", cases, options.repeats, reference=REFERENCE, cost=True, goal=goal)
    cases = [Case(name, timed(batch(make, X, y)), n) for name, make in MODELS.items()]
    report("partial_fit, int64 ids", cases, options.repeats, reference=REFERENCE, cost=True, goal=goal)
    models = {name: called(make, dicts)()() for name, make in MODELS.items()}
    cases = [Case(name, timed(asked(model, dicts)), n) for name, model in models.items()]
    report("predict_one(dict)", cases, options.repeats, reference=REFERENCE, cost=True)
    some = sorted({x["user"] for x, _ in dicts})[:USERS]
    cases = [Case(name, timed(lists(model, some)), len(some)) for name, model in models.items()]
    report("recommend, per user", cases, options.repeats, reference=REFERENCE, cost=True)


if __name__ == "__main__":
    main()
