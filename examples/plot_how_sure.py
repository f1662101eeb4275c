"""
How sure is a prediction?
=========================

:class:`~skl_increc.factorization.KalmanMF` keeps a variance beside every number that it learns, and so knows
how far off a prediction may be: farther for a stranger than for a regular, and for a new item than for an old
one.  A shop can use it to show what it knows little of, or to say nothing where it would only be guessing.

The question is whether these standard deviations are true.  Here the model predicts 100,004 ratings one by one,
each before it learns it, and says how sure it is; then its errors are compared with what it said.
"""

# %%
# One loop is all: ask, ask how sure, learn.  The first thousand events, where nobody knows anything, are left out.
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from skl_increc.datasets import iter_events, load_movielens_small
from skl_increc.factorization import KalmanMF

model = KalmanMF()
errors, stds, counts = [], [], {}
events_of_user = []
for x, rating in iter_events(load_movielens_small()):
    errors.append(rating - model.predict_one(x))
    stds.append(model.predict_one_std(x))
    events_of_user.append(counts.get(x["user"], 0))
    counts[x["user"]] = events_of_user[-1] + 1
    model.learn_one(x, rating)
errors, stds, events_of_user = (np.array(values[1000:]) for values in (errors, stds, events_of_user))
print(
    f"RMSE {np.sqrt(np.mean(errors**2)):.4f}; errors over their standard deviations: {np.std(errors / stds):.3f}"
)

# %%
# On the left, the events in twenty groups by what the model said: where it said 0.9, its errors should be about
# 0.9, and they are.  On the right, the same by how many ratings of the user came before: it is right on the
# average, but too sure of users in their first dozen ratings.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
groups = np.array_split(np.argsort(stds), 20)
said = [np.sqrt(np.mean(stds[group] ** 2)) for group in groups]
left.plot(said, said, color="gray", linewidth=1, label="as it said")
left.plot(said, [np.sqrt(np.mean(errors[group] ** 2)) for group in groups], "o", label="as it was")
left.set(xlabel="standard deviation, said before", ylabel="root mean square error")
left.legend()
edges = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 4000]
for name, values in (("said", stds), ("was", np.abs(errors))):
    parts = [values[(events_of_user >= a) & (events_of_user < b)] for a, b in pairwise(edges)]
    right.plot(edges[1:], [np.sqrt(np.mean(part**2)) for part in parts], "o-", markersize=4, label=name)
right.set(xlabel="ratings of the user before, up to", xscale="log")
right.legend()

# %%
# A list for somebody who may be surprised: by the mean plus one standard deviation, as in "optimism in the face
# of uncertainty".  What is good and little known moves up.
ratings = load_movielens_small()
titles = dict(zip(ratings["item"], ratings["title"], strict=True))
items = model.item_ids_
mean, std = model.predict(np.column_stack([np.full(len(items), 15), items]), return_std=True)
for name, score in (("safe", mean), ("curious", mean + std)):
    best = np.argsort(-score)[:5]
    print(f"{name}:", "; ".join(titles[items[at]] for at in best))
