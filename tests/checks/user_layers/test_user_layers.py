"""A layer of one's own: starter files, functions in place of a class, and the comparison with ours."""

import json
import re
import textwrap
from pathlib import Path

import numpy as np
import pytest

from minis2s.checks import check_own, gradcheck
from minis2s.checks.diagnosis.context import gate_names
from minis2s.checks.diagnosis.finding import Cause
from minis2s.checks.user_layers.check import TEMPLATES
from minis2s.cli import main
from minis2s.errors import InputError
from minis2s.layers import GRU, GRUResetBefore, record

FILLED = {  # template: (class, what stands in place of the NotImplementedError, like, arrays of the report)
    "linear": ("MyLinear", "dW, db, dx = ours(Linear, self, [x], dy)", "linear", 4),
    "softmax": ("MySoftmax", "dscore = p * (dp - (p * dp).sum(-1, keepdims=True))", None, 1),
    "cross_entropy": (
        "MyCrossEntropy",
        "real = np.eye(p.shape[1])[wanted]\n"
        "dlogits = np.zeros((*mask.shape, p.shape[1]))\n"
        "dlogits[mask] = (p - real) * dloss / N",
        "cross_entropy",
        2,
    ),
    "attention": (
        "MyAttention",
        "dW_q, dW_k, dv, dquery, dmemory = ours(AdditiveAttention, self, [query, memory, alpha != 0], dcontext)",
        "attention",
        6,
    ),
    "gru": (
        "MyGRU",
        "da_n = dh_new * (1 - z) * (1 - n * n)\n"
        "da_z = dh_new * (h - n) * z * (1 - z)\n"
        "da_r = da_n * u_n * r * (1 - r)\n"
        "da, du = np.stack([da_r, da_z, da_n]), np.stack([da_r, da_z, da_n * r])\n"
        "dW_x += x[rows].T @ da\n"
        "dW_h += h.T @ du\n"
        "db_x += da.sum(1, keepdims=True)\n"
        "db_h += du.sum(1, keepdims=True)\n"
        "dx[rows] = (da @ self.W_x.swapaxes(1, 2)).sum(0)\n"
        "dh = (du @ self.W_h.swapaxes(1, 2)).sum(0) + dh_new * z",
        "gru",
        7,
    ),
    "lstm": (
        "MyLSTM",
        "dc_new = dc_new + dh_new * o * (1 - tanh_c**2)\n"
        "da_i, da_f = dc_new * g * i * (1 - i), dc_new * c * f * (1 - f)\n"
        "da_o, da_g = dh_new * tanh_c * o * (1 - o), dc_new * i * (1 - g * g)\n"
        "da = np.stack([da_g, da_i, da_f, da_o])\n"
        "dW_x += x[rows].T @ da\n"
        "dW_h += h.T @ da\n"
        "db += da.sum(1, keepdims=True)\n"
        "dx[rows] = (da @ self.W_x.swapaxes(1, 2)).sum(0)\n"
        "ds = np.concatenate([(da @ self.W_h.swapaxes(1, 2)).sum(0), dc_new * f], axis=1)",
        "lstm",
        6,
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


@pytest.mark.parametrize("name", TEMPLATES)
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


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_filled_in_passes(name, here, capsys):
    kind, code, like, arrays = FILLED[name]
    Path("mine.py").write_text(filled(name, code, capsys))
    assert main(["gradcheck", f"mine.py:{kind}"]) == 0, capsys.readouterr()
    assert "all right" in capsys.readouterr().out
    if like:
        assert main(["gradcheck", f"mine.py:{kind}", "--like", like, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["max_relative_error"] <= 1e-10 and len(found["arrays"]) == arrays
        assert found["arrays"][-1]["layer"] == f"mine.py:{kind} against {like}"


def test_there_is_a_template_for_each():
    assert set(TEMPLATES) == set(FILLED)


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
    assert capsys.readouterr().out.splitlines()[-2].split()[1:4] == ["against", "linear", "output"]
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
    assert [(row.layer, row.array) for row in report.rows if not row.ok] == [("linear", "b")]
    with pytest.raises(InputError, match="no layer 'seq2seq_plain' to compare with"):
        check_own(Local, like="seq2seq_plain")
    with pytest.raises(ValueError, match="nothing to check it with"):
        gradcheck(Local)


def variant(order=(0, 1, 2), z=1.0):
    """A GRU that takes its gates in another order, or z for 1 - z; its gradient is right."""
    sign = np.array((1, z, 1))[:, None, None]

    @record
    class Variant(GRU):
        def forward(self, x, s0, batch_sizes):
            return GRU(*(W[list(order)] * sign for W in vars(self).values())).forward(x, s0, batch_sizes)

    return Variant


@record
class Before(GRU):
    def forward(self, x, s0, batch_sizes):
        twin = GRUResetBefore(self.W_x, self.W_h, self.b_x + self.b_h)
        return twin.forward(x, s0, batch_sizes)[0], GRU.forward(self, x, s0, batch_sizes)[1]


@record
class Halved(GRU):
    def forward(self, x, s0, batch_sizes):
        return GRU.forward(self, x, s0 / 2, batch_sizes)


@pytest.mark.parametrize(
    "kind, words",
    [
        (variant(z=-1.0), "z and 1 - z exchanged"),
        (variant((2, 1, 0)), "the gates in the order n, z, r (ours: r, z, n)"),
        (variant((1, 2, 0)), "the gates in the order n, r, z (ours: r, z, n)"),
        (variant((2, 1, 0), z=-1.0), "the gates in the order n, z, r (ours: r, z, n), and z and 1 - z exchanged"),
        (Before, "the reset gate before the product (Cho et al. 2014)"),
        (Halved, "another function than gru"),
    ],
)
def test_another_cell_than_ours_is_named(kind, words):
    report = check_own(kind, like="gru")
    assert f"{kind.__name__} against gru, output: consistent with {words}" in str(report)
    (hit,) = report.diagnoses[f"{kind.__name__} against gru", "output"]
    assert hit.cause is Cause.OTHER_FUNCTION and hit.numbers.startswith("found ")


def test_a_file_of_an_earlier_template_still_finds_what_it_imports():
    from minis2s.layers import packing

    assert packing.steps_of([3, 2, 1]) == packing.step_slices([3, 2, 1]) == [slice(0, 3), slice(3, 5), slice(5, 6)]

    @record
    class Older:
        W_x: np.ndarray
        names = ("n", "z", "r", "u_n")

    assert gate_names(Older(W := np.zeros((3, 2, 2))), "W_x", W) == ("n", "z", "r")
