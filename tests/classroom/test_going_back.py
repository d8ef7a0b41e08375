"""Going on with any right answer, and going back: no cell breaks, whatever is run again."""

import ast
import functools
import os
import subprocess
import symtable
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jupytext", reason="lessons are read with jupytext (pip install -e .[dev])")

from tests.conftest import ROOT

LESSONS = ROOT / "lessons"
sys.path.insert(0, str(LESSONS))
import reading  # noqa: E402

SOURCES = sorted((LESSONS / "source").glob("[0-9][0-9]_*.py"))
lessons = pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])


def code_of(source: Path) -> list[str]:
    """Return the code of each cell, the answers in."""
    return [cell.source for cell in reading.solution(source).cells if cell.cell_type == "code"]


def names(code: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell binds, and those that it takes from other cells."""
    table, order = symtable.symtable(code, "cell", "exec"), Order()
    order.visit(ast.parse(code))
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    return bound, {name for name in read_anywhere(table) if name not in bound or order.first.get(name) == "read"}


def read_anywhere(table: symtable.SymbolTable) -> set[str]:
    """Return the global names that code reads, in functions too."""
    top = table.get_type() == "module"
    here = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return here.union(*map(read_anywhere, table.get_children()))


class Order(ast.NodeVisitor):
    """What comes first in a cell for each name: that it is read, or that it is bound."""

    def __init__(self):
        self.first: dict[str, str] = {}

    def visit_Assign(self, node):
        for part in (node.value, *node.targets):
            self.visit(part)

    def visit_For(self, node):
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def visit_ListComp(self, node):
        for part in (*node.generators, *ast.iter_child_nodes(node)):
            self.visit(part)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp

    def visit_comprehension(self, node):
        for part in (node.iter, node.target, *node.ifs):
            self.visit(part)

    def visit_Name(self, node):
        self.first.setdefault(node.id, "read" if isinstance(node.ctx, ast.Load) else "bound")


@lessons
def test_a_name_that_a_cell_takes_from_another_is_bound_once(source):
    cells = code_of(source)
    answers = {name for code in cells for name in reading.graded(code)}
    binds: dict[str, list[int]] = {}
    for i, code in enumerate(cells):
        for name in names(code)[0]:
            binds.setdefault(name, []).append(i)
    taken = {(i, name) for i, code in enumerate(cells) for name in names(code)[1] if name not in answers}
    twice = {f"code cell {i} takes {name} of {binds[name]}" for i, name in taken if len(binds.get(name, ())) > 1}
    assert not twice


def in_lists(value):
    """Return a result in lists, as loops make it."""
    if isinstance(value, (tuple, list)):
        return [in_lists(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def in_another_dress(value):
    """Return a result with other last digits, whole numbers in an unsigned type, a number as an array of none."""
    if isinstance(value, (tuple, list)):
        parts = tuple(map(in_another_dress, value))
        alike = len({(np.shape(part), np.asarray(part).dtype) for part in parts}) == 1
        return np.stack(parts) if alike else parts
    if np.asarray(value).dtype.kind == "i":
        return np.asarray(value).astype(np.uint32)
    if isinstance(value, float) and np.isfinite(value) and value == Fraction(value).limit_denominator(1000):
        return Fraction(value).limit_denominator(1000)
    return value if np.asarray(value).dtype.kind == "b" else np.asarray(value) * (1 + 5e-11)


DRESSES = {"lists": in_lists, "another": in_another_dress}


def dressed(answer, dress):
    """Return an answer that gives the same results in another form."""
    if not callable(answer):
        return answer
    return functools.wraps(answer)(lambda *arguments: dress(answer(*arguments)))


def run_twice(source: Path, dress: str) -> None:
    """Run a lesson, each function that is graded in another dress; then every exercise again."""
    variables = {"__name__": "__main__", "dressed": lambda answer: dressed(answer, DRESSES[dress])}
    exercises = []
    for code in code_of(source):
        functions = [name for name in reading.graded(code) if f"def {name}(" in code]
        for name in functions:
            code = code.replace(f"grade({name})", f"{name} = dressed({name})\ngrade({name})")
        exercises += [code] * bool(reading.graded(code))
        exec(compile(code, str(source), "exec"), variables)
    grade = variables["grade"]
    for code in exercises:
        grade.grades.clear()
        exec(compile(code, str(source), "exec"), variables)
        assert grade.grades and all(map(grade.passed, grade.grades)), code


@pytest.mark.trains
@lessons
@pytest.mark.parametrize("dress", DRESSES)
def test_whatever_is_right_the_lesson_goes_on_and_one_can_go_back(source, dress):
    code = f"from tests.classroom.test_going_back import *\nrun_twice(Path({str(source)!r}), {dress!r})"
    settings = {"MINIS2S_LESSON": "small", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=LESSONS.parent,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_kernel_without_the_library_says_what_to_do():
    first = code_of(SOURCES[0])[0]
    block = "import sys\nsys.modules['minis2s'] = None\n"
    done = subprocess.run([sys.executable, "-c", block + first], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "pip install -e ." in done.stderr


def test_the_links_work_where_the_readme_starts_jupyter():
    """A server shows what is below the folder it starts in; notebooks in lessons/ link to files beside lessons/."""
    readme = (LESSONS / "README.md").read_text(encoding="utf-8")
    assert "\njupyter lab\n" in readme and "jupyter lab lessons" not in readme
