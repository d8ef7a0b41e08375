"""Where the complex step does not hold, the central difference judges, and says so in one line; never a cause."""

import json
import math

import numpy as np
import pytest

from minis2s.checks import CASES, gradcheck, make_case, v_curve
from minis2s.cli import main
from minis2s.layers import Linear, map_arrays, record
from minis2s.models import Seq2Seq

MOVED = 0.3  # away from the kinks of abs and maximum


def stable_sigmoid(a):
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, e) / (1 + e)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def unit_backward(dy, x):
    n = np.sqrt((x * x).sum(-1, keepdims=True))
    return (dy - x * (x * dy).sum(-1, keepdims=True) / n**2) / n


def normed(spread):
    """Return layer norm without gain, by another word for the variance, and its backward."""

    def forward(x):
        return (x - x.mean(-1, keepdims=True)) / spread(x)

    def backward(dy, x):
        c = x - x.mean(-1, keepdims=True)
        s = np.sqrt((c * c).mean(-1, keepdims=True))
        return (dy - dy.mean(-1, keepdims=True) - c * (dy * c).mean(-1, keepdims=True) / s**2) / s

    return forward, backward


def each(function):
    """Apply a function of math to every number."""
    return lambda x: np.array([function(v) for v in x.flat]).reshape(x.shape)


# Right code that the complex step would convict, cannot run, or runs to another derivative.
UNFIT = {
    "var": normed(lambda x: np.sqrt(x.var(-1, keepdims=True))),
    "std": normed(lambda x: x.std(-1, keepdims=True)),
    "norm": (unit, unit_backward),
    "abs": (np.abs, lambda dy, x: dy * np.sign(x)),
    "abs in a product": (lambda x: x * np.abs(x), lambda dy, x: 2 * dy * np.abs(x)),
    "stable sigmoid": (stable_sigmoid, lambda dy, x: dy * stable_sigmoid(x) * (1 - stable_sigmoid(x))),
    "real": (lambda x: x.real**2 + 0 * x, lambda dy, x: 2 * x * dy),
    "conj": (lambda x: x * np.conj(x), lambda dy, x: 2 * x * dy),
    "astype": (lambda x: np.sin(x).astype(float), lambda dy, x: dy * np.cos(x)),
    "float buffer": (lambda x: np.stack([x, x]).astype(float)[0] ** 2, lambda dy, x: 2 * x * dy),
    "math.erf": (each(math.erf), lambda dy, x: dy * 2 / math.sqrt(math.pi) * np.exp(-x * x)),
}
FIT = {  # the complex step holds: comparisons look at the real parts first
    "maximum": (lambda x: np.maximum(x, 0), lambda dy, x: dy * (x > 0)),
    "where": (lambda x: np.where(x > 0, x, 0.1 * x), lambda dy, x: dy * np.where(x > 0, 1, 0.1)),
    "largest": (lambda x: x.max(-1), lambda dy, x: dy[:, None] * (x == x.max(-1, keepdims=True))),
    "clip": (lambda x: np.clip(x, -1, 1), lambda dy, x: dy * (np.abs(x) < 1)),
}


def layer_of(forward, backward):
    @record
    class Layer:
        def forward(self, x):
            return forward(x), x

        def backward(self, dy, x):
            return Layer(), backward(dy, x)

    return Layer()


@pytest.fixture
def x():
    drawn = np.random.default_rng(5).standard_normal((4, 5))
    return drawn + MOVED * np.sign(drawn)


@pytest.mark.parametrize("name", UNFIT)
def test_right_code_is_right_by_central_difference(name, x):
    report = gradcheck(layer_of(*UNFIT[name]), x)
    assert report.ok and report.method == "central" and report.tolerance == 1e-7, f"\n{report}"
    assert not report.diagnoses and not report.warnings  # no cause is named, and nothing said twice
    (note,) = report.notes
    lines = str(report).splitlines()
    assert "judged by central difference (to 1e-07)" in note and f"note: {note}" in lines
    assert "1 array by central difference: all right" in str(report)
    kept = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert kept["method"] == "central" and kept["notes"] == [note] and kept["arrays"][0]["ok"] is True


@pytest.mark.parametrize("name", UNFIT)
def test_and_a_wrong_one_is_wrong(name, x):
    forward, backward = UNFIT[name]
    report = gradcheck(layer_of(forward, lambda dy, x: 1.001 * backward(dy, x)), x)
    assert report.ok is False and report.method == "central" and report.notes
    assert "1.001" in str(report)  # the cause is told from the derivative that holds


@pytest.mark.slow
@pytest.mark.parametrize("name", ["norm", "std", "var"])
def test_right_code_is_never_convicted_nor_refused_however_few_its_numbers(name):
    verdicts = set()
    for seed in range(60):  # of one and two numbers a row: the gradient of a direction is zero, or nearly
        rng = np.random.default_rng(seed)
        drawn = rng.standard_normal((rng.integers(1, 4), rng.integers(1 if name == "norm" else 2, 4)))
        verdicts.add(gradcheck(layer_of(*UNFIT[name]), drawn).ok)
    assert verdicts == {True, None}


def test_what_the_complex_step_alone_would_certify_is_convicted(x):
    blind = layer_of(lambda x: x * np.abs(x), lambda dy, x: dy * np.abs(x))  # abs taken for a constant, as it takes it
    assert gradcheck(blind, x).ok is False


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_nor_does_it_hang_on_the_size_of_the_gradient(size, x):
    layer = layer_of(lambda x: size * x * np.abs(x), lambda dy, x: 2 * size * dy * np.abs(x))
    report = gradcheck(layer, x)
    assert report.ok and report.method == "central", f"\n{report}"
    assert gradcheck(layer_of(lambda x: size * x * np.abs(x), lambda dy, x: size * dy * np.abs(x)), x).ok is False


@pytest.mark.parametrize("name", FIT)
def test_a_fit_forward_is_judged_by_the_complex_step(name, x):
    report = gradcheck(layer_of(*FIT[name]), x)
    assert report.ok and report.method == "complex" and not report.notes
    forward, backward = FIT[name]
    assert gradcheck(layer_of(forward, lambda dy, x: (1 + 1e-9) * backward(dy, x)), x).ok is False


@pytest.mark.parametrize("share", [1e-2, 1e-5])
def test_one_unfit_entry_of_many_is_found_where_backward_looks_wrong(share):
    x, weight = np.random.default_rng(6).standard_normal((20, 20)) + 3, np.zeros((20, 20))
    weight[4, 5] = share
    layer = layer_of(lambda x: np.sin(x) + weight * np.abs(x), lambda dy, x: dy * (np.cos(x) + weight * np.sign(x)))
    report = gradcheck(layer, x)
    assert report.ok and report.method == "central" and "at x[4, 5]" in report.notes[0], f"\n{report}"


def test_a_tolerance_of_ones_own_is_kept_but_not_below_what_a_difference_can_tell(x):
    layer = layer_of(*UNFIT["var"])
    assert gradcheck(layer, x, tolerance=1e-14).tolerance == 1e-7
    assert gradcheck(layer, x, tolerance=1e-3).tolerance == 1e-3


def test_a_method_that_was_asked_for_needs_no_note(x):
    report = gradcheck(layer_of(*UNFIT["var"]), x, method="central")
    assert report.ok and not report.notes


MINE = """
import numpy as np
from minis2s.layers import record


@record
class Norm:
    g: np.ndarray
    b: np.ndarray

    def forward(self, x):
        inv = 1 / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        x_hat = (x - x.mean(-1, keepdims=True)) * inv
        return x_hat * self.g + self.b, (inv, x_hat)

    def backward(self, dy, cache):
        inv, x_hat = cache
        d = dy * self.g
        dx = (d - d.mean(-1, keepdims=True) - x_hat * (d * x_hat).mean(-1, keepdims=True)) * inv
        return Norm((dy * x_hat).sum(0), FACTOR * dy.sum(0)), dx
"""


def test_on_the_command_line(tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(MINE.replace("FACTOR", "1"), encoding="utf-8")
    assert main(["gradcheck", f"{file}:Norm", "--like", "layer_norm"]) == 0
    said = capsys.readouterr().out
    assert "4 arrays by central difference: all right" in said and said.count("judged by central difference") == 1
    assert "WRONG" not in said and "consistent with" not in said and "warning" not in said
    assert main(["gradcheck", f"{file}:Norm", "--json"]) == 2  # it has no case of its own
    capsys.readouterr()
    assert main(["gradcheck", f"{file}:Norm", "--like", "layer_norm", "--json"]) == 0
    kept = json.loads(capsys.readouterr().out)
    assert kept["method"] == "central" and len(kept["notes"]) == 1 and all(row["ok"] for row in kept["arrays"])
    file.write_text(MINE.replace("FACTOR", "2"), encoding="utf-8")
    assert main(["gradcheck", f"{file}:Norm", "--like", "layer_norm"]) == 1
    said = capsys.readouterr().out
    assert "4 arrays by central difference: 1 WRONG" in said and "2 (counted twice)" in said


def test_errors_are_not_measured_from_a_derivative_that_is_none(x):
    with pytest.raises(ValueError, match="no exact derivative to measure errors from: in the complex step, at x"):
        v_curve(layer_of(*UNFIT["var"]), x)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("seq2seq")])
def test_a_wrong_model_is_judged_by_the_complex_step(name, monkeypatch):
    right = Seq2Seq.backward
    monkeypatch.setattr(Seq2Seq, "backward", lambda self, cache: map_arrays(lambda a: 2 * a, right(self, cache)))
    model, inputs = make_case(name)
    report = gradcheck(model, *inputs, diagnose=False)
    assert report.ok is False and report.method == "complex" and not report.notes


@pytest.mark.parametrize("end", [lambda y: y, lambda y: y.astype(float)])
def test_single_precision_within_forward_is_refused(end, x):
    layer = layer_of(lambda x: end(np.sin(x.astype(np.float32))), lambda dy, x: dy * np.cos(x))
    with pytest.raises(ValueError, match=r"Layer: forward is too coarse to be measured, as in float32.*float64"):
        gradcheck(layer, x)


@record
class Relu:
    """y = max(x + b, 0), whose backward takes one slope or the other where the sum is 0."""

    b: np.ndarray
    at_zero: float = 0.0

    def forward(self, x):
        a = x + self.b
        return a * (a.real > 0), a

    def backward(self, dy, a):
        da = dy * np.where(a == 0, self.at_zero, a > 0)
        return Relu(da.sum(0)), da


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_every_slope_of_a_kink_is_a_right_one(method, at_zero, x):
    x[1, 1] = 0
    report = gradcheck(Relu(np.zeros(5), at_zero), x, method=method)
    assert report.ok and report.method == method and not report.diagnoses, f"\n{report}"
    kinks = [text for text in report.warnings if "has no derivative" in text]
    certain = method == "complex" and at_zero == 0  # the very slope that was measured
    assert len(kinks) == (not certain) and all("b[1], x[1, 1]: a kink" in text for text in kinks)


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("at_zero", [-0.2, 1.1])
def test_and_a_slope_beyond_both_is_not(method, at_zero, x):
    x[1, 1] = 0
    assert gradcheck(Relu(np.zeros(5), at_zero), x, method=method).ok is False


@pytest.mark.parametrize("below", [3e-6, -3e-6, 1e-7])
def test_a_kink_within_the_step_of_a_difference(below, x):
    x[1, 1] = below
    assert gradcheck(Relu(np.zeros(5)), x, method="central").ok
    assert gradcheck(Relu(np.zeros(5)), x).ok

    class Wrong(Relu):
        def backward(self, dy, a):
            da = dy * (a < 0)
            return Wrong(da.sum(0)), da

    assert gradcheck(Wrong(np.zeros(5)), x, method="central").ok is False


def test_a_kink_hides_no_mistake_elsewhere(x):
    class Wrong(Relu):
        def backward(self, dy, a):
            da = dy * (a >= 0)
            da[0] *= 1.01
            return Wrong(da.sum(0)), da

    x[1, 1] = 0
    assert gradcheck(Wrong(np.zeros(5)), x).ok is False


def test_a_forward_that_fails_otherwise_still_says_so(x):
    class Broken(Linear):
        def forward(self, x):
            return super().forward(x @ x)

    with pytest.raises(ValueError, match="matmul"):
        gradcheck(Broken(np.ones((5, 2)), np.ones(2)), x)
