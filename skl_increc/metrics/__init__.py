"""Streaming ranking metrics for River, and a ranking scorer for scikit-learn."""

from __future__ import annotations

from ._base import RankingMetric
from ._catalogue import Coverage, Novelty
from ._gains import F1, MAP, MRR, NDCG, HitRate, Precision, Recall
from ._scorer import RankingScorer

__all__ = [
    "F1",
    "MAP",
    "MRR",
    "NDCG",
    "Coverage",
    "HitRate",
    "Novelty",
    "Precision",
    "RankingMetric",
    "RankingScorer",
    "Recall",
]
