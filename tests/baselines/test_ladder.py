"""Popularity(half_life="auto") against sums and lists that are made anew for every event."""

import numpy as np
import pytest

import skl_increc
from skl_increc.base._cold_start import EVENT_LADDER, KEPT, MEMORY, TIME_LADDER
from skl_increc.baselines import Popularity
from skl_increc.exceptions import GuaranteeError, SaveFormatError


def stream(n, n_items, seed, late=0.0):
    """(user, item, weight, time), some late; weights that never make two sums equal."""
    rng = np.random.default_rng(seed)
    t = np.cumsum(rng.exponential(60.0, n)) - 5e3
    t = np.where(rng.random(n) < late, t - rng.exponential(5e3, n), t)
    items = (n_items * rng.random(n) ** 2).astype(int)
    return list(zip(rng.integers(0, 9, n), items, rng.uniform(0.5, 2, n), t, strict=True))


def by_hand(events, spans):
    """Sums at the end, float64 (items, spans), and the gains: every list is sorted anew for every event."""
    now = -np.inf
    i, w, t = (np.array([e[c] for e in events]) for c in (1, 2, 3))
    n = i.max() + 1
    gain = np.zeros(len(spans))
    for j in range(len(events) + 1):
        now = t[:j].max(initial=-np.inf)
        with np.errstate(under="ignore"):
            each = w[:j, None] * np.exp2((t[:j, None] - now) / spans)
        sums = np.zeros((n, len(spans)))
        np.add.at(sums, i[:j], each)
        if j < len(events):
            place = (sums > sums[i[j]]).sum(axis=0)
            listed = (place < KEPT) & (sums[i[j]] > 0)
            gain = gain * 2 ** (-1 / MEMORY) + np.where(listed, 1 / np.log2(place + 2), 0)
    return sums, gain


@pytest.mark.parametrize("late", [0.0, 0.2])
def test_sums_and_gains_are_those_of_lists_made_anew(late):
    events = stream(400, 60, 1, late)
    model = Popularity(half_life="auto", time_col=2)
    model.fit([(u, i, t) for u, i, _, t in events], None, [w for _, _, w, _ in events])
    if late:  # a table is sorted by time; single events come as they come
        model = Popularity(half_life="auto", time_col="t")
        for u, i, w, t in events:
            model.learn_one({"user": u, "item": i, "t": t}, w=w)
    sums, gain = by_hand(events, np.array(TIME_LADDER))
    np.testing.assert_allclose(model._state.scalar("gain"), gain, rtol=1e-9)
    best = len(gain) - 1 - np.argmax(gain[::-1])
    assert model.half_life_ == TIME_LADDER[best]
    np.testing.assert_allclose(
        model.popularity_, sums[model.item_ids_.astype(int), best], rtol=1e-9, atol=1e-300
    )
    assert (model.n_late_ > 0) == bool(late)


def test_the_half_life_is_found():
    """What was taken a moment ago is taken next; after that, what was always popular is."""
    model = Popularity(half_life="auto")
    assert not hasattr(model, "half_life_")
    for j in range(600):
        model.learn_one(user=j, item=j // 4)
    assert model.half_life_ == EVENT_LADDER[0] and model.recommend_one("nobody", 1) == [149]
    rng = np.random.default_rng(0)
    model.fit([(j, i) for j, i in enumerate((40 * rng.random(3000) ** 3).astype(int))])
    assert model.half_life_ >= EVENT_LADDER[4]
    assert Popularity(half_life=7).fit([(1, 2)]).half_life_ == 7
    assert Popularity().fit([(1, 2)]).half_life_ == np.inf


def test_what_it_refuses(tmp_path):
    with pytest.raises(ValueError, match="half_life"):
        Popularity(half_life="short").fit([(1, 2)])
    with pytest.raises(ValueError, match="both let the past go"):
        Popularity(half_life="auto", window=5).fit([(1, 2)])
    model = Popularity(half_life="auto").fit([(1, 2), (2, 3)])
    with pytest.raises(GuaranteeError, match="told best"):
        model.forget(users=[1])
    with pytest.raises(GuaranteeError, match="told best"):
        model.merge(model.clone())
    model._state.scalar("best")[0] = 9
    skl_increc.save(model, tmp_path / "model.npz")
    with pytest.raises(SaveFormatError, match="rows that no item has"):
        skl_increc.load(tmp_path / "model.npz")
