"""What models that are made of models share: names, parameters, and members inside their state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from skl_increc._state._state import State
from skl_increc.base import Guarantees, InteractionEstimator
from skl_increc.compose._member import Member, check_member

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Composed", "Composition", "OneAnswers", "all_split"]


class Composed:
    """Members inside the state; the learner asks them."""

    _composed = True
    time_col: Any

    def _models(self) -> list[Any]:
        """The models as they were given."""
        raise NotImplementedError

    def _taken_y(self) -> float:
        return max(model._taken_y() for model in self._models())

    def _score(self, state: State, u: np.ndarray, i: np.ndarray) -> np.ndarray:
        return state.learner.score_pairs(np.ascontiguousarray(u, np.int32), np.ascontiguousarray(i, np.int32))


class Composition(Composed):
    """Named members: ``estimators`` is a list of pairs, and ``name__parameter`` reaches into them."""

    estimators: Any
    _state: State | None

    def _default_estimators(self) -> list[tuple[str, Any]]:
        """What None stands for."""
        raise ValueError(f"{type(self).__name__} needs estimators: a list of pairs of a name and a model.")

    def _entries(self) -> list[tuple[str, Any]]:
        """Names and models, checked."""
        given = self._default_estimators() if self.estimators is None else self.estimators
        entries = [tuple(e) if isinstance(e, (tuple, list)) else (e,) for e in given]
        for entry in entries:
            if (
                len(entry) != 2
                or not isinstance(entry[0], str)
                or not isinstance(entry[1], InteractionEstimator)
            ):
                raise ValueError(
                    f"estimators must be pairs of a name and a model of this library; got {entry!r}. "
                    "Write [('rules', SequentialRules()), ...]."
                )
        self._check_names([name for name, _ in entries])
        for name, model in entries:
            check_member(self, model, f"The member {name!r}")
        return entries

    def _check_names(self, names: list[str]) -> None:
        if not names or len(set(names)) < len(names):
            raise ValueError(f"estimators must be at least one, each with a name of its own; got {names}.")
        taken = set(self._get_param_names())  # type: ignore[attr-defined]
        for name in names:
            if "__" in name or name in taken:
                raise ValueError(
                    f"A member cannot be called {name!r}: names are without '__', and none is a parameter of "
                    f"{type(self).__name__}."
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters, and with `deep` the members by name and their parameters as ``name__parameter``."""
        params = super().get_params(deep=False)  # type: ignore[misc]
        if deep and isinstance(self.estimators, (list, tuple)):
            named = [e for e in self.estimators if isinstance(e, (list, tuple)) and len(e) == 2]
            for name, model in named:  # what else is wrong with it is said when it is used
                params[name] = model
                params |= {f"{name}__{key}": value for key, value in _params_of(model)}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters, members by name, or parameters of members as ``name__parameter``."""
        own = set(self._get_param_names())  # type: ignore[attr-defined]
        super().set_params(**{k: v for k, v in params.items() if k in own})  # type: ignore[misc]
        rest = {k: v for k, v in params.items() if k not in own}
        if rest:
            entries = self._entries() if self.estimators is not None else []
            unknown = sorted({key.partition("__")[0] for key in rest} - {name for name, _ in entries})
            if unknown:
                raise ValueError(
                    f"{unknown[0]!r} is no parameter of {type(self).__name__} and no name of a member; these are "
                    f"{sorted(own)} and {[name for name, _ in entries]}."
                )
            self.estimators = [(name, rest.get(name, model)) for name, model in entries]
            for name, model in self.estimators:
                inner = {k.partition("__")[2]: v for k, v in rest.items() if k.startswith(f"{name}__")}
                model.set_params(**inner)
            self.estimators = list(self.estimators)  # tells the state that parameters were set
        return self

    def _models(self) -> list[Any]:
        return [model for _, model in self._entries()]

    def _described(self) -> list[list[str]]:
        """The members in words, for the state to know whether they were changed."""
        return [
            [name, type(model).__name__, repr(sorted(model.get_params(deep=False).items()))]
            for name, model in self._entries()
        ]

    def _stores(self) -> dict[str, Any]:
        return {f"member_{m}": Member(model.clone()) for m, (_, model) in enumerate(self._entries())}

    @property
    def members_(self) -> dict[str, Any]:
        """The members by name, which know users and items by row numbers."""
        state = self._ready_state()  # type: ignore[attr-defined]
        models = [state.stores[f"member_{m}"].model for m in range(len(state.stores))]
        return dict(zip([name for name, _ in self._entries()], models, strict=True))


class OneAnswers(Composition):
    """All members learn every event, and one of them answers."""

    history: Any

    def _structure(self) -> dict[str, Any]:
        return {"estimators": self._described(), "history": self.history, "time_col": self.time_col}

    def _order_teaches(self) -> bool:
        return any(model._order_teaches() for model in self._models())

    def _guarantees(self) -> Guarantees:
        return all_split(self._models(), "models inside a model neither merge nor forget as yet")


def _params_of(model: Any) -> list[tuple[str, Any]]:
    return list(model.get_params().items()) if isinstance(model, InteractionEstimator) else []


def all_split(models: list[Any], why: str) -> Guarantees:
    """S as far as all members have it, and nothing else."""
    promises = [model.guarantees().S for model in models]
    worst = next((p for p in ("no", "rounding") if p in promises), "bitwise")
    return Guarantees(worst, "no", "no", "no", why)  # type: ignore[arg-type]
