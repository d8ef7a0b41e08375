"""Every cell and every kind of attention equals the papers; dropout, layer normalisation and smoothed labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis2s.checks import gradcheck
from minis2s.checks.invariances import reference_loops
from minis2s.layers import ATTENTIONS, CELLS, CrossEntropy, Dropout, LayerNorm, record, to_dict
from minis2s.layers.packing import sentence_of
from minis2s.models import Config, Encoder
from tests.conftest import SIZES, SOURCES, assert_close, assert_same_arrays, lengths_of_sentences, randomized, seeds

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed: pip install -e .[torch]")


@pytest.mark.parametrize("name", CELLS)
@given(lengths=lengths_of_sentences, D=st.integers(1, 4), H=st.integers(1, 5), seed=seeds)
def test_a_packed_cell_is_each_sentence_alone(name, lengths, D, H, seed):
    rng, lengths = np.random.default_rng(seed), sorted(lengths, reverse=True)
    batch_sizes = [sum(length > t for length in lengths) for t in range(lengths[0])]
    cell = randomized(rng, CELLS[name].init(rng, D, H))
    x, s0 = rng.normal(size=(sum(batch_sizes), D)), rng.normal(size=(len(lengths), cell.state_size))
    ss, _ = cell.forward(x, s0, batch_sizes)
    for b in range(len(lengths)):
        rows = sentence_of(batch_sizes) == b
        assert_close(ss[rows], reference_loops.run(np, cell, x[rows], s0[b]))


@pytest.mark.parametrize("name", CELLS)
@given(B=st.integers(1, 4), D=st.integers(1, 4), H=st.integers(1, 5), seed=seeds)
def test_a_plain_step_is_a_packed_sequence_of_one(name, B, D, H, seed):
    rng = np.random.default_rng(seed)
    cell = randomized(rng, CELLS[name].init(rng, D, H))
    x, s = rng.normal(size=(B, D)), rng.normal(size=(B, cell.state_size))
    (s_new, cache), (packed, packed_cache) = cell.step(x, s), cell.forward(x, s, [B])
    assert_close(s_new, packed)
    ds_new = rng.normal(size=s_new.shape)
    (gradient, *found), (wanted, *want) = cell.step_backward(ds_new, cache), cell.backward(ds_new, packed_cache)
    assert type(gradient) is type(cell)
    assert_same_arrays(gradient, wanted)
    for got, expected in zip(found, want):
        assert_close(got, expected)


@pytest.mark.parametrize("name", CELLS)
def test_the_gradient_of_a_plain_step_is_its_derivative(name, rng):
    cell = randomized(rng, CELLS[name].init(rng, 3, 4))

    @record
    class Step(type(cell)):
        forward = type(cell).step

        def backward(self, ds_new, cache):
            gradient, dx, ds = self.step_backward(ds_new, cache)
            return Step(**to_dict(gradient)), dx, ds

    report = gradcheck(Step(**to_dict(cell)), rng.normal(size=(2, 3)), rng.normal(size=(2, cell.state_size)))
    assert report.ok, report


@pytest.mark.parametrize("name", ATTENTIONS)
@given(lengths=lengths_of_sentences, H=st.integers(1, 5), M=st.integers(1, 6), A=st.integers(1, 4), seed=seeds)
def test_masked_attention_is_each_sentence_alone(name, lengths, H, M, A, seed):
    rng, B, S = np.random.default_rng(seed), len(lengths), max(lengths)
    M = H if name in ("dot", "scaled_dot") else M
    layer = randomized(rng, ATTENTIONS[name].init(rng, H, M, A))
    query, memory, coverage = rng.normal(size=(B, H)), rng.normal(size=(B, S, M)), rng.random((B, S))
    mask = np.arange(S) < np.array(lengths)[:, None]
    context, cache = layer.forward(query, memory, mask, coverage if layer.uses_coverage else None)
    for b, n in enumerate(lengths):
        want, alpha = reference_loops.attend(np, layer, query[b], memory[b, :n], coverage[b, :n])
        assert_close(context[b], want)
        assert_close(cache.read.alpha[b, :n], alpha)
        assert not cache.read.alpha[b, n:].any()


@pytest.mark.parametrize("cell", CELLS)
def test_a_deep_encoder_starts_where_it_is_told(cell, batch, rng):
    parts = {"layers": 2, "bidirectional": True, "layer_norm": True, "bridge": "tanh", "encoder_hidden": 6}
    encoder = randomized(rng, Encoder.init(rng, Config(**SIZES, **parts, cell=cell)))
    h0 = rng.normal(size=encoder.initial_state(len(SOURCES), float).shape)
    (memory, last), _ = encoder.forward(batch.source, h0)
    for b, source in enumerate(SOURCES[i] for i in batch.pairs):
        want, want_last = reference_loops.encode(np, encoder, source, h0[:, :, b])
        assert_close(memory[b, : len(source)], want)
        assert not memory[b, len(source) :].any()
        assert_close(last[b], want_last)


def test_dropout_keeps_the_mean_and_is_the_identity_in_use(rng):
    x = rng.normal(3, 1, size=(300, 200))
    for rate, generator in [(0.0, rng), (0.4, None)]:
        y, mask = Dropout(rate).forward(x, generator)
        assert y is x and mask is None and Dropout(rate).backward(x, mask)[1] is x
    y, mask = Dropout(0.4).forward(x, 7)
    assert_close((y == 0).mean(), 0.4, 0.02)
    assert_close(y.mean(), 3, 0.02)
    np.testing.assert_array_equal(y, Dropout(0.4).forward(x, 7)[0])
    assert not np.array_equal(y, Dropout(0.4).forward(x, 8)[0])
    np.testing.assert_array_equal(Dropout(0.4).backward(x, mask)[1], y)


@needs_torch
def test_layer_norm_is_pytorchs(rng):
    layer, x, dy = randomized(rng, LayerNorm.init(5)), rng.normal(2, 3, size=(4, 5)), rng.normal(size=(4, 5))
    y, cache = layer.forward(x)
    x_torch, g, b = (torch.tensor(array, requires_grad=True) for array in (x, layer.g, layer.b))
    want = torch.nn.functional.layer_norm(x_torch, (5,), g, b)
    assert_close(y, want.detach().numpy())
    want.backward(torch.from_numpy(dy))
    gradient, dx = layer.backward(dy, cache)
    assert_close(dx, x_torch.grad.numpy())
    assert_same_arrays(gradient, {"g": g.grad.numpy(), "b": b.grad.numpy()})


@needs_torch
def test_smoothed_cross_entropy_is_pytorchs(rng):
    logits, target = rng.normal(size=(6, 7)), rng.integers(7, size=6)
    loss, cache = CrossEntropy(0.3).forward(logits, target)
    tensor = torch.tensor(logits, requires_grad=True)
    want = torch.nn.functional.cross_entropy(tensor, torch.from_numpy(target), label_smoothing=0.3)
    assert_close(loss, want.item())
    (0.7 * want).backward()
    assert_close(CrossEntropy(0.3).backward(0.7, cache)[1], tensor.grad.numpy())
