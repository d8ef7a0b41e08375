"""Source sentence to one state a token."""

from typing import Any, NamedTuple

import numpy as np

from minis2s.data.batches import PackedBatch
from minis2s.layers.dropout import Dropout
from minis2s.layers.embedding import Embedding, EmbeddingCache
from minis2s.layers.layer_norm import LayerNorm
from minis2s.layers.record import record
from minis2s.layers.registry import CELLS
from minis2s.models.config import Config
from minis2s.models.encoder_layer import EncoderLayer, EncoderLayerCache


class EncoderCache(NamedTuple):
    source: PackedBatch
    embedding: EmbeddingCache
    dropout_masks: list[np.ndarray | None]  # of each layer's input
    layers: list[EncoderLayerCache]


@record
class Encoder:
    """Read the source, one state a token: one layer from left to right, or several layers, or both directions.

    x^0    = embeddings of the tokens            (1)
    x^l    = layer l over dropout(x^{l-1})       (2) l = 1, 2, ...
    memory = the last of these, zero on padding  (3)
    last   = the last layer's last states        (4) h of its directions, then, for an LSTM, c of its directions

    References
    ----------
    Sutskever, Vinyals & Le 2014, arXiv 1409.3215; Bahdanau, Cho & Bengio 2015, arXiv 1409.0473, section 3.2;
    dropout between layers: Zaremba, Sutskever & Vinyals 2014, arXiv 1409.2329.
    """

    embedding: Embedding
    layers: tuple[EncoderLayer, ...]
    dropout: Dropout = Dropout(0.0)

    @classmethod
    def init(cls, rng: np.random.Generator, config: Config) -> "Encoder":
        """Layers of width M in all, M / 2 a direction where there are two."""
        directions, layers = 1 + config.bidirectional, []
        embedding = Embedding.init(rng, config.source_vocabulary, config.embedding)
        for depth in range(config.layers):
            inputs = config.memory if depth else config.embedding
            cells = [CELLS[config.cell].init(rng, inputs, config.memory // directions) for _ in range(directions)]
            looked_at = config.attends or depth < config.layers - 1  # else only the last layer's last states are used
            norm = LayerNorm.init(config.memory) if config.layer_norm and looked_at else None
            layers.append(EncoderLayer(tuple(cells), norm))
        return cls(embedding, tuple(layers), Dropout(config.dropout))

    def initial_state(self, size: int, dtype: Any) -> np.ndarray:
        """Return h0 (layers, directions, B, C) for ``size`` sentences B: zero."""
        cells = self.layers[0].cells
        return np.zeros((len(self.layers), len(cells), size, cells[0].state_size), dtype)

    def forward(
        self, source: PackedBatch, h0: np.ndarray, rng: np.random.Generator | int | None = None
    ) -> tuple[tuple[np.ndarray, np.ndarray], EncoderCache]:
        """Encode a batch.

        Parameters
        ----------
        source : B sentences of S steps
        h0 : (layers, directions, B, C) first states, with C of one direction
        rng : draws the dropout masks; without it nothing is dropped

        Returns
        -------
        memory : (B, S, M)
        last : (B, C of all directions), what the decoder starts from
        """
        rng = None if rng is None else np.random.default_rng(rng)  # a seed, too, gives each layer a mask of its own
        x, embedding = self.embedding.forward(source.packed)  # (1)
        dropout_masks, caches = [], []
        for layer, s0 in zip(self.layers, h0):
            x, dropout_mask = self.dropout.forward(x, rng)
            (x, ends), cache = layer.forward(x, s0, source)  # (2)
            dropout_masks.append(dropout_mask)
            caches.append(cache)
        memory = np.zeros((*source.ids.shape, x.shape[-1]), x.dtype)
        memory[source.rows, source.steps] = x  # (3)
        last = side_by_side(ends, self.layers[-1].cells[0].states_per_hidden)  # (4)
        return (memory, last), EncoderCache(source, embedding, dropout_masks, caches)

    def backward(
        self, dmemory_dlast: tuple[np.ndarray, np.ndarray], cache: EncoderCache
    ) -> tuple["Encoder", np.ndarray]:
        """Reverse forward: from dmemory (B, S, M) and dlast (B, C) return the gradient and dh0, in h0's shape."""
        dmemory, dlast = dmemory_dlast
        source, embedding, dropout_masks, caches = cache
        cells = self.layers[-1].cells
        dends = one_by_one(dlast, len(cells), cells[0].states_per_hidden)  # (4)
        dx = dmemory[source.rows, source.steps]  # (3)
        d_layers, dh0 = [], []
        for layer, layer_cache, dropout_mask in zip(self.layers[::-1], caches[::-1], dropout_masks[::-1]):
            d_layer, dx, ds0 = layer.backward((dx, dends), layer_cache)  # (2)
            _, dx = self.dropout.backward(dx, dropout_mask)
            dends = np.zeros_like(dends)  # the decoder starts from the last layer's states only
            d_layers.append(d_layer)
            dh0.append(ds0)
        (d_embedding,) = self.embedding.backward(dx, embedding)  # (1)
        return Encoder(d_embedding, tuple(d_layers[::-1]), self.dropout), np.stack(dh0[::-1])


def side_by_side(ends: np.ndarray, parts: int) -> np.ndarray:
    """Return (B, C of all directions) from ends (directions, B, C), h of all directions before c of all.

    parts is the number of widths H in C: 1, or 2 for an LSTM, whose state is h and c.
    """
    directions, B, _ = ends.shape
    return ends.reshape(directions, B, parts, -1).transpose(1, 2, 0, 3).reshape(B, -1)


def one_by_one(last: np.ndarray, directions: int, parts: int) -> np.ndarray:
    """Undo ``side_by_side``: return (directions, B, C) from last (B, C of all directions)."""
    B = len(last)
    return last.reshape(B, parts, directions, -1).transpose(2, 0, 1, 3).reshape(directions, B, -1)
