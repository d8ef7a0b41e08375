"""What is wrong with a file of one's own is said in one line, and what it prints or does stays in its own process."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minis2s.checks import apart, check_own, gradcheck
from minis2s.cli import main
from minis2s.layers import GRU


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


MINE = """
import numpy as np
from minis2s.layers import record

SUM = np.zeros(4)

def helper(d):
    return d[99]

@record
class Mine:
    W: np.ndarray
    b: np.ndarray

    @staticmethod
    def case(rng):
        return Mine(rng.normal(size=(3, 4)), rng.normal(size=4)), (rng.normal(size=(5, 3)),)

    def forward(self, x):
        y = x @ self.W + self.b
        return y, x

    def backward(self, dy, x):
        gradient = Mine(x.T @ dy, dy.sum(0))
        return gradient, dy @ self.W.T
"""
FORWARD, BACKWARD = "        return y, x\n", "        return gradient, dy @ self.W.T\n"

BROKEN = {  # what stands in place of what: words of the line on standard error
    "forward without return": (FORWARD, "", "mine.py:Mine: forward returns nothing; end it with: return y, cache"),
    "backward without return": (BACKWARD, "", "backward returns nothing; end it with: return gradient, dx"),
    "forward without cache": (
        FORWARD,
        "        return y\n",
        "forward has to return two things, its output and a cache",
    ),
    "input changed": (FORWARD, "        x *= 2\n" + FORWARD, "forward changes x, which is not its own; work on a copy"),
    "weights changed": (BACKWARD, "        self.W[:] = 0\n" + BACKWARD, "backward changes W, which is not its own"),
    "dy changed": (BACKWARD, "        dy += 1\n" + BACKWARD, "backward changes dy, which is not its own"),
    "adds up over calls": (
        "gradient = Mine(x.T @ dy, dy.sum(0))",
        "gradient = Mine(x.T @ dy, dy.sum(0))\n        SUM[:] += gradient.b\n        gradient.b[:] = SUM",
        "backward called twice gives two answers; it changes its cache or keeps a state",
    ),
    "a dictionary": (
        "gradient = Mine(x.T @ dy, dy.sum(0))",
        "gradient = {'W': x.T @ dy}",
        "result is a dict; return the",
    ),
    "wrong shape of a gradient": ("dy.sum(0))", "dy)", "the gradient of b has shape (5, 4), the array itself (4,)"),
    "wrong shape of the output": (
        "y = x @ self.W + self.b",
        "y = (x @ self.W + self.b)[:, 1:]",
        "the shape (5, 3), that of linear (5, 4); mend forward first",
    ),
    "a list for an output": (
        "return y, x",
        "return y.tolist(), x",
        "mine.py:Mine: forward's output is a list; return one",
    ),
    "a list for a gradient": (
        "dy @ self.W.T\n",
        "(dy @ self.W.T).tolist()\n",
        "a gradient of backward is a list; return",
    ),
    "a dtype of its own": (
        "y = x @ self.W + self.b",
        "y = (x @ self.W).astype('f4')",
        "output is in float32, which is too",
    ),
    "a gradient in float32": (
        "x.T @ dy,",
        "(x.T @ dy).astype('f4'),",
        "a gradient of backward is in float32, which is too",
    ),
    "an exception": (
        "y = x @ self.W",
        "y = x @ self.V",
        "mine.py, line 20: AttributeError: 'Mine' object has no attribute 'V'",
    ),
    "an exception in between": ("dy.sum(0)", "helper(dy)", "mine.py, line 8: IndexError"),
    "no method": ("def backward", "def backwards", "the class has no method backward; write one"),
    "other fields": ("    b: np", "    c: np", "its fields are W, c, those of linear are W, b; give it the same names"),
    "no record": ("@record\n", "", "the class is not a record, so its arrays cannot be found; write @record above it"),
    "the end of Python": (
        FORWARD,
        "        import os; os._exit(3)\n",
        "its process ended with status 3; look for what ends",
    ),
    "exit": (FORWARD, "        raise SystemExit(0)\n", "mine.py, line 21: SystemExit: 0; mend it"),
    "no end": (FORWARD, "        while True: pass\n", "no end after 1 s; look for a loop that does not end"),
}


@pytest.mark.parametrize("bug", BROKEN)
def test_what_is_wrong_is_said_in_one_line(bug, here, capsys):
    old, new, words = BROKEN[bug]
    assert old in MINE
    Path("mine.py").write_text(MINE.replace(old, new))
    seconds = "1" if bug == "no end" else "60"  # a busy machine may take its time with the others
    start = time.perf_counter()
    assert main(["gradcheck", "mine.py:Mine", "--like", "linear", "--seconds", seconds]) == 2
    assert bug != "no end" or time.perf_counter() - start < 15
    out, err = capsys.readouterr()
    assert words in err and out == "" and err.count("\n") == 1 and "Traceback" not in err, err


def test_what_the_file_prints_goes_to_standard_error(here):
    Path("mine.py").write_text("print('hello')\n" + MINE)
    done = subprocess.run(
        [sys.executable, "-m", "minis2s", "gradcheck", "mine.py:Mine", "--json"],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        timeout=60,
    )
    assert done.stderr.split() == [b"hello"] and done.returncode == 0 and json.loads(done.stdout)["arrays"]


def test_where_nothing_can_be_forked_a_class_is_checked_here(monkeypatch):
    monkeypatch.setattr(apart.sys, "platform", "elsewhere")

    class Local(GRU):
        pass

    assert gradcheck(Local, like="gru").ok


def test_a_new_python_checks_a_file_where_nothing_can_be_forked(here, monkeypatch):
    monkeypatch.setattr(apart.sys, "platform", "elsewhere")
    Path("mine.py").write_text(MINE)
    assert check_own("mine.py:Mine", like="linear").ok


def test_the_command_line_refuses_what_makes_no_sense(here, capsys):
    Path("mine.py").write_text(MINE)
    for arguments, words in {
        ("gru", "--like", "gru"): "--like compares a layer of your own with ours; give FILE.py:CLASS before it",
        ("mine.py:Mine", "--like", "grue"): "there is no layer 'grue' to compare with; choose one of linear, ",
        ("mine.py:Mine", "--like", "gru"): "its fields are W, b, those of gru are W_x, W_h, b_x, b_h; ",
    }.items():
        assert main(["gradcheck", *arguments]) == 2
        out, err = capsys.readouterr()
        assert words in err and out == "" and err.count("\n") == 1


def test_the_wrong_array_of_a_file_is_diagnosed(here, capsys):
    Path("mine.py").write_text(MINE.replace("dy.sum(0)", "dy[0]"))
    assert main(["gradcheck", "mine.py:Mine"]) == 1
    said = "b: consistent with row 0 alone: a sum over the rows is missing; found "
    assert f"\nmine.py:Mine, {said}" in capsys.readouterr().out
    assert main(["gradcheck", "mine.py:Mine", "--json"]) == 1
    W, b, x = json.loads(capsys.readouterr().out)["arrays"]
    assert b["diagnosis"][0].startswith(said) and "diagnosis" not in W | x


def test_a_class_takes_no_inputs():
    with pytest.raises(ValueError, match="leave the inputs out"):
        gradcheck(GRU, 1, like="gru")
