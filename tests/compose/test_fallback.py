"""Fallback: who answers whom."""

import numpy as np
import pytest

import skl_increc
from skl_increc.baselines import Baseline, Popularity
from skl_increc.compose import Fallback, RatingFallback
from skl_increc.neighbors import ItemKNN, RatingItemKNN
from skl_increc.sequence import SequentialRules


def stream(n=200, seed=0):
    rng = np.random.default_rng(seed)
    return list(zip((rng.zipf(1.5, n) % 40).tolist(), (rng.zipf(1.3, n) % 20).tolist(), strict=True))


def members():
    return [("rules", SequentialRules()), ("alike", ItemKNN()), ("popular", Popularity(history=0))]


def test_the_first_member_with_events_enough_answers():
    events = stream()
    model = Fallback(members(), min_events=[5, 2]).fit(events)
    alone = [m.fit(events) for _, m in members()]
    users = [u for u, _ in events]
    used = set()
    for user in [*sorted(set(users)), "nobody", None]:
        n = users.count(user)
        m = 0 if n >= 5 else 1 if n >= 2 else 2
        used.add(m)
        pairs = [(user, i) for i in range(20)]
        np.testing.assert_array_equal(model.predict(pairs), alone[m].predict(pairs))
        want = alone[m].recommend_one(user, 20, exclude=[i for u, i in events if u == user])
        assert set(model.recommend_one(user, 20)) == set(want)
    assert used == {0, 1, 2}
    assert set(model.members_) == {"rules", "alike", "popular"}


def test_ratings_and_files(tmp_path):
    events = stream()
    y = (np.arange(len(events)) % 9) / 2
    model = RatingFallback(min_events=4).fit(events, y)
    stranger, known = Baseline().fit(events, y), RatingItemKNN().fit(events, y)
    assert model.predict_one(user="new", item=3) == stranger.predict_one(user="new", item=3)
    assert model.predict_one(user=1, item=3) == known.predict_one(user=1, item=3)
    skl_increc.save(model, tmp_path / "model.npz")
    np.testing.assert_array_equal(
        skl_increc.load(tmp_path / "model.npz").predict(events), model.predict(events)
    )


def test_thresholds_that_make_no_sense():
    for bad in ([1], [1, -2], [1, 2, 3]):
        with pytest.raises(ValueError, match="one for each of the 2 members before the last"):
            Fallback(members(), min_events=bad).fit(stream(5))
    with pytest.raises(ValueError, match="min_events"):
        Fallback(min_events=-1).fit(stream(5))
