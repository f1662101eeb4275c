"""Models in files: one ``.npz`` with a JSON header, whole or not there, and nothing in it that can run.

What a file holds: ``header.json`` (class, parameters, fields, clock) and one array per field of the
model's state, beside the ids and who had what.  ``numpy.load`` reads the arrays too.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils.metadata_routing import MetadataRequest

import skl_increc
from skl_increc._state.archive import damaged, read_archive, replace_whole, write_archive
from skl_increc._state.packing import pack, unpack
from skl_increc._state.plain import from_plain, to_plain
from skl_increc.base import InteractionEstimator
from skl_increc.base._kept import Kept
from skl_increc.exceptions import SaveFormatError

__all__ = ["load", "save"]

FORMAT = "skl_increc model"
VERSION = 1
ENTRIES = ("format", "version", "library", "class", "parameters", "columns", "requests", "state")
OWN = re.compile(r"(skl_increc\.[a-z][a-z_]*)\.([A-Za-z]\w*)", re.ASCII)
REMEMBERED = ("n_features_in_", "feature_names_in_")
MODEL, MODELS = "$model", "$models"  # forms of parameters that are models, or models with their names
REQUESTS = "_metadata_request"  # where scikit-learn keeps what set_fit_request and its relatives were told


def save(model: InteractionEstimator, path: str | os.PathLike) -> None:
    """Write a model to a file, from which `load` brings it back.

    The model goes on bit for bit as it would have: what it learns after `load` is what it would have
    learned without.  A file that was there stays whole if anything goes wrong on the way, a crash or a
    full disk included: the new one is written beside it (as ``.skl_increc-*.tmp``), brought to the disk,
    and then takes its name.  What a killed process left of this, the next save in the folder removes.
    Nothing is pickled.

    Parameters
    ----------
    model : InteractionEstimator or HistoryFeatures
        Any model of this library, or of a class built on its bases; it need not have learned anything.
        A snapshot is saved as the model that it was taken of, which learns again after `load`.
        Do not let another thread teach the model meanwhile: save ``model.snapshot()`` there.
    path : str or path-like
        The file, by exactly this name: no suffix is added.

    Raises
    ------
    UnstableIdError
        If an id has no form in a file, such as an object of a class of one's own; it is named.
    TypeError
        If `model` is no model of this library, or a parameter is more than a number, a string, None, a
        boolean or a timedelta (a ``RandomState``, say); it is named.
    ValueError
        If parameters were set that do not go with what was learned, or `path` is no regular file.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : The way back.

    Examples
    --------
    >>> import os, tempfile
    >>> import skl_increc
    >>> from skl_increc.baselines import Popularity
    >>> model = Popularity()
    >>> model.learn_one({"user": "ann", "item": "tea"})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.npz")
    ...     skl_increc.save(model, path)
    ...     again = skl_increc.load(path)
    >>> again.predict_one({"item": "tea"})
    1.0
    """
    path = _path(path)
    if not isinstance(model, Kept):
        raise TypeError(
            "save takes a model of skl_increc or of a class built on its bases; got a "
            f"{type(model).__name__}. Of a pipeline, save the last step."
        )
    header, members = _describe(model)
    replace_whole(path, lambda file: write_archive(file, header, members))


def load(path: str | os.PathLike, *, classes: Sequence[type] = ()) -> Any:
    """Read a model that `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    classes : sequence of types
        Classes from outside this library that the file may hold.  Without this, only models of
        this library are made: no file can name code to import.

    Returns
    -------
    InteractionEstimator
        The model, which goes on bit for bit as the saved one would have.

    Raises
    ------
    SaveFormatError
        If the file is damaged, foreign, of another format version, or of a class that is not allowed.
    OSError
        If the file cannot be opened.

    Notes
    -----
    Every array is checked (shape, type, range of row numbers, distinct ids) before compiled code sees it.

    See Also
    --------
    save : With an example.
    """
    path = _path(path)
    header, members = read_archive(path)
    header = _check_header(path, header)
    cls = _class_of(path, header["class"], classes)
    model = _make(path, cls, header["parameters"], classes)
    _remember(path, model, header["columns"])
    _request(path, model, header["requests"])
    if header["state"] is None:
        if members:
            raise damaged(path, f"the member {next(iter(members))} belongs to no state")
        return model
    try:
        told = header["state"].get("stores") if isinstance(header["state"], dict) else None
        fields, history, stores = model._fields(), model._history(), model._stores_in(told)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise damaged(path, f"its parameters go with no {cls.__name__} ({error})") from error
    state = unpack(path, header["state"], members, fields, history, stores)
    try:
        model._configure_state(state)
        model._check_state(state)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise damaged(path, f"its state goes with no {cls.__name__} of its parameters ({error})") from error
    model._state = state
    state.stale = False
    return model


def _path(path: Any) -> str:
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be a string or a path such as pathlib.Path; got {path!r}.")
    return os.fsdecode(path)


# -- to a file --------------------------------------------------------------------------------------
def _describe(model: InteractionEstimator) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and members of a model."""
    forms = _parameters(model)
    model._validate()
    extra = sorted(set(model.__dict__) - {*forms, *REMEMBERED, REQUESTS, "_state"})
    if extra:
        raise TypeError(
            f"The {type(model).__name__} has the attribute {extra[0]!r}, which is no parameter and would be "
            "lost. What a model learns belongs into its fields or its state's meta; delete other attributes "
            "before save."
        )
    header: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "library": skl_increc.__version__,
        "class": _name_of(type(model)),
        "parameters": forms,
        "columns": _columns(model),
        "requests": _requests(model),
        "state": None,
    }
    if model._state is None:
        return header, {}
    state = model._ready_state()  # also refuses parameters that do not go with what was learned
    with state.lock:
        header["state"], members = pack(state)
    return header, members


def _parameter(model: InteractionEstimator, name: str, value: Any) -> Any:
    if name == "random_state" and isinstance(value, np.random.RandomState):
        raise TypeError(
            f"The {type(model).__name__}'s parameter random_state is a RandomState, which has no form in a "
            "file. Set it to an integer, model.set_params(random_state=0): what was learned keeps the seed "
            "that was drawn."
        )
    what = f"The {type(model).__name__}'s parameter {name}"
    if isinstance(value, InteractionEstimator):
        return {MODEL: [_name_of(type(value)), _parameters(value)]}
    if isinstance(value, (list, tuple)) and any(_is_named_model(part) for part in value):
        return {MODELS: [[to_plain(part[0], what), _parameter(model, name, part[1])] for part in value]}
    return to_plain(value, what)


def _is_named_model(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and len(part) == 2 and isinstance(part[1], InteractionEstimator)


def _parameters(model: InteractionEstimator) -> dict[str, Any]:
    return {name: _parameter(model, name, value) for name, value in model.get_params(deep=False).items()}


def _columns(model: InteractionEstimator) -> Any:
    """What fit remembers of the columns of X."""
    kept = {name: model.__dict__[name] for name in REMEMBERED if name in model.__dict__}
    plain = {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in kept.items()}
    return to_plain(plain, "The memory of X's columns")


def _requests(model: InteractionEstimator) -> dict[str, Any]:
    """scikit-learn's metadata requests: what ``set_fit_request`` and its relatives were told."""
    request = model.__dict__.get(REQUESTS)
    if not isinstance(request, MetadataRequest):
        return {}
    kept = {method: dict(getattr(request, method).requests) for method in _methods(request)}
    return {method: to_plain(told, f"The requests of {method}") for method, told in kept.items() if told}


def _methods(request: MetadataRequest) -> list[str]:
    return [name for name, part in vars(request).items() if hasattr(part, "add_request")]


def _name_of(cls: type) -> str:
    """The public name of a class of ours (private modules may move); the full name of another."""
    parts = cls.__module__.split(".")
    if parts[0] == skl_increc.__name__ and len(parts) > 1:
        return f"{parts[0]}.{parts[1]}.{cls.__qualname__}"
    return f"{cls.__module__}.{cls.__qualname__}"


# -- from a file ------------------------------------------------------------------------------------
def _check_header(path: str, header: Any) -> Mapping[str, Any]:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise damaged(path, "its header is not that of a model")
    if header.get("version") != VERSION:
        raise SaveFormatError(
            f"{path}: it has the format version {str(header.get('version'))[:40]}, and skl_increc "
            f"{skl_increc.__version__} reads {VERSION}. Read it with the version of skl_increc that wrote "
            f"it, {str(header.get('library'))[:40]}."
        )
    if set(header) != set(ENTRIES):
        raise damaged(path, f"its header has the entries {sorted(header)}, not {sorted(ENTRIES)}")
    return header


def _class_of(path: str, name: Any, classes: Sequence[type]) -> type[Kept]:
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Kept)):
            raise TypeError(f"classes must hold classes built on InteractionEstimator; got {cls!r}.")
    named = [cls for cls in classes if _name_of(cls) == name]
    own = OWN.fullmatch(name) if isinstance(name, str) else None
    if own is not None and not named:
        return _own_class(path, own[1], own[2])
    # a class defined in a script is `__main__.It` in one place and `script.It` in another
    alike = [cls for cls in classes if cls.__name__ == str(name).rpartition(".")[2]]
    if named or len(alike) == 1:
        return (named or alike)[0]
    raise SaveFormatError(
        f"{path}: it holds a {str(name)[:200]}, which is no class of skl_increc. If it is a class of yours, "
        "pass it: load(path, classes=[...])."
    )


def _own_class(path: str, module: str, name: str) -> type[Kept]:
    """A public model of this library."""
    if importlib.util.find_spec(module) is not None:
        family = importlib.import_module(module)
        cls = getattr(family, name, None) if name in getattr(family, "__all__", ()) else None
        if isinstance(cls, type) and issubclass(cls, Kept):
            return cls
    raise SaveFormatError(
        f"{path}: it holds a {module}.{name}, and skl_increc {skl_increc.__version__} has no such model. "
        "Read it with the version of skl_increc that wrote it."
    )


def _make(path: str, cls: type[Any], forms: Any, classes: Sequence[type]) -> Any:
    if not isinstance(forms, dict):
        raise damaged(path, "its parameters are no object")
    known = cls._get_param_names()
    unknown = sorted(set(forms) - set(known))
    if unknown:
        raise damaged(path, f"{unknown[0]!r} is no parameter of {cls.__name__}")
    try:
        # a parameter that is younger than the file has its default
        model = cls(**{name: _value(path, form, classes) for name, form in forms.items()})
        model._validate()
    except (ValueError, TypeError) as error:
        raise damaged(path, f"its parameters make no {cls.__name__} ({error})") from error
    return model


def _value(path: str, form: Any, classes: Sequence[type]) -> Any:
    """A parameter: a small value, a model, or models with their names."""
    if isinstance(form, dict) and set(form) == {MODEL}:
        name, forms = _two(form[MODEL])
        return _make(path, _class_of(path, name, classes), forms, classes)
    if isinstance(form, dict) and set(form) == {MODELS} and isinstance(form[MODELS], list):
        pairs = [_two(part) for part in form[MODELS]]
        return [(from_plain(name), _value(path, model, classes)) for name, model in pairs]
    return from_plain(form)


def _two(form: Any) -> Any:
    if not isinstance(form, list) or len(form) != 2:
        raise ValueError(f"no model has the form {str(form)[:80]}")
    return form


def _remember(path: str, model: InteractionEstimator, form: Any) -> None:
    try:
        kept = from_plain(form)
    except (ValueError, TypeError) as error:
        raise damaged(path, f"the columns of X cannot be read ({error})") from error
    if not isinstance(kept, dict) or not set(kept) <= set(REMEMBERED):
        raise damaged(path, f"the columns of X are {str(kept)[:200]}")
    n, names = (kept.get(name) for name in REMEMBERED)
    good = n is None or (type(n) is int and n > 0)
    if names is not None:
        good = good and isinstance(names, list) and len(names) == n and all(isinstance(v, str) for v in names)
    if not good:
        raise damaged(path, f"the columns of X are {str(kept)[:200]}")
    if n is not None:
        model.n_features_in_ = n
    if names is not None:
        model.feature_names_in_ = np.array(names, dtype=object)


def _request(path: str, model: InteractionEstimator, form: Any) -> None:
    if form == {}:
        return
    try:
        request = model._get_metadata_request()
        for method, told in from_plain(form).items():
            for parameter, alias in told.items():
                getattr(request, method).add_request(param=parameter, alias=alias)
    except (ValueError, TypeError, AttributeError) as error:
        raise damaged(path, f"its metadata requests cannot be read ({error})") from error
    setattr(model, REQUESTS, request)
