"""Models of both libraries, each brought to one pair of calls: ask(x) and teach(x, y, w=)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from river import base, compose
from river.reco.base import Ranker

from skl_increc.metrics import HitRate

from ._binary import chance
from ._events import Columns
from ._inside import innermost, shells, takes, takes_ids

__all__ = [
    "Calls",
    "binary_calls",
    "can_classify",
    "can_rate",
    "can_recommend",
    "choose_task",
    "name_models",
    "ranking_calls",
    "rating_calls",
]

Calls = tuple[Callable[..., Any], Callable[..., Any]]


def name_models(models: Any) -> dict[str, Any]:
    """Name -> model, from one model, a sequence of them, or a mapping.

    Raises
    ------
    TypeError
        For a class in place of an instance, and for what cannot predict or learn by single events.
    ValueError
        For no model at all, and for one instance under two names, which would learn everything twice.
    """
    if isinstance(models, Mapping):
        named = {str(name): model for name, model in models.items()}
    else:
        named = {}
        listed = isinstance(models, Sequence) and not isinstance(models, base.Ensemble)
        for model in models if listed else [models]:
            name, times = _class_name(model), 1
            while name in named:
                times += 1
                name = f"{_class_name(model)} ({times})"
            named[name] = model
    if not named:
        raise ValueError("models is empty: give at least one model.")
    names: dict[int, str] = {}
    for name, model in named.items():
        if isinstance(model, type):
            raise TypeError(f"{name} is a class: give an instance, {model.__name__}().")
        if not hasattr(model, "learn_one") or not hasattr(model, "predict_one"):
            raise TypeError(
                f"{name} has no learn_one and predict_one: only models of skl_increc and of River learn event "
                f"by event; got a {type(model).__name__}."
            )
        if id(model) in names:
            raise ValueError(
                f"{names[id(model)]!r} and {name!r} are the same instance, which would learn every event twice: "
                "clone() it."
            )
        names[id(model)] = name
    return named


def _class_name(model: Any) -> str:
    cls = model if isinstance(model, type) else type(model)
    parts = cls.__module__.split(".")
    return ".".join([*parts[:2], cls.__name__]) if parts[0] == "river" else cls.__name__


def can_rate(model: Any) -> bool:
    """Tell whether a model predicts ratings."""
    return isinstance(model, (base.Regressor, Ranker))


def can_recommend(model: Any) -> bool:
    """Tell whether a model lists items."""
    return hasattr(model, "recommend_one") or HitRate().works_with(model)


def can_classify(model: Any) -> bool:
    """Tell whether a model gives probabilities of labels."""
    return isinstance(model, base.Classifier)


def choose_task(task: str, models: Mapping[str, Any]) -> str:
    """Check the task against the models, or find the one that all models can do.

    Raises
    ------
    ValueError
        For an unknown task, one that a model cannot do, and models without a common task.
    """
    can = {"rating": can_rate, "binary": can_classify, "ranking": can_recommend}
    if task == "auto":
        for name, able in can.items():
            if all(map(able, models.values())):
                return name
        raise ValueError(
            f"The models {list(models)} have no task in common: those that predict ratings are "
            f"{[n for n, m in models.items() if can_rate(m)]}, classifiers are "
            f"{[n for n, m in models.items() if can_classify(m)]}, those that recommend are "
            f"{[n for n, m in models.items() if can_recommend(m)]}."
        )
    if task not in can:
        raise ValueError(f"task must be 'auto', 'rating', 'binary' or 'ranking'; got {task!r}.")
    unable = [name for name, model in models.items() if not can[task](model)]
    if unable:
        does = {"rating": "predict ratings", "binary": "classify", "ranking": "recommend items"}[task]
        raise ValueError(f"task={task!r}, but {', '.join(unable)} cannot {does}.")
    return task


def rating_calls(model: Any, columns: Columns) -> Calls:
    """ask(x) -> rating and teach(x, y, w=) of a rating model.

    Raises
    ------
    ValueError
        For a model of ``river.reco`` inside a wrapper that does not hand the ids on to it.
    """
    user_col, item_col = columns.user, columns.item
    ask, teach, inner = model.predict_one, model.learn_one, innermost(model)
    if isinstance(inner, Ranker):  # River's recommenders take the ids apart
        if inner is not model:
            return _calls_by_keyword(model, columns)

        def ask_ranker(x: dict[Any, Any]) -> Any:
            return ask(x.get(user_col), x.get(item_col))

        def teach_ranker(x: dict[Any, Any], y: Any, w: Any = None) -> None:
            teach(x.get(user_col), x.get(item_col), y)

        return ask_ranker, teach_ranker
    if not _reads_other_columns(inner, columns):
        return ask, _weighted(model)
    if inner is not model:
        return _renamed_calls(model, inner, columns, ask)

    def ask_renamed(x: dict[Any, Any]) -> Any:
        return ask(x, user=x.get(user_col), item=x.get(item_col))

    return ask_renamed, _renamed_teach(teach, columns)


def binary_calls(model: Any, columns: Columns) -> Calls:
    """ask(x) -> probability of a 1, and teach(x, y, w=), of a classifier."""
    inner, ask, teach = innermost(model), model.predict_proba_one, _weighted(model)
    if not _reads_other_columns(inner, columns):
        return lambda x: chance(ask(x)), teach
    if inner is not model:
        ask, teach = _renamed_calls(model, inner, columns, ask)
        return lambda x: chance(ask(x)), teach

    def ask_renamed(x: dict[Any, Any]) -> float:
        return chance(ask(x, user=x.get(columns.user), item=x.get(columns.item)))

    return ask_renamed, _renamed_teach(model.learn_one, columns)


def _calls_by_keyword(model: Any, columns: Columns) -> Calls:
    """Of a model of ``river.reco`` inside wrappers, which must hand the ids on to it."""
    user_col, item_col = columns.user, columns.item
    *outer, inner = shells(model)
    for shell in outer:
        # a pipeline hands x itself to its last step, too, where these models have the user
        if not takes_ids(shell) or (shell is outer[-1] and isinstance(shell, compose.Pipeline)):
            raise ValueError(
                f"River's {type(shell).__name__} does not hand user and item on to the {_class_name(inner)} inside, "
                "which takes them apart from x. Put a model of skl_increc inside, which finds them in x."
            )
    ask, teach = model.predict_one, model.learn_one

    def ask_inside(x: dict[Any, Any]) -> Any:
        return ask(x, user=x.get(user_col), item=x.get(item_col))

    def teach_inside(x: dict[Any, Any], y: Any, w: Any = None) -> None:
        teach(x, y, user=x.get(user_col), item=x.get(item_col))

    return ask_inside, teach_inside


def _renamed_calls(model: Any, inner: Any, columns: Columns, ask: Callable[..., Any]) -> Calls:
    """Of a wrapper, whose model looks for the ids under other names than the data has: x gets these, too."""
    teach = _weighted(model)

    def renamed(x: dict[Any, Any]) -> dict[Any, Any]:
        return {**x, inner.user_col: x.get(columns.user), inner.item_col: x.get(columns.item)}

    def ask_renamed(x: dict[Any, Any]) -> Any:
        return ask(renamed(x))

    def teach_renamed(x: dict[Any, Any], y: Any, **weight: Any) -> None:
        teach(renamed(x), y, **weight)

    return ask_renamed, teach_renamed


def ranking_calls(model: Any, columns: Columns, k: int, exclude_seen: bool) -> Calls:
    """ask(x) -> list of items for the user of x, and teach(x, y, w=), of a recommender."""
    user_col, item_col = columns.user, columns.item
    if not hasattr(model, "recommend_one"):
        if _reads_other_columns(model, columns):
            raise ValueError(
                f"{type(model).__name__} looks for {model.user_col!r} and {model.item_col!r}, the data has "
                f"{user_col!r} and {item_col!r}: give the model inside the data's names."
            )
        return _view_calls(model, item_col)
    recommend = model.recommend_one

    def ask(x: dict[Any, Any]) -> list[Any]:
        return recommend(x.get(user_col), k, exclude_seen=exclude_seen)

    def ask_in_context(x: dict[Any, Any]) -> list[Any]:
        told = {name: value for name, value in x.items() if name != item_col}
        return recommend(x.get(user_col), k, exclude_seen=exclude_seen, context=told)

    if getattr(model, "_lists_in_context", False):
        ask = ask_in_context
    if _reads_other_columns(model, columns):
        return ask, _renamed_teach(model.learn_one, columns)
    return ask, _weighted(model)


def _view_calls(model: Any, item_col: Any) -> Calls:
    """Of ``model.top(k)``, alone or inside River's pipelines and selectors: the target is the item."""
    predict, learn = model.predict_one, _weighted(model)

    def ask(x: dict[Any, Any]) -> Any:
        return predict({name: value for name, value in x.items() if name != item_col})

    def teach(x: dict[Any, Any], y: Any, w: Any = None) -> None:
        rest = {name: value for name, value in x.items() if name != item_col}
        if w is None:
            learn(rest, x.get(item_col))
        else:
            learn(rest, x.get(item_col), w=w)

    return ask, teach


def _reads_other_columns(model: Any, columns: Columns) -> bool:
    if not (hasattr(model, "user_col") and hasattr(model, "item_col")):
        return False
    return (model.user_col, model.item_col) != (columns.user, columns.item)


def _renamed_teach(learn: Callable[..., Any], columns: Columns) -> Callable[..., Any]:
    user_col, item_col = columns.user, columns.item

    def teach(x: dict[Any, Any], y: Any, w: Any = 1.0) -> None:
        learn(x, y, w, user=x.get(user_col), item=x.get(item_col))

    return teach


def _weighted(model: Any) -> Callable[..., Any]:
    """Its ``learn_one``, or that without the weight where it takes none, as River's own loop does."""
    learn = model.learn_one
    if all(takes(shell.learn_one, "w") for shell in shells(model)):
        return learn

    def teach(x: dict[Any, Any], y: Any, w: Any = None) -> None:
        learn(x, y)

    return teach
