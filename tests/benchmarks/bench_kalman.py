"""``KalmanMF``: time per event by one, in a batch and for a standard deviation; ``BiasedMF`` beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
import numpy as np
from streams import as_dicts, movielens_shaped

from skl_increc.factorization import BiasedMF, KalmanMF

REFERENCE = "BiasedMF()"
MODELS: dict[str, Callable[[], Any]] = {
    REFERENCE: BiasedMF,
    "KalmanMF()": KalmanMF,
    'KalmanMF(time_col="time")': lambda: KalmanMF(time_col="time"),
    'KalmanMF(covariance="full")': lambda: KalmanMF(covariance="full"),
    "KalmanMF(32)": lambda: KalmanMF(32),
}


def one_by_one(make: Callable[[], Any], events: list) -> Callable[[], Callable[[], Any]]:
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


def asked(model: Any, how: str, events: list) -> Callable[[], Callable[[], Any]]:
    """Ask a trained model about every pair."""

    def work() -> None:
        ask = getattr(model, how)
        for x, _ in events:
            ask(x)

    return lambda: work


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    users, items, y = movielens_shaped(20_000 if options.quick else 100_000)
    n = len(y)
    dicts = [({**x, "time": float(t)}, target) for t, (x, target) in enumerate(as_dicts(users, items, y))]
    cases = [Case(name, timed(one_by_one(make, dicts)), n) for name, make in MODELS.items()]
    goal = "KalmanMF() at most 1.0 us one by one, 0.3 us in a batch"
    report("learn_one(dict)", cases, options.repeats, reference=REFERENCE, cost=True, goal=goal)
    X = np.column_stack([users, items, np.arange(n)])

    def batch(make: Callable[[], Any]) -> Callable[[], float]:
        def prepare() -> Callable[[], Any]:
            model = make()
            if model.time_col is not None:
                model.set_params(time_col=2)
            return lambda: model.partial_fit(X, y)

        return timed(prepare)

    cases = [Case(name, batch(make), n) for name, make in MODELS.items()]
    report("partial_fit, int64 ids", cases, options.repeats, reference=REFERENCE, cost=True, goal=goal)
    models = {name: one_by_one(MODELS[name], dicts)()() for name in MODELS if name != REFERENCE}
    cases = [
        Case(f"{name}.{how}(dict)", timed(asked(model, how, dicts)), n)
        for name, model in models.items()
        for how in ("predict_one", "predict_one_std")
    ]
    report("answers", cases, options.repeats, reference="KalmanMF().predict_one(dict)", cost=True)


if __name__ == "__main__":
    main()
