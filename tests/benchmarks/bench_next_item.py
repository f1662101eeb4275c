"""HitRate@10 of the next item: counts, rules, sessions, neighbours and EASE, on films and on a shop.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it
``movielens-100k/interactions.csv.gz`` and ``online-retail/interactions.csv.gz`` (and ``items.csv.gz``, where
lines without goods, as postage, are found by their description).  Every event is asked for, then learned;
events of one user at one time are all asked before any is learned, but for the table that says otherwise.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
from skl_increc.baselines import Popularity
from skl_increc.linear import EASE
from skl_increc.model_selection import progressive_validate
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

PURCHASES = 60_000  # of the shop, the first
NO_GOODS = ["POSTAGE", "DOTCOM POSTAGE", "CARRIAGE", "NEXT DAY CARRIAGE", "MANUAL", "BANK CHARGES"]


def models() -> dict[str, Any]:
    """Library defaults, and the question with the last items first that suits EASE in a stream."""
    return {
        "Popularity()": Popularity(),
        "SequentialRules()": SequentialRules(),
        "SessionKNN()": SessionKNN(),
        "ItemKNN()": ItemKNN(),
        "EASE()": EASE(),
        "EASE(recency=0.9)": EASE(recency=0.9),
    }


def films(pandas: Any, folder: Path) -> Any:
    """Ratings of 4 and more."""
    frame = pandas.read_csv(folder / "movielens-100k" / "interactions.csv.gz")
    return frame[frame["rating"] >= 4][["user", "item", "rating", "timestamp"]]


def purchases(pandas: Any, folder: Path) -> Any:
    """Lines of invoices that are goods, and no returns."""
    frame = pandas.read_csv(folder / "online-retail" / "interactions.csv.gz")
    names = pandas.read_csv(folder / "online-retail" / "items.csv.gz")
    named = names["description"].str.upper().isin(NO_GOODS)
    frame = frame[(frame["event"] == "purchase") & ~frame["item"].isin(names["item"][named])]
    return frame[["user", "item", "rating", "timestamp"]].head(PURCHASES)


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    if folder is None or pandas is None:
        print("skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return
    for title, read, settings in (
        ("films, new items only", films, {}),
        ('films, new items only, ties="order"', films, {"ties": "order"}),
        ("purchases, new items only", purchases, {}),
        ("purchases, repeats too (exclude_seen=False)", purchases, {"exclude_seen": False}),
    ):
        data = read(pandas, Path(folder))
        if options.quick:
            data = data.head(10_000)
        result = progressive_validate(
            models(), data, task="ranking", metrics="hit_rate", k=10, time_col="timestamp", step=0,
            verbose=False, **settings,
        )  # fmt: skip
        print(f"\n{title}: {len(data):,} events\n{result}", flush=True)


if __name__ == "__main__":
    main()
