"""Scorers for scikit-learn's searches: the lists for the users of a held-out table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.utils.metadata_routing import UNCHANGED, MetadataRequest
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skl_increc.base._held_out import hold_out, warn_of_nothing, weighted_mean
from skl_increc.base._interactions import read_table

from ._exposure import ItemVectors
from ._measures import MEASURES, OF_USERS, Asked, Measure, check_measure, read_measure
from ._sampled import sampled_values, warn_of_sampling

__all__ = ["RankingScorer", "get_scorer", "get_scorer_names"]


class RankingScorer:
    """Callable for ``scoring=``: one list for every user of the held-out events, measured.

    Parameters
    ----------
    metric : str or sequence of str, default="ndcg"
        "ndcg", "hit_rate", "recall", "precision", "f1", "mrr", "map", "auc", "diversity" (means over
        users), "coverage", "novelty", "neg_gini", "neg_popularity_bias" (of all lists), each with its own k
        if wanted: "recall@20". Of several, the lists are asked for once, and the score is a dict.
    k : int, default=10
        Length of the lists, at least 1, where a name does not say it.
    exclude_seen : bool, default=True
        Leave out of the lists what the user had; such items are not asked for either.
    min_y : float, optional
        Least y of a held-out event that counts; by default the model's own ``min_y``, if it has one.
    candidates : iterable of hashable, optional
        The items that may be recommended.
    n_sampled : int, optional
        Rank each held-out item among so many others, drawn with replacement, in place of all. Warns: see
        the notes.
    random_state : int, RandomState instance or None, default=0
        For the draws.
    item_counts : mapping of item to count, or iterable of hashable, optional
        How often each item was taken, for "novelty" and "neg_popularity_bias". By default how many users had
        it, as far as the model remembers.
    item_vectors : mapping of item to vector, optional
        What the items are like, for "diversity".

    Raises
    ------
    ValueError
        For an unknown metric, a k below 1, and a metric that lacks what it needs.

    Warns
    -----
    SampledMetricWarning
        If ``n_sampled`` is set.

    See Also
    --------
    get_scorer : From a name such as "ndcg@10".

    Notes
    -----
    A larger score is better. It is NaN, with an `UndefinedMetricWarning`, where a fold leaves nothing to
    ask for. Use folds in order of time, such as those of `skl_increc.model_selection.TemporalSplit`:
    shuffled folds let a model learn the future.

    **Sampling** makes a metric another one, which may order models differently. The score is therefore the
    corrected estimate of [1]_, the one of least (1 - g) bias^2 + g variance with g = 0.1. Each held-out item
    is ranked by itself, among items that the user neither had nor will take; a user counts by the mean of
    his. So "hit_rate" becomes a recall where users have several. The estimate may leave [0, 1].

    **Metadata**: ``set_score_request(sample_weight=True)``, as for any scorer of scikit-learn.

    **Cost**: one `recommend` for all users; "auc" takes the scores of all items; ``n_sampled`` takes a call
    a user, and pays where there are very many items.

    References
    ----------
    .. [1] W. Krichene and S. Rendle, On sampled metrics for item recommendation, KDD 2020.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.metrics import RankingScorer
    >>> RankingScorer("recall", k=5)
    RankingScorer('recall', k=5)
    >>> model = Popularity().fit([["Ann", "tea"], ["Bob", "tea"], ["Bob", "jam"]])
    >>> RankingScorer(["recall@1", "coverage@1"])(model, [["Ann", "jam"], ["Eve", "jam"]])
    {'recall@1': 0.5, 'coverage@1': 1.0}
    """

    def __init__(
        self,
        metric: str | Sequence[str] = "ndcg",
        k: int = 10,
        *,
        exclude_seen: bool = True,
        min_y: float | None = None,
        candidates: Iterable[Hashable] | None = None,
        n_sampled: int | None = None,
        random_state: Any = 0,
        item_counts: Any = None,
        item_vectors: Any = None,
    ) -> None:
        names = [metric] if isinstance(metric, str) else list(metric)
        self._measures = [read_measure(name, k) for name in names]
        keys = [measure.key for measure in self._measures]
        if len(set(keys)) != len(keys) or not keys:
            raise ValueError(f"metric must name at least one metric, and none twice; got {metric!r}.")
        for measure in self._measures:
            check_measure(measure, item_vectors, n_sampled is not None)
        if n_sampled is not None:
            if isinstance(n_sampled, bool) or not isinstance(n_sampled, (int, np.integer)) or n_sampled < 1:
                raise ValueError(f"n_sampled must be a number of items, at least 1; got {n_sampled!r}.")
            warn_of_sampling(n_sampled, stacklevel=2)
        self.metric = metric if isinstance(metric, str) else names
        self.k = k
        self.exclude_seen = exclude_seen
        self.min_y = min_y
        self.candidates = None if candidates is None else list(candidates)
        self.n_sampled = n_sampled
        self.random_state = random_state
        self.item_counts = item_counts
        self.item_vectors = item_vectors
        self._vectors = None if item_vectors is None else ItemVectors(item_vectors)
        self._requested: bool | str | None = None

    def __call__(self, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : recommender, rating model, pipeline that ends in one, or fitted search over these
        X : frame or array-like of shape (n_pairs, n_columns)
            Held-out events.
        y : array-like of shape (n_pairs,), optional
            Their values.
        sample_weight : array-like of shape (n_pairs,), optional
            Weights; a user counts by the mean of his. Measures of all lists together do not look at them.

        Returns
        -------
        float, or dict of str to float
            NaN where nothing is left to ask for.

        Raises
        ------
        TypeError
            If the last step of the estimator cannot recommend.
        """
        asked = self._ask(estimator, X, y, sample_weight)
        found = dict.fromkeys((measure.key for measure in self._measures), math.nan)
        if not asked.questions:
            warn_of_nothing()
        else:
            values = self._values(asked)
            for measure in self._measures:
                of_users = values.get(measure)
                found[measure.key] = (
                    asked.whole(measure, self._lists(asked))
                    if of_users is None
                    else weighted_mean(of_users, asked.questions)
                )
        return found if isinstance(self.metric, list) else next(iter(found.values()))

    def set_score_request(self, *, sample_weight: bool | str | None = UNCHANGED) -> RankingScorer:
        """Say whether scikit-learn should hand over weights (metadata routing).

        Parameters
        ----------
        sample_weight : bool, str or None
            True: yes; False: no; None: an error if somebody gives any; a text: under this name.

        Returns
        -------
        self
        """
        if sample_weight is not UNCHANGED:
            self._requested = sample_weight
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """What scikit-learn's metadata routing should hand over.

        Returns
        -------
        MetadataRequest
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._requested)
        return request

    def by_user(
        self, estimator: Any, X: Any, y: Any = None, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score of every user, whose mean is the score; for one metric that is a mean over users.

        Parameters
        ----------
        estimator, X, y, sample_weight
            As of a call. The weights only leave out pairs of weight 0.

        Returns
        -------
        users : ndarray of shape (n_users,), object
            In the order in which they come in X; None for each anonymous pair.
        values : ndarray of shape (n_users,), float64
            NaN where the metric is not defined for a user.

        Raises
        ------
        ValueError
            For several metrics, and for one that belongs to all lists together.
        """
        measure = self._measures[0]
        if len(self._measures) > 1 or measure.name not in OF_USERS:
            raise ValueError(
                f"by_user needs one metric that is a mean over users, of {sorted(OF_USERS)}; this is {self!r}."
            )
        asked = self._ask(estimator, X, y, sample_weight)
        users = np.empty(len(asked.questions), dtype=object)
        users[:] = [question.user for question in asked.questions]
        return users, self._values(asked)[measure] if len(users) else np.empty(0)

    def _ask(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> Asked:
        model, X = _last_step(estimator, X)
        if not hasattr(model, "recommend"):
            raise TypeError(
                f"{self!r} scores models that recommend; a {type(model).__name__} has no method recommend."
            )
        check_is_fitted(model)
        events = read_table(model, X, reset=False, checked=hasattr(model, "n_features_in_"))
        questions = hold_out(
            events.users.to_list(),
            events.items.to_list(),
            None if y is None else column_or_1d(y).tolist(),
            min_y=getattr(model, "min_y", None) if self.min_y is None else self.min_y,
            seen=getattr(model, "seen", None) if self.exclude_seen else None,
            sample_weight=sample_weight,
        )
        return Asked(model, questions, self.exclude_seen, self.candidates, self.item_counts, self._vectors)

    def _lists(self, asked: Asked) -> np.ndarray:
        if asked.made is None:
            asked.made = asked.lists(max(measure.k for measure in self._measures if measure.name != "auc"))
        return asked.made

    def _values(self, asked: Asked) -> dict[Measure, np.ndarray]:
        """Values of the measures that have one for every user."""
        own = [measure for measure in self._measures if measure.name in OF_USERS]
        if self.n_sampled is not None:
            return dict(zip(own, sampled_values(asked, own, self.n_sampled, self.random_state), strict=True))
        return {m: asked.areas() if m.name == "auc" else asked.values(m, self._lists(asked)) for m in own}

    def __repr__(self) -> str:
        given = [repr(self.metric)]
        if isinstance(self.metric, str) and "@" not in self.metric and self.metric != "auc":
            given.append(f"k={self.k}")
        usual = {"exclude_seen": True, "min_y": None, "candidates": None, "n_sampled": None}
        given += [f"{n}={getattr(self, n)!r}" for n, value in usual.items() if getattr(self, n) != value]
        given += [f"{n}=..." for n in ("item_counts", "item_vectors") if getattr(self, n) is not None]
        return f"{type(self).__name__}({', '.join(given)})"


def get_scorer(metric: str | Sequence[str], **options: Any) -> RankingScorer:
    """Scorer of a name such as "ndcg@10", for ``scoring=`` in scikit-learn.

    scikit-learn keeps its own list of names and lets nobody add to it; so write
    ``scoring=get_scorer("ndcg@10")`` where you would write ``scoring="r2"``.

    Parameters
    ----------
    metric : str or sequence of str
        A name of `get_scorer_names`, with the length of the lists behind an @ (10 if it is not said).
        Several give one scorer whose score is a dict, for ``cross_validate`` and for searches with
        ``refit="ndcg@10"``.
    **options
        Those of `RankingScorer`.

    Returns
    -------
    RankingScorer

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> from sklearn.model_selection import cross_validate
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.datasets import make_interactions
    >>> from skl_increc.metrics import get_scorer
    >>> from skl_increc.model_selection import TemporalSplit
    >>> X, y = make_interactions(2_000, return_X_y=True)
    >>> scoring = get_scorer(["ndcg@10", "recall@20"], min_y=4)
    >>> folds = TemporalSplit(3, time_col="timestamp")
    >>> sorted(cross_validate(Popularity(), X, y, cv=folds, scoring=scoring))
    ['fit_time', 'score_time', 'test_ndcg@10', 'test_recall@20']
    """
    return RankingScorer(metric, **options)


def get_scorer_names() -> list[str]:
    """Names that `get_scorer` knows, without the @ and the number of places.

    Examples
    --------
    >>> from skl_increc.metrics import get_scorer_names
    >>> "ndcg" in get_scorer_names()
    True
    """
    return sorted(MEASURES)


def _last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The model inside searches and pipelines, and X as it reaches it."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                X = estimator[:-1].transform(X)
            estimator = estimator.steps[-1][1]
        else:
            return estimator, X
