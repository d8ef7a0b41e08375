"""Ways to be fooled by a gradient check: each refused or warned about, and none of the library's own cases is."""

import numpy as np
import pytest

from minis2s import plots
from minis2s.checks import gradcheck, make_case, v_curve
from minis2s.checks.diagnosis.finding import Cause
from minis2s.checks.user_layers.check import LIKE
from minis2s.checks.weak_setups import badly_measured, grain_of
from minis2s.cli import main
from minis2s.data.batches import make_batch
from minis2s.layers import GRU, CrossEntropy, Dropout, map_arrays, record
from minis2s.museum import BUGS, planted


def warnings_of(layer, *inputs, **options):
    return " | ".join(gradcheck(layer, *inputs, **options).warnings)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LIKE, "seq2seq_attention", "seq2seq_rnn_deep"])
def test_the_cases_of_the_library_are_above_suspicion(name):
    layer, inputs = make_case(name)
    report = gradcheck(layer, *inputs)
    assert report.warnings == () and report.diagnoses == {}
    assert "warnings" not in report.to_dict()


@pytest.mark.slow
@pytest.mark.parametrize(
    "method, step, says",
    [
        ("central", 1e-12, "step 1e-12 is too small: rounding errors of 1e-16 are divided by it; take 1e-05"),
        ("central", 1e-2, "step 0.01 is too large: the curve bends within it; take 1e-05"),
        ("central", 1e-6, ""),
        ("complex", 1e-30, ""),
        ("complex", 1e-3, "step 0.001 is too large: the curve bends within it; take 1e-20"),
    ],
)
def test_the_step_of_a_difference(method, step, says):
    layer, inputs = make_case("gru")
    report = gradcheck(layer, *inputs, method=method, step=step)
    assert (says in " ".join(report.warnings)) and bool(report.warnings) == bool(says)
    assert report.ok is not bool(says)  # with such a step, even a right gradient looks wrong
    if says:
        assert f"warning: GRU: {says}" in str(report) and report.to_dict()["warnings"] == list(report.warnings)
        assert "consistent with" in str(report)


@record
class Balanced:
    """Outputs that add up to 0, as those of a softmax do to 1, with a backward that returns zeros."""

    def forward(self, x):
        return np.stack([x, -x]), None

    def backward(self, dy, cache):
        return Balanced(), np.zeros(dy.shape[1:])


def test_a_constant_cotangent():
    x = np.random.default_rng(0).standard_normal((3, 4))
    report = gradcheck(Balanced(), x, cotangent=np.ones((2, 3, 4)))
    assert report.ok is None and "the cotangent is constant, which certifies a softmax" in report.warnings[0]
    report = gradcheck(Balanced(), x, cotangent=np.arange(24.0).reshape(2, 3, 4))
    assert not report.ok and report.warnings == ()
    with pytest.raises(ValueError, match=r"the cotangent has the shapes \[\(4,\)\], the output \[\(2, 3, 4\)\]"):
        gradcheck(Balanced(), x, cotangent=np.ones(4))


def test_equal_lengths_one_sentence_and_a_first_state_of_zero():
    layer, (x, s0, batch_sizes) = make_case("gru")
    assert "all sentences are equally long" in warnings_of(layer, x[:12], s0, [4, 4, 4])
    assert "there is one sentence only" in warnings_of(layer, x[:3], s0[:1], [1, 1, 1])
    assert "s0 is all zero, as a first state that hides the gradient of W_h at t = 0" in warnings_of(
        layer, x, 0 * s0, batch_sizes
    )
    assert warnings_of(layer, x, s0, np.array(batch_sizes)) == ""
    attention, (query, memory, mask) = make_case("attention")
    assert "all sentences are equally long" in warnings_of(attention, query, memory, mask | True)


def test_a_first_state_of_zero_does_hide_a_bug():
    class NoFirst(GRU):  # dW_h without its share from t = 0
        def gradient(self, x, h, gates, d):
            return super().gradient(x, h * (np.arange(len(h)) >= 4)[:, None], gates, d)

    layer, (x, s0, batch_sizes) = make_case("gru")
    twin = NoFirst(layer.W_x, layer.W_h, layer.b_x, layer.b_h)
    assert gradcheck(twin, x, 0 * s0, batch_sizes).ok and not gradcheck(twin, x, s0, batch_sizes).ok


@pytest.mark.slow
@pytest.mark.parametrize(
    "sources, says",
    [
        ([[4, 5], [6, 7], [8, 9]], ["all sentences are equally long", "no token stands twice in one column"]),
        ([[4, 5, 6], [6, 7], [8]], ["no token stands twice in one column of the source"]),
        ([[4, 5, 6]], ["there is one sentence only", "no token stands twice"]),
        ([[4, 5, 6], [4, 7], [8]], []),
    ],
)
def test_batches_that_are_too_easy(sources, says):
    model, _ = make_case("seq2seq_plain")
    batch = make_batch(sources, [[4] * n for n in range(2, 2 + len(sources))])
    found = gradcheck(model, batch).warnings
    assert len(found) == len(says) and all(any(words in text for text in found) for words in says), found


def test_ids_without_a_repeated_one():
    layer, _ = make_case("embedding")
    assert "no token is repeated, so dE[ids] += dx goes unseen" in warnings_of(layer, np.array([3, 4, 5]))
    assert warnings_of(layer, np.array([3, 4, 3])) == ""


def test_constant_weights():
    layer, inputs = make_case("gru")
    said = warnings_of(map_arrays(lambda array: np.full(array.shape, 0.1), layer), *inputs)
    assert "all entries of W_x are equal" in said and "b_x" not in said


def test_dropout_without_a_seed_is_refused():
    x = np.random.default_rng(0).standard_normal((5, 6))
    with pytest.raises(ValueError, match=r"two forward passes .* differ.*give rng a seed"):
        gradcheck(Dropout(0.5), x, np.random.default_rng(0))
    assert gradcheck(Dropout(0.5), x, 0).ok
    model, (batch, _) = make_case("seq2seq_rnn_deep")
    with pytest.raises(ValueError, match="give rng a seed"):
        gradcheck(model, batch, np.random.default_rng(0))


RIGHT = np.random.default_rng(5).standard_normal((4, 5, 3))


@pytest.mark.parametrize(
    "method, error, cause, words",
    [
        ("complex", 1e-11, Cause.ROUNDING, "all arrays are right to 11 digits"),
        ("complex", 1e-7, Cause.SINGLE_PRECISION, "1.0e-07"),
        ("complex", 1e-4, None, ""),
        ("central", 1e-7, None, ""),
    ],
)
def test_a_measurement_may_be_at_fault_where_all_arrays_agree_to_its_digits(method, error, cause, words):
    fault = badly_measured({"W": (RIGHT * (1 + error), RIGHT), "b": (RIGHT, RIGHT)}, method)
    assert fault is None if cause is None else fault.cause is cause and words in (fault.detail, fault.where)
    assert badly_measured({"W": (RIGHT * (1 + error), RIGHT), "b": (1.01 * RIGHT, RIGHT)}, method) is None


def test_a_step_that_is_too_small_leaves_multiples_of_a_grain():
    assert np.isclose(grain_of(0.00022 * np.array([3.0, 1000.0, -77.0, 0.0, 4001.0])), 0.00022, rtol=1e-6)
    assert grain_of(RIGHT.ravel()) == grain_of(np.zeros(3)) == 0
    layer, inputs = make_case("cross_entropy")
    with planted(BUGS["step_too_small"]):
        found = gradcheck(layer, *inputs, method="central").diagnoses
    assert found and {hit.cause for hits in found.values() for hit in hits} == {Cause.STEP_TOO_SMALL}


def test_a_wrong_backward_is_not_excused_by_a_coarse_measurement(monkeypatch):
    right = CrossEntropy.backward
    monkeypatch.setattr(CrossEntropy, "backward", lambda self, dloss, cache: right(self, -dloss, cache))
    layer, inputs = make_case("cross_entropy")
    with planted(BUGS["step_too_small"]):
        ((hit,),) = gradcheck(layer, *inputs, method="central").diagnoses.values()
    assert hit.cause is not Cause.STEP_TOO_SMALL


@pytest.mark.slow
def test_the_v_curve_and_its_figure():
    layer, inputs = make_case("bridge")
    curve = v_curve(layer, *inputs)
    assert len(curve.step) == 15 and (curve.step[0], curve.step[-1]) == (0.1, 1e-15)
    best = int(np.argmin(curve.central))
    assert 1e-7 < curve.step[best] < 1e-3 and 1e-12 < curve.central[best] < 1e-8
    assert curve.central[0] > 1e-4 and curve.central[-1] > 1e-3  # both arms of the V
    assert max(error for step, error in zip(curve.step, curve.complex) if step < 5e-8) < 1e-14  # flat
    figure = plots.v_curve(curve, "bridge")
    (ax,) = figure.axes
    assert ax.get_xlabel() == "step" and ax.get_ylabel() == "largest relative error" and ax.get_title() == "bridge"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["central difference", "complex step"]
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), np.transpose([curve.step, curve.central]))
    assert plots.png(figure) == plots.png(plots.v_curve(curve, "bridge"))


def test_the_v_curve_on_the_command_line(tmp_path, capsys):
    path = tmp_path / "v.png"
    assert main(["gradcheck", "linear", "--v-curve", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert path.read_bytes().startswith(b"\x89PNG") and len(lines) == 16
    assert lines[0].split() == ["step", "central", "difference", "complex", "step"]
    assert lines[1].split()[0] == "1e-01" and float(lines[15].split()[1]) > 1e-3 > 1e-14 > float(lines[15].split()[2])
    for wrong in (["--v-curve", "v.png"], ["gru", "--v-curve", "v.png", "--json"], ["x.py:X", "--v-curve", "v.png"]):
        assert main(["gradcheck", *wrong]) == 2
        assert "--v-curve draws one layer of ours, and nothing else" in capsys.readouterr().err
    assert main(["gradcheck", "nothing", "--v-curve", "v.png"]) == 2
    assert "there is no layer 'nothing'" in capsys.readouterr().err
