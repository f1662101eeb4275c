"""Top 10 of 50,000 items with 64 factors, seen items left out: ours, implicit, skrecsys, numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np
from scipy import sparse
from streams import large

from skl_increc.factorization import BiasedMF

K = 10


class Setting:
    """One model of ours and what the others need to have the same factors and the same seen items."""

    def __init__(self, n_users: int, n_items: int) -> None:
        users, items, y = large(20 * n_users, n_users, n_items, seed=1)
        every = np.arange(n_items)
        users = np.concatenate([users, every % n_users, np.arange(n_users)])
        items = np.concatenate([items, every, np.arange(n_users) % n_items])
        self.pairs = np.unique(np.column_stack([users, items]), axis=0)
        rng = np.random.default_rng(2)
        y = rng.integers(1, 6, len(self.pairs)).astype(float)
        self.model = BiasedMF(n_factors=64, biases=False, init_scale=0.3).partial_fit(self.pairs, y)
        self.users = np.arange(n_users)
        order = [np.argsort(ids.astype(np.int64)) for ids in (self.model.user_ids_, self.model.item_ids_)]
        self.P = np.ascontiguousarray(self.model.user_factors_[order[0]])
        self.Q = np.ascontiguousarray(self.model.item_factors_[order[1]])
        ones = np.ones(len(self.pairs), np.float32)
        self.seen = sparse.csr_matrix((ones, (self.pairs[:, 0], self.pairs[:, 1])), shape=(n_users, n_items))

    def ours(self) -> np.ndarray:
        """All users in one call."""
        return self.model.recommend(self.users, K)[0]

    def ours_one_by_one(self) -> list:
        """A call for each user (the first 200)."""
        return [self.model.recommend_one(user, K) for user in self.users[:200].tolist()]

    def by_numpy(self, select: bool = True) -> np.ndarray:
        """Products of 64 users by all items, and a partial sort."""
        out = np.empty((len(self.users), K), np.int64)
        for a in range(0, len(self.users), 64):
            scores = self.P[a : a + 64] @ self.Q.T
            if not select:
                continue
            part = self.seen[a : a + 64]
            scores[np.repeat(np.arange(part.shape[0]), np.diff(part.indptr)), part.indices] = -np.inf
            best = np.argpartition(-scores, K, axis=1)[:, :K]
            order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1)
            out[a : a + 64] = np.take_along_axis(best, order, 1)
        return out


def implicits(setting: Setting) -> tuple[Callable[[], Any], Callable[[], Any]] | None:
    """implicit's ALS with these factors: all users at once, and one a call."""
    implicit = peer("implicit.als", "implicit")
    if implicit is None:
        return None
    model = implicit.AlternatingLeastSquares(factors=64, num_threads=1, use_gpu=False)
    model.user_factors, model.item_factors = setting.P, setting.Q

    def one_by_one() -> list:
        return [model.recommend(user, setting.seen[user], N=K)[0] for user in range(200)]

    return lambda: model.recommend(setting.users, setting.seen, N=K)[0], one_by_one


def skrecsyss(setting: Setting) -> Callable[[], Any] | None:
    """skrecsys's ALS: one cheap sweep makes its tables, then it gets these factors."""
    skrecsys = peer("skrecsys.recommendation", "skrecsys")
    if skrecsys is None:
        return None
    model = skrecsys.AlternatingLeastSquares(n_factors=64, n_iter=1)
    model.fit(setting.pairs, np.ones(len(setting.pairs)) + (setting.pairs[:, 1] % 2))
    model.user_factors_, model.item_factors_ = setting.P.astype(np.float64), setting.Q.astype(np.float64)
    model.user_bias_, model.item_bias_ = np.zeros(len(setting.P)), np.zeros(len(setting.Q))
    return lambda: model.recommend(setting.users, n_recommendations=K)[0]


def main() -> None:
    """Print the tables, after a look at whether all make the same lists."""
    options = arguments(__doc__ or "")
    n_users, n_items = (1_000 if options.quick else 10_000), 50_000
    setting = Setting(n_users, n_items)
    all_at_once = {"ours, all users in one call": setting.ours}
    single = {"ours, recommend_one": setting.ours_one_by_one}
    both, other = implicits(setting), skrecsyss(setting)
    if both is not None:
        all_at_once["implicit, all users in one call"], single["implicit, one user a call"] = both
    if other is not None:
        all_at_once["skrecsys, all users in one call"] = other
    all_at_once["numpy, product and argpartition, 64 users a block"] = setting.by_numpy
    mine = setting.ours().astype(np.int64)
    for name, work in all_at_once.items():
        print(f"{name}: {np.mean(mine == np.asarray(work()).astype(np.int64)):.4%} of the places as ours")
    all_at_once["numpy, the product alone (the floor)"] = lambda: setting.by_numpy(select=False)
    cases = [Case(name, timed(lambda work=work: work), n_users) for name, work in all_at_once.items()]
    report(
        f"top {K} of {n_items:,} items x 64 factors for {n_users:,} users",
        cases,
        options.repeats,
        reference="implicit, all users in one call",
        unit="user",
        goal="at least 1.2 times the faster peer",
    )
    cases = [Case(name, timed(lambda work=work: work), 200) for name, work in single.items()]
    report("one user a call", cases, options.repeats, reference="implicit, one user a call", unit="user")


if __name__ == "__main__":
    main()
