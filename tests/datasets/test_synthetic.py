"""make_interactions plants what it says."""

import numpy as np
import pytest

from skl_increc.datasets import InteractionTruth, make_interactions

BACKENDS = ("pandas", "polars", "pyarrow")


def columns_of(frame):
    import narwhals.stable.v2 as nw

    frame = nw.from_native(frame, eager_only=True)
    return {name: frame[name].to_numpy() for name in frame.columns}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_gets_the_same_events(backend):
    pytest.importorskip(backend)
    events = columns_of(make_interactions(500, backend=backend))
    expected = columns_of(make_interactions(500))
    assert list(events) == ["user", "item", "rating", "timestamp"]
    for name, values in expected.items():
        np.testing.assert_array_equal(events[name], values)
        assert events[name].dtype == (np.float64 if name == "rating" else np.int64)


def test_the_seed_decides():
    one, same, other = (make_interactions(300, random_state=seed) for seed in (7, 7, 8))
    assert one.equals(same)
    assert not one.equals(other)
    assert make_interactions(300, random_state=np.random.RandomState(7)).equals(one)


def test_ids_and_ratings_lie_in_their_ranges_and_time_never_goes_back():
    events = columns_of(make_interactions(2000, 40, 30, rating_range=(-10, 10), noise=8.0))
    assert 0 <= events["user"].min() and events["user"].max() < 40
    assert 0 <= events["item"].min() and events["item"].max() < 30
    assert events["rating"].min() == -10 and events["rating"].max() == 10
    assert (np.diff(events["timestamp"]) >= 0).all()


def test_ratings_are_whole_steps_when_asked():
    ratings = columns_of(make_interactions(2000, rating_range=(0.5, 5), rating_step=0.5, noise=2.0))["rating"]
    assert set(ratings) == {0.5 * step for step in range(1, 11)}


def test_a_step_that_does_not_divide_the_range_stays_inside_it():
    ratings = columns_of(make_interactions(2000, rating_range=(1, 5), rating_step=1.5, noise=2.0))["rating"]
    assert set(ratings) == {1.0, 2.5, 4.0}


def test_ratings_are_the_planted_sum_plus_noise():
    frame, truth = make_interactions(
        20_000, rating_range=(-100, 100), noise=3.0, drift=0.0, return_truth=True
    )
    events = columns_of(frame)
    users, items = events["user"], events["item"]
    rebuilt = (
        truth.mean
        + truth.user_biases[users]
        + truth.item_biases[items]
        + (truth.user_factors[users] * truth.item_factors[items]).sum(1)
    )
    np.testing.assert_allclose(truth.expected, rebuilt, atol=1e-9)
    inside = np.abs(events["rating"]) < 100
    residuals = (events["rating"] - truth.expected)[inside & (np.abs(truth.expected) < 80)]
    assert residuals.std() == pytest.approx(3.0, rel=0.05)
    assert truth.noise == 3.0 and truth.mean == 0.0
    assert np.std(truth.expected) > 30  # there is a structure to find


def test_drift_turns_biases_and_tastes_and_keeps_their_spread():
    truth = make_interactions(10, 4000, 4000, drift=2 / 3, return_truth=True)[1]
    for start, end in (
        (truth.user_biases, truth.user_biases_end),
        (truth.item_biases, truth.item_biases_end),
        (truth.user_factors.ravel(), truth.user_factors_end.ravel()),
    ):
        assert np.corrcoef(start, end)[0, 1] == pytest.approx(0.5, abs=0.06)
        assert end.std() == pytest.approx(start.std(), rel=0.06)


def test_drift_shows_in_the_events():
    frame, truth = make_interactions(20_000, drift=1.0, noise=0.1, return_truth=True)
    events = columns_of(frame)
    users, items = events["user"], events["item"]

    def error(part, user_biases, item_biases, user_factors):
        u, i = users[part], items[part]
        guess = (
            truth.mean + user_biases[u] + item_biases[i] + (user_factors[u] * truth.item_factors[i]).sum(1)
        )
        return np.sqrt(np.mean((guess - truth.expected[part]) ** 2))

    start = truth.user_biases, truth.item_biases, truth.user_factors
    end = truth.user_biases_end, truth.item_biases_end, truth.user_factors_end
    first, last = slice(0, 500), slice(-500, None)
    assert max(error(first, *start), error(last, *end)) < 0.05
    assert min(error(first, *end), error(last, *start)) > 0.5


def test_without_drift_the_end_is_the_start():
    truth = make_interactions(10, return_truth=True)[1]
    np.testing.assert_array_equal(truth.user_factors, truth.user_factors_end)
    np.testing.assert_array_equal(truth.item_biases, truth.item_biases_end)


def first_seen(ids):
    return np.unique(ids, return_index=True)[1] / len(ids)


@pytest.mark.parametrize("side", ["user", "item"])
def test_cold_ids_arrive_over_the_whole_stream(side):
    def late(cold_share):
        frame = make_interactions(50_000, 100, 100, cold_share=cold_share, zipf_exponent=0, tie_share=0)
        return first_seen(columns_of(frame)[side])

    assert late(0.0).max() < 0.1
    seen = late(0.6)
    assert (seen > 0.1).sum() == pytest.approx(54, abs=12)  # 60 arrive evenly, the last nine tenths count
    assert (seen > 0.5).sum() == pytest.approx(30, abs=12)
    assert first_seen(columns_of(make_interactions(5000, 100, 100, cold_share=1.0))[side]).min() == 0


def test_ties_share_user_and_second_and_nothing_else_does():
    events = columns_of(make_interactions(20_000, 50, tie_share=0.4))
    same_second = np.diff(events["timestamp"]) == 0
    assert same_second.mean() == pytest.approx(0.4, abs=0.02)
    assert (np.diff(events["user"])[same_second] == 0).all()
    assert (np.diff(columns_of(make_interactions(5000, tie_share=0))["timestamp"]) > 0).all()


@pytest.mark.parametrize("side", ["user", "item"])
def test_the_tail_follows_the_exponent(side):
    def top_share(exponent):
        frame = make_interactions(40_000, 200, 200, zipf_exponent=exponent, cold_share=0, tie_share=0)
        counts = np.sort(np.bincount(columns_of(frame)[side], minlength=200))
        return counts[-20:].sum() / counts.sum()

    def of_law(exponent):
        weights = np.arange(1, 201.0) ** -exponent
        return weights[:20].sum() / weights.sum()

    assert top_share(0.0) < 0.13
    for exponent in (0.5, 1.2):
        assert top_share(exponent) == pytest.approx(of_law(exponent), abs=0.02)


def test_ids_tell_neither_popularity_nor_arrival():
    events = columns_of(make_interactions(20_000, 300, 300, cold_share=0.5))
    counts = np.bincount(events["item"], minlength=300)
    assert abs(np.corrcoef(np.arange(300), counts)[0, 1]) < 0.2
    ids, first = np.unique(events["item"], return_index=True)
    assert abs(np.corrcoef(ids, first)[0, 1]) < 0.2


def test_implicit_events_are_choices_by_taste():
    frame, truth = make_interactions(
        10_000, feedback="implicit", noise=0.2, drift=0.3, return_truth=True, zipf_exponent=0.5
    )
    events = columns_of(frame)
    assert list(events) == ["user", "item", "timestamp"]
    assert isinstance(truth, InteractionTruth)
    early = slice(0, 500)  # before tastes have turned far
    users = events["user"][early]
    utilities = truth.item_biases + truth.user_factors[users] @ truth.item_factors.T
    np.testing.assert_allclose(
        utilities[np.arange(500), events["item"][early]], truth.expected[early], atol=0.25
    )
    above = utilities < truth.expected[early, None]
    assert above.mean() > 0.8  # blind choices would lie above half of the items
    blind = make_interactions(10_000, feedback="implicit", noise=100.0, return_truth=True)[1]
    assert abs(blind.expected.mean()) < 0.15
    assert truth.expected.mean() > 0.8


def test_X_y_and_truth():
    X, y = make_interactions(100, return_X_y=True)
    whole = make_interactions(100)
    assert list(X.columns) == ["user", "item", "timestamp"]
    assert y.equals(whole["rating"])
    X, y, truth = make_interactions(100, return_X_y=True, return_truth=True, feedback="implicit")
    assert y is None and len(X) == len(truth.expected) == 100


def test_the_truth_is_frozen():
    truth = make_interactions(10, return_truth=True)[1]
    with pytest.raises(AttributeError):
        truth.noise = 1.0


def test_smallest_sizes():
    events = columns_of(make_interactions(1, 1, 1, n_factors=0))
    assert [events[name][0] for name in ("user", "item")] == [0, 0]
    X, truth = make_interactions(5, 1, 1, cold_share=1.0, feedback="implicit", return_truth=True)
    assert len(X) == 5 and truth.user_factors.shape == (1, 4)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_events": 0}, ValueError, "n_events == 0, must be >= 1"),
        ({"n_users": 0}, ValueError, "n_users == 0, must be >= 1"),
        ({"n_items": 2.5}, TypeError, "n_items must be an instance of int"),
        ({"n_factors": -1}, ValueError, "n_factors == -1, must be >= 0"),
        ({"noise": -0.1}, ValueError, "noise == -0.1, must be >= 0"),
        ({"noise": float("inf")}, ValueError, "noise=inf must be finite"),
        ({"noise": float("nan")}, ValueError, "noise=nan must be finite"),
        ({"zipf_exponent": -1}, ValueError, "zipf_exponent == -1, must be >= 0"),
        ({"drift": 1.1}, ValueError, "drift == 1.1, must be <= 1"),
        ({"cold_share": "half"}, TypeError, "cold_share must be an instance of float"),
        ({"tie_share": 1.0}, ValueError, "tie_share == 1.0, must be < 1"),
        ({"feedback": "stars"}, ValueError, "feedback='stars' is not known; choose \"explicit\""),
        ({"rating_range": 5}, ValueError, "rating_range=5 must be two numbers"),
        ({"rating_range": (5, 1)}, ValueError, r"rating_range=\(5, 1\) must be finite, with the lowest"),
        ({"rating_range": (0, float("inf"))}, ValueError, "must be finite, with the lowest"),
        ({"rating_step": 0}, ValueError, "rating_step == 0, must be > 0"),
        ({"rating_step": 9}, ValueError, "rating_step == 9, must be <= 4"),
        ({"backend": "dask"}, ValueError, "backend='dask' is not a known frame library; choose one of"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        make_interactions(**parameters)
