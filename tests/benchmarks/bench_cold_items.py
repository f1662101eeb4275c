"""HitRate@10 of events on items with fewer than three earlier events: what features of the items add.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it ``movielens-100k``, ``online-retail``
and ``movielens-latest-small-2018``, each with ``interactions.csv.gz`` and ``items.csv.gz``.  Features: TF-IDF of the
descriptions of goods; genres, half-decades and words of the titles of films.  First events of each pair alone; films
rated 4 and more.

The whole catalogue is on the shelves from the beginning: models with features are told all of them before the first
event, so that an item competes with all others of the catalogue, sold or not, before it is sold first.  (An item that
became known with its first event would give itself away: what came last into the catalogue is what is asked for.)
Models of ids alone know an item from its first event on, and miss that one.  All events are learned one by one,
and all those on new items are asked for just before.  `new of new`: in a sample of 1,500, among the new items alone.
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
from skl_increc.factorization import BPR, FactorizationMachineRecommender
from skl_increc.neighbors import ItemKNN

NO_GOODS = "POSTAGE|CARRIAGE|MANUAL|BANK CHARGES|DISCOUNT|CRUK"
NEW = 3  # events from which an item is no longer new
PLACES = 2  # of ten, that are kept for new items
IDS_ALONE = ("machine, ids alone",)
MIXED = "eight of ItemKNN, two new"


def models() -> dict[str, Any]:
    """Library defaults."""
    return {
        "Popularity()": Popularity(),
        "ItemKNN()": ItemKNN(),
        "BPR()": BPR(),
        "ColdStartMap(BPR())": ColdStartMap(BPR()),
        "machine, ids alone": FactorizationMachineRecommender(),
        "machine with features": FactorizationMachineRecommender(),
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


def films(pandas: Any, folder: Path, name: str = "movielens-latest-small-2018") -> tuple[Any, Any, Any]:
    """Ratings of 4 and more, ids of the items, and their features."""
    frame = pandas.read_csv(folder / name / "interactions.csv.gz")
    items = pandas.read_csv(folder / name / "items.csv.gz")
    items[["title", "genres"]] = items[["title", "genres"]].fillna("")
    genres = normalize(CountVectorizer(token_pattern="[^|]+").fit_transform(items["genres"]).astype(float))
    years = items["title"].str.extract(r"\((\d{4})\)")[0].fillna("0").astype(int)
    years = sparse.csr_matrix(pandas.get_dummies(years // 5).to_numpy(float))
    words = TfidfVectorizer(min_df=3).fit_transform(items["title"])
    features = sparse.hstack([genres, 0.5 * years, 0.5 * words]).tocsr()
    return frame[frame["rating"] >= 4], items["item"].to_numpy(), features


def older_films(pandas: Any, folder: Path) -> tuple[Any, Any, Any]:
    """The same of ML-100K."""
    return films(pandas, folder, "movielens-100k")


def asked_of(frame: Any, n: int) -> dict[int, tuple[int, bool]]:
    """Event -> its item's earlier events (3: and more), and whether it is asked among new items alone, too.

    All events on new items, but at most `n` (0: all) where that is wanted, and 1,500 of the others.
    """
    earlier = np.minimum(frame.groupby("item").cumcount().to_numpy(), NEW)
    rng = np.random.default_rng(0)
    young, others = np.flatnonzero(earlier < NEW), np.flatnonzero(earlier == NEW)
    if n:
        young = np.sort(rng.choice(young, min(n, len(young)), replace=False))
    others = rng.choice(others, min(n or 1500, len(others)), replace=False)
    among = set(rng.choice(young, min(1500, len(young)), replace=False).tolist())
    return {at: (int(earlier[at]), at in among) for at in np.sort(np.concatenate([young, others])).tolist()}


def hit_rates(name: str, load: Any, pandas: Any, folder: Path, n: int) -> None:
    """Print a table."""
    frame, items, features = load(pandas, folder)
    frame = frame.drop_duplicates(["user", "item"]).reset_index(drop=True)
    users, taken = frame["user"].tolist(), frame["item"].tolist()
    asked, told = asked_of(frame, n), models()
    for label, model in told.items():
        if label not in IDS_ALONE and hasattr(model, "set_item_features"):
            model.set_item_features(items, features)
    hits: dict[str, list[tuple[int, int, bool]]] = {label: [] for label in [*told, MIXED]}
    among: dict[str, list[bool]] = {label: [] for label in told}
    counts, done = dict.fromkeys(items.tolist(), 0), 0
    for at, (age, sampled) in asked.items():
        for user, item in zip(users[done:at], taken[done:at], strict=True):
            counts[item] += 1
            for model in told.values():
                model.learn_one({"user": user, "item": item})
        done, user, item = at, users[at], taken[at]
        for label, model in told.items():
            hits[label].append((at, age, item in model.recommend_one(user, 10)))
        if sampled or age == NEW:
            new = [i for i, c in counts.items() if c < NEW]
            both = told["ContentRidge()"].recommend_one(user, PLACES, candidates=new)
            both += told["ItemKNN()"].recommend_one(user, 10 - PLACES)
            hits[MIXED].append((at, age, item in both))
        if sampled:
            for label, model in told.items():
                among[label].append(item in model.recommend_one(user, 10, candidates=new))
    print(
        f"{name}: {len(frame):,} events, {len(items):,} items, {sum(a < NEW for a, _ in asked.values()):,} on new ones"
    )
    print(
        f"{'HitRate@10':34s}{'new':>8s}{'0':>6s}{'1':>6s}{'2':>6s}{'first fifth':>14s}{'rest':>8s}"
        f"{'others':>9s}{'new of new':>12s}"
    )
    for label, found in hits.items():
        at, age, hit = np.array(found, dtype=int).T
        young, early = age < NEW, at < len(frame) / 5
        parts = [hit[young].mean(), *(hit[age == a].sum() for a in range(NEW))]
        parts += [hit[young & early].mean(), hit[young & ~early].mean(), hit[~young].mean()]
        last = f"{np.mean(among[label]):12.4f}" if among.get(label) else ""
        print(
            f"{label:34s}{parts[0]:8.4f}{parts[1]:6d}{parts[2]:6d}{parts[3]:6d}{parts[4]:14.4f}{parts[5]:8.4f}{parts[6]:9.4f}{last}",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    if folder is None or pandas is None:
        print("skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return
    for name, load in (("ML-100K", older_films), ("online-retail", goods), ("latest-small-2018", films)):
        hit_rates(name, load, pandas, Path(folder), 150 if options.quick else 0)


if __name__ == "__main__":
    main()
