"""Ties between users: given and taken back at any time, kept in rows of bounded length."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skl_increc._state._state import State
from skl_increc._state.fields import Field
from skl_increc.base._carried import CarriedMixin
from skl_increc.base._features import rows_for
from skl_increc.base._interactions import Ids, read_ids
from skl_increc.base._turns import alone, install, refuse_snapshot
from skl_increc.factorization import BiasedMF

if TYPE_CHECKING:
    from typing import Self

__all__ = ["TiedMF"]

LARGEST = 1e6  # of a weight; and the smallest is one over it


class TiedMF(CarriedMixin, BiasedMF):
    """A ``BiasedMF`` whose users have ties; its learner is a ``TrustLearner``."""

    # parameters of BiasedMF that a model with ties leaves at these
    optimizer: Any = "adagrad"
    learning_rate: Any = None
    learning_rate_bias: Any = None
    init: Any = "normal"
    n_epochs: Any = 1
    biases: Any = True
    implicit: Any = None
    replay: Any = 0
    verbose: Any = 0
    max_friends: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BiasedMF._parameter_constraints,
        "max_friends": [Interval(numbers.Integral, 1, None, closed="left")],
    }

    def _structure(self) -> dict[str, Any]:
        return {**super()._structure(), "max_friends": self.max_friends}

    def _fields(self) -> list[Field]:
        most = self.max_friends
        return [
            *super()._fields(),
            Field("friends", "user", most, "int32", meaning="user rows + 1, the newest tie first, or 0"),
            Field("ties", "user", most, "float32", meaning="the weight of each, above 0"),
        ]

    # -- ties -------------------------------------------------------------------------------------
    def add_edges(self, users: Any, friends: Any, weights: Any = None) -> Self:
        """Say who has whom for a friend; at any time, for users with events and without.

        Parameters
        ----------
        users, friends : sequence of ids, of shape (n,)
            Ties from ``users[j]`` to ``friends[j]``: the first is taken to be like the second, and not the other way
            about; for friendship that is mutual, add both.  A tie of a user to herself is passed over.
        weights : array-like of float of shape (n,), optional
            How strong each tie is, from 1e-6 to 1e6; default: 1.  The weight of a tie that is there already is
            replaced.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            For a missing id, columns of different lengths, or a weight that is none.  The model is then as it was.

        Notes
        -----
        A user keeps `max_friends` ties: where there is no room for another, the lightest goes, and of equally light
        ones the oldest.  A tie to a user without events counts as soon as there are some.  Ties stay when ``fit``
        forgets the events, are saved and pickled with the model, and go with ``clone``, so that a model can be
        searched or validated with them.
        """
        u, v = _pairs(users, friends)
        w = _read_weights(weights, len(u))
        refuse_snapshot(self)
        if self._state is None:
            state = self._new_state()
            _tie(state, u, v, w)
            if install(self, state, replace=False):
                return self
        with alone(self) as state:
            _tie(state, u, v, w)
        return self

    def remove_edges(self, users: Any, friends: Any = None) -> int:
        """Take ties back; unknown ones are passed over.

        Parameters
        ----------
        users : sequence of ids, of shape (n,)
        friends : sequence of ids, of shape (n,), optional
            The ties from ``users[j]`` to ``friends[j]``.  None: all ties of these users, and all to them.

        Returns
        -------
        int
            How many ties there were.

        Notes
        -----
        What was learned with a tie stays learned: it goes on to fade with the events to come.
        """
        refuse_snapshot(self)
        pairs = None if friends is None else _pairs(users, friends)
        names = read_ids(users)
        if self._state is None:
            return 0
        with alone(self) as state:
            if pairs is not None:
                u, v = (ids.find(state.users) for ids in pairs)
                return state.learner.untie(np.ascontiguousarray(u), np.ascontiguousarray(v))
            rows = np.unique(names.find(state.users))
            return _untie_all(state, rows[rows >= 0])

    def friends_of(self, user: Any) -> tuple[np.ndarray, np.ndarray]:
        """The friends of a user, the newest tie first.

        Parameters
        ----------
        user : hashable

        Returns
        -------
        friends : ndarray of object (at most max_friends,)
        weights : ndarray of float64 (at most max_friends,)
            Both are empty for a user without ties.
        """
        row = -1 if self._state is None else self._state.users.find(user)
        if row < 0:
            return np.empty(0, object), np.empty(0)
        state = self._ready_state()
        arrays = state.user_rows.arrays
        mine = arrays["friends"][row]
        mine = mine[mine > 0] - 1
        return state.users.ids_of(mine), arrays["ties"][row, : len(mine)].astype(np.float64)

    @property
    def n_edges_(self) -> int:
        """How many ties there are."""
        return int(np.count_nonzero(self._ready_state().user_rows.view("ties")))

    # -- state ------------------------------------------------------------------------------------
    def _carry(self, old: State, new: State) -> None:
        _carry(old, new)

    def _was_told(self, state: State) -> bool:
        return bool(state.user_rows.view("ties").any())

    def _check_state(self, state: State) -> None:
        super()._check_state(state)
        arrays = state.user_rows.arrays
        friends, ties = (arrays[name][: state.users.n_rows] for name in ("friends", "ties"))
        there = friends != 0
        alive = np.zeros(state.users.n_rows + 1, bool)
        alive[state.users.live() + 1] = True
        if (friends < 0).any() or (friends > state.users.n_rows).any() or not alive[friends[there]].all():
            raise ValueError("a friend is not among the users")
        if (
            (there[:, 1:] & ~there[:, :-1]).any()
            or not ((ties > 0) == there).all()
            or not np.isfinite(ties).all()
        ):
            raise ValueError("ties and friends do not go together")
        ordered = np.sort(np.where(there, friends, -np.arange(1, friends.shape[1] + 1)), axis=1)
        if (ordered[:, 1:] == ordered[:, :-1]).any() or (
            friends == np.arange(1, len(friends) + 1)[:, None]
        ).any():
            raise ValueError("a user has a friend twice, or is her own")


def _pairs(users: Any, friends: Any) -> tuple[Ids, Ids]:
    """Both columns; of one length."""
    u, v = read_ids(users), read_ids(friends)
    if len(u) != len(v):
        raise ValueError(f"users and friends must be of one length; got {len(u)} and {len(v)}.")
    return u, v


def _read_weights(weights: Any, n: int) -> np.ndarray:
    """Weights float32 (n,)."""
    if weights is None:
        return np.ones(n, np.float32)
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (n,):
        raise ValueError(f"weights must have the shape ({n},), one for each tie; got {found.shape}.")
    wrong = np.flatnonzero(~((found >= 1 / LARGEST) & (found <= LARGEST)))
    if len(wrong):
        raise ValueError(
            f"The weight of a tie must lie between {1 / LARGEST:g} and {LARGEST:g}; got {found[wrong[0]]!r} at "
            f"position {wrong[0]}. Leave out ties without weight, or scale the weights; distrust is no tie."
        )
    return found.astype(np.float32)


def _tie(state: State, users: Ids, friends: Ids, weights: np.ndarray) -> None:
    """Add ties between users, who get rows where they have none; on error nothing has changed."""
    n = len(users)
    names: list[Any] = [None] * (2 * n)  # tie by tie, so that cutting them changes no row
    names[::2], names[1::2] = users.to_list(), friends.to_list()
    if None in names:
        at, side = divmod(names.index(None), 2)
        raise ValueError(
            f"The id at position {at} of {('users', 'friends')[side]} is missing: a tie has two ends. Leave such rows "
            "out."
        )
    own = [a == b for a, b in zip(names[::2], names[1::2], strict=True)]
    if any(own):
        keep = np.flatnonzero(~np.array(own))
        _tie(state, users.take(keep), friends.take(keep), weights[keep])
        return
    rows = rows_for(state, 0, Ids(objects=names))
    state.learner.tie(np.ascontiguousarray(rows[::2]), np.ascontiguousarray(rows[1::2]), weights)


def _untie_all(state: State, rows: np.ndarray) -> int:
    """Take back all ties of these users and to them."""
    arrays = state.user_rows.arrays
    own = int(np.count_nonzero(arrays["friends"][rows]))
    arrays["friends"][rows], arrays["ties"][rows] = 0, 0
    gone = np.zeros(len(arrays["friends"]), np.int8)
    gone[rows] = 1
    return own + state.learner.untie_from(gone)


def _carry(old: State, new: State) -> None:
    """Give a new state the ties of another, in the order in which they came; who was named keeps her place."""
    arrays = old.user_rows.arrays
    friends, ties = (arrays[name][: old.users.n_rows, ::-1] for name in ("friends", "ties"))
    users, at = np.nonzero(friends)
    others = friends[users, at] - 1
    live = old.users.live()
    strangers = live[arrays["stat"][live, 3] == 0]  # they have been named, though a tie may have gone since
    named = np.unique(np.concatenate([users, others, strangers]))
    rows_for(new, 0, Ids(objects=old.users.ids_of(named).tolist()))
    u, v = (Ids(objects=old.users.ids_of(rows).tolist()) for rows in (users, others))
    _tie(new, u, v, np.ascontiguousarray(ties[users, at]))
