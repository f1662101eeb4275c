"""``FactorizationMachine``: an event asked and learned, River's ``FMRegressor`` beside it; batches by ``BiasedMF``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
import numpy as np
import pandas as pd
from river import facto
from streams import as_dicts, movielens_shaped

from skl_increc.factorization import BiasedMF, FactorizationMachine

REFERENCE = "FactorizationMachine()"
MODELS: dict[str, tuple[Callable[[], Any], bool]] = {
    REFERENCE: (FactorizationMachine, False),
    "BiasedMF()": (BiasedMF, False),
    "river FMRegressor": (lambda: facto.FMRegressor(n_factors=10, seed=0), False),
    'FactorizationMachine(context=["hour"])': (lambda: FactorizationMachine(context=["hour"]), True),
    "river FMRegressor with hour": (lambda: facto.FMRegressor(n_factors=10, seed=0), True),
}
TABLES: dict[str, Callable[[], Any]] = {
    "BiasedMF()": BiasedMF,
    REFERENCE: FactorizationMachine,
    'FactorizationMachine(optimizer_bias="ftrl")': lambda: FactorizationMachine(optimizer_bias="ftrl"),
    'FactorizationMachine(context=["hour"])': lambda: FactorizationMachine(context=["hour"]),
}


def stream_of(make: Callable[[], Any], events: list) -> Callable[[], Callable[[], Any]]:
    """Ask for each event, then learn it."""

    def prepare() -> Callable[[], Any]:
        model = make()

        def work() -> Any:
            ask, learn = model.predict_one, model.learn_one
            for x, y in events:
                ask(x)
                learn(x, y)
            return model

        return work

    return prepare


def table_of(make: Callable[[], Any], frame: Any, y: np.ndarray) -> Callable[[], Callable[[], Any]]:
    """Learn a table of users and items that are known."""

    def prepare() -> Callable[[], Any]:
        model = make().partial_fit(frame, y)
        return lambda: model.partial_fit(frame, y)

    return prepare


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    users, items, y = movielens_shaped(5_000 if options.quick else 20_000)
    n = len(y)
    hour = np.random.default_rng(0).integers(0, 24, n)
    plain = as_dicts(users, items, y)
    told = [({**x, "hour": str(h)}, target) for (x, target), h in zip(plain, hour, strict=True)]
    cases = [
        Case(name, timed(stream_of(make, told if more else plain)), n)
        for name, (make, more) in MODELS.items()
    ]
    report("predict_one and learn_one", cases, options.repeats, reference=REFERENCE, cost=True)
    frame = pd.DataFrame({"user": users, "item": items, "hour": hour})
    cases = [Case(name, timed(table_of(make, frame, y)), n) for name, make in TABLES.items()]
    report("partial_fit", cases, options.repeats, reference="BiasedMF()", cost=True)


if __name__ == "__main__":
    main()
