"""What a check of one's own code answers: the same function or another, its rules kept or broken, right or wrong."""

import math
from dataclasses import fields

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.checks.user_layers.compare import compare
from minis2s.cli import main
from minis2s.errors import InputError
from minis2s.layers import Linear, record
from minis2s.models import Seq2Seq

TOLERANCE = 1e-10  # of another order of the sums


def linear(off=0.0, spoil=None, second=None):
    """Return a class like Linear, a little larger, whose gradients ``spoil`` changes, in the ``second`` call too."""
    calls = []

    @record
    class Mine(Linear):
        def forward(self, x):
            y, cache = Linear.forward(self, x)
            return y * (1 + off), cache

        def backward(self, dy, cache):
            gradient, dx = Linear.backward(self, dy * (1 + off), cache)
            calls.append(dy)
            for change in (spoil, second if len(calls) == 2 else None):
                if change is not None:
                    change(gradient, dx)
            return gradient, dx

    return Mine


@pytest.mark.parametrize("off", [0.0, 0.4 * TOLERANCE, 1.4 * TOLERANCE, 1e-8])
def test_a_layer_is_ours_to_ten_digits(off):
    report = gradcheck(linear(off), like="linear")
    gradients, (output,) = report.rows[:-1], report.rows[-1:]
    assert all(row.ok for row in gradients) and len(gradients) == 3
    assert output.array == "output" and output.ok is (off <= TOLERANCE) and report.ok is output.ok
    assert output.max_relative_error == pytest.approx(off, abs=1e-14)
    ours, inputs = make_case("linear")
    (row,) = compare("Mine", linear(off)(ours.W, ours.b), inputs, "linear", ours, inputs).rows
    assert row.ok is (off <= TOLERANCE)


@record
class Halves:
    """Two outputs, of which the second can be another one than ours."""

    times: float

    def forward(self, x):
        return (x, self.times * x), None

    def backward(self, dy, cache):
        return self, dy[0] + self.times * dy[1]


def test_each_of_several_outputs_is_compared():
    x = np.random.default_rng(0).standard_normal((2, 3))
    report = compare("Mine", Halves(3.0), (x,), "ours", Halves(2.0), (x,))
    assert [(row.array, row.ok) for row in report.rows] == [("output", True), ("output 2", False)]
    assert gradcheck(Halves(3.0), x).ok is True


@pytest.mark.parametrize("array", ["W", "b", "dx"])
def test_backward_called_twice_may_differ_in_no_array(array):
    def second(gradient, dx):
        (dx if array == "dx" else getattr(gradient, array))[:] += 1e-9

    with pytest.raises(InputError, match="backward called twice gives two answers"):
        gradcheck(linear(second=second), like="linear")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_is_wrong_and_not_another_answer(value):
    def spoil(gradient, dx):
        gradient.b[1] = value

    report = gradcheck(linear(spoil=spoil), like="linear")
    assert {row.array: row.ok for row in report.rows} == {"W": True, "b": False, "x": True, "output": True}
    assert report.ok is False and report.max_relative_error == math.inf


def test_what_stands_beside_a_file_hides_what_is_called_alike_elsewhere(tmp_path, monkeypatch, capsys):
    for folder, factor in (("mine", 1), ("other", 2)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "beside_it.py").write_text(f"FACTOR = {factor}\n")
    (tmp_path / "mine" / "layer.py").write_text(
        "from beside_it import FACTOR\n\n"
        "def times_forward(x):\n    return x, None\n\n"
        "def times_backward(dy, cache):\n    return dy * FACTOR\n\n"
        "def times_case(rng):\n    return rng.standard_normal((2, 3))\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "other")
    assert main(["gradcheck", f"{tmp_path / 'mine' / 'layer.py'}:times"]) == 0
    (tmp_path / "mine" / "beside_it.py").write_text("FACTOR = 3\n")
    assert main(["gradcheck", f"{tmp_path / 'mine' / 'layer.py'}:times"]) == 1
    assert "1 WRONG" in capsys.readouterr().out


def test_an_array_within_an_input_is_named_in_full():
    @record
    class Mine(Seq2Seq):
        def loss(self, batch, rng=None):
            batch.source.ids[~batch.source.mask] += 1
            return super().loss(batch, rng)

        @staticmethod
        def case(rng):
            model, (batch, _) = make_case("seq2seq_plain")
            return Mine(*(getattr(model, field.name) for field in fields(model))), (batch,)

    with pytest.raises(InputError, match=r"loss changes batch\.source\.ids, which is not its own"):
        gradcheck(Mine)


FORWARD, BACKWARD = "def it_forward(x):\n    return x, None\n", "def it_backward(dy, cache):\n    return dy\n"
TWO, HELPER = FORWARD.replace("return x", "return (x, x)"), "def helper():\n    raise NotImplementedError\n"
SAYS = {  # what is said: of which functions
    "forward has to return two things, its output and a cache": FORWARD.replace("x, None", "x") + BACKWARD,  # two rows
    "layer.py, line 2: helper is still to be written": HELPER + FORWARD.replace("x, N", "helper(), N") + BACKWARD,
    "layer.py, line 2: ValueError: too long; mend it": FORWARD.replace("return", "raise ValueError('too long') #")
    + BACKWARD,
    "line 3: SyntaxError: expected ':' (layer.py); mend it": FORWARD + BACKWARD.replace(":", ""),
    "layer.py: write a class it with forward, backward and": FORWARD,
    "or functions it_forward and it_backward; it has none": BACKWARD,
    "backward changes dy, which is not its own": TWO + BACKWARD.replace("return dy", "dy[0][:] = 0\n    return dy[0]"),
    "backward changes dy2, which is not its own": TWO + BACKWARD.replace("return dy", "dy[1][:] = 0\n    return dy[0]"),
}


@pytest.mark.parametrize("said", SAYS)
def test_the_line_says_which(said, tmp_path, capsys):
    (tmp_path / "layer.py").write_text(f"{SAYS[said]}\ndef it_case(rng):\n    return rng.standard_normal((2, 3))\n")
    assert main(["gradcheck", f"{tmp_path / 'layer.py'}:it"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


def test_an_input_that_is_no_number_is_not_taken_for_changed():
    class Nan(Linear):
        @staticmethod
        def case(rng):
            return Nan(rng.standard_normal((3, 4)), np.zeros(4)), (np.full((2, 3), np.nan),)

    assert gradcheck(record(Nan)).ok is False
