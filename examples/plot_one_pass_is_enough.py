"""
One pass is enough
==================

Models of ratings are usually fitted to a table, in twenty passes or more, and fitted again when the table has
grown.  A model that learns every rating once, as it comes, knows the present at any time.  This example compares
all rating models of the library with River's over 100,004 movie ratings, and then one of them with itself,
fitted anew again and again.
"""

# %%
# Each rating is predicted, then learned: one pass over the stream is training and test at once.
import time

import matplotlib.pyplot as plt
import numpy as np
from river import optim, reco

from skl_increc.baselines import Baseline
from skl_increc.datasets import load_movielens_small
from skl_increc.factorization import BiasedMF, KalmanMF
from skl_increc.model_selection import progressive_validate
from skl_increc.neighbors import RatingItemKNN, SlopeOne

ratings = load_movielens_small()
models = {
    "KalmanMF": KalmanMF(),
    "BiasedMF": BiasedMF(),
    "RatingItemKNN": RatingItemKNN(),
    "SlopeOne": SlopeOne(),
    "Baseline": Baseline(),
    "Baseline, with drift": Baseline(drift=0.002),
    "river.reco.BiasedMF": reco.BiasedMF(
        bias_optimizer=optim.SGD(0.025),
        latent_optimizer=optim.SGD(0.05),
        weight_initializer=optim.initializers.Zeros(),
        latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.1, seed=73),
        l2_bias=0.0,
        l2_latent=0.0,
    ),
    "river.reco.Baseline": reco.Baseline(
        optimizer=optim.SGD(0.025), initializer=optim.initializers.Zeros(), l2=0.0
    ),
}
result = progressive_validate(models, ratings, metrics="rmse", time_col="timestamp", verbose=False)
print(result)

# %%
ax = result.plot("RMSE")
ax.set(title="Error over all events so far", ylim=(0.83, 1.0))
ax.legend(fontsize=8, ncols=2)

# %%
# Now the other way: twenty passes with small steps, which suit many passes, after every 5 % of the stream over all
# that came before.  Between two fits nothing is learned.  The first block has nothing before it and is left out.
X, y = ratings[["user", "item"]].to_numpy(), ratings["rating"].to_numpy(float)
step = len(y) // 20
small = {"optimizer": "sgd", "learning_rate": 0.01, "learning_rate_bias": 0.005, "l2": 0.05, "l2_bias": 0.02}
refitted, start = np.full(len(y), np.nan), time.process_time()
for at in range(step, len(y), step):
    model = BiasedMF(n_epochs=20, init_scale=0.01, **small).fit(X[:at], y[:at])
    refitted[at : at + step] = model.predict(X[at : at + step])
seconds = {"fitted 19 times": time.process_time() - start}

model, streamed, start = BiasedMF(), np.full(len(y), np.nan), time.process_time()
for at, ((user, item), rating) in enumerate(zip(X.tolist(), y.tolist(), strict=True)):
    streamed[at] = model.predict_one(user=user, item=item)
    model.learn_one(user=user, item=item, y=rating)
seconds["one pass"] = time.process_time() - start

errors = {"fitted 19 times": refitted - y, "one pass": streamed - y}
for name, error in errors.items():
    print(f"BiasedMF, {name:16} RMSE {np.sqrt(np.nanmean(error[step:] ** 2)):.3f}   {seconds[name]:.2f} s")

# %%
# On this stream most people come, rate for a day and do not return.  Three of four ratings are of people whom the
# last fit had not met, and there freshness is all.  But it helps with those who were known, too.
users = ratings["user"].to_numpy()
known = np.zeros(len(y), bool)
for at in range(step, len(y), step):
    known[at : at + step] = np.isin(users[at : at + step], users[:at])
groups = {f"strangers to the last fit ({1 - known[step:].mean():.0%})": ~known, "known to it": known}
_, ax = plt.subplots()
for place, (name, error) in zip((-0.2, 0.2), errors.items(), strict=True):
    heights = [np.sqrt(np.mean(error[step:][group[step:]] ** 2)) for group in groups.values()]
    ax.bar_label(ax.bar(np.arange(2) + place, heights, 0.4, label=name), fmt="%.3f")
ax.set_xticks(range(2), list(groups))
ax.set(ylabel="RMSE", ylim=(0.7, 1.08), title="BiasedMF")
ax.legend()
