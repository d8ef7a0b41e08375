"""Read a lesson's source: as the students' notebook, as the solutions, and what its first cell says."""

import ast
import re
from pathlib import Path

import jupytext
import nbformat

from minis2s.errors import InputError

BEGIN, END, BLANK = "### BEGIN SOLUTION", "### END SOLUTION", "...  # your code here"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
HEADER = re.compile(r"^# (\d\d) (.+)\n\n- \*\*Question:\*\* (.+)\n- \*\*Time:\*\* (.+)\n- \*\*Before:\*\* (.+)$", re.M)
PREAMBLE = """try:
    import minis2s
except ModuleNotFoundError:
    raise SystemExit("This kernel has no minis2s: python -m pip install -e . in the repository, then restart") from None

"""  # of the first code cell of each notebook; no line of the lesson
TIME = re.compile(r"(\d+) minutes to read and do, (\d+) seconds? to run on two cores\.?")


def read_source(path: Path) -> nbformat.NotebookNode:
    """Return a source as a notebook without outputs, answers in, ids by number, nothing of this machine in it."""
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.name[:2]}-{i + 1:02d}"
        tags = cell.metadata.get("tags", [])
        cell["metadata"] = nbformat.from_dict({"tags": tags} if tags else {})
    if first := next((cell for cell in notebook.cells if cell.cell_type == "code"), None):
        first["source"] = PREAMBLE + first["source"]
    notebook["metadata"] = nbformat.from_dict(METADATA)
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    return notebook


def blank(path: Path) -> nbformat.NotebookNode:
    """Return a lesson for students: cells tagged ``solution`` gone, answers replaced by the blank."""
    notebook = read_source(path)
    notebook["cells"] = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["source"] = without_answers(cell.source, f"{path}, cell {cell.id}")
    return notebook


def solution(path: Path) -> nbformat.NotebookNode:
    """Return a lesson with its answers; it lies one folder deeper, and so its links go one step up first."""
    notebook = read_source(path)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = re.sub(r"\]\((?![a-z]+:|#)", "](../", cell.source)
        else:
            lines = [line for line in cell.source.splitlines() if line.strip() not in (BEGIN, END)]
            cell["source"] = "\n".join(lines)
    return notebook


def without_answers(source: str, where: str) -> str:
    """Return the code with a blank for each answer; none where the line above already is one (``name = ...``).

    Raises
    ------
    InputError
        If a BEGIN has no END, or the other way round.
    """
    kept: list[str] = []
    inside = False
    for line in source.splitlines():
        if line.strip() in (BEGIN, END):
            if inside == (line.strip() == BEGIN):
                raise InputError(f"{where}: {line.strip()} without its partner; write both, each on its own line")
            inside = not inside
            if inside and kept and re.search(r"= \.\.\.( *#.*)?$", kept[-1]):
                kept[-1] = re.sub(r"\.\.\.$", BLANK, kept[-1])
            elif inside:
                kept.append(line[: len(line) - len(line.lstrip())] + BLANK)
        elif not inside:
            kept.append(line)
    if inside:
        raise InputError(f"{where}: {BEGIN} without its partner; write both, each on its own line")
    return "\n".join(kept)


def header(path: Path) -> tuple[str, ...]:
    """Return number, title, question, time and what is needed before, from the first cell.

    Raises
    ------
    InputError
        If the first cell does not say them in the form that WRITING.md shows.
    """
    found = HEADER.search(read_source(path).cells[0].source)
    if not found or not TIME.fullmatch(found.group(4)) or found.group(1) != path.name[:2]:
        raise InputError(f"{path}: the first cell must give number, title, Question, Time and Before as in WRITING.md")
    return found.groups()


def seconds(path: Path) -> int:
    """Return the stated time to run, on two cores."""
    return int(TIME.fullmatch(header(path)[3]).group(2))


def graded(source: str) -> list[str]:
    """Return the exercises that a cell grades: ``grade(function)`` or ``grade(name=answer)``."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    calls = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "grade"]
    functions = [part.id for node in calls for part in node.args if isinstance(part, ast.Name)]
    return functions + [part.arg for node in calls for part in node.keywords if part.arg]
