"""How many examples a property is tried on: few and the same every time, or many that are new.

The profile of hypothesis says which; ``conftest.py`` loads it.
"""

from hypothesis import settings

__all__ = ["examples"]

USUAL = 40  # of the profile that is loaded by default


def examples(n: int) -> int:
    """`n` by default; in proportion more with a profile of more examples."""
    return max(1, n * settings().max_examples // USUAL)
