"""
Rank the next item on a stream
==============================

To predict how many stars a film will get, and to list the films that somebody takes next, are two tasks, and
a good model of one can be a poor one of the other.

Each liked film (4 stars and more) is a question here: is it among the ten that the model lists for this user,
leaving out those that the user had?  Then the model learns it.
"""

# %%
# Popular lately, or popular ever?  A ``half_life`` says how fast old events fade.  Matrix factorisation joins
# in, its lists ordered by predicted rating.  The first 48,000 events are learned without questions.
import datetime as dt

from skl_increc.baselines import Popularity
from skl_increc.datasets import load_movielens_small
from skl_increc.factorization import BiasedMF
from skl_increc.model_selection import progressive_validate

ratings = load_movielens_small()


def run(ties):
    """Take fresh models through the stream."""
    models = {
        "popular ever": Popularity(time_col="timestamp"),
        "popular, half-life a year": Popularity(half_life=dt.timedelta(days=365), time_col="timestamp"),
        "popular, half-life 5 days": Popularity(half_life=dt.timedelta(days=5), time_col="timestamp"),
        "BiasedMF": BiasedMF(time_col="timestamp"),
    }
    settings = {"metrics": "hit_rate", "k": 10, "min_y": 4, "warmup": 48_000, "step": 250, "verbose": False}
    return progressive_validate(models, ratings, task="ranking", ties=ties, **settings)


result = run(ties="together")
print(result)

# %%
# A year of memory beats all of the past and beats five days: films come and go, but not within a week.
# The factorisation, which predicts ratings well, makes poor lists.  It puts first what few but happy people
# rated; nobody asked it what people *take*.
ax = result.plot("HitRate@10")
ax.set(title="Hit rate of lists of ten, over all questions so far", ylim=(0, 0.12))

# %%
# Many events share a user and a second, and their order says nothing about life.  So all of them are asked
# before any is learned, by default.  Plain stream order, ``ties="order"``, is what River's own loop does; the
# figures differ with the rule, here by little.  A result says which rule it was, and only figures of the same
# rule compare.
in_order = run(ties="order")
for one in (result, in_order):
    rates = {row["model"]: round(row["HitRate@10"], 4) for row in one.summary()}
    print(f"{one.ties}: {rates}")
