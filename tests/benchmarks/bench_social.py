"""RMSE of users with few ratings, with ties between users and without: FilmTrust, and data where friends are alike.

The folder of the data is named by the environment variable SKL_INCREC_DATA; in it ``filmtrust`` with
``interactions.csv.gz`` (no times: five random orders) and ``trust.csv.gz``.  Each rating is predicted, then learned.
The strength of the ties is chosen on the first fifth of each order, and the table is of all of it.  Below: what the
ties can tell at best, in hindsight.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np

from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.social import SocialMF, TrustSVD

FEW = 5  # ratings from which a user is no longer new
GRID = [SocialMF(social=s, homophily=h) for s in (0.0, 0.3, 3.0) for h in (None, 0.25, 1.0)]


def film_trust(pandas: Any, folder: Path) -> tuple[Any, Any]:
    """Ratings, and ties between users."""
    ratings = pandas.read_csv(folder / "filmtrust" / "interactions.csv.gz")
    ties = pandas.read_csv(folder / "filmtrust" / "trust.csv.gz")
    return ratings, ties[ties["user"] != ties["trusts"]][["user", "trusts"]].to_numpy()


def planted(likeness: float, seed: int = 0) -> tuple[list[tuple[int, int, float]], Any]:
    """A stream of ratings of 800 users in 40 circles who share `likeness` of their taste; four ties each.

    One tie in five goes to anybody.
    """
    rng = np.random.default_rng(seed)
    circle = rng.integers(0, 40, 800)
    taste = np.sqrt(likeness) * rng.normal(size=(40, 5))[circle]
    taste += np.sqrt(1 - likeness) * rng.normal(size=(800, 5))
    items, biases = rng.normal(size=(300, 4)), rng.normal(size=300)
    active = rng.pareto(1.2, 800) + 0.2
    u, i = rng.choice(800, 16_000, p=active / active.sum()), rng.integers(0, 300, 16_000)
    y = 3.5 + 0.4 * (taste[u, 4] + biases[i]) + 0.25 * (taste[u, :4] * items[i]).sum(axis=1)
    y += 0.6 * rng.normal(size=len(y))
    users = np.repeat(np.arange(800), 4)
    near = np.array([rng.choice(np.flatnonzero(circle == circle[user])) for user in users])
    friends = np.where(rng.random(len(users)) < 0.8, near, rng.integers(0, 800, len(users)))
    return list(zip(u.tolist(), i.tolist(), y.tolist(), strict=True)), np.c_[users, friends]


def errors_of(model: Any, events: list, ties: Any) -> tuple[np.ndarray, np.ndarray]:
    """The error of each rating before it was learned, and how many the user had given; also the model learns."""
    if ties is not None:
        model.add_edges(ties[:, 0], ties[:, 1])
    earlier: dict[Any, int] = {}
    errors, counts = [], []
    for user, item, rating in events:
        errors.append(model.predict_one(user=user, item=item) - rating)
        counts.append(earlier.get(user, 0))
        earlier[user] = counts[-1] + 1
        model.learn_one(y=rating, user=user, item=item)
    return np.array(errors), np.array(counts)


def rmses(errors: np.ndarray, counts: np.ndarray, tied: np.ndarray) -> list[float]:
    """Of first ratings, of the first five, of those of users with ties, and of all."""
    parts = [counts == 0, counts < FEW, (counts < FEW) & tied, counts >= 0]
    return [float(np.sqrt(np.mean(np.square(errors[part])))) for part in parts]


def chosen(events: list, ties: Any) -> Any:
    """The best setting by the users with few ratings, on the first fifth."""
    first = events[: len(events) // 5]
    found = [rmses(*errors_of(model.clone(), first, ties), np.ones(len(first), bool))[1] for model in GRID]
    return GRID[int(np.argmin(found))].clone()


def table(streams: list[tuple[list, Any]], tune: bool) -> None:
    """Means and deviations over streams, and the gain of each over BiasedMF within its stream."""
    models = {
        "BiasedMF()": (BiasedMF, False),
        "KalmanMF()": (KalmanMF, False),
        "SocialMF()": (SocialMF, True),
        "SocialMF(homophily=1.0)": (lambda: SocialMF(homophily=1.0), True),
        "TrustSVD()": (TrustSVD, True),
    }
    if tune:
        models["SocialMF, tuned on a fifth"] = (None, True)
    print(f"{'RMSE':28s} {'first':>8s} {'first 5':>16s} {'gain':>15s} {'with ties':>10s} {'all':>8s}")
    base: list[float] = []
    for name, (make, ties_too) in models.items():
        rows, alike = [], []
        for events, ties in streams:
            model = make() if make else chosen(events, ties)
            tied = np.isin([user for user, _, _ in events], ties[:, 0])
            rows.append(rmses(*errors_of(model, events, ties if ties_too else None), tied))
            alike += [model.homophily_] if isinstance(model, SocialMF) else []
        mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        base = base or [row[1] for row in rows]
        gain = [100 * (1 - row[1] / before) for row, before in zip(rows, base, strict=True)]
        told = f"  alike: {np.mean(alike, axis=0).round(2).tolist()}" if alike else ""
        print(
            f"{name:28s} {mean[0]:8.4f} {mean[1]:8.4f} ± {spread[1]:.4f} {np.mean(gain):7.2f} ± {np.std(gain):.2f} %"
            f" {mean[2]:10.4f} {mean[3]:8.4f}{told}",
            flush=True,
        )


def hindsight(ratings: Any, ties: Any) -> None:
    """What friends' ratings could tell, were all of them known before."""
    mean = ratings["rating"].mean()
    items = ratings.groupby("item")["rating"].agg(["sum", "size"])
    left = (
        ratings["rating"]
        - mean
        - ratings["item"].map((items["sum"] - mean * items["size"]) / (items["size"] + 5))
    )
    own = left.groupby(ratings["user"]).mean()
    known = ties[np.isin(ties, own.index).all(axis=1)]
    pairs = own.loc[known[:, 0]].to_numpy(), own.loc[known[:, 1]].to_numpy()
    print(
        f"{len(known)} ties between users with ratings; their biases correlate by {np.corrcoef(*pairs)[0, 1]:.3f}"
    )
    wide = (left - ratings["user"].map(own)).groupby([ratings["user"], ratings["item"]]).mean().unstack()
    at = {user: row for row, user in enumerate(wide.index)}
    rated, values = wide.notna().to_numpy(), wide.fillna(0).to_numpy()
    rng = np.random.default_rng(0)
    u, v = ([at[user] for user in side] for side in known.T)
    found = [_alike(rated, values, u, v)] + [_alike(rated, values, u, rng.permutation(v)) for _ in range(20)]
    print(f"what the biases leave, on items that both rated: {found[0]:.3f} over ties, {np.mean(found[1:]):.3f} ± "
          f"{np.std(found[1:]):.3f} over pairs of the same users at random")  # fmt: skip
    friends = {user: own.loc[known[known[:, 0] == user, 1]].mean() for user in np.unique(known[:, 0])}
    told = ratings["user"].map(friends)
    e, x = left[told.notna()].to_numpy(), told[told.notna()].to_numpy()
    slope = (e @ x) / (x @ x)
    best = 1 - np.sqrt(np.mean((e - slope * x) ** 2) / np.mean(e**2))
    print(
        f"the friends' final biases, with the best slope in hindsight ({slope:.2f}): {100 * best:.2f} % of the RMSE"
    )


def _alike(rated: np.ndarray, values: np.ndarray, u: Any, v: Any) -> float:
    a, b = values[u] * rated[v], values[v] * rated[u]
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def speed(repeats: int) -> None:
    """Microseconds of an event by the number of ties."""
    rng = np.random.default_rng(0)
    X, y = np.c_[rng.integers(0, 5000, 100_000), rng.integers(0, 1000, 100_000)], rng.normal(3, 1, 100_000)
    everybody = np.arange(5000)

    def case(name: str, model: Any, ties: int) -> Case:
        def prepare() -> Any:
            mine = model.clone()
            for _ in range(ties):
                mine.add_edges(everybody, rng.integers(0, 5000, 5000))
            return lambda: mine.partial_fit(X, y)

        return Case(name, timed(prepare), len(y))

    cases = [case("BiasedMF()", BiasedMF(), 0)]
    cases += [case(f"SocialMF(), {n} ties a user", SocialMF(), n) for n in (0, 5, 20)]
    cases += [case("TrustSVD(), 5 ties a user", TrustSVD(), 5)]
    report("learning 100,000 ratings in a call", cases, repeats, reference="BiasedMF()", cost=True)


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    n = 2 if options.quick else 5
    for likeness in (0.8, 0.4, 0.0):
        print(f"planted: friends share {likeness:.0%} of their taste")
        table([planted(likeness, seed) for seed in range(n)], False)
    if folder is None or pandas is None:
        print("FilmTrust skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
    else:
        ratings, ties = film_trust(pandas, Path(folder))
        rows = list(ratings[["user", "item", "rating"]].itertuples(index=False, name=None))
        orders = [np.random.default_rng(seed).permutation(len(rows)) for seed in range(n)]
        for name, edges in (("as given", ties), ("both ways", np.r_[ties, ties[:, ::-1]])):
            print(f"FilmTrust, {len(rows):,} ratings in {n} random orders, {len(edges):,} ties ({name})")
            table([([rows[j] for j in order], edges) for order in orders], True)
        hindsight(ratings, ties)
    speed(options.repeats)


if __name__ == "__main__":
    main()
