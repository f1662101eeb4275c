"""Ranking metrics: functions of arrays, streaming metrics for River, and scorers for scikit-learn."""

from __future__ import annotations

from ._at_k import (
    auc,
    f1_at_k,
    hit_rate_at_k,
    map_at_k,
    mrr_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)
from ._base import RankingMetric
from ._catalogue import Coverage, Gini, Novelty, PopularityBias
from ._diversity import Diversity
from ._gains import F1, MAP, MRR, NDCG, HitRate, Precision, Recall
from ._scorer import RankingScorer, get_scorer, get_scorer_names
from ._shown import catalog_coverage, diversity, gini, novelty, popularity_bias

__all__ = [
    "F1",
    "MAP",
    "MRR",
    "NDCG",
    "Coverage",
    "Diversity",
    "Gini",
    "HitRate",
    "Novelty",
    "PopularityBias",
    "Precision",
    "RankingMetric",
    "RankingScorer",
    "Recall",
    "auc",
    "catalog_coverage",
    "diversity",
    "f1_at_k",
    "get_scorer",
    "get_scorer_names",
    "gini",
    "hit_rate_at_k",
    "map_at_k",
    "mrr_at_k",
    "ndcg_at_k",
    "novelty",
    "popularity_bias",
    "precision_at_k",
    "recall_at_k",
]
