"""The house rules of `docs/ARCHITECTURE.md`, read from the source."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "gatewright"
GENERATED = ("entities/proto/", "control/migrations/versions/")
FILE_LIMIT, FUNCTION_LIMIT = 400, 60

ROOMS = {
    "errors": set(),
    "settings": {"errors"},
    "entities": {"errors"},
    "dialects": {"errors"},
    "snapshot": {"errors"},
    "providers": {"errors", "snapshot"},
    "upstream": {"errors", "snapshot"},
    "ledger": {"errors"},
    "telemetry": {"errors"},
    "gateway": {"errors", "dialects", "snapshot", "upstream", "ledger"},
    "server": {"errors", "gateway", "dialects"},
    "control": {"errors", "settings", "entities", "snapshot", "ledger"},
    "supervisor": {"errors", "settings"},
}
EVERYTHING = {"app", "cli", "__main__"}
HOT = ("errors", "dialects", "providers", "snapshot", "upstream", "ledger", "telemetry", "gateway", "server")
COLD_LIBRARIES = ("sqlalchemy", "alembic", "google.protobuf", "starlette", "pydantic")
# Of what holds the port of a server and starts its workers, which load all else themselves.
PARENT = ("gatewright.cli", "gatewright.cli.serve", "gatewright.supervisor.serve")
LARGE_LIBRARIES = (*COLD_LIBRARIES, "uvicorn", "asyncio", "uvloop", "cryptography", "msgspec", "ssl")


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(GENERATED):
            yield name, path


def room_of(name):
    return name.removesuffix(".py").split("/")[0]


def dotted(name):
    parts = ["gatewright", *name.removesuffix(".py").split("/")]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree, known):
    """Every internal module a tree imports, as (module, line, inside a function?)."""
    inside = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            names = [full if (full := f"{node.module}.{alias.name}") in known else node.module for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "gatewright":
                yield name, node.lineno, id(node) in inside


@pytest.fixture(scope="module")
def graph():
    """Per module: its internal imports."""
    found = list(modules())
    known = {dotted(name) for name, _ in found}
    return {name: list(imports_of(ast.parse(path.read_text()), known)) for name, path in found}


def test_every_room_imports_only_what_the_table_allows(graph):
    """The import table of the architecture holds."""
    wrong = []
    for name, imports in graph.items():
        room = room_of(name)
        if room in EVERYTHING or name == "__init__.py":
            continue
        assert room in ROOMS, f"{name}: no such room in the import table"
        for module, line, _ in imports:
            other = module.split(".")[1] if "." in module else "__init__"
            if other not in (room, "__init__") and other not in ROOMS[room]:
                wrong.append(f"{name}:{line} imports {module}")
    assert wrong == []


def test_no_dialect_imports_another(graph):
    """A folder under `dialects` knows its own files and what all dialects share, so N + M stays N + M."""
    folders = {path.name for path in (SOURCE / "dialects").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert len(folders) > 3
    wrong = [
        f"{name}:{line} imports {module}"
        for name, imports in graph.items()
        for module, line, _ in imports
        if name.startswith("dialects/")
        and module.startswith("gatewright.dialects.")
        and module.split(".")[2] in folders
        and name.split("/")[1] != module.split(".")[2]
    ]
    assert wrong == []


def test_the_composition_root_is_loaded_by_a_worker_and_imported_by_nobody(graph):
    """`app` joins the planes; the supervisor knows its name, so that the process that holds the port stays small."""
    importers = [name for name, imports in graph.items() for module, _, _ in imports if module == "gatewright.app"]
    assert importers == []
    named = [name for name, path in modules() if '"gatewright.app"' in path.read_text()]
    assert named == ["supervisor/serve.py"]


def test_the_store_knows_nothing_of_those_who_use_it(graph):
    """Inside the control plane, the store stands below the API and the files of `gatewright apply`."""
    wrong = [
        f"{name}:{line} imports {module}"
        for name, imports in graph.items()
        for module, line, _ in imports
        if name.startswith("control/store/")
        and module.startswith(("gatewright.control.api", "gatewright.control.manifest"))
    ]
    assert wrong == []


def test_there_are_no_import_cycles(graph):
    """The module graph is acyclic."""
    edges = {
        dotted(name): {module for module, _, _ in imports if module not in (dotted(name), "gatewright")}
        for name, imports in graph.items()
    }
    assert list(graphlib.TopologicalSorter(edges).static_order())


def test_no_internal_import_hides_inside_a_function(graph):
    """Imports stand at the top of a file."""
    wrong = [
        f"{name}:{line} imports {module}"
        for name, imports in graph.items()
        for module, line, hidden in imports
        if hidden
    ]
    assert wrong == []


def test_no_file_is_over_the_limit():
    """No file has more than 400 lines."""
    sizes = {name: len(path.read_text().splitlines()) for name, path in modules()}
    assert {name: size for name, size in sizes.items() if size > FILE_LIMIT} == {}


def test_no_test_file_is_over_twice_the_limit():
    """Test files stay readable too."""
    tests = Path(__file__).parent
    sizes = {path.name: len(path.read_text().splitlines()) for path in tests.rglob("*.py")}
    assert {name: size for name, size in sizes.items() if size > 2 * FILE_LIMIT} == {}


def test_no_function_is_over_the_limit():
    """No function has more than 60 lines, its docstring included."""
    wrong = [
        f"{name}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1}"
        for name, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LIMIT
    ]
    assert wrong == []


@pytest.mark.parametrize("room", HOT)
def test_a_hot_room_loads_no_cold_library(room):
    """A fresh interpreter that imports every module of a hot room has none of the control plane's libraries."""
    names = [dotted(name) for name, _ in modules() if room_of(name) == room]
    if not names:
        assert not (SOURCE / room).exists()
        return
    assert loaded_of(COLD_LIBRARIES, names) == []


def test_the_process_that_holds_the_port_loads_nothing_large():
    """It is there for as long as the server, beside its workers."""
    assert loaded_of(LARGE_LIBRARIES, PARENT) == []


def loaded_of(libraries, names):
    """Those of the libraries that a fresh interpreter has when it has imported these modules."""
    code = f"import sys\nfor name in {names!r}: __import__(name)\nprint(*sys.modules, sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    return [library for library in libraries if library in loaded]


def names_called(attribute):
    for name, path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == attribute:
                yield name


def test_the_holder_is_swapped_in_one_place():
    """Only the watcher puts a snapshot in force."""
    assert set(names_called("swap")) <= {"control/watch.py"}


def test_the_environment_is_read_in_one_place():
    """Only the settings read `os.environ`."""
    wrong = [
        f"{name}:{node.lineno}"
        for name, path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and name != "settings/settings.py"
    ]
    assert wrong == []


def test_no_module_has_an_empty_name():
    """No `utils`, `helpers`, `manager`, `common`."""
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert [name for name, path in modules() if path.stem in vague or path.parent.name in vague] == []
