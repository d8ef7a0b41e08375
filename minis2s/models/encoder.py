"""Source sentence to one state a token."""

from typing import NamedTuple

import numpy as np

from minis2s.data.batches import Sequences
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.gru import GRU, GRUCache
from minis2s.layers.record import record


class EncoderCache(NamedTuple):
    source: Sequences
    embedding: EmbeddingCache
    cell: GRUCache


@record
class Encoder:
    """Reads the source from left to right and leaves one state a token.

    h_t    = cell(x_t, h_{t-1})                  (1) x_t is the embedding of token t
    memory = h_1 ... h_S, zero on padding        (2)
    last   = the state after each sentence's last real token (3)
    """

    embedding: Embedding
    cell: GRU

    def forward(self, source: Sequences, h0: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], EncoderCache]:
        """Return (memory (B, S, H), last (B, H)) from first states h0 (B, H)."""
        x, embedding = self.embedding.forward(source.packed)
        hs, cell = self.cell.forward(x, h0[source.order], source.alive)  # (1)
        memory = np.zeros((*source.ids.shape, hs.shape[-1]), hs.dtype)
        memory[source.rows, source.steps] = hs  # (2)
        return (memory, hs[source.last]), EncoderCache(source, embedding, cell)  # (3)

    def backward(
        self, dmemory_dlast: tuple[np.ndarray, np.ndarray], cache: EncoderCache
    ) -> tuple["Encoder", np.ndarray]:
        """Reverse forward: return the gradient and dh0 (B, H)."""
        dmemory, dlast = dmemory_dlast
        source, embedding, cell = cache
        dhs = dmemory[source.rows, source.steps]  # (2)
        dhs[source.last] += dlast  # (3); fork: a last state is also in memory. No row twice, so += keeps them all
        d_cell, dx, dh_sorted = self.cell.backward(dhs, cell)  # (1)
        (d_embedding,) = self.embedding.backward(dx, embedding)
        dh0 = np.empty_like(dh_sorted)
        dh0[source.order] = dh_sorted
        return Encoder(d_embedding, d_cell), dh0
