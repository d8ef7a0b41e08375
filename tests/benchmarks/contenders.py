"""The same training step, written five ways; each is a function that makes one update and returns the loss before it.

ours     minis2s
seed     PyTorch, eager, as a tutorial writes it: one decoder step at a time, the keys and the output layer at each
strong   PyTorch, eager, at its best: nn.GRU over the whole source, keys once, the output layer once over all steps
strong2  strong, with the decoder's input projection hoisted and the output layer on real tokens only
floor    NumPy: nothing but the matrix products, tanh and exp of ours, into buffers made beforehand; it learns nothing

All start from the same weights and see the same batch.
"""

from collections.abc import Callable

import numpy as np

from minis2s.data.batches import Batch, make_batch
from minis2s.data.vocabulary import BOS, SPECIAL
from minis2s.layers import cast, on_vector, to_vector
from minis2s.models import Config, Seq2Seq
from minis2s.threads_and_memory import keep_freed_memory
from minis2s.training.optimizers import Adam, clip_inplace

RATE, CLIP = 1e-3, 1.0
SIZES = {  # batch, source and target steps, embedding, hidden, vocabulary
    "S": (32, 10, 10, 32, 64, 30),
    "M": (64, 12, 12, 64, 128, 500),
    "L": (64, 25, 25, 128, 256, 4000),
    "XL": (64, 40, 40, 256, 512, 8000),
}
NAMES = ("ours", "strong", "strong2", "seed", "floor")

Step = Callable[[], float]


def random_batch(B: int, S: int, T: int, vocabulary: int, fill: str, seed: int = 0) -> Batch:
    """Return B pairs of random tokens: "full" has no padding, "ragged" has lengths uniform between half and whole."""
    rng = np.random.default_rng(seed)

    def sentences(longest: int, extra: int) -> list[list[int]]:
        shortest = longest if fill == "full" else longest // 2
        lengths = rng.integers(shortest, longest + 1, B) - extra
        lengths[0] = longest - extra
        return [rng.integers(len(SPECIAL), vocabulary, length).tolist() for length in lengths]

    return make_batch(sentences(S, 0), sentences(T, 1))  # the end sign is one of the T


def make_model(E: int, H: int, V: int) -> Seq2Seq:
    """Return the model all contenders start from, in float32."""
    return cast(Seq2Seq.init(np.random.default_rng(1), Config(V, V, E, H)), np.float32)


def make(name: str, model: Seq2Seq, batch: Batch) -> Step:
    """Return the training step of a contender."""
    if name == "ours":
        return ours(model, batch)
    if name == "floor":
        from tests.benchmarks.floor import floor

        return floor(model, batch)
    return pytorch(name, model, batch)


def ours(model: Seq2Seq, batch: Batch) -> Step:
    """minis2s."""
    keep_freed_memory()
    vector, model = on_vector(model)
    optimizer = Adam(len(vector), vector.dtype)

    def step() -> float:
        loss, cache = model.loss(batch)
        gradient = to_vector(model.backward(cache))
        clip_inplace(gradient, CLIP)
        optimizer.update_inplace(vector, gradient, RATE)
        return loss

    return step


def pytorch(name: str, model: Seq2Seq, batch: Batch) -> Step:
    """One of the three in PyTorch. The batch's tensors are made before the clock starts."""
    import torch
    from torch import nn

    from tests.pytorch import IGNORED, TorchSeq2Seq, twin

    source, mask, target, real = (
        torch.from_numpy(a) for a in (batch.source.ids, batch.source.mask, batch.target.ids, batch.target.mask)
    )
    last_step, rows = mask.sum(1) - 1, torch.arange(len(source))
    previous = torch.cat([torch.full_like(target[:, :1], BOS), target[:, :-1]], 1)
    wanted = target.masked_fill(~real, IGNORED)
    entropy = nn.functional.cross_entropy

    class Best(TorchSeq2Seq):
        def encode(self):
            memory, _ = self.encoder.cell(self.encoder.embedding(source))
            return memory, memory[rows, last_step], self.decoder.attention.W_k(memory)

        def context(self, s, keys, memory):
            attention = self.decoder.attention
            score = attention.v(torch.tanh(keys + attention.W_q(s)[:, None]))[..., 0]
            alpha = score.masked_fill(~mask, -torch.inf).softmax(-1)
            return (alpha[:, None] @ memory)[:, 0]

        def forward(self):
            memory, s, keys = self.encode()
            y, states = self.embedding(previous), []
            for t in range(y.shape[1]):
                s = self.decoder.cell(torch.cat([y[:, t], self.context(s, keys, memory)], -1), s)
                states.append(s)
            return entropy(self.output(torch.stack(states, 1)).flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)

    class Hoisted(Best):
        def forward(self):
            memory, s, keys = self.encode()
            cell, y = self.decoder.cell, self.embedding(previous)
            E = y.shape[-1]
            W_y, W_c = cell.weight_ih[:, :E], cell.weight_ih[:, E:].T
            projected, states = nn.functional.linear(y, W_y, cell.bias_ih), []
            for t in range(y.shape[1]):
                a = projected[:, t] + self.context(s, keys, memory) @ W_c
                a_r, a_z, a_n = a.chunk(3, 1)
                u_r, u_z, u_n = nn.functional.linear(s, cell.weight_hh, cell.bias_hh).chunk(3, 1)
                r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
                n = torch.tanh(a_n + r * u_n)
                s = n + z * (s - n)
                states.append(s)
            return entropy(self.output(torch.stack(states, 1)[real]), target[real])

    class Tutorial(Best):
        def forward(self):
            memory, s, _ = self.encode()
            attention, loss = self.decoder.attention, 0.0
            W = torch.cat([attention.W_q.weight, attention.W_k.weight], 1)  # one Linear on [state; memory]
            for t in range(previous.shape[1]):
                y = self.embedding(previous[:, t])
                both = torch.cat([s[:, None].expand_as(memory), memory], -1)
                score = attention.v(torch.tanh(nn.functional.linear(both, W)))[..., 0]
                alpha = score.masked_fill(~mask, -torch.inf).softmax(-1)
                s = self.decoder.cell(torch.cat([y, (alpha[:, None] @ memory)[:, 0]], -1), s)
                loss = loss + entropy(self.output(s), wanted[:, t], ignore_index=IGNORED, reduction="sum")
            return loss / real.sum()

    module = {"strong": Best, "strong2": Hoisted, "seed": Tutorial}[name](model.config).float()
    module.load_state_dict(twin(model).state_dict())
    optimizer = torch.optim.Adam(module.parameters(), RATE)

    def step() -> float:
        optimizer.zero_grad()
        loss = module()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        optimizer.step()
        return loss.item()

    return step
