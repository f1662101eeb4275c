"""Users who know each other: factor models with ties between users."""

from skl_increc.social._social_mf import SocialMF
from skl_increc.social._trust_svd import TrustSVD

__all__ = ["SocialMF", "TrustSVD"]
