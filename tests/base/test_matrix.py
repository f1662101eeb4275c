"""A user-item matrix in, a user-item matrix out."""

import numpy as np
import pytest
import scipy.sparse as sp

from skl_increc.baselines import Baseline, Popularity
from skl_increc.factorization import BiasedMF

DENSE = np.array([[5.0, 0, 3], [0, 0, 1], [4, 2, 0]])


def test_from_csr_is_fit_on_its_entries():
    by_matrix = Baseline().from_csr(sp.csr_array(DENSE))
    X = [[0, 0], [0, 2], [1, 2], [2, 0], [2, 1]]
    by_events = Baseline().fit(X, [5.0, 3, 1, 4, 2])
    assert np.array_equal(by_matrix.predict(X), by_events.predict(X))


def test_ids_of_rows_and_columns():
    model = Popularity().from_csr(DENSE, user_ids=["a", "b", "c"], item_ids=[(1, 2), "tea", 7])
    assert model.recommend_one("b", 2) == [(1, 2), "tea"]
    assert set(model.item_ids_) == {(1, 2), "tea", 7}


def test_to_csr_returns_who_had_what():
    model = BiasedMF().from_csr(DENSE)
    back = model.to_csr().toarray()
    order = np.ix_(np.argsort(model.user_ids_), np.argsort(model.item_ids_))
    assert np.array_equal(back[order], (DENSE > 0).astype(float))


def test_what_a_matrix_cannot_say():
    with pytest.raises(ValueError, match="no times"):
        Popularity(time_col="t").from_csr(DENSE)
    with pytest.raises(ValueError, match="user_ids holds 2 ids for a side of length 3"):
        Popularity().from_csr(DENSE, user_ids=[1, 2])
    with pytest.raises(ValueError, match="history=0"):
        Popularity(history=0).from_csr(DENSE).to_csr()
