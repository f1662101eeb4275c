"""River's own loop: ``evaluate.progressive_val_score`` with ``BiasedMF`` against its floor, a mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
from river import dummy, evaluate, metrics, preprocessing, reco, stats
from streams import as_dicts, movielens_shaped

from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF

FLOOR = "dummy.StatisticRegressor(stats.Mean()): River's floor"


def run(stream: list, model: Callable[[], Any]) -> Callable[[], Callable[[], Any]]:
    """The whole loop with a fresh model."""

    def prepare() -> Callable[[], Any]:
        fresh = model()
        return lambda: evaluate.progressive_val_score(stream, fresh, metrics.RMSE())

    return prepare


def clipped_river() -> Any:
    """River's model in the way that its documentation shows."""
    return preprocessing.PredClipper(regressor=reco.BiasedMF(n_factors=16, seed=0), y_min=1, y_max=5)


def main() -> None:
    """Print the table."""
    options = arguments(__doc__ or "")
    events = as_dicts(*movielens_shaped(20_000 if options.quick else 100_000))
    triples = [({}, y, {"user": x["user"], "item": x["item"]}) for x, y in events]
    cases = [
        Case(FLOOR, timed(run(events, lambda: dummy.StatisticRegressor(stats.Mean()))), len(events)),
        Case("BiasedMF(n_factors=16)", timed(run(events, lambda: BiasedMF(n_factors=16))), len(events)),
        Case(
            "BiasedMF(n_factors=16, history=0)",
            timed(run(events, lambda: BiasedMF(n_factors=16, history=0))),
            len(events),
        ),
        Case("Baseline()", timed(run(events, Baseline)), len(events)),
        Case(
            "River PredClipper(BiasedMF(n_factors=16)), triples",
            timed(run(triples, clipped_river)),
            len(events),
        ),
    ]
    report(
        "progressive_val_score with RMSE",
        cases,
        options.repeats,
        reference=FLOOR,
        cost=True,
        goal="BiasedMF at most 2.5 times the floor",
    )


if __name__ == "__main__":
    main()
