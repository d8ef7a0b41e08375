"""The same layers and models in eager PyTorch, float64, and the map between its arrays and ours.

PyTorch stacks the gates r, z, n in the rows of one matrix and multiplies by its transpose; we hold one matrix a gate.
"""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from minis2s.data.vocabulary import BOS
from minis2s.layers import GRU, AdditiveAttention, Embedding, Linear, to_dict
from minis2s.models import Seq2Seq

IGNORED = -100


class TorchAttention(nn.Module):
    def __init__(self, query: int, memory: int, size: int):
        super().__init__()
        self.W_q = nn.Linear(query, size, bias=False)
        self.W_k = nn.Linear(memory, size, bias=False)
        self.v = nn.Linear(size, 1, bias=False)

    def forward(self, query, memory, mask):
        score = self.v(torch.tanh(self.W_q(query)[:, None] + self.W_k(memory)))[..., 0]
        alpha = score.masked_fill(~mask, -torch.inf).softmax(-1)
        return (alpha[..., None] * memory).sum(1)


class TorchEncoder(nn.Module):
    def __init__(self, V: int, E: int, H: int):
        super().__init__()
        self.embedding = nn.Embedding(V, E)
        cells = nn.ModuleList([nn.GRU(E, H, batch_first=True)])
        self.layers = nn.ModuleList([nn.ModuleDict({"cells": cells})])  # so that names agree with ours

    @property
    def cell(self):
        return self.layers[0]["cells"][0]

    def forward(self, ids, lengths):
        x = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        hs, last = self.cell(x)
        return pad_packed_sequence(hs, batch_first=True)[0], last[0]


class TorchDecoder(nn.Module):
    def __init__(self, E: int, H: int, attention: bool):
        super().__init__()
        if attention:
            self.attention = TorchAttention(H, H, H)
        self.cell = nn.GRUCell(E + H, H)

    def forward(self, y, s0, memory, mask):
        s, states = s0, []
        for t in range(y.shape[1]):
            context = self.attention(s, memory, mask) if hasattr(self, "attention") else s0
            s = self.cell(torch.cat([y[:, t], context], -1), s)
            states.append(s)
        return torch.stack(states, 1)


class TorchSeq2Seq(nn.Module):
    def __init__(self, config):
        super().__init__()
        E, H = config.embedding, config.hidden
        self.encoder = TorchEncoder(config.source_vocabulary, E, H)
        self.embedding = nn.Embedding(config.target_vocabulary, E)
        self.decoder = TorchDecoder(E, H, config.attends)
        self.output = nn.Linear(H, config.target_vocabulary)

    def forward(self, batch):
        """Loss of a batch, over padded targets whose padding is ignored."""
        source, mask, target = (torch.from_numpy(a) for a in (batch.source.ids, batch.source.mask, batch.target.ids))
        memory, last = self.encoder(source, mask.sum(1))
        previous = torch.cat([torch.full_like(target[:, :1], BOS), target[:, :-1]], 1)
        states = self.decoder(self.embedding(previous), last, memory, mask)
        wanted = target.masked_fill(~torch.from_numpy(batch.target.mask), IGNORED)
        return nn.functional.cross_entropy(self.output(states).flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)


PARAMETERS = {
    nn.Linear: {"W": "weight", "b": "bias"},
    nn.Embedding: {"E": "weight"},
    nn.GRU: {"W_x": "weight_ih_l0", "W_h": "weight_hh_l0", "b_x": "bias_ih_l0", "b_h": "bias_hh_l0"},
    nn.GRUCell: {"W_x": "weight_ih", "W_h": "weight_hh", "b_x": "bias_ih", "b_h": "bias_hh"},
    TorchAttention: {"W_q": "W_q.weight", "W_k": "W_k.weight", "v": "v.weight"},
}


def parameters_of(module: nn.Module, prefix: str = "") -> dict[str, nn.Parameter]:
    """PyTorch's parameters by our flat names."""
    if type(module) in PARAMETERS:
        return {prefix + ours: module.get_parameter(theirs) for ours, theirs in PARAMETERS[type(module)].items()}
    children = (parameters_of(child, f"{prefix}{name}.") for name, child in module.named_children())
    return {name: parameter for part in children for name, parameter in part.items()}


def to_torch(name: str, array: np.ndarray) -> torch.Tensor:
    """Our array in PyTorch's layout."""
    match name.split(".")[-1]:
        case "W_x" | "W_h":
            array = array.swapaxes(1, 2).reshape(-1, array.shape[1])  # (3, E, H) to (3 H, E)
        case "b_x" | "b_h":
            array = array.ravel()
        case "W" | "W_q" | "W_k":
            array = array.T
        case "v":
            array = array[None]
    return torch.from_numpy(array.copy())


def to_ours(name: str, tensor: torch.Tensor) -> np.ndarray:
    """PyTorch's array in our layout."""
    array = tensor.detach().numpy().copy()
    match name.split(".")[-1]:
        case "W_x" | "W_h":
            return array.reshape(3, -1, array.shape[1]).swapaxes(1, 2)
        case "b_x" | "b_h":
            return array.reshape(3, 1, -1)
        case "W" | "W_q" | "W_k":
            return array.T
        case "v":
            return array[0]
    return array


def twin(layer: Linear | Embedding | GRU | AdditiveAttention | Seq2Seq) -> nn.Module:
    """Return the module of the same kind with a copy of the weights."""
    match layer:
        case Linear():
            module = nn.Linear(*layer.W.shape)
        case Embedding():
            module = nn.Embedding(*layer.E.shape)
        case GRU():
            module = nn.GRU(*layer.W_x.shape[1:])
        case AdditiveAttention():
            module = TorchAttention(len(layer.W_q), *layer.W_k.shape)
        case Seq2Seq():
            module = TorchSeq2Seq(layer.config)
    module, arrays = module.double(), to_dict(layer)
    parameters = parameters_of(module)
    assert list(parameters) == list(arrays) and len(parameters) == len(list(module.parameters()))
    with torch.no_grad():
        for name, parameter in parameters.items():
            value = to_torch(name, arrays[name])
            assert value.shape == parameter.shape
            parameter.copy_(value)
    return module


def weights_of(module: nn.Module) -> dict[str, np.ndarray]:
    """Weights by our flat names, in our layout."""
    return {name: to_ours(name, parameter) for name, parameter in parameters_of(module).items()}


def gradients_of(module: nn.Module) -> dict[str, np.ndarray]:
    """Gradients by our flat names, in our layout."""
    return {name: to_ours(name, parameter.grad) for name, parameter in parameters_of(module).items()}


def train(module: nn.Module, batch, optimizer: torch.optim.Optimizer, limit: float, steps: int = 5) -> None:
    """A few updates on one batch, clipped by global norm without PyTorch's 1e-6 in the denominator."""
    for _ in range(steps):
        optimizer.zero_grad()
        module(batch).backward()
        gradients = [parameter.grad for parameter in module.parameters()]
        norm = sum((gradient**2).sum() for gradient in gradients).sqrt()
        for gradient in gradients if norm > limit else ():
            gradient *= limit / norm
        optimizer.step()
