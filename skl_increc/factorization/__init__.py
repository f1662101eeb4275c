"""Matrix factorisation: users and items as vectors whose products predict."""

from skl_increc.factorization._biased_mf import BiasedMF
from skl_increc.factorization._bpr import BPR
from skl_increc.factorization._classifier import BiasedMFClassifier
from skl_increc.factorization._factorization_machine import FactorizationMachine
from skl_increc.factorization._fm_classifier import FactorizationMachineClassifier
from skl_increc.factorization._fm_recommender import FactorizationMachineRecommender
from skl_increc.factorization._implicit_als import ImplicitALS
from skl_increc.factorization._kalman_mf import KalmanMF

__all__ = [
    "BPR",
    "BiasedMF",
    "BiasedMFClassifier",
    "FactorizationMachine",
    "FactorizationMachineClassifier",
    "FactorizationMachineRecommender",
    "ImplicitALS",
    "KalmanMF",
]
