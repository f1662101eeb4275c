"""One event at a time: ``BiasedMF.learn_one(dict)`` against ``river.reco.BiasedMF.learn_one``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from timing import Case, arguments, report, timed

# isort: split
from river import reco
from streams import as_dicts, movielens_shaped

from skl_increc.factorization import BiasedMF

SGD = {"optimizer": "sgd"}
GOAL = "at least 25 times as fast as River; strive for 50"
RIVER = "River BiasedMF(n_factors=16).learn_one(user, item, y)"


def ours(first: list, then: list, **params: Any) -> Callable[[], Callable[[], Any]]:
    """Learn `first` untimed, then be timed on `then`."""

    def prepare() -> Callable[[], Any]:
        model = BiasedMF(n_factors=16, **params)
        for x, y in first:
            model.learn_one(x, y)

        def work() -> Any:
            learn = model.learn_one
            for x, y in then:
                learn(x, y)
            return model

        return work

    return prepare


def rivers(first: list, then: list) -> Callable[[], Callable[[], Any]]:
    """The same with River's model, which takes the ids out of no dict."""
    triples = [[(x["user"], x["item"], y) for x, y in part] for part in (first, then)]

    def prepare() -> Callable[[], Any]:
        model = reco.BiasedMF(n_factors=16, seed=0)
        for user, item, y in triples[0]:
            model.learn_one(user, item, y)

        def work() -> Any:
            learn = model.learn_one
            for user, item, y in triples[1]:
                learn(user, item, y)
            return model

        return work

    return prepare


def answers(model: Any, events: list, dicts: bool) -> Callable[[], Callable[[], Any]]:
    """Predict, after everything was learned."""
    for x, y in events:
        if dicts:
            model.learn_one(x, y)
        else:
            model.learn_one(x["user"], x["item"], y)
    triples = [(x["user"], x["item"]) for x, _ in events]

    def by_dict() -> None:
        predict = model.predict_one
        for x, _ in events:
            predict(x)

    def by_ids() -> None:
        predict = model.predict_one
        for user, item in triples:
            predict(user, item)

    return lambda: by_dict if dicts else by_ids


def introduction(events: list) -> list:
    """As few events as hold every id of the stream."""
    users, items = ({x[side] for x, _ in events} for side in ("user", "item"))
    n = max(len(users), len(items))
    pairs = zip(list(users) * (n // len(users) + 1), list(items) * (n // len(items) + 1), strict=False)
    return [({"user": user, "item": item}, 3.0) for _, (user, item) in zip(range(n), pairs, strict=False)]


def empty_loop(events: list) -> Callable[[], Callable[[], Any]]:
    """What the loop itself costs; it is part of every line."""

    def work() -> None:
        for _x, _y in events:
            pass

    return lambda: work


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__ or "")
    events = as_dicts(*movielens_shaped(20_000 if options.quick else 100_000))
    half = len(events) // 2
    for title, first, then in (
        ("learn_one, from the first event on (a row for each id as it comes)", [], events),
        ("learn_one, the second half of the stream", events[:half], events[half:]),
        ("learn_one, all ids known", introduction(events), events),
    ):
        cases = [
            Case("BiasedMF(n_factors=16).learn_one(dict)", timed(ours(first, then)), len(then)),
            Case("BiasedMF(n_factors=16, history=0)", timed(ours(first, then, history=0)), len(then)),
            Case(
                'BiasedMF(n_factors=16, optimizer="sgd", history=0)',
                timed(ours(first, then, history=0, **SGD)),
                len(then),
            ),
            Case(RIVER, timed(rivers(first, then)), len(then)),
            Case("(the loop alone)", timed(empty_loop(then)), len(then)),
        ]
        report(title, cases, options.repeats, reference=RIVER, goal=GOAL)
    river = "River BiasedMF(n_factors=16).predict_one(user, item)"
    cases = [
        Case(
            "BiasedMF(n_factors=16).predict_one(dict)",
            timed(answers(BiasedMF(16), events, True)),
            len(events),
        ),
        Case(river, timed(answers(reco.BiasedMF(16, seed=0), events, False)), len(events)),
    ]
    report("predict_one of known ids", cases, options.repeats, reference=river)


if __name__ == "__main__":
    main()
