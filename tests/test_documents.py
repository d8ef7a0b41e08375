"""The documents tell the truth: links lead somewhere, and code that is quoted stands in the library."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = {line for path in (ROOT / "minis2s").rglob("*.py") for line in path.read_text("utf-8").splitlines()}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "runs"} & set(path.relative_to(ROOT).parts))
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_local_link_leads_somewhere(path):
    links = [link for link in re.findall(r"\]\(([^)]+)\)", CODE.sub("", path.read_text("utf-8"))) if "://" not in link]
    assert [link for link in links if not (path.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "derivations").glob("*.md")), ids=name_of)
def test_every_line_of_a_derivation_is_one_of_the_library(path):
    blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks and [line for block in blocks for line in block.splitlines() if line not in LIBRARY] == []


def test_imports_between_rooms_run_one_way():
    """As docs/architecture.md says; the rooms beside the chain import nothing of it."""
    chain = re.search(r"^layers <- .*$", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE)[0]
    place = {room: i for i, rooms in enumerate(chain.split(" <- "), 1) for room in rooms.split(", ")}
    wrong = []
    for path in (ROOT / "minis2s").rglob("*.py"):
        importing = path.relative_to(ROOT / "minis2s").parts[0].removesuffix(".py")
        nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        names = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
        rooms = {name.split(".")[1] for name in names if name.startswith("minis2s.")}
        allowed = {room for room in place if place[room] <= place.get(importing, 0)} | {importing}
        wrong += [f"{name_of(path)}: {room}" for room in rooms & set(place) - allowed if importing != "__main__"]
    assert place.keys() >= {"layers", "checks", "cli"} and wrong == []


def imports_of(path: Path, modules: set[str]) -> set[str]:
    """The modules of the package that a module imports, inside of functions, too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in getattr(node, "names", ()) if isinstance(node, (ast.Import, ast.ImportFrom))]
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{name}" for name in names)]
        found |= modules & set(names)
    return found


def graph_of(folder: Path) -> dict[str, set[str]]:
    """What each module of a package imports. A package's own __init__ is what gathers its modules, so none needs it."""
    paths = {".".join(path.relative_to(folder.parent).with_suffix("").parts): path for path in folder.rglob("*.py")}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    return {
        name: {one for one in imports_of(path, set(paths)) if not name.startswith(f"{one}.")} - {name}
        for name, path in paths.items()
    }


def test_imports_go_in_no_circle():
    order = list(TopologicalSorter(graph_of(ROOT / "minis2s")).static_order())
    assert order.index("minis2s.layers.record") < order.index("minis2s.checks.gradcheck")


def test_a_circle_of_imports_is_seen(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("import p.b\n")
    (tmp_path / "p" / "b.py").write_text("def f():\n    from p import a\n    return a\n")
    with pytest.raises(CycleError):
        TopologicalSorter(graph_of(tmp_path / "p")).prepare()


ROOMS = (
    "layers",
    "models",
    "data",
    "decoding",
    "metrics",
    "training",
    "checks",
    "plots",
    "museum",
    "classroom",
    "commands",
)  # whose docstrings have shapes
SHAPE = re.compile(r"\([\w .≥+*]*,[\w +*,.]*\)|any shape")  # such as (B, S), (..., H), (2 + 2 ORDER,)


def public_functions(path: Path) -> list[ast.FunctionDef]:
    """Those of a module and of its classes, without what stands inside of functions."""
    top = ast.parse(path.read_text("utf-8")).body
    nodes = [*top, *(node for part in top if isinstance(part, ast.ClassDef) for node in part.body)]
    return [node for node in nodes if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def arrays_of(function: ast.FunctionDef) -> list[str]:
    """The arguments that are arrays, and not tables of arrays by name, such as the state of a training."""
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    types = {argument.arg: ast.unparse(argument.annotation) for argument in given if argument.annotation}
    return [name for name, kind in types.items() if "ndarray" in kind and not re.search("Mapping|dict|Callable", kind)]


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_say_the_shapes_of_arrays(room):
    wrong = [
        f"{name_of(path)}, {function.name}: {', '.join(arrays)}"
        for path in sorted((ROOT / "minis2s" / room).rglob("*.py"))
        for function in public_functions(path)
        if (arrays := arrays_of(function)) and not SHAPE.search(ast.get_docstring(function) or "")
    ]
    assert wrong == []


def test_a_docstring_without_shapes_is_seen(tmp_path):
    (tmp_path / "a.py").write_text(
        "class A:\n"
        "    def f(self, x: np.ndarray, named: dict[str, np.ndarray], n: int):\n"
        "        'Of x (see below).'\n"
        "        def g(y: np.ndarray): pass\n"
        "def h(x: np.ndarray | None): 'Of x (B, S).'\n"
        "def _k(x: np.ndarray): pass\n"
    )
    found = {function.name: arrays_of(function) for function in public_functions(tmp_path / "a.py")}
    assert found == {"f": ["x"], "h": ["x"]}
    said = [bool(SHAPE.search(ast.get_docstring(function))) for function in public_functions(tmp_path / "a.py")]
    assert sorted(said) == [False, True]
