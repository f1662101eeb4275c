"""How many examples a property is tried on: few and the same every time, or many that are new.

The profile of hypothesis says which; ``conftest.py`` loads it.
"""

from hypothesis import settings

__all__ = ["examples"]

USUAL = 100  # hypothesis's own number; the profile that is loaded by default has fewer


def examples(n: int) -> int:
    """`n` by default; in proportion more with a profile of more examples than hypothesis tries by itself."""
    return n * max(1, settings().max_examples // USUAL)
