"""Make the lessons' notebooks from their sources: ``python lessons/build.py [NN ...]``.

Each source, lessons/source/NN_name.py, gives lessons/NN_name.ipynb, the answers blank, and
lessons/solutions/NN_name.ipynb, the answers in. Both are run in a fresh kernel without a network, and are byte for byte
the same on every run on one machine. The table in lessons/README.md is made anew as well.

    python lessons/build.py            every lesson
    python lessons/build.py 01 05      these
    python lessons/build.py --check    are the notebooks those of their sources, cell by cell? Runs nothing
    python lessons/build.py --table    print the table of lessons
    python lessons/build.py --nbgrader COURSE    write assignments for nbgrader into COURSE/source
"""

import argparse
import sys
from pathlib import Path

import nbformat
from reading import BEGIN, METADATA, TIME, blank, graded, header, read_source, solution
from running import execute

from minis2s.errors import InputError, note
from minis2s.files import write_file

HERE = Path(__file__).parent
MARKS = "<!-- the table: python lessons/build.py -->\n", "<!-- end of the table -->\n"


def table(paths: list[Path]) -> str:
    """Return the table of lessons in Markdown."""
    lines = ["| lesson | the question | read and do | run | before |", "|---|---|---|---|---|"]
    for path in paths:
        number, title, question, time, before = header(path)
        minutes, run = TIME.fullmatch(time).groups()
        link = f"[{number} {title}]({path.stem}.ipynb)"
        lines.append(f"| {link} | {question} | {minutes} min | {run} s | {before.rstrip('.')} |")
    return "\n".join(lines) + "\n"


def write_table() -> None:
    """Put the table of lessons into README.md."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    start, end = text.index(MARKS[0]) + len(MARKS[0]), text.index(MARKS[1])
    new = text[:start] + "\n" + table(sources()) + "\n" + text[end:]
    if new != text:
        write_file(readme, lambda file: file.write(new.encode()))


def sources(wanted: list[str] | None = None) -> list[Path]:
    """Return the sources, all or those of the given numbers.

    Raises
    ------
    InputError
        If a number has no source.
    """
    paths = sorted((HERE / "source").glob("[0-9][0-9]_*.py"))
    if unknown := set(wanted or ()) - {path.name[:2] for path in paths}:
        raise InputError(f"lesson {min(unknown)} has no source in lessons/source; give two digits, such as 01")
    return [path for path in paths if not wanted or path.name[:2] in wanted]


def products(path: Path) -> dict[Path, nbformat.NotebookNode]:
    """Return a lesson's two notebooks, not run, by where they go."""
    return {HERE / f"{path.stem}.ipynb": blank(path), HERE / "solutions" / f"{path.stem}.ipynb": solution(path)}


def stale(path: Path) -> list[str]:
    """Return a sentence on each notebook that is not its source's, cell by cell, or was not run from top to bottom."""
    found = []
    for target, made in products(path).items():
        name = target.relative_to(HERE.parent)
        if not target.exists():
            found.append(f"{name} is missing")
            continue
        kept = nbformat.read(target, as_version=4)
        cells = [[(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in one.cells] for one in (made, kept)]
        runs = [cell.execution_count for cell in kept.cells if cell.cell_type == "code"]
        if cells[0] != cells[1] or runs != list(range(1, len(runs) + 1)) or kept.metadata != made.metadata:
            differing = [old[0] for new, old in zip(*cells) if new != old] or ["their number, or an unrun cell"]
            found.append(
                f"{name} is not that of its source: {differing[0]}; run python lessons/build.py {path.name[:2]}"
            )
    return found


def build(path: Path) -> None:
    """Run and write both notebooks of a lesson."""
    for target, notebook in products(path).items():
        execute(notebook, HERE, str(target.relative_to(HERE.parent)))
        notebook["metadata"] = nbformat.from_dict(METADATA)  # the kernel's own names its version
        text = nbformat.writes(notebook) + "\n"
        target.parent.mkdir(exist_ok=True)
        write_file(target, lambda file, text=text: file.write(text.encode()))
        note(f"wrote {target.relative_to(HERE.parent)}")


def for_nbgrader(path: Path, course: Path) -> None:
    """Write a lesson as an nbgrader source assignment: each exercise's cell a solution, and behind it a graded test."""
    notebook, cells, names = read_source(path), [], set()
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            continue
        cells.append(cell)
        if cell.cell_type != "code" or BEGIN not in cell.source:
            continue
        cell.metadata["nbgrader"] = nbgrader(cell.id, solution=True)
        for name in graded(cell.source):
            test = nbformat.v4.new_code_cell(f'assert grade.passed("{name}")', id=f"{path.name[:2]}-test-{name}")
            test.metadata["nbgrader"] = nbgrader(test.id, grade=True, locked=True, points=1)
            cells.append(test)
            names.add(name)
    notebook["cells"] = cells
    target = course / "source" / path.stem / f"{path.stem}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(target, lambda file: file.write((nbformat.writes(notebook) + "\n").encode()))
    note(f"wrote {target}: {len(names)} exercises of one point each")


def nbgrader(cell_id: str, **flags: bool | int) -> dict:
    """Return nbgrader's metadata of a cell, schema version 3."""
    return {
        "schema_version": 3,
        "grade_id": cell_id,
        "grade": False,
        "locked": False,
        "task": False,
        "solution": False,
    } | (flags)


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("lessons", nargs="*", metavar="NN", help="two digits; every lesson if left out")
    parser.add_argument("--check", action="store_true", help="say which notebooks are not their sources'; run nothing")
    parser.add_argument("--table", action="store_true", help="print the table of lessons")
    parser.add_argument("--nbgrader", metavar="COURSE", type=Path, help="write assignments into COURSE/source")
    options = parser.parse_args(arguments)
    try:
        paths = sources(options.lessons)
        if options.check:
            found = [sentence for path in paths for sentence in stale(path)]
            print("\n".join(found) or f"{len(paths)} lessons: the notebooks are those of their sources")
            return bool(found)
        if options.table:
            print(table(paths), end="")
            return 0
        for path in paths:
            for_nbgrader(path, options.nbgrader) if options.nbgrader else build(path)
        if not options.nbgrader:
            write_table()
    except InputError as error:
        note(f"build.py: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
