"""A layer of one's own: starter files, friendly errors, the comparison with ours, and the process apart."""

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from minis2s.checks import apart, check_own, gradcheck, own
from minis2s.cli import main
from minis2s.errors import InputError
from minis2s.layers import GRU, GRUBefore, record

FILLED = {  # template: (class, what stands in place of the NotImplementedError, like, arrays of the report)
    "linear": ("MyLinear", "dW, db, dx = ours(Linear, self, [x], dy)", "linear", 7),
    "softmax": ("MySoftmax", "dscore = p * (dp - (p * dp).sum(-1, keepdims=True))", None, 1),
    "cross_entropy": (
        "MyCrossEntropy",
        "real = np.eye(p.shape[1])[wanted]\n"
        "dlogits = np.zeros((*mask.shape, p.shape[1]))\n"
        "dlogits[mask] = (p - real) * dloss / N",
        "cross_entropy",
        3,
    ),
    "attention": (
        "MyAttention",
        "dW_q, dW_k, dv, dquery, dmemory = ours(AdditiveAttention, self, [query, memory, alpha != 0], dcontext)",
        "attention",
        11,
    ),
    "gru": (
        "MyGRU",
        "da_n = dh_new * (1 - z) * (1 - n * n)\n"
        "da_z = dh_new * (h - n) * z * (1 - z)\n"
        "da_r = da_n * u_n * r * (1 - r)\n"
        "da, du = np.stack([da_n, da_z, da_r]), np.stack([da_z, da_r, da_n * r])\n"
        "dW_x += x[now].T @ da\n"
        "dW_h += h.T @ du\n"
        "db_x += da.sum(1, keepdims=True)\n"
        "db_h += du.sum(1, keepdims=True)\n"
        "dx[now] = (da @ self.W_x.swapaxes(1, 2)).sum(0)\n"
        "dh = (du @ self.W_h.swapaxes(1, 2)).sum(0) + dh_new * z",
        "gru",
        13,
    ),
    "lstm": (
        "MyLSTM",
        "dc_new = dc_new + dh_new * o * (1 - tanh_c**2)\n"
        "da_i, da_f = dc_new * g * i * (1 - i), dc_new * c * f * (1 - f)\n"
        "da_o, da_g = dh_new * tanh_c * o * (1 - o), dc_new * i * (1 - g * g)\n"
        "da = np.stack([da_g, da_i, da_f, da_o])\n"
        "dW_x += x[now].T @ da\n"
        "dW_h += h.T @ da\n"
        "db += da.sum(1, keepdims=True)\n"
        "dx[now] = (da @ self.W_x.swapaxes(1, 2)).sum(0)\n"
        "ds = np.concatenate([(da @ self.W_h.swapaxes(1, 2)).sum(0), dc_new * f], axis=1)",
        "lstm",
        11,
    ),
}

OURS = """
from minis2s.layers import AdditiveAttention, Linear, walk

def ours(kind, mine, inputs, dy):
    layer = kind(*(array for _, array in walk(mine)))
    gradient, *dinputs = layer.backward(dy, layer.forward(*inputs)[1])
    return *(array for _, array in walk(gradient)), *dinputs
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def filled(name, code, capsys):
    """The printed template with code in place of what is missing."""
    assert main(["gradcheck", "--template", name]) == 0
    text = capsys.readouterr().out
    (indent,) = re.findall(r"^( +)raise NotImplementedError$", text, re.MULTILINE)
    return text.replace(f"{indent}raise NotImplementedError", textwrap.indent(code, indent)) + OURS


@pytest.mark.parametrize("name", own.TEMPLATES)
def test_a_template_as_printed_says_what_is_missing(name, here, capsys):
    assert main(["gradcheck", "--template", name]) == 0
    text = capsys.readouterr().out
    assert "noqa" not in text
    Path("mine.py").write_text(text)
    kind = FILLED[name][0]
    assert main(["gradcheck", f"mine.py:{kind}"]) == 2
    line = text.split("\n").index(next(line for line in text.split("\n") if "raise Not" in line)) + 1
    out, err = capsys.readouterr()
    assert (
        f"error: mine.py, line {line}: backward is still to be written; " in err and out == "" and err.count("\n") == 1
    )


@pytest.mark.parametrize("name", own.TEMPLATES)
def test_a_template_filled_in_passes(name, here, capsys):
    kind, code, like, arrays = FILLED[name]
    Path("mine.py").write_text(filled(name, code, capsys))
    assert main(["gradcheck", f"mine.py:{kind}"]) == 0, capsys.readouterr()
    assert "all right" in capsys.readouterr().out
    if like:
        assert main(["gradcheck", f"mine.py:{kind}", "--like", like, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["max_relative_error"] <= 1e-10 and len(found["arrays"]) == arrays
        assert f"mine.py:{kind} against {like}" in {row["layer"] for row in found["arrays"]}


def test_there_is_a_template_for_each():
    assert set(own.TEMPLATES) == set(FILLED)


# What can go wrong

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
    start = time.perf_counter()
    assert main(["gradcheck", "mine.py:Mine", "--like", "linear", "--seconds", "1"]) == 2
    assert time.perf_counter() - start < 5
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


def test_a_pair_of_functions(here, capsys):
    pair = """
def mine_forward(x, W, b):
    return x @ W + b, (x, W)

def mine_backward(dy, cache):
    x, W = cache
    return dy @ W.T, x.T @ dy, dy.sum(0)

def mine_case(rng):
    return rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
"""
    Path("pair.py").write_text(pair)
    assert main(["gradcheck", "pair.py:mine"]) == 0 and main(["gradcheck", "pair.py:mine", "--like", "linear"]) == 0
    assert [line.split()[1:3] for line in capsys.readouterr().out.splitlines()[-9:-1]][-4:] == [
        ["against", "linear"]
    ] * 4
    Path("pair.py").write_text(pair.replace("dy.sum(0)", "dy.mean(0)"))
    assert main(["gradcheck", "pair.py:mine", "--like", "linear"]) == 1
    assert "1/N with N = 5" in capsys.readouterr().out
    Path("pair.py").write_text(pair.replace("mine_forward(x, W, b)", "mine_forward(x, W, c)"))
    assert main(["gradcheck", "pair.py:mine", "--like", "linear"]) == 2
    assert "forward takes c, but there are x, W, b; rename them" in capsys.readouterr().err


def linear_forward(x, W, b):
    return x @ W + b, (x, W)


def linear_backward(dy, cache):
    return dy @ cache[1].T, cache[0].T @ dy, -dy.sum(0)


def test_from_python():
    class Local(GRU):
        pass

    report = gradcheck(Local, like="gru")
    assert report.ok and {row.layer for row in report.rows} == {"Local", "Local against gru"}
    report = check_own((linear_forward, linear_backward), like="linear")
    assert [(row.layer, row.array) for row in report.rows if not row.ok] == [
        ("linear", "b"),
        ("linear against linear", "b"),
    ]
    with pytest.raises(InputError, match="no layer 'seq2seq_plain' to compare with"):
        check_own(Local, like="seq2seq_plain")
    with pytest.raises(ValueError, match="nothing to check it with"):
        gradcheck(Local)


def variant(swap=(0, 1, 2), hidden=(0, 1, 2), z=1.0):
    """A GRU that takes its gates in another order, or z for 1 - z; its gradient is right."""
    sign_x, sign_h = (np.array(signs)[:, None, None] for signs in ((1, z, 1), (z, 1, 1)))

    @record
    class Variant(GRU):
        def forward(self, x, s0, alive):
            cell = GRU(
                self.W_x[list(swap)] * sign_x,
                self.W_h[list(hidden)] * sign_h,
                self.b_x[list(swap)] * sign_x,
                self.b_h[list(hidden)] * sign_h,
            )
            return cell.forward(x, s0, alive)

    return Variant


@pytest.mark.parametrize(
    "kind, words",
    [
        (variant(z=-1.0), "consistent with z and 1 - z exchanged"),
        (variant(swap=(2, 1, 0)), "consistent with the gates of W_x in the order r, z, n (ours: n, z, r)"),
        (variant((1, 2, 0), (1, 0, 2)), "the gates of W_h in the order r, z, n (ours: z, r, n)"),
    ],
)
def test_another_cell_than_ours_is_named(kind, words):
    report = check_own(kind, like="gru")
    said = report.diagnoses["Variant against gru", "output"]
    assert words in said[0] and "gradients are not compared" in said[-1], said


def test_reset_before_is_told_from_reset_after():
    @record
    class Before(GRU):
        def forward(self, x, s0, alive):
            twin = GRUBefore(self.W_x, self.W_h[[2, 0, 1]], self.b_x + self.b_h[[2, 0, 1]])
            return twin.forward(x, s0, alive)[0], GRU.forward(self, x, s0, alive)[1]

    said = check_own(Before, like="gru").diagnoses["Before against gru", "output"][0]
    assert "consistent with the reset gate before the product (Cho et al. 2014)" in said


def test_where_nothing_can_be_forked_a_class_is_checked_here(monkeypatch):
    monkeypatch.setattr(apart.sys, "platform", "elsewhere")

    class Local(GRU):
        pass

    assert gradcheck(Local, like="gru").ok


def test_a_new_python_checks_a_file_where_nothing_can_be_forked(here, monkeypatch):
    monkeypatch.setattr(apart.sys, "platform", "elsewhere")
    Path("mine.py").write_text(MINE)
    assert check_own("mine.py:Mine", like="linear").ok
