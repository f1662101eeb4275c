"""What ``--clean`` and ``--clean-rule`` say, as parameters of ``clean_events``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skl_increc.cli._errors import InputError

__all__ = ["read_rules"]

#: rule -> how it is written
RULES = {
    "returns": "returns=cancel",
    "service": "service=POSTAGE|FEE",
    "service-col": "service-col=description",
    "duplicates": "duplicates=no",
    "anonymous": "anonymous=keep",
    "rating": "rating=1..5",
    "time": "time=2011-01-01..2011-12-31",
    "user-burst": "user-burst=100/1h",
    "item-burst": "item-burst=1000/10min",
    "bursts": "bursts=all",
}
_WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "returns": ("returns", {"keep": "keep", "drop": "drop", "cancel": "cancel"}),
    "duplicates": ("duplicates", {"yes": True, "no": False}),
    "anonymous": ("keep_anonymous", {"keep": True, "drop": False}),
    "bursts": ("burst_scope", {"window": "window", "all": "all"}),
}


def read_rules(clean: bool, rules: Sequence[str]) -> dict[str, Any] | None:
    """Parameters of ``clean_events``; None where nothing is to be cleaned.

    Raises
    ------
    InputError
        For a rule that there is not, or that cannot be read.
    """
    if not clean and not rules:
        return None
    out: dict[str, Any] = {}
    for text in rules:
        name, _, value = text.partition("=")
        name = name.strip()
        if name not in RULES or not value.strip():
            raise InputError(f"--clean-rule {text!r} is none of: {', '.join(RULES.values())}.")
        parameter, meant = _meaning(name, value.strip(), text)
        out[parameter] = meant
    return out


def _meaning(name: str, value: str, text: str) -> tuple[str, Any]:
    wrong = InputError(f"--clean-rule {text!r} cannot be read: write it as {RULES[name]}.")
    if name in _WORDS:
        parameter, words = _WORDS[name]
        if value not in words:
            raise InputError(f"--clean-rule {text!r}: {name} is one of {', '.join(words)}.")
        return parameter, words[value]
    if name in ("service", "service-col"):
        return ("service_items" if name == "service" else "service_col"), value
    if name in ("rating", "time"):
        low, dots, high = value.partition("..")
        if not dots:
            raise wrong
        return f"{name}_range", (low or None, high or None)
    most, slash, span = value.partition("/")
    if not slash or not most.isdigit():
        raise wrong
    return name.replace("-", "_"), (int(most), span)
