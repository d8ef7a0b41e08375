"""Source sentence to one state a token."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.layers.cell import Cell, CellCache
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.record import record
from minis2s.layers.registry import CELLS
from minis2s.models.config import Config


class EncoderCache(NamedTuple):
    source: PackedBatch
    embedding: EmbeddingCache
    cell: CellCache


@record
class Encoder:
    """Read the source from left to right, one state a token. ``DeepEncoder`` has several layers and both directions.

    s_t    = cell(x_t, s_{t-1})                  (1) x_t is the embedding of token t
    memory = h_1 ... h_S, zero on padding        (2) h is the output part of the state s
    last   = the state after each sentence's last real token (3)
    """

    embedding: Embedding
    cell: Cell

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "Encoder":
        """One cell."""
        embedding = Embedding.init(rng, config.source_vocabulary, config.embedding)
        return cls(embedding, CELLS[config.cell].init(rng, config.embedding, config.memory))

    def initial_state(self, size: int, dtype: Any) -> np.ndarray:
        """Return h0 for ``size`` sentences: zero."""
        return np.zeros((size, self.cell.state_size), dtype)

    def forward(
        self, source: PackedBatch, h0: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[tuple[np.ndarray, np.ndarray], EncoderCache]:
        """Return (memory (B, S, M), last (B, C)) from first states h0 (B, C); nothing here is random."""
        x, embedding = self.embedding.forward(source.packed)
        states, cell = self.cell.forward(x, h0[source.order], source.batch_sizes)  # (1)
        memory = np.zeros((*source.ids.shape, self.cell.hidden), states.dtype)
        memory[source.rows, source.steps] = self.cell.hidden_of(states)  # (2)
        return (memory, states[source.last]), EncoderCache(source, embedding, cell)  # (3)

    def backward(
        self, dmemory_dlast: tuple[np.ndarray, np.ndarray], cache: EncoderCache, flow: list | None = None
    ) -> tuple["Encoder", np.ndarray]:
        """Reverse forward: return the gradient and dh0 (B, C)."""
        dmemory, dlast = dmemory_dlast
        source, embedding, cell = cache
        dstates = self.cell.state_gradient(dmemory[source.rows, source.steps])  # (2)
        dstates[source.last] += dlast  # (3); fork: a last state is also in memory. No row twice, so += keeps them all
        d_cell, dx, dh_sorted = self.cell.backward(dstates, cell, flow)  # (1)
        (d_embedding,) = self.embedding.backward(dx, embedding)
        dh0 = np.empty_like(dh_sorted)
        dh0[source.order] = dh_sorted
        return Encoder(d_embedding, d_cell), dh0
