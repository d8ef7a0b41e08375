"""The cotangent of a check shares no number with what it weighs, whoever asks; and what that convicts."""

import re
from contextlib import nullcontext

import numpy as np
import pytest

from minis2s import checks
from minis2s.checks import CASES, gradcheck, make_case
from minis2s.checks.diagnosis.one_step import one_step
from minis2s.checks.user_layers import check
from minis2s.cli import main
from minis2s.layers import record
from minis2s.layers.record import map_arrays, walk

WHOLE = ("gru", "attention", "layer_norm", "dropout")  # of which everything runs, with all that a check asks
LAYERS = [name for name in CASES if not hasattr(make_case(name)[0], "loss")]


def numbers_of(trees):
    """All numbers of some trees of arrays but 0, which every mask has."""
    return {value for _, array in walk(tuple(trees)) if array.dtype.kind == "f" for value in array.flat} - {0.0}


class Enough(Exception):
    """The check may end here."""


def recorded(monkeypatch, layer, whole=True):
    """Let backward keep what it is given, and return gradients that are all wrong, so that every diagnosis runs."""
    given, right = [], type(layer).backward

    def backward(self, dy, cache):
        given.append(map_arrays(np.copy, dy) if isinstance(dy, tuple) else np.copy(dy))
        if not whole:
            raise Enough
        return map_arrays(lambda array: 3 * array + 1, right(self, dy, cache))

    monkeypatch.setattr(type(layer), "backward", backward)
    return given


@pytest.mark.slow
@pytest.mark.parametrize("seed", [None, 0, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_no_number_of_the_cotangent_is_one_of_weights_or_inputs(name, seed, monkeypatch):
    layer, inputs = make_case(name, seed or 0)
    given = recorded(monkeypatch, layer, whole=name in WHOLE)
    rng = None if seed is None else np.random.default_rng(seed)
    with nullcontext() if name in WHOLE else pytest.raises(Enough):
        report = gradcheck(layer, *inputs, rng=rng)
        assert report.ok is False and report.method == "complex" and not report.notes
    numbers = numbers_of([layer, [part for part in inputs if isinstance(part, np.ndarray)]])
    assert numbers_of(given) and not numbers_of(given) & numbers


def test_nor_in_one_step_alone(monkeypatch):
    for seed in range(4):
        layer, inputs = make_case("gru", seed)
        with monkeypatch.context() as patch:
            given = recorded(patch, layer)
            assert one_step(layer, inputs, inputs[-1], "complex")
        assert not numbers_of(given) & numbers_of([layer, inputs[:2]])


@pytest.mark.parametrize("name", check.TEMPLATES)
def test_nor_of_a_template(name, monkeypatch, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(check.template(name), encoding="utf-8")
    (kind,) = re.findall(r"^class (\w+)", check.template(name), re.MULTILINE)
    target = check.load(f"{file}:{kind}")
    layer, inputs = check.build("mine", target, None)
    output, _ = layer.forward(*inputs)
    numbers = numbers_of([layer, inputs])
    assert len(numbers) > 5 and not numbers & numbers_of(checks.derivatives.draw_cotangent(output))


def test_a_cotangent_given_as_the_input_is_warned_of():
    layer, (x,) = make_case("layer_norm")
    assert any("the cotangent is x, number for number" in text for text in gradcheck(layer, x, cotangent=x).warnings)
    other = np.random.default_rng(7).standard_normal(x.shape)
    assert not any("number for number" in text for text in gradcheck(layer, x, cotangent=other).warnings)


BLIND = {
    "square": ("x * x, x", "(2 * dy * dy,)"),
    "tanh": ("np.tanh(x), x", "(x * (1 - np.tanh(x) ** 2),)"),
    "soft": (
        "np.exp(x) / np.exp(x).sum(-1, keepdims=True), x",
        "((s := np.exp(x) / np.exp(x).sum(-1, keepdims=True)) * (x - (s * x).sum(-1, keepdims=True)),)",
    ),
    "unit": ("x / np.sqrt((x * x).sum(-1, keepdims=True)), x", "(np.zeros_like(dy),)"),
}
RIGHT_UNIT = "((dy - (y := x / (n := np.sqrt((x * x).sum(-1, keepdims=True)))) * (y * dy).sum(-1, keepdims=True)) / n,)"


def functions(name, forward, backward):
    return (
        f"import numpy as np\n\n\ndef {name}_forward(x):\n    return {forward}\n\n\ndef {name}_backward(dy, x):\n"
        f"    return {backward}\n\n\ndef {name}_case(rng):\n    return (rng.standard_normal((4, 5)),)\n"
    )


@pytest.mark.parametrize("name", BLIND)
def test_a_backward_that_never_looks_at_dy_or_x_is_convicted(name, tmp_path, capsys):
    file = tmp_path / "blind.py"
    file.write_text(functions(name, *BLIND[name]), encoding="utf-8")
    assert main(["gradcheck", f"{file}:{name}"]) == 1
    assert "1 WRONG" in capsys.readouterr().out


def test_and_a_right_one_is_not(tmp_path):
    file = tmp_path / "unit.py"
    file.write_text(functions("unit", BLIND["unit"][0], RIGHT_UNIT), encoding="utf-8")
    assert main(["gradcheck", f"{file}:unit"]) == 0


@record
class NormOfX:
    """Layer norm whose backward takes x for dy, everywhere."""

    g: np.ndarray
    b: np.ndarray

    def forward(self, x):
        c = x - x.mean(-1, keepdims=True)
        inv = 1 / np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)
        return c * inv * self.g + self.b, (x, inv, c * inv)

    def backward(self, dy, cache):
        x, inv, x_hat = cache
        d = x * self.g
        dx = (d - d.mean(-1, keepdims=True) - x_hat * (d * x_hat).mean(-1, keepdims=True)) * inv
        return NormOfX((x * x_hat).sum(0), x.sum(0)), dx


def test_layer_norm_that_takes_x_for_dy_is_convicted():
    report = gradcheck(NormOfX, like="layer_norm")
    assert [row.ok for row in report.rows] == [False, False, False, True]


@record
class Unit:
    """Rows to length 1."""

    def forward(self, x):
        n = np.sqrt((x * x).sum(-1, keepdims=True))
        return x / n, (x / n, n)

    def backward(self, dy, cache):
        y, n = cache
        return Unit(), (dy - y * (y * dy).sum(-1, keepdims=True)) / n


class NoGradient(Unit):
    def backward(self, dy, cache):
        return Unit(), np.zeros_like(dy)


class Ones(Unit):
    def backward(self, dy, cache):
        return Unit(), np.ones_like(dy)


@pytest.mark.parametrize("method", checks.METHODS)
def test_a_gradient_that_is_zero_in_mathematics_is_nothing_to_compare(method):
    x = np.random.default_rng(0).standard_normal((4, 5))
    for layer in (Unit(), NoGradient()):  # moving x along itself changes no direction
        report = gradcheck(layer, x, cotangent=x, method=method)
        assert report.ok is None and [row.ok for row in report.rows] == [None]
        assert "nothing to compare" in str(report) and "WRONG" not in str(report) and not report.diagnoses
        assert report.to_dict()["arrays"][0]["ok"] is None and report.to_dict()["max_relative_error"] is None
    assert gradcheck(Ones(), x, cotangent=x, method=method).ok is False  # a gradient where there is none
    assert gradcheck(Unit(), x, method=method).ok and gradcheck(NoGradient(), x, method=method).ok is False


def test_nothing_to_compare_at_all_is_no_success(tmp_path, capsys):
    file = tmp_path / "flat.py"
    file.write_text(functions("flat", "0 * x, x", "(0 * dy,)"), encoding="utf-8")
    assert main(["gradcheck", f"{file}:flat"]) == 2
    said = capsys.readouterr()
    assert "nothing to compare" in said.out and said.err.count("\n") == 1 and "other inputs" in said.err
