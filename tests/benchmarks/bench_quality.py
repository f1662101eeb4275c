"""Test-then-learn quality on real ratings: RMSE, and HitRate@10 of ratings of 4 and more.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it
``movielens-100k/interactions.csv.gz`` and ``movielens-latest-small-2018/interactions.csv.gz`` with the
columns user, item, rating and timestamp, in the order of the stream.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
from river import base, optim, reco

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.model_selection import progressive_validate

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
        "KalmanMF()": KalmanMF(),
        'KalmanMF(covariance="full")': KalmanMF(covariance="full"),
        'KalmanMF(time_col="timestamp")': KalmanMF(time_col="timestamp"),
        "River BiasedMF, documented": FromDict(documented()),
        "River BiasedMF, stock": FromDict(reco.BiasedMF(seed=0)),
        "River Baseline, stock": FromDict(reco.Baseline()),
    }


def ranking_models() -> dict[str, Any]:
    """What makes lists."""
    return {"Popularity()": Popularity(), "Popularity(half_life=20_000)": Popularity(half_life=20_000)}


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
