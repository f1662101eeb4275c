"""Factors of what was taken and what was not, by least squares."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils._param_validation import Interval, StrOptions

from skl_increc._state._journal import Journal
from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base import Guarantees
from skl_increc.base._cold_start import cold_shape, cold_store
from skl_increc.base._threads import in_threads
from skl_increc.base._turns import alone
from skl_increc.factorization._als_steps import COUNTS, SOLVERS, ALSLearner
from skl_increc.factorization._implicit import ImplicitFactors

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ImplicitALS"]

ROWS_AT_ONCE = 256  # rows that a thread solves in one go


class ImplicitALS(ImplicitFactors):
    r"""Implicit alternating least squares [1]_, in which each event solves the rows that it touches.

    .. math::
        \min_{p, q} \sum_{u, i} c_{ui} (x_{ui} - p_u^\top q_i)^2
        + \lambda \Bigl(\sum_u \|p_u\|^2 + \sum_i \|q_i\|^2\Bigr)

    with :math:`x_{ui} = 1, c_{ui} = 1 + \alpha\, r_{ui}` for what was taken and :math:`x_{ui} = 0, c_{ui} = c_i` for
    all that was not; :math:`r_{ui}` is the sum of the y of the pair's events, times their weights, and :math:`c_i`
    is 1, or goes with the power `exponent` of the events that the item has had so far (eALS [3]_), 1 on the average.
    An event of (u, i) solves :math:`p_u`, :math:`q_i`, and :math:`p_u` again, each exactly, given all other rows:

    .. math::
        p_u = \Bigl(\sum_j c_j q_j q_j^\top + \lambda I
        + \sum_{i \in R_u} (c_{ui} - c_i)\, q_i q_i^\top\Bigr)^{-1} \sum_{i \in R_u} c_{ui}\, q_i

    The sums over all rows are kept up to date with every row that moves, and with every event.  Once it has 16
    users, an item is solved only when their number has grown by a sixteenth, so that a popular item costs no more
    than another.

    Lists are in the order of :math:`p_u^\top q_i + \pi c_i`, with :math:`\pi` = `prior` and the events
    :math:`c_i` of the item, which is what a stranger gets.

    Parameters
    ----------
    n_factors : int, default=32
        Length of the vectors.
    alpha : float, default=0.3
        How much more what was taken counts than what was not.
    l2 : float, default=5.0
        :math:`\lambda`, greater than 0.
    exponent : float, default=0.0
        Of the events of an item, in its weight :math:`c_i` where it was not taken: 0 all alike; eALS has 0.4.
    solver : {"cholesky", "cg", "coordinate"}, default="cholesky"
        "cholesky": exact, in double precision; "cg": `cg_steps` steps of conjugate gradients from the row as it
        was [2]_; "coordinate": one pass over its numbers, as in eALS [3]_.  The last two are quicker with many
        factors.
    cg_steps : int, default=3
        Of "cg".
    init_scale : float, default=0.1
        Standard deviation of the start of an item, which is a function of the id and `random_state`.  Users
        need none.
    n_epochs : int, default=1
        1: `fit` learns event by event, as `partial_fit`.  Each further one solves all users, then all items.
    prior : float, default=1e-6
        :math:`\pi`, 1e6 at most.
    cold_start : {"recent", "popular"}, default="recent"
        What answers a user of whom no event has taught: "recent", what newcomers take lately (see
        :ref:`cold_start`); "popular", the prior.
    min_y : float or None, default=None
        Events with 0 < y < `min_y` mark the item as seen and teach nothing.
    history : None
        All items of a user are remembered, because the rows follow from them.
    random_state : int, RandomState or None, default=0
        Of the starts; None: drawn once and kept.
    n_jobs : int or None, default=None
        Threads of sweeps and of answers to many at once, as joblib counts them.  The results are the same to the
        last bit.
    user_col, item_col : str or int, default="user", "item"
        Column (frames), key (dicts) or position (arrays).
    time_col : str, int or None, default=None
        Column of the time, by which the events of one call are sorted.

    Attributes
    ----------
    user_factors_, item_factors_ : ndarray of shape (n_users, n_factors), (n_items, n_factors)
        float32, read-only, aligned with `user_ids_` and `item_ids_`.

    See Also
    --------
    BPR : Factors for lists by steps instead of solutions; needs no lists of users.
    skl_increc.linear.EASE : Least squares over items, exact for all at once.

    Notes
    -----
    A new user is exact at once: after each event of hers the vector is the solution above, given the items as
    they are then.  An anonymous event counts for the prior and the weights alone.

    A solution that is none, or beyond all measure, is not taken: the row stays as it was, and a DivergenceWarning
    says once what to lower.

    **Cost**: with k factors, an event of a user with n items O(n k\ :sup:`2` + k\ :sup:`3`) ("cg" and
    "coordinate": O(n k + k\ :sup:`2`)), and where the item is solved, as much for its users.  28 bytes a distinct
    pair; a row 4 bytes times k rounded up to 16, 16 more, and the id.

    **Guarantees**: S bitwise (on one build and processor level), for ``n_epochs=1``.

    References
    ----------
    .. [1] Hu, Koren, Volinsky: Collaborative filtering for implicit feedback datasets, ICDM 2008.
    .. [2] Takacs, Pilaszy, Tikk: Applications of the conjugate gradient method for implicit feedback
       collaborative filtering, RecSys 2011.
    .. [3] He, Zhang, Kan, Chua: Fast matrix factorization for online recommendation with implicit feedback,
       SIGIR 2016.

    Examples
    --------
    >>> from skl_increc.factorization import ImplicitALS
    >>> model = ImplicitALS(2)
    >>> for user in range(20):
    ...     for item in ("tea", "milk") if user % 2 else ("beer", "nuts"):
    ...         model.learn_one({"user": user, "item": item})
    >>> model.learn_one({"user": "ann", "item": "tea"})
    >>> model.recommend_one("ann", 1)
    ['milk']
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **ImplicitFactors._parameter_constraints,
        "alpha": [Interval(numbers.Real, 0, None, closed="neither")],
        "l2": [Interval(numbers.Real, 0, None, closed="neither")],
        "solver": [StrOptions(set(SOLVERS))],
        "cg_steps": [Interval(numbers.Integral, 1, None, closed="left")],
        "init_scale": [Interval(numbers.Real, 0, None, closed="neither")],
        "exponent": [Interval(numbers.Real, 0, None, closed="left")],
        "prior": [Interval(numbers.Real, 0, 1e6, closed="both")],
    }

    def __init__(
        self,
        n_factors: int = 32,
        *,
        alpha: float = 0.3,
        l2: float = 5.0,
        exponent: float = 0.0,
        solver: str = "cholesky",
        cg_steps: int = 3,
        init_scale: float = 0.1,
        n_epochs: int = 1,
        prior: float = 1e-6,
        cold_start: str = "recent",
        min_y: float | None = None,
        history: int | None = None,
        random_state: Any = 0,
        n_jobs: int | None = None,
        user_col: str | int = "user",
        item_col: str | int = "item",
        time_col: str | int | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.alpha = alpha
        self.l2 = l2
        self.exponent = exponent
        self.solver = solver
        self.cg_steps = cg_steps
        self.init_scale = init_scale
        self.n_epochs = n_epochs
        self.prior = prior
        self.cold_start = cold_start
        self.min_y = min_y
        self.history = history
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    # -- what is stored -------------------------------------------------------------------------
    def _structure(self) -> dict[str, Any]:
        return {
            "n_factors": self.n_factors,
            "exponent": self.exponent,
            **cold_shape(self),
            "history": self.history,
        }

    def _stores(self) -> dict[str, Any]:
        return {"takers": Journal(1, 0, 1), **cold_store(self)}

    def _fields(self) -> list[Field]:
        if self.history is not None:
            raise ValueError(
                f"history={self.history!r} is too short for ImplicitALS, whose rows follow from all items of a user. "
                "Set history=None."
            )
        counts = "weights of items where they were not taken, items known, solutions not taken"
        return [
            Field("gram", "scalar", 2 * self.n_factors**2, meaning="sums of p p' and of weight times q q'"),
            Field("counts", "scalar", COUNTS, meaning=counts),
            *self._row_fields("prior and weight of an item, users at its last solution, events"),
            Field("strength", "pair", merge="sum", meaning="y times weight of its events"),
        ]

    def _make_learner(self, state: State) -> ALSLearner:
        return ALSLearner(self.n_factors, state.user_rows.arrays["factors"].shape[1])

    def _configure(self, state: State) -> None:
        self._configure_rows(state, self.init_scale)
        state.learner.configure_solver(
            l2=self.l2,
            alpha=self.alpha,
            prior=self.prior,
            exponent=self.exponent,
            solver=SOLVERS[self.solver],
            cg_steps=self.cg_steps,
        )

    # -- learning -------------------------------------------------------------------------------
    def _learn_again(self, state: State, u: Any, i: Any, y: Any, w: Any, t: Any, epoch: int) -> None:
        self._sweep(state)

    def _sweep(self, state: State) -> None:
        """Solve all users, then all items; no row of a side depends on another, so threads may share them."""
        learner, sizes = state.learner, (state.users.n_rows, state.items.n_rows)
        sheets = learner.sheets(effective_n_jobs(self.n_jobs), *sizes)
        for side, n in enumerate(sizes):
            free = list(sheets)

            def solve(first: int, side: int = side, n: int = n, free: list = free) -> None:
                sheet = free.pop()
                learner.solve_rows(side, first, min(first + ROWS_AT_ONCE, n), sheet)
                free.append(sheet)

            in_threads(self.n_jobs, solve, range(0, n, ROWS_AT_ONCE))
            learner.follow_all(side, n, sheets)

    def refresh(self, n: int = 1) -> Self:
        """Solve all users and then all items, n times over, without new events.

        Parameters
        ----------
        n : int
            How often, at least 1.

        Returns
        -------
        self
        """
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise ValueError(f"n must be a whole number of sweeps, at least 1; got {n!r}.")
        self._ready_state()
        with alone(self) as state:
            for _ in range(n):
                self._sweep(state)
        return self

    def _check_state(self, state: State) -> None:
        super()._check_state(state)
        if not np.isfinite(state.scalar("gram")).all():
            raise ValueError("the sums of products are not finite")
        weights, known, _ = state.scalar("counts")
        if not (0 <= known <= state.items.n_rows and 0 <= weights < np.inf and (weights > 0 or known == 0)):
            raise ValueError(
                f"{known:g} items known of {state.items.n_rows} and their weight {weights:g} cannot be"
            )

    def _guarantees(self) -> Guarantees:
        return self._says("each solution depends on the rows as they were")
