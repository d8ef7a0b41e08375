"""A path that is missing in backward is named in the layer and in the whole model, where traces mix."""

import numpy as np
import pytest

from minis2s.checks import gradcheck, make_case
from minis2s.checks.derivatives import Trial
from minis2s.checks.diagnosis.cuts import cut_causes, cuts_of, detached, put, records
from minis2s.checks.diagnosis.mutants import with_methods
from minis2s.layers import GRU, AdditiveAttention, walk
from minis2s.layers.attention import AttentionGradients
from minis2s.layers.cell import Cell, through_weights, transposed
from minis2s.layers.packing import step_slices
from minis2s.models import BahdanauDecoder, Encoder


def no_path_from_the_keys_into_the_memory(patch):
    right = AdditiveAttention.gradient

    def gradient(self, *arguments):
        found, dmemory = right(self, *arguments)
        return found, 0 * dmemory

    patch.setattr(AdditiveAttention, "gradient", gradient)


def no_path_from_the_context_into_the_memory(patch):
    def gradient(self, queries, reads):
        return self.attention.gradient(queries, self.memory, self.dq, self.dkeys, self.dvectors)

    patch.setattr(AttentionGradients, "gradient", gradient)


def no_path_from_the_query_into_the_state(patch):
    right = AdditiveAttention.query_backward
    patch.setattr(AdditiveAttention, "query_backward", lambda self, dq: 0 * right(self, dq))


def nothing_carried_back_through_time_in_encoder_cell(patch):
    def backward(self, dstates, cache):
        x, s, gates, batch_sizes = cache
        d, W_hT, ds = self.local_gradients(gates, s), transposed(self.W_h), None
        for rows in reversed(step_slices(batch_sizes)):
            ds = self.step_backward_inplace(d[:, rows], gates[:, rows], dstates[rows], W_hT)
        return self.gradient(x, s, gates, d), through_weights(d[: len(self.W_x)], transposed(self.W_x)), ds

    patch.setattr(Cell, "backward", backward)


def nothing_carried_back_through_time_in_decoder(patch):
    right = BahdanauDecoder.backward

    def backward(self, dhs, cache):
        class Alone(type(self.cell)):
            def state_gradient(self, dh):
                return Kept(super().state_gradient(dh))

        cell = Alone(*(array for _, array in walk(self.cell)))
        return right(BahdanauDecoder(self.attention, cell), dhs, cache)

    class Kept(np.ndarray):  # what is added to a part of it is lost
        def __new__(cls, array):
            return array.view(cls)

        def __getitem__(self, index):
            part = np.asarray(self)[index]
            return part.copy() if isinstance(index, slice) and part.ndim == 2 else part

    patch.setattr(BahdanauDecoder, "backward", backward)


def no_path_from_the_decoders_first_state(patch):
    right = Encoder.backward
    patch.setattr(Encoder, "backward", lambda self, d, cache: right(self, (d[0], 0 * d[1]), cache))


def no_path_from_the_memory_into_the_encoder(patch):
    right = Encoder.backward
    patch.setattr(Encoder, "backward", lambda self, d, cache: right(self, (0 * d[0], d[1]), cache))


BUGS = {  # bug: (words, arrays that are wrong)
    no_path_from_the_keys_into_the_memory: ("no path from the keys into the memory in decoder.attention", 5),
    no_path_from_the_context_into_the_memory: ("no path from the context into the memory in decoder.attention", 5),
    no_path_from_the_query_into_the_state: ("no path from the query into the state in decoder.attention", 13),
    nothing_carried_back_through_time_in_encoder_cell: (
        "nothing carried back through time in encoder.layers.0.cells.0",
        5,
    ),
    nothing_carried_back_through_time_in_decoder: ("nothing carried back through time in decoder, neither by the", 13),
    no_path_from_the_decoders_first_state: ("no path from the decoder's first state into the encoder", 5),
    no_path_from_the_memory_into_the_encoder: ("no path from the memory into the encoder", 5),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_missing_path_is_named_in_a_whole_model(bug, monkeypatch):
    words, wrong = BUGS[bug]
    bug(monkeypatch)
    model, inputs = make_case("seq2seq_attention")
    report = gradcheck(model, *inputs)
    assert len(report.diagnoses) == wrong
    assert all(f"consistent with {words}" in said[0] for said in report.diagnoses.values()), str(report)


@pytest.mark.parametrize("name", ["attention_decoder", "luong_decoder", "coverage_decoder", "seq2seq_attention"])
def test_a_cut_changes_no_value(name):
    layer, inputs = make_case(name)
    output = (layer.loss if hasattr(layer, "loss") else layer.forward)(*inputs)[0]
    trial = Trial(layer, inputs, [np.ones(np.shape(output))], "complex")
    cuts = [(path, cut) for path, part in records(trial.layer) for _, cut in cuts_of(path, part)]
    assert len(cuts) >= 4
    for path, cut in cuts:
        twin = put(trial.layer, path, cut(dict(records(trial.layer))[path]))
        again = (twin.loss if hasattr(twin, "loss") else twin.forward)(*trial.inputs)[0]
        np.testing.assert_allclose(np.real(again), output, rtol=1e-10)


def test_what_is_right_or_noise_has_no_missing_path():
    layer, inputs = make_case("attention_decoder")
    output, _ = layer.forward(*inputs)
    trial = Trial(layer, inputs, [np.ones(output.shape)], "complex")
    rng = np.random.default_rng(0)
    wrong = {"memory": (rng.standard_normal(inputs[2].shape), rng.standard_normal(inputs[2].shape))}
    assert cut_causes(trial, wrong) == {}
    assert cut_causes(Trial(layer, inputs, trial.cotangent, "central"), wrong) == {}


def test_detached_keeps_values_and_drops_the_derivative():
    x = np.array([1 + 2j, 3 - 1j])
    np.testing.assert_array_equal(detached(x), [1, 3])
    assert detached(x).dtype == complex and detached(None) is None


def test_a_method_that_nothing_calls_is_refused(rng):
    with pytest.raises(ValueError, match="GRU has no method read, look"):
        with_methods(GRU.init(rng, 2, 3), read=None, look=None, forward=None)
