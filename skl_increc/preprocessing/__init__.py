"""Features of events, for any regressor or classifier: what came before, and what other models think."""

from skl_increc.preprocessing._history_features import HistoryFeatures
from skl_increc.preprocessing._model_scores import ModelScores

__all__ = ["HistoryFeatures", "ModelScores"]
