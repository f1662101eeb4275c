"""What a stream learner saves: test-then-learn against Surprise's SVD, fitted anew after every 5 % of the stream.

Ours predict each rating and learn it. SVD predicts a block of 5 % by what it learned from all before, and is then
fitted from scratch; the first block is predicted by 3, the middle of the scale, as it has learned nothing. All
predictions are kept within 1 to 5. Seconds are CPU seconds: of ours all of asking and learning, an event at a time from
Python; of SVD ``fit`` alone, less than it costs.

``--figure FILE`` draws errors and seconds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from surprise_peer import ask_surprise, ratings, write_tsv

# isort: split
import numpy as np

from skl_increc.baselines import Baseline
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.neighbors import RatingItemKNN, SlopeOne

THEIRS = "Surprise SVD, refitted 19 times"


def ours() -> dict[str, Any]:
    """Rating models with the library's defaults."""
    return {
        "Baseline(drift=0.002)": Baseline(drift=0.002),
        "BiasedMF()": BiasedMF(),
        "KalmanMF()": KalmanMF(),
        "RatingItemKNN()": RatingItemKNN(),
        "SlopeOne()": SlopeOne(),
    }


def streamed(model: Any, events: list[tuple[Any, Any, float]]) -> tuple[np.ndarray, float]:
    """What a model said of each event before it learned it, and the CPU seconds of all."""
    said = []
    start = time.process_time()
    for user, item, y in events:
        said.append(model.predict_one(user=user, item=item))
        model.learn_one(user=user, item=item, y=y)
    return np.clip(said, 1, 5), time.process_time() - start


def draw(path: str, rows: dict[str, tuple[np.ndarray, float]], y: np.ndarray) -> None:
    """Error over the stream, and error against seconds."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    plt.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "skl_increc"}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    n = np.arange(1, len(y) + 1)
    for name, (said, seconds) in rows.items():
        error = np.sqrt(np.cumsum((said - y) ** 2) / n)
        style = {"color": "black", "lw": 2.2} if name == THEIRS else {}
        (line,) = left.plot(n[2000::500], error[2000::500], label=name, **style)
        right.scatter(seconds, error[-1], color=line.get_color(), s=55, label=name)
        side = {"xytext": (-8, -3), "ha": "right"} if name == THEIRS else {"xytext": (8, -3)}
        right.annotate(name, (seconds, error[-1]), textcoords="offset points", fontsize=8, **side)
    left.set(xlabel="ratings", ylabel="RMSE, so far", title="Error over the stream")
    left.legend(fontsize=8)
    right.set(
        xscale="log", xlabel="CPU seconds for the stream", ylabel="RMSE of the stream", title="Error and cost"
    )
    right.margins(x=0.45)
    figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the first fifth of the stream")
    parser.add_argument("--repeats", type=int, default=1, help="not looked at; all benchmarks take it")
    parser.add_argument("--figure", help="draw into this file")
    options = parser.parse_args()
    frame = ratings("movielens-100k")
    if frame is None:
        return
    frame = frame.iloc[:20_000] if options.quick else frame
    y = frame["rating"].to_numpy(float)
    events = list(zip(frame["user"].tolist(), frame["item"].tolist(), y.tolist(), strict=True))
    rows = {name: streamed(model, events) for name, model in ours().items()}
    with tempfile.TemporaryDirectory() as folder:
        write_tsv(Path(folder) / "stream.tsv", frame)
        said = ask_surprise("refits", Path(folder))
    if said is not None:
        rows[THEIRS] = np.concatenate([np.full(said["step"], 3.0), said["said"]]), sum(said["seconds"])
    print(f"\nML-100K as a stream of {len(y):,} ratings\n{'model':34} {'RMSE':>7} {'seconds':>9}")
    for name, (predicted, seconds) in rows.items():
        print(f"{name:34} {np.sqrt(np.mean((predicted - y) ** 2)):7.4f} {seconds:9.2f}")
    if said is not None:
        late = slice(said["step"], None)
        print("without the first block, for which SVD has nothing to go by:")
        for name, (predicted, _) in rows.items():
            print(f"{name:34} {np.sqrt(np.mean((predicted[late] - y[late]) ** 2)):7.4f}")
    if options.figure:
        draw(options.figure, rows, y)


if __name__ == "__main__":
    main()
