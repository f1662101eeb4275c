"""
Windows of 10, 30 and 100 days, searched in a pipeline
======================================================

How far back should a model look?  :class:`~skl_increc.preprocessing.HistoryFeatures` turns events into counts, means
and the like over windows of time, without a look at the future, and its windows are a parameter like any
other: ``GridSearchCV`` can choose among them.
"""

# %%
# A made-up shop of 150 customers, who rate what they buy.  A customer's mood lasts some fifty days, and then it is
# another: the last days are too few ratings to know it, and the last year is another mood.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.pipeline import make_pipeline

from skl_increc.preprocessing import HistoryFeatures

rng = np.random.default_rng(0)
n, days = 12_000, 400
X = pd.DataFrame({"user": rng.integers(0, 150, n), "item": rng.integers(0, 80, n)})
X["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.uniform(0, days, n)), unit="D")
day = (X["timestamp"] - X["timestamp"].min()).dt.days.to_numpy()
moods = rng.normal(0, 1, (150, days // 50 + 2))
change = rng.integers(0, 50, 150)
mood = moods[X["user"], (day + change[X["user"]]) // 50]
y = 3 + mood + rng.normal(0, 0.5, 80)[X["item"]] + rng.normal(0, 1, n)

# %%
# Folds are in order of time, ten days each.  Every row gets its features as of its own time, from the events that
# were fitted.
pipeline = make_pipeline(HistoryFeatures(stats=("count", "mean", "recency")), Ridge())
windows = [("10d",), ("30d",), ("100d",), ("300d",), ("10d", "30d", "100d")]
search = GridSearchCV(
    pipeline,
    {"historyfeatures__windows": windows},
    cv=TimeSeriesSplit(10, test_size=300),
    scoring="neg_root_mean_squared_error",
).fit(X, y)
means, spreads = -search.cv_results_["mean_test_score"], search.cv_results_["std_test_score"]
for chosen, rmse in zip(windows, means, strict=True):
    print(f"{', '.join(chosen):>15}: RMSE {rmse:.4f}")

# %%
# One window must be a compromise; three of them let the regression weigh what is recent and what is certain.
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.errorbar([", ".join(chosen) for chosen in windows], means, spreads / np.sqrt(10), fmt="o", capsize=4)
axes.set(xlabel="windows", ylabel="RMSE, ten folds")

# %%
# The weights of the three means of a user say how:
best = search.best_estimator_
weights = dict(zip(best[0].get_feature_names_out(), best[1].coef_, strict=True))
for name, weight in weights.items():
    if name.startswith("user_mean"):
        print(f"{name:>15}: {weight:+.2f}")
