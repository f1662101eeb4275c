"""``HistoryFeatures`` event by event and by the table; boosted trees on histories and scores, if there is data."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from streams import as_dicts, movielens_shaped

from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF
from skl_increc.preprocessing import HistoryFeatures, ModelScores

DAYS = 200
#: tuned on the first fifth of ML-100K, with the share of the trees in the blend
TREES = {"max_iter": 100, "learning_rate": 0.05, "max_leaf_nodes": 16, "min_samples_leaf": 200}
SHARE, EVERY = 0.5, 4000


def stream(events: list, **params: Any) -> Callable[[], Callable[[], Any]]:
    """``transform_one``, then ``learn_one``, of every event."""

    def prepare() -> Callable[[], Any]:
        model = HistoryFeatures(**params)

        def work() -> None:
            transform, learn = model.transform_one, model.learn_one
            for x, y in events:
                transform(x)
                learn(x, y)

        return work

    return prepare


def speed(n: int, repeats: int) -> None:
    """Print the cost of an event."""
    times = np.linspace(0, DAYS * 86400, n).tolist()
    events = [
        ({**x, "timestamp": t}, y) for (x, y), t in zip(as_dicts(*movielens_shaped(n)), times, strict=True)
    ]
    cases = [
        Case("3 windows, 2 keys, all 26 features", timed(stream(events)), n),
        Case("3 windows, 2 keys, count and mean", timed(stream(events, stats=("count", "mean"))), n),
        Case(
            "1 window, 2 keys, count and mean",
            timed(stream(events, windows=("30d",), stats=("count", "mean"))),
            n,
        ),
    ]
    report(
        "HistoryFeatures: transform_one and learn_one",
        cases,
        repeats,
        reference=cases[0].name,
        goal="at most 5 us an event with 3 windows and 2 keys",
    )


def quality() -> None:
    """Print RMSE along ML-100K: each rating is predicted, then learned."""
    folder = os.environ.get("SKL_INCREC_DATA")
    if folder is None:
        print("RMSE along ML-100K: left out, SKL_INCREC_DATA is not set")
        return
    with gzip.open(Path(folder) / "movielens-100k" / "interactions.csv.gz", "rt") as file:
        rows = np.array(list(csv.reader(file))[1:], dtype=np.float64)
    X, y = rows[:, [0, 1, 3]], rows[:, 2]
    history = HistoryFeatures(windows=("1h", "10d", "100d")).fit_transform(X, y)
    scores = ModelScores([("bias", Baseline()), ("mf", BiasedMF())]).fit_transform(X, y)
    features, mf = np.hstack([history, scores]), scores[:, 1]
    trees = mf.copy()
    for start in range(1000, len(y), EVERY):
        now = slice(start, start + EVERY)
        model = HistGradientBoostingRegressor(**TREES, l2_regularization=50, random_state=0)
        trees[now] += model.fit(features[:start], (y - mf)[:start]).predict(features[now])
    print("RMSE along ML-100K")
    for name, predicted in (
        ("Baseline()", scores[:, 0]),
        ("BiasedMF()", mf),
        ("trees on histories and both scores", trees),
        ("blend of BiasedMF() and the trees", SHARE * trees + (1 - SHARE) * mf),
    ):
        print(f"  {name:36} {np.sqrt(np.mean((predicted - y) ** 2)):.4f}")


def main() -> None:
    """Print both."""
    options = arguments(__doc__ or "")
    speed(20_000 if options.quick else 100_000, options.repeats)
    if not options.quick:
        quality()


if __name__ == "__main__":
    main()
