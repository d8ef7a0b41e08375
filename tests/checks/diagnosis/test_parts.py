"""A model that is wrong says which of its layers is wrong alone, and what is wrong in it."""

import numpy as np
import pytest

from minis2s.checks import cases, make_case
from minis2s.checks.diagnosis.context import records
from minis2s.checks.diagnosis.diagnose import finding_on
from minis2s.checks.diagnosis.finding import Cause
from minis2s.checks.diagnosis.parts import given_to, parts_of
from minis2s.museum import BUGS, planted
from tests.checks.diagnosis.subjects import explained, made_up


def test_the_parts_of_a_model_are_its_layers_and_then_what_joins_them():
    model, inputs = make_case("seq2seq_lstm_luong")
    parts = list(parts_of(model, inputs))
    assert [path for path, _, _ in parts] == [
        *("bridge.linear", "encoder.embedding", "encoder.layers.0.cells.0", "decoder.attention", "encoder.dropout"),
        *["the loss"] * 3,
        *("bridge", "encoder.layers.0", "decoder", "encoder"),
    ]
    held = dict(records(model))
    for path, part, given in parts:
        assert type(part) is type(held[path]) if path in held else path == "the loss"
        assert finding_on(part, given, "complex") is None


def test_what_is_random_is_given_a_seed():
    model, inputs = make_case("seq2seq_rnn_deep")
    assert given_to(model, inputs)["encoder"][2] == 1


def test_a_layer_alone_says_its_most_telling_cause():
    bug = made_up("layers.gru:GRU.step_backward_inplace", "da_n *= dh_new", "da_n *= -dh_new")
    with planted(bug):  # x and s0 are only traces
        assert finding_on(*make_case("gru"), "complex").cause is Cause.FACTOR


ALONE = {  # a bug: (the layer that is wrong alone, what is said of it)
    "target_not_subtracted": ("the loss", Cause.UNEXPLAINED),
    "embedding_no_scatter": ("encoder.embedding", Cause.REPEATED),
    "tanh_slope_missing": ("encoder.layers.0.cells.0", Cause.SLOPE),
    "bias_row_0": ("encoder.layers.0.cells.0", Cause.CARRIED),
    "softmax_without_sum": ("decoder.attention", Cause.UNEXPLAINED),
    "bridge_slope_missing": ("bridge", Cause.UNEXPLAINED),
    "norm_mean_missing": ("encoder.layers.0.norm", Cause.UNEXPLAINED),
    "dropout_mask_not_in_backward": ("encoder.dropout", Cause.UNEXPLAINED),
    "last_state_of_short_sentences": ("encoder.layers.0", Cause.UNEXPLAINED),
    "context_counted_once": ("decoder", Cause.CARRIED),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ALONE)
def test_the_layer_that_is_wrong_alone_is_named(name):
    path, cause = ALONE[name]
    rng = np.random.default_rng(0)
    model, inputs = cases.seq2seq(**BUGS[name].config)(rng)
    found = explained((cases.random_weights(model, rng), inputs), BUGS[name])
    assert all((hit.cause, hit.detail, hit.of.cause) == (Cause.PART, path, cause) for (hit,) in found.values())


@pytest.mark.slow
def test_where_every_layer_is_right_alone_no_one_is_accused():
    bug = made_up("models.seq2seq:Seq2Seq.backward", "_, dy = dropout", "dy *= np.cbrt(dy)\n        _, dy = dropout")
    found = explained("seq2seq_attention", bug)
    assert {hit.cause for hits in found.values() for hit in hits} == {Cause.UNEXPLAINED}
