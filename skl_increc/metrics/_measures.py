"""Names of measures, such as "ndcg@10", and their values from the lists of a model."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skl_increc.base._held_out import Question, list_gains
from skl_increc.base._ranking import GAINS

from ._base import check_k
from ._exposure import ItemVectors
from ._shown import catalog_coverage, gini, novelty, popularity_bias
from ._ties import area_under_curve

__all__ = ["MEASURES", "Asked", "Measure", "check_measure", "read_measure"]

#: measures that need to know how often items were taken
OF_COUNTS = ("novelty", "neg_popularity_bias")
#: measures with a value for every user
OF_USERS = (*sorted(GAINS), "auc", "diversity")
#: all names; larger is better for each, hence neg_ where the function of that name is a loss
MEASURES = (*OF_USERS, "coverage", "neg_gini", *OF_COUNTS)

_USERS_AT_ONCE = 256


@dataclass(frozen=True)
class Measure:
    """A measure of lists of k items; ``key`` is its name with k."""

    name: str
    k: int

    @property
    def key(self) -> str:
        """For example "ndcg@10"; "auc" has no k."""
        return self.name if self.name == "auc" else f"{self.name}@{self.k}"


def read_measure(text: Any, k: int) -> Measure:
    """A measure from "ndcg" or "ndcg@20"; ``k`` is for the first.

    Raises
    ------
    ValueError
        For an unknown name, and a k that is no number of places.

    Examples
    --------
    >>> read_measure("recall@20", 10)
    Measure(name='recall', k=20)
    """
    if not isinstance(text, str):
        raise TypeError(f"A ranking metric is named by a text such as 'ndcg@10'; got {text!r}.")
    name, at, places = text.partition("@")
    if name not in MEASURES:
        raise ValueError(f"There is no ranking metric {name!r}; there are {sorted(MEASURES)}.")
    if at:
        k = int(places) if places.isdecimal() else 0
        if k < 1 or name == "auc":
            raise ValueError(f"{text!r} is no name of a ranking metric: write 'ndcg@10', or 'auc' alone.")
    return Measure(name, check_k(k))


def check_measure(measure: Measure, item_vectors: Any, sampled: bool) -> None:
    """Refuse a measure that lacks what it needs."""
    if measure.name == "diversity" and item_vectors is None:
        raise ValueError(
            "diversity needs item_vectors, a mapping of item to vector: what the items are like."
        )
    if sampled and measure.name not in GAINS:
        raise ValueError(
            f"{measure.key} has no sampled form: n_sampled is for {sorted(GAINS)}. Leave it out."
        )


@dataclass
class Asked:
    """Questions to a model, with what its answers are measured against."""

    model: Any
    questions: Sequence[Question]
    exclude_seen: bool
    candidates: Sequence[Hashable] | None
    item_counts: Any
    item_vectors: ItemVectors | None
    made: np.ndarray | None = None

    def lists(self, k: int) -> np.ndarray:
        """The model's lists, object (n_questions, k)."""
        users = [question.user for question in self.questions]
        items, _ = self.model.recommend(users, k, exclude_seen=self.exclude_seen, candidates=self.candidates)
        return items

    def catalog(self) -> Sequence[Hashable]:
        """The items that may be listed."""
        return list(self.model.item_ids_) if self.candidates is None else self.candidates

    def values(self, measure: Measure, lists: np.ndarray) -> np.ndarray:
        """A value per question, float64 (n_questions,); NaN where it is not defined."""
        if self.item_vectors is not None and measure.name == "diversity":
            return np.array([self.item_vectors.distance(row[: measure.k]) for row in lists])
        return list_gains(lists, self.questions, measure.name, measure.k)

    def whole(self, measure: Measure, lists: np.ndarray) -> float:
        """Value of a measure of all lists together."""
        k = measure.k
        if measure.name == "coverage":
            return catalog_coverage(lists, self.catalog(), k)
        if measure.name == "neg_gini":
            return -gini(lists, self.catalog(), k)
        counts, n_events = self._counts()
        if measure.name == "novelty":
            return novelty(lists, counts, k, n_events=n_events)
        return -popularity_bias(lists, counts, k)

    def _counts(self) -> tuple[Any, float | None]:
        """Given counts; else how many users had each item, and how many users there are."""
        if self.item_counts is not None:
            return self.item_counts, None
        try:
            matrix = self.model.to_csr()
        except (AttributeError, ValueError) as error:
            raise ValueError(
                f"The {type(self.model).__name__} keeps no record of who had what, so that nothing tells how "
                "well known its items are: give item_counts=..., the items of the training events."
            ) from error
        counts = np.asarray(matrix.sum(axis=0)).ravel()
        return dict(zip(self.model.item_ids_, counts.tolist(), strict=True)), float(matrix.shape[0])

    def areas(self) -> np.ndarray:
        """Area under the curve of each question, from the scores of all items."""
        n_items, values = len(self.catalog()), []
        for start in range(0, len(self.questions), _USERS_AT_ONCE):
            part = self.questions[start : start + _USERS_AT_ONCE]
            items, scores = self.model.recommend(
                [question.user for question in part],
                max(n_items, 1),
                exclude_seen=self.exclude_seen,
                candidates=self.candidates,
            )
            values += list(map(_area, part, items, scores))
        return np.array(values, dtype=np.float64)


def _area(question: Question, items: np.ndarray, scores: np.ndarray) -> float:
    """Of a user's whole list; a wanted item that is not in it is below all others."""
    wanted = np.array([item in question.wanted for item in items], dtype=bool)
    absent = len(question.wanted) - int(np.count_nonzero(wanted))
    scores = np.concatenate((scores, np.full(absent, -np.inf)))
    return area_under_curve(scores, np.concatenate((wanted, np.ones(absent, dtype=bool))))
