"""What lists show of a catalogue: the definitions that array functions, scorers and River metrics share.

``listed`` is how often each item stood in a list, ``came`` how often it came (was taken).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from skl_increc._state.ids import canonical

__all__ = ["ItemVectors", "gini_of", "mean_popularity_bias", "mean_self_information", "share_shown"]

Counts = Mapping[Hashable, float]


def share_shown(listed: Counts, n_items: int) -> float:
    """Share of ``n_items`` items that stood in any list; 0 of none."""
    return len(listed) / n_items if n_items else 0.0


def mean_self_information(listed: Counts, came: Counts, n_events: float) -> float:
    """Mean of -log2((c + 1) / (n + 1)) over the places filled; NaN if none is."""
    filled = math.fsum(listed.values())
    if not filled:
        return math.nan
    everything = math.log2(n_events + 1)
    bits = (times * (everything - math.log2(came.get(item, 0) + 1)) for item, times in listed.items())
    return math.fsum(bits) / filled


def gini_of(listed: Counts, n_items: int) -> float:
    """Gini coefficient of how often ``n_items`` items were shown; NaN if none was."""
    times = np.sort(np.fromiter(listed.values(), dtype=np.float64, count=len(listed)))
    total = times.sum()
    if not total:
        return math.nan
    # items never shown stand first and add nothing
    places = np.arange(n_items - len(times) + 1, n_items + 1, dtype=np.float64)
    return max(0.0, float(((2.0 * places - n_items - 1.0) * times).sum() / (n_items * total)))


def mean_popularity_bias(listed: Counts, came: Counts) -> float:
    """Mean c of the listed items over the mean c of what came, less 1; NaN if nothing was listed or came."""
    filled, events = math.fsum(listed.values()), math.fsum(came.values())
    if not filled or not events:
        return math.nan
    shown = math.fsum(times * came.get(item, 0) for item, times in listed.items()) / filled
    taken = math.fsum(c * c for c in came.values()) / events
    return shown / taken - 1.0


class ItemVectors:
    """Unit vectors of items, by id; what makes two items alike or not.

    Parameters
    ----------
    vectors : mapping of id to vector, or array of shape (n_items, n_features)
        Dense or sparse, with ``item_ids``.
    item_ids : sequence of hashable, optional
        Of the rows of an array; by default their numbers.

    Raises
    ------
    ValueError
        For vectors of different lengths or that are not finite, and ids that do not fit.
    """

    def __init__(self, vectors: Any, item_ids: Sequence[Hashable] | None = None) -> None:
        if isinstance(vectors, Mapping):
            if item_ids is not None:
                raise ValueError("item_ids go with an array: a mapping has its ids as keys.")
            item_ids = list(vectors)
            lengths = {np.shape(vector) for vector in vectors.values()}
            if len(lengths) > 1:
                raise ValueError(f"item_vectors must be of one length; got the shapes {sorted(lengths)}.")
            vectors = list(vectors.values()) if vectors else np.empty((0, 1))
        table = sp.csr_array(vectors, dtype=np.float64) if sp.issparse(vectors) else _table(vectors)
        if item_ids is None:
            item_ids = range(table.shape[0])
        if len(item_ids) != table.shape[0]:
            raise ValueError(f"item_ids holds {len(item_ids)} ids for {table.shape[0]} item vectors.")
        values = table.data if sp.issparse(table) else table
        if not np.isfinite(values).all():
            raise ValueError("item_vectors holds NaN or infinity.")
        self._row = {canonical(item): row for row, item in enumerate(item_ids)}
        self._unit = _scaled(table)

    def distance(self, items: Iterable[Hashable]) -> float:
        """Mean of 1 - cosine over the pairs of items; NaN of fewer than two items that have a vector."""
        rows = [row for row in map(self._row.get, items) if row is not None]
        n = len(rows)
        if n < 2:
            return math.nan
        own = self._unit[rows]
        total = np.asarray(own.sum(axis=0)).ravel()
        squares = own.multiply(own).sum() if sp.issparse(own) else (own * own).sum()
        # the sum over pairs from that over all, without the n x n table
        return max(0.0, float(1.0 - (total @ total - squares) / (n * (n - 1))))


def _table(vectors: Any) -> np.ndarray:
    table = np.asarray(vectors, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"item_vectors must have a row an item; got an array of shape {table.shape}.")
    return table


def _scaled(table: Any) -> Any:
    """Rows of length 1; those of length 0 stay, and are unlike everything."""
    if sp.issparse(table):
        lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
        return sp.csr_array(sp.diags_array(1.0 / np.where(lengths > 0, lengths, 1.0)) @ table)
    largest = np.abs(table).max(axis=1, initial=0.0, keepdims=True)
    table = table / np.where(largest > 0, largest, 1.0)  # first, lest squares overflow
    lengths = np.sqrt((table * table).sum(axis=1, keepdims=True))
    return table / np.where(lengths > 0, lengths, 1.0)
