"""Search for parameters along a stream: who does badly early is not carried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed

from skl_increc.base import InteractionEstimator

from ._best_model import BestModel
from ._delay import check_delay
from ._entrants import choose_task
from ._meters import choose_metrics
from ._rungs import Questions, Rung, Step, advance, plan_rungs, split_evenly
from ._search_table import SearchTable
from ._splits import check_whole
from ._table_of_events import EventTable, read_events_of

__all__ = ["ProgressiveSearchCV"]

_USUAL = {"rating": "rmse", "binary": "log_loss", "ranking": "ndcg"}


class ProgressiveSearchCV(BestModel, MetaEstimatorMixin, BaseEstimator):
    """Successive halving over the events of a stream, in their order.

    All candidates begin at the first event: each event is asked, then learned. At the end of a rung those with
    the best scores go on from where they are, one in ``factor``, and through ``factor`` times as many events; the
    others stop. Nothing is shuffled, and nothing is learned twice.

    Parameters
    ----------
    estimator : model of this package
        Cloned for every candidate.
    param_distributions : dict, or list of dict
        Names of parameters to lists of values, or to distributions with a method ``rvs``.
    n_candidates : int or "all", default="all"
        So many are drawn; "all": every combination of the lists.
    factor : float, default=3
        One in so many goes on.
    min_resources : int or "exhaust", default="exhaust"
        Events of the first rung; "exhaust": so many that the last rung ends with the last event.
    max_resources : int, optional
        Events of the last rung; all by default.
    scoring : str or River metric, optional
        As of `progressive_validate`; "ndcg@20" sets the length of the lists, too. By default "rmse", "log_loss" or
        "ndcg", by the task.
    task : {"auto", "rating", "binary", "ranking"}, default="auto"
        As of `progressive_validate`.
    k : int, default=10
        Length of the lists.
    ties : {"together", "order"}, default="together"
        As of `progressive_validate`. A rung never ends within a moment.
    delay : number, timedelta, str or callable, optional
        As of `progressive_validate`.
    refit : bool, default=True
        Fit a clone with the best parameters to all of X.
    error_score : "raise" or nan, default=nan
        What to do when a candidate raises: let it, or warn and leave the candidate behind. One whose predictions
        are not finite is left behind in either case.
    n_jobs : int, optional
        Jobs of `joblib`; each takes a share of the candidates through the rung.
    random_state : int, RandomState instance or None, default=0
        Of the draws of candidates.
    verbose : int, default=0
        Of `joblib.Parallel`.

    Attributes
    ----------
    best_params_ : dict
        Of the best candidate of the last rung.
    best_score_ : float
        Its score there.
    best_index_ : int
        Its row in ``cv_results_``.
    best_estimator_ : model
        Fitted to all of X; only with ``refit=True``.
    cv_results_ : dict of str to ndarray
        As of scikit-learn's halving searches, a row per candidate and rung: ``iter``, ``n_resources``, ``params``,
        ``param_...``, ``mean_test_score`` (over the events of this rung alone; larger is better, so the sign of
        errors is turned), ``rank_test_score`` (who came further stands first), ``mean_fit_time`` and
        ``mean_score_time`` (seconds of learning and of asking in this rung).
    n_resources_, n_candidates_ : list of int
        Events and candidates of each rung.
    n_iterations_ : int
        Number of rungs.
    scorer_ : str
        Name of the metric.
    n_features_in_, feature_names_in_
        Of X.

    Raises
    ------
    TypeError
        For an estimator that is no model of this package.
    ValueError
        For parameters out of range, and if no candidate has a score.

    Notes
    -----
    One pass over the stream teaches a candidate as ``partial_fit`` does: ``n_epochs`` makes no difference here.

    **Cost**: with the usual ``min_resources`` and r rungs ``n / factor ** (r - 1) * (1 + (r - 1) * (1 - 1 / factor))``
    passes of one candidate over the stream: 2.3 for nine, factor 3. The models of a rung are held together. For each
    rung, and job, the events before it are read again, 1 to 2 microseconds each.

    References
    ----------
    .. [1] K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and hyperparameter optimization,
       AISTATS 2016.

    Examples
    --------
    >>> from skl_increc.datasets import make_interactions
    >>> from skl_increc.factorization import BiasedMF
    >>> from skl_increc.model_selection import ProgressiveSearchCV
    >>> X, y = make_interactions(3_000, return_X_y=True)
    >>> search = ProgressiveSearchCV(BiasedMF(), {"l2": [0.001, 0.01, 100.0], "n_factors": [4, 8, 16]})
    >>> search = search.fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([9, 3, 1], [333, 999, 3000])
    >>> search.best_params_["l2"] < 100.0
    True
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_candidates: Any = "all",
        factor: float = 3,
        min_resources: Any = "exhaust",
        max_resources: int | None = None,
        scoring: Any = None,
        task: str = "auto",
        k: int = 10,
        ties: str = "together",
        delay: Any = None,
        refit: bool = True,
        error_score: Any = np.nan,
        n_jobs: int | None = None,
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.n_candidates = n_candidates
        self.factor = factor
        self.min_resources = min_resources
        self.max_resources = max_resources
        self.scoring = scoring
        self.task = task
        self.k = k
        self.ties = ties
        self.delay = delay
        self.refit = refit
        self.error_score = error_score
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Take the candidates through the stream, and fit the best.

        Parameters
        ----------
        X : frame or array-like of shape (n_events, n_columns)
            As of the estimator; in order of time, unless it has a ``time_col``.
        y : array-like of shape (n_events,), optional
            As of the estimator.
        sample_weight : array-like of shape (n_events,), optional
            As of the estimator.

        Returns
        -------
        self
        """
        self._check()
        model = clone(self.estimator)
        table = read_events_of(model, X, y, sample_weight)
        questions = self._questions(table)
        params = self._candidates()
        rungs = self._rungs(len(params), table)
        results = self._halve(params, rungs, table, questions)
        self.n_features_in_ = model.n_features_in_
        if hasattr(model, "feature_names_in_"):
            self.feature_names_in_ = model.feature_names_in_
        self.scorer_ = next(iter(choose_metrics([questions.metric], questions.task, questions.k)))
        self.n_iterations_, self.n_resources_ = len(rungs), [rung.stop for rung in rungs]
        self.n_candidates_ = [rung.n_candidates for rung in rungs]
        self.cv_results_ = results.columns(params)
        self.best_index_ = results.best()
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.__dict__.pop("best_estimator_", None)
        if self.refit:
            best = clone(self.estimator).set_params(**self.best_params_)
            weights = {} if sample_weight is None else {"sample_weight": sample_weight}
            self.best_estimator_ = best.fit(X, y, **weights)
        return self

    def _check(self) -> None:
        if not isinstance(self.estimator, InteractionEstimator):
            raise TypeError(
                "estimator must be a model of skl_increc, which learns event by event; got a "
                f"{type(self.estimator).__name__}. Of a pipeline, search the last step, on what the steps before "
                "it give; clones of River's models with several settings run in one progressive_validate."
            )
        check_delay(self.delay, self.estimator.time_col)
        check_whole("k", self.k)
        if self.ties not in ("together", "order"):
            raise ValueError(f"ties must be 'together' or 'order'; got {self.ties!r}.")
        if self.error_score != "raise" and not np.isnan(self.error_score):
            raise ValueError(f"error_score must be 'raise' or nan; got {self.error_score!r}.")

    def _questions(self, table: EventTable) -> Questions:
        task = choose_task(self.task, {type(self.estimator).__name__: self.estimator})
        scoring, k = _USUAL[task] if self.scoring is None else self.scoring, self.k
        if isinstance(scoring, str) and task == "ranking" and "@" in scoring:
            scoring, _, places = scoring.partition("@")
            if not places.isdecimal() or int(places) < 1:
                raise ValueError(f"scoring={self.scoring!r} has no number of places after the @.")
            k = int(places)
        metric = next(iter(choose_metrics([scoring], task, k).values()))
        together = self.ties == "together" and table.columns.time is not None
        return Questions(task, metric, k, together, self.delay)

    def _candidates(self) -> list[dict[str, Any]]:
        spaces = self.param_distributions
        spaces = [spaces] if isinstance(spaces, Mapping) else list(spaces)
        drawn = sorted({n for space in spaces for n, values in space.items() if hasattr(values, "rvs")})
        if self.n_candidates != "all":
            check_whole("n_candidates", self.n_candidates)
            return list(ParameterSampler(spaces, self.n_candidates, random_state=self.random_state))
        if drawn:
            raise ValueError(f"n_candidates='all', but {', '.join(drawn)} is drawn: say how many to draw.")
        return list(ParameterGrid(spaces))

    def _rungs(self, n_candidates: int, table: EventTable) -> list[Rung]:
        rungs: list[Rung] = []
        for rung in plan_rungs(n_candidates, self.factor, self.min_resources, self.max_resources, len(table)):
            stop = table.end_of_moment(rung.stop) if self.ties == "together" else rung.stop
            if not rungs or stop > rungs[-1].stop:
                rungs.append(Rung(rung.n_candidates, stop))
        return rungs

    def _halve(
        self, params: Sequence[dict[str, Any]], rungs: Sequence[Rung], table: EventTable, questions: Questions
    ) -> SearchTable:
        models = {i: clone(self.estimator).set_params(**values) for i, values in enumerate(params)}
        results = SearchTable()
        steps: dict[int, Step] = {}
        start = 0
        for number, rung in enumerate(rungs):
            if number:
                models = {i: steps[i].model for i in results.best_of_rung(rung.n_candidates)}
            steps = self._advance(models, table.until(rung.stop), start, questions)
            results.add(number, rung.stop, steps)
            if results.all_failed():
                raise ValueError(
                    f"None of {len(models)} candidates has a score in rung {number + 1} of {len(rungs)} (n_samples = "
                    f"{rung.stop}): all failed, or nothing was asked. error_score='raise' shows a failure."
                )
            start = rung.stop
        return results

    def _advance(
        self, models: Mapping[int, Any], table: EventTable, start: int, questions: Questions
    ) -> dict[int, Step]:
        parts = split_evenly(list(models), max(1, effective_n_jobs(self.n_jobs)))
        parallel = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)
        done = parallel(
            delayed(advance)({i: models[i] for i in part}, table, start, questions, self.error_score)
            for part in parts
        )
        return dict(sorted(chain.from_iterable(part.items() for part in done)))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "best_params_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        for part in ("classifier_tags", "regressor_tags", "input_tags", "target_tags"):
            setattr(tags, part, deepcopy(getattr(inner, part)))
        return tags
