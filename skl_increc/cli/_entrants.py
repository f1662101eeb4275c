"""The models that can be named on the command line, and how a name becomes a model."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from river import compose, dummy, linear_model, preprocessing, reco, stats, tree
from sklearn.base import ClassifierMixin

from skl_increc.base import InteractionEstimator, RatingRegressor, Recommender
from skl_increc.cli._errors import InputError, one_line
from skl_increc.cli._floors import RandomItems

__all__ = ["Known", "build", "defaults", "is_ours", "known_models"]

#: Rooms that hold models; those that are not there yet are passed over.
FAMILIES = (
    *("baselines", "factorization", "neighbors", "linear"),
    *("sequence", "content", "social", "bandits", "neural"),
)


@dataclass(frozen=True)
class Known:
    """A model that can be named.

    Attributes
    ----------
    name : str
        As it is shown and given.
    make : callable
        Called with parameters, gives a new model.
    line : str
        What it is.
    tasks : tuple of str
        Tasks in which it runs when no model is named.
    seed : str or None
        Name of the parameter that takes the seed.
    """

    name: str
    make: Callable[..., Any]
    line: str
    tasks: tuple[str, ...]
    seed: str | None = None


# the same models with other parameters, where these make a difference worth a row
_VARIANTS = {
    "rating": ("Baseline(drift=0.002)",),
    "binary": (),
    # lists ordered by predicted rating: what a rating model is worth to a shop
    "ranking": ("Popularity(half_life=2000)", "BiasedMF"),
}


#: named, they run; memory or time for every answer grows with the square of the items
_ON_REQUEST = ("EASE",)
#: named, these too: without features of the items, which a log of events does not have, they are popularity
_OF_CONTENT = "skl_increc.content."


def _mean() -> Any:
    return dummy.StatisticRegressor(stats.Mean())


def _logistic() -> Any:
    return compose.Select("user", "item") | preprocessing.OneHotEncoder() | linear_model.LogisticRegression()


def _trees() -> Any:
    """Windows in events: a file may have no times."""
    ours = importlib.import_module("skl_increc.preprocessing")
    mf = importlib.import_module("skl_increc.factorization").BiasedMF()
    history = ours.HistoryFeatures((1000, 30000), stats=("count", "mean"), time_col=None)
    # means in the leaves: linear models there blow up on counts, which nobody has scaled
    leaves = tree.HoeffdingAdaptiveTreeRegressor(leaf_prediction="mean", seed=0)
    return (history + ours.ModelScores([("mf", mf)])) | leaves


def known_models() -> list[Known]:
    """Every model of the package, then River's own and the floors, for reference.

    What is no class of a room is one line more here: ``Known(name, make, line, tasks)``. With blanks or a dot in its
    name it stands among the references.
    """
    found = [_known(cls, cls.__name__, _tasks(cls)) for room in FAMILIES for cls in _classes(room)]
    return [
        *found,
        _known(reco.BiasedMF, "river.reco.BiasedMF", ("rating",)),
        _known(reco.Baseline, "river.reco.Baseline", ("rating",)),
        Known("running mean", _mean, "The mean of all ratings so far.", ("rating",)),
        Known(
            "river logistic regression", _logistic, "River's, over one-hot ids: biases alone.", ("binary",)
        ),
        Known("trees on history", _trees, "River's adaptive tree on HistoryFeatures and BiasedMF.", ()),
        Known("share of ones", dummy.PriorClassifier, "The share of ones so far.", ("binary",)),
        _known(RandomItems, "random items", ("ranking",)),
    ]


def is_ours(model: Any) -> bool:
    """Tell a model of this package from a reference."""
    return isinstance(model, InteractionEstimator)


def _classes(room: str) -> list[type]:
    name = f"skl_increc.{room}"
    if importlib.util.find_spec(name) is None:
        return []
    module = importlib.import_module(name)
    members = (getattr(module, each) for each in module.__all__)
    return [each for each in members if inspect.isclass(each) and issubclass(each, InteractionEstimator)]


def _known(cls: type, name: str, tasks: tuple[str, ...]) -> Known:
    parameters = inspect.signature(cls).parameters
    seed = next((each for each in ("random_state", "seed") if each in parameters), None)
    return Known(name, cls, _first_line(cls), tasks, seed)


def _tasks(cls: type) -> tuple[str, ...]:
    if cls.__name__ in _ON_REQUEST or cls.__module__.startswith(_OF_CONTENT):
        return ()
    if issubclass(cls, RatingRegressor):
        return ("rating",)
    if issubclass(cls, ClassifierMixin):
        return ("binary",)
    return ("ranking",) if issubclass(cls, Recommender) else ()


def _first_line(cls: type) -> str:
    line = (inspect.getdoc(cls) or "").split("\n", 1)[0]
    return re.sub(r"\s*\[\d+\]_", "", line)  # marks of footnotes


def defaults(task: str, seed: int, *, every: bool = False) -> dict[str, Any]:
    """Name -> model, of all that run in a task when none is named; references last.

    With ``every`` also those that take a long time, or much memory.
    """
    named = [known.name for known in known_models() if task in known.tasks]
    if every and task == "ranking":
        named = [*_ON_REQUEST, *named]
    ours = [name for name in named if "." not in name and " " not in name]
    rest = [name for name in named if name not in ours]
    return build([*ours, *_VARIANTS[task], *rest], seed)


def build(texts: Sequence[str], seed: int) -> dict[str, Any]:
    """Name -> model, from texts as ``BiasedMF`` or ``BiasedMF(n_factors=32)``.

    Raises
    ------
    InputError
        For an unknown model or parameter, a value that is no plain constant, and one text twice.
    """
    by_key = {_key(known.name): known for known in known_models()}
    by_key |= {"mean": by_key["runningmean"], "random": by_key["randomitems"]}
    models: dict[str, Any] = {}
    for text in texts:
        head, parameters = _parse(text)
        known = by_key.get(_key(head))
        if known is None:
            raise InputError(_unknown(head, [each.name for each in known_models()]))
        inside = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        label = f"{known.name}({inside})" if parameters else known.name
        if label in models:
            raise InputError(f"The model {label} is given twice: name each once.")
        models[label] = _made(known, parameters, seed)
    return models


def _key(name: str) -> str:
    """Write BiasedMF, biased-mf and biased_mf the same way."""
    return re.sub(r"[\W_]+", "", name).casefold()


def _unknown(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(_key(name), [_key(each) for each in names], n=1)
    hint = f" Did you mean {next(each for each in names if _key(each) == close[0])}?" if close else ""
    return f"There is no model {name!r}.{hint} There are {', '.join(names)}; see skl-increc models."


def _parse(text: str) -> tuple[str, dict[str, Any]]:
    """Name and parameters of ``Name(a=1, b="x")``; only constants, nothing is run."""
    head, bracket, rest = text.strip().partition("(")
    if not bracket:
        return head.strip(), {}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("parameters go by name")
        parameters = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                raise ValueError("parameters go by name")
            parameters[keyword.arg] = ast.literal_eval(keyword.value)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InputError(
            f"The model {text!r} cannot be read: write it as Name or Name(parameter=value, ...), with "
            "numbers, quoted text, True, False or None as values."
        ) from None
    return head.strip(), parameters


def _made(known: Known, parameters: dict[str, Any], seed: int) -> Any:
    names = list(inspect.signature(known.make).parameters)
    wrong = [name for name in parameters if name not in names]
    if wrong:
        has = f"it has {', '.join(names)}" if names else "it has none"
        raise InputError(f"{known.name} has no parameter {wrong[0]!r}; {has}.")
    if known.seed is not None:
        parameters = {known.seed: seed, **parameters}
    try:
        return known.make(**parameters)
    except (TypeError, ValueError) as error:
        raise InputError(f"{known.name} does not take these parameters: {one_line(error)}") from error
