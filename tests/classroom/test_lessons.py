"""Every lesson: its limits, its links and names, the source as a script, the notebooks against their sources."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

jupytext = pytest.importorskip(
    "jupytext", reason="lessons are read and built with jupytext and nbclient (pip install -e .[dev])"
)
nbformat = pytest.importorskip("nbformat", reason="lessons are built with nbclient (pip install -e .[dev])")
pytest.importorskip("nbclient", reason="lessons are built with nbclient (pip install -e .[dev])")
pytest.importorskip(
    "ipykernel", reason="lessons run in a kernel, which jupyter brings (pip install -r requirements.txt)"
)

from tests.conftest import ROOT  # noqa: E402

LESSONS = ROOT / "lessons"
sys.path.insert(0, str(LESSONS))
import build  # noqa: E402
import reading  # noqa: E402
import running  # noqa: E402

from minis2s.errors import InputError  # noqa: E402

SOURCES = build.sources()
WORDS, CODE_LINES, CELL_LINES, PARAGRAPH_WORDS = (1200, 2000), 150, 20, 80
FORBIDDEN = re.compile(  # style.md has other names for these
    r"attn|attention_weights?|hidden_(size|dim)|emb(ed(ding)?)?_(size|dim)|vocab_size|enc(oder)?_out(puts?)?|energ(y|ies)|"
    r"src|tgt|trg|seq_len|h_tilde|y_(true|pred|hat)|learning_rate|lr|d_[a-z]\w*|grad_\w+|\w+_grad"
)
OFFLINE = running.OFFLINE + "import runpy, sys\nrunpy.run_path(sys.argv[1], run_name='__main__')\n"

lessons = pytest.mark.parametrize("source", SOURCES, ids=[path.stem for path in SOURCES])


def cells(source: Path, kind: str, make=reading.solution) -> list[str]:
    return [cell.source.removeprefix(reading.PREAMBLE) for cell in make(source).cells if cell.cell_type == kind]


def words(markdown: str) -> list[str]:
    """What is read: a formula is one word, addresses and markup are none."""
    text = re.sub(r"\]\(.*?\)", " ", markdown, flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$|\$.*?\$", " formula ", text, flags=re.DOTALL)
    return [word for word in text.split() if re.search(r"\w", word)]


def lines_of_code(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip() and not line.strip().startswith("#")]


def graded(source: Path) -> list[str]:
    return [name for code in cells(source, "code", reading.read_source) for name in reading.graded(code)]


def exercises(source: Path):
    module = __import__(f"minis2s.classroom.exercises.lesson_{source.name[:2]}", fromlist=["grade"])
    return module.grade.exercises


@pytest.mark.slow
@lessons
def test_limits(source):
    prose = cells(source, "markdown", reading.blank)
    assert WORDS[0] <= len([word for text in prose for word in words(text)]) <= WORDS[1]
    code = cells(source, "code")
    given = cells(source, "code", reading.blank)  # answers are the student's
    assert sum(len(lines_of_code(text)) for text in given) <= CODE_LINES
    assert max(len(lines_of_code(text)) for text in code) <= CELL_LINES
    assert max(len(text.splitlines()) for text in prose) <= CELL_LINES
    paragraphs = [part for text in prose for part in re.split(r"\n\s*\n|\n- |\n\d\. ", text)]
    longest = max(paragraphs, key=lambda part: len(words(part)))
    assert len(words(longest)) <= PARAGRAPH_WORDS, longest


@pytest.mark.slow
@lessons
def test_the_header_and_the_exercises(source):
    question = reading.header(source)[2]
    assert question.endswith("?") and reading.seconds(source) <= 120
    assert len(set(graded(source))) >= 3
    assert sorted(set(graded(source))) == sorted(exercises(source)), "each exercise is graded, and none but these"
    answers = "".join(cells(source, "code", reading.read_source)).count(reading.BEGIN)
    assert answers == len(set(graded(source))), "one answer an exercise"
    assert cells(source, "code")[-1] == "grade.summary()"
    assert any("show(" in code or "steps(" in code for code in cells(source, "code")), "a figure"


@lessons
def test_equations_are_numbered_and_have_sources(source):
    prose = cells(source, "markdown")
    tags = re.findall(r"\\tag\{(\d+)\}", "".join(prose))
    assert tags == [str(i + 1) for i in range(len(tags))]
    for text in prose:
        assert "\\tag" not in text or re.search(r"\]\(\.\./\.\./minis2s/.*\.py\)", text), f"no file for {text}"
    everything = "".join(prose)
    assert not tags or re.search(r"\]\(https://(arxiv|doi)\.org/", everything), "no paper"


@pytest.mark.slow
@lessons
@pytest.mark.parametrize("make", [reading.blank, reading.solution])
def test_local_links_lead_somewhere(source, make):
    folder = LESSONS / "solutions" if make is reading.solution else LESSONS
    prose = "".join(cells(source, "markdown", make))
    for link in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" not in link:
            assert (folder / link.partition("#")[0]).exists(), link


@pytest.mark.slow
@lessons
def test_names_are_those_of_the_style(source):
    tree = ast.parse("\n".join(cells(source, "code")))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert not [name for name in names if FORBIDDEN.fullmatch(name)]


def at_most_three_minutes():
    """Limit a process to three minutes of the processor; the clock would count what else the machine does."""
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_CPU, (180, 180))


@pytest.mark.slow
@lessons
def test_the_source_runs_as_a_script(source, tmp_path):
    settings = {"MINIS2S_LESSON": "small", "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error::RuntimeWarning"}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(source)],
        cwd=LESSONS,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        preexec_fn=at_most_three_minutes if os.name == "posix" else None,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    number = len(exercises(source))
    assert f"{number} of {number} exercises done" in done.stdout


@pytest.mark.slow
@lessons
def test_the_notebooks_are_those_of_their_sources(source):
    assert build.stale(source) == []


@lessons
@pytest.mark.parametrize("folder", ["", "solutions"])
def test_the_notebooks_as_committed(source, folder):
    notebook = nbformat.read(LESSONS / folder / f"{source.stem}.ipynb", as_version=4)
    nbformat.validate(notebook)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert any("image/png" in output.get("data", {}) for output in outputs)
    pictures = [output.data for output in outputs if "image/png" in output.get("data", {})]
    assert all(data["text/plain"].startswith("[figure] ") for data in pictures), "each picture is described"
    alts = [output.metadata["image/png"]["alt"] for output in outputs if "image/png" in output.get("data", {})]
    assert [f"[figure] {alt}" for alt in alts] == [data["text/plain"] for data in pictures]
    text = (LESSONS / folder / f"{source.stem}.ipynb").read_text(encoding="utf-8")
    assert "widget" not in text and "iopub" not in text and str(Path.home()) + "/" not in text
    last = notebook.cells[-1].outputs[0].text
    number = len(exercises(source))
    assert f"{number if folder else 0} of {number} exercises done" in last
    assert not re.search(r"\] \w+ +wrong:", last), "a blank answer is blank, not wrong"
    assert reading.BEGIN not in text and ("your code here" in text) == (folder == "")


@pytest.mark.trains
@lessons
@pytest.mark.parametrize("make", [reading.blank, reading.solution])
def test_the_notebook_runs_in_a_fresh_kernel(source, make, monkeypatch):
    if make is reading.blank:  # its claims are those of the solution, which trains in full
        monkeypatch.setenv("MINIS2S_LESSON", "small")
    notebook, before = make(source), os.times()
    running.execute(notebook, LESSONS, source.stem)
    after = os.times()  # the kernel's own seconds, on one thread: the clock would count what else the machine does
    took = after.children_user + after.children_system - before.children_user - before.children_system
    assert took <= 5 * reading.seconds(source)
    assert "exercises done" in notebook.cells[-1].outputs[0].text


@pytest.mark.trains
def test_the_same_bytes_on_every_run(tmp_path, monkeypatch):
    written = []
    for folder in ("first", "second"):
        monkeypatch.setattr(build, "HERE", tmp_path / folder / "lessons")
        build.HERE.mkdir(parents=True)
        build.build(SOURCES[1])  # it draws, prints and grades, within seconds
        written.append([path.read_bytes() for path in sorted(build.HERE.rglob("*.ipynb"))])
    assert len(written[0]) == 2 and written[0] == written[1]


@pytest.mark.parametrize("document", ["WRITING.md", "README.md"])
def test_links_of_the_documents(document):
    text = re.sub(r"```.*?```|`[^`]*`", "", (LESSONS / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    assert all((LESSONS / link).exists() for link in re.findall(r"\]\(([^):]+)\)", text))


def test_the_table_of_the_readme():
    assert build.table(SOURCES) in (LESSONS / "README.md").read_text(encoding="utf-8")


def notebook_of(code: str, *tags: str):
    cell = nbformat.v4.new_code_cell(code, id="one", metadata={"tags": list(tags)} if tags else {})
    return nbformat.v4.new_notebook(cells=[cell], metadata=reading.METADATA)


@pytest.mark.trains
@pytest.mark.parametrize(
    "code, says",
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import sys\nprint('oh', file=sys.stderr)", "standard error: 'oh'"),
        ("print(object())", "shows '0x"),
        ("import tempfile\nprint('/tmp/' + 'x')", "shows '/tmp/'"),
        ("import urllib.request as r\nr.urlopen('http://example.org')", "without a network"),
    ],
)
def test_what_the_build_refuses(code, says, tmp_path):
    with pytest.raises(InputError, match=re.escape(says)):
        running.execute(notebook_of(code), tmp_path, "a lesson")


@pytest.mark.trains
def test_times_are_not_committed(tmp_path):
    notebook = notebook_of("import time\nprint(time.time())", "volatile")
    running.execute(notebook, tmp_path, "a lesson")
    assert notebook.cells[0].outputs[0].text == running.VOLATILE


def test_answers_are_taken_out():
    source = "def f(x):\n    ### BEGIN SOLUTION\n    y = 2\n    return y\n    ### END SOLUTION\n\n\ngrade(f)"
    assert reading.without_answers(source, "") == "def f(x):\n    ...  # your code here\n\n\ngrade(f)"
    source = 'which = ...  # "A" or "B"\n### BEGIN SOLUTION\nwhich = "A"\n### END SOLUTION'
    assert reading.without_answers(source, "") == 'which = ...  # "A" or "B"'
    for wrong in ("### BEGIN SOLUTION", "### END SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION"):
        with pytest.raises(InputError, match="without its partner"):
            reading.without_answers(wrong, "a cell")


def test_a_lesson_for_nbgrader(tmp_path):
    build.for_nbgrader(SOURCES[0], tmp_path)
    (path,) = tmp_path.rglob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    flags = [cell.metadata["nbgrader"] for cell in notebook.cells if "nbgrader" in cell.metadata]
    tests = [cell.source for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert len({flag["grade_id"] for flag in flags}) == len(flags)
    assert tests == [f'assert grade.passed("{name}")' for name in graded(SOURCES[0])]


def test_a_notebook_that_is_not_its_sources(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "HERE", tmp_path / "lessons")
    (build.HERE / "source").mkdir(parents=True)
    source = build.HERE / "source" / "01_x.py"
    source.write_text("# %% [markdown]\n# hello\n\n# %%\nprint(1)\n", encoding="utf-8")
    assert build.main(["--check"]) == 1
    assert "01_x.ipynb is missing" in capsys.readouterr().out
    for target, notebook in build.products(source).items():
        target.parent.mkdir(exist_ok=True)
        notebook.cells[1]["execution_count"] = 1
        nbformat.write(notebook, target)
    assert build.main(["--check"]) == 0
    capsys.readouterr()
    source.write_text("# %% [markdown]\n# hello\n\n# %%\nprint(2)\n", encoding="utf-8")
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.count("01-02; run python lessons/build.py 01") == 2


@pytest.mark.parametrize("argument", ["7", "77"])
def test_a_lesson_that_is_not_there(argument, capsys):
    assert build.main([argument]) == 2
    assert capsys.readouterr().err.startswith(f"build.py: lesson {argument} has no source")
