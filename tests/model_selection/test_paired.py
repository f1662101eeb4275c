"""McNemar's test, the paired z test and the bootstrap over users, against their definitions and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from searching import examples

from skl_increc.baselines import Popularity
from skl_increc.datasets import make_interactions
from skl_increc.factorization import BiasedMF
from skl_increc.metrics import get_scorer
from skl_increc.model_selection import mcnemar_test, paired_bootstrap, paired_z_test
from skl_increc.model_selection._paired import holm

HITS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=120)


# -- McNemar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n10", "n01", "statistic"), [(4344, 4239, 1.28), (4819, 4190, 43.9), (4190, 4819, -43.9)]
)
def test_published_figures(n10, n01, statistic):
    test = mcnemar_test([1] * n10 + [0] * n01, [0] * n10 + [1] * n01)
    assert test.statistic == pytest.approx(statistic, abs=0.05)
    assert (test.pvalue < 0.01) == (abs(statistic) > 6.635)


@settings(max_examples=examples(60))
@given(hits=HITS, window=st.integers(1, 50), step=st.integers(1, 20))
def test_windows_by_hand(hits, window, step):
    a, b = np.array(hits).T
    test = mcnemar_test(a, b, window=window, step=step)
    window = min(window, len(a))
    assert test.n == len(a) and test.window == window
    assert test.ends.tolist() == list(range(window, len(a) + 1, step))
    spans = [(slice(None), test.statistic, test.pvalue)]
    spans += [
        (slice(end - window, end), statistic, pvalue)
        for end, statistic, pvalue in zip(test.ends, test.statistics, test.pvalues, strict=True)
    ]
    for span, statistic, pvalue in spans:
        n10, n01 = int((a & ~b)[span].sum()), int((b & ~a)[span].sum())
        apart, differ = n10 - n01, n10 + n01
        assert statistic == pytest.approx(math.copysign(apart**2, apart) / differ if differ else 0.0)
        if differ == 0:
            assert pvalue == 1.0
        elif differ < 25:
            assert pvalue == pytest.approx(stats.binomtest(n10, differ).pvalue)
        else:
            assert pvalue == pytest.approx(stats.chi2.sf(apart**2 / differ, 1))
    assert (test.n10, test.n01) == (int((a & ~b).sum()), int((b & ~a).sum()))
    won = (test.pvalues < 0.01) & (test.statistics > 0)
    assert test.won == pytest.approx(won.mean()) and test.won + test.lost + test.tied == pytest.approx(1.0)
    other = mcnemar_test(b, a, window=window, step=step)
    assert other.statistic == -test.statistic and other.won == test.lost and other.pvalue == test.pvalue


def test_a_lead_that_turns_is_no_lead():
    better, worse = np.tile([1, 1, 1, 0], 500), np.tile([1, 0, 0, 0], 500)
    test = mcnemar_test(np.append(better, worse), np.append(worse, better))
    assert test.statistic == 0.0 and test.pvalue == 1.0
    assert test.won > 0.4 and test.lost > 0.4
    assert test.window == 400 and len(test.ends) == 91
    steady = mcnemar_test(better, worse, alpha=0.001)
    assert steady.won == 1.0 and steady.tied == steady.lost == 0.0
    assert "a won 100% and lost 0% (p < 0.001)" in str(steady)


def test_equal_models_win_about_as_often_as_alpha_says():
    rng = np.random.default_rng(0)
    tests = [mcnemar_test(rng.random(400) < 0.3, rng.random(400) < 0.3, alpha=0.05) for _ in range(400)]
    assert 0.02 < np.mean([test.pvalue < 0.05 for test in tests]) < 0.08


# -- losses --------------------------------------------------------------------------------------------------


@settings(max_examples=examples(60))
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(2, 80),
    window=st.integers(2, 40),
    size=st.sampled_from([1, 1e6]),
)
def test_losses_in_windows_are_those_of_scipy(seed, n, window, size):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size, 1, n) ** 2, rng.normal(size, 1.3, n) ** 2
    test = paired_z_test(a, b, window=window, step=3)
    window = min(window, n)
    whole = stats.ttest_rel(b, a)
    assert test.pvalue == pytest.approx(whole.pvalue, rel=1e-6)
    assert test.statistic == pytest.approx(np.sign(whole.statistic) * whole.statistic**2, rel=1e-6)
    for end, pvalue in zip(test.ends, test.pvalues, strict=True):
        span = slice(end - window, end)
        assert pvalue == pytest.approx(stats.ttest_rel(b[span], a[span]).pvalue, rel=1e-4, abs=1e-12)
    assert (test.n10, test.n01) == ((a < b).sum(), (b < a).sum())


def test_losses_alike():
    test = paired_z_test([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert test.statistic == 0.0 and test.pvalue == 1.0 and test.won == test.lost == 0.0
    sure = paired_z_test([1.0, 2.0], [2.0, 3.0])
    assert sure.statistic == math.inf and sure.pvalue == 0.0


def test_holm():
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_what_tests_refuse():
    with pytest.raises(ValueError, match="hits_a must hold 0 and 1 only"):
        mcnemar_test([0, 2], [0, 1])
    with pytest.raises(ValueError, match="hits_b must hold 0 and 1 only"):
        mcnemar_test([0, 1], [0, math.nan])
    with pytest.raises(ValueError, match="hits_a is empty"):
        mcnemar_test([], [])
    with pytest.raises(ValueError, match="losses_b holds NaN or infinity"):
        paired_z_test([0.0, 1.0], [0.0, math.inf])
    with pytest.raises(ValueError, match="at least two questions; got 1"):
        paired_z_test([0.0], [1.0])
    with pytest.raises(ValueError, match="window must be a whole number, at least 2; got 1"):
        paired_z_test([0.0, 1.0], [0.0, 2.0], window=1)
    for test in (mcnemar_test, paired_z_test):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            test([0, 1, 1], [0, 1])
        for bad in (0, 1, -0.1):
            with pytest.raises(ValueError, match="alpha must be above 0 and below 1"):
                test([0, 1], [1, 1], alpha=bad)
        with pytest.raises(ValueError, match="window must be a whole number, at least"):
            test([0, 1], [1, 1], window=0)
        with pytest.raises(ValueError, match="step must be a whole number, at least 1; got 0"):
            test([0, 1], [1, 1], step=0)


# -- the bootstrap -------------------------------------------------------------------------------------------


def test_the_bootstrap_is_that_of_scipy():
    rng = np.random.default_rng(0)
    b = rng.random(200)
    a = b + rng.normal(0.05, 0.3, 200)
    test = paired_bootstrap(a, b, n_resamples=5000, confidence_level=0.9)
    theirs = stats.bootstrap(
        (a - b,), np.mean, n_resamples=5000, confidence_level=0.9, method="percentile", rng=1
    ).confidence_interval
    assert test.difference == pytest.approx((a - b).mean()) and test.n_users == 200
    assert (test.low, test.high) == pytest.approx(tuple(theirs), abs=0.003)
    assert test.pvalue == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.01)
    other = paired_bootstrap(b, a, n_resamples=5000, confidence_level=0.9)
    assert other.difference == -test.difference and other.low == pytest.approx(-test.high)
    assert paired_bootstrap(a, b, n_resamples=99) == paired_bootstrap(a, b, n_resamples=99)
    assert paired_bootstrap(a, b, n_resamples=99, random_state=3) != paired_bootstrap(a, b, n_resamples=99)


def test_users_without_a_score_are_left_out():
    a, b = [1.0, math.nan, 0.5, 0.0], [0.0, 1.0, math.nan, 0.0]
    test = paired_bootstrap(a, b)
    assert test.n_users == 2 and test.difference == 0.5 and not test.is_significant
    same = paired_bootstrap([0.5] * 9, [0.5] * 9)
    assert same.pvalue == 1.0 and same.low == same.high == 0.0
    assert "of 9 users" in str(same) and "95% interval" in str(same)


def test_the_users_of_two_models():
    X, y = make_interactions(1500, 80, 40, return_X_y=True, backend="pandas", random_state=0)
    models = [Popularity().fit(X[:1000], y[:1000]), BiasedMF(2).fit(X[:1000], y[:1000])]
    scorer = get_scorer("recall@10")
    asked = [scorer.by_user(model, X[1000:], y[1000:]) for model in models]
    test = paired_bootstrap(*asked, n_resamples=500)
    scores = [scorer(model, X[1000:], y[1000:]) for model in models]
    assert test.difference == pytest.approx(scores[0] - scores[1]) and test.low < test.difference < test.high
    fewer = scorer.by_user(models[1], X[1010:], y[1010:])
    with pytest.raises(ValueError, match="The two were asked for different users: score both on the same"):
        paired_bootstrap(asked[0], fewer)


def test_what_the_bootstrap_refuses():
    with pytest.raises(ValueError, match="No user has a score under both"):
        paired_bootstrap([math.nan], [1.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        paired_bootstrap([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="n_resamples must be a whole number, at least 1; got 0"):
        paired_bootstrap([1.0], [1.0], n_resamples=0)
    with pytest.raises(ValueError, match="confidence_level must be above 0 and below 1; got 95"):
        paired_bootstrap([1.0], [1.0], confidence_level=95)
