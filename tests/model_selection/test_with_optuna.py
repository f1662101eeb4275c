"""Optuna's search, with pruning through ``partial_fit``; skipped where Optuna is not installed."""

import warnings

import pytest

from skl_increc.datasets import make_interactions
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import get_scorer
from skl_increc.model_selection import TemporalSplit

optuna = pytest.importorskip("optuna")
integration = pytest.importorskip("optuna_integration")


@pytest.mark.filterwarnings("ignore")
def test_search_with_pruning():
    X, y = make_interactions(2000, return_X_y=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1),
    )
    search = integration.OptunaSearchCV(
        BiasedMF(n_factors=4, time_col="timestamp"),
        {"l2": optuna.distributions.FloatDistribution(1e-3, 1e5, log=True)},
        cv=TemporalSplit(2, time_col="timestamp"),
        enable_pruning=True,
        max_iter=5,
        n_trials=12,
        scoring="neg_root_mean_squared_error",
        error_score="raise",
        study=study,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    states = [trial.state.name for trial in study.trials]
    assert "PRUNED" in states and set(states) == {"PRUNED", "COMPLETE"}
    worst = min(trial.value for trial in study.trials if trial.state.name == "COMPLETE")
    assert search.best_score_ > worst and search.predict(X).shape == (2000,)


def test_search_by_lists():
    X, y = make_interactions(1000, return_X_y=True)
    space = {"n_factors": optuna.distributions.IntDistribution(2, 8)}
    folds = TemporalSplit(2, time_col="timestamp")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = integration.OptunaSearchCV(
            BiasedMF(time_col="timestamp"), space, cv=folds, n_trials=2, scoring=get_scorer("ndcg@10")
        ).fit(X, y)
    assert 0.0 <= search.best_score_ <= 1.0
