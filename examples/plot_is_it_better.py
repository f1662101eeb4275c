"""
Is it better, or was it luck?
=============================

Two figures after a run differ, always.  Before the second model goes live, one wants to know three things: would the
difference come again, does it hold all the time or was it one good month, and for whom does it hold?

Here models list ten films for everybody who is about to like one, 25,000 times in order of time, and are told
afterwards.  Then the settings of one are searched along the stream, and judged on events that the search never saw.
"""

# %%
# One pass for all models, so that each answers the same questions at the same moments.
import matplotlib.pyplot as plt

from skl_increc.baselines import Popularity
from skl_increc.datasets import load_movielens_small
from skl_increc.model_selection import (
    LearningCurveByUserAgeDisplay,
    ProgressiveDisplay,
    ProgressiveSearchCV,
    progressive_validate,
)
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules

columns = ["user", "item", "rating", "timestamp"]
ratings = load_movielens_small(backend="pandas")[columns].sort_values("timestamp", kind="stable")
liked = ratings[ratings["rating"] >= 4]
models = {
    "popular": Popularity(),
    "popular of late": Popularity(half_life=2_000),
    "neighbours": ItemKNN(),
    "rules": SequentialRules(),
}
how = {"task": "ranking", "time_col": "timestamp", "verbose": False}
result = progressive_validate(models, liked.iloc[:25_000], **how)
print(result)

# %%
# Each model against the best: the questions that one of the two alone got right tell whether it is luck (McNemar's
# test), with a correction for comparing several models.  The windows tell whether it holds all along the stream: a
# lead that was won in one window of ten is no lead.
print(result.compare())

# %%
# On the left the last 2,000 questions at each moment; on the right, how much of a user a model must know before its
# lists are good.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
ProgressiveDisplay.from_result(result, "hit_rate", window=2_000, ax=left)
LearningCurveByUserAgeDisplay.from_result(result, ax=right)

# %%
# Settings: all candidates begin with the first event, and the better third goes on.  Nothing is shuffled.  Still, the
# figure of the winner is the best of many, on one stretch of the stream.  What counts is how it does against the
# defaults on the events after those of the search.
past, future = liked.iloc[:15_000], liked.iloc[15_000:25_000]
grid = {"max_distance": [1, 3, 10, 30], "half_life": [None, 2_000, 10_000]}
search = ProgressiveSearchCV(SequentialRules(), grid, scoring="hit_rate@10")
search.fit(past.drop(columns="rating"))
print(search.best_params_, f"hit rate in the search {search.best_score_:.4f}")

usual = SequentialRules().fit(past.drop(columns="rating"))
judged = progressive_validate({"chosen": search.best_estimator_, "usual": usual}, future, **how)
print(judged.compare("chosen"))

# %%
# Here the winner of twelve is *worse* than the defaults on what came next, and significantly so: what was good in the
# months of the search was not good in those after them.  Without this last look it would have gone live.
