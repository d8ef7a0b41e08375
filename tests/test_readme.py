"""README and docs tell the truth: examples print what they say, commands and options exist."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from minis2s.cli import main

ROOT = Path(__file__).parent.parent
README, USAGE, CHECKS = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/usage.md", "docs/checks.md")
)


def block(document: str, language: str, nth: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)[nth]


def test_the_example_prints_what_the_readme_says():
    code = block(README, "python")
    after = README[README.index(code) :]
    expected = re.search(r"^```text\n(.*?)^```$", after, re.MULTILINE | re.DOTALL).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})
    error = r"max_relative_error=[\d.e-]+"  # rounding errors differ between machines; the verdict does not
    assert re.sub(error, "", printed.getvalue()) == re.sub(error, "", expected)
    assert len(code.strip().splitlines()) <= 10


def test_nothing_is_left_to_fill_in():
    assert not re.search(r"^[A-Z_]{8,}$", README, re.MULTILINE)


def test_the_layer_of_ones_own_is_checked(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(block(CHECKS, "python"), encoding="utf-8")
    assert main(["gradcheck", f"{tmp_path / 'mine.py'}:Scale"]) == 0
    assert "2 arrays by complex step: all right" in capsys.readouterr().out


@pytest.mark.trains
def test_the_training_from_python_leaves_its_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(block(USAGE, "python"), {})
    assert len(capsys.readouterr().out.splitlines()) == 10
    assert (tmp_path / "sort.png").read_bytes().startswith(b"\x89PNG")


def test_an_invariance_prints_and_draws_what_it_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(block(CHECKS, "python", 1), {})
    assert capsys.readouterr().out.startswith("causality") and (tmp_path / "causality.png").stat().st_size > 1000


def test_the_first_block_holds_the_two_commands():
    install, test = block(README, "sh").splitlines()
    assert "-m venv" in install and "pip install -r requirements.txt" in install
    assert install.endswith("-m minis2s train")
    assert test.endswith("-m pytest")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("line", [line for line in USAGE.splitlines() if line.startswith("python -m minis2s ")])
def test_every_command_and_option_of_the_usage_exists(line, capsys):
    command, options = line.split()[3], re.findall(r"--[a-z-]+", line)
    with pytest.raises(SystemExit):
        main([command, "--help"])
    shown = capsys.readouterr().out
    assert all(option in shown for option in options)
