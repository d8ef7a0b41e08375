"""What is wrong with a file of one's own is said in one line, and what it prints or does stays in its own process."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import types
from pathlib import Path

import pytest

from minis2s.checks import check_own, gradcheck
from minis2s.checks.user_layers import subprocess as user_process
from minis2s.cli import main
from minis2s.layers import GRU
from tests.conftest import ROOT


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
    "exit in the file": ("SUM = np", "raise SystemExit\nSUM = np", "mine.py, line 5: SystemExit: ; mend it"),
    "killed": (FORWARD, "        import os; os.kill(os.getpid(), 9)\n", "its process ended with status -9; look for"),
    "an exception of no kind": (
        FORWARD,
        "        raise type('B', (BaseException,), {})('x')\n",
        "mine.py, line 21: B: x; mend it",
    ),
    "GeneratorExit": (FORWARD, "        raise GeneratorExit\n", "mine.py, line 21: GeneratorExit: ; mend it"),
    "an exception without words": (
        FORWARD,
        "        raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})\n",
        "mine.py, line 21: E: its message cannot be shown; mend it",
    ),
    "a long message": (FORWARD, "        raise KeyError('ab' * 10**6)\n", "mine.py, line 21: KeyError: 'abab"),
    "a message of lines and commands": (
        FORWARD,
        "        raise OSError('a\\n\\x1b[2J\\ud800')\n",
        "mine.py, line 21: OSError: a\\n\\x1b[2J\\ud800; mend it",
    ),
    "another NumPy": ("SUM = np", "np.abs = lambda x: x * 0\nSUM = np", "it replaces numpy.abs, which the check needs"),
    "another NumPy later": (FORWARD, "        np.allclose = print\n" + FORWARD, "it replaces numpy.allclose"),
    "input": (FORWARD, "        input()\n", "mine.py, line 21: EOFError: "),
    "its own signal": (
        FORWARD,
        "        import signal\n        signal.signal(15, signal.SIG_IGN)\n        while True: pass\n",
        "no end after 1 s",
    ),
    "no end": (FORWARD, "        while True: pass\n", "no end after 1 s; look for a loop that does not end"),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BROKEN)
def test_what_is_wrong_is_said_in_one_line(bug, here, capfd):
    old, new, words = BROKEN[bug]
    assert old in MINE
    Path("mine.py").write_text(MINE.replace(old, new))
    seconds = "1" if "while True" in new else "60"  # a busy machine may take its time with the others
    assert main(["gradcheck", "mine.py:Mine", "--like", "linear", "--seconds", seconds]) == 2
    out, err = capfd.readouterr()
    assert words in err and out == "" and err.count("\n") == 1 and "Traceback" not in err, err
    assert len(err) < 1000 and "\x1b" not in err


@pytest.mark.slow
def test_what_the_file_prints_goes_to_standard_error(here):
    Path("mine.py").write_text("print('hello')\n" + MINE)
    done = subprocess.run(
        [sys.executable, "-m", "minis2s", "gradcheck", "mine.py:Mine", "--json"],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.stderr.split() == [b"hello"] and done.returncode == 0 and json.loads(done.stdout)["arrays"]


def checked(before, seconds="60"):
    """Check a file whose forward does something before; return status, output and errors, as bytes."""
    body = textwrap.indent(f"import os, subprocess, sys, time\n{before}\n", " " * 8)
    Path("mine.py").write_text(MINE.replace(FORWARD, body + FORWARD))
    done = subprocess.run(
        [sys.executable, "-m", "minis2s", "gradcheck", "mine.py:Mine", "--json", "--seconds", seconds],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=100,
    )
    return done.returncode, done.stdout, done.stderr


def ended(number):
    """Wait until a process has ended; it may be a zombie that nobody has looked after."""
    for _ in range(1000):
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


HARMLESS = {  # what changes nothing
    "closes every file": "os.closerange(3, 1000)",
    "writes into every file": (
        "for fd in range(3, 20):\n    try: os.write(fd, b'\\0\\0\\0\\5hello')\n    except OSError: pass"
    ),
    "prints": "print('x' * 10**5); os.write(1, b'{}'); sys.__stdout__.write('y'); sys.__stdout__.flush()",
    "forks": "if os.fork() == 0:\n    open('started', 'w')\n    time.sleep(200)",
    "forks and goes on": "os.fork()",
    "leaves a process running": "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(200)'], stdout=2)",
    "leaves a thread running": "import threading; threading.Thread(target=time.sleep, args=(200,)).start()",
    "registers for the exit": "import atexit; atexit.register(time.sleep, 200)",
}
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what bounds a process is of Linux")


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("habit", HARMLESS)
def test_what_a_file_does_besides_spoils_no_answer_and_makes_no_one_wait(habit, here):
    status, out, err = checked(HARMLESS[habit])
    assert status == 0 and [row["ok"] for row in json.loads(out)["arrays"]] == [True] * 3
    assert b"Traceback" not in err and not Path("started").exists()


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("end", ["raise ValueError(1)", "os._exit(3)", "while True: pass"])
def test_what_it_started_ends_with_it(here, end):
    code = "import os, time; open('started', 'w').write(str(os.getpid())); time.sleep(200)"
    start = (
        f"subprocess.Popen([sys.executable, '-c', {code!r}])\nwhile not os.path.exists('started'): time.sleep(0.01)\n"
    )
    status, _, err = checked(start + end, seconds="5" if "while" in end else "60")
    assert status == 2 and err.count(b"\n") == 1 and ended(int(Path("started").read_text()))


@pytest.mark.slow
@on_linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_parent(here, number):
    start = "        import os; open('started', 'w').write(str(os.getpid()))\n        while True: pass\n"
    Path("mine.py").write_text(MINE.replace(FORWARD, start))
    parent = subprocess.Popen(
        [sys.executable, "-m", "minis2s", "gradcheck", "mine.py:Mine"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    while not (Path("started").exists() and Path("started").read_text()):
        time.sleep(0.01)
    parent.send_signal(number)
    parent.wait(60)
    assert ended(int(Path("started").read_text()))


@pytest.mark.slow
@on_linux
def test_memory_is_bounded(here, capfd, monkeypatch):
    monkeypatch.setattr(user_process, "MEMORY", 0.2)
    take = "        kept = [np.ones(10**6) for _ in range(100)]\n"
    Path("mine.py").write_text(MINE.replace(FORWARD, take + FORWARD))
    assert main(["gradcheck", "mine.py:Mine"]) == 2
    assert "mine.py, line 21: MemoryError: " in capfd.readouterr().err
    monkeypatch.setattr(user_process, "MEMORY", 4)
    assert main(["gradcheck", "mine.py:Mine"]) == 0


@on_linux
def test_time_of_the_processor_is_bounded(here, monkeypatch):
    import resource

    limits = []
    monkeypatch.setattr(user_process.os, "getppid", lambda: 1)
    for name in ("setsid", "register_at_fork", "dup2"):
        monkeypatch.setattr(user_process.os, name, lambda *_, **__: None)
    monkeypatch.setattr(user_process.ctypes, "CDLL", lambda _: types.SimpleNamespace(prctl=lambda *_: 0))
    monkeypatch.setattr(user_process.sys, "stdout", sys.stdout)
    monkeypatch.setattr(resource, "setrlimit", lambda which, most: limits.append((which, most)))
    user_process.confine(1, 7)
    assert (resource.RLIMIT_CPU, (12, 12)) in limits


@on_linux
@pytest.mark.parametrize(
    "said", ["", "[true, 1]", "[true, [{}, []]]", "[false, 3]", "[" * 99_999, '"x"', "\xff", "[1]"]
)
def test_an_answer_that_is_none_is_refused(here, capfd, monkeypatch, said):
    Path("mine.py").write_text(MINE)

    def answer(path, *_):
        path.write_text(said, encoding="latin-1")
        os._exit(0)

    monkeypatch.setattr(user_process, "answer", answer)
    assert main(["gradcheck", "mine.py:Mine"]) == 2
    out, err = capfd.readouterr()
    assert err == "minis2s: error: mine.py:Mine: its process gave no report; look for what it writes to files\n"
    assert out == ""


def test_where_nothing_can_be_forked_a_class_is_checked_here(monkeypatch):
    monkeypatch.setattr(user_process.sys, "platform", "elsewhere")

    class Local(GRU):
        pass

    assert gradcheck(Local, like="gru").ok


def test_a_new_python_checks_a_file_where_nothing_can_be_forked(here, monkeypatch):
    monkeypatch.setattr(user_process.sys, "platform", "elsewhere")
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
    Path("mine.py").write_text(MINE.replace("dy.sum(0)", "dy.mean(0)"))
    assert main(["gradcheck", "mine.py:Mine"]) == 1
    said = "b: consistent with a factor of 1/N with N = 5: every entry is 0.2 times the expected one; found "
    assert f"\nmine.py:Mine, {said}" in capsys.readouterr().out
    assert main(["gradcheck", "mine.py:Mine", "--json"]) == 1
    W, b, x = json.loads(capsys.readouterr().out)["arrays"]
    assert b["diagnosis"][0].startswith(said) and "diagnosis" not in W | x


def test_a_class_takes_no_inputs():
    with pytest.raises(ValueError, match="leave the inputs out"):
        gradcheck(GRU, 1, like="gru")


def test_a_refusal_that_says_what_to_do_does_not_ask_to_mend_it(here, capsys):
    text = (
        "import numpy as np\nfrom minis2s.layers import Linear, cast\n\nclass Mine(Linear):\n    @staticmethod\n"
        "    def case(rng):\n        return cast(Linear.init(rng, 3, 4), np.float32), (rng.random((5, 3)),)\n"
    )
    Path("mine.py").write_text(text)
    assert main(["gradcheck", "mine.py:Mine"]) == 2
    assert capsys.readouterr().err.endswith("check in float64, with cast(layer, np.float64)\n")
