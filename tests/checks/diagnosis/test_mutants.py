"""Mistakes that a twin of forward reproduces, a gradient that is solved for, and measurements that are at fault."""

import numpy as np
import pytest

from minis2s.checks import cases, gradcheck, hard_batch, make_case
from minis2s.checks.derivatives import Trial
from minis2s.checks.diagnosis.context import Surroundings
from minis2s.checks.diagnosis.cuts import cut_causes, cuts_of
from minis2s.checks.diagnosis.from_numbers import Context, findings
from minis2s.checks.diagnosis.handed import handed_wrong
from minis2s.checks.diagnosis.mutants import records
from minis2s.checks.weak_setups import badly_measured, grain_of
from minis2s.layers import GRU, Embedding
from minis2s.museum import BUGS, Bug, planted
from minis2s.museum.checks import model_gradient, subject_of

NAMED = {  # a bug of the museum: what is said of every array that is wrong in the whole model
    "assign_over_time": "= over time where += is needed in decoder: each step's own output is lost",
    "keys_from_one_step": "the gradient of the keys from the first step alone in decoder.attention",
    "context_counted_once": "the context counted in gate n alone in decoder, not in the others",
    "last_state_of_short_sentences": "no path from the last state into the encoder for sentences shorter than the",
    "general_transposed": "the matrix W transposed once too often or too seldom in decoder.attention",
    "relu_slope_always_1": "the slope of the score's activation missing in decoder.attention",
    "scale_missing_in_backward": "sqrt(4), as of a width, on the gradient of the scores in decoder.attention",
    "coverage_not_carried": "the gradient of the coverage from the next step alone in decoder.attention",
    "luong_slope_missing": "tanh' missing after decoder.combine",
    "feeding_cut": "no path from the cell into what is fed to the next step in decoder",
    "last_state_in_every_layer": "the last state's gradient handed to every layer, not to the top one alone",
    "tie_overwritten": "no path from the looked up rows into the tied embedding",
    "clipped_before_the_check": "a wrong gradient handed to decoder",
    "check_in_float32": "single precision (float32, complex64)",
    "step_too_small": "rounding errors of the difference, whose step is too small",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_every_wrong_array_of_a_model_is_told_the_cause(name):
    with planted(BUGS[name]):
        report = model_gradient(subject_of(BUGS[name]), hard_batch())
    assert report.diagnoses and not report.ok
    for said in report.diagnoses.values():
        assert f"consistent with {NAMED[name]}" in said[0] or f" {NAMED[name]}" in said[0], said[0]
        assert "; found " in said[0] and ", expected " in said[0]


@pytest.mark.slow
def test_a_clipped_gradient_is_solved_for_and_its_limit_named():
    with planted(BUGS["clipped_before_the_check"]):
        report = model_gradient(subject_of(BUGS["clipped_before_the_check"]), hard_batch())
    first = next(iter(report.diagnoses.values()))[0]
    assert "which goes on rightly from there: of its output, consistent with clipping by value" in first
    assert "no entry is above 0.02, and the others are right; found " in first


@pytest.mark.slow
def test_a_layer_normalisation_without_its_mean_is_named_alone_and_in_the_model():
    with planted(BUGS["norm_mean_missing"]):
        layer, inputs = make_case("layer_norm")
        (alone,) = gradcheck(layer, *inputs).diagnoses.values()
        report = model_gradient(subject_of(BUGS["norm_mean_missing"]), hard_batch())
    words = "consistent with the mean of the gradient not taken away"
    assert words in alone[0] and any(words in said[0] for said in report.diagnoses.values())


@pytest.mark.slow
def test_a_path_counted_twice_and_one_of_a_wrong_sign_are_named():
    for factor, words in ((2, "the path from the query into the state in decoder.attention counted twice"),):
        with planted(made_up("minis2s.layers.additive:AdditiveAttention.query_backward", "dq @", f"{factor} * dq @")):
            model, inputs = make_case("seq2seq_attention")
            report = gradcheck(model, *inputs)
        assert report.diagnoses and all(words in said[0] for said in report.diagnoses.values())
    where = "minis2s.layers.attention:AttentionGradients.gradient"
    with planted(made_up(where, "dmemory + dvalues", "dmemory - dvalues")):
        model, inputs = make_case("seq2seq_attention")
        report = gradcheck(model, *inputs)
    words = "a wrong sign of the path from the context into the memory in decoder.attention"
    assert report.diagnoses and all(words in said[0] for said in report.diagnoses.values())


def made_up(where, old, new):
    return Bug("made_up", None, "backward", where, old, new, "title", "symptom", "idea", "seen")


GATES = {  # one line of a cell: (case, where, old, new, words)
    "one gate's part": ("gru", "gru:GRU.step_backward_inplace", "np.concatenate([da_r, da_z, du_n], axis=-1) @ W_hT",
                        "np.concatenate([da_z, du_n], axis=-1) @ W_hT[self.hidden :]",
                        "what gate r hands to s0, d W_h^T, missing, in one step alone"),
    "one gate's matrix": ("gru", "gru:GRU.step_backward_inplace", "dh += dh_new * z",
                          "dh += dh_new * z + da_r @ (self.W_h[0] - self.W_h[0].T)",
                          "W_h of gate r not transposed where it hands its gradient to s0"),
    "all matrices": ("lstm", "lstm:LSTM.step_backward_inplace", "through_weights(d[:4], W_hT)",
                     "sum(d[:4] @ self.W_h)", "W_h not transposed where the gates hand their gradients to s0"),
    "half a state": ("lstm", "lstm:LSTM.step_backward_inplace", "d[4] * activations[2]",
                     "d[4] * activations[2] * activations[1]",
                     "in the half c of the state consistent with i once too often"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bug", GATES)
def test_what_a_gate_hands_to_a_state_is_named(bug):
    case, where, old, new, words = GATES[bug]
    with planted(made_up(f"minis2s.layers.{where}", old, new)):
        layer, inputs = make_case(case)
        report = gradcheck(layer, *inputs, name=case)
    assert words in report.diagnoses[case, "s0"][0]
    assert all("consistent with a trace of what is wrong at s0" in said[0] or "carried" in said[0] or "s0" in key
               for key, said in report.diagnoses.items())  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in cases.CASES if name.startswith(("seq2seq", "encoder"))])
def test_right_models_have_no_mistake_that_a_twin_has(name):
    """Noise on one array: no twin is named, and no gradient solves for it."""
    layer, inputs = make_case(name, 1)
    outputs = layer.loss(*inputs)[0] if hasattr(layer, "loss") else layer.forward(*inputs)[0]
    cotangent = [np.ones(np.shape(part)) for part in (outputs if isinstance(outputs, tuple) else (outputs,))]
    trial = Trial(layer, inputs, cotangent, "complex")
    arrays = dict(records_of_arrays(trial))
    rng, key = np.random.default_rng(0), next(iter(arrays))
    wrong = {key: (rng.standard_normal(arrays[key].shape), rng.standard_normal(arrays[key].shape))}
    assert cut_causes(trial, wrong) == {}
    if hasattr(layer, "loss"):
        assert handed_wrong(trial, wrong, Surroundings(trial, arrays, [])) == ""


def records_of_arrays(trial):
    from minis2s.layers import walk

    return walk(trial.layer)


def test_a_twin_that_would_spoil_a_right_array_is_not_named():
    """In Luong's decoder the way from h~ to the context is the query's: only the memory tells that it is there."""
    bug = BUGS["luong_state_counted_once"]
    with planted(bug):
        rng = np.random.default_rng(0)
        layer, inputs = cases.decoder(cases.LuongDecoder, **bug.config)(rng)
        report = gradcheck(cases.random_weights(layer, rng), *inputs)
    assert "memory" not in {key for _, key in report.diagnoses}
    assert all("no path from the query into the state" in said[0] for said in report.diagnoses.values())


def test_twins_are_many_and_named_differently():
    for name in ("seq2seq_attention", "seq2seq_luong_coverage", "seq2seq_lstm_tied"):
        model, _ = make_case(name)
        causes = [cause for path, part in records(model) for cause, _ in cuts_of(path, part, (3, 4))]
        assert len(causes) == len(set(causes)) > 30


def test_nothing_is_looked_for_where_all_is_right(monkeypatch):
    import minis2s.checks.diagnosis.diagnose as explanation

    def fail(*arguments):
        raise AssertionError("a right layer is not to be diagnosed")

    monkeypatch.setattr(explanation, "cut_causes", fail)
    monkeypatch.setattr(explanation, "handed_wrong", fail)
    model, inputs = make_case("seq2seq_attention")
    assert gradcheck(model, *inputs).ok


RNG = np.random.default_rng(5)
RIGHT = RNG.standard_normal((4, 5, 3))


@pytest.mark.parametrize(
    "found, words",
    [
        (RIGHT + 0.25, "a constant added or left out: every entry is 0.25 too large"),
        (RIGHT[[0, 2, 1, 3]], "rows in another order, each right for another row: row 1 is that of row 2"),
        (RIGHT[:, ::-1], "rows in another order along axis 1, each right for another row: row 0 is that of row 4"),
    ],
)
def test_right_numbers_at_other_places_are_named(found, words):
    (finding,) = findings(found, RIGHT)
    assert f"consistent with {words}; found " in finding.sentence


def test_rows_of_a_token_that_is_left_out_are_not_taken_for_a_lost_repetition():
    class Padding(Embedding):
        def backward(self, dx, cache):
            (gradient,) = super().backward(dx, cache)
            return (Embedding(gradient.E * (np.arange(len(gradient.E)) != 4)[:, None]),)

    layer, inputs = make_case("embedding")
    (said,) = gradcheck(Padding(layer.E), *inputs).diagnoses.values()
    assert "tokens that are left out, as if they were padding: only the rows 4 are wrong, and 0" in said[0]


def test_a_small_error_of_a_few_digits_more_is_no_rounding():
    found = {"W": (RIGHT * (1 + 1e-4), RIGHT)}
    assert badly_measured(found, "complex") == badly_measured(found, "central") == ""
    assert "seven digits, and the largest error is 1.0e-07" in badly_measured(
        {"W": (RIGHT * (1 + 1e-7), RIGHT)}, "complex"
    )


def test_the_grain_of_numbers():
    assert np.isclose(grain_of(0.00022 * np.array([3.0, 1000.0, -77.0, 0.0, 4001.0])), 0.00022, rtol=1e-6)
    assert grain_of(RIGHT.ravel()) == grain_of(np.zeros(3)) == 0


def test_a_wrong_backward_is_not_excused_by_a_coarse_measurement(monkeypatch):
    right = GRU.local_gradients
    monkeypatch.setattr(GRU, "local_gradients", lambda self, gates, h: right(self, gates, h) * 1.01)
    layer, inputs = make_case("gru")
    report = gradcheck(layer, *inputs, method="central", step=1e-9)
    assert report.diagnoses and not any("rounding errors" in said[0] for said in report.diagnoses.values())


def test_gates_are_not_rows_in_another_order():
    (finding,) = findings(RIGHT[[1, 0, 2, 3]], RIGHT, Context(gates=("g", "i", "f", "o")))
    assert finding.cause == "gates swapped"
