"""Whole lives of exact models: learning, merging, forgetting, failing, copying, in any order.

Whatever a model went through, it is the model of the events that are left.
"""

import copy
import pickle

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from instances import MODELS
from searching import examples

from skl_increc.checks._events import DOORS, Event, fresh, learn
from skl_increc.checks._states import same_model

USERS = [f"u{j}" for j in range(6)] + [3, (1, "b"), None]
ITEMS = [f"i{j}" for j in range(40)] + [3, 0.5, None]
HALVES = st.integers(1, 10).map(lambda v: v / 2)
EVENTS = st.lists(
    st.builds(
        Event,
        user=st.sampled_from(USERS),
        item=st.sampled_from(ITEMS),
        y=HALVES,
        w=st.sampled_from([0.25, 1.0, 3.0]),
        t=st.integers(0, 30).map(lambda days: 1.5e9 + 86400.0 * days),
    ),
    max_size=45,
)
SOME_USERS = st.lists(st.sampled_from(USERS[:-1]), max_size=3)
SOME_ITEMS = st.lists(st.sampled_from(ITEMS[:-1]), max_size=3)


class Life(RuleBasedStateMachine):
    """One model and the events that it should be made of."""

    prototype = MODELS["Popularity"]

    def __init__(self):
        super().__init__()
        self.model = fresh(self.prototype)
        self.events = []

    @rule(events=EVENTS, door=st.sampled_from(sorted(DOORS)))
    def learn(self, events, door):
        learn(self.model, events, door)
        self.events += events

    @rule(users=SOME_USERS, items=SOME_ITEMS)
    def forget(self, users, items):
        removed = self.model.forget(users=users, items=items)
        left = [e for e in self.events if e.user not in users and e.item not in items]
        assert removed == len(self.events) - len(left)
        self.events = left

    @rule(events=EVENTS, door=st.sampled_from(sorted(DOORS)))
    def merge(self, events, door):
        mine = {e.user for e in self.events}
        strangers = [e for e in events if e.user is None or e.user not in mine]
        self.model.merge(learn(fresh(self.prototype), strangers, door))
        self.events += strangers

    @rule(events=EVENTS)
    def fail(self, events):
        bad = [*events, Event(["unhashable"], "x", 1.0, 1.0, 1.5e9)]
        with pytest.raises(TypeError, match="hashable"):
            learn(self.model, bad)

    @rule(way=st.sampled_from([copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]))
    def copy(self, way):
        self.model = way(self.model)

    @rule()
    def snapshot(self):
        if self.model._state is not None:
            self.model = copy.deepcopy(self.model.snapshot())

    @invariant()
    def is_the_model_of_its_events(self):
        right = learn(fresh(self.prototype), self.events)
        same_model(self.model, right, right.guarantees().U, "after all that", order=False)


LIVES = [
    "Baseline",
    "RatingItemKNN-pearson",
    "SlopeOne",
    "Popularity",
    "Popularity-min_y",
    "Popularity-half_life-time",
    "Popularity-half_life-short",
    "SequentialRules",
    "ItemKNN",
]


@pytest.mark.parametrize("name", LIVES)
@pytest.mark.filterwarnings("ignore")
def test_a_life(name):
    life = type("Life", (Life,), {"prototype": MODELS[name]})
    run = settings(
        max_examples=examples(10),
        stateful_step_count=10,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(life, settings=run)
