"""Models of what items are: they know an item before anybody had it."""

from skl_increc.content._content_ridge import ContentRidge
from skl_increc.content._rocchio import Rocchio

__all__ = ["ContentRidge", "Rocchio"]
