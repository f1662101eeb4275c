"""Several passes of BPR and of the machine that ranks: in the order of the events, and their mean."""

import numpy as np
import pytest

from skl_increc.factorization import BPR, FactorizationMachineRecommender

OPTIONS = [{"loss": "bpr"}, {"loss": "warp"}, {"loss": "squared", "negatives": "recent"}, {"replay": 1}]


def drifting(n=2000, users=30):
    """Users who like items of their own kind at first, and of the other one later; they come back to all."""
    rng = np.random.default_rng(0)
    u, b = rng.integers(0, users, n), rng.integers(0, 40, n)
    kind = (u + (np.arange(n) >= n // 2)) % 2
    return np.column_stack([u, 2 * b + kind])


class Watched(BPR):
    """Keeps what each pass leaves, and the events that it is given."""

    def _rows(self, state):
        biases = state.item_rows.view("stat")[:, 0]
        return [
            rows.copy() for rows in (state.user_rows.view("factors"), state.item_rows.view("factors"), biases)
        ]

    def _learn_again(self, state, u, i, y, w, t, epoch):
        if epoch == 1:
            self.ends, self.given = [self._rows(state)], []
        self.given.append((u.copy(), i.copy(), y.copy(), w.copy()))
        super()._learn_again(state, u, i, y, w, t, epoch)
        self.ends.append(self._rows(state))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_rows_are_the_mean_over_passes_and_later_ones_count_more(options):
    model = Watched(6, n_negatives=3, n_epochs=4, **options).fit(drifting(300))
    left = [model.user_factors_, model.item_factors_, model.item_biases_]
    for part, rows in enumerate(left):
        ends = [end[part].astype(float) for end in model.ends]
        assert not np.array_equal(ends[0], ends[3])
        mean = sum(k * end for k, end in enumerate(ends, 1)) / 10
        np.testing.assert_allclose(rows, mean[:, : rows.shape[1]] if rows.ndim == 2 else mean, atol=1e-6)


def test_every_pass_is_in_the_order_of_the_events():
    events = drifting(300)
    y, w = np.where(np.arange(300) % 7 == 5, -1.0, 1.0), np.random.default_rng(1).uniform(0.5, 2, 300)
    model = Watched(4, n_negatives=2, n_epochs=3).fit(events, y, w)
    assert len(model.given) == 2
    for u, i, target, weight in model.given:
        np.testing.assert_array_equal(model.user_ids_[u], events[:, 0])
        np.testing.assert_array_equal(model.item_ids_[i], events[:, 1])
        np.testing.assert_array_equal(target, y)
        np.testing.assert_array_equal(weight, w)


def test_what_users_like_of_late_counts_most():
    events = drifting()
    model = BPR(8, n_negatives=5, n_epochs=5, history=0, learning_rate=0.5).fit(events)
    users = np.arange(30)
    items, _ = model.recommend(users, 10, exclude_seen=False)
    late = (items.astype(int) % 2) == (users[:, None] + 1) % 2
    assert late.mean() > 0.7  # .82; with later passes in random order .52 to .59


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_one_pass_is_partial_fit_and_the_seed_says_the_rest(options):
    events = drifting(300)
    one, part = (
        BPR(4, n_negatives=3, **options).fit(events),
        BPR(4, n_negatives=3, **options).partial_fit(events),
    )
    np.testing.assert_array_equal(one.item_factors_, part.item_factors_)
    two, same, other = (
        BPR(4, n_negatives=3, n_epochs=3, random_state=seed, n_jobs=jobs, **options).fit(events)
        for seed, jobs in ((0, None), (0, 2), (1, None))
    )
    np.testing.assert_array_equal(two.item_factors_, same.item_factors_)
    np.testing.assert_array_equal(two.user_factors_, same.user_factors_)
    assert not np.array_equal(two.item_factors_, other.item_factors_)


def test_partial_fit_goes_on_from_the_mean_with_one_pass():
    events = drifting(300)
    model, twin = (BPR(4, n_negatives=3, n_epochs=3).fit(events[:200]) for _ in range(2))
    model.partial_fit(events[200:])
    for user, item in events[200:].tolist():
        twin.learn_one({"user": user, "item": item})
    np.testing.assert_array_equal(model.item_factors_, twin.item_factors_)


def test_rows_that_have_exploded_stay_what_they_were():
    with pytest.warns(match="Lower learning_rate"):
        model = BPR(4, n_negatives=3, n_epochs=3, init_scale=1e38).fit(drifting(100))
    once = BPR(4, n_negatives=3, init_scale=1e38)
    with pytest.warns(match="Lower learning_rate"):
        once.fit(drifting(100))
    assert np.isfinite(model.item_factors_).all()
    np.testing.assert_allclose(model.item_factors_, once.item_factors_, rtol=1e-6)


class WatchedMachine(FactorizationMachineRecommender):
    """Keeps what each pass leaves, of the ids and of what items are."""

    def _rows(self, state):
        table = state.stores["features"].tables[-1]
        own = [(rows.view("factors"), rows.view("stat")) for rows in (state.user_rows, state.item_rows)]
        every = [*own, (table.factors[: table.n], table.stat[: table.n])]
        return [part.copy() for factors, stat in every for part in (factors, stat[:, 0])]

    def _learn_again(self, state, u, i, y, w, t, epoch):
        if epoch == 1:
            self.ends = [self._rows(state)]
        super()._learn_again(state, u, i, y, w, t, epoch)
        self.ends.append(self._rows(state))


@pytest.mark.parametrize("optimizer_bias", ["adagrad", "ftrl"])
def test_a_machine_leaves_the_mean_of_its_features_too(optimizer_bias):
    model = WatchedMachine(4, n_negatives=3, n_epochs=3, optimizer_bias=optimizer_bias)
    model.set_item_features({item: {"kind": "ab"[item % 2]} for item in range(80)})
    left = model.fit(drifting(300))._rows(model._state)
    assert left[4].shape[0] == 2 and len(model.ends) == 3
    for part, rows in enumerate(left):
        ends = [end[part] for end in model.ends]
        assert part == 1 or not np.array_equal(ends[0], ends[2])  # 1: weights of users, which move no list
        mean = (ends[0] + 2 * ends[1] + 3 * ends[2]) / 6
        np.testing.assert_allclose(rows, ends[2] if optimizer_bias == "ftrl" else mean, atol=1e-6)
