"""The encoder with several layers, both directions, dropout and layer normalisation."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.layers.cell import Cell, CellCache
from minis2s.layers.dropout import Dropout
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.layer_norm import LayerNorm, LayerNormCache
from minis2s.layers.record import record
from minis2s.layers.registry import CELLS
from minis2s.models.config import Config


class LayerCache(NamedTuple):
    dropout_mask: np.ndarray | None  # the mask of the layer's input
    cells: list[CellCache]  # one a direction
    norm: LayerNormCache | None


class DeepEncoderCache(NamedTuple):
    source: PackedBatch
    embedding: EmbeddingCache
    layers: list[LayerCache]


@record
class EncoderLayer:
    """Cells over the same input, the first from left to right, the second, if there is one, from right to left.

    h_t = [forward h_t; backward h_t], then layer normalisation, if there is one

    References
    ----------
    Schuster & Paliwal 1997, "Bidirectional recurrent neural networks".
    """

    cells: tuple[Cell, ...]  # one, or two of half the width
    norm: LayerNorm | None


@record
class DeepEncoder:
    """Several layers; the outputs of one are the inputs of the next.

    x^0    = embeddings                                       (1)
    x^l    = layer l over dropout(x^{l-1})                    (2)
    memory = x^L, zero on padding                             (3)
    last   = the top layer's states where each direction ends (4) h of both directions, then, for an LSTM, c of both

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215; Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, section 3.2;
    dropout between layers: Zaremba, Sutskever & Vinyals 2014, arXiv 1409.2329.
    """

    embedding: Embedding
    layers: tuple[EncoderLayer, ...]
    dropout: Dropout

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "DeepEncoder":
        """Layers of width M in all, M / 2 a direction where there are two."""
        directions, layers = 1 + config.bidirectional, []
        embedding = Embedding.init(rng, config.source_vocabulary, config.embedding)
        for depth in range(config.layers):
            inputs = config.memory if depth else config.embedding
            cells = [CELLS[config.cell].init(rng, inputs, config.memory // directions) for _ in range(directions)]
            looked_at = config.attends or depth < config.layers - 1  # else only the top layer's last states are used
            norm = LayerNorm.init(config.memory) if config.layer_norm and looked_at else None
            layers.append(EncoderLayer(tuple(cells), norm))
        return cls(embedding, tuple(layers), Dropout(config.dropout))

    def initial_state(self, size: int, dtype: Any) -> np.ndarray:
        """Return h0 for ``size`` sentences: zero."""
        cells = self.layers[0].cells
        return np.zeros((len(self.layers), len(cells), size, cells[0].state_size), dtype)

    def forward(
        self, source: PackedBatch, h0: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[tuple[np.ndarray, np.ndarray], DeepEncoderCache]:
        """Return (memory (B, S, M), last (B, C)) from first states h0 (layers, directions, B, C / directions).

        ``rng`` draws the dropout masks; without it nothing is dropped.
        """
        rng = None if rng is None else np.random.default_rng(rng)  # a seed, too, gives each layer a mask of its own
        x, embedding = self.embedding.forward(source.packed)  # (1)
        caches = []
        for layer, first in zip(self.layers, h0):
            x, dropout_mask = self.dropout.forward(x, rng)
            all_states, cells = [], []
            for cell, direction, s0 in zip(layer.cells, directions(source), first):
                states, cache = cell.forward(x[direction], s0[source.order], source.batch_sizes)  # (2)
                all_states.append(states)
                cells.append(cache)
            outputs = [
                cell.hidden_of(states)[direction]
                for cell, states, direction in zip(layer.cells, all_states, directions(source))
            ]
            x, norm = np.concatenate(outputs, axis=-1), None
            if layer.norm is not None:
                x, norm = layer.norm.forward(x)
            caches.append(LayerCache(dropout_mask, cells, norm))
        memory = np.zeros((*source.ids.shape, x.shape[-1]), x.dtype)
        memory[source.rows, source.steps] = x  # (3)
        last = np.stack([states[source.last] for states in all_states], axis=1)  # (B, directions, C / directions)
        return (memory, side_by_side(last, self.layers[-1].cells[0].states_per_hidden)), DeepEncoderCache(
            source, embedding, caches
        )  # (4)

    def backward(
        self, dmemory_dlast: tuple[np.ndarray, np.ndarray], cache: DeepEncoderCache, flow: list | None = None
    ) -> tuple["DeepEncoder", np.ndarray]:
        """Reverse forward: return the gradient and dh0 (layers, directions, B, C / directions)."""
        dmemory, dlast = dmemory_dlast
        source, embedding, caches = cache
        dx, gradients, dh0 = dmemory[source.rows, source.steps], [], []  # (3)
        D, parts = len(self.layers[0].cells), self.layers[0].cells[0].states_per_hidden
        dlast = side_by_side(dlast.reshape(len(dlast), parts, -1), D)  # (B, C), a direction after the other
        for layer, (dropout_mask, cells, norm) in zip(reversed(self.layers), reversed(caches)):
            d_norm = None
            if layer.norm is not None:
                d_norm, dx = layer.norm.backward(dx, norm)
            d_cells, dfirst = [], []
            dinput: Any = 0.0
            for cell, cell_cache, direction, dh, dlast_direction in zip(
                layer.cells, cells, directions(source), np.split(dx, D, axis=-1), np.split(dlast, D, -1)
            ):
                dstates = cell.state_gradient(dh[direction])
                dstates[source.last] += dlast_direction  # (4)
                d_cell, dx_direction, ds0_sorted = cell.backward(dstates, cell_cache, flow)  # (2)
                dinput = dinput + dx_direction[direction]  # fork: both directions read the input
                ds0 = np.empty_like(ds0_sorted)
                ds0[source.order] = ds0_sorted
                d_cells.append(d_cell)
                dfirst.append(ds0)
            _, dx = self.dropout.backward(dinput, dropout_mask)
            dlast = np.zeros_like(dlast)  # the decoder starts from the top layer's last states only
            gradients.append(EncoderLayer(tuple(d_cells), d_norm))
            dh0.append(np.stack(dfirst))
        (d_embedding,) = self.embedding.backward(dx, embedding)  # (1)
        return DeepEncoder(d_embedding, tuple(reversed(gradients)), self.dropout), np.stack(dh0[::-1])


def directions(source: PackedBatch) -> tuple[np.ndarray | slice, np.ndarray]:
    """Return an index of packed rows for each direction: every sentence as it is, and every sentence reversed.

    Reversing twice gives the first order again, so the same index turns outputs back.
    """
    return slice(None), source.backwards


def side_by_side(all_states: np.ndarray, parts: int) -> np.ndarray:
    """Return (B, a, parts * n) as (B, parts * a * n), first parts first: [h c], [h c] to [h h c c]."""
    B, a, _ = all_states.shape
    return all_states.reshape(B, a, parts, -1).swapaxes(1, 2).reshape(B, -1)
