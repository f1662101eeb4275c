"""What a model promises about the streams it learns from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Guarantees"]

Holds = Literal["bitwise", "rounding", "no"]


@dataclass(frozen=True)
class Guarantees:
    """How each of four properties holds for a model as it is set now.

    Each is "bitwise" (equal to the last bit), "rounding" (equal up to floating-point rounding) or
    "no".  Equality under O, M and U means equality of the state keyed by id, and of every answer.

    Parameters
    ----------
    S : {"bitwise", "rounding", "no"}
        Split-invariant: any cutting of the same ordered stream into calls gives the same model.
    O : {"bitwise", "rounding", "no"}
        Order-free: the model depends on the set of events alone.
    M : {"bitwise", "rounding", "no"}
        Mergeable: two models of streams without a common user merge into the model of both.
    U : {"bitwise", "rounding", "no"}
        Forgettable: after ``forget`` the model is the one that never saw those events.
    why : str
        What stands in the way of those that do not hold.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> g = Popularity().guarantees()
    >>> g.S, g.O, g.M, g.U
    ('bitwise', 'bitwise', 'bitwise', 'bitwise')
    """

    S: Holds
    O: Holds  # noqa: E741  (the four letters are the names used throughout)
    M: Holds
    U: Holds
    why: str = ""
