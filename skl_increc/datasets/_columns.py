"""Which column of a file is the user, the item, the rating and the time."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence

from skl_increc.datasets._frames import shown
from skl_increc.exceptions import DatasetError

_logger = logging.getLogger("skl_increc.datasets")

#: Parameter of read_events that names the column of each role.
PARAMETERS = {"user": "user_col", "item": "item_col", "rating": "rating_col", "timestamp": "time_col"}

# as _plain writes them; a name of two roles would make detection a guess
_ALIASES = {
    "user": {"user", "userid", "uid", "username", "customer", "customerid", "reviewer", "reviewerid"},
    "item": {
        "item", "itemid", "iid", "movie", "movieid", "product", "productid", "asin", "sku",
        "book", "bookid", "song", "songid", "track", "trackid", "artist", "artistid",
        "business", "businessid",
    },
    "rating": {"rating", "ratings", "score", "stars", "overall"},
    "timestamp": {"timestamp", "time", "date", "datetime", "ts", "unixtime", "unixreviewtime", "createdat"},
}  # fmt: skip


def choose_columns(
    found: Sequence[str], wanted: Mapping[str, str | None], detect: bool, source: str
) -> dict[str, str | None]:
    """Find the column of each role: by its name, or, where ``detect`` allows it, by an alias.

    Parameters
    ----------
    found : sequence of str
        Columns of the file.
    wanted : mapping
        Role to name; None where the file has no such column.
    detect : bool
        Whether a role whose name is the default and absent may be found under a common alias.
    source : str
        Name of the file, for messages.
    """
    chosen: dict[str, str | None] = {}
    for role, name in wanted.items():
        if name is None or name in found:
            chosen[role] = name
        else:
            chosen[role] = _detected(found, role, name, detect, source)
    _check_apart(found, chosen, source)
    return chosen


def _plain(name: str) -> str:
    """Write userId, user_id and "User ID" the same way."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _detected(found: Sequence[str], role: str, name: str, detect: bool, source: str) -> str:
    candidates = [column for column in found if _plain(column) in _ALIASES[role]]
    parameter = PARAMETERS[role]
    if detect and name == role:
        if len(candidates) == 1:
            _logger.info("%s: column %r is read as the %s", source, candidates[0], role)
            return candidates[0]
        if candidates:
            raise DatasetError(
                f"{source} has no column {name!r}, and several that could be the {role}: {shown(candidates)}"
                f". Name the right one with {parameter}=."
            )
    cure = f"Name the {role} column with {parameter}="
    if candidates:
        cure += f", for example {parameter}={candidates[0]!r}"
    if role == "rating":
        cure += "; rating_col=None for events without ratings"
    elif role == "timestamp":
        cure += "; time_col=None to take the rows in the order of the file"
    raise DatasetError(f"{source} has no column {name!r}. It has {shown(found)}. {cure}.")


def _check_apart(found: Sequence[str], chosen: Mapping[str, str | None], source: str) -> None:
    roles: dict[str, str] = {}
    for role, name in chosen.items():
        if name is None:
            continue
        if name in roles:
            raise DatasetError(
                f"Column {name!r} of {source} cannot be both the {roles[name]} and the {role}; "
                f"name another with {PARAMETERS[role]}=."
            )
        roles[name] = role
    for role, name in chosen.items():
        if name is not None and name != role and role in found and role not in roles:
            raise DatasetError(
                f"{source} has a column {role!r} beside {name!r}, which is read as the {role}: rename or "
                f"drop one of the two, or leave {PARAMETERS[role]}= at its default."
            )
