"""skl-increc tune: what is searched, what is said of it, and that the code runs."""

import re

import pytest

from skl_increc.cli import _tune
from skl_increc.cli._spaces import candidates, space_of
from skl_increc.factorization import BiasedMF


def code_of(out):
    code = out[out.rindex("from skl_increc") :]
    found = {}
    exec(code, found)  # what is printed is to be pasted
    return found["model"]


def test_the_best_settings_are_printed_as_code(cli, write):
    path = write(rename={"user": "userId", "item": "movieId"})
    code, out, err = cli("tune", path, "-p", "l2=0.5,20.0", "-p", "n_factors=4")
    assert (code, err) == (0, "")
    assert "BiasedMF: 6 settings of l2, n_factors, halved along the first 480 events." in " ".join(
        out.split()
    )
    assert re.search(r"On the last 120 events, which the search did not see: RMSE \d", " ".join(out.split()))
    model = code_of(out)
    assert isinstance(model, BiasedMF) and model.l2 in (0.01, 0.5, 20.0) and model.n_factors in (4, 10)
    assert (model.user_col, model.item_col, model.time_col) == ("userId", "movieId", "timestamp")
    assert out.isascii()


@pytest.mark.parametrize(
    ("arguments", "model", "metric"),
    [
        (["--no-rating"], "SequentialRules", "NDCG@10"),
        (["-t", "binary", "--threshold", "3"], "BiasedMFClassifier", "LogLoss"),
        (["-m", "ItemKNN(max_distance=2)", "-k", "5"][:2], "ItemKNN", "NDCG@10"),
        (["-m", "Baseline", "-j", "1"], "Baseline", "RMSE"),
    ],
)
def test_every_task(arguments, model, metric, cli, write):
    code, out, err = cli("tune", write(), "-n", "3", *arguments)
    assert (code, err) == (0, "")
    assert metric in out and type(code_of(out)).__name__ == model


def test_settings_given_with_the_model_stay(cli, write):
    _, out, _ = cli("tune", write(), "-m", "BiasedMF(n_factors=3, l2=7.0)", "-p", "n_factors=2")
    assert code_of(out).l2 == 7.0


def test_what_cannot_be_tuned(refuses, write, events):
    path = write()
    for arguments, said in (
        (["-p", "depth=3"], "BiasedMF has no parameter 'depth'; it has n_factors"),
        (["-p", "l2=fast"], "--param 'l2=fast' cannot be read: write --param l2=0.01,0.1 once"),
        (["-p", "l2"], "--param 'l2' cannot be read"),
        (["-p", "l2=1", "-p", "l2=2"], "--param 'l2=2' is given twice"),
        (["-m", "mean"], "running mean cannot be tuned: name a model of skl_increc"),
        (["-m", "Nothing"], "There is no model 'Nothing'"),
        (["--limit", "100"], "100 events are too few to tune anything: 125 are the least"),
        (["-m", "BiasedMF(l2=-2)"], "The 'l2' parameter of BiasedMF must be a float in the range"),
    ):
        assert said in refuses("tune", path, *arguments)


def test_ctrl_c(cli, write, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_tune.ProgressiveSearchCV, "fit", stop)
    assert cli("tune", write())[0] == 130


def test_candidates_are_different_and_the_model_itself_is_the_first():
    model = BiasedMF(l2=0.03)
    space = space_of(model)
    assert space["l2"][0] == 0.03 and len(space["l2"]) == 5 and space["n_factors"][0] == 10
    drawn = candidates(space, 20, seed=1)
    assert len({str(each) for each in drawn}) == 20 and drawn == candidates(space, 20, seed=1)
    assert drawn[0] == {name: [model.get_params()[name]] for name in space}
