"""The documents tell the truth: links lead somewhere, and code that is quoted stands in the library."""

import ast
import re
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
