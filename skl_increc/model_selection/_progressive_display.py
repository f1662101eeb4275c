"""Picture of a metric along the stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._drawing import draw_curves, open_axes
from ._entrants import name_models
from ._progressive import progressive_validate
from ._result import ProgressiveResult
from ._scores import find_score

__all__ = ["ProgressiveDisplay", "run_clones"]

_POINTS = 2000


def run_clones(models: Any, data: Any, options: Mapping[str, Any]) -> ProgressiveResult:
    """Test, then learn with clones: the models given stay as they are."""
    clones = {name: model.clone() for name, model in name_models(models).items()}
    return progressive_validate(clones, data, **options)


class ProgressiveDisplay:
    """A metric along the stream, a line per model.

    Make one with `from_result` or `from_estimator`, which draw it; `plot` draws it again.

    Parameters
    ----------
    n_events : ndarray of int, shape (n_points,)
        Events so far at each point.
    values : dict of str to ndarray of float, shape (n_points,)
        The metric of each model; NaN where it has none.
    metric : str
        Its name.
    recent : bool, default=False
        Whether the values are of the events since the point before, not of everything so far.
    over : str, optional
        Over what the values are taken, in words, where it is neither.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        In the order of ``values``.

    Examples
    --------
    >>> from skl_increc.baselines import Baseline
    >>> from skl_increc.datasets import make_interactions
    >>> from skl_increc.factorization import BiasedMF
    >>> from skl_increc.model_selection import ProgressiveDisplay, progressive_validate
    >>> result = progressive_validate([Baseline(), BiasedMF()], make_interactions(2_000), time_col="timestamp")
    >>> display = ProgressiveDisplay.from_result(result, recent=True)  # doctest: +SKIP
    >>> display.ax_.get_ylabel()  # doctest: +SKIP
    'RMSE, since the last point'
    """

    def __init__(
        self,
        *,
        n_events: np.ndarray,
        values: dict[str, np.ndarray],
        metric: str,
        recent: bool = False,
        over: str | None = None,
    ) -> None:
        self.n_events = n_events
        self.values = values
        self.metric = metric
        self.recent = recent
        self.over = over

    @classmethod
    def from_result(
        cls,
        result: ProgressiveResult,
        metric: str | None = None,
        *,
        recent: bool = False,
        window: int | None = None,
        fading: float | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> ProgressiveDisplay:
        """Draw what `progressive_validate` measured.

        Parameters
        ----------
        result : ProgressiveResult
            The run.
        metric : str, optional
            Name of a metric, as in ``result.curve``, or "nbytes" for the memory; the first metric by default.
        recent : bool, default=False
            Draw the value since the point before, in place of that over everything so far.
        window, fading : int, float, optional
            Draw the mean that `ProgressiveResult.moving` gives for one of these.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        line_kw : dict, optional
            For ``ax.plot``.

        Returns
        -------
        ProgressiveDisplay

        Raises
        ------
        ValueError
            For a metric that was not measured, or has no recent values.
        ImportError
            Without matplotlib.
        """
        if window is None and fading is None:
            name, n_events, values = result._curve_of(metric, recent)
            display = cls(n_events=n_events, values=values, metric=name, recent=recent)
        else:
            display = cls._moving(result, metric, window, fading)
        return display.plot(ax=ax, line_kw=line_kw)

    @classmethod
    def _moving(
        cls, result: ProgressiveResult, metric: str | None, window: int | None, fading: float | None
    ) -> ProgressiveDisplay:
        n_events, values = result.moving(metric, window=window, fading=fading)
        shown = np.linspace(0, len(n_events) - 1, min(len(n_events), _POINTS)).round().astype(int)
        label = find_score(metric, result.task, result.k).label
        over = f"last {window:,} questions" if window is not None else f"fading by {fading:g}"
        thin = {name: own[shown] for name, own in values.items()}
        return cls(n_events=n_events[shown], values=thin, metric=label, over=over)

    @classmethod
    def from_estimator(
        cls,
        models: Any,
        data: Any,
        metric: str | None = None,
        *,
        recent: bool = False,
        window: int | None = None,
        fading: float | None = None,
        ax: Any = None,
        line_kw: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> ProgressiveDisplay:
        """Run `progressive_validate` with clones of the models, and draw it.

        Parameters
        ----------
        models, data
            As of `progressive_validate`; the models stay as they are.
        metric, recent, window, fading, ax, line_kw
            As of `from_result`.
        **options
            For `progressive_validate`.

        Returns
        -------
        ProgressiveDisplay
        """
        return cls.from_result(
            run_clones(models, data, options),
            metric,
            recent=recent,
            window=window,
            fading=fading,
            ax=ax,
            line_kw=line_kw,
        )

    def plot(self, ax: Any = None, *, line_kw: Mapping[str, Any] | None = None) -> ProgressiveDisplay:
        """Draw the lines.

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
        self.lines_ = draw_curves(
            self.ax_, self.n_events, self.values, self.metric, self.recent, line_kw or {}, self.over
        )
        return self
