"""HitRate@10 of events on items with fewer than three earlier events: what features of the items add.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it ``online-retail`` and
``movielens-latest-small-2018``, each with ``interactions.csv.gz`` and ``items.csv.gz``.  Features: TF-IDF of the
descriptions of goods; genres, half-decades and words of the titles of films.  They are known of the whole catalogue
from the beginning, also of what is sold months later.  First events of each pair alone; films rated 4 and more.
Models learn all events, and are asked before a sample of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize

from skl_increc.baselines import Popularity
from skl_increc.compose import ColdStartMap
from skl_increc.content import ContentRidge, Rocchio
from skl_increc.factorization import BPR
from skl_increc.neighbors import ItemKNN

NO_GOODS = "POSTAGE|CARRIAGE|MANUAL|BANK CHARGES|DISCOUNT|CRUK"
NEW = 3  # events from which an item is no longer new
PLACES = 2  # of ten, that are kept for new items


def models() -> dict[str, Any]:
    """Library defaults."""
    return {
        "Popularity()": Popularity(),
        "ItemKNN()": ItemKNN(),
        "BPR()": BPR(),
        "ColdStartMap(BPR(), refresh=20_000)": ColdStartMap(BPR(), refresh=20_000),
        "Rocchio()": Rocchio(),
        "ContentRidge()": ContentRidge(),
    }


def goods(pandas: Any, folder: Path) -> tuple[Any, Any, Any]:
    """Purchases, ids of the items, and their features."""
    frame = pandas.read_csv(folder / "online-retail" / "interactions.csv.gz")
    items = pandas.read_csv(folder / "online-retail" / "items.csv.gz")
    items["description"] = items["description"].fillna("")
    none = items["item"][items["description"].str.contains(NO_GOODS, case=False)]
    frame = frame[(frame["event"] == "purchase") & ~frame["item"].isin(none)]
    return frame, items["item"].to_numpy(), TfidfVectorizer().fit_transform(items["description"])


def films(pandas: Any, folder: Path) -> tuple[Any, Any, Any]:
    """Ratings of 4 and more, ids of the items, and their features."""
    frame = pandas.read_csv(folder / "movielens-latest-small-2018" / "interactions.csv.gz")
    items = pandas.read_csv(folder / "movielens-latest-small-2018" / "items.csv.gz")
    items[["title", "genres"]] = items[["title", "genres"]].fillna("")
    genres = normalize(CountVectorizer(token_pattern="[^|]+").fit_transform(items["genres"]).astype(float))
    years = items["title"].str.extract(r"\((\d{4})\)")[0].fillna("0").astype(int)
    years = sparse.csr_matrix(pandas.get_dummies(years // 5).to_numpy(float))
    words = TfidfVectorizer(min_df=3).fit_transform(items["title"])
    return (
        frame[frame["rating"] >= 4],
        items["item"].to_numpy(),
        sparse.hstack([genres, 0.5 * years, 0.5 * words]).tocsr(),
    )


def hit_rates(frame: Any, items: Any, features: Any, n: int) -> None:
    """Print a table."""
    frame = frame.drop_duplicates(["user", "item"]).reset_index(drop=True)
    events = frame[["user", "item"]].to_numpy()
    earlier = frame.groupby("item").cumcount().to_numpy()
    rng = np.random.default_rng(0)
    asked: dict[int, int] = {}
    for kind, pool in enumerate((np.flatnonzero(earlier < NEW), np.flatnonzero(earlier >= NEW))):
        asked |= dict.fromkeys(rng.choice(pool, min(n, len(pool)), replace=False).tolist(), kind)
    told = models()
    for model in told.values():
        if hasattr(model, "set_item_features"):
            model.set_item_features(items, features)
    hits: dict[str, list[list[bool]]] = {name: [[], [], []] for name in [*told, "eight and two"]}
    counts = dict.fromkeys(items.tolist(), 0)
    done = 0
    for at in sorted(asked):
        for model in told.values():
            if at > done:
                model.partial_fit(events[done:at])
        for _, item in events[done:at].tolist():
            counts[item] += 1
        done = at
        user, item = events[at].tolist()
        new = [i for i, c in counts.items() if c < NEW]
        for name, model in told.items():
            hits[name][asked[at]].append(item in model.recommend_one(user, 10))
            if asked[at] == 0:
                hits[name][2].append(item in model.recommend_one(user, 10, candidates=new))
        both = told["ContentRidge()"].recommend_one(user, PLACES, candidates=new)
        both += told["ItemKNN()"].recommend_one(user, 10 - PLACES)
        hits["eight and two"][asked[at]].append(item in both)
    print(f"{len(events):,} events, {len(items):,} items; asked before {n} events of each kind at the most")
    print(f"{'HitRate@10':36s} {'new items':>10s} {'other items':>12s} {'new among new':>14s}")
    for name, (young, others, among) in hits.items():
        last = f"{np.mean(among):14.4f}" if among else ""
        print(f"{name:36s} {np.mean(young):10.4f} {np.mean(others):12.4f} {last}", flush=True)


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    if folder is None or pandas is None:
        print("skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return
    for load in (goods, films):
        hit_rates(*load(pandas, Path(folder)), 150 if options.quick else 1500)


if __name__ == "__main__":
    main()
