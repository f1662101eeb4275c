"""
Test-then-learn: ratings as they come
=====================================

On a stream there is no test set.  Each rating is predicted first and learned next, so that every event is a
test and none is wasted.  The error over the stream tells more than one figure at its end: how fast a model
starts, and whether it keeps up with change.

Here four models go through 100,004 movie ratings, from 1995 to 2016, in one pass: the mean with biases, in
its exact form and in the one that follows change, matrix factorisation, and River's matrix factorisation.
"""

# %%
# The ratings come in order of time.  Events of one user in one second are predicted together (the default
# ``ties="together"``), because their order within the second would tell the model too much.
from river import optim, reco

from skl_increc.baselines import Baseline
from skl_increc.datasets import load_movielens_small
from skl_increc.factorization import BiasedMF
from skl_increc.model_selection import progressive_validate

ratings = load_movielens_small()
models = {
    "Baseline": Baseline(),
    "Baseline, with drift": Baseline(drift=0.002),
    "BiasedMF": BiasedMF(),
    "river.reco.BiasedMF": reco.BiasedMF(
        bias_optimizer=optim.SGD(0.025),
        latent_optimizer=optim.SGD(0.05),
        weight_initializer=optim.initializers.Zeros(),
        latent_initializer=optim.initializers.Normal(mu=0.0, sigma=0.1, seed=73),
        l2_bias=0.0,
        l2_latent=0.0,
    ),
}
result = progressive_validate(models, ratings, metrics="rmse", time_col="timestamp", verbose=False)
print(result)

# %%
# Over all events so far: the exact baseline counts a rating of 1996 like one of yesterday, and falls behind
# as the years go by.  Letting the same biases drift is what helps most on this stream, where most users come,
# rate for a day and never return.  The vectors of a factorisation add little to it here: they want more
# events of the same user.
ax = result.plot("RMSE")
ax.set(title="Error over all events so far", ylim=(0.84, 0.98))

# %%
# Since the point before, the picture is another: easy and hard stretches of the stream move all models alike,
# and by more than what lies between the models.  This is why models are compared on one stream, in one pass.
ax = result.plot("RMSE", recent=True)
ax.set(title="Error between two points of the curve")

# %%
# The models are trained now, and go on: they were trained in place, as by River's ``progressive_val_score``.
items, scores = models["BiasedMF"].recommend(["a stranger"], k=3)
titles = dict(zip(ratings["item"], ratings["title"], strict=True))
for item, score in zip(items[0], scores[0], strict=True):
    print(f"{score:.2f}  {titles[item]}")
