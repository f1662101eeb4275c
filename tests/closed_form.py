"""EASE by its textbook, from a list of events: what the incremental model is compared with."""

import numpy as np


def batch(events, l2, recency=1.0, within=None):
    """Matrix, users, items, inverse and scores of events (user, item); None is anonymous.

    Of the items only those `within` are in the matrix, if that is given, and all have scores.

    Returns
    -------
    tuple
        X (users, items), user ids, item ids, P, scores (users, items).
    """
    known = [(u, i) for u, i in events if u is not None and i is not None]
    users, items = list(dict.fromkeys(u for u, _ in known)), list(dict.fromkeys(i for _, i in known))
    X, Q = np.zeros((2, len(users), len(items)))
    last = {pair: at for at, pair in enumerate(known)}
    had = {}
    for (u, i), _ in sorted(last.items(), key=lambda entry: entry[1]):
        had.setdefault(u, []).append(i)
    for u, mine in had.items():
        for age, i in enumerate(reversed(mine)):
            X[users.index(u), items.index(i)] = 1
            Q[users.index(u), items.index(i)] = recency**age
    shares = X.sum(axis=0)
    outside = np.array([within is not None and i not in within for i in items], dtype=bool)
    X[:, outside] = Q[:, outside] = 0
    P = np.linalg.inv(X.T @ X + l2 * np.eye(len(items)))
    B = -P / P.diagonal()
    np.fill_diagonal(B, 0)
    scores = Q @ B
    anonymous = np.array([sum(u is None and i == item for u, i in events) for item in items])
    strangers = sum(u is None and i is not None for u, i in events)
    for r in range(len(users)):  # nobody had their items together with others: the prior answers
        mine = X[r] > 0
        if not (X.T @ X)[np.ix_(mine, ~mine)].any():
            scores[r] = (shares + anonymous) / (len(users) + strangers)
    scores[:, outside] = ((shares + anonymous) / (len(users) + strangers))[outside] if users else 0
    return X, users, items, P, scores


def scores_of(model, users, items):
    """What the model says of these users and items."""
    return np.array([model.predict([[u, i] for i in items]) for u in users]).reshape(len(users), len(items))
