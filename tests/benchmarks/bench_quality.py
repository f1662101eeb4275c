"""Test-then-learn quality on real ratings: RMSE, and HitRate@10 of ratings of 4 and more.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it
``movielens-100k/interactions.csv.gz`` and ``movielens-latest-small-2018/interactions.csv.gz`` with the
columns user, item, rating and timestamp, in the order of the stream.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
import numpy as np
from river import base, optim, reco
from sklearn.model_selection import KFold

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.model_selection import progressive_validate
from skl_increc.neighbors import RatingItemKNN, SlopeOne

SETS = ("movielens-100k", "movielens-latest-small-2018")
GOALS = {
    "RMSE": "Baseline() .962, Baseline(drift=...) .950, BiasedMF() .945, KalmanMF() .941; "
    "2018: BiasedMF() .865, KalmanMF() .860",
    "HitRate": "Popularity() .087 on movielens-100k",
}


class FromDict(base.Regressor):
    """A model of ``river.reco`` that takes its ids out of the dict, with its predictions clipped."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def learn_one(self, x: dict, y: float) -> None:
        """Learn one event."""
        self.model.learn_one(x["user"], x["item"], y)

    def predict_one(self, x: dict) -> float:
        """The rating of one pair, within the scale."""
        return min(max(self.model.predict_one(x["user"], x["item"]), 0.5), 5.0)


def documented() -> Any:
    """River's BiasedMF with the settings of its documentation."""
    return reco.BiasedMF(
        n_factors=10,
        bias_optimizer=optim.SGD(0.025),
        latent_optimizer=optim.SGD(0.05),
        weight_initializer=optim.initializers.Zeros(),
        latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.1, seed=73),
        l2_bias=0.0,
        l2_latent=0.0,
    )


def rating_models() -> dict[str, Any]:
    """What predicts ratings."""
    return {
        "Baseline()": Baseline(),
        "Baseline(drift=0.003)": Baseline(drift=0.003),
        "BiasedMF()": BiasedMF(),
        "BiasedMF(n_factors=16)": BiasedMF(n_factors=16),
        "BiasedMF(replay=1)": BiasedMF(replay=1),
        "KalmanMF()": KalmanMF(),
        'KalmanMF(covariance="full")': KalmanMF(covariance="full"),
        'KalmanMF(time_col="timestamp")': KalmanMF(time_col="timestamp"),
        'BiasedMF(implicit="history")': BiasedMF(implicit="history"),
        "RatingItemKNN()": RatingItemKNN(),
        "RatingItemKNN(max_history=50)": RatingItemKNN(max_history=50),
        "SlopeOne()": SlopeOne(),
        "SlopeOne(max_history=50)": SlopeOne(max_history=50),
        "River BiasedMF, documented": FromDict(documented()),
        "River BiasedMF, stock": FromDict(reco.BiasedMF(seed=0)),
        "River Baseline, stock": FromDict(reco.Baseline()),
    }


def ranking_models() -> dict[str, Any]:
    """What makes lists."""
    return {"Popularity()": Popularity(), "Popularity(half_life=20_000)": Popularity(half_life=20_000)}


#: random folds: settings found by a random search inside the training part of the first fold
PASSES: dict[str, dict[str, Any]] = {
    "BiasedMF(), one pass": {},
    "BiasedMF, 50 passes": {
        "n_factors": 16, "n_epochs": 50, "learning_rate": 0.023, "learning_rate_bias": 0.028,
        "l2": 0.078, "l2_bias": 0.011, "init_scale": 0.03,
    },
    "BiasedMF, 50 passes, sgd": {
        "n_factors": 16, "n_epochs": 50, "optimizer": "sgd", "learning_rate": 0.0094,
        "learning_rate_bias": 0.0117, "l2": 0.059, "l2_bias": 0.039, "init_scale": 0.022,
    },
    "BiasedMF, 10 passes, recent items": {
        "n_factors": 32, "n_epochs": 10, "implicit": "history", "implicit_size": 100, "learning_rate": 0.055,
        "learning_rate_bias": 0.04, "l2": 0.054, "l2_bias": 0.068, "init_scale": 0.024,
    },
}  # fmt: skip


def folds(frame: Any) -> None:
    """RMSE of five random folds, each learned in a random order, and the seconds that learning takes."""
    X, y = frame[["user", "item"]], frame["rating"].to_numpy(float)
    print("\nRMSE of each of five random folds, the mean of all, seconds of fit")
    for name, params in PASSES.items():
        errors, seconds = [], []
        for train, test in KFold(5, shuffle=True, random_state=0).split(X):
            train = np.random.default_rng(7).permutation(train)
            model, start = BiasedMF(history=0, clip_to_range=True, **params), time.process_time()
            model.fit(X.iloc[train], y[train])
            seconds.append(time.process_time() - start)
            errors.append(float(np.sqrt(np.mean((model.predict(X.iloc[test]) - y[test]) ** 2))))
        print(
            f"{name:36}", *(f"{e:.4f}" for e in errors), f" {np.mean(errors):.4f} {np.mean(seconds):6.2f} s"
        )


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    if folder is None or pandas is None:
        print("skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return
    for name in SETS[:1] if options.quick else SETS:
        path = Path(folder) / name / "interactions.csv.gz"
        if not path.exists():
            print(f"skipped {name}: {path} does not exist")
            continue
        frame = pandas.read_csv(path)
        folds(frame)
        for task, models, more in (
            ("rating", rating_models(), {"metrics": ["rmse", "mae"]}),
            ("ranking", ranking_models(), {"k": 10, "min_y": 4}),
        ):
            result = progressive_validate(
                models, frame, task=task, ties="order", step=0, verbose=False, **more
            )
            print(f"\n{name}, {task}\n{result}")
    print("\nto reach:", "; ".join(f"{metric}: {goal}" for metric, goal in GOALS.items()))


if __name__ == "__main__":
    main()
