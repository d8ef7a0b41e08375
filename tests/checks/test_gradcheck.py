"""The checks pass on every layer, and fail on broken ones."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from minis2s.checks import CASES, METHODS, gradcheck, invariances, make_case
from minis2s.checks.derivatives import numerical_gradient, relative_error
from minis2s.cli import main
from minis2s.data.batches import PackedBatch
from minis2s.layers import (
    GRU,
    AdditiveAttention,
    Dropout,
    Embedding,
    Linear,
    cast,
    map_arrays,
    record,
    walk,
)
from minis2s.layers.activations import softmax
from minis2s.layers.attention import Attention
from minis2s.layers.cell import Cell, through_weights, transposed
from minis2s.layers.packing import step_slices
from minis2s.models import BahdanauDecoder, Config, Encoder, Seq2Seq

MODELS = [name for name in CASES if name.startswith("seq2seq")]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_is_right(name, method):
    layer, inputs = make_case(name)
    report = gradcheck(layer, *inputs, method=method, name=name)
    assert report.ok, f"\n{report}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_is_right_at_other_weights(name, seed):
    layer, inputs = make_case(name, seed)
    report = gradcheck(layer, *inputs, rng=np.random.default_rng(seed), name=name)
    assert report.max_relative_error <= 1e-12, f"\n{report}"


@pytest.mark.slow
def test_the_cases_check_every_parameter_and_every_input():
    checked = {name: [row.array for row in gradcheck(layer, *inputs).rows] for name, (layer, inputs) in all_cases()}
    for name, (layer, _) in all_cases():
        assert set(dict(walk(layer))) <= set(checked[name])
    assert checked["gru"] == ["W_x", "W_h", "b_x", "b_h", "x", "s0"]
    assert checked["attention_decoder"][-3:] == ["y", "s0", "memory"]


def all_cases():
    return [(name, make_case(name)) for name in CASES]


@pytest.mark.parametrize("name", MODELS)
def test_the_model_cases_are_hard(name):
    _, (batch, _) = make_case(name)
    lengths = batch.source.mask.sum(1)
    assert len(set(lengths)) > 2 and len(set(batch.target.mask.sum(1))) > 2
    assert not np.array_equal(batch.source.order, np.arange(len(lengths)))
    first = batch.source.ids[:, 0].tolist()
    assert len(set(first)) < len(first)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_what_must_not_change_does_not(name):
    results = invariances(make_case(name)[0])
    assert all(result.ok for result in results), "\n".join(map(str, results))
    assert len(results) == 8


def wrong_gru(change):
    """A GRU whose backward gives another gradient record."""

    class Wrong(GRU):
        def backward(self, dstates, cache):
            gradient, dx, ds0 = super().backward(dstates, cache)
            return change(gradient, dx, ds0)

    return Wrong


BAD_GRUS = {
    "one entry of one array off by a millionth": (
        lambda g, dx, ds0: (replace(g, W_h=g.W_h * (1 + 1e-6 * (np.arange(48).reshape(3, 4, 4) == 17))), dx, ds0),
        ["W_h"],
    ),
    "dx zero": (lambda g, dx, ds0: (g, 0 * dx, ds0), ["x"]),
    "ds0 not a number": (lambda g, dx, ds0: (g, dx, ds0 * np.nan), ["s0"]),
}


@pytest.mark.parametrize("bug", BAD_GRUS)
def test_the_wrong_array_is_named_and_no_other(bug):
    change, wrong = BAD_GRUS[bug]
    layer, inputs = make_case("gru")
    report = gradcheck(wrong_gru(change)(*dict(walk(layer)).values()), *inputs)
    assert [row.array for row in report.rows if not row.ok] == wrong
    assert not report.ok and "WRONG" in str(report)
    json.loads(json.dumps(report.to_dict(), allow_nan=False))


def test_relative_error_is_the_largest_error_over_the_largest_entry():
    assert relative_error(np.array([1.0, 4.0]), np.array([1.5, 4.0])) == 0.125
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.array([1e-30]), np.array([0.0])) == 1
    assert relative_error(np.array([np.nan]), np.array([1.0])) == np.inf
    assert relative_error(np.zeros(0), np.zeros(0)) == 0


def test_float32_is_refused_with_the_reason():
    layer, inputs = make_case("linear")
    with pytest.raises(ValueError, match=r"W is in float32.*seven digits.*cast\(layer, np.float64\)"):
        gradcheck(cast(layer, np.float32), *inputs)
    with pytest.raises(ValueError, match="input 1 is in float32"):
        gradcheck(layer, inputs[0].astype(np.float32))


@pytest.mark.parametrize("value", [0.0, 0.5, 1e4, -1e4, 1e8])
def test_the_central_difference_takes_steps_as_large_as_the_value(value):
    array = np.array([value])
    found = numerical_gradient(lambda: np.arcsinh(array).sum(), array, "central")
    np.testing.assert_allclose(found, 1 / np.sqrt(1 + value**2), rtol=1e-8)


def test_ids_of_a_small_type_have_the_right_gradient(rng):
    layer, ids = Embedding(rng.normal(size=(120, 3))), np.array([119, 4, 86, 119], np.uint8)
    report = gradcheck(layer, ids)
    assert report.ok, f"\n{report}"


@pytest.mark.parametrize("batch_sizes", [[4, 4, 3, 1], [4, 4, 3, 1, 1, 1]])
def test_a_gru_refuses_rows_that_belong_to_no_step(batch_sizes):
    layer, (x, h0, _) = make_case("gru")
    with pytest.raises(ValueError, match=f"batch_sizes count {sum(batch_sizes)} rows, x has 13"):
        layer.forward(x, h0, batch_sizes)


def test_a_gradient_that_is_zero_in_mathematics_is_right():
    score = np.random.default_rng(0).standard_normal((4, 5))
    report = gradcheck(ShiftedSoftmax(np.ones(1)), score)
    assert report.ok, f"\n{report}"
    report = gradcheck(ShiftedSoftmax(np.ones(1)), score, method="central")
    assert report.ok, f"\n{report}"


def test_nothing_goes_unchecked():
    class Same(Linear):
        def forward(self, b):
            return super().forward(b)

    class Pair(Linear):
        def forward(self, pair):
            return super().forward(pair[0])

    layer, (x,) = make_case("linear")
    with pytest.raises(ValueError, match="b names a parameter and an input"):
        gradcheck(Same(layer.W, layer.b), x)
    with pytest.raises(ValueError, match="inside a tuple or record"):
        gradcheck(Pair(layer.W, layer.b), (x, x))

    class Bare:
        def forward(self, x):
            return x, None

    with pytest.raises(ValueError, match="nothing to check"):
        gradcheck(Dropout(0.5), np.arange(3), 1)

    with pytest.raises(ValueError, match="not a record"):
        gradcheck(Bare(), x)


@record
class ShiftedSoftmax:
    """The bias shifts all scores, so its gradient is 0."""

    b: np.ndarray

    def forward(self, score):
        return softmax(score + self.b), softmax(score + self.b)

    def backward(self, dalpha, alpha):
        dscore = alpha * (dalpha - (alpha * dalpha).sum(-1, keepdims=True))
        return ShiftedSoftmax(np.array([dscore.sum()])), dscore


def test_too_few_gradients_or_the_wrong_shape_are_told_what_to_do():
    class NoInput(Linear):
        def backward(self, dy, x):
            return (super().backward(dy, x)[0],)

    class NoSum(Linear):
        def backward(self, dy, x):
            return Linear(W=x.T @ dy, b=dy), dy @ self.W.T

    layer, (x,) = make_case("linear")
    with pytest.raises(ValueError, match="W, b, but there are W, b, x"):
        gradcheck(NoInput(layer.W, layer.b), x)
    with pytest.raises(ValueError, match=r"gradient of b has shape \(5, 4\).*\(4,\)"):
        gradcheck(NoSum(layer.W, layer.b), x)
    with pytest.raises(ValueError, match="choose one of complex, central"):
        gradcheck(layer, x, method="guess")
    for option in ({"step": 1e-3}, {"tolerance": 1.0}, {"cotangent": 1.0}, {"rng": np.random.default_rng(0)}):
        with pytest.raises(ValueError, match="checked as it comes, by ``method`` alone"):
            gradcheck(GRU, like="gru", **option)


def test_an_error_in_a_layer_says_its_line(monkeypatch, capsys):
    right = AdditiveAttention.gradient

    def gradient(self, *arguments):
        made, dmemory = right(self, *arguments)
        return made, dmemory[:, :2]

    monkeypatch.setattr(AdditiveAttention, "gradient", gradient)
    assert main(["gradcheck", "attention"]) == 2
    said = capsys.readouterr().err
    assert re.search(r"error: attention: layers/attention\.py, line \d+: operands could not be broadcast", said), said
    monkeypatch.undo()
    monkeypatch.setattr(Attention, "backward", lambda self, dy, cache: (map_arrays(np.copy, self),))
    assert main(["gradcheck", "attention"]) == 2
    assert "error: attention: backward gave gradients for" in capsys.readouterr().err


def test_the_check_leaves_layer_and_inputs_as_they_were():
    layer, inputs = make_case("attention_decoder")
    before = [array.copy() for _, array in [*walk(layer), *walk(inputs)]]
    gradcheck(layer, *inputs, method="central")
    assert all(map(np.array_equal, before, [array for _, array in [*walk(layer), *walk(inputs)]]))


# Seven things broken one at a time, each in the library's own code: which check convicts it?


def sign_of_dz(patch):
    right = GRU.local_gradients

    def local_gradients(self, gates, h):
        d = right(self, gates, h)
        d[1] *= -1
        return d

    patch.setattr(GRU, "local_gradients", local_gradients)


def bias_gradient_without_the_sum(patch):
    right = GRU.gradient

    def gradient(self, x, h, gates, d):
        return replace(right(self, x, h, gates, d), b_x=d[:3, :1].copy())

    patch.setattr(GRU, "gradient", gradient)


def no_attention_mask(patch):
    right = Attention.attend
    patch.setattr(Attention, "attend", lambda self, q, k, m, mask, cover: right(self, q, k, m, mask | True, cover))


def no_path_through_time(patch):
    def backward(self, dstates, cache):
        x, s, gates, batch_sizes = cache
        d, W_hT, ds = self.local_gradients(gates, s), transposed(self.W_h), None
        for rows in reversed(step_slices(batch_sizes)):
            ds = self.step_backward_inplace(d[:, rows], gates[:, rows], dstates[rows], W_hT)  # dstates alone, no ds
        return self.gradient(x, s, gates, d), through_weights(d[: len(self.W_x)], transposed(self.W_x)), ds

    patch.setattr(Cell, "backward", backward)


def embedding_without_scatter_add(patch):
    def backward(self, dx, cache):
        dE = np.zeros_like(self.E)
        dE[cache.ids] += dx
        return (Embedding(dE),)

    patch.setattr(Embedding, "backward", backward)


def loss_gradient_over_all_places(patch):
    right = Seq2Seq.backward

    def backward(self, cache):
        B, T = len(cache.encoder.source.ids), len(cache.decoder.reads)  # padding included
        return map_arrays(lambda d: d * cache.loss.target.size / (B * T), right(self, cache))

    patch.setattr(Seq2Seq, "backward", backward)


def encoder_state_updated_on_pads(patch):
    right = Encoder.forward

    def all_real(source):
        return PackedBatch.of(source.ids, np.full(len(source.ids), source.ids.shape[1]))

    patch.setattr(Encoder, "forward", lambda self, source, h0, rng: right(self, all_real(source), h0, rng))


BROKEN = {  # the bug: (does the gradient check convict it, the invariances that do)
    sign_of_dz: (True, set()),
    bias_gradient_without_the_sum: (True, {"batch_independence", "batch_order"}),
    no_attention_mask: (False, {"padding_invariance", "batch_independence", "parity"}),
    no_path_through_time: (True, set()),
    embedding_without_scatter_add: (True, {"batch_independence", "batch_order"}),
    loss_gradient_over_all_places: (True, {"batch_independence"}),
    encoder_state_updated_on_pads: (False, {"padding_invariance", "batch_independence", "parity"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", BROKEN, ids=lambda bug: bug.__name__)
def test_seven_broken_models_are_convicted(bug, monkeypatch):
    by_gradient, by_invariance = BROKEN[bug]
    model, (batch, seed) = make_case("seq2seq_attention")
    bug(monkeypatch)
    found = {result.name for result in invariances(model, batch) if not result.ok}
    assert gradcheck(model, batch, seed).ok is not by_gradient
    assert found == by_invariance


def reads_pads(patch):
    right = Encoder.forward

    def forward(self, source, h0, rng):
        return right(self, source, h0 + 0.1 * source.ids.sum(1)[:, None], rng)

    patch.setattr(Encoder, "forward", forward)


def reads_pads_a_little_in_search(patch):  # too little for another translation
    right = Seq2Seq.encode

    def encode(self, source):
        state = right(self, source)
        return replace(state, s=state.s + 1e-9 * np.where(source.mask, 0, source.ids).sum(1)[:, None])

    patch.setattr(Seq2Seq, "encode", encode)


def no_mask_in_search(patch):
    right = BahdanauDecoder.start
    patch.setattr(BahdanauDecoder, "start", lambda self, s0, memory, mask: right(self, s0, memory, mask | True))


def no_mask_in_training(patch):
    right = BahdanauDecoder.forward
    patch.setattr(
        BahdanauDecoder, "forward", lambda self, y, s0, m, mask, sizes: right(self, y, s0, m, mask | True, sizes)
    )


PARTLY_BROKEN = {  # the bug, which shows in one place only: the invariances that convict it
    reads_pads: {"padding_invariance", "parity"},
    reads_pads_a_little_in_search: {"padding_invariance"},
    no_mask_in_search: {"padding_invariance", "batch_independence"},
    no_mask_in_training: {"padding_invariance", "batch_independence", "parity"},
}


@pytest.mark.slow
@pytest.mark.parametrize("bug", PARTLY_BROKEN, ids=lambda bug: bug.__name__)
def test_what_only_padding_search_or_training_shows_is_convicted(bug, monkeypatch):
    bug(monkeypatch)
    model, (batch, seed) = make_case("seq2seq_attention")
    assert gradcheck(model, batch, seed).ok
    assert {result.name for result in invariances(model, batch) if not result.ok} == PARTLY_BROKEN[bug]


def test_a_model_that_keeps_state_or_changes_its_inputs_is_convicted(monkeypatch):
    right = Linear.backward

    def scaling(self, dy, x):
        dy *= 2
        x *= 0.5
        return right(self, dy, x)

    monkeypatch.setattr(Linear, "backward", scaling)
    model, _ = make_case("seq2seq_plain")
    assert {"backward_twice", "inputs_untouched"} <= {r.name for r in invariances(model) if not r.ok}


def test_a_search_that_forgets_its_state_is_convicted(monkeypatch):
    right = Seq2Seq.decode_step

    def forgetful(self, tokens, state):
        return right(self, tokens, replace(state, s=0 * state.s))

    monkeypatch.setattr(Seq2Seq, "decode_step", forgetful)
    assert "forced_equals_free" in {r.name for r in invariances(make_case("seq2seq_attention")[0]) if not r.ok}


def test_weights_that_are_not_finite_are_convicted():
    model = Seq2Seq.init(np.random.default_rng(0), Config(11, 10, 3, 4))
    broken = map_arrays(lambda array: array * np.nan, model)
    with np.errstate(all="ignore"):
        assert not any(
            r.ok
            for r in invariances(broken)
            if r.name in ("padding_invariance", "batch_independence", "forced_equals_free")
        )
