"""One score out of several models, by weights that are learned along the stream."""

from __future__ import annotations

import numbers
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.baselines import Popularity
from skl_increc.compose._blending import BlendLearner
from skl_increc.compose._composition import Composition, all_split
from skl_increc.factorization import BPR
from skl_increc.neighbors import ItemKNN
from skl_increc.sequence import SequentialRules, SessionKNN

__all__ = ["Blend"]

POWERS, KINDS = 5, 2  # as in _blending.pyx
WARM = 1000  # questions that are asked in any case


class Blend(Composition, Recommender):
    r"""A weighted sum of the scores of several models, with weights that follow from what each has told lately.

    .. math:: s_{ui} = \sum_{m \in \text{best } n} \Bigl(\frac{g_m}{\max g}\Bigr)^p \frac{s^{(m)}_{ui}}{\sigma_m}

    Before an event is learned, each member is asked at which place it would have had the item.  The place is
    worth :math:`1 / \log_2(\text{place} + 1)` among the first 32, as in DCG, and nothing beyond.  The sum of these
    is :math:`g_m`, which fades by half in 3000 events that could be asked about.  :math:`\sigma_m` is how far a
    member's best score stands out from its mean, on average over the last 500 questions.  The power :math:`p` is
    one of 1, 2, 4, 8 and 16, and :math:`n`, from 1 to all, says how many members speak, those with the most gain:
    the same question is put to all these sums, and that which has told best answers.  So a member counts as much
    as it has lately helped, those that do harm are left out, and one that is far better than the others answers
    alone.  The idea of learning such weights from what models predict is that of stacking [1]_.

    Strangers, users without events, have :math:`g`, :math:`p` and :math:`n` of their own: who knows users best
    need not know best what newcomers take.  What fades is that of the kind which is asked, and what was told in one
    kind counts a fiftieth in the other, so that neither begins with nothing.

    Parameters
    ----------
    estimators : list of (str, estimator) or None, default=None
        Recommenders (or rating models), each with a name; they are cloned.  None: what measured best together at a
        moderate cost, ``Popularity(half_life="auto", history=0)`` as "popular", ``ItemKNN(20, weight=0.95,
        similarity="jaccard")`` as "alike", ``SequentialRules()`` as "rules", ``SessionKNN()`` as "sessions" and
        ``BPR()`` as "factors".
    every : int, default=8
        After the first 1000 questions, one event in so many is one, of strangers and of others: asking takes longer
        than learning.
    history : int or None, default=None
        Items remembered per user, to leave them out of lists and of questions.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time; the members that have a `time_col` are given it.

    Attributes
    ----------
    weights_ : dict of str to float
        The shares of the members, by name, for users with events; they add up to 1.
    members_ : dict of str to estimator
        The members, which know users and items by row numbers.

    See Also
    --------
    skl_increc.model_selection.progressive_validate : To compare models instead.

    Notes
    -----
    An event of a user with an item that she had, or that nobody had, teaches the members alone.

    **Cost**: a question takes the scores of all items by each member, and some eight passes over them; with `every`
    = n, one event in n is a question.  The bytes are those of the members, and 4 for a distinct (user, item) pair.

    A table is learned by a copy, so that a failed call changes nothing.  Single events are learned by one member
    after the other: if one of them fails (for want of memory) when another has learned already, the call raises, and so
    does every later one until ``fit``.

    **Guarantees**: S as far as all members have it.  Nothing is drawn.

    References
    ----------
    .. [1] Sill, Takacs, Mackey, Lin: Feature-weighted linear stacking, arXiv:0911.0460, 2009.

    Examples
    --------
    >>> from skl_increc.compose import Blend
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.neighbors import ItemKNN
    >>> model = Blend([("alike", ItemKNN()), ("popular", Popularity())])
    >>> for user in range(20):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "tea"})
    >>> model.recommend_one("ann", 1)
    ['milk']
    >>> sorted(model.weights_)
    ['alike', 'popular']
    >>> model.set_params(popular__half_life=50).get_params()["popular__half_life"]
    50
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimators": [list, tuple, None],
        "every": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimators: Any = None,
        *,
        every: int = 8,
        history: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.estimators = estimators
        self.every = every
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _default_estimators(self) -> list[tuple[str, Any]]:
        return [
            ("popular", Popularity(half_life="auto", history=0)),
            ("alike", ItemKNN(20, weight=0.95, similarity="jaccard")),
            ("rules", SequentialRules()),
            ("sessions", SessionKNN()),
            ("factors", BPR()),
        ]

    # -- what is stored -------------------------------------------------------------------------
    def _structure(self) -> dict[str, Any]:
        return {"estimators": self._described(), "history": self.history, "time_col": self.time_col}

    def _fields(self) -> list[Field]:
        n = len(self._entries())
        return [
            Field("events", "user", meaning="events of the user"),
            Field("gains", "scalar", KINDS * n, meaning="how well each member has told what came"),
            Field("sizes", "scalar", n, meaning="how far the best scores of each stand out"),
            Field("told", "scalar", KINDS * POWERS * n, meaning="how well each weighting of them has"),
            Field("asked", "scalar", 1 + KINDS, meaning="questions asked, and events that could have been"),
        ]

    def _make_learner(self, state: State) -> BlendLearner:
        return BlendLearner()

    def _configure(self, state: State) -> None:
        state.learner.configure(self.every, WARM)

    def _guarantees(self) -> Guarantees:
        return all_split(
            [model for _, model in self._entries()], "the weights depend on the order of the events"
        )

    # -- answers --------------------------------------------------------------------------------
    @property
    def weights_(self) -> dict[str, float]:
        state = self._ready_state()
        parts = state.learner.weights() * state.scalar("sizes")
        total = parts.sum()
        shares = parts / total if total > 0 else np.full(len(parts), 1 / len(parts))
        return {name: float(v) for (name, _), v in zip(self._entries(), shares, strict=True)}
