"""Models in files: whole or not there, the same to the last bit, and nothing else gets in."""

import datetime as dt
import json
import os
import signal
import stat
import subprocess
import sys
import uuid
import zipfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

import skl_increc
from skl_increc._state import archive
from skl_increc._state.archive import read_archive, write_archive
from skl_increc.base import Field, Guarantees, Recommender
from skl_increc.baselines import Baseline, Popularity
from skl_increc.exceptions import SaveFormatError, UnstableIdError
from skl_increc.factorization import BiasedMF, BiasedMFClassifier

MODELS = {
    "baseline": lambda: Baseline(),
    "drift": lambda: Baseline(drift=0.01),
    "popularity": lambda: Popularity(),
    "fading": lambda: Popularity(half_life=7, history=3),
    "timed": lambda: Popularity(half_life=dt.timedelta(minutes=1), time_col="time", min_y=2),
    "forgetful": lambda: Popularity(history=0),
    "mf": lambda: BiasedMF(n_factors=3),
    "mf-mean": lambda: BiasedMF(optimizer="sgd", init="mean", history=0, n_epochs=2, l2_bias=np.float32(0.1)),
    "mf-plain": lambda: BiasedMF(
        n_factors=np.int64(17), biases=False, init="uniform", random_state=None, history=2
    ),
    "mf-gd": lambda: BiasedMF(optimizer="gd", n_epochs=3, clip_to_range=True, time_col="time"),
    "classifier": lambda: BiasedMFClassifier(n_factors=4),
}
EVERY = pytest.mark.parametrize("name", MODELS)

ODD_IDS = [
    "",
    "a",
    "\u00e9",
    "\U0001f600",
    "\ud83d\ude00",
    "\ud800",
    "x" * 10_000,
    b"\x00\xff",
    0,
    -1,
    2**63 - 1,
    -(2**63),
]
ODD_IDS += [
    2**63,
    -(2**200),
    7**5_000,
    0.5,
    float("inf"),
    Decimal("0.3"),
    Fraction(1, 3),
    uuid.UUID(int=7),
    (1, "a", None),
]
ODD_IDS += [
    ((),),
    frozenset({"a", 2}),
    dt.date(2020, 1, 1),
    dt.datetime(2020, 1, 1),
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
]
ODD_IDS += [
    dt.time(1, 2),
    dt.time(1, 2, tzinfo=dt.UTC),
    dt.timedelta(1),
    None,
    float("nan"),
    True,
    np.str_("np"),
]


def stream(n=120, seed=0, ids=range(12)):
    """Events as (dict, y) over these ids, some of them anonymous; times go back now and then."""
    rng = np.random.default_rng(seed)
    ids = [*ids, None]
    for t in range(n):
        user, item = ids[rng.integers(len(ids))], ids[rng.integers(len(ids))]
        yield {"user": user, "item": item, "time": float(10 * t - 25 * (t % 7 == 0))}, int(rng.integers(1, 6))


def teach(model, events):
    for x, y in events:
        model.learn_one(x, int(y > 3) if isinstance(model, BiasedMFClassifier) else y)
    return model


def batch(model, events):
    rows = [[x["user"], x["item"], x["time"]] for x, _ in events]
    y = [int(y > 3) if isinstance(model, BiasedMFClassifier) else y for _, y in events]
    if model.time_col is not None:
        model.time_col = 2  # arrays have positions for names
    return model.partial_fit(np.array(rows, dtype=object), y)


def flat(kept, at=""):
    """The parts of an exported state as comparable leaves."""
    if isinstance(kept, dict):
        return {k: v for name, part in kept.items() for k, v in flat(part, f"{at}.{name}").items()}
    return {at: (kept.dtype.str, kept.shape, kept.tobytes()) if isinstance(kept, np.ndarray) else kept}


def assert_same(a, b):
    """Equal class, parameters and state, to the last bit."""
    assert type(a) is type(b)
    assert a.get_params() == b.get_params()
    assert (a._state is None) == (b._state is None)
    if a._state is not None:
        mine, theirs = flat(a._state.export()), flat(b._state.export())
        assert mine.keys() == theirs.keys()
        for key in mine:
            assert mine[key] == theirs[key], key


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


def through(model, path):
    skl_increc.save(model, path)
    return skl_increc.load(path)


# -- there and back -----------------------------------------------------------------------------------
@EVERY
def test_a_model_comes_back_and_goes_on_as_it_would_have(name, path):
    model = teach(MODELS[name](), stream())
    again = through(model, path)
    assert_same(again, model)
    more = list(stream(80, seed=1, ids=range(5, 25)))
    assert_same(teach(again, more), teach(model, more))
    pairs = [[u, i] for u in range(25) for i in range(25)]
    np.testing.assert_array_equal(again.predict(pairs), model.predict(pairs))
    for mine, theirs in zip(again.recommend(range(25), 4), model.recommend(range(25), 4), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@EVERY
def test_a_model_of_batches_comes_back_with_what_it_knows_of_columns(name, path):
    model = batch(MODELS[name](), list(stream()))
    again = through(model, path)
    assert again.n_features_in_ == 3
    assert_same(again, model)
    more = list(stream(60, seed=2, ids=range(30)))
    assert_same(batch(again, more), batch(model, more))


@EVERY
def test_a_model_that_learned_nothing_comes_back(name, path):
    again = through(MODELS[name](), path)
    assert_same(again, MODELS[name]())


@EVERY
def test_odd_ids_come_back(name, path):
    model = teach(MODELS[name](), stream(400, ids=ODD_IDS))
    again = through(model, path)
    assert_same(again, model)
    more = list(stream(100, seed=3, ids=[*ODD_IDS, "new", 5]))
    assert_same(teach(again, more), teach(model, more))


@EVERY
def test_equal_models_make_equal_files(name, tmp_path):
    model = teach(MODELS[name](), stream(ids=ODD_IDS))
    skl_increc.save(model, tmp_path / "a")
    skl_increc.save(skl_increc.load(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@settings(max_examples=examples(40))
@given(
    st.lists(st.tuples(st.sampled_from(ODD_IDS), st.sampled_from(ODD_IDS), st.integers(1, 5)), max_size=25),
    st.sampled_from([*MODELS]),
)
def test_any_model_comes_back(tmp_path_factory, events, name):
    path = tmp_path_factory.mktemp("any") / "model"
    model = teach(
        MODELS[name](), [({"user": u, "item": i, "time": t}, y) for t, (u, i, y) in enumerate(events)]
    )
    assert_same(through(model, path), model)


def test_rows_that_were_freed_are_used_again_in_the_same_order(path):
    model = teach(Popularity(), stream(ids=range(30)))
    model.forget(users=[3, 9, 4], items=[2, 1])
    again = through(model, path)
    assert_same(again, model)
    more = list(stream(seed=4, ids=range(100, 140)))
    assert_same(teach(again, more), teach(model, more))


def test_a_call_that_failed_leaves_no_trace_in_the_file(path, tmp_path):
    model, other = teach(BiasedMF(), stream()), teach(BiasedMF(), stream())
    with pytest.raises(TypeError):
        model.learn_one({"user": "new", "item": ["unhashable"]}, 3)
    with pytest.raises(TypeError):
        model.partial_fit(np.array([["new", "x"], ["newer", ["unhashable"]]], dtype=object), [1, 2])
    skl_increc.save(model, path)
    skl_increc.save(other, tmp_path / "other")
    assert path.read_bytes() == (tmp_path / "other").read_bytes()


def test_feature_names_come_back(path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"user": ["a", "b"], "item": [1, 2], "\u00fcber": [0.5, 0.7]})
    again = through(BiasedMF().fit(frame, [1, 2]), path)
    assert again.feature_names_in_.tolist() == ["user", "item", "\u00fcber"]
    assert again.feature_names_in_.dtype == object
    with pytest.raises(ValueError, match=r"feature names should match"):
        again.predict(frame.rename(columns={"item": "thing"}))


def test_labels_come_back(path):
    model = BiasedMFClassifier().fit([["a", 1], ["b", 2]], ["no", "yes"])
    again = through(model, path)
    assert again.classes_.tolist() == ["no", "yes"]
    assert_same(again.partial_fit([["c", 1]], ["yes"]), model.partial_fit([["c", 1]], ["yes"]))


def test_a_snapshot_comes_back_as_a_model_that_learns(path, tmp_path):
    model = teach(BiasedMF(), stream())
    skl_increc.save(model, tmp_path / "model")
    again = through(model.snapshot(), path)
    assert path.read_bytes() == (tmp_path / "model").read_bytes()
    more = list(stream(30, seed=5))
    assert_same(teach(again, more), teach(model, more))


def test_metadata_requests_come_back(path):
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            teach(BiasedMF(), stream(20))
            .set_fit_request(sample_weight="w")
            .set_score_request(sample_weight=False)
        )
        again = through(model, path)
    asked = again.get_metadata_routing()
    assert asked.fit.requests["sample_weight"] == "w"
    assert asked.score.requests["sample_weight"] is False
    assert asked.partial_fit.requests["sample_weight"] is None


PARAMETERS = [
    Baseline(l2_user=np.float32(0.7), noise=np.float64(0.1), drift=np.int8(1)),
    Baseline(user_col="\ud800", item_col=np.int64(3), time_col=0),
    Baseline(history=0, drift=0.0, l2_item=2**80),
    Popularity(half_life=dt.timedelta(days=3, microseconds=1), time_col="t", min_y=float("-inf")),
    BiasedMF(random_state=None, biases=np.bool_(False), verbose=True, learning_rate=1e-300),
]


@pytest.mark.parametrize("model", PARAMETERS, ids=repr)
def test_parameters_come_back(model, path):
    again = through(model, path)
    for name, value in model.get_params().items():
        mine = again.get_params()[name]
        assert mine == value
        assert type(mine) is type(value) or isinstance(value, np.bool_)


def test_a_span_of_pandas_comes_back_as_a_plain_one(path):
    pd = pytest.importorskip("pandas")
    again = through(Popularity(half_life=pd.Timedelta(hours=2), time_col="t"), path)
    assert again.half_life == dt.timedelta(hours=2)


def test_the_seed_that_was_drawn_is_kept(path):
    model = teach(BiasedMF(random_state=np.random.RandomState(3)), stream())
    model.random_state = 0
    again = through(model, path)
    more = list(stream(30, seed=6, ids=range(50, 60)))
    assert_same(teach(again, more), teach(model, more))


def test_numpy_reads_the_arrays(path):
    skl_increc.save(teach(BiasedMF(), stream(ids="abcdefgh")), path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["user_rows.factors"].shape[1] == 16
        assert json.loads(arrays["header.json"])["class"] == "skl_increc.factorization.BiasedMF"
        assert sorted(json.loads(arrays["users.names.json"])) == list("abcdefgh")


@pytest.mark.parametrize("kind", [str, Path, os.fsencode], ids=["str", "Path", "bytes"])
def test_the_file_has_exactly_the_name_that_was_given(kind, tmp_path):
    skl_increc.save(Baseline(), kind(tmp_path / "my model.v1"))
    assert os.listdir(tmp_path) == ["my model.v1"]
    assert isinstance(skl_increc.load(kind(tmp_path / "my model.v1")), Baseline)


@pytest.mark.parametrize(
    "call", [lambda p: skl_increc.save(Baseline(), p), skl_increc.load], ids=["save", "load"]
)
def test_a_path_is_a_path(call):
    with pytest.raises(TypeError, match=r"path must be a string or a path such as pathlib.Path; got 3"):
        call(3)


# -- classes from outside -----------------------------------------------------------------------------
class Counts(Recommender):
    """A model in plain Python of somebody else."""

    def __init__(self, step=1, names=("a",), history=None, user_col="user", item_col="item", time_col=None):
        self.step = step
        self.names = names
        self.history = history
        self.user_col = user_col
        self.item_col = item_col
        self.time_col = time_col

    def _fields(self):
        return [
            Field("count", "item", 2, "int64"),
            Field("total", "scalar", 3),
            Field("pad", "user", 3, "float32", pad=True),
        ]

    def _learn(self, state, u, i, y, w, t):
        np.add.at(state.item_rows.arrays["count"], i[i >= 0], self.step)
        state.scalar("total")[1] += len(u)
        state.meta["calls"] = state.meta.get("calls", 0) + 1

    def _score(self, state, u, i):
        return np.where(i >= 0, state.item_rows.arrays["count"][i, 0], 0).astype(float)

    def _guarantees(self):
        return Guarantees("no", "no", "no", "no")


class MyMF(BiasedMF):
    """A class of ours, renamed."""


@pytest.mark.parametrize(
    "model", [Counts(step=2, names=("x", ["y"])), MyMF(n_factors=2)], ids=["own", "derived"]
)
def test_a_class_from_outside_comes_back_where_it_is_allowed(model, path):
    skl_increc.save(teach(model, stream()), path)
    with pytest.raises(SaveFormatError, match=r"no class of skl_increc.*pass it: load\(path, classes="):
        skl_increc.load(path)
    again = skl_increc.load(path, classes=[MyMF, Counts])
    assert_same(again, model)
    assert_same(teach(again, stream(20, seed=7)), teach(model, stream(20, seed=7)))


def test_a_class_that_moved_is_found_by_its_name(path):
    skl_increc.save(Counts(), path)
    rewrite(path, lambda header, _: header.update({"class": "__main__.Counts"}))
    assert isinstance(skl_increc.load(path, classes=[Counts]), Counts)


def test_a_class_of_ours_is_never_taken_for_another_of_its_name(path):
    class BiasedMF(Counts):
        pass

    skl_increc.save(MODELS["mf"](), path)
    assert type(skl_increc.load(path, classes=[BiasedMF])).__module__.startswith("skl_increc.")


@pytest.mark.parametrize("wrong", [int, "BiasedMF", BiasedMF()], ids=repr)
def test_classes_are_classes_of_models(wrong, path):
    skl_increc.save(Baseline(), path)
    with pytest.raises(TypeError, match=r"classes must hold classes built on InteractionEstimator; got"):
        skl_increc.load(path, classes=[wrong])


# -- what is refused at save --------------------------------------------------------------------------
class Thing:
    def __repr__(self):
        return "Thing()"


def test_an_id_without_a_form_is_named_and_the_old_file_stays(path):
    model = teach(BiasedMF(), stream())
    skl_increc.save(model, path)
    before = path.read_bytes()
    model.learn_one({"user": Thing(), "item": 1}, 3)
    with pytest.raises(
        UnstableIdError, match=r"The id Thing\(\) of type Thing has no form that can be written to a file"
    ):
        skl_increc.save(model, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_random_state_is_refused_with_a_cure(path):
    with pytest.raises(
        TypeError,
        match=r"The BiasedMF's parameter random_state is a RandomState.*set_params\(random_state=0\)",
    ):
        skl_increc.save(BiasedMF(random_state=np.random.RandomState(0)), path)


def test_a_parameter_without_a_form_is_named(path):
    with pytest.raises(
        TypeError, match=r"The Baseline's parameter l2_user is Fraction\(1, 3\).*no form in a file"
    ):
        skl_increc.save(Baseline(l2_user=Fraction(1, 3)), path)
    with pytest.raises(TypeError, match=r"The Counts's parameter names\[1\] is <object"):
        skl_increc.save(Counts(names=["a", object()]), path)


def test_an_attribute_that_would_be_lost_is_named(path):
    model = Baseline()
    model.note = "mine"
    with pytest.raises(TypeError, match=r"has the attribute 'note', which is no parameter and would be lost"):
        skl_increc.save(model, path)


def test_parameters_that_do_not_go_with_what_was_learned_are_refused(path):
    model = teach(BiasedMF(), stream()).set_params(n_factors=50)
    with pytest.raises(ValueError, match=r"n_factors was changed from 10 to 50 after the model had learned"):
        skl_increc.save(model, path)
    with pytest.raises(ValueError, match=r"The 'n_factors' parameter of BiasedMF must be an int"):
        skl_increc.save(BiasedMF(n_factors=-3), path)
    assert not path.exists()


@pytest.mark.parametrize(
    "what", [3, "model", BiasedMF, BiasedMF().top(3)], ids=["int", "str", "class", "view"]
)
def test_only_models_are_saved(what, path):
    with pytest.raises(
        TypeError, match=r"save takes a model of skl_increc or of a class built on its bases; got a"
    ):
        skl_increc.save(what, path)


# -- whole files --------------------------------------------------------------------------------------
def failing_members(monkeypatch, nth, error):
    real, calls = archive._put, []

    def put(*args):
        calls.append(1)
        if len(calls) == nth:
            raise error
        real(*args)

    monkeypatch.setattr(archive, "_put", put)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr
)
@pytest.mark.parametrize("where", ["first member", "fifth member", "fsync", "replace"])
def test_an_error_on_the_way_leaves_the_old_file_whole(where, error, path, monkeypatch):
    old = teach(BiasedMF(), stream())
    skl_increc.save(old, path)
    before = path.read_bytes()
    new = teach(skl_increc.load(path), stream(seed=8))

    def fail(*args, **kwargs):
        raise error

    if where in ("fsync", "replace"):
        monkeypatch.setattr(archive.os, where, fail)
    else:
        failing_members(monkeypatch, 1 if where == "first member" else 5, error)
    with pytest.raises(type(error)):
        skl_increc.save(new, path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    assert_same(skl_increc.load(path), old)


KILLED = """
import os, shutil, signal, sys
import skl_increc
from skl_increc._state import archive
source, *targets = sys.argv[1:]
model = skl_increc.load(source)
model.learn_one({"user": "killed", "item": "too early"}, 1)
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
def die_after(nth):
    real, calls = archive._put, []
    def put(*args):
        calls.append(1)
        real(*args)
        if len(calls) == nth:
            args[0].fp.flush()
            die()
    archive._put = put
for target in targets:
    where = os.path.basename(os.path.dirname(target))
    shutil.copy(source, target)
    child = os.fork()
    if not child:
        die_after(int(where)) if where.isdigit() else setattr(os, where, die)
        skl_increc.save(model, target)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_process_killed_in_the_middle_leaves_the_old_file_whole(path):
    old = teach(BiasedMF(), stream())
    skl_increc.save(old, path)
    targets = [path.parent / where / "model" for where in ("1", "4", "fsync", "replace")]
    for target in targets:
        target.parent.mkdir()
    command = [sys.executable, "-c", KILLED, str(path), *map(str, targets)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * 4, done.stderr
    for target in targets:
        left = sorted(os.listdir(target.parent))
        assert len(left) == 2
        assert left[0].startswith(".skl_increc-")
        assert target.read_bytes() == path.read_bytes()
        assert_same(skl_increc.load(target), old)
        os.utime(target.parent / left[0], (0, 0))
        skl_increc.save(Baseline(), target)  # the next save is not disturbed, and cleans up
        assert isinstance(skl_increc.load(target), Baseline)
        assert os.listdir(target.parent) == [target.name]


def test_what_is_swept_away_is_old_ours_and_nobodys(tmp_path):
    names = {
        "held": f".skl_increc-{1:016x}.tmp",  # a writer is at work on it
        "left": f".skl_increc-{2:016x}.tmp",
        "new": f".skl_increc-{3:016x}.tmp",  # its writer may be about to lock it
        "other": ".skl_increc-notes.tmp",
        "folder": f".skl_increc-{4:016x}.tmp",
    }
    for what, name in names.items():
        if what == "folder":
            (tmp_path / name).mkdir()
        else:
            (tmp_path / name).write_bytes(b"half a model")
        if what != "new":
            os.utime(tmp_path / name, (0, 0))
    with open(tmp_path / names["held"], "r+b") as writer:
        assert archive._lock(writer.fileno())
        skl_increc.save(Baseline(), tmp_path / "model")
    kept = {names[what] for what in ("held", "new", "other", "folder")} | {"model"}
    assert set(os.listdir(tmp_path)) == kept


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps open files by itself")
def test_the_file_that_is_being_written_is_held(tmp_path, monkeypatch):
    real, swept = archive.write_archive, []

    def write(file, header, members):
        real(file, header, members)
        name = next(n for n in os.listdir(tmp_path) if n.startswith(".skl_increc-"))
        os.utime(tmp_path / name, (0, 0))
        archive._sweep(str(tmp_path))  # as the save of another model beside it does
        swept.append(name not in os.listdir(tmp_path))

    monkeypatch.setattr("skl_increc.persistence.write_archive", write)
    skl_increc.save(Baseline(), tmp_path / "model")
    assert swept == [False] and os.listdir(tmp_path) == ["model"]


def test_everything_is_on_the_disk_before_the_name_changes(path, monkeypatch):
    did = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}
    for name in real:
        monkeypatch.setattr(archive.os, name, lambda *a, name=name: (did.append(name), real[name](*a))[1])
    skl_increc.save(Baseline(), path)
    assert did == ["fsync", "replace"] + (["fsync"] if os.name != "nt" else [])


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_the_mode_is_that_of_any_new_file_or_of_the_old_one(path):
    before = os.umask(0o027)
    try:
        skl_increc.save(Baseline(), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    skl_increc.save(Baseline(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_behind_a_link_the_file_itself_is_replaced(tmp_path):
    (tmp_path / "deep").mkdir()
    real, link = tmp_path / "deep" / "real", tmp_path / "link"
    skl_increc.save(Baseline(), real)
    link.symlink_to(real)
    skl_increc.save(Popularity(), link)
    assert link.is_symlink()
    assert isinstance(skl_increc.load(real), Popularity)


def test_places_where_no_file_can_go_are_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"a folder stands where the file should go"):
        skl_increc.save(Baseline(), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"there is no such folder"):
        skl_increc.save(Baseline(), tmp_path / "none" / "model")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no device files")
def test_a_device_is_not_replaced():
    with pytest.raises(ValueError, match=r"/dev/null is no regular file, and cannot be replaced as a whole"):
        skl_increc.save(Baseline(), "/dev/null")


def test_a_write_protected_file_stays(path, monkeypatch):
    skl_increc.save(Baseline(), path)
    monkeypatch.setattr(archive.os, "access", lambda *a: False)  # root may write anywhere
    with pytest.raises(PermissionError, match=r"the file is write-protected"):
        skl_increc.save(Popularity(), path)
    assert isinstance(skl_increc.load(path), Baseline)


def test_a_file_that_is_not_there_is_not_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        skl_increc.load(tmp_path / "none")
    with pytest.raises(OSError):
        skl_increc.load(tmp_path)


# -- damaged files ------------------------------------------------------------------------------------
@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_a_truncated_file_is_refused(percent, path):
    skl_increc.save(teach(BiasedMF(), stream(ids=ODD_IDS)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    with pytest.raises(
        SaveFormatError, match=r"cannot be read as an archive.*save the model again, or take an older copy"
    ):
        skl_increc.load(path)


def test_flipped_bits_are_noticed_or_harmless(path):
    model = teach(BiasedMF(), stream(ids=[*range(5), "a", (1, 2)]))
    skl_increc.save(model, path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(250):
        broken = bytearray(whole)
        broken[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            assert_same(skl_increc.load(path), model)  # a bit of a date or a mode, say
        except SaveFormatError:
            refused += 1
    assert refused > 100


FOREIGN = {
    "empty": b"",
    "text": b"user,item\n1,2\n",
    "pickle": b"\x80\x05K\x01.",
    "gzip": b"\x1f\x8b\x08\x00" * 30,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_is_refused(name, path):
    path.write_bytes(FOREIGN[name])
    with pytest.raises(SaveFormatError, match=r"it cannot be read as an archive"):
        skl_increc.load(path)


def test_a_foreign_archive_is_refused(path):
    np.savez(path, a=np.arange(3))
    with pytest.raises(SaveFormatError, match=r"the archive has no header.json; it holds \['a.npy'\]"):
        skl_increc.load(path)


def put_member(path, name, raw):
    """Replace a member by these bytes, or add it."""
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n) for n in z.namelist()} | {name: raw}
    with zipfile.ZipFile(path, "w") as z:
        for n, part in parts.items():
            z.writestr(n, part)


def npy(head, body=b""):
    head = head.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + body


MEMBERS = [
    ("header.json", b"{", "header.json is no JSON"),
    ("header.json", b'{"a": NaN}', "NaN is no JSON"),
    ("header.json", b"\xff", "header.json is no JSON"),
    ("header.json", b"[" * 100_000, "header.json is no JSON"),
    ("header.json", b"[]", "its header is not that of a model"),
    ("header.json", b'{"format": "other"}', "its header is not that of a model"),
    ("scalars.npy", b"", "the array scalars has no header of an array"),
    ("scalars.npy", b"\x80\x05K\x01.", "the array scalars has no header of an array"),
    (
        "scalars.npy",
        npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
        "has no header of an array",
    ),
    (
        "scalars.npy",
        npy("{'descr': '|O8', 'fortran_order': False, 'shape': (1,), }"),
        "has dtype '|O8'; only",
    ),
    (
        "scalars.npy",
        npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }"),
        "has dtype '|V8'; only",
    ),
    (
        "scalars.npy",
        npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1,), }"),
        "has no header of an array",
    ),
    (
        "scalars.npy",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os'),), }"),
        "no header of an array",
    ),
    (
        "scalars.npy",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999,), }"),
        "has 0 bytes",
    ),
    (
        "scalars.npy",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }", b"\0" * 47),
        "has 47 bytes",
    ),
    ("users.names.json", b"{}", "users.names is no list"),
    ("run.py", b"print()", "holds 'run.py', which is neither an array nor JSON"),
    ("run", b"print()", "holds 'run', which is neither an array nor JSON"),
]


@pytest.mark.parametrize(("name", "raw", "says"), MEMBERS)
def test_a_member_that_is_not_as_written_is_refused(name, raw, says, path):
    skl_increc.save(teach(BiasedMF(), stream()), path)
    put_member(path, name, raw)
    with pytest.raises(SaveFormatError) as error:
        skl_increc.load(path)
    assert says in str(error.value)


def test_a_compressed_archive_is_refused(path):
    skl_increc.save(Baseline(), path)
    with zipfile.ZipFile(path) as z:
        raw = z.read("header.json")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("header.json", raw)
    with pytest.raises(
        SaveFormatError, match=r"header.json is compressed or encrypted, which save never does"
    ):
        skl_increc.load(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(path):
    skl_increc.save(Baseline(), path)
    with zipfile.ZipFile(path, "a") as z:
        z.writestr("header.json", b"{}")
    with pytest.raises(SaveFormatError, match=r"two members of one name"):
        skl_increc.load(path)


# -- forged files: every sum is right, what is in them is not -----------------------------------------
def rewrite(path, change):
    """Change header and members in place, and write them as `save` would."""
    header, members = read_archive(os.fspath(path))
    members = {k: v.copy() for k, v in members.items()}
    change(header, members)
    with open(path, "wb") as file:
        write_archive(file, header, members)


def edit(name, at, value):
    def change(header, members):
        members[name][at] = value

    return change


def entry(*keys, value):
    def change(header, members):
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


def swap(name, make):
    return lambda header, members: members.update({name: make(members[name])})


def drop(name):
    return lambda header, members: members.pop(name)


FORGED = {
    "version": (
        entry("version", value=2),
        "has the format version 2, and skl_increc .* reads 1. Read it with the version",
    ),
    "entries": (entry("more", value=1), "its header has the entries"),
    "class": (entry("class", value="os.system"), "holds a os.system, which is no class of skl_increc"),
    "class of ours": (entry("class", value="skl_increc.factorization.None_"), "has no such model"),
    "no class": (entry("class", value=7), "holds a 7, which is no class of skl_increc"),
    "no module": (entry("class", value="skl_increc.nothing.BiasedMF"), "has no such model"),
    "not public": (entry("class", value="skl_increc.factorization.FactorMixin"), "has no such model"),
    "no model": (entry("class", value="skl_increc.exceptions.SaveFormatError"), "has no such model"),
    "abstract": (
        entry("class", value="skl_increc.base.RatingRegressor"),
        "is no parameter of RatingRegressor",
    ),
    "other class": (entry("class", value="skl_increc.baselines.Baseline"), "is no parameter of Baseline"),
    "parameters": (entry("parameters", value=[]), "its parameters are no object"),
    "unknown parameter": (entry("parameters", "alpha", value=1), "'alpha' is no parameter of BiasedMF"),
    "bad parameter": (
        entry("parameters", "l2", value="a"),
        "its parameters make no BiasedMF .The 'l2' parameter",
    ),
    "broken parameter": (
        entry("parameters", "l2", value={"$": ["?", 1]}),
        "make no BiasedMF .no value has the form",
    ),
    "columns": (entry("columns", value={"n_features_in_": -1}), "the columns of X are"),
    "columns more": (entry("columns", value={"more": 1}), "the columns of X are"),
    "columns broken": (entry("columns", value={"$": 1}), "the columns of X cannot be read"),
    "names": (
        entry("columns", value={"n_features_in_": 2, "feature_names_in_": ["a"]}),
        "the columns of X are",
    ),
    "requests": (entry("requests", value={"fit": {"w": 3}}), "its metadata requests cannot be read"),
    "requests of": (
        entry("requests", value={"__class__": {"w": True}}),
        "its metadata requests cannot be read",
    ),
    "state": (entry("state", value=[]), "the state in the header is no object"),
    "no state": (entry("state", value=None), "belongs to no state"),
    "state more": (entry("state", "more", value=1), "the state in the header has the entries"),
    "fields": (entry("state", "fields", 0, 2, value=11), "it has the fields .*, and the model"),
    "factors": (entry("parameters", "n_factors", value=11), "it has the fields .*, and the model"),
    "structure": (
        entry("parameters", "init", value="uniform"),
        "its state goes with no BiasedMF .*init was changed",
    ),
    "no structure": (entry("state", "meta", value={}), "its state goes with no BiasedMF"),
    "meta": (entry("state", "meta", value=[]), "meta in the header is no object"),
    "meta broken": (entry("state", "meta", "seed", value={"$": 1}), "meta in the header cannot be read"),
    "seed": (entry("state", "meta", "seed", value="x"), "its state goes with no BiasedMF"),
    "clock": (
        entry("state", "clock", "n_events", value=-1),
        "the number of events is -1, not a whole number",
    ),
    "clock huge": (entry("state", "clock", "n_late", value=2**70), "the number of late events is 118"),
    "clock float": (
        entry("state", "clock", "n_events", value=1.5),
        "the number of events is 1.5, not a whole",
    ),
    "now": (entry("state", "clock", "now", value="late"), "the time of the clock is no number"),
    "unstable": (entry("state", "unstable", value=3), "unstable in the header is no pair"),
    "unstable negative": (
        entry("state", "unstable", value=[0, -1]),
        "the count of items without a stable hash is -1",
    ),
    "history": (entry("state", "history", value=None), "its history has the shape None, the model"),
    "window": (entry("state", "history", 1, value=5), "its history has the shape"),
    "missing": (drop("items.keys"), "the array items.keys is missing"),
    "missing names": (drop("users.names"), "the array users.names is missing"),
    "unknown": (lambda h, m: m.update({"extra": np.zeros(1)}), "the member extra is unknown"),
    "unknown JSON": (lambda h, m: m.update({"extra": []}), "the member extra is unknown"),
    "names for keys": (lambda h, m: m.update({"users.keys": [1]}), "users.keys is no array"),
    "kind": (edit("users.kind", 0, 3), "users.kind holds a kind other than 0, 1 and 2"),
    "kind short": (swap("users.kind", lambda a: a[1:]), r"the array users.kind has shape \(\d+,\), not"),
    "kind object": (edit("items.kind", 0, 2), "items.names has 2 ids for 3 rows"),
    "kind int": (
        lambda h, m: m["items.kind"].__setitem__(np.flatnonzero(m["items.kind"] == 2)[0], 1),
        "2 ids for 1 rows",
    ),
    "kind free": (edit("items.kind", 0, 0), "items.free does not name the free rows"),
    "free": (swap("users.free", lambda a: np.array([0], np.int32)), "users.free does not name the free rows"),
    "free outside": (
        swap("users.free", lambda a: np.array([10**6], np.int32)),
        "users.free does not name the free",
    ),
    "free negative": (
        swap("users.free", lambda a: np.array([-1], np.int32)),
        "users.free does not name the free rows",
    ),
    "keys twice": (
        lambda h, m: m["users.keys"].__setitem__(np.flatnonzero(m["users.kind"] == 1)[:2], 77),
        "users.keys holds an id twice",
    ),
    "keys type": (
        swap("users.keys", lambda a: a.astype(np.float64)),
        "users.keys has dtype float64, not int64",
    ),
    "keys two": (swap("users.keys", lambda a: a[:, None]), "the array users.keys has shape"),
    "names twice": (
        swap("items.names", lambda v: [v[0], v[0]]),
        "items.names holds an id twice, or one of the keys",
    ),
    "names int": (
        swap("items.names", lambda v: [v[0], ["i", "0x7"]]),
        "items.names holds an id twice, or one of",
    ),
    "names none": (
        swap("items.names", lambda v: [v[0], ["c", None]]),
        "items.names holds an id twice, or one of",
    ),
    "names other": (
        swap("items.names", lambda v: ["other", v[1]]),
        "items.keys does not hold the hash of 'other'",
    ),
    "names broken": (swap("items.names", lambda v: [3, v[1]]), "items.names cannot be read"),
    "names unhashable": (swap("items.names", lambda v: [["s", ["a"]], v[1]]), "items.names cannot be read"),
    "rows": (swap("user_rows.factors", lambda a: a[1:]), "the array user_rows.factors has shape"),
    "rows wide": (
        swap("user_rows.factors", lambda a: a[:, :10].copy()),
        "the array user_rows.factors has shape",
    ),
    "rows type": (
        swap("item_rows.stat", lambda a: a.astype(np.float64)),
        "item_rows.stat has dtype float64, not",
    ),
    "padding": (
        edit("item_rows.factors", (0, 15), 1),
        "item_rows.factors has numbers beyond its width of 10",
    ),
    "scalars": (swap("scalars", lambda a: a[:3]), r"the array scalars has shape \(3,\), not \(6,\)"),
    "indptr": (edit("history.indptr", 0, 1), "history.indptr does not rise from 0 to"),
    "indptr down": (edit("history.indptr", 3, 0), "history.indptr does not rise from 0 to"),
    "indptr huge": (edit("history.indptr", -1, 2**62), "history.indptr does not rise from 0 to"),
    "indptr low": (edit("history.indptr", 2, -(2**63)), "history.indptr does not rise from 0 to"),
    "indptr short": (swap("history.indptr", lambda a: a[:-1]), "the array history.indptr has shape"),
    "items outside": (edit("history.items", 0, 10**6), "history.items names a row outside the"),
    "items negative": (edit("history.items", 0, -1), "history.items names a row outside the"),
    "items twice": (
        lambda h, m: m["history.items"].__setitem__(slice(2), 0),
        "history.items names an item of a user twice",
    ),
    "values": (
        swap("history.values", lambda a: np.zeros((1, a.shape[1]))),
        "the array history.values has shape",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_file_is_refused(name, path):
    change, says = FORGED[name]
    skl_increc.save(teach(BiasedMF(), stream(ids=[*range(8), "a", ("b", 1)])), path)
    rewrite(path, change)
    with pytest.raises(SaveFormatError, match=says) as error:
        skl_increc.load(path)
    assert str(error.value).startswith(f"{path}: ")


def test_items_of_freed_rows_are_refused(path):
    model = teach(Popularity(), stream(ids=range(8)))
    model.forget(users=[2], items=[3])
    user = int(np.flatnonzero(model._state.users.kind_array[: model._state.users.n_rows] == 0)[0])
    item = int(np.flatnonzero(model._state.items.kind_array[: model._state.items.n_rows] == 0)[0])
    skl_increc.save(model, path)
    whole = path.read_bytes()
    rewrite(path, edit("history.items", 0, item))
    with pytest.raises(SaveFormatError, match=r"history.items names a free row of the items"):
        skl_increc.load(path)
    path.write_bytes(whole)
    rewrite(
        path,
        lambda h, m: m["history.indptr"].__setitem__(
            slice(user + 1, user + 2), m["history.indptr"][user + 2]
        ),
    )
    with pytest.raises(SaveFormatError, match=r"history.indptr gives items to a free row of the users"):
        skl_increc.load(path)
    path.write_bytes(whole)
    rewrite(path, edit("users.keys", user, 5))
    with pytest.raises(SaveFormatError, match=r"users.keys holds the id of a free row"):
        skl_increc.load(path)


def test_a_list_longer_than_the_window_is_refused(path):
    skl_increc.save(teach(Popularity(history=3), stream()), path)

    def change(header, members):
        header["parameters"]["history"] = 2
        header["state"]["meta"]["structure"]["history"] = 2
        header["state"]["history"][1] = 2

    rewrite(path, change)
    with pytest.raises(SaveFormatError, match=r"history.indptr has a list of more than 2 items"):
        skl_increc.load(path)


@pytest.mark.parametrize("labels", [["a"], ["a", "a"], "ab", 3], ids=repr)
def test_labels_that_are_no_pair_are_refused(labels, path):
    skl_increc.save(teach(BiasedMFClassifier(), stream()), path)
    rewrite(path, entry("state", "meta", "classes", value=labels))
    with pytest.raises(SaveFormatError, match=r"there are two labels, not"):
        skl_increc.load(path)


def test_a_parameter_that_is_younger_than_the_file_has_its_default(path):
    skl_increc.save(BiasedMF(l2=0.5, learning_rate=0.7), path)
    rewrite(path, lambda header, _: header["parameters"].pop("l2"))
    again = skl_increc.load(path)
    assert (again.l2, again.learning_rate) == (BiasedMF().l2, 0.7)


FUZZ = """
import sys
import numpy as np
import skl_increc
from skl_increc._state.archive import read_archive, write_archive
from skl_increc.exceptions import SaveFormatError
turns, *sources = sys.argv[1:]
rng = np.random.default_rng(1)
pool = [0, 1, -1, 2, 3, 255, 2**31 - 1, -(2**31), 2**62, -(2**63), "x", None, [], {}, 0.5, True]
pool += [["s", "a"], 1e300]
def leaves(value, at=()):
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield at, key
        yield from leaves(part, (*at, key))
refused = loaded = 0
for turn in range(int(turns)):
    source = sources[turn % len(sources)]
    target = source + ".forged"
    header, members = read_archive(source)
    members = {k: v.copy() for k, v in members.items()}
    if rng.random() < 0.3:
        places = [*leaves(header)]
        at, key = places[rng.integers(len(places))]
        part = header
        for k in at:
            part = part[k]
        part[key] = pool[rng.integers(len(pool))]
    else:
        for _ in range(rng.integers(1, 3)):
            names = [n for n, v in members.items() if isinstance(v, np.ndarray) and v.size]
            array = members[names[rng.integers(len(names))]].reshape(-1)
            bits = array.view(np.uint8)
            if rng.random() < 0.5:
                bits[rng.integers(len(bits))] = rng.integers(256)
            else:
                other = pool[rng.integers(10)]
                with np.errstate(all="ignore"):
                    array[rng.integers(len(array))] = np.array([other]).astype(array.dtype)[0]
    with open(target, "wb") as file:
        write_archive(file, header, members)
    try:
        model = skl_increc.load(target)
    except SaveFormatError:
        refused += 1
        continue
    loaded += 1
    try:
        with np.errstate(all="ignore"):
            model.predict_one(user=1, item=1)
            if model._state is not None:
                model.predict(np.array([[u, 0, 1] for u in range(9)]))
                model.recommend([0, 1, 2, "a"], 3)
            for u in range(9):
                x = {"user": u, "item": "a", 0: u, 1: "a", "time": 1.0}
                model.learn_one(x, 1)
                model.learn_one({**x, "user": f"new{u}", "item": f"new{u}"}, 1)
    except (ValueError, TypeError, OverflowError):   # other columns, say: a model all the same
        pass
print("refused", refused, "loaded", loaded)
"""


def test_no_forged_file_crashes(tmp_path):
    sources = []
    for name in ("baseline", "timed", "mf-mean", "mf-gd", "classifier"):
        model = teach(MODELS[name](), stream(ids=[*range(8), "a", ("b", 1)]))
        if name == "baseline":
            model.forget(users=[2], items=[3])
        sources.append(str(tmp_path / name))
        skl_increc.save(model, sources[-1])
    command = [sys.executable, "-W", "ignore", "-c", FUZZ, "300", *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    refused, loaded = (int(word) for word in done.stdout.split()[1::2])
    assert refused > 60
    assert loaded > 60
