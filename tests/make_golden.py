"""Make the files in tests/golden from PyTorch: ``python -m tests.make_golden``.

Each holds inputs, weights and what PyTorch computes from them, in our layout, so that whoever has no PyTorch can still
compare. ``weights/NAME``, ``gradient/NAME`` and ``adam/NAME`` go by our flat names; adam is after five clipped updates.
"""

from pathlib import Path

import numpy as np

from minis2s.data.batches import Sentences, make_batch
from minis2s.layers import to_dict
from tests.conftest import KINDS, SOURCES, TARGETS, random_gru, random_model

FOLDER = Path(__file__).parent / "golden"
RATE, LIMIT = 0.05, 0.2


def under(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def make_model(kind: str) -> dict[str, np.ndarray]:
    """A whole model on the ragged batch."""
    import torch

    from tests import pytorch

    model = random_model(np.random.default_rng(0), kind)
    batch, module = make_batch(SOURCES, TARGETS), pytorch.twin(model)
    loss = module(batch)
    loss.backward()
    gradients = pytorch.gradients_of(module)
    pytorch.train(module, batch, torch.optim.Adam(module.parameters(), lr=RATE), LIMIT)
    which = np.arange(len(SOURCES))
    targets = Sentences([[*target, 0] for target in TARGETS])  # one place more, because a target may be empty
    return {
        "source_ids": Sentences(SOURCES).pad(which).ids,
        "source_lengths": np.array([len(source) for source in SOURCES]),
        "target_ids": targets.pad(which).ids[:, :-1],
        "target_lengths": np.array([len(target) for target in TARGETS]),
        "rate": np.array(RATE),
        "limit": np.array(LIMIT),
        **under("weights", to_dict(model)),
        "loss": np.array(loss.item()),
        **under("gradient", gradients),
        **under("adam", pytorch.weights_of(module)),
    }


def make_gru() -> dict[str, np.ndarray]:
    """The recurrent layer on packed sequences."""
    import torch

    from tests import pytorch

    rng = np.random.default_rng(0)
    cell, x, h0, batch_sizes = random_gru(rng, [6, 4, 4, 1], 3, 5)
    dhs, module = rng.normal(size=(len(x), 5)), pytorch.twin(cell)
    x_torch, h0_torch = torch.tensor(x, requires_grad=True), torch.tensor(h0, requires_grad=True)
    hs = module(torch.nn.utils.rnn.PackedSequence(x_torch, torch.tensor(batch_sizes)), h0_torch[None])[0].data
    hs.backward(torch.from_numpy(dhs))
    return {
        "x": x,
        "h0": h0,
        "alive": np.array(batch_sizes),
        "dhs": dhs,
        **under("weights", to_dict(cell)),
        "hs": hs.detach().numpy(),
        "dx": x_torch.grad.numpy(),
        "dh0": h0_torch.grad.numpy(),
        **under("gradient", pytorch.gradients_of(module)),
    }


MAKERS = {"gru": make_gru, **{kind: lambda kind=kind: make_model(kind) for kind in KINDS}}


if __name__ == "__main__":
    for name, make in MAKERS.items():
        np.savez(FOLDER / f"{name}.npz", **make())
