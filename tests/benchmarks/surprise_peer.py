"""Ratings for Surprise and its answers, through files: it lives in an environment with numpy below 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from timing import peer

# isort: split
import numpy as np

__all__ = ["ask_surprise", "ratings", "write_tsv"]

WORKER = Path(__file__).with_name("surprise_worker.py")


def ratings(name: str) -> Any:
    """Frame of user, item, rating in the order of the stream; None, and a line, where there is none."""
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    path = Path(folder or "") / name / "interactions.csv.gz"
    if folder is None or pandas is None or not path.exists():
        print(f"skipped {name}: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return None
    return pandas.read_csv(path)[["user", "item", "rating"]]


def write_tsv(path: Path, frame: Any, rows: np.ndarray | slice = slice(None)) -> None:
    """These rows as lines of user, item, rating."""
    frame.iloc[rows].to_csv(path, sep="\t", header=False, index=False)


def ask_surprise(work: str, folder: Path, models: Sequence[str] = ()) -> Any:
    """The worker's answer; None, and a line, where there is no Surprise.

    SURPRISE_PYTHON names the interpreter of the environment that has it.
    """
    python = os.environ.get("SURPRISE_PYTHON", sys.executable)
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    env = {**os.environ, **one_thread}
    if subprocess.run(
        [python, "-c", "import surprise"], capture_output=True, env=env, check=False
    ).returncode:
        print(
            f'skipped Surprise: {python} has none. pip install "numpy<2" scikit-surprise in an environment of its '
            "own, and name its python by SURPRISE_PYTHON"
        )
        return None
    command = [python, str(WORKER), work, str(folder), *models]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=env, check=True)
    return json.loads(done.stdout.splitlines()[-1])
