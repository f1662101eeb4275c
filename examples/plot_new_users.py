"""
New users all day
=================

A shop meets strangers all day.  A model that is best over all events may be of little use to somebody who came a
minute ago, and nobody sees it in the mean.  So here every model is judged by how much of a user it had seen when
it was asked: before the first event, at the second, after a few, after twenty.
"""

# %%
# One pass over 15,000 films that people liked, in order of time.  Every model lists ten before each of them, and
# learns it after.
import matplotlib.pyplot as plt

from skl_increc.baselines import Popularity
from skl_increc.compose import Fallback
from skl_increc.datasets import load_movielens_small
from skl_increc.factorization import BPR, ImplicitALS
from skl_increc.model_selection import LearningCurveByUserAgeDisplay, progressive_validate
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

columns = ["user", "item", "rating", "timestamp"]
ratings = load_movielens_small(backend="pandas")[columns].sort_values("timestamp", kind="stable")
liked = ratings[ratings["rating"] >= 4].iloc[:15_000]
models = {
    "popular": Popularity(),
    "popular of late": Popularity(half_life="auto"),
    "neighbours": ItemKNN(),
    "neighbours, newcomers": ItemKNN(cold_start="recent"),
    "rules": SequentialRules(),
    "sessions": SessionKNN(time_col="timestamp"),
    "BPR": BPR(),
    "ALS": ImplicitALS(),
    "popular, then rules": Fallback(
        [("rules", SequentialRules()), ("popular", Popularity(half_life="auto"))], min_events=5
    ),
}
result = progressive_validate(models, liked, task="ranking", time_col="timestamp", verbose=False)

# %%
# The hit rates of a user's first event, the second, the next ones, and of those who have had twenty.
print(result.groups("activity", metrics=["hit_rate"], edges=[0, 1, 2, 5, 20]))

# %%
# The same as curves over how much was known of the user.
figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
LearningCurveByUserAgeDisplay.from_result(result, ax=axes)

# %%
# Before the first event there is only what others took, and there lies most of the difference: models whose prior
# are plain counts list what was popular for years, popularity *of late* does better, and what *newcomers* take of late
# (``cold_start="recent"``, the default of BPR and ALS) does best.  After a few events the rules lead, which look at the
# last films; from twenty on, sessions do.  ``Fallback`` takes the better one on either side of its bound.
#
# An item that nobody took before is beyond all of these models; what its text can do, :doc:`plot_new_item` shows.
print(result.groups("popularity", metrics=["hit_rate"], edges=[0, 1, 5, 50]))
