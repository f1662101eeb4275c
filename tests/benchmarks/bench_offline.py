"""Factor models fitted on a table: the first four fifths of ML-100K in time, asked for the last fifth.

Ratings of 4 and more.  Every model gets twelve settings, the same where they mean the same; the one with the best
NDCG@10 on the last fifth of the training part, on the average of two seeds, is fitted again on all of it, with
five.  Users who are in both parts are asked for all items of the training part that they have not had; what is
new counts as missed.  The folder of the data is named by the environment variable SKL_INCREC_DATA.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from timing import arguments, peer

# isort: split
import numpy as np
import scipy.sparse as sp

from skl_increc.factorization import BPR, ImplicitALS

Lists = Callable[[np.ndarray], np.ndarray]  # of user codes: item codes, the 20 best, best first
Fit = Callable[[sp.csr_matrix, int], Lists]


def ways(
    start: Callable, make: Callable[..., Any], settings: list[dict[str, Any]], seed: str = "random_state"
) -> list[Fit]:
    """One way to fit for each setting; `make` gets it and a seed, `start` the model and the matrix."""
    return [lambda train, n, s=s: start(make(**{seed: n}, **s), train) for s in settings]


def grid(**values: tuple) -> list[dict[str, Any]]:
    """All combinations."""
    return [dict(zip(values, one, strict=True)) for one in itertools.product(*values.values())]


def fits() -> Iterator[tuple[str, list[Fit]]]:
    """Name, and one way to fit for each setting."""
    implicit, lightfm, cornac = peer("implicit"), peer("lightfm"), peer("cornac")
    als = grid(n_factors=(16, 32), alpha=(1.0, 4.0), l2=(3.0, 10.0, 30.0))
    yield "ImplicitALS", ways(ours, partial(ImplicitALS, n_epochs=15, solver="cg"), als)
    if implicit is not None:
        settings = [
            {"factors": a["n_factors"], "alpha": 1 + a["alpha"], "regularization": a["l2"]} for a in als
        ]
        make = partial(implicit.als.AlternatingLeastSquares, iterations=15, num_threads=1)
        yield "implicit ALS", ways(theirs, make, settings)
    steps = grid(n_factors=(16, 32), learning_rate=(0.03, 0.05, 0.1), l2=(0.02, 0.1))
    yield 'BPR(loss="warp")', ways(ours, partial(BPR, loss="warp", n_epochs=10), steps)
    if lightfm is not None:
        settings = grid(no_components=(16, 32, 64), learning_rate=(0.02, 0.03, 0.05, 0.1))
        yield "LightFM warp", ways(of_lightfm, partial(lightfm.LightFM, loss="warp"), settings)
        settings = grid(no_components=(16, 32), learning_rate=(0.02, 0.05, 0.1), item_alpha=(0.0, 1e-5))
        settings = [{**s, "user_alpha": s["item_alpha"]} for s in settings]
        yield "LightFM bpr", ways(of_lightfm, partial(lightfm.LightFM, loss="bpr"), settings)
    steps = grid(n_factors=(16, 32, 64), learning_rate=(0.15, 0.25), l2=(0.02, 0.035))
    yield "BPR", ways(ours, partial(BPR, n_negatives=20, n_epochs=10), steps)
    if cornac is not None:
        settings = grid(k=(16, 32), learning_rate=(0.005, 0.01, 0.03), lambda_reg=(0.001, 0.01))
        make = partial(cornac.models.BPR, max_iter=100, num_threads=1)
        yield "cornac BPR", ways(partial(of_cornac, cornac), make, settings, seed="seed")
    if implicit is not None:
        settings = grid(factors=(16, 32), learning_rate=(0.01, 0.03, 0.1), regularization=(0.001, 0.01))
        make = partial(implicit.bpr.BayesianPersonalizedRanking, iterations=100, num_threads=1)
        yield "implicit BPR", ways(theirs, make, settings)


def ours(model: Any, train: sp.csr_matrix) -> Lists:
    """Lists of one of our models; its events come in the order of the matrix's data, which is that of time."""
    users, items = train.nonzero()
    order = np.argsort(train.data, kind="stable")
    model.fit(np.column_stack([users[order], items[order]]))
    return lambda who: np.where((found := model.recommend(who, 20)[0]) == None, -1, found).astype(int)  # noqa: E711


def theirs(model: Any, train: sp.csr_matrix) -> Lists:
    """Lists of a model of implicit."""
    ones = sp.csr_matrix((np.ones(train.nnz, np.float32), train.indices, train.indptr), train.shape)
    model.fit(ones, show_progress=False)
    return lambda who: model.recommend(who, ones[who], N=20, filter_already_liked_items=True)[0]


def of_lightfm(model: Any, train: sp.csr_matrix) -> Lists:
    """Lists of a model of LightFM."""
    ones = (train > 0).astype(np.float32).tocoo()
    model.fit(ones, epochs=30, num_threads=1)

    def lists(who: np.ndarray) -> np.ndarray:
        users, items = (
            r.astype(np.int32) for r in np.meshgrid(who, np.arange(train.shape[1]), indexing="ij")
        )
        scores = model.predict(users.ravel(), items.ravel(), num_threads=1).reshape(users.shape)
        scores[train[who].toarray() > 0] = -np.inf
        return np.argsort(-scores, axis=1, kind="stable")[:, :20]

    return lists


def of_cornac(cornac: Any, model: Any, train: sp.csr_matrix) -> Lists:
    """Lists of a model of cornac."""
    pairs = zip(*(side.tolist() for side in train.nonzero()), strict=True)
    data = cornac.data.Dataset.from_uir([(u, i, 1.0) for u, i in pairs], seed=0)
    model.fit(data)
    items = np.array(list(data.iid_map))

    def lists(who: np.ndarray) -> np.ndarray:
        scores = np.full((len(who), train.shape[1]), -np.inf)
        for row, user in enumerate(who.tolist()):
            scores[row, items] = model.score(data.uid_map[user])
        scores[train[who].toarray() > 0] = -np.inf
        return np.argsort(-scores, axis=1, kind="stable")[:, :20]

    return lists


def judged(lists: Lists, train: sp.csr_matrix, wanted: dict[int, set[int]]) -> tuple[float, float]:
    """NDCG@10 and Recall@20, averaged over the users who are known."""
    who = np.array([u for u in wanted if u < train.shape[0] and train.indptr[u + 1] > train.indptr[u]])
    gains = 1 / np.log2(np.arange(2, 12))
    ndcg, recall = [], []
    for user, found in zip(who.tolist(), lists(who).tolist(), strict=True):
        right = np.array([i in wanted[user] for i in found])
        ndcg.append((gains * right[:10]).sum() / gains[: len(wanted[user])].sum())
        recall.append(right.sum() / len(wanted[user]))
    return float(np.mean(ndcg)), float(np.mean(recall))


def split(users: np.ndarray, items: np.ndarray, cut: int) -> tuple[sp.csr_matrix, dict[int, set[int]]]:
    """The events before the cut as a matrix of their moments, and who takes what after it."""
    shape = (int(users[:cut].max()) + 1, int(items[:cut].max()) + 1)
    train = sp.csr_matrix((np.arange(1, cut + 1, dtype=np.float64), (users[:cut], items[:cut])), shape)
    wanted: dict[int, set[int]] = {}
    for user, item in zip(users[cut:].tolist(), items[cut:].tolist(), strict=True):
        wanted.setdefault(user, set()).add(item)
    return train, wanted


def main() -> None:
    """Print the table."""
    options = arguments(__doc__ or "")
    folder, pandas = os.environ.get("SKL_INCREC_DATA"), peer("pandas")
    if folder is None or pandas is None:
        print("skipped: set SKL_INCREC_DATA to the folder of the data, and install pandas")
        return
    frame = pandas.read_csv(Path(folder) / "movielens-100k" / "interactions.csv.gz")
    frame = frame[frame["rating"] >= 4].sort_values("timestamp", kind="stable")
    users, items = (pandas.factorize(frame[side])[0] for side in ("user", "item"))  # codes in order of time
    last = len(users) * 4 // 5
    tuning, test = split(users[:last], items[:last], last * 4 // 5), split(users, items, last)
    seeds = range(1 if options.quick else 5)
    print(f"{len(test[0].indptr) - 1} users, {len(test[1])} asked for; spread of one seed in brackets")
    print(f"{'':20} {'NDCG@10':16} {'Recall@20':16} seconds")
    for name, tried in fits():
        tried = tried[::4] if options.quick else tried
        found = [np.mean([judged(fit(tuning[0], n), *tuning)[0] for n in seeds[:2]]) for fit in tried]
        best = tried[int(np.argmax(found))]
        start = time.process_time()
        figures = [judged(best(test[0], seed), *test) for seed in seeds]
        seconds = (time.process_time() - start) / len(seeds)
        means, spreads = np.mean(figures, axis=0), np.std(figures, axis=0)
        both = " ".join(f"{mean:.4f} ({spread:.4f}) " for mean, spread in zip(means, spreads, strict=True))
        print(f"{name:20} {both} {seconds:7.2f}   setting {tried.index(best)} ({max(found):.4f})", flush=True)


if __name__ == "__main__":
    main()
