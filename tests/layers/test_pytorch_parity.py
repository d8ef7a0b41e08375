"""Outputs, losses and every gradient equal PyTorch's autograd in float64; so do five updates."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e .[torch]")

from minis2s.layers import AdditiveAttention, CrossEntropy, Embedding, Linear  # noqa: E402
from minis2s.training.optimizers import Adam, Momentum  # noqa: E402
from tests import pytorch  # noqa: E402
from tests.conftest import assert_close, assert_same_arrays, random_gru, randomized, train  # noqa: E402

TOLERANCE = 1e-10


def tensor(array, grad=True):
    return torch.tensor(array, requires_grad=grad)


def check(layer, inputs, module, tensors, output_of=lambda output: output):
    """Compare the output, and the gradients of a random sum of it, for weights and float inputs."""
    output, cache = layer.forward(*inputs)
    want = output_of(module(*tensors))
    assert_close(output, want.detach().numpy(), TOLERANCE, "output")
    doutput = np.random.default_rng(1).normal(size=output.shape)
    want.backward(torch.from_numpy(doutput))
    gradient, *dinputs = layer.backward(doutput, cache)
    assert_same_arrays(gradient, pytorch.gradients_of(module), TOLERANCE)
    return dinputs


def test_linear(rng):
    layer, x = randomized(rng, Linear.init(rng, 3, 5)), rng.normal(size=(4, 3))
    x_torch = tensor(x)
    (dx,) = check(layer, (x,), pytorch.twin(layer), (x_torch,))
    assert_close(dx, x_torch.grad.numpy(), TOLERANCE)


def test_embedding(rng):
    layer, ids = randomized(rng, Embedding.init(rng, 7, 3)), np.array([2, 5, 2, 2, 0, 5])
    check(layer, (ids,), pytorch.twin(layer), (tensor(ids, False),))


def test_attention(rng):
    layer = randomized(rng, AdditiveAttention.init(rng, 3, 6, 5))
    query, memory = rng.normal(size=(4, 3)), rng.normal(size=(4, 7, 6))
    mask = np.arange(7) < np.array([3, 7, 1, 5])[:, None]
    query_torch, memory_torch = tensor(query), tensor(memory)
    tensors = query_torch, memory_torch, tensor(mask, False)
    dquery, dmemory = check(layer, (query, memory, mask), pytorch.twin(layer), tensors)
    assert_close(dquery, query_torch.grad.numpy(), TOLERANCE)
    assert_close(dmemory, memory_torch.grad.numpy(), TOLERANCE)


def test_gru_on_packed_sequences(rng):
    layer, x, h0, batch_sizes = random_gru(rng, [6, 4, 4, 1], 3, 5)
    x_torch, h0_torch = tensor(x), tensor(h0)
    packed = torch.nn.utils.rnn.PackedSequence(x_torch, torch.tensor(batch_sizes))
    tensors = packed, h0_torch[None]
    dx, dh0 = check(layer, (x, h0, batch_sizes), pytorch.twin(layer), tensors, lambda output: output[0].data)
    assert_close(dx, x_torch.grad.numpy(), TOLERANCE)
    assert_close(dh0, h0_torch.grad.numpy(), TOLERANCE)


def test_cross_entropy(rng):
    logits, target = rng.normal(size=(4, 6, 7)), rng.integers(7, size=(4, 6))
    mask = np.arange(6) < np.array([2, 6, 1, 3])[:, None]
    loss, cache = CrossEntropy().forward(logits, target, mask)
    logits_torch, wanted = tensor(logits), tensor(np.where(mask, target, pytorch.IGNORED), False)
    want = torch.nn.functional.cross_entropy(logits_torch.mT, wanted, ignore_index=pytorch.IGNORED)
    assert_close(loss, want.item(), TOLERANCE)
    (0.7 * want).backward()
    assert_close(CrossEntropy().backward(0.7, cache)[1], logits_torch.grad.numpy(), TOLERANCE)


def test_model_loss_and_gradient(model, batch):
    loss, cache = model.loss(batch)
    module = pytorch.twin(model)
    want = module(batch)
    assert_close(loss, want.item(), TOLERANCE)
    want.backward()
    assert_same_arrays(model.backward(cache), pytorch.gradients_of(module), TOLERANCE)


def test_weights_go_there_and_back(model):
    assert_same_arrays(model, pytorch.weights_of(pytorch.twin(model)), 0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Adam, lambda parameters: torch.optim.Adam(parameters, lr=0.05)),
        (Momentum, lambda parameters: torch.optim.SGD(parameters, lr=0.05, momentum=0.9)),
    ],
    ids=["adam", "momentum"],
)
def test_five_clipped_updates(ours, theirs, model, batch):
    module = pytorch.twin(model)
    pytorch.train(module, batch, theirs(module.parameters()), limit=0.2)
    trained = train(model, batch, ours, rate=0.05, limit=0.2)
    assert_same_arrays(trained, pytorch.weights_of(module), TOLERANCE)
