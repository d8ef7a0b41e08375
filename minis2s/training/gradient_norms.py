"""How gradients travel through time: the size of dL/dh at every step of every recurrent layer."""

import numpy as np

from minis2s.data.batches import Batch
from minis2s.layers.packing import step_slices
from minis2s.layers.registry import CELLS
from minis2s.models.seq2seq import Seq2Seq


def gradient_flow(model: Seq2Seq, batch: Batch, rng: np.random.Generator | int | None = None) -> dict[str, np.ndarray]:
    """Return, for every cell, the norm of dL/dh_t over the batch, (T,); it costs one loss and one backward.

    h_t is the output of step t, and its gradient is all that reaches it: from the layers above and from later steps. In
    a cell that reads backwards t counts from the end of the sentence. Where the norms die away towards the first steps,
    the model cannot learn from what stood there. An LSTM has a second path, its c, whose norms come beside h's.

    Returns
    -------
    By name, "decoder" first, then the encoder's layers from the top down: "encoder" or "encoder.1.backward"; with an
    LSTM also "decoder.c" and so on.

    References
    ----------
    Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063, section 2.
    """
    flow: list = []
    _, cache = model.loss(batch, rng)
    model.backward(cache, flow)
    config = model.config
    ways = ["", ".backward"][: 1 + config.bidirectional]
    depths = [f".{depth}" for depth in reversed(range(config.layers))] if config.layers > 1 else [""]
    names = ["decoder", *(f"encoder{depth}{way}" for depth in depths for way in ways)]
    parts = ("", ".c")[: CELLS[config.cell].states_per_hidden]
    return {
        name + part: np.array([np.linalg.norm(half[rows]) for rows in step_slices(batch_sizes)])
        for name, (ds, batch_sizes) in zip(names, flow, strict=True)
        for part, half in zip(parts, np.split(ds, len(parts), axis=-1))
    }
