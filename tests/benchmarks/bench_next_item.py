"""HitRate@10 of the next item: single models and blends of them, on films and on a shop.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it
``movielens-100k/interactions.csv.gz``, ``movielens-latest-small-2018/interactions.csv.gz`` and
``online-retail/interactions.csv.gz`` (and ``items.csv.gz``, where lines without goods, as postage, are found by
their description).  Every event is asked for, then learned; events of one user at one time are all asked before any
is learned, but for the tables that say otherwise.  The last tables are those of ``cold_start``, by how many events a
user had had.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
from skl_increc.baselines import Popularity
from skl_increc.compose import Blend
from skl_increc.factorization import BPR, ImplicitALS
from skl_increc.linear import EASE
from skl_increc.model_selection import progressive_validate
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

SMALL = "movielens-latest-small-2018"
PURCHASES = 60_000  # of the shop, the first
NO_GOODS = ["POSTAGE", "DOTCOM POSTAGE", "CARRIAGE", "NEXT DAY CARRIAGE", "MANUAL", "BANK CHARGES"]


def models() -> dict[str, Any]:
    """Library defaults, the question with the last items first that suits EASE in a stream, and blends."""
    return {
        "Popularity()": Popularity(),
        'Popularity("auto")': Popularity(half_life="auto"),
        "SequentialRules()": SequentialRules(),
        "SessionKNN()": SessionKNN(),
        "ItemKNN()": ItemKNN(),
        "EASE()": EASE(),
        "EASE(recency=0.9)": EASE(recency=0.9),
        "BPR()": BPR(),
        "ImplicitALS()": ImplicitALS(),
        "Blend()": Blend(),
        "Blend, and ImplicitALS": Blend([*five(), ("squares", ImplicitALS())]),
        "Blend, and EASE": Blend([*five(), ("squares", ImplicitALS()), ("linear", EASE())]),
    }


def five() -> list[tuple[str, Any]]:
    """What ``Blend()`` is made of."""
    return [
        ("popular", Popularity(half_life="auto", history=0)),
        ("alike", ItemKNN()),
        ("rules", SequentialRules()),
        ("sessions", SessionKNN()),
        ("factors", BPR()),
    ]


def cold_models() -> dict[str, Any]:
    """The same models with either answer to strangers."""
    found: dict[str, Any] = {"Popularity()": Popularity(), "Popularity('auto')": Popularity(half_life="auto")}
    for model in (BPR(), ImplicitALS(solver="cg"), ItemKNN(), SequentialRules(), SessionKNN()):
        for how in ("popular", "recent"):
            found[f"{type(model).__name__}, {how}"] = model.clone().set_params(cold_start=how)
    return found


def films(pandas: Any, folder: Path, name: str = "movielens-100k") -> Any:
    """Ratings of 4 and more."""
    frame = pandas.read_csv(folder / name / "interactions.csv.gz")
    return frame[frame["rating"] >= 4][["user", "item", "rating", "timestamp"]]


def purchases(pandas: Any, folder: Path) -> Any:
    """Lines of invoices that are goods, and no returns."""
    frame = pandas.read_csv(folder / "online-retail" / "interactions.csv.gz")
    names = pandas.read_csv(folder / "online-retail" / "items.csv.gz")
    named = names["description"].str.upper().isin(NO_GOODS)
    frame = frame[(frame["event"] == "purchase") & ~frame["item"].isin(names["item"][named])]
    return frame[["user", "item", "rating", "timestamp"]].head(PURCHASES)


def cold(pandas: Any, folder: Path, quick: bool) -> None:
    """Print the tables of ``cold_start``."""
    for title, read in (
        ("films", films),
        ("later films", partial(films, name=SMALL)),
        ("purchases", purchases),
    ):
        data = read(pandas, folder)
        result = progressive_validate(
            cold_models(), data.head(10_000) if quick else data, task="ranking", metrics="hit_rate", k=10,
            time_col="timestamp", step=0, verbose=False,
        )  # fmt: skip
        print(f"\ncold_start, {title}: {len(data):,} events\n{result}")
        print(result.groups("activity", metrics=["hit_rate"], edges=[0, 1, 2, 3]), flush=True)


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
        ("films of another collection, in order", partial(films, name=SMALL), {"ties": "order"}),
        ("purchases, new items only", purchases, {}),
        ('purchases, new items only, ties="order"', purchases, {"ties": "order"}),
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
    cold(pandas, Path(folder), options.quick)


if __name__ == "__main__":
    main()
