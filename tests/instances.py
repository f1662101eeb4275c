"""Every model of the library, in the variants that take another path; the suites read this list."""

import datetime as dt

from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import (
    Bagging,
    Blend,
    ColdStartMap,
    Fallback,
    RatingBagging,
    RatingColdStartMap,
    RatingFallback,
    RatingSwitch,
    Switch,
)
from skl_increc.content import ContentRidge, Rocchio
from skl_increc.factorization import (
    BPR,
    BiasedMF,
    BiasedMFClassifier,
    FactorizationMachine,
    FactorizationMachineClassifier,
    FactorizationMachineRecommender,
    ImplicitALS,
    KalmanMF,
)
from skl_increc.linear import EASE
from skl_increc.neighbors import ItemKNN, RatingItemKNN, SlopeOne
from skl_increc.sequence import SequentialRules, SessionKNN
from skl_increc.social import SocialMF, TrustSVD

#: name -> unfitted model
MODELS = {
    "Baseline": Baseline(),
    "Baseline-unshrunk": Baseline(l2_user=0.0, l2_item=0.0),
    "Baseline-drift": Baseline(drift=0.002),
    "Popularity": Popularity(),
    "Popularity-min_y": Popularity(min_y=3),
    "Popularity-half_life-events": Popularity(half_life=50),
    "Popularity-half_life-time": Popularity(half_life=dt.timedelta(days=2), time_col="time"),
    "Popularity-half_life-auto": Popularity(half_life="auto", time_col="time"),
    "Popularity-half_life-short": Popularity(
        half_life=60.0, time_col="time"
    ),  # thousands of half-lives in a stream
    "Popularity-history=5": Popularity(history=5),
    "Popularity-history=0": Popularity(history=0),
    "Popularity-window-events": Popularity(window=40),
    "SequentialRules": SequentialRules(),
    "SequentialRules-window-time": SequentialRules(window=200_000.0, time_col="time", min_y=2),
    "SequentialRules-half_life-time": SequentialRules(3, half_life=dt.timedelta(days=2), time_col="time"),
    "SequentialRules-history=5": SequentialRules(2, weight="div", history=5, min_y=2, cold_start="recent"),
    "SessionKNN": SessionKNN(5, sample_size=4, time_col="time"),
    "SessionKNN-gap-history": SessionKNN(
        sample_size=3, gap=7200.0, time_col="time", history=6, min_y=2, cold_start="recent"
    ),
    "ItemKNN": ItemKNN(min_y=2),
    "ItemKNN-half_life-time": ItemKNN(half_life=dt.timedelta(days=2), time_col="time"),
    "ItemKNN-history=5": ItemKNN(history=5, cold_start="recent"),
    "ItemKNN-all-pruned": ItemKNN(None, weight=1, similarity="conditional", exponent=0.3, n_neighbors=3),
    "BiasedMF": BiasedMF(),
    "BiasedMF-sgd-16": BiasedMF(16, optimizer="sgd", learning_rate=0.05),
    "BiasedMF-gd": BiasedMF(optimizer="gd", n_epochs=3),
    "BiasedMF-gd-mean": BiasedMF(optimizer="gd", n_epochs=3, init="mean"),
    "BiasedMF-mean": BiasedMF(init="mean"),
    "BiasedMF-uniform-17": BiasedMF(17, init="uniform", time_col="time"),
    "BiasedMF-FunkMF": BiasedMF(biases=False),
    "BiasedMF-adam": BiasedMF(optimizer="adam", init="mean"),
    "BiasedMF-implicit-replay": BiasedMF(
        implicit="history", implicit_size=3, replay=2, replay_size=20, init="mean"
    ),
    "BiasedMF-history=5": BiasedMF(history=5, clip_to_range=True),
    "BiasedMF-history=0": BiasedMF(1, history=0),
    "BiasedMF-n_epochs": BiasedMF(n_epochs=2),
    "BiasedMF-positions": BiasedMF(user_col=0, item_col=1),
    "Popularity-positions": Popularity(user_col=0, item_col=1, time_col=2, half_life=7200.0),
    "RatingItemKNN": RatingItemKNN(),
    "RatingItemKNN-pearson": RatingItemKNN(2, similarity="pearson", shrinkage=1.0, damping=0.1),
    "RatingItemKNN-max_history": RatingItemKNN(3, shrinkage=2.0, max_history=4),
    "RatingItemKNN-max_partners": RatingItemKNN(3, shrinkage=2.0, max_partners=4),
    "SlopeOne": SlopeOne(),
    "BiasedMFClassifier": BiasedMFClassifier(),
    "BiasedMFClassifier-options": BiasedMFClassifier(
        3, optimizer="sgd", implicit="history", implicit_size=4, replay=1, replay_size=8
    ),
    "EASE": EASE(),
    "EASE-recency": EASE(30.0, recency=0.9, min_y=3, max_items=12),
    "EASE-history=5": EASE(history=5, cold_start="recent"),
    "BiasedMFClassifier-sgd": BiasedMFClassifier(
        4, optimizer="sgd", learning_rate=0.1, class_weight="balanced", history=3
    ),
    "FactorizationMachine": FactorizationMachine(optimizer_bias="ftrl", interactions="user-item"),
    "Blend": Blend(
        [
            ("popular", Popularity(history=0)),
            ("rules", SequentialRules()),
            ("factors", BPR(8, n_negatives=3)),
        ],
        every=2,
    ),
    "FactorizationMachineClassifier": FactorizationMachineClassifier(4, class_weight="balanced"),
    "FactorizationMachineRecommender": FactorizationMachineRecommender(8, n_negatives=10),
    "Bagging": Bagging(n_estimators=2),
    "RatingFallback": RatingFallback(min_events=3),
    "Switch": Switch(choices={"u1": "alike", 1: "alike", 2: "alike"}),
    "Bagging-ratings": RatingBagging(Baseline(), 2),
    "RatingFallback-lists": Fallback(
        [("alike", ItemKNN()), ("popular", Popularity(half_life="auto", history=0))], min_events=2
    ),
    "Switch-ratings": RatingSwitch(
        [("shrunk", Baseline()), ("items", SlopeOne())], choices={1: "shrunk", "u1": "shrunk"}
    ),
    "BPR": BPR(8, n_negatives=10),
    "BPR-options": BPR(
        17,
        loss="logistic",
        negatives="popularity",
        n_negatives=2,
        class_weight="balanced",
        replay=1,
        replay_size=6,
        history=5,
        min_y=2,
        cold_start="popular",
    ),
    "ImplicitALS": ImplicitALS(5),
    "ImplicitALS-cg-17": ImplicitALS(17, solver="cg", exponent=0.4, min_y=2, n_jobs=2, time_col="time"),
    "ColdStartMap": ColdStartMap(min_events=1, refresh=25),
    "RatingColdStartMap": RatingColdStartMap(min_events=1, refresh=25),
    "ContentRidge": ContentRidge(),
    "Rocchio": Rocchio(half_life=dt.timedelta(days=2), negative=0.5, min_y=2, time_col="time"),
    "KalmanMF": KalmanMF(),
    "KalmanMF-full": KalmanMF(covariance="full", drift_factors=1e-4, clip_to_range=True, history=5),
    "KalmanMF-time-17": KalmanMF(17, time_col="time"),
    "SocialMF": SocialMF(max_friends=3),
    "TrustSVD": TrustSVD(17, max_friends=2, history=5),
}
