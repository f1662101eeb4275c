"""
Friends help a stranger
=======================

Who has rated nothing is a stranger, and gets what everybody gets; unless she has friends who are none. This example
lets people join a film club one after the other, each with a few friends among those who are there already. Then it
asks, before every rating, what it will be: once without ties, once with them, and once with ties that were drawn by
lot, for not every network is one of taste.
"""

# %%
# The club
# --------
# There are 20 circles, whose members like nearly the same films.  Eight of ten ties stay within a circle.
import matplotlib.pyplot as plt
import numpy as np

from skl_increc.factorization import BiasedMF
from skl_increc.social import SocialMF

rng = np.random.default_rng(0)
n_users, n_films = 600, 200
circle = rng.integers(0, 20, n_users)
taste = 0.9 * rng.normal(size=(20, 5))[circle] + 0.4 * rng.normal(size=(n_users, 5))
films, fame = rng.normal(size=(n_films, 4)), rng.normal(size=n_films)


def rating_of(user, film):
    liking = 0.5 * taste[user, 4] + 0.4 * fame[film] + 0.45 * taste[user, :4] @ films[film]
    return float(np.clip(3 + liking + 0.4 * rng.normal(), 0.5, 5.5))


friends = {}
for user in range(20, n_users):
    near = np.flatnonzero(circle[:user] == circle[user])
    friends[user] = [
        int(rng.choice(near)) if len(near) and rng.random() < 0.8 else int(rng.integers(user))
        for _ in range(5)
    ]

# %%
# Joining
# -------
# Whoever joins tells who her friends are, with ``add_edges``, and rates 25 films.  Each rating is predicted first.  Of
# interest are the last 400, whose friends have rated before them.
by_lot = {user: [int(rng.integers(user)) for _ in mine] for user, mine in friends.items()}
nobody = {user: [] for user in friends}
models = {
    "without ties": (BiasedMF(), nobody),
    "with friends": (SocialMF(), friends),
    "ties by lot": (SocialMF(), by_lot),
    "ties by lot, believed": (SocialMF(homophily=1.0), by_lot),
}
errors = {name: np.zeros((n_users, 25)) for name in models}
for user in range(n_users):
    for model, ties in models.values():
        if ties.get(user):
            model.add_edges([user] * 5, ties[user])
    for at, film in enumerate(rng.choice(n_films, 25, replace=False).tolist()):
        y = rating_of(user, film)
        for name, (model, _) in models.items():
            errors[name][user, at] = model.predict_one({"user": user, "item": film}) - y
            model.learn_one({"user": user, "item": film}, y)

# %%
# The first ratings
# -----------------
rmse = {name: np.sqrt(np.mean(e[200:] ** 2, axis=0)) for name, e in errors.items()}
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, values), style in zip(rmse.items(), ["-", "-", "--", ":"], strict=True):
    ax.plot(range(25), values, style, label=name)
ax.set_xlabel("films that the user had rated before")
ax.set_ylabel("root mean square error")
ax.legend()
for name, values in rmse.items():
    print(
        f"{name:22s} first: {values[0]:.3f}   2nd to 5th: {values[1:5].mean():.3f}   later: {values[5:].mean():.3f}"
    )

# %%
# The friends tell much of what a stranger will like.  The model has found that out, and also that the other network
# tells next to nothing: ``homophily_`` says how alike friends are, in what they give on the average and in what they
# like.
for name in ("with friends", "ties by lot"):
    print(f"{name:22s}", [round(share, 2) for share in models[name][0].homophily_])

# %%
# A model that believes every tie pays for it, and most where it knows least.  So: measure what a network is worth.  On
# FilmTrust, a network of trust in other people's taste, it is worth next to nothing; see :doc:`/benchmarks`.
