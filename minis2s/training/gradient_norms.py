"""How gradients travel through time: the size of dL/dh at every step of every recurrent layer."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from minis2s.data.batches import Batch
from minis2s.layers.cell import Cell
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
    model = keeps_all_state_gradients(model)
    model.backward(model.loss(batch, rng)[1])
    norms: dict[str, np.ndarray] = {}
    for name, cell in cells_of(model).items():
        parts = zip(*(np.split(ds, cell.states_per_hidden, axis=-1) for ds in cell.state_gradients))
        norms |= {name + part: np.array([np.linalg.norm(d) for d in steps]) for part, steps in zip(("", ".c"), parts)}
    return norms


def cells_of(model: Seq2Seq) -> dict[str, Any]:
    """Return the cells of a model by name, in the order in which backward comes to them."""
    cells, layers = {"decoder": model.decoder.cell}, model.encoder.layers
    for depth, layer in reversed(list(enumerate(layers))):
        name = f"encoder.{depth}" if len(layers) > 1 else "encoder"
        cells |= {name + direction: cell for direction, cell in zip(("", ".backward"), layer.cells)}
    return cells


def keeps_all_state_gradients(model: Seq2Seq) -> Seq2Seq:
    """Return a model with the same weights, each of whose cells ``keeps_state_gradients``."""
    encoder, decoder = model.encoder, model.decoder
    layers = [replace(layer, cells=tuple(map(keeps_state_gradients, layer.cells))) for layer in encoder.layers]
    decoder = replace(decoder, cell=keeps_state_gradients(decoder.cell))
    return replace(model, encoder=replace(encoder, layers=tuple(layers)), decoder=decoder)


def keeps_state_gradients(cell: Cell) -> Any:
    """Return a cell with the same weights that keeps what backward goes through.

    After one backward pass its ``state_gradients`` are a list of dL/ds (B, C) of each step, in the order of time: all
    that reaches a state, from what uses it and from later steps. B is the number of sentences that have such a step.
    """

    class Keeps(type(cell)):  # type: ignore[misc]
        state_gradients: ClassVar[list[np.ndarray]] = []  # of this one cell, as the class is

        def step_backward_inplace(
            self, d: np.ndarray, activations: np.ndarray, ds_new: np.ndarray, W_hT: np.ndarray
        ) -> np.ndarray:
            self.state_gradients.insert(0, ds_new.copy())  # backward begins with the last step
            return super().step_backward_inplace(d, activations, ds_new, W_hT)

    return Keeps(**vars(cell))
