"""From the array to the learned model: ``BiasedMF.partial_fit`` of a million events, ids of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, peer, report, timed

# isort: split
import numpy as np
from peers import libmf_loop
from streams import large

from skl_increc.factorization import BiasedMF

SGD = {"optimizer": "sgd"}
LIBMF = "LIBMF, k=16: one pass of its training loop alone"


def learned(X: Any, y: np.ndarray, **params: Any) -> Callable[[], float]:
    """One call of ``partial_fit`` on a new model."""

    def prepare() -> Callable[[], Any]:
        model = BiasedMF(n_factors=16, **params)
        return lambda: model.partial_fit(X, y)

    return timed(prepare)


def again(X: Any, y: np.ndarray, **params: Any) -> Callable[[], float]:
    """The second half, on a model that has learned the first."""
    half = len(y) // 2

    def prepare() -> Callable[[], Any]:
        model = BiasedMF(n_factors=16, **params).partial_fit(X[:half], y[:half])
        return lambda: model.partial_fit(X[half:], y[half:])

    return timed(prepare)


def integers(users: np.ndarray, items: np.ndarray, y: np.ndarray) -> list[Case]:
    """int64 ids: with and without history, new ids and known ones, and LIBMF's loop."""
    X, n = np.column_stack([users, items]), len(y)
    cases = [
        Case("int64 ids, history=0", learned(X, y, history=0), n),
        Case('int64 ids, history=0, optimizer="sgd"', learned(X, y, history=0, **SGD), n),
        Case("int64 ids, history=0, second half of the stream", again(X, y, history=0), n - n // 2),
        Case("int64 ids, default (with history)", learned(X, y), n),
    ]
    loop = libmf_loop(users, items, y, 16, 10)
    return cases + ([] if loop is None else [Case(LIBMF, loop, n)])


def strings(users: np.ndarray, items: np.ndarray, y: np.ndarray) -> list[Case]:
    """The same ids as text, in each form that has its own fast path."""
    text = [
        np.array([f"{side}{v}" for v in range(ids.max() + 1)], dtype=object)[ids]
        for side, ids in (("user-", users), ("item-", items))
    ]
    forms: dict[str, Any] = {"object array (goal 2 M/s)": np.column_stack(text)}
    pandas, arrow, polars = peer("pandas"), peer("pyarrow"), peer("polars")
    if pandas is not None:
        frame = pandas.DataFrame({"user": text[0], "item": text[1]}, dtype=object)
        forms["pandas, object columns (goal 2 M/s)"] = frame
        forms["pandas, its str dtype"] = frame.astype("str")
        forms["pandas, categorical (goal 8 M/s)"] = frame.astype("category")
    if arrow is not None:
        table = arrow.table({"user": text[0].tolist(), "item": text[1].tolist()})
        forms["pyarrow, strings (goal 3 M/s)"] = table
        columns = {name: table[name].dictionary_encode() for name in table.column_names}
        forms["pyarrow, dictionary (goal 8 M/s)"] = arrow.table(columns)
    if polars is not None:
        strings_ = polars.DataFrame({"user": text[0].tolist(), "item": text[1].tolist()})
        forms["polars, strings (goal 3 M/s)"] = strings_
        forms["polars, categorical (goal 8 M/s)"] = strings_.cast(polars.Categorical)
    return [Case(name, learned(X, y, history=0), len(y)) for name, X in forms.items()]


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    n = 200_000 if options.quick else 1_000_000
    for n_users, n_items in ((6_040, 3_706), (100_000, 20_000)):
        users, items, y = large(n, n_users, n_items, shape="tail")
        shape = f"{n:,} events, {n_users:,} users x {n_items:,} items"
        report(
            f"partial_fit, 16 factors: {shape}",
            integers(users, items, y),
            options.repeats,
            reference=LIBMF,
            goal="at least 20 M events/s with history=0",
        )
    users, items, y = large(n, 6_040, 3_706, shape="tail")
    cases = [Case("int64 ids", learned(np.column_stack([users, items]), y, history=0), n)]
    report(
        f"partial_fit of text ids, history=0: {n:,} events, 6,040 users x 3,706 items",
        cases + strings(users, items, y),
        options.repeats,
        reference="int64 ids",
    )


if __name__ == "__main__":
    main()
