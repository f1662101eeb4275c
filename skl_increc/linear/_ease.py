"""Every item predicted from the others by ridge regression, in closed form."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

import skl_increc._kernels._gram as _gram
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees, Recommender
from skl_increc.base._cold_start import cold_shape, cold_store, recent_shares
from skl_increc.linear._gram import Gram

if TYPE_CHECKING:
    from typing import Self

__all__ = ["EASE"]


class EASE(Recommender):
    r"""An item-item model in closed form that stays exact with every event.

    .. math:: B = \arg\min_B \|X - X B\|^2 + \lambda \|B\|^2, \quad \operatorname{diag}(B) = 0
    .. math:: P = (X^\top X + \lambda I)^{-1}, \quad B_{ij} = -P_{ij} / P_{jj}, \quad s_{uj} = \sum_i q_{ui} B_{ij}

    with the binary matrix :math:`X` of who had what, :math:`\lambda` = `l2` [1]_, and :math:`q_{ui}` = `recency`
    to the power of the number of positive items that the user had since (without it, :math:`q_u = x_u`).  New
    events change :math:`X^\top X` by a matrix of rank two a user, which is worked into :math:`P` as it is [2]_.

    A user without a positive item, or whose items nobody had together with any other, is answered by the
    prior: the share of the users who had the item.  So is every question for an item that no user had, or
    that is beyond `max_items`.

    Parameters
    ----------
    l2 : float, default=100.0
        Shrinkage of the weights, greater than 0, in numbers of users.
    recency : float or None, default=None
        In (0, 1].  What an item weighs in the question, beside the positive item that the user had after
        it.  What is learned does not depend on it.  None: all weigh the same, as in the literature; 0.8
        to 0.95 suits streams in which the next item is asked for.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen and teach nothing.
    history : int or None, default=None
        Items remembered per user: None all, n the last n, and X holds no others.
    cold_start : {"recent", "popular"}, default="popular"
        What the prior goes by: "recent", what newcomers take lately (see :ref:`cold_start`; it costs O, M and U);
        "popular", the shares.
    max_items : int, default=10_000
        Items in X, for each pair of which 12 bytes are needed.  Of more items those with the most users
        are in X, the last by the stable hash of their ids, and the prior answers for the others.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which events of one call are sorted.

    Attributes
    ----------
    gram_ : ndarray of shape (n_items, n_items)
        :math:`X^\top X`, how many users had both items, int32, aligned with `gram_ids_`.
    gram_ids_ : ndarray of object
        The items in X: those that a user had, or of these the `max_items` with the most users.

    Raises
    ------
    CapacityError
        When learning more items than there is memory for, before it is taken; a ``MemoryError``, which
        tells the bytes needed.  The model stays as it was.

    See Also
    --------
    skl_increc.baselines.Popularity : The prior alone, with decay.

    Notes
    -----
    A (user, item) pair counts once, and weights of events play no part.  Events without a user count for the
    prior alone.

    **Cost**: O(1) an event.  The first answer after events of m users costs O(m n (h + k)) for n items, h
    items a user, and k = n / 16 (64 to 512) terms that wait to be folded into P at O(n\ :sup:`2`) a term;
    after more than n / 4 users, O(n\ :sup:`3`).  An answer: O(n (h + k)).  12 bytes a pair of *items*
    (1.2 GB at 10,000), 48 a user, 24 a pair of user and item.  n is `max_items` at the most; an item that
    takes the place of another in X costs O(n\ :sup:`2`) and a look at all pairs of user and item.

    **Guarantees**: S, O, M and U, to rounding.  X and its counts are equal to the last bit; which items are
    in X follows from who had what alone.  P is held in float64, and what came out of updates differs from a
    factorisation by less than 1e-9 (`drift` measures it).  With `recency` below 1 answers depend on the order
    of each user's own items, hence not O; with `history`, also not M and U.  Files and pickles leave P out:
    the first answer of a loaded model pays for a factorisation.

    References
    ----------
    .. [1] Steck: Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019.
    .. [2] Jeunen, Van Balen, Goethals: Embarrassingly shallow auto-encoders for dynamic collaborative
       filtering, User Modeling and User-Adapted Interaction, 2022.

    Examples
    --------
    >>> from skl_increc.linear import EASE
    >>> model = EASE(l2=1.0)
    >>> for user, item in [("ann", "tea"), ("ann", "milk"), ("bob", "tea"), ("bob", "milk"), ("cas", "tea")]:
    ...     model.learn_one({"user": user, "item": item})
    >>> model.recommend_one("cas", 1)
    ['milk']
    >>> items, weights = model.explain("cas", "milk")
    >>> items.tolist(), weights.round(3).tolist()
    (['tea'], [0.5])
    >>> model.forget(users=["bob"])
    2
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "l2": [Interval(numbers.Real, 0, None, closed="neither")],
        "recency": [None, Interval(numbers.Real, 0, 1, closed="right")],
        "history": [None, Interval(numbers.Integral, 1, None, closed="left")],
        "max_items": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        l2: float = 100.0,
        *,
        recency: float | None = None,
        min_y: float | None = None,
        history: int | None = None,
        cold_start: str = "popular",
        max_items: int = 10_000,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.l2 = l2
        self.recency = recency
        self.min_y = min_y
        self.history = history
        self.cold_start = cold_start
        self.max_items = max_items
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- state ----------------------------------------------------------------------------------
    def _structure(self) -> dict[str, Any]:
        return {"history": self.history, **cold_shape(self)}

    def _fields(self) -> list[Field]:
        return [
            Field("events", "user", merge="sum", meaning="events of the user"),
            Field("events", "item", merge="sum", meaning="events of the item"),
            Field("anonymous", "item", merge="sum", meaning="positive events of it without a user"),
            Field("events", "pair", merge="sum", meaning="events of the pair"),
            Field("positive", "pair", merge="max", meaning="1 if one of them was positive"),
            Field("events", "scalar", merge="sum", meaning="events in all"),
            Field("anonymous", "scalar", merge="sum", meaning="positive events without a user in all"),
            Field("touched", "scalar", merge="max", derived=True, meaning="first user of a list, + 2"),
            Field(
                "touched",
                "user",
                dtype="int64",
                merge="max",
                derived=True,
                meaning="next user, + 2, of those whose items may have changed since somebody asked",
            ),
        ]

    def _stores(self) -> dict[str, Any]:
        return {"gram": Gram(float(self.l2), self.max_items), **cold_store(self)}

    def _make_learner(self, state: State) -> _gram.GramLearner:
        learner = _gram.GramLearner()
        if state.stores["gram"].look_at_all:
            learner.bind(state.user_rows.arrays, state.item_rows.arrays, state.scalars)
            learner.untouch_all()  # a file may hold anything in the list
        return learner

    def _configure(self, state: State) -> None:
        state.stores["gram"].configure(float(self.l2), self.max_items)

    def _guarantees(self) -> Guarantees:
        if self.history is not None:
            why = f"history={self.history} keeps the last items of a user alone, which depend on the order"
            return Guarantees("rounding", "no", "no", "no", why)
        if self.recency is not None and self.recency < 1:
            why = f"with recency={self.recency} answers depend on the order of a user's items"
            return Guarantees("rounding", "no", "rounding", "rounding", why)
        return Guarantees("rounding", "rounding", "rounding", "rounding")

    def _after_forget(self, state: State) -> None:
        state.stores["gram"].forget(state)

    # -- scores ---------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _up_to_date(self, state: State, counts_only: bool = False) -> Iterator[Gram]:
        """The matrices of all that was learned; nobody changes them meanwhile."""
        gram = state.stores["gram"]
        if state.frozen and gram.current(state):  # for ever: readers of a snapshot need not wait
            yield gram
            return
        with gram.lock:
            if not gram.current(state):
                gram.catch_up(state, counts_only)
            yield gram

    def _questions(self, gram: Gram, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the users had, and how much each item weighs: indptr, rows of the matrices, coefficients."""
        indptr, items, coefs = gram.rows_of(u)
        if self.recency is not None and self.recency < 1:
            after = np.repeat(indptr[1:], np.diff(indptr)) - 1 - np.arange(len(items))
            coefs = np.power(float(self.recency), after)
        rows = indptr, items, coefs
        return rows if gram.block is None else gram.block.within(rows)

    def _shares(self, state: State, gram: Gram) -> np.ndarray:
        """The prior: the share of the users who had each item, float64 (n_items,)."""
        n = state.item_rows.used
        if self.cold_start == "recent":
            return recent_shares(state, n)
        anonymous = state.item_rows.arrays["anonymous"][:n, 0]
        total = gram.n_users + state.scalar("anonymous")[0]
        return (gram.support[:n] + anonymous) / max(total, 1.0)

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        users, which = np.unique(u, return_inverse=True)
        i = np.ascontiguousarray(i, dtype=np.int32)
        with self._up_to_date(state) as gram:
            rows, slots = self._questions(gram, users), gram.slots_of(i)
            scores = gram.pair_scores(rows, which.astype(np.int64), slots)
            prior = gram.alone(rows)[which] | (slots < 0)
            if prior.any():
                scores[prior] = np.append(self._shares(state, gram), 0.0)[i[prior]]  # -1: an unknown item
        return scores

    def _score_items(self, state: State, u: np.ndarray) -> np.ndarray:
        n = state.item_rows.used
        with self._up_to_date(state) as gram:
            rows = self._questions(gram, u)
            prior = gram.alone(rows)
            if gram.block is None and not prior.any() and not state.scalar("anonymous")[0]:
                return gram.scores(rows, n)
            shares = self._shares(state, gram)[:n]
            scores = gram.item_scores(rows, shares)
            scores[prior] = shares
        return scores

    # -- what it says of itself -----------------------------------------------------------------
    def explain(self, user: Any, item: Any) -> tuple[np.ndarray, np.ndarray]:
        """Which of the user's items spoke for an item, and how much.

        Parameters
        ----------
        user, item : hashable

        Returns
        -------
        items : ndarray of object
            Items of the user, the one that spoke loudest for it first.  A single None, for what is known
            without the user, where the prior answers.
        weights : ndarray of float64
            They add up to the score, which is ``predict_one(user=user, item=item)``.
        """
        if self._state is None:
            return np.array([None], dtype=object), np.zeros(1)
        state = self._ready_state()
        u, i = (
            np.array([ids.find(one)], np.int32) for ids, one in ((state.users, user), (state.items, item))
        )
        with self._up_to_date(state) as gram:
            rows = self._questions(gram, u)
            slot = int(gram.slots_of(i)[0])
            if gram.alone(rows)[0] or (slot < 0 <= i[0]):
                return np.array([None], dtype=object), self._score(state, u, i)
            had, coefs = rows[1], rows[2]
            weights = coefs * gram.weights(had, slot) if slot >= 0 else np.zeros(len(had))
            had = had if gram.block is None else gram.block.item[had]
        order = np.argsort(-weights, kind="stable")
        return state.items.ids_of(had[order]), weights[order]

    def similar_items(self, item: Any, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k items that having this one speaks for most: the largest of its row of B.

        Parameters
        ----------
        item : hashable
        k : int

        Returns
        -------
        ids : ndarray of object (at most k,)
        scores : ndarray of float64 (at most k,)
            Weights, descending.  Both are empty for an item that no user had, and for one beyond `max_items`.
        """
        if self._state is None:
            return np.empty(0, dtype=object), np.empty(0)
        state = self._ready_state()
        with self._up_to_date(state) as gram:
            slot = gram.slots_of(np.array([state.items.find(item)]))
            if slot[0] < 0:
                return np.empty(0, dtype=object), np.empty(0)
            items = gram.items()
            slots = gram.slots_of(items)
            scores = gram.scores((np.array([0, 1]), slot, np.ones(1)), gram.size)[0, slots]
        order = np.argsort(-scores, kind="stable")
        order = order[slots[order] != slot[0]][: max(0, k)]
        return state.items.ids_of(items[order]), scores[order]

    @property
    def gram_(self) -> np.ndarray:
        state = self._ready_state()
        with self._up_to_date(state, counts_only=True) as gram:
            rows = gram.slots_of(gram.items())
            return gram.matrices.counts[np.ix_(rows, rows)]

    @property
    def gram_ids_(self) -> np.ndarray:
        state = self._ready_state()
        with self._up_to_date(state, counts_only=True) as gram:
            return state.items.ids_of(gram.items())

    def refresh(self) -> Self:
        """Work the inverse out anew from the counts, now: O(n\\ :sup:`3`).  No answer needs it.

        It makes the next answer quick where it would have to do this itself (after ``fit`` and ``load``),
        and `drift` as small as it can be.

        Returns
        -------
        self
        """
        state = self._ready_state()
        with state.stores["gram"].lock:
            state.stores["gram"].catch_up(state, counts_only=True)
            state.stores["gram"].factorise()
        return self

    def drift(self) -> float:
        r"""How far the inverse is from exact, as measured: an entry of :math:`(X^\top X + \lambda I) P - I`.

        Returns
        -------
        float
            The largest entry of the products with four fixed vectors of 1 and -1, less these vectors.  The
            model measures it too, whenever as many terms were folded in as there are items, and begins anew
            from 1e-10.
        """
        state = self._ready_state()
        with self._up_to_date(state) as gram:
            return gram.error()
