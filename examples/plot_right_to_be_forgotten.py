"""
Right to be forgotten, exactly
==============================

People may ask a shop to erase what it knows of them.  Deleting rows of a table is easy; but a model has learned
from these rows, and what it learned is in its numbers.  Most libraries can only train again without the person.

The models here that count instead of descend can take a person out again: what is left is the model that never
saw them.  Not nearly, but to the last bit, where the statistics are whole numbers.  This example learns 20,000
ratings, forgets ten people, and compares each model with one that never met them.
"""

# %%
# Whoever is to be forgotten has a name that can be found.
import tempfile
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import skl_increc
from skl_increc.baselines import Baseline, Popularity
from skl_increc.checks import yield_checks
from skl_increc.datasets import load_movielens_small
from skl_increc.exceptions import GuaranteeError
from skl_increc.factorization import BiasedMF
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN, RatingItemKNN
from skl_increc.sequence import SequentialRules

ratings = load_movielens_small(backend="pandas")[:20_000]
users = "visitor-" + ratings["user"].astype(str).str.zfill(4)
leaving = users.unique()[::20][:10].tolist()
X = np.column_stack([users.to_numpy(object), ratings["item"].to_numpy(object)])
y = ratings["rating"].to_numpy()
stays = ~users.isin(leaving).to_numpy()
print(f"{(~stays).sum():,} of {len(y):,} ratings are of {len(leaving)} people who leave")

models = [
    Popularity(),
    Baseline(),
    RatingItemKNN(),
    ItemKNN(),
    SequentialRules(),
    EASE(max_items=500),
    BiasedMF(),
]


# %%
# Two ways to ask whether anything is left of them.  The answers: predictions and lists for every third person who
# stays, against those of a model that was fitted to the others alone.  And the file.
people = np.unique(X[stays, 0])[::3]
pairs = np.array([(user, item) for user in people for item in np.unique(X[stays, 1])], object)


def largest_difference(model, other):
    """Between any two predictions, and whether all lists are the same."""
    lists = [one.recommend(people, 10)[0] for one in (model, other)]
    return np.abs(model.predict(pairs) - other.predict(pairs)).max(), np.array_equal(*lists)


def ids_in_file(model):
    """How many of the names are in the saved model, in whatever part of it."""
    with tempfile.TemporaryDirectory() as folder:
        skl_increc.save(model, Path(folder) / "model")
        with zipfile.ZipFile(Path(folder) / "model") as file:
            parts = [file.read(name) for name in file.namelist()]
    return sum(any(name.encode() in part for part in parts) for name in leaving)


differences = {}
print(f"{'':16} forgotten  in the file     largest difference  lists")
for model in models:
    name = type(model).__name__
    never = model.clone().fit(X[stays], y[stays])
    model.fit(X, y)
    before = ids_in_file(model)
    try:
        forgotten = f"{model.forget(users=leaving):,}"
    except GuaranteeError as error:
        forgotten = "none"
        print(error)
    differences[name], same = largest_difference(model, never)
    print(
        f"{name:16} {forgotten:>9}  {before:>2} -> {ids_in_file(model):<2}  {differences[name]:24.3g}"
        f"  {'same' if same else 'others'}"
    )

# %%
# The third way is to compare what the models hold, keyed by the ids.  This is one of the checks that every model of
# the library goes through, with events, items and mixed cases of its own; it can be run on any model.
check = next(check for check in yield_checks(ItemKNN()) if check.name == "forget_equals_never_seen")
check()

# %%
# Counts and sums of half stars are whole numbers, and taking out is as exact as adding: the difference is 0, and
# that is the same bits.  ``EASE`` keeps an inverse of its counts, which are equal to the bit; the inverse itself
# is equal to rounding, and the model says so beforehand:
for model in models:
    promise = model.guarantees()
    print(f"{type(model).__name__:16} forgets: {promise.U:9} {promise.why or ''}")

# %%
# The factor model says no, and why: each step depended on those before.  Throwing away the rows of who left would
# not help: the films still carry what they taught, and with it every answer to everybody else.
figure, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
floor = 1e-17
heights = [max(difference, floor) for difference in differences.values()]
bars = ax.barh(
    list(differences), heights, left=floor, color=["C1" if d > 1e-9 else "C0" for d in differences.values()]
)
ax.bar_label(bars, ["0, bit for bit" if d == 0 else f"{d:.1g}" for d in differences.values()], padding=4)
ax.set(
    xscale="log", xlim=(floor, 1e3), xlabel="largest difference of a prediction from one that never saw them"
)
ax.invert_yaxis()
