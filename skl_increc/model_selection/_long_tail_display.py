"""Picture of where in the catalogue lists, or hits, fall: on what everybody takes, or on the long tail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from skl_increc._state.ids import canonical
from skl_increc.base._interactions import read_column

from ._drawing import draw_lines, open_axes
from ._entrants import name_models
from ._result import ProgressiveResult

__all__ = ["LongTailDisplay"]


class LongTailDisplay:
    """Cumulative share of what models show along the items, the most taken ones first.

    A line far above that of the events shows little but what everybody takes; one below it shows more of the
    long tail than people take. Make one with `from_estimator` (places of lists) or `from_result` (hits of a
    stream), which draw it; `plot` draws it again.

    Parameters
    ----------
    item_share : ndarray of float, shape (n_items + 1,)
        Share of the items so far, 0 to 1.
    event_share : ndarray of float, shape (n_items + 1,)
        Share of the events that these items have.
    shares : dict of str to ndarray of float, shape (n_items + 1,)
        For each model the share of what it shows.
    shown : str
        What that is, for the axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        In the order of ``shares``.
    reference_line_ : matplotlib Line2D
        That of the events.

    References
    ----------
    O. Celma, Music recommendation and discovery: the long tail, long fail, and long play in the digital
    music space, Springer, 2010.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.datasets import make_interactions
    >>> from skl_increc.model_selection import LongTailDisplay
    >>> X, y = make_interactions(2_000, return_X_y=True)
    >>> model = Popularity().fit(X, y)
    >>> display = LongTailDisplay.from_estimator(model, X, k=5)  # doctest: +SKIP
    >>> display.shares["Popularity"][-1]  # doctest: +SKIP
    1.0
    """

    def __init__(
        self,
        *,
        item_share: np.ndarray,
        event_share: np.ndarray,
        shares: dict[str, np.ndarray],
        shown: str = "places of the lists",
    ) -> None:
        self.item_share = item_share
        self.event_share = event_share
        self.shares = shares
        self.shown = shown

    @classmethod
    def from_estimator(
        cls,
        models: Any,
        X: Any,
        *,
        k: int = 10,
        exclude_seen: bool = True,
        user_col: Hashable = "user",
        item_col: Hashable = "item",
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> LongTailDisplay:
        """Ask models that have learned for a list for every user of X, and draw where the places go.

        Parameters
        ----------
        models : model, sequence of models, or mapping of names to models
            Fitted; with a method ``recommend``.
        X : frame or array-like of shape (n_events, n_columns)
            The events: their users are asked for, their items say what people take.
        k : int, default=10
            Length of the lists, at least 1.
        exclude_seen : bool, default=True
            Leave out of the lists what the user had.
        user_col, item_col : str or int, default="user", "item"
            Where X holds the ids; the first two columns of an array.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        LongTailDisplay

        Raises
        ------
        TypeError
            For a model that cannot recommend.
        ValueError
            If X holds no items, or no list holds any.
        ImportError
            Without matplotlib.
        """
        named = name_models(models)
        users = [u for u in dict.fromkeys(read_column(X, user_col, 0, "user_col").to_list()) if u is not None]
        taken = Counter(i for i in read_column(X, item_col, 1, "item_col").to_list() if i is not None)
        shown = {}
        for name, model in named.items():
            if not hasattr(model, "recommend"):
                raise TypeError(f"{name} cannot be asked for lists: it has no method recommend.")
            lists, _ = model.recommend(users or [None], k, exclude_seen=exclude_seen)
            shown[name] = Counter(item for item in map(canonical, lists.ravel()) if item is not None)
        return cls._of_counts(taken, shown, f"places of lists of {k}").plot(ax=ax, line_kw=line_kw)

    @classmethod
    def from_result(
        cls,
        result: ProgressiveResult,
        *,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> LongTailDisplay:
        """Draw on which items the hits of a run of `progressive_validate` fall.

        Parameters
        ----------
        result : ProgressiveResult
            A run of the ranking task, with ``record=True``.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        LongTailDisplay
            Its events are those that were asked for. A model without a hit has no line.

        Raises
        ------
        ValueError
            For a run of ratings, with ``record=False``, or without a hit.
        ImportError
            Without matplotlib.
        """
        if result.task != "ranking":
            raise ValueError("Ratings have no hits: LongTailDisplay.from_result is for rankings.")
        taken: Counter[Any] = Counter()
        shown = {}
        for row in result.summary():
            found = result.outcomes(row["model"])
            if len(found["item"]) > taken.total():
                taken = Counter(found["item"].tolist())
            if row["diverged_at"] is None:
                shown[row["model"]] = Counter(found["item"][np.isfinite(found["place"])].tolist())
        return cls._of_counts(taken, shown, f"hits in lists of {result.k}").plot(ax=ax, line_kw=line_kw)

    @classmethod
    def _of_counts(cls, taken: Counter[Any], shown: Mapping[str, Counter[Any]], what: str) -> LongTailDisplay:
        """Items in the order of how often they were taken; then those that were listed only."""
        listed = {name: counts for name, counts in shown.items() if counts.total()}
        if not taken or not listed:
            raise ValueError("No item was taken, or none was shown: there is nothing to draw.")
        order = dict.fromkeys(item for item, _ in taken.most_common())
        for counts in listed.values():
            order.update(dict.fromkeys(counts))
        items = list(order)
        return cls(
            item_share=np.arange(len(items) + 1) / len(items),
            event_share=_cumulated(taken, items),
            shares={name: _cumulated(counts, items) for name, counts in listed.items()},
            shown=what,
        )

    def plot(self, ax: Any = None, *, line_kw: Mapping[str, Any] | None = None) -> LongTailDisplay:
        """Draw the lines, and that of the events dashed.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        self

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        self.ax_ = open_axes(ax)
        self.figure_ = self.ax_.figure
        self.lines_ = draw_lines(self.ax_, self.item_share, self.shares, line_kw or {})
        style = {"label": "events", "linestyle": "--", "color": "gray"}
        self.reference_line_ = self.ax_.plot(self.item_share, self.event_share, **style)[0]
        self.ax_.set(xlabel="share of the items, the most taken first", ylabel=f"share of the {self.shown}")
        self.ax_.legend()
        return self


def _cumulated(counts: Mapping[Any, int], items: Iterable[Any]) -> np.ndarray:
    own = np.array([0, *(counts.get(item, 0) for item in items)], dtype=np.float64)
    return np.cumsum(own) / own.sum()
