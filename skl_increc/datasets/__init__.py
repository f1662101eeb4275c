"""Data sets: real ratings, generated events, events out of frames and files.

Importing this package imports no frame library; each function imports what it needs.
"""

from skl_increc.datasets._archives import get_data_home
from skl_increc.datasets._cleaning import clean_events
from skl_increc.datasets._cleaning_report import CleaningReport
from skl_increc.datasets._events import iter_events
from skl_increc.datasets._files import read_events
from skl_increc.datasets._movielens import MOVIELENS_TERMS, fetch_movielens, load_movielens_small
from skl_increc.datasets._synthetic import InteractionTruth, make_interactions

__all__ = [
    "MOVIELENS_TERMS",
    "CleaningReport",
    "InteractionTruth",
    "clean_events",
    "fetch_movielens",
    "get_data_home",
    "iter_events",
    "load_movielens_small",
    "make_interactions",
    "read_events",
]
