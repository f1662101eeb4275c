"""Random 5-fold cross-validation of ML-100K: ours in one pass and in several, Surprise's in its own.

The folds are the same for all; predictions are kept within 1 to 5, as Surprise does it.  Seconds are CPU
seconds to train one fold: ours from arrays of ids to the model, theirs without building their tables.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from timing import arguments

# isort: split
import numpy as np
from sklearn.base import clone
from surprise_peer import ask_surprise, ratings, write_tsv

from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.neighbors import RatingItemKNN, SlopeOne

#: found on a tenth of the training part of the first fold, by 180 random draws
TUNED: dict[str, Any] = {
    "n_factors": 160,
    "optimizer": "sgd",
    "learning_rate": 0.009,
    "learning_rate_bias": 0.003,
    "l2": 0.05,
    "l2_bias": 0.008,
    "init_scale": 0.006,
}
THEIRS = ("BaselineOnly", "SlopeOne", "KNNBaseline", "SVD", "SVDpp")


def ours() -> dict[str, Any]:
    """Rating models for data without an order: nothing drifts."""
    return {
        "Baseline(), one pass": Baseline(),
        "BiasedMF(), one pass": BiasedMF(),
        "KalmanMF(drift=0), one pass": KalmanMF(drift=0),
        "SlopeOne(), one pass": SlopeOne(),
        "RatingItemKNN(), one pass": RatingItemKNN(),
        "BiasedMF, tuned, 50 passes": BiasedMF(n_epochs=50, **TUNED),
    }


def measure(
    model: Any, X: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[float, float]:
    """Sum of squared errors, and CPU seconds of ``fit``."""
    model = clone(model)
    start = time.process_time()
    model.fit(X[train], y[train])
    seconds = time.process_time() - start
    said = np.clip(model.predict(X[test]), 1, 5)
    return float(((said - y[test]) ** 2).sum()), seconds


def main() -> None:
    """Print the table."""
    options = arguments(__doc__ or "")
    frame = ratings("movielens-100k")
    if frame is None:
        return
    X, y = frame[["user", "item"]].to_numpy(), frame["rating"].to_numpy(float)
    fold = np.random.default_rng(0).permutation(len(y)) % 5
    used = range(1 if options.quick else 5)
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, model in ours().items():
        rows[name] = [
            measure(model, X, y, np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in used
        ]
    with tempfile.TemporaryDirectory() as folder:
        for f in used:
            write_tsv(Path(folder) / f"train{f}.tsv", frame, np.flatnonzero(fold != f))
            write_tsv(Path(folder) / f"test{f}.tsv", frame, np.flatnonzero(fold == f))
        said = ask_surprise("folds", Path(folder), THEIRS[:4] if options.quick else THEIRS)
    for name, found in (said or {}).items():
        rows[f"Surprise {name}()"] = [(each["squares"], each["seconds"]) for each in found]
    sizes = [int((fold == f).sum()) for f in used]
    print(f"\nML-100K, {len(sizes)} of 5 random folds\n{'model':40} {'RMSE':>7} {'folds':>15} {'s/fold':>8}")
    for name, found in sorted(rows.items(), key=lambda row: sum(s for s, _ in row[1])):
        each = [(squares / n) ** 0.5 for (squares, _), n in zip(found, sizes, strict=True)]
        spread = f"{min(each):.4f} - {max(each):.4f}"
        print(f"{name:40} {np.mean(each):7.4f} {spread:>15} {np.median([s for _, s in found]):8.3f}")


if __name__ == "__main__":
    main()
