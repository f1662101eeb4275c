"""What Surprise does, in an interpreter of its own (it wants numpy below 2): files in, one line of JSON out.

``surprise_worker.py folds FOLDER MODEL...`` fits each model to ``train0.tsv`` and predicts ``test0.tsv``, and
so on.  ``surprise_worker.py refits FOLDER`` fits SVD anew to a growing part of ``stream.tsv``.  Times are CPU
seconds of ``fit`` alone: reading the ratings and building Surprise's own tables is not counted.
"""

import json
import sys
import time
from itertools import count
from pathlib import Path

import surprise
from surprise import Dataset, Reader

MODELS = {
    "SVD": lambda: surprise.SVD(random_state=0),
    "SVDpp": lambda: surprise.SVDpp(random_state=0),
    "KNNBaseline": lambda: surprise.KNNBaseline(verbose=False),
    "SlopeOne": lambda: surprise.SlopeOne(),
    "BaselineOnly": lambda: surprise.BaselineOnly(verbose=False),
}


def lines(path):
    """User, item and rating of each line."""
    with open(path, encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().splitlines()]
    return [(user, item, float(rating)) for user, item, rating in rows]


def trainset(path):
    """Surprise's tables of a file."""
    reader = Reader(line_format="user item rating", sep="\t", rating_scale=(1, 5))
    return Dataset.load_from_file(str(path), reader).build_full_trainset()


def fitted(make, data):
    """A model, and the CPU seconds that its fit took."""
    model = make()
    start = time.process_time()
    model.fit(data)
    return model, time.process_time() - start


def folds(folder, names):
    """Squared error, number of ratings, and seconds of each model and fold."""
    found = {name: [] for name in names}
    for fold in count():
        if not (folder / f"train{fold}.tsv").exists():
            return found
        data, test = trainset(folder / f"train{fold}.tsv"), lines(folder / f"test{fold}.tsv")
        for name in names:
            model, seconds = fitted(MODELS[name], data)
            errors = [(y - model.predict(user, item).est) ** 2 for user, item, y in test]
            found[name].append({"squares": sum(errors), "n": len(errors), "seconds": seconds})
            print(name, fold, sum(errors) / len(errors), seconds, file=sys.stderr, flush=True)


def refits(folder, share=0.05):
    """Predictions of a stream by SVD, fitted from scratch to all before it, twenty times."""
    events, seconds, said = lines(folder / "stream.tsv"), [], []
    step = round(share * len(events))
    for at in range(step, len(events), step):
        part = folder / "part.tsv"
        with open(part, "w", encoding="utf-8") as file:
            file.writelines(f"{user}\t{item}\t{y}\n" for user, item, y in events[:at])
        model, took = fitted(MODELS["SVD"], trainset(part))
        seconds.append(took)
        said += [model.predict(user, item).est for user, item, _ in events[at : at + step]]
    return {"step": step, "seconds": seconds, "said": said}


if __name__ == "__main__":
    where = Path(sys.argv[2])
    print(json.dumps(folds(where, sys.argv[3:]) if sys.argv[1] == "folds" else refits(where)))
